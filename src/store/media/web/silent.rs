//! Servers that do not answer. A site has thousands of files on one, and to wait for it in vain takes half a minute a
//! file.

use super::Limits;
use crate::store::media::backoff::Backoff;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// After so many files that it did not give, a server is left alone, and asked only once then.
const ENOUGH: u32 = 3;

/// How many files in a row servers did not answer for, however often they were asked, and when they were asked last.
#[derive(Debug, Default)]
pub(super) struct Silent(Mutex<HashMap<String, (u32, Instant)>>);

impl Silent {
    fn hosts(&self) -> MutexGuard<'_, HashMap<String, (u32, Instant)>> {
        // What is in it is right after every line.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often to ask a server for one more file; `None` where it is not asked at all now.
    pub fn backoff(&self, host: &str, limits: &Limits) -> Option<Backoff> {
        match self.hosts().get_mut(host) {
            Some((count, asked)) if *count >= ENOUGH => {
                if asked.elapsed() < limits.rest {
                    return None;
                }
                *asked = Instant::now();
                Some(Backoff::new(0, limits.pause, limits.patience))
            }
            _ => Some(limits.backoff()),
        }
    }

    /// Keeps whether a server did not answer for a file.
    pub fn gave(&self, host: &str, is_silent: bool) {
        let mut hosts = self.hosts();
        if !is_silent {
            hosts.remove(host);
            return;
        }
        let kept = hosts.entry(host.to_owned());
        let (count, asked) = kept.or_insert((0, Instant::now()));
        *count += 1;
        *asked = Instant::now();
    }
}
