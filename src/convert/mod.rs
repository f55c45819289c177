//! What conversions between Strapi and other systems share: the names that things get there, and the notes beside the
//! data, which hold what the other system cannot.
//!
//! Knows the model, and what a transfer is about. What a system calls its types, and which relations it has, is decided in the room of that
//! system.

mod names;
pub mod notes;
pub mod placeless;
pub mod plain;
pub mod rows;
pub mod trees;

pub use names::{Names, capitalised, uncapitalised};
