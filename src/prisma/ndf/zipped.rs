//! Sees that zips hold one thing for everybody who reads them: what is there twice, or differs between the
//! directory at the end and the files themselves, is taken one way by one program and another way by the next.

use crate::store::Interrupt;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use zip::{ZipArchive, ZipReadOptions};

/// How an entry of the directory begins, and how many bytes it has in front of its name.
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const HEAD: usize = 46;

/// A zip, if it has no name twice.
///
/// # Errors
/// It has; the words say which.
pub(super) fn unambiguous(archive: ZipArchive<File>) -> Result<ZipArchive<File>, String> {
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
