//! What a transfer did, in numbers.

use super::{Event, Observer, Sink, Warning, WarningKind};
use crate::error::{Error, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, ModelType, Schema, Stage};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// How many items, and how many bytes they have in the archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Rows, links or files.
    pub items: u64,
    /// Bytes: of the line, or of the file.
    pub bytes: u64,
}

impl Count {
    pub(super) fn add(&mut self, bytes: u64) {
        self.items += 1;
        self.bytes += bytes;
    }
}

/// How many groups of files are told apart, for extensions may be anything; the others are one more.
const MOST_GROUPS: usize = 1000;
const OTHER_GROUPS: &str = "others";
/// The group of files whose names have no extension.
pub(super) const NO_EXTENSION: &str = "No extension";

/// A stage in numbers.
#[derive(Debug, Clone, Default)]
pub struct StageReport {
    /// All of it.
    pub total: Count,
    /// Schemas by sort, entities by content type, assets by file extension.
    pub groups: BTreeMap<String, Count>,
}

/// What a transfer did, in numbers.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The stages that ran.
    pub stages: BTreeMap<Stage, StageReport>,
    /// How many things there were of each kind to warn of.
    pub warnings: BTreeMap<WarningKind, u64>,
}

impl Report {
    /// Whether something is missing from the result.
    pub fn is_incomplete(&self) -> bool {
        self.warnings.keys().any(|kind| kind.is_incomplete())
    }

    /// Counts a warning.
    pub fn count_warning(&mut self, warning: &Warning) {
        *self.warnings.entry(warning.kind).or_default() += warning.count;
    }

    /// Counts an item of a stage.
    pub(crate) fn count(&mut self, stage: Stage, group: Option<&str>, bytes: u64) {
        let report = self.stages.entry(stage).or_default();
        report.total.add(bytes);
        let Some(mut group) = group else {
            return;
        };
        if stage == Stage::Assets
            && report.groups.len() >= MOST_GROUPS
            && !report.groups.contains_key(group)
        {
            group = OTHER_GROUPS;
        }
        match report.groups.get_mut(group) {
            Some(count) => count.add(bytes),
            None => {
                let mut count = Count::default();
                count.add(bytes);
                report.groups.insert(group.to_owned(), count);
            }
        }
    }
}

/// Stands between a source and a sink: counts, tells the observer, and stops when it is asked to.
pub(super) struct Counting<'a> {
    pub sink: &'a mut dyn Sink,
    pub report: &'a mut Report,
    pub observer: &'a dyn Observer,
    stage: Option<Stage>,
}

impl<'a> Counting<'a> {
    pub fn new(sink: &'a mut dyn Sink, report: &'a mut Report, observer: &'a dyn Observer) -> Self {
        Self {
            sink,
            report,
            observer,
            stage: None,
        }
    }

    /// Says that the last stage is through.
    pub fn finish(mut self) {
        self.leave_stage();
    }

    fn leave_stage(&mut self) {
        if let Some(stage) = self.stage.take() {
            self.observer.on(Event::StageFinished { stage });
        }
    }

    fn advanced(&self, stage: Stage, items: u64, bytes: u64) {
        self.observer.on(Event::Advanced {
            stage,
            items,
            bytes,
        });
    }

    fn advance(&mut self, stage: Stage, group: Option<&str>, bytes: u64) -> Result<()> {
        if self.observer.is_cancelled() {
            return Err(Error::interrupted());
        }
        self.report.count(stage, group, bytes);
        self.advanced(stage, 1, bytes);
        Ok(())
    }
}

impl Sink for Counting<'_> {
    fn stage(&mut self, stage: Stage, items: Option<u64>) -> Result<()> {
        self.leave_stage();
        self.stage = Some(stage);
        self.report.stages.entry(stage).or_default();
        self.observer.on(Event::StageStarted { stage, items });
        self.sink.stage(stage, items)
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        let group = match schema.model_type {
            ModelType::ContentType => "contentType",
            ModelType::Component => "component",
        };
        self.advance(Stage::Schemas, Some(group), schema.to_line().len() as u64)?;
        self.sink.schema(schema)
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.advance(
            Stage::Entities,
            Some(entity.content_type),
            entity.line.len() as u64,
        )?;
        self.sink.entity(entity)
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        struct Watched<'a> {
            content: &'a mut dyn Read,
            observer: &'a dyn Observer,
        }
        impl Read for Watched<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if self.observer.is_cancelled() {
                    return Err(Error::interrupted().into_io());
                }
                let length = self.content.read(buffer)?;
                self.observer.on(Event::Advanced {
                    stage: Stage::Assets,
                    items: 0,
                    bytes: length as u64,
                });
                Ok(length)
            }
        }
        let mut watched = Watched {
            content,
            observer: self.observer,
        };
        self.sink.asset(asset, &mut watched)?;
        let group = asset.extension().unwrap_or(NO_EXTENSION);
        self.report.count(Stage::Assets, Some(group), asset.size);
        self.advanced(Stage::Assets, 1, 0);
        Ok(())
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.advance(Stage::Links, None, link.line.len() as u64)?;
        self.sink.link(link)
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.advance(Stage::Configuration, None, item.line.len() as u64)?;
        self.sink.configuration(item)
    }

    fn staged_files(&mut self, _tell: &dyn Fn(Event<'_>)) -> Result<()> {
        self.leave_stage();
        let observer = self.observer;
        self.sink.staged_files(&|event| observer.on(event))
    }

    fn warn(&mut self, warning: Warning) {
        self.report.count_warning(&warning);
        self.observer.on(Event::Warned(&warning));
        self.sink.warn(warning);
    }

    fn damaged(&mut self, fault: Error) -> Result<()> {
        self.sink.damaged(fault)
    }
}
