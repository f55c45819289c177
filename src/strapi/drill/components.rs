//! The components of a row, on their way to the witness.

use super::canonical;
use super::witness::{Record, Sort, Witness};
use crate::error::{Error, Result};
use crate::model::{Component, Misfit, Schema, Visitor};
use std::fmt::Write as _;

/// Writes the components of a row down. The walk goes down before it goes on, so one path is all that is kept.
pub(super) struct Components<'a> {
    witness: &'a mut Witness,
    path: String,
    /// How long the path is at each level.
    lengths: Vec<usize>,
}

impl<'a> Components<'a> {
    /// Of a row of this name.
    pub fn new(witness: &'a mut Witness, name: &str) -> Self {
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
