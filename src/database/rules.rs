//! The rules of a table that rows can be held against before they are added.

use super::{Column, Connection, Holds, Row, Trigger, Value};
use crate::error::Result;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// What a table asks of rows with certain columns.
///
/// Whatever is refused here the database would refuse as well. Of values that must be unique a hash is
/// kept, with a key of its own, in some twelve bytes for each row and index.
#[derive(Debug)]
pub struct TableRules {
    table: String,
    names: Vec<String>,
    /// In the order of `names`; those that the table does not have hold anything.
    columns: Vec<Column>,
    /// Columns that rows do not have, and must.
    required: Vec<String>,
    unique: Vec<Unique>,
    hasher: RandomState,
}

/// Columns whose values, taken together, no two rows may share.
#[derive(Debug)]
struct Unique {
    columns: Vec<usize>,
    seen: HashSet<u64>,
}

/// Why a row cannot be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The column, as a place in the row, where it is one.
    pub column: Option<usize>,
    /// What is wrong.
    pub why: String,
    /// What can be done.
    pub advice: &'static str,
}

impl Refusal {
    fn of(column: usize, why: String) -> Self {
        Self {
            column: Some(column),
            why,
            advice: "change the value where the archive was made, or the column, and run it again",
        }
    }
}

impl TableRules {
    /// Reads the rules of a table for rows with the columns `names`. `triggers` are those of the whole
    /// database.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn read(
        connection: &mut dyn Connection,
        table: &str,
        names: Vec<String>,
        triggers: &[Trigger],
    ) -> Result<Self> {
        let mut present = connection.columns(table)?;
        let mut unique = connection.unique_indexes(table)?;
        // A trigger may give a row other values, before the database looks at them.
        if triggers.iter().any(|trigger| trigger.table == table) {
            for column in &mut present {
                (column.may_be_given_null, column.may_be_left_out) = (true, true);
            }
            unique.clear();
        }
        let columns = names.iter().map(|name| {
            let there = present.iter().position(|column| column.name == *name);
            there.map_or_else(|| anything(name), |there| present[there].clone())
        });
        let columns = columns.collect();
        present.retain(|column| !column.may_be_left_out && !names.contains(&column.name));
        let place = |column: &String| names.iter().position(|name| name == column);
        let unique = unique.iter().filter_map(|index| {
            Some(Unique {
                columns: index.iter().map(place).collect::<Option<_>>()?,
                seen: HashSet::new(),
            })
        });
        Ok(Self {
            table: table.to_owned(),
            columns,
            required: present.into_iter().map(|column| column.name).collect(),
            unique: unique.collect(),
            hasher: RandomState::new(),
            names,
        })
    }

    /// The same, but rows may get another value in a column than the one they are held against.
    #[must_use]
    pub fn not_unique(mut self, name: &str) -> Self {
        if let Some(place) = self.names.iter().position(|it| it == name) {
            self.unique.retain(|index| !index.columns.contains(&place));
        }
        self
    }

    /// The same, but rows are not held against each other, where there may be too many to remember.
    #[must_use]
    pub fn one_by_one(mut self) -> Self {
        self.unique.clear();
        self
    }

    /// The same, but nothing is said about the value in a column.
    #[must_use]
    pub fn not_knowing(mut self, name: &str) -> Self {
        for column in &mut self.columns {
            if column.name == name {
                *column = anything(name);
            }
        }
        self.not_unique(name)
    }

    /// The same, but a row may also be changed where it is, and keeps what it is not given.
    #[must_use]
    pub fn changing_rows(mut self) -> Self {
        self.required.clear();
        self
    }

    /// Takes a row in, and says why the database would not.
    pub fn refusal(&mut self, connection: &dyn Connection, row: &[Value<'_>]) -> Option<Refusal> {
        for (place, (column, value)) in self.columns.iter().zip(row).enumerate() {
            if value.is_null() && !column.may_be_given_null {
                return Some(Refusal::of(
                    place,
                    "it has no value, and must have one".into(),
                ));
            }
            if let Some(why) = column.holds.refusal(value) {
                return Some(Refusal::of(place, why));
            }
        }
        if let Some(name) = self.required.first() {
            return Some(Refusal {
                column: None,
                why: format!(
                    "the column {name} of {} must have a value, and has no default",
                    self.table
                ),
                advice: "give the column a default, or let it be empty, and run it again",
            });
        }
        if let Some(refusal) = connection.refuses_row(&self.table, &self.names, row) {
            return Some(refusal);
        }
        let hasher = &self.hasher;
        for index in &mut self.unique {
            let values = || index.columns.iter().filter_map(|&place| row.get(place));
            if values().any(Value::is_null) {
                continue;
            }
            if !index.seen.insert(hash(hasher, values())) {
                let names: Vec<&str> = index.columns.iter().map(|&it| &*self.names[it]).collect();
                return Some(Refusal::of(
                    index.columns[0],
                    format!(
                        "a row before has the same, and no two rows of {} may share {}",
                        self.table,
                        names.join(", ")
                    ),
                ));
            }
        }
        None
    }

    /// By how many characters or bytes a text at a place in the row may grow, where that is known.
    pub fn room(&self, place: usize, value: &Value<'_>) -> Option<u64> {
        self.columns.get(place)?.holds.room(value)
    }

    /// The name of the column at a place in the row.
    pub fn name(&self, place: usize) -> &str {
        &self.names[place]
    }
}

fn anything(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        nullable: true,
        may_be_given_null: true,
        may_be_left_out: true,
        is_computed: false,
        holds: Holds::Anything,
    }
}

fn hash<'a, 'v: 'a>(hasher: &RandomState, values: impl Iterator<Item = &'a Value<'v>>) -> u64 {
    let mut hasher = hasher.build_hasher();
    for value in values {
        std::mem::discriminant(value).hash(&mut hasher);
        match value {
            Value::Null => {}
            Value::Integer(number) | Value::Timestamp(number) => number.hash(&mut hasher),
            Value::Real(number) => number.to_bits().hash(&mut hasher),
            Value::Text(text) | Value::Json(text) => text.hash(&mut hasher),
            Value::Bytes(bytes) => bytes.hash(&mut hasher),
        }
    }
    hasher.finish()
}

/// Reads indexes; `sql` gives a row for each of their columns: the index, and the column or `NULL`
/// where it is an expression, in this order. `?` stands for the table, once for each of `parameters`.
pub(super) fn unique_indexes(
    connection: &mut dyn Connection,
    sql: &str,
    parameters: &[Value<'_>],
) -> Result<Vec<Vec<String>>> {
    let mut indexes: Vec<(String, Option<Vec<String>>)> = Vec::new();
    connection.query(sql, parameters, &mut |row: &dyn Row| {
        let index = row.value(0)?;
        let index = index.as_str().unwrap_or_default();
        if indexes.last().is_none_or(|(last, _)| last != index) {
            indexes.push((index.to_owned(), Some(Vec::new())));
        }
        if let Some((_, columns)) = indexes.last_mut() {
            match (row.value(1)?.as_str(), columns.as_mut()) {
                (Some(column), Some(columns)) => columns.push(column.to_owned()),
                _ => *columns = None,
            }
        }
        Ok(())
    })?;
    Ok(indexes
        .into_iter()
        .filter_map(|(_, columns)| columns)
        .collect())
}
