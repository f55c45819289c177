//! Several at once, and not more of them than memory has room for.

use crate::error::{Error, Result};
use crate::threads::locked;
use std::sync::mpsc::sync_channel;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// How many requests travel at once, as those of the live loader do.
const WORKERS: usize = 10;
/// How many bytes they have together at the most; one that has more goes alone.
const ROOM: usize = 32 << 20;

/// Does this with each thing that is fed, several at once. After the first that fails nothing more is done.
///
/// # Errors
/// The first error of `work`, or what `feed` says.
pub(super) fn each<T: Send>(
    feed: impl FnOnce(&mut dyn FnMut(T) -> Result<()>) -> Result<()>,
    work: impl Fn(T) -> Result<()> + Sync,
) -> Result<()> {
    each_weighed(|_| 0, feed, work)
}

/// The same with things that have so many bytes: several at once as long as there is room for them.
///
/// # Errors
/// As [`each`] says it.
pub(super) fn each_weighed<T: Send>(
    weigh: impl Fn(&T) -> usize,
    feed: impl FnOnce(&mut dyn FnMut(T) -> Result<()>) -> Result<()>,
    work: impl Fn(T) -> Result<()> + Sync,
) -> Result<()> {
    let failure: Mutex<Option<Error>> = Mutex::new(None);
    let scale = Scale::default();
    let (sender, receiver) = sync_channel::<(T, Load<'_>)>(0);
    let receiver = Mutex::new(receiver);
    let fed = thread::scope(|scope| {
        let (receiver, failure, work) = (&receiver, &failure, &work);
        for _ in 0..WORKERS {
            scope.spawn(move || {
                loop {
                    let next = locked(receiver).recv();
                    let Ok((thing, _load)) = next else { return };
                    if locked(failure).is_some() {
                        continue;
                    }
                    if let Err(error) = work(thing) {
                        locked(failure).get_or_insert(error);
                    }
                }
            });
        }
        let fed = feed(&mut |thing| {
            // What is said here stands in the failure.
            let ended = || Error::failed("ended");
            let load = scale.take(weigh(&thing));
            if locked(failure).is_some() {
                return Err(ended());
            }
            sender.send((thing, load)).map_err(|_| ended())
        });
        drop(sender);
        fed
    });
    let failure = failure.into_inner().unwrap_or_else(|it| it.into_inner());
    match failure {
        Some(error) => Err(error),
        None => fed,
    }
}

/// What is at work weighs so much.
#[derive(Default)]
struct Scale {
    held: Mutex<usize>,
    less: Condvar,
}

impl Scale {
    /// Waits until there is room for so much, or for nothing else.
    fn take(&self, weight: usize) -> Load<'_> {
        let is_full = |held: &mut usize| *held > 0 && held.saturating_add(weight) > ROOM;
        let held = self.less.wait_while(locked(&self.held), is_full);
        let mut held = held.unwrap_or_else(PoisonError::into_inner);
        *held += weight;
        Load {
            scale: self,
            weight,
        }
    }
}

/// What one thing weighs; taken off where it is done, in whatever way.
struct Load<'s> {
    scale: &'s Scale,
    weight: usize,
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        *locked(&self.scale.held) -= self.weight;
        self.scale.less.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    #[test]
    fn what_travels_at_once_is_bounded_in_bytes_and_what_is_larger_goes_alone() {
        let (held, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let done = each_weighed(
            |weight| *weight,
            |give| {
                let weights = [ROOM / 3, ROOM / 3, 2 * ROOM, 1, ROOM / 2, usize::MAX / 2];
                weights.into_iter().cycle().take(600).try_for_each(give)
            },
            |weight| {
                let all = held.fetch_add(weight, Ordering::SeqCst) + weight;
                most.fetch_max(all.min(ROOM + 1), Ordering::SeqCst);
                assert!(all <= ROOM || all == weight, "{all} with {weight}");
                thread::yield_now();
                held.fetch_sub(weight, Ordering::SeqCst);
                Ok(())
            },
        );
        assert!(done.is_ok());
        assert!(most.into_inner() > ROOM, "none went alone");
        let failed = each_weighed(
            |weight| *weight,
            |give| std::iter::repeat(ROOM).try_for_each(give),
            |_| Err(Error::failed("full")),
        );
        assert_eq!(failed.expect_err("ended").to_string(), "full");
    }

    #[test]
    fn each_thing_is_done_once_and_the_first_error_ends_it() {
        let sum = AtomicU64::new(0);
        let done = each(
            |give| (1..=1_000).try_for_each(give),
            |thing| {
                sum.fetch_add(thing, Ordering::Relaxed);
                Ok(())
            },
        );
        assert!(done.is_ok() && sum.load(Ordering::Relaxed) == 500_500);
        let failed = each(
            |give| (1..).try_for_each(give),
            |thing: u64| match thing {
                50 => Err(Error::failed("fifty")),
                _ => Ok(()),
            },
        );
        assert_eq!(failed.expect_err("ended").to_string(), "fifty");
    }
}
