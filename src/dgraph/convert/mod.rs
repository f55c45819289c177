//! Export sets of Dgraph as content of a Strapi. docs/DGRAPH.md says what becomes of what.

mod plain;

pub use plain::PlainSource;
