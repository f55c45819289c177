//! Rows of a file, in whichever format it is.

use super::super::row::Row;
use super::super::schema::Schema;
use super::super::{Dialect, Format, json, rdf};
use crate::error::Result;
use std::io::{BufRead, Write};

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy)]
pub struct Context<'s> {
    /// The schema, which gives values of JSON their types; without it these are texts and numbers.
    pub schema: Option<&'s Schema>,
    /// The dialect. Before 21.03 `namespace` is a predicate like any other.
    pub dialect: Dialect,
    /// The number of the group, which is part of the names of nodes that have none.
    pub group: u32,
}

/// Reads rows.
pub enum Rows<'s, R> {
    /// Of RDF.
    Rdf(rdf::Reader<R>),
    /// Of JSON.
    Json(json::Reader<'s, R>),
}

impl<'s, R: BufRead> Rows<'s, R> {
    /// Reads `inner`, which messages call `file`.
    pub fn new(format: Format, inner: R, file: &str, context: Context<'s>) -> Self {
        match format {
            Format::Rdf => Self::Rdf(rdf::Reader::new(inner, file)),
            Format::Json => Self::Json(json::Reader::new(inner, file, context)),
        }
    }

    /// The next row; `None` at the end. After an error of kind [`Archive`](crate::error::Kind::Archive) it can be asked for
    /// more: where nothing more can be read, it says that it is at the end.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): it is damaged; the message names the line. It cannot be read, or the
    /// user wants the run to stop.
    pub fn next_row(&mut self) -> Result<Option<Row>> {
        match self {
            Self::Rdf(rows) => rows.next_row(),
            Self::Json(rows) => rows.next_row(),
        }
    }

    /// The line of what was read last, from 1.
    pub fn line(&self) -> u64 {
        match self {
            Self::Rdf(rows) => rows.line(),
            Self::Json(rows) => rows.line(),
        }
    }

    /// How many values so far were no JSON: `+Inf` and its like. RDF has a form for these.
    pub fn no_numbers(&self) -> u64 {
        match self {
            Self::Rdf(_) => 0,
            Self::Json(rows) => rows.no_numbers(),
        }
    }

    /// How many rows had a label instead of a namespace, which was passed over.
    pub fn labels(&self) -> u64 {
        match self {
            Self::Rdf(rows) => rows.labels(),
            Self::Json(_) => 0,
        }
    }
}

/// Writes rows.
pub enum RowsWriter<W> {
    /// As RDF.
    Rdf(rdf::Writer<W>),
    /// As JSON.
    Json(json::Writer<W>),
}

impl<W: Write> RowsWriter<W> {
    /// Writes to `inner`.
    ///
    /// # Errors
    /// It cannot be written to.
    pub fn new(format: Format, dialect: Dialect, inner: W) -> Result<Self> {
        Ok(match format {
            Format::Rdf => Self::Rdf(rdf::Writer::new(inner, dialect)),
            Format::Json => Self::Json(json::Writer::new(inner, dialect)?),
        })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// It cannot be written, or the format has no form for it: then nothing of it was written.
    pub fn push(&mut self, row: &Row) -> Result<()> {
        match self {
            Self::Rdf(rows) => rows.push(row),
            Self::Json(rows) => rows.push(row),
        }
    }

    /// Ends it, and gives back what was written to.
    ///
    /// # Errors
    /// It cannot be written to.
    pub fn finish(self) -> Result<W> {
        match self {
            Self::Rdf(rows) => Ok(rows.finish()),
            Self::Json(rows) => rows.finish(),
        }
    }
}
