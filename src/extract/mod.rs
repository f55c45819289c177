//! Pieces of an archive, as files in a folder: files of the media library, rows of content types with their links.
//!
//! What a source streams is looked at, and what was asked for goes to a [`Place`], where nothing shows before all of it is
//! there. Nothing here knows what kind of source it is.

mod file_names;
mod files;
mod lines;
mod names;
mod place;
mod rows;

pub use files::{Files, FilesOptions, Found, Wanted};
pub use names::Names;
pub use place::Place;
pub use rows::{Narrowing, Rows};
