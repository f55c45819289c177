//! Goes through the entries of an archive, stage by stage, and hands over what is in them.

use super::audit::Audit;
use super::files::{Described, Files};
use super::front::Front;
use super::item::Item;
use super::layout::Entry;
use super::lines::{count_lines, each_line, malformed, read_text};
use crate::error::{Error, Result};
use crate::model::limits::{LONGEST_RESULT, LONGEST_SIDECAR};
use crate::model::{Asset, Line, NameMap, Stage};
use crate::transfer::{Filter, Sink};
use roaring::RoaringTreemap;
use std::collections::{HashMap, VecDeque};

/// How many things of one kind are listed one by one.
const LISTED: u64 = 5;

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
    /// What says of files what they are.
    files: Files,
    /// The entries that hold something that they cannot hold: their bytes are not those that were written.
    pub malformed: NameMap<()>,
}

impl Pass {
    /// Starts to go through an archive, of which this takes part. `items` and `entries` are how many
    /// lines or files, and how many entries, each stage has, where that is known. It `may_be_bare`: files
    /// without sidecars are then what rows of the media library say.
    pub fn new(
        audit: Audit,
        items: Option<HashMap<Stage, u64>>,
        entries: Option<HashMap<Stage, u64>>,
        filter: &Filter,
        may_be_bare: bool,
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
            files: Files::new(audit.archive(), audit.folder(), may_be_bare && takes_assets),
            audit: Some(audit),
            malformed: NameMap::default(),
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
        self.files.begin();
    }

    /// Nothing more of the current stage can be handed over, though not all was; the next one is on.
    pub fn give_up_stage(&mut self, sink: &mut dyn Sink) -> Result<()> {
        self.files.give_up(sink)?;
        if let (Some(stage), Some(left)) = (self.todo.front(), &mut self.left) {
            left.remove(stage);
        }
        Ok(())
    }

    /// Ends the stages that are left. `is_bare` says whether the archive is one without sidecars.
    pub fn finish(mut self, is_bare: bool, sink: &mut dyn Sink) -> Result<()> {
        self.give_up_stage(sink)?;
        if self.takes_assets {
            self.files.finish(is_bare, sink)?;
        }
        while !self.todo.is_empty() {
            self.next_stage(sink)?;
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
            self.files.have_sidecars();
        }
        if !filter.includes(stage) {
            if stage == Stage::Entities && self.files.rows().is_some() {
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
                    Ok(sidecar) => self.files.keep(filename, &sidecar)?,
                    Err(fault) => {
                        self.malformed.insert(&item.name, ());
                        sink.damaged(fault)?;
                    }
                }
            }
            Entry::Upload(filename) => {
                let sidecar = match self.files.describe(&item.name, filename)? {
                    Described::As(sidecar) => sidecar,
                    Described::ByNobody if filter.includes(Stage::Entities) => {
                        self.files.leave_out(&item.name);
                        self.through(item.number, stage);
                        return self.count(item, stage);
                    }
                    Described::Later | Described::ByNobody => {
                        self.files.wait(&item.name);
                        return self.count(item, stage);
                    }
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

    /// Takes the rows of the media library in from entities that are not wanted themselves.
    fn rows_only(&mut self, item: &mut Item<'_>) -> Result<()> {
        let (audit, files) = (&mut self.audit, &mut self.files);
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
                match (line.map(|line| Line::parse(stage, line)), files.rows()) {
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
        let (audit, files) = (&mut self.audit, &mut self.files);
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
                        if let (Line::Entity(parsed), Some(rows)) = (&line, files.rows()) {
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
        if malformed_lines > 0 {
            self.malformed.insert(&item.name, ());
        }
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
