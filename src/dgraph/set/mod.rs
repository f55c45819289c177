//! Export sets on disk: a folder `dgraph.rN.uMMDD.hhmm` with `gNN.json.gz` or `gNN.rdf.gz`, `gNN.schema.gz` and
//! `gNN.gql_schema.gz` of each group of the cluster.
//!
//! Files are gzip, and read to their last byte; encrypted ones have the same names.

mod crypt;
mod folder;
mod gzip;
mod rows;
mod writer;

pub use crypt::Key;
pub(super) use folder::dialect;
pub use folder::{Content, ExportSet, SetFile};
pub(super) use gzip::open;
pub use rows::{Context, Rows, RowsWriter};
pub use writer::Writer;
