//! Reads the content of entries: lines of JSON one by one, texts as a whole.

use super::item::damaged;
use crate::error::{Error, Result};
use std::io::{self, BufRead, BufReader, Read};

/// The longest line that is read, in bytes: well above the shards Strapi writes.
const LONGEST_LINE: u64 = 1 << 30;
/// The longest entry that is read as a whole, in bytes: what an archive says of itself.
const LONGEST_TEXT: u64 = 16 << 20;

/// A place that is not what it should be.
pub(super) fn malformed(place: String, why: &str) -> Error {
    Error::archive(format!("{place}: {why}"))
}

/// The content of an entry that is read as a whole.
pub(super) fn read_text(archive: &str, name: &str, content: &mut dyn Read) -> Result<String> {
    let mut text = String::new();
    let read = content
        .take(LONGEST_TEXT)
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData if error.get_ref().is_none() => {
                malformed(format!("{archive}: {name}"), "it is not UTF-8")
            }
            _ => damaged(archive, error),
        })?;
    if read as u64 == LONGEST_TEXT {
        let why = format!("it has {LONGEST_TEXT} bytes or more");
        return Err(malformed(format!("{archive}: {name}"), &why));
    }
    Ok(text)
}

/// What is done with a line, or with why it is none, and with what tells the place it stands at.
pub(super) type EachLine<'a> =
    dyn FnMut(Result<&str, &'static str>, &dyn Fn() -> String) -> Result<()> + 'a;

/// Hands over the lines of a shard that are not empty, each with the place it stands at.
pub(super) fn each_line(
    archive: &str,
    name: &str,
    content: &mut dyn Read,
    each: &mut EachLine<'_>,
) -> Result<()> {
    let mut reader = BufReader::with_capacity(64 << 10, content);
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(|error| damaged(archive, error))?;
        if read == 0 {
            return Ok(());
        }
        number += 1;
        let place = || format!("{name}, line {number}");
        let text = std::str::from_utf8(&line)
            .map(|text| text.trim_end_matches(['\n', '\r']))
            .map_err(|_| "it is not UTF-8");
        if text != Ok("") {
            each(text, &place)?;
        }
    }
}

/// How many lines of a shard are not empty.
pub(super) fn count_lines(archive: &str, content: &mut dyn Read) -> Result<u64> {
    let mut reader = BufReader::with_capacity(64 << 10, content);
    let (mut lines, mut within) = (0, false);
    loop {
        let block = reader.fill_buf().map_err(|error| damaged(archive, error))?;
        if block.is_empty() {
            return Ok(lines);
        }
        for &byte in block {
            let breaks = matches!(byte, b'\n' | b'\r');
            lines += u64::from(!breaks && !within);
            within = byte != b'\n' && (within || !breaks);
        }
        let length = block.len();
        reader.consume(length);
    }
}
