//! Files that have no name yet, or a hidden one: what is written before it is seen, and what is put aside.
//!
//! A hidden file is locked as long as its run needs it. What nobody holds was left by a run that was killed, and goes with
//! the next export into that folder.

use super::{folder_of, open_plain};
use rustix::fs::{FlockOperation, flock};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// How hidden names begin and end, and how many letters and digits stand between.
pub(super) const PREFIX: &str = ".backup-";
pub(super) const SUFFIX: &str = ".part";
const RANDOM: usize = 6;
/// How often another hidden name is tried.
const TRIES: usize = 8;

/// A file that has no name, so that nothing is left of it if the process is killed; or a hidden one,
/// where the file system knows none without.
pub(crate) enum Temporary {
    Unnamed(File),
    Named(NamedTempFile),
}

impl Temporary {
    /// An empty one in a folder.
    pub(crate) fn create(folder: &Path) -> io::Result<Self> {
        match unnamed(folder) {
            Some(file) => Ok(Self::Unnamed(file)),
            None => named(folder).map(Self::Named),
        }
    }

    /// The file itself.
    pub(crate) fn file(&mut self) -> &mut File {
        match self {
            Self::Unnamed(file) => file,
            Self::Named(named) => named.as_file_mut(),
        }
    }

    /// Gives it a name, in place of what stands there if it is to `replace` that.
    pub(crate) fn persist(self, path: &Path, replace: bool) -> io::Result<File> {
        let file = match self {
            Self::Named(named) if !replace => {
                named.persist_noclobber(path).map_err(|error| error.error)?
            }
            Self::Named(named) => named.persist(path).map_err(|error| error.error)?,
            Self::Unnamed(file) if !replace => {
                link(&file, path)?;
                return Ok(file);
            }
            Self::Unnamed(file) => {
                // A link does not replace, a rename does. It is held before it has a name.
                hold(&file);
                let link = |name: &Path| link(&file, name);
                let named = hidden().make_in(folder_of(path), link)?;
                named.persist(path).map_err(|error| error.error)?;
                file
            }
        };
        // Whoever locks it under its own name has reasons of their own.
        let _ = flock(&file, FlockOperation::Unlock);
        Ok(file)
    }
}

/// A file that was put aside under a hidden name. It is gone when this is dropped, unless it is put back.
pub struct Aside {
    hidden: TempPath,
    path: PathBuf,
    /// Locked, where it may be read.
    _held: Option<File>,
}

impl Aside {
    /// Puts a file aside, also one that may not be read; `None` where there is none.
    ///
    /// # Errors
    /// It is a folder, or cannot be renamed.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let held = open_plain(OpenOptions::new().read(true), path).ok();
        held.as_ref().map(hold);
        let rename = |name: &Path| match name.symlink_metadata() {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) if path.symlink_metadata()?.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Err(_) => fs::rename(path, name),
        };
        match hidden().make_in(folder_of(path), rename) {
            Ok(renamed) => Ok(Some(Self {
                hidden: renamed.into_temp_path(),
                path: path.to_owned(),
                _held: held,
            })),
            // Its folder is there: the name was looked at.
            Err(_) if is_absent(path) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether this and nothing else stands in it.
    pub fn holds(&self, text: &[u8]) -> bool {
        let mut there = Vec::new();
        let opened = open_plain(OpenOptions::new().read(true), &self.hidden);
        let read = opened.and_then(|file| {
            let most = (text.len() as u64).saturating_add(1);
            file.take(most).read_to_end(&mut there)
        });
        read.is_ok() && there == text
    }

    /// Puts it back, unless something has its name by now; gives whether it is back.
    pub fn put_back(self) -> bool {
        self.hidden.persist_noclobber(&self.path).is_ok()
    }
}

fn is_absent(path: &Path) -> bool {
    path.symlink_metadata()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Removes the hidden files of this user in a folder that nobody holds. What cannot be removed stays: that is no reason
/// not to export.
pub(super) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_hidden(&entry.file_name()) {
            let _ = remove_dead(&entry.path());
        }
    }
}

fn is_hidden(name: &OsStr) -> bool {
    let between = name.to_str().and_then(|name| {
        let name = name.strip_prefix(PREFIX)?;
        name.strip_suffix(SUFFIX)
    });
    between.is_some_and(|it| it.len() == RANDOM && it.bytes().all(|it| it.is_ascii_alphanumeric()))
}

fn remove_dead(path: &Path) -> io::Result<()> {
    // Shared file systems give the lock to those who may write alone.
    let file = open_plain(OpenOptions::new().read(true).write(true), path)?;
    let is_own = file.metadata()?.uid() == rustix::process::geteuid().as_raw();
    if is_own && hold(&file) && is_at(&file, path) {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Locks a file until it is closed; gives whether that went.
fn hold(file: &File) -> bool {
    flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

fn is_at(file: &File, path: &Path) -> bool {
    let of = |it: fs::Metadata| (it.dev(), it.ino());
    let (file, there) = (file.metadata().map(of), path.symlink_metadata().map(of));
    matches!((file, there), (Ok(file), Ok(there)) if file == there)
}

fn hidden() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
    builder
}

/// A hidden file that is held.
fn named(folder: &Path) -> io::Result<NamedTempFile> {
    for _ in 0..TRIES {
        let named = hidden().tempfile_in(folder)?;
        let locked = flock(named.as_file(), FlockOperation::NonBlockingLockExclusive);
        // Somebody sweeps, and took it for one that nobody holds. Not all file systems know locks; there nobody can.
        if locked != Err(rustix::io::Errno::WOULDBLOCK) && is_at(named.as_file(), named.path()) {
            return Ok(named);
        }
    }
    hidden().tempfile_in(folder)
}

#[cfg(target_os = "linux")]
fn unnamed(folder: &Path) -> Option<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR).ok()?);
    // It gets its name by way of this.
    descriptor(&file).exists().then_some(file)
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_folder: &Path) -> Option<File> {
    None
}

fn link(file: &File, name: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    Ok(linkat(
        CWD,
        descriptor(file),
        CWD,
        name,
        AtFlags::SYMLINK_FOLLOW,
    )?)
}

fn descriptor(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_leaves_is_swept_and_what_is_held_or_somebody_elses_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let living = named(folder.path()).expect("made");
        let dead = path(".backup-aB3dE6.part");
        let others = [
            ".backup-aB3dE6.tar",
            ".backup-x.part",
            ".backup-drill.part",
            "a.part",
        ];
        for name in others.iter().map(|it| path(it)).chain([dead.clone()]) {
            fs::write(name, "").expect("written");
        }
        let unpacked = path(".backup-aB3dE7.part");
        fs::create_dir(&unpacked).expect("made");
        sweep(folder.path());
        assert!(!dead.exists());
        assert!(living.path().exists() && unpacked.exists());
        assert!(others.iter().all(|it| path(it).exists()));
    }

    #[test]
    fn what_is_put_aside_comes_back_where_nothing_has_come_meanwhile() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        assert!(Aside::take(&path).expect("looked").is_none());
        fs::write(&path, "old").expect("written");
        let take = || Aside::take(&path).expect("taken").expect("it is there");
        let aside = take();
        assert!(!path.exists() && aside.holds(b"old") && !aside.holds(b"ol"));
        // It is held.
        sweep(folder.path());
        assert!(aside.put_back());
        assert_eq!(fs::read(&path).expect("read"), b"old");
        let aside = take();
        fs::write(&path, "new").expect("written");
        assert!(!aside.put_back());
        assert_eq!(fs::read(&path).expect("read"), b"new");
        drop(take());
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 0);
    }
}
