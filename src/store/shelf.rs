//! Places where several archives lie, to be listed and tidied up.

use super::limit::too_long;
use super::object::ObjectShelf;
use super::{Access, FileOrigin, Location, Origin};
use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A place where archives lie: a folder, or a prefix in an object store.
pub trait Shelf: Send {
    /// Where it is, for messages; no credentials stand in it.
    fn name(&self) -> String;

    /// What lies there, by name. What lies in folders in it is not among that.
    ///
    /// # Errors
    /// It cannot be listed.
    fn list(&self) -> Result<Vec<Item>>;

    /// What is known of one of these; `None` where there is none of this name.
    ///
    /// # Errors
    /// It cannot be asked for.
    fn item(&self, name: &str) -> Result<Option<Item>> {
        Ok(self.list()?.into_iter().find(|item| item.name == name))
    }

    /// Starts to read an archive.
    ///
    /// # Errors
    /// There is none of this name, or it cannot be read.
    fn open(&self, name: &str) -> Result<Box<dyn Origin>>;

    /// Reads a small file whole; `None` where there is none of this name.
    ///
    /// # Errors
    /// It cannot be read, or has more than `most` bytes.
    fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>>;

    /// What an archive is known by, where the place keeps that: [`Written::id`](super::Written::id).
    ///
    /// # Errors
    /// It cannot be asked for.
    fn id(&self, _name: &str) -> Result<Option<String>> {
        Ok(None)
    }

    /// Removes a file. That there is none of this name is fine.
    ///
    /// # Errors
    /// It cannot be removed.
    fn remove(&self, name: &str) -> Result<()>;
}

/// What lies on a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name on the shelf; no slash stands in it.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
    /// When it was written.
    pub modified: SystemTime,
}

/// The shelf at a location; what is spooled of archives that it opens goes to `spool_folder`.
///
/// # Errors
/// There is none there, or it cannot be reached.
pub fn shelf(location: &Location, access: &Access, spool_folder: &Path) -> Result<Box<dyn Shelf>> {
    match location {
        Location::Stream => Err(Error::usage("stdin and stdout hold no several archives")
            .hint("name a folder, or a prefix such as s3://bucket/prefix/")),
        Location::Path(path) => Ok(Box::new(Folder::open(path, spool_folder)?)),
        Location::Object(object) => Ok(Box::new(ObjectShelf::open(object, access)?)),
    }
}

/// A folder.
struct Folder {
    path: PathBuf,
    spool_folder: PathBuf,
}

impl Folder {
    fn open(path: &Path, spool_folder: &Path) -> Result<Self> {
        if path.is_dir() {
            return Ok(Self {
                path: path.to_owned(),
                spool_folder: spool_folder.to_owned(),
            });
        }
        if path.exists() {
            return Err(Error::usage(format!("{} is not a folder", path.display()))
                .hint("name the folder that the archives are in"));
        }
        Err(Error::failed(format!("there is no folder {}", path.display())).hint("check its name"))
    }

    /// The path of something in it.
    fn path_of(&self, name: &str) -> PathBuf {
        debug_assert!(!name.contains('/') && name != "..", "{name}");
        self.path.join(name)
    }
}

impl Shelf for Folder {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn list(&self) -> Result<Vec<Item>> {
        let fail = |error| Error::io("list the folder", &self.path, error);
        let mut items = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            // What is listed can be named, and is nothing that leads elsewhere.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(fail(error)),
            };
            if metadata.is_file() {
                items.push(Item {
                    name,
                    size: metadata.len(),
                    modified: metadata.modified().map_err(fail)?,
                });
            }
        }
        items.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(items)
    }

    fn item(&self, name: &str) -> Result<Option<Item>> {
        let path = self.path_of(name);
        let fail = |error| Error::io("look at", &path, error);
        let metadata = match path.metadata() {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        Ok(Some(Item {
            name: name.to_owned(),
            size: metadata.len(),
            modified: metadata.modified().map_err(fail)?,
        }))
    }

    fn open(&self, name: &str) -> Result<Box<dyn Origin>> {
        FileOrigin::open(&self.path_of(name), &self.spool_folder)
    }

    fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
        let path = self.path_of(name);
        let fail = |error| Error::io("read the file", &path, error);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let mut bytes = Vec::new();
        let mut limited = file.take(most.saturating_add(1));
        limited.read_to_end(&mut bytes).map_err(fail)?;
        match bytes.len() as u64 <= most {
            true => Ok(Some(bytes)),
            false => Err(too_long(&path.display().to_string(), most)),
        }
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path_of(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("remove the file", &path, error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> Box<dyn Shelf> {
        let location = Location::Path(folder.to_owned());
        shelf(&location, &Access::default(), folder).expect("a shelf")
    }

    #[test]
    fn a_folder_lists_its_own_files_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        fs::write(path.join("b.tar"), "four").expect("written");
        fs::write(path.join("a.tar"), "").expect("written");
        fs::create_dir(path.join("c")).expect("made");
        fs::write(path.join("c/d.tar"), "").expect("written");
        std::os::unix::fs::symlink("b.tar", path.join("latest.tar")).expect("linked");
        let items = open(path).list().expect("listed");
        let listed: Vec<_> = items.iter().map(|item| (&*item.name, item.size)).collect();
        assert_eq!(listed, [("a.tar", 0), ("b.tar", 4)]);
    }

    #[test]
    fn a_small_file_is_read_whole_and_removed_once() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a"), "four").expect("written");
        let shelf = open(folder.path());
        assert_eq!(shelf.read("a", 4).expect("read"), Some(b"four".to_vec()));
        assert!(shelf.read("a", 3).is_err());
        shelf.remove("a").expect("removed");
        shelf.remove("a").expect("nothing to remove");
        assert_eq!(shelf.read("a", 4).expect("absent"), None);
        assert!(shelf.open("a").is_err());
    }
}
