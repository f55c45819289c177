//! What archives lie at a place, what they say of themselves, and which of them go.
//!
//! An archive's own words come from the summary beside it, else from its first kilobytes, where these can be read
//! (because it is not encrypted, or the key is known); else its name has to do, and last the time of the file.

mod facts;
mod name;
mod outside;
mod prune;
mod removal;
#[cfg(test)]
mod tests;

pub use outside::Outside;
pub use prune::{Action, Decision, Pruning, Scope};
pub use removal::Removed;

use crate::archive::{Archive, ArchiveSource, Cipher, Demands, Keys};
use crate::error::{Kind, Result};
use crate::retention::is_of_the_future;
use crate::store::{Interrupt, Item, Shelf};
use crate::transfer::summary::{Status, Summary};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use name::Name;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

/// How old a file of a folder is that nobody writes to any more, if nothing else tells.
const SETTLED: SignedDuration = SignedDuration::from_mins(1);
/// The group of archives with the default name.
const NAMELESS: &str = "export";
/// How long after its archive a summary comes to lie in an object store, at the most by far.
const SUMMED_UP: SignedDuration = SignedDuration::from_hours(1);

/// How archives are looked at.
#[derive(Clone)]
pub struct Look<'a> {
    /// The zone whose days count, and that dates in names are of.
    pub zone: TimeZone,
    /// Now.
    pub now: Timestamp,
    /// What opens those that are encrypted.
    pub keys: Keys,
    /// Whether an archive is complete only with a summary, as in an object store.
    pub needs_summaries: bool,
    /// Where what has to be spooled goes.
    pub spool_folder: &'a Path,
    /// What ends it.
    pub interrupt: Interrupt,
}

/// What lies at a place.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The archives, by group and date, the newest last.
    pub archives: Vec<Stocked>,
    /// Summaries of this program whose archives are not there: their names and when they were written.
    pub orphans: Vec<(String, Timestamp)>,
    /// How many other files there are.
    pub others: usize,
}

/// An archive that lies somewhere.
#[derive(Debug, Clone)]
pub struct Stocked {
    /// Its name.
    pub name: String,
    /// Its name without extensions and date: which site it is of.
    pub group: String,
    /// How many bytes it has.
    pub size: u64,
    /// When it was made, in the zone whose days count.
    pub made: Zoned,
    /// What told that.
    pub told_by: ToldBy,
    /// Whether nothing is missing from it, as far as is known.
    pub is_complete: bool,
    /// Whether it is encrypted, where that is known.
    pub encrypted: Option<bool>,
    /// The cipher, where it is encrypted and that is known: `strapi`, `age`.
    pub cipher: Option<String>,
    /// The version of Strapi, where that is known.
    pub strapi: Option<String>,
    /// The project, where that is known.
    pub project: Option<String>,
    /// How much there is of each stage, by its name, where that is known.
    pub counts: BTreeMap<String, u64>,
    /// Why it is not known to be an archive of this program, if it is not.
    pub doubt: Option<String>,
    /// Whether it may be that somebody writes to it now.
    pub is_fresh: bool,
    /// Whether a file with the name of its summary is there.
    pub has_summary: bool,
    /// When the file was written.
    pub modified: SystemTime,
}

/// What told of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToldBy {
    /// The summary beside it.
    Summary,
    /// Itself.
    Archive,
    /// Its name.
    Name,
    /// The time of the file.
    File,
}

impl Stocked {
    /// Whether its date is one that no archive can have yet.
    pub fn is_of_the_future(&self, now: Timestamp) -> bool {
        is_of_the_future(&self.made, now)
    }
}

impl ToldBy {
    /// Its name in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Archive => "archive",
            Self::Name => "name",
            Self::File => "file",
        }
    }
}

impl Inventory {
    /// Looks at what lies on a shelf. Unpacked archives, which are folders, are left out.
    ///
    /// # Errors
    /// It cannot be listed. What is wrong with one archive is told with that.
    pub fn take(shelf: &dyn Shelf, look: &Look<'_>) -> Result<Self> {
        let items = shelf.list()?;
        let mut inventory = Self::default();
        let has = |name: &str| {
            let found = items.binary_search_by(|item| item.name.as_str().cmp(name));
            found.is_ok()
        };
        for item in &items {
            look.interrupt.stop()?;
            if let Some(archive) = Summary::archive_of(&item.name) {
                if Name::parse(archive).is_some() && !has(archive) {
                    inventory.orphan(shelf, item, archive);
                }
                continue;
            }
            match Name::parse(&item.name) {
                Some(name) => {
                    let has_summary = has(&Summary::name_for(&item.name));
                    let stocked = look.stocked(shelf, item, &name, has_summary)?;
                    inventory.archives.push(stocked);
                }
                None => inventory.others += 1,
            }
        }
        inventory.archives.sort_by(|one, other| {
            let of = |it: &Stocked| (it.group.clone(), it.made.timestamp(), it.name.clone());
            of(one).cmp(&of(other))
        });
        Ok(inventory)
    }

    fn orphan(&mut self, shelf: &dyn Shelf, item: &Item, archive: &str) {
        let is_ours =
            summary(shelf, archive).is_ok_and(|it| it.is_some_and(|it| is_of(&it, archive)));
        if let Some(written) = Some(item.modified).and_then(timestamp).filter(|_| is_ours) {
            self.orphans.push((item.name.clone(), written));
        }
    }
}

/// Reads the summary of an archive.
fn summary(shelf: &dyn Shelf, archive: &str) -> Result<Option<Summary>> {
    let name = Summary::name_for(archive);
    let text = shelf.read(&name, Summary::LONGEST)?;
    text.map(|text| Summary::parse(&text, &name)).transpose()
}

/// Whether a summary is of an export into an archive of this name.
fn is_of(summary: &Summary, name: &str) -> bool {
    summary.command == "export" && summary.names(name)
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}

impl Look<'_> {
    fn stocked(
        &self,
        shelf: &dyn Shelf,
        item: &Item,
        name: &Name,
        has_summary: bool,
    ) -> Result<Stocked> {
        let written = timestamp(item.modified).unwrap_or(self.now);
        let by_name = name.made(written, &self.zone);
        let told_by = match by_name {
            Some(_) => ToldBy::Name,
            None => ToldBy::File,
        };
        let patience = match self.needs_summaries {
            true => SUMMED_UP,
            false => SETTLED,
        };
        let mut stocked = Stocked {
            name: item.name.clone(),
            group: name.group.clone(),
            size: item.size,
            made: by_name.unwrap_or_else(|| written.to_zoned(self.zone.clone())),
            told_by,
            is_complete: !name.is_incomplete && !self.needs_summaries,
            encrypted: None,
            cipher: None,
            strapi: None,
            project: None,
            counts: BTreeMap::new(),
            doubt: None,
            is_fresh: self.now.duration_since(written) < patience,
            has_summary,
            modified: item.modified,
        };
        let mut is_cut = false;
        if has_summary {
            let told = summary(shelf, &item.name).and_then(|found| {
                let why = found.as_ref().map(|it| mismatch(shelf, it, item));
                Ok(found.zip(why.transpose()?))
            });
            match told {
                Ok(Some((summary, None))) => {
                    self.fill(&mut stocked, summary);
                    return Ok(stocked);
                }
                Ok(Some((summary, Some(why)))) => {
                    stocked.doubt = Some(why.to_owned());
                    // Its own summary says that it was cut, whatever stands at its beginning.
                    is_cut = is_of(&summary, &item.name);
                    stocked.is_complete &= !is_cut;
                }
                Ok(None) => {}
                Err(error) if error.kind() == Kind::Interrupted => return Err(error),
                Err(error) => stocked.doubt = Some(error.to_string()),
            }
        }
        match self.peek(shelf, &mut stocked) {
            Ok(None) if is_cut => {}
            Ok(None) => stocked.doubt = None,
            Ok(Some(why)) => drop(stocked.doubt.get_or_insert(why)),
            Err(error) if error.kind() == Kind::Interrupted => return Err(error),
            Err(error) => drop(stocked.doubt.get_or_insert(error.to_string())),
        }
        Ok(stocked)
    }

    /// Takes over what a summary says.
    fn fill(&self, stocked: &mut Stocked, summary: Summary) {
        let started = summary.started.and_then(|it| it.parse::<Timestamp>().ok());
        if let Some(started) = started {
            stocked.made = started.to_zoned(self.zone.clone());
        }
        stocked.told_by = ToldBy::Summary;
        stocked.is_complete = summary.status == Status::Complete;
        stocked.encrypted = summary.archive.as_ref().map(|archive| archive.encrypted);
        stocked.cipher = summary.archive.and_then(|archive| {
            // Those that do not say it are of before there was another one.
            let first = || archive.encrypted.then(|| Cipher::Strapi.to_string());
            archive.cipher.or_else(first)
        });
        stocked.strapi = summary.strapi;
        // A running Strapi has no folder.
        let project = summary.project.or(summary.from);
        // Every site has this name that was given none of its own.
        if let Some(project) = project.as_ref().filter(|_| stocked.group == NAMELESS) {
            stocked.group = format!("{NAMELESS} of {project}");
        }
        stocked.project = project;
        let stages = summary.stages.into_iter();
        stocked.counts = stages.map(|(name, stage)| (name, stage.count)).collect();
        stocked.is_fresh = false;
    }

    /// Opens an archive; where `tolerant`, what is wrong with it is told with the rest.
    fn open(&self, archive: Archive, tolerant: bool) -> Result<ArchiveSource> {
        let unlock = archive.lock()?.and_then(|lock| self.keys.fitting(lock));
        let demands = Demands {
            tolerant,
            interrupt: self.interrupt.clone(),
            ..Demands::default()
        };
        archive.open_with(unlock, demands)
    }

    /// Takes over what the archive says at its beginning; gives why it is not known to be one of ours, if it is not.
    fn peek(&self, shelf: &dyn Shelf, stocked: &mut Stocked) -> Result<Option<String>> {
        let archive = Archive::from_origin(shelf.open(&stocked.name)?, self.spool_folder)?;
        stocked.encrypted = Some(archive.is_encrypted());
        let lock = archive.lock()?;
        stocked.cipher = lock.map(|lock| lock.cipher().to_string());
        if lock.is_some_and(|lock| self.keys.fitting(lock).is_none()) {
            return Ok(Some("it is encrypted, and has no summary".into()));
        }
        let Some(peek) = self.open(archive, false)?.peek()? else {
            return Ok(Some("it does not begin as archives of backup do".into()));
        };
        let made = peek.metadata.created_at.as_deref();
        if let Some(made) = made.and_then(|it| it.parse::<Timestamp>().ok()) {
            stocked.made = made.to_zoned(self.zone.clone());
            stocked.told_by = ToldBy::Archive;
        }
        stocked.strapi = Some(peek.metadata.strapi.version);
        Ok(None)
    }
}

/// Why a summary is not that of this file, if it is not.
fn mismatch(shelf: &dyn Shelf, summary: &Summary, item: &Item) -> Result<Option<&'static str>> {
    if !is_of(summary, &item.name) {
        return Ok(Some("its summary is of something else"));
    }
    let archive = summary.archive.as_ref();
    if archive.and_then(|archive| archive.size) != Some(item.size) {
        return Ok(Some("it has not the size that its summary says"));
    }
    // Where an export that replaced it was cut before it had laid its own.
    let told = archive.and_then(|archive| archive.id.as_ref());
    if told.is_some()
        && let Some(id) = shelf.id(&item.name)?
        && told != Some(&id)
    {
        return Ok(Some("its summary is of the archive that it has replaced"));
    }
    Ok(None)
}
