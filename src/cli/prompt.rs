//! Asking somebody at a terminal.

use super::STREAM;
use super::input::Input;
use super::terminal::safe;
use crate::error::{Error, Result};
use crate::store::Interrupt;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

/// The terminal of the process, whatever stdin is.
const DEVICE: &str = "/dev/tty";

/// Whether the process has a terminal, whatever stdin is.
pub(super) fn has_terminal() -> bool {
    File::open(DEVICE).is_ok()
}

/// Somebody who may be asked. Questions go to stderr.
#[derive(Debug, Clone)]
pub(super) struct Prompt {
    answers: Answers,
    interrupt: Interrupt,
}

/// Where answers come from.
#[derive(Debug, Clone, Copy)]
enum Answers {
    /// From stdin.
    Stdin,
    /// From the terminal's own device, because stdin holds an archive.
    Device,
}

impl Prompt {
    /// Asks at stdin, until the user wants the run to stop.
    pub fn new(interrupt: Interrupt) -> Self {
        Self {
            answers: Answers::Stdin,
            interrupt,
        }
    }

    /// Asks while an archive of this name is read, which may be stdin.
    pub fn beside(archive: &Path, interrupt: Interrupt) -> Self {
        let answers = if archive == Path::new(STREAM) {
            Answers::Device
        } else {
            Answers::Stdin
        };
        Self { answers, interrupt }
    }

    /// What stops the asking.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Whether somebody can be asked.
    pub fn is_possible(&self) -> bool {
        io::stderr().is_terminal()
            && match self.answers {
                Answers::Stdin => io::stdin().is_terminal(),
                Answers::Device => has_terminal(),
            }
    }

    /// Asks a question whose default answer is no.
    ///
    /// # Errors
    /// The answer cannot be read, or the user wants the run to stop.
    pub fn confirm(&self, question: &str) -> Result<bool> {
        let answer = self.ask(&format!("{} [y/N] ", safe(question)), false)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
    }

    /// Asks for a secret, without showing it.
    ///
    /// # Errors
    /// As [`confirm`](Self::confirm).
    pub fn secret(&self, question: &str) -> Result<String> {
        let answer = self.ask(question, true)?;
        Ok(answer.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn ask(&self, question: &str, hidden: bool) -> Result<String> {
        let asked = match self.answers {
            Answers::Stdin => self.ask_at(io::stdin(), question, hidden),
            Answers::Device => {
                File::open(DEVICE).and_then(|device| self.ask_at(device, question, hidden))
            }
        };
        asked.map_err(|error| {
            Error::from_io(error, |error| {
                Error::failed(format!("cannot read the answer: {error}"))
            })
        })
    }

    fn ask_at(&self, terminal: impl AsFd, question: &str, hidden: bool) -> io::Result<String> {
        // Before the question: whoever sees it may type.
        let silence = hidden
            .then(|| Silence::over(terminal.as_fd()))
            .transpose()?;
        let mut stderr = io::stderr().lock();
        write!(stderr, "{question}")?;
        stderr.flush()?;
        let line = self.line(terminal.as_fd());
        if silence.is_some() || line.is_err() {
            writeln!(stderr)?;
        }
        line
    }

    fn line(&self, terminal: BorrowedFd<'_>) -> io::Result<String> {
        let mut input = Input::new(terminal, self.interrupt.clone());
        let (mut line, mut byte) = (Vec::new(), [0]);
        while input.read(&mut byte)? == 1 {
            line.push(byte[0]);
            if byte[0] == b'\n' {
                break;
            }
        }
        String::from_utf8(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silence<'t> {
    terminal: BorrowedFd<'t>,
    before: Termios,
}

impl<'t> Silence<'t> {
    fn over(terminal: BorrowedFd<'t>) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Now, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // Nobody can be told of a terminal that is gone.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}
