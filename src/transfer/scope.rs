//! Which part of a site something holds.

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
