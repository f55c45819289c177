//! Archives in files.

use super::pipe::NamedPipe;
use super::temporary::{Temporary, sweep};
use super::{Ending, Interrupt, Origin, Receipt, StreamOrigin, Target, WriteBack};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that appears under its name when it is complete and on disk.
pub struct FileTarget {
    temporary: Temporary,
    write_back: WriteBack,
    names: FileNames,
    receipt: Receipt,
    called: Called,
}

/// What messages call a file, and the option that names it.
#[derive(Debug, Clone, Copy)]
struct Called {
    what: &'static str,
    option: &'static str,
}

impl Called {
    const ARCHIVE: Self = Self {
        what: "archive",
        option: "--file",
    };
}

/// What a file is called when it is there, and what may stand there before.
#[derive(Debug, Clone)]
pub struct FileNames {
    /// Where it goes when it is complete.
    pub complete: PathBuf,
    /// Where it goes when it is not, in place of what stands there.
    pub incomplete: PathBuf,
    /// Whether what stands where it goes when it is complete is replaced.
    pub overwrite: bool,
}

impl FileNames {
    /// The file is called so however it ends, and replaces what is there.
    pub fn replacing(path: &Path) -> Self {
        Self {
            complete: path.to_owned(),
            incomplete: path.to_owned(),
            overwrite: true,
        }
    }
}

impl FileTarget {
    /// Starts a file that will have one of these names.
    ///
    /// # Errors
    /// A folder has one of the names, or a file that is not to be replaced; or its own folder is not there or cannot be
    /// written to.
    pub fn create(names: FileNames, receipt: Receipt) -> Result<Self> {
        let path = &names.complete;
        if path.is_dir() {
            return Err(Error::usage(format!("{} is a folder", path.display()))
                .hint("choose another name with --file"));
        }
        if !names.overwrite && path.symlink_metadata().is_ok() {
            return Err(Error::usage(format!("{} is there already", path.display()))
                .hint("choose another name with --file, or replace it with --overwrite"));
        }
        let incomplete = &names.incomplete;
        if incomplete.symlink_metadata().is_ok_and(|it| it.is_dir()) {
            return Err(Error::usage(format!(
                "{} is a folder, and an archive from which something is missing would have that name",
                incomplete.display()
            ))
            .hint("choose another name with --file"));
        }
        let folder = folder_of(path);
        check_folder(folder)?;
        sweep(folder);
        let temporary = Temporary::create(folder)
            .map_err(|error| Error::io("write into the folder", folder, error))?;
        Ok(Self {
            temporary,
            write_back: WriteBack::default(),
            names,
            receipt,
            called: Called::ARCHIVE,
        })
    }

    /// The same for what is no archive: what messages call it, and the option that names it.
    #[must_use]
    pub fn called(mut self, what: &'static str, option: &'static str) -> Self {
        self.called = Called { what, option };
        self
    }

    /// Publishes it; when it is on disk, right before it gets its name, this is done, and nothing is published where that
    /// fails.
    ///
    /// # Errors
    /// Those of [`Target::publish`], and of what is done.
    pub fn publish_after(self, ending: Ending, before: impl FnOnce() -> Result<()>) -> Result<()> {
        let Self {
            mut temporary,
            names,
            receipt,
            called,
            ..
        } = self;
        let Called { what, option } = called;
        let (path, replace) = match ending {
            Ending::Complete => (names.complete, names.overwrite),
            Ending::Incomplete => (names.incomplete, true),
        };
        let fail = |error| Error::io(format!("write the {what}"), &path, error);
        temporary.file().sync_all().map_err(fail)?;
        before()?;
        let file = temporary
            .persist(&path, replace)
            .map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists if !replace => Error::failed(format!(
                    "{} has come meanwhile, and is not replaced",
                    path.display()
                ))
                .hint(format!("choose another name with {option}")),
                _ => fail(error),
            })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        receipt.is_file(file);
        receipt.published(&path.display().to_string(), &name);
        sync_called(&path, what)
    }
}

impl Write for FileTarget {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.temporary.file().write(bytes)?;
        self.write_back.wrote(self.temporary.file(), written);
        self.receipt.wrote(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.file().flush()
    }
}

impl Target for FileTarget {
    fn name(&self) -> String {
        self.names.complete.display().to_string()
    }

    fn spool_folder(&self) -> &Path {
        folder_of(&self.names.complete)
    }

    fn publish(self: Box<Self>, ending: Ending) -> Result<()> {
        self.publish_after(ending, || Ok(()))
    }
}

/// A file to read. It is held open: what was read once is read again, whatever takes its name.
pub struct FileOrigin {
    file: Arc<File>,
    length: u64,
    path: PathBuf,
}

impl FileOrigin {
    /// Opens a file. A pipe that has a name is a stream, and may need `spool_folder`.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open(path: &Path, spool_folder: &Path) -> Result<Box<dyn Origin>> {
        Self::open_until(path, spool_folder, &Interrupt::default())
    }

    /// The same, where a pipe is waited for until the run is to stop.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open_until(
        path: &Path,
        spool_folder: &Path,
        interrupt: &Interrupt,
    ) -> Result<Box<dyn Origin>> {
        if NamedPipe::is_at(path) {
            let pipe = NamedPipe::open(path, interrupt);
            let pipe = pipe.map_err(|error| Error::io("read the archive", path, error))?;
            let name = path.display().to_string();
            return Ok(Box::new(StreamOrigin::new(name, pipe, spool_folder)));
        }
        let open = || -> io::Result<(File, std::fs::Metadata)> {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            Ok((file, metadata))
        };
        let (file, metadata) = open().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Error::failed(format!("there is no archive at {}", path.display()))
                    .hint("check the name that was given")
            }
            _ => Error::io("read the archive", path, error),
        })?;
        if !metadata.is_file() {
            return Ok(Box::new(StreamOrigin::new(
                path.display().to_string(),
                file,
                spool_folder,
            )));
        }
        Ok(Box::new(Self {
            file: Arc::new(file),
            length: metadata.len(),
            path: path.to_owned(),
        }))
    }
}

impl Origin for FileOrigin {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn open(&mut self, _again: bool) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(FromStart {
            file: Arc::clone(&self.file),
            position: 0,
        }))
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }
}

/// Reads an open file from its beginning, with a position of its own.
struct FromStart {
    file: Arc<File>,
    position: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

/// The folder a path lies in; the current one for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A path without links; as it is where nothing is there yet.
pub fn real_path(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Sees that a folder is there to write into.
///
/// # Errors
/// It is not.
pub fn check_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let what = format!("there is no folder {}", folder.display());
    Err(Error::failed(what).hint("make it first, or choose another name"))
}

/// Sees that a rename is on disk.
///
/// # Errors
/// The folder cannot be synced.
pub fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| Error::io("write into the folder", folder, error))
}

/// Sees that the name of a complete archive is on disk.
///
/// # Errors
/// Its folder cannot be synced.
pub fn sync_name(path: &Path) -> Result<()> {
    sync_called(path, Called::ARCHIVE.what)
}

fn sync_called(path: &Path, what: &str) -> Result<()> {
    sync_folder(folder_of(path)).map_err(|error| {
        error
            .within(format!(
                "the {what} {} is there and whole, but may not survive a power cut",
                path.display()
            ))
            .hint("see what is wrong with that disk, and do it again")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn started(path: &Path, overwrite: bool) -> Result<FileTarget> {
        let names = FileNames {
            complete: path.to_owned(),
            incomplete: path.with_file_name("incomplete.tar"),
            overwrite,
        };
        FileTarget::create(names, Receipt::default())
    }

    #[test]
    fn what_is_there_is_not_replaced_unless_that_was_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        let target = started(&path, false).expect("started");
        fs::write(&path, "meanwhile").expect("written");
        let error = started(&path, false).err().expect("it is there");
        assert_eq!(error.kind(), crate::error::Kind::Usage);
        let published = Box::new(target).publish(Ending::Complete);
        let error = published.expect_err("it came meanwhile");
        assert_eq!(error.kind(), crate::error::Kind::Failed);
        assert_eq!(fs::read(&path).expect("read"), b"meanwhile");
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1);
    }

    #[test]
    fn what_is_incomplete_replaces_what_is_incomplete_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        let incomplete = folder.path().join("incomplete.tar");
        fs::write(&path, "whole").expect("written");
        for text in ["one", "two"] {
            let mut target = started(&path, true).expect("started");
            target.write_all(text.as_bytes()).expect("written");
            let published = Box::new(target).publish(Ending::Incomplete);
            published.expect("published");
            assert_eq!(fs::read(&incomplete).expect("read"), text.as_bytes());
        }
        assert_eq!(fs::read(&path).expect("read"), b"whole");
    }

    #[test]
    fn a_target_that_is_not_published_leaves_what_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        fs::write(&path, "old").expect("written");
        let mut target = started(&path, true).expect("started");
        target.write_all(b"new").expect("written");
        drop(target);
        assert_eq!(fs::read(&path).expect("read"), b"old");
        let mut target = started(&path, true).expect("started");
        target.write_all(b"new").expect("written");
        let published = Box::new(target).publish(Ending::Complete);
        published.expect("published");
        assert_eq!(fs::read(&path).expect("read"), b"new");
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1);
    }

    #[test]
    fn an_origin_gives_the_same_bytes_again_after_another_file_took_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        fs::write(&path, "old").expect("written");
        let mut origin = FileOrigin::open(&path, folder.path()).expect("opened");
        fs::write(folder.path().join("new"), "new").expect("written");
        fs::rename(folder.path().join("new"), &path).expect("renamed");
        for _ in 0..2 {
            let mut text = String::new();
            let mut reader = origin.open(true).expect("opened");
            reader.read_to_string(&mut text).expect("read");
            assert_eq!(text, "old");
        }
    }
}
