//! Runs a command and looks at what it and all its children take: time, processor, memory.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often memory is looked at.
const EVERY: Duration = Duration::from_millis(5);
/// Linux counts processor time for others in hundredths of a second, whatever the machine.
const TICKS: f64 = 100.0;

/// What a command took. What Linux's /proc does not tell is absent.
pub struct Usage {
    pub seconds: f64,
    pub cpu: Option<f64>,
    pub resident: Option<u64>,
    pub anonymous: Option<u64>,
}

/// Runs a command; nothing if it failed. What it says goes to the log.
pub fn run(command: &[OsString], log: &Path) -> io::Result<Option<Usage>> {
    let log = File::create(log)?;
    let before = ticks_of_children();
    let start = Instant::now();
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let process = child.id();
    let ended = AtomicBool::new(false);
    let (status, took, peaks) = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peaks = Peaks::default();
            while !ended.load(Ordering::Relaxed) {
                peaks.look(process);
                thread::park_timeout(EVERY);
            }
            peaks
        });
        let status = child.wait();
        let took = start.elapsed();
        ended.store(true, Ordering::Relaxed);
        watch.thread().unpark();
        (status, took, watch.join().expect("it does not panic"))
    });
    if !status?.success() {
        return Ok(None);
    }
    let cpu = before.zip(ticks_of_children());
    Ok(Some(Usage {
        seconds: took.as_secs_f64(),
        cpu: cpu.map(|(before, after)| (after - before) / TICKS),
        resident: peaks.resident,
        anonymous: peaks.anonymous,
    }))
}

/// What of the text tells where the time went: the parts of the line of `--verbose` that does.
pub fn stages(said: &str) -> Vec<String> {
    let tells = |line: &&str| line.starts_with("where ") && line.contains(" went: ");
    let line = said.lines().find(tells).unwrap_or_default();
    let parts = line.split("; ").filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// The processor time of children that have ended and were waited for, and of theirs.
fn ticks_of_children() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in brackets, and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

#[derive(Default)]
struct Peaks {
    resident: Option<u64>,
    anonymous: Option<u64>,
}

impl Peaks {
    /// Adds up what a process and all below it take now.
    fn look(&mut self, process: u32) {
        let mut processes = vec![process.to_string()];
        let (mut resident, mut anonymous) = (0, 0);
        while let Some(process) = processes.pop() {
            let folder = format!("/proc/{process}");
            // It may have ended since.
            let Ok(status) = fs::read_to_string(format!("{folder}/status")) else {
                continue;
            };
            // The highest that each was: what it was between two looks counts too.
            resident += field(&status, "VmHWM:");
            anonymous += field(&status, "RssAnon:");
            let Ok(tasks) = fs::read_dir(format!("{folder}/task")) else {
                continue;
            };
            for task in tasks.flatten() {
                let children = fs::read_to_string(task.path().join("children"));
                processes.extend(
                    children
                        .unwrap_or_default()
                        .split_whitespace()
                        .map(str::to_owned),
                );
            }
        }
        if resident > 0 {
            self.resident = self.resident.max(Some(resident));
            self.anonymous = self.anonymous.max(Some(anonymous));
        }
    }
}

/// A number of kilobytes, in bytes.
fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Option<Usage> {
        let folder = tempfile::tempdir().unwrap();
        let command = ["sh", "-c", script].map(OsString::from);
        run(&command, &folder.path().join("log")).unwrap()
    }

    #[test]
    fn what_children_take_is_counted() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let look = |process| {
            let mut peaks = Peaks::default();
            peaks.look(process);
            peaks.resident
        };
        let (both, one) = (look(std::process::id()), look(child.id()));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(look(child.id()), None);
        if let (Some(both), Some(one)) = (both, one) {
            assert!(both > one && one > 0, "{both} {one}");
        }
    }

    #[test]
    fn a_command_that_fails_has_no_numbers() {
        assert!(sh("exit 3").is_none());
    }

    #[test]
    fn the_line_that_tells_where_the_time_went_is_taken_apart() {
        let said = "Exported 12 entities\nwhere 1.25 s went: database 0.50 s, waiting 0.75 s; beside that, in threads: \
                    archive 0.10 s; the brake is database\ndone\n";
        assert_eq!(
            stages(said),
            [
                "where 1.25 s went: database 0.50 s, waiting 0.75 s",
                "beside that, in threads: archive 0.10 s",
                "the brake is database"
            ]
        );
        assert!(stages("nothing of this\n").is_empty());
    }
}
