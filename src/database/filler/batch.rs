//! Rows on their way to the thread that adds them: what is to be done, and copies of the values.

use crate::database::Value;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// What rows are added to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub name: String,
    pub columns: Vec<String>,
}

/// What is to be done, and the values for it.
#[derive(Default)]
pub(super) struct Batch {
    pub jobs: Vec<Job>,
    pub cells: Vec<Cell>,
    pub texts: String,
    bytes: Vec<u8>,
}

pub(super) enum Job {
    /// What follows is of this, for messages.
    Place { text: Range<usize>, is_new: bool },
    /// A table gets the next number.
    Prepare(Arc<Table>),
    /// The next values, so many, are for this.
    Task(Task, usize),
}

/// What is done with values.
pub(super) enum Task {
    /// A row is added to the table of this number.
    Insert(usize),
    /// The row with this id gets them in all columns but the first of the table of this number.
    Update(usize, i64),
    /// A row gets them in these columns. The last one is its id.
    Set(Box<Table>),
}

/// A value, its text in that of all.
pub(super) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<usize>),
    Json(Range<usize>),
    Timestamp(i64),
    Bytes(Range<usize>),
}

impl Batch {
    /// Keeps a text; gives where it stands.
    pub fn text(&mut self, text: &str) -> Range<usize> {
        let start = self.texts.len();
        self.texts.push_str(text);
        start..self.texts.len()
    }

    /// Keeps a value.
    pub fn keep(&mut self, value: &Value<'_>) {
        let cell = match value {
            Value::Null => Cell::Null,
            Value::Integer(number) => Cell::Integer(*number),
            Value::Real(number) => Cell::Real(*number),
            Value::Timestamp(instant) => Cell::Timestamp(*instant),
            Value::Text(text) => Cell::Text(self.text(text)),
            Value::Json(json) => Cell::Json(self.text(json)),
            Value::Bytes(bytes) => {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(bytes);
                Cell::Bytes(start..self.bytes.len())
            }
        };
        self.cells.push(cell);
    }

    /// How much memory it takes, in bytes.
    pub fn size(&self) -> usize {
        let lists = size_of_val(&*self.cells) + size_of_val(&*self.jobs);
        self.texts.len() + self.bytes.len() + lists
    }

    /// A value that was kept.
    pub fn value(&self, cell: &Cell) -> Value<'_> {
        let text = |range: &Range<usize>| Cow::Borrowed(&self.texts[range.clone()]);
        match cell {
            Cell::Null => Value::Null,
            Cell::Integer(number) => Value::Integer(*number),
            Cell::Real(number) => Value::Real(*number),
            Cell::Timestamp(instant) => Value::Timestamp(*instant),
            Cell::Text(range) => Value::Text(text(range)),
            Cell::Json(range) => Value::Json(text(range)),
            Cell::Bytes(range) => Value::Bytes(Cow::Borrowed(&self.bytes[range.clone()])),
        }
    }
}

/// How long what a value holds is, beside itself.
pub(super) fn length(value: &Value<'_>) -> usize {
    match value {
        Value::Text(text) | Value::Json(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}
