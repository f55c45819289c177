//! Opens files at names where somebody else may have put something: a link, a pipe, a device.

use crate::error::Error;
use rustix::fs::OFlags;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What an [`io::Error`] holds that says so.
#[derive(Debug, thiserror::Error)]
#[error("it is a link, or no plain file, and no run of backup makes such a thing")]
struct NotPlain;

/// Opens a plain file, and nothing else: no link is followed, and no pipe waited for.
///
/// # Errors
/// It is something else, or cannot be opened.
pub(crate) fn open_plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Before it is opened: opening a device may do something.
    match path.symlink_metadata() {
        Ok(there) if !there.is_file() => return Err(io::Error::other(NotPlain)),
        _ => {}
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(NotPlain));
    }
    Ok(file)
}

/// Words an error of [`open_plain`], as [`Error::io`] does.
pub(crate) fn not_opened(action: impl Display, path: &Path, error: io::Error) -> Error {
    let is_other = error.get_ref().is_some_and(|inner| inner.is::<NotPlain>());
    let worded = Error::io(action, path, error);
    match is_other {
        true => worded.hint("see who made it, take it away, and run it again"),
        false => worded,
    }
}
