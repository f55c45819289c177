//! The lines of a source, put aside while they are looked at, so that what was looked at is what is
//! loaded.
//!
//! They go into a file without a name, for lines hold the password hashes of the site's users: nobody
//! else can open it, and nothing is left of it however the process ends. Files of the media library
//! are not lines, and stay where the destination staged them.

use super::{Filter, Sink, Warning};
use crate::error::{Error, Result};
use crate::model::{Asset, ConfigItem, Entity, Line, Link, Schema, Stage};
use crate::nameless::{Nameless, Purpose};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// What a record of the spool holds. Its length in bytes follows as 8 bytes, then its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Record {
    /// A stage starts: its number among all stages, then how many items, where known.
    Stage = 1,
    /// A line of the current stage.
    Line = 2,
}

impl Record {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Stage, Self::Line]
            .into_iter()
            .find(|record| *record as u8 == byte)
    }
}

/// Lines that were put aside, in the order in which they came.
#[derive(Debug)]
pub struct Spool {
    file: Nameless,
}

impl Spool {
    /// An empty one, in a file without a name in `folder`.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn new(folder: &Path) -> Result<Self> {
        let file = Nameless::new(folder, Purpose::SPOOL)?;
        Ok(Self { file })
    }

    /// Sends what the filter lets through into `sink`, as a source does.
    ///
    /// # Errors
    /// It cannot be read back, or the sink refuses something.
    pub fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        let folder = self.file.folder().to_owned();
        let fail = |error| Error::io(Purpose::SPOOL.read, &folder, error);
        let mut replay = Replay {
            input: self.file.reader()?,
        };
        let mut current = Stage::Schemas;
        let mut content = Vec::new();
        while let Some(record) = replay.next(&mut content).map_err(fail)? {
            match record {
                Record::Stage => {
                    let number = content.first().copied().unwrap_or_default();
                    current = Stage::ALL[usize::from(number).min(Stage::ALL.len() - 1)];
                    let items = content.get(1..9).and_then(|bytes| bytes.try_into().ok());
                    match current {
                        _ if !filter.includes(current) => {}
                        Stage::Assets => sink.staged_files(&|_| {})?,
                        _ => sink.stage(current, items.map(u64::from_le_bytes))?,
                    }
                }
                Record::Line if filter.includes(current) => {
                    let line = std::str::from_utf8(&content)
                        .map_err(|_| fail(io::ErrorKind::InvalidData.into()))?;
                    let line = Line::parse(current, line).map_err(Error::archive)?;
                    filter.send(&line, sink)?;
                }
                Record::Line => {}
            }
        }
        Ok(())
    }

    fn record(&mut self, record: Record, content: &[u8]) -> Result<()> {
        let length = content.len() as u64;
        self.file
            .add(&[&[record as u8], &length.to_le_bytes(), content])
    }
}

impl Sink for Spool {
    fn stage(&mut self, stage: Stage, items: Option<u64>) -> Result<()> {
        let number = Stage::ALL.iter().position(|own| *own == stage);
        let mut content = vec![number.map_or(0, |number| number as u8)];
        content.extend(items.into_iter().flat_map(u64::to_le_bytes));
        self.record(Record::Stage, &content)
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        self.record(Record::Line, schema.to_line().as_bytes())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.record(Record::Line, entity.line.as_bytes())
    }

    fn asset(&mut self, _asset: &Asset, _content: &mut dyn Read) -> Result<()> {
        Ok(())
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.record(Record::Line, link.line.as_bytes())
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.record(Record::Line, item.line.as_bytes())
    }

    fn warn(&mut self, _warning: Warning) {}
}

/// Reads the spool.
struct Replay<'a> {
    input: BufReader<&'a mut File>,
}

impl Replay<'_> {
    /// The next record, its content in `content`; `None` at the end.
    fn next(&mut self, content: &mut Vec<u8>) -> io::Result<Option<Record>> {
        let mut head = [0; 9];
        match self.input.read(&mut head[..1])? {
            0 => return Ok(None),
            _ => self.input.read_exact(&mut head[1..])?,
        }
        let length = u64::from_le_bytes(head[1..].try_into().expect("8 bytes"));
        content.clear();
        let read = self.input.by_ref().take(length).read_to_end(content)? as u64;
        match Record::from_byte(head[0]).filter(|_| read == length) {
            Some(record) => Ok(Some(record)),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}
