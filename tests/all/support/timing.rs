//! How long runs of the program take, for people and scripts that measure. No test hangs on it.

use std::env;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use super::cli::{Outcome, run};
use crate::limits::{measured, measuring};

/// How many rows long tests take: a million, or what `BACKUP_TEST_ROWS` says.
pub fn many() -> u64 {
    let rows = env::var("BACKUP_TEST_ROWS");
    rows.map_or(1_000_000, |it| it.parse().expect("how many rows"))
}

/// The seconds of processor time of a run that was measured.
fn cpu(outcome: &Outcome) -> f64 {
    let line = outcome.lines("cpu ").pop();
    let seconds = line.and_then(|it| it.strip_prefix("cpu ")?.parse().ok());
    seconds.unwrap_or(f64::NAN)
}

/// Runs the program, gives the peak of its memory in bytes, and says on stderr how long it took; with it, what others take
/// to count the lines of this file of rows, right after it. Nothing where memory cannot be measured.
pub fn timed<'a>(
    work: &str,
    rows: u64,
    file: &Path,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Option<(Outcome, u64)> {
    let began = Instant::now();
    let (outcome, peak) = measured(arguments)?;
    let seconds = began.elapsed().as_secs_f64();
    let mut counts = measuring();
    counts.args(["sh", "-c", "gunzip -c \"$1\" | wc -l", "sh"]);
    let counted = run(counts.arg(file));
    // scripts/compare-dgraph reads it.
    let _ = writeln!(
        io::stderr(),
        "{work} of {rows} rows: {seconds:.2} s, {:.2} s of CPU, {} MB at the peak, {:.2} s of CPU to count lines",
        cpu(&outcome),
        peak >> 20,
        cpu(&counted)
    );
    Some((outcome, peak))
}
