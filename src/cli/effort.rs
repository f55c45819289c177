//! Says where the time of a run went: whether database, disk or compression is the brake.

use super::terminal;
use crate::effort::{Effort, Work};
use crate::threads::{self, one_a_core};
use std::time::Duration;

/// What several threads do at once.
const SHARED: [Work; 2] = [Work::Compression, Work::Files];

/// What is left of the time of the thread that goes through everything.
const LINES: &str = "lines of JSON";

fn named(work: Work) -> &'static str {
    match work {
        Work::Database => "database",
        Work::Rows => "adding rows",
        Work::Files => "files",
        Work::Key => "key",
        Work::Digests => "digests",
        Work::Compression => "compression",
        Work::Encryption => "encryption",
        Work::Archive => "archive",
        Work::Sync => "sync to disk",
        Work::Waiting => "waiting for these",
        Work::Asking => "your answer",
    }
}

/// Tells where the time went, if that was measured. The thread that goes through everything works with the database
/// itself, and with what is its `own`; threads of their own do the rest.
pub(super) fn tell(effort: &Effort, own: &[Work]) {
    let Some(elapsed) = effort.elapsed() else {
        return;
    };
    let spent = |work: &Work| (named(*work), effort.spent(*work));
    let wall = elapsed.saturating_sub(effort.spent(Work::Asking));
    let (_, waiting) = spent(&Work::Waiting);
    let mut first = vec![spent(&Work::Database)];
    first.extend(own.iter().map(spent));
    first.push(spent(&Work::Key));
    first.push(spent(&Work::Sync));
    let busy: Duration = first.iter().map(|(_, time)| *time).sum();
    first.push((LINES, wall.saturating_sub(waiting + busy)));
    let beside = [
        Work::Rows,
        Work::Files,
        Work::Digests,
        Work::Compression,
        Work::Encryption,
        Work::Archive,
    ];
    let beside: Vec<_> = beside
        .iter()
        .filter(|it| !own.contains(it))
        .map(spent)
        .collect();
    let cores = one_a_core(threads::MOST) as u32;
    let brake = brake(&first, &beside, wall, waiting, cores);
    first.push((named(Work::Waiting), waiting));
    terminal::tell(&format!(
        "where {} went: {}; beside that, in threads: {}; the brake is {brake}",
        seconds(wall),
        list(&first),
        list(&beside),
    ));
}

/// What was busy for the largest part of the time.
fn brake(
    first: &[(&'static str, Duration)],
    beside: &[(&'static str, Duration)],
    wall: Duration,
    waiting: Duration,
    cores: u32,
) -> &'static str {
    let longest = |parts: &[(&'static str, Duration)]| parts.iter().copied().max_by_key(|it| it.1);
    // Several threads do these.
    let beside: Vec<_> = beside
        .iter()
        .map(|(name, time)| match SHARED.map(named).contains(name) {
            true => (*name, *time / cores),
            false => (*name, *time),
        })
        .collect();
    match (longest(first), longest(&beside)) {
        (_, Some((name, time))) if time > wall.saturating_sub(waiting) => name,
        (Some((name, _)), _) | (None, Some((name, _))) => name,
        (None, None) => LINES,
    }
}

fn list(parts: &[(&str, Duration)]) -> String {
    let parts = parts
        .iter()
        .filter(|(_, time)| *time >= Duration::from_millis(1));
    let parts: Vec<_> = parts
        .map(|(name, time)| format!("{name} {}", seconds(*time)))
        .collect();
    match parts.is_empty() {
        true => "nothing".into(),
        false => parts.join(", "),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brake_is_what_all_else_waits_for() {
        let second = Duration::from_secs;
        let first = [("database", second(2)), (LINES, second(1))];
        let beside = [("compression", second(12)), ("archive", second(5))];
        let of =
            |wall, waiting, cores| brake(&first, &beside, second(wall), second(waiting), cores);
        assert_eq!(of(8, 5, 2), "compression");
        assert_eq!(of(8, 5, 8), "archive");
        assert_eq!(of(8, 0, 8), "database");
    }
}
