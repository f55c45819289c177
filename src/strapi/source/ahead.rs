//! Does in several threads what is waited for, such as files that come over a network, and gives what comes of it in
//! order.

use crate::error::{Error, Result};
use std::collections::VecDeque;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Has `work` done on each of `items`, several at once, and hands what comes of it to `take`, in their order. No more
/// than `ahead` of them are begun before `take` has had those before.
///
/// # Errors
/// The first of `take`; or the system gives no thread.
pub(super) fn in_order<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    ahead: usize,
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(&T, R) -> Result<()>,
) -> Result<()> {
    let threads = threads.min(items.len());
    if threads < 2 {
        return items.iter().try_for_each(|item| take(item, work(item)));
    }
    // An item that may be begun, and where what comes of it is put.
    let (begin, waiting) = sync_channel(ahead);
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        // What ends the threads, whatever happens here.
        let begin = begin;
        for _ in 0..threads {
            let (waiting, work) = (&waiting, &work);
            let run = move || {
                loop {
                    let next = waiting
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .recv();
                    let Ok((item, done)) = next else {
                        return;
                    };
                    let done: std::sync::mpsc::SyncSender<R> = done;
                    // Nobody waits any more where `take` failed.
                    let _ = done.send(work(item));
                }
            };
            let started = thread::Builder::new().spawn_scoped(scope, run);
            started.map_err(|error| Error::failed(format!("cannot start a thread: {error}")))?;
        }
        let mut coming = VecDeque::new();
        let mut rest = items.iter();
        loop {
            while coming.len() < ahead {
                let Some(item) = rest.next() else {
                    break;
                };
                let (done, came) = sync_channel(1);
                if begin.send((item, done)).is_err() {
                    break;
                }
                coming.push_back((item, came));
            }
            let Some((item, came)) = coming.pop_front() else {
                return Ok(());
            };
            let came = came.recv();
            take(
                item,
                came.map_err(|_| Error::failed("a thread ended early"))?,
            )?;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn what_is_done_at_once_comes_in_order() {
        let items: Vec<usize> = (0..100).collect();
        // Nobody passes alone.
        let together = Barrier::new(4);
        let (begun, mut taken) = (AtomicUsize::new(0), Vec::new());
        let work = |item: &usize| {
            begun.fetch_add(1, Ordering::SeqCst);
            together.wait();
            item * 2
        };
        let outcome = in_order(&items, 4, 8, work, |item, came| {
            assert_eq!(came, item * 2);
            taken.push(*item);
            assert!(begun.load(Ordering::SeqCst) <= taken.len() + 8);
            Ok(())
        });
        outcome.expect("done");
        assert_eq!(taken, items);
    }

    #[test]
    fn it_ends_with_the_first_error() {
        let items: Vec<usize> = (0..1000).collect();
        let begun = AtomicUsize::new(0);
        let work = |item: &usize| {
            begun.fetch_add(1, Ordering::SeqCst);
            *item
        };
        let outcome = in_order(&items, 4, 8, work, |item, _| match item {
            5 => Err(Error::failed("five")),
            _ => Ok(()),
        });
        assert_eq!(outcome.expect_err("an error").to_string(), "five");
        assert!(begun.load(Ordering::SeqCst) < 1000);
    }
}
