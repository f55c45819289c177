//! What a connection has prepared to add rows to tables.

use super::{Connection, Value};
use crate::error::{Error, Result};
use std::slice::ChunksExact;
use std::sync::Arc;

/// Adds rows of one shape to one table; [`Connection::inserter`] makes it.
///
/// It means something to the connection that made it alone, for as long as that connection lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserter(pub(super) usize);

/// What an [`Inserter`] stands for.
pub(super) struct Prepared {
    pub table: String,
    pub columns: Vec<String>,
    /// The statement that adds rows, or its beginning.
    pub sql: String,
}

impl Prepared {
    /// `sql` makes the statement from the table and its columns, quoted as in `"t" ("a", "b")`.
    pub fn new(
        connection: &dyn Connection,
        table: &str,
        columns: &[String],
        sql: impl FnOnce(&str) -> String,
    ) -> Self {
        let names: Vec<String> = columns.iter().map(|name| connection.quote(name)).collect();
        let place = format!("{} ({})", connection.quote(table), names.join(", "));
        Self {
            table: table.to_owned(),
            columns: columns.to_owned(),
            sql: sql(&place),
        }
    }

    /// The rows in `values`, which holds one after the other.
    ///
    /// # Errors
    /// The last row has too few values.
    pub fn rows<'a, 'v>(&self, values: &'a [Value<'v>]) -> Result<ChunksExact<'a, Value<'v>>> {
        let rows = values.chunks_exact(self.columns.len());
        if !rows.remainder().is_empty() {
            return Err(Error::failed(format!(
                "a row of {} has {} values for {} columns",
                self.table,
                rows.remainder().len(),
                self.columns.len()
            )));
        }
        Ok(rows)
    }
}

/// All that a connection has prepared.
#[derive(Default)]
pub(super) struct PreparedInserts(Vec<Arc<Prepared>>);

impl PreparedInserts {
    /// Gives the inserter for these rows, the one there is or a new one.
    ///
    /// # Errors
    /// There are no columns.
    pub fn add(&mut self, insert: Prepared) -> Result<Inserter> {
        if insert.columns.is_empty() {
            return Err(Error::failed(format!(
                "a row for the table {} has no columns",
                insert.table
            )));
        }
        let known = self
            .0
            .iter()
            .position(|known| known.table == insert.table && known.columns == insert.columns);
        Ok(Inserter(known.unwrap_or_else(|| {
            self.0.push(Arc::new(insert));
            self.0.len() - 1
        })))
    }

    /// What an inserter stands for.
    ///
    /// # Errors
    /// Another connection made it.
    pub fn get(&self, inserter: Inserter) -> Result<&Arc<Prepared>> {
        self.0
            .get(inserter.0)
            .ok_or_else(|| Error::failed("rows were to be added by way of another connection"))
    }

    /// The tables that have an inserter.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|prepared| prepared.table.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(table: &str, columns: &[&str]) -> Prepared {
        Prepared {
            table: table.into(),
            columns: columns.iter().map(|&name| name.into()).collect(),
            sql: String::new(),
        }
    }

    #[test]
    fn the_same_rows_have_one_inserter() {
        let mut inserts = PreparedInserts::default();
        let mut add = |table, columns: &[&str]| inserts.add(prepared(table, columns));
        let first = add("t", &["a", "b"]).expect("an inserter");
        assert_eq!(add("t", &["a", "b"]).expect("an inserter"), first);
        assert_ne!(add("t", &["b", "a"]).expect("an inserter"), first);
        assert_ne!(add("u", &["a", "b"]).expect("an inserter"), first);
        let error = add("t", &[]).expect_err("no columns");
        assert!(error.to_string().contains("no columns"), "{error}");
    }

    #[test]
    fn a_row_that_is_too_short_is_refused() {
        let values = [1, 2, 3].map(Value::Integer);
        let insert = prepared("t", &["a", "b"]);
        assert_eq!(insert.rows(&values[..2]).expect("a row").len(), 1);
        let error = insert.rows(&values).expect_err("too short");
        assert!(error.to_string().contains("1 values for 2"), "{error}");
    }
}
