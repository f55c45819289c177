//! Several at once.

use crate::error::{Error, Result};
use crate::threads::locked;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;
use std::thread;

/// How many requests travel at once, as those of the live loader do.
const WORKERS: usize = 10;

/// Does this with each thing that is fed, several at once. After the first that fails nothing more is done.
///
/// # Errors
/// The first error of `work`, or what `feed` says.
pub(super) fn each<T: Send>(
    feed: impl FnOnce(&mut dyn FnMut(T) -> Result<()>) -> Result<()>,
    work: impl Fn(T) -> Result<()> + Sync,
) -> Result<()> {
    let failure: Mutex<Option<Error>> = Mutex::new(None);
    let (sender, receiver) = sync_channel::<T>(0);
    let receiver = Mutex::new(receiver);
    let fed = thread::scope(|scope| {
        let (receiver, failure, work) = (&receiver, &failure, &work);
        for _ in 0..WORKERS {
            scope.spawn(move || {
                loop {
                    let next = locked(receiver).recv();
                    let Ok(thing) = next else { return };
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
            if locked(failure).is_some() {
                return Err(ended());
            }
            sender.send(thing).map_err(|_| ended())
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

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
