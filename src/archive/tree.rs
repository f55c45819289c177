//! An unpacked archive in the making: a hidden folder, which gets its name when it is whole and on disk.

use super::item::{Item, damaged, refused};
use super::layout::Entry;
use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use crate::store::{check_folder, folder_of, sync_folder, sync_name};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use walkdir::WalkDir;

/// The mode of folders, and but for the right to search that of files: an export holds password
/// hashes.
const OWNER_ONLY: u32 = 0o700;

/// How many entries are named that were left out.
const NAMED: usize = 100;

/// A folder that an archive is unpacked into. Dropped before it is published, it leaves nothing behind.
pub struct Tree {
    effort: Effort,
    temporary: TempDir,
    path: PathBuf,
    others: u64,
    cut: Vec<String>,
}

impl Tree {
    /// Begins one that will be called `path`, which must not exist, or be an empty folder. `otherwise` says what else
    /// its user can do; `effort` collects what takes time.
    ///
    /// # Errors
    /// The folder holds something, or cannot be made.
    pub fn new(path: &Path, otherwise: &str, effort: &Effort) -> Result<Self> {
        let holds_something = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if holds_something || path.is_file() {
            return Err(Error::usage(format!(
                "{} exists already and is not an empty folder",
                path.display()
            ))
            .hint(otherwise));
        }
        let parent = folder_of(path);
        check_folder(parent)?;
        let temporary = tempfile::Builder::new()
            .prefix(".backup-")
            .suffix(".part")
            .permissions(Permissions::from_mode(OWNER_ONLY))
            .tempdir_in(parent)
            .map_err(|error| Error::io("write into the folder", parent, error))?;
        Ok(Self {
            effort: effort.clone(),
            temporary,
            path: path.to_owned(),
            others: 0,
            cut: Vec::new(),
        })
    }

    /// How many entries it did not take, because no archive of Strapi has such.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// The names of entries that ended too early, and are not there.
    pub fn cut(&self) -> &[String] {
        &self.cut
    }

    /// Takes an entry. Of two with one name the last one counts, as when a tar is unpacked.
    pub(super) fn entry(&self, name: &str, content: &mut dyn Read) -> Result<()> {
        let path = self.temporary.path().join(name);
        let mut write = || -> io::Result<()> {
            let mut file = self.create(&path)?;
            io::copy(content, &mut self.effort.metered(Work::Archive, &mut file))?;
            self.effort.time(Work::Sync, || file.sync_all())
        };
        write().map_err(|error| failed(error, &path))
    }

    /// Nobody but this run writes into the hidden folder.
    fn create(&self, path: &Path) -> io::Result<File> {
        DirBuilder::new()
            .recursive(true)
            .mode(OWNER_ONLY)
            .create(folder_of(path))?;
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(OWNER_ONLY & 0o666)
            .open(path)
    }

    /// Takes an entry while `take` reads it, to its end.
    pub(super) fn copy(
        &mut self,
        archive: &str,
        item: &mut Item<'_>,
        take: &mut dyn FnMut(&mut Item<'_>) -> Result<()>,
    ) -> Result<()> {
        if item.entry == Entry::Other {
            self.others += 1;
            return take(item);
        }
        if item.name.contains('\0') {
            return Err(refused(archive, &item.name, "no file can have its name"));
        }
        let path = self.temporary.path().join(&item.name);
        let file = self.create(&path).map_err(|error| failed(error, &path))?;
        let mut tee = Tee {
            content: &mut *item.content,
            out: self.effort.metered(Work::Archive, &file),
            path: &path,
        };
        let mut copied = Item {
            number: item.number,
            entry: item.entry.clone(),
            name: item.name.clone(),
            length: item.length,
            content: &mut tee,
        };
        let taken = take(&mut copied).and_then(|()| {
            let rest = io::copy(&mut tee, &mut io::sink());
            rest.map_err(|error| damaged(archive, error))?;
            let synced = self.effort.time(Work::Sync, || file.sync_all());
            synced.map_err(|error| failed(error, &path))
        });
        if taken.is_err() {
            // What is not whole is not shown.
            fs::remove_file(&path).map_err(|error| failed(error, &path))?;
            if self.cut.len() < NAMED {
                self.cut.push(item.name.clone());
            }
        }
        taken
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// It cannot be synced, or something stands there by now.
    pub fn publish(self) -> Result<()> {
        let Self {
            temporary, path, ..
        } = self;
        let fail = |error| Error::io("write the folder", &path, error);
        for entry in WalkDir::new(temporary.path()) {
            let entry = entry.map_err(|error| fail(error.into()))?;
            if entry.file_type().is_dir() {
                sync_folder(entry.path())?;
            }
        }
        fs::rename(temporary.path(), &path).map_err(fail)?;
        // It has moved; there is nothing left to delete under its old name.
        let _ = temporary.keep();
        sync_name(&path)
    }
}

fn failed(error: io::Error, path: &Path) -> Error {
    Error::from_io(error, |error| Error::io("write the file", path, error))
}

/// Writes down what is read.
struct Tee<'a, W> {
    content: &'a mut dyn Read,
    out: W,
    path: &'a Path,
}

impl<W: Write> Read for Tee<'_, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        let written = self.out.write_all(&buffer[..read]);
        written.map_err(|error| failed(error, self.path).into_io())?;
        Ok(read)
    }
}
