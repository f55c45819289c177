//! Rows that wait to be written in bulk, in the form the server takes them.

use super::Value;
use super::inserter::{Inserter, Prepared, PreparedInserts};
use crate::error::Result;
use std::sync::Arc;

/// What a server is asked with them, in words.
pub(super) const ROWS: &str = "adding rows";

/// How many bytes rows may take that wait; as many are on their way to the server.
const ENOUGH: usize = 2 << 20;

/// Rows of several tables. Tables are written in the order of their first row, so that rows come
/// after those they refer to.
#[derive(Default)]
pub(super) struct PendingRows {
    pub inserts: PreparedInserts,
    batches: Vec<Batch>,
    /// The place in `batches` of the rows of each inserter, by its number.
    places: Vec<Option<usize>>,
    bytes: usize,
}

/// Rows of one inserter.
pub(super) struct Batch {
    pub insert: Arc<Prepared>,
    /// All rows, one after the other.
    pub bytes: Vec<u8>,
    /// Where each row ends, and its id where it has one.
    pub rows: Vec<(usize, Option<i64>)>,
}

impl PendingRows {
    /// Adds rows; `write` appends one of them.
    ///
    /// # Errors
    /// The inserter is not of this connection, or a row has too few values.
    pub fn add(
        &mut self,
        inserter: Inserter,
        values: &[Value<'_>],
        mut write: impl FnMut(&mut Vec<u8>, &[Value<'_>]),
    ) -> Result<()> {
        let insert = self.inserts.get(inserter)?;
        let rows = insert.rows(values)?;
        let has_id = insert.columns[0] == "id";
        if self.places.len() <= inserter.0 {
            self.places.resize(inserter.0 + 1, None);
        }
        let place = *self.places[inserter.0].get_or_insert_with(|| {
            self.batches.push(Batch {
                insert: Arc::clone(insert),
                bytes: Vec::new(),
                rows: Vec::new(),
            });
            self.batches.len() - 1
        });
        let batch = &mut self.batches[place];
        let before = batch.bytes.len();
        for row in rows {
            write(&mut batch.bytes, row);
            let id = row.first().filter(|_| has_id).and_then(Value::as_i64);
            batch.rows.push((batch.bytes.len(), id));
            self.bytes += size_of::<(usize, Option<i64>)>();
        }
        self.bytes += batch.bytes.len() - before;
        Ok(())
    }

    /// Whether so many rows wait that they should be written.
    pub fn is_full(&self) -> bool {
        self.bytes >= ENOUGH
    }

    /// Takes all rows out, in the order in which they are to be written.
    pub fn take(&mut self) -> Vec<Batch> {
        self.bytes = 0;
        self.places.clear();
        let mut batches = std::mem::take(&mut self.batches);
        batches.retain(|batch| !batch.rows.is_empty());
        batches
    }
}

impl Batch {
    /// Names a row, counted from 0, for messages.
    pub fn name(&self, row: usize) -> String {
        match self.rows.get(row) {
            Some((_, Some(id))) => format!("row {id} of {}", self.insert.table),
            _ => format!("a row of {}", self.insert.table),
        }
    }
}
