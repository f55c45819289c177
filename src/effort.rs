//! Where the time of a run goes, for whoever wants to know what holds it up. Whoever does not pays nothing for it.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Waiting for the database: reading rows, adding some.
    Database,
    /// Reading or writing files of the media library.
    Files,
    /// Working out digests.
    Digests,
    /// Compressing and decompressing.
    Compression,
    /// Encrypting and decrypting.
    Encryption,
    /// Reading or writing the archive.
    Archive,
    /// The thread that goes through everything waits for another one.
    Waiting,
    /// Somebody is asked, and thinks.
    Asking,
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Database,
        Self::Files,
        Self::Digests,
        Self::Compression,
        Self::Encryption,
        Self::Archive,
        Self::Waiting,
        Self::Asking,
    ];
}

/// Collects how long each sort of work took, in all threads. Clones collect together.
#[derive(Debug, Clone, Default)]
pub struct Effort(Option<Arc<Spent>>);

#[derive(Debug)]
struct Spent {
    started: Instant,
    nanoseconds: [AtomicU64; Work::ALL.len()],
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
        if self.0.is_none() {
            return run();
        }
        let started = Instant::now();
        let done = run();
        self.add(work, started.elapsed());
        done
    }

    /// Begins a piece of work, which goes on until the watch is dropped.
    pub fn start(&self, work: Work) -> Watch<'_> {
        Watch {
            effort: self,
            work,
            started: self.0.as_ref().map(|_| Instant::now()),
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
    started: Option<Instant>,
    paused: Duration,
}

impl Watch<'_> {
    /// Does something that is none of the work.
    pub fn pause<T>(&mut self, run: impl FnOnce() -> T) -> T {
        if self.started.is_none() {
            return run();
        }
        let started = Instant::now();
        let done = run();
        self.paused += started.elapsed();
        done
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(started) = self.started {
            let time = started.elapsed().saturating_sub(self.paused);
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
