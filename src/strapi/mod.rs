//! A Strapi project on disk: where its data lives, how it is mapped, how it is read and restored.

mod catalogue;
mod config;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use config::fuzzing;
mod core_store;
mod custom_fields;
mod description;
mod dialect;
mod doctor;
mod drill;
mod files;
pub mod identifiers;
mod lock;
mod media;
mod models;
mod project;
mod relations;
mod restore;
mod running;
mod schema;
mod script;
mod shared_tables;
mod source;
mod tables;
mod uploads;
mod values;
mod version;
mod words;
mod zone;

pub use description::describe;
pub use doctor::{Examination, Examiner, Facts, Finding, Status, Strapi};
pub use drill::{Difference, Differences, Drill, Drilled, How};
pub use lock::LockWait;
pub use project::{Choices, Project};
pub use restore::ProjectDestination;
pub use restore::recovery::recover_project;
pub use source::ProjectSource;
pub use uploads::{Links, MediaOptions};
