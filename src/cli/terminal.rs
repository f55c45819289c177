//! Writing to a terminal and asking at one.

use crate::error::{Error, Result};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

/// Whether somebody can be asked: questions go to stderr, answers come from stdin.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Text with everything taken out that could move a cursor or turn the reading direction. Names and
/// values from archives go through here before they are printed.
pub(super) fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (character.is_control() && character != '\n') || turns {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

/// Prints a line to stderr.
pub(super) fn tell(line: &str) {
    // Nobody can be told that stderr is gone.
    let _ = writeln!(io::stderr().lock(), "{}", safe(line));
}

/// Prints text to stdout.
///
/// # Errors
/// Stdout is closed.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .or_else(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(Error::failed(format!("cannot print: {error}"))),
        })
}

/// Prints what failed and what to do next.
pub(super) fn print_error(error: &Error) {
    tell(&format!("error: {error}"));
    if let Some(advice) = error.advice() {
        tell(&format!("  {advice}"));
    }
}

/// Asks a question whose default answer is no.
///
/// # Errors
/// The answer cannot be read.
pub(super) fn confirm(question: &str) -> Result<bool> {
    let mut stderr = io::stderr().lock();
    let mut answer = String::new();
    write!(stderr, "{} [y/N] ", safe(question))
        .and_then(|()| stderr.flush())
        .and_then(|()| io::stdin().read_line(&mut answer))
        .map_err(|error| Error::failed(format!("cannot read the answer: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_marks_do_not_reach_the_terminal() {
        assert_eq!(safe("a\u{1b}[2Jb\rc"), "a\\u{1b}[2Jb\\u{d}c");
        assert_eq!(safe("x\u{202e}gnp.exe"), "x\\u{202e}gnp.exe");
        assert_eq!(safe("naïve — 日本語 🎉"), "naïve — 日本語 🎉");
    }
}
