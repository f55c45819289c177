//! An archive as a destination: a tar file, or the same tree unpacked in a folder.

use super::checksums::Checksums;
use super::codec::{Encryption, Packer, Packing, Password, SALT};
use super::digests::Digests;
use super::layout::{CHECKSUMS, HMAC, MANIFEST, METADATA, RESULT, sidecar_name, upload_name};
use super::manifest::Manifest;
use super::outcome::{Outcome, Warnings};
use super::shard::Shards;
use super::tree::Tree;
use crate::effort::{Effort, Work};
use crate::error::{Error, Kind, Result};
use crate::hashing::hexadecimal;
use crate::model::limits::{LONGEST_LIST, LONGEST_TEXT};
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Schemas, Stage};
use crate::random;
use crate::store::{Ending, Target, folder_of};
use crate::transfer::{
    Description, Destination, Event, Filter, Inspection, Load, Plan, Report, Sink, Survey, Warning,
};
use hmac::Mac;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Entries of a tar begin at multiples of this, in bytes.
const BLOCK: u64 = 512;
/// Bytes that are moved at once.
const BUFFER: usize = 256 << 10;

/// Where entries go.
trait EntryWriter: Send {
    /// Adds an entry of exactly `length` bytes.
    fn entry(&mut self, name: &str, length: u64, content: &mut dyn Read) -> Result<()>;
    /// Makes everything visible under its name.
    fn publish(self: Box<Self>, ending: Ending) -> Result<()>;
}

/// An archive that can be begun.
pub struct ArchiveDestination {
    name: String,
    shard_size: u64,
    writer: Box<dyn EntryWriter>,
    spool_folder: PathBuf,
    /// What the list of digests is authenticated with.
    password: Option<Password>,
    effort: Effort,
    strict: bool,
}

impl ArchiveDestination {
    /// Takes every note as a sign that the archive is incomplete, where it is `strict`.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// An archive file that goes to `target`; shards hold at most `shard_size` bytes.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn packed(target: Box<dyn Target>, packing: &Packing, shard_size: u64) -> Result<Self> {
        let packer = Packer::new(target, packing)?;
        Ok(Self {
            name: packer.name().to_owned(),
            shard_size,
            spool_folder: packer.spool_folder().to_owned(),
            // The age format authenticates all of it.
            password: match &packing.encryption {
                Some(Encryption::Strapi(password)) => Some(password.clone()),
                _ => None,
            },
            effort: packing.effort.clone(),
            strict: false,
            writer: Box::new(TarWriter {
                name: packer.name().to_owned(),
                tar: tar::Builder::new(packer),
                modified: SystemTime::now()
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .map_or(0, |since| since.as_secs()),
                buffer: vec![0; BUFFER],
            }),
        })
    }

    /// An unpacked archive in the folder `path`, which must not exist, or be empty. `effort` collects what takes time.
    ///
    /// # Errors
    /// The folder holds something, or cannot be made.
    pub fn folder(path: &Path, shard_size: u64, effort: &Effort) -> Result<Self> {
        let tree = Tree::new(path, "choose another name with --file", effort)?;
        Ok(Self {
            name: path.display().to_string(),
            shard_size,
            spool_folder: folder_of(path).to_owned(),
            password: None,
            effort: effort.clone(),
            strict: false,
            writer: Box::new(tree),
        })
    }
}

impl Destination for ArchiveDestination {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn describe(&mut self) -> Result<Option<Description>> {
        Ok(None)
    }

    fn survey(&mut self, _filter: &Filter, _coming: &Inspection) -> Result<Survey> {
        Ok(Survey::default())
    }

    fn stage(&mut self, _filter: &Filter) -> Result<Option<Box<dyn Sink + '_>>> {
        Ok(None)
    }

    fn begin(self: Box<Self>, plan: &Plan) -> Result<Box<dyn Load>> {
        let Some(metadata) = &plan.source.metadata else {
            return Err(Error::new(
                Kind::Version,
                "the source does not tell a version of Strapi, which an archive must name",
            )
            .hint("convert it to content of a Strapi first"));
        };
        let salt = match &self.password {
            Some(_) => Some(random::bytes::<SALT>()?),
            None => None,
        };
        let none = Schemas::default();
        let schemas = plan.source.schemas.as_ref().unwrap_or(&none);
        let scope = plan.filter.scope(schemas);
        let manifest = Manifest::new(&plan.source, &scope, plan.filter.asked(), salt.as_ref());
        let mut load = ArchiveLoad {
            shard_size: self.shard_size,
            writer: self.writer,
            checksums: Checksums::new(&self.spool_folder),
            digests: Digests::new(&self.effort)?,
            effort: self.effort,
            strict: self.strict,
            spool_folder: self.spool_folder,
            authentication: self.password.zip(salt),
            shards: None,
            warnings: Warnings::default(),
        };
        for (name, text) in [
            (METADATA, metadata.to_json()),
            (MANIFEST, manifest.to_json()),
        ] {
            check_length(name, text.len() as u64, LONGEST_TEXT)?;
            load.text(name, &text)?;
        }
        Ok(Box::new(load))
    }
}

/// Nothing could be read from an archive in which such an entry is longer.
fn check_length(name: &str, length: u64, longest: u64) -> Result<()> {
    if length > longest {
        return Err(Error::failed(format!(
            "{name} would have {length} bytes, more than the {longest} that it may have"
        ))
        .hint("make several archives, of some content types each, with --only-content-types"));
    }
    Ok(())
}

/// An archive in the making.
struct ArchiveLoad {
    shard_size: u64,
    writer: Box<dyn EntryWriter>,
    checksums: Checksums,
    digests: Digests<String>,
    effort: Effort,
    strict: bool,
    spool_folder: PathBuf,
    authentication: Option<(Password, [u8; SALT])>,
    shards: Option<Shards>,
    warnings: Warnings,
}

impl ArchiveLoad {
    fn entry(&mut self, name: &str, length: u64, content: &mut dyn Read) -> Result<()> {
        let mut content = self.digests.watch(content);
        self.writer.entry(name, length, &mut content)?;
        self.digests.end(name.to_owned());
        for (name, digest) in self.digests.ready() {
            list(&mut self.checksums, &name, &digest, &self.spool_folder)?;
        }
        Ok(())
    }

    fn text(&mut self, name: &str, text: &str) -> Result<()> {
        self.entry(name, text.len() as u64, &mut text.as_bytes())
    }

    fn push(&mut self, stage: Stage, line: &str, what: impl FnOnce() -> String) -> Result<()> {
        let mut shards = match self.shards.take() {
            Some(shards) => shards,
            None => Shards::new(stage, self.shard_size),
        };
        debug_assert_eq!(shards.stage(), stage);
        if !shards.has_room(line, what)? {
            self.write_shard(&mut shards)?;
        }
        if Shards::stands_alone(line) {
            let name = shards.next_name();
            self.entry(&name, line.len() as u64, &mut line.as_bytes())?;
        } else {
            shards.push(line);
        }
        self.shards = Some(shards);
        Ok(())
    }

    fn write_shard(&mut self, shards: &mut Shards) -> Result<()> {
        if let Some((name, mut content)) = shards.full() {
            self.entry(&name, content.len() as u64, &mut content)?;
        }
        shards.clear();
        Ok(())
    }

    fn end_stage(&mut self) -> Result<()> {
        match self.shards.take() {
            Some(mut shards) => self.write_shard(&mut shards),
            None => Ok(()),
        }
    }

    /// Writes the list of digests, and what authenticates it. Neither is listed itself.
    fn seal(&mut self) -> Result<()> {
        for (name, digest) in self.digests.finish() {
            list(&mut self.checksums, &name, &digest, &self.spool_folder)?;
        }
        let folder = &self.spool_folder;
        let fail = |error| Error::io("spool the digests in", folder, error);
        let (list, length) = self.checksums.content().map_err(fail)?;
        check_length(CHECKSUMS, length, LONGEST_LIST)?;
        let Some((password, salt)) = &self.authentication else {
            return self.writer.entry(CHECKSUMS, length, list);
        };
        let mut mac = self.effort.time(Work::Key, || password.authenticator(salt));
        let mut watched = Watched {
            inner: list,
            see: |bytes: &[u8]| mac.update(bytes),
        };
        self.writer.entry(CHECKSUMS, length, &mut watched)?;
        let text = hexadecimal(&mac.finalize().into_bytes()) + "\n";
        self.writer
            .entry(HMAC, text.len() as u64, &mut text.as_bytes())
    }
}

/// Adds an entry to the list of digests.
fn list(checksums: &mut Checksums, name: &str, digest: &[u8], folder: &Path) -> Result<()> {
    checksums
        .add(name, digest)
        .map_err(|error| Error::io("spool the digests in", folder, error))
}

/// Shows what is read to somebody else as well.
struct Watched<R, F> {
    inner: R,
    see: F,
}

impl<R: Read, F: FnMut(&[u8])> Read for Watched<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        (self.see)(&buffer[..read]);
        Ok(read)
    }
}

impl Sink for ArchiveLoad {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        self.end_stage()
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        self.push(Stage::Schemas, schema.to_line(), || schema.uid.clone())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.push(Stage::Entities, entity.line, || {
            format!("{} {}", entity.content_type, entity.id)
        })
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.text(&sidecar_name(&asset.filename), &asset.sidecar)?;
        self.entry(&upload_name(&asset.filename), asset.size, content)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.push(Stage::Links, link.line, || {
            format!("the link {} -> {}", link.left, link.right)
        })
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.push(Stage::Configuration, item.line, || {
            format!("a row of the {}", item.kind.as_str())
        })
    }

    fn warn(&mut self, warning: Warning) {
        self.warnings.add(&warning);
    }
}

impl Load for ArchiveLoad {
    fn commit(
        mut self: Box<Self>,
        outcome: &Report,
        _warn: &mut dyn FnMut(Warning),
        _tell: &dyn Fn(Event<'_>),
    ) -> Result<()> {
        self.end_stage()?;
        let warnings = std::mem::take(&mut self.warnings);
        self.text(RESULT, &Outcome::new(outcome, warnings).into_json())?;
        self.seal()?;
        let is_whole = match self.strict {
            true => outcome.warnings.is_empty(),
            false => !outcome.is_incomplete(),
        };
        self.writer.publish(match is_whole {
            true => Ending::Complete,
            false => Ending::Incomplete,
        })
    }
}

/// A tar file.
struct TarWriter {
    tar: tar::Builder<Packer>,
    name: String,
    modified: u64,
    buffer: Vec<u8>,
}

impl Drop for TarWriter {
    fn drop(&mut self) {
        // The builder would write the mark of the end, and an archive that was given up would look
        // whole to whoever reads it from a pipe.
        self.tar.get_mut().give_up();
    }
}

impl TarWriter {
    /// Writes the content of an entry, and zeros up to where the next one begins.
    fn content(&mut self, length: u64, content: &mut dyn Read) -> io::Result<()> {
        let packer = self.tar.get_mut();
        let mut written = 0;
        loop {
            let read = match content.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            packer.write_all(&self.buffer[..read])?;
            written += read as u64;
        }
        debug_assert_eq!(written, length);
        let padding = length.next_multiple_of(BLOCK) - length;
        packer.write_all(&[0; BLOCK as usize][..padding as usize])
    }
}

impl EntryWriter for TarWriter {
    fn entry(&mut self, name: &str, length: u64, content: &mut dyn Read) -> Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(length);
        header.set_mode(0o644);
        header.set_mtime(self.modified);
        // The builder would move the content in small steps.
        self.tar
            .append_data(&mut header, name, io::empty())
            .and_then(|()| self.content(length, content))
            .map_err(|error| Packer::explain(&self.name, error))
    }

    fn publish(mut self: Box<Self>, ending: Ending) -> Result<()> {
        let fail = |error| Packer::explain(&self.name, error);
        self.tar.finish().map_err(fail)?;
        self.tar.get_mut().publish(ending)
    }
}

impl EntryWriter for Tree {
    fn entry(&mut self, name: &str, _length: u64, content: &mut dyn Read) -> Result<()> {
        Self::entry(self, name, content)
    }

    fn publish(self: Box<Self>, _ending: Ending) -> Result<()> {
        Self::publish(*self)
    }
}
