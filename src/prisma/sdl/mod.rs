//! The data model of a Prisma 1 service, in the schema definition language of GraphQL: types with their fields, enums,
//! and how fields of two types are the two ends of one relation.
//!
//! What is taken from the text is what data sets hang on; other directives stay in [`Field::directives`] as they are.

mod model;
mod parse;
mod print;

pub use model::{DataModel, Edge, EnumType, Field, FieldType, Scalar, Side, Type};
pub use print::quoted;

/// How many bytes a data model may have, with all its files. While it is parsed nobody hears a signal.
pub const LONGEST: u64 = 4 << 20;
