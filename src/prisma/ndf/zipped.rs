//! Sees that zips hold one thing for everybody who reads them: what is there twice, or differs between the
//! directory at the end and the files themselves, is taken one way by one program and another way by the next.

use crate::store::Interrupt;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use zip::{ZipArchive, ZipReadOptions};

/// How an entry of the directory begins, and how many bytes it has in front of its name.
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const HEAD: usize = 46;

/// How many entries a zip may have: of pages of a service these are a hundred gigabytes.
const MOST: u64 = 100_000;
/// How many bytes the end of a zip has at most, and its first part that stands alone.
const TAIL: u64 = 22 + 0xffff;
const LOCATOR: u64 = 20;
/// How that part begins, how the end of a large zip does, and where that has the number of entries.
const POINTS: [u8; 4] = *b"PK\x06\x07";
const LARGE: [u8; 4] = *b"PK\x06\x06";
const COUNT: usize = 32;

/// Sees that a zip says of no more entries than it may have, before all of them are read. What is none passes.
///
/// # Errors
/// It says of more, in words.
pub(super) fn check_count(file: &File) -> Result<(), String> {
    // Up to 65,535 of them are in every zip; the number of more stands in a place of its own.
    let said = said_count(file).ok().flatten();
    said.map_or(Ok(()), check_many)
}

fn check_many(count: u64) -> Result<(), String> {
    match count > MOST {
        true => Err(format!("it has {count} entries, and may have {MOST}")),
        false => Ok(()),
    }
}

/// The largest number of entries that one of the ends of a large zip says.
fn said_count(file: &File) -> io::Result<Option<u64>> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL + LOCATOR);
    let mut tail = vec![0; (length - start) as usize];
    file.read_exact_at(&mut tail, start)?;
    let points = tail.windows(LOCATOR as usize);
    let points = points.filter(|it| it.starts_with(&POINTS));
    let mut most = None;
    for place in points.filter_map(|it| it[8..].first_chunk::<8>()) {
        let mut end = [0; COUNT + 8];
        let read = file.read_exact_at(&mut end, u64::from_le_bytes(*place));
        if read.is_ok() && end.starts_with(&LARGE) {
            let count = end[COUNT..].first_chunk().copied();
            most = most.max(count.map(u64::from_le_bytes));
        }
    }
    Ok(most)
}

/// A zip, if it has no name twice, and not more of them than it may have.
///
/// # Errors
/// It has; the words say which.
pub(super) fn unambiguous(archive: ZipArchive<File>) -> Result<ZipArchive<File>, String> {
    check_many(archive.len() as u64)?;
    if !archive.has_duplicate_names() {
        return Ok(archive);
    }
    let start = archive.central_directory_start();
    Err(match twice(archive.into_inner(), start) {
        Ok(Some(name)) => twice_there(&name),
        _ => "something is in it twice".to_owned(),
    })
}

/// What is said of a name that is there twice.
pub(super) fn twice_there(name: &str) -> String {
    format!("{name} is in it twice, and each program that reads it takes another one")
}

/// Sees that each file is the one that the directory says.
///
/// # Errors
/// The user wants the run to stop; or inside, why it cannot be taken, in words.
pub(super) fn check(
    archive: &mut ZipArchive<File>,
    interrupt: &Interrupt,
) -> crate::error::Result<Result<(), String>> {
    let fail = |error: &dyn Display| format!("its zip is damaged: {error}");
    for at in 0..archive.len() {
        interrupt.stop()?;
        let strict = ZipReadOptions::new().enforce_header_consistency(true);
        let why = archive
            .by_index_with_options(at, strict)
            .err()
            .map(|error| error.to_string());
        if let Some(why) = why {
            let name = archive.name_for_index(at);
            let name = name.and_then(Result::ok).unwrap_or_default();
            return Ok(Err(fail(&format_args!("{name}: {why}"))));
        }
    }
    // What lies between the files: one in the other, or one that the directory does not name.
    Ok(archive
        .validate_header_consistency()
        .map_err(|error| fail(&error)))
}

/// The first name in the directory that stands there before.
fn twice(file: File, start: u64) -> io::Result<Option<String>> {
    let mut directory = BufReader::new(file);
    directory.seek(SeekFrom::Start(start))?;
    let mut names = BTreeSet::new();
    loop {
        let mut head = [0; HEAD];
        directory.read_exact(&mut head)?;
        if head[..4] != ENTRY {
            return Ok(None);
        }
        let length = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let mut name = vec![0; usize::from(length(28))];
        directory.read_exact(&mut name)?;
        let behind = i64::from(length(30)) + i64::from(length(32));
        directory.seek_relative(behind)?;
        let shown = String::from_utf8_lossy(&name).into_owned();
        if !names.insert(name) {
            return Ok(Some(shown));
        }
    }
}
