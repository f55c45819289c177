//! Dgraph: its export sets and its servers.
//!
//! A neighbour of [`prisma`](crate::prisma): what a Dgraph server exports is read, checked and written here, as servers from
//! 20.03 to 25.3 do it.
//!
//! | room | what it is for |
//! |---|---|
//! | [`set`] | sets on disk: groups, files, gzip, encryption |
//! | [`row`] | one row, whatever the dialect and the format |
//! | [`json`] | rows as JSON |
//! | [`rdf`] | rows as RDF |
//! | [`schema`] | predicates and types |
//! | [`graphql`] | the GraphQL schemas |
//! | [`verify`] | what is wrong with a set |
//! | [`server`] | a running server: its requests, and how it knows who asks |
//! | [`export`] | what a server holds, as a set in a folder |
//! | [`import`] | a set into a server |
//!
//! There are two dialects, which do not load into each other's servers: before 21.03 nothing has a namespace. What is the
//! same in both has one type here. Nothing in here knows of Strapi, and only the last three know of a server.

mod escape;
pub mod export;
pub mod graphql;
pub mod import;
pub mod json;
pub mod rdf;
pub mod row;
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

/// What a writer cannot write.
pub(crate) fn refuse(what: impl Into<String>) -> crate::error::Error {
    crate::error::Error::failed(what)
}

/// What is wrong with a line of a file.
pub(crate) fn at(file: &str, line: u64, why: impl fmt::Display) -> crate::error::Error {
    crate::error::Error::archive(format!("{file}, line {line}: {why}"))
}
