//! How a restore in a bucket ends once the user wants the run to stop: soon, unless files are on their way to their
//! places.

use crate::error::{Error, Result};
use crate::store::Interrupt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long deleting what was staged may go on then. The next run deletes the rest.
const LITTLE: Duration = Duration::from_millis(1300);

/// Tells requests that clear up for how long they may.
#[derive(Clone, Default)]
pub(in crate::strapi) struct Ending(Arc<Inner>);

#[derive(Default)]
struct Inner {
    wanted: Interrupt,
    little: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Since when it has been known that the run is to stop.
    since: Option<Instant>,
    /// How many swaps are half-way.
    half_way: usize,
}

impl Ending {
    /// Of a run that is to stop when this says so.
    pub fn new(wanted: Interrupt) -> Self {
        Self::within(wanted, LITTLE)
    }

    pub(super) fn within(wanted: Interrupt, little: Duration) -> Self {
        Self(Arc::new(Inner {
            wanted,
            little,
            state: Mutex::default(),
        }))
    }

    /// What stops the requests.
    pub fn interrupt(&self) -> Interrupt {
        let own = self.clone();
        Interrupt::when(move || own.is_over())
    }

    /// Fails once there is no time left.
    ///
    /// # Errors
    /// Kind [`Interrupted`](crate::error::Kind::Interrupted).
    pub(super) fn check(&self) -> Result<()> {
        match self.is_over() {
            true => Err(Error::interrupted()),
            false => Ok(()),
        }
    }

    fn is_over(&self) -> bool {
        let mut state = self.state();
        if state.half_way > 0 || self.0.wanted.stop().is_ok() {
            return false;
        }
        let since = state.since.get_or_insert_with(Instant::now);
        since.elapsed() >= self.0.little
    }

    /// From now on everything goes on, until that is dropped: files would be half-way.
    pub(super) fn put_off(&self) -> PutOff {
        self.state().half_way += 1;
        PutOff(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Ending::put_off`].
pub(super) struct PutOff(Ending);

impl Drop for PutOff {
    fn drop(&mut self) {
        self.0.state().half_way -= 1;
    }
}
