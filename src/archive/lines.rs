//! Reads the content of entries: lines of JSON one by one, texts as a whole.

use super::item::damaged;
use crate::error::{Error, Result};
use crate::model::Stage;
use crate::model::limits::{LONGEST_LINE, LONGEST_SCHEMAS};
use std::io::{self, BufRead, BufReader, Read};

/// A place that is not what it should be.
pub(super) fn malformed(place: String, why: &str) -> Error {
    Error::archive(format!("{place}: {why}"))
}

/// The content of an entry that is read as a whole, and has at most `longest` bytes.
pub(super) fn read_text(
    archive: &str,
    name: &str,
    content: &mut dyn Read,
    longest: u64,
) -> Result<String> {
    let mut text = String::new();
    let read = content
        .take(longest + 1)
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData if error.get_ref().is_none() => {
                malformed(format!("{archive}: {name}"), "it is not UTF-8")
            }
            _ => damaged(archive, error),
        })?;
    if read as u64 > longest {
        let why = format!("it has more than the {longest} bytes that it may have");
        return Err(malformed(format!("{archive}: {name}"), &why));
    }
    Ok(text)
}

/// What is done with a line, or with why it is none, and with what tells the place it stands at.
pub(super) type EachLine<'a> =
    dyn FnMut(Result<&str, String>, &dyn Fn() -> String) -> Result<()> + 'a;

/// The longest line of a stage that is read, in bytes.
fn longest_line(stage: Stage) -> u64 {
    match stage {
        Stage::Schemas => LONGEST_SCHEMAS,
        _ => LONGEST_LINE,
    }
}

/// Passes over the rest of a line.
fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let block = reader.fill_buf()?;
        let (length, is_through) = match block.iter().position(|byte| *byte == b'\n') {
            Some(position) => (position + 1, true),
            None => (block.len(), block.is_empty()),
        };
        reader.consume(length);
        if is_through {
            return Ok(());
        }
    }
}

/// Hands over the lines of a shard that are not empty, each with the place it stands at.
pub(super) fn each_line(
    stage: Stage,
    archive: &str,
    name: &str,
    content: &mut dyn Read,
    each: &mut EachLine<'_>,
) -> Result<()> {
    let mut reader = BufReader::with_capacity(64 << 10, content);
    let mut line = Vec::new();
    let mut number = 0_u64;
    let longest = longest_line(stage);
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(longest + 2)
            .read_until(b'\n', &mut line)
            .map_err(|error| damaged(archive, error))?;
        if read == 0 {
            return Ok(());
        }
        number += 1;
        let place = || format!("{name}, line {number}");
        let has_ended = line.last() == Some(&b'\n');
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        let text = if line.len() as u64 > longest {
            if !has_ended {
                skip_line(&mut reader).map_err(|error| damaged(archive, error))?;
            }
            Err(format!(
                "it has more than the {longest} bytes that a line may have"
            ))
        } else {
            std::str::from_utf8(&line).map_err(|_| "it is not UTF-8".to_owned())
        };
        if text.as_deref() != Ok("") {
            each(text, &place)?;
        }
    }
}

/// Counts lines that are not empty.
#[derive(Default)]
pub(super) struct LineCounter {
    /// How many there were.
    pub lines: u64,
    /// Whether something of the current one was there.
    within: bool,
}

impl LineCounter {
    /// Takes what follows in.
    pub fn take(&mut self, block: &[u8]) {
        for &byte in block {
            let breaks = matches!(byte, b'\n' | b'\r');
            self.lines += u64::from(!breaks && !self.within);
            self.within = byte != b'\n' && (self.within || !breaks);
        }
    }
}

/// How many lines of a shard are not empty.
pub(super) fn count_lines(archive: &str, content: &mut dyn Read) -> Result<u64> {
    let mut reader = BufReader::with_capacity(64 << 10, content);
    let mut counter = LineCounter::default();
    loop {
        let block = reader.fill_buf().map_err(|error| damaged(archive, error))?;
        if block.is_empty() {
            return Ok(counter.lines);
        }
        counter.take(block);
        let length = block.len();
        reader.consume(length);
    }
}
