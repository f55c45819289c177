//! Rows on their way to the witness, with their components, and where the files of the media library are served.

use super::canonical;
use super::media::without_urls;
use super::witness::{Record, Sort, Witness};
use crate::error::{Error, Result};
use crate::model::{Component, Entity, Fields, Misfit, Schema, Schemas, Visitor, walk};
use crate::transfer::UPLOAD_TYPES;
use std::fmt::Write as _;
use std::sync::Arc;

/// A row passes, with its components.
///
/// # Errors
/// It cannot be written down.
pub(super) fn pass(witness: &mut Witness, entity: &Entity<'_>) -> Result<()> {
    let name = format!("{} {}", entity.content_type, entity.id);
    let Ok(fields) = Fields::parse(entity.data) else {
        return witness.plain(Sort::Row, &name, entity.data);
    };
    let schemas = Arc::clone(&witness.schemas);
    row(witness, &schemas, entity, &name, &fields)
}

fn row(
    witness: &mut Witness,
    schemas: &Schemas,
    entity: &Entity<'_>,
    name: &str,
    fields: &Fields<'_>,
) -> Result<()> {
    let (Some(model), Some(schema)) = (
        witness.models.get(entity.content_type),
        schemas.get(entity.content_type),
    ) else {
        return witness.plain(Sort::Row, name, entity.data);
    };
    let is_file = entity.content_type == UPLOAD_TYPES[0];
    let row = match is_file {
        true => canonical::row(model, schema, fields, &without_urls),
        false => canonical::row(model, schema, fields, &|_, _| None),
    };
    witness.judge(name, &row);
    witness.write(&Record {
        sort: Sort::Row,
        name,
        own: 0,
        digest: row.digest,
        parts: row.parts,
        detail: "",
    })?;
    if is_file {
        urls(witness, name, fields)?;
    }
    walk(
        schemas,
        schema,
        fields,
        1,
        &mut Components::new(witness, name),
    )
}

/// Where the files of a row of the media library are served.
fn urls(witness: &mut Witness, row: &str, fields: &Fields<'_>) -> Result<()> {
    let provider = fields.text("provider").unwrap_or_default();
    let mut url = |name: &str, file: &Fields<'_>| {
        let Some(url) = file.text("url") else {
            return Ok(());
        };
        let detail = format!("{provider} {url}");
        witness.record(Sort::Url, name, &detail, &detail)
    };
    url(row, fields)?;
    let formats = fields.get("formats").map(Fields::parse_with_any_names);
    for (name, format) in formats.into_iter().flatten().flat_map(|formats| formats.0) {
        if let Ok(format) = Fields::parse_with_any_names(format) {
            url(&format!("{row}, format {name}"), &format)?;
        }
    }
    Ok(())
}

/// Writes the components of a row down. The walk goes down before it goes on, so one path is all that is kept.
struct Components<'a> {
    witness: &'a mut Witness,
    path: String,
    /// How long the path is at each level.
    lengths: Vec<usize>,
}

impl<'a> Components<'a> {
    /// Of a row of this name.
    fn new(witness: &'a mut Witness, name: &str) -> Self {
        Self {
            witness,
            path: name.to_owned(),
            lengths: vec![name.len()],
        }
    }

    /// Goes to a place below the owner at this level.
    fn go_to(&mut self, level: usize, attribute: &str, position: Option<usize>) {
        self.lengths.truncate(level);
        self.path.truncate(self.lengths[level - 1]);
        self.path.push('.');
        self.path.push_str(attribute);
        if let Some(position) = position {
            let _ = write!(self.path, "[{position}]");
        }
        self.lengths.push(self.path.len());
    }
}

impl Visitor for Components<'_> {
    /// The level, from 1.
    type Owner = usize;
    type Error = Error;

    fn component(
        &mut self,
        (_, level): (&Schema, usize),
        component: &Component<'_, '_>,
    ) -> Result<Option<usize>> {
        let schema = component.schema;
        self.go_to(level, component.attribute, component.position);
        let Some(model) = self.witness.models.get(&schema.uid) else {
            return Ok(None);
        };
        let fields = component.fields;
        let row = canonical::row(model, schema, fields, &|_, _| None);
        self.witness.judge(&self.path, &row);
        let id = fields.get("id").and_then(|id| id.parse().ok());
        self.witness.write(&Record {
            sort: Sort::Component,
            name: &self.path,
            own: id.unwrap_or_default(),
            digest: row.digest,
            parts: row.parts,
            detail: &schema.uid,
        })?;
        Ok(Some(level + 1))
    }

    fn go_on(&mut self) -> Result<()> {
        Ok(())
    }

    fn misfit(&mut self, _owner: &Schema, attribute: &str, misfit: Misfit<'_>) -> Result<()> {
        let name = format!("{}, {attribute}", self.path);
        self.witness
            .plain(Sort::Component, &name, &misfit.to_string())
    }
}
