//! The rows of components: which ones rows hold, and what stands in them.

use super::attributes::write_attributes;
use super::link_lines::shown;
use super::{Reader, column_list, select_rows};
use crate::error::Result;
use crate::model::json;
use crate::strapi::tables::{ComponentShape, Model};
use crate::transfer::{Examples, Sink, Subject, WarningKind};
use std::collections::{BTreeMap, HashMap};

/// How many ids one query names.
const IDS: usize = 1000;

/// The rows whose components are wanted.
pub(super) enum Parents<'a> {
    /// All rows with ids in this range, ends included.
    Between(i64, i64),
    /// These rows.
    Ids(&'a [i64]),
}

/// A row of a component: its type and its id.
pub(super) type Row<'a> = (&'a str, i64);

/// A row of a table that joins rows to their components.
pub(super) struct Join {
    pub parent: i64,
    pub field: usize,
    pub component: String,
    pub id: i64,
}

/// Why a join leads to nothing.
pub(super) const NO_ROW: &str = "it does not exist";
const NO_FIELD: &str = "the schema has it there no more";
pub(super) const SECOND: &str = "Strapi shows the first there alone";

/// The components that a batch of rows holds, before they are put into each other.
#[derive(Default)]
pub(super) struct Parts<'a> {
    /// The JSON of each row, without what it holds and its last brace.
    pub rows: HashMap<Row<'a>, Vec<u8>>,
    /// What each holds: the field, and the component in it.
    pub held: HashMap<Row<'a>, Vec<(usize, Row<'a>)>>,
}

impl<'a> Reader<'a> {
    /// Reads rows of a component, and which components they hold; those that were not read yet are
    /// wanted `next`.
    pub(super) fn parts(
        &mut self,
        uid: &'a str,
        mut ids: Vec<i64>,
        parts: &mut Parts<'a>,
        next: &mut HashMap<&'a str, Vec<i64>>,
    ) -> Result<()> {
        let catalogue = self.catalogue;
        let Some(model) = catalogue.models.get(uid) else {
            return Ok(());
        };
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !parts.rows.contains_key(&(uid, *id)));
        self.component_rows(model, &ids, parts)?;
        // What rows that are gone held is in no archive.
        ids.retain(|id| parts.rows.contains_key(&(uid, *id)));
        if ids.is_empty() || model.component_table.is_none() {
            return Ok(());
        }
        for join in self.joins(model, &Parents::Ids(&ids))? {
            let Some(component) = catalogue.models.get(&join.component) else {
                let inner = (join.component.as_str(), join.id);
                let attribute = &model.component_fields[join.field].attribute;
                self.gone_component((model, join.parent), attribute, inner, NO_ROW);
                continue;
            };
            let row = (component.uid.as_str(), join.id);
            let held = parts.held.entry((uid, join.parent)).or_default();
            held.push((join.field, row));
            if !parts.rows.contains_key(&row) {
                next.entry(row.0).or_default().push(row.1);
            }
        }
        Ok(())
    }

    /// The joins of a batch of rows, in the order of the parents and of the components within them.
    pub(super) fn joins(&mut self, model: &Model, parents: &Parents<'_>) -> Result<Vec<Join>> {
        let Some(table) = &model.component_table else {
            return Ok(Vec::new());
        };
        let mut joins = Vec::new();
        let select = format!(
            "SELECT {} FROM {} WHERE",
            column_list(
                self.database,
                [
                    "entity_id",
                    table.id_column.as_str(),
                    "component_type",
                    "field",
                    "id"
                ]
            ),
            self.database.quote(&table.table),
        );
        // What an older schema left behind, by attribute.
        let mut left = Vec::new();
        let order = format!("ORDER BY entity_id, {}, id", self.database.quote("order"));
        for condition in conditions("entity_id", parents) {
            let sql = format!("{select} {condition} {order}");
            self.database.query(&sql, &[], &mut |row| {
                let (parent, id) = (row.value(0)?.as_i64(), row.value(1)?.as_i64());
                let (component, name) = (row.value(2)?, row.value(3)?);
                // All of these are told at the end: such rows may have no owner.
                if row.value(1)?.is_null() || component.is_null() || name.is_null() {
                    return Ok(());
                }
                let no_text = [("component_type", &component), ("field", &name)]
                    .into_iter()
                    .find(|(_, value)| value.as_str().is_none());
                if id.is_none() {
                    let field = name.as_str().unwrap_or("?");
                    let unreadable = self
                        .unreadable_components
                        .entry((model.uid.clone(), field.to_owned()));
                    let what = row.value(1)?;
                    unreadable.or_default().add(|| {
                        let parent = parent.unwrap_or_default();
                        format!("{} {parent}: {} is no id", model.uid, shown(&what))
                    });
                } else if let Some((column, _)) = no_text {
                    let field = name.as_str().unwrap_or("?");
                    let key = (model.uid.clone(), field.to_owned());
                    let row = row.value(4)?.as_i64().unwrap_or_default();
                    let unreadable = self.unreadable_components.entry(key).or_default();
                    unreadable
                        .add(|| format!("row {row} of {}: its {column} is no text", table.table));
                }
                if let (Some(parent), Some(id), Some(component), Some(name)) =
                    (parent, id, component.as_str(), name.as_str())
                {
                    match field_for(model, name, component) {
                        Some(field) => joins.push(Join {
                            parent,
                            field,
                            component: component.to_owned(),
                            id,
                        }),
                        None => left.push((name.to_owned(), component.to_owned(), parent, id)),
                    }
                }
                Ok(())
            })?;
        }
        for (attribute, component, parent, id) in left {
            self.gone_component((model, parent), &attribute, (&component, id), NO_FIELD);
        }
        Ok(joins)
    }

    /// Remembers a join of a row that leads to nothing.
    pub(super) fn gone_component(
        &mut self,
        (owner, id): (&Model, i64),
        attribute: &str,
        (component, inner): Row<'_>,
        why: &str,
    ) {
        let key = (owner.uid.clone(), attribute.to_owned());
        let gone = self.gone_components.entry(key).or_default();
        gone.add(|| format!("{id} -> {component} {inner}: {why}"));
    }

    /// Tells of the joins that lack something.
    pub(super) fn joins_with_nulls(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let catalogue = self.catalogue;
        for model in catalogue.models.iter() {
            if let Some(table) = &model.component_table
                && self.filter.includes_type(&model.uid)
            {
                let columns = ["entity_id", &table.id_column, "component_type", "field"];
                self.tell_of_nulls(&table.table, columns, sink)?;
            }
        }
        Ok(())
    }

    /// Tells of the joins whose owner is named by what is no id, which only SQLite takes.
    pub(super) fn joins_without_id(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let models = &self.catalogue.models;
        if !models.home.is_sqlite {
            return Ok(());
        }
        for model in models
            .iter()
            .filter(|it| self.filter.includes_type(&it.uid))
        {
            let Some(table) = &model.component_table else {
                continue;
            };
            let columns = ["id", "entity_id", "field"];
            let sql = format!(
                "SELECT {} FROM {} WHERE typeof(entity_id) NOT IN ('integer', 'null')",
                column_list(self.database, columns),
                self.database.quote(&table.table)
            );
            let mut found: BTreeMap<String, Examples> = BTreeMap::new();
            self.database.query(&sql, &[], &mut |row| {
                let (id, owner, field) = (row.value(0)?, row.value(1)?, row.value(2)?);
                let field = field.as_str().unwrap_or("?").to_owned();
                found.entry(field).or_default().add(|| {
                    let id = id.as_i64().unwrap_or_default();
                    format!("row {id} of {}: {} is no id", table.table, shown(&owner))
                });
                Ok(())
            })?;
            for (attribute, examples) in found {
                let uid = model.uid.clone();
                let subject = Subject::ComponentsIn { uid, attribute };
                let warning = examples.warning(WarningKind::Unreadable, subject);
                warning.into_iter().for_each(|warning| sink.warn(warning));
            }
        }
        Ok(())
    }

    /// The rows of a component as JSON objects, by id.
    fn component_rows(
        &mut self,
        model: &'a Model,
        ids: &[i64],
        parts: &mut Parts<'a>,
    ) -> Result<()> {
        let uid = model.uid.as_str();
        let select = select_rows(self.database, model);
        for condition in conditions("id", &Parents::Ids(ids)) {
            let sql = format!("{select} WHERE {condition}");
            self.database.query(&sql, &[], &mut |row| {
                let Some(id) = row.value(0)?.as_i64() else {
                    return Ok(());
                };
                let mut object = b"{\"id\":".to_vec();
                json::write_i64(&mut object, id);
                write_attributes(&mut object, model, id, row, &mut self.tally)
                    .map_err(|error| error.within(format!("component {uid} {id}")))?;
                parts.rows.insert((uid, id), object);
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// The field of `model` that a join row belongs to; `None` for what an older schema left behind.
fn field_for(model: &Model, name: &str, component: &str) -> Option<usize> {
    model.component_fields.iter().position(|field| {
        field.attribute == name
            && match &field.shape {
                ComponentShape::Single(uid) | ComponentShape::Repeatable(uid) => uid == component,
                ComponentShape::Zone(uids) => uids.iter().any(|uid| uid == component),
            }
    })
}

/// The conditions of the queries it takes to read rows with these ids. Ids are numbers, and safe.
fn conditions(column: &str, parents: &Parents<'_>) -> Vec<String> {
    match parents {
        Parents::Between(first, last) => vec![format!("{column} BETWEEN {first} AND {last}")],
        Parents::Ids(ids) => ids
            .chunks(IDS)
            .map(|ids| {
                let list: Vec<String> = ids.iter().map(i64::to_string).collect();
                format!("{column} IN ({})", list.join(","))
            })
            .collect(),
    }
}
