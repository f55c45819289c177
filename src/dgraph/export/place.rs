//! The folder that a set goes to. Its files are written into a hidden folder, which gets the name when all of them are on
//! disk.

use super::names::FileName;
use crate::error::{Error, Result};
use crate::store::{Folder, Hidden, check_folder, folder_of, holds_something};
use std::fs::File;
use std::path::{Path, PathBuf};

/// What else can be done where the name is taken.
const OTHERWISE: &str = "choose another name with --file";

/// Sees that a set can have this name: nothing is there, or an empty folder. Gives where it goes.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): something is there, or it is no name; or there is no folder to write into.
pub fn free(path: &Path) -> Result<PathBuf> {
    let Some(own) = path.file_name() else {
        let what = format!("{} is no name for a new folder", path.display());
        return Err(Error::usage(what).hint(OTHERWISE));
    };
    let path = folder_of(path).join(own);
    if path.symlink_metadata().is_ok() {
        let taken = || holds_something(&path).hint(OTHERWISE);
        let mut entries = path.read_dir().map_err(|_| taken())?;
        if entries.next().is_some() {
            return Err(taken());
        }
    }
    check_folder(folder_of(&path))?;
    Ok(path)
}

/// A folder for a set. Dropped before it is shown, it leaves nothing behind.
pub(super) struct Place {
    path: PathBuf,
    hidden: Hidden,
}

impl Place {
    /// The folder of this name.
    pub fn new(path: &Path) -> Result<Self> {
        let path = free(path)?;
        let above = folder_of(&path);
        let opened = Folder::open(above);
        let opened = opened.map_err(|error| Error::io("write into the folder", above, error))?;
        Ok(Self {
            hidden: Hidden::make(opened)?,
            path,
        })
    }

    /// Begins a file.
    pub fn create(&self, name: FileName) -> Result<File> {
        let created = self.hidden.create(&name.to_string());
        created.map_err(|error| self.failed(name, error))
    }

    /// Opens a file that was written.
    pub fn read(&self, name: FileName) -> Result<File> {
        let opened = self.hidden.folder().read(&name.to_string());
        opened.map_err(|error| self.failed(name, error))
    }

    /// Removes a file that was begun.
    pub fn remove(&self, name: FileName) -> Result<()> {
        let removed = self.hidden.remove(&name.to_string());
        removed.map_err(|error| self.failed(name, error))
    }

    /// What goes wrong with a file.
    pub fn failed(&self, name: FileName, error: std::io::Error) -> Error {
        Error::io("write the file", &self.path.join(name.to_string()), error)
    }

    /// Shows the folder under its name.
    pub fn show(self) -> Result<()> {
        let name = self.path.file_name().unwrap_or_default();
        let above = self.hidden.above().again();
        self.hidden.show_as(name, OTHERWISE)?;
        let fail = |error| Error::io("write into the folder", folder_of(&self.path), error);
        above.map_err(fail)?.sync()
    }
}
