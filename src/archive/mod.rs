//! The file format of Strapi's exports: a tar of JSON lines and files, gzipped, encrypted.
//!
//! Readers and writers of entries (`entries`, `writer`) are separate from what entries mean
//! (`layout`) and from how bytes are packed (`codec`). What this room writes, `strapi import`
//! reads; what `strapi export` writes, this room reads.

mod background;
pub mod codec;
mod entries;
mod layout;
mod output;
mod reader;
mod shard;
mod writer;

pub use output::{ArchiveName, Packing};
pub use reader::{ArchiveSource, is_encrypted};
pub use writer::ArchiveDestination;

/// The size a shard may have, in bytes, when nothing else is asked for.
pub const DEFAULT_SHARD_SIZE: u64 = 256_000_000;
