//! Strapi's content as an export set of Dgraph, and back.
//!
//! Content types become types of GraphQL, and components types of their own with a position; a dynamic zone becomes one
//! field a component it takes. What Dgraph cannot hold stands in the notes beside the set (`strapi.json`).
//! Sets of others become content types without notes ([`PlainSource`]). docs/DGRAPH.md says what becomes of what.

mod data;
mod destination;
mod graphql;
mod node;
mod nodes;
mod plain;
mod schema;
mod system;
#[cfg(test)]
mod tests;

pub use data::{names_notes, noted_source};
pub use destination::set_destination;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use plain::Graph;
pub use plain::PlainSource;

/// The folder of the set, beside the notes and the files of the media library.
pub const DATA: &str = "data";
/// The field with the id of a node, which is the same in every server, whatever its uid.
pub(super) const ID: &str = "strapiId";
/// What to do with several namespaces.
const ONE: &str = "export one of them alone (`backup dgraph export --namespace N`), and convert that; \
     where that server is gone, load one of them into another one that is empty (`backup dgraph import --namespace N \
     --into-namespace 0`), and export that";

/// Why what stands beside a value or a link has no place.
const LOST_FACETS: &str = "what stands beside it (facets) has no place in Strapi";

/// The predicate of a field.
fn predicate(type_name: &str, field: &str) -> String {
    format!("{type_name}.{field}")
}
