//! What the attributes of a content type or a component become.

use super::form::{Form, enum_values};
use super::forms::Texts;
use super::rows::POSITION;
use super::system::System;
use super::{Names, capitalised, uncapitalised};
use crate::model::{Attribute, Fields, ModelType, RelationKind, Schema};
use std::collections::HashMap;

/// What rows of Strapi 5 share that are versions of one document.
const DOCUMENT: &str = "documentId";

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
    /// Whether one of the values, which are whole numbers, has more bits than those of its form: 32, or 64.
    pub is_wide: bool,
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
    /// Links, or nothing that other systems know.
    Other,
}

impl Type {
    /// What becomes of a schema. With `documents`, its rows have documents.
    pub fn new(
        schema: &Schema,
        name: String,
        tag: String,
        types: &mut Names,
        (documents, system): (bool, &'static dyn System),
    ) -> Self {
        let is_component = schema.model_type == ModelType::Component;
        let mut reserved = system.reserved_fields().to_vec();
        if is_component {
            reserved.push(POSITION);
        }
        let mut names = Names::new(&reserved, system.longest_name());
        let attributes = || schema.attributes.iter().enumerate();
        let wanted: Vec<String> = attributes()
            .map(|(_, it)| system.field_name(uncapitalised(&it.0, "field"), Some(&it.1)))
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
                        let values = properties.and_then(|it| enum_values(it, system));
                        Kind::Value(match values {
                            None => Form::of(*scalar),
                            Some(values) => Form::Enum {
                                name: types.take([system
                                    .type_name(name.clone() + &capitalised(own, "Enum"))
                                    .as_str()]),
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
                    is_wide: false,
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
                is_wide: false,
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

/// What a schema says of its attributes.
pub(super) fn properties(schema: &Schema) -> HashMap<String, Fields<'_>> {
    let fields = Fields::parse(schema.to_line()).ok();
    let attributes = fields.and_then(|fields| Fields::parse(fields.get("attributes")?).ok());
    let all = attributes.into_iter().flat_map(|it| it.0);
    all.filter_map(|(name, text)| Some((name.into_owned(), Fields::parse(text).ok()?)))
        .collect()
}
