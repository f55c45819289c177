//! Content in Prisma's form, as it is written: NDF, and its data model.

use super::datamodel::datamodel;
use super::layout::{DATA, DATAMODEL};
use super::system::PRISMA;
use crate::convert::destination::{FolderDestination, Output, Rest, Target};
use crate::convert::edges::Edge;
use crate::convert::mapping::Mapping;
use crate::convert::notes::naming_line;
use crate::convert::system::System;
use crate::error::{Error, Result};
use crate::prisma::ndf::{Form, ValueType, Writer};
use crate::store::Hidden;
use std::io::Write;
use std::path::Path;

/// A folder that content in Prisma's form is written into, which will be called `path`; the data in it is of this form.
///
/// # Errors
/// The folder holds something, or cannot be made.
pub fn ndf_destination(path: &Path, form: Form) -> Result<FolderDestination> {
    FolderDestination::new(path, Box::new(Ndf(form)))
}

/// Data in this form.
struct Ndf(Form);

impl Target for Ndf {
    fn system(&self) -> &'static dyn System {
        &PRISMA
    }

    fn begin(&self, hidden: &Hidden, _mapping: &Mapping) -> Result<Box<dyn Output>> {
        let name = match self.0 {
            Form::Zip => format!("{DATA}.zip"),
            Form::Dir => DATA.to_owned(),
        };
        let data = hidden.folder().path().join(name);
        Ok(Box::new(NdfOutput(Writer::create(&data, self.0, false)?)))
    }
}

struct NdfOutput(Writer);

impl Output for NdfOutput {
    fn node(&mut self, _mapping: &Mapping, _model: usize, node: &str) -> Result<()> {
        self.0.push(ValueType::Nodes, node)
    }

    fn finish(self: Box<Self>, rest: Rest<'_>) -> Result<()> {
        let Rest {
            path,
            hidden,
            mapping,
            edges,
            notes,
        } = rest;
        let mut writer = self.0;
        let mut pair = String::new();
        edges.finish(mapping, &mut |mapping, edge| {
            pair.clear();
            print(mapping, edge, &mut pair);
            writer.push(ValueType::Relations, &pair)
        })?;
        writer.finish()?;
        let text = datamodel(mapping).to_string() + &naming_line(notes);
        let written = hidden.create(DATAMODEL).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| Error::io("write", &path.join(DATAMODEL), error))
    }
}

/// Appends a pair, as JSON.
fn print(mapping: &Mapping, edge: &Edge<'_>, out: &mut String) {
    let note = &mapping.relations[edge.relation].note;
    let names = [note.owner, note.target].map(|model| mapping.types[model].name.as_str());
    let ends = [
        (names[0], edge.owner, Some(note.field.as_str())),
        (names[1], edge.target, note.back.as_deref()),
    ];
    for (end, (name, id, field)) in ends.into_iter().enumerate() {
        out.push_str(if end == 0 { "[" } else { "," });
        out.push_str(&format!("{{\"_typeName\":\"{name}\",\"id\":\"{id}\""));
        if let Some(field) = field {
            out.push_str(&format!(",\"fieldName\":\"{field}\""));
        }
        out.push('}');
    }
    out.push(']');
}
