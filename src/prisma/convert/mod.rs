//! Strapi's content in the form of Prisma 1, and back.
//!
//! Content types become types, and components types of their own with a position; a dynamic zone becomes one relation a
//! component it takes, media become `File` nodes. What NDF cannot hold stands in the notes beside it (`strapi.json`).
//! docs/PRISMA.md says what becomes of what.

mod datamodel;
mod destination;
mod edges;
mod fields;
mod form;
mod forms;
mod gone;
mod joined;
mod left;
mod links;
mod mapping;
mod nodes;
mod noted;
mod plain;
mod table;
#[cfg(test)]
mod tests;
mod tie;

use crate::convert::placeless;

pub use destination::NdfDestination;
pub use noted::NotedSource;
pub use plain::PlainSource;
pub use tie::names_notes;

/// The names of what a conversion writes into its folder.
pub mod layout {
    /// The data, as the official CLI takes it.
    pub const DATA: &str = "data";
    /// The data model of it.
    pub const DATAMODEL: &str = "datamodel.prisma";
    /// What NDF cannot hold.
    pub const NOTES: &str = "strapi.json";
    /// The files of the media library.
    pub const FILES: &str = "files";
}
