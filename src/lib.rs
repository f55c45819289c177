//! Backups of whole Strapi projects, in Strapi's own archive format.
//!
//! The whole program is one sentence: a [`Source`](transfer::Source) streams stages, through checks
//! and filters, into a [`Destination`](transfer::Destination). Every command is that sentence with
//! two ends filled in.
//!
//! | room | what it is for |
//! |---|---|
//! | [`transfer`] | the sentence: stages, filters, the checks before, the report after |
//! | [`model`] | what flows: schemas, entities, links, assets, configuration |
//! | [`archive`] | the file format, as source and as destination |
//! | [`comparison`] | what is not the same in two sources |
//! | [`extract`] | pieces of an archive, as files in a folder |
//! | [`store`] | where archives lie: files, streams, object stores |
//! | [`inventory`] | what archives lie at a place, and what they say of themselves |
//! | [`portrait`] | what an archive is, as one document: for programs, and as a page for people |
//! | [`retention`] | which archives stay |
//! | [`strapi`] | a project on disk, as source and as destination |
//! | [`remote`] | a running Strapi, as source and as destination |
//! | [`prisma`] | Prisma 1: its data model, its data sets, its services, and what becomes of them in Strapi |
//! | [`dgraph`] | Dgraph: its export sets and its servers |
//! | [`checking`] | what checks of data of other systems share |
//! | [`convert`] | what conversions between systems share |
//! | [`database`] | a small SQL layer that knows nothing of Strapi |
//! | [`cli`] | the command line; the only room that knows terminals and prompts |
//!
//! Dependencies point one way: `cli` to `transfer` to `model`; `archive` and `strapi` to `transfer`
//! and `model`; `comparison` to `transfer` and `model`; `remote` to `transfer` and `model`; `archive`, `extract` and `remote` to
//! `store`; `strapi` to `database`. Nothing
//! outside `cli` prints, prompts or reads the process
//! environment. `strapi` and `archive` know nothing of `prisma` and `dgraph`.

// Tests in here share the stores of tests/all, which call this crate by its name.
#[cfg(test)]
extern crate self as strapi_backup;

pub mod archive;
mod calendar;
pub mod checking;
pub mod cli;
pub mod comparison;
pub mod convert;
pub mod database;
pub mod dgraph;
mod dotenv;
pub mod effort;
pub mod error;
pub mod extract;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod hashing;
mod hiding;
pub mod inventory;
pub mod model;
mod nameless;
mod nesting;
pub mod portrait;
pub mod prisma;
mod random;
pub mod remote;
mod resuming;
pub mod retention;
mod room;
mod sorting;
pub mod store;
pub mod strapi;
mod threads;
pub mod transfer;
