//! Data of another system without notes, as content of a Strapi: what is the same for all of them. Content types are made
//! of the types that the system has, and links are put in order on disk.

mod drafts;
mod given;
mod links;
mod schema;
mod steps;
mod types;
mod values;

pub use drafts::made_of;
pub use given::{Given, GivenField, GivenLinks, Naming, Place};
pub use links::{Pairs, Said};
pub use steps::end_key;
pub use types::{Attribute, ContentType, Links, Made};
pub use values::{end_row, float, is_rounded, moment, row_begun};

use crate::convert::capitalised;
use crate::model::limits::LONGEST_LINE;
use crate::model::{Metadata, Schemas, Stage};
use crate::transfer::{Description, Scope};
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

/// What a source of these content types says of itself: content of a Strapi of this version, read at this time.
pub fn description(schemas: Schemas, (now, version): (&str, &str)) -> Description {
    let types = schemas.content_types().map(|it| it.uid.clone()).collect();
    Description {
        metadata: Some(Metadata::new(now.to_owned(), version.to_owned())),
        schemas: Some(schemas),
        scope: Some(Scope {
            stages: [Stage::Schemas, Stage::Entities, Stage::Links].into(),
            types,
        }),
        provenance: None,
        is_own_archive: false,
    }
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
