//! Which archives go.

use super::{Inventory, Stocked};
use crate::retention::{Candidate, Policy, Verdict};
use jiff::{SignedDuration, Timestamp};

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
    pub(super) own: Option<String>,
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
    pub(super) fn kept_beside<'a>(
        &'a self,
        archive: &'a Stocked,
    ) -> impl Iterator<Item = &'a Stocked> {
        let kept = self.decisions.iter();
        kept.filter(|it| it.action == Action::Keep && it.archive.is_complete)
            .map(|it| &it.archive)
            .filter(|it| it.group == archive.group)
    }
}
