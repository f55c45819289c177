//! The schema of a set, `gNN.schema.gz`: predicates with their types and suffixes, and types with their fields.
//!
//! What a suffix means is left to the server: those of later versions are kept as they stand.

mod parse;
mod print;

pub(super) use print::check_namespace;

use super::Dialect;
use super::scalar::Scalar;
use std::collections::HashMap;

/// How many bytes a schema may have: it is held in memory.
pub const LONGEST_SCHEMA: usize = 16 << 20;

/// How many predicates, suffixes, types and fields it may have together.
pub const MOST_PARTS: usize = 1 << 18;

/// What values of a predicate are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Values.
    Scalar(Scalar),
    /// Links to nodes.
    Uid,
    /// What is not known here, as it is written.
    Other(String),
}

/// The names of types in a schema, as `types/scalar_types.go` of Dgraph has them.
const NAMES: [(&str, Scalar); 11] = [
    ("default", Scalar::Default),
    ("string", Scalar::String),
    ("int", Scalar::Int),
    ("float", Scalar::Float),
    ("bool", Scalar::Bool),
    ("datetime", Scalar::DateTime),
    ("geo", Scalar::Geo),
    ("binary", Scalar::Binary),
    ("password", Scalar::Password),
    ("bigfloat", Scalar::BigFloat),
    ("float32vector", Scalar::Vector),
];

impl Kind {
    /// The one of this name, in whatever case.
    pub fn named(name: &str) -> Self {
        if name.eq_ignore_ascii_case("uid") {
            return Self::Uid;
        }
        let found = NAMES.iter().find(|(of, _)| of.eq_ignore_ascii_case(name));
        found.map_or_else(|| Self::Other(name.to_owned()), |(_, it)| Self::Scalar(*it))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Uid => "uid",
            Self::Other(name) => name,
            Self::Scalar(scalar) => {
                let found = NAMES.iter().find(|(_, of)| of == scalar);
                found.map_or("default", |(name, _)| name)
            }
        }
    }
}

/// A suffix: `@index(exact)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Its name, without the `@`.
    pub name: String,
    /// What stands between its parentheses, where it has some.
    pub arguments: Option<String>,
}

/// A predicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate {
    /// Its namespace.
    pub namespace: u64,
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// Whether a node may have several.
    pub is_list: bool,
    /// Its suffixes, in their order.
    pub directives: Vec<Directive>,
}

impl Predicate {
    /// Whether it has this suffix.
    pub fn has(&self, directive: &str) -> bool {
        self.directives.iter().any(|it| it.name == directive)
    }
}

/// A field of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name of the predicate.
    pub name: String,
    /// Whether its links are followed backwards: `<~name>`.
    pub is_reverse: bool,
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    /// Its namespace.
    pub namespace: u64,
    /// Its name.
    pub name: String,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// The schema of one group, or of all together.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    predicates: Vec<Predicate>,
    types: Vec<Type>,
    dialect: Option<Dialect>,
    places: Places,
    type_places: Places,
}

/// Where something of a name stands, by namespace.
type Places = HashMap<u64, HashMap<String, usize>>;

impl Schema {
    /// All predicates.
    pub fn predicates(&self) -> &[Predicate] {
        &self.predicates
    }

    /// All types.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    /// The dialect it is written in, where it has a line that tells.
    pub fn dialect(&self) -> Option<Dialect> {
        self.dialect
    }

    /// The predicate of this name.
    pub fn predicate(&self, namespace: u64, name: &str) -> Option<&Predicate> {
        let at = self.places.get(&namespace)?.get(name)?;
        self.predicates.get(*at)
    }

    /// Takes a predicate in. One that is there already stays as it is.
    ///
    /// # Errors
    /// One of this name is there, and is another.
    pub fn add(&mut self, predicate: Predicate) -> Result<(), String> {
        match self.predicate(predicate.namespace, &predicate.name) {
            Some(there) if *there == predicate => Ok(()),
            Some(_) => Err(format!(
                "the predicate `{}` is there twice, and not the same",
                predicate.name
            )),
            None => {
                let places = self.places.entry(predicate.namespace).or_default();
                places.insert(predicate.name.clone(), self.predicates.len());
                self.predicates.push(predicate);
                Ok(())
            }
        }
    }

    /// Takes a type in. Every group may have it; one that is there already stays as it is.
    ///
    /// # Errors
    /// One of this name is there, and is another.
    pub fn add_type(&mut self, of: Type) -> Result<(), String> {
        let places = self.type_places.entry(of.namespace).or_default();
        match places.get(&of.name).and_then(|at| self.types.get(*at)) {
            Some(there) if *there == of => Ok(()),
            Some(_) => Err(format!(
                "the type `{}` is there twice, and not the same",
                of.name
            )),
            None => {
                places.insert(of.name.clone(), self.types.len());
                self.types.push(of);
                Ok(())
            }
        }
    }

    /// Takes in what another group has. Gives what does not fit together.
    pub fn merge(&mut self, other: Self) -> Vec<String> {
        self.dialect = self.dialect.max(other.dialect);
        let types: Vec<_> = other
            .types
            .into_iter()
            .map(|it| self.add_type(it))
            .collect();
        let added = other.predicates.into_iter().map(|it| self.add(it));
        let added = added.chain(types);
        added.filter_map(Result::err).collect()
    }
}
