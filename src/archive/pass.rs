//! Goes through the entries of an archive, stage by stage, and hands over what is in them.

use super::audit::Audit;
use super::file_rows::FileRows;
use super::front::Front;
use super::item::Item;
use super::layout::{Entry, upload_name};
use super::lines::{count_lines, each_line, malformed, read_text};
use super::sidecars::Sidecars;
use crate::error::{Error, Result};
use crate::model::limits::{LONGEST_RESULT, LONGEST_SIDECAR};
use crate::model::{Asset, Line, Stage};
use crate::transfer::{Examples, Filter, Sink, Subject, Warning, WarningKind};
use roaring::RoaringTreemap;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;

/// How many things of one kind are listed one by one.
const LISTED: u64 = 5;

/// What is wrong with a file that stands alone.
const NO_SIDECAR: &str = "has no sidecar in assets/metadata";

/// Entries that belong with others that are not there: how many, and the first of them by name.
#[derive(Default)]
struct Unmatched {
    names: Vec<String>,
    more: u64,
}

impl Unmatched {
    fn add(&mut self, name: &str) {
        if (self.names.len() as u64) < LISTED {
            self.names.push(name.to_owned());
        } else {
            self.more += 1;
        }
    }

    /// Says of each what is wrong with it.
    fn faults(self, archive: &str, what: &str) -> Vec<Error> {
        let more = (self.more > 0).then(|| format!("{} more files: each {what}", self.more));
        let named = self.names.iter().map(|name| format!("{name} {what}"));
        named
            .chain(more)
            .map(|text| Error::archive(format!("{archive}: {text}")))
            .collect()
    }
}

/// The state of going through an archive, stage by stage.
pub(super) struct Pass {
    archive: String,
    takes_assets: bool,
    /// While the archive is gone through for the first time.
    pub audit: Option<Audit>,
    /// How many lines or files each stage has, where that is known.
    items: Option<HashMap<Stage, u64>>,
    /// How many entries of each stage are not through; `None` where the entries must stand in the
    /// order of the stages.
    left: Option<HashMap<Stage, u64>>,
    /// The stages that are not through, the current one first.
    todo: VecDeque<Stage>,
    /// Whether the current stage was announced.
    started: bool,
    /// The entries that are through.
    done: RoaringTreemap,
    /// Sidecars whose file did not come yet.
    sidecars: Sidecars,
    /// Files whose sidecar did not come yet.
    waiting: Unmatched,
    /// Where sidecars are spooled.
    folder: PathBuf,
    /// Rows that say what the files are, for as long as the archive may be one without sidecars.
    rows: Option<FileRows>,
    /// Files that were taken without a sidecar, or left out because no row names them.
    bare: Unmatched,
    /// Files that no row names.
    unnamed: Examples,
}

impl Pass {
    /// Starts to go through an archive, of which this takes part. `items` and `entries` are how many
    /// lines or files, and how many entries, each stage has, where that is known. `rows` is for the rows
    /// of the media library, where the archive may be one without sidecars.
    pub fn new(
        audit: Audit,
        items: Option<HashMap<Stage, u64>>,
        entries: Option<HashMap<Stage, u64>>,
        filter: &Filter,
        rows: Option<FileRows>,
    ) -> Self {
        let takes_assets = filter.includes(Stage::Assets);
        Self {
            archive: audit.archive().to_owned(),
            takes_assets,
            items,
            left: entries,
            todo: Stage::ALL
                .into_iter()
                .filter(|stage| filter.includes(*stage))
                .collect(),
            started: false,
            done: RoaringTreemap::new(),
            sidecars: Sidecars::new(audit.folder()),
            folder: audit.folder().to_owned(),
            waiting: Unmatched::default(),
            audit: Some(audit),
            rows: rows.filter(|_| takes_assets),
            bare: Unmatched::default(),
            unnamed: Examples::default(),
        }
    }

    /// How many entries were handed over.
    pub fn entries_through(&self) -> u64 {
        self.done.len()
    }

    /// Whether the archive may have to be gone through again, for entries that came too early.
    pub fn may_repeat(&self) -> bool {
        self.left.is_some()
    }

    /// Starts to go through the archive, once more.
    pub fn begin(&mut self) {
        self.waiting = Unmatched::default();
    }

    /// Nothing more of the current stage can be handed over, though not all was; the next one is on.
    pub fn give_up_stage(&mut self, sink: &mut dyn Sink) -> Result<()> {
        for fault in std::mem::take(&mut self.waiting).faults(&self.archive, NO_SIDECAR) {
            sink.damaged(fault)?;
        }
        if let (Some(stage), Some(left)) = (self.todo.front(), &mut self.left) {
            left.remove(stage);
        }
        Ok(())
    }

    /// Ends the stages that are left. `is_bare` says whether the archive is one without sidecars.
    pub fn finish(mut self, is_bare: bool, sink: &mut dyn Sink) -> Result<()> {
        self.give_up_stage(sink)?;
        self.tell_of_bare_files(is_bare, sink)?;
        if self.takes_assets {
            let mut lonely = Unmatched::default();
            let left = self
                .sidecars
                .left(&mut |filename| lonely.add(&upload_name(filename)));
            left.map_err(|error| self.spooling(error))?;
            for fault in lonely.faults(&self.archive, "is missing, though it has a sidecar") {
                sink.damaged(fault)?;
            }
        }
        while !self.todo.is_empty() {
            self.next_stage(sink)?;
        }
        Ok(())
    }

    /// Tells of files that were taken without sidecars.
    fn tell_of_bare_files(&mut self, is_bare: bool, sink: &mut dyn Sink) -> Result<()> {
        let bare = std::mem::take(&mut self.bare);
        if bare.names.is_empty() {
            return Ok(());
        }
        if !is_bare || self.rows.is_none() {
            for fault in bare.faults(&self.archive, NO_SIDECAR) {
                sink.damaged(fault)?;
            }
            return Ok(());
        }
        let mut note = |reason: String| {
            let subject = Subject::Entry(self.archive.clone());
            sink.warn(Warning::new(WarningKind::Notice, subject, reason));
        };
        note(
            "it has no sidecars of files, as none of Strapi before 4.12: what its files are is taken from \
             the rows of plugin::upload.file"
                .into(),
        );
        let subject = Subject::Entry(self.archive.clone());
        let unnamed = std::mem::take(&mut self.unnamed);
        if let Some(unnamed) = unnamed.warning(WarningKind::Notice, subject) {
            note(format!(
                "{} of its files are left out, because no row of plugin::upload.file names them: {}",
                unnamed.count, unnamed.reason
            ));
        }
        Ok(())
    }

    /// Takes in an entry, if its turn has come.
    pub fn entry(
        &mut self,
        item: &mut Item<'_>,
        front: &mut Option<Front>,
        filter: &Filter,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let Some(stage) = item.entry.stage() else {
            return self.record(item, sink);
        };
        if front.as_ref().is_some_and(|front| front.manifest.is_some()) {
            self.rows = None;
        }
        if !filter.includes(stage) {
            if stage == Stage::Entities && self.rows.is_some() {
                return self.rows_only(item);
            }
            return self.count(item, stage);
        }
        let is_on =
            !self.done.contains(item.number) && self.stage(sink, Some(stage))? == Some(stage);
        if !is_on {
            return self.count(item, stage);
        }
        match &item.entry {
            Entry::Sidecar(filename) => {
                match read_text(&self.archive, &item.name, item.content, LONGEST_SIDECAR) {
                    Ok(sidecar) => {
                        self.rows = None;
                        let kept = self.sidecars.keep(filename, &sidecar);
                        kept.map_err(|error| self.spooling(error))?;
                    }
                    Err(fault) => sink.damaged(fault)?,
                }
            }
            Entry::Upload(filename) => {
                let own = self.sidecars.take(filename);
                let own = own.map_err(|error| self.spooling(error))?;
                let Some(sidecar) =
                    own.map_or_else(|| self.row_of(item, filename), |own| Ok(Some(own)))?
                else {
                    if self.rows.is_none() || !filter.includes(Stage::Entities) {
                        self.waiting.add(&item.name);
                    } else {
                        self.leave_unnamed(item);
                    }
                    return self.count(item, stage);
                };
                let asset = Asset {
                    filename: filename.clone(),
                    sidecar,
                    size: item.length,
                };
                sink.asset(&asset, item.content)?;
                self.count(item, stage)?;
            }
            _ => self.lines(stage, item, front, filter, sink)?,
        }
        self.through(item.number, stage);
        Ok(())
    }

    /// What the row of a file says of it, where there are no sidecars.
    fn row_of(&mut self, item: &Item<'_>, filename: &str) -> Result<Option<String>> {
        let Some(rows) = &mut self.rows else {
            return Ok(None);
        };
        let sidecar = rows.sidecar(filename)?;
        if sidecar.is_some() {
            self.bare.add(&item.name);
        }
        Ok(sidecar)
    }

    /// Leaves a file out that no row names.
    fn leave_unnamed(&mut self, item: &Item<'_>) {
        self.bare.add(&item.name);
        self.unnamed.add(|| item.name.clone());
        self.through(item.number, Stage::Assets);
    }

    /// Takes the rows of the media library in from entities that are not wanted themselves.
    fn rows_only(&mut self, item: &mut Item<'_>) -> Result<()> {
        let (audit, rows) = (&mut self.audit, &mut self.rows);
        let stage = Stage::Entities;
        each_line(
            stage,
            &self.archive,
            &item.name,
            item.content,
            &mut |line, _| {
                if let Some(audit) = audit {
                    audit.count(stage, 1);
                }
                match (line.map(|line| Line::parse(stage, line)), &mut *rows) {
                    (Ok(Ok(Line::Entity(parsed))), Some(rows)) => rows.add(&parsed.entity()),
                    _ => Ok(()),
                }
            },
        )
    }

    fn through(&mut self, number: u64, stage: Stage) {
        self.done.insert(number);
        if let Some(left) = self.left.as_mut().and_then(|left| left.get_mut(&stage)) {
            *left -= 1;
        }
    }

    fn spooling(&self, error: io::Error) -> Error {
        Error::io("spool sidecars in", &self.folder, error)
    }

    /// Takes in what the archive says of itself.
    fn record(&mut self, item: &mut Item<'_>, sink: &mut dyn Sink) -> Result<()> {
        let Some(audit) = &mut self.audit else {
            return Ok(());
        };
        match item.entry {
            Entry::Result | Entry::Hmac => {
                match read_text(&self.archive, &item.name, item.content, LONGEST_RESULT) {
                    Ok(text) if item.entry == Entry::Result => audit.outcome(text),
                    Ok(text) => audit.hmac(text),
                    Err(fault) => sink.damaged(fault)?,
                }
            }
            Entry::Checksums => audit.listed(item.content)?,
            _ => {}
        }
        Ok(())
    }

    /// Counts the items of an entry that is passed over.
    fn count(&mut self, item: &mut Item<'_>, stage: Stage) -> Result<()> {
        if self.audit.is_none() {
            return Ok(());
        }
        let items = match item.entry {
            Entry::Lines(..) => count_lines(&self.archive, item.content)?,
            Entry::Upload(_) => 1,
            _ => 0,
        };
        if let Some(audit) = &mut self.audit {
            audit.count(stage, items);
        }
        Ok(())
    }

    fn lines(
        &mut self,
        stage: Stage,
        item: &mut Item<'_>,
        front: &mut Option<Front>,
        filter: &Filter,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let (audit, rows) = (&mut self.audit, &mut self.rows);
        let mut malformed_lines = 0_u64;
        each_line(
            stage,
            &self.archive,
            &item.name,
            item.content,
            &mut |line, place| {
                if let Some(audit) = audit {
                    audit.count(stage, 1);
                }
                let length = line.as_deref().map_or(0, str::len);
                match line.and_then(|line| Line::parse(stage, line)) {
                    Ok(line) => {
                        if let (Line::Entity(parsed), Some(rows)) = (&line, &mut *rows) {
                            rows.add(&parsed.entity())?;
                        }
                        match (&line, &mut *audit, &mut *front) {
                            (Line::Entity(parsed), Some(audit), _) => {
                                audit.count_entity(parsed.entity().content_type);
                            }
                            (Line::Schema(schema), _, Some(front)) => {
                                front.schema(schema, length, place)?;
                            }
                            _ => {}
                        }
                        filter
                            .send(&line, sink)
                            .map_err(|error| error.within(place()))?;
                        sink.stood_at(place);
                        Ok(())
                    }
                    Err(why) => {
                        malformed_lines += 1;
                        if malformed_lines > LISTED {
                            return Ok(());
                        }
                        sink.damaged(malformed(place(), &why))
                    }
                }
            },
        )?;
        if malformed_lines > LISTED {
            let more = format!("{} more lines are none", malformed_lines - LISTED);
            sink.damaged(malformed(item.name.clone(), &more))?;
        }
        Ok(())
    }

    /// The stage that is on, once the ones before it are through; `None` at the end. Where entries
    /// stand in the order of the stages, the next one tells: `next` is of this stage, or there is none.
    pub fn stage(&mut self, sink: &mut dyn Sink, next: Option<Stage>) -> Result<Option<Stage>> {
        while let Some(&stage) = self.todo.front() {
            self.start(stage, sink)?;
            let goes_on = match &self.left {
                Some(left) => left.get(&stage).is_some_and(|&left| left > 0),
                None => next.is_some_and(|next| next <= stage),
            };
            if goes_on {
                if self.left.is_none() && next.is_some_and(|next| next < stage) {
                    return self.out_of_order(next, stage, sink);
                }
                return Ok(Some(stage));
            }
            self.next_stage(sink)?;
        }
        Ok(None)
    }

    fn out_of_order(
        &self,
        next: Option<Stage>,
        stage: Stage,
        sink: &mut dyn Sink,
    ) -> Result<Option<Stage>> {
        let next = next.map_or("?", Stage::as_str);
        sink.damaged(
            Error::archive(format!(
                "{}: {next} stand behind {stage}, where they cannot be taken: it was packed anew, or \
                 comes through a pipe",
                self.archive
            ))
            .hint("write it to a file, or unpack it into a folder, and give that"),
        )?;
        Ok(None)
    }

    /// Announces a stage, once.
    fn start(&mut self, stage: Stage, sink: &mut dyn Sink) -> Result<()> {
        if !self.started {
            let items = self
                .items
                .as_ref()
                .map(|items| items.get(&stage).copied().unwrap_or(0));
            sink.stage(stage, items)?;
            self.started = true;
        }
        Ok(())
    }

    fn next_stage(&mut self, sink: &mut dyn Sink) -> Result<()> {
        if let Some(&stage) = self.todo.front() {
            self.start(stage, sink)?;
            self.todo.pop_front();
            self.started = false;
        }
        Ok(())
    }
}
