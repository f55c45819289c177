//! Writes rows as RDF, as servers of either time do it.

use super::super::escape::quote;
use super::super::json::cannot_write;
use super::super::row::{Facet, FacetKind, Node, Object, Row, Scalar, is_language, shown};
use super::super::schema::check_namespace;
use super::super::{Dialect, refuse};
use super::{GEO, PREFIXES, TYPES, is_iri};
use crate::error::Result;
use std::fmt;
use std::io::{self, Write};

/// How much of a row is held before it is written, in bytes: a text may be escaped to six times its length.
const HELD: usize = 1 << 16;

/// Writes rows.
pub struct Writer<W> {
    inner: W,
    dialect: Dialect,
    /// What was not written yet.
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
        check(row, self.dialect)?;
        self.text.clear();
        let mut out = Out {
            inner: &mut self.inner,
            text: &mut self.text,
            failure: None,
        };
        // Why it fails stands there.
        let _ = print(row, self.dialect, &mut out);
        out.finish().map_err(cannot_write)
    }

    /// Gives back what was written to.
    pub fn finish(self) -> W {
        self.inner
    }
}

/// Writes texts, of which it holds little, until that fails.
struct Out<'w, W> {
    inner: &'w mut W,
    text: &'w mut String,
    failure: Option<io::Error>,
}

impl<W: Write> Out<'_, W> {
    fn all(&mut self, bytes: &[u8]) -> fmt::Result {
        self.inner.write_all(bytes).map_err(|error| {
            self.failure = Some(error);
            fmt::Error
        })
    }

    fn flush(&mut self) -> fmt::Result {
        let text = std::mem::take(self.text);
        let written = self.all(text.as_bytes());
        *self.text = text;
        self.text.clear();
        written
    }

    fn finish(mut self) -> io::Result<()> {
        if self.failure.is_none() {
            let _ = self.flush();
        }
        self.failure.map_or(Ok(()), Err)
    }
}

impl<W: Write> fmt::Write for Out<'_, W> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.failure.is_some() {
            return Err(fmt::Error);
        }
        if self.text.len() + part.len() > HELD {
            self.flush()?;
        }
        match part.len() > HELD {
            true => self.all(part.as_bytes()),
            false => {
                self.text.push_str(part);
                Ok(())
            }
        }
    }
}

/// Whether RDF of this dialect has a form for a row.
///
/// # Errors
/// It has none, for which reason.
pub fn check(row: &Row, dialect: Dialect) -> Result<()> {
    check_node(&row.subject)?;
    let predicate = &row.predicate;
    if !is_iri(predicate) || predicate.contains('@') {
        let predicate = shown(predicate);
        return Err(refuse(format!(
            "RDF has no form for the predicate `{predicate}`"
        )));
    }
    match &row.object {
        Object::Edge(target) => check_node(target)?,
        Object::Value { language, .. } => {
            if let Some(tag) = language.as_deref().filter(|it| !is_language(it)) {
                return Err(refuse(format!("`{}` is no language", shown(tag))));
            }
        }
    }
    if dialect == Dialect::Before2103 {
        check_namespace(row.namespace)?;
    }
    row.facets.iter().try_for_each(check_facet)
}

/// Writes a row that was checked.
fn print(row: &Row, dialect: Dialect, out: &mut impl fmt::Write) -> fmt::Result {
    node(&row.subject, out)?;
    write!(out, " <{}", row.predicate)?;
    if let Object::Value { value, language } = &row.object
        && let Some(tag) = language
    {
        // A value has a language or a type behind it, and a predicate may have the language.
        if is_typed(value.scalar) {
            write!(out, "@{tag}")?;
        }
    }
    out.write_str("> ")?;
    match &row.object {
        Object::Edge(target) => node(target, out)?,
        Object::Value { value, language } => {
            quote(&value.text, out);
            match language {
                Some(tag) if !is_typed(value.scalar) => write!(out, "@{tag}")?,
                _ => suffix(value.scalar, out)?,
            }
        }
    }
    if dialect == Dialect::Since2103 {
        write!(out, " <{:#x}>", row.namespace)?;
    }
    for (at, Facet { key, kind, text }) in row.facets.iter().enumerate() {
        out.write_str(if at == 0 { " (" } else { "," })?;
        write!(out, "{key}=")?;
        match kind {
            FacetKind::String => quote(text, out),
            _ => out.write_str(text)?,
        }
    }
    if !row.facets.is_empty() {
        out.write_char(')')?;
    }
    out.write_str(" .\n")
}

/// Whether the type of a value that has a language has to be said: a text has one or the other.
fn is_typed(scalar: Scalar) -> bool {
    !matches!(scalar, Scalar::Default | Scalar::String)
}

/// What says the type of a value.
fn suffix(scalar: Scalar, out: &mut impl fmt::Write) -> fmt::Result {
    if scalar == Scalar::Geo {
        write!(out, "^^<{GEO}>")?;
    }
    match TYPES.iter().find(|(of, _)| *of == scalar) {
        Some((_, name)) => write!(out, "^^<{}{name}>", PREFIXES[0]),
        None => Ok(()),
    }
}

fn check_node(node: &Node) -> Result<()> {
    let name = match node {
        Node::Uid(_) => return Ok(()),
        Node::Blank(name) if is_blank(name) => return Ok(()),
        Node::Named(name) if is_iri(name) => return Ok(()),
        Node::Blank(name) | Node::Named(name) => shown(name),
    };
    Err(refuse(format!(
        "RDF has no form for the name `{name}` of a node"
    )))
}

fn node(node: &Node, out: &mut impl fmt::Write) -> fmt::Result {
    match node {
        Node::Uid(uid) => write!(out, "<{uid:#x}>"),
        Node::Blank(name) => write!(out, "_:{name}"),
        Node::Named(name) => write!(out, "<{name}>"),
    }
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

fn check_facet(facet: &Facet) -> Result<()> {
    let Facet { key, kind, text } = facet;
    let ends = |it: char| it.is_whitespace() || "=,)\"(".contains(it);
    let is_bare = !text.is_empty() && !text.contains(ends);
    let is_text = *kind == FacetKind::String;
    match key.is_empty() || key.contains(ends) || !(is_text || is_bare) {
        true => Err(refuse(format!(
            "RDF has no form for the facet `{}`",
            shown(key)
        ))),
        false => Ok(()),
    }
}
