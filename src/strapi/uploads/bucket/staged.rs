//! Stages the files of a media library in a bucket, and swaps them in.

use super::digest::Waiting;
use super::ending::PutOff;
use super::journal::{self, Moves, Swap};
use super::lease::{self, Asking, Clock, Lease};
use super::many::Pace;
use super::place::{Place, takes};
use super::probe;
use super::workers::{Came, Workers};
use super::{Bucket, Ends, Layout};
use crate::effort::Effort;
use crate::error::{Error, Kind, Result};
use crate::model::{Asset, Fields, media_type};
use crate::random;
use crate::store::media::Attributes;
use crate::strapi::uploads::{Staged, StagedUploads};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that wait to be swapped in. Dropped before the swap is final, everything is as it was.
pub(super) struct StagedObjects {
    ends: Ends,
    layout: Arc<Layout>,
    clock: Clock,
    pace: Pace,
    how: Staged,
    /// Where files wait that are too large for the memory.
    folder: PathBuf,
    effort: Effort,
    staging: Option<Staging>,
    /// How many files came.
    files: u64,
    /// Files that go even if none comes to their paths.
    replaced: BTreeSet<String>,
    /// The swap, from before its first copy until it is final.
    swap: Option<Swap>,
    /// Has everything go on while the swap is half-way.
    put_off: Option<PutOff>,
    /// What goes once the swap is final.
    settled: Option<Swap>,
    /// See [`StagedUploads::litter`].
    litter: Option<String>,
}

/// What is there as soon as a file came that is kept.
struct Staging {
    place: Place,
    lease: Lease,
    workers: Workers,
}

impl StagedObjects {
    /// Nothing staged yet.
    pub fn new(bucket: &Bucket, how: Staged, folder: &Path, effort: &Effort) -> Self {
        Self {
            ends: bucket.ends.clone(),
            layout: Arc::clone(&bucket.layout),
            clock: bucket.clock.clone(),
            pace: bucket.pace,
            how,
            folder: folder.to_owned(),
            effort: effort.clone(),
            staging: None,
            files: 0,
            replaced: BTreeSet::new(),
            swap: None,
            put_off: None,
            settled: None,
            litter: None,
        }
    }

    /// Where the files wait; the lease is there before the first of them.
    fn staging(&mut self) -> Result<&mut Staging> {
        if self.staging.is_none() {
            // Without that, nothing that is staged is found again.
            Place::find(&self.ends, &self.layout, self.pace)?;
            let place = Place {
                objects: Arc::clone(&self.ends.steady),
                layout: Arc::clone(&self.layout),
                id: random::digits()?,
                pace: self.pace,
                ending: self.ends.ending.clone(),
            };
            let staging = self.staging.insert(Staging {
                lease: Lease::make(&place, &self.clock)?,
                workers: Workers::new(place.by(&self.ends.willing), &self.effort),
                place,
            });
            // Whoever came between the first look and the lease sees this one, or is seen now; both may give way.
            for other in Place::find(&self.ends, &self.layout, self.pace)? {
                if other.id != staging.place.id {
                    lease::check_free(&other, Asking::MayWrite)?;
                }
            }
            probe::try_rights(&staging.place.by(&self.ends.willing))
                .map_err(|error| error.within("a restore could not be done or undone there"))?;
        }
        Ok(self.staging.as_mut().expect("it was just made"))
    }

    /// Sees that the bucket can be listed and read.
    fn check_readable(&self, path: &str) -> Result<()> {
        Place::find(&self.ends, &self.layout, self.pace)?;
        let key = format!("{}{path}", self.layout.prefix);
        self.ends.willing.look(&key).map(drop)
    }

    /// What the swap is going to do.
    fn moves(&self, came: &BTreeMap<String, Came>) -> Moves {
        let waits = came.iter().filter_map(|(path, came)| match came {
            Came::Waits { overwrites, .. } => Some((path, *overwrites)),
            Came::Same(_) => None,
        });
        let is_left = |path: &&String| !came.contains_key(*path) && takes(&self.layout, path);
        let leaving = self.replaced.iter().filter(is_left);
        let overwritten = waits.clone().filter(|(_, overwrites)| *overwrites);
        Moves {
            incoming: waits.map(|(path, _)| path.clone()).collect(),
            outgoing: overwritten
                .map(|(path, _)| path)
                .chain(leaving)
                .cloned()
                .collect(),
        }
    }

    /// Deletes all that was staged, as far as there is time; says where something is left.
    fn discard(&mut self) -> Option<String> {
        let mut staging = self.staging.take()?;
        // The time that there is begins here.
        let _ = self.ends.ending.check();
        let _ = staging.workers.finish();
        // The journal may be written, also where its swap could not begin. What cannot be deleted now the next run
        // deletes.
        let forgotten = journal::forget(&staging.place, &staging.lease);
        forgotten.is_err().then(|| staging.place.name())
    }

    /// Where the run is to stop, deletes all that was staged, and says what is left.
    fn heed<T>(&mut self, outcome: Result<T>) -> Result<T> {
        let error = match outcome {
            Err(error) if error.kind() == Kind::Interrupted => error,
            outcome => return outcome,
        };
        Err(match self.discard() {
            Some(place) => error.interrupted_with(&format!(
                "nothing was changed; what could not be deleted in time of {place}, backup recover or the next import deletes"
            )),
            None => error,
        })
    }

    fn take(&mut self, paths: &[String], asset: &Asset, content: &mut dyn Read) -> Result<()> {
        let content = Waiting::read(content, asset.size, &asset.filename, &self.folder)?;
        let media_type = Some(type_of(asset, &self.layout.attributes));
        self.staging()?.workers.give(paths, media_type, content)
    }
}

impl StagedUploads for StagedObjects {
    fn add(&mut self, paths: &[String], asset: &Asset, content: &mut dyn Read) -> Result<()> {
        for path in paths {
            if !takes(&self.layout, path) {
                return Err(Error::archive(format!(
                    "the archive holds a file named \"{path}\", which is no name for an object in {}",
                    self.layout.name
                )));
            }
        }
        let Some(first) = paths.first() else {
            return Ok(());
        };
        let name = &asset.filename;
        if self.how == Staged::Counted {
            if self.files == 0 {
                self.check_readable(first)?;
            }
            Waiting::count(content, asset.size, name)?;
        } else {
            let held = self.staging().and_then(|it| it.lease.check());
            let taken = held.and_then(|()| self.take(paths, asset, content));
            self.heed(taken)?;
        }
        self.files += 1;
        Ok(())
    }

    fn written(&mut self) -> Result<()> {
        let written = match &mut self.staging {
            Some(staging) => staging.workers.finish(),
            None => Ok(()),
        };
        self.heed(written)
    }

    fn replace(&mut self, paths: BTreeSet<String>) -> Result<()> {
        self.replaced = paths;
        let looked = self.staging().and_then(|staging| {
            staging.workers.finish()?;
            staging.workers.look_again()
        });
        self.heed(looked)
    }

    fn remark(&self) -> Option<String> {
        if self.files == 0 {
            return None;
        }
        let same = self.staging.as_ref().map_or(0, |it| it.workers.same());
        let same = match same {
            0 => String::new(),
            same => format!(" (there already as they come, and left alone: {same})"),
        };
        Some(format!(
            "they come to {} one by one: until the restore has ended, visitors may see either version of any file{same}",
            self.layout.name
        ))
    }

    fn is_empty(&self) -> bool {
        self.staging.is_none()
    }

    fn of_other_owners(&self) -> u64 {
        0
    }

    fn swap_in(&mut self, token: &str, database: &str) -> Result<()> {
        let Some(staging) = &mut self.staging else {
            return Ok(());
        };
        staging.workers.finish()?;
        let Some(staging) = &self.staging else {
            return Ok(());
        };
        // Rows were loaded since then, perhaps for long.
        staging.workers.look_again()?;
        self.put_off = Some(self.ends.ending.put_off());
        staging.lease.check()?;
        let came = staging.workers.came();
        let swap = Swap::begin(&staging.place, [token, database], self.moves(&came))?;
        let media_type = |path: &str| match came.get(path) {
            Some(Came::Waits { media_type, .. }) => media_type.clone(),
            _ => None,
        };
        self.swap.insert(swap).advance(&staging.lease, &media_type)
    }

    fn settle(&mut self) -> Result<()> {
        if let (Some(swap), Some(staging)) = (&self.swap, &self.staging) {
            swap.mark_done(&staging.lease)?;
        }
        self.settled = self.swap.take();
        self.put_off = None;
        Ok(())
    }

    fn put_back(&mut self) -> Result<(), String> {
        let (Some(swap), Some(staging)) = (self.swap.take(), &self.staging) else {
            self.put_off = None;
            return Ok(());
        };
        if let Err(error) = swap.undo(&staging.lease) {
            self.leave();
            let kept = swap.kept();
            return Err(format!("{error}; those not in their places are in {kept}"));
        }
        self.put_off = None;
        // Everything is as it was, whether that can be deleted or not.
        self.litter = self.discard().map(|place| {
            format!(
                "the files are as they were, but {place} could not be deleted: run backup recover before files change"
            )
        });
        Ok(())
    }

    fn litter(&self) -> Option<&str> {
        self.litter.as_deref()
    }

    fn leave(&mut self) -> Option<String> {
        self.put_off = None;
        self.settled = None;
        self.staging = None;
        self.swap.take().map(|swap| swap.kept())
    }

    fn forget_old(&mut self) -> Option<String> {
        let staging = self.staging.take()?;
        let swap = self.settled.take()?;
        let deleted = swap.delete_what_leaves(&staging.lease);
        let done = deleted.and_then(|()| swap.forget(&staging.lease));
        done.err().map(|error| match error.kind() {
            Kind::Interrupted => format!("{}, which the next run deletes", swap.kept()),
            _ => error.to_string(),
        })
    }
}

impl Drop for StagedObjects {
    fn drop(&mut self) {
        // Whoever drops it half-way has an error to report; the next run tries again.
        let _ = self.put_back();
        let _ = self.discard();
    }
}

/// The media type that a file gets: what all get, else what its sidecar says, else what its name does.
fn type_of(asset: &Asset, all: &Attributes) -> String {
    let said = || {
        let sidecar = Fields::parse(&asset.sidecar).ok()?;
        sidecar.text("mime").filter(|text| !text.is_empty())
    };
    let said = all.media_type.clone().or_else(said);
    said.unwrap_or_else(|| media_type(&asset.filename).to_owned())
}
