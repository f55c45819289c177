//! Values between SQLite and this layer.

use super::explain::explain;
use crate::database::{Row, Value};
use crate::error::{Error, Result};
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
                let text = std::str::from_utf8(bytes).map_err(|error| {
                    let name = self.row.as_ref().column_name(column).unwrap_or("?");
                    Error::failed(format!(
                        "column {name} in {} holds text that is not UTF-8: {error}",
                        self.target
                    ))
                })?;
                Value::Text(Cow::Borrowed(text))
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
            Self::Timestamp(milliseconds) => ValueRef::Integer(*milliseconds),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
