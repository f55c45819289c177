//! The threads of a run: how many there are of a kind, what is said where the system gives none, and what they share.

use crate::error::{Error, Result};
use std::num::NonZero;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// The most threads that work at one thing: more bring little.
pub(crate) const MOST: usize = 8;

/// As many as there are cores, and not more than `most`: each takes memory.
pub(crate) fn one_a_core(most: usize) -> usize {
    thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(most)
}

/// Starts a thread that does this.
///
/// # Errors
/// The system gives none.
pub(crate) fn start<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    thread::Builder::new().spawn(work).map_err(|error| {
        Error::failed(format!("cannot start a thread: {error}"))
            .hint("let this user have more processes (ulimit -u), and run it again")
    })
}

/// What a lock keeps, also where a thread has ended in a panic with it.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
