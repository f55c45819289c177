//! How long to wait before something is tried again.

use std::time::{Duration, Instant};

/// No pause is longer than this by itself.
const LONGEST: Duration = Duration::from_secs(15);

/// Counts how often something was tried. Each pause is twice as long as the one before it.
#[derive(Debug)]
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
