//! Deletes what a restore replaces, and nothing else.
//!
//! Rows of content types outside the scope stay, with their components. Their links to rows that are
//! replaced go, as they do in `strapi import`.

use super::{emptied_tables, replaced};
use crate::database::{Connection, Value};
use crate::error::Result;
use crate::strapi::Content;
use crate::strapi::tables::{CORE_STORE, Model, Storage, WEBHOOKS};
use crate::transfer::{Filter, Stage};
use std::collections::HashSet;

/// Deletes everything in scope.
pub(super) fn clear(
    database: &mut dyn Connection,
    content: &Content,
    filter: &Filter,
) -> Result<()> {
    for table in emptied_tables(database, filter)? {
        empty(database, table)?;
    }
    if filter.includes(Stage::Configuration) {
        empty(database, CORE_STORE)?;
        empty(database, WEBHOOKS)?;
    }
    let replaced = replaced(content, filter);
    if replaced.is_empty() {
        return Ok(());
    }
    let gone: HashSet<&str> = replaced.iter().map(|model| model.uid.as_str()).collect();
    if filter.is_partial() {
        delete_owned_components(database, content, &replaced)?;
    } else {
        for model in content.models.components() {
            clear_relations(database, model)?;
            clear_component_table(database, model)?;
            empty(database, &model.table)?;
        }
    }
    for model in content.models.iter() {
        if gone.contains(model.uid.as_str()) {
            clear_relations(database, model)?;
            clear_component_table(database, model)?;
        } else {
            unlink(database, content, model, &gone, filter.is_partial())?;
        }
    }
    for model in replaced {
        empty(database, &model.table)?;
    }
    Ok(())
}

fn empty(database: &mut dyn Connection, table: &str) -> Result<()> {
    let sql = format!("DELETE FROM {}", database.quote(table));
    database.execute(&sql, &[]).map(drop)
}

/// Empties the join tables that the rows of a model own.
fn clear_relations(database: &mut dyn Connection, model: &Model) -> Result<()> {
    for relation in &model.relations {
        if let Storage::JoinTable { table, .. } | Storage::MorphTable { table, .. } =
            &relation.storage
        {
            empty(database, table)?;
        }
    }
    Ok(())
}

fn clear_component_table(database: &mut dyn Connection, model: &Model) -> Result<()> {
    match &model.component_table {
        Some(table) => empty(database, &table.table),
        None => Ok(()),
    }
}

/// Takes the links off rows that stay and pointed at rows that go.
fn unlink(
    database: &mut dyn Connection,
    content: &Content,
    model: &Model,
    gone: &HashSet<&str>,
    components_stay: bool,
) -> Result<()> {
    for relation in &model.relations {
        let target_goes = relation
            .target
            .as_deref()
            .is_some_and(|target| gone.contains(target));
        match &relation.storage {
            Storage::JoinTable { table, .. } if target_goes => empty(database, table)?,
            Storage::JoinColumn { column, referenced } if target_goes && referenced == "id" => {
                let sql = format!(
                    "UPDATE {} SET {column} = NULL WHERE {column} IS NOT NULL",
                    database.quote(&model.table),
                    column = database.quote(column)
                );
                database.execute(&sql, &[])?;
            }
            Storage::MorphTable { table, type_, .. } => {
                for uid in types_that_go(content, gone, components_stay) {
                    let sql = format!(
                        "DELETE FROM {} WHERE {} = ?",
                        database.quote(table),
                        database.quote(type_)
                    );
                    database.execute(&sql, &[Value::from(uid)])?;
                }
            }
            Storage::MorphColumns { id, type_ } => {
                for uid in types_that_go(content, gone, components_stay) {
                    let sql = format!(
                        "UPDATE {} SET {} = NULL, {type_} = NULL WHERE {type_} = ?",
                        database.quote(&model.table),
                        database.quote(id),
                        type_ = database.quote(type_)
                    );
                    database.execute(&sql, &[Value::from(uid)])?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The types of which every row goes.
fn types_that_go<'a>(
    content: &'a Content,
    gone: &HashSet<&'a str>,
    components_stay: bool,
) -> Vec<&'a str> {
    let components = content
        .models
        .components()
        .map(|model| model.uid.as_str())
        .filter(|_| !components_stay);
    gone.iter().copied().chain(components).collect()
}

/// Deletes the components of the rows that go, and the components inside those, but no others.
fn delete_owned_components(
    database: &mut dyn Connection,
    content: &Content,
    owners: &[&Model],
) -> Result<()> {
    let components: Vec<&Model> = content.models.components().collect();
    let doomed = |index: usize| format!("backup_doomed_{index}");
    for index in 0..components.len() {
        let table = database.quote(&doomed(index));
        database.execute(
            &format!("CREATE TEMPORARY TABLE {table} (id BIGINT NOT NULL PRIMARY KEY)"),
            &[],
        )?;
    }
    for owner in owners {
        collect(database, owner, None, &components, &doomed)?;
    }
    // Components hold components; go on until no level adds any.
    loop {
        let mut added = 0;
        for (index, component) in components.iter().enumerate() {
            let parents = doomed(index);
            added += collect(database, component, Some(&parents), &components, &doomed)?;
        }
        if added == 0 {
            break;
        }
    }
    for (index, component) in components.iter().enumerate() {
        let ids = format!("SELECT id FROM {}", database.quote(&doomed(index)));
        for (table, column) in tables_of_rows(component) {
            let sql = format!(
                "DELETE FROM {} WHERE {} IN ({ids})",
                database.quote(table),
                database.quote(column)
            );
            database.execute(&sql, &[])?;
        }
        for model in content.models.iter() {
            for relation in &model.relations {
                if let Storage::MorphTable {
                    table, id, type_, ..
                } = &relation.storage
                {
                    let sql = format!(
                        "DELETE FROM {} WHERE {} = ? AND {} IN ({ids})",
                        database.quote(table),
                        database.quote(type_),
                        database.quote(id)
                    );
                    database.execute(&sql, &[Value::from(component.uid.as_str())])?;
                }
            }
        }
        let sql = format!(
            "DELETE FROM {} WHERE id IN ({ids})",
            database.quote(&component.table)
        );
        database.execute(&sql, &[])?;
    }
    for index in 0..components.len() {
        let table = database.quote(&doomed(index));
        database.execute(&format!("DROP TABLE {table}"), &[])?;
    }
    Ok(())
}

/// The tables whose rows belong to a row of this model, each with the column that names it.
fn tables_of_rows(model: &Model) -> Vec<(&str, &str)> {
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

/// Adds the components of an owner's rows (all, or those in the table `parents`) to the doomed ones;
/// gives how many were new.
fn collect(
    database: &mut dyn Connection,
    owner: &Model,
    parents: Option<&str>,
    components: &[&Model],
    doomed: &dyn Fn(usize) -> String,
) -> Result<u64> {
    let Some(table) = &owner.component_table else {
        return Ok(0);
    };
    let among = match parents {
        Some(parents) => format!(
            " AND j.entity_id IN (SELECT id FROM {})",
            database.quote(parents)
        ),
        None => String::new(),
    };
    let mut added = 0;
    for (index, component) in components.iter().enumerate() {
        let into = database.quote(&doomed(index));
        let column = database.quote(&table.id_column);
        let sql = format!(
            "INSERT INTO {into} SELECT DISTINCT j.{column} FROM {joins} j WHERE \
             j.component_type = ? AND j.{column} IS NOT NULL{among} AND NOT EXISTS (SELECT 1 FROM \
             {into} d WHERE d.id = j.{column})",
            joins = database.quote(&table.table),
        );
        added += database.execute(&sql, &[Value::from(component.uid.as_str())])?;
    }
    Ok(added)
}
