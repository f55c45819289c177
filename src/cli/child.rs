//! Runs the commands that users name: for keys, and when a run ends.

use super::prompt::has_terminal;
use crate::error::{Error, Result};
use crate::store::Interrupt;
use crate::threads::start;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, test_kill_process_group,
    waitid,
};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is looked whether the run is to stop.
const GLANCE: Duration = Duration::from_millis(100);
/// How long a command may take to end that was told to, before it is killed: a run stops within two seconds.
const GRACE: Duration = Duration::from_secs(1);
/// How many bytes of a line are read.
const LONGEST: u64 = 64 << 10;

/// A command in the words of a shell.
pub(super) fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]);
    shell
}

/// What a command printed first: its first line, without the end of it. When the run is to stop, the command is ended;
/// and so is all that it started, unless there is a terminal, where only one group of processes may ask for a passphrase.
/// What left its group is not known.
///
/// # Errors
/// It cannot be started, ends with another code than 0, or the run is to stop.
pub(super) fn first_line(mut command: Command, interrupt: &Interrupt) -> Result<Vec<u8>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let leads = !has_terminal();
    if leads {
        command.process_group(0);
    }
    let mut running = Running::start(&mut command, leads)?;
    let printed = running.child.stdout.take();
    // Whoever it left behind may keep this open.
    let (send, line) = mpsc::channel();
    start(move || {
        let mut line = Vec::new();
        if let Some(printed) = printed {
            let mut printed = BufReader::new(printed);
            let mut first = printed.by_ref().take(LONGEST);
            let _ = first.read_until(b'\n', &mut line);
            let _ = send.send(line);
            let _ = std::io::copy(&mut printed, &mut std::io::sink());
        }
    })?;
    let status = running.wait(interrupt)?;
    if !status.success() {
        return Err(Error::failed(format!("it failed: {}", ended(status))));
    }
    let line = received(&line, interrupt).inspect_err(|_| running.end())?;
    let mut line = line.unwrap_or_default();
    if line.len() as u64 == LONGEST && !line.ends_with(b"\n") {
        return Err(Error::failed(format!(
            "its first line is longer than {LONGEST} bytes"
        )));
    }
    while line.ends_with(b"\n") || line.ends_with(b"\r") {
        line.pop();
    }
    Ok(line)
}

/// Does something that may take long, such as opening a pipe, while it is looked whether the run is to stop.
///
/// # Errors
/// The run is to stop, or the system gives no thread.
pub(super) fn meanwhile<T: Send + 'static>(
    interrupt: &Interrupt,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let (send, done) = mpsc::channel();
    start(move || {
        let _ = send.send(work());
    })?;
    received(&done, interrupt)?.ok_or_else(|| Error::failed("a thread got lost"))
}

/// Runs a command that reads `input`; what it prints goes to stderr. When the run is to stop, the command and all that it
/// started are ended.
///
/// # Errors
/// It cannot be started, or the run is to stop.
pub(super) fn feed(
    mut command: Command,
    input: Vec<u8>,
    interrupt: &Interrupt,
) -> Result<ExitStatus> {
    // What stands on stdout is ours.
    let stderr = rustix::io::dup(std::io::stderr()).map(Stdio::from);
    command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(stderr.unwrap_or_else(|_| Stdio::null()));
    let mut running = Running::start(&mut command, true)?;
    let stdin = running.child.stdin.take();
    start(move || {
        // It need not read any of it.
        let _ = stdin.map(|mut stdin| stdin.write_all(&input));
    })?;
    running.wait(interrupt)
}

/// A command that was started.
struct Running {
    child: Child,
    process: Pid,
    /// Whether it leads a group of processes.
    leads: bool,
    ended: Receiver<ExitStatus>,
}

impl Running {
    fn start(command: &mut Command, leads: bool) -> Result<Self> {
        let child = command
            .spawn()
            .map_err(|error| Error::failed(format!("it cannot be started: {error}")))?;
        let process = Pid::from_child(&child);
        let (send, ended) = mpsc::channel();
        // It keeps its number until its group needs to be told nothing any more.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        start(move || {
            let status = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(process), options));
            if let Ok(Some(status)) = status {
                let code = status.exit_status().map(|code| code << 8);
                let raw = code.or_else(|| status.terminating_signal());
                let _ = send.send(ExitStatus::from_raw(raw.unwrap_or_default()));
            }
        })?;
        Ok(Self {
            child,
            process,
            leads,
            ended,
        })
    }

    /// Waits for its end, or ends it.
    fn wait(&mut self, interrupt: &Interrupt) -> Result<ExitStatus> {
        let ended = received(&self.ended, interrupt).inspect_err(|_| self.end())?;
        ended.ok_or_else(|| Error::failed("it got lost"))
    }

    /// Tells it and its group to end, and ends what does not.
    fn end(&mut self) {
        let until = Instant::now() + GRACE;
        self.tell(Signal::TERM);
        let ended = self.ended.recv_timeout(GRACE);
        if ended == Err(RecvTimeoutError::Timeout) {
            self.tell(Signal::KILL);
            return;
        }
        // Now its number alone would stand for a group of nobody.
        let _ = self.child.try_wait();
        while self.leads && test_kill_process_group(self.process).is_ok() {
            if Instant::now() >= until {
                self.tell(Signal::KILL);
                return;
            }
            thread::sleep(GLANCE / 10);
        }
    }

    fn tell(&self, signal: Signal) {
        let _ = match self.leads {
            true => kill_process_group(self.process, signal),
            false => kill_process(self.process, signal),
        };
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.try_wait();
    }
}

/// What comes through a channel; `None` where nothing comes any more. Stops when the run is to stop.
fn received<T>(channel: &Receiver<T>, interrupt: &Interrupt) -> Result<Option<T>> {
    loop {
        match channel.recv_timeout(GLANCE) {
            Ok(value) => {
                interrupt.stop()?;
                return Ok(Some(value));
            }
            Err(RecvTimeoutError::Timeout) => interrupt.stop()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

/// How a command ended, in words.
pub(super) fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("it ended with {code}"),
        None => "a signal ended it".into(),
    }
}
