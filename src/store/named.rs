//! Files that somebody has named for this program to read.

use super::pipe::NamedPipe;
use super::{Interrupt, open_plain, real_path};
use crate::error::{Error, Result};
use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Opens a file that is to be read, or the one that a link leads to. Pipes are not waited for, and devices not opened.
/// `what` names it in messages.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): it is something else; or it cannot be opened.
pub(crate) fn open_named(path: &Path, what: &str) -> Result<File> {
    let about = about_named(path, what)?;
    if !about.is_file() {
        let found = sort(about.file_type());
        let message = format!("{} is {found}, and no file for a {what}", path.display());
        return Err(Error::usage(message)
            .hint("name a file; what comes out of a pipe has to be written into one first"));
    }
    open_plain(OpenOptions::new().read(true), &real_path(path))
        .map_err(|error| Error::io(format_args!("read the {what}"), path, error))
}

/// The same for what is read once: a pipe is waited for, until the run is to stop.
///
/// # Errors
/// As [`open_named`] says it.
pub(crate) fn open_named_or_pipe(
    path: &Path,
    what: &str,
    interrupt: &Interrupt,
) -> Result<Box<dyn Read>> {
    about_named(path, what)?;
    if !NamedPipe::is_at(path) {
        return Ok(Box::new(open_named(path, what)?));
    }
    match NamedPipe::open(path, interrupt) {
        Ok(pipe) => Ok(Box::new(pipe)),
        Err(error) => Err(Error::io(format_args!("read the {what}"), path, error)),
    }
}

/// What is known of what has this name. What is to be read has to be there: making it does not help.
pub(crate) fn about_named(path: &Path, what: &str) -> Result<Metadata> {
    fs::metadata(path).map_err(|error| {
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        let error = Error::io(format_args!("read the {what}"), path, error);
        match is_missing {
            true => error.hint("nothing has this name: check it"),
            false => error,
        }
    })
}

/// What something is that is no file.
pub(crate) fn sort(of: FileType) -> &'static str {
    match of {
        _ if of.is_file() => "a file",
        _ if of.is_dir() => "a folder",
        _ if of.is_symlink() => "a link",
        _ if of.is_fifo() => "a pipe",
        _ if of.is_socket() => "a socket",
        _ => "a device",
    }
}
