//! Which type, field and relation each part of a Strapi's schemas becomes.

use super::fields::{Kind, Type, properties};
use super::notes::{RelationNote, TypeNote};
use super::rows::Types;
use super::system::System;
use super::{Names, capitalised, uncapitalised};
use crate::model::{Attribute, ModelType, Schema, Schemas};
use std::borrow::Cow;
use std::collections::HashMap;

/// Bytes of what ids begin with.
const LONGEST_TAG: usize = 12;
/// Where the rows of files are.
pub const FILES: &str = "plugin::upload.file";
/// Links of one kind, as a relation.
#[derive(Debug)]
pub struct Relation {
    /// Its name.
    pub name: String,
    /// What is noted of it.
    pub note: RelationNote,
    /// Whether the owner has several.
    pub many: bool,
    /// Whether several owners have one.
    pub many_back: bool,
}

/// Which of the links of Strapi a relation holds: type and attribute of the owner, and, where these lead to several
/// types, type and attribute of the other end.
type LinkKey = (usize, String, Option<(usize, Option<String>)>);

/// What each part of the schemas becomes.
#[derive(Debug)]
pub struct Mapping {
    /// What it is brought into.
    pub system: &'static dyn System,
    /// Content types and components.
    pub types: Vec<Type>,
    /// Relations.
    pub relations: Vec<Relation>,
    by_uid: HashMap<String, usize>,
    by_link: HashMap<LinkKey, usize>,
    relation_names: Names,
}

impl Mapping {
    /// That of these schemas. With `documents`, each row of a content type has a document, as in Strapi 5, of which the
    /// schemas say nothing.
    pub fn new(schemas: &Schemas, documents: bool, system: &'static dyn System) -> Self {
        let longest = system.longest_name();
        let mut mapping = Self {
            system,
            types: Vec::new(),
            relations: Vec::new(),
            by_uid: HashMap::new(),
            by_link: HashMap::new(),
            relation_names: Names::new(&[], longest),
        };
        let mut names = Names::new(system.reserved_types(), longest);
        let mut tags = Names::new(&[], LONGEST_TAG);
        // Administrators are in no archive.
        let taken = |schema: &&Schema| !schema.uid.starts_with("admin::");
        let all: Vec<&Schema> = schemas.iter().filter(taken).collect();
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by_key(|&place| rank(all[place]));
        let mut called = vec![String::new(); all.len()];
        for place in order {
            let wanted = wanted_names(all[place]).into_iter();
            let wanted: Vec<String> = wanted.map(|it| system.type_name(it)).collect();
            called[place] = names.take(wanted.iter().map(String::as_str));
        }
        for (schema, name) in all.iter().zip(called) {
            let number = mapping.types.len();
            mapping.by_uid.insert(schema.uid.clone(), number);
            let tag = tags.take([uncapitalised(&name, "t").as_str()]);
            let known = (documents, system);
            mapping
                .types
                .push(Type::new(schema, name, tag, &mut names, known));
        }
        for (number, schema) in all.iter().enumerate() {
            mapping.add_relations(number, schema);
        }
        mapping
    }

    /// The number of a type.
    pub fn number(&self, uid: &str) -> Option<usize> {
        self.by_uid.get(uid).copied()
    }

    /// The id of the node of a row or a component.
    pub fn node_id(&self, model: usize, id: i64) -> String {
        node_id(&self.types[model].tag, id, self.system.longest_id())
    }

    /// What is noted of the types.
    pub fn type_notes(&self) -> impl Iterator<Item = TypeNote> {
        self.types.iter().map(|own| TypeNote {
            uid: own.uid.clone(),
            name: own.name.clone(),
            tag: own.tag.clone(),
            fields: own
                .attributes
                .iter()
                .filter(|field| matches!(field.kind, Kind::Value(_)))
                .map(|field| (field.attribute.clone(), field.name.clone()))
                .collect(),
        })
    }

    /// The relation of links between an attribute of an owner and rows of other types, each of which has its own; it is
    /// made where there is none yet.
    pub fn relation_to(
        &mut self,
        owner: usize,
        attribute: &str,
        target: usize,
        back: Option<&str>,
    ) -> usize {
        let key = (
            owner,
            attribute.to_owned(),
            Some((target, back.map(str::to_owned))),
        );
        if let Some(number) = self.by_link.get(&key) {
            return *number;
        }
        let to = &self.types[target].name;
        let short = uncapitalised(attribute, "field") + to;
        let long = format!("{short}{}", capitalised(back.unwrap_or_default(), ""));
        let wanted = [short, long].map(|it| self.system.field_name(it, None));
        let names = &mut self.types[owner].names;
        let field = names.take(wanted.iter().map(String::as_str));
        let number = self.relate(owner, field, target, (true, true), None, None);
        self.by_link.insert(key, number);
        number
    }

    /// The relation of links of an attribute that leads to one type.
    pub fn relation(&self, owner: usize, attribute: &str) -> Option<usize> {
        let key = (owner, attribute.to_owned(), None);
        self.by_link.get(&key).copied()
    }

    fn relate(
        &mut self,
        owner: usize,
        field: String,
        target: usize,
        (many, mut many_back): (bool, bool),
        mut back: Option<String>,
        components: Option<&str>,
    ) -> usize {
        let is_one_field = owner == target && back.as_ref().is_none_or(|it| *it == field);
        if is_one_field {
            back = None;
        }
        if is_one_field && self.system.needs_way_back() {
            // With one field for both ends, links of a type with itself would have no direction.
            let wanted = format!("{field}Of");
            back = Some(self.types[owner].names.take([wanted.as_str()]));
            many_back = true;
        }
        let wanted = self.types[owner].name.clone() + &capitalised(&field, "Field");
        self.relations.push(Relation {
            name: self.relation_names.take([wanted.as_str()]),
            note: RelationNote {
                owner,
                field,
                target,
                back,
                components: components.map(str::to_owned),
            },
            many,
            many_back,
        });
        self.relations.len() - 1
    }

    fn add_relations(&mut self, owner: usize, schema: &Schema) {
        let system = self.system;
        let properties = properties(schema);
        for (place, (name, attribute)) in schema.attributes.iter().enumerate() {
            let field = self.types[owner].attributes[place].name.clone();
            let (target, many, back) = match attribute {
                Attribute::Component {
                    component,
                    repeatable,
                } => {
                    let Some(target) = self.number(component) else {
                        continue;
                    };
                    let number =
                        self.relate(owner, field, target, (*repeatable, false), None, Some(name));
                    self.types[owner].attributes[place].kind = match repeatable {
                        true => Kind::List(target, number),
                        false => Kind::One(target, number),
                    };
                    continue;
                }
                Attribute::DynamicZone { components } => {
                    let mut taken = Vec::new();
                    for component in components {
                        let Some(target) = self.number(component) else {
                            continue;
                        };
                        let wanted = uncapitalised(name, "zone") + &self.types[target].name;
                        let wanted = system.field_name(wanted, None);
                        let field = self.types[owner].names.take([wanted.as_str()]);
                        let number =
                            self.relate(owner, field, target, (true, false), None, Some(name));
                        taken.push((component.clone(), target, number));
                    }
                    self.types[owner].attributes[place].kind = Kind::Zone(taken);
                    continue;
                }
                Attribute::Media => {
                    let own = properties.get(name.as_str());
                    let many = own.is_some_and(|it| it.get("multiple") == Some("true"));
                    (self.number(FILES), (many, true), None)
                }
                Attribute::Relation(relation)
                    if relation.mapped_by.is_none()
                        && relation.target.is_some()
                        && !relation.is_virtual =>
                {
                    let target = relation.target.as_deref().and_then(|uid| self.number(uid));
                    let many = (relation.kind.any_to_many(), relation.kind.many_to_any());
                    (target, many, relation.inversed_by.clone())
                }
                _ => continue,
            };
            let Some(target) = target else {
                continue;
            };
            // A field is an end of one relation.
            let other = &mut self.types[target];
            let place = back.and_then(|name| other.place(&name));
            let back = place.and_then(|place| {
                let other = &mut other.attributes[place];
                match std::mem::replace(&mut other.kind, Kind::Other) {
                    Kind::Back => Some(other.name.clone()),
                    kind => {
                        other.kind = kind;
                        None
                    }
                }
            });
            let number = self.relate(owner, field, target, many, back, None);
            self.by_link.insert((owner, name.clone(), None), number);
        }
    }
}

impl Types for Mapping {
    fn uid(&self, model: usize) -> Option<&str> {
        self.types.get(model).map(|own| own.uid.as_str())
    }

    fn field(&self, model: usize, attribute: &str) -> Option<&str> {
        let field = self.types.get(model)?.field(attribute)?;
        matches!(field.kind, Kind::Value(_)).then_some(&field.name)
    }

    fn attribute(&self, model: usize, field: &str) -> Option<&str> {
        let own = self.types.get(model)?.attributes.iter();
        let found = own.filter(|it| matches!(it.kind, Kind::Value(_)));
        let mut found = found.filter(|it| it.name == field);
        found.next().map(|it| it.attribute.as_str())
    }

    fn is_fixed(&self, model: usize, field: &str) -> bool {
        let uid = self.uid(model).unwrap_or_default();
        self.system.is_fixed(uid, field)
    }

    /// What comes from an archive goes back as it came.
    fn taken<'v>(
        &self,
        model: usize,
        attribute: &str,
        value: &'v str,
        _: bool,
    ) -> Option<Cow<'v, str>> {
        let field = self.types.get(model)?.field(attribute);
        match field.map(|it| &it.kind) {
            Some(Kind::Value(form)) => self.system.own_value(form, value),
            _ => Some(value.into()),
        }
    }
}

/// The id of the node of a row or a component of a type with this tag.
pub fn node_id(tag: &str, id: i64, longest: usize) -> String {
    let plain = format!("{tag}_{id}");
    match plain.len() <= longest {
        true => plain,
        false => other_id(&plain, longest),
    }
}

/// An id that is as long as it may be, and no longer than a digest, of one that is longer or none.
pub fn other_id(of: &str, longest: usize) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(of.as_bytes());
    let hex = digest.iter().map(|byte| format!("{byte:02x}"));
    let mut id = String::from("x");
    id.extend(hex.take(longest.min(25) / 2));
    id
}

/// Who chooses a name first.
fn rank(schema: &Schema) -> u8 {
    match schema.model_type {
        _ if schema.uid == FILES => 0,
        ModelType::ContentType if schema.uid.starts_with("api::") => 1,
        ModelType::ContentType => 2,
        ModelType::Component => 3,
    }
}

/// What a type is called, the shortest first.
fn wanted_names(schema: &Schema) -> Vec<String> {
    let bare = schema.uid.rsplit("::").next().unwrap_or(&schema.uid);
    let (group, name) = bare.split_once('.').unwrap_or(("", bare));
    let (group, name) = (capitalised(group, ""), capitalised(name, "Type"));
    let long = format!("{group}{name}");
    match schema.model_type {
        ModelType::Component => vec![long],
        ModelType::ContentType => vec![name, long],
    }
}
