//! What a transfer tells while it runs.

use super::Stage;
use std::fmt;

/// Somebody who watches a transfer: a terminal, a log, a test.
///
/// Methods are called from the thread that runs the transfer and should return quickly.
pub trait Observer {
    /// A stage starts; `items` is how many rows or files it has, where that is known.
    fn stage_started(&self, _stage: Stage, _items: Option<u64>) {}
    /// So many more items and bytes of a stage are through.
    fn advanced(&self, _stage: Stage, _items: u64, _bytes: u64) {}
    /// A stage is through.
    fn stage_finished(&self, _stage: Stage) {}
    /// Something was left out or could not be read; the transfer goes on.
    fn warned(&self, _warning: &Warning) {}
    /// What the transfer is doing between stages, in a few words.
    fn noted(&self, _note: &str) {}
    /// Whether the user wants the transfer to stop. Asked once an item or block.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// An observer that looks away.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {}

/// Why the result of a transfer is less than its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WarningKind {
    /// A file of the media library is in the database but not on disk, or not readable.
    MissingAsset,
    /// A file changed while it was read.
    ChangedAsset,
    /// A link points at a row that does not exist.
    OrphanLink,
    /// The destination has no place for something: a type, an attribute, a value.
    Lost,
    /// Something the user should know; nothing is missing because of it.
    Notice,
}

impl WarningKind {
    /// Whether it makes the result incomplete (exit code 3).
    pub fn is_incomplete(self) -> bool {
        self != Self::Notice
    }
}

/// Something was left out, or the user should know of something.
#[derive(Debug, Clone)]
pub struct Warning {
    /// Why.
    pub kind: WarningKind,
    /// What and where.
    pub message: String,
}

impl Warning {
    /// A warning.
    pub fn new(kind: WarningKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
