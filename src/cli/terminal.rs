//! What a run says, and how: in words at a terminal or into a log, not at all while all is well (`--quiet`), or as lines
//! of JSON (`--json`).

use crate::error::Error;
use crate::model::hides;
use rustix::fs::OFlags;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many lines are held back at most.
const HELD: usize = 1000;

/// How a run speaks. It is one for the process, as its streams are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// In words.
    Words,
    /// Not at all, unless something goes wrong: then it says what it held back.
    Quiet,
    /// As JSON, an object a line, to this stream.
    Json(Reports),
}

struct State {
    voice: Voice,
    held: Vec<String>,
    more: usize,
}

static STATE: Mutex<State> = Mutex::new(State {
    voice: Voice::Words,
    held: Vec::new(),
    more: 0,
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Speaks so from now on.
pub(super) fn speak(voice: Voice) {
    state().voice = voice;
}

/// How the run speaks.
pub(super) fn voice() -> Voice {
    state().voice
}

/// Says what was held back: something went wrong, and whoever reads of it wants to know more.
pub(super) fn let_go() {
    let (held, more) = {
        let mut state = state();
        (
            std::mem::take(&mut state.held),
            std::mem::take(&mut state.more),
        )
    };
    for line in held {
        print_line(&line);
    }
    if more > 0 {
        print_line(&format!("{more} more lines like these"));
    }
}

/// Prints an object of JSON, where the run speaks so.
pub(super) fn object(value: &impl Serialize) {
    if let Voice::Json(reports) = voice() {
        let line = serde_json::to_string(value).expect("texts and numbers serialise");
        reports.write(&line);
    }
}

/// A line of words among JSON.
#[derive(Serialize)]
struct Message<'a> {
    r#type: &'static str,
    text: &'a str,
}

/// Text, as one line, with everything taken out that could move a cursor, turn the reading direction or
/// hide. Names and values from archives go through here before they are printed.
pub(super) fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '\n' {
            out.push_str("\\n");
        } else if character.is_control() || hides(character) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

/// Says a line, which is no harm to miss while all is well.
pub(super) fn tell(line: &str) {
    match voice() {
        Voice::Words => print_line(line),
        Voice::Quiet => {
            let mut state = state();
            match state.held.len() < HELD {
                true => state.held.push(line.to_owned()),
                false => state.more += 1,
            }
        }
        Voice::Json(_) => object(&Message {
            r#type: "message",
            text: line,
        }),
    }
}

/// Says a line that somebody has to see.
pub(super) fn alert(line: &str) {
    match voice() {
        Voice::Words | Voice::Quiet => print_line(line),
        Voice::Json(_) => tell(line),
    }
}

/// Prints a line to stderr.
fn print_line(line: &str) {
    // Nobody can be told that stderr is gone.
    let _ = writeln!(io::stderr().lock(), "{}", safe(line));
}

/// Whether stdout was closed when the program started. Rust then puts `/dev/null` there, open for
/// reading and writing, where a shell would open it for writing alone.
pub(super) fn stdout_was_closed() -> bool {
    let stdout = io::stdout();
    let is_null = || -> io::Result<bool> {
        let (stdout, null) = (rustix::fs::fstat(&stdout)?, rustix::fs::stat("/dev/null")?);
        Ok(stdout.st_rdev == null.st_rdev && stdout.st_mode == null.st_mode)
    };
    let reads =
        rustix::fs::fcntl_getfl(&stdout).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR);
    reads && is_null().unwrap_or(false)
}

/// Where reports go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reports {
    /// To stdout.
    Stdout,
    /// To stderr, because stdout holds an archive.
    Stderr,
}

impl Reports {
    /// Prints text, where the run speaks in words.
    pub fn print(self, text: &str) {
        if voice() == Voice::Words {
            self.write(text);
        }
    }

    /// Says how a run ended, in words. A quiet run says it with what it held back.
    pub fn conclude(self, text: &str) {
        match voice() {
            Voice::Words => self.write(text),
            Voice::Quiet => tell(text),
            Voice::Json(_) => {}
        }
    }

    /// The width of the terminal that reports go to; `None` where they go elsewhere.
    pub fn width(self) -> Option<usize> {
        let size = match self {
            Self::Stdout => io::stdout()
                .is_terminal()
                .then(|| rustix::termios::tcgetwinsize(io::stdout())),
            Self::Stderr => io::stderr()
                .is_terminal()
                .then(|| rustix::termios::tcgetwinsize(io::stderr())),
        };
        size.map(|size| match size {
            Ok(size) if size.ws_col > 0 => size.ws_col.into(),
            _ => 80,
        })
    }

    /// Prints text. Nothing follows from a reader who is gone, or from a full disk: what is reported
    /// is done.
    pub fn write(self, text: &str) {
        let _ = match self {
            Self::Stdout => {
                let mut out = io::stdout().lock();
                writeln!(out, "{text}").and_then(|()| out.flush())
            }
            Self::Stderr => writeln!(io::stderr().lock(), "{text}"),
        };
    }
}

/// Prints what failed: a line, and one more for each thing that the error lists.
pub(super) fn tell_fault(error: &Error) {
    let (message, list) = error.parts();
    alert(&format!("error: {message}"));
    for item in list {
        alert(&format!("  {item}"));
    }
}

/// Prints what failed and what to do next, to stderr in any case, unless JSON is there.
pub(super) fn print_error(error: &Error) {
    if voice() == Voice::Json(Reports::Stderr) {
        return;
    }
    let (message, list) = error.parts();
    print_line(&format!("error: {message}"));
    for line in list.iter().map(String::as_str).chain(error.advice()) {
        print_line(&format!("  {line}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_marks_do_not_reach_the_terminal() {
        assert_eq!(safe("a\u{1b}[2Jb\rc"), "a\\u{1b}[2Jb\\u{d}c");
        assert_eq!(safe("x\u{202e}gnp.exe"), "x\\u{202e}gnp.exe");
        assert_eq!(safe("a\nerror: b"), "a\\nerror: b");
        for hidden in [
            '\u{61c}',
            '\u{85}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{9b}',
            '\u{e0041}',
        ] {
            assert!(safe(&hidden.to_string()).is_ascii(), "{hidden:?}");
        }
        assert_eq!(safe("naïve — 日本語 🎉"), "naïve — 日本語 🎉");
    }
}
