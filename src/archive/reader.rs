//! An archive as a source.

use super::audit::{Audit, Protection};
use super::codec::{Cipher, Lock, Password, Unpacked};
use super::entries::Entries;
use super::front::{Described, Front, Peek};
use super::item::{Item, Next};
use super::layout::Entry;
use super::lines::count_lines;
use super::listing::{EntryKind, ListedEntry, Listing};
use super::manifest::{Maker, Manifest};
use super::pass::Pass;
use super::rounds::{Seen, Step, round};
use super::tree::Tree;
use crate::effort::Effort;
use crate::error::{Error, Kind, Result};
use crate::model::{Metadata, NameMap, Stage};
use crate::store::Interrupt;
use crate::transfer::{Description, Filter, Sink, Source, Subject, Warning, WarningKind};
use std::collections::HashMap;
use std::path::PathBuf;

/// What is asked of an archive that is read.
#[derive(Debug, Clone, Default)]
pub struct Demands {
    /// It has to prove that it was written by somebody who knew the password.
    pub authentic: bool,
    /// It is described as far as it can be: what is wrong with that is told with the rest.
    pub tolerant: bool,
    /// Reading it stops when the user wants that.
    pub interrupt: Interrupt,
    /// Collects what takes time.
    pub effort: Effort,
}

/// An archive file, or the same tree unpacked in a folder.
pub struct ArchiveSource {
    entries: Entries,
    /// What the authentication in it is made with, where it is in Strapi's cipher.
    password: Option<Password>,
    demands: Demands,
    folder: PathBuf,
    seen: Seen,
    known: Option<Known>,
    protection: Option<Protection>,
    listing: Option<Listing>,
    /// Takes the entries down when they are streamed next.
    tree: Option<Tree>,
    /// Whether it is streamed more than once, also if it comes through a pipe.
    keeps: bool,
    /// Whether entries are left out that are not what the digests say.
    leaves_out: bool,
    /// The entries of which that is known.
    unfit: NameMap<()>,
    /// The entries that hold something else than they can.
    malformed: NameMap<()>,
    /// Whether it is described by what is left of it.
    makes_do: bool,
}

/// What is known of an archive's content.
struct Known {
    described: Described,
    /// Whether it may have files without sidecars.
    may_be_bare: bool,
    /// How many entries each stage has; `None` where the entries stand in the order of the stages.
    entries: Option<HashMap<Stage, u64>>,
    /// How many lines or files each stage has, where that is known.
    items: Option<HashMap<Stage, u64>>,
}

impl ArchiveSource {
    /// One of these entries, with the password that the authentication in it is made with.
    pub(super) fn new(
        entries: Entries,
        password: Option<Password>,
        demands: Demands,
        folder: PathBuf,
    ) -> Self {
        Self {
            entries,
            password,
            demands,
            folder,
            seen: Seen::default(),
            known: None,
            protection: None,
            listing: None,
            tree: None,
            keeps: false,
            leaves_out: false,
            unfit: NameMap::default(),
            malformed: NameMap::default(),
            makes_do: false,
        }
    }

    /// Whether it has to prove who wrote it.
    pub(super) fn is_to_be_authentic(&self) -> bool {
        self.demands.authentic
    }

    /// What protects the archive's bytes; known once it was streamed to its end.
    pub fn protection(&self) -> Option<&Protection> {
        self.protection.as_ref()
    }

    /// How many bytes it has, where that is known: not of a stream or a folder.
    pub fn length(&self) -> Option<u64> {
        self.entries.packed().and_then(Unpacked::length)
    }

    /// Whether it is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.lock().is_some()
    }

    /// What it took to open it; `None` where it is not encrypted.
    pub fn lock(&self) -> Option<Lock> {
        self.entries.packed().and_then(Unpacked::lock)
    }

    /// Whether every byte of it was written by somebody who knew the password, which the cipher itself proves.
    fn is_authentic(&self) -> bool {
        self.lock() == Some(Lock::Key(Cipher::Age))
    }

    /// Whether it is compressed.
    pub fn is_compressed(&self) -> bool {
        self.entries.packed().is_some_and(Unpacked::is_compressed)
    }

    /// Whether it is a folder that holds an unpacked archive.
    pub fn is_unpacked(&self) -> bool {
        self.entries.packed().is_none()
    }

    /// Who wrote it, and what was asked for; known once it was described, where it says so.
    pub fn maker(&self) -> Option<Maker> {
        let known = self.known.as_ref()?;
        known.described.manifest.as_ref().map(Manifest::maker)
    }

    /// Lists its shards when it is streamed.
    pub fn list_shards(&mut self) {
        self.listing = Some(Listing::default());
    }

    /// How it is cut into entries, as far as it was streamed; where [`list_shards`](Self::list_shards) asked for that.
    pub fn listing(&self) -> Option<&Listing> {
        self.listing.as_ref()
    }

    /// Hands its entries over, in its order, without their content. Gives what is wrong between them.
    ///
    /// # Errors
    /// It cannot be followed to its end, an entry is none that it may have, or `each` fails.
    pub fn each_entry(
        &mut self,
        each: &mut dyn FnMut(ListedEntry<'_>) -> Result<()>,
    ) -> Result<Vec<Error>> {
        let Demands {
            interrupt, effort, ..
        } = &self.demands;
        self.entries.each(false, interrupt, effort, &mut |item| {
            interrupt.stop()?;
            each(ListedEntry {
                name: &item.name,
                kind: EntryKind::from(&item.entry),
                length: item.length,
            })?;
            Ok(Next::Go)
        })
    }

    /// Reads what stands at the very beginning of an archive that this program wrote: metadata and manifest, some
    /// kilobytes. `None` where it begins otherwise.
    ///
    /// # Errors
    /// It cannot be read, or is damaged there.
    pub fn peek(&mut self) -> Result<Option<Peek>> {
        let archive = self.name();
        let mut front = Front::default();
        let demands = &self.demands;
        round(
            &mut self.entries,
            true,
            (&demands.interrupt, &demands.effort),
            &mut Seen::default(),
            &mut |step| match step {
                Step::Read(item) if item.number < 2 => {
                    front.take(&archive, item)?;
                    Ok(match front.is_ours {
                        true => Next::Go,
                        false => Next::Stop,
                    })
                }
                Step::Read(_) => Ok(Next::Stop),
                Step::Through(..) => Ok(Next::Go),
            },
        )?;
        Ok(front.peek())
    }

    /// Has it stay readable after it was streamed: what comes through a pipe is kept.
    pub fn keep_for_another_stream(&mut self) {
        self.keeps = true;
    }

    /// Unpacks the entries into `tree` while it is streamed next.
    pub fn unpack_into(&mut self, tree: Tree) {
        self.tree = Some(tree);
    }

    /// What it was unpacked into, to be published if all is well.
    pub fn unpacked(&mut self) -> Option<Tree> {
        self.tree.take()
    }

    /// Has it be read as far as that goes, whatever is missing of what describes it.
    pub fn make_do(&mut self) {
        self.makes_do = true;
    }

    /// Leaves the entries out from now on of which it was found, when it was streamed, that they are not what the
    /// archive's digests say; and does not unpack those that hold something else than they can.
    pub fn leave_damaged_out(&mut self) {
        self.leaves_out = true;
    }

    pub(super) fn unauthentic(&self, why: &str) -> Error {
        Error::archive(format!("{} is not authenticated: {why}", self.name()))
            .hint("leave --require-authentication out if you know where the archive comes from")
            .unproven()
    }

    /// Reads what describes the archive: its beginning, where that holds a manifest, as this program
    /// writes it; else all of it.
    fn look(&mut self) -> Result<Known> {
        let archive = self.name();
        let mut front = Front::making_do(self.makes_do);
        let mut entries: HashMap<Stage, u64> = HashMap::new();
        let mut items: HashMap<Stage, u64> = HashMap::new();
        let mut in_order = false;
        let mut may_be_bare = true;
        let demands = &self.demands;
        let (all, seen) = (&mut self.entries, &mut self.seen);
        let looked = round(
            all,
            true,
            (&demands.interrupt, &demands.effort),
            seen,
            &mut |step| {
                let Step::Read(item) = step else {
                    return Ok(Next::Go);
                };
                let is_front = front.take(&archive, item)?;
                let Some(stage) = item.entry.stage() else {
                    return Ok(Next::Go);
                };
                // Behind the schemas nothing describes the archive, if it is as this program writes it.
                if !is_front && front.is_ours {
                    in_order = true;
                    return Ok(Next::Stop);
                }
                *entries.entry(stage).or_default() += 1;
                match item.entry {
                    Entry::Lines(Stage::Schemas, _) => {}
                    Entry::Sidecar(_) => may_be_bare = false,
                    Entry::Lines(..) => {
                        let lines = count_lines(&archive, item.content)?;
                        *items.entry(stage).or_default() += lines;
                    }
                    _ => *items.entry(stage).or_default() += 1,
                }
                Ok(Next::Go)
            },
        );
        match looked {
            // It is met again when all of it is read.
            Err(error) if self.makes_do && error.kind() == Kind::Archive => {}
            looked => drop(looked?),
        }
        items.insert(Stage::Schemas, front.schemas.len() as u64);
        Ok(Known {
            may_be_bare: may_be_bare && front.manifest.is_none(),
            described: front.describe(&archive, self.demands.tolerant)?,
            entries: (!in_order).then_some(entries),
            items: (!in_order).then_some(items),
        })
    }

    /// Whether it is of a Strapi that wrote no sidecars.
    fn is_bare(&self) -> bool {
        let known = self.known.as_ref().filter(|known| known.may_be_bare);
        let metadata = known.and_then(|known| known.described.description.metadata.as_ref());
        metadata.is_some_and(Metadata::is_before_sidecars)
    }

    /// What must hold before anything else of the archive is believed.
    fn check_demands(&self, manifest: Option<&Manifest>) -> Result<()> {
        let is_proved = self.is_authentic() || manifest.and_then(Manifest::salt).is_some();
        if self.demands.authentic && !is_proved {
            return Err(self.unauthentic("nothing in it proves that its writer knew the key"));
        }
        Ok(())
    }

    /// Judges the archive after it was read to its end for the first time, and tells what there is
    /// to tell.
    fn judge(&mut self, audit: Audit, sink: &mut dyn Sink) -> Result<()> {
        let mut faults = Vec::new();
        let mut manifest = None;
        if let Some(known) = &mut self.known {
            faults = std::mem::take(&mut known.described.faults);
            manifest = known.described.manifest.as_ref();
        }
        let items = audit.items().clone();
        let (mut protection, found) = audit.finish(manifest, self.password.as_ref())?;
        protection.is_authenticated |= self.is_authentic();
        protection.is_to_recipients = self.lock() == Some(Lock::Identity);
        for fault in faults.into_iter().chain(found) {
            sink.damaged(fault)?;
        }
        if self.demands.authentic && !protection.is_authenticated {
            return Err(self.unauthentic("its digests are not those of whoever knew the key"));
        }
        if self.protection.is_none() {
            let is_age = self.lock().map(Lock::cipher) == Some(Cipher::Age);
            for note in notes(&protection, self.entries.keep_their_order(), is_age) {
                let subject = Subject::Entry(self.name());
                sink.warn(Warning::new(WarningKind::Notice, subject, note));
            }
        }
        if let Some(known) = &mut self.known {
            known.items = Some(items);
        }
        self.unfit = std::mem::take(&mut protection.unfit);
        self.protection = Some(protection);
        Ok(())
    }

    /// Keeps what is known of an archive that broke while it was read.
    fn judge_broken(&mut self, pass: &mut Pass, error: &Error, sink: &mut dyn Sink) -> Result<()> {
        self.malformed = std::mem::take(&mut pass.malformed);
        let Some(audit) = pass.audit.take_if(|_| error.kind() == Kind::Archive) else {
            return Ok(());
        };
        let (unfit, faults) = audit.finish_broken()?;
        self.unfit = unfit;
        faults.into_iter().try_for_each(|fault| sink.damaged(fault))
    }
}

/// What a user should know of the protection of an archive.
fn notes(protection: &Protection, keeps_order: bool, is_age: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if protection.is_reordered && keeps_order {
        notes.push("it was packed anew: its entries stand in another order".into());
    }
    if !protection.has_manifest {
        notes.push(match is_age {
            true => {
                "the age format alone protects its bytes: it has no checksums; those that Strapi writes have none"
            }
            false => "nothing protects its bytes: it has no checksums; those that Strapi writes have none",
        }.into());
    }
    if let Some(outcome) = &protection.outcome
        && let Some(reason) = outcome.shortfall()
    {
        notes.push(format!("it was incomplete when it was made: {reason}"));
    }
    notes
}

impl Source for ArchiveSource {
    fn name(&self) -> String {
        self.entries.name()
    }

    fn describe(&mut self) -> Result<Description> {
        if self.known.is_none() {
            let known = self.look()?;
            self.check_demands(known.described.manifest.as_ref())?;
            self.known = Some(known);
        }
        let known = self.known.as_ref().expect("it was just put there");
        Ok(known.described.description.clone())
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        let archive = self.name();
        let known = self.known.as_ref();
        let may_be_bare = known.is_none_or(|known| known.may_be_bare);
        let mut pass = Pass::new(
            Audit::new(&archive, &self.folder),
            known.and_then(|known| known.items.clone()),
            known.and_then(|known| known.entries.clone()),
            filter,
            may_be_bare,
        );
        let mut front = self.known.is_none().then(Front::default);
        self.listing = self.listing.take().map(|_| Listing::default());
        // Once, if the entries stand in Strapi's order; otherwise once more for what came too early.
        loop {
            let before = pass.entries_through();
            pass.begin();
            let again = self.keeps || pass.may_repeat();
            let demands = &self.demands;
            // Once is enough, also if the archive is gone through several times.
            let is_first = pass.audit.is_some();
            let mut tree = self.tree.take_if(|_| is_first);
            let leaves_out = self.leaves_out;
            let is_unfit = |name: &str| leaves_out && self.unfit.get(name).is_some();
            let is_malformed = |name: &str| leaves_out && self.malformed.get(name).is_some();
            let (all, seen) = (&mut self.entries, &mut self.seen);
            let mut listing = self.listing.as_mut().filter(|_| is_first);
            let gone_through = round(
                all,
                again,
                (&demands.interrupt, &demands.effort),
                seen,
                &mut |step| {
                    let mut take = |item: &mut Item<'_>| {
                        let is_front = matches!(item.entry, Entry::Metadata | Entry::Manifest);
                        if let Some(front) = front.as_mut().filter(|_| is_front) {
                            return front.take(&archive, item).map(drop);
                        }
                        pass.entry(item, &mut front, filter, sink)
                    };
                    match step {
                        Step::Read(item) if is_unfit(&item.name) => {}
                        Step::Read(item) => {
                            let mut tree = tree.as_mut();
                            if let Some(tree) = tree.take_if(|_| is_malformed(&item.name)) {
                                tree.leave_out(&item.name);
                            }
                            let mut take = |item: &mut Item<'_>| match tree.as_mut() {
                                Some(tree) => tree.copy(&archive, item, &mut take),
                                None => take(item),
                            };
                            match &mut listing {
                                Some(listing) => listing.read(item, &mut take)?,
                                None => take(item)?,
                            }
                        }
                        Step::Through(name, entry, digest) => {
                            if let Some(audit) = &mut pass.audit {
                                audit.entry(name, entry, digest)?;
                            }
                        }
                    }
                    Ok(Next::Go)
                },
            );
            self.tree = tree.or(self.tree.take());
            let faults = match gone_through {
                Ok(faults) => faults,
                Err(error) => {
                    self.judge_broken(&mut pass, &error, sink)?;
                    return Err(error);
                }
            };
            if let Some(audit) = pass.audit.take() {
                for fault in faults {
                    sink.damaged(fault)?;
                }
                if let Some(front) = front.take() {
                    let described = front.describe(&archive, self.demands.tolerant)?;
                    self.check_demands(described.manifest.as_ref())?;
                    self.known = Some(Known {
                        may_be_bare: described.manifest.is_none(),
                        described,
                        entries: None,
                        items: None,
                    });
                }
                self.judge(audit, sink)?;
            }
            if pass.stage(sink, None)?.is_none() {
                break;
            }
            if pass.entries_through() == before {
                pass.give_up_stage(sink)?;
            }
        }
        self.malformed = std::mem::take(&mut pass.malformed);
        pass.finish(self.is_bare(), sink)
    }
}
