//! Rows as JSON: a list of objects, each with one row as servers export them, or with any number as the loader accepts them.

mod element;
mod object;
mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;
pub(super) use writer::cannot_write;

/// How many values an object may have, with those of the objects in it: all of them are held at once.
pub const MOST_VALUES: usize = 1 << 18;
/// How deep an object may be nested.
pub const DEEPEST: usize = 128;

#[cfg(test)]
mod tests;
