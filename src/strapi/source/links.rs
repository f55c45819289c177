//! The stage of the links: every relation, at the side that stores it.
//!
//! Which rows exist is known from the stage of the entities, which sees them all; links that lost an end are
//! left out and told. Strapi names no order; links come by the id of the row that stores them, except those
//! in a join column, which SQLite reads from the index over it.

use super::Reader;
use super::link_lines::{Ends, Form, Nulls, Sent, Shape, position as position_of, reference};
use crate::database::Value;
use crate::error::Result;
use crate::model::{LinkRef, Stage};
use crate::strapi::relations::{Order, Sharing, Storage, StoredRelation};
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
                has_id,
            } => {
                self.tell_of_nulls(table, *has_id, [left, id, type_], sink)?;
                let sql = self.morph_sql(table, *has_id, [left, id, type_, "field", "order"]);
                self.morph_links(model, relation, &sql, sink)
            }
            Storage::MorphColumns { id, type_ } => {
                self.tell_of_halves(&model.table, [id, type_], sink)?;
                let sql = self.morph_sql(&model.table, true, ["id", id, type_, "", ""]);
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
        let by_id = referenced == "id";
        // What a column holds is in that column.
        let is_there = by_id || (target.table == model.table && referenced == column);
        let exists = match is_there {
            true => "1".into(),
            false => format!(
                "EXISTS (SELECT 1 FROM {target} t WHERE t.{referenced} = o.{column})",
                target = q(&target.table),
                referenced = q(referenced),
                column = q(column),
            ),
        };
        let sql = format!(
            "SELECT o.id, o.{column}, {exists} FROM {owner} o WHERE o.{column} IS NOT NULL ORDER BY \
             {order}",
            column = q(column),
            owner = q(&model.table),
            order = order.join(", "),
        );
        let mut shape = Shape::new(model, relation);
        let sent = Sent {
            models: &self.catalogue.models,
            rows: &self.sent,
            too_long: &self.too_long,
            is_partial: self.filter.is_partial(),
        };
        self.database.query(&sql, &[], &mut |row| {
            let Some(id) = row.value(0)?.as_i64() else {
                return Ok(());
            };
            let value = row.value(1)?;
            let ends = match by_id {
                true => Ends::of([&value]),
                false if row.value(2)?.as_i64() == Some(1) => Ends::Named,
                false => Ends::Gone,
            };
            let right = match &value {
                // As it stands in the row itself.
                Value::Bytes(bytes) if !by_id => LinkRef::Document(String::from_utf8_lossy(bytes)),
                value => reference(value),
            };
            let (left, right) = (
                shape.end(&model.uid, LinkRef::Id(id), Some(&relation.attribute), None),
                shape.end(&target.uid, right, None, None),
            );
            shape.send(left, right, Form::JoinColumn, ends, &sent, sink)
        })?;
        self.finish(shape, model, relation, sink)
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
                has_id,
            },
            Some(target),
        ) = (&relation.storage, catalogue.target(relation))
        else {
            return Ok(());
        };
        let q = |name: &str| self.database.quote(name);
        let position = |order: &Order| match order.column() {
            Some(column) => format!("j.{}", q(column)),
            None => "NULL".into(),
        };
        let sql = format!(
            "SELECT j.{left}, j.{right}, {left_order}, {right_order}, {id} FROM {table} j{order}",
            left = q(left),
            right = q(right),
            left_order = position(left_order),
            right_order = position(right_order),
            id = if *has_id { "j.id" } else { "NULL" },
            table = q(table),
            order = self.database.order_of_rows(*has_id, "j"),
        );
        let ordered = (left_order.is_told(), right_order.is_told());
        let mut shape = Shape::new(model, relation);
        let sent = Sent {
            models: &self.catalogue.models,
            rows: &self.sent,
            too_long: &self.too_long,
            is_partial: self.filter.is_partial(),
        };
        let mut nulls = Nulls::default();
        self.database.query(&sql, &[], &mut |row| {
            let ids = [row.value(0)?, row.value(1)?];
            if nulls.takes(&ids, [left, right], &row.value(4)?) {
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
            let ends = Ends::of(&ids);
            shape.send(left, right, Form::JoinTable, ends, &sent, sink)
        })?;
        nulls.finish(table, sink);
        self.finish(shape, model, relation, sink)
    }

    /// A query for a morph relation: owner, target, type, field and position. An empty name stands for
    /// nothing.
    fn morph_sql(&self, table: &str, has_id: bool, columns: [&str; 5]) -> String {
        let q = |name: &str| match name {
            "" => "NULL".into(),
            name => format!("m.{}", self.database.quote(name)),
        };
        format!(
            "SELECT {} FROM {} m WHERE {} IS NOT NULL AND {} IS NOT NULL AND {} IS NOT NULL{}",
            columns.map(q).join(", "),
            self.database.quote(table),
            q(columns[0]),
            q(columns[1]),
            q(columns[2]),
            self.database.order_of_rows(has_id, "m"),
        )
    }

    /// Tells of the rows of a table of links or components that lack an end, or the type of one.
    pub(super) fn tell_of_nulls<const N: usize>(
        &mut self,
        table: &str,
        has_id: bool,
        columns: [&str; N],
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let some = self.nulls(columns).join(" OR ");
        self.tell_of(&some, (table, has_id), columns, sink)
    }

    /// Tells of the rows that have one of these columns and lack another. Those that lack all have no link.
    fn tell_of_halves(
        &mut self,
        table: &str,
        columns: [&str; 2],
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let [one, other] = self.nulls(columns);
        self.tell_of(
            &format!("({one}) <> ({other})"),
            (table, true),
            columns,
            sink,
        )
    }

    fn nulls<const N: usize>(&self, columns: [&str; N]) -> [String; N] {
        columns.map(|column| format!("{} IS NULL", self.database.quote(column)))
    }

    fn tell_of<const N: usize>(
        &mut self,
        condition: &str,
        (table, has_id): (&str, bool),
        columns: [&str; N],
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let sql = format!(
            "SELECT {}, {} FROM {} t WHERE {condition}{}",
            columns.map(|column| self.database.quote(column)).join(", "),
            if has_id { "id" } else { "NULL" },
            self.database.quote(table),
            self.database.order_of_rows(has_id, "t"),
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
            models: &self.catalogue.models,
            rows: &self.sent,
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
                true => Ends::of(&ids),
                false => Ends::NoType,
            };
            let form = if in_table {
                Form::MorphTable
            } else {
                Form::JoinColumn
            };
            shape.send(left, right, form, ends, &sent, sink)
        })?;
        self.finish(shape, model, relation, sink)
    }

    /// Tells of the links of a relation that were left out, once all were seen.
    fn finish(
        &mut self,
        shape: Shape,
        model: &Model,
        relation: &StoredRelation,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let models = &self.catalogue.models;
        let database = &mut *self.database;
        shape.finish(model, relation, sink, &mut |uid, id| {
            let Some(model) = models.get(uid) else {
                return Ok(false);
            };
            let table = database.quote(&model.table);
            let sql = format!("SELECT count(*) FROM {table} WHERE id = ?");
            Ok(database.number(&sql, &[id.into()])? > 0)
        })
    }
}
