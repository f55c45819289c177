//! A site that is being replaced: rows, files, links and configuration go to it in Strapi's order, and are committed at
//! the end.

use super::files::StagedFiles;
use super::held::Held;
use super::library::Library;
use super::lock::PushLock;
use super::losses::Losses;
use super::reached::Reached;
use super::recovery::Wreck;
use super::rules::{Deleting, Rules, Shape};
use super::talk::Push;
use super::waiting::Waiting;
use super::{HalfWay, SafetyCopy, alone, notices, patience};
use crate::error::{Error, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use crate::remote::Site;
use crate::store::Interrupt;
use crate::transfer::{Event, Filter, Load, Report, Sink, Subject, Warning, WarningKind};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

/// A site that is being replaced.
pub(super) struct RemoteLoad {
    pub site: Site,
    /// `None` once it is left.
    pub push: Option<Push>,
    pub shape: Shape,
    pub rules: Rules,
    pub deleting: Deleting,
    pub files: StagedFiles,
    pub files_are_sent: bool,
    /// How many of the files that were sent are named by rows that the site had.
    pub named_files: u64,
    /// How many rows of each content type are sent.
    pub expected: BTreeMap<String, u64>,
    pub safety: Option<Arc<dyn SafetyCopy>>,
    /// What the site held, where the token allows to look.
    pub before: Option<Held>,
    pub notices: Vec<Warning>,
    pub spool_folder: PathBuf,
    pub tell: Option<fn(&str)>,
    pub half_way: Option<HalfWay>,
    /// The last to go.
    pub _lock: PushLock,
}

/// How many rows of each content type a push with this filter sends.
pub(super) fn expected(filter: &Filter, losses: &Losses) -> BTreeMap<String, u64> {
    let rows = losses.sent().iter();
    let sent =
        rows.filter(|(uid, _)| filter.includes(Stage::Entities) && filter.includes_type(uid));
    sent.map(|(uid, count)| (uid.clone(), *count)).collect()
}

impl RemoteLoad {
    fn push(&mut self) -> Result<&mut Push> {
        let push = self.push.as_mut();
        push.ok_or_else(|| Error::failed("the push has ended already"))
    }

    /// Has the server delete what is replaced, once.
    fn clear(&mut self) -> Result<()> {
        let (name, tell) = (self.site.name(), self.tell);
        let half_way = self.half_way.clone().filter(|_| self.deleting.files);
        let push = self.push()?;
        match push.reached() {
            Reached::Opened => {
                if let Some(half_way) = half_way {
                    half_way(true);
                }
                let _waiting = Waiting::start(&name, tell);
                push.clear()
            }
            _ => Ok(()),
        }
    }

    fn send_files(&mut self, tell: &dyn Fn(Event<'_>)) -> Result<()> {
        if !self.deleting.files || self.files_are_sent {
            return Ok(());
        }
        self.clear()?;
        let user = self.site.access().interrupt().clone();
        let Self {
            push: Some(push),
            files,
            shape,
            before,
            named_files,
            ..
        } = self
        else {
            return Ok(());
        };
        let row = (*shape == Shape::Files).then_some(alone::ROW);
        if row.is_some() {
            alone::send_row(push)?;
        }
        push.start(Stage::Assets)?;
        let stage = Stage::Assets;
        let items = Some(files.count());
        tell(Event::StageStarted { stage, items });
        let interrupt = push.session().site().access().interrupt().clone();
        files.each(&mut |asset, content| {
            alone::stop_between_files(push, &user)?;
            let advanced = |items, bytes| {
                tell(Event::Advanced {
                    stage,
                    items,
                    bytes,
                });
            };
            push.file(asset, row, content, &interrupt, &|bytes| advanced(0, bytes))?;
            advanced(1, 0);
            let is_named = before
                .as_ref()
                .is_some_and(|before| before.described.knows(&asset.filename));
            *named_files += u64::from(is_named);
            Ok(())
        })?;
        push.finish()?;
        tell(Event::StageFinished { stage });
        self.files_are_sent = true;
        Ok(())
    }

    /// Sends what is left, and has the server commit; files alone are there without that.
    fn complete(&mut self) -> Result<()> {
        self.clear()?;
        self.send_files(&|_| {})?;
        let shape = self.shape;
        if let Some(half_way) = self.half_way.as_ref().filter(|_| !self.deleting.files) {
            half_way(true);
        }
        let push = self.push()?;
        match shape {
            Shape::Files => push.finish(),
            Shape::Whole | Shape::Part => push.commit(),
        }
    }

    /// Whether a site that did not answer is seen to have committed. That it has not nothing can tell: it may do so later.
    fn has_committed(&self) -> bool {
        let Some(before) = &self.before else {
            return false;
        };
        let site = self.site.stopped_by(Interrupt::default());
        let looked =
            || Held::has_replaced(&site, self.rules, before, &self.deleting, &self.expected);
        patience::patiently(&site, looked).unwrap_or_default()
    }

    /// Looks whether the site holds what was sent. `None` where it holds what a commit deletes. The safety copy is of no
    /// use any more only where it holds all.
    fn compare(&self) -> Option<Vec<Warning>> {
        let Some(before) = &self.before else {
            return Some(Vec::new());
        };
        let counted = patience::patiently(&self.site, || {
            Held::count_committed(&self.site, self.rules, before, &self.deleting)
        });
        let held = match counted {
            Ok(held) => held?,
            Err(error) => {
                let reason = format!(
                    "it took all that was sent, and what it holds now could not be counted: look whether its rows and \
                     files are there: {error}"
                );
                let site = Subject::Entry(self.site.name());
                return Some(vec![Warning::new(WarningKind::NotKept, site, reason)]);
            }
        };
        let files = match self.shape {
            // Rows of the site say which files count.
            Shape::Files => Some(self.named_files),
            Shape::Whole | Shape::Part => self.deleting.files.then_some(self.files.count()),
        };
        Some(notices::compared(&held, &self.expected, files))
    }

    /// What there is to be set right, once the connection is closed.
    fn wreck(self: Box<Self>) -> Wreck {
        let reached = self.push.as_ref().map_or(Reached::Opened, Push::reached);
        let backup = self
            .push
            .as_ref()
            .and_then(|it| it.backup().map(str::to_owned));
        let began = self.push.as_ref().and_then(Push::began);
        if let Some(push) = self.push {
            push.leave();
        }
        Wreck {
            site: self.site,
            reached,
            has_files: self.deleting.files,
            kept_types: self.deleting.exclude,
            rules: self.rules,
            backup,
            began,
            safety: self.safety,
            library: Library::of(self.before.as_ref(), self.rules, self.spool_folder),
            tell: self.tell,
            half_way: self.half_way,
            _lock: self._lock,
        }
    }
}

impl Load for RemoteLoad {
    fn abandon(
        mut self: Box<Self>,
        error: Error,
        warn: &mut dyn FnMut(Warning),
        tell: &dyn Fn(Event<'_>),
    ) -> Error {
        self.notices.drain(..).for_each(&mut *warn);
        self.wreck().settle(error, warn, tell)
    }

    fn commit(
        mut self: Box<Self>,
        _outcome: &Report,
        warn: &mut dyn FnMut(Warning),
        tell: &dyn Fn(Event<'_>),
    ) -> Result<()> {
        self.notices.drain(..).for_each(&mut *warn);
        if let Err(error) = self.complete() {
            let reached = self.push.as_ref().map(Push::reached);
            if reached != Some(Reached::Closing) {
                return Err(self.abandon(error, warn, tell));
            }
            if let Some(push) = self.push.take() {
                push.leave();
            }
            if !self.has_committed() {
                let mut wreck = self.wreck();
                wreck.reached = Reached::FilesKept;
                return Err(wreck.undecided(&error));
            }
            let reason = format!("it has committed, though its answer was lost: {error}");
            let site = Subject::Entry(self.site.name());
            warn(Warning::new(WarningKind::Notice, site, reason));
        }
        let mut is_whole = true;
        if let Some(mut push) = self.push.take() {
            let said = notices::said_by_server(push.warnings());
            is_whole &= said.is_empty();
            said.into_iter().for_each(&mut *warn);
            push.leave();
        }
        let Some(found) = self.compare() else {
            let error = Error::failed(format!(
                "{} said that it commits, and still holds rows that a commit deletes",
                self.site.name()
            ));
            let mut wreck = self.wreck();
            wreck.reached = Reached::FilesKept;
            return Err(wreck.undecided(&error));
        };
        is_whole &= !found.iter().any(|it| it.kind.is_incomplete());
        found.into_iter().for_each(warn);
        if let Some(copy) = self.safety.as_ref().filter(|_| is_whole) {
            copy.spent();
        }
        Ok(())
    }
}

impl Sink for RemoteLoad {
    fn stage(&mut self, stage: Stage, _items: Option<u64>) -> Result<()> {
        if stage == Stage::Schemas {
            return Ok(());
        }
        self.clear()?;
        if stage > Stage::Assets {
            self.send_files(&|_| {})?;
        }
        self.push()?.start(stage)
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.push()?.row(entity.line)
    }

    fn asset(&mut self, _asset: &Asset, _content: &mut dyn Read) -> Result<()> {
        // It is staged.
        Ok(())
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.push()?.row(link.line)
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.push()?.row(item.line)
    }

    fn staged_files(&mut self, tell: &dyn Fn(Event<'_>)) -> Result<()> {
        self.send_files(tell)
    }

    fn warn(&mut self, _warning: Warning) {}
}
