//! Files that somebody has named for this program to read.

use crate::error::{Error, Result};
use crate::store::{open_plain, real_path};
use std::fs::{self, File, FileType, OpenOptions};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Opens a file that is to be read, or the one that a link leads to. Pipes are not waited for, and devices not opened.
/// `what` names it in messages.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): it is something else; or it cannot be opened.
pub(super) fn open_named(path: &Path, what: &str) -> Result<File> {
    let fail = |error| Error::io(format_args!("read the {what}"), path, error);
    let about = fs::metadata(path).map_err(fail)?;
    if !about.is_file() {
        let found = sort(about.file_type());
        let message = format!("{} is {found}, and no file for a {what}", path.display());
        return Err(Error::usage(message)
            .hint("name a file; what comes out of a pipe has to be written into one first"));
    }
    open_plain(OpenOptions::new().read(true), &real_path(path)).map_err(fail)
}

/// What something is that is no file.
pub(super) fn sort(of: FileType) -> &'static str {
    match of {
        _ if of.is_file() => "a file",
        _ if of.is_dir() => "a folder",
        _ if of.is_symlink() => "a link",
        _ if of.is_fifo() => "a pipe",
        _ if of.is_socket() => "a socket",
        _ => "a device",
    }
}
