//! Folders that are held open. What stands at a path may change between a look at it and its
//! use, where somebody else may write to the folder above; what stands in an open folder does not change its place.

mod hidden;

pub(crate) use hidden::{Hidden, check_free, holds_something};

use super::Owner;
use crate::error::{Error, Result};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, linkat, mkdirat, openat, renameat,
    renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Rows hold password hashes and drafts: what is made is its owner's alone.
const FOLDER: Mode = Mode::RWXU;
const FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// To look at a file, nobody needs to read it.
#[cfg(target_os = "linux")]
const LOOK: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const LOOK: OFlags = OFlags::NONBLOCK;

/// A folder that is held open. No link in it is followed.
#[derive(Debug)]
pub(crate) struct Folder {
    handle: File,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder, which a link may lead to.
    ///
    /// # Errors
    /// There is none, or it may not be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_at(CWD, path, OFlags::empty(), path.to_owned())
    }

    fn open_at(
        at: impl std::os::fd::AsFd,
        name: &Path,
        flags: OFlags,
        path: PathBuf,
    ) -> io::Result<Self> {
        let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = openat(at, name, flags, Mode::empty())?.into();
        Ok(Self { handle, path })
    }

    /// Where it was found, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a folder in it.
    ///
    /// # Errors
    /// There is none, it is a link, or it may not be read.
    pub fn folder(&self, name: impl AsRef<Path>) -> io::Result<Self> {
        let name = name.as_ref();
        let path = self.path.join(name);
        Self::open_at(&self.handle, name, OFlags::NOFOLLOW, path)
    }

    /// Makes a folder in it, which is its owner's alone, and opens it.
    ///
    /// # Errors
    /// Something has the name, or somebody puts something else in its place.
    pub fn make(&self, name: impl AsRef<Path>) -> io::Result<Self> {
        let name = name.as_ref();
        mkdirat(&self.handle, name, FOLDER)?;
        let opened = self.folder(name).and_then(Self::made);
        if let Err(error) = &opened
            && error.kind() != io::ErrorKind::PermissionDenied
        {
            // It is of no use, and nobody would know whose it is.
            let _ = self.remove_folder(name);
        }
        opened
    }

    /// Sees that it is the one that was made.
    fn made(self) -> io::Result<Self> {
        if !self.entries()?.is_empty() || !self.is_own()? {
            let what = "somebody else has put another folder in its place";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        Ok(self)
    }

    /// Whether it is whose files in it are that this run makes, and nobody else's: mounts may have one owner for all.
    fn is_own(&self) -> io::Result<bool> {
        const PROBE: &str = ".backup-probe";
        let probe = self.create(PROBE)?.metadata();
        self.remove(PROBE)?;
        let (probe, own) = (probe?, self.metadata()?);
        let is_private = |it: &Metadata| it.mode() & 0o077 == 0;
        Ok(probe.uid() == own.uid() && (is_private(&own) || !is_private(&probe)))
    }

    /// The same, once more.
    pub fn again(&self) -> io::Result<Self> {
        Ok(Self {
            handle: self.handle.try_clone()?,
            path: self.path.clone(),
        })
    }

    /// Makes a file in it, of a name that nothing has.
    ///
    /// # Errors
    /// Something has the name, or the file cannot be made.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.handle, name, flags, FILE)?.into())
    }

    /// Opens a plain file in it.
    ///
    /// # Errors
    /// It is none, or may not be read.
    pub fn read(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(openat(&self.handle, name, flags, Mode::empty())?);
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// What has a name in it; `None` where nothing does.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn look(&self, name: impl AsRef<Path>) -> io::Result<Option<FileType>> {
        match statat(&self.handle, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => Ok(Some(FileType::from_raw_mode(there.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whose a file in it is.
    pub fn owner_of(&self, name: &str) -> Option<Owner> {
        let flags = LOOK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(openat(&self.handle, name, flags, Mode::empty()).ok()?);
        let there = file.metadata().ok()?;
        there.is_file().then(|| Owner::of_file(&there))
    }

    /// Owner, rights and number of it.
    ///
    /// # Errors
    /// The file system does not say.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.handle.metadata()
    }

    /// Gives it an owner, as far as that goes.
    pub fn give(&self, owner: Owner) {
        owner.give_to(&self.handle);
    }

    /// Whether it is what has this name in another one.
    pub fn is_at(&self, above: &Self, name: impl AsRef<Path>) -> bool {
        let Ok(there) = above.folder(name).and_then(|there| there.metadata()) else {
            return false;
        };
        let own = self.metadata();
        own.is_ok_and(|own| (own.dev(), own.ino()) == (there.dev(), there.ino()))
    }

    /// The names in it, and whether they are those of folders, in order.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn entries(&self) -> io::Result<Vec<(OsString, bool)>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
            if name != "." && name != ".." {
                let is_folder = self.look(&name)? == Some(FileType::Directory);
                names.push((name, is_folder));
            }
        }
        names.sort();
        Ok(names)
    }

    /// Renames what is in it to a name in `to` that nothing has.
    ///
    /// # Errors
    /// Something has the name, or it cannot be renamed.
    pub fn rename_new(&self, from: &str, to: &Self, name: &str) -> io::Result<()> {
        let flags = RenameFlags::NOREPLACE;
        match renameat_with(&self.handle, from, &to.handle, name, flags) {
            // File systems over a network do not know it.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match to.look(name)? {
                Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
                None => self.rename(from, to, name),
            },
            done => Ok(done?),
        }
    }

    /// Renames what is in it to a name in `to`, in place of what has it.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn rename(&self, from: &str, to: &Self, name: impl AsRef<Path>) -> io::Result<()> {
        Ok(renameat(&self.handle, from, &to.handle, name.as_ref())?)
    }

    /// Has two files change places, at once; gives whether the file system knows how.
    ///
    /// # Errors
    /// One of them is not there, or cannot be renamed.
    pub fn exchange(&self, from: &str, to: &Self, name: &str) -> io::Result<bool> {
        let flags = RenameFlags::EXCHANGE;
        match renameat_with(&self.handle, from, &to.handle, name, flags) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
            done => Ok(done.map(|()| true)?),
        }
    }

    /// Gives a file in it a second name, in `to`; where the file system knows no such thing, there is a copy.
    ///
    /// # Errors
    /// Something has the name, or there can be neither.
    pub fn keep(&self, from: &str, to: &Self, name: &str) -> io::Result<()> {
        match linkat(&self.handle, from, &to.handle, name, AtFlags::empty()) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => {
                let mut source = self.read(from)?;
                let owner = Owner::of_file(&source.metadata()?);
                let mut copy = to.create(name)?;
                io::copy(&mut source, &mut copy)?;
                owner.give_to(&copy);
                copy.sync_all()
            }
        }
    }

    /// Removes a file in it.
    ///
    /// # Errors
    /// There is none, or it cannot be removed.
    pub fn remove(&self, name: impl AsRef<Path>) -> io::Result<()> {
        Ok(unlinkat(&self.handle, name.as_ref(), AtFlags::empty())?)
    }

    /// Removes an empty folder in it.
    ///
    /// # Errors
    /// There is none, or it cannot be removed.
    pub fn remove_folder(&self, name: impl AsRef<Path>) -> io::Result<()> {
        Ok(unlinkat(&self.handle, name.as_ref(), AtFlags::REMOVEDIR)?)
    }

    /// Removes all that is in it.
    fn clear(&self) -> io::Result<()> {
        for (name, is_folder) in self.entries()? {
            match is_folder {
                true => {
                    self.folder(&name)?.clear()?;
                    self.remove_folder(&name)?;
                }
                false => self.remove(&name)?,
            }
        }
        Ok(())
    }

    /// Sees that the names in it are on disk.
    ///
    /// # Errors
    /// They are not.
    pub fn sync(&self) -> Result<()> {
        let synced = self.handle.sync_all();
        synced.map_err(|error| Error::io("write into the folder", &self.path, error))
    }

    fn sync_all(&self) -> Result<()> {
        let fail = |error| Error::io("write into the folder", &self.path, error);
        for (name, is_folder) in self.entries().map_err(fail)? {
            if is_folder {
                self.folder(&name).map_err(fail)?.sync_all()?;
            }
        }
        self.sync()
    }
}
