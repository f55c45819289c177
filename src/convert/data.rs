//! Data of another system, that notes are brought together with.

use super::placeless::Of;
use super::system::System;
use super::table::PairEnd;
use crate::error::Result;
use std::path::Path;

/// Data of another system.
pub(crate) trait Data: Send {
    /// Where they are, for messages.
    fn path(&self) -> &Path;

    /// The system.
    fn system(&self) -> &'static dyn System;

    /// Sees that the data are of the notes of this digest, as far as they name any.
    ///
    /// # Errors
    /// They name others, or cannot be read.
    fn check_notes(&mut self, digest: &str) -> Result<()>;

    /// Gives nodes and pairs, in any order. `spool` is where sorting takes place.
    ///
    /// # Errors
    /// They cannot be read, are damaged, or `take` fails.
    fn read(&mut self, spool: &Path, take: &mut dyn FnMut(Piece<'_>) -> Result<()>) -> Result<()>;
}

/// A piece of such data.
pub(crate) enum Piece<'a> {
    /// A node.
    Node {
        /// The name of its type.
        type_name: &'a str,
        /// Its id.
        id: &'a str,
        /// It, as an object of JSON.
        text: &'a str,
    },
    /// A list of values.
    List(Of<'a>),
    /// Two nodes of a relation.
    Pair {
        /// Them.
        ends: [PairEnd<'a>; 2],
        /// Whether it says what the other end says as well, where that leads back.
        is_whole: bool,
        /// Its place among those of the first end, where that is said.
        place: Option<f64>,
    },
    /// Something that no archive has a place for.
    Lost {
        /// Why, in half a sentence.
        why: &'static str,
        /// What.
        of: Of<'a>,
    },
}
