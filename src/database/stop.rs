//! Ends what a connection waits for, when the run is to stop: a server can keep a statement waiting for
//! as long as somebody else holds a lock.

use crate::error::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

/// How often a watch looks.
pub(crate) const GLANCE: Duration = Duration::from_millis(200);

/// Whether a run is to stop. All clones are one.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Nothing where nobody can ask for it.
    requested: Option<Arc<AtomicBool>>,
    shut_out: Arc<Mutex<bool>>,
}

impl Stop {
    /// Asked for by setting `requested`.
    pub fn new(requested: Arc<AtomicBool>) -> Self {
        Self {
            requested: Some(requested),
            shut_out: Arc::default(),
        }
    }

    /// Whether it can be asked for.
    pub fn is_possible(&self) -> bool {
        self.requested.is_some()
    }

    /// Whether it was asked for, in time.
    pub fn is_requested(&self) -> bool {
        self.is_asked() && !*self.is_shut_out()
    }

    /// Does not hear it any more: what comes now is done to its end.
    ///
    /// # Errors
    /// Kind [`Interrupted`](crate::error::Kind::Interrupted): it was asked for before.
    pub fn shut_out(&self) -> Result<()> {
        // Whoever is stopping a statement right now holds this.
        let mut shut_out = self.is_shut_out();
        if self.is_asked() && !*shut_out {
            return Err(Error::interrupted());
        }
        *shut_out = true;
        Ok(())
    }

    fn is_asked(&self) -> bool {
        let requested = self.requested.as_ref();
        requested.is_some_and(|requested| requested.load(Ordering::Relaxed))
    }

    fn is_shut_out(&self) -> MutexGuard<'_, bool> {
        self.shut_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does it, if it was asked for in time.
    fn act(&self, stop: &mut dyn FnMut()) {
        let shut_out = self.is_shut_out();
        if self.is_asked() && !*shut_out {
            stop();
        }
    }
}

/// A thread that stops the statements of a connection, again and again, once that is asked for. It ends
/// with the value.
pub(super) struct Watch {
    ended: Arc<AtomicBool>,
    thread: Thread,
}

impl Watch {
    /// Watches `stop`, and calls `cancel` to stop the statement that runs, if there is one. Nobody
    /// watches where nobody can ask for it.
    pub fn start(stop: &Stop, mut cancel: impl FnMut() + Send + 'static) -> Option<Self> {
        let stop = stop.is_possible().then(|| stop.clone())?;
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let watch = move || {
            while !seen.load(Ordering::Relaxed) {
                stop.act(&mut cancel);
                thread::park_timeout(GLANCE);
            }
        };
        let handle = thread::Builder::new().spawn(watch).ok()?;
        Some(Self {
            ended,
            thread: handle.thread().clone(),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::sync::mpsc;

    #[test]
    fn what_is_asked_for_after_it_was_shut_out_is_not_heard() {
        let requested = Arc::new(AtomicBool::new(false));
        let stop = Stop::new(Arc::clone(&requested));
        stop.clone().shut_out().expect("nobody asked");
        requested.store(true, Ordering::Relaxed);
        assert!(!stop.is_requested());
        stop.act(&mut || panic!("it was shut out"));
        stop.shut_out().expect("nobody asked in time");
    }

    #[test]
    fn what_was_asked_for_is_not_shut_out() {
        let stop = Stop::new(Arc::new(AtomicBool::new(true)));
        let error = stop.shut_out().expect_err("somebody asked");
        assert_eq!(error.kind(), Kind::Interrupted);
        let (sender, calls) = mpsc::channel();
        let watch = Watch::start(&stop, move || {
            let _ = sender.send(());
        });
        // Again and again: the first one may come before there is anything to stop.
        calls.iter().take(2).for_each(drop);
        drop(watch);
    }

    #[test]
    fn nobody_watches_where_nobody_can_ask() {
        assert!(Watch::start(&Stop::default(), || ()).is_none());
        assert!(!Stop::default().is_requested());
    }
}
