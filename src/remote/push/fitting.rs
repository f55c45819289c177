//! Rows cut down to what a running Strapi takes: without the attributes and components that its schemas do
//! not know, and at which it would end the push.

use crate::error::{Error, Result};
use crate::model::limits::DEEPEST;
use crate::model::{Attribute, Fields, Schema, Schemas, elements, json};
use crate::store::Interrupt;

/// How a row is to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// As it is.
    None,
    /// As this line.
    Other(String),
    /// Not at all.
    Gone,
}

/// Whether a member of a row or component stands in no schema, and belongs there.
pub(super) fn is_implied(name: &str) -> bool {
    matches!(name, "id" | "documentId" | "__component")
}

/// Whether a member may be sent, components in it aside.
///
/// Relations and media are links, and among the data of a row the server refuses some of them, empty ones
/// too; of what its schemas do not know it refuses what has the name of a relation's column. A list of
/// components may be empty, and not absent.
pub(super) fn may_stay(attribute: Option<&Attribute>, value: &str) -> bool {
    match attribute {
        None | Some(Attribute::Relation(_) | Attribute::Media) => false,
        Some(Attribute::Component { repeatable, .. }) => value != "null" || !repeatable,
        Some(Attribute::DynamicZone { .. }) => value != "null",
        Some(Attribute::Scalar(_) | Attribute::Unknown(_)) => true,
    }
}

/// The data of a row as the server takes it.
///
/// # Errors
/// The user wants the run to stop.
pub(super) fn fitted(
    schemas: &Schemas,
    schema: &Schema,
    fields: &Fields<'_>,
    interrupt: &Interrupt,
) -> Result<String> {
    let fit = Fit { schemas, interrupt };
    fit.object(schema, fields, DEEPEST)
}

/// The line of a row with other data.
pub(super) fn line(uid: &str, id: i64, data: &str) -> String {
    let mut line = String::with_capacity(data.len() + uid.len() + 48);
    line.push_str("{\"type\":");
    json::write_string(&mut line, uid);
    line.push_str(",\"id\":");
    json::write_i64(&mut line, id);
    line.push_str(",\"data\":");
    line.push_str(data);
    line.push('}');
    line
}

/// A line of an archive without members that it should not have, which a server would hear of; `None` where it has
/// none.
pub(super) fn bare(line: &str, names: &[&str]) -> Option<String> {
    let fields = Fields::parse(line).ok()?;
    let (mut kept, has_more) = own(fields, names);
    let mut is_changed = has_more;
    let mut ends = Vec::new();
    for (place, (name, end)) in kept.0.iter().enumerate() {
        if matches!(&**name, "left" | "right")
            && let Ok(end) = Fields::parse(end)
        {
            let (end, has_more) = own(end, &["type", "ref", "field", "pos"]);
            is_changed |= has_more;
            ends.push((place, end.with(&|_, _| None)));
        }
    }
    for (place, end) in &ends {
        kept.0[*place].1 = end;
    }
    is_changed.then(|| kept.with(&|_, _| None))
}

/// The members of these names, and whether there are others.
fn own<'a>(mut fields: Fields<'a>, names: &[&str]) -> (Fields<'a>, bool) {
    let count = fields.0.len();
    fields.0.retain(|(name, _)| names.contains(&&**name));
    let has_more = fields.0.len() < count;
    (fields, has_more)
}

struct Fit<'a> {
    schemas: &'a Schemas,
    interrupt: &'a Interrupt,
}

impl Fit<'_> {
    fn object(&self, schema: &Schema, fields: &Fields<'_>, levels: usize) -> Result<String> {
        self.interrupt.stop()?;
        let mut out = String::from('{');
        let mut attributes = schema.in_order();
        for (name, value) in &fields.0 {
            let kept = match attributes.attribute(name) {
                _ if is_implied(name) => Some((*value).to_owned()),
                attribute if !may_stay(attribute, value) => None,
                Some(Attribute::Component {
                    component,
                    repeatable,
                }) => self.components(value, *repeatable, Ok(component), levels)?,
                Some(Attribute::DynamicZone { components }) => {
                    self.components(value, true, Err(components), levels)?
                }
                _ => Some((*value).to_owned()),
            };
            if let Some(value) = kept {
                if out.len() > 1 {
                    out.push(',');
                }
                json::write_string(&mut out, name);
                out.push(':');
                out.push_str(&value);
            }
        }
        out.push('}');
        Ok(out)
    }

    /// The value of an attribute that holds components: of this type, or of one of these. `None` where it
    /// does not have the shape of one.
    fn components(
        &self,
        value: &str,
        is_list: bool,
        zone: Result<&String, &Vec<String>>,
        levels: usize,
    ) -> Result<Option<String>> {
        if value == "null" {
            return Ok(Some(value.to_owned()));
        }
        if is_list != value.starts_with('[') {
            return Ok(None);
        }
        if !is_list {
            return self.component(value, zone, levels);
        }
        let Ok(items) = elements(value) else {
            return Ok(None);
        };
        let mut out = String::from('[');
        for item in items {
            if let Some(item) = self.component(item, zone, levels)? {
                if out.len() > 1 {
                    out.push(',');
                }
                out.push_str(&item);
            }
        }
        out.push(']');
        Ok(Some(out))
    }

    /// A component as the server takes it; `None` where it takes none like that.
    fn component(
        &self,
        item: &str,
        zone: Result<&String, &Vec<String>>,
        levels: usize,
    ) -> Result<Option<String>> {
        let Ok(fields) = Fields::parse(item) else {
            return Ok(None);
        };
        let uid = match zone {
            Ok(uid) => Some(uid.clone()),
            Err(taken) => fields
                .text("__component")
                .filter(|uid| taken.binary_search(uid).is_ok()),
        };
        let schema = uid.and_then(|uid| self.schemas.get(&uid));
        match schema {
            Some(schema) if levels > 0 => self.object(schema, &fields, levels - 1).map(Some),
            Some(_) => Err(Error::archive(format!(
                "components are nested deeper than {DEEPEST} levels"
            ))),
            None => Ok(None),
        }
    }
}
