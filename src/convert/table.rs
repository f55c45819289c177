//! What the notes say beside rows, links and files: what all of it comes from, and what the numbers in them mean.

use super::edges::key;
use super::forms::Forms;
use super::joined::node_key;
use super::links::with_places;
use super::mapping::node_id;
use super::notes::{End, Head, LinkForm, Note, Reader, RelationNote, TypeNote};
use super::rows::{Rows, Types};
use super::system::System;
use super::trees::{Shapes, Tree};
use crate::error::Result;
use crate::model::limits::{LONGEST_SCHEMAS, MOST_PARTS};
use crate::model::{Schema, Schemas, Stage};
use crate::store::Interrupt;
use crate::transfer::Provenance;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What the notes say beside rows, links and files.
pub struct Table {
    /// What the data come from.
    pub system: &'static dyn System,
    /// What all of it comes from.
    pub head: Head,
    /// What was known at the end.
    pub end: End,
    /// The digest of all of it.
    pub digest: String,
    /// The schemas.
    pub schemas: Schemas,
    /// The lists of members.
    pub shapes: Shapes,
    /// How much there is of each stage.
    pub items: BTreeMap<Stage, u64>,
    types: Vec<TypeNote>,
    /// The numbers of types by their names.
    by_name: HashMap<String, usize>,
    /// The attributes of the fields of each type.
    attributes: Vec<HashMap<String, String>>,
    /// Which values the attributes of the types take.
    values: Vec<Forms>,
    relations: Vec<RelationNote>,
    forms: Vec<LinkForm>,
    /// The relations of the fields of types, and whether these own them.
    fields: HashMap<(String, String), (usize, bool)>,
    /// The relations that lead to components: by owner, attribute and type of these.
    held: HashMap<(usize, String, usize), usize>,
}

/// An end of a pair.
#[derive(Debug, Clone, Copy)]
pub struct PairEnd<'a> {
    /// The name of the type.
    pub type_name: &'a str,
    /// The id of the node.
    pub id: &'a str,
    /// The field, where one leads to the other end.
    pub field: Option<&'a str>,
}

/// What a pair stands for.
pub enum Pair {
    /// A link.
    Link {
        /// What it is known by.
        key: Vec<u8>,
        /// Whether the first of the ends whose field is known owns it.
        is_owner: bool,
    },
    /// A component: its node, and what it is held by.
    Held {
        /// What its node is known by.
        node: Vec<u8>,
        /// The relation and the node that holds it.
        holder: Vec<u8>,
    },
}

impl Table {
    /// Reads it out of the notes in this file.
    ///
    /// # Errors
    /// It cannot be read, holds none, or they are not as they were written.
    pub fn read(path: &Path, system: &'static dyn System, interrupt: &Interrupt) -> Result<Self> {
        let mut reader = Reader::open(path)?;
        let mut table = Self {
            system,
            head: reader.head()?,
            end: End::default(),
            digest: String::new(),
            schemas: Schemas::default(),
            shapes: Shapes::default(),
            items: BTreeMap::new(),
            types: Vec::new(),
            by_name: HashMap::new(),
            attributes: Vec::new(),
            values: Vec::new(),
            relations: Vec::new(),
            forms: Vec::new(),
            fields: HashMap::new(),
            held: HashMap::new(),
        };
        let (mut parts, mut bytes) = (0, 0);
        while let Some(note) = reader.read()? {
            interrupt.stop()?;
            let stage = match table.take(note).map_err(|why| reader.fault(&why))? {
                Taken::Part(size) => {
                    (parts, bytes) = (parts + 1, bytes + size);
                    if parts > MOST_PARTS || bytes as u64 > LONGEST_SCHEMAS {
                        return Err(reader.fault("there are more schemas than an archive may have"));
                    }
                    continue;
                }
                Taken::Item(stage) => stage,
            };
            *table.items.entry(stage).or_default() += 1;
        }
        if let Some((end, digest)) = reader.end() {
            (table.end, table.digest) = (end, digest);
        }
        table
            .items
            .insert(Stage::Schemas, table.schemas.len() as u64);
        let schemas = table.types.iter().map(|own| table.schemas.get(&own.uid));
        table.values = schemas.map(|schema| Forms::of(schema, system)).collect();
        Ok(table)
    }

    fn take(&mut self, note: Note) -> Result<Taken, String> {
        let mut size = 0;
        match note {
            Note::Head(_) => return Err("it says twice what it comes from".into()),
            Note::End(_) => return Err("it is no end".into()),
            Note::Schema(schema) => {
                size = schema.get().len();
                self.schemas.push(Schema::parse(schema.get())?);
            }
            Note::Type(note) => {
                // Of several with one name it is the first.
                let number = self.types.len();
                self.by_name.entry(note.name.clone()).or_insert(number);
                let mut attributes = HashMap::new();
                for (attribute, field) in &note.fields {
                    let first = attributes.entry(field.clone());
                    first.or_insert_with(|| attribute.clone());
                }
                self.attributes.push(attributes);
                self.types.push(note);
            }
            Note::Relation(note) => {
                let number = self.relations.len();
                let names = [note.owner, note.target].map(|it| self.types.get(it));
                let [Some(owner), Some(target)] = names else {
                    return Err("it is of a type that is not known".into());
                };
                let own = (owner.name.clone(), note.field.clone());
                self.fields.insert(own, (number, true));
                if let Some(back) = &note.back {
                    let back = (target.name.clone(), back.clone());
                    self.fields.entry(back).or_insert((number, false));
                }
                if let Some(attribute) = &note.components {
                    let key = (note.owner, attribute.clone(), note.target);
                    self.held.insert(key, number);
                }
                self.relations.push(note);
            }
            Note::Shape(names) => {
                size = names.iter().map(String::len).sum();
                self.shapes.push(names);
            }
            Note::Form(form) => {
                size = form.pieces.iter().map(String::len).sum();
                if form.relation >= self.relations.len() {
                    return Err("it is of a relation that is not known".into());
                }
                self.forms.push(form);
            }
            Note::Row(_) => return Ok(Taken::Item(Stage::Entities)),
            Note::File(_) => return Ok(Taken::Item(Stage::Assets)),
            Note::Link(..) | Note::Line(_) => return Ok(Taken::Item(Stage::Links)),
            Note::Configuration(_) => return Ok(Taken::Item(Stage::Configuration)),
        }
        Ok(Taken::Part(size))
    }

    /// What makes rows of nodes.
    pub fn rows(&self) -> Rows<'_> {
        Rows {
            types: self,
            shapes: &self.shapes,
        }
    }

    /// How the data were read: this program holds what it reads at one moment to have no links to nothing.
    pub fn provenance(&self) -> Option<Provenance> {
        (self.end.orphans > 0).then_some(Provenance {
            time_zone: None,
            database: None,
            is_consistent: false,
        })
    }

    /// The uid of the type of this name.
    pub fn uid_of(&self, type_name: &str) -> Option<&str> {
        self.uid(*self.by_name.get(type_name)?)
    }

    /// The name of a type.
    pub fn type_name(&self, model: usize) -> Option<&str> {
        self.types.get(model).map(|it| it.name.as_str())
    }

    /// What a [`key`] of a pair, or of a holder, says: the type and field of the owner, and the ids of both ends.
    pub fn ends<'k>(&self, key: &'k [u8]) -> Option<(&str, &str, &'k str, &'k str)> {
        let (number, ends) = key.split_first_chunk::<8>()?;
        let relation = self.relations.get(u64::from_be_bytes(*number) as usize)?;
        let (owner, target) = std::str::from_utf8(ends).ok()?.split_once('\0')?;
        let type_name = self.type_name(relation.owner)?;
        Some((type_name, &relation.field, owner, target))
    }

    /// The line of a link, and what its pair is known by.
    pub fn link(&self, form: usize, gaps: &[Box<RawValue>]) -> Option<(String, Vec<u8>)> {
        let form = self.forms.get(form)?;
        let relation = self.relations.get(form.relation)?;
        let id = |model: usize, gap: usize| {
            let id = gaps.get(gap)?.get().parse().ok()?;
            let tag = &self.types.get(model)?.tag;
            Some(node_id(tag, id, self.system.longest_id()))
        };
        let ends = (
            id(relation.owner, form.owner)?,
            id(relation.target, form.target)?,
        );
        Some((form.line(gaps)?, key(form.relation, &ends.0, &ends.1)))
    }

    /// The line of a link of this form, with places that the data say; and whether it says them.
    pub fn with_places(
        &self,
        form: usize,
        line: String,
        places: [Option<f64>; 2],
    ) -> (String, bool) {
        match self.forms.get(form) {
            Some(form) => with_places(line, form.owner, places),
            None => (line, true),
        }
    }

    /// What a component in an attribute of a node is held by.
    pub fn holder(&self, owner: &Tree, attribute: &str, model: usize) -> Option<Vec<u8>> {
        let key = (owner.model, attribute.to_owned(), model);
        let number = self.held.get(&key)?;
        Some(key_of(*number, &owner.node))
    }

    /// What a pair stands for; `None` where the notes do not know its relation.
    pub fn pair(&self, ends: &[PairEnd<'_>; 2]) -> Option<Pair> {
        let found = ends.iter().enumerate().find_map(|(place, end)| {
            let key = (end.type_name.to_owned(), end.field?.to_owned());
            Some((place, *self.fields.get(&key)?))
        });
        let (place, (number, is_owner)) = found?;
        let note = &self.relations[number];
        let owner = &ends[if is_owner { place } else { 1 - place }];
        let target = &ends[if is_owner { 1 - place } else { place }];
        let fits = self.type_name(note.owner) == Some(owner.type_name)
            && self.type_name(note.target) == Some(target.type_name);
        fits.then(|| match note.components {
            None => Pair::Link {
                key: key(number, owner.id, target.id),
                is_owner,
            },
            Some(_) => Pair::Held {
                node: node_key(target.type_name, target.id),
                holder: key_of(number, owner.id),
            },
        })
    }
}

/// What holds components: a relation, and the node that owns it.
fn key_of(relation: usize, owner: &str) -> Vec<u8> {
    key(relation, owner, "")
}

/// What a note is.
enum Taken {
    /// What others mean, of so many bytes.
    Part(usize),
    /// One of a stage.
    Item(Stage),
}

impl Types for Table {
    fn uid(&self, model: usize) -> Option<&str> {
        self.types.get(model).map(|it| it.uid.as_str())
    }

    fn field(&self, model: usize, attribute: &str) -> Option<&str> {
        let own = self.types.get(model)?;
        own.fields.get(attribute).map(String::as_str)
    }

    fn attribute(&self, model: usize, field: &str) -> Option<&str> {
        let own = self.attributes.get(model)?.get(field)?;
        Some(own.as_str())
    }

    fn is_fixed(&self, model: usize, field: &str) -> bool {
        let uid = self.uid(model).unwrap_or_default();
        self.system.is_fixed(uid, field)
    }

    fn taken<'v>(
        &self,
        model: usize,
        attribute: &str,
        value: &'v str,
        odd: bool,
    ) -> Option<Cow<'v, str>> {
        match self.values.get(model) {
            Some(forms) => forms.taken(attribute, value, odd),
            None => Some(value.into()),
        }
    }
}
