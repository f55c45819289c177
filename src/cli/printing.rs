//! Stdout, for whoever's work it is to print: that it takes no more is a failure, and that its reader is gone is none.

use crate::error::{Error, Result};
use crate::model::hides;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Stdout.
pub(super) struct Out {
    out: BufWriter<Stdout>,
    is_closed: AtomicBool,
    /// What is done for a terminal; elsewhere bytes go as they come.
    shown: Option<Escaping>,
}

impl Default for Out {
    fn default() -> Self {
        let stdout = io::stdout();
        Self {
            shown: stdout.is_terminal().then(Escaping::default),
            out: BufWriter::with_capacity(64 << 10, stdout),
            is_closed: AtomicBool::new(false),
        }
    }
}

impl Out {
    /// Prints text, and nothing else; a reader who wants no more of it is none to be told.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn print(text: &str) -> Result<()> {
        let mut out = Self::default();
        let printed = out.line(text);
        out.end(printed).map(drop)
    }

    /// Prints a line.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn line(&mut self, line: &str) -> Result<()> {
        writeln!(self, "{line}").map_err(unprinted)
    }

    /// Ends what was `printed`; `None` where its reader wanted no more of it.
    ///
    /// # Errors
    /// What ended it, or the last of it cannot be printed.
    pub fn end<T>(&mut self, printed: Result<T>) -> Result<Option<T>> {
        let ended = printed.and_then(|printed| {
            self.flush().map_err(unprinted)?;
            Ok(printed)
        });
        match ended {
            Ok(printed) => Ok(Some(printed)),
            Err(_) if self.is_closed.load(Ordering::Relaxed) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn note<T>(&self, written: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &written
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            self.is_closed.store(true, Ordering::Relaxed);
        }
        written
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.shown {
            Some(shown) => {
                let text = shown.escape(bytes);
                self.out.write_all(text.as_bytes()).map(|()| bytes.len())
            }
            None => self.out.write(bytes),
        };
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.note(flushed)
    }
}

/// Takes out what would move a cursor, turn the reading direction or hide, in a way that leaves JSON what it is.
#[derive(Debug, Default)]
struct Escaping {
    /// The beginning of a character whose end has not come.
    begun: Vec<u8>,
}

impl Escaping {
    fn escape(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&all) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => all.len(),
        };
        self.begun = all.split_off(whole);
        let mut text = String::with_capacity(all.len());
        for character in String::from_utf8_lossy(&all).chars() {
            match character {
                '\n' | '\t' => text.push(character),
                // Between the words of JSON; within a text it is escaped already.
                '\r' => text.push(' '),
                _ if character.is_control() || hides(character) => {
                    let mut units = [0; 2];
                    for unit in character.encode_utf16(&mut units) {
                        text.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                _ => text.push(character),
            }
        }
        text
    }
}

/// Stdout takes no more.
pub(super) fn unprinted(error: io::Error) -> Error {
    Error::from_io(error, |error| {
        Error::failed(format!("cannot print: {error}"))
            .hint("see whether there is room where stdout goes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_says_the_same_when_it_is_safe_to_look_at() {
        let line = "{\"a\":\"x\u{9b}2J\u{7f}\u{202e}ä\u{e0041} 🎉\\u001b\"}\n";
        let mut escaping = Escaping::default();
        // In pieces, as it comes.
        let shown: String = line
            .as_bytes()
            .chunks(3)
            .map(|it| escaping.escape(it))
            .collect();
        assert_eq!(
            shown,
            "{\"a\":\"x\\u009b2J\\u007f\\u202eä\\udb40\\udc41 🎉\\u001b\"}\n"
        );
        let [before, after] = [line, &shown].map(serde_json::from_str::<serde_json::Value>);
        assert_eq!(before.expect("JSON"), after.expect("JSON"));
    }
}
