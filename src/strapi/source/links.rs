//! The stage of the links: every relation, at the side that stores it.
//!
//! Each query finds out, row by row, whether both ends exist; links that lost one are left out and
//! told. Strapi names no order; links come by the id of the row that stores them, except those in a
//! join column, which SQLite reads from the index over it.

use super::{Reader, warn};
use crate::database::Value;
use crate::error::Result;
use crate::model::{Link, LinkEnd, LinkRef, json};
use crate::strapi::tables::{Model, Storage, StoredRelation};
use crate::transfer::{Sink, Stage, WarningKind, is_component};
use roaring::RoaringTreemap;
use std::borrow::Cow;
use std::collections::HashMap;

/// A join column that holds document ids has this index over it.
const DOCUMENT_INDEX: [&str; 2] = ["locale", "published_at"];

impl Reader<'_> {
    pub(super) fn links(&mut self, sink: &mut dyn Sink) -> Result<()> {
        sink.stage(Stage::Links, None)?;
        let content = self.content;
        for model in content.models.iter() {
            if !self.filter.includes_type(&model.uid) {
                continue;
            }
            for relation in &model.relations {
                let excluded = relation
                    .target
                    .as_ref()
                    .is_some_and(|target| !self.filter.includes_type(target));
                if !excluded {
                    self.links_of(model, relation, sink)?;
                }
            }
        }
        Ok(())
    }

    fn links_of(
        &mut self,
        model: &Model,
        relation: &StoredRelation,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        match &relation.storage {
            Storage::JoinColumn { column, referenced } => {
                self.join_column_links(model, relation, column, referenced, sink)
            }
            Storage::JoinTable { .. } => self.join_table_links(model, relation, sink),
            Storage::MorphTable {
                table,
                left,
                id,
                type_,
            } => {
                let order = "id";
                let sql = self.morph_sql(table, [left, id, type_, "field", "order"], order);
                self.morph_links(model, relation, &sql, sink)
            }
            Storage::MorphColumns { id, type_ } => {
                let sql = self.morph_sql(&model.table, ["id", id, type_, "", ""], "id");
                self.morph_links(model, relation, &sql, sink)
            }
        }
    }

    fn join_column_links(
        &mut self,
        model: &Model,
        relation: &StoredRelation,
        column: &str,
        referenced: &str,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let content = self.content;
        let Some(target) = content.target(relation) else {
            return Ok(());
        };
        let q = |name: &str| self.database.quote(name);
        let mut order = Vec::new();
        if self.database.scans_in_index_order() {
            order.push(format!("o.{}", q(column)));
            if referenced != "id" {
                order.extend(DOCUMENT_INDEX.map(|name| format!("o.{}", q(name))));
            }
        }
        order.push("o.id".into());
        let sql = format!(
            "SELECT o.id, o.{column}, EXISTS (SELECT 1 FROM {target} t WHERE t.{referenced} = \
             o.{column}) FROM {owner} o WHERE o.{column} IS NOT NULL ORDER BY {order}",
            column = q(column),
            target = q(&target.table),
            referenced = q(referenced),
            owner = q(&model.table),
            order = order.join(", "),
        );
        let mut shape = Shape::new(model, relation);
        let sent = self.sent_components.as_ref();
        self.database.query(&sql, &[], &mut |row| {
            let Some(id) = row.value(0)?.as_i64() else {
                return Ok(());
            };
            let value = row.value(1)?;
            let reference = match &value {
                Value::Text(text) => LinkRef::Document(Cow::Borrowed(text.as_ref())),
                other => LinkRef::Id(other.as_i64().unwrap_or_default()),
            };
            let exists = row.value(2)?.as_i64() == Some(1);
            let (left, right) = (
                shape.end(&model.uid, LinkRef::Id(id), Some(&relation.attribute), None),
                shape.end(&target.uid, reference, None, None),
            );
            shape.send(left, right, Form::JoinColumn, exists, sent, sink)
        })
    }

    fn join_table_links(
        &mut self,
        model: &Model,
        relation: &StoredRelation,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let content = self.content;
        let (
            Storage::JoinTable {
                table,
                left,
                right,
                left_order,
                right_order,
            },
            Some(target),
        ) = (&relation.storage, content.target(relation))
        else {
            return Ok(());
        };
        let q = |name: &str| self.database.quote(name);
        let position = |order: &Option<String>| match order {
            Some(column) => format!("j.{}", q(column)),
            None => "NULL".into(),
        };
        let sql = format!(
            "SELECT j.{left}, j.{right}, {left_order}, {right_order}, l.id, r.id FROM {table} j \
             LEFT JOIN {owner} l ON j.{left} = l.id LEFT JOIN {target} r ON j.{right} = r.id \
             ORDER BY j.id",
            left = q(left),
            right = q(right),
            left_order = position(left_order),
            right_order = position(right_order),
            table = q(table),
            owner = q(&model.table),
            target = q(&target.table),
        );
        let ordered = (left_order.is_some(), right_order.is_some());
        let mut shape = Shape::new(model, relation);
        let sent = self.sent_components.as_ref();
        self.database.query(&sql, &[], &mut |row| {
            let reference = |column| -> Result<LinkRef<'_>> {
                Ok(LinkRef::Id(row.value(column)?.as_i64().unwrap_or_default()))
            };
            let position = |column, ordered: bool| -> Result<Option<Option<f64>>> {
                ordered.then(|| Ok(row.value(column)?.as_f64())).transpose()
            };
            let left = shape.end(
                &model.uid,
                reference(0)?,
                Some(&relation.attribute),
                position(2, ordered.0)?,
            );
            let right = shape.end(
                &target.uid,
                reference(1)?,
                relation.inversed_by.as_deref(),
                position(3, ordered.1)?,
            );
            let exists = !row.value(4)?.is_null() && !row.value(5)?.is_null();
            shape.send(left, right, Form::JoinTable, exists, sent, sink)
        })
    }

    /// A query for a morph relation: owner, target, type, field, position, and whether the target
    /// is there. `columns` are the first five; an empty name stands for nothing.
    fn morph_sql(&self, table: &str, columns: [&str; 5], order: &str) -> String {
        let q = |name: &str| match name {
            "" => "NULL".into(),
            name => format!("m.{}", self.database.quote(name)),
        };
        let exists: String = self
            .content
            .models
            .iter()
            .map(|model| {
                format!(
                    " WHEN '{}' THEN CASE WHEN EXISTS (SELECT 1 FROM {} t WHERE t.id = {}) THEN 1 ELSE \
                     0 END",
                    model.uid.replace('\'', "''"),
                    self.database.quote(&model.table),
                    q(columns[1])
                )
            })
            .collect();
        format!(
            "SELECT {}, CASE {}{exists} ELSE 0 END FROM {} m WHERE {} IS NOT NULL AND {} IS NOT \
             NULL ORDER BY m.{order}",
            columns.map(q).join(", "),
            q(columns[2]),
            self.database.quote(table),
            q(columns[1]),
            q(columns[2]),
        )
    }

    fn morph_links(
        &mut self,
        model: &Model,
        relation: &StoredRelation,
        sql: &str,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let in_table = matches!(relation.storage, Storage::MorphTable { .. });
        let filter = self.filter;
        let mut shape = Shape::new(model, relation);
        let sent = self.sent_components.as_ref();
        self.database.query(sql, &[], &mut |row| {
            let type_ = row.value(2)?;
            let type_ = type_.as_str().unwrap_or_default();
            if !filter.includes_type(type_) {
                return Ok(());
            }
            let id = |column| -> Result<LinkRef<'_>> {
                Ok(LinkRef::Id(row.value(column)?.as_i64().unwrap_or_default()))
            };
            let left = shape.end(&model.uid, id(0)?, Some(&relation.attribute), None);
            let field = row.value(3)?;
            let mut right = shape.end(type_, id(1)?, None, None);
            if in_table {
                right.end.field = field.as_str().map(Cow::Borrowed);
                right.position = Some(row.value(4)?.as_f64());
            }
            let exists = row.value(5)?.as_i64() == Some(1);
            let form = if in_table {
                Form::MorphTable
            } else {
                Form::JoinColumn
            };
            shape.send(left, right, form, exists, sent, sink)
        })
    }
}

/// Whether an end takes part: not where it is of a component that was left out with its owner.
fn is_sent(sent: Option<&HashMap<String, RoaringTreemap>>, end: &LinkEnd<'_>) -> bool {
    match (sent, &end.reference) {
        (Some(sent), LinkRef::Id(id)) if is_component(&end.model) => {
            u64::try_from(*id).is_ok_and(|id| {
                sent.get(end.model.as_ref())
                    .is_some_and(|ids| ids.contains(id))
            })
        }
        _ => true,
    }
}

/// In which order the members of an end stand: Strapi's differs by storage.
#[derive(Clone, Copy)]
enum Form {
    /// `type`, `ref`, `field`.
    JoinColumn,
    /// `type`, `field`, `ref`, `pos`.
    JoinTable,
    /// As [`JoinTable`](Self::JoinTable) on the left; `ref`, `pos`, `type`, `field` on the right.
    MorphTable,
}

/// An end and its position: none, absent from a row (`null`), or a number.
struct Positioned<'a> {
    end: LinkEnd<'a>,
    position: Option<Option<f64>>,
}

/// What the links of one relation have in common.
struct Shape {
    head: Vec<u8>,
    line: Vec<u8>,
}

impl Shape {
    fn new(model: &Model, relation: &StoredRelation) -> Self {
        let mut head = b"{\"kind\":".to_vec();
        json::write_string(&mut head, relation.link_kind(&model.uid));
        head.extend_from_slice(b",\"relation\":");
        json::write_string(&mut head, relation.kind.as_str());
        Self {
            head,
            line: Vec::new(),
        }
    }

    fn end<'a>(
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
        }
    }

    fn send(
        &mut self,
        left: Positioned<'_>,
        right: Positioned<'_>,
        form: Form,
        exists: bool,
        sent: Option<&HashMap<String, RoaringTreemap>>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        if !(is_sent(sent, &left.end) && is_sent(sent, &right.end)) {
            return Ok(());
        }
        if !exists {
            warn(
                sink,
                WarningKind::OrphanLink,
                format!(
                    "link {} -> {} is left out: one of the two does not exist",
                    left.end, right.end
                ),
            );
            return Ok(());
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
        self.line.extend_from_slice(&self.head);
        self.line.extend_from_slice(b",\"left\":");
        write_end(&mut self.line, &left, left_order);
        self.line.extend_from_slice(b",\"right\":");
        write_end(&mut self.line, &right, right_order);
        self.line.push(b'}');
        let line = std::str::from_utf8(&self.line).expect("names and ids were written as UTF-8");
        sink.link(&Link {
            line,
            left: left.end,
            right: right.end,
        })
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

fn write_end(out: &mut Vec<u8>, positioned: &Positioned<'_>, order: &[Member]) {
    use super::entities::write_name;
    let end = &positioned.end;
    out.push(b'{');
    for member in order {
        match member {
            Member::Type => {
                write_name(out, "type");
                json::write_string(out, &end.model);
            }
            Member::Field => {
                if let Some(field) = &end.field {
                    write_name(out, "field");
                    json::write_string(out, field);
                }
            }
            Member::FieldOrNull => {
                write_name(out, "field");
                match &end.field {
                    Some(field) => json::write_string(out, field),
                    None => out.extend_from_slice(b"null"),
                }
            }
            Member::Ref => {
                write_name(out, "ref");
                match &end.reference {
                    LinkRef::Id(id) => json::write_i64(out, *id),
                    LinkRef::Document(document) => json::write_string(out, document),
                }
            }
            Member::Pos => {
                if let Some(position) = positioned.position {
                    write_name(out, "pos");
                    json::write_f64(out, position.unwrap_or(f64::NAN));
                }
            }
        }
    }
    out.push(b'}');
}
