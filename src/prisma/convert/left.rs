//! What of the data has no place in the archive that its notes are of, what does not come back, and how that is told.

use super::joined::Strays;
use super::table::Table;
use crate::convert::rows::{Types, Untaken};
use crate::model::{Entity, Stage};
use crate::transfer::{Sink, Subject, Warning, WarningKind};
use serde_json::Value;
use std::collections::BTreeMap;

/// How many fields with values that have no place are told apart.
const MOST_VALUES: usize = 1000;

/// What has no place.
#[derive(Default)]
pub struct Lost {
    /// Nodes and lists: how many, by type.
    pub types: BTreeMap<String, u64>,
    /// Links.
    pub links: u64,
    /// Components.
    pub strays: Strays,
}

/// What does not come back because nodes are not there any more.
#[derive(Default)]
pub struct Left {
    /// Rows.
    pub rows: u64,
    /// Files of the media library.
    pub files: u64,
    /// Links.
    pub links: u64,
    /// Values that the notes have no place for, by type and field.
    values: BTreeMap<(usize, String), u64>,
}

impl Left {
    /// Takes values that a row has no place for.
    pub fn take(&mut self, untaken: Untaken) {
        for of in untaken {
            if self.values.len() < MOST_VALUES || self.values.contains_key(&of) {
                *self.values.entry(of).or_default() += 1;
            }
        }
    }
}

/// Whether two lines of a row say the same, however they are written.
pub fn is_same(one: &str, other: &str) -> bool {
    let data = |line: &str| {
        let parsed = Entity::parse(line).ok()?;
        let mut data = serde_json::from_str(parsed.entity().data).ok()?;
        as_floats(&mut data);
        Some(data)
    };
    let (one, other): (Option<Value>, Option<Value>) = (data(one), data(other));
    // What is too deep for this is taken as it was noted.
    one.is_none() || other.is_none() || one == other
}

/// Makes one of numbers that are the same: a service does not keep how they are written.
fn as_floats(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64() {
                *value = Value::from(float);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(as_floats),
        Value::Object(map) => map.values_mut().for_each(as_floats),
        _ => {}
    }
}

/// Says what has no place in the archive.
pub fn tell(table: &Table, lost: &Lost, left: &Left, sink: &mut dyn Sink) {
    const WHY: &str = "strapi.json does not know it: it came after the conversion; --no-notes takes all nodes, into new \
         content types";
    for (type_name, count) in &lost.types {
        let subject = Subject::ContentType(type_name.clone());
        let mut warning = Warning::new(WarningKind::Lost, subject, WHY);
        warning.count = *count;
        sink.warn(warning);
    }
    for ((model, field), count) in &left.values {
        let subject = Subject::Attribute {
            uid: table.uid(*model).unwrap_or_default().to_owned(),
            attribute: field.clone(),
        };
        sink.warn(Warning::new(WarningKind::Lost, subject, WHY).times(*count));
    }
    for (kind, count, stage, why) in [
        (WarningKind::Lost, lost.links, Stage::Links, WHY),
        (
            WarningKind::Lost,
            lost.strays.moved,
            Stage::Entities,
            "components that another node holds by now, or another attribute, have no place in",
        ),
        (
            WarningKind::Notice,
            lost.strays.gone,
            Stage::Entities,
            "components are gone: no relation leads to them any more",
        ),
        (
            WarningKind::Notice,
            left.rows,
            Stage::Entities,
            "rows are gone: their nodes are not there any more",
        ),
        (
            WarningKind::Notice,
            left.files,
            Stage::Assets,
            "files are gone: their nodes are not there any more",
        ),
        (
            WarningKind::Notice,
            left.links,
            Stage::Links,
            "links are gone: they join rows or components whose nodes are not there any more",
        ),
    ] {
        if count > 0 {
            let why = match kind {
                WarningKind::Notice => format!("{count} {why}"),
                _ => why.to_owned(),
            };
            let mut warning = Warning::new(kind, Subject::Stage(stage), why);
            warning.count = count;
            sink.warn(warning);
        }
    }
}
