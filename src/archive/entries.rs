//! The entries of an archive, one after the other: of a tar, however packed, or of a folder.

use super::codec::Unpacked;
use super::item::Each;
use super::{folder, tar_entries};
use crate::effort::Effort;
use crate::error::{Error, Result};
use crate::store::Interrupt;
use std::path::PathBuf;

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

    /// The file, where it is one.
    pub fn packed(&self) -> Option<&Unpacked> {
        match self {
            Self::Tar(unpacked) => Some(unpacked),
            Self::Folder(_) => None,
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
    pub fn each(
        &mut self,
        again: bool,
        interrupt: &Interrupt,
        effort: &Effort,
        each: &mut Each<'_>,
    ) -> Result<Vec<Error>> {
        match self {
            Self::Tar(unpacked) => {
                let tar = unpacked.read(again, interrupt, effort)?;
                tar_entries::each(&unpacked.name(), tar, each)
            }
            Self::Folder(path) => folder::each(path, interrupt, effort, each).map(|()| Vec::new()),
        }
    }
}
