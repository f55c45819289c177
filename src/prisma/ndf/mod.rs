//! Data sets in the Normalized Data Format: three folders, `nodes`, `lists` and `relations`, of numbered JSON files, in a
//! zip or a folder; or one such file.
//!
//! Each file is `{"valueType": ..., "values": [...]}`. Values are read and written one by one, as text: a file may have
//! any length.

mod data_set;
mod element;
mod file;
mod page;
mod writer;
mod zipped;

pub use data_set::{DataFile, DataSet};
pub use element::{End, ListRow, Node, Relation};
pub use page::{Page, characters};
pub use writer::{Form, Writer};

use crate::error::Error;
use std::fmt;

/// What to do about a data set in which something is wrong.
const MEND: &str = "mend it where it was made, and take it from there again; what is a zip can be unpacked, mended and named as a folder";

/// What is wrong with a data set, of kind [`Archive`](crate::error::Kind::Archive).
pub(super) fn fault(what: impl Into<String>) -> Error {
    Error::archive(what).hint(MEND)
}

/// How many characters of elements a file holds that is written, as the server counts its pages: in units of UTF-16.
pub const PAGE: usize = 1_000_000;
/// How many bytes an element may have: more than the server takes in one request is of no use to anybody.
pub const LONGEST_ELEMENT: usize = 10_000_000;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// Nodes, with their values.
    Nodes,
    /// Values of fields that are lists.
    Lists,
    /// Links between nodes.
    Relations,
}

impl ValueType {
    /// All, in the order in which they are imported.
    pub const ALL: [Self; 3] = [Self::Nodes, Self::Lists, Self::Relations];

    /// The name of the folder, and what `valueType` says.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Lists => "lists",
            Self::Relations => "relations",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
