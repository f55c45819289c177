//! Which rows a restore replaces, and which stay.

use crate::strapi::tables::Model;
use crate::transfer::is_ignored;
use roaring::RoaringTreemap;
use std::collections::{HashMap, HashSet};

/// The rows that are replaced.
pub(super) struct Replaced<'a> {
    /// Content types of which every row goes.
    pub types: &'a HashSet<&'a str>,
    /// Components that go with them, as unsigned numbers with the same bits; `None` where all do.
    pub components: Option<&'a HashMap<&'a str, RoaringTreemap>>,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    ComesBack,
    Goes,
}

impl Replaced<'_> {
    /// Whether rows of a model stay, at least some of them.
    pub fn stays(&self, model: &Model) -> bool {
        if model.is_component() {
            self.components.is_some()
        } else {
            !self.types.contains(model.uid.as_str())
        }
    }

    /// Whether rows of a model go, at least some of them.
    pub fn goes(&self, model: &Model) -> bool {
        model.is_component() || self.types.contains(model.uid.as_str())
    }

    /// Whether links between rows of these models may lose one end and not the other. What is created
    /// and changed by administrators is told by no archive, and so not by a restore.
    pub fn parts(&self, owner: &Model, target: &Model) -> bool {
        (self.stays(owner) && self.goes(target))
            || (self.goes(owner) && self.stays(target) && !is_ignored(&target.uid))
    }

    /// Whether a component goes.
    pub fn has_component(&self, uid: &str, id: i64) -> bool {
        self.components.is_none_or(|components| {
            let ids = components.get(uid);
            ids.is_some_and(|ids| ids.contains(id.cast_unsigned()))
        })
    }
}
