//! Makes a source that streams once into one that can be asked again.
//!
//! What it sends goes into a file without a name, for lines hold the password hashes of the site's
//! users: nobody else can open it, and nothing is left of it however the process ends.

use super::{Description, Filter, Sink, Source, Warning};
use crate::error::{Error, Result};
use crate::model::{Asset, ConfigItem, Entity, Line, Link, Schema, Stage};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes that are written or read at once.
const BUFFER: usize = 256 << 10;

/// What a record of the spool holds. Its length in bytes follows as 8 bytes, then its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Record {
    /// A stage starts: its number among all stages, then how many items, where known.
    Stage = 1,
    /// A line of the current stage.
    Line = 2,
    /// The name of a file.
    Filename = 3,
    /// The sidecar of that file.
    Sidecar = 4,
    /// The file.
    Content = 5,
}

impl Record {
    fn from_byte(byte: u8) -> Option<Self> {
        [
            Self::Stage,
            Self::Line,
            Self::Filename,
            Self::Sidecar,
            Self::Content,
        ]
        .into_iter()
        .find(|record| *record as u8 == byte)
    }
}

/// A source whose stream was read once and kept.
pub struct Spooled {
    name: String,
    description: Description,
    file: File,
    folder: PathBuf,
    warnings: Vec<Warning>,
}

impl Spooled {
    /// Reads all that a source sends into a file without a name in `folder`.
    ///
    /// # Errors
    /// The source cannot be read, or the disk is full.
    pub fn new(source: &mut dyn Source, folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|error| Error::io("spool what is read in", folder, error))?;
        let warnings = Spool::fill(&file, folder, source)?;
        Ok(Self {
            name: source.name(),
            // Some sources know what they are only when all of it was read.
            description: source.describe()?,
            file,
            folder: folder.to_owned(),
            warnings,
        })
    }
}

/// Writes a stream into the spool.
struct Spool<'a> {
    out: BufWriter<&'a File>,
    folder: &'a Path,
    warnings: Vec<Warning>,
}

impl<'a> Spool<'a> {
    /// Writes all that a source sends into `file`; gives its warnings.
    fn fill(file: &'a File, folder: &'a Path, source: &mut dyn Source) -> Result<Vec<Warning>> {
        let mut spool = Self {
            out: BufWriter::with_capacity(BUFFER, file),
            folder,
            warnings: Vec::new(),
        };
        source.stream(&Filter::default(), &mut spool)?;
        let flushed = spool.out.flush();
        flushed.map_err(|error| spool.fail(error))?;
        Ok(spool.warnings)
    }

    fn head(&mut self, record: Record, length: u64) -> io::Result<()> {
        self.out.write_all(&[record as u8])?;
        self.out.write_all(&length.to_le_bytes())
    }

    fn fail(&self, error: io::Error) -> Error {
        Error::from_io(error, |error| {
            Error::io("spool what is read in", self.folder, error)
        })
    }

    fn record(&mut self, record: Record, content: &[u8]) -> Result<()> {
        self.head(record, content.len() as u64)
            .and_then(|()| self.out.write_all(content))
            .map_err(|error| self.fail(error))
    }
}

impl Sink for Spool<'_> {
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

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.record(Record::Filename, asset.filename.as_bytes())?;
        self.record(Record::Sidecar, asset.sidecar.as_bytes())?;
        let copied = self
            .head(Record::Content, asset.size)
            .and_then(|()| io::copy(content, &mut self.out))
            .map_err(|error| self.fail(error))?;
        if copied != asset.size {
            return Err(Error::archive(format!(
                "{} has {copied} bytes instead of {}",
                asset.filename, asset.size
            )));
        }
        Ok(())
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.record(Record::Line, link.line.as_bytes())
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.record(Record::Line, item.line.as_bytes())
    }

    fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }
}

/// Reads the spool.
struct Replay<'a> {
    input: BufReader<&'a File>,
}

impl Replay<'_> {
    /// The next record and its length; `None` at the end.
    fn head(&mut self) -> io::Result<Option<(Record, u64)>> {
        let mut head = [0; 9];
        match self.input.read(&mut head[..1])? {
            0 => return Ok(None),
            _ => self.input.read_exact(&mut head[1..])?,
        }
        let length = u64::from_le_bytes(head[1..].try_into().expect("8 bytes"));
        match Record::from_byte(head[0]) {
            Some(record) => Ok(Some((record, length))),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn text(&mut self, length: u64) -> io::Result<String> {
        let mut text = String::new();
        self.input.by_ref().take(length).read_to_string(&mut text)?;
        Ok(text)
    }

    /// The content of a record that must come next.
    fn expect(&mut self, wanted: Record) -> io::Result<u64> {
        match self.head()? {
            Some((record, length)) if record == wanted => Ok(length),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl Source for Spooled {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn describe(&mut self) -> Result<Description> {
        Ok(self.description.clone())
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        for warning in self.warnings.drain(..) {
            sink.warn(warning);
        }
        let folder = &self.folder;
        let fail = |error| Error::io("read what was spooled in", folder, error);
        self.file.seek(SeekFrom::Start(0)).map_err(fail)?;
        let mut replay = Replay {
            input: BufReader::with_capacity(BUFFER, &self.file),
        };
        let mut current = Stage::Schemas;
        while let Some((record, length)) = replay.head().map_err(fail)? {
            match record {
                Record::Stage => {
                    let mut content = Vec::new();
                    replay
                        .input
                        .by_ref()
                        .take(length)
                        .read_to_end(&mut content)
                        .map_err(fail)?;
                    let number = content.first().copied().unwrap_or_default();
                    current = Stage::ALL[usize::from(number).min(Stage::ALL.len() - 1)];
                    let items = content.get(1..9).and_then(|bytes| bytes.try_into().ok());
                    if filter.includes(current) {
                        sink.stage(current, items.map(u64::from_le_bytes))?;
                    }
                }
                Record::Filename => {
                    let filename = replay.text(length).map_err(fail)?;
                    let length = replay.expect(Record::Sidecar).map_err(fail)?;
                    let sidecar = replay.text(length).map_err(fail)?;
                    let size = replay.expect(Record::Content).map_err(fail)?;
                    let mut content = replay.input.by_ref().take(size);
                    if filter.includes(Stage::Assets) {
                        let asset = Asset {
                            filename,
                            sidecar,
                            size,
                        };
                        sink.asset(&asset, &mut content)?;
                    }
                    io::copy(&mut content, &mut io::sink()).map_err(fail)?;
                }
                _ => {
                    let line = replay.text(length).map_err(fail)?;
                    if filter.includes(current) {
                        let line = Line::parse(current, &line).map_err(Error::archive)?;
                        filter.send(&line, sink)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn replays(&self) -> bool {
        true
    }
}
