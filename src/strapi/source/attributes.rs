//! Rows as members of JSON objects.

use crate::database::Row;
use crate::error::Result;
use crate::model::json;
use crate::model::limits::{DEEPEST, is_too_deep};
use crate::strapi::tables::ColumnMapping;
use crate::transfer::{Examples, Sink, Subject, WarningKind};
use std::collections::BTreeMap;

/// Attributes whose JSON is nested too deep for an archive, by type and attribute.
#[derive(Default)]
pub(super) struct TooDeep(BTreeMap<(String, String), Examples>);

impl TooDeep {
    /// Adds an attribute of a row.
    pub fn add(&mut self, uid: &str, attribute: &str, id: i64) {
        let key = (uid.to_owned(), attribute.to_owned());
        self.0.entry(key).or_default().add(|| {
            format!(
                "row {id}: its JSON is nested deeper than {DEEPEST} levels, and null stands for it"
            )
        });
    }

    /// Tells of them.
    pub fn tell(&mut self, sink: &mut dyn Sink) {
        for ((uid, attribute), examples) in std::mem::take(&mut self.0) {
            let subject = Subject::Attribute { uid, attribute };
            if let Some(warning) = examples.warning(WarningKind::Unreadable, subject) {
                sink.warn(warning);
            }
        }
    }
}

/// Appends `"name":value` for each attribute column of a row; `first` is the first one's column. Where
/// JSON is nested deeper than an archive may hold, `null` stands for it, and `too_deep` hears of it.
pub(super) fn write_attributes(
    out: &mut Vec<u8>,
    columns: &[ColumnMapping],
    row: &dyn Row,
    first: usize,
    too_deep: &mut dyn FnMut(&str),
) -> Result<()> {
    for (index, column) in columns.iter().enumerate() {
        write_name(out, &column.attribute);
        let value = row
            .value(first + index)
            .map_err(|error| error.within(format!("attribute `{}`", column.attribute)))?;
        let start = out.len();
        column.write(out, &value);
        if is_too_deep(&out[start..]) {
            out.truncate(start);
            out.extend_from_slice(b"null");
            too_deep(&column.attribute);
        }
    }
    Ok(())
}

/// Appends `"name":`, after a comma where something stands before it in the object.
pub(super) fn write_name(out: &mut Vec<u8>, name: &str) {
    if !matches!(out.last(), Some(b'{' | b'[') | None) {
        out.push(b',');
    }
    json::write_string(out, name);
    out.push(b':');
}
