//! The entries of an archive, one after the other: of a tar, however packed, or of a folder.

use super::codec::Unpacked;
use super::layout::Entry;
use super::{folder, tar_entries};
use crate::error::{Error, Result};
use std::io::{self, Read};
use std::path::PathBuf;

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

/// Where entries come from.
pub(super) enum Entries {
    /// A tar.
    Tar(Unpacked),
    /// A folder that holds the same tree.
    Folder(PathBuf),
}

impl Entries {
    /// The file or folder, for messages.
    pub fn name(&self) -> String {
        match self {
            Self::Tar(unpacked) => unpacked.name(),
            Self::Folder(path) => path.display().to_string(),
        }
    }

    /// Whether they can be read more than once.
    pub fn replay(&self) -> bool {
        match self {
            Self::Tar(unpacked) => unpacked.reopens(),
            Self::Folder(_) => true,
        }
    }

    /// Whether they come in the order in which they were written.
    pub fn keep_their_order(&self) -> bool {
        matches!(self, Self::Tar(_))
    }

    /// Hands every entry over, in the order of the archive; those of a folder in the order in which
    /// this program writes them. Reads to the very end, unless `each` stops it, and gives what is
    /// wrong between the entries and behind them. With `again`, they are read once more after that.
    ///
    /// # Errors
    /// The archive cannot be followed any further, an entry is not a plain file, or `each` fails.
    pub fn each(&mut self, again: bool, each: &mut Each<'_>) -> Result<Vec<Error>> {
        match self {
            Self::Tar(unpacked) => {
                let tar = unpacked.read(again)?;
                tar_entries::each(&unpacked.name(), tar, each)
            }
            Self::Folder(path) => folder::each(path, each).map(|()| Vec::new()),
        }
    }
}

/// An error of reading an archive, in words.
pub(super) fn damaged(archive: &str, error: io::Error) -> Error {
    Error::from_io(error, |error| {
        let what = if error.kind() == io::ErrorKind::UnexpectedEof {
            "was cut short"
        } else {
            "is damaged"
        };
        Error::archive(format!("{archive} {what}: {error}"))
            .hint("take another archive, or copy this one again from where it was made")
            .source(error)
    })
}

/// An entry that no reader may take.
pub(super) fn refused(archive: &str, name: &str, why: &str) -> Error {
    Error::archive(format!("{archive}: the entry {name} is refused: {why}"))
        .hint("do not use this archive unless you know who made it")
}
