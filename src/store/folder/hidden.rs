//! A hidden folder in one that is held open.

use super::Folder;
use crate::error::{Error, Result};
use crate::random;
use crate::store::temporary::{PREFIX, SUFFIX};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// How often another name is tried.
const TRIES: usize = 8;

/// A hidden folder that something is made in before it is seen. Nobody but this run writes into it. Dropped, it leaves
/// nothing behind.
#[derive(Debug)]
pub(crate) struct Hidden {
    above: Folder,
    name: String,
    here: Folder,
    /// Keeps a place free among the files that a run may have open: to remove the folder, it is opened once more.
    spare: Option<Folder>,
    is_over: bool,
}

impl Hidden {
    /// One in this folder.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make(above: Folder) -> Result<Self> {
        let mut tries = 0;
        loop {
            let number = u64::from_le_bytes(random::bytes()?);
            let name: String = (0..6).map(|place| letter(number >> (8 * place))).collect();
            let name = format!("{PREFIX}{name}{SUFFIX}");
            tries += 1;
            match above.make(&name) {
                Ok(here) => {
                    let spare = here.again().map_err(|error| {
                        let _ = above.remove_folder(&name);
                        Error::io("write into the folder", above.path(), error)
                    })?;
                    return Ok(Self {
                        above,
                        name,
                        here,
                        spare: Some(spare),
                        is_over: false,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => {}
                Err(error) => {
                    return Err(Error::io("write into the folder", above.path(), error));
                }
            }
        }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Folder {
        &self.here
    }

    /// The folder that it is in.
    pub fn above(&self) -> &Folder {
        &self.above
    }

    /// The folder in it that a name leads to, which may have folders in front, and the end of the name. With `make` folders
    /// are made that are not there.
    fn below<'n>(&self, name: &'n str, make: bool) -> io::Result<(Folder, &'n str)> {
        let mut at = self.here.again()?;
        let mut rest = name;
        while let Some((folder, below)) = rest.split_once('/') {
            at = match at.folder(folder) {
                Err(error) if make && error.kind() == io::ErrorKind::NotFound => at.make(folder)?,
                opened => opened?,
            };
            rest = below;
        }
        Ok((at, rest))
    }

    /// Makes a file in it. The name may have folders in front, which are made where they are not there.
    ///
    /// # Errors
    /// Something has the name, or the file cannot be made.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let (folder, name) = self.below(name, true)?;
        folder.create(name)
    }

    /// Removes a file in it.
    ///
    /// # Errors
    /// There is none, or it cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let (folder, name) = self.below(name, false)?;
        folder.remove(name)
    }

    /// Shows it under this name, in place of an empty folder that may have it. `otherwise` says what else its user can do.
    ///
    /// # Errors
    /// It cannot be synced or renamed; then it is gone.
    pub fn show_as(mut self, name: &OsStr, otherwise: &str) -> Result<()> {
        let path = self.above.path.join(name);
        let shown = self.here.sync_all().and_then(|()| {
            let moved = || {
                let what = format!("somebody has moved {} meanwhile", self.here.path.display());
                Error::failed(what).hint("see who else writes into that folder")
            };
            if !self.here.is_at(&self.above, &self.name) {
                return Err(moved());
            }
            let renamed = self.above.rename(&self.name, &self.above, name);
            renamed.map_err(|error| match error.kind() {
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
                    holds_something(&path).hint(otherwise)
                }
                _ => Error::io("write the folder", &path, error),
            })?;
            match self.here.is_at(&self.above, name) {
                true => Ok(()),
                false => Err(moved()),
            }
        });
        if let Err(error) = shown {
            return Err(self.discard(error));
        }
        self.is_over = true;
        Ok(())
    }

    /// Shows it under this name, in place of a folder that has it, and gives that one, hidden.
    ///
    /// # Errors
    /// It cannot be synced or renamed; then it is gone.
    pub fn show_in_place_of(mut self, name: &str) -> Result<Self> {
        match self.swap(name) {
            Ok((hidden, mut here)) => {
                self.is_over = true;
                let above = self.above.again();
                let path = self.above.path().join(name);
                let above = above.map_err(|error| Error::io("write the folder", &path, error))?;
                here.path = above.path.join(&hidden);
                Ok(Self {
                    above,
                    name: hidden,
                    here,
                    spare: self.spare.take(),
                    is_over: false,
                })
            }
            Err(error) => Err(self.discard(error)),
        }
    }

    /// Has both change places; gives what the other one is called now, and that.
    fn swap(&self, name: &str) -> Result<(String, Folder)> {
        self.here.sync_all()?;
        let path = self.above.path.join(name);
        let fail = |error| Error::io("write the folder", &path, error);
        let other = self.above.folder(name).map_err(fail)?;
        let swapped = self.above.exchange(&self.name, &self.above, name);
        if swapped.map_err(fail)? {
            return Ok((self.name.clone(), other));
        }
        // File systems over a network do not know it: it takes two steps.
        let mut spare = Self::make(self.above.again().map_err(fail)?)?;
        let moved = self.above.rename(name, &self.above, &spare.name);
        moved.map_err(fail)?;
        spare.is_over = true;
        let shown = self.above.rename(&self.name, &self.above, name);
        shown.map_err(|error| {
            let _ = self.above.rename(&spare.name, &self.above, name);
            fail(error)
        })?;
        Ok((spare.name.clone(), other))
    }

    /// Removes it, after an error. What cannot be removed is told with that.
    pub fn discard(self, error: Error) -> Error {
        match self.clear_away() {
            None => error,
            Some(left) => error.also(&left),
        }
    }

    /// Removes it. Gives what is left of it, in words.
    pub fn clear_away(mut self) -> Option<String> {
        let error = self.empty().err()?;
        Some(format!(
            "the hidden folder {} could not be removed, and may be: {error}",
            self.here.path.display()
        ))
    }

    fn empty(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_over, true) {
            return Ok(());
        }
        self.spare = None;
        self.here.clear()?;
        if !self.here.is_at(&self.above, &self.name) {
            return Err(io::Error::other("somebody has moved it"));
        }
        self.above.remove_folder(&self.name)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = self.empty();
    }
}

/// Sees that nothing has this name, or an empty folder: what is made takes its place. A link to one keeps its name.
///
/// # Errors
/// Something else has it.
pub(crate) fn check_free(path: &Path) -> Result<()> {
    // A slash at the end would be what the link leads to.
    let bare: PathBuf = path.components().collect();
    let is_folder = match bare.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(there) => there.is_dir(),
    };
    let is_full = || fs::read_dir(&bare).is_ok_and(|mut it| it.next().is_some());
    match is_folder && !is_full() {
        true => Ok(()),
        false => Err(holds_something(path)),
    }
}

/// Says that a folder holds something, which should be new or empty.
pub(crate) fn holds_something(path: &Path) -> Error {
    let path = path.display();
    Error::usage(format!("{path} exists already and is not an empty folder"))
}

/// A letter or digit.
fn letter(number: u64) -> char {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    char::from(LETTERS[((number & 0xff) % 36) as usize])
}
