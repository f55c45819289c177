//! Checks one element after the other; what hangs on others is left to the ids.

use super::super::ndf::{ListRow, Node, Relation, ValueType};
use super::super::sdl::{DataModel, FieldType, Scalar, Type};
use super::edges::edge_id;
use super::ids::{Ids, Role};
use super::value::{is_uuid, misfit};
use crate::checking::Place;
use crate::error::Result;
use crate::model::Short;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// How many characters an id of type `ID` has at most: columns for them have no more.
const ID: usize = 25;
/// How many types are told from each other without a data model, and how many bytes their names have.
const TYPES: (usize, usize) = (10_000, 4 << 20);
/// How many values that a node lacks are named.
const NAMED: usize = 10;
/// Of how many fields the names are compared with one that is none, and how many bytes these have at most: it takes time for
/// each pair of them.
const COMPARED: (usize, usize) = (1000, 100);
/// What the server fills in by itself.
const STAMPS: [&str; 2] = ["createdAt", "updatedAt"];

/// Why an element is wrong; or the name of its type.
type Checked<'t> = std::result::Result<Cow<'t, str>, String>;

/// Checks elements.
pub(super) struct Checker<'m> {
    model: Option<&'m DataModel>,
    ids: Ids,
    /// Types by number.
    types: Vec<String>,
    /// Numbers of types, where there is no data model.
    numbers: BTreeMap<String, usize>,
    /// How many bytes the names of these have.
    named: usize,
    dropped: u64,
}

impl<'m> Checker<'m> {
    pub fn new(model: Option<&'m DataModel>, ids: Ids) -> Self {
        let types = model.map_or(&[] as &[Type], DataModel::types);
        Self {
            model,
            ids,
            types: types.iter().map(|it| it.name.clone()).collect(),
            numbers: BTreeMap::new(),
            named: 0,
            dropped: 0,
        }
    }

    /// How many values the server will drop.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What was seen of ids, and the names of the types.
    pub fn into_ids(self) -> (Ids, Vec<String>) {
        (self.ids, self.types)
    }

    /// Checks an element.
    ///
    /// # Errors
    /// What is sorted cannot be written.
    pub fn check<'t>(
        &mut self,
        kind: ValueType,
        place: Place,
        text: &'t str,
    ) -> Result<Checked<'t>> {
        Ok(match kind {
            ValueType::Nodes => match Node::parse(text) {
                Err(why) => Err(why),
                Ok(node) => {
                    let number = self.number(&node.type_name);
                    self.ids.push(Role::Node, number, place, &node.id)?;
                    self.known(number, &node.type_name)
                        .and_then(|()| self.node(&node))
                        .map(|()| node.type_name)
                }
            },
            ValueType::Lists => match ListRow::parse(text) {
                Err(why) => Err(why),
                Ok(row) => {
                    let number = self.number(&row.type_name);
                    self.ids.push(Role::List, number, place, &row.id)?;
                    self.ids.list(&row.id, &row.field)?;
                    self.row(&row).map(|()| row.type_name)
                }
            },
            ValueType::Relations => match Relation::parse(text) {
                Err(why) => Err(why),
                Ok(relation) => {
                    for end in &relation.ends {
                        let number = self.number(&end.type_name);
                        self.ids.push(Role::End, number, place, &end.id)?;
                    }
                    let linked = self.link(&relation, place)?;
                    let [first, _] = relation.ends;
                    linked.map(|()| first.type_name)
                }
            },
        })
    }

    fn number(&mut self, name: &str) -> u16 {
        let at = match self.model {
            Some(model) => model.number(name),
            None => self.numbers.get(name).copied(),
        };
        let at = at.or_else(|| {
            let has_room = self.types.len() < TYPES.0 && self.named + name.len() <= TYPES.1;
            (self.model.is_none() && has_room).then(|| {
                self.named += name.len();
                self.types.push(name.to_owned());
                self.numbers.insert(name.to_owned(), self.types.len() - 1);
                self.types.len() - 1
            })
        });
        at.and_then(|at| u16::try_from(at).ok())
            .unwrap_or(Ids::UNKNOWN)
    }

    /// Sees that a type is told from others, also without a data model: ends of wrong types are seen by that.
    fn known(&self, number: u16, name: &str) -> std::result::Result<(), String> {
        match self.model.is_none() && number == Ids::UNKNOWN {
            true => Err(format!(
                "its type {} is one too many: the first {} are told from each other without a data model",
                Short(name),
                self.types.len()
            )),
            false => Ok(()),
        }
    }

    fn node(&mut self, node: &Node<'_>) -> std::result::Result<(), String> {
        let Some(model) = self.model else {
            return Ok(());
        };
        let own = own(model, &node.type_name)?;
        check_id(model, own, &node.id)?;
        let mut required = 0;
        for (name, value) in &node.fields {
            let Some(field) = model.field(&own.name, name) else {
                if STAMPS.contains(&&**name) {
                    self.dropped += 1;
                    continue;
                }
                return Err(no_field(own, name));
            };
            let place = || format!("{}.{name}", own.name);
            if matches!(field.kind, FieldType::Relation(_)) {
                return Err(format!(
                    "{} is a relation, and belongs into relations/",
                    place()
                ));
            }
            if field.is_list {
                return Err(format!("{} is a list, and belongs into lists/", place()));
            }
            if let Some(why) = misfit(model, &field.kind, value) {
                return Err(format!("{} {why}", place()));
            }
            required += usize::from(field.is_required && field.name != "id");
        }
        let missing = model.count_required(&own.name) - required;
        match missing {
            0 => Ok(()),
            missing => Err(lacks(model, own, node, missing)),
        }
    }

    fn row(&self, row: &ListRow<'_>) -> std::result::Result<(), String> {
        let Some(model) = self.model else {
            return Ok(());
        };
        let own = own(model, &row.type_name)?;
        let field = model.field(&own.name, &row.field);
        let field = field.ok_or_else(|| no_field(own, &row.field))?;
        let place = || format!("{}.{}", own.name, row.field);
        if field.target().is_some() {
            return Err(format!(
                "{} is a relation, and belongs into relations/",
                place()
            ));
        }
        if !field.is_list {
            return Err(format!("{} is no list, and belongs into nodes/", place()));
        }
        for (at, value) in row.values.iter().enumerate() {
            if let Some(why) = misfit(model, &field.kind, value) {
                return Err(format!("value {} of {} {why}", at + 1, place()));
            }
        }
        Ok(())
    }

    fn link(
        &mut self,
        relation: &Relation<'_>,
        place: Place,
    ) -> Result<std::result::Result<(), String>> {
        let Some(model) = self.model else {
            return Ok(Ok(()));
        };
        for end in &relation.ends {
            if let Err(why) = own(model, &end.type_name) {
                return Ok(Err(why));
            }
        }
        let found = match edge_id(model, relation) {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        self.ids.edge(&found.id, place)?;
        let ends = [&relation.ends[found.first], &relation.ends[1 - found.first]];
        let fields = [
            Some((found.edge.first.on, found.edge.first.field)),
            found.edge.back.map(|back| (found.edge.other, back)),
        ];
        // A node that is linked with itself by one field is one end.
        let is_one_end = fields[0] == fields[1] && ends[0].id == ends[1].id;
        for (end, field) in ends.into_iter().zip(fields).skip(usize::from(is_one_end)) {
            let Some((on, name)) = field else { continue };
            let field = model.field(on, name);
            if !field.is_some_and(|field| field.is_list) {
                self.ids.single(&end.id, on, name, place)?;
            }
        }
        Ok(Ok(()))
    }
}

/// The type of this name, if it has nodes.
fn own<'m>(model: &'m DataModel, name: &str) -> std::result::Result<&'m Type, String> {
    let own = model
        .of_name(name)
        .ok_or_else(|| format!("there is no type {name} in the data model"))?;
    match model.has_nodes(name) {
        true => Ok(own),
        false => Err(format!("{name} has no nodes of its own")),
    }
}

/// What is said of a node that has not all values that it has to have.
fn lacks(model: &DataModel, own: &Type, node: &Node<'_>, missing: usize) -> String {
    let there: BTreeSet<&str> = node.fields.iter().map(|(name, _)| &**name).collect();
    let names = model.required(&own.name).map(|field| field.name.as_str());
    let named: Vec<&str> = names
        .filter(|name| !there.contains(name))
        .take(NAMED)
        .collect();
    let more = match missing.saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = named.join(", ");
    format!("{} must have {named}{more}, and it does not", own.name)
}

fn no_field(own: &Type, name: &str) -> String {
    let is_compared = name.len() <= COMPARED.1;
    let near = own
        .fields
        .iter()
        .take(if is_compared { COMPARED.0 } else { 0 })
        .filter(|field| field.name.len() <= COMPARED.1)
        .map(|field| (strsim::damerau_levenshtein(&field.name, name), &field.name))
        .filter(|(distance, _)| *distance <= 2)
        .min();
    match near {
        Some((_, near)) => format!("{} has no field {name}; it has {near}", own.name),
        None => format!("{} has no field {name}", own.name),
    }
}

fn check_id(model: &DataModel, own: &Type, id: &str) -> std::result::Result<(), String> {
    let field = model.id_field(&own.name);
    if let Some(field) = field.filter(|field| field.name != "id") {
        return Err(format!(
            "{}.{} is its id, and data sets have ids in `id` alone",
            own.name, field.name
        ));
    }
    let field = field.or_else(|| model.field(&own.name, "id"));
    let kind = field.map(|field| &field.kind);
    match kind {
        Some(FieldType::Scalar(Scalar::Uuid)) => match is_uuid(id) {
            true => Ok(()),
            false => Err(format!("its id `{id}` is no UUID, as {} has", own.name)),
        },
        Some(FieldType::Scalar(Scalar::Int)) => Err(format!(
            "{} has numbers for ids, which the server does not import",
            own.name
        )),
        _ if id.chars().count() > ID => Err(format!(
            "its id `{id}` has more than {ID} characters, and columns for ids have no more"
        )),
        _ => Ok(()),
    }
}
