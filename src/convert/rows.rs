//! Rows of Strapi as another system holds them: a node for the row and for each component in it, and a [`Tree`] that
//! says how they make the row again, byte for byte.
//!
//! A tree holds no value that a node holds: what changes there is changed in the row as well.

use super::trees::{Mark, Shapes, Tree};
use crate::model::{Fields, json};
use std::borrow::Cow;

/// What a value is wrapped in where the other system takes only objects and lists.
pub const WRAPPER: &str = "strapiValue";
/// The field with the place of a component in a list.
pub const POSITION: &str = "position";

/// What is known of the types that nodes are of.
pub trait Types {
    /// The uid of a content type or component.
    fn uid(&self, model: usize) -> Option<&str>;
    /// The name of the field that holds an attribute.
    fn field(&self, model: usize, attribute: &str) -> Option<&str>;
    /// The attribute that a field holds.
    fn attribute(&self, model: usize, field: &str) -> Option<&str>;
    /// Whether a field says nothing of an attribute, or is filled in by the system where nothing was written.
    fn is_fixed(&self, model: usize, field: &str) -> bool;
    /// The value of a field, as JSON, as a row has it; `None` where the attribute takes no such value. What was `odd` when
    /// it came may be any text.
    fn taken<'v>(
        &self,
        model: usize,
        attribute: &str,
        value: &'v str,
        odd: bool,
    ) -> Option<Cow<'v, str>>;
}

/// A value of a node that a row has no place for.
#[derive(Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// The number of the type.
    pub model: usize,
    /// The field.
    pub field: String,
    /// The id of the node.
    pub node: String,
    /// Whether there is an attribute for it, which takes no such value.
    pub is_unfit: bool,
}

/// Values of nodes that a row has no place for.
pub type Untaken = Vec<Unplaced>;

/// Makes rows of nodes.
pub struct Rows<'a> {
    /// The types.
    pub types: &'a dyn Types,
    /// The lists of members.
    pub shapes: &'a Shapes,
}

impl Rows<'_> {
    /// Whether a tree is one of these types and shapes, with a value for each member that is not in a node.
    pub fn know(&self, tree: &Tree) -> bool {
        let names = tree.names(self.shapes).map(<[String]>::len);
        let has_shape = names == Some(tree.marks.len());
        let (mut kept, mut children) = (0, tree.children.iter());
        let fits = tree.marks.bytes().all(|letter| {
            match Mark::from_letter(letter) {
                None => return false,
                Some(Mark::Kept) => kept += 1,
                Some(Mark::Id) => return tree.node.contains('_'),
                Some(Mark::One) => return children.next().is_some_and(|it| it.len() == 1),
                Some(Mark::List) => return children.next().is_some(),
                Some(Mark::Node | Mark::Odd | Mark::Wrapped | Mark::Null | Mark::Uid) => {}
            }
            true
        });
        fits && has_shape
            && kept == tree.kept.len()
            && children.next().is_none()
            && self.types.uid(tree.model).is_some()
            && tree.children.iter().flatten().all(|it| self.know(it))
    }

    /// The line of a row. `nodes` are those of the tree, in its order, as JSON: what is not there any more is empty. What
    /// came to them has its attribute at the end of the row, or is `untaken`. `None` where the row itself is not, or the
    /// tree fits nothing that is known.
    pub fn line(
        &self,
        id: i64,
        tree: &Tree,
        nodes: &[String],
        untaken: &mut Untaken,
    ) -> Option<String> {
        let mut out = String::from("{\"type\":");
        json::write_string(&mut out, self.types.uid(tree.model)?);
        out.push_str(",\"id\":");
        json::write_i64(&mut out, id);
        out.push_str(",\"data\":");
        let (data, _) = self.object(tree, &mut nodes.iter(), untaken)?;
        out.push_str(&data);
        out.push('}');
        Some(out)
    }

    /// An object, and its place among others.
    fn object(
        &self,
        tree: &Tree,
        nodes: &mut std::slice::Iter<'_, String>,
        untaken: &mut Untaken,
    ) -> Option<(String, Option<f64>)> {
        let node = nodes.next()?;
        let names = tree.names(self.shapes)?;
        let fields = Fields::parse(node).unwrap_or(Fields(Vec::new()));
        let (mut kept, mut children) = (tree.kept.iter(), tree.children.iter());
        let is_fixed = |field: &str| self.types.is_fixed(tree.model, field);
        let mut out = String::from("{");
        let mut used = 0;
        for (name, letter) in names.iter().zip(tree.marks.bytes()) {
            if out.len() > 1 {
                out.push(',');
            }
            json::write_string(&mut out, name);
            out.push(':');
            let field = self.types.field(tree.model, name);
            let value = field.and_then(|field| fields.get(field));
            let is_own = field.is_some_and(|it| !is_fixed(it));
            used += usize::from(is_own && value.is_some());
            let mark = Mark::from_letter(letter)?;
            let mut put = |value: Option<&str>, otherwise: &str, out: &mut String| {
                let value = value.filter(|it| *it != "null");
                let is_odd = mark == Mark::Odd;
                let taken = value.map(|it| self.types.taken(tree.model, name, it, is_odd));
                if taken == Some(None) {
                    untaken.push(Unplaced::new(tree, field.unwrap_or_default(), true));
                }
                out.push_str(taken.flatten().as_deref().unwrap_or(otherwise));
            };
            match mark {
                Mark::Node | Mark::Odd | Mark::Null => put(value, "null", &mut out),
                Mark::Wrapped => put(value.map(unwrapped), "null", &mut out),
                Mark::Kept => put(value.filter(|_| is_own), kept.next()?.get(), &mut out),
                Mark::Id => out.push_str(tree.node.rsplit_once('_')?.1),
                Mark::Uid => json::write_string(&mut out, self.types.uid(tree.model)?),
                Mark::One => {
                    let child = children.next()?.first()?;
                    let object = self.object(child, nodes, untaken);
                    out.push_str(object.as_ref().map_or("null", |it| &it.0));
                }
                Mark::List => {
                    let mut objects: Vec<(String, f64)> = Vec::new();
                    for child in children.next()? {
                        if let Some((object, position)) = self.object(child, nodes, untaken) {
                            // One without a place stays behind the one before it.
                            let last = objects.last().map_or(f64::NEG_INFINITY, |it| it.1);
                            objects.push((object, position.unwrap_or(last)));
                        }
                    }
                    objects.sort_by(|one, other| one.1.total_cmp(&other.1));
                    let objects: Vec<String> = objects.into_iter().map(|it| it.0).collect();
                    out.push_str(&format!("[{}]", objects.join(",")));
                }
            }
        }
        if node.is_empty() {
            return None;
        }
        let all = fields.0.iter().filter(|(field, _)| !is_fixed(field));
        if all.clone().count() > used {
            for (field, value) in all.filter(|it| it.1 != "null") {
                let Some(name) = self.types.attribute(tree.model, field) else {
                    untaken.push(Unplaced::new(tree, field, false));
                    continue;
                };
                if names.iter().any(|it| it == name) {
                    continue;
                }
                let Some(value) = self.types.taken(tree.model, name, value, false) else {
                    untaken.push(Unplaced::new(tree, field, true));
                    continue;
                };
                if out.len() > 1 {
                    out.push(',');
                }
                json::write_string(&mut out, name);
                out.push(':');
                out.push_str(&value);
            }
        }
        out.push('}');
        let position = fields.get(POSITION);
        let position = position.and_then(|it| it.trim_matches('"').parse().ok());
        Some((out, position))
    }
}

impl Unplaced {
    fn new(tree: &Tree, field: &str, is_unfit: bool) -> Self {
        Self {
            model: tree.model,
            field: field.to_owned(),
            node: tree.node.clone(),
            is_unfit,
        }
    }
}

/// What is in an object that was put around a value.
fn unwrapped(value: &str) -> &str {
    let inner = Fields::parse(value)
        .ok()
        .and_then(|fields| match fields.0[..] {
            [(ref name, inner)] if name == WRAPPER => Some(inner),
            _ => None,
        });
    inner.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::super::trees::MOST_SHAPES;
    use super::*;

    struct Known;

    impl Types for Known {
        fn uid(&self, model: usize) -> Option<&str> {
            ["api::a.a", "c.box"].get(model).copied()
        }

        fn field(&self, _model: usize, attribute: &str) -> Option<&str> {
            (attribute == "the title").then_some("theTitle")
        }

        fn attribute(&self, _model: usize, field: &str) -> Option<&str> {
            ["theTitle", "n"].contains(&field).then_some(match field {
                "n" => "n",
                _ => "the title",
            })
        }

        fn is_fixed(&self, _model: usize, field: &str) -> bool {
            field == POSITION
        }

        fn taken<'v>(&self, _: usize, _: &str, value: &'v str, _: bool) -> Option<Cow<'v, str>> {
            Some(value.into())
        }
    }

    fn tree(shapes: &mut Shapes) -> Tree {
        let component = |number: &str, shapes: &mut Shapes| {
            let mut tree = Tree::new(format!("box_{number}"), 1);
            tree.mark(Mark::Id);
            tree.mark(Mark::Uid);
            tree.keep("9007199254740993");
            tree.name_members(["id", "__component", "n"].into_iter(), shapes);
            tree
        };
        let mut tree = Tree::new("a_1".into(), 0);
        tree.mark(Mark::Node);
        tree.mark(Mark::Null);
        let components = ["4", "5"].map(|number| component(number, shapes));
        tree.hold(Mark::List, components.into());
        tree.name_members(["the title", "none", "zone"].into_iter(), shapes);
        tree
    }

    #[test]
    fn a_row_is_made_of_its_nodes_and_of_what_they_cannot_hold() {
        let mut shapes = Shapes::default();
        let tree = tree(&mut shapes);
        let tree: Tree =
            serde_json::from_str(&serde_json::to_string(&tree).expect("JSON")).expect("a tree");
        let rows = Rows {
            types: &Known,
            shapes: &shapes,
        };
        let nodes = [r#"{"theTitle":"T"}"#, "{}", ""].map(str::to_owned);
        assert_eq!(
            rows.line(1, &tree, &nodes, &mut Untaken::new()).as_deref(),
            Some(
                r#"{"type":"api::a.a","id":1,"data":{"the title":"T","none":null,"zone":[{"id":4,"__component":"c.box","n":9007199254740993}]}}"#
            )
        );
        let gone = ["", "{}", "{}"].map(str::to_owned);
        assert_eq!(rows.line(1, &tree, &gone, &mut Untaken::new()), None);
    }

    #[test]
    fn members_for_whose_list_there_is_no_room_come_from_nodes_as_well() {
        let mut shapes = Shapes::default();
        for number in 0..MOST_SHAPES {
            shapes.push(vec![number.to_string()]);
        }
        let tree = tree(&mut shapes);
        assert_eq!(tree.shape, None);
        let rows = Rows {
            types: &Known,
            shapes: &shapes,
        };
        assert!(rows.know(&tree));
        let nodes = [r#"{"theTitle":"new"}"#, "", ""].map(str::to_owned);
        assert_eq!(
            rows.line(1, &tree, &nodes, &mut Untaken::new()).as_deref(),
            Some(r#"{"type":"api::a.a","id":1,"data":{"the title":"new","none":null,"zone":[]}}"#)
        );
    }

    #[test]
    fn a_wrapper_is_taken_off_where_it_is_one() {
        assert_eq!(unwrapped(r#"{"strapiValue":"x"}"#), "\"x\"");
        assert_eq!(
            unwrapped(r#"{"strapiValue":1,"b":2}"#),
            r#"{"strapiValue":1,"b":2}"#
        );
        assert_eq!(unwrapped("[1]"), "[1]");
    }
}
