//! What came of a comparison, for programs. docs/DIFF.md describes it.

use super::ArchiveFacts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much differs between two sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedFacts {
    /// What rows are known by: `id` or `document`.
    #[serde(rename = "match")]
    pub matching: String,
    /// The two sources.
    pub sides: Vec<SideFacts>,
    /// How many differences there are; `None` where it was not compared to the end.
    pub differences: Option<u64>,
    /// What one side was made without, so that it was not compared: `content`, `files`, `configuration`,
    /// `media library`, types by uid; and `links` where nothing tells rows at their ends apart.
    #[serde(default)]
    pub not_compared: Vec<String>,
    /// How many of each kind: `schema`, `type`, `entity`, `link`, `file`, `setting`.
    pub kinds: BTreeMap<String, ChangesFacts>,
}

/// One of two sources that are compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideFacts {
    /// The archive, where it is one.
    pub archive: Option<ArchiveFacts>,
    /// The project, where it is one.
    pub project: Option<String>,
    /// When it was read: RFC 3339.
    pub made: Option<String>,
    /// The version of Strapi.
    pub strapi: Option<String>,
    /// The kind of database it was read from.
    pub database: Option<String>,
    /// How much there is of each stage, by its name.
    pub counts: BTreeMap<String, u64>,
}

/// How many things differ, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesFacts {
    /// The second source alone has them.
    pub added: u64,
    /// The first alone has them.
    pub removed: u64,
    /// They are not the same.
    pub changed: u64,
    /// Links at other positions.
    pub moved: u64,
    /// The same by type; of links by the type of their owner.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, ChangesFacts>,
}
