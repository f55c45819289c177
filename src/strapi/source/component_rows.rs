//! The rows of components: which ones rows hold, and what stands in them.

use super::attributes::write_attributes;
use super::link_lines::shown;
use super::{Reader, column_list, select_rows};
use crate::database::Value;
use crate::error::Result;
use crate::model::json;
use crate::strapi::tables::{ComponentShape, Model};
use crate::transfer::{Examples, Sink, Subject, WarningKind};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// How many ids one query names.
const IDS: usize = 1000;
/// Where one of so many rows is wanted, the others are read as well: that takes less than to look for each.
const DENSE: u64 = 2;

/// The rows whose components are wanted.
pub(super) enum Parents<'a> {
    /// All rows with ids in this range, ends included.
    Between(i64, i64),
    /// These rows.
    Ids(&'a [i64]),
}

/// A row of a component: the place of its type among all models, and its id.
pub(super) type Row = (usize, i64);

/// A row of a table that joins rows to their components.
pub(super) struct Join {
    pub parent: i64,
    pub field: usize,
    pub row: Row,
}

/// Why a join leads to nothing.
pub(super) const NO_ROW: &str = "it does not exist";
const NO_FIELD: &str = "the schema has it there no more";
pub(super) const SECOND: &str = "Strapi shows the first there alone";

/// The components that a batch of rows holds, before they are put into each other.
#[derive(Default)]
pub(super) struct Parts {
    /// The JSON of all rows, one after the other.
    pub json: String,
    pub list: Vec<Part>,
    /// The place of each in the list.
    pub places: HashMap<Row, usize>,
}

/// A component, before it is put into another.
pub(super) struct Part {
    pub row: Row,
    /// Where the JSON of its row stands, without what it holds and its last brace.
    pub json: Range<usize>,
    /// What it holds: the field, and the component in it.
    pub held: Vec<(usize, Row)>,
}

impl Reader<'_> {
    /// Reads rows of a component, and which components they hold; those that were not read yet are
    /// wanted `next`.
    pub(super) fn parts(
        &mut self,
        place: usize,
        mut ids: Vec<i64>,
        parts: &mut Parts,
        next: &mut BTreeMap<usize, Vec<i64>>,
    ) -> Result<()> {
        let model = self.catalogue.models.at(place);
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !parts.places.contains_key(&(place, *id)));
        self.component_rows((place, model), &ids, parts)?;
        if model.component_table.is_none() {
            return Ok(());
        }
        // What rows that are gone held is in no archive.
        ids.retain(|id| parts.places.contains_key(&(place, *id)));
        for join in self.joins(model, &Parents::Ids(&ids))? {
            let Some(&parent) = parts.places.get(&(place, join.parent)) else {
                continue;
            };
            parts.list[parent].held.push((join.field, join.row));
            if !parts.places.contains_key(&join.row) {
                next.entry(join.row.0).or_default().push(join.row.1);
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
        // What leads nowhere, by attribute: what an older schema left behind, above all.
        let mut left = Vec::new();
        let models = &self.catalogue.models;
        let order = format!("ORDER BY entity_id, {}, id", self.database.quote("order"));
        for wanted in Wanted::of(parents) {
            let sql = format!("{select} {} {order}", wanted.condition("entity_id"));
            self.database.query(&sql, &wanted.range(), &mut |row| {
                let (parent, id) = (row.value(0)?.as_i64(), row.value(1)?.as_i64());
                if parent.is_some_and(|parent| !wanted.takes(parent)) {
                    return Ok(());
                }
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
                    let field = field_for(model, name, component);
                    match (field, models.place(component)) {
                        (Some(field), Some(place)) => joins.push(Join {
                            parent,
                            field,
                            row: (place, id),
                        }),
                        (field, _) => {
                            let why = if field.is_some() { NO_ROW } else { NO_FIELD };
                            left.push((name.to_owned(), component.to_owned(), parent, id, why));
                        }
                    }
                }
                Ok(())
            })?;
        }
        for (attribute, component, parent, id, why) in left {
            self.gone_component((model, parent), &attribute, (&component, id), why);
        }
        Ok(joins)
    }

    /// Remembers a join of a row that leads to nothing.
    pub(super) fn gone_component(
        &mut self,
        (owner, id): (&Model, i64),
        attribute: &str,
        (component, inner): (&str, i64),
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
                self.tell_of_nulls(&table.table, true, columns, sink)?;
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
        (place, model): (usize, &Model),
        ids: &[i64],
        parts: &mut Parts,
    ) -> Result<()> {
        let uid = &model.uid;
        let select = select_rows(self.database, model);
        parts.places.reserve(ids.len());
        for wanted in Wanted::of(&Parents::Ids(ids)) {
            let sql = format!("{select} WHERE {}", wanted.condition("id"));
            self.database.query(&sql, &wanted.range(), &mut |row| {
                let Some(id) = row.value(0)?.as_i64().filter(|id| wanted.takes(*id)) else {
                    return Ok(());
                };
                let start = parts.json.len();
                parts.json.push_str("{\"id\":");
                json::write_i64(&mut parts.json, id);
                write_attributes(&mut parts.json, model, id, row, &mut self.tally)
                    .map_err(|error| error.within(format!("component {uid} {id}")))?;
                parts.places.insert((place, id), parts.list.len());
                parts.list.push(Part {
                    row: (place, id),
                    json: start..parts.json.len(),
                    held: Vec::new(),
                });
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

/// The rows that one query is to read.
enum Wanted<'a> {
    /// Those in a range, ends included.
    Range(i64, i64),
    /// These, and to read what lies between them takes little.
    Dense(&'a [i64]),
    /// These, by name.
    Ids(&'a [i64]),
}

impl<'a> Wanted<'a> {
    /// The queries it takes to read the components of these rows, which stand in order.
    fn of(parents: &Parents<'a>) -> Vec<Self> {
        match *parents {
            Parents::Between(first, last) => vec![Self::Range(first, last)],
            Parents::Ids([]) => Vec::new(),
            Parents::Ids(ids) if is_dense(ids) => vec![Self::Dense(ids)],
            Parents::Ids(ids) => ids
                .chunks(IDS)
                .map(|ids| match is_dense(ids) {
                    true => Self::Dense(ids),
                    false => Self::Ids(ids),
                })
                .collect(),
        }
    }

    /// The ends of the range, which are the parameters of the query.
    fn range(&self) -> Vec<Value<'static>> {
        let ends = match *self {
            Self::Range(first, last) => Some((first, last)),
            Self::Dense(ids) => ids.first().copied().zip(ids.last().copied()),
            Self::Ids(_) => None,
        };
        let ends = ends.into_iter().flat_map(|(first, last)| [first, last]);
        ends.map(Value::Integer).collect()
    }

    /// What the query asks of the column of the ids. Ids are numbers, and safe.
    fn condition(&self, column: &str) -> String {
        match self {
            Self::Range(..) | Self::Dense(_) => format!("{column} BETWEEN ? AND ?"),
            Self::Ids(ids) => {
                let list: Vec<String> = ids.iter().map(i64::to_string).collect();
                format!("{column} IN ({})", list.join(","))
            }
        }
    }

    /// Whether a row that the query gives is one of them.
    fn takes(&self, id: i64) -> bool {
        match self {
            Self::Dense(ids) => ids.binary_search(&id).is_ok(),
            Self::Range(..) | Self::Ids(_) => true,
        }
    }
}

fn is_dense(ids: &[i64]) -> bool {
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
        return false;
    };
    last.abs_diff(*first) < ids.len() as u64 * DENSE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_lie_close_together_are_read_as_a_range_and_others_by_name() {
        let close: Vec<i64> = (-3..3000).map(|id| id * 2).collect();
        let [wanted] = &Wanted::of(&Parents::Ids(&close))[..] else {
            panic!("one query");
        };
        assert_eq!(wanted.condition("id"), "id BETWEEN ? AND ?");
        assert_eq!(wanted.range(), [(-6).into(), 5998.into()]);
        assert!(wanted.takes(-6) && !wanted.takes(-5) && wanted.takes(5998));
        // Far apart as a whole, and close in one of the queries.
        let apart: Vec<i64> = (0..1000).chain((1..=3).map(|id| id << 40)).collect();
        let [near, far] = &Wanted::of(&Parents::Ids(&apart))[..] else {
            panic!("two queries");
        };
        assert_eq!(near.range(), [0.into(), 999.into()]);
        assert!(far.range().is_empty());
        let far = far.condition("id");
        assert_eq!(far, "id IN (1099511627776,2199023255552,3298534883328)");
        assert!(Wanted::of(&Parents::Ids(&[])).is_empty());
    }
}
