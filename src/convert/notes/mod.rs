//! The notes beside content that was brought into another system's form (`strapi.json`): what that system cannot hold,
//! such as order, `null` against absent, and what has other names there. With them the way back gives the same.
//!
//! They are one JSON list, and each of its elements stands in a line of its own, so that they are read and written one
//! after the other, whatever their number. Each stands behind a digest of all that was written up to it, so that a line
//! that was changed, or is missing, is found where it stands. What they say is documented in docs/PRISMA.md.

mod file;

pub use file::{Reader, Writer};

use super::trees::Tree;
use crate::model::{Metadata, Stage};
use crate::transfer::Scope;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The name of their file.
pub const NOTES: &str = "strapi.json";
/// The folder beside them with the files of the media library.
pub const FILES: &str = "files";
/// The format that is written and read. The first one, without digests, was in no release.
const FORMAT: u32 = 2;

/// What stands before their digest in a text that goes with the data.
const BEFORE: &str = "# strapi.json: ";

/// The line of a text that names the notes of this digest.
pub fn naming_line(digest: &str) -> String {
    format!("\n{BEFORE}{digest}\n")
}

/// The digest of the notes that a text names, and its line.
pub fn named_in(text: &str) -> Option<(String, u64)> {
    let mut lines = text.lines().zip(1_u64..);
    lines.find_map(|(line, number)| {
        let digest = line.strip_prefix(BEFORE)?.trim();
        Some((digest.to_owned(), number))
    })
}

/// One of the notes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Note {
    /// The first one.
    Head(Head),
    /// A schema, as it stands in the archive.
    Schema(Box<RawValue>),
    /// What a content type or component is called there; they are numbered in their order.
    Type(TypeNote),
    /// Links of one kind; they are numbered in their order.
    Relation(RelationNote),
    /// The members of rows; they are numbered in their order.
    Shape(Vec<String>),
    /// A row.
    Row(RowNote),
    /// A file of the media library.
    File(FileNote),
    /// The form of the line of a link; they are numbered in their order.
    Form(LinkForm),
    /// A link: the number of the form of its line, then what stands in its gaps.
    Link(usize, Vec<Box<RawValue>>),
    /// A link that is no relation there, as it stands in the archive.
    Line(String),
    /// A row of the configuration, as it stands in the archive.
    Configuration(String),
    /// The last one.
    End(End),
}

/// What is known when all of it was noted.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct End {
    /// How many links lead to rows that the archive does not hold.
    pub orphans: u64,
}

/// What all of it comes from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The format of these notes.
    pub format: u32,
    /// What the archive says of itself.
    pub metadata: Option<Metadata>,
    /// The stages and types that it was made from, where it says.
    pub scope: Option<(Vec<String>, Vec<String>)>,
}

impl Head {
    /// One of such an archive.
    pub fn new(metadata: Option<Metadata>, scope: Option<&Scope>) -> Self {
        let stages = |scope: &Scope| scope.stages.iter().map(|it| it.as_str().into()).collect();
        Self {
            format: FORMAT,
            metadata,
            scope: scope.map(|it| (stages(it), it.types.iter().cloned().collect())),
        }
    }

    /// The stages and types that it was made from.
    pub fn scope(&self) -> Option<Scope> {
        let (stages, types) = self.scope.as_ref()?;
        Some(Scope {
            stages: stages
                .iter()
                .filter_map(|it| Stage::from_name(it))
                .collect(),
            types: types.iter().cloned().collect(),
        })
    }
}

/// What a content type or component is called there.
#[derive(Debug, Serialize, Deserialize)]
pub struct TypeNote {
    /// Its uid.
    pub uid: String,
    /// The name of the type.
    pub name: String,
    /// What the ids of its nodes begin with.
    pub tag: String,
    /// The fields of the attributes that have values.
    pub fields: BTreeMap<String, String>,
}

/// Links of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelationNote {
    /// The number of the type that owns them.
    pub owner: usize,
    /// The field of it.
    pub field: String,
    /// The number of the type that they lead to.
    pub target: usize,
    /// The field of that, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<String>,
    /// The attribute that holds them, where they lead to components: these are no links in Strapi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<String>,
}

/// A row.
#[derive(Debug, Serialize, Deserialize)]
pub struct RowNote {
    /// Its id.
    pub id: i64,
    /// How nodes make it.
    pub tree: Tree,
    /// Its line, where nodes do not make the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// A file of the media library.
#[derive(Debug, Serialize, Deserialize)]
pub struct FileNote {
    /// Its name.
    pub name: String,
    /// What the archive says of it.
    pub about: String,
}

/// The form of the line of a link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkForm {
    /// What stands around the gaps: one piece more than these.
    pub pieces: Vec<String>,
    /// The number of the relation.
    pub relation: usize,
    /// The gap with the id of the row that owns it there.
    pub owner: usize,
    /// The gap with the id of the row that it leads to.
    pub target: usize,
}

impl LinkForm {
    /// The line of a link with these in the gaps; `None` where they are not as many.
    pub fn line(&self, gaps: &[Box<RawValue>]) -> Option<String> {
        let (first, rest) = self.pieces.split_first()?;
        if rest.len() != gaps.len() {
            return None;
        }
        let mut line = first.clone();
        for (gap, piece) in gaps.iter().zip(rest) {
            line.push_str(gap.get());
            line.push_str(piece);
        }
        Some(line)
    }
}
