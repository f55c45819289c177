//! Seeing that those archives go that were to, and no others.

use super::{Look, Pruning, Stocked, ToldBy};
use crate::archive::Archive;
use crate::error::{Error, Kind, Result};
use crate::store::{Item, Shelf};
use crate::transfer::summary::Summary;
use crate::transfer::{
    Extent, Filter, Nowhere, OnFault, SchemaStrategy, Silent, Transfer, VersionStrategy,
};
use std::collections::HashMap;

/// What was removed.
#[derive(Debug, Default)]
pub struct Removed {
    /// The archives.
    pub archives: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// What could not be removed, and why.
    pub failed: Vec<(String, Error)>,
    /// What is not as it was when it was looked at, and stays.
    pub changed: Vec<String>,
}

impl Pruning {
    /// Removes what goes: each archive before its summary. Stopped in between, it leaves a summary without an archive,
    /// which says nothing wrong and goes with the next run; the other way about, an archive would be left that nothing
    /// proves to be ours, for ever. What is no more as it was looked at stays, for somebody writes to it; and so does its
    /// whole group where that is one of those that were to be left. What was done is in `removed` also where it ends
    /// with an error.
    ///
    /// # Errors
    /// The place cannot be listed once more; or the user wants it to stop. What cannot be removed is listed.
    pub fn carry_out(
        &self,
        shelf: &dyn Shelf,
        look: &Look<'_>,
        removed: &mut Removed,
    ) -> Result<()> {
        self.remove(shelf, look, removed).map_err(|error| {
            let count = removed.archives.len();
            error.interrupted_with(&format!("{count} archives were removed before"))
        })
    }

    fn remove(&self, shelf: &dyn Shelf, look: &Look<'_>, removed: &mut Removed) -> Result<()> {
        if self.going().next().is_none() && self.orphans.is_empty() {
            return Ok(());
        }
        let now = Now(shelf.list()?);
        let mut standings: HashMap<&str, Standing> = HashMap::new();
        for archive in self.going() {
            look.interrupt.stop()?;
            for kept in self.kept_beside(archive) {
                if !standings.contains_key(kept.name.as_str()) {
                    let standing = self.standing(kept, &now, shelf, look)?;
                    standings.insert(&kept.name, standing);
                }
            }
            let kept = self.kept_beside(archive).map(|it| it.name.as_str());
            match fate(archive, &now, kept.map(|name| (name, standings[name]))) {
                Fate::Goes => archive.remove(shelf, removed),
                Fate::Away => {}
                Fate::Changed => removed.changed.push(archive.name.clone()),
                Fate::Held(why) => removed.failed.push((archive.name.clone(), why)),
            }
        }
        for orphan in &self.orphans {
            look.interrupt.stop()?;
            let archive = Summary::archive_of(orphan).unwrap_or_default();
            // It has come meanwhile.
            if now.find(archive).is_some() {
                continue;
            }
            if let Err(error) = shelf.remove(orphan) {
                removed.failed.push((orphan.clone(), error));
            }
        }
        Ok(())
    }

    /// How one that is kept stands. What nothing else proves to be whole is read.
    fn standing(
        &self,
        kept: &Stocked,
        now: &Now,
        shelf: &dyn Shelf,
        look: &Look<'_>,
    ) -> Result<Standing> {
        if !now.has_as_it_was(kept) {
            return Ok(Standing::Lost);
        }
        let is_proved = kept.told_by == ToldBy::Summary || self.own.as_ref() == Some(&kept.name);
        Ok(match is_proved || is_whole(shelf, &kept.name, look)? {
            true => Standing::Whole,
            false => Standing::Damaged,
        })
    }
}

impl Stocked {
    /// Removes it, and then its summary.
    fn remove(&self, shelf: &dyn Shelf, removed: &mut Removed) {
        if let Err(error) = shelf.remove(&self.name) {
            removed.failed.push((self.name.clone(), error));
            return;
        }
        removed.archives.push(self.name.clone());
        removed.bytes += self.size;
        if self.has_summary {
            let summary = Summary::name_for(&self.name);
            if let Err(error) = shelf.remove(&summary) {
                removed.failed.push((summary, error));
            }
        }
    }
}

/// What lies at a place when things are removed from it, by name.
struct Now(Vec<Item>);

impl Now {
    fn find(&self, name: &str) -> Option<&Item> {
        let found = self.0.binary_search_by(|item| item.name.as_str().cmp(name));
        found.ok().map(|place| &self.0[place])
    }

    /// Whether an archive and its summary are there as when it was looked at.
    fn has_as_it_was(&self, archive: &Stocked) -> bool {
        let has_summary = || self.find(&Summary::name_for(&archive.name)).is_some();
        self.find(&archive.name)
            .is_some_and(|it| is_as(it, archive))
            && (!archive.has_summary || has_summary())
    }
}

/// Whether a file is as it was looked at.
fn is_as(item: &Item, archive: &Stocked) -> bool {
    (item.size, item.modified) == (archive.size, archive.modified)
}

/// How an archive stands that was to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing is wrong with it.
    Whole,
    /// It cannot be read to its end.
    Damaged,
    /// It is gone, or another.
    Lost,
}

/// What becomes of an archive that was to go.
#[derive(Debug)]
enum Fate {
    /// It goes.
    Goes,
    /// It has gone already.
    Away,
    /// It is not as it was, and stays.
    Changed,
    /// It is needed.
    Held(Error),
}

/// What becomes of an archive that was to go, from what is there now, and how the complete ones of its group stand that
/// were to stay.
fn fate<'a>(
    archive: &Stocked,
    now: &Now,
    kept: impl IntoIterator<Item = (&'a str, Standing)>,
) -> Fate {
    for (name, standing) in kept {
        let (what, advice) = match standing {
            Standing::Whole => continue,
            Standing::Damaged => (
                format!("{name}, which was to stay, is damaged"),
                "check it with backup verify, put it elsewhere, and run it again",
            ),
            Standing::Lost => (
                format!("{name}, which was to stay, is gone or was written to meanwhile"),
                "see that it is whole, and run it again",
            ),
        };
        return Fate::Held(Error::failed(what).hint(advice));
    }
    match now.find(&archive.name) {
        None => Fate::Away,
        Some(item) if !is_as(item, archive) => Fate::Changed,
        Some(_) => Fate::Goes,
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

#[cfg(test)]
mod tests {
    use super::super::tests::stocked;
    use super::*;

    #[test]
    fn an_archive_goes_only_where_all_that_stay_beside_it_are_whole_and_it_is_as_it_was() {
        let archive = stocked("site-2026-11-10.tar");
        let item = |size| Item {
            name: archive.name.clone(),
            size,
            modified: archive.modified,
        };
        let there = Now(vec![item(archive.size)]);
        let changed = Now(vec![item(archive.size + 1)]);
        let nothing = Now(Vec::new());
        let of = |now: &Now, kept: &[Standing]| {
            let kept = kept.iter().map(|it| ("kept.tar", *it));
            match fate(&archive, now, kept) {
                Fate::Goes => "goes".to_owned(),
                Fate::Away => "away".to_owned(),
                Fate::Changed => "changed".to_owned(),
                Fate::Held(why) => why.to_string(),
            }
        };
        let (whole, damaged, lost) = (Standing::Whole, Standing::Damaged, Standing::Lost);
        assert_eq!(of(&there, &[]), "goes");
        assert_eq!(of(&there, &[whole, whole]), "goes");
        assert_eq!(of(&changed, &[whole]), "changed");
        assert_eq!(of(&nothing, &[whole]), "away");
        for now in [&there, &changed, &nothing] {
            let why = of(now, &[whole, damaged]);
            assert_eq!(why, "kept.tar, which was to stay, is damaged");
            let why = of(now, &[lost, whole]);
            assert!(
                why.ends_with("is gone or was written to meanwhile"),
                "{why}"
            );
        }
    }
}
