//! Rows as members of JSON objects.

use crate::database::Row;
use crate::error::Result;
use crate::model::json;
use crate::model::limits::is_too_deep;
use crate::strapi::tables::Model;
use crate::strapi::values::Kept;
use crate::transfer::{Examples, Sink, Subject, WarningKind};
use std::collections::BTreeMap;
use std::fmt::Display;

/// Values that are in the archive in another form or not at all, by type and attribute.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<(String, String), [Examples; 2]>);

impl Tally {
    /// Counts what became of a value.
    pub fn add(&mut self, uid: &str, attribute: &str, id: &dyn Display, kept: Kept) {
        if kept == Kept::Whole {
            return;
        }
        let key = (uid.to_owned(), attribute.to_owned());
        let [lost, foreign] = self.0.entry(key).or_default();
        match kept {
            Kept::Whole => {}
            Kept::Foreign => foreign.add(|| id.to_string()),
            Kept::Changed(why) => lost.add(|| format!("{id} (changed: {why})")),
            Kept::Empty(why) => lost.add(|| format!("{id} (left out: {why})")),
        }
    }

    /// Tells of all of them. `subject` says what a type and an attribute are.
    pub fn tell(self, subject: impl Fn(String, String) -> Subject, sink: &mut dyn Sink) {
        for ((uid, attribute), [lost, foreign]) in self.0 {
            let subject = subject(uid, attribute);
            let lost = lost.warning(WarningKind::NotKept, subject.clone());
            let foreign = foreign.of_foreign_values(subject);
            lost.into_iter().chain(foreign).for_each(|it| sink.warn(it));
        }
    }
}

/// Appends `"name":value` for each attribute column of row `id`, which stand behind its id.
pub(super) fn write_attributes(
    out: &mut String,
    model: &Model,
    id: i64,
    row: &dyn Row,
    tally: &mut Tally,
) -> Result<()> {
    for (index, column) in model.columns.iter().enumerate() {
        separate(out);
        out.push_str(&column.member);
        let value = row
            .value(1 + index)
            .map_err(|error| error.within(format!("attribute `{}`", column.attribute)))?;
        let start = out.len();
        let mut kept = column.write(out, &value);
        if is_too_deep(&out.as_bytes()[start..]) {
            out.truncate(start);
            out.push_str("null");
            kept = Kept::Empty("nested deeper than 512 levels");
        }
        if kept != Kept::Whole {
            tally.add(&model.uid, &column.attribute, &id, kept);
        }
    }
    Ok(())
}

/// Appends `"name":`, after a comma where something stands before it in the object.
pub(super) fn write_name(out: &mut String, name: &str) {
    separate(out);
    json::write_string(out, name);
    out.push(':');
}

/// Appends a comma where something stands before it in the object.
fn separate(out: &mut String) {
    if !matches!(out.as_bytes().last(), Some(b'{' | b'[') | None) {
        out.push(',');
    }
}
