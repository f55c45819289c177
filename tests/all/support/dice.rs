//! Random choices that can be repeated.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of random numbers. Every failure names its seed; `BACKUP_TEST_SEED` sets it.
pub struct Dice {
    pub seed: u64,
    state: u64,
}

impl Dice {
    /// Another seed every time, unless it is set.
    pub fn new() -> Dice {
        let set = env::var("BACKUP_TEST_SEED").ok();
        let seed = set.map_or_else(
            || {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                now.as_secs() * 1000 + u64::from(now.subsec_millis())
            },
            |seed| seed.parse().unwrap(),
        );
        Dice { seed, state: seed }
    }

    /// A number below this.
    pub fn below(&mut self, end: usize) -> usize {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let number = (z ^ (z >> 31)) % u64::try_from(end).unwrap();
        usize::try_from(number).unwrap()
    }
}
