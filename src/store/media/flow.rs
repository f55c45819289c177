//! How fast a file must come. A server that sends a little now and then never ends, and is never silent either.

use std::time::Duration;

/// What is too slow. Only time counts that is spent on waiting.
#[derive(Debug, Clone)]
pub(super) struct Floor {
    /// So many bytes must come within each window.
    pub least: u64,
    pub window: Duration,
    /// So many must have come a second, of the whole, once it takes longer than the grace.
    pub rate: u64,
    pub grace: Duration,
}

impl Default for Floor {
    fn default() -> Self {
        Self {
            least: 60 << 10,
            window: Duration::from_secs(60),
            rate: 16 << 10,
            grace: Duration::from_secs(5 * 60),
        }
    }
}

/// How long was waited, and what came meanwhile.
#[derive(Debug, Default)]
struct Span {
    waited: Duration,
    came: u64,
}

impl Span {
    fn add(&mut self, waited: Duration, bytes: u64) {
        self.waited += waited;
        self.came = self.came.saturating_add(bytes);
    }
}

/// How a file comes.
#[derive(Debug)]
pub(super) struct Flow {
    floor: Floor,
    window: Span,
    whole: Span,
}

impl Flow {
    /// One of which nothing came yet.
    pub fn new(floor: Floor) -> Self {
        Self {
            floor,
            window: Span::default(),
            whole: Span::default(),
        }
    }

    /// Counts what came after so long; gives whether that is fast enough.
    pub fn came(&mut self, waited: Duration, bytes: u64) -> bool {
        self.window.add(waited, bytes);
        self.whole.add(waited, bytes);
        if self.window.waited >= self.floor.window {
            if self.window.came < self.floor.least {
                return false;
            }
            self.window = Span::default();
        }
        let wanted = self.floor.rate.saturating_mul(self.whole.waited.as_secs());
        self.whole.waited < self.floor.grace || self.whole.came >= wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many seconds a file that comes so is given up, if within a day.
    fn given_up(bytes_a_second: impl Fn(u64) -> u64) -> Option<u64> {
        let mut flow = Flow::new(Floor::default());
        (1..86_400).find(|at| !flow.came(Duration::from_secs(1), bytes_a_second(*at)))
    }

    #[test]
    fn a_file_that_trickles_is_given_up() {
        assert_eq!(given_up(|_| 1000), Some(60));
        assert_eq!(given_up(|_| 1400), Some(300));
        assert_eq!(given_up(|_| (16 << 10) - 1), Some(300));
        assert_eq!(given_up(|_| 16 << 10), None);
        // One that was fast before may be slow for a while, and is not for ever.
        let slowed = given_up(|at| if at < 600 { 32 << 10 } else { 2 << 10 });
        assert!((601..1500).contains(&slowed.expect("too slow")));
    }

    #[test]
    fn only_waiting_counts() {
        let mut flow = Flow::new(Floor::default());
        assert!((0..100_000).all(|_| flow.came(Duration::ZERO, 1)));
    }
}
