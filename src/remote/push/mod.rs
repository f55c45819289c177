//! A running Strapi as a destination: everything is checked before anything is deleted, and what a push that breaks
//! leaves is set right as far as the protocol can.
//!
//! The protocol replaces rows in one transaction, and files at once: from the moment when the server is told to delete,
//! its media library is gone, whatever becomes of the transaction. So the site is pulled into a safety copy first, and
//! after a push that broke its files are sent back by one that is never committed.

mod alone;
mod asking;
mod back;
mod chunk;
mod described;
mod files;
mod fitting;
mod held;
mod library;
mod load;
mod lock;
mod logos;
mod losses;
mod notices;
mod numbers;
mod patience;
mod reached;
mod recovery;
mod rules;
mod staging;
mod talk;
#[cfg(test)]
mod tests;
mod waiting;

use super::address::Direction;
use super::wire::{Action, Request, Restore};
use super::{RemoteSource, Site, Trouble};
use crate::error::{Error, Result};
use crate::model::{ConfigKind, Schemas, Stage};
use crate::store::Interrupt;
use crate::transfer::{
    Contents, Deletion, Description, Destination, Filter, Inspection, Load, Noting, Plan, Sink,
    Source, Spool, Survey, Warning,
};
use held::Held;
use load::RemoteLoad;
use lock::PushLock;
use losses::Losses;
use rules::{Deleting, Rules, Shape};
use staging::{Intake, Staging};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use talk::Push;
use waiting::Waiting;

/// A copy of all that a site holds, made before a push deletes anything. Who makes it says where it lies, and deletes it
/// when it is of no use any more.
pub trait SafetyCopy: Send + Sync {
    /// A name for messages and commands, such as a path.
    fn name(&self) -> String;

    /// Makes it from the site.
    ///
    /// # Errors
    /// The site cannot be read, or the copy cannot be written.
    fn make(&self, site: &mut dyn Source) -> Result<()>;

    /// How it is encrypted, as half a sentence for whoever has to open it.
    fn lock(&self) -> &str {
        ""
    }

    /// Hears that the site was compared with what was sent to it, and holds all of that: only then the copy is of no use
    /// any more.
    fn spent(&self) {}

    /// Reads it back, until the user wants that to stop.
    ///
    /// # Errors
    /// It cannot be read.
    fn open(&self, interrupt: Interrupt) -> Result<Box<dyn Source>>;
}

/// Whoever hears whether a site is half-way.
pub type HalfWay = Arc<dyn Fn(bool) + Send + Sync>;

/// How a push is done.
#[derive(Clone, Default)]
pub struct PushOptions {
    /// The copy that is made before anything is deleted; `None` for none, with which a push that breaks may leave the
    /// site without its files.
    pub safety: Option<Arc<dyn SafetyCopy>>,
    /// A folder for the lock that keeps two pushes of this machine into one site apart.
    pub lock_folder: PathBuf,
    /// Hears when the site comes into a state in which ending the process at once leaves it half-way, and when it is out
    /// of it again.
    pub half_way: Option<HalfWay>,
    /// Hears of a site that lets wait, once each time: another transfer may hold it.
    pub tell: Option<fn(&str)>,
}

/// A running Strapi as a destination.
pub struct RemoteDestination {
    site: Site,
    spool_folder: PathBuf,
    options: PushOptions,
    described: Option<Description>,
    /// Whether the token allows to pull.
    can_pull: bool,
    staging: Option<Staging>,
    before: Option<Held>,
    /// Taken before the site is asked for anything: on SQLite it answers nobody while it is pushed into.
    lock: Option<PushLock>,
}

impl RemoteDestination {
    /// The Strapi at this site. What comes waits in `spool_folder`.
    pub fn new(site: Site, spool_folder: &Path, options: PushOptions) -> Self {
        Self {
            site,
            spool_folder: spool_folder.to_owned(),
            options,
            described: None,
            can_pull: true,
            staging: None,
            before: None,
            lock: None,
        }
    }

    fn schemas(&self) -> Schemas {
        let described = self.described.as_ref();
        let schemas = described.and_then(|it| it.schemas.clone());
        schemas.unwrap_or_default()
    }

    fn rules(&self) -> Rules {
        let described = self.described.as_ref();
        Rules::of(described.and_then(|it| it.metadata.as_ref()))
    }

    /// Asks by a pull, which does not block the site.
    fn describe_by_pull(&self) -> Result<Description> {
        let mut session = self.site.pull()?;
        session.ask(Request::Action(Action::Bootstrap))?;
        let description = asking::description(&mut session)?;
        session.ask(Request::Action(Action::Close))?;
        session.leave();
        Ok(description)
    }

    /// Asks by a push that is left before it deletes anything.
    fn describe_by_push(&self) -> Result<Description> {
        let mut push = Push::open(&self.site, &Restore::default())?;
        let description = asking::description(push.session());
        push.leave();
        description
    }

    /// Sees that the token allows to push: before anything is read for it, and anybody asked.
    fn check_push(&self) -> Result<()> {
        let nothing = Restore {
            include: Some(Vec::new()),
            ..Restore::default()
        };
        self.site.push(&nothing).map(super::Session::leave)
    }

    /// Makes the safety copy, and says where the site is not what it was when it was counted.
    fn make_safety_copy(&self, copy: &dyn SafetyCopy) -> Result<Vec<Warning>> {
        let mut source = RemoteSource::new(self.site.clone(), &self.spool_folder);
        let mut contents = Contents::default();
        copy.make(&mut Noting::new(&mut source, &mut contents))
            .map_err(not_copied)?;
        Ok(match &self.before {
            Some(before) => {
                if let Some(lacks) = notices::lacking(before, &contents) {
                    return Err(Error::failed(format!(
                        "the safety copy lacks what the site held when the plan was made, and nothing was changed: {lacks}"
                    ))
                    .hint(LACKING));
                }
                notices::changed(before, &contents)
            }
            None => Vec::new(),
        })
    }
}

/// What a plan calls files.
const FILES: &str = "files of the media library";

/// What is said where the push did not begin.
const NOTHING: &str = "nothing was changed";

/// What is said of a safety copy that could not be made.
const NOT_COPIED: &str = "the safety copy of the site could not be made, and nothing was changed";

/// What is to be done where the safety copy lacks something.
const LACKING: &str = "run it again when nobody writes to the site; if it lacks the same again, see to these files or \
                       rows there, or go without (--no-safety-copy), after which they cannot be brought back";

/// What is said where a file of the site is gone, at which Strapi 4 ends every pull of files.
const LOST_FILE: &str = "a push that leaves the files of the site as they are (--exclude files) needs no copy of them; \
                         --no-safety-copy goes without any, and files that are deleted then cannot be brought back";

/// The error of a safety copy that could not be made.
fn not_copied(error: Error) -> Error {
    let error = match Trouble::of(&error) {
        Some(Trouble::Stage(Stage::Assets)) => error.also(LOST_FILE),
        _ => error,
    };
    error.also(NOT_COPIED)
}

/// What is said where the token does not allow the copy.
const NO_PULL: &str = "its token does not allow to pull, so that there is no safety copy: use one with full access, or \
                       go without (--no-safety-copy)";

impl Destination for RemoteDestination {
    fn name(&self) -> String {
        self.site.name()
    }

    fn describe(&mut self) -> Result<Option<Description>> {
        let lock = PushLock::take(&self.options.lock_folder, self.site.address())?;
        self.lock = Some(lock);
        let _waiting = Waiting::start(&self.site.name(), self.options.tell);
        self.check_push()?;
        let described = match self.describe_by_pull() {
            Err(error) if Trouble::of(&error) == Some(&Trouble::OtherKind(Direction::Pull)) => {
                if self.options.safety.is_some() {
                    return Err(error.also(NO_PULL));
                }
                self.can_pull = false;
                self.describe_by_push()?
            }
            described => described?,
        };
        self.described = Some(described.clone());
        Ok(Some(described))
    }

    fn stage(&mut self, filter: &Filter) -> Result<Option<Box<dyn Sink + '_>>> {
        Shape::of(filter)?;
        let interrupt = self.site.access().interrupt().clone();
        let losses = Losses::new(self.schemas(), self.rules(), interrupt);
        let staging = Staging::new(&self.spool_folder, losses)?;
        Ok(Some(Box::new(Intake(self.staging.insert(staging)))))
    }

    fn remarks(&mut self) -> Vec<Warning> {
        let staging = self.staging.as_mut();
        staging.map_or_else(Vec::new, |staging| staging.losses.remarks())
    }

    fn survey(&mut self, filter: &Filter, _coming: &Inspection) -> Result<Survey> {
        let (schemas, rules) = (self.schemas(), self.rules());
        let shape = Shape::of(filter)?;
        let deleting = Deleting::new(shape, filter, rules, &schemas);
        let mut survey = Survey {
            notices: notices::of_plan(shape, &deleting, rules, self.can_pull),
            ..Survey::default()
        };
        if !self.can_pull {
            survey.deletions = deleting.uncounted(&schemas);
            return Ok(survey);
        }
        let cut = deleting.include.as_ref().map(|_| (&schemas, &deleting));
        let mut held = Held::count(&self.site, rules, cut)?;
        if !deleting.files {
            // They stay, and nobody has to see after them.
            held.files = None;
        }
        let rows = held.rows.iter().filter(|(uid, _)| deleting.deletes(uid));
        survey.deletions = rows
            .map(|(uid, ids)| Deletion {
                what: uid.clone(),
                count: Some(ids.len()),
            })
            .collect();
        if deleting.files {
            survey.deletions.push(Deletion {
                what: FILES.into(),
                count: held.files,
            });
        }
        if deleting.settings {
            let settings = Held::count_settings(&self.site)?.into_iter();
            survey
                .deletions
                .extend(settings.map(|(what, count)| Deletion {
                    what: what.into(),
                    count: Some(count),
                }));
        }
        survey
            .deletions
            .retain(|deletion| deletion.count != Some(0));
        survey.links = held.cut_links();
        self.before = Some(held);
        Ok(survey)
    }

    fn staged(&mut self) -> Option<Spool> {
        let staging = self.staging.as_mut()?;
        let empty = Spool::new(&self.spool_folder).ok()?;
        Some(std::mem::replace(&mut staging.lines, empty))
    }

    fn begin(mut self: Box<Self>, plan: &Plan) -> Result<Box<dyn Load>> {
        let nothing = || Error::failed("nothing was staged that could be sent");
        let staging = self.staging.take().ok_or_else(nothing)?;
        let described = self.described.take().ok_or_else(nothing)?;
        let shape = Shape::of(&plan.filter)?;
        let rules = Rules::of(described.metadata.as_ref());
        let schemas = described.schemas.clone().unwrap_or_default();
        let deleting = Deleting::new(shape, &plan.filter, rules, &schemas);
        let lock = self.lock.take().ok_or_else(nothing)?;
        let mut notices = Vec::new();
        if let Some(copy) = &self.options.safety {
            notices.extend(self.make_safety_copy(copy.as_ref())?);
        }
        let site = patience::site_of_push(&self.site, rules);
        let restore = deleting.restore();
        let waiting = Waiting::start(&self.site.name(), self.options.tell);
        let push = Push::open(&site, &restore).and_then(|mut push| {
            let now = asking::description(push.session())?;
            asking::check_unchanged(&self.site.name(), &described, &now)?;
            push.note_clock(&now);
            Ok(push)
        });
        let push = push.map_err(|error| error.interrupted_with(NOTHING).also(NOTHING))?;
        drop(waiting);
        Ok(Box::new(RemoteLoad {
            site: self.site,

            push: Some(push),
            shape,
            rules,
            expected: load::expected(&plan.filter, &staging.losses),
            deleting,
            files: staging.files,
            files_are_sent: false,
            named_files: 0,
            safety: self.options.safety,
            before: self.before,
            notices,
            spool_folder: self.spool_folder,
            tell: self.options.tell,
            half_way: self.options.half_way,
            _lock: lock,
        }))
    }
}

impl Deleting {
    /// What goes of a site with these schemas that does not let itself be counted.
    fn uncounted(&self, schemas: &Schemas) -> Vec<Deletion> {
        let types = schemas.content_types().map(|schema| schema.uid.as_str());
        let settings = [ConfigKind::CoreStore, ConfigKind::Webhook].map(ConfigKind::as_str);
        let files = self.files.then_some(FILES);
        types
            .filter(|uid| self.deletes(uid))
            .chain(files)
            .chain(settings.into_iter().filter(|_| self.settings))
            .map(|what| Deletion {
                what: what.to_owned(),
                count: None,
            })
            .collect()
    }

    /// The option of `init`.
    fn restore(&self) -> Restore {
        Restore {
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            assets: self.files,
            webhook: self.settings,
            core_store: self.settings,
        }
    }
}
