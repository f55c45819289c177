//! How long to wait before something is tried again.

use std::time::{Duration, Instant};

/// No pause is longer than this by itself.
const LONGEST: Duration = Duration::from_secs(15);

/// Counts how often something was tried. Each pause is twice as long as the one before it.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    tries: u32,
    pause: Duration,
    /// When it failed for the first time.
    began: Option<Instant>,
    patience: Duration,
}

impl Backoff {
    /// So many tries more after the first one, within so long.
    pub fn new(tries: u32, pause: Duration, patience: Duration) -> Self {
        Self {
            tries,
            pause,
            began: None,
            patience,
        }
    }

    /// How long to wait after it failed once more, and at least so long; `None` where it was tried often enough.
    pub fn next(&mut self, least: Duration) -> Option<Duration> {
        let began = *self.began.get_or_insert_with(Instant::now);
        let pause = self.pause.max(least);
        if self.tries == 0 || began.elapsed() + pause > self.patience {
            return None;
        }
        self.tries -= 1;
        self.pause = LONGEST.min(self.pause * 2);
        Some(pause)
    }
}

/// After so many bytes a connection that breaks is a new trouble.
const MUCH: u64 = 1 << 20;

/// The breaks of a connection that something is read over.
#[derive(Debug)]
pub(super) struct Breaks {
    /// For a new trouble.
    fresh: Backoff,
    /// For the one that there is.
    backoff: Backoff,
    /// Where it broke for the last time.
    last: u64,
}

impl Breaks {
    /// None yet; each trouble is borne like this.
    pub fn new(fresh: Backoff) -> Self {
        Self {
            backoff: fresh.clone(),
            fresh,
            last: 0,
        }
    }

    /// It broke behind so many bytes. Gives what says how long to wait.
    pub fn at(&mut self, position: u64) -> &mut Backoff {
        if position - self.last >= MUCH {
            self.backoff = self.fresh.clone();
        }
        self.last = position;
        &mut self.backoff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_get_longer_and_end() {
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(7, second, Duration::from_secs(1000));
        let mut pauses = || backoff.next(Duration::ZERO).map(|it| it.as_secs());
        assert_eq!([(); 5].map(|()| pauses()), [1, 2, 4, 8, 15].map(Some));
        assert_eq!(backoff.next(20 * second), Some(20 * second));
        assert_eq!(backoff.next(1000 * second), None);
        assert_eq!(backoff.next(second), Some(15 * second));
        assert_eq!(backoff.next(Duration::ZERO), None);
    }
}
