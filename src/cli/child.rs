//! Runs the commands that users name: for keys, and when a run ends.

use super::prompt::has_terminal;
use crate::error::{Error, Result};
use crate::store::Interrupt;
use crate::threads::start;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often it is looked whether the run is to stop.
const GLANCE: Duration = Duration::from_millis(100);
/// How many bytes of a line are read.
const LONGEST: u64 = 64 << 10;

/// A command in the words of a shell.
pub(super) fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]);
    shell
}

/// What a command printed first: its first line, without the end of it. When the run is to stop, the command is told so;
/// and so is all that it started, unless there is a terminal, where only one group of processes may ask for a passphrase.
///
/// # Errors
/// It cannot be started, ends with another code than 0, or the run is to stop.
pub(super) fn first_line(mut command: Command, interrupt: &Interrupt) -> Result<Vec<u8>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let leads = !has_terminal();
    if leads {
        command.process_group(0);
    }
    let mut child = spawn(&mut command)?;
    let printed = child.stdout.take();
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
    let status = wait(child, leads, interrupt)?;
    if !status.success() {
        return Err(Error::failed(format!("it failed: {}", ended(status))));
    }
    let mut line = received(&line, interrupt, || {})?.unwrap_or_default();
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
    received(&done, interrupt, || {})?.ok_or_else(|| Error::failed("a thread got lost"))
}

/// Runs a command that reads `input`; what it prints goes to stderr. When the run is to stop, the command and all that it
/// started are told so.
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
    let mut child = spawn(&mut command)?;
    let stdin = child.stdin.take();
    start(move || {
        // It need not read any of it.
        let _ = stdin.map(|mut stdin| stdin.write_all(&input));
    })?;
    wait(child, true, interrupt)
}

fn spawn(command: &mut Command) -> Result<Child> {
    command
        .spawn()
        .map_err(|error| Error::failed(format!("it cannot be started: {error}")))
}

/// Waits for the end of a command, which may lead a group of processes.
fn wait(mut child: Child, leads: bool, interrupt: &Interrupt) -> Result<ExitStatus> {
    let process = Pid::from_child(&child);
    let (send, ended) = mpsc::channel();
    start(move || {
        let _ = send.send(child.wait());
    })?;
    let stop = || {
        let _ = match leads {
            true => kill_process_group(process, Signal::TERM),
            false => kill_process(process, Signal::TERM),
        };
    };
    match received(&ended, interrupt, stop)? {
        Some(status) => status.map_err(|error| Error::failed(format!("it got lost: {error}"))),
        None => Err(Error::failed("it got lost")),
    }
}

/// What comes through a channel; `None` where nothing comes any more. Stops when the run is to stop.
fn received<T>(channel: &Receiver<T>, interrupt: &Interrupt, stop: impl Fn()) -> Result<Option<T>> {
    loop {
        match channel.recv_timeout(GLANCE) {
            Ok(value) => {
                interrupt.stop()?;
                return Ok(Some(value));
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = interrupt.stop() {
                    stop();
                    return Err(error);
                }
            }
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
