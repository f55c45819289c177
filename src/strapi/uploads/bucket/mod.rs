//! The files of a media library in a bucket, whose objects nobody can rename: what comes is put beside them, and
//! copied over them right before the database commits.
//!
//! All that a restore keeps meanwhile lies below `<prefix>.backup-restore-<ID>/`:
//!
//! | object | what it is |
//! |---|---|
//! | `lease` | whose restore it is, and by its age whether he still works: the first to come, the last to go |
//! | `new/PATH` | a file that comes |
//! | `journal.jsonl` | what goes where: there before anything else is touched, and the first to be forgotten |
//! | `old/PATH` | a file that is overwritten, as it was |
//! | `done` | the database has committed: from now on nothing is copied any more |

mod digest;
mod ending;
#[cfg(test)]
mod fake;
mod found;
mod holder;
mod journal;
mod lease;
mod many;
mod place;
mod probe;
mod staged;
mod workers;

pub(super) use self::ending::Ending;
use self::found::Found;
use self::journal::Swap;
use self::lease::{Asking, Clock, Lease};
use self::many::Pace;
use self::place::Place;
use self::staged::StagedObjects;
use super::{Held, PendingSwap, Staged, StagedUploads};
use crate::effort::Effort;
use crate::error::{Kind, Result};
use crate::store::media::{Attributes, Objects};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Where the files of a media library are in a bucket, and how they are kept there.
#[derive(Debug, Clone, Default)]
pub(in crate::strapi) struct Layout {
    /// What stands before the path of every file: nothing, or something that ends in a slash.
    pub prefix: String,
    /// What every file gets, and its own media type besides.
    pub attributes: Attributes,
    /// What the place is called in messages.
    pub name: String,
}

/// The place in a bucket where files of a media library are put.
pub(in crate::strapi) struct Bucket {
    ends: Ends,
    layout: Arc<Layout>,
    clock: Clock,
    pace: Pace,
    /// What this run holds, by the ids of the restores.
    leases: Leases,
}

/// The same objects, reached in two ways.
#[derive(Clone)]
struct Ends {
    /// Ends when the user wants the run to stop.
    willing: Arc<dyn Objects>,
    /// Goes on for as long as `ending` says.
    steady: Arc<dyn Objects>,
    ending: Ending,
}

/// See [`Bucket::leases`].
type Leases = Arc<Mutex<HashMap<String, Weak<Lease>>>>;

impl Bucket {
    /// The files that lie so among these objects. Nothing is asked of them yet.
    ///
    /// `objects` may end when the user wants the run to stop. `steady` are the same ones and go on until `ending` says
    /// so: what was swapped is put back, the lease is kept until that is done, and what was staged is deleted as far as
    /// there is time.
    pub fn new(
        objects: Arc<dyn Objects>,
        steady: Arc<dyn Objects>,
        ending: Ending,
        layout: Layout,
    ) -> Self {
        Self {
            ends: Ends {
                willing: objects,
                steady,
                ending,
            },
            layout: Arc::new(layout),
            clock: Clock::default(),
            pace: Pace::default(),
            leases: Leases::default(),
        }
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.layout.name
    }

    /// Whether a file can lie at this path.
    pub fn takes(&self, path: &str) -> bool {
        place::takes(&self.layout, path)
    }

    /// As [`Uploads::stage`](super::Uploads::stage). Files that are too large for the memory wait in `folder`.
    pub fn stage(&self, how: Staged, folder: &Path, effort: &Effort) -> Box<dyn StagedUploads> {
        Box::new(StagedObjects::new(self, how, folder, effort))
    }

    /// As [`Uploads::hold`](super::Uploads::hold).
    ///
    /// # Errors
    /// Kind [`Locked`](crate::error::Kind::Locked): one of these restores has not ended; or they cannot be looked at.
    pub fn hold(&self) -> Result<Vec<Held>> {
        let places = self.places()?.into_iter();
        places
            .map(|place| Ok(Held::keeping(self.lease(&place)?)))
            .collect()
    }

    /// As [`Uploads::pending`](super::Uploads::pending).
    ///
    /// # Errors
    /// They cannot be listed or read.
    pub fn pending(&self) -> Result<Vec<Box<dyn PendingSwap>>> {
        let mut swaps: Vec<Box<dyn PendingSwap>> = Vec::new();
        for place in self.places()? {
            if let Some(swap) = Swap::read(&place)? {
                let lease = self.leases().get(&place.id).and_then(Weak::upgrade);
                let steady = place.by(&self.ends.steady);
                swaps.push(Box::new(Found::new(
                    swap,
                    steady,
                    lease,
                    self.clock.clone(),
                )));
            }
        }
        Ok(swaps)
    }

    /// As [`Uploads::left`](super::Uploads::left).
    ///
    /// # Errors
    /// A run still works there, or they cannot be looked at.
    pub fn left(&self) -> Result<Vec<String>> {
        let left = self.leftovers()?;
        for place in &left {
            lease::check_free(place, Asking::OnlyReads)?;
        }
        Ok(left.iter().map(Place::name).collect())
    }

    /// As [`Uploads::sweep`](super::Uploads::sweep).
    ///
    /// # Errors
    /// A run still works there; something cannot be deleted.
    pub fn sweep(&self) -> Result<usize> {
        let mut count = 0;
        for place in &self.leftovers()? {
            let lease = self.lease(place)?;
            // Where nothing but a lease was left, nothing was deleted that anybody has to know of.
            count += usize::from(lease.clear()? > 0);
        }
        self.give_up_uploads()?;
        Ok(count)
    }

    /// Gives up the uploads in parts of restores that are over. Whoever may not ask for them leaves them to the rules of
    /// the bucket.
    fn give_up_uploads(&self) -> Result<()> {
        let objects = &self.ends.willing;
        let start = place::start(&self.layout);
        let uploads = objects.unfinished(&start)?.unwrap_or_default();
        if uploads.is_empty() {
            return Ok(());
        }
        // A lease is there before the first upload, and these were there before this is asked.
        let going_on: HashSet<String> = self.places()?.into_iter().map(|it| it.id).collect();
        for upload in &uploads {
            let rest = upload.key.strip_prefix(&start);
            let id = rest.and_then(|rest| Some(rest.split_once('/')?.0));
            if id.is_some_and(|id| place::is_id(id) && !going_on.contains(id))
                && let Err(error) = objects.give_up(upload)
                && error.kind() == Kind::Interrupted
            {
                return Err(error);
            }
        }
        Ok(())
    }

    /// The restores that left no journal.
    fn leftovers(&self) -> Result<Vec<Place>> {
        let mut left = Vec::new();
        for place in self.places()? {
            if Swap::read(&place)?.is_none() {
                left.push(place);
            }
        }
        Ok(left)
    }

    /// Takes the lease of a restore, if this run does not have it yet.
    fn lease(&self, place: &Place) -> Result<Arc<Lease>> {
        let own = self.leases().get(&place.id).and_then(Weak::upgrade);
        if let Some(own) = own.filter(|own| !own.is_released()) {
            return Ok(own);
        }
        let lease = Arc::new(Lease::take(&place.by(&self.ends.steady), &self.clock)?);
        let mut leases = self.leases();
        leases.insert(place.id.clone(), Arc::downgrade(&lease));
        Ok(lease)
    }

    fn leases(&self) -> MutexGuard<'_, HashMap<String, Weak<Lease>>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The places of all restores that left something.
    /// Whether anything of a restore lies here.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn holds_any(&self) -> Result<bool> {
        Ok(!self.places()?.is_empty())
    }

    fn places(&self) -> Result<Vec<Place>> {
        Place::find(&self.ends, &self.layout, self.pace)
    }
}

#[cfg(test)]
mod tests;
