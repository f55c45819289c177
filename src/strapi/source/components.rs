//! Components and dynamic zones, read by batch and table, never by entity.
//!
//! First the rows that are held, each once, however they hold each other; then what each holds, from
//! the inside out; then the lines. Rows that hold themselves end there, as does what is nested too deep.

use super::Reader;
use super::attributes::write_name;
use super::component_rows::{NO_ROW, Parents, Parts, Row, SECOND};
use crate::error::Result;
use crate::model::json;
use crate::model::limits::{DEEPEST, LONGEST_LINE};
use crate::strapi::models::Models;
use crate::strapi::tables::{ComponentField, ComponentShape, Model};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// A component, and what it holds. The JSON of what it holds stands in none but the line that is
/// written: components may hold the same ones, and what is made of them is then as large as one likes.
struct Component<'a> {
    /// Where the JSON of its row stands, without what it holds and its last brace.
    json: Range<usize>,
    /// What each field holds, in the order in which the fields stand.
    fields: Vec<(&'a ComponentField, Vec<Row>)>,
    /// Bytes of its JSON without its braces, with all that it holds.
    length: u64,
    /// How many levels of components are in it.
    height: usize,
}

/// Components, of which each comes behind those that it holds.
struct Made<'a> {
    models: &'a Models,
    /// The JSON of all rows.
    json: Vec<u8>,
    rows: HashMap<Row, Component<'a>>,
}

impl<'a> Made<'a> {
    /// How many bytes a member has that holds these.
    fn length(&self, field: &ComponentField, held: &[Row]) -> u64 {
        // One byte stands for what is in front of the member, and one for each component.
        let mut frame = vec![b'-'];
        let mut length = 0_u64;
        write_field(&mut frame, field, held, self.models, &mut |frame, row| {
            frame.push(b'-');
            let inner = self.rows.get(&row).map_or(1, |inner| inner.length);
            length = length.saturating_add(inner - 1);
        });
        length.saturating_add(frame.len() as u64 - 1)
    }

    /// Appends the member that holds these.
    fn write(&self, out: &mut Vec<u8>, field: &ComponentField, held: &[Row]) {
        write_field(out, field, held, self.models, &mut |out, row| {
            let Some(component) = self.rows.get(&row) else {
                return;
            };
            out.extend_from_slice(&self.json[component.json.clone()][1..]);
            for (field, held) in &component.fields {
                self.write(out, field, held);
            }
        });
    }

    /// Goes through a component and all that it holds.
    fn each(&self, row: Row, each: &mut dyn FnMut(Row)) {
        each(row);
        let fields = self.rows.get(&row).into_iter().flat_map(|it| &it.fields);
        for inner in fields.flat_map(|(_, held)| held) {
            self.each(*inner, each);
        }
    }
}

/// The components of a batch of rows.
pub(super) struct Components<'a> {
    /// Row and field to the components there, in order.
    held: HashMap<(i64, usize), Vec<Row>>,
    made: Made<'a>,
}

impl<'a> Components<'a> {
    fn held(&self, id: i64, field: usize) -> &[Row] {
        self.held.get(&(id, field)).map_or(&[], Vec::as_slice)
    }

    /// Appends the members that hold components to the JSON object of row `id`, if a line can hold them.
    /// Gives whether it can.
    pub fn write(&self, out: &mut Vec<u8>, model: &Model, fields: &[usize], id: i64) -> bool {
        let mut length = out.len() as u64;
        for &index in fields {
            let field = &model.component_fields[index];
            let added = self.made.length(field, self.held(id, index));
            length = length.saturating_add(added);
        }
        if length > LONGEST_LINE {
            return false;
        }
        out.reserve_exact(length as usize - out.len());
        for &index in fields {
            let field = &model.component_fields[index];
            self.made.write(out, field, self.held(id, index));
        }
        true
    }

    /// Goes through all components that these fields of row `id` hold, and those in them.
    pub fn each(&self, fields: &[usize], id: i64, each: &mut dyn FnMut(Row)) {
        for &index in fields {
            for row in self.held(id, index) {
                self.made.each(*row, each);
            }
        }
    }
}

/// Appends a member that holds components. `content` appends what stands between the braces of one.
fn write_field(
    out: &mut Vec<u8>,
    field: &ComponentField,
    held: &[Row],
    models: &Models,
    content: &mut dyn FnMut(&mut Vec<u8>, Row),
) {
    write_name(out, &field.attribute);
    let dialect = models.dialect;
    let mut write = |out: &mut Vec<u8>, row: Row| {
        out.push(b'{');
        let is_named = matches!(field.shape, ComponentShape::Zone(_));
        if is_named && dialect.names_component_first() {
            write_type(out, &models.at(row.0).uid);
            out.push(b',');
        }
        content(out, row);
        if is_named && !dialect.names_component_first() {
            write_type(out, &models.at(row.0).uid);
        }
        out.push(b'}');
    };
    if let ComponentShape::Single(_) = field.shape {
        match held.first() {
            Some(row) => write(out, *row),
            None => out.extend_from_slice(b"null"),
        }
        return;
    }
    out.push(b'[');
    for (position, row) in held.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write(out, *row);
    }
    out.push(b']');
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
fn takes_another(owner: &Model, field: usize, held: &[Row]) -> bool {
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
        let models = &self.catalogue.models;
        let mut components = Components {
            held: HashMap::new(),
            made: Made {
                models,
                json: Vec::new(),
                rows: HashMap::new(),
            },
        };
        if model.component_table.is_none() {
            return Ok(components);
        }
        let joins = self.joins(model, parents)?;
        let mut parts = Parts::default();
        let mut wanted: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        for join in &joins {
            wanted.entry(join.row.0).or_default().push(join.row.1);
        }
        for _ in 0..=DEEPEST {
            if wanted.is_empty() {
                break;
            }
            let mut next = BTreeMap::new();
            for (place, ids) in std::mem::take(&mut wanted) {
                self.parts(place, ids, &mut parts, &mut next)?;
            }
            wanted = next;
        }
        components.made.json = std::mem::take(&mut parts.json);
        for join in joins {
            self.make(join.row, &mut parts, &mut Vec::new(), &mut components.made);
            let held = components.held.entry((join.parent, join.field));
            let held = held.or_default();
            let is_made = components.made.rows.contains_key(&join.row);
            if is_made && takes_another(model, join.field, held) {
                held.push(join.row);
            } else {
                let why = if is_made { SECOND } else { NO_ROW };
                let inner = (models.at(join.row.0).uid.as_str(), join.row.1);
                let attribute = &model.component_fields[join.field].attribute;
                self.gone_component((model, join.parent), attribute, inner, why);
            }
        }
        Ok(components)
    }

    /// Makes a component of its parts, and before it those that it holds. `path` leads to it.
    fn make(&mut self, row: Row, parts: &mut Parts, path: &mut Vec<Row>, made: &mut Made<'a>) {
        let models = &self.catalogue.models;
        if made.rows.contains_key(&row) {
            return;
        }
        let Some(json) = parts.rows.remove(&row) else {
            return;
        };
        let model = models.at(row.0);
        path.push(row);
        let held = parts.held.remove(&row).unwrap_or_default();
        let mut fields = vec![Vec::new(); model.component_fields.len()];
        let mut height = 0;
        for (field, inner) in held {
            // Deeper down nothing could be taken, and the stack would not last for ever.
            if path.len() < DEEPEST {
                self.make(inner, parts, path, made);
            }
            let is_deep = path.len() == DEEPEST && parts.rows.contains_key(&inner);
            let is_circle = path.contains(&inner);
            let attribute = &model.component_fields[field].attribute;
            let named = (models.at(inner.0).uid.as_str(), inner.1);
            let levels = match made.rows.get(&inner) {
                Some(inner) => 1 + inner.height,
                None if is_circle || is_deep => 1,
                None => {
                    self.gone_component((model, row.1), attribute, named, NO_ROW);
                    continue;
                }
            };
            if is_circle || path.len() + levels > DEEPEST {
                let (uid, id) = (&model.uid, row.1);
                let key = (uid.clone(), attribute.clone());
                let why = match is_circle {
                    true => "it holds itself".to_owned(),
                    false => format!("components are nested deeper than {DEEPEST} levels there"),
                };
                let unreadable = self.unreadable_components.entry(key).or_default();
                unreadable.add(|| format!("{} {} in {uid} {id}: {why}", named.0, named.1));
                continue;
            }
            let held = &mut fields[field];
            if takes_another(model, field, held) {
                height = height.max(levels);
                held.push(inner);
            } else {
                self.gone_component((model, row.1), attribute, named, SECOND);
            }
        }
        path.pop();
        let order = self.key_orders.entry(row.0);
        let in_order = order.or_insert_with(|| in_key_order(models, model)).iter();
        let fields: Vec<_> = in_order
            .map(|&index| {
                let held = std::mem::take(&mut fields[index]);
                (&model.component_fields[index], held)
            })
            .collect();
        let length = fields
            .iter()
            .fold(json.len() as u64 - 1, |sum, (field, held)| {
                sum.saturating_add(made.length(field, held))
            });
        let component = Component {
            json,
            fields,
            length,
            height,
        };
        made.rows.insert(row, component);
    }
}

/// Appends the member that says the type of a component.
fn write_type(out: &mut Vec<u8>, component: &str) {
    write_name(out, "__component");
    json::write_string(out, component);
}
