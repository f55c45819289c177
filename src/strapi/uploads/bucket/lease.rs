//! Who works on a restore in a bucket, where nothing can be locked: its lease is an object that is written again and
//! again for as long as he does.
//!
//! How old it is, is told by the clock of the store alone. A run that could not renew its lease stops by itself some time
//! before others may take it. The locks in the database come first: this is for runs that the server has lost.

use super::holder::Holder;
use super::place::Place;
use crate::error::{Error, Kind, Result};
use crate::store::media::{About, Body};
use crate::threads::start;
use rustix::time::{ClockId, clock_gettime};
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

/// The name of the lease.
pub(super) const LEASE: &str = "lease";
/// What is written to learn the time of a store.
const NOW: &str = "now";

/// How often it is renewed.
const RENEWED: Duration = Duration::from_secs(20);
/// Without being renewed for so long it is lost: well before others may take it.
const LOST: Duration = Duration::from_secs(90);
/// The age from which on others may take it.
const FREE: Duration = Duration::from_secs(120);
/// The longest that one is read.
const LONGEST: u64 = 4096;

/// The clock that a run measures its own lease by.
#[derive(Clone, Default)]
pub(super) struct Clock(Option<Given>);

/// A clock that is given, by which nothing is renewed by itself.
type Given = Arc<dyn Fn() -> Duration + Send + Sync>;

impl Clock {
    /// This one; then leases are renewed by [`Lease::renew`] alone.
    #[cfg(test)]
    pub fn given(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(now)))
    }

    fn now(&self) -> Duration {
        if let Some(given) = &self.0 {
            return given();
        }
        // It goes on while the machine sleeps.
        #[cfg(target_os = "linux")]
        let clock = ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let clock = ClockId::Monotonic;
        let now = clock_gettime(clock);
        let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
        let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or_default();
        Duration::new(seconds, nanoseconds)
    }
}

/// A lease that this run holds. Dropped, it is released.
pub(super) struct Lease {
    core: Arc<Core>,
    /// Renews it.
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Core {
    place: Place,
    holder: Holder,
    clock: Clock,
    state: Mutex<State>,
    has_ended: Condvar,
}

struct State {
    /// When it was last renewed, counted from before the request for it.
    renewed: Duration,
    /// Why it is lost for good, where it is.
    lost: Option<String>,
    is_released: bool,
}

impl Lease {
    /// Makes the lease of a new restore.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn make(place: &Place, clock: &Clock) -> Result<Self> {
        let core = Core {
            place: place.clone(),
            holder: Holder::own()?,
            clock: clock.clone(),
            state: Mutex::new(State {
                renewed: clock.now(),
                lost: None,
                is_released: false,
            }),
            has_ended: Condvar::new(),
        };
        if let Err(error) = core.write() {
            // Its answer may be all that was lost.
            let _ = place.objects.remove(&place.own(LEASE));
            return Err(error);
        }
        let mut own = Self {
            core: Arc::new(core),
            thread: Mutex::default(),
        };
        if clock.0.is_none() {
            let core = Arc::clone(&own.core);
            own.thread = Mutex::new(Some(start(move || core.keep())?));
        }
        Ok(own)
    }

    /// Takes the lease of a restore that another run left.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): that has not ended, or a third one was faster.
    pub fn take(place: &Place, clock: &Clock) -> Result<Self> {
        check_free(place, Asking::MayWrite)?;
        let own = Self::make(place, clock)?;
        match own.core.read() {
            Ok(Some(holder)) if holder == own.core.holder => Ok(own),
            Ok(other) => {
                own.core.lose("another run took it");
                Err(still_works(place, other.as_ref()))
            }
            Err(error) => Err(error),
        }
    }

    /// Sees that it is still held: before anything that others may not see half done.
    ///
    /// # Errors
    /// It is lost, and nothing may be done any more; or the run is to stop, and there is no time left.
    pub fn check(&self) -> Result<()> {
        self.core.place.ending.check()?;
        self.core.check()
    }

    /// Renews it once.
    #[cfg(test)]
    pub fn renew(&self) {
        self.core.renew();
    }

    /// Whether it is not held any more, because it was given up.
    pub fn is_released(&self) -> bool {
        self.core.state().is_released
    }

    /// Deletes all that is kept at its place, itself last, and says how many objects that were besides. Nothing of it
    /// may be needed any more.
    ///
    /// # Errors
    /// Something cannot be deleted; it can be repeated. Nothing more is, where it is lost.
    pub fn clear(&self) -> Result<usize> {
        let count = self.core.place.clear_but(LEASE, &|| self.check())?;
        self.release()?;
        Ok(count)
    }

    /// Gives it up, and deletes it if it was not lost.
    ///
    /// # Errors
    /// It cannot be deleted.
    pub fn release(&self) -> Result<()> {
        let is_held = self.core.check().is_ok();
        {
            let mut state = self.core.state();
            if std::mem::replace(&mut state.is_released, true) {
                return Ok(());
            }
        }
        self.core.has_ended.notify_all();
        let thread = self.thread.lock();
        let thread = thread.unwrap_or_else(PoisonError::into_inner).take();
        // Not before that has ended: it could write it again.
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        match is_held {
            true => self.core.place.objects.remove(&self.core.place.own(LEASE)),
            false => Ok(()),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // In a while others may take it anyway.
        let _ = self.release();
    }
}

impl Core {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renews it for as long as it is held.
    fn keep(&self) {
        let mut state = self.state();
        while !state.is_released && state.lost.is_none() {
            let waited = self.has_ended.wait_timeout(state, RENEWED);
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            drop(woken);
            if timeout.timed_out() {
                self.renew();
            }
            state = self.state();
        }
    }

    fn renew(&self) {
        let began = self.clock.now();
        if self.check().is_err() || self.state().is_released {
            return;
        }
        match self.read() {
            Ok(Some(holder)) if holder == self.holder => {
                // One that was lost in the meantime is not to be written again.
                if self.check().is_ok() && self.write().is_ok() {
                    self.state().renewed = began;
                }
            }
            Ok(Some(other)) => self.lose(&format!("a run on {} took it", other.host)),
            Ok(None) => self.lose("somebody deleted it"),
            // It is tried again; should that go on for long, it is lost.
            Err(_) => {}
        }
    }

    fn check(&self) -> Result<()> {
        let now = self.clock.now();
        let mut state = self.state();
        if state.lost.is_none() && now.saturating_sub(state.renewed) > LOST {
            state.lost = Some("it could not be renewed in time".to_owned());
        }
        match &state.lost {
            None => Ok(()),
            Some(why) => Err(Error::failed(format!(
                "this run does not hold the restore in {} any more: {why}",
                self.place.name()
            ))
            .hint("see that nobody else restores there, and run backup recover")),
        }
    }

    fn lose(&self, why: &str) {
        self.state().lost.get_or_insert(why.to_owned());
    }

    fn read(&self) -> Result<Option<Holder>> {
        read(&self.place).map(|found| found.map(|(_, holder)| holder))
    }

    fn write(&self) -> Result<()> {
        let text = serde_json::to_vec(&self.holder).expect("strings and numbers serialise");
        let how = self.place.own_attributes(Some("application/json"));
        let key = self.place.own(LEASE);
        self.place.objects.put(&key, Body::Bytes(&text), &how)
    }
}

/// The lease of a restore and what is known of the object, where there is one. One that says nothing is nobody's.
fn read(place: &Place) -> Result<Option<(About, Holder)>> {
    let key = place.own(LEASE);
    let Some(found) = place.objects.open(&key)? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    found
        .bytes
        .take(LONGEST)
        .read_to_end(&mut text)
        .map_err(|error| {
            Error::from_io(error, |error| {
                Error::failed(format!(
                    "cannot read {}: {error}",
                    place.objects.place(&key)
                ))
            })
        })?;
    let holder = serde_json::from_slice(&text).unwrap_or_default();
    Ok(Some((found.about, holder)))
}

/// How a store is asked for its time where its answers do not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// By something that is written for that.
    MayWrite,
    /// Not at all: then nothing is known to be held.
    OnlyReads,
}

/// The time of a store: when something was written there just now.
fn time_of(place: &Place) -> Result<Option<SystemTime>> {
    let key = place.own(NOW);
    let how = place.own_attributes(Some("text/plain"));
    place.objects.put(&key, Body::Bytes(b""), &how)?;
    let written = place.objects.look(&key)?.and_then(|it| it.modified);
    place.objects.remove(&key)?;
    Ok(written)
}

/// Sees that nobody works on a restore any more.
///
/// # Errors
/// Kind [`Locked`](Kind::Locked): somebody does, or it cannot be told.
pub(super) fn check_free(place: &Place, asking: Asking) -> Result<()> {
    let Some((about, holder)) = read(place)? else {
        return Ok(());
    };
    if holder.has_ended() {
        return Ok(());
    }
    let now = match (about.now, asking) {
        (Some(now), _) => Some(now),
        (None, Asking::MayWrite) => time_of(place)?,
        (None, Asking::OnlyReads) => return Ok(()),
    };
    let (Some(now), Some(written)) = (now, about.modified) else {
        return Err(Error::new(
            Kind::Locked,
            format!(
                "{} does not tell how old it is, so that it is not known whether a restore still works there",
                place.objects.place(&place.own(LEASE))
            ),
        )
        .hint("if none does, delete this object, and run it again"));
    };
    match now.duration_since(written).unwrap_or_default() < FREE {
        true => Err(still_works(place, Some(&holder))),
        false => Ok(()),
    }
}

fn still_works(place: &Place, holder: Option<&Holder>) -> Error {
    let who = match holder.filter(|holder| !holder.host.is_empty()) {
        Some(Holder { host, pid, .. }) => format!("a restore (process {pid} on {host})"),
        None => "a restore, perhaps on another machine,".to_owned(),
    };
    Error::new(
        Kind::Locked,
        format!("{who} still works in {}", place.name()),
    )
    .hint("wait until it has ended, or, if it was killed, two minutes, and run it again")
}

#[cfg(test)]
mod tests;
