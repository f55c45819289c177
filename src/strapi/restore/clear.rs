//! Deletes what a restore replaces, and nothing else.
//!
//! Rows of content types outside the scope stay, with their components. Their links to rows that are
//! replaced go; those that come back are put back later ([`StayingLinks`](super::staying::StayingLinks)).

use super::replaced::Replaced;
use super::{emptied_tables, replaced};
use crate::database::{Connection, Value};
use crate::error::Result;
use crate::model::{Stage, is_component};
use crate::strapi::catalogue::Catalogue;
use crate::strapi::core_store::{CORE_STORE, WEBHOOKS};
use crate::strapi::relations::Storage;
use crate::strapi::tables::Model;
use crate::transfer::Filter;
use roaring::RoaringTreemap;
use std::collections::{HashMap, HashSet};

/// How many ids one statement names.
pub(super) const IDS: usize = 1000;

/// Rows of a table that go.
pub(super) enum Rows<'a> {
    /// All of them.
    All,
    /// All of a model, which come back with their ids or not at all.
    Of(&'a Model),
    /// Those for which this is true.
    Where(String),
}

/// Does what [`clear`] finds is to be done, or looks at it.
pub(super) trait Hand {
    /// Deletes rows of a table.
    fn delete(&mut self, database: &mut dyn Connection, table: &str, rows: Rows<'_>) -> Result<()>;

    /// Hears of what goes before anything does, so that links from rows that stay can be seen to.
    ///
    /// # Errors
    /// The database cannot be read.
    fn begin(
        &mut self,
        _database: &mut dyn Connection,
        _catalogue: &Catalogue,
        _replaced: &Replaced<'_>,
    ) -> Result<()> {
        Ok(())
    }

    /// Changes rows that stay. Whoever only looks does not.
    fn change(
        &mut self,
        _database: &mut dyn Connection,
        _sql: &str,
        _parameters: &[Value<'_>],
    ) -> Result<()> {
        Ok(())
    }
}

/// Deletes everything in scope, by way of `hand`.
pub(super) fn clear(
    database: &mut dyn Connection,
    catalogue: &Catalogue,
    filter: &Filter,
    hand: &mut dyn Hand,
) -> Result<()> {
    for table in emptied_tables(database, filter)? {
        hand.delete(database, table, Rows::All)?;
    }
    if filter.includes(Stage::Configuration) {
        hand.delete(database, CORE_STORE, Rows::All)?;
        hand.delete(database, WEBHOOKS, Rows::All)?;
    }
    let replaced = replaced(catalogue, filter);
    if replaced.is_empty() {
        return Ok(());
    }
    let gone: HashSet<&str> = replaced.iter().map(|model| model.uid.as_str()).collect();
    let doomed = match filter.is_partial() {
        true => Some(owned_components(database, catalogue, &replaced)?),
        false => None,
    };
    let goes = Replaced {
        types: &gone,
        components: doomed.as_ref(),
    };
    hand.begin(database, catalogue, &goes)?;
    if let Some(doomed) = &doomed {
        for component in catalogue.models.components() {
            let ids = doomed.get(component.uid.as_str());
            for list in ids.into_iter().flat_map(id_lists) {
                delete_components(database, catalogue, component, &list, hand)?;
            }
        }
    } else {
        for model in catalogue.models.components() {
            clear_relations(database, model, hand)?;
            clear_component_table(database, model, hand)?;
            hand.delete(database, &model.table, Rows::Of(model))?;
        }
    }
    for unused in catalogue.models.unused_tables() {
        let goes =
            |uid: &String| gone.contains(uid.as_str()) || (doomed.is_none() && is_component(uid));
        if unused.ends.iter().any(goes) {
            hand.delete(database, &unused.table, Rows::All)?;
        }
    }
    for model in catalogue.models.iter() {
        if gone.contains(model.uid.as_str()) {
            clear_relations(database, model, hand)?;
            clear_component_table(database, model, hand)?;
        } else {
            unlink(database, catalogue, model, &gone, filter.is_partial(), hand)?;
        }
    }
    for model in replaced {
        hand.delete(database, &model.table, Rows::Of(model))?;
    }
    Ok(())
}

/// Empties the join tables that the rows of a model own.
fn clear_relations(
    database: &mut dyn Connection,
    model: &Model,
    hand: &mut dyn Hand,
) -> Result<()> {
    for relation in &model.relations {
        if let Storage::JoinTable { table, .. } | Storage::MorphTable { table, .. } =
            &relation.storage
        {
            hand.delete(database, table, Rows::All)?;
        }
    }
    Ok(())
}

fn clear_component_table(
    database: &mut dyn Connection,
    model: &Model,
    hand: &mut dyn Hand,
) -> Result<()> {
    match &model.component_table {
        Some(table) => hand.delete(database, &table.table, Rows::All),
        None => Ok(()),
    }
}

/// Takes the links off rows that stay and pointed at rows that go.
fn unlink(
    database: &mut dyn Connection,
    catalogue: &Catalogue,
    model: &Model,
    gone: &HashSet<&str>,
    components_stay: bool,
    hand: &mut dyn Hand,
) -> Result<()> {
    for relation in &model.relations {
        let target_goes = relation
            .target
            .as_deref()
            .is_some_and(|target| gone.contains(target));
        match &relation.storage {
            Storage::JoinTable { table, .. } if target_goes => {
                hand.delete(database, table, Rows::All)?;
            }
            Storage::JoinColumn { column, referenced } if target_goes && referenced == "id" => {
                let sql = format!(
                    "UPDATE {} SET {column} = NULL WHERE {column} IS NOT NULL",
                    database.quote(&model.table),
                    column = database.quote(column)
                );
                hand.change(database, &sql, &[])?;
            }
            Storage::MorphTable { table, type_, .. } => {
                for uid in types_that_go(catalogue, gone, components_stay) {
                    let rows = of_type(database, type_, uid);
                    hand.delete(database, table, Rows::Where(rows))?;
                }
            }
            Storage::MorphColumns { id, type_ } => {
                for uid in types_that_go(catalogue, gone, components_stay) {
                    let sql = format!(
                        "UPDATE {} SET {} = NULL, {type_} = NULL WHERE {type_} = ?",
                        database.quote(&model.table),
                        database.quote(id),
                        type_ = database.quote(type_)
                    );
                    hand.change(database, &sql, &[Value::from(uid)])?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The types of which every row goes.
fn types_that_go<'a>(
    catalogue: &'a Catalogue,
    gone: &HashSet<&'a str>,
    components_stay: bool,
) -> Vec<&'a str> {
    let components = catalogue
        .models
        .components()
        .map(|model| model.uid.as_str())
        .filter(|_| !components_stay);
    gone.iter().copied().chain(components).collect()
}

/// The components of these rows, and the components inside those, but no others.
fn owned_components<'a>(
    database: &mut dyn Connection,
    catalogue: &'a Catalogue,
    owners: &[&Model],
) -> Result<HashMap<&'a str, RoaringTreemap>> {
    let mut doomed: HashMap<&str, RoaringTreemap> = HashMap::new();
    let mut found = HashMap::new();
    for owner in owners {
        find(database, catalogue, owner, None, &mut found)?;
    }
    // Components hold components; go on until no level adds any.
    while !found.is_empty() {
        let mut deeper = HashMap::new();
        for (uid, mut ids) in found {
            let known = doomed.entry(uid).or_default();
            ids -= &*known;
            *known |= &ids;
            if let Some(model) = catalogue.models.get(uid).filter(|_| !ids.is_empty()) {
                find(database, catalogue, model, Some(&ids), &mut deeper)?;
            }
        }
        found = deeper;
    }
    Ok(doomed)
}

/// Finds the components of an owner's rows, all or those of `parents`.
fn find<'a>(
    database: &mut dyn Connection,
    catalogue: &'a Catalogue,
    owner: &Model,
    parents: Option<&RoaringTreemap>,
    found: &mut HashMap<&'a str, RoaringTreemap>,
) -> Result<()> {
    let Some(table) = &owner.component_table else {
        return Ok(());
    };
    let among: Vec<String> = match parents {
        Some(ids) => id_lists(ids)
            .map(|list| format!(" WHERE entity_id IN ({list})"))
            .collect(),
        None => vec![String::new()],
    };
    for condition in among {
        let sql = format!(
            "SELECT {}, component_type FROM {}{condition}",
            database.quote(&table.id_column),
            database.quote(&table.table)
        );
        database.query(&sql, &[], &mut |row| {
            let id = row.value(0)?.as_i64().map(i64::cast_unsigned);
            let uid = row.value(1)?;
            let model = uid.as_str().and_then(|uid| catalogue.models.get(uid));
            if let Some((id, model)) = id.zip(model) {
                found.entry(&model.uid).or_default().insert(id);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Deletes the rows of a component with these ids, and what belongs to them.
fn delete_components(
    database: &mut dyn Connection,
    catalogue: &Catalogue,
    component: &Model,
    ids: &str,
    hand: &mut dyn Hand,
) -> Result<()> {
    for (table, column) in tables_of_rows(component) {
        let rows = format!("{} IN ({ids})", database.quote(column));
        hand.delete(database, table, Rows::Where(rows))?;
    }
    for model in catalogue.models.iter() {
        for relation in &model.relations {
            if let Storage::MorphTable {
                table, id, type_, ..
            } = &relation.storage
            {
                let rows = format!(
                    "{} AND {} IN ({ids})",
                    of_type(database, type_, &component.uid),
                    database.quote(id)
                );
                hand.delete(database, table, Rows::Where(rows))?;
            }
        }
    }
    let rows = format!("id IN ({ids})");
    hand.delete(database, &component.table, Rows::Where(rows))
}

/// The condition that a row refers to this type.
fn of_type(database: &dyn Connection, column: &str, uid: &str) -> String {
    format!("{} = '{}'", database.quote(column), uid.replace('\'', "''"))
}

/// Ids as SQL lists them.
pub(super) fn id_list(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    ids.join(",")
}

/// Conditions that name rows by their ids, each short enough for one statement.
pub(super) fn id_conditions(ids: std::slice::Chunks<'_, i64>) -> impl Iterator<Item = String> {
    ids.map(|ids| format!("id IN ({})", id_list(ids)))
}

/// Lists of ids for SQL, each short enough for one statement.
fn id_lists(ids: &RoaringTreemap) -> impl Iterator<Item = String> {
    let mut rest = ids.iter().map(u64::cast_signed).peekable();
    std::iter::from_fn(move || {
        rest.peek()?;
        let ids: Vec<i64> = rest.by_ref().take(IDS).collect();
        Some(id_list(&ids))
    })
}

/// The tables whose rows belong to a row of this model, each with the column that names it.
pub(super) fn tables_of_rows(model: &Model) -> Vec<(&str, &str)> {
    let relations = model
        .relations
        .iter()
        .filter_map(|relation| match &relation.storage {
            Storage::JoinTable { table, left, .. } | Storage::MorphTable { table, left, .. } => {
                Some((table.as_str(), left.as_str()))
            }
            _ => None,
        });
    let components = model
        .component_table
        .iter()
        .map(|table| (table.table.as_str(), "entity_id"));
    relations.chain(components).collect()
}
