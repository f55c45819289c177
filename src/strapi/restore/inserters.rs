//! What adds rows to the tables of a restore, each made with the first row that needs it.

use crate::database::{Connection, Inserter};
use crate::error::Result;
use crate::strapi::relations::StoredRelation;
use crate::strapi::tables::{ComponentTable, Model};
use std::collections::HashMap;

/// The inserters of a restore. They belong to the connection of its database.
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
    pub fn rows(&mut self, database: &mut dyn Connection, model: &Model) -> Result<Inserter> {
        get(&mut self.rows, &model.uid, || {
            let columns = model.columns.iter().map(|column| column.column.clone());
            let names: Vec<String> = std::iter::once("id".to_owned()).chain(columns).collect();
            database.inserter(&model.table, &names)
        })
    }

    /// Joins rows of `owner` to components: the owner's id, the component's, its type, the
    /// attribute, the place in it.
    pub fn components(
        &mut self,
        database: &mut dyn Connection,
        owner: &Model,
        joins: &ComponentTable,
    ) -> Result<Inserter> {
        get(&mut self.components, &owner.uid, || {
            let columns = [
                "entity_id",
                &joins.id_column,
                "component_type",
                "field",
                "order",
            ];
            database.inserter(&joins.table, &columns.map(str::to_owned))
        })
    }

    /// Stores the links of a relation in its table. `columns` names them.
    pub fn links(
        &mut self,
        database: &mut dyn Connection,
        owner: &Model,
        relation: &StoredRelation,
        table: &str,
        columns: impl FnOnce() -> Vec<String>,
    ) -> Result<Inserter> {
        if let Some(inserter) = self
            .links
            .get(&owner.uid)
            .and_then(|links| links.get(&relation.attribute))
        {
            return Ok(*inserter);
        }
        let inserter = database.inserter(table, &columns())?;
        self.links
            .entry(owner.uid.clone())
            .or_default()
            .insert(relation.attribute.clone(), inserter);
        Ok(inserter)
    }

    /// The columns of a table.
    pub fn columns(&mut self, database: &mut dyn Connection, table: &str) -> Result<&[String]> {
        if !self.columns.contains_key(table) {
            let columns = database.columns(table)?.into_iter();
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
    make: impl FnOnce() -> Result<Inserter>,
) -> Result<Inserter> {
    if let Some(inserter) = inserters.get(name) {
        return Ok(*inserter);
    }
    let inserter = make()?;
    inserters.insert(name.to_owned(), inserter);
    Ok(inserter)
}
