//! Nodes of a row: one for the row, and one for each component in it.

use super::fields::Kind;
use super::form::{Fit, Form};
use super::mapping::{Mapping, other_id};
use super::placeless::Placeless;
use super::rows::{POSITION, WRAPPER};
use super::trees::{Mark, Shapes, Tree};
use crate::model::{Entity, Fields, IdSet, elements, json};

/// How deep components are told apart; what is deeper stands in the notes.
const DEEPEST: usize = 24;
/// Why a value is in the notes alone.
const MISFIT: &str = "no node can hold this value; it is in strapi.json alone";

/// The nodes of a row.
pub struct Row {
    /// Them, as JSON; the first one is of the row.
    pub nodes: Vec<String>,
    /// The relations between them: their numbers, and the ids of both ends.
    pub relations: Vec<(usize, String, String)>,
    /// How they make the row.
    pub tree: Tree,
}

/// Makes nodes.
pub struct Maker<'a> {
    mapping: &'a mut Mapping,
    shapes: &'a mut Shapes,
    /// The ids that are there, by type.
    ids: &'a mut [IdSet],
    misfits: &'a mut Placeless,
    nodes: Vec<String>,
    relations: Vec<(usize, String, String)>,
}

/// What is known of an object before it is looked at.
struct Known {
    model: usize,
    id: String,
    position: Option<usize>,
    depth: usize,
}

impl<'a> Maker<'a> {
    /// One that knows all this, and adds to it.
    pub fn new(
        mapping: &'a mut Mapping,
        shapes: &'a mut Shapes,
        ids: &'a mut [IdSet],
        misfits: &'a mut Placeless,
    ) -> Self {
        Self {
            mapping,
            shapes,
            ids,
            misfits,
            nodes: Vec::new(),
            relations: Vec::new(),
        }
    }

    /// Makes the nodes of a row of the type of this number. `None` where there is one of this id already, or it is none.
    pub fn row(mut self, model: usize, entity: &Entity<'_>) -> Option<Row> {
        let fields = Fields::parse(entity.data).ok()?;
        if !self.ids[model].insert(entity.id) {
            return None;
        }
        let known = Known {
            model,
            id: self.mapping.node_id(model, entity.id),
            position: None,
            depth: 0,
        };
        let tree = self.object(known, &fields);
        Some(Row {
            nodes: self.nodes,
            relations: self.relations,
            tree,
        })
    }

    fn object(&mut self, known: Known, fields: &Fields<'_>) -> Tree {
        let Known { model, id, .. } = &known;
        let place = self.nodes.len();
        self.nodes.push(String::new());
        let mut node = String::from("{\"_typeName\":");
        json::write_string(&mut node, &self.mapping.types[*model].name);
        node.push_str(",\"id\":");
        json::write_string(&mut node, id);
        if let Some(position) = known.position {
            put_name(&mut node, POSITION);
            json::write_i64(&mut node, position as i64);
        }
        let mut tree = Tree::new(id.clone(), *model);
        for (name, value) in &fields.0 {
            self.member(&known, (name, value), &mut node, &mut tree);
        }
        node.push('}');
        self.nodes[place] = node;
        self.mapping.types[*model].nodes += 1;
        let names = fields.0.iter().map(|(name, _)| name.as_ref());
        tree.name_members(names, self.shapes);
        tree
    }

    fn member(
        &mut self,
        known: &Known,
        (name, value): (&str, &str),
        node: &mut String,
        tree: &mut Tree,
    ) {
        let own = &mut self.mapping.types[known.model];
        if value == "null" {
            return tree.mark(Mark::Null);
        }
        if own.is_component
            && name == "id"
            && known.id.rsplit_once('_').is_some_and(|it| it.1 == value)
        {
            return tree.mark(Mark::Id);
        }
        if own.is_component
            && name == "__component"
            && value.get(1..value.len() - 1) == Some(&own.uid)
        {
            return tree.mark(Mark::Uid);
        }
        let Some(place) = own.place(name) else {
            // A component's id that is taken, or that no id can hold, is in its node in another form.
            if !(own.is_component && name == "id") {
                self.miss(known, name);
            }
            return tree.keep(value);
        };
        let field = &mut own.attributes[place];
        if let Kind::Value(form) = &field.kind {
            let system = self.mapping.system;
            let fit = match node.len() + value.len() <= system.longest_node() {
                true => system.fit(form, value),
                false => Fit::None,
            };
            let mark = match fit {
                Fit::None => {
                    self.miss(known, name);
                    return tree.keep(value);
                }
                Fit::Plain => {
                    put_name(node, &field.name);
                    node.push_str(value);
                    match field.texts.has(value) {
                        true => Mark::Node,
                        false => Mark::Odd,
                    }
                }
                Fit::Text(text) => {
                    put_name(node, &field.name);
                    json::write_string(node, &text);
                    match field.texts.has(value) {
                        true => Mark::Node,
                        false => Mark::Odd,
                    }
                }
                Fit::Wrapped => {
                    put_name(node, &field.name);
                    node.push_str(&format!("{{\"{WRAPPER}\":{value}}}"));
                    Mark::Wrapped
                }
            };
            field.present += 1;
            field.is_wide |= is_wide(form, value);
            return tree.mark(mark);
        }
        let kind = field.kind.clone();
        match self.components(known, &kind, value) {
            Some((mark, components)) => tree.hold(mark, components),
            None => {
                self.miss(known, name);
                tree.keep(value);
            }
        }
    }

    /// The components in a value. `None` where it is not what its schema says of it; then none of them has a node.
    fn components(&mut self, known: &Known, kind: &Kind, value: &str) -> Option<(Mark, Vec<Tree>)> {
        if known.depth == DEEPEST {
            return None;
        }
        let (mark, items) = match kind {
            Kind::One(..) => (Mark::One, vec![value]),
            Kind::List(..) | Kind::Zone(_) => (Mark::List, elements(value).ok()?.collect()),
            Kind::Value(_) | Kind::Morph | Kind::Back | Kind::Other => return None,
        };
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            let fields = Fields::parse(item).ok()?;
            let (model, relation) = match kind {
                Kind::One(model, relation) | Kind::List(model, relation) => (*model, *relation),
                Kind::Zone(taken) => {
                    let uid = fields.text("__component")?;
                    let (_, model, relation) = taken.iter().find(|it| it.0 == uid)?;
                    (*model, *relation)
                }
                Kind::Value(_) | Kind::Morph | Kind::Back | Kind::Other => return None,
            };
            found.push((model, relation, fields));
        }
        let is_list = mark == Mark::List;
        let mut trees = Vec::with_capacity(found.len());
        for (index, (model, relation, fields)) in found.into_iter().enumerate() {
            let number = fields.get("id").and_then(|id| id.parse::<i64>().ok());
            let id = match number.filter(|id| self.ids[model].insert(*id)) {
                Some(id) => self.mapping.node_id(model, id),
                None => {
                    let of = format!("{} {relation} {index}", known.id);
                    other_id(&of, self.mapping.system.longest_id())
                }
            };
            self.relations
                .push((relation, known.id.clone(), id.clone()));
            let inside = Known {
                model,
                id,
                position: is_list.then_some(index + 1),
                depth: known.depth + 1,
            };
            trees.push(self.object(inside, &fields));
        }
        Some((mark, trees))
    }

    fn miss(&mut self, known: &Known, attribute: &str) {
        let uid = self.mapping.types[known.model].uid.as_str();
        self.misfits.add(MISFIT, (uid, attribute, &known.id));
    }
}

/// Whether a whole number has more bits than others of its form.
fn is_wide(form: &Form, value: &str) -> bool {
    match form {
        Form::Int => value.parse::<i32>().is_err(),
        Form::BigInteger => {
            let text = value.trim_matches('"');
            !text.parse::<i64>().is_ok_and(|it| it.to_string() == text)
        }
        _ => false,
    }
}

fn put_name(node: &mut String, name: &str) {
    node.push(',');
    json::write_string(node, name);
    node.push(':');
}
