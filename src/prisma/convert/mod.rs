//! Strapi's content in the form of Prisma 1, and back.
//!
//! Content types become types, and components types of their own with a position; a dynamic zone becomes one relation a
//! component it takes, media become `File` nodes. What NDF cannot hold stands in the notes beside it (`strapi.json`).
//! docs/PRISMA.md says what becomes of what.

mod data;
mod datamodel;
mod destination;
mod plain;
mod system;
#[cfg(test)]
mod tests;
mod tie;

use crate::convert::placeless;

pub use data::noted_source;
pub use destination::ndf_destination;
pub use plain::PlainSource;
pub use tie::names_notes;

/// The names of what a conversion writes into its folder.
pub mod layout {
    /// The data, as the official CLI takes it.
    pub const DATA: &str = "data";
    /// The data model of it.
    pub const DATAMODEL: &str = "datamodel.prisma";
    pub use crate::convert::notes::NOTES;
}
