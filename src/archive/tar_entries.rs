//! The entries of a tar, which holds nothing else: zeros where an entry is padded, zeros behind its
//! end.

use super::item::{Each, Item, Next, damaged, refused};
use super::layout;
use crate::error::{Error, Result};
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;
use tar::EntryType;

/// Entries begin at multiples of this.
const BLOCK: u64 = 512;
/// Bytes of zeros that mark the end of a tar, at the least.
const END: u64 = 2 * BLOCK;

/// What [`Entries::each`](super::entries::Entries::each) does, for a tar.
pub(super) fn each(archive: &str, tar: Box<dyn Read>, each: &mut Each<'_>) -> Result<Vec<Error>> {
    let watch = Rc::new(Watch::default());
    let mut tar = tar::Archive::new(Watched {
        inner: tar,
        watch: Rc::clone(&watch),
    });
    let mut faults = Vec::new();
    let mut last = String::new();
    let entries = tar.entries().map_err(|error| damaged(archive, error))?;
    for (number, entry) in entries.enumerate() {
        let entry = entry.map_err(|error| damaged(archive, error))?;
        if watch.take_stain() {
            faults.push(stained(archive, &format!("behind the entry {last}")));
        }
        let end = entry.raw_file_position() + entry.size();
        watch.zeros.set((end, end.next_multiple_of(BLOCK)));
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        last.clone_from(&name);
        if kind.is_dir() || kind == EntryType::XGlobalHeader {
            continue;
        }
        if !(kind.is_file() || kind == EntryType::Continuous) {
            return Err(refused(
                archive,
                &name,
                "it is a link or a device, not a file",
            ));
        }
        let named = layout::classify(&name).map_err(|why| refused(archive, &name, &why))?;
        let length = entry.size();
        let mut content = Whole {
            left: length,
            inner: entry,
        };
        let next = each(Item {
            number: number as u64,
            entry: named.entry,
            name: named.name,
            length,
            content: &mut content,
        })?;
        if next == Next::Stop {
            return Ok(Vec::new());
        }
        io::copy(&mut content, &mut io::sink()).map_err(|error| damaged(archive, error))?;
    }
    let mut rest = tar.into_inner();
    let (_, end) = watch.zeros.get();
    if watch.take_stain() {
        faults.push(stained(archive, &format!("behind the entry {last}")));
    }
    watch.zeros.set((end, u64::MAX));
    io::copy(&mut rest, &mut io::sink()).map_err(|error| damaged(archive, error))?;
    if watch.position.get() < end + END {
        let cut = io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the mark of its end is missing",
        );
        return Err(damaged(archive, cut));
    }
    if watch.take_stain() {
        faults.push(stained(archive, "behind the end of the tar"));
    }
    Ok(faults)
}

fn stained(archive: &str, place: &str) -> Error {
    Error::archive(format!(
        "{archive} is damaged: {place} stands something else than zeros"
    ))
    .hint("take another archive, or copy this one again from where it was made")
}

/// Where a reader is, and where it should see nothing but zeros.
#[derive(Default)]
struct Watch {
    position: Cell<u64>,
    zeros: Cell<(u64, u64)>,
    stain: Cell<bool>,
}

impl Watch {
    /// Whether something else than zeros was seen there since this was last asked.
    fn take_stain(&self) -> bool {
        self.stain.take()
    }
}

/// Counts what is read, and watches it. A tar ends with two blocks of zeros; one that was cut between
/// two entries looks whole but for them.
struct Watched<R> {
    inner: R,
    watch: Rc<Watch>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let start = self.watch.position.get();
        let end = start + read as u64;
        self.watch.position.set(end);
        let (from, to) = self.watch.zeros.get();
        if from < end && start < to {
            let within = |position: u64| (position.clamp(start, end) - start) as usize;
            if buffer[within(from)..within(to)]
                .iter()
                .any(|byte| *byte != 0)
            {
                self.watch.stain.set(true);
            }
        }
        Ok(read)
    }
}

/// An entry's content; an end before its length is an error.
struct Whole<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{} bytes of an entry are missing", self.left),
            ));
        }
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}
