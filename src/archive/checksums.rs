//! `checksums.sha256`: the digests of the entries before it, in order, as `sha256sum -c` reads them.

use super::layout::CHECKSUMS;
use crate::hashing::hexadecimal;
use crate::model::NameMap;
use crate::model::limits::LONGEST_NAME;
use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::Path;
use tempfile::SpooledTempFile;

/// How much of a list is kept in memory, in bytes; longer ones go to a file without a name.
pub(super) const IN_MEMORY: usize = 4 << 20;

/// The longest line, in bytes: a name of which every byte is escaped, and its digest.
const LONGEST_LINE: u64 = 2 * LONGEST_NAME as u64 + 128;

/// How many faults are kept.
const KEPT: usize = 100;

/// The bytes in hexadecimal digits, which must be in lower case; `None` where these are none, or
/// others than that many.
pub(super) fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != 2 * N || !digits.bytes().all(is_hex) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// A line of the list, without its break. As `sha256sum` does, a name with a line break or a
/// backslash is escaped, and the line begins with a backslash.
fn line(name: &str, digest: &[u8]) -> String {
    let digest = hexadecimal(digest);
    if !name.contains(['\\', '\n', '\r']) {
        return format!("{digest}  {name}");
    }
    let name = name
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    format!("\\{digest}  {name}")
}

/// A digest, and whether the name that it stands at is escaped.
type Sum = ([u8; 32], bool);

/// The name in a line, as it stands there, and its digest; `None` where it is no line of a list.
fn parse(line: &str) -> Option<(&str, Sum)> {
    let unescaped = line.strip_prefix('\\');
    let (digest, name) = unescaped.unwrap_or(line).split_once("  ")?;
    let digest = unhex(digest)?;
    (!name.is_empty()).then_some((name, (digest, unescaped.is_some())))
}

/// A name, of which it is known whether it is escaped.
fn unescaped(name: &str, is_escaped: bool) -> Cow<'_, str> {
    if !is_escaped {
        return name.into();
    }
    let mut plain = String::with_capacity(name.len());
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                _ => '\\',
            },
            character => character,
        });
    }
    plain.into()
}

/// A list of digests that grows while entries are written or read.
pub(super) struct Checksums {
    lines: SpooledTempFile,
    entries: u64,
}

impl Checksums {
    /// An empty list, which goes to `folder` when it is long.
    pub fn new(folder: &Path) -> Self {
        Self {
            lines: tempfile::spooled_tempfile_in(IN_MEMORY, folder),
            entries: 0,
        }
    }

    /// Adds an entry.
    pub fn add(&mut self, name: &str, digest: &[u8]) -> io::Result<()> {
        self.entries += 1;
        writeln!(self.lines, "{}", line(name, digest))
    }

    /// How many entries it has.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The list from its beginning, and its length.
    pub fn content(&mut self) -> io::Result<(&mut SpooledTempFile, u64)> {
        let length = self.lines.stream_position()?;
        self.lines.rewind()?;
        Ok((&mut self.lines, length))
    }
}

/// What a list that was read says of entries that were read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// What is wrong, a sentence each; not more than the first hundred.
    pub faults: Vec<String>,
    /// Whether the entries stand in another order than in the list.
    pub is_reordered: bool,
}

/// Holds the list of an archive against that of the entries that were read, both from their
/// beginning. In memory only where they differ. `unfit` gets the name of each entry that is not as it is
/// listed.
pub(super) fn compare(
    listed: &mut (impl Read + Seek),
    found: &mut (impl Read + Seek),
    unfit: &mut dyn FnMut(&str),
) -> io::Result<Comparison> {
    if is_same(listed, found)? {
        return Ok(Comparison::default());
    }
    listed.rewind()?;
    found.rewind()?;
    let mut faults = Vec::new();
    let mut add = |fault: String| {
        if faults.len() < KEPT {
            faults.push(fault);
        }
    };
    let mut digests: NameMap<Sum> = NameMap::default();
    let mut number = 0;
    each_line(listed, &mut |line| {
        number += 1;
        match parse(line) {
            Some((name, sum)) => {
                if digests.insert(name, sum).is_some() {
                    add(format!("{CHECKSUMS} lists {name} twice"));
                }
            }
            None => add(format!("{CHECKSUMS}, line {number}: it is no digest")),
        }
    })?;
    each_line(found, &mut |line| {
        let Some((name, sum)) = parse(line) else {
            return;
        };
        match digests.remove(name) {
            Some(expected) if expected == sum => {}
            Some(_) => {
                add(format!("{name} is not what {CHECKSUMS} says"));
                unfit(&unescaped(name, sum.1));
            }
            None => {
                add(format!("{name} is not listed in {CHECKSUMS}"));
                unfit(&unescaped(name, sum.1));
            }
        }
    })?;
    if digests.values().next().is_some() {
        listed.rewind()?;
        each_line(listed, &mut |line| {
            if let Some((name, _)) = parse(line)
                && digests.remove(name).is_some()
            {
                add(format!("{name} is missing"));
            }
        })?;
    }
    Ok(Comparison {
        is_reordered: faults.is_empty(),
        faults,
    })
}

fn is_same(one: &mut impl Read, other: &mut impl Read) -> io::Result<bool> {
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 {
            return Ok(left.len() == right.len());
        }
        if left[..length] != right[..length] {
            return Ok(false);
        }
        one.consume(length);
        other.consume(length);
    }
}

/// Goes through the lines of a list. What is longer than a line can be comes in parts, none of which is
/// one.
fn each_line(from: &mut impl Read, each: &mut dyn FnMut(&str)) -> io::Result<()> {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut part = reader.by_ref().take(LONGEST_LINE);
        if part.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        each(&String::from_utf8_lossy(&line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};
    use std::io::Cursor;

    fn list(names: &[&str]) -> Cursor<String> {
        let lines = names.iter().map(|name| line(name, &Sha256::digest(name)));
        Cursor::new(lines.map(|line| line + "\n").collect())
    }

    fn faults(listed: &[&str], found: &[&str]) -> Comparison {
        compare(&mut list(listed), &mut list(found), &mut |_| {}).expect("compared")
    }

    #[test]
    fn equal_lists_have_no_faults_and_other_orders_are_told() {
        assert_eq!(faults(&["a", "b"], &["a", "b"]), Comparison::default());
        assert_eq!(faults(&[], &[]), Comparison::default());
        assert!(faults(&["a", "b"], &["b", "a"]).is_reordered);
    }

    #[test]
    fn what_is_missing_twice_or_not_listed_is_named() {
        for (listed, found, fault) in [
            (&["a", "b"][..], &["a"][..], "b is missing"),
            (&["a"], &["a", "b"], "b is not listed in checksums.sha256"),
            (&["a", "a"], &["a"], "checksums.sha256 lists a twice"),
            (&["a"], &["a", "a"], "a is not listed in checksums.sha256"),
        ] {
            assert_eq!(faults(listed, found).faults, [fault]);
        }
        let mut other = list(&["a"]);
        other.get_mut().replace_range(0..1, "z");
        let compared = compare(&mut other, &mut list(&["a"]), &mut |_| {}).expect("compared");
        assert!(compared.faults[0].contains("line 1"), "{compared:?}");
    }

    #[test]
    fn names_with_line_breaks_stand_as_sha256sum_writes_them() {
        let text = line("a\nb\\c", &[0; 32]);
        assert_eq!(text, format!("\\{}  a\\nb\\\\c", "0".repeat(64)));
        assert_eq!(parse(&text), Some(("a\\nb\\\\c", ([0; 32], true))));
        assert_eq!(unescaped("a\\nb\\\\c", true), "a\nb\\c");
    }
}
