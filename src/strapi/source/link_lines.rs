//! The lines of links: which members an end has, and in which order.

use super::left_out::{LeftOut, Omitted};
use crate::database::Value;
use crate::error::Result;
use crate::model::limits::LONGEST_NAME;
use crate::model::{IdSet, Link, LinkEnd, LinkRef, is_component, json};
use crate::strapi::models::Models;
use crate::strapi::relations::StoredRelation;
use crate::strapi::tables::Model;
use crate::transfer::{Examples, Sink, Subject, WarningKind};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Which links are left out, and whether that is told.
pub(super) struct Sent<'a> {
    pub models: &'a Models,
    /// Rows that were sent, by the place of their model: components with their owners.
    pub rows: &'a [IdSet],
    /// Rows of content types that are there and were not sent.
    pub too_long: &'a BTreeMap<String, IdSet>,
    /// Whether owners are left out on purpose.
    pub is_partial: bool,
}

impl Sent<'_> {
    /// Whether an end takes part: not where it is of a component without an owner in the archive.
    fn takes(&self, end: &LinkEnd<'_>) -> bool {
        match &end.reference {
            LinkRef::Id(id) if is_component(&end.model) => self.has_sent(&end.model, *id),
            LinkRef::Id(id) => {
                let too_long = self.too_long.get(end.model.as_ref());
                too_long.is_none_or(|ids| !ids.contains(*id))
            }
            // Which row of the document that would be, only the row says, and there it stands as well.
            LinkRef::Document(_) => !self.too_long.contains_key(end.model.as_ref()),
        }
    }

    fn has_sent(&self, uid: &str, id: i64) -> bool {
        let place = self.models.place(uid);
        place.is_some_and(|place| self.rows[place].contains(id))
    }

    /// Whether the row at an end exists. Of components without an owner in the archive only the database knows.
    fn exists(&self, end: &LinkEnd<'_>) -> Option<bool> {
        let LinkRef::Id(id) = &end.reference else {
            return Some(true);
        };
        if self.has_sent(&end.model, *id) {
            return Some(true);
        }
        let too_long = self.too_long.get(end.model.as_ref());
        let is_left_out = too_long.is_some_and(|ids| ids.contains(*id));
        (is_left_out || !is_component(&end.model)).then_some(is_left_out)
    }
}

/// In which order the members of an end stand: Strapi's differs by storage.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// `type`, `ref`, `field`.
    JoinColumn,
    /// `type`, `field`, `ref`, `pos`.
    JoinTable,
    /// As [`JoinTable`](Self::JoinTable) on the left; `ref`, `pos`, `type`, `field` on the right.
    MorphTable,
}

/// An end and its position: none, absent from a row (`null`), or a number.
pub(super) struct Positioned<'a> {
    pub end: LinkEnd<'a>,
    pub position: Option<Option<f64>>,
    /// Whether its field is not what stands in the row, but what comes close.
    pub has_other_field: bool,
}

/// A position as it stands in a column: that of what is no number is NaN.
pub(super) fn position(value: &Value<'_>) -> Option<f64> {
    (!value.is_null()).then(|| value.as_f64().unwrap_or(f64::NAN))
}

/// What the links of one relation have in common.
pub(super) struct Shape {
    head: String,
    line: String,
    /// Links that were left out, because a row at an end is not there.
    left_out: LeftOut,
    /// Links that were left out, because what stands at an end is no id.
    unreadable: Examples,
    /// Links whose place among others is no number, or whose field no text.
    changed: Examples,
}

/// What the ends of a link name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// Rows, by their ids.
    Ids,
    /// Rows that are there, one by something else.
    Named,
    /// Rows of which one is not there, by something else.
    Gone,
    /// What stands for one is no id.
    NoId,
    /// What stands for the type of one is no text.
    NoType,
}

impl Ends {
    /// What was read of their ids.
    pub fn of<'a, 'v: 'a>(ids: impl IntoIterator<Item = &'a Value<'v>>) -> Self {
        let is_id = |value: &Value<'_>| value.is_null() || value.as_i64().is_some();
        match ids.into_iter().all(is_id) {
            true => Self::Ids,
            false => Self::NoId,
        }
    }
}

/// The reference to the row with this id. What is none is shown, and not sent.
pub(super) fn reference<'a>(id: &'a Value<'_>) -> LinkRef<'a> {
    match (id.as_i64(), id.as_str()) {
        (Some(id), _) => LinkRef::Id(id),
        (None, Some(text)) => LinkRef::Document(Cow::Borrowed(text)),
        (None, None) => LinkRef::Document(Cow::Borrowed(shown(id))),
    }
}

/// Rows of a table of links that lack an end: Strapi leaves them where it removes one.
#[derive(Default)]
pub(super) struct Nulls(Examples);

impl Nulls {
    /// Whether the row with this id is such a one.
    pub fn takes<const N: usize>(
        &mut self,
        values: &[Value<'_>; N],
        columns: [impl AsRef<str>; N],
        id: &Value<'_>,
    ) -> bool {
        let mut pairs = values.iter().zip(columns);
        let Some((_, column)) = pairs.find(|(value, _)| value.is_null()) else {
            return false;
        };
        self.0.add(|| match id.as_i64() {
            Some(id) => format!("{} of row {id} is null", column.as_ref()),
            None => format!("{} is null", column.as_ref()),
        });
        true
    }

    /// Tells of them, once all were seen.
    pub fn finish(self, table: &str, sink: &mut dyn Sink) {
        let subject = Subject::Table(table.to_owned());
        if let Some(warning) = self.0.warning(WarningKind::OrphanLink, subject) {
            sink.warn(warning);
        }
    }
}

/// What of an end has more bytes than a name in an archive, and how many. What the schema names has not.
fn too_long(end: &LinkEnd<'_>) -> Option<(&'static str, usize)> {
    let document = match &end.reference {
        LinkRef::Document(document) => document.len(),
        LinkRef::Id(_) => 0,
    };
    let field = end.field.as_ref().map_or(0, |field| field.len());
    [("document id", document), ("field", field)]
        .into_iter()
        .find(|(_, length)| *length > LONGEST_NAME)
}

/// What stands where an id belongs, for messages.
pub(super) fn shown<'a>(value: &'a Value<'_>) -> &'a str {
    match value {
        Value::Text(text) | Value::Json(text) => text,
        Value::Null => "(nothing)",
        _ => "(no integer)",
    }
}

impl Shape {
    pub fn new(model: &Model, relation: &StoredRelation) -> Self {
        let mut head = "{\"kind\":".to_owned();
        json::write_string(&mut head, relation.link_kind(&model.uid));
        head.push_str(",\"relation\":");
        json::write_string(&mut head, relation.kind.as_str());
        Self {
            head,
            line: String::new(),
            left_out: LeftOut::default(),
            unreadable: Examples::default(),
            changed: Examples::default(),
        }
    }

    pub fn end<'a>(
        &self,
        model: &'a str,
        reference: LinkRef<'a>,
        field: Option<&'a str>,
        position: Option<Option<f64>>,
    ) -> Positioned<'a> {
        Positioned {
            end: LinkEnd {
                model: Cow::Borrowed(model),
                reference,
                field: field.map(Cow::Borrowed),
                pos: position.flatten(),
            },
            position,
            has_other_field: false,
        }
    }

    pub fn send(
        &mut self,
        left: Positioned<'_>,
        right: Positioned<'_>,
        form: Form,
        ends: Ends,
        sent: &Sent<'_>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let unreadable = match ends {
            Ends::NoId => Some("this is no id"),
            Ends::NoType => Some("its type is no text"),
            Ends::Ids | Ends::Named | Ends::Gone => None,
        };
        if let Some(why) = unreadable {
            self.unreadable
                .add(|| format!("{} -> {}: {why}", left.end, right.end));
            return Ok(());
        }
        let is_sent = sent.takes(&left.end) && sent.takes(&right.end);
        if !is_sent && sent.is_partial {
            return Ok(());
        }
        let exist = [sent.exists(&left.end), sent.exists(&right.end)];
        if !is_sent || ends == Ends::Gone || exist.contains(&Some(false)) {
            self.left_out.add(|| {
                let ends_there = [&left.end, &right.end];
                let is_row = |end: &LinkEnd<'_>| !sent.takes(end) && !is_component(&end.model);
                let unsure = ends_there.into_iter().zip(exist);
                Omitted {
                    link: format!("{} -> {}", left.end, right.end),
                    why: match ends_there.into_iter().any(is_row) {
                        true => "the row at an end is left out",
                        false => "a component at an end has no owner",
                    },
                    exist: ends != Ends::Gone && !exist.contains(&Some(false)),
                    unsure: unsure
                        .filter_map(|(end, exists)| match end.reference {
                            LinkRef::Id(id) if exists.is_none() => {
                                Some((end.model.clone().into_owned(), id))
                            }
                            _ => None,
                        })
                        .collect(),
                }
            });
            return Ok(());
        }
        if let Some((what, length)) = too_long(&right.end) {
            self.unreadable.add(|| {
                let (left, right) = (&left.end, &right.end.model);
                format!("{left} -> {right}: its {what} has {length} bytes, more than the {LONGEST_NAME} that a name may have")
            });
            return Ok(());
        }
        if right.has_other_field {
            self.changed
                .add(|| format!("{} -> {}: its field is no text", left.end, right.end));
        }
        let is_placed = |end: &Positioned<'_>| match end.position {
            Some(Some(position)) => position.is_finite(),
            _ => true,
        };
        if !(is_placed(&left) && is_placed(&right)) {
            self.changed
                .add(|| format!("{} -> {}: its place is no number", left.end, right.end));
        }
        let (left_order, right_order): (&[Member], &[Member]) = {
            use Member::{Field, FieldOrNull, Pos, Ref, Type};
            match form {
                Form::JoinColumn => (&[Type, Ref, Field], &[Type, Ref]),
                Form::JoinTable => (&[Type, Field, Ref, Pos], &[Type, Field, Ref, Pos]),
                Form::MorphTable => (&[Type, Field, Ref], &[Ref, Pos, Type, FieldOrNull]),
            }
        };
        self.line.clear();
        self.line.push_str(&self.head);
        self.line.push_str(",\"left\":");
        write_end(&mut self.line, &left, left_order);
        self.line.push_str(",\"right\":");
        write_end(&mut self.line, &right, right_order);
        self.line.push('}');
        sink.link(&Link {
            line: &self.line,
            left: left.end,
            right: right.end,
        })
    }
}

impl Shape {
    /// Tells of the links that were left out, once all were seen. `exists` finds out whether a row is there.
    pub fn finish(
        self,
        model: &Model,
        relation: &StoredRelation,
        sink: &mut dyn Sink,
        exists: &mut dyn FnMut(&str, i64) -> Result<bool>,
    ) -> Result<()> {
        let subject = Subject::LinksOf {
            uid: model.uid.clone(),
            attribute: relation.attribute.clone(),
        };
        for (examples, kind) in [
            (self.unreadable, WarningKind::Unreadable),
            (self.changed, WarningKind::NotKept),
            (self.left_out.examples(exists)?, WarningKind::OrphanLink),
        ] {
            if let Some(warning) = examples.warning(kind, subject.clone()) {
                sink.warn(warning);
            }
        }
        Ok(())
    }
}

/// A member of an end.
enum Member {
    Type,
    /// Left out where the other side shows no attribute.
    Field,
    /// `null` where the other side shows no attribute, as a join table of a morph relation has it.
    FieldOrNull,
    Ref,
    Pos,
}

/// Appends the name of a member as it stands there, after a comma where something stands before it.
fn write_key(out: &mut String, key: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push_str(key);
}

fn write_end(out: &mut String, positioned: &Positioned<'_>, order: &[Member]) {
    let end = &positioned.end;
    out.push('{');
    for member in order {
        match member {
            Member::Type => {
                write_key(out, "\"type\":");
                json::write_string(out, &end.model);
            }
            Member::Field => {
                if let Some(field) = &end.field {
                    write_key(out, "\"field\":");
                    json::write_string(out, field);
                }
            }
            Member::FieldOrNull => {
                write_key(out, "\"field\":");
                match &end.field {
                    Some(field) => json::write_string(out, field),
                    None => out.push_str("null"),
                }
            }
            Member::Ref => {
                write_key(out, "\"ref\":");
                match &end.reference {
                    LinkRef::Id(id) => json::write_i64(out, *id),
                    LinkRef::Document(document) => json::write_string(out, document),
                }
            }
            Member::Pos => {
                if let Some(position) = positioned.position {
                    write_key(out, "\"pos\":");
                    json::write_f64(out, position.unwrap_or(f64::NAN));
                }
            }
        }
    }
    out.push('}');
}
