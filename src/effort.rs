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

    /// Does a piece of work that calls `each` in between, which is none of it.
    pub fn time_around<A, T, R>(
        &self,
        work: Work,
        mut each: impl FnMut(A) -> T,
        run: impl FnOnce(&mut dyn FnMut(A) -> T) -> R,
    ) -> R {
        if self.0.is_none() {
            return run(&mut each);
        }
        let started = Instant::now();
        let mut within = Duration::ZERO;
        let done = run(&mut |argument| {
            let started = Instant::now();
            let done = each(argument);
            within += started.elapsed();
            done
        });
        self.add(work, started.elapsed().saturating_sub(within));
        done
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
    fn what_is_called_in_between_is_no_work() {
        let effort = Effort::measured();
        let nap = || {
            let started = Instant::now();
            while started.elapsed() < Duration::from_micros(200) {}
        };
        let sum = effort.time_around(
            Work::Database,
            |number: u32| effort.time(Work::Files, || (nap(), number).1),
            |each| (0..10).map(each).sum::<u32>(),
        );
        assert_eq!(sum, 45);
        assert!(effort.spent(Work::Files) >= Duration::from_millis(2));
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
