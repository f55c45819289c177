//! Runs the commands that users name: for keys, and when a run ends.

use crate::error::{Error, Result};
use crate::store::Interrupt;
use crate::threads::start;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
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

/// What a command printed first: its first line, without the end of it.
///
/// # Errors
/// It cannot be started, ends with another code than 0, or the run is to stop.
pub(super) fn first_line(mut command: Command, interrupt: &Interrupt) -> Result<Vec<u8>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = spawn(&mut command)?;
    let printed = child.stdout.take();
    // Whoever it left behind may keep this open.
    let (send, line) = mpsc::channel();
    start(move || {
        let mut line = Vec::new();
        if let Some(printed) = printed {
            let mut printed = BufReader::new(printed);
            let _ = printed.by_ref().take(LONGEST).read_until(b'\n', &mut line);
            let _ = send.send(line);
            let _ = std::io::copy(&mut printed, &mut std::io::sink());
        }
    })?;
    let status = wait(child, interrupt)?;
    if !status.success() {
        return Err(Error::failed(format!("it failed: {}", ended(status))));
    }
    let mut line = line.recv().unwrap_or_default();
    while line.ends_with(b"\n") || line.ends_with(b"\r") {
        line.pop();
    }
    Ok(line)
}

/// Runs a command that reads `input`; what it prints goes to stderr.
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
        .stdin(Stdio::piped())
        .stdout(stderr.unwrap_or_else(|_| Stdio::null()));
    let mut child = spawn(&mut command)?;
    let stdin = child.stdin.take();
    start(move || {
        // It need not read any of it.
        let _ = stdin.map(|mut stdin| stdin.write_all(&input));
    })?;
    wait(child, interrupt)
}

fn spawn(command: &mut Command) -> Result<Child> {
    command
        .spawn()
        .map_err(|error| Error::failed(format!("it cannot be started: {error}")))
}

fn wait(mut child: Child, interrupt: &Interrupt) -> Result<ExitStatus> {
    let process = rustix::process::Pid::from_child(&child);
    let (send, ended) = mpsc::channel();
    start(move || {
        let _ = send.send(child.wait());
    })?;
    loop {
        match ended.recv_timeout(GLANCE) {
            Ok(status) => {
                check(interrupt)?;
                return status.map_err(|error| Error::failed(format!("it got lost: {error}")));
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = check(interrupt) {
                    let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
                    return Err(error);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::failed("it got lost"));
            }
        }
    }
}

fn check(interrupt: &Interrupt) -> Result<()> {
    interrupt
        .check()
        .map_err(|error| Error::from_io(error, |error| Error::failed(error.to_string())))
}

/// How a command ended, in words.
pub(super) fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("it ended with {code}"),
        None => "a signal ended it".into(),
    }
}
