//! Writing to a terminal.

use crate::error::Error;
use rustix::fs::OFlags;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Text, as one line, with everything taken out that could move a cursor, turn the reading direction or
/// hide. Names and values from archives go through here before they are printed.
pub(super) fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        );
        if character == '\n' {
            out.push_str("\\n");
        } else if character.is_control() || turns {
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
    /// Prints text. Nothing follows from a reader who is gone, or from a full disk: what is reported
    /// is done.
    pub fn print(self, text: &str) {
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
    tell(&format!("error: {message}"));
    for item in list {
        tell(&format!("  {item}"));
    }
}

/// Prints what failed and what to do next.
pub(super) fn print_error(error: &Error) {
    tell_fault(error);
    if let Some(advice) = error.advice() {
        tell(&format!("  {advice}"));
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
