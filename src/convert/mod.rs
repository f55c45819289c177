//! What conversions between Strapi and other systems share: the names that things get there, and the notes beside the
//! data, which hold what the other system cannot.
//!
//! Knows the model, and what a transfer is about. What another system takes, and how its data are read and written, stands in
//! the room of that one: see `system::System`, `destination::Output` and `data::Data`.

pub(crate) mod data;
pub mod destination;
pub(crate) mod edges;
pub(crate) mod fields;
pub(crate) mod form;
pub(crate) mod forms;
mod gone;
pub(crate) mod joined;
pub(crate) mod left;
pub(crate) mod links;
pub(crate) mod mapping;
mod names;
pub(crate) mod nodes;
pub mod noted;
pub mod notes;
pub(crate) mod placeless;
pub mod plain;
pub mod rows;
mod stages;
pub(crate) mod system;
pub(crate) mod table;
pub(crate) mod tallies;
#[cfg(test)]
pub(crate) mod testing;
pub mod trees;

pub use names::{Names, capitalised, uncapitalised};
