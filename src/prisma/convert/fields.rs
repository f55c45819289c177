//! What the attributes of a content type or a component become.

use super::form::{Form, enum_values};
use super::forms::Texts;
use crate::convert::rows::POSITION;
use crate::convert::{Names, capitalised, uncapitalised};
use crate::model::{Attribute, Fields, ModelType, RelationKind, Scalar, Schema, is_component};
use std::collections::HashMap;

/// What rows of Strapi 5 share that are versions of one document.
const DOCUMENT: &str = "documentId";
/// Bytes of the names of types, fields and relations: servers take no more.
pub(super) const LONGEST_NAME: usize = 64;
/// What a service fills in by itself, where nothing was written.
const STAMPS: [&str; 2] = ["createdAt", "updatedAt"];

/// A content type or component.
#[derive(Debug)]
pub struct Type {
    /// Its uid.
    pub uid: String,
    /// The name of the type.
    pub name: String,
    /// What the ids of its nodes begin with.
    pub tag: String,
    /// Whether it is a component.
    pub is_component: bool,
    /// How many nodes of it there are.
    pub nodes: u64,
    /// Its attributes, in order.
    pub attributes: Vec<Field>,
    places: HashMap<String, usize>,
    /// The names that are taken.
    pub(super) names: Names,
}

/// An attribute.
#[derive(Debug)]
pub struct Field {
    /// The name of the attribute.
    pub attribute: String,
    /// The name of the field, where it is one.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Which texts Strapi takes.
    pub texts: Texts,
    /// Whether Strapi wants a value.
    pub required: bool,
    /// How many nodes have a value.
    pub present: u64,
}

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Values.
    Value(Form),
    /// One component, by the relation of this number.
    One(usize, usize),
    /// A list of components.
    List(usize, usize),
    /// A list of components of several types: their types and relations, by uid.
    Zone(Vec<(String, usize, usize)>),
    /// Links to rows of any type.
    Morph,
    /// Links that another type owns, whose relation is not known yet.
    Back,
    /// Links, or nothing that NDF knows.
    Other,
}

/// Whether a field of a node of a type with this uid says nothing of an attribute, or is filled in by the service.
pub fn is_fixed(uid: &str, field: &str) -> bool {
    let is_position = field == POSITION && is_component(uid);
    is_position || ["_typeName", "id"].contains(&field) || STAMPS.contains(&field)
}

impl Type {
    /// What becomes of a schema. With `documents`, its rows have documents.
    pub fn new(
        schema: &Schema,
        name: String,
        tag: String,
        types: &mut Names,
        documents: bool,
    ) -> Self {
        let is_component = schema.model_type == ModelType::Component;
        let reserved: &[&str] = match is_component {
            true => &["id", POSITION],
            false => &["id"],
        };
        let mut names = Names::new(reserved, LONGEST_NAME);
        let attributes = || schema.attributes.iter().enumerate();
        let wanted: Vec<String> = attributes()
            .map(|(_, it)| wanted_field(&it.0, &it.1))
            .collect();
        let mut fields = vec![String::new(); wanted.len()];
        // An attribute whose name needs no change keeps it, whatever stands before it.
        for keeps in [true, false] {
            for (place, (own, _)) in attributes() {
                if (wanted[place] == *own) == keeps {
                    fields[place] = names.take([wanted[place].as_str()]);
                }
            }
        }
        let properties = properties(schema);
        let mut attributes: Vec<Field> = attributes()
            .zip(fields)
            .map(|((_, (own, attribute)), field)| {
                let properties = properties.get(own.as_str());
                let kind = match attribute {
                    Attribute::Scalar(scalar) => {
                        let values = properties.and_then(enum_values);
                        Kind::Value(match values {
                            None => Form::of(*scalar),
                            Some(values) => Form::Enum {
                                name: types
                                    .take([(name.clone() + &capitalised(own, "Enum")).as_str()]),
                                values,
                            },
                        })
                    }
                    Attribute::Relation(relation) => match relation.kind {
                        RelationKind::MorphToOne | RelationKind::MorphToMany => Kind::Morph,
                        _ if relation.mapped_by.is_some() => Kind::Back,
                        _ => Kind::Other,
                    },
                    _ => Kind::Other,
                };
                Field {
                    attribute: own.clone(),
                    name: field,
                    kind,
                    texts: Texts::of(attribute, properties),
                    required: properties.is_some_and(|it| it.get("required") == Some("true")),
                    present: 0,
                }
            })
            .collect();
        let is_known = attributes.iter().any(|it| it.attribute == DOCUMENT);
        if documents && !is_component && !is_known {
            attributes.push(Field {
                attribute: DOCUMENT.to_owned(),
                name: names.take([DOCUMENT]),
                kind: Kind::Value(Form::Text),
                texts: Texts::Any,
                required: false,
                present: 0,
            });
        }
        let own = attributes.iter().map(|it| it.attribute.clone());
        Self {
            uid: schema.uid.clone(),
            name,
            tag,
            is_component,
            nodes: 0,
            places: own.zip(0..).collect(),
            attributes,
            names,
        }
    }

    /// The place of an attribute.
    pub fn place(&self, attribute: &str) -> Option<usize> {
        self.places.get(attribute).copied()
    }

    /// An attribute.
    pub fn field(&self, attribute: &str) -> Option<&Field> {
        self.place(attribute).map(|place| &self.attributes[place])
    }
}

/// What the field of an attribute is called.
fn wanted_field(name: &str, attribute: &Attribute) -> String {
    let wanted = uncapitalised(name, "field");
    let is_time = matches!(wanted.as_str(), "createdAt" | "updatedAt");
    match attribute {
        // Servers fill these in, with a time.
        Attribute::Scalar(Scalar::DateTime) => wanted,
        _ if is_time => wanted + "Value",
        _ => wanted,
    }
}

/// What a schema says of its attributes.
pub(super) fn properties(schema: &Schema) -> HashMap<String, Fields<'_>> {
    let fields = Fields::parse(schema.to_line()).ok();
    let attributes = fields.and_then(|fields| Fields::parse(fields.get("attributes")?).ok());
    let all = attributes.into_iter().flat_map(|it| it.0);
    all.filter_map(|(name, text)| Some((name.into_owned(), Fields::parse(text).ok()?)))
        .collect()
}
