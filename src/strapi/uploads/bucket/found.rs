//! A swap that another run left in a bucket, as whoever recovers a project sees it.

use super::journal::Swap;
use super::lease::{Clock, Lease};
use super::place::Place;
use crate::error::Result;
use crate::strapi::uploads::PendingSwap;
use std::sync::{Arc, Mutex, PoisonError};

/// What an interruption leaves.
fn goes_on_later(outcome: Result<()>) -> Result<()> {
    outcome.map_err(|error| {
        error.interrupted_with(
            "the files of an earlier restore are half-way still; backup recover goes on with them",
        )
    })
}

/// A swap that another run left.
pub(super) struct Found {
    swap: Swap,
    /// The place, reached so that the lease is kept to the end.
    place: Place,
    clock: Clock,
    /// Taken at the latest when something is done.
    lease: Mutex<Option<Arc<Lease>>>,
}

impl Found {
    /// One whose lease this run has already, or else takes at `place` when it does something.
    pub fn new(swap: Swap, place: Place, lease: Option<Arc<Lease>>, clock: Clock) -> Self {
        Self {
            swap,
            place,
            clock,
            lease: Mutex::new(lease),
        }
    }

    fn lease(&self) -> Result<Arc<Lease>> {
        let mut own = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = &*own {
            return Ok(Arc::clone(lease));
        }
        let lease = Arc::new(Lease::take(&self.place, &self.clock)?);
        Ok(Arc::clone(own.insert(lease)))
    }
}

impl PendingSwap for Found {
    fn place(&self) -> String {
        self.swap.place.layout.name.clone()
    }

    fn token(&self) -> Option<&str> {
        self.swap.token.as_deref()
    }

    fn database(&self) -> Option<&str> {
        self.swap.database.as_deref()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn is_done(&self) -> bool {
        self.swap.is_done
    }

    fn finish(&self) -> Result<()> {
        goes_on_later(self.swap.finish(&*self.lease()?))
    }

    fn undo(&self) -> Result<()> {
        goes_on_later(self.swap.undo_later(&*self.lease()?))
    }

    fn forget(&self) -> Result<()> {
        goes_on_later(self.swap.forget(&*self.lease()?))
    }
}
