//! What a source sends: which rows, which components, how much of each stage.
//!
//! Keeps sets of ids, compressed (a million rows cost some hundred kilobytes), eight bytes for each row
//! of a content type, and some twenty for each file of the media library.

use crate::model::{ConfigKind, IdSet, Link, LinkEnd, LinkRef, NameList, Stage};
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

/// What a source sends: which rows, which components, how much of each stage.
#[derive(Debug, Default, Clone)]
pub struct Inspection {
    pub(super) entities: HashMap<String, IdSet>,
    pub(super) components: HashMap<String, IdSet>,
    /// Components that come more than once, because several owners hold one row.
    pub(super) repeated: HashMap<String, IdSet>,
    pub(super) stages: HashMap<Stage, u64>,
    pub(super) documents: Documents,
    /// Keys of the core store that decide who gets in.
    pub(super) access: BTreeSet<&'static str>,
    pub(super) webhooks: u64,
    /// The rows of the configuration.
    pub(super) settings: HashMap<ConfigKind, IdSet>,
    /// Files that rows of `plugin::upload.file` name and that do not come, each with its row.
    pub(super) missing_files: NameList<i64>,
}

impl Inspection {
    /// Whether a row of the media library comes that names this file, and not the file.
    pub fn lacks_file(&self, filename: &str) -> bool {
        self.missing_files.get(filename).is_some()
    }

    /// Whether a row of a content type or a component comes along.
    pub fn has(&self, model: &str, id: i64) -> bool {
        [&self.entities, &self.components]
            .iter()
            .any(|models| models.get(model).is_some_and(|ids| ids.contains(id)))
    }

    /// Whether a row of a content type comes along, and is the same document.
    pub fn comes_back(&self, model: &str, id: i64, document: &str) -> bool {
        self.documents.has(model, id, document)
    }

    /// Whether both rows of a link come along.
    pub fn has_ends(&self, link: &Link<'_>) -> bool {
        self.has_end(&link.left) && self.has_end(&link.right)
    }

    /// Whether the row at one end of a link comes along.
    pub fn has_end(&self, end: &LinkEnd<'_>) -> bool {
        match &end.reference {
            LinkRef::Id(id) => self.has(&end.model, *id),
            // A document id names rows of the same type; they come along or the link does not.
            LinkRef::Document(_) => self
                .entities
                .get(end.model.as_ref())
                .is_some_and(|ids| !ids.is_empty()),
        }
    }

    /// How many rows of each component come along.
    pub fn components(&self) -> impl Iterator<Item = (&str, u64)> {
        let components = self.components.iter();
        components.map(|(uid, ids)| (uid.as_str(), ids.len()))
    }

    /// The largest id of a component that comes along.
    pub fn largest_component(&self, uid: &str) -> i64 {
        self.components.get(uid).and_then(IdSet::max).unwrap_or(0)
    }

    /// The ids of a component that come more than once, each time with another owner.
    pub fn repeated_components(&self, uid: &str) -> Option<&IdSet> {
        self.repeated.get(uid)
    }

    /// The rows of the core store that come along and decide who gets in, by their keys.
    pub fn access_settings(&self) -> impl Iterator<Item = &str> {
        self.access.iter().copied()
    }

    /// How many webhooks come along.
    pub fn webhooks(&self) -> u64 {
        self.webhooks
    }

    /// How many items a stage has.
    pub fn items(&self, stage: Stage) -> u64 {
        self.stages.get(&stage).copied().unwrap_or(0)
    }

    /// How many rows of a content type come along.
    pub fn rows(&self, uid: &str) -> u64 {
        self.entities.get(uid).map_or(0, IdSet::len)
    }

    /// Counts an item of a stage.
    pub(super) fn count(&mut self, stage: Stage) {
        *self.stages.entry(stage).or_default() += 1;
    }
}

/// Which document each row is: eight bytes a row, a hash with a key of its own.
#[derive(Debug, Default, Clone)]
pub(super) struct Documents {
    hasher: RandomState,
    sorted: Vec<u64>,
}

impl Documents {
    pub fn add(&mut self, model: &str, id: i64, document: &str) {
        let hash = self.hasher.hash_one((model, id, document));
        self.sorted.push(hash);
    }

    pub fn sort(&mut self) {
        self.sorted.sort_unstable();
    }

    fn has(&self, model: &str, id: i64, document: &str) -> bool {
        let hash = self.hasher.hash_one((model, id, document));
        self.sorted.binary_search(&hash).is_ok()
    }
}
