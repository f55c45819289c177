//! Does in several threads what is waited for, such as files that come over a network, and gives what comes of it in
//! order.

use crate::error::{Error, Result};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Has `work` done on each of `items`, several at once, and hands what comes of it to `take`, in their order. No more
/// than `ahead` of them are begun before `take` has had those before; none once it has failed.
///
/// # Errors
/// The first of `take`.
pub(super) fn in_order<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    ahead: usize,
    work: impl Fn(&T) -> R + Sync,
    take: impl FnMut(&T, R) -> Result<()>,
) -> Result<()> {
    until(&AtomicBool::new(false), items, threads, ahead, work, take)
}

/// Sets a flag when it is dropped.
struct Sets<'a>(&'a AtomicBool);

impl Drop for Sets<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The same, and sets `is_over` as soon as nothing more is to be begun.
fn until<T: Sync, R: Send>(
    is_over: &AtomicBool,
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
        let (begin, _over) = (begin, Sets(is_over));
        let mut started = 0;
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
                    // Each may be waited for, and there may be many.
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    let done: SyncSender<R> = done;
                    // Nobody waits any more where `take` failed.
                    let _ = done.send(work(item));
                }
            };
            if thread::Builder::new().spawn_scoped(scope, run).is_err() {
                break;
            }
            started += 1;
        }
        // Fewer threads do it as well, and so does this one.
        if started == 0 {
            return items.iter().try_for_each(|item| take(item, work(item)));
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
    use std::sync::atomic::AtomicUsize;

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
        let is_over = AtomicBool::new(false);
        let waits = |item: &usize| {
            let item = work(item);
            while item > 5 && !is_over.load(Ordering::SeqCst) {
                thread::yield_now();
            }
        };
        let outcome = until(&is_over, &items, 4, 12, waits, |item, ()| match item {
            5 => Err(Error::failed("five")),
            _ => Ok(()),
        });
        assert_eq!(outcome.expect_err("an error").to_string(), "five");
        // Those that were taken, and one that each thread was at.
        assert!(begun.load(Ordering::SeqCst) <= 6 + 4, "{begun:?}");
    }
}
