//! The same for programs: archives, and what became of them, as documents.

use super::{Decision, Pruning, Removed, Stocked};
use crate::transfer::summary::{DecidedFacts, PrunedFacts, StockedFacts, UnremovedFacts};

impl Stocked {
    /// What is known of it.
    pub fn facts(&self) -> StockedFacts {
        StockedFacts {
            name: self.name.clone(),
            group: self.group.clone(),
            made: self.made.timestamp().to_string(),
            from: self.told_by.as_str().to_owned(),
            size: self.size,
            complete: self.is_complete,
            encrypted: self.encrypted,
            cipher: self.cipher.clone(),
            strapi: self.strapi.clone(),
            project: self.project.clone(),
            counts: self.counts.clone(),
            doubt: self.doubt.clone(),
        }
    }
}

impl Pruning {
    /// What was decided at a place, and what came of it.
    pub fn facts(&self, location: &str, dry_run: bool, removed: &Removed) -> PrunedFacts {
        let decided = |decision: &Decision| DecidedFacts {
            archive: decision.archive.facts(),
            action: decision.action.as_str().to_owned(),
            reasons: decision.reasons.clone(),
            removed: removed.archives.contains(&decision.archive.name),
        };
        let failed = removed.failed.iter().map(|(name, error)| UnremovedFacts {
            name: name.clone(),
            error: match error.advice() {
                Some(advice) => format!("{error}; {advice}"),
                None => error.to_string(),
            },
        });
        PrunedFacts {
            location: location.to_owned(),
            dry_run,
            archives: self.decisions.iter().map(decided).collect(),
            orphans: self.orphans.clone(),
            removed: removed.archives.len() as u64,
            removed_bytes: removed.bytes,
            changed: removed.changed.clone(),
            failed: failed.collect(),
        }
    }
}
