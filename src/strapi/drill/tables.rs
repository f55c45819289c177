//! The tables that a content model needs, as statements for SQLite.
//!
//! Which tables and columns there are, [`Models`] says. Columns have no type: SQLite then keeps values as they are
//! given, where it would make numbers of some texts. Nothing is said of foreign keys either: what is missing is to be
//! told from what is there, and not to stop the restore.

use crate::database::Connection;
use crate::error::{Error, Kind, Result};
use crate::model::Short;
use crate::strapi::core_store::{CORE_STORE, WEBHOOKS};
use crate::strapi::models::Models;
use crate::strapi::relations::{Order, Storage};
use crate::strapi::tables::Model;
use std::collections::BTreeMap;

/// The columns of the core store beside its id.
const OF_CORE_STORE: [&str; 5] = ["key", "value", "type", "environment", "tag"];
/// The same of the webhooks.
const OF_WEBHOOKS: [&str; 5] = ["name", "url", "headers", "events", "enabled"];

/// The most columns that SQLite gives a table; PostgreSQL and MySQL give fewer.
const MOST_COLUMNS: usize = 2000;

/// Tables, the columns beside their ids, and the type that asked for them first.
#[derive(Default)]
struct Tables(BTreeMap<String, (Vec<String>, String)>);

impl Tables {
    /// Several models may share a table, and several relations.
    fn add<'a>(&mut self, uid: &str, table: &str, columns: impl IntoIterator<Item = &'a str>) {
        let new = || (Vec::new(), uid.to_owned());
        let (own, _) = self.0.entry(table.to_owned()).or_insert_with(new);
        for column in columns {
            if column != "id" && !own.iter().any(|there| there == column) {
                own.push(column.to_owned());
            }
        }
    }

    /// Adds those of a model.
    ///
    /// # Errors
    /// An attribute takes the place of the id.
    fn add_model(&mut self, model: &Model) -> Result<()> {
        let uid = model.uid.as_str();
        let mut columns = model.columns.iter();
        if let Some(taken) = columns.find(|it| it.column.eq_ignore_ascii_case("id")) {
            let attribute = Short(&taken.attribute);
            return Err(unmakable(
                uid,
                &format!("its attribute {attribute} takes the column of the id"),
            ));
        }
        let own = model.columns.iter().map(|mapping| mapping.column.as_str());
        self.add(uid, &model.table, own);
        if let Some(components) = &model.component_table {
            let columns = [
                "entity_id",
                &components.id_column,
                "component_type",
                "field",
                "order",
            ];
            self.add(uid, &components.table, columns);
        }
        for relation in &model.relations {
            match &relation.storage {
                Storage::JoinColumn { column, .. } => {
                    self.add(uid, &model.table, [column.as_str()])
                }
                Storage::MorphColumns { id, type_ } => {
                    self.add(uid, &model.table, [id.as_str(), type_]);
                }
                Storage::JoinTable {
                    table,
                    left,
                    right,
                    left_order,
                    right_order,
                    has_id: _,
                } => {
                    let orders = [left_order, right_order];
                    let orders = orders.into_iter().filter_map(Order::column);
                    let columns = [left, right].into_iter().chain(orders);
                    self.add(uid, table, columns.map(String::as_str));
                }
                Storage::MorphTable {
                    table,
                    left,
                    id,
                    type_,
                    has_id: _,
                } => self.add(uid, table, [left.as_str(), id, type_, "field", "order"]),
            }
        }
        Ok(())
    }

    /// Whether all of them can be made.
    ///
    /// # Errors
    /// One cannot.
    fn check(&self) -> Result<()> {
        let mut names = BTreeMap::new();
        for (table, (columns, uid)) in &self.0 {
            let lower = table.to_ascii_lowercase();
            let has_nul = |name: &String| name.contains('\0');
            if table.is_empty() || has_nul(table) || columns.iter().any(has_nul) {
                let why = "a name that it asks for is none of a table or column";
                return Err(unmakable(uid, why));
            }
            if lower.starts_with("sqlite_") {
                let why = format!("SQLite keeps names such as {} for itself", Short(table));
                return Err(unmakable(uid, &why));
            }
            if columns.len() >= MOST_COLUMNS {
                let why = format!(
                    "{} would have more than {MOST_COLUMNS} columns",
                    Short(table)
                );
                return Err(unmakable(uid, &why));
            }
            if let Some(other) = names.insert(lower, uid) {
                let why = format!("{} is a table of {} already", Short(table), Short(other));
                return Err(unmakable(uid, &why));
            }
        }
        Ok(())
    }
}

/// No database has the tables that a type of the archive asks for.
fn unmakable(uid: &str, why: &str) -> Error {
    Error::archive(format!("no table can be made for {}: {why}", Short(uid)))
}

/// Says of rows that take each other's place, though each is the only one of its type and id, that their types share a
/// table; any other error stays as it is.
pub(super) fn collided(error: Error, models: &Models) -> Error {
    let message = error.to_string();
    let place = message.split_once("UNIQUE constraint failed: ");
    let table = place.and_then(|(_, column)| column.split('.').next());
    let owners = models
        .iter()
        .filter(|model| Some(model.table.as_str()) == table);
    let owners: Vec<String> = owners.map(|model| Short(&model.uid).to_string()).collect();
    match table {
        Some(table) if error.kind() == Kind::Failed && !owners.is_empty() => unmakable(
            &owners.join(" and "),
            &format!("several types have rows of one id in {}", Short(table)),
        ),
        _ => error,
    }
}

/// The statements that make them.
///
/// # Errors
/// Kind [`Archive`](crate::error::Kind::Archive): the schemas ask for what no database has.
pub(super) fn statements(models: &Models, database: &dyn Connection) -> Result<Vec<String>> {
    let mut tables = Tables::default();
    tables.add("Strapi itself", CORE_STORE, OF_CORE_STORE);
    tables.add("Strapi itself", WEBHOOKS, OF_WEBHOOKS);
    for model in models.iter() {
        tables.add_model(model)?;
    }
    tables.check()?;
    let statements = tables.0.iter().map(|(table, (columns, _))| {
        let columns: Vec<String> = columns.iter().map(|name| database.quote(name)).collect();
        let columns = match columns.is_empty() {
            true => String::new(),
            false => format!(", {}", columns.join(", ")),
        };
        format!(
            "CREATE TABLE {} (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL{columns})",
            database.quote(table)
        )
    });
    Ok(statements.collect())
}
