//! The stage of the links: every relation, at the side that stores it.
//!
//! Each query finds out, row by row, whether both ends exist; links that lost one are left out and
//! told. Strapi names no order; links come by the id of the row that stores them, except those in a
//! join column, which SQLite reads from the index over it.

use super::Reader;
use super::link_lines::{Ends, Form, Nulls, Sent, Shape, position as position_of, reference};
use crate::database::Value;
use crate::error::Result;
use crate::model::{LinkRef, Stage};
use crate::strapi::relations::{Sharing, Storage, StoredRelation};
use crate::strapi::tables::Model;
use crate::transfer::{Sink, Subject, Warning, WarningKind};
use std::borrow::Cow;

/// A join column that holds document ids has this index over it.
const DOCUMENT_INDEX: [&str; 2] = ["locale", "published_at"];

impl Reader<'_> {
    pub(super) fn links(&mut self, sink: &mut dyn Sink) -> Result<()> {
        sink.stage(Stage::Links, None)?;
        let catalogue = self.catalogue;
        for model in catalogue.models.iter() {
            if !self.filter.includes_type(&model.uid) {
                continue;
            }
            for relation in &model.relations {
                let excluded = relation
                    .target
                    .as_ref()
                    .is_some_and(|target| !self.filter.includes_type(target));
                if !excluded && relation.sharing != Sharing::Repeated {
                    self.links_of(model, relation, sink)?;
                }
            }
        }
        self.tell_of_unused_tables(sink)
    }

    /// Tells of the rows that Strapi left in join tables that it uses no more.
    fn tell_of_unused_tables(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let catalogue = self.catalogue;
        for unused in catalogue.models.unused_tables() {
            if !unused.ends.iter().all(|uid| self.filter.includes_type(uid)) {
                continue;
            }
            let count = self.database.count(&unused.table)?;
            if count > 0 {
                let reason = format!(
                    "its rows are no links ({count}): Strapi does not use it, because both sides of the \
                     relation say inversedBy"
                );
                let subject = Subject::Table(unused.table.clone());
                sink.warn(Warning::new(WarningKind::Notice, subject, reason).times(count));
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
                self.tell_of_nulls(table, [left, id, type_], sink)?;
                let sql = self.morph_sql(model, table, [left, id, type_, "field", "order"]);
                self.morph_links(model, relation, &sql, sink)
            }
            Storage::MorphColumns { id, type_ } => {
                let sql = self.morph_sql(model, &model.table, ["id", id, type_, "", ""]);
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
        let catalogue = self.catalogue;
        let Some(target) = catalogue.target(relation) else {
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
        let sent = Sent {
            components: &self.sent_components,
            too_long: &self.too_long,
            is_partial: self.filter.is_partial(),
        };
        self.database.query(&sql, &[], &mut |row| {
            let Some(id) = row.value(0)?.as_i64() else {
                return Ok(());
            };
            let value = row.value(1)?;
            let exist = row.value(2)?.as_i64() == Some(1);
            let by_id = if referenced == "id" {
                std::slice::from_ref(&value)
            } else {
                &[]
            };
            let ends = Ends::of(exist, by_id);
            let right = match &value {
                // As it stands in the row itself.
                Value::Bytes(bytes) if referenced != "id" => {
                    LinkRef::Document(String::from_utf8_lossy(bytes))
                }
                value => reference(value),
            };
            let (left, right) = (
                shape.end(&model.uid, LinkRef::Id(id), Some(&relation.attribute), None),
                shape.end(&target.uid, right, None, None),
            );
            shape.send(left, right, Form::JoinColumn, ends, &sent, sink)
        })?;
        shape.finish(model, relation, sink);
        Ok(())
    }

    fn join_table_links(
        &mut self,
        model: &Model,
        relation: &StoredRelation,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let catalogue = self.catalogue;
        let (
            Storage::JoinTable {
                table,
                left,
                right,
                left_order,
                right_order,
            },
            Some(target),
        ) = (&relation.storage, catalogue.target(relation))
        else {
            return Ok(());
        };
        let q = |name: &str| self.database.quote(name);
        let position = |order: &Option<String>| match order {
            Some(column) => format!("j.{}", q(column)),
            None => "NULL".into(),
        };
        let sql = format!(
            "SELECT j.{left}, j.{right}, {left_order}, {right_order}, l.id, r.id, j.id FROM {table} j \
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
        let sent = Sent {
            components: &self.sent_components,
            too_long: &self.too_long,
            is_partial: self.filter.is_partial(),
        };
        let mut nulls = Nulls::default();
        self.database.query(&sql, &[], &mut |row| {
            let ids = [row.value(0)?, row.value(1)?];
            if nulls.takes(&ids, [left, right], &row.value(6)?) {
                return Ok(());
            }
            let position = |column, ordered: bool| -> Result<Option<Option<f64>>> {
                ordered
                    .then(|| Ok(position_of(&row.value(column)?)))
                    .transpose()
            };
            let left = shape.end(
                &model.uid,
                reference(&ids[0]),
                Some(&relation.attribute),
                position(2, ordered.0)?,
            );
            let right = shape.end(
                &target.uid,
                reference(&ids[1]),
                relation.inversed_by.as_deref(),
                position(3, ordered.1)?,
            );
            let exist = !row.value(4)?.is_null() && !row.value(5)?.is_null();
            let ends = Ends::of(exist, &ids);
            shape.send(left, right, Form::JoinTable, ends, &sent, sink)
        })?;
        nulls.finish(table, sink);
        shape.finish(model, relation, sink);
        Ok(())
    }

    /// A query for a morph relation of `owner`: owner, target, type, field, position, and whether both
    /// rows are there. `columns` are the first five; an empty name stands for nothing.
    fn morph_sql(&self, owner: &Model, table: &str, columns: [&str; 5]) -> String {
        let q = |name: &str| match name {
            "" => "NULL".into(),
            name => format!("m.{}", self.database.quote(name)),
        };
        let exists: String = self
            .catalogue
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
        // No foreign key keeps the row of an owner on every database.
        let has_owner = format!(
            "EXISTS (SELECT 1 FROM {} o WHERE o.id = {})",
            self.database.quote(&owner.table),
            q(columns[0])
        );
        format!(
            "SELECT {}, CASE WHEN {has_owner} THEN CASE {}{exists} ELSE 0 END ELSE 0 END FROM {} m WHERE {} IS NOT NULL AND {} IS NOT \
             NULL AND {} IS NOT NULL ORDER BY m.id",
            columns.map(q).join(", "),
            q(columns[2]),
            self.database.quote(table),
            q(columns[0]),
            q(columns[1]),
            q(columns[2]),
        )
    }

    /// Tells of the rows of a table of links or components that lack an end, or the type of one.
    pub(super) fn tell_of_nulls<const N: usize>(
        &mut self,
        table: &str,
        columns: [&str; N],
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let quoted = columns.map(|column| self.database.quote(column));
        let sql = format!(
            "SELECT {}, id FROM {} WHERE {} ORDER BY id",
            quoted.join(", "),
            self.database.quote(table),
            quoted
                .map(|column| format!("{column} IS NULL"))
                .join(" OR "),
        );
        let mut nulls = Nulls::default();
        self.database.query(&sql, &[], &mut |row| {
            let mut values = [const { Value::Null }; N];
            for (index, value) in values.iter_mut().enumerate() {
                *value = row.value(index)?;
            }
            nulls.takes(&values, columns, &row.value(N)?);
            Ok(())
        })?;
        nulls.finish(table, sink);
        Ok(())
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
        let sent = Sent {
            components: &self.sent_components,
            too_long: &self.too_long,
            is_partial: self.filter.is_partial(),
        };
        self.database.query(sql, &[], &mut |row| {
            let type_ = row.value(2)?;
            let (type_, has_type) = match type_.as_str() {
                Some(type_) => (type_, true),
                None => ("?", false),
            };
            if !filter.includes_type(type_) {
                return Ok(());
            }
            let ids = [row.value(0)?, row.value(1)?];
            let left = shape.end(
                &model.uid,
                reference(&ids[0]),
                Some(&relation.attribute),
                None,
            );
            let field = row.value(3)?;
            let mut right = shape.end(type_, reference(&ids[1]), None, None);
            if in_table {
                right.end.field = match &field {
                    Value::Null => None,
                    Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes)),
                    Value::Integer(number) => Some(number.to_string().into()),
                    Value::Real(number) => Some(number.to_string().into()),
                    field => field.as_str().map(Cow::Borrowed),
                };
                right.has_other_field = field.as_str().is_none() && !field.is_null();
                right.position = Some(position_of(&row.value(4)?));
            }
            let ends = match has_type {
                true => Ends::of(row.value(5)?.as_i64() == Some(1), &ids),
                false => Ends::NoType,
            };
            let form = if in_table {
                Form::MorphTable
            } else {
                Form::JoinColumn
            };
            shape.send(left, right, form, ends, &sent, sink)
        })?;
        shape.finish(model, relation, sink);
        Ok(())
    }
}
