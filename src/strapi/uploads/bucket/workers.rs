//! Puts files into a bucket in threads of their own, while whoever has their bytes reads on.

use super::digest::Waiting;
use super::many::each;
use super::place::Place;
use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use crate::threads::start;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Files that may wait for a thread, beside those that each of them has.
const WAITING: usize = 2;

/// A file that is going to lie at some paths.
struct Job {
    paths: Vec<String>,
    media_type: Option<String>,
    content: Waiting,
}

/// What became of a file that came to a path.
#[derive(Debug, Clone)]
pub(super) enum Came {
    /// It lies there already, in an object of this tag.
    Same(Option<String>),
    /// It waits.
    Waits {
        /// Whether something lies at the path.
        overwrites: bool,
        media_type: Option<String>,
    },
}

/// Puts files where they wait, several at once. Errors come with a later file, at the latest with
/// [`finish`](Self::finish).
pub(super) struct Workers {
    place: Place,
    effort: Effort,
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
    /// The paths that were given, hashed: of two files of one path the later one is to stay.
    given: HashSet<u64>,
    hasher: RandomState,
}

#[derive(Default)]
struct Shared {
    came: Mutex<BTreeMap<String, Came>>,
    failure: Mutex<Option<Error>>,
}

impl Shared {
    fn came(&self) -> MutexGuard<'_, BTreeMap<String, Came>> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self) -> MutexGuard<'_, Option<Error>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workers {
    /// None at work yet. `effort` collects how long the bucket takes.
    pub fn new(place: Place, effort: &Effort) -> Self {
        Self {
            place,
            effort: effort.clone(),
            jobs: None,
            threads: Vec::new(),
            shared: Arc::default(),
            given: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// Gives a file to one of them.
    ///
    /// # Errors
    /// The system gives no thread; an earlier file could not be put there.
    pub fn give(
        &mut self,
        paths: &[String],
        media_type: Option<String>,
        content: Waiting,
    ) -> Result<()> {
        let mut is_new = true;
        for path in paths {
            is_new &= self.given.insert(self.hasher.hash_one(path));
        }
        if !is_new || self.shared.failure().is_some() {
            self.finish()?;
        }
        let job = Job {
            paths: paths.to_vec(),
            media_type,
            content,
        };
        if self.jobs.is_none() {
            self.begin()?;
        }
        let jobs = self.jobs.as_ref().expect("they just began");
        let sent = self.effort.time(Work::Waiting, || jobs.send(job));
        // They take all that comes, whatever fails.
        sent.map_err(|_| Error::failed("the threads that put files into the bucket stopped"))
    }

    fn begin(&mut self) -> Result<()> {
        let (sender, jobs) = sync_channel(WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..self.place.pace.bringing {
            let (jobs, shared) = (Arc::clone(&jobs), Arc::clone(&self.shared));
            let (place, effort) = (self.place.clone(), self.effort.clone());
            match start(move || work(&jobs, &place, &shared, &effort)) {
                Ok(thread) => self.threads.push(thread),
                // Fewer do it as well.
                Err(error) if self.threads.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        self.jobs = Some(sender);
        Ok(())
    }

    /// Waits until all that was given is there.
    ///
    /// # Errors
    /// That of the first file that could not be put there.
    pub fn finish(&mut self) -> Result<()> {
        self.jobs = None;
        let threads = std::mem::take(&mut self.threads);
        let join = || threads.into_iter().map(JoinHandle::join).collect();
        let ends: Vec<_> = self.effort.time(Work::Waiting, join);
        for end in ends {
            if let Err(panic) = end {
                std::panic::resume_unwind(panic);
            }
        }
        self.shared.failure().take().map_or(Ok(()), Err)
    }

    /// Looks again at all places where files are going to lie: whoever was asked may have thought for long, and loading
    /// rows takes long.
    ///
    /// # Errors
    /// A file that lay there already is gone, or another one; or an object cannot be looked at.
    pub fn look_again(&self) -> Result<()> {
        let Place { objects, pace, .. } = &self.place;
        let seen: Vec<_> = self.came().into_iter().collect();
        each(&seen, pace.telling, |(path, came)| {
            let there = self.place.there(path);
            let now = objects.look(&there)?;
            match came {
                Came::Same(tag) if now.as_ref().is_none_or(|now| now.etag != *tag) => {
                    Err(Error::failed(format!(
                        "{} was what the archive holds, and is gone or another one by now: somebody else changes the \
                         files meanwhile",
                        objects.place(&there)
                    ))
                    .hint("see that nobody does, stop Strapi if it is that, and run it again"))
                }
                Came::Waits { media_type, .. } => {
                    let came = Came::Waits {
                        overwrites: now.is_some(),
                        media_type: media_type.clone(),
                    };
                    self.shared.came().insert(path.clone(), came);
                    Ok(())
                }
                Came::Same(_) => Ok(()),
            }
        })
    }

    /// What became of the files that came, by their paths.
    pub fn came(&self) -> BTreeMap<String, Came> {
        self.shared.came().clone()
    }

    /// How many lie there already.
    pub fn same(&self) -> usize {
        let came = self.shared.came();
        let same = came.values().filter(|it| matches!(it, Came::Same(_)));
        same.count()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // Whoever drops them without `finish` has an error to report already.
            let _ = thread.join();
        }
    }
}

fn work(jobs: &Mutex<Receiver<Job>>, place: &Place, shared: &Shared, effort: &Effort) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else {
            return;
        };
        if shared.failure().is_some() {
            continue;
        }
        if let Err(error) = effort.time(Work::Files, || put(job, place, shared)) {
            shared.failure().get_or_insert(error);
        }
    }
}

fn put(job: Job, place: &Place, shared: &Shared) -> Result<()> {
    let Job {
        paths,
        media_type,
        content,
    } = job;
    for path in paths {
        let there = place.objects.look(&place.there(&path))?;
        let same = match &there {
            Some(there) if content.is(there)? => Some(there.etag.clone()),
            _ => None,
        };
        let came = match same {
            Some(tag) => Came::Same(tag),
            None => {
                let how = place.own_attributes(media_type.as_deref());
                let waiting = place.waiting(&path);
                place.objects.put(&waiting, content.body(), &how)?;
                Came::Waits {
                    overwrites: there.is_some(),
                    media_type: media_type.clone(),
                }
            }
        };
        shared.came().insert(path, came);
    }
    Ok(())
}
