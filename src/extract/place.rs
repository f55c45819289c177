//! The folder that pieces go to. They are written into a hidden folder first, and are moved when all of them are on disk.

use crate::error::{Error, Result};
use crate::model::Short;
use crate::store::{Aside, Owner, check_folder, folder_of, sync_folder};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use walkdir::WalkDir;

/// Rows hold password hashes and drafts: what is made is its owner's alone.
const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// A folder that pieces go to. Dropped before it is published, it leaves nothing behind.
pub struct Place {
    folder: PathBuf,
    temporary: TempDir,
    /// Whether the folder is not there yet.
    is_new: bool,
    overwrite: bool,
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
        // What is moved must be moved within a file system, and the folder may be a mount.
        let above = match is_new {
            true => folder_of(folder),
            false => folder,
        };
        check_folder(above)?;
        let temporary = tempfile::Builder::new()
            .prefix(".backup-")
            .suffix(".part")
            .permissions(Permissions::from_mode(FOLDER))
            .tempdir_in(above)
            .map_err(|error| Error::io("write into the folder", above, error))?;
        Ok(Self {
            folder: folder.to_owned(),
            temporary,
            is_new,
            overwrite,
        })
    }

    /// Sees that a file can get this name.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): something has it, and is not to be replaced.
    pub fn check(&self, name: &str) -> Result<()> {
        let path = self.folder.join(name);
        match path.symlink_metadata() {
            Err(_) => Ok(()),
            Ok(there) if there.is_dir() => {
                let what = format!("a folder stands where a file would go: {}", path.display());
                Err(Error::usage(what).hint("choose another folder with --to"))
            }
            Ok(_) if self.overwrite => Ok(()),
            Ok(_) => Err(Error::usage(format!("{} is there already", path.display()))
                .hint("choose another folder with --to, or replace it with --overwrite")),
        }
    }

    /// Begins a file of this name; the name may have a folder in front. One that has begun under this name begins anew.
    ///
    /// # Errors
    /// The name is taken in the folder, or the file cannot be made.
    pub fn file(&self, name: &str) -> Result<(File, PathBuf)> {
        self.check(name)?;
        let path = self.temporary.path().join(name);
        let create = || {
            DirBuilder::new()
                .recursive(true)
                .mode(FOLDER)
                .create(folder_of(&path))?;
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(FILE)
                .open(&path)
        };
        match create() {
            Ok(file) => Ok((file, path)),
            Err(error) => Err(Error::io("write the file", &path, error)),
        }
    }

    /// Shows everything under its name.
    ///
    /// # Errors
    /// A name was taken meanwhile, or the disk fails; then everything is as it was.
    pub fn publish(self) -> Result<()> {
        let Self {
            folder,
            temporary,
            is_new,
            overwrite,
        } = self;
        let hidden = temporary.path();
        let fail = |path: &Path, error| Error::io("write the file", path, error);
        if is_new {
            for entry in WalkDir::new(hidden).into_iter().filter_map(Result::ok) {
                if entry.file_type().is_dir() {
                    sync_folder(entry.path())?;
                }
            }
            // An empty folder that came meanwhile is as good as none.
            fs::rename(hidden, &folder).map_err(|error| fail(&folder, error))?;
            let _ = temporary.keep();
            return sync_folder(folder_of(&folder));
        }
        let mut moved = Moved::default();
        for entry in WalkDir::new(hidden).min_depth(1) {
            let entry = entry.map_err(|error| fail(hidden, error.into()))?;
            let name = entry.path().strip_prefix(hidden).unwrap_or(entry.path());
            let path = folder.join(name);
            if entry.file_type().is_dir() {
                moved.folder(&path)?;
            } else {
                moved.file(entry.path(), &path, overwrite)?;
            }
        }
        for folder in moved.folders.iter().chain([&folder]) {
            sync_folder(folder)?;
        }
        moved.keep();
        Ok(())
    }
}

/// What has been moved into its place, and goes back unless it is to stay.
#[derive(Default)]
struct Moved {
    files: Vec<(PathBuf, Option<Aside>)>,
    made: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Moved {
    /// Sees that a folder is there.
    fn folder(&mut self, path: &Path) -> Result<()> {
        match path.symlink_metadata() {
            Ok(there) if there.is_dir() => {}
            Ok(_) => {
                let what = format!("{} is there already, and is no folder", path.display());
                return Err(Error::usage(what).hint("choose another folder with --to"));
            }
            Err(_) => {
                fs::create_dir(path).map_err(|error| Error::io("make the folder", path, error))?;
                self.made.push(path.to_owned());
                if let Ok(above) = fs::metadata(folder_of(path)) {
                    Owner::of_folder(&above).give(path);
                }
            }
        }
        self.folders.push(path.to_owned());
        Ok(())
    }

    /// Moves a file into its place. It gets owner and mode of what it replaces, else those that fit the folder.
    fn file(&mut self, from: &Path, to: &Path, overwrite: bool) -> Result<()> {
        let fail = |error| Error::io("write the file", to, error);
        let replaced = to.symlink_metadata().ok().filter(|there| there.is_file());
        let owner = match (&replaced, fs::metadata(folder_of(to))) {
            (Some(replaced), _) => Some(Owner::of_file(replaced)),
            (None, Ok(folder)) => Some(Owner::in_folder(&folder)),
            (None, Err(_)) => None,
        };
        if let Some(owner) = owner {
            owner.give(from);
        }
        let aside = match overwrite {
            true => Aside::take(to).map_err(fail)?,
            false => None,
        };
        self.files.push((to.to_owned(), aside));
        if let Err(error) = rename_new(from, to) {
            let (_, aside) = self.files.pop().expect("it was just put there");
            put_back(aside);
            return Err(match error.kind() {
                io::ErrorKind::AlreadyExists => {
                    Error::usage(format!("{} is there by now", to.display()))
                        .hint("choose another folder with --to, or replace it with --overwrite")
                }
                _ => fail(error),
            });
        }
        Ok(())
    }

    fn keep(mut self) {
        self.files.clear();
        self.made.clear();
    }
}

impl Drop for Moved {
    fn drop(&mut self) {
        for (path, aside) in self.files.drain(..).rev() {
            let _ = fs::remove_file(&path);
            put_back(aside);
        }
        for folder in self.made.drain(..).rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn put_back(aside: Option<Aside>) {
    if let Some(aside) = aside {
        aside.put_back();
    }
}

/// Renames a file to a name that nothing has.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // File systems over a network do not know it.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match to.symlink_metadata() {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(from, to),
        },
        done => Ok(done?),
    }
}

/// A name for a file that is made from one that a user gave, which may be anything.
pub(super) fn file_name(given: &str, otherwise: &str) -> String {
    /// How long names may be, in bytes, with a number behind.
    const LONGEST: usize = 240;
    let is_odd = |character: char| character.is_control() || matches!(character, '/' | '\\');
    let plain: String = given
        .trim()
        .chars()
        .map(|it| if is_odd(it) { '_' } else { it })
        .collect();
    let plain = match plain.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => plain,
    };
    if plain.is_empty() {
        return otherwise.to_owned();
    }
    let (stem, ending) = parts(&plain);
    let room = LONGEST.saturating_sub(ending.len());
    match plain.len() > LONGEST && room > 0 {
        true => format!("{}{ending}", &stem[..stem.floor_char_boundary(room)]),
        false => plain[..plain.floor_char_boundary(LONGEST)].to_owned(),
    }
}

/// A name with a number in it.
pub(super) fn numbered(name: &str, number: u32) -> String {
    let (stem, ending) = parts(name);
    format!("{stem}-{number}{ending}")
}

/// A name, and its extension with the dot.
fn parts(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    }
}

/// A file of the name of a content type.
pub(super) fn of_type(uid: &str, ending: &str) -> Result<String> {
    let name = format!("{uid}{ending}");
    match crate::model::is_file_name(&name) && !name.starts_with('.') {
        true => Ok(name),
        false => Err(Error::failed(format!(
            "no file can have the name of the content type {}",
            Short(uid)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn write(place: &Place, name: &str, text: &str) {
        let (mut file, _) = place.file(name).expect("begun");
        file.write_all(text.as_bytes()).expect("written");
    }

    #[test]
    fn what_users_call_files_becomes_a_name_that_leads_nowhere() {
        for (given, name) in [
            ("Ferien 2024.jpg", "Ferien 2024.jpg"),
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("a\\b\0c\n.png", "a_b_c_.png"),
            (".htaccess", "_htaccess"),
            ("  ", "a_1.png"),
            ("..", "_."),
        ] {
            assert_eq!(file_name(given, "a_1.png"), name, "{given}");
        }
        let long = file_name(&format!("{}.jpeg", "ä".repeat(300)), "x");
        assert!(long.len() <= 240 && long.ends_with("ä.jpeg"), "{long}");
        assert_eq!(numbered("a.tar.gz", 2), "a.tar-2.gz");
        assert_eq!(numbered("a", 3), "a-3");
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
