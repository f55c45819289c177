//! The tables that a content model needs, as statements for SQLite.
//!
//! Which tables and columns there are, [`Models`] says. Columns have no type: SQLite then keeps values as they are
//! given, where it would make numbers of some texts. Nothing is said of foreign keys either: what is missing is to be
//! told from what is there, and not to stop the restore.

use crate::database::Connection;
use crate::strapi::core_store::{CORE_STORE, WEBHOOKS};
use crate::strapi::models::Models;
use crate::strapi::relations::{Order, Storage};
use crate::strapi::tables::Model;
use std::collections::BTreeMap;

/// The columns of the core store beside its id.
const OF_CORE_STORE: [&str; 5] = ["key", "value", "type", "environment", "tag"];
/// The same of the webhooks.
const OF_WEBHOOKS: [&str; 5] = ["name", "url", "headers", "events", "enabled"];

/// Tables and the columns beside their ids.
#[derive(Default)]
struct Tables(BTreeMap<String, Vec<String>>);

impl Tables {
    /// Several models may share a table, and several relations.
    fn add<'a>(&mut self, table: &str, columns: impl IntoIterator<Item = &'a str>) {
        let own = self.0.entry(table.to_owned()).or_default();
        for column in columns {
            if column != "id" && !own.iter().any(|there| there == column) {
                own.push(column.to_owned());
            }
        }
    }

    fn add_model(&mut self, model: &Model) {
        let own = model.columns.iter().map(|mapping| mapping.column.as_str());
        self.add(&model.table, own);
        if let Some(components) = &model.component_table {
            let columns = [
                "entity_id",
                &components.id_column,
                "component_type",
                "field",
                "order",
            ];
            self.add(&components.table, columns);
        }
        for relation in &model.relations {
            match &relation.storage {
                Storage::JoinColumn { column, .. } => self.add(&model.table, [column.as_str()]),
                Storage::MorphColumns { id, type_ } => {
                    self.add(&model.table, [id.as_str(), type_]);
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
                    self.add(table, columns.map(String::as_str));
                }
                Storage::MorphTable {
                    table,
                    left,
                    id,
                    type_,
                    has_id: _,
                } => self.add(table, [left.as_str(), id, type_, "field", "order"]),
            }
        }
    }
}

/// The statements that make them.
pub(super) fn statements(models: &Models, database: &dyn Connection) -> Vec<String> {
    let mut tables = Tables::default();
    models.iter().for_each(|model| tables.add_model(model));
    tables.add(CORE_STORE, OF_CORE_STORE);
    tables.add(WEBHOOKS, OF_WEBHOOKS);
    tables
        .0
        .iter()
        .map(|(table, columns)| {
            let columns: Vec<String> = columns.iter().map(|name| database.quote(name)).collect();
            let columns = match columns.is_empty() {
                true => String::new(),
                false => format!(", {}", columns.join(", ")),
            };
            format!(
                "CREATE TABLE {} (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL{columns})",
                database.quote(table)
            )
        })
        .collect()
}
