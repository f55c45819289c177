//! The schema.json files of content types, in a folder beside the archive.

use crate::error::{Error, Result};
use crate::store::{Folder, Hidden, check_folder, folder_of, holds_something};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What else can be done where the folder is taken.
const OTHERWISE: &str = "name another folder with --schemas";
const OVERWRITE: &str = "what an earlier run made there is replaced with --overwrite; or name another folder with --schemas";
/// The list of what was made, as `sha256sum -c` reads it: nothing else in the folder is ever replaced.
const LIST: &str = ".made-by-backup";
/// How deep folders of ours lie in it at the most.
const DEEPEST: usize = 4;
/// Bytes of that list, and of a file in it.
const LONGEST: u64 = 16 << 20;

/// The files, in a folder that is still hidden.
pub(super) struct Schemas {
    hidden: Hidden,
    names: Vec<String>,
    replaces: bool,
}

/// The files, where they belong.
pub(super) struct Shown {
    /// Where they are.
    pub folder: PathBuf,
    names: Vec<String>,
    /// What was there before.
    earlier: Option<Hidden>,
}

impl Schemas {
    /// Writes these, each below the folder under its name; `folder` must not exist, or be empty, or hold what an earlier run made and
    /// nobody changed, if that is to be replaced.
    ///
    /// # Errors
    /// The folder holds something else, or they cannot be written.
    pub fn write(files: Vec<(String, String)>, folder: &Path, overwrite: bool) -> Result<Self> {
        let is_full = fs::read_dir(folder).is_ok_and(|mut it| it.next().is_some());
        let is_other = !folder.is_dir() && folder.symlink_metadata().is_ok();
        if is_other || is_full && !overwrite {
            let hint = if is_full { OVERWRITE } else { OTHERWISE };
            return Err(holds_something(folder).hint(hint));
        }
        let above = folder_of(folder);
        check_folder(above)?;
        let opened = Folder::open(above);
        let opened = opened.map_err(|error| Error::io("write into the folder", above, error))?;
        if is_full {
            let name = folder.file_name().unwrap_or_default();
            let there = opened.folder(name);
            check(
                &there.map_err(|error| Error::io("read the folder", folder, error))?,
                folder,
            )?;
        }
        let hidden = Hidden::make(opened)?;
        let mut names = Vec::new();
        let mut list = String::new();
        let mut write = |name: &str, text: &str| {
            let written = hidden.create(name).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
            names.push(name.to_owned());
            written.map_err(|error| Error::io("write", &folder.join(name), error))
        };
        for (name, text) in files {
            write(&name, &text)?;
            list.push_str(&format!("{}  {name}\n", hex(&Sha256::digest(&text))));
        }
        write(LIST, &list)?;
        Ok(Self {
            hidden,
            names,
            replaces: is_full,
        })
    }

    /// Shows them under that name.
    ///
    /// # Errors
    /// The folder holds something by now that no earlier run made, or cannot be made.
    pub fn show(self, folder: &Path) -> Result<Shown> {
        let name = folder.file_name().unwrap_or_default();
        let earlier = match (self.replaces, name.to_str()) {
            (true, Some(name)) => {
                let earlier = self.hidden.show_in_place_of(name)?;
                // Only now nobody finds it any more under its name.
                if let Err(error) = check(earlier.folder(), folder) {
                    return Err(put_back(earlier, name, error));
                }
                Some(earlier)
            }
            _ => {
                self.hidden.show_as(name, OTHERWISE)?;
                None
            }
        };
        Ok(Shown {
            folder: folder.to_owned(),
            names: self.names,
            earlier,
        })
    }
}

impl Shown {
    /// Takes away what was there before; gives what is left of it, in words.
    pub fn kept(self) -> Option<String> {
        self.earlier.and_then(Hidden::clear_away)
    }

    /// Takes them away again, after an error of what they belong to, and puts back what was there before. What somebody else
    /// put there stays, and what cannot be removed is told with the error.
    pub fn undone(self, error: Error) -> Error {
        let name = self.folder.file_name().unwrap_or_default();
        if let (Some(earlier), Some(name)) = (self.earlier, name.to_str()) {
            return put_back(earlier, name, error);
        }
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

/// Puts back what was there before, after an error. What cannot be is told with that.
fn put_back(earlier: Hidden, name: &str, error: Error) -> Error {
    match earlier.show_in_place_of(name) {
        Ok(own) => own.discard(error),
        Err(failed) => error.also(&failed.to_string()),
    }
}

/// Sees that what is in a folder was made by an earlier run, all of it, and not changed since.
fn check(there: &Folder, folder: &Path) -> Result<()> {
    let other = foreign(there);
    match other.map_err(|error| Error::io("read the folder", folder, error))? {
        None => Ok(()),
        Some(other) => {
            let what = "is not what an earlier run made there, and is not replaced";
            let other = folder.join(other);
            Err(Error::usage(format!("{} {what}", other.display()))
                .hint("move it elsewhere, or name another folder with --schemas"))
        }
    }
}

/// The first name in a folder of what no earlier run made.
fn foreign(there: &Folder) -> io::Result<Option<PathBuf>> {
    let mut text = String::new();
    match there.read(LIST) {
        Ok(file) => drop(file.take(LONGEST).read_to_string(&mut text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let lines = text.lines().filter_map(|it| it.split_once("  "));
    let made: HashMap<&Path, &str> = lines.map(|(own, name)| (Path::new(name), own)).collect();
    foreign_below(there, Path::new(""), &made)
}

fn foreign_below(
    there: &Folder,
    at: &Path,
    made: &HashMap<&Path, &str>,
) -> io::Result<Option<PathBuf>> {
    for (name, is_folder) in there.entries()? {
        let path = at.join(&name);
        let other = match is_folder {
            true if path.components().count() > DEEPEST => Some(path),
            // A folder of ours is never empty.
            true => {
                let below = there.folder(&name)?;
                match below.entries()?.is_empty() {
                    true => Some(path),
                    false => foreign_below(&below, &path, made)?,
                }
            }
            false if path == Path::new(LIST) && !made.is_empty() => None,
            false => {
                let is_made = match (made.get(&*path), name.to_str()) {
                    (Some(own), Some(name)) => {
                        let mut text = Vec::new();
                        let read = there.read(name);
                        let read = read.and_then(|it| it.take(LONGEST).read_to_end(&mut text));
                        read.is_ok() && hex(&Sha256::digest(&text)) == *own
                    }
                    _ => false,
                };
                (!is_made).then_some(path)
            }
        };
        if other.is_some() {
            return Ok(other);
        }
    }
    Ok(None)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
