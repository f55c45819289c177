//! Which part of a site something holds, and which part a transfer replaces.

use crate::model::Stage;
use std::collections::BTreeSet;

/// The stages and content types that something was made from. A restore touches these and nothing
/// else, also where a type has no rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// The stages.
    pub stages: BTreeSet<Stage>,
    /// The uids of the content types; empty where entities are not among the stages.
    pub types: BTreeSet<String>,
}

/// What of the destination a transfer replaces, within what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// What the source says it was made from. Where it does not say: the stages that it has something
    /// of, with all their types; and the media library, if it has rows or files of it.
    #[default]
    Said,
    /// Every stage and type: what the source has nothing of is emptied.
    All,
    /// The stages and types that the source has something of.
    Held,
}
