//! The schema.json files of content types, in a folder beside the archive.

use crate::error::{Error, Result};
use crate::prisma::convert::PlainSource;
use crate::store::{Folder, Hidden, check_folder, folder_of, holds_something};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What else can be done where the folder is taken.
const OTHERWISE: &str = "name another folder with --schemas";

/// The files, in a folder that is still hidden.
pub(super) struct Schemas {
    hidden: Hidden,
    names: Vec<String>,
}

/// The files, where they belong.
pub(super) struct Shown {
    /// Where they are.
    pub folder: PathBuf,
    names: Vec<String>,
}

impl Schemas {
    /// Writes those that this data set needs; `folder` must not exist, or be empty.
    ///
    /// # Errors
    /// The folder holds something, or they cannot be written.
    pub fn write(source: &PlainSource, folder: &Path) -> Result<Self> {
        let is_full = fs::read_dir(folder).is_ok_and(|mut it| it.next().is_some());
        let is_other = !folder.is_dir() && folder.symlink_metadata().is_ok();
        if is_full || is_other {
            return Err(holds_something(folder).hint(OTHERWISE));
        }
        let above = folder_of(folder);
        check_folder(above)?;
        let opened = Folder::open(above);
        let opened = opened.map_err(|error| Error::io("write into the folder", above, error))?;
        let hidden = Hidden::make(opened)?;
        let mut names = Vec::new();
        for (name, text) in source.schema_files() {
            let written = hidden.create(&name).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
            written.map_err(|error| Error::io("write", &folder.join(&name), error))?;
            names.push(name);
        }
        Ok(Self { hidden, names })
    }

    /// Shows them under that name.
    ///
    /// # Errors
    /// The folder holds something by now, or cannot be made.
    pub fn show(self, folder: &Path) -> Result<Shown> {
        let name = folder.file_name().unwrap_or_default();
        self.hidden.show_as(name, OTHERWISE)?;
        Ok(Shown {
            folder: folder.to_owned(),
            names: self.names,
        })
    }
}

impl Shown {
    /// Takes them away again, after an error of what they belong to. What somebody else put there stays, and what cannot
    /// be removed is told with the error.
    pub fn undone(self, error: Error) -> Error {
        let mut failed = None;
        for name in &self.names {
            if let Err(error) = fs::remove_file(self.folder.join(name)) {
                failed = Some(error);
            }
            let mut folder = Path::new(name).parent();
            while let Some(name) = folder {
                // One that still holds something goes with the last file in it.
                let _ = fs::remove_dir(self.folder.join(name));
                folder = name.parent();
            }
        }
        // Without content types there is nothing but the folder.
        let _ = fs::remove_dir(&self.folder);
        match failed {
            None => error,
            Some(failed) => error.also(&format!(
                "{} is left and can be removed: {failed}",
                self.folder.display()
            )),
        }
    }
}
