//! `strace` before a command: what it injects into system calls, and what it saw of them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::NamedTempFile;

use super::cli::{Outcome, run};
use super::{give_up, skip};

/// Whether there is a `strace`, and the system lets it trace. Some containers do not, and no script can help that.
pub fn can_trace() -> bool {
    let Ok(traced) = strace("-o/dev/null --seccomp-bpf -einject=fsync:error=EIO")
        .arg("true")
        .output()
    else {
        skip("strace is not installed");
        return false;
    };
    let can = traced.status.success();
    if !can {
        let said = String::from_utf8_lossy(&traced.stderr);
        give_up(&format!("strace may not trace here: {said}"));
    }
    can
}

fn strace(options: &str) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq"]);
    strace.args(options.split(' '));
    strace
}

fn before(command: &Command, options: &str) -> Command {
    let mut traced = strace(options);
    traced.arg(command.get_program()).args(command.get_args());
    traced.current_dir(command.get_current_dir().unwrap());
    traced.env_clear();
    for (name, value) in command.get_envs() {
        traced.env(name, value.unwrap());
    }
    traced
}

/// A command of which some calls do something else, such as `error=EIO:when=3` or `signal=KILL`.
pub fn injected(command: &Command, calls: &str, action: &str) -> Command {
    injected_all(command, &[(calls, action)])
}

/// The same for several kinds of calls.
pub fn injected_all(command: &Command, injections: &[(&str, &str)]) -> Command {
    let mut options = "-o/dev/null".to_owned();
    let calls: Vec<&str> = injections.iter().map(|(calls, _)| *calls).collect();
    options.push_str(&format!(" -etrace={}", calls.join(",")));
    for (calls, action) in injections {
        options.push_str(&format!(" -einject={calls}:{action}"));
    }
    // The filter spares it all other calls, and loses the signals that it sends.
    if !options.contains("signal") {
        options.push_str(" --seccomp-bpf");
    }
    before(command, &options)
}

/// The same for those calls alone that name a path.
pub fn injected_at(command: &Command, path: &Path, calls: &str, action: &str) -> Command {
    let path = path.to_str().unwrap();
    let options = format!("-o/dev/null -P{path} -etrace={calls} -einject={calls}:{action}");
    before(command, &format!("{options} --seccomp-bpf"))
}

/// A command that is killed at the call of this number that names a path.
pub fn killed_at(command: &Command, path: &Path, call: &str, number: usize) -> Command {
    let path = path.to_str().unwrap();
    // Why there is no filter, `injected_all` says.
    let inject = format!("-einject={call}:signal=KILL:when={number}");
    before(
        command,
        &format!("-o/dev/null -P{path} -etrace={call} {inject}"),
    )
}

/// Runs a command and gives its calls of these names, with so many bytes of what they read and write.
pub fn traced(command: &Command, calls: &str, bytes: usize) -> (Outcome, Vec<Call>) {
    trace(command, calls, bytes, "--seccomp-bpf")
}

/// The same for a command that is killed at one of these calls.
pub fn killed(
    command: &Command,
    calls: &str,
    bytes: usize,
    name: &str,
    number: usize,
) -> Vec<Call> {
    let kill = format!("-einject={name}:signal=KILL:when={number}");
    let (outcome, calls) = trace(command, calls, bytes, &kill);
    assert_eq!(outcome.code, None, "{}", outcome.all());
    calls
}

fn trace(command: &Command, calls: &str, bytes: usize, option: &str) -> (Outcome, Vec<Call>) {
    let log = NamedTempFile::new().unwrap();
    let path = log.path().to_str().unwrap();
    // All text in hexadecimal, so that no text looks like what separates arguments.
    let options = format!("-y -xx -s{bytes} -etrace={calls} -o{path} {option}");
    let outcome = run(&mut before(command, &options));
    let calls = parse(&fs::read_to_string(path).unwrap());
    (outcome, calls)
}

/// A system call that was made.
#[derive(Debug, Clone)]
pub struct Call {
    pub thread: u32,
    pub name: String,
    arguments: Vec<String>,
    result: String,
}

impl Call {
    /// What it gave back; `None` where it failed, or did not come back.
    pub fn result(&self) -> Option<u64> {
        let end = self.result.find([' ', '<']).unwrap_or(self.result.len());
        self.result[..end].parse().ok()
    }

    /// The number of an argument that is one, or a file descriptor.
    pub fn number(&self, argument: usize) -> Option<i64> {
        let text = self.arguments.get(argument)?;
        text[..text.find('<').unwrap_or(text.len())].parse().ok()
    }

    /// The bytes of an argument.
    pub fn bytes(&self, argument: usize) -> Vec<u8> {
        let text = self.arguments.get(argument).map_or("", String::as_str);
        text.split("\\x")
            .skip(1)
            .map(|byte| u8::from_str_radix(&byte[..2], 16).unwrap())
            .collect()
    }

    /// The path of a file descriptor.
    pub fn opened(&self, argument: usize) -> PathBuf {
        let text = String::from_utf8(self.bytes(argument)).unwrap();
        PathBuf::from(text)
    }

    /// The path of two arguments: a folder and what lies in it.
    pub fn at(&self, folder: usize) -> PathBuf {
        self.opened(folder).join(self.opened(folder + 1))
    }

    /// Whether a flag stands in an argument.
    pub fn has(&self, argument: usize, flag: &str) -> bool {
        let text = self.arguments.get(argument).map_or("", String::as_str);
        text.split('|').any(|part| part == flag)
    }

    /// Whether it sees that something is on disk.
    pub fn is_sync(&self) -> bool {
        self.name.ends_with("sync") || self.name == "syncfs"
    }

    /// What it sees to be on disk.
    pub fn synced(&self) -> Option<PathBuf> {
        self.is_sync().then(|| self.opened(0))
    }

    /// The paths that it renames from and to.
    pub fn renamed(&self) -> Option<(PathBuf, PathBuf)> {
        match self.name.as_str() {
            "rename" => Some((self.opened(0), self.opened(1))),
            "renameat" | "renameat2" => Some((self.at(0), self.at(2))),
            _ => None,
        }
    }

    /// The path that it removes, be it a file or a folder.
    pub fn removed(&self) -> Option<PathBuf> {
        match self.name.as_str() {
            "unlink" | "rmdir" => Some(self.opened(0)),
            "unlinkat" => Some(self.at(0)),
            _ => None,
        }
    }

    /// The path of a file that it may make, and of one that it opens.
    pub fn made(&self) -> Option<PathBuf> {
        (self.name == "openat" && self.has(2, "O_CREAT")).then(|| self.at(0))
    }

    /// The path of the file that it writes to.
    pub fn written(&self) -> Option<PathBuf> {
        let writes = ["write", "pwrite64", "sendto"];
        writes.contains(&self.name.as_str()).then(|| self.opened(0))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}(", self.name)?;
        for (number, argument) in self.arguments.iter().enumerate().take(4) {
            let bytes = self.bytes(number);
            let text = String::from_utf8_lossy(&bytes);
            let text = if text.starts_with('/') {
                &text
            } else {
                argument.as_str()
            };
            write!(out, " {text:.120}")?;
        }
        write!(out, " ) = {:.20}", self.result)
    }
}

/// Whether a call makes the mark that a restore has committed.
pub fn marks_the_end(call: &Call) -> bool {
    call.made().is_some_and(|path| path.ends_with("done"))
}

/// Which of its thread's calls of its name a call is, as an injection counts them.
pub fn number_of(calls: &[Call], index: usize) -> usize {
    let call = &calls[index];
    let same = |other: &&Call| other.thread == call.thread && other.name == call.name;
    calls[..=index].iter().filter(same).count()
}

/// The calls of a trace. A call that another thread's came into stands where it began; one
/// that sees to a disk, where it ended.
fn parse(log: &str) -> Vec<Call> {
    let mut slots: Vec<Option<Call>> = Vec::new();
    let mut unfinished: BTreeMap<u32, (usize, String)> = BTreeMap::new();
    for line in log.lines() {
        let (thread, text) = line.split_once(' ').unwrap();
        let thread = thread.parse().unwrap();
        let text = text.trim_start();
        if let Some(begin) = text.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, (slots.len(), begin.to_owned()));
            slots.push(None);
        } else if text.starts_with("<... ") {
            let end = text.split_once(" resumed>").unwrap().1;
            let Some((slot, begin)) = unfinished.remove(&thread) else {
                continue;
            };
            let call = call(thread, &format!("{begin}{end}"));
            if call.as_ref().is_some_and(Call::is_sync) {
                slots.push(call);
            } else {
                slots[slot] = call;
            }
        } else {
            slots.push(call(thread, text));
        }
    }
    slots.into_iter().flatten().collect()
}

fn call(thread: u32, text: &str) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    Some(Call {
        thread,
        name: name.to_owned(),
        arguments: arguments.split(", ").map(str::to_owned).collect(),
        result: result.to_owned(),
    })
}
