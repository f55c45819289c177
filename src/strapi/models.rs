//! All content types and components of a project, with the tables that they are stored in.

use super::core_store::{CORE_STORE, WEBHOOKS};
use super::dialect::Dialect;
use super::shared_tables::{UnusedTable, share_tables};
use super::tables::{Model, Unknown, real_name};
use super::values::Home;
use crate::database::Connection;
use crate::error::Result;
use crate::model::{ModelType, Schemas};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// All content types and components, in the order of their schemas.
#[derive(Debug)]
pub(super) struct Models {
    pub dialect: Dialect,
    /// The database that holds them.
    pub home: Arc<Home>,
    list: Vec<Model>,
    by_uid: HashMap<String, usize>,
    unused: Vec<UnusedTable>,
    /// By table.
    unknown: BTreeMap<String, Unknown>,
}

impl Models {
    /// Maps all schemas.
    pub fn new(schemas: &Schemas, dialect: Dialect, home: Home) -> Result<Self> {
        let home = Arc::new(home);
        let mut list = schemas
            .iter()
            .map(|schema| Model::new(schema, schemas, dialect, &home))
            .collect::<Result<Vec<_>>>()?;
        let by_uid = list
            .iter()
            .enumerate()
            .map(|(index, model)| (model.uid.clone(), index))
            .collect();
        let unused = share_tables(&mut list, &by_uid);
        Ok(Self {
            dialect,
            home,
            list,
            by_uid,
            unused,
            unknown: BTreeMap::new(),
        })
    }

    /// The model of this uid.
    pub fn get(&self, uid: &str) -> Option<&Model> {
        self.by_uid.get(uid).map(|&index| &self.list[index])
    }

    /// The place of the model of this uid among all of them.
    pub fn place(&self, uid: &str) -> Option<usize> {
        self.by_uid.get(uid).copied()
    }

    /// The model at a place.
    pub fn at(&self, place: usize) -> &Model {
        &self.list[place]
    }

    /// All models, content types first.
    pub fn iter(&self) -> impl Iterator<Item = &Model> {
        self.list.iter()
    }

    /// The content types.
    pub fn content_types(&self) -> impl Iterator<Item = &Model> {
        self.iter()
            .filter(|model| model.model_type == ModelType::ContentType)
    }

    /// The components.
    pub fn components(&self) -> impl Iterator<Item = &Model> {
        self.iter()
            .filter(|model| model.model_type == ModelType::Component)
    }

    /// Join tables that Strapi makes and does not use.
    pub fn unused_tables(&self) -> &[UnusedTable] {
        &self.unused
    }

    /// Every table that is read or written, but for those that join.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        let own = self.iter().map(|model| model.table.as_str());
        own.chain([CORE_STORE, WEBHOOKS])
    }

    /// Holds the mapping against the tables that are there, and takes their real names.
    ///
    /// # Errors
    /// Names the first table or column that is missing.
    pub fn resolve(
        &mut self,
        database: &mut dyn Connection,
        tables: &HashSet<String>,
    ) -> Result<()> {
        self.unused.retain_mut(|unused| {
            let real = real_name(&unused.table, |name| tables.contains(name));
            real.map(|real| unused.table = real).is_some()
        });
        for model in &mut self.list {
            if self.dialect.may_lack_places() {
                model.note_lacks(database, tables)?;
            }
            model.resolve(database, tables, &mut self.unknown)?;
        }
        Ok(())
    }

    /// Columns that no attribute is stored in and that Strapi does not make: the type that the table
    /// belongs to, the table, the column.
    pub fn unknown_columns(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.unknown.iter().flat_map(|(table, unknown)| {
            let columns = unknown.columns.iter();
            columns.map(|column| (unknown.uid.as_str(), table.as_str(), column.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_database_cut_are_found() {
        let long = "a".repeat(80);
        let cut = |length: usize| move |name: &str| name.len() == length;
        assert_eq!(real_name(&long, cut(80)), Some(long.clone()));
        assert_eq!(real_name(&long, cut(63)), Some("a".repeat(63)));
        assert_eq!(real_name(&long, cut(64)), Some("a".repeat(64)));
        assert_eq!(real_name("short", cut(63)), None);
        let cyrillic = format!("x{}", "я".repeat(40));
        assert_eq!(
            real_name(&cyrillic, cut(63)),
            Some(format!("x{}", "я".repeat(31)))
        );
    }
}
