//! Who works on a restore in a bucket, as far as it can be told from others, and whether he is still there.

use crate::error::Result;
use crate::random;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use std::fs;

/// Who holds a lease: what the object says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// Random digits: no other run has them.
    pub run: String,
    /// The name of the machine, for messages.
    pub host: String,
    pub pid: u32,
    /// What tells this process from all others that this machine ever had, where the system tells.
    pub process: Option<Process>,
}

/// A process, for others on the same machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    /// The machine since it was started, and the part of its processes that can be seen.
    pub machine: String,
    /// When the process was started, as the system counts.
    pub started: u64,
}

impl Holder {
    /// This process, with digits that no other one has.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn own() -> Result<Self> {
        let pid = std::process::id();
        let name = rustix::system::uname();
        Ok(Self {
            run: random::digits()?,
            host: name.nodename().to_string_lossy().into_owned(),
            pid,
            process: machine().and_then(|machine| {
                let started = started(pid)?;
                Some(Process { machine, started })
            }),
        })
    }

    /// Whether it is known that this process has ended: only one of this machine can be looked at.
    pub fn has_ended(&self) -> bool {
        let Some(process) = &self.process else {
            return false;
        };
        if machine().as_ref() != Some(&process.machine) {
            return false;
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        match pid.map(test_kill_process) {
            Some(Err(rustix::io::Errno::SRCH)) => true,
            // The number may be another's by now.
            Some(_) => started(self.pid).is_some_and(|started| started != process.started),
            None => false,
        }
    }
}

/// What tells this machine, since it was started, from others, and from containers on it; `None` where the system does
/// not tell.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let seen = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), seen.display()))
}

/// When a process was started, as the system counts.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}
