//! Foreign keys and triggers, as the catalogues of the databases have them.

use super::{Connection, Row};
use crate::error::{Error, Result};

/// What becomes of a row that refers to another, when that one is deleted or its key changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    /// Nothing may become of it: the change is refused (`RESTRICT`, `NO ACTION`).
    Forbid,
    /// It goes along (`CASCADE`).
    Cascade,
    /// It loses its reference (`SET NULL`, `SET DEFAULT`).
    Empty,
}

impl OnChange {
    /// What PostgreSQL calls `r` or `c`, and others `RESTRICT` or `CASCADE`.
    fn from_catalogue(rule: &str) -> Self {
        match rule {
            "c" | "CASCADE" => Self::Cascade,
            "n" | "d" | "SET NULL" | "SET DEFAULT" => Self::Empty,
            _ => Self::Forbid,
        }
    }
}

/// A foreign key: rows of a table refer to rows of another, or of the same.
///
/// Tables that are not found without it have their schema in front, and a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The table whose rows refer.
    pub table: String,
    /// The same for statements.
    pub quoted: String,
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The table whose rows are referred to.
    pub referenced: String,
    /// The columns that the others hold, in the same order.
    pub referenced_columns: Vec<String>,
    /// When a row that is referred to is deleted.
    pub on_delete: OnChange,
    /// When the key of such a row changes.
    pub on_update: OnChange,
}

/// A trigger that somebody defined, or a rule of PostgreSQL, which is set off in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// The table that it belongs to.
    pub table: String,
    /// Whether it is a rule.
    pub is_rule: bool,
}

/// A table that inherits from another: statements that name that one reach its rows as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heir {
    /// The table, as those of a [`ForeignKey`].
    pub table: String,
    /// The one that it inherits from.
    pub from: String,
}

/// Reads tables that inherit; `sql` gives a row for each: its schema (empty where it goes without), its
/// name, and the table that it inherits from.
pub(super) fn heirs(connection: &mut dyn Connection, sql: &str) -> Result<Vec<Heir>> {
    let mut heirs = Vec::new();
    connection.query(sql, &[], &mut |row| {
        heirs.push(Heir {
            table: full_name(&text_of(row, 0)?, text_of(row, 1)?),
            from: text_of(row, 2)?,
        });
        Ok(())
    })?;
    Ok(heirs)
}

/// Reads foreign keys. `sql` gives a row for each column of each key, those of a key one after the
/// other: something that tells keys apart, the table with its schema (empty where it goes without)
/// and its name, the column, the same three of what is referred to, and the rules for deletions and
/// updates.
pub(super) fn foreign_keys(connection: &mut dyn Connection, sql: &str) -> Result<Vec<ForeignKey>> {
    let mut parts: Vec<[String; 9]> = Vec::new();
    connection.query(sql, &[], &mut |row| {
        let mut part: [String; 9] = Default::default();
        for (index, text) in part.iter_mut().enumerate() {
            *text = text_of(row, index)?;
        }
        parts.push(part);
        Ok(())
    })?;
    let mut keys: Vec<ForeignKey> = Vec::new();
    let mut last = None;
    for [
        key,
        schema,
        table,
        column,
        its_schema,
        referenced,
        its_column,
        delete,
        update,
    ] in parts
    {
        if last.as_ref() != Some(&key) {
            let quoted = match schema.as_str() {
                "" => connection.quote(&table),
                schema => format!("{}.{}", connection.quote(schema), connection.quote(&table)),
            };
            keys.push(ForeignKey {
                quoted,
                table: full_name(&schema, table),
                columns: Vec::new(),
                referenced: full_name(&its_schema, referenced),
                referenced_columns: Vec::new(),
                on_delete: OnChange::from_catalogue(&delete),
                on_update: OnChange::from_catalogue(&update),
            });
            last = Some(key);
        }
        if let Some(key) = keys.last_mut() {
            key.columns.push(column);
            key.referenced_columns.push(its_column);
        }
    }
    Ok(keys)
}

/// Reads triggers; `sql` gives a row for each: its name and its table.
pub(super) fn triggers(connection: &mut dyn Connection, sql: &str) -> Result<Vec<Trigger>> {
    let mut triggers = Vec::new();
    connection.query(sql, &[], &mut |row| {
        triggers.push(Trigger {
            name: text_of(row, 0)?,
            table: text_of(row, 1)?,
            is_rule: false,
        });
        Ok(())
    })?;
    Ok(triggers)
}

/// The statement that gives columns of the row with an id new values, with `?` for all of these.
pub(super) fn update_of_row(
    connection: &dyn Connection,
    table: &str,
    columns: &[String],
) -> String {
    let set: Vec<String> = columns
        .iter()
        .map(|column| format!("{} = ?", connection.quote(column)))
        .collect();
    let table = connection.quote(table);
    format!("UPDATE {table} SET {} WHERE id = ?", set.join(", "))
}

fn full_name(schema: &str, table: String) -> String {
    match schema {
        "" => table,
        schema => format!("{schema}.{table}"),
    }
}

fn text_of(row: &dyn Row, column: usize) -> Result<String> {
    match row.value(column)?.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(Error::failed(
            "the database names a table, a foreign key or a trigger in a way that cannot be read",
        )),
    }
}
