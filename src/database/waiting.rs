//! Rows that wait to be written in bulk, in the form the server takes them.

use super::Value;

/// How many bytes of rows may wait.
const ENOUGH: usize = 4 << 20;

/// Rows of several tables. Tables are written in the order of their first row, so that rows come
/// after those they refer to.
#[derive(Default)]
pub(super) struct Waiting {
    batches: Vec<Batch>,
    bytes: usize,
}

/// Rows of one table.
pub(super) struct Batch {
    pub table: String,
    pub columns: Vec<String>,
    /// All rows, one after the other.
    pub bytes: Vec<u8>,
    /// Where each row ends, and its id where it has one.
    pub rows: Vec<(usize, Option<i64>)>,
}

impl Waiting {
    /// Adds rows; `write` appends one of them.
    pub fn add(
        &mut self,
        table: &str,
        columns: &[String],
        values: &[Value<'_>],
        mut write: impl FnMut(&mut Vec<u8>, &[Value<'_>]),
    ) {
        let known = self
            .batches
            .iter()
            .rposition(|batch| batch.table == table && batch.columns == columns);
        let index = known.unwrap_or_else(|| {
            self.batches.push(Batch {
                table: table.to_owned(),
                columns: columns.to_owned(),
                bytes: Vec::new(),
                rows: Vec::new(),
            });
            self.batches.len() - 1
        });
        let batch = &mut self.batches[index];
        let before = batch.bytes.len();
        let has_id = columns.first().is_some_and(|column| column == "id");
        for row in values.chunks_exact(columns.len()) {
            write(&mut batch.bytes, row);
            let id = row.first().filter(|_| has_id).and_then(Value::as_i64);
            batch.rows.push((batch.bytes.len(), id));
        }
        self.bytes += batch.bytes.len() - before;
    }

    /// Whether so many rows wait that they should be written.
    pub fn is_much(&self) -> bool {
        self.bytes >= ENOUGH
    }

    /// Takes everything out, in the order in which it is to be written.
    pub fn take(&mut self) -> Vec<Batch> {
        self.bytes = 0;
        std::mem::take(&mut self.batches)
    }
}

impl Batch {
    /// Names a row, counted from 0, for messages.
    pub fn name(&self, row: usize) -> String {
        match self.rows.get(row) {
            Some((_, Some(id))) => format!("row {id} of {}", self.table),
            _ => format!("a row of {}", self.table),
        }
    }
}
