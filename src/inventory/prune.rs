//! Which archives go, and seeing that they do.

use super::{Inventory, Look, Stocked, ToldBy};
use crate::archive::Archive;
use crate::error::{Error, Kind, Result};
use crate::retention::{Candidate, Policy, Verdict};
use crate::store::{Item, Shelf};
use crate::transfer::summary::Summary;
use crate::transfer::{
    Extent, Filter, Nowhere, OnFault, SchemaStrategy, Silent, Transfer, VersionStrategy,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;

/// How old a summary without its archive is that nobody is going to lay an archive beside.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);

/// What becomes of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
    /// It is not touched, and no rule counts it.
    Leave,
}

impl Action {
    /// Its name in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Remove => "remove",
            Self::Leave => "leave",
        }
    }
}

/// What becomes of an archive, and why.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The archive.
    pub archive: Stocked,
    /// What becomes of it.
    pub action: Action,
    /// Why.
    pub reasons: Vec<String>,
}

/// Which archives are looked at.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Only those of the group that this one is of, which was just written, and is whole.
    pub beside: Option<String>,
}

/// What is going to be removed from a place.
#[derive(Debug, Default)]
pub struct Pruning {
    /// What becomes of each archive, by group and date.
    pub decisions: Vec<Decision>,
    /// Summaries that go because their archives did.
    pub orphans: Vec<String>,
    /// The archive that was just written.
    own: Option<String>,
}

/// What was removed.
#[derive(Debug, Default)]
pub struct Removed {
    /// How many archives.
    pub archives: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What could not be removed, and why.
    pub failed: Vec<(String, Error)>,
    /// What is not as it was when it was looked at, and stays.
    pub changed: Vec<String>,
}

impl Pruning {
    /// Decides.
    pub fn decide(inventory: Inventory, policy: &Policy, scope: &Scope, now: Timestamp) -> Self {
        let Inventory {
            mut archives,
            orphans,
            ..
        } = inventory;
        let mut pruning = Self::default();
        match &scope.beside {
            Some(own) => {
                pruning.own = Some(own.clone());
                let group = archives.iter().find(|it| it.name == *own);
                let group = group.map(|it| it.group.clone());
                archives.retain(|it| Some(&it.group) == group.as_ref());
                if let Some(own) = archives.iter_mut().find(|it| it.name == *own) {
                    own.is_fresh = false;
                    own.is_complete = true;
                    own.doubt = None;
                }
            }
            None => {
                let is_old =
                    |(_, written): &(String, Timestamp)| now.duration_since(*written) > FORGOTTEN;
                let orphans = orphans.into_iter().filter(is_old);
                pruning.orphans = orphans.map(|(name, _)| name).collect();
            }
        }
        for group in archives.chunk_by(|one, other| one.group == other.group) {
            pruning.decide_group(group, policy, scope.beside.as_deref(), now);
        }
        pruning
    }

    fn decide_group(
        &mut self,
        group: &[Stocked],
        policy: &Policy,
        own: Option<&str>,
        now: Timestamp,
    ) {
        let counts = |it: &Stocked| it.doubt.is_none() && !it.is_fresh;
        let candidates: Vec<Candidate> = group
            .iter()
            .filter(|it| counts(it))
            .map(|it| Candidate {
                made: it.made.clone(),
                is_complete: it.is_complete,
            })
            .collect();
        let mut verdicts = policy.apply(&candidates, now).into_iter();
        for archive in group {
            let (action, reasons) = match &archive.doubt {
                Some(doubt) => (
                    Action::Leave,
                    vec![format!("not known to be ours: {doubt}")],
                ),
                None if archive.is_fresh => (
                    Action::Leave,
                    vec!["it is so new that it may still be being written".into()],
                ),
                None => match verdicts.next() {
                    // However early its date is beside those of others.
                    Some(Verdict::Goes(_)) if own == Some(archive.name.as_str()) => {
                        (Action::Keep, vec!["just made".to_owned()])
                    }
                    Some(Verdict::Goes(why)) => (Action::Remove, vec![why.to_owned()]),
                    Some(Verdict::Stays(reasons)) => (Action::Keep, reasons),
                    None => (Action::Leave, Vec::new()),
                },
            };
            self.decisions.push(Decision {
                archive: archive.clone(),
                action,
                reasons,
            });
        }
    }

    /// The archives that go.
    pub fn going(&self) -> impl Iterator<Item = &Stocked> {
        let going = self.decisions.iter();
        going
            .filter(|it| it.action == Action::Remove)
            .map(|it| &it.archive)
    }

    /// The complete archives of the same group that stay.
    fn kept_beside<'a>(&'a self, archive: &'a Stocked) -> impl Iterator<Item = &'a Stocked> {
        let kept = self.decisions.iter();
        kept.filter(|it| it.action == Action::Keep && it.archive.is_complete)
            .map(|it| &it.archive)
            .filter(|it| it.group == archive.group)
    }

    /// Removes what goes: each archive before its summary. Stopped in between, it leaves a summary without an archive,
    /// which says nothing wrong and goes with the next run; the other way about, an archive would be left that nothing
    /// proves to be ours, for ever. What is no more as it was looked at stays, for somebody writes to it; and so does its
    /// whole group where that is one of those that were to be left.
    ///
    /// # Errors
    /// The place cannot be listed once more; or the user wants it to stop. What cannot be removed is listed.
    pub fn carry_out(&self, shelf: &dyn Shelf, look: &Look<'_>) -> Result<Removed> {
        let mut removed = Removed::default();
        if self.going().next().is_none() && self.orphans.is_empty() {
            return Ok(removed);
        }
        let items = shelf.list()?;
        let now = |name: &str| {
            let found = items.binary_search_by(|item| item.name.as_str().cmp(name));
            found.ok().map(|place| &items[place])
        };
        let is_as_it_was = |archive: &Stocked| {
            let is_same =
                |item: &Item| (item.size, item.modified) == (archive.size, archive.modified);
            now(&archive.name).is_some_and(is_same)
                && (!archive.has_summary || now(&Summary::name_for(&archive.name)).is_some())
        };
        let mut proved: HashMap<&str, bool> = HashMap::new();
        for archive in self.going() {
            check(look, &removed)?;
            let mut stump = None;
            for kept in self.kept_beside(archive) {
                let is_proved = kept.told_by == ToldBy::Summary
                    || self.own.as_ref() == Some(&kept.name)
                    || match proved.get(kept.name.as_str()) {
                        Some(is_whole) => *is_whole,
                        None => {
                            let is_whole = is_whole(shelf, &kept.name, look)?;
                            proved.insert(&kept.name, is_whole);
                            is_whole
                        }
                    };
                if !is_proved {
                    stump = Some(&kept.name);
                }
            }
            if let Some(stump) = stump {
                let error = Error::failed(format!("{stump}, which was to stay, is damaged"));
                let error =
                    error.hint("check it with backup verify, put it elsewhere, and run it again");
                removed.failed.push((archive.name.clone(), error));
                continue;
            }
            if let Some(lost) = self.kept_beside(archive).find(|it| !is_as_it_was(it)) {
                let error = Error::failed(format!(
                    "{}, which was to stay, is gone or was written to meanwhile",
                    lost.name
                ));
                let error = error.hint("see that it is whole, and run it again");
                removed.failed.push((archive.name.clone(), error));
                continue;
            }
            match now(&archive.name) {
                None => continue,
                Some(item) if (item.size, item.modified) != (archive.size, archive.modified) => {
                    removed.changed.push(archive.name.clone());
                    continue;
                }
                Some(_) => {}
            }
            if let Err(error) = shelf.remove(&archive.name) {
                removed.failed.push((archive.name.clone(), error));
                continue;
            }
            removed.archives += 1;
            removed.bytes += archive.size;
            if archive.has_summary {
                let summary = Summary::name_for(&archive.name);
                if let Err(error) = shelf.remove(&summary) {
                    removed.failed.push((summary, error));
                }
            }
        }
        for orphan in &self.orphans {
            check(look, &removed)?;
            let archive = Summary::archive_of(orphan).unwrap_or_default();
            // It has come meanwhile.
            if now(archive).is_some() {
                continue;
            }
            if let Err(error) = shelf.remove(orphan) {
                removed.failed.push((orphan.clone(), error));
            }
        }
        Ok(removed)
    }
}

/// Whether an archive that has no summary is whole: it is read to its end, as `backup verify` does it. A name that says
/// so may be that of a copy that was cut.
fn is_whole(shelf: &dyn Shelf, name: &str, look: &Look<'_>) -> Result<bool> {
    let read = || -> Result<bool> {
        let archive = Archive::from_origin(shelf.open(name)?, look.spool_folder)?;
        let mut source = look.open(archive, true)?;
        let mut transfer = Transfer {
            source: &mut source,
            destination: Box::new(Nowhere { like: None }),
            filter: Filter::default(),
            extent: Extent::default(),
            versions: VersionStrategy::Ignore,
            schemas: SchemaStrategy::Ignore,
            on_fault: OnFault::GoOn,
            observer: &Silent,
        };
        Ok(transfer.plan()?.faults.is_empty())
    };
    read().or_else(|error| match error.kind() {
        Kind::Archive | Kind::WrongKey => Ok(false),
        _ => Err(error),
    })
}

/// Whether to go on.
fn check(look: &Look<'_>, removed: &Removed) -> Result<()> {
    look.interrupt.stop().map_err(|error| {
        let count = removed.archives;
        error.interrupted_with(&format!("{count} archives were removed before"))
    })
}
