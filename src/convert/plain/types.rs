//! Content types and links, and how what nodes say finds its place in them.

use std::collections::HashMap;

/// A content type, whose attributes have values of the forms `F`.
#[derive(Debug)]
pub struct ContentType<F> {
    /// The type in the other system.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Its name in Strapi.
    pub singular: String,
    /// Its attributes that have values.
    pub attributes: Vec<Attribute<F>>,
    /// The numbers of those that hold values of fields.
    pub by_field: HashMap<String, usize>,
    /// The fields that hold the id, whatever they are called.
    pub ids: Vec<String>,
    /// The fields with the times that each row has: when it was made, and changed.
    pub times: [Option<String>; 2],
    /// Its schema, as it stands in an archive.
    pub schema: String,
    /// The file that a project needs.
    pub file: String,
}

/// An attribute with values.
#[derive(Debug)]
pub struct Attribute<F> {
    /// Its name.
    pub name: String,
    /// The field in the other system.
    pub field: String,
    /// What that holds; `None` where it is the id.
    pub form: Option<F>,
    /// Whether it holds any number of them.
    pub is_list: bool,
}

/// Links of one kind.
#[derive(Debug)]
pub struct Links {
    /// The number of the type that owns them.
    pub owner: usize,
    /// The attribute of it.
    pub attribute: String,
    /// The field of it in the other system.
    pub field: String,
    /// The number of the type that they lead to.
    pub target: usize,
    /// The attribute of that, where it has one.
    pub back: Option<String>,
    /// The field of that, where it has one.
    pub back_field: Option<String>,
    /// Whether an owner has several.
    pub many: bool,
    /// Whether several owners have one.
    pub many_back: bool,
    /// Whether they go both ways, as a type's links with itself by one field do.
    pub is_mutual: bool,
}

impl Links {
    /// Strapi's name of the relation, from the owner.
    pub fn kind(&self) -> &'static str {
        match (self.many, self.many_back) {
            (true, _) => "manyToMany",
            (false, true) => "manyToOne",
            (false, false) => "oneToOne",
        }
    }

    pub(super) fn kind_back(&self) -> &'static str {
        match (self.many, self.many_back) {
            (true, _) => "manyToMany",
            (false, true) => "oneToMany",
            (false, false) => "oneToOne",
        }
    }
}

/// What is made of the types of the other system.
#[derive(Debug)]
pub struct Made<F> {
    /// Content types, in the order of their uids.
    pub types: Vec<ContentType<F>>,
    /// Links, in the order of their owners.
    pub links: Vec<Links>,
    pub(super) by_name: HashMap<String, usize>,
    /// The links that a field of a type leads to, and whether it owns them.
    pub(super) by_field: HashMap<(String, String), (usize, bool)>,
}

impl<F> ContentType<F> {
    /// The file that a project needs for it: its place below the folder `src`, and its content.
    pub fn schema_file(&self) -> (String, String) {
        let name = &self.singular;
        let path = format!("api/{name}/content-types/{name}/schema.json");
        (path, self.file.clone())
    }

    /// Whether a list of values of a field has a place in it.
    pub fn takes_list(&self, field: &str) -> bool {
        let own = self.by_field.get(field);
        own.is_some_and(|own| self.attributes[*own].is_list)
    }

    /// Whether a field is one of the times that each row has.
    pub fn has_time(&self, field: &str) -> bool {
        self.times.iter().flatten().any(|it| it == field)
    }
}

impl<F> Made<F> {
    /// The number of the content type of a type.
    pub fn number(&self, type_name: &str) -> Option<usize> {
        self.by_name.get(type_name).copied()
    }

    /// The links that a field of a type leads to, and whether it owns them.
    pub fn links_of(&self, type_name: &str, field: &str) -> Option<(usize, bool)> {
        let key = (type_name.to_owned(), field.to_owned());
        self.by_field.get(&key).copied()
    }
}
