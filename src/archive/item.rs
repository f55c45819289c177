//! An entry of an archive while it is read, whatever it is read from.

use super::layout::Entry;
use crate::error::{Error, Result};
use std::io::{self, Read};
use std::path::Path;

/// An entry, while it is read.
pub(super) struct Item<'a> {
    /// Its place in the archive, counted from 0.
    pub number: u64,
    /// What it is.
    pub entry: Entry,
    /// Its name, in the form in which this program writes it.
    pub name: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its content.
    pub content: &'a mut dyn Read,
}

/// Whether a reader wants the entry after this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It does.
    Go,
    /// It knows enough.
    Stop,
}

/// What a reader does with an entry.
pub(super) type Each<'a> = dyn FnMut(Item<'_>) -> Result<Next> + 'a;

/// An error of reading an archive, in words.
pub(super) fn damaged(archive: &str, error: io::Error) -> Error {
    Error::from_io(error, |error| {
        if error.raw_os_error().is_some() {
            return Error::io("read the archive", Path::new(archive), error);
        }
        let what = if error.kind() == io::ErrorKind::UnexpectedEof {
            "was cut short"
        } else {
            "is damaged"
        };
        Error::archive(format!("{archive} {what}: {error}")).source(error)
    })
}

/// An entry that no reader may take.
pub(super) fn refused(archive: &str, name: &str, why: &str) -> Error {
    Error::archive(format!("{archive}: the entry {name} is refused: {why}"))
        .hint("do not use this archive unless you know who made it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_disk_that_fails_is_not_taken_for_a_damaged_archive() {
        let of = |error| damaged("site.tar", error).kind();
        assert_eq!(of(io::Error::from_raw_os_error(5)), Kind::Failed);
        assert_eq!(of(io::ErrorKind::UnexpectedEof.into()), Kind::Archive);
    }
}
