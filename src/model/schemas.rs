//! All schemas of a project or an archive.

use super::schema::{ModelType, Schema};
use std::collections::HashMap;
use std::sync::Arc;

/// All content types and components of a project or an archive, in their order. Clones share them: they may be large.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    list: Vec<Arc<Schema>>,
    by_uid: HashMap<String, usize>,
}

impl Schemas {
    /// Adds a schema; a second one of the same uid replaces the first.
    pub fn push(&mut self, schema: impl Into<Arc<Schema>>) {
        let schema = schema.into();
        match self.by_uid.get(&schema.uid) {
            Some(&index) => self.list[index] = schema,
            None => {
                self.by_uid.insert(schema.uid.clone(), self.list.len());
                self.list.push(schema);
            }
        }
    }

    /// The schema of this uid.
    pub fn get(&self, uid: &str) -> Option<&Schema> {
        self.by_uid.get(uid).map(|&index| self.list[index].as_ref())
    }

    /// All schemas, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Schema> {
        self.list.iter().map(Arc::as_ref)
    }

    /// Adds those of others that there are none of yet.
    pub fn add_missing(&mut self, others: &Self) {
        for schema in &others.list {
            if self.get(&schema.uid).is_none() {
                self.push(Arc::clone(schema));
            }
        }
    }

    /// The content types, in order.
    pub fn content_types(&self) -> impl Iterator<Item = &Schema> {
        self.iter()
            .filter(|schema| schema.model_type == ModelType::ContentType)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl FromIterator<Schema> for Schemas {
    fn from_iter<I: IntoIterator<Item = Schema>>(schemas: I) -> Self {
        let mut all = Self::default();
        schemas.into_iter().for_each(|schema| all.push(schema));
        all
    }
}
