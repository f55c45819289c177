//! Dgraph: its export sets.
//!
//! A neighbour of [`prisma`](crate::prisma).
//!
//! | room | what it is for |
//! |---|---|
//! | [`server`] | a running server: its requests, and how it knows who asks |
//! | [`export`] | what a server holds, as a set in a folder |

pub mod export;
pub mod server;

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
