//! Components and dynamic zones, read by batch and table, never by entity.

use super::attributes::{write_attributes, write_name};
use super::link_lines::shown;
use super::{Reader, column_list, select_rows};
use crate::error::{Error, Result};
use crate::model::{DEEPEST_COMPONENT, json};
use crate::strapi::dialect::Dialect;
use crate::strapi::tables::{ComponentField, ComponentShape, Model, Models};
use std::collections::HashMap;

/// How many ids one query names.
const IDS: usize = 1000;

/// The rows whose components are wanted.
pub(super) enum Parents<'a> {
    /// All rows with ids in this range, ends included.
    Between(i64, i64),
    /// These rows.
    Ids(&'a [i64]),
}

/// A component with all that it holds.
#[derive(Default, Clone)]
struct Component<'a> {
    json: Vec<u8>,
    /// The type and the id of each component in it, its own first.
    rows: Vec<(&'a str, i64)>,
}

/// The components of a batch of rows.
#[derive(Default)]
pub(super) struct Components<'a> {
    /// Parent and field to the components there, in order.
    values: HashMap<(i64, usize), Vec<Component<'a>>>,
}

impl<'a> Components<'a> {
    /// Appends the members that hold components to the JSON object of row `id`; adds the rows of what
    /// was written to `written`.
    pub fn write(
        &mut self,
        out: &mut Vec<u8>,
        model: &Model,
        fields: &[usize],
        id: i64,
        written: &mut Vec<(&'a str, i64)>,
    ) {
        for &index in fields {
            let field = &model.component_fields[index];
            write_name(out, &field.attribute);
            let values = self.values.remove(&(id, index)).unwrap_or_default();
            written.extend(values.iter().flat_map(|value| &value.rows));
            if let ComponentShape::Single(_) = field.shape {
                match values.first() {
                    Some(value) => out.extend_from_slice(&value.json),
                    None => out.extend_from_slice(b"null"),
                }
                continue;
            }
            out.push(b'[');
            for (position, value) in values.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(&value.json);
            }
            out.push(b']');
        }
    }
}

/// The order in which the members that hold components stand in an entity.
///
/// Strapi 4 reads them one after the other. Strapi 5 reads them side by side and adds each when its
/// queries are through; on SQLite and MySQL that is by the number of queries one after the other,
/// then by the order of the attributes.
pub(super) fn in_key_order(models: &Models, model: &Model) -> Vec<usize> {
    let mut fields: Vec<usize> = (0..model.component_fields.len()).collect();
    if models.dialect.reads_components_in_turn() {
        return fields;
    }
    fields.sort_by_key(|&index| queries(models, &model.component_fields[index], DEEPEST_COMPONENT));
    fields
}

fn queries(models: &Models, field: &ComponentField, deepest: usize) -> usize {
    let nested = |uid: &String| {
        let fields = models.get(uid).map(|model| &model.component_fields);
        fields
            .into_iter()
            .flatten()
            .filter(|_| deepest > 0)
            .map(|field| queries(models, field, deepest - 1))
            .max()
            .unwrap_or(0)
    };
    match &field.shape {
        ComponentShape::Single(uid) | ComponentShape::Repeatable(uid) => 1 + nested(uid),
        ComponentShape::Zone(uids) => 2 + uids.iter().map(nested).max().unwrap_or(0),
    }
}

/// A row of a table that joins rows to their components.
struct Join {
    parent: i64,
    field: usize,
    component: String,
    id: i64,
}

impl<'a> Reader<'a> {
    /// Reads the components of a batch of rows.
    pub(super) fn components(
        &mut self,
        model: &Model,
        parents: &Parents<'_>,
    ) -> Result<Components<'a>> {
        self.nested_components(model, parents, DEEPEST_COMPONENT)
    }

    fn nested_components(
        &mut self,
        model: &Model,
        parents: &Parents<'_>,
        deepest: usize,
    ) -> Result<Components<'a>> {
        let mut components = Components::default();
        if model.component_table.is_none() {
            return Ok(components);
        }
        let joins = self.joins(model, parents)?;
        if joins.is_empty() {
            return Ok(components);
        }
        let Some(deepest) = deepest.checked_sub(1) else {
            return Err(Error::failed(format!(
                "components in {} are nested deeper than {DEEPEST_COMPONENT} levels",
                model.uid
            ))
            .hint(
                "take them apart, or leave out the content types that hold them with \
                   --exclude-content-types",
            ));
        };
        let mut wanted: HashMap<&str, Vec<i64>> = HashMap::new();
        for join in &joins {
            wanted.entry(&join.component).or_default().push(join.id);
        }
        let mut rows: HashMap<&str, HashMap<i64, Component<'a>>> = HashMap::new();
        for (uid, ids) in wanted {
            rows.insert(uid, self.component_rows(uid, ids, deepest)?);
        }
        for join in &joins {
            let Some(row) = rows
                .get_mut(join.component.as_str())
                .and_then(|rows| rows.get(&join.id))
            else {
                continue;
            };
            let field = &model.component_fields[join.field];
            let values = components
                .values
                .entry((join.parent, join.field))
                .or_default();
            // Of several where there should be one, the first is sent.
            if matches!(field.shape, ComponentShape::Single(_)) && !values.is_empty() {
                continue;
            }
            let mut value = row.clone();
            if matches!(field.shape, ComponentShape::Zone(_)) {
                let dialect = self.catalogue.models.dialect;
                value.json = with_type(&value.json, &join.component, dialect);
            }
            values.push(value);
        }
        Ok(components)
    }

    /// The joins of a batch of rows, in the order of the parents and of the components within them.
    fn joins(&mut self, model: &Model, parents: &Parents<'_>) -> Result<Vec<Join>> {
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
                    "field"
                ]
            ),
            self.database.quote(&table.table),
        );
        let order = format!("ORDER BY entity_id, {}, id", self.database.quote("order"));
        for condition in conditions("entity_id", parents) {
            let sql = format!("{select} {condition} {order}");
            self.database.query(&sql, &[], &mut |row| {
                let (parent, id) = (row.value(0)?.as_i64(), row.value(1)?.as_i64());
                let (component, name) = (row.value(2)?, row.value(3)?);
                if id.is_none() && !row.value(1)?.is_null() {
                    let field = name.as_str().unwrap_or("?");
                    let unreadable = self
                        .unreadable_components
                        .entry((model.uid.clone(), field.to_owned()));
                    let what = row.value(1)?;
                    unreadable.or_default().add(|| {
                        let parent = parent.unwrap_or_default();
                        format!("{} {parent}: {} is no id", model.uid, shown(&what))
                    });
                }
                if let (Some(parent), Some(id), Some(component), Some(name)) =
                    (parent, id, component.as_str(), name.as_str())
                    && let Some(field) = field_for(model, name, component)
                {
                    joins.push(Join {
                        parent,
                        field,
                        component: component.to_owned(),
                        id,
                    });
                }
                Ok(())
            })?;
        }
        Ok(joins)
    }

    /// The rows of a component as JSON objects, by id.
    fn component_rows(
        &mut self,
        uid: &str,
        mut ids: Vec<i64>,
        deepest: usize,
    ) -> Result<HashMap<i64, Component<'a>>> {
        let catalogue = self.catalogue;
        let Some(model) = catalogue.models.get(uid) else {
            return Ok(HashMap::new());
        };
        ids.sort_unstable();
        ids.dedup();
        let fields = in_key_order(&catalogue.models, model);
        let select = select_rows(self.database, model);
        let mut rows = HashMap::with_capacity(ids.len());
        for condition in conditions("id", &Parents::Ids(&ids)) {
            let sql = format!("{select} WHERE {condition}");
            self.database.query(&sql, &[], &mut |row| {
                let Some(id) = row.value(0)?.as_i64() else {
                    return Ok(());
                };
                let mut object = b"{\"id\":".to_vec();
                json::write_i64(&mut object, id);
                write_attributes(&mut object, &model.columns, row, 1)
                    .map_err(|error| error.within(format!("component {uid} {id}")))?;
                let itself = (model.uid.as_str(), id);
                rows.insert(
                    id,
                    Component {
                        json: object,
                        rows: vec![itself],
                    },
                );
                Ok(())
            })?;
        }
        // What rows that are gone held is in no archive.
        ids.retain(|id| rows.contains_key(id));
        let mut nested = self.nested_components(model, &Parents::Ids(&ids), deepest)?;
        for (id, Component { json, rows }) in &mut rows {
            nested.write(json, model, &fields, *id, rows);
            json.push(b'}');
        }
        Ok(rows)
    }
}

/// A component of a dynamic zone: its row with its type.
fn with_type(row: &[u8], component: &str, dialect: Dialect) -> Vec<u8> {
    let mut value = Vec::with_capacity(row.len() + component.len() + 18);
    if dialect.names_component_first() {
        value.push(b'{');
        write_name(&mut value, "__component");
        json::write_string(&mut value, component);
        value.push(b',');
        value.extend_from_slice(&row[1..]);
    } else {
        value.extend_from_slice(&row[..row.len() - 1]);
        write_name(&mut value, "__component");
        json::write_string(&mut value, component);
        value.push(b'}');
    }
    value
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
