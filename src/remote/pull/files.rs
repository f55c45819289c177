//! The files of a pull. Each goes on as soon as it is whole, so that no disk has to hold all of them here.
//!
//! When the stage breaks, the server begins with the first file again: files that went on before are held against what
//! comes, and left out.

use super::super::session::Session;
use super::super::socket::Stopped;
use super::super::trouble::Trouble;
use super::fault::Fault;
use super::items::{Arrived, Items};
use super::lines::Lines;
use super::rows::Known;
use super::stages::{Taker, Totals, pull};
use crate::error::{Error, Result};
use crate::model::limits::LONGEST_SIDECAR;
use crate::model::{
    Asset, Entity, Fields, NameMap, Short, Stage, complete_sidecar, is_file_name, named_files,
};
use crate::transfer::{Examples, Sink, Subject, UPLOAD_TYPES, Warning, WarningKind};
use serde::Deserialize;
use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How many files that could not be taken are listed one by one.
const LISTED: u64 = 1000;

/// What is kept of a file that went on.
struct Sent {
    digest: [u8; 32],
    /// In which go it came last.
    go: u32,
}

/// The files of all goes.
pub(super) struct Files {
    folder: PathBuf,
    sent: NameMap<Sent>,
    /// Files, by row and format, in the go in which they came last.
    rows: NameMap<u32>,
    /// Files of which it was told that they do not come along.
    told: NameMap<()>,
    listed: u64,
    more: Examples,
    completed: Examples,
    go: u32,
    /// How many came in this go.
    count: u64,
    announced: bool,
}

/// What of a sidecar is looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sidecar<'a> {
    id: Option<i64>,
    #[serde(borrow, rename = "type")]
    format: Option<Cow<'a, str>>,
}

impl Files {
    /// None yet; what must wait on disk does so in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            sent: NameMap::default(),
            rows: NameMap::default(),
            told: NameMap::default(),
            listed: 0,
            more: Examples::default(),
            completed: Examples::default(),
            go: 0,
            count: 0,
            announced: false,
        }
    }

    /// How many came since it was last begun.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Pulls all of them, in one go. `known` says which rows came, where rows take part.
    pub fn pull(
        &mut self,
        session: &mut Session,
        known: Option<&Known>,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        self.go += 1;
        self.count = 0;
        let mut taking = Taking {
            items: Items::new(&self.folder, session.has_checksums()),
            files: self,
            known,
            sink,
            expected: None,
        };
        pull(session, &[Stage::Assets], &mut taking)
    }

    /// Tells of what was not told one by one.
    pub fn finish(&mut self, sink: &mut dyn Sink) {
        let more = std::mem::take(&mut self.more);
        if let Some(warning) = more.warning(WarningKind::MissingAsset, Subject::Files) {
            sink.warn(warning);
        }
        let completed = std::mem::take(&mut self.completed);
        if let Some(note) = completed.warning(WarningKind::Notice, Subject::Files) {
            let reason = format!(
                "{} lack a name, a media type or a size, which `strapi import` asks for; the archive has some beside \
                 the file, and the row as it is: {}",
                note.count, note.reason
            );
            sink.warn(Warning { reason, ..note });
        }
    }

    /// Tells of the files that rows name and that did not come.
    ///
    /// # Errors
    /// The rows cannot be read back.
    pub fn tell_missing(&mut self, entities: &mut Lines, sink: &mut dyn Sink) -> Result<()> {
        each_file(entities, &mut |id, filename| {
            if self.sent.get(&filename).is_none() {
                let why = "the server does not send it: it has lost it, or cannot read it";
                self.leave_out((id, None), filename, why, sink);
            }
            true
        })
    }

    /// The first file that rows name and that did not come: where a stage broke because of one, it is that.
    pub fn first_missing(&self, entities: &mut Lines) -> Option<String> {
        let mut first = None;
        let found = each_file(entities, &mut |id, filename| {
            if self.rows.get(&key(id, &filename)) != Some(&self.go) && first.is_none() {
                first = Some(format!("{} (row {id})", Short(&filename)));
            }
            first.is_none()
        });
        found.ok().and(first)
    }

    fn leave_out(
        &mut self,
        (id, format): (i64, Option<String>),
        filename: String,
        why: &str,
        sink: &mut dyn Sink,
    ) {
        if self.told.insert(&filename, ()).is_some() {
            return;
        }
        if self.listed == LISTED {
            self.more.add(|| format!("{id} ({filename})"));
            return;
        }
        self.listed += 1;
        let subject = Subject::File {
            id,
            format,
            filename: Short(&filename).to_string(),
        };
        sink.warn(Warning::new(WarningKind::MissingAsset, subject, why));
    }

    fn arrived(
        &mut self,
        mut file: Arrived,
        known: Option<&Known>,
        sink: &mut dyn Sink,
        keep: &mut dyn FnMut(),
    ) -> Result<(), Stopped> {
        self.count += 1;
        let sidecar: Sidecar<'_> = serde_json::from_str(&file.sidecar).unwrap_or_default();
        let row = sidecar.id.unwrap_or_default();
        let format = sidecar.format.map(|it| Short(&it).to_string());
        let filename = file.filename.clone();
        if self.rows.insert(&key(row, &filename), self.go) == Some(self.go) {
            let why = format!("it sends the file {} twice", Short(&filename));
            return Err(Trouble::malformed(why).into());
        }
        let is_known = known.is_none_or(|known| known.has(UPLOAD_TYPES[0], row));
        let why = match () {
            () if sidecar.id.is_none() => Some("what describes it names no row".into()),
            () if !is_file_name(&filename) || filename.starts_with('.') => {
                Some("no restore puts a file at a name like that".to_owned())
            }
            () if !is_known => Some("its row did not come: it is new, or gone by now".into()),
            () if file.sidecar.len() as u64 > LONGEST_SIDECAR => Some(format!(
                "what describes it has more than the {LONGEST_SIDECAR} bytes that a sidecar may have"
            )),
            () => None,
        };
        if let Some(why) = why {
            self.leave_out((row, format), filename, &why, sink);
            return Ok(());
        }
        if let Some(sent) = self.sent.get_mut(&filename) {
            let is_again = sent.go < self.go;
            sent.go = self.go;
            if sent.digest == file.digest {
                return Ok(());
            }
            if is_again {
                let subject = Subject::Path(filename);
                let why = "changed while the site was read; the archive has it as it was at first";
                sink.warn(Warning::new(WarningKind::ChangedAsset, subject, why));
            } else {
                let why = "another file of this name is in the archive";
                self.leave_out((row, format), filename, why, sink);
            }
            return Ok(());
        }
        let size = file.content.length();
        let completed = complete_sidecar(&file.sidecar, &filename, size);
        if let Cow::Owned(_) = completed {
            self.completed.add(|| format!("{row} ({filename})"));
        }
        let asset = Asset {
            sidecar: completed.into_owned(),
            filename: filename.clone(),
            size,
        };
        let inner = file.content.reader().map_err(Stopped::Here)?;
        let mut reader = Keeping { inner, keep };
        sink.asset(&asset, &mut reader).map_err(Stopped::Here)?;
        let sent = Sent {
            digest: file.digest,
            go: self.go,
        };
        self.sent.insert(&filename, sent);
        Ok(())
    }
}

/// Reads a file, and keeps the connection that it came on: where it goes may be slow.
struct Keeping<'a> {
    inner: Box<dyn Read + 'a>,
    keep: &'a mut dyn FnMut(),
}

impl Read for Keeping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.keep)();
        self.inner.read(buffer)
    }
}

/// What tells files apart: several rows may name one.
fn key(row: i64, filename: &str) -> String {
    format!("{row}/{filename}")
}

/// Goes through the files that rows name, until `each` says that it is enough.
fn each_file(entities: &mut Lines, each: &mut dyn FnMut(i64, String) -> bool) -> Result<()> {
    let mut goes_on = true;
    entities.each(&mut |line| {
        if !goes_on {
            return Ok(());
        }
        let Ok(parsed) = Entity::parse(line) else {
            return Ok(());
        };
        let entity = parsed.entity();
        if entity.content_type != UPLOAD_TYPES[0] {
            return Ok(());
        }
        if let Ok(fields) = Fields::parse(entity.data) {
            let own = |name: &str| fields.text(name);
            named_files(&own, fields.get("formats"), &mut |filename, _| {
                goes_on = goes_on && each(entity.id, filename);
            });
        }
        Ok(())
    })
}

/// Takes files as they come.
struct Taking<'a> {
    files: &'a mut Files,
    items: Items,
    known: Option<&'a Known>,
    sink: &'a mut dyn Sink,
    /// How many the server said it would send.
    expected: Option<u64>,
}

impl Taker for Taking<'_> {
    fn started(&mut self, _stage: Stage, totals: Totals) -> Result<(), Stopped> {
        self.expected = totals.total_count;
        if self.files.announced {
            return Ok(());
        }
        self.files.announced = true;
        let announced = self.sink.stage(Stage::Assets, totals.total_count);
        announced.map_err(Stopped::Here)
    }

    fn take(&mut self, _: Stage, data: &str, keep: &mut dyn FnMut()) -> Result<(), Stopped> {
        let Self {
            files,
            items,
            known,
            sink,
            ..
        } = self;
        items.take(data, &mut |file| files.arrived(file, *known, *sink, keep))
    }

    fn ended(&mut self, _stage: Stage) -> Result<(), Stopped> {
        self.items.finish()?;
        match self.expected {
            Some(expected) if self.files.count < expected => {
                let count = self.files.count;
                let why = format!("it sends {count} files of the {expected} that it announced");
                Err(Trouble::malformed(why).into())
            }
            _ => Ok(()),
        }
    }
}

/// Says which file it may be that keeps a server from sending any more. 4.x ends the stage at the first one that it has
/// lost.
pub(super) fn blaming(error: Error, file: Option<String>) -> Error {
    match (Trouble::of(&error), file) {
        (Some(Trouble::Stage(Stage::Assets)), Some(file)) => error.also(&format!(
            "the first file that did not come is {file}: if it is gone from that server, put it back there or delete it \
             in its media library, or leave the files out with --exclude files"
        )),
        _ => error,
    }
}
