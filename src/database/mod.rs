//! A small SQL layer: connections, values, rows, bulk inserts. It knows nothing of Strapi.
//!
//! What differs between databases (quoting, catalogue, bulk loading, snapshots) is behind
//! [`Connection`]; whatever uses it writes plain SQL with `?` for parameters.

mod settings;
mod sqlite;

pub use settings::{ConnectionOptions, DatabaseSettings, Secret, ServerSettings, TlsSettings};
pub use sqlite::Sqlite;

use crate::error::{Error, Result};
use std::borrow::Cow;
use std::collections::HashSet;

/// A value in a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// SQL `NULL`.
    Null,
    /// An integer.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text; also JSON, decimals and dates, in their text form.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The integer in it, if it is one.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Real(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Some(*number as i64)
            }
            _ => None,
        }
    }

    /// The number in it, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            _ => None,
        }
    }

    /// The text in it, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `NULL`.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<Option<f64>> for Value<'_> {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Null, Self::Real)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

/// A row of a result; valid until the next one is read.
pub trait Row {
    /// The value of a column, counted from 0.
    ///
    /// # Errors
    /// The value is not one this layer reads, such as text that is not UTF-8.
    fn value(&self, column: usize) -> Result<Value<'_>>;
}

/// A column of a table, as the catalogue has it.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
}

/// A connection to a database.
pub trait Connection {
    /// Where it leads, for messages. Never holds a password.
    fn target(&self) -> &str;

    /// Quotes a name.
    fn quote(&self, name: &str) -> String;

    /// Whether rows without `ORDER BY` come in the order of an index or of their ids, as on SQLite,
    /// where Strapi relies on it.
    fn scans_in_index_order(&self) -> bool;

    /// The names of all tables.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn tables(&mut self) -> Result<HashSet<String>>;

    /// The columns of a table, in their order; empty where there is no such table.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn columns(&mut self, table: &str) -> Result<Vec<Column>>;

    /// Runs a query and hands its rows over one by one.
    ///
    /// # Errors
    /// The query fails, or `each` does.
    fn query(
        &mut self,
        sql: &str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<()>,
    ) -> Result<()>;

    /// Runs a statement; gives the number of rows it changed.
    ///
    /// # Errors
    /// The statement fails.
    fn execute(&mut self, sql: &str, parameters: &[Value<'_>]) -> Result<u64>;

    /// Adds rows to a table. `values` holds one row after the other, each as long as `columns`.
    ///
    /// # Errors
    /// A row breaks a rule of the table.
    fn insert(&mut self, table: &str, columns: &[String], values: &[Value<'_>]) -> Result<()>;

    /// Starts a transaction that sees one moment of the database and changes nothing.
    ///
    /// # Errors
    /// The database is locked or gone.
    fn begin_snapshot(&mut self) -> Result<()>;

    /// Starts a transaction that changes the database.
    ///
    /// # Errors
    /// Somebody else is writing, or the database is read-only.
    fn begin_write(&mut self) -> Result<()>;

    /// Ends the transaction and keeps what it did.
    ///
    /// # Errors
    /// A deferred rule is broken, or the disk is full; nothing was kept.
    fn commit(&mut self) -> Result<()>;

    /// Ends the transaction, if there is one, and forgets what it did.
    fn rollback(&mut self);

    /// Runs a query that gives one number.
    ///
    /// # Errors
    /// The query fails, or gives something else.
    fn number(&mut self, sql: &str, parameters: &[Value<'_>]) -> Result<i64> {
        let mut number = None;
        self.query(sql, parameters, &mut |row| {
            number = row.value(0)?.as_i64();
            Ok(())
        })?;
        number.ok_or_else(|| Error::failed(format!("the query gave no number: {sql}")))
    }

    /// Makes sure that rows added after this get ids past every id in the table.
    ///
    /// # Errors
    /// The sequence cannot be set.
    fn move_sequence_past_ids(&mut self, table: &str) -> Result<()>;
}
