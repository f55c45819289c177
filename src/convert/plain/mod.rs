//! Data of another system without notes, as content of a Strapi: what is the same for all of them. Content types are made
//! of the types that the system has, and links are put in order on disk.

mod drafts;
mod links;
mod schema;
mod types;

pub use drafts::{Given, GivenField, GivenLinks, Naming, Place, made_of};
pub use links::{Pairs, end_key};
pub use types::{Attribute, ContentType, Links, Made};

use crate::convert::capitalised;
use crate::model::limits::LONGEST_LINE;
use sha2::{Digest, Sha256};

/// Bytes that the values of a node may have together. A quarter of what a line may be: they are held while that is made,
/// and numbers may be longer in it.
pub const LONGEST: usize = LONGEST_LINE as usize / 4;
/// Characters of a document id of Strapi 5.
const DOCUMENT: usize = 24;

/// Whether a Strapi of this version has documents, and languages and drafts of them.
pub fn has_documents(version: &str) -> bool {
    !version.starts_with("4.")
}

/// The document of a node.
pub fn document(type_name: &str, id: &str) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let digest = Sha256::digest(format!("{}\0{id}", capitalised(type_name, "T")));
    let letters = digest.iter().take(DOCUMENT);
    letters
        .map(|byte| char::from(LETTERS[*byte as usize % LETTERS.len()]))
        .collect()
}
