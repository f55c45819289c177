//! What is known of a project's content once its database is open.

use super::models::Models;
use super::relations::StoredRelation;
use super::tables::Model;
use crate::model::Schemas;
use crate::transfer::Warning;

/// The content types and components of a project, and where they are stored.
pub(super) struct Catalogue {
    pub schemas: Schemas,
    pub models: Models,
    /// What the user should know of them.
    pub notices: Vec<Warning>,
    /// What was assumed of their schemas, which matters to whoever takes these.
    pub guesses: Vec<Warning>,
}

impl Catalogue {
    /// The model a relation points at.
    pub fn target(&self, relation: &StoredRelation) -> Option<&Model> {
        self.models.get(relation.target.as_deref()?)
    }
}
