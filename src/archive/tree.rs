//! An unpacked archive in the making: a hidden folder, which gets its name when it is whole and on disk.

use super::item::{Item, damaged, refused};
use super::layout::Entry;
use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use crate::model::NameMap;
use crate::store::{Folder, Hidden, check_folder, folder_of, holds_something, sync_name};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// How many entries are named that were left out.
const NAMED: usize = 100;

/// A folder that an archive is unpacked into. Dropped before it is published, it leaves nothing behind.
pub struct Tree {
    effort: Effort,
    hidden: Hidden,
    path: PathBuf,
    otherwise: String,
    /// The entries that it has.
    names: NameMap<()>,
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
        let is_full = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if is_full || path.is_file() {
            return Err(holds_something(path).hint(otherwise));
        }
        if path.file_name().is_none() {
            let what = format!("{} is no name for a new folder", path.display());
            return Err(Error::usage(what).hint(otherwise));
        }
        let above = folder_of(path);
        check_folder(above)?;
        let opened = Folder::open(above);
        let above = opened.map_err(|error| Error::io("write into the folder", above, error))?;
        Ok(Self {
            effort: effort.clone(),
            hidden: Hidden::make(above)?,
            path: path.to_owned(),
            otherwise: otherwise.to_owned(),
            names: NameMap::default(),
            others: 0,
            cut: Vec::new(),
        })
    }

    /// How many entries it did not take, because no archive of Strapi has such.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// The names of entries that ended too early, or hold what they cannot hold, and are not there.
    pub fn cut(&self) -> &[String] {
        &self.cut
    }

    /// Takes an entry. Of two with one name the last one counts, as when a tar is unpacked.
    pub(super) fn entry(&mut self, name: &str, content: &mut dyn Read) -> Result<()> {
        let path = self.path.join(name);
        let mut write = || -> io::Result<()> {
            let mut file = self.create(name)?;
            io::copy(content, &mut self.effort.metered(Work::Archive, &mut file))?;
            self.effort.time(Work::Sync, || file.sync_all())
        };
        write().map_err(|error| failed(error, &path))
    }

    /// Begins the file of an entry; what has the name of another entry is not touched: some file systems take `A` for `a`.
    fn create(&mut self, name: &str) -> io::Result<File> {
        if self.names.insert(name, ()).is_some() {
            match self.hidden.remove(name) {
                // It was not whole.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        self.hidden.create(name)
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
        let path = self.path.join(&item.name);
        let created = self.create(&item.name);
        let file = created.map_err(|error| failed(error, &path))?;
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
            let removed = self.hidden.remove(&item.name);
            removed.map_err(|error| failed(error, &path))?;
            self.leave_out(&item.name);
        }
        taken
    }

    /// Notes that an entry is not taken.
    pub(super) fn leave_out(&mut self, name: &str) {
        if self.cut.len() < NAMED {
            self.cut.push(name.to_owned());
        }
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// It cannot be synced, or something stands there by now.
    pub fn publish(self) -> Result<()> {
        let name = self.path.file_name().unwrap_or_default();
        self.hidden.show_as(name, &self.otherwise)?;
        sync_name(&self.path)
    }

    /// Gives it up, after an error. What is left of it is told with that.
    pub fn discard(self, error: Error) -> Error {
        self.hidden.discard(error)
    }
}

fn failed(error: io::Error, path: &Path) -> Error {
    let is_too_long = error.kind() == io::ErrorKind::InvalidFilename;
    let worded = Error::from_io(error, |error| Error::io("write the file", path, error));
    match is_too_long {
        true => worded.hint(
            "file systems have no names as long; it stays packed, and `backup extract` takes pieces of it (--asset, --type)",
        ),
        false => worded,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_replaces_one_of_its_own_name_and_no_other_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site");
        let mut tree = Tree::new(&path, "", &Effort::default()).expect("begun");
        // On a file system that takes `b` for `B`, another entry stands there.
        let mut other = tree.hidden.create("assets/uploads/b").expect("made");
        other.write_all(b"B").expect("written");
        let error = tree.entry("assets/uploads/b", &mut &b"b"[..]);
        let error = error.expect_err("it has another name");
        assert!(error.to_string().contains("uploads/b"), "{error}");
        for text in ["one", "two"] {
            let entry = tree.entry("metadata.json", &mut text.as_bytes());
            entry.expect("written");
        }
        tree.publish().expect("published");
        let read = |name: &str| fs::read(path.join(name)).expect("read");
        assert_eq!(read("metadata.json"), b"two");
        assert_eq!(read("assets/uploads/b"), b"B");
    }
}
