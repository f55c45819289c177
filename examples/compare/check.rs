//! Whether `backup` keeps to the memory that it may take.

use crate::numbers::Numbers;
use crate::table::{DATABASES, title};

/// So much more is chance: when threads meet, when the allocator gives back, whether the last shard is full.
const CHANCE: u64 = 16 << 20;

/// The anonymous memory that `backup` may take on so many cores.
pub fn limit(cores: usize) -> u64 {
    let further = cores.clamp(2, 8) as u64 - 2;
    (64 + 4 * further) << 20
}

/// What takes more than it may, or more than for a site a tenth of the size.
pub fn memory(numbers: &Numbers) -> Vec<String> {
    let limit = limit(numbers.machine.cores);
    let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let mut faults = Vec::new();
    let mut measured = 0;
    let largest = numbers.sites().last().copied().unwrap_or_default();
    for (database, _) in DATABASES {
        for work in ["export", "rows", "plain", "import", "verify"] {
            let mut smallest = None;
            for site in numbers.sites() {
                let result = numbers.result(database, work, site, "backup");
                let Some(peak) = result.and_then(|result| result.anonymous) else {
                    continue;
                };
                measured += 1;
                let what = format!("{database}: {}, {} MB", title(work), site / 1_000_000);
                if peak > limit {
                    faults.push(format!(
                        "{what}: {} MB of anonymous memory, more than {} MB",
                        megabytes(peak),
                        megabytes(limit)
                    ));
                }
                // A site that does not fill the buffers says nothing.
                if largest > 11 * site {
                    continue;
                }
                let least = *smallest.get_or_insert(peak);
                if peak > least + CHANCE {
                    faults.push(format!(
                        "{what}: {} MB of anonymous memory, but {} MB for a smaller site",
                        megabytes(peak),
                        megabytes(least)
                    ));
                }
            }
        }
    }
    if measured == 0 {
        faults.push("no memory of backup was measured".to_owned());
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::{Machine, Run};

    fn numbers(cores: usize, peaks: &[(u64, u64)]) -> Numbers {
        let run = |&(site, megabytes): &(u64, u64)| Run {
            database: "sqlite".into(),
            work: "export".into(),
            contender: "backup".into(),
            site,
            anonymous: Some(megabytes << 20),
            ..Run::default()
        };
        Numbers {
            machine: Machine {
                cores,
                ..Machine::default()
            },
            runs: peaks.iter().map(run).collect(),
            ..Numbers::default()
        }
    }

    #[test]
    fn memory_may_not_grow_with_the_site_nor_be_more_than_the_limit() {
        assert_eq!(memory(&numbers(2, &[(1, 20), (10, 30)])).len(), 0);
        assert_eq!(memory(&numbers(2, &[(1, 20), (10, 40)])).len(), 1);
        assert_eq!(memory(&numbers(2, &[(1, 20), (100, 40)])).len(), 0);
        assert_eq!(memory(&numbers(2, &[(1, 65), (10, 66)])).len(), 2);
        assert_eq!(memory(&numbers(4, &[(1, 65), (10, 66)])).len(), 0);
        assert_eq!(memory(&numbers(64, &[(1, 88)])).len(), 0);
        assert_eq!(memory(&Numbers::default()).len(), 1);
    }
}
