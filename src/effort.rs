//! Where the time of a run goes, for whoever wants to know what holds it up. Whoever does not pays nothing for it.

use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The thread that goes through everything works with the database: reads rows, deletes some, commits.
    Database,
    /// Rows are added to the database.
    Rows,
    /// Reading or writing files of the media library.
    Files,
    /// Keys are made of passwords.
    Key,
    /// Working out digests.
    Digests,
    /// Compressing and decompressing.
    Compression,
    /// Encrypting and decrypting.
    Encryption,
    /// Reading or writing the archive.
    Archive,
    /// What was written is put on disk, and in its place.
    Sync,
    /// The thread that goes through everything waits for another one.
    Waiting,
    /// Somebody is asked, and thinks.
    Asking,
}

thread_local! {
    /// The work that this thread is at, a bit each.
    static BUSY: Cell<u32> = const { Cell::new(0) };
}

impl Work {
    /// How many sorts there are.
    const COUNT: usize = Self::Asking as usize + 1;

    fn bit(self) -> u32 {
        1 << self as u32
    }

    /// A clock: that of the thread for what is nothing but computing, so that what it waits for meanwhile is none of
    /// it.
    fn now(self) -> Duration {
        let clock = match self {
            Self::Key | Self::Digests | Self::Compression | Self::Encryption => {
                ClockId::ThreadCPUTime
            }
            _ => ClockId::Monotonic,
        };
        let now = clock_gettime(clock);
        let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
        let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or_default();
        Duration::new(seconds, nanoseconds)
    }
}

/// Collects how long each sort of work took, in all threads. Clones collect together.
#[derive(Debug, Clone, Default)]
pub struct Effort(Option<Arc<Spent>>);

#[derive(Debug)]
struct Spent {
    started: Instant,
    nanoseconds: [AtomicU64; Work::COUNT],
}

impl Effort {
    /// One that measures, from now on. The default one does not.
    pub fn measured() -> Self {
        Self(Some(Arc::new(Spent {
            started: Instant::now(),
            nanoseconds: Default::default(),
        })))
    }

    /// Does a piece of work.
    pub fn time<T>(&self, work: Work, run: impl FnOnce() -> T) -> T {
        let _watch = self.start(work);
        run()
    }

    /// Begins a piece of work, which goes on until the watch is dropped. Within work of its own kind it is none.
    pub fn start(&self, work: Work) -> Watch<'_> {
        let is_measured = self.0.is_some() && BUSY.get() & work.bit() == 0;
        let started = is_measured.then(|| work.now());
        if is_measured {
            BUSY.set(BUSY.get() | work.bit());
        }
        Watch {
            effort: self,
            work,
            started,
            paused: Duration::ZERO,
        }
    }

    /// Reads and writes by way of this count as `work`.
    pub fn metered<T>(&self, work: Work, inner: T) -> Metered<T> {
        Metered {
            inner,
            work,
            effort: self.clone(),
        }
    }

    /// How long this sort of work took, in all threads together; nothing where nothing is measured.
    pub fn spent(&self, work: Work) -> Duration {
        let spent = self.0.as_ref();
        Duration::from_nanos(spent.map_or(0, |spent| {
            spent.nanoseconds[work as usize].load(Ordering::Relaxed)
        }))
    }

    /// How long it is since the beginning; `None` where nothing is measured.
    pub fn elapsed(&self) -> Option<Duration> {
        Some(self.0.as_ref()?.started.elapsed())
    }

    fn add(&self, work: Work, time: Duration) {
        if let Some(spent) = &self.0 {
            let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            spent.nanoseconds[work as usize].fetch_add(nanoseconds, Ordering::Relaxed);
        }
    }
}

/// See [`Effort::start`].
#[derive(Debug)]
pub struct Watch<'a> {
    effort: &'a Effort,
    work: Work,
    /// `None` where nothing is measured.
    started: Option<Duration>,
    paused: Duration,
}

impl Watch<'_> {
    /// Does something that is none of the work.
    pub fn pause<T>(&mut self, run: impl FnOnce() -> T) -> T {
        if self.started.is_none() {
            return run();
        }
        let started = self.work.now();
        let done = run();
        self.paused += self.work.now().saturating_sub(started);
        done
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(started) = self.started {
            BUSY.set(BUSY.get() & !self.work.bit());
            let time = self.work.now().saturating_sub(started);
            let time = time.saturating_sub(self.paused);
            self.effort.add(self.work, time);
        }
    }
}

/// See [`Effort::metered`].
#[derive(Debug)]
pub struct Metered<T> {
    inner: T,
    work: Work,
    effort: Effort,
}

impl<T> Metered<T> {
    /// What was metered.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self {
            inner,
            work,
            effort,
        } = self;
        effort.time(*work, || inner.read(buffer))
    }
}

impl<W: Write> Write for Metered<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self {
            inner,
            work,
            effort,
        } = self;
        effort.time(*work, || inner.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_no_work() {
        let effort = Effort::measured();
        let busy = || {
            let started = Instant::now();
            while started.elapsed() < Duration::from_millis(1) {}
        };
        let mut watch = effort.start(Work::Database);
        for _ in 0..3 {
            watch.pause(|| effort.time(Work::Files, busy));
        }
        drop(watch);
        assert!(effort.spent(Work::Files) >= Duration::from_millis(3));
        let wall = effort.elapsed().expect("it measures");
        assert!(effort.spent(Work::Database) + effort.spent(Work::Files) <= wall);
    }

    #[test]
    fn nothing_is_measured_for_whoever_does_not_want_it() {
        let effort = Effort::default();
        assert_eq!(effort.time(Work::Files, || 5), 5);
        assert_eq!(effort.spent(Work::Files), Duration::ZERO);
        assert!(effort.elapsed().is_none());
    }
}
