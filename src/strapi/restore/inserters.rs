//! What adds rows to the tables of a restore, each made with the first row that needs it.

use super::Goal;
use crate::database::{Filler, Inserter};
use crate::error::Result;
use crate::strapi::relations::StoredRelation;
use crate::strapi::tables::{ComponentTable, Model};
use std::collections::HashMap;

/// The inserters of a restore. They belong to what fills its database.
#[derive(Default)]
pub(super) struct Inserters {
    /// Of the rows of content types and components, by their uid.
    rows: HashMap<String, Inserter>,
    /// Of what joins rows to their components, by the uid of the owner.
    components: HashMap<String, Inserter>,
    /// Of relations that have a table, by the uid of the owner and the attribute.
    links: HashMap<String, HashMap<String, Inserter>>,
    /// The columns of tables whose rows need not have all of them, by table.
    columns: HashMap<String, Vec<String>>,
}

impl Inserters {
    /// Adds rows of a type: the id, then the model's columns.
    pub fn rows(&mut self, filler: &mut Filler, model: &Model) -> Inserter {
        get(&mut self.rows, &model.uid, || {
            let columns = model.columns.iter().map(|column| column.column.clone());
            let names = std::iter::once("id".to_owned()).chain(columns);
            filler.inserter(&model.table, names.collect())
        })
    }

    /// Joins rows of `owner` to components: the owner's id, the component's, its type, the
    /// attribute, the place in it.
    pub fn components(
        &mut self,
        filler: &mut Filler,
        owner: &Model,
        joins: &ComponentTable,
    ) -> Inserter {
        get(&mut self.components, &owner.uid, || {
            let columns = [
                "entity_id",
                &joins.id_column,
                "component_type",
                "field",
                "order",
            ];
            filler.inserter(&joins.table, columns.map(str::to_owned).into())
        })
    }

    /// Stores the links of a relation in its table. `columns` names them.
    pub fn links(
        &mut self,
        filler: &mut Filler,
        owner: &Model,
        relation: &StoredRelation,
        table: &str,
        columns: impl FnOnce() -> Vec<String>,
    ) -> Inserter {
        if let Some(inserter) = self
            .links
            .get(&owner.uid)
            .and_then(|links| links.get(&relation.attribute))
        {
            return *inserter;
        }
        let inserter = filler.inserter(table, columns());
        self.links
            .entry(owner.uid.clone())
            .or_default()
            .insert(relation.attribute.clone(), inserter);
        inserter
    }

    /// The columns of a table.
    pub fn columns(&mut self, goal: &mut Goal<'_>, table: &str) -> Result<&[String]> {
        if !self.columns.contains_key(table) {
            let columns = goal.database()?.columns(table)?.into_iter();
            let names = columns.map(|column| column.name).collect();
            self.columns.insert(table.to_owned(), names);
        }
        Ok(&self.columns[table])
    }
}

/// The inserter of this name, made if there is none.
fn get(
    inserters: &mut HashMap<String, Inserter>,
    name: &str,
    make: impl FnOnce() -> Inserter,
) -> Inserter {
    if let Some(inserter) = inserters.get(name) {
        return *inserter;
    }
    let inserter = make();
    inserters.insert(name.to_owned(), inserter);
    inserter
}
