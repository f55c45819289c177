//! What describes an archive: its metadata, its manifest, its schemas.

use super::item::Item;
use super::layout::{Entry, METADATA};
use super::lines::{each_line, malformed, read_text};
use super::manifest::Manifest;
use crate::error::{Error, Result};
use crate::model::{Metadata, Schema, Schemas, Stage};
use crate::transfer::Description;

/// Collects what describes an archive.
#[derive(Default)]
pub(super) struct Front {
    pub metadata: Option<Metadata>,
    pub manifest: Option<Manifest>,
    pub schemas: Schemas,
    /// Whether the entries so far are those that this program begins an archive with, in its order.
    pub is_ours: bool,
}

impl Front {
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
                let text = read_text(archive, &item.name, item.content)?;
                self.metadata = Some(serde_json::from_str(&text).map_err(|error| {
                    Error::archive(format!(
                        "{archive}: {METADATA} does not tell the Strapi version: {error}"
                    ))
                    .hint("it is not a Strapi export, or it is damaged")
                })?);
            }
            Entry::Manifest => {
                let text = read_text(archive, &item.name, item.content)?;
                self.manifest = Some(Manifest::parse(&text, archive)?);
            }
            Entry::Lines(Stage::Schemas, _) => {
                let schemas = &mut self.schemas;
                each_line(archive, &item.name, item.content, &mut |line, place| {
                    let json = serde_json::from_str(line)
                        .map_err(|error| malformed(place(), &error.to_string()))?;
                    let schema = Schema::from_json(&json);
                    schemas.push(schema.map_err(|why| malformed(place(), &why))?);
                    Ok(())
                })?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The description that was collected, and the manifest, where there is one.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): the metadata or the schemas are missing.
    pub fn describe(self, archive: &str) -> Result<(Description, Option<Manifest>)> {
        let hint = "it is not a Strapi export, or it was cut short";
        if self.metadata.is_none() {
            return Err(Error::archive(format!("{archive} holds no {METADATA}")).hint(hint));
        }
        if self.schemas.is_empty() {
            return Err(Error::archive(format!("{archive} holds no schemas")).hint(hint));
        }
        let description = Description {
            metadata: self.metadata,
            schemas: Some(self.schemas),
            scope: self.manifest.as_ref().map(Manifest::scope),
            provenance: self.manifest.as_ref().and_then(Manifest::provenance),
        };
        Ok((description, self.manifest))
    }
}
