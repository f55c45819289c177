//! The file format of Strapi's exports: a tar of JSON lines and files, gzipped, encrypted; with
//! entries of our own, which Strapi ignores, that prove it whole. docs/FORMAT.md specifies it.
//!
//! Readers and writers of entries are separate from what entries mean (`layout`) and from how bytes
//! are packed (`codec`). What this room writes, `strapi import` reads; what `strapi export` writes,
//! this room reads.

mod audit;
mod checksums;
mod codec;
mod digests;
mod entries;
mod file_rows;
mod files;
mod find;
mod folder;
mod front;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod item;
mod layout;
mod lines;
mod listing;
mod manifest;
mod name;
mod opening;
mod outcome;
mod pass;
mod reader;
mod rounds;
mod shard;
mod sidecars;
mod tar_entries;
mod tree;
mod writer;

pub use audit::Protection;
pub use codec::{
    Cipher, Encryption, Identities, IdentityFile, Keys, Level, Lock, LockedIdentities, Packing,
    Password, Recipient, Unlock,
};
pub use front::Peek;
pub use listing::{EntryKind, ListedEntry, Listing, Shard};
pub use manifest::Maker;
pub use name::ArchiveName;
pub use opening::Archive;
pub use outcome::{Outcome, StageCount, Status, Told};
pub use reader::{ArchiveSource, Demands};
pub use tree::Tree;
pub use writer::ArchiveDestination;

/// The size a shard may have, in bytes, when nothing else is asked for.
pub const DEFAULT_SHARD_SIZE: u64 = 256_000_000;
