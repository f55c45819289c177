//! Tells whoever waits for a site why that may be: nothing in the protocol says that another transfer holds it.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// After how long it is told.
const PATIENCE: Duration = Duration::from_secs(5);

/// Waiting that is told of if it lasts. It ends when this is dropped.
pub(super) struct Waiting(
    #[expect(dead_code, reason = "it ends the thread when it is dropped")] Option<Sender<()>>,
);

impl Waiting {
    /// Waits for a site, with somebody to tell or nobody.
    pub fn start(site: &str, tell: Option<fn(&str)>) -> Self {
        let Some(tell) = tell else {
            return Self(None);
        };
        let words = format!(
            "{site} has not answered for {} seconds: another transfer into it may be running, or it is busy with this \
             one; waiting for it",
            PATIENCE.as_secs()
        );
        let (done, ended) = channel();
        let waits = move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                tell(&words);
            }
        };
        // Without a thread it is not told.
        let thread = thread::Builder::new().spawn(waits);
        Self(thread.is_ok().then_some(done))
    }
}
