//! Sites that are away for a moment, or must not be left at once.

use super::rules::Rules;
use crate::error::Result;
use crate::remote::{Site, Trouble};
use crate::store::Interrupt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a server gets that must not be left with half of a file in its hands.
const GRACE: Duration = Duration::from_millis(1500);
/// No pause between two attempts to reach a site is longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often it is looked whether the user wants the run to stop, while a pause lasts.
const GLANCE: Duration = Duration::from_millis(100);

/// The same site, for a push. A server that ends when it is left in the middle of a file is given a moment to take the
/// rest of what it was sent.
pub(super) fn site_of_push(site: &Site, rules: Rules) -> Site {
    if !rules.is_fragile() {
        return site.clone();
    }
    let user = site.access().interrupt().clone();
    let first = Mutex::new(None::<Instant>);
    site.stopped_by(Interrupt::when(move || {
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        user.stop().is_err() && first.get_or_insert_with(Instant::now).elapsed() >= GRACE
    }))
}

/// Does something with a site that may have to start again: as long as its [`Patience`](crate::remote::Patience) says
/// where it is away, and as often as its pulls are begun again where it is there and fails.
///
/// # Errors
/// The last one; one that no waiting helps against; the user wants the run to stop.
pub(super) fn patiently<T>(site: &Site, attempt: impl FnMut() -> Result<T>) -> Result<T> {
    patiently_telling(site, None, attempt)
}

/// The same, with somebody who hears that it is waited.
///
/// # Errors
/// As [`patiently`].
pub(super) fn patiently_telling<T>(
    site: &Site,
    mut tell: Option<fn(&str)>,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let mut left = site.patience().back;
    let mut pause = site.patience().pause;
    let mut retries = site.retries();
    loop {
        let error = match attempt() {
            Err(error) => error,
            done => return done,
        };
        match Trouble::of(&error) {
            Some(trouble) if trouble.is_away() && !left.is_zero() => {
                if let Some(tell) = tell.take() {
                    tell(&format!(
                        "{}: it may be starting again, and is waited for, up to {} seconds; a second signal ends the \
                         program at once",
                        site.name(),
                        left.as_secs()
                    ));
                }
            }
            Some(trouble) if trouble.is_passing() && !trouble.is_away() && retries > 0 => {
                retries -= 1;
            }
            _ => return Err(error),
        }
        let pause_now = pause.min(LONGEST_PAUSE).min(left);
        left -= pause_now;
        rest(site, pause_now)?;
        pause *= 2;
    }
}

/// Waits, unless the user wants the run to stop.
fn rest(site: &Site, mut left: Duration) -> Result<()> {
    loop {
        site.access().interrupt().stop()?;
        if left.is_zero() {
            return Ok(());
        }
        let piece = left.min(GLANCE);
        std::thread::sleep(piece);
        left -= piece;
    }
}
