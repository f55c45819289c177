//! A Strapi project on disk: where its data lives, how it is mapped, how it is read and restored.

mod config;
mod dialect;
pub mod identifiers;
mod project;
mod relations;
mod restore;
mod schema;
mod source;
mod tables;
mod uploads;
mod values;

pub use project::Project;
pub use restore::ProjectDestination;
pub use source::ProjectSource;

use crate::model::Schemas;
use crate::transfer::Warning;
use relations::StoredRelation;
use tables::{Model, Models};

/// What is known of a project's content once its database is open.
struct Content {
    schemas: Schemas,
    models: Models,
    notices: Vec<Warning>,
}

impl Content {
    /// The model a relation points at.
    fn target(&self, relation: &StoredRelation) -> Option<&Model> {
        self.models.get(relation.target.as_deref()?)
    }
}
