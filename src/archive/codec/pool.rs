//! Work that several threads share, and whose results come back in the order in which it was given.

use crate::error::Result;
use crate::threads::{one_a_core, start};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Takes the work.
pub(super) struct Jobs<J, R> {
    order: SyncSender<Receiver<R>>,
    queue: Sender<(J, SyncSender<R>)>,
}

/// What became of work that was given.
pub(super) enum Given<J> {
    /// It is going to be done.
    Taken,
    /// Too much waits.
    NotYet(J),
    /// Nobody wants what would come of it.
    ToNobody,
}

/// Gives the results.
pub(super) struct Results<R> {
    order: Receiver<Receiver<R>>,
}

/// Starts a thread a core, but not more than `most`, each of which works with what `worker` makes for it. As many
/// results as there are threads may wait to be taken; whoever gives more work waits.
///
/// The threads end when no more work can come.
///
/// # Errors
/// The system gives no threads.
pub(super) fn pool<J, R, W>(most: usize, worker: impl Fn() -> W) -> Result<(Jobs<J, R>, Results<R>)>
where
    J: Send + 'static,
    R: Send + 'static,
    W: FnMut(J) -> R + Send + 'static,
{
    let count = one_a_core(most);
    let (order, results) = sync_channel(count);
    let (queue, jobs) = channel();
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..count {
        let (jobs, mut work) = (Arc::clone(&jobs), worker());
        start(move || while work_once(&jobs, &mut work) {})?;
    }
    Ok((Jobs { order, queue }, Results { order: results }))
}

/// Does the next piece of work; gives whether there was one.
fn work_once<J, R>(
    jobs: &Mutex<Receiver<(J, SyncSender<R>)>>,
    work: &mut impl FnMut(J) -> R,
) -> bool {
    // Only one waits for work; the others wait for it to get some.
    let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
    match next {
        Ok((job, result)) => {
            // Nobody may want it any more.
            let _ = result.send(work(job));
            true
        }
        Err(_) => false,
    }
}

impl<J, R> Jobs<J, R> {
    /// Gives a piece of work. Gives `false` where nobody takes the results any more.
    pub fn give(&self, job: J) -> bool {
        let (sender, receiver) = sync_channel(1);
        self.order.send(receiver).is_ok() && self.queue.send((job, sender)).is_ok()
    }

    /// The same, but gives the work back where too many results wait.
    pub fn try_give(&self, job: J) -> Given<J> {
        let (sender, receiver) = sync_channel(1);
        match self.order.try_send(receiver) {
            Err(TrySendError::Full(_)) => Given::NotYet(job),
            Ok(()) if self.queue.send((job, sender)).is_ok() => Given::Taken,
            Ok(()) | Err(TrySendError::Disconnected(_)) => Given::ToNobody,
        }
    }
}

impl<R> Iterator for Results<R> {
    type Item = R;

    fn next(&mut self) -> Option<R> {
        let result = self.order.recv().ok()?;
        Some(result.recv().expect("no worker panics"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_work() {
        let (jobs, results) = pool(4, || {
            |number: u64| (0..number % 7 * 10_000).sum::<u64>() + number
        })
        .expect("threads");
        let giver = std::thread::spawn(move || (0..500).all(|number| jobs.give(number)));
        let expected = (0..500).map(|number| (0..number % 7 * 10_000).sum::<u64>() + number);
        assert!(results.eq(expected));
        assert!(giver.join().expect("no panic"));
    }

    #[test]
    fn work_that_nobody_waits_for_is_refused() {
        let (jobs, results) = pool(1, || |number: u8| number).expect("threads");
        drop(results);
        assert!(!jobs.give(1));
    }
}
