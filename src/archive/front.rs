//! What describes an archive: its metadata, its manifest, its schemas.

use super::item::Item;
use super::layout::{Entry, METADATA};
use super::lines::{each_line, malformed, read_text};
use super::manifest::Manifest;
use crate::error::{Error, Kind, Result};
use crate::model::limits::{LONGEST_SCHEMAS, LONGEST_TEXT, MOST_PARTS};
use crate::model::{Line, Metadata, Schema, Schemas, Stage};
use crate::transfer::{Description, Provenance};

/// What is known of an archive from what describes it.
pub(super) struct Described {
    pub description: Description,
    /// Where there is one.
    pub manifest: Option<Manifest>,
    /// What is wrong with it.
    pub faults: Vec<Error>,
}

/// What an archive of this program says of itself in its first kilobytes.
#[derive(Debug, Clone)]
pub struct Peek {
    /// The version of Strapi, and when the data was read.
    pub metadata: Metadata,
    /// How the data was read, where that is known.
    pub provenance: Option<Provenance>,
}

/// Collects what describes an archive.
#[derive(Default)]
pub(super) struct Front {
    metadata: Option<Metadata>,
    has_metadata: bool,
    pub manifest: Option<Manifest>,
    pub schemas: Schemas,
    /// What is wrong with it, as far as it can be described all the same.
    pub faults: Vec<Error>,
    /// The first schema that is none; all are told of when they are streamed.
    fault_of_schemas: Option<Error>,
    bytes_of_schemas: u64,
    parts_of_schemas: usize,
    /// Whether the entries so far are those that this program begins an archive with, in its order.
    pub is_ours: bool,
    /// Whether what is missing of it is a fault like others.
    makes_do: bool,
}

impl Front {
    /// One that may do without what is missing.
    pub fn making_do(makes_do: bool) -> Self {
        Self {
            makes_do,
            ..Self::default()
        }
    }

    /// Takes in an entry that describes the archive; gives whether it was one.
    pub fn take(&mut self, archive: &str, item: &mut Item<'_>) -> Result<bool> {
        self.is_ours = match (item.number, &item.entry) {
            (0, entry) => *entry == Entry::Metadata,
            (1, entry) => self.is_ours && *entry == Entry::Manifest,
            (_, Entry::Metadata | Entry::Manifest) => false,
            _ => self.is_ours,
        };
        match item.entry {
            Entry::Metadata => {
                self.has_metadata = true;
                let text = read_text(archive, &item.name, item.content, LONGEST_TEXT)?;
                match serde_json::from_str(&text) {
                    Ok(metadata) => self.metadata = Some(metadata),
                    Err(error) => self.faults.push(
                        Error::archive(format!(
                            "{archive}: {METADATA} does not tell the Strapi version: {error}"
                        ))
                        .hint("it is not a Strapi export, or it is damaged"),
                    ),
                }
            }
            Entry::Manifest => {
                let text = read_text(archive, &item.name, item.content, LONGEST_TEXT)?;
                match Manifest::parse(&text, archive) {
                    Ok(manifest) => self.manifest = Some(manifest),
                    Err(fault) if fault.kind() == Kind::Archive => self.faults.push(fault),
                    Err(error) => return Err(error),
                }
            }
            Entry::Lines(Stage::Schemas, _) => {
                let schemas = &mut self.schemas;
                let fault = &mut self.fault_of_schemas;
                let bytes = &mut self.bytes_of_schemas;
                let parts = &mut self.parts_of_schemas;
                let (stage, name) = (Stage::Schemas, &item.name);
                each_line(stage, archive, name, item.content, &mut |line, place| {
                    add_schema(bytes, line.as_deref().map_or(0, str::len), place)?;
                    match line.and_then(|line| Line::parse(Stage::Schemas, line)) {
                        Ok(Line::Schema(schema)) => {
                            add_parts(parts, &schema, place)?;
                            schemas.push(schema);
                        }
                        Ok(_) => {}
                        Err(why) => drop(fault.get_or_insert_with(|| malformed(place(), &why))),
                    }
                    Ok(())
                })?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes in a schema, from a line of this length.
    pub fn schema(
        &mut self,
        schema: &Schema,
        length: usize,
        place: &dyn Fn() -> String,
    ) -> Result<()> {
        add_schema(&mut self.bytes_of_schemas, length, place)?;
        add_parts(&mut self.parts_of_schemas, schema, place)?;
        self.schemas.push(schema.clone());
        Ok(())
    }

    /// What was collected of the first two entries, where they are right.
    pub fn peek(self) -> Option<Peek> {
        let manifest = self.manifest.filter(|_| self.is_ours)?;
        Some(Peek {
            metadata: self.metadata?,
            provenance: manifest.provenance(),
        })
    }

    /// What was collected. Unless it is `tolerant`, what is wrong with that ends it.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): the metadata or the schemas are missing.
    pub fn describe(mut self, archive: &str, tolerant: bool) -> Result<Described> {
        if !tolerant {
            let faults = std::mem::take(&mut self.faults).into_iter();
            if let Some(fault) = faults.chain(self.fault_of_schemas.take()).next() {
                return Err(fault);
            }
        }
        let hint = "it is not a Strapi export, or it was cut short";
        let mut missing = Vec::new();
        if !self.has_metadata {
            missing.push(Error::archive(format!("{archive} holds no {METADATA}")).hint(hint));
        }
        if self.schemas.is_empty() {
            missing.push(self.fault_of_schemas.unwrap_or_else(|| {
                Error::archive(format!("{archive} holds no schemas")).hint(hint)
            }));
        }
        for fault in missing {
            match self.makes_do {
                true => self.faults.push(fault),
                false => return Err(fault),
            }
        }
        let description = Description {
            metadata: self.metadata,
            schemas: Some(self.schemas),
            scope: self.manifest.as_ref().map(Manifest::scope),
            provenance: self.manifest.as_ref().and_then(Manifest::provenance),
            is_own_archive: self.manifest.is_some(),
        };
        Ok(Described {
            description,
            manifest: self.manifest,
            faults: self.faults,
        })
    }
}

/// Adds a line to the length of the schemas, all of which are held in memory.
fn add_schema(bytes: &mut u64, length: usize, place: &dyn Fn() -> String) -> Result<()> {
    *bytes += length as u64;
    if *bytes > LONGEST_SCHEMAS {
        let why = format!(
            "with it, schemas have more than the {LONGEST_SCHEMAS} bytes that they may have"
        );
        return Err(malformed(place(), &why));
    }
    Ok(())
}

/// Adds what a schema names to what all of them do.
fn add_parts(parts: &mut usize, schema: &Schema, place: &dyn Fn() -> String) -> Result<()> {
    *parts += schema.parts();
    if *parts > MOST_PARTS {
        let why = format!(
            "with it, schemas have more than the {MOST_PARTS} types, attributes and components of \
             dynamic zones that they may have"
        );
        return Err(malformed(place(), &why));
    }
    Ok(())
}
