//! How rows of Strapi are made again of the nodes that another system holds: what is called as, and comes from, where.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// How many lists of members are told apart; what has another one says it itself.
pub(super) const MOST_SHAPES: usize = 10_000;

/// Where the value of a member of a row, or of a component, comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// From the node.
    Node,
    /// From the node; it is a text that is none of those which the attribute takes by now.
    Odd,
    /// From the node, without the object around it.
    Wrapped,
    /// From the node, where it has one by now; it is `null`.
    Null,
    /// From here: the other system cannot hold it.
    Kept,
    /// It is the number at the end of the node's id.
    Id,
    /// It is the uid of the node's type.
    Uid,
    /// A component.
    One,
    /// A list of components.
    List,
}

impl Mark {
    fn letter(self) -> char {
        match self {
            Self::Node => '.',
            Self::Odd => 'e',
            Self::Wrapped => 'w',
            Self::Null => '-',
            Self::Kept => 'x',
            Self::Id => 'i',
            Self::Uid => 't',
            Self::One => 'o',
            Self::List => 'l',
        }
    }

    pub(super) fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'.' => Self::Node,
            b'e' => Self::Odd,
            b'w' => Self::Wrapped,
            b'-' => Self::Null,
            b'x' => Self::Kept,
            b'i' => Self::Id,
            b't' => Self::Uid,
            b'o' => Self::One,
            b'l' => Self::List,
            _ => return None,
        })
    }
}

/// Takes a node, and the node and the attribute that hold it, where some do.
pub type EachNode<'f> = dyn FnMut(&Tree, Option<(&Tree, &str)>) + 'f;

/// How a node, and those of the components in it, make a row or a component.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tree {
    /// The id of the node.
    #[serde(rename = "n")]
    pub node: String,
    /// The number of its type.
    #[serde(rename = "t")]
    pub model: usize,
    /// The number of the list of its members, where it has one.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) shape: Option<usize>,
    /// Its members, where their list has no number.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) own: Vec<String>,
    /// Where each of them comes from, a letter each.
    #[serde(rename = "m")]
    pub(super) marks: String,
    /// What the node cannot hold.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) kept: Vec<Box<RawValue>>,
    /// The components.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) children: Vec<Vec<Tree>>,
}

impl Tree {
    /// One of this node, without members.
    pub fn new(node: String, model: usize) -> Self {
        Self {
            node,
            model,
            shape: None,
            own: Vec::new(),
            marks: String::new(),
            kept: Vec::new(),
            children: Vec::new(),
        }
    }

    /// Adds a member that comes from there.
    pub fn mark(&mut self, mark: Mark) {
        self.marks.push(mark.letter());
    }

    /// Adds a member whose value is here; it is valid JSON.
    pub fn keep(&mut self, value: &str) {
        if let Ok(value) = RawValue::from_string(value.to_owned()) {
            self.kept.push(value);
        }
        self.mark(Mark::Kept);
    }

    /// Adds a member that is a component, or a list of components.
    pub fn hold(&mut self, mark: Mark, components: Vec<Self>) {
        self.children.push(components);
        self.mark(mark);
    }

    /// Says what the members are called that were added.
    pub fn name_members<'n>(&mut self, names: impl Iterator<Item = &'n str>, shapes: &mut Shapes) {
        match shapes.number(names) {
            Ok(shape) => self.shape = Some(shape),
            Err(names) => self.own = names,
        }
    }

    /// What its members are called; `None` where their list is not known.
    pub(super) fn names<'a>(&'a self, shapes: &'a Shapes) -> Option<&'a [String]> {
        match self.shape {
            Some(number) => shapes.list.get(number).map(Vec::as_slice),
            None => Some(&self.own),
        }
    }

    /// Goes through the nodes, each before those in it, with the node and the attribute that hold it.
    pub fn each_node(&self, shapes: &Shapes, each: &mut EachNode<'_>) {
        each(self, None);
        self.each_held(shapes, each);
    }

    fn each_held(&self, shapes: &Shapes, each: &mut EachNode<'_>) {
        let names = self.names(shapes).unwrap_or_default();
        let mut holders = self.marks.bytes().zip(names).filter_map(|(letter, name)| {
            let mark = Mark::from_letter(letter);
            matches!(mark, Some(Mark::One | Mark::List)).then_some(name.as_str())
        });
        for children in &self.children {
            let holder = holders.next().map(|name| (self, name));
            for child in children {
                each(child, holder);
                child.each_held(shapes, each);
            }
        }
    }
}

/// Lists of the members that rows and components have, in their order.
#[derive(Debug, Default)]
pub struct Shapes {
    numbers: HashMap<Vec<String>, usize>,
    list: Vec<Vec<String>>,
    /// How many of them were handed out by [`fresh`](Self::fresh).
    told: usize,
}

impl Shapes {
    /// The number of a list, or the list itself where there is no room for another one.
    fn number<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> Result<usize, Vec<String>> {
        let names: Vec<String> = names.map(str::to_owned).collect();
        if let Some(number) = self.numbers.get(&names) {
            return Ok(*number);
        }
        match self.list.len() < MOST_SHAPES {
            true => Ok(self.push(names)),
            false => Err(names),
        }
    }

    /// Takes the next one in.
    pub fn push(&mut self, names: Vec<String>) -> usize {
        self.numbers.insert(names.clone(), self.list.len());
        self.list.push(names);
        self.list.len() - 1
    }

    /// Those that were not handed out yet.
    pub fn fresh(&mut self) -> &[Vec<String>] {
        let told = std::mem::replace(&mut self.told, self.list.len());
        &self.list[told..]
    }
}
