//! What became of the archives at a place, for programs: as `list --json` and `prune --json` print it, and as the summary
//! of an export has it that pruned. docs/RETENTION.md describes it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An archive that lies somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockedFacts {
    /// Its name.
    pub name: String,
    /// Its name without extensions and date: which site it is of.
    pub group: String,
    /// When it was made, in UTC: RFC 3339.
    pub made: String,
    /// What told that: `summary`, `archive`, `name`, `file`.
    pub from: String,
    /// How many bytes it has.
    pub size: u64,
    /// Whether nothing is missing from it, as far as is known.
    pub complete: bool,
    /// Whether it is encrypted, where that is known.
    #[serde(default)]
    pub encrypted: Option<bool>,
    /// The cipher, where it is encrypted and that is known: `strapi`, `age`.
    #[serde(default)]
    pub cipher: Option<String>,
    /// The version of Strapi, where that is known.
    #[serde(default)]
    pub strapi: Option<String>,
    /// The project, where that is known.
    #[serde(default)]
    pub project: Option<String>,
    /// How much there is of each stage, by its name, where that is known.
    #[serde(default)]
    pub counts: BTreeMap<String, u64>,
    /// Why it is not known to be an archive of this program, if it is not.
    #[serde(default)]
    pub doubt: Option<String>,
}

/// An archive, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedFacts {
    /// The archive.
    #[serde(flatten)]
    pub archive: StockedFacts,
    /// What was decided: `keep`, `remove`, `leave`.
    pub action: String,
    /// Why.
    pub reasons: Vec<String>,
    /// Whether it was removed by this run.
    pub removed: bool,
}

/// Something that could not be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnremovedFacts {
    /// Its name.
    pub name: String,
    /// Why, and what to do.
    pub error: String,
}

/// What became of the archives at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrunedFacts {
    /// The place.
    pub location: String,
    /// Whether it was only said.
    pub dry_run: bool,
    /// What became of each archive, by group and date.
    pub archives: Vec<DecidedFacts>,
    /// Summaries that go because their archives did.
    pub orphans: Vec<String>,
    /// How many archives were removed.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// What was written to meanwhile, and stays.
    pub changed: Vec<String>,
    /// What could not be removed.
    pub failed: Vec<UnremovedFacts>,
}
