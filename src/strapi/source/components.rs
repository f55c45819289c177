//! Components and dynamic zones, read by batch and table, never by entity.
//!
//! First the rows that are held, each once, however they hold each other; then what each holds, from
//! the inside out; then the lines. Rows that hold themselves end there, as does what is nested too deep.

use super::Reader;
use super::attributes::write_name;
use super::component_rows::{Join, NO_ROW, Parents, Parts, Row, SECOND};
use crate::error::Result;
use crate::model::json;
use crate::model::limits::{DEEPEST, LONGEST_LINE};
use crate::strapi::models::Models;
use crate::strapi::tables::{ComponentField, ComponentShape, Model};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// A component, and the places of what it holds among the components of the batch. The JSON of what it holds
/// stands in none but the line that is written: components may hold the same ones, and what is made of them is
/// then as large as one likes.
struct Component<'a> {
    /// Where the JSON of its row stands, without what it holds and its last brace.
    json: Range<usize>,
    /// What each field holds, in the order in which the fields stand.
    fields: Vec<(&'a ComponentField, Vec<usize>)>,
    /// Bytes of its JSON without its braces, with all that it holds.
    length: u64,
    /// How many levels of components are in it.
    height: usize,
}

/// What stands behind the last member of an entity.
pub(super) const END: &str = "}}";

/// Components, of which each is made behind those that it holds.
struct Made<'a> {
    models: &'a Models,
    /// The JSON of all rows.
    json: String,
    /// All of a batch, and which rows they are.
    list: Vec<(Row, Option<Component<'a>>)>,
}

impl<'a> Made<'a> {
    fn get(&self, place: usize) -> Option<&Component<'a>> {
        self.list[place].1.as_ref()
    }

    fn model(&self, place: usize) -> &'a Model {
        self.models.at(self.list[place].0.0)
    }

    /// How many bytes a member has that holds these.
    fn length(&self, field: &ComponentField, held: &[impl Held]) -> u64 {
        // One byte stands for what is in front of the member, and one for each component.
        let mut frame = String::from('-');
        let mut length = 0_u64;
        self.write_field(&mut frame, field, held, &mut |frame, place| {
            frame.push('-');
            let inner = self.get(place).map_or(1, |inner| inner.length);
            length = length.saturating_add(inner - 1);
        });
        length.saturating_add(frame.len() as u64 - 1)
    }

    /// Appends the member that holds these.
    fn write(&self, out: &mut String, field: &ComponentField, held: &[impl Held]) {
        self.write_field(out, field, held, &mut |out, place| {
            let Some(component) = self.get(place) else {
                return;
            };
            out.push_str(&self.json[component.json.clone()][1..]);
            for (field, held) in &component.fields {
                self.write(out, field, held);
            }
        });
    }

    /// Goes through a component and all that it holds.
    fn each(&self, place: usize, each: &mut dyn FnMut(Row)) {
        each(self.list[place].0);
        let fields = self.get(place).into_iter().flat_map(|it| &it.fields);
        for inner in fields.flat_map(|(_, held)| held) {
            self.each(*inner, each);
        }
    }

    /// Appends a member that holds components. `content` appends what stands between the braces of one.
    fn write_field(
        &self,
        out: &mut String,
        field: &ComponentField,
        held: &[impl Held],
        content: &mut dyn FnMut(&mut String, usize),
    ) {
        write_name(out, &field.attribute);
        let dialect = self.models.dialect;
        let mut write = |out: &mut String, place: usize| {
            out.push('{');
            let is_named = matches!(field.shape, ComponentShape::Zone(_));
            if is_named && dialect.names_component_first() {
                write_type(out, &self.model(place).uid);
                out.push(',');
            }
            content(out, place);
            if is_named && !dialect.names_component_first() {
                write_type(out, &self.model(place).uid);
            }
            out.push('}');
        };
        if let ComponentShape::Single(_) = field.shape {
            match held.first() {
                Some(held) => write(out, held.place()),
                None => out.push_str("null"),
            }
            return;
        }
        out.push('[');
        for (position, held) in held.iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            write(out, held.place());
        }
        out.push(']');
    }
}

/// What stands for a component that something holds.
trait Held {
    /// Its place among those of the batch.
    fn place(&self) -> usize;
}

impl Held for usize {
    fn place(&self) -> usize {
        *self
    }
}

/// A component that a row of the batch holds.
struct InRow {
    parent: i64,
    field: usize,
    place: usize,
}

impl Held for InRow {
    fn place(&self) -> usize {
        self.place
    }
}

/// The components of a batch of rows.
pub(super) struct Components<'a> {
    /// By row and field, in order.
    held: Vec<InRow>,
    made: Made<'a>,
}

impl<'a> Components<'a> {
    fn held(&self, id: i64, field: usize) -> &[InRow] {
        let start = self
            .held
            .partition_point(|it| (it.parent, it.field) < (id, field));
        let held = &self.held[start..];
        &held[..held.partition_point(|it| (it.parent, it.field) == (id, field))]
    }

    /// Appends the members that hold components to the JSON object of row `id`, if a line can hold them.
    /// Gives whether it can.
    pub fn write(&self, out: &mut String, model: &Model, fields: &[usize], id: i64) -> bool {
        let mut length = out.len() as u64;
        for &index in fields {
            let field = &model.component_fields[index];
            let added = self.made.length(field, self.held(id, index));
            length = length.saturating_add(added);
        }
        if length > LONGEST_LINE {
            return false;
        }
        out.reserve_exact(length as usize - out.len() + END.len());
        for &index in fields {
            let field = &model.component_fields[index];
            self.made.write(out, field, self.held(id, index));
        }
        true
    }

    /// Goes through all components that these fields of row `id` hold, and those in them.
    pub fn each(&self, fields: &[usize], id: i64, each: &mut dyn FnMut(Row)) {
        for &index in fields {
            for held in self.held(id, index) {
                self.made.each(held.place, each);
            }
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

/// Whether a field holds one component.
fn is_single(owner: &Model, field: usize) -> bool {
    let shape = &owner.component_fields[field].shape;
    matches!(shape, ComponentShape::Single(_))
}

impl<'a> Reader<'a> {
    /// Reads the components of a batch of rows.
    pub(super) fn components(
        &mut self,
        model: &Model,
        parents: &Parents<'_>,
    ) -> Result<Components<'a>> {
        let models = &self.catalogue.models;
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
        let mut made = Made {
            models,
            json: std::mem::take(&mut parts.json),
            list: parts.list.iter().map(|part| (part.row, None)).collect(),
        };
        let mut held: Vec<InRow> = Vec::with_capacity(joins.len());
        for Join { parent, field, row } in joins {
            let place = parts.places.get(&row).copied();
            if let Some(place) = place {
                self.make(place, &mut parts, &mut Vec::new(), &mut made);
            }
            let mut others = held.iter().rev().take_while(|it| it.parent == parent);
            let is_second = is_single(model, field) && others.any(|it| it.field == field);
            match place.filter(|_| !is_second) {
                Some(place) => held.push(InRow {
                    parent,
                    field,
                    place,
                }),
                None => {
                    let why = if place.is_some() { SECOND } else { NO_ROW };
                    let inner = (models.at(row.0).uid.as_str(), row.1);
                    let attribute = &model.component_fields[field].attribute;
                    self.gone_component((model, parent), attribute, inner, why);
                }
            }
        }
        held.sort_by_key(|it| (it.parent, it.field));
        Ok(Components { held, made })
    }

    /// Makes a component of its parts, and before it those that it holds. `path` leads to it.
    fn make(
        &mut self,
        place: usize,
        parts: &mut Parts,
        path: &mut Vec<usize>,
        made: &mut Made<'a>,
    ) {
        if made.get(place).is_some() || path.contains(&place) {
            return;
        }
        let models = &self.catalogue.models;
        let part = &mut parts.list[place];
        let (row, json) = (part.row, part.json.clone());
        let held = std::mem::take(&mut part.held);
        let model = models.at(row.0);
        path.push(place);
        let mut fields = vec![Vec::new(); model.component_fields.len()];
        let mut height = 0;
        for (field, inner) in held {
            let attribute = &model.component_fields[field].attribute;
            let named = (models.at(inner.0).uid.as_str(), inner.1);
            let Some(&place) = parts.places.get(&inner) else {
                self.gone_component((model, row.1), attribute, named, NO_ROW);
                continue;
            };
            // Deeper down nothing could be taken, and the stack would not last for ever.
            if path.len() < DEEPEST {
                self.make(place, parts, path, made);
            }
            let is_circle = path.contains(&place);
            let levels = 1 + made.get(place).map_or(0, |inner| inner.height);
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
            let held: &mut Vec<usize> = &mut fields[field];
            if held.is_empty() || !is_single(model, field) {
                height = height.max(levels);
                held.push(place);
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
        made.list[place].1 = Some(Component {
            json,
            fields,
            length,
            height,
        });
    }
}

/// Appends the member that says the type of a component.
fn write_type(out: &mut String, component: &str) {
    write_name(out, "__component");
    json::write_string(out, component);
}
