//! The stage of the entities.

use super::attributes::write_attributes;
use super::component_rows::{Parents, Row};
use super::components::{END, in_key_order};
use super::{BATCH, Reader, Rows, select_batch};
use crate::error::{Error, Result};
use crate::model::limits::LONGEST_LINE;
use crate::model::{Entity, IdSet, Stage, json};
use crate::strapi::tables::Model;
use crate::transfer::{Examples, Sink, Subject, Warning, WarningKind};

/// Bytes of a line that are asked for before it is known how long it is.
const LONG: usize = 16 << 10;

impl Reader<'_> {
    pub(super) fn entities(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let catalogue = self.catalogue;
        let models: Vec<&Model> = catalogue
            .models
            .content_types()
            .filter(|model| self.filter.includes_type(&model.uid))
            .collect();
        let mut items = 0;
        for model in &models {
            items += self.database.count(&model.table)?;
        }
        sink.stage(Stage::Entities, Some(items))?;
        models
            .into_iter()
            .try_for_each(|model| self.entities_of(model, sink))?;
        std::mem::take(&mut self.tally)
            .tell(|uid, attribute| Subject::Attribute { uid, attribute }, sink);
        self.joins_with_nulls(sink)?;
        self.joins_without_id(sink)?;
        self.unknown_columns(sink)?;
        for ((uid, attribute), gone) in std::mem::take(&mut self.gone_components) {
            let subject = Subject::ComponentsIn { uid, attribute };
            if let Some(note) = gone.warning(WarningKind::Notice, subject) {
                let reason = format!("{} joins lead to none: {}", note.count, note.reason);
                sink.warn(Warning { reason, ..note });
            }
        }
        for ((uid, attribute), unreadable) in std::mem::take(&mut self.unreadable_components) {
            let subject = Subject::ComponentsIn { uid, attribute };
            if let Some(warning) = unreadable.warning(WarningKind::Unreadable, subject) {
                sink.warn(warning);
            }
        }
        for (uid, shared) in std::mem::take(&mut self.shared_components) {
            if let Some(note) = shared.of_shared_components(&uid) {
                sink.warn(note);
            }
        }
        Ok(())
    }

    /// Tells of columns with values that no attribute is stored in.
    fn unknown_columns(&mut self, sink: &mut dyn Sink) -> Result<()> {
        for (uid, table, column) in self.catalogue.models.unknown_columns() {
            if !self.filter.includes_type(uid) {
                continue;
            }
            let why = "values of a column that the project's schema does not know";
            self.column_left_out(table, column, why, sink)?;
        }
        Ok(())
    }

    /// Tells of a column that is in no archive, where it has values.
    pub(super) fn column_left_out(
        &mut self,
        table: &str,
        column: &str,
        why: &str,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let sql = format!(
            "SELECT count({}) FROM {}",
            self.database.quote(column),
            self.database.quote(table)
        );
        let count = u64::try_from(self.database.number(&sql, &[])?).unwrap_or(0);
        if count > 0 {
            let (table, column) = (table.to_owned(), column.to_owned());
            let subject = Subject::Column { table, column };
            sink.warn(Warning::new(WarningKind::NotKept, subject, why).times(count));
        }
        Ok(())
    }

    fn entities_of(&mut self, model: &Model, sink: &mut dyn Sink) -> Result<()> {
        let fields = in_key_order(&self.catalogue.models, model);
        let mut head = "{\"type\":".to_owned();
        json::write_string(&mut head, &model.uid);
        head.push_str(",\"id\":");
        let (mut last, mut rows) = (None, Rows::FIRST);
        let mut left_out = Examples::default();
        let mut sent = IdSet::default();
        let mut length = head.len();
        loop {
            let mut batch: Vec<(i64, String, usize)> = Vec::with_capacity(rows.0);
            let (sql, after) = select_batch(self.database, model, last, rows);
            let (mut bytes, mut left) = (0, false);
            self.database.query(&sql, &after, &mut |row| {
                // What is too much for one batch comes with the next.
                left |= bytes > BATCH;
                if left {
                    return Ok(());
                }
                let id = row.value(0)?.as_i64().ok_or_else(|| {
                    Error::failed(format!("{} has a row without an id", model.table))
                })?;
                // Rows are much alike, and most find room here with their components.
                let mut line = String::with_capacity(length.min(LONG));
                line.push_str(&head);
                json::write_i64(&mut line, id);
                line.push_str(",\"data\":");
                let data = line.len();
                line.push('{');
                write_attributes(&mut line, model, id, row, &mut self.tally)
                    .map_err(|error| error.within(format!("{} {id}", model.uid)))?;
                bytes += line.len();
                batch.push((id, line, data));
                Ok(())
            })?;
            let (Some(&(first, ..)), Some(&(end, ..))) = (batch.first(), batch.last()) else {
                break;
            };
            last = Some(end);
            let taken = batch.len();
            bytes = 0;
            let components = self.components(model, &Parents::Between(first, end))?;
            for (id, mut line, data) in batch {
                let is_whole = components.write(&mut line, model, &fields, id);
                line.push_str(END);
                length = line.len();
                bytes += length;
                if !is_whole || line.len() as u64 > LONGEST_LINE {
                    let too_long = self.too_long.entry(model.uid.clone());
                    too_long.or_default().insert(id);
                    left_out.add(|| {
                        format!("row {id}: its line would have more than {LONGEST_LINE} bytes")
                    });
                    continue;
                }
                sent.insert(id);
                components.each(&fields, id, &mut |row| self.remember_component(row));
                sink.entity(&Entity {
                    content_type: &model.uid,
                    id,
                    line: &line,
                    data: &line[data..line.len() - 1],
                })?;
            }
            let Some(next) = rows.after(taken, bytes, left) else {
                break;
            };
            rows = next;
        }
        if let Some(place) = self.catalogue.models.place(&model.uid) {
            self.sent[place] = sent;
        }
        let subject = Subject::ContentType(model.uid.clone());
        if let Some(warning) = left_out.warning(WarningKind::Unreadable, subject) {
            sink.warn(warning);
        }
        Ok(())
    }

    /// Remembers that a component was sent.
    fn remember_component(&mut self, (place, id): Row) {
        let is_new = self.sent[place].insert(id);
        if !is_new {
            let uid = self.catalogue.models.at(place).uid.clone();
            let shared = self.shared_components.entry(uid);
            shared.or_default().add(|| id.to_string());
        }
    }
}
