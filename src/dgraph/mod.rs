//! Dgraph: its export sets and its servers.
//!
//! A neighbour of [`prisma`](crate::prisma): what a Dgraph server exports is read, checked and written here, as servers from
//! 20.03 to 25.3 do it.
//!
//! | room | what it is for |
//! |---|---|
//! | [`set`] | sets on disk: groups, files, gzip, encryption |
//! | [`scalar`] | what values there are, and whether a text is one |
//! | [`row`] | one row, whatever the dialect and the format |
//! | [`json`] | rows as JSON |
//! | [`rdf`] | rows as RDF |
//! | [`schema`] | predicates and types |
//! | [`graphql`] | the GraphQL schemas |
//! | [`verify`] | what is wrong with a set |
//! | [`server`] | a running server: its requests, and how it knows who asks |
//! | [`export`] | what a server holds, as a set in a folder |
//! | [`import`] | a set into a server |
//! | [`convert`] | Strapi's content as a set, and back |
//!
//! There are two dialects, which do not load into each other's servers: before 21.03 nothing has a namespace. What is the
//! same in both has one type here. Only [`convert`] knows of Strapi, and only [`server`], [`export`] and [`import`] know of
//! a server.

pub mod convert;
mod escape;
pub mod export;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod graphql;
pub mod import;
pub mod json;
pub mod rdf;
pub mod row;
pub mod scalar;
pub mod schema;
pub mod server;
pub mod set;
pub mod verify;

#[cfg(test)]
mod tests;

use std::fmt;

/// How many bytes the text of a row may have, and of an object with several: more than a server takes in one request is of
/// no use to anybody.
pub const LONGEST_ROW: usize = 64 << 20;

/// The namespace of rows that say none.
pub const GALAXY: u64 = 0;

/// What servers of a time write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Before 21.03: without namespaces.
    Before2103,
    /// From 21.03 on: every row and every line of the schema says its namespace.
    Since2103,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before2103 => "before 21.03",
            Self::Since2103 => "from 21.03 on",
        })
    }
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// N-Quads with facets, a row a line. It holds what JSON loses: hashed passwords, types of facets.
    Rdf,
    /// A list of objects.
    Json,
}

impl Format {
    /// How the names of its files end, before `.gz`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Rdf => "rdf",
            Self::Json => "json",
        }
    }
}

/// A number of 64 bits without a sign, as Go's `ParseUint` takes it with base 0, but for underscores.
pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = |text: &str, radix| {
        let is_whole = !text.is_empty() && text.bytes().all(|it| it.is_ascii_hexdigit());
        is_whole.then(|| u64::from_str_radix(text, radix).ok())?
    };
    let (prefix, rest) = text.split_at_checked(2).unwrap_or((text, ""));
    match prefix {
        "0x" | "0X" => digits(rest, 16),
        "0b" | "0B" => digits(rest, 2),
        "0o" | "0O" => digits(rest, 8),
        _ if text.len() > 1 && text.starts_with('0') => digits(&text[1..], 8),
        _ => digits(text, 10),
    }
}

/// What a writer cannot write.
pub(crate) fn refuse(what: impl Into<String>) -> crate::error::Error {
    crate::error::Error::failed(what)
}

/// What is wrong with a line of a file.
pub(crate) fn at(file: &str, line: u64, why: impl fmt::Display) -> crate::error::Error {
    crate::error::Error::archive(format!("{file}, line {line}: {why}"))
}
