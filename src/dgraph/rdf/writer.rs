//! Writes rows as RDF, as servers of either time do it.

use super::super::escape::quote;
use super::super::json::cannot_write;
use super::super::row::{Facet, FacetKind, Node, Object, Row, Scalar, is_language, shown};
use super::super::schema::check_namespace;
use super::super::{Dialect, refuse};
use super::{GEO, PREFIXES, TYPES, is_iri};
use crate::error::Result;
use std::fmt::Write as _;
use std::io::Write;

/// Writes rows.
pub struct Writer<W> {
    inner: W,
    dialect: Dialect,
    /// The text of the row that is written.
    text: String,
}

impl<W: Write> Writer<W> {
    /// Writes to `inner` for servers of this time.
    pub fn new(inner: W, dialect: Dialect) -> Self {
        Self {
            inner,
            dialect,
            text: String::new(),
        }
    }

    /// Writes a row.
    ///
    /// # Errors
    /// It cannot be written, or RDF of this dialect has no form for it: then nothing of it was written.
    pub fn push(&mut self, row: &Row) -> Result<()> {
        self.text.clear();
        print(row, self.dialect, &mut self.text)?;
        let written = self.inner.write_all(self.text.as_bytes());
        self.text.shrink_to(1 << 20);
        written.map_err(cannot_write)
    }

    /// Gives back what was written to.
    pub fn finish(self) -> W {
        self.inner
    }
}

fn print(row: &Row, dialect: Dialect, out: &mut String) -> Result<()> {
    node(&row.subject, out)?;
    let predicate = &row.predicate;
    if !is_iri(predicate) || predicate.contains('@') {
        let predicate = shown(predicate);
        return Err(refuse(format!(
            "RDF has no form for the predicate `{predicate}`"
        )));
    }
    let language = match &row.object {
        Object::Value { language, .. } => language.as_deref(),
        Object::Edge(_) => None,
    };
    if let Some(tag) = language.filter(|it| !is_language(it)) {
        return Err(refuse(format!("`{}` is no language", shown(tag))));
    }
    // Writing to a text does not fail.
    let _ = write!(out, " <{predicate}");
    if let (Object::Value { value, .. }, Some(tag)) = (&row.object, language) {
        // A value has a language or a type behind it, and a predicate may have the language.
        if is_typed(value.scalar) {
            let _ = write!(out, "@{tag}");
        }
    }
    out.push_str("> ");
    match &row.object {
        Object::Edge(target) => node(target, out)?,
        Object::Value { value, .. } => {
            quote(&value.text, out);
            match language {
                Some(tag) if !is_typed(value.scalar) => _ = write!(out, "@{tag}"),
                _ => suffix(value.scalar, out),
            }
        }
    }
    match dialect {
        Dialect::Before2103 => check_namespace(row.namespace)?,
        Dialect::Since2103 => _ = write!(out, " <{:#x}>", row.namespace),
    }
    for (at, facet) in row.facets.iter().enumerate() {
        out.push_str(if at == 0 { " (" } else { "," });
        print_facet(facet, out)?;
    }
    if !row.facets.is_empty() {
        out.push(')');
    }
    out.push_str(" .\n");
    Ok(())
}

/// Whether the type of a value that has a language has to be said: a text has one or the other.
fn is_typed(scalar: Scalar) -> bool {
    !matches!(scalar, Scalar::Default | Scalar::String)
}

/// What says the type of a value.
fn suffix(scalar: Scalar, out: &mut String) {
    if scalar == Scalar::Geo {
        let _ = write!(out, "^^<{GEO}>");
    }
    if let Some((_, name)) = TYPES.iter().find(|(of, _)| *of == scalar) {
        let _ = write!(out, "^^<{}{name}>", PREFIXES[0]);
    }
}

fn node(node: &Node, out: &mut String) -> Result<()> {
    match node {
        Node::Uid(uid) => _ = write!(out, "<{uid:#x}>"),
        Node::Blank(name) if is_blank(name) => _ = write!(out, "_:{name}"),
        Node::Named(name) if is_iri(name) => _ = write!(out, "<{name}>"),
        Node::Blank(name) | Node::Named(name) => {
            let name = shown(name);
            return Err(refuse(format!(
                "RDF has no form for the name `{name}` of a node"
            )));
        }
    }
    Ok(())
}

/// Whether this names a blank node, for the loader: letters, digits and a few signs.
fn is_blank(name: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == ':';
    name.starts_with(is_letter)
        && !name.ends_with('.')
        && name
            .chars()
            .all(|it| is_letter(it) || it == '-' || it == '.')
}

fn print_facet(facet: &Facet, out: &mut String) -> Result<()> {
    let Facet { key, kind, text } = facet;
    let ends = |it: char| it.is_whitespace() || "=,)\"(".contains(it);
    let is_bare = !text.is_empty() && !text.contains(ends);
    let is_text = *kind == FacetKind::String;
    if key.is_empty() || key.contains(ends) || !(is_text || is_bare) {
        return Err(refuse(format!(
            "RDF has no form for the facet `{}`",
            shown(key)
        )));
    }
    let _ = write!(out, "{key}=");
    match is_text {
        true => quote(text, out),
        false => out.push_str(text),
    }
    Ok(())
}
