//! What is known of the types of another system that content types are made of.

use serde_json::Value;

/// How things are called that need a name of the system's own.
#[derive(Debug, Clone, Copy)]
pub struct Naming {
    /// Stands before names that Strapi has itself.
    pub prefix: &'static str,
    /// The attribute with the id of the node.
    pub id: &'static str,
}

/// A type of the other system.
#[derive(Debug)]
pub struct Given<F> {
    /// Its name.
    pub name: String,
    /// Its fields.
    pub fields: Vec<GivenField<F>>,
}

/// A field of it.
#[derive(Debug)]
pub struct GivenField<F> {
    /// Its name, by which what nodes say finds it.
    pub name: String,
    /// What its attribute is called, if that is free.
    pub wanted: String,
    /// What becomes of it.
    pub place: Place<F>,
}

/// What becomes of a field.
#[derive(Debug)]
pub enum Place<F> {
    /// It holds the id, which each row has anyway.
    Id,
    /// It is when the row was made.
    Created,
    /// It is when the row was changed.
    Updated,
    /// An attribute with values.
    Values {
        /// Their form.
        form: F,
        /// Whether there may be any number of them.
        is_list: bool,
        /// What a schema says of it.
        properties: Value,
    },
    /// A relation, if one of the links names it.
    Links,
}

/// Links between two types.
#[derive(Debug)]
pub struct GivenLinks {
    /// The number of the type, and of its field.
    pub from: (usize, usize),
    /// The number of the type that they lead to.
    pub target: usize,
    /// The number of the field of that, where it has one.
    pub back: Option<usize>,
    /// Whether a node has several.
    pub many: bool,
    /// Whether several nodes may lead to one.
    pub many_back: bool,
    /// Whether they go both ways, as a type's links with itself by one field do.
    pub is_mutual: bool,
}
