//! Goes through the entries of an archive, stage by stage, and hands over what is in them.

use super::audit::Audit;
use super::front::Front;
use super::item::{Item, damaged};
use super::layout::{Entry, MANIFEST};
use super::lines::{count_lines, each_line, malformed, read_text};
use crate::error::{Error, Result};
use crate::model::{Asset, Line, Stage};
use crate::transfer::{Filter, Sink};
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, HashMap, VecDeque};

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
    sidecars: BTreeMap<String, String>,
    /// A file whose sidecar did not come yet.
    waiting: Option<String>,
}

impl Pass {
    /// Starts to go through an archive, of which this takes part. `items` and `entries` are how many
    /// lines or files, and how many entries, each stage has, where that is known.
    pub fn new(
        audit: Audit,
        items: Option<HashMap<Stage, u64>>,
        entries: Option<HashMap<Stage, u64>>,
        filter: &Filter,
    ) -> Self {
        Self {
            archive: audit.archive().to_owned(),
            takes_assets: filter.includes(Stage::Assets),
            audit: Some(audit),
            items,
            left: entries,
            todo: Stage::ALL
                .into_iter()
                .filter(|stage| filter.includes(*stage))
                .collect(),
            started: false,
            done: RoaringTreemap::new(),
            sidecars: BTreeMap::new(),
            waiting: None,
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

    /// Ends the stages that are left.
    pub fn finish(mut self, sink: &mut dyn Sink) -> Result<()> {
        if let Some(filename) = self.sidecars.keys().next().filter(|_| self.takes_assets) {
            let missing = Error::archive(format!(
                "{}: the file of {filename} is missing from assets/uploads",
                self.archive
            ));
            sink.damaged(missing.hint("make a new export. Nothing was changed"))?;
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
            return self.record(item);
        };
        if !filter.includes(stage) {
            return self.count(item, stage);
        }
        let is_on =
            !self.done.contains(item.number) && self.stage(sink, Some(stage))? == Some(stage);
        if !is_on {
            return self.count(item, stage);
        }
        match &item.entry {
            Entry::Sidecar(filename) => match read_text(&self.archive, &item.name, item.content) {
                Ok(sidecar) => {
                    self.sidecars.insert(filename.clone(), sidecar);
                }
                Err(fault) => sink.damaged(fault)?,
            },
            Entry::Upload(filename) => {
                let Some(sidecar) = self.sidecars.remove(filename) else {
                    self.waiting = Some(item.name.clone());
                    if self.left.is_none() {
                        sink.damaged(self.stuck())?;
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
        self.done.insert(item.number);
        if let Some(left) = self.left.as_mut().and_then(|left| left.get_mut(&stage)) {
            *left -= 1;
        }
        Ok(())
    }

    /// Takes in what the archive says of itself.
    fn record(&mut self, item: &mut Item<'_>) -> Result<()> {
        let Some(audit) = &mut self.audit else {
            return Ok(());
        };
        match item.entry {
            Entry::Result => audit.outcome(read_text(&self.archive, &item.name, item.content)?),
            Entry::Hmac => audit.hmac(read_text(&self.archive, &item.name, item.content)?),
            Entry::Checksums => audit
                .listed(item.content)
                .map_err(|error| damaged(&self.archive, error))?,
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
        let audit = &mut self.audit;
        each_line(
            &self.archive,
            &item.name,
            item.content,
            &mut |line, place| {
                if let Some(audit) = audit {
                    audit.count(stage, 1);
                }
                match Line::parse(stage, line) {
                    Ok(line) => {
                        match (&line, &mut *audit, &mut *front) {
                            (Line::Entity(parsed), Some(audit), _) => {
                                audit.count_entity(parsed.entity().content_type);
                            }
                            (Line::Schema(schema), _, Some(front)) => {
                                front.schemas.push(schema.clone());
                            }
                            _ => {}
                        }
                        filter
                            .send(&line, sink)
                            .map_err(|error| error.within(place()))
                    }
                    Err(why) => sink.damaged(malformed(place(), &why)),
                }
            },
        )
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
        let fault = Error::archive(format!(
            "{}: {next} stand behind {stage}, which {MANIFEST} and pipes do not allow",
            self.archive
        ));
        sink.damaged(fault.hint("the archive was packed anew; take the one that was exported"))?;
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

    /// Nothing more can be handed over, though not all was.
    pub fn stuck(&self) -> Error {
        Error::archive(format!(
            "{}: {} has no sidecar in assets/metadata",
            self.archive,
            self.waiting.as_deref().unwrap_or("a file")
        ))
        .hint("make a new export. Nothing was changed")
    }
}
