//! The same done with many objects, several at once: each of them is a request that is mostly waited for.

use crate::error::Result;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// How many requests are under way at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Of those that bring files: each has a small one in memory, or parts of a large one.
    pub bringing: usize,
    /// Of those that tell the store what to do: hardly any of them moves the content of an object.
    pub telling: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            bringing: 8,
            telling: 16,
        }
    }
}

/// Does this with each item, so many at once and in about this order. After the first that fails none is begun.
///
/// # Errors
/// That of the first that failed.
pub(super) fn each<T: Sync>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let has_failed = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let run = || {
        while !has_failed.load(Ordering::Relaxed)
            && let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed))
        {
            if let Err(error) = work(item) {
                has_failed.store(true, Ordering::Relaxed);
                let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(error);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..at_once.min(items.len()) {
            // Where the system gives fewer threads, these do it.
            if thread::Builder::new().spawn_scoped(scope, run).is_err() {
                break;
            }
        }
        run();
    });
    let failure = failure.into_inner();
    failure
        .unwrap_or_else(PoisonError::into_inner)
        .map_or(Ok(()), Err)
}
