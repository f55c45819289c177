//! Rows as RDF: N-Quads whose fourth term is the namespace, with facets behind it, a row a line.

mod line;
mod reader;
mod writer;

pub use reader::Reader;
pub use writer::{Writer, check};

use super::row::Scalar;

/// What servers write for a type, and what else the loader takes for it (`typeMap` of `chunker/rdf_parser.go`); without
/// the prefix of XML Schema, where that is `xs:` or an address.
const TYPES: [(Scalar, &str); 11] = [
    (Scalar::String, "string"),
    (Scalar::Int, "int"),
    (Scalar::Float, "float"),
    (Scalar::Bool, "boolean"),
    (Scalar::DateTime, "dateTime"),
    (Scalar::Binary, "base64Binary"),
    (Scalar::Password, "password"),
    (Scalar::BigFloat, "decimal"),
    (Scalar::Vector, "[]float32"),
    (Scalar::Int, "integer"),
    (Scalar::Float, "double"),
];
/// More that the loader takes.
const MORE: [(Scalar, &str); 4] = [
    (Scalar::DateTime, "date"),
    (Scalar::Int, "positiveInteger"),
    (Scalar::DateTime, "gYear"),
    (Scalar::DateTime, "gYearMonth"),
];
/// The type of places and areas.
const GEO: &str = "geo:geojson";
/// What stands in front of the other types.
const PREFIXES: [&str; 2] = ["xs:", "http://www.w3.org/2001/XMLSchema#"];

/// The type of this name.
fn scalar(name: &str) -> Option<Scalar> {
    match name {
        GEO => return Some(Scalar::Geo),
        // Before 1.1.
        "pwd:password" => return Some(Scalar::Password),
        _ => {}
    }
    let local = PREFIXES.iter().find_map(|it| name.strip_prefix(it))?;
    let mut all = TYPES.iter().chain(&MORE);
    all.find(|(_, it)| *it == local).map(|(scalar, _)| *scalar)
}

/// Whether a text can stand between `<` and `>`, as `lex/iri.go` of Dgraph has it; servers want a letter or a digit in it
/// as well.
fn is_iri(text: &str) -> bool {
    let is_out = |it: char| it <= ' ' || "<>\"{}|^`".contains(it);
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at + 1..];
        let length = match escape.chars().next() {
            Some('u') => 5,
            Some('U') => 9,
            _ => return false,
        };
        let digits = escape.get(1..length);
        if !digits.is_some_and(|it| it.bytes().all(|it| it.is_ascii_hexdigit())) {
            return false;
        }
        rest = &escape[length..];
    }
    !text.contains(is_out) && text.contains(char::is_alphanumeric)
}
