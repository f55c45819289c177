//! The time limit of an evaluation, and of reading code.
//!
//! The engine asks the clock now and then while it runs a script. A few of its built-in functions never ask (joining an
//! array of four billion holes is one), so the work also has a thread of its own, which is given up when it is overdue.

use crate::database::Stop;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// How long one file may run. Tests have less patience, but enough for a busy
/// machine; fuzzers have none.
pub(super) const TIME_LIMIT: Duration = Duration::from_millis(if cfg!(feature = "fuzzing") {
    300
} else if cfg!(test) {
    2500
} else {
    5000
});
/// How much longer the engine gets to notice that its time is up.
const GRACE: Duration = Duration::from_millis(if cfg!(test) { 500 } else { 1000 });
/// The stack of the thread: deep enough for the parser and the engine, whatever thread asks.
const STACK: usize = 8 << 20;

/// Which file is running, and until when it may. Clones show the same time.
#[derive(Clone, Default)]
pub(in crate::strapi) struct Clock(Arc<Mutex<Option<(PathBuf, Instant)>>>);

impl Clock {
    /// Starts the time of a file.
    pub(in crate::strapi) fn start(&self, file: &Path) {
        *self.running() = Some((file.to_owned(), Instant::now() + TIME_LIMIT));
    }

    /// Says that nothing runs any more.
    pub(in crate::strapi) fn stop(&self) {
        *self.running() = None;
    }

    /// Whether the time of the running file is up.
    pub(super) fn is_over(&self) -> bool {
        matches!(&*self.running(), Some((_, deadline)) if Instant::now() >= *deadline)
    }

    fn overdue(&self) -> Option<PathBuf> {
        match &*self.running() {
            Some((file, deadline)) if Instant::now() >= *deadline + GRACE => Some(file.clone()),
            _ => None,
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<(PathBuf, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often it is looked whether the user wants the run to stop.
const GLANCE: Duration = Duration::from_millis(100);

/// How work on a thread of its own can fail to give a result.
pub(in crate::strapi) enum Lost {
    /// The user wants the run to stop.
    Interrupted,
    /// It ran over its time in this file.
    Overdue(PathBuf),
    /// The thread could not be started, or it ended without a result.
    Broken(String),
}

/// Does `work` on a thread of its own, and leaves that thread behind when it is overdue or `stop` is requested.
pub(in crate::strapi) fn guard<T: Send + 'static>(
    stop: &Stop,
    work: impl FnOnce(Clock) -> T + Send + 'static,
) -> Result<T, Lost> {
    let clock = Clock::default();
    let (sender, receiver) = channel();
    let its = clock.clone();
    Builder::new()
        .name("configuration".into())
        .stack_size(STACK)
        // Nobody waits any more if this cannot be sent.
        .spawn(move || drop(sender.send(work(its))))
        .map_err(|error| Lost::Broken(error.to_string()))?;
    loop {
        match receiver.recv_timeout(GLANCE) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Lost::Broken("its thread ended without a result".into()));
            }
            Err(RecvTimeoutError::Timeout) if stop.is_requested() => {
                return Err(Lost::Interrupted);
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(file) = clock.overdue() {
                    return Err(Lost::Overdue(file));
                }
            }
        }
    }
}
