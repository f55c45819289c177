//! The folder that pieces go to. They are written into a hidden folder first, and are moved when all of them are on disk.

use crate::error::{Error, Result};
use crate::store::{Folder, Hidden, Owner, check_folder, folder_of};
use rustix::fs::FileType;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// What else can be done where names are taken.
const OTHERWISE: &str = "choose another folder with --to";
const OR_REPLACE: &str = "choose another folder with --to, or replace it with --overwrite";
/// How many files that are in the way are named.
const NAMED: usize = 5;

/// A folder that pieces go to. Dropped before it is published, it leaves nothing behind.
pub struct Place {
    folder: PathBuf,
    hidden: Hidden,
    /// Whether the folder is not there yet.
    is_new: bool,
    overwrite: bool,
}

/// What is in the way of files.
#[derive(Default)]
pub(super) struct Clashes {
    count: u64,
    /// The first of them.
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
}

impl Clashes {
    /// Says what is in the way, if anything is.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): something is.
    pub fn check(&self) -> Result<()> {
        if let Some(folder) = &self.folder {
            let path = folder.display();
            let what = format!("a folder stands where a file would go: {path}");
            return Err(Error::usage(what).hint(OTHERWISE));
        }
        let mut listed: Vec<String> = self
            .files
            .iter()
            .map(|it| it.display().to_string())
            .collect();
        let more = self.count - listed.len() as u64;
        if more > 0 {
            listed.push(format!("and {more} more"));
        }
        match self.count {
            0 => Ok(()),
            1 => Err(Error::usage(format!("{} is there already", listed[0])).hint(OR_REPLACE)),
            count => Err(Error::usage(format!("{count} files are there already:"))
                .listing(listed)
                .hint("choose another folder with --to, or replace them with --overwrite")),
        }
    }
}

impl Place {
    /// The folder `folder`, which is made where there is none. With `overwrite`, files in it are replaced.
    ///
    /// # Errors
    /// It is none, or cannot be written to.
    pub fn new(folder: &Path, overwrite: bool) -> Result<Self> {
        let is_new = folder.symlink_metadata().is_err();
        if !is_new && !folder.is_dir() {
            let what = format!("{} is there already, and is no folder", folder.display());
            return Err(Error::usage(what).hint("choose another name with --to"));
        }
        if is_new && folder.file_name().is_none() {
            let what = format!("{} is no name for a new folder", folder.display());
            return Err(Error::usage(what).hint("choose another name with --to"));
        }
        // What is moved must be moved within a file system, and the folder may be a mount.
        let above = match is_new {
            true => folder_of(folder),
            false => folder,
        };
        check_folder(above)?;
        let opened = Folder::open(above);
        let opened = opened.map_err(|error| Error::io("write into the folder", above, error))?;
        Ok(Self {
            folder: folder.to_owned(),
            hidden: Hidden::make(opened)?,
            is_new,
            overwrite,
        })
    }

    /// Looks whether something is in the way of a file of this name.
    pub(super) fn look(&self, name: &str, clashes: &mut Clashes) {
        let path = self.folder.join(name);
        match self.there(name) {
            None => {}
            Some(FileType::Directory) => clashes.folder = Some(path),
            Some(_) if self.overwrite => {}
            Some(_) => {
                clashes.count += 1;
                if clashes.files.len() < NAMED {
                    clashes.files.push(path);
                }
            }
        }
    }

    /// What has a name in the folder.
    fn there(&self, name: &str) -> Option<FileType> {
        if self.is_new {
            return None;
        }
        match name.split_once('/') {
            None => self.hidden.above().look(name).ok()?,
            Some((folder, name)) => {
                let folder = self.hidden.above().folder(folder).ok()?;
                folder.look(name).ok()?
            }
        }
    }

    /// Begins a file of this name; the name may have a folder in front.
    ///
    /// # Errors
    /// The name is taken in the folder, or by another file that was begun, or the file cannot be made.
    pub fn file(&self, name: &str) -> Result<(File, PathBuf)> {
        let mut clashes = Clashes::default();
        self.look(name, &mut clashes);
        clashes.check()?;
        let path = self.folder.join(name);
        match self.hidden.create(name) {
            Ok(file) => Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Error::failed(
                format!("two files would be called {} there", path.display()),
            )
            .hint("take them one by one; some file systems take A for a")),
            Err(error) if error.kind() == io::ErrorKind::InvalidFilename => {
                Err(Error::io("write the file", &path, error).hint(
                    "file systems have no names as long: take it with --user-names, and without --metadata",
                ))
            }
            Err(error) => Err(Error::io("write the file", &path, error)),
        }
    }

    /// Removes a file that was begun.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, name: &str) -> Result<()> {
        let removed = self.hidden.remove(name);
        removed.map_err(|error| Error::io("remove the file", &self.folder.join(name), error))
    }

    /// Shows everything under its name. Gives what is left of what was needed for that, in words.
    ///
    /// # Errors
    /// A name was taken meanwhile, or the disk fails; then everything is as it was.
    pub fn publish(self) -> Result<Option<String>> {
        let Self {
            folder,
            hidden,
            is_new,
            overwrite,
        } = self;
        if is_new {
            let name = folder.file_name().unwrap_or_default();
            let above = hidden.above().again();
            hidden.show_as(name, OTHERWISE)?;
            let fail = |error| Error::io("write into the folder", folder_of(&folder), error);
            above.map_err(fail)?.sync()?;
            return Ok(None);
        }
        let mut moved = Moved::new(&hidden);
        let done = moved.all(overwrite);
        match done {
            Ok(()) => moved.keep(),
            Err(error) => {
                drop(moved);
                return Err(hidden.discard(error));
            }
        }
        Ok(hidden.clear_away())
    }

    /// Gives it up, after an error. What is left of it is told with that.
    pub fn discard(self, error: Error) -> Error {
        self.hidden.discard(error)
    }
}

/// What has been moved into its place, and goes back unless it is to stay.
struct Moved<'a> {
    hidden: &'a Hidden,
    /// The folders, each with that in which its files were made.
    folders: Vec<(Folder, Folder)>,
    /// Names, the numbers of their folders, and what is done to take the file back.
    files: Vec<(String, usize, Undo)>,
    made: Vec<String>,
}

/// How a file is taken back.
enum Undo {
    Remove,
    /// What it has replaced is where it was made.
    Exchange,
    /// What it has replaced has this name in the hidden folder.
    Replace(String),
}

impl<'a> Moved<'a> {
    fn new(hidden: &'a Hidden) -> Self {
        Self {
            hidden,
            folders: Vec::new(),
            files: Vec::new(),
            made: Vec::new(),
        }
    }

    /// Moves all that was made, and sees that it is on disk.
    fn all(&mut self, overwrite: bool) -> Result<()> {
        let (hidden, above) = (self.hidden.folder(), self.hidden.above());
        let fail = |error| Error::io("write into the folder", above.path(), error);
        let again = (hidden.again(), above.again());
        self.folders
            .push((again.0.map_err(fail)?, again.1.map_err(fail)?));
        let mut files = Vec::new();
        for (name, is_folder) in hidden.entries().map_err(fail)? {
            let Ok(name) = name.into_string() else {
                continue;
            };
            if !is_folder {
                files.push((name, 0));
                continue;
            }
            let from = hidden.folder(&name).map_err(fail)?;
            let to = self.folder(&name)?;
            let below = from.entries().map_err(fail)?;
            let below = below
                .into_iter()
                .filter_map(|(name, _)| name.into_string().ok());
            files.extend(below.map(|name| (name, self.folders.len())));
            self.folders.push((from, to));
        }
        for (name, folder) in files {
            self.file(name, folder, overwrite)?;
        }
        self.folders.iter().try_for_each(|(_, to)| to.sync())
    }

    /// Opens a folder that files go to, and makes it where it is not there.
    fn folder(&mut self, name: &str) -> Result<Folder> {
        let above = self.hidden.above();
        let path = above.path().join(name);
        let fail = |error| Error::io("make the folder", &path, error);
        match above.look(name).map_err(fail)? {
            Some(FileType::Directory) => above.folder(name).map_err(fail),
            Some(_) => {
                let what = format!("{} is there already, and is no folder", path.display());
                Err(Error::usage(what).hint(OTHERWISE))
            }
            None => {
                let made = above.make(name).map_err(fail)?;
                self.made.push(name.to_owned());
                if let Ok(above) = above.metadata() {
                    made.give(Owner::of_folder(&above));
                }
                Ok(made)
            }
        }
    }

    /// Moves a file into its place. It gets owner and mode of what it replaces, else those that fit the folder. What it
    /// replaces has its name until then.
    fn file(&mut self, name: String, folder: usize, overwrite: bool) -> Result<()> {
        let (from, to) = &self.folders[folder];
        let path = to.path().join(&name);
        let fail = |error| Error::io("write the file", &path, error);
        let in_folder = || to.metadata().ok().map(|it| Owner::in_folder(&it));
        if let Some(owner) = to.owner_of(&name).or_else(in_folder) {
            owner.give_to(&from.read(&name).map_err(fail)?);
        }
        let is_there = to.look(&name).map_err(fail)?.is_some();
        let moved = match is_there && overwrite {
            true => self.replace(&name, folder),
            false => from.rename_new(&name, to, &name).map(|()| Undo::Remove),
        };
        match moved {
            Ok(undo) => {
                self.files.push((name, folder, undo));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let what = format!("{} is there by now", path.display());
                Err(Error::usage(what).hint(OR_REPLACE))
            }
            Err(error) => Err(fail(error)),
        }
    }

    /// Puts a file in place of another one, which is kept.
    fn replace(&self, name: &str, folder: usize) -> io::Result<Undo> {
        let (from, to) = &self.folders[folder];
        if to.look(name)? == Some(FileType::Directory) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if from.exchange(name, to, name)? {
            // It may have become one.
            if from.look(name)? == Some(FileType::Directory) {
                from.exchange(name, to, name)?;
                return Err(io::ErrorKind::IsADirectory.into());
            }
            return Ok(Undo::Exchange);
        }
        let mut number = self.files.len();
        loop {
            let kept = format!(".kept-{number}");
            match to.keep(name, self.hidden.folder(), &kept) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
                Ok(()) => {
                    from.rename(name, to, name)?;
                    return Ok(Undo::Replace(kept));
                }
            }
        }
    }

    fn keep(mut self) {
        self.files.clear();
        self.made.clear();
    }
}

impl Drop for Moved<'_> {
    fn drop(&mut self) {
        for (name, folder, undo) in self.files.drain(..).rev() {
            let (from, to) = &self.folders[folder];
            let _ = match undo {
                Undo::Remove => to.remove(&name),
                Undo::Exchange => from.exchange(&name, to, &name).map(drop),
                Undo::Replace(kept) => self.hidden.folder().rename(&kept, to, &name),
            };
        }
        for folder in self.made.drain(..).rev() {
            let _ = self.hidden.above().remove_folder(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    fn write(place: &Place, name: &str, text: &str) {
        let (mut file, _) = place.file(name).expect("begun");
        file.write_all(text.as_bytes()).expect("written");
    }

    #[test]
    fn where_one_file_cannot_be_moved_all_is_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("b"), "old").expect("written");
        let place = Place::new(folder.path(), true).expect("a place");
        for name in ["a", "b", "c", "sub/d"] {
            write(&place, name, "new");
        }
        // It comes meanwhile, and no file replaces it.
        fs::create_dir(path("c")).expect("made");
        let error = place.publish().expect_err("a folder stands there");
        assert!(error.to_string().contains("/c"), "{error}");
        assert_eq!(fs::read(path("b")).expect("read"), b"old");
        let mut there: Vec<_> = fs::read_dir(folder.path())
            .expect("read")
            .map(|it| it.expect("an entry").file_name())
            .collect();
        there.sort();
        assert_eq!(there, ["b", "c"]);
    }

    #[test]
    fn two_files_of_one_name_are_not_made_into_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place::new(folder.path(), false).expect("a place");
        write(&place, "sub/a", "one");
        let error = place.file("sub/a").expect_err("it was begun");
        assert!(error.to_string().contains("two files"), "{error}");
        assert_eq!(place.publish().expect("published"), None);
        let text = fs::read(folder.path().join("sub/a")).expect("read");
        assert_eq!(text, b"one");
    }

    #[test]
    fn files_get_the_rights_of_what_they_replace_and_else_of_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let mode = |name: &str| {
            fs::metadata(path(name))
                .expect("there")
                .permissions()
                .mode()
                & 0o777
        };
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("set");
        fs::write(path("a"), "old").expect("written");
        fs::set_permissions(path("a"), Permissions::from_mode(0o640)).expect("set");
        let place = Place::new(folder.path(), true).expect("a place");
        write(&place, "a", "new");
        write(&place, "b", "new");
        place.publish().expect("published");
        assert_eq!((mode("a"), mode("b")), (0o640, 0o644));
        let place = Place::new(&path("made"), false).expect("a place");
        write(&place, "a", "new");
        place.publish().expect("published");
        assert_eq!((mode("made"), mode("made/a")), (0o700, 0o600));
    }
}
