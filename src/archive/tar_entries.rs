//! The entries of a tar, which holds nothing else: zeros where an entry is padded, zeros behind its
//! end.

use super::item::{Each, Item, Next, damaged, refused};
use super::layout;
use crate::error::{Error, Result};
use std::cell::{Cell, RefCell};
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
    let fail = |error| watch.explain(archive, error);
    let mut tar = tar::Archive::new(Watched {
        inner: tar,
        watch: Rc::clone(&watch),
    });
    let mut faults = Vec::new();
    let mut last = String::new();
    let entries = tar.entries().map_err(fail)?;
    for (number, entry) in entries.enumerate() {
        let entry = entry.map_err(fail)?;
        if watch.take_stain() {
            faults.push(stained(archive, &format!("behind the entry {last}")));
        }
        watch.pass_entry(entry.raw_file_position() + entry.size());
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
            archive,
            watch: Rc::clone(&watch),
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
    if watch.take_stain() {
        faults.push(stained(archive, &format!("behind the entry {last}")));
    }
    let end = watch.pass_end();
    io::copy(&mut rest, &mut io::sink()).map_err(fail)?;
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
}

/// Where a reader is, and where it should see nothing but zeros.
#[derive(Default)]
struct Watch {
    position: Cell<u64>,
    /// From where to where.
    zeros: Cell<(u64, u64)>,
    /// Whether something else than zeros was seen there.
    stain: Cell<bool>,
    /// Where the next header begins, and what was read of it.
    header_at: Cell<u64>,
    header: RefCell<Vec<u8>>,
    /// Whether there is no more to read.
    has_ended: Cell<bool>,
    /// An error of our own, which the reader of the tar would hide in one of its.
    failure: RefCell<Option<Error>>,
}

impl Watch {
    /// Whether something else than zeros was seen since this was last asked.
    fn take_stain(&self) -> bool {
        self.stain.take()
    }

    /// What kept the tar from being read, in words.
    fn explain(&self, archive: &str, error: io::Error) -> Error {
        if let Some(failure) = self.failure.borrow_mut().take() {
            return failure;
        }
        // The reader of the tar has several words for an end that comes too early.
        let is_ours = error.get_ref().is_some_and(|inner| inner.is::<Error>());
        if self.has_ended.get() && !is_ours {
            return damaged(archive, io::Error::new(io::ErrorKind::UnexpectedEof, error));
        }
        damaged(archive, error)
    }

    /// An entry's content ends there; zeros and the next header follow.
    fn pass_entry(&self, end: u64) {
        self.zeros.set((end, end.next_multiple_of(BLOCK)));
        self.header_at.set(end.next_multiple_of(BLOCK));
        self.header.borrow_mut().clear();
    }

    /// No entry follows; gives where the last one ended.
    fn pass_end(&self) -> u64 {
        let (_, end) = self.zeros.get();
        self.zeros.set((end, u64::MAX));
        end
    }

    /// Sees bytes that stand at `start`.
    fn see(&self, start: u64, bytes: &[u8]) {
        let end = start + bytes.len() as u64;
        self.position.set(end);
        let part = |from: u64, to: u64| {
            let within = |position: u64| (position.clamp(start, end) - start) as usize;
            &bytes[within(from)..within(to.max(from))]
        };
        let (from, to) = self.zeros.get();
        if part(from, to).iter().any(|byte| *byte != 0) {
            self.stain.set(true);
        }
        let header_at = self.header_at.get();
        let mut header = self.header.borrow_mut();
        let read = header.len() as u64;
        header.extend_from_slice(part(header_at + read, header_at + BLOCK));
        if header.len() as u64 == BLOCK {
            let header = tar::Header::from_byte_slice(&header);
            let kind = header.entry_type();
            let extends = kind.is_gnu_longname()
                || kind.is_gnu_longlink()
                || kind.is_pax_local_extensions()
                || kind.is_pax_global_extensions();
            // Entries that extend the next one are read and kept by the reader of the tar.
            if extends && let Ok(size) = header.entry_size() {
                let end = header_at.saturating_add(BLOCK).saturating_add(size);
                if let Some(next) = end.checked_next_multiple_of(BLOCK) {
                    self.zeros.set((end, next));
                    self.header_at.set(next);
                }
            } else {
                self.header_at.set(u64::MAX - BLOCK);
            }
        }
        if header.len() as u64 == BLOCK {
            header.clear();
        }
    }
}

/// Shows a watch what is read. A tar ends with two blocks of zeros; one that was cut between two
/// entries looks whole but for them.
struct Watched<R> {
    inner: R,
    watch: Rc<Watch>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer).map_err(|error| {
            if error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
                let failure = Error::from_io(error, |error| Error::failed(error.to_string()));
                *self.watch.failure.borrow_mut() = Some(failure);
                io::Error::other("the archive cannot be read")
            } else {
                error
            }
        })?;
        if read == 0 && !buffer.is_empty() {
            self.watch.has_ended.set(true);
        }
        self.watch.see(self.watch.position.get(), &buffer[..read]);
        Ok(read)
    }
}

/// An entry's content; an end before its length is an error.
struct Whole<'a, R> {
    archive: &'a str,
    watch: Rc<Watch>,
    inner: R,
    left: u64,
}

impl<R: Read> Read for Whole<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Errors say that it is the archive that cannot be read, whoever reads.
        let fail = |error| self.watch.explain(self.archive, error).into_io();
        let read = self.inner.read(buffer).map_err(fail)?;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(fail(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{} bytes of an entry are missing", self.left),
            )));
        }
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}
