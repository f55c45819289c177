//! Writes rows as JSON, one object a row, as servers of either time do it.
//!
//! There are two differences, both so that the loader reads back what was written: truth values of facets are no texts, and
//! numbers that JSON has no form for stand in quotes. What JSON cannot hold it loses here as well: a facet that is a text
//! and looks like a time comes back as a time.

use super::super::escape::quote;
use super::super::row::{
    Facet, FacetKind, Node, Object, Row, Scalar, is_json_number, is_language, shown,
};
use super::super::schema::check_namespace;
use super::super::{Dialect, refuse};
use crate::error::{Error, Result};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes rows.
pub struct Writer<W> {
    inner: W,
    dialect: Dialect,
    is_first: bool,
    /// The text of the row that is written.
    text: String,
}

/// Writing fails.
pub(in crate::dgraph) fn cannot_write(error: io::Error) -> Error {
    Error::from_io(error, |error| {
        Error::failed(format!("cannot write the rows: {error}")).source(error)
    })
}

impl<W: Write> Writer<W> {
    /// Writes to `inner` for servers of this time.
    ///
    /// # Errors
    /// It cannot be written to.
    pub fn new(mut inner: W, dialect: Dialect) -> Result<Self> {
        inner.write_all(b"[\n").map_err(cannot_write)?;
        Ok(Self {
            inner,
            dialect,
            is_first: true,
            text: String::new(),
        })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// It cannot be written, or JSON of this dialect has no form for it: then nothing of it was written.
    pub fn push(&mut self, row: &Row) -> Result<()> {
        self.text.clear();
        if !self.is_first {
            self.text.push_str(",\n");
        }
        print(row, self.dialect, &mut self.text)?;
        self.is_first = false;
        let written = self.inner.write_all(self.text.as_bytes());
        self.text.shrink_to(1 << 20);
        written.map_err(cannot_write)
    }

    /// Ends the list, and gives back what was written to.
    ///
    /// # Errors
    /// It cannot be written to.
    pub fn finish(mut self) -> Result<W> {
        self.inner.write_all(b"\n]\n").map_err(cannot_write)?;
        Ok(self.inner)
    }
}

fn print(row: &Row, dialect: Dialect, out: &mut String) -> Result<()> {
    let Row {
        predicate,
        namespace,
        ..
    } = row;
    out.push_str("  {\"uid\":");
    node(&row.subject, out)?;
    match dialect {
        Dialect::Before2103 => check_namespace(*namespace)?,
        // Writing to a text does not fail.
        Dialect::Since2103 => _ = write!(out, ",\"namespace\":\"{namespace:#x}\""),
    }
    let is_taken = predicate == "namespace" && dialect == Dialect::Since2103;
    if predicate.is_empty() || predicate == "uid" || is_taken || predicate.contains(['@', '|']) {
        let predicate = shown(predicate);
        return Err(other_form(format!(
            "JSON has no form for the predicate `{predicate}`"
        )));
    }
    out.push(',');
    match &row.object {
        Object::Edge(target) => {
            quote(predicate, out);
            out.push_str(":[{\"uid\":");
            node(target, out)?;
            let is_within = dialect == Dialect::Since2103;
            if is_within {
                facets(predicate, &row.facets, out)?;
            }
            out.push_str("}]");
            if !is_within {
                facets(predicate, &row.facets, out)?;
            }
        }
        Object::Value { value, language } => {
            let name = match language {
                None => predicate.clone(),
                Some(tag) if is_language(tag) => format!("{predicate}@{tag}"),
                Some(tag) => return Err(refuse(format!("`{}` is no language", shown(tag)))),
            };
            quote(&name, out);
            out.push(':');
            match value.scalar {
                Scalar::Int | Scalar::Float if is_json_number(&value.text) => {
                    out.push_str(&value.text);
                }
                _ => quote(&value.text, out),
            }
            facets(&name, &row.facets, out)?;
        }
    }
    out.push('}');
    Ok(())
}

/// What RDF has a form for.
fn other_form(why: String) -> Error {
    refuse(why).hint("write the set as RDF")
}

fn node(node: &Node, out: &mut String) -> Result<()> {
    match node {
        Node::Named(name) => {
            let name = shown(name);
            Err(other_form(format!(
                "JSON has no form for the name `{name}` of a node"
            )))
        }
        node => {
            quote(&node.to_string(), out);
            Ok(())
        }
    }
}

fn facets(name: &str, facets: &[Facet], out: &mut String) -> Result<()> {
    for Facet { key, kind, text } in facets {
        out.push(',');
        quote(&format!("{name}|{key}"), out);
        out.push(':');
        let is_bare = match kind {
            FacetKind::Int | FacetKind::Float => is_json_number(text),
            FacetKind::Bool => text == "true" || text == "false",
            FacetKind::String | FacetKind::DateTime => {
                quote(text, out);
                continue;
            }
        };
        if key.is_empty() || !is_bare {
            return Err(refuse(format!(
                "the facet `{}` of `{}` is none",
                shown(key),
                shown(name)
            )));
        }
        out.push_str(text);
    }
    Ok(())
}
