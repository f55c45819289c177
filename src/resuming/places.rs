//! Where the state of an import lies. It is known by its key alone, which is made from endpoint and content: a data set that
//! was packed, renamed or moved meanwhile is the same one.

use super::HalfWay;
use crate::error::{Error, Kind, Result};
use crate::store::{folder_of, not_opened, open_plain};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What the name of a state ends with.
const SUFFIX: &str = ".import-state";
/// What the name of an entry ends with, which says where a state lies.
const ENTRY: &str = ".import-place";
/// How many bytes an entry may have.
const LONGEST: u64 = 8 << 10;

/// What is imported, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Imports<'a> {
    /// What the names of its files in the user's own folder begin with, such as `prisma`.
    pub family: &'static str,
    /// What messages call what is imported, such as `data set`.
    pub set: &'static str,
    /// What they call the other side, such as `service`.
    pub target: &'static str,
    /// The other side.
    pub endpoint: &'a str,
    /// What tells the content from any other.
    pub content: &'a str,
}

/// Where a state may lie.
#[derive(Debug, Clone)]
pub struct Places {
    /// Beside the data set.
    pub beside: PathBuf,
    /// Where that may not be written: the user's own folder.
    pub fallback: Option<PathBuf>,
    /// What the names of all states of this import end with.
    ending: String,
    /// What says in the user's own folder where the state lies.
    entry: Option<PathBuf>,
    pub(super) set: &'static str,
    pub(super) target: &'static str,
    /// Who hears when something is about to be changed.
    pub(super) half_way: HalfWay,
}

impl Imports<'_> {
    /// What an import is known by: 16 hexadecimal digits of a hash.
    pub fn key(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.endpoint);
        hasher.update([0]);
        hasher.update(self.content);
        let digest = hasher.finalize();
        digest[..8].iter().map(|it| format!("{it:02x}")).collect()
    }
}

/// The states beside what lies at this path, of whatever import of it: `NAME.KEY.import-state`.
pub(crate) fn states(data: &Path) -> Vec<PathBuf> {
    let mut begin = data.file_name().unwrap_or_default().to_owned();
    begin.push(".");
    let is_state = |name: &OsStr| {
        let key = name.as_bytes().strip_prefix(begin.as_bytes());
        let key = key.and_then(|it| it.strip_suffix(SUFFIX.as_bytes()));
        key.is_some_and(|it| !it.is_empty() && it.iter().all(u8::is_ascii_hexdigit))
    };
    let entries = fs::read_dir(folder_of(data)).into_iter().flatten();
    let entries = entries
        .flatten()
        .filter(|it| is_state(&it.file_name()))
        .map(|it| it.path());
    let mut paths: Vec<PathBuf> = entries.collect();
    paths.sort();
    paths
}

/// The states that the user's `own` folder knows of, of whatever import of this family: those in it, and those that its
/// entries name. They may be gone.
pub(crate) fn kept(family: &str, own: &Path) -> Vec<PathBuf> {
    let begin = format!("{family}-");
    let mut paths = Vec::new();
    for entry in fs::read_dir(own).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let Some(rest) = name.as_bytes().strip_prefix(begin.as_bytes()) else {
            continue;
        };
        if rest.ends_with(SUFFIX.as_bytes()) {
            paths.push(path);
        } else if rest.ends_with(ENTRY.as_bytes())
            && let Ok(file) = open_plain(OpenOptions::new().read(true), &path)
        {
            paths.extend(named(&file).ok().flatten());
        }
    }
    paths.sort();
    paths.dedup();
    paths
}

/// The states of an import that are there.
struct Found {
    paths: Vec<PathBuf>,
    /// Where one should be, and is not.
    gone: Option<PathBuf>,
}

impl Places {
    /// The places for the import of what lies at this path. `own` is the user's own folder for what programs keep.
    pub fn of(data: &Path, imports: &Imports<'_>, own: Option<&Path>) -> Self {
        let Imports { family, .. } = imports;
        let key = imports.key();
        let ending = format!(".{key}{SUFFIX}");
        let mut name = data.file_name().unwrap_or_default().to_owned();
        name.push(&ending);
        Self {
            beside: folder_of(data).join(name),
            fallback: own.map(|folder| folder.join(format!("{family}-{key}{SUFFIX}"))),
            ending,
            entry: own.map(|folder| folder.join(format!("{family}-{key}{ENTRY}"))),
            set: imports.set,
            target: imports.target,
            half_way: HalfWay::default(),
        }
    }

    /// Has somebody hear that the other side is half-way, from before it is changed on.
    #[must_use]
    pub fn telling(mut self, half_way: HalfWay) -> Self {
        self.half_way = half_way;
        self
    }

    /// The state that is there: where the entry says, in the user's own folder, or beside the data set, however that was
    /// called.
    ///
    /// # Errors
    /// The one that the entry names is gone, or it is not known which of several counts.
    pub fn existing(&self) -> Result<Option<PathBuf>> {
        let Found { mut paths, gone } = self.found()?;
        match (paths.len(), gone) {
            (0, None) => Ok(None),
            (0, Some(gone)) => {
                let what = format!(
                    "an earlier run sent this {} there, or began to, and {} is gone, which says how much of it",
                    self.set,
                    gone.display()
                );
                Err(Error::failed(what).hint(format!(
                    "put it back; or see that the {} is empty, and begin anew with --restart",
                    self.target
                )))
            }
            (1, _) => Ok(paths.pop()),
            _ => {
                let list = paths.iter().map(|it| it.display().to_string()).collect();
                Err(
                    Error::failed("it is not known which of these is the state of this import:")
                        .listing(list)
                        .hint("keep the last one that was written, and take the others away"),
                )
            }
        }
    }

    fn found(&self) -> Result<Found> {
        let is_there = |path: &Path| path.symlink_metadata().is_ok();
        let mut gone = None;
        if let Some(path) = self.noted()? {
            if is_there(&path) {
                let paths = vec![path];
                return Ok(Found { paths, gone });
            }
            gone = Some(path);
        }
        if let Some(path) = self.fallback.as_ref().filter(|path| is_there(path)) {
            let paths = vec![path.clone()];
            return Ok(Found { paths, gone });
        }
        let paths = self.beside();
        Ok(Found { paths, gone })
    }

    /// The states in the folder of the data set.
    fn beside(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder_of(&self.beside)).into_iter().flatten();
        let ending = self.ending.as_bytes();
        let mut paths: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| entry.file_name().as_bytes().ends_with(ending))
            .map(|entry| entry.path())
            .collect();
        // A folder that lets nobody look into it.
        if paths.is_empty() && self.beside.symlink_metadata().is_ok() {
            paths.push(self.beside.clone());
        }
        paths.sort();
        paths
    }

    /// Where the entry says that the state lies.
    fn noted(&self) -> Result<Option<PathBuf>> {
        let Some(path) = &self.entry else {
            return Ok(None);
        };
        match open_plain(OpenOptions::new().read(true), path) {
            Ok(file) => named(&file).map_err(|error| Error::io("read", path, error)),
            Err(error) if may_not(&error) || error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(not_opened("read", path, error)),
        }
    }

    /// Holds the entry, which excludes other runs of the same import wherever their data sets lie; `None` where the user's
    /// own folder may not be written.
    pub(super) fn hold(&self) -> Result<Option<Entry>> {
        let Some(path) = &self.entry else {
            return Ok(None);
        };
        let mut folders = DirBuilder::new();
        let made = folders
            .recursive(true)
            .mode(0o700)
            .create(folder_of(path))
            .and_then(|()| open_plain(options().create(true), path).map(drop));
        match made {
            Ok(()) => {}
            Err(error) if may_not(&error) || error.kind() == io::ErrorKind::NotADirectory => {
                return Ok(None);
            }
            Err(error) => return Err(not_opened("write", path, error)),
        }
        match hold(path, true, self.set)? {
            Some(file) => Ok(Some(Entry {
                file,
                path: path.clone(),
            })),
            None => Err(locked(path, self.set)),
        }
    }

    /// Forgets an import: removes all states of it, and the entry.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): another run is at it; or its state cannot be removed.
    pub fn forget(&self) -> Result<()> {
        let _entry = self.hold()?;
        self.remove()
    }

    fn remove(&self) -> Result<()> {
        let mut paths = self.found()?.paths;
        paths.extend(self.beside());
        // One is held once.
        paths.sort();
        paths.dedup();
        let held: Vec<File> = paths
            .iter()
            .filter_map(|path| hold(path, false, self.set).transpose())
            .collect::<Result<_>>()?;
        for path in paths.iter().chain(&self.fallback).chain(&self.entry) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove the state of the import", path, error));
                }
                _ => {}
            }
        }
        drop(held);
        Ok(())
    }
}

/// An entry that is held.
pub(super) struct Entry {
    file: File,
    path: PathBuf,
}

impl Entry {
    /// Says where the state lies.
    pub fn note(&mut self, state: &Path) -> Result<()> {
        let fail = |error| Error::io("write", &self.path, error);
        if named(&self.file).map_err(fail)?.as_deref() == Some(state) {
            return Ok(());
        }
        let text = [state.as_os_str().as_bytes(), b"\n"].concat();
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .and_then(|_| self.file.write_all(&text))
            .and_then(|()| self.file.sync_all())
            .map_err(fail)?;
        crate::store::sync_folder(folder_of(&self.path))
    }

    /// Takes it away: there is nothing to go on with.
    pub fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The path in an entry; one that was cut short says nothing.
fn named(mut file: &File) -> io::Result<Option<PathBuf>> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(LONGEST).read_to_end(&mut text)?;
    let is_whole = text.pop() == Some(b'\n') && !text.is_empty();
    Ok(is_whole.then(|| PathBuf::from(std::ffi::OsString::from_vec(text))))
}

/// Opens a state and holds it until its file is closed; `None` where it is not there. Another run may remove it before it
/// is held: then what was opened is not what has the name.
///
/// # Errors
/// Kind [`Locked`](Kind::Locked): another run holds it.
pub(crate) fn hold(path: &Path, is_new: bool, set: &str) -> Result<Option<File>> {
    loop {
        let opened = open_plain(options().create(is_new), path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(not_opened("open the state of the import", path, error)),
            Ok(file) => file,
        };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(locked(path, set));
        }
        if is_named(&file, path) {
            return Ok(Some(file));
        }
    }
}

/// Whether this is the file that has the name.
pub(crate) fn is_named(file: &File, path: &Path) -> bool {
    let inode = |about: fs::Metadata| (about.dev(), about.ino());
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(one), Ok(other)) => inode(one) == inode(other),
        _ => false,
    }
}

pub(super) fn locked(path: &Path, set: &str) -> Error {
    let what = format!(
        "another run imports this {set}: it holds {}",
        path.display()
    );
    Error::new(Kind::Locked, what).hint("wait until it has ended, and run it again")
}

/// Whether a place may not be written.
pub(super) fn may_not(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}
