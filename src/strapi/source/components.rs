//! Components and dynamic zones, read by batch and table, never by entity.
//!
//! First the rows that are held, each once, however they hold each other; then the JSON of each, from
//! the inside out. Rows that hold themselves end there, as does what is nested too deep.

use super::Reader;
use super::attributes::write_name;
use super::component_rows::{NO_ROW, Parents, Parts, Row, SECOND};
use crate::error::Result;
use crate::model::json;
use crate::model::limits::{DEEPEST, LONGEST_LINE};
use crate::strapi::dialect::Dialect;
use crate::strapi::tables::{ComponentField, ComponentShape, Model, Models};
use std::collections::HashMap;

/// A component with all that it holds.
#[derive(Default)]
struct Component<'a> {
    json: Vec<u8>,
    /// Each component in it, itself first.
    rows: Vec<Row<'a>>,
    /// How many levels of components are in it.
    height: usize,
    /// Whether no line could hold it; then there is nothing of it here.
    is_too_long: bool,
}

/// The components of a batch of rows.
#[derive(Default)]
pub(super) struct Components<'a> {
    /// Row and field to the components there, in order.
    held: HashMap<(i64, usize), Vec<Row<'a>>>,
    made: HashMap<Row<'a>, Component<'a>>,
}

impl<'a> Components<'a> {
    /// Appends the members that hold components to the JSON object of row `id`; adds the rows of what
    /// was written to `written`. Gives whether all could be written.
    pub fn write(
        &self,
        out: &mut Vec<u8>,
        models: &Models,
        model: &Model,
        fields: &[usize],
        id: i64,
        written: &mut Vec<Row<'a>>,
    ) -> bool {
        fields.iter().all(|&index| {
            let field = &model.component_fields[index];
            write_name(out, &field.attribute);
            let held = self.held.get(&(id, index)).into_iter().flatten();
            let made = held.filter_map(|row| self.made.get(row));
            write_field(out, field, models.dialect, made, written)
        })
    }
}

/// Appends what a field holds. Gives whether all could be written.
fn write_field<'c, 'a: 'c>(
    out: &mut Vec<u8>,
    field: &ComponentField,
    dialect: Dialect,
    mut components: impl Iterator<Item = &'c Component<'a>>,
    written: &mut Vec<Row<'a>>,
) -> bool {
    let mut write = |out: &mut Vec<u8>, component: &Component<'a>| {
        let length = (out.len() + component.json.len()) as u64;
        if component.is_too_long || length > LONGEST_LINE {
            return false;
        }
        written.extend(&component.rows);
        match (&field.shape, component.rows.first()) {
            (ComponentShape::Zone(_), Some((uid, _))) => {
                write_with_type(out, &component.json, uid, dialect);
            }
            _ => out.extend_from_slice(&component.json),
        }
        true
    };
    if let ComponentShape::Single(_) = field.shape {
        return match components.next() {
            Some(component) => write(out, component),
            None => {
                out.extend_from_slice(b"null");
                true
            }
        };
    }
    out.push(b'[');
    for (position, component) in components.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        if !write(out, component) {
            return false;
        }
    }
    out.push(b']');
    true
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
    let mut known = HashMap::new();
    fields.sort_by_cached_key(|&index| queries(models, &model.component_fields[index], &mut known));
    fields
}

/// How many queries it takes to read what a field holds, one after the other. Of components that are
/// `known`, and of those that hold themselves, no more is found out.
fn queries<'m>(
    models: &'m Models,
    field: &'m ComponentField,
    known: &mut HashMap<&'m str, usize>,
) -> usize {
    let mut nested = |uid: &'m String| {
        if let Some(queries) = known.get(uid.as_str()) {
            return *queries;
        }
        known.insert(uid, 0);
        let fields = models.get(uid).map(|model| &model.component_fields);
        let fields = fields.into_iter().flatten();
        let most = fields.map(|field| queries(models, field, known)).max();
        known.insert(uid, most.unwrap_or(0));
        most.unwrap_or(0)
    };
    match &field.shape {
        ComponentShape::Single(uid) | ComponentShape::Repeatable(uid) => 1 + nested(uid),
        ComponentShape::Zone(uids) => 2 + uids.iter().map(nested).max().unwrap_or(0),
    }
}

/// Whether a field takes another component beside those that it holds.
fn takes_another(owner: &Model, field: usize, held: &[Row<'_>]) -> bool {
    let shape = &owner.component_fields[field].shape;
    held.is_empty() || !matches!(shape, ComponentShape::Single(_))
}

impl<'a> Reader<'a> {
    /// Reads the components of a batch of rows.
    pub(super) fn components(
        &mut self,
        model: &Model,
        parents: &Parents<'_>,
    ) -> Result<Components<'a>> {
        let catalogue = self.catalogue;
        let mut components = Components::default();
        if model.component_table.is_none() {
            return Ok(components);
        }
        let joins = self.joins(model, parents)?;
        let mut parts = Parts::default();
        let mut wanted: HashMap<&'a str, Vec<i64>> = HashMap::new();
        for join in &joins {
            if let Some(component) = catalogue.models.get(&join.component) {
                wanted.entry(&component.uid).or_default().push(join.id);
            }
        }
        for _ in 0..=DEEPEST {
            if wanted.is_empty() {
                break;
            }
            let mut next: HashMap<&'a str, Vec<i64>> = HashMap::new();
            for (uid, ids) in std::mem::take(&mut wanted) {
                self.parts(uid, ids, &mut parts, &mut next)?;
            }
            wanted = next;
        }
        for join in joins {
            let component = catalogue.models.get(&join.component);
            let row = component.map(|component| (component.uid.as_str(), join.id));
            if let Some(row) = row {
                self.make(row, &mut parts, &mut Vec::new(), &mut components.made);
            }
            let held = components.held.entry((join.parent, join.field));
            let held = held.or_default();
            match row.filter(|row| components.made.contains_key(row)) {
                Some(row) if takes_another(model, join.field, held) => held.push(row),
                found => {
                    let why = if found.is_some() { SECOND } else { NO_ROW };
                    let inner = (join.component.as_str(), join.id);
                    let attribute = &model.component_fields[join.field].attribute;
                    self.gone_component((model, join.parent), attribute, inner, why);
                }
            }
        }
        Ok(components)
    }

    /// Makes a component of its parts, and before it those that it holds. `path` leads to it.
    fn make(
        &mut self,
        row: Row<'a>,
        parts: &mut Parts<'a>,
        path: &mut Vec<Row<'a>>,
        made: &mut HashMap<Row<'a>, Component<'a>>,
    ) {
        let catalogue = self.catalogue;
        if made.contains_key(&row) {
            return;
        }
        let (Some(mut json), Some(model)) = (parts.rows.remove(&row), catalogue.models.get(row.0))
        else {
            return;
        };
        path.push(row);
        let held = parts.held.remove(&row).unwrap_or_default();
        let mut fields: HashMap<usize, Vec<Row<'a>>> = HashMap::new();
        let mut height = 0;
        for (field, inner) in held {
            // Deeper down nothing could be taken, and the stack would not last for ever.
            if path.len() < DEEPEST {
                self.make(inner, parts, path, made);
            }
            let is_deep = path.len() == DEEPEST && parts.rows.contains_key(&inner);
            let is_circle = path.contains(&inner);
            let levels = match made.get(&inner) {
                Some(inner) => 1 + inner.height,
                None if is_circle || is_deep => 1,
                None => {
                    let attribute = &model.component_fields[field].attribute;
                    self.gone_component((model, row.1), attribute, inner, NO_ROW);
                    continue;
                }
            };
            if is_circle || path.len() + levels > DEEPEST {
                let (uid, id) = row;
                let attribute = &model.component_fields[field].attribute;
                let key = (uid.to_owned(), attribute.clone());
                let why = match is_circle {
                    true => "it holds itself".to_owned(),
                    false => format!("components are nested deeper than {DEEPEST} levels there"),
                };
                let unreadable = self.unreadable_components.entry(key).or_default();
                unreadable.add(|| format!("{} {} in {uid} {id}: {why}", inner.0, inner.1));
                continue;
            }
            let held = fields.entry(field).or_default();
            if takes_another(model, field, held) {
                height = height.max(levels);
                held.push(inner);
            } else {
                let attribute = &model.component_fields[field].attribute;
                self.gone_component((model, row.1), attribute, inner, SECOND);
            }
        }
        path.pop();
        let mut rows = vec![row];
        let is_whole = in_key_order(&catalogue.models, model)
            .into_iter()
            .all(|index| {
                let field = &model.component_fields[index];
                write_name(&mut json, &field.attribute);
                let held = fields.get(&index).into_iter().flatten();
                let inner = held.filter_map(|row| made.get(row));
                write_field(&mut json, field, catalogue.models.dialect, inner, &mut rows)
            });
        json.push(b'}');
        let component = match is_whole {
            true => Component {
                json,
                rows,
                height,
                is_too_long: false,
            },
            false => Component {
                is_too_long: true,
                ..Component::default()
            },
        };
        made.insert(row, component);
    }
}

/// Appends a component of a dynamic zone: its row with its type.
fn write_with_type(out: &mut Vec<u8>, row: &[u8], component: &str, dialect: Dialect) {
    if dialect.names_component_first() {
        out.push(b'{');
        write_name(out, "__component");
        json::write_string(out, component);
        out.push(b',');
        out.extend_from_slice(&row[1..]);
    } else {
        out.extend_from_slice(&row[..row.len() - 1]);
        write_name(out, "__component");
        json::write_string(out, component);
        out.push(b'}');
    }
}
