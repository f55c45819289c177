//! An archive as a destination: a tar file, or the same tree unpacked in a folder.

use super::layout::{METADATA, sidecar_name, upload_name};
use super::output::{OutputFile, Packing, folder_of, sync_folder};
use super::shard::{Shard, Shards};
use crate::error::{Error, Kind, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Metadata, Schema};
use crate::transfer::{Deletion, Description, Destination, Filter, Plan, Sink, Stage, Warning};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::TempDir;

/// Where entries go.
trait EntryWriter {
    /// Adds an entry of exactly `length` bytes.
    fn entry(&mut self, name: &str, length: u64, content: &mut dyn Read) -> Result<()>;
    /// Makes everything visible under its name.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// An archive in the making.
pub struct ArchiveDestination {
    path: PathBuf,
    shard_size: u64,
    writer: Box<dyn EntryWriter>,
    shards: Option<Shards>,
}

impl ArchiveDestination {
    /// Starts an archive file. `path` carries its extensions already; shards hold at most
    /// `shard_size` bytes.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn file(path: &Path, packing: &Packing, shard_size: u64) -> Result<Self> {
        if path.is_dir() {
            return Err(
                Error::new(Kind::Usage, format!("{} is a folder", path.display()))
                    .hint("choose another name with --file"),
            );
        }
        let output = OutputFile::create(path, packing)?;
        Ok(Self {
            path: path.to_owned(),
            shard_size,
            writer: Box::new(TarWriter {
                tar: tar::Builder::new(output),
                path: path.to_owned(),
                modified: SystemTime::now()
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .map_or(0, |since| since.as_secs()),
            }),
            shards: None,
        })
    }

    /// Starts an unpacked archive in the folder `path`, which must not exist, or be empty.
    ///
    /// # Errors
    /// The folder holds something, or cannot be made.
    pub fn folder(path: &Path, shard_size: u64) -> Result<Self> {
        let holds_something = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if holds_something || path.is_file() {
            return Err(Error::usage(format!(
                "{} exists already and is not an empty folder",
                path.display()
            ))
            .hint("choose another name with --file"));
        }
        let parent = folder_of(path);
        let temporary = tempfile::Builder::new()
            .prefix(".backup-")
            .suffix(".part")
            .tempdir_in(parent)
            .map_err(|error| Error::io("write into the folder", parent, error))?;
        Ok(Self {
            path: path.to_owned(),
            shard_size,
            writer: Box::new(FolderWriter {
                temporary,
                path: path.to_owned(),
            }),
            shards: None,
        })
    }

    fn push(&mut self, stage: Stage, line: &str, what: impl FnOnce() -> String) -> Result<()> {
        let shards = self
            .shards
            .get_or_insert_with(|| Shards::new(stage, self.shard_size, folder_of(&self.path)));
        debug_assert_eq!(shards.stage(), stage);
        match shards.push(line, what)? {
            Some(full) => self.write_shard(full),
            None => Ok(()),
        }
    }

    fn write_shard(&mut self, mut shard: Shard) -> Result<()> {
        self.writer
            .entry(&shard.name, shard.length, &mut shard.content)
    }

    fn end_stage(&mut self) -> Result<()> {
        match self.shards.take() {
            Some(mut shards) => match shards.take()? {
                Some(last) => self.write_shard(last),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }
}

impl Sink for ArchiveDestination {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        self.end_stage()
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        self.push(Stage::Schemas, &schema.to_line(), || schema.uid.clone())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.push(Stage::Entities, entity.line, || {
            format!("{} {}", entity.content_type, entity.id)
        })
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        let sidecar = asset.sidecar.as_bytes();
        self.writer.entry(
            &sidecar_name(&asset.filename),
            sidecar.len() as u64,
            &mut &*sidecar,
        )?;
        self.writer
            .entry(&upload_name(&asset.filename), asset.size, content)
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

    fn warn(&mut self, _warning: Warning) {}
}

impl Destination for ArchiveDestination {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn describe(&mut self) -> Result<Option<Description>> {
        Ok(None)
    }

    fn survey(&mut self, _filter: &Filter) -> Result<Vec<Deletion>> {
        Ok(Vec::new())
    }

    fn replaces_data(&self) -> bool {
        false
    }

    fn begin(&mut self, _plan: &Plan) -> Result<()> {
        Ok(())
    }

    fn commit(&mut self, metadata: &Metadata, _warn: &mut dyn FnMut(Warning)) -> Result<()> {
        self.end_stage()?;
        let json = metadata.to_json();
        self.writer
            .entry(METADATA, json.len() as u64, &mut json.as_bytes())?;
        std::mem::replace(&mut self.writer, Box::new(Finished)).finish()
    }
}

/// A tar file.
struct TarWriter {
    tar: tar::Builder<OutputFile>,
    path: PathBuf,
    modified: u64,
}

impl EntryWriter for TarWriter {
    fn entry(&mut self, name: &str, length: u64, content: &mut dyn Read) -> Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(length);
        header.set_mode(0o644);
        header.set_mtime(self.modified);
        self.tar
            .append_data(&mut header, name, content)
            .map_err(|error| {
                Error::from_io(error, |error| {
                    Error::io("write the archive", &self.path, error)
                })
            })
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let output = self
            .tar
            .into_inner()
            .map_err(|error| Error::io("write the archive", &self.path, error))?;
        output.finish()
    }
}

/// A folder.
struct FolderWriter {
    temporary: TempDir,
    path: PathBuf,
}

impl EntryWriter for FolderWriter {
    fn entry(&mut self, name: &str, _length: u64, content: &mut dyn Read) -> Result<()> {
        let path = self.temporary.path().join(name);
        let mut write = || -> io::Result<()> {
            fs::create_dir_all(folder_of(&path))?;
            let mut file = fs::File::create(&path)?;
            io::copy(content, &mut file)?;
            file.flush()?;
            file.sync_all()
        };
        write().map_err(|error| {
            Error::from_io(error, |error| Error::io("write the file", &path, error))
        })
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { temporary, path } = *self;
        let fail = |error| Error::io("write the folder", &path, error);
        fs::rename(temporary.path(), &path).map_err(fail)?;
        // It has moved; there is nothing left to delete under its old name.
        let _ = temporary.keep();
        sync_folder(folder_of(&path))
    }
}

/// What stands in for the writer once the archive is complete.
struct Finished;

impl EntryWriter for Finished {
    fn entry(&mut self, _: &str, _: u64, _: &mut dyn Read) -> Result<()> {
        Err(Error::failed("the archive is complete already"))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Err(Error::failed("the archive is complete already"))
    }
}
