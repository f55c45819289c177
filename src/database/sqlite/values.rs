//! Values between SQLite and this layer.

use super::explain::explain;
use crate::calendar::MICROSECONDS;
use crate::database::{Row, Value, text};
use crate::error::Result;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::borrow::Cow;

/// A row of a result.
pub(super) struct SqliteRow<'a, 'b> {
    pub row: &'a rusqlite::Row<'b>,
    /// The database, for messages.
    pub target: &'a str,
}

impl Row for SqliteRow<'_, '_> {
    fn value(&self, column: usize) -> Result<Value<'_>> {
        let value = self
            .row
            .get_ref(column)
            .map_err(|error| explain(self.target, "read a column of", error))?;
        Ok(match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(bytes) => {
                // SQLite itself does not look at what it is given as text.
                text::of_bytes(bytes)
            }
            ValueRef::Blob(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
        })
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) | Self::Json(text) => ValueRef::Text(text.as_bytes()),
            Self::Timestamp(instant) => ValueRef::Integer(instant.div_euclid(MICROSECONDS)),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
