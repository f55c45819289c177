//! Puts any number of small records in order: in memory as far as that goes, and beyond that in runs in a file without
//! a name, of which nothing is left however the process ends.

use crate::error::{Error, Result};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes of records that are held and sorted at once.
const HELD: usize = 3 << 20;
/// Bytes that are read ahead of all runs together, and of one of them at the least and at the most.
const AHEAD: usize = 2 << 20;
const AHEAD_OF_ONE: (usize, usize) = (1 << 10, 64 << 10);
/// Bytes that are written at once.
const WRITTEN: usize = 256 << 10;

/// Where a record stands among those that are held: where its key begins, how long it is, and how long its value.
#[derive(Clone, Copy)]
struct Place {
    start: u32,
    key: u32,
    value: u32,
}

impl Place {
    fn key<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[self.start as usize..][..self.key as usize]
    }

    fn value<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[(self.start + self.key) as usize..][..self.value as usize]
    }
}

/// Takes records in any order.
pub(crate) struct Sorter {
    folder: PathBuf,
    bytes: Vec<u8>,
    places: Vec<Place>,
    runs: Vec<(u64, u64)>,
    file: Option<BufWriter<File>>,
}

impl Sorter {
    /// One that writes to a file without a name in this folder, if there is much.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            bytes: Vec::new(),
            places: Vec::new(),
            runs: Vec::new(),
            file: None,
        }
    }

    /// Takes a record. Of those with one key the order is that of their values.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let length = key.len() + value.len();
        let held = self.bytes.len() + size_of_val(self.places.as_slice());
        if held + length > HELD {
            self.spill()?;
        }
        if self.bytes.capacity() == 0 {
            // Growing by doubling would take twice as much.
            self.bytes.reserve_exact(HELD);
        }
        self.places.push(Place {
            start: self.bytes.len() as u32,
            key: key.len() as u32,
            value: value.len() as u32,
        });
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        Ok(())
    }

    /// All of them, in order.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn finish(mut self) -> Result<Sorted> {
        if self.runs.is_empty() {
            self.sort();
        } else {
            self.spill()?;
            (self.bytes, self.places) = (Vec::new(), Vec::new());
        }
        let folder = self.folder.clone();
        let file = self.file.map(BufWriter::into_inner).transpose();
        let file = file.map_err(|error| fail(&folder, error.into_error()))?;
        Ok(Sorted {
            folder,
            bytes: self.bytes,
            places: self.places,
            runs: self.runs,
            file,
        })
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.places.sort_unstable_by(|one, other| {
            let keys = one.key(bytes).cmp(other.key(bytes));
            keys.then_with(|| one.value(bytes).cmp(other.value(bytes)))
        });
    }

    /// Writes what is held as one more run.
    fn spill(&mut self) -> Result<()> {
        if self.places.is_empty() {
            return Ok(());
        }
        self.sort();
        let folder = self.folder.clone();
        self.write().map_err(|error| fail(&folder, error))
    }

    fn write(&mut self) -> io::Result<()> {
        let out = match &mut self.file {
            Some(file) => file,
            empty => {
                let file = tempfile::tempfile_in(&self.folder)?;
                empty.insert(BufWriter::with_capacity(WRITTEN, file))
            }
        };
        let start = out.stream_position()?;
        for place in &self.places {
            out.write_all(&place.key.to_le_bytes())?;
            out.write_all(&place.value.to_le_bytes())?;
            out.write_all(place.key(&self.bytes))?;
            out.write_all(place.value(&self.bytes))?;
        }
        out.flush()?;
        self.runs.push((start, out.stream_position()?));
        self.places.clear();
        self.bytes.clear();
        self.bytes.shrink_to(HELD);
        Ok(())
    }
}

fn fail(folder: &Path, error: io::Error) -> Error {
    let error = Error::io("sort in", folder, error);
    match error.advice() {
        Some(_) => error.also("TMPDIR says where"),
        None => error,
    }
}

/// Records in order, which can be read any number of times.
pub(crate) struct Sorted {
    folder: PathBuf,
    /// Those that are held, where there was little.
    bytes: Vec<u8>,
    places: Vec<Place>,
    runs: Vec<(u64, u64)>,
    file: Option<File>,
}

impl Sorted {
    /// Reads them from the beginning.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn read(&self) -> Result<Reading<'_>> {
        let (least, most) = AHEAD_OF_ONE;
        let ahead = (AHEAD / self.runs.len().max(1)).clamp(least, most);
        let mut reading = Reading {
            sorted: self,
            next: 0,
            heads: BinaryHeap::with_capacity(self.runs.len()),
        };
        if let Some(file) = &self.file {
            for &(start, end) in &self.runs {
                let mut run = Run {
                    file,
                    at: start,
                    end,
                    ahead,
                    buffer: Vec::new(),
                    used: 0,
                };
                let first = run.next(Record::default());
                if let Some(record) = first.map_err(|error| fail(&self.folder, error))? {
                    reading.heads.push(Head { record, run });
                }
            }
        }
        Ok(reading)
    }
}

/// A record.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    /// What it is sorted by.
    pub key: Vec<u8>,
    /// What stands under that.
    pub value: Vec<u8>,
}

/// Reads records in order.
pub(crate) struct Reading<'s> {
    sorted: &'s Sorted,
    next: usize,
    heads: BinaryHeap<Head<'s>>,
}

impl Reading<'_> {
    /// The next record, in the room of one that is not needed any more; `None` at the end.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn next(&mut self, mut room: Record) -> Result<Option<Record>> {
        if let Some(place) = self.sorted.places.get(self.next) {
            self.next += 1;
            room.key.clear();
            room.key.extend_from_slice(place.key(&self.sorted.bytes));
            room.value.clear();
            room.value
                .extend_from_slice(place.value(&self.sorted.bytes));
            return Ok(Some(room));
        }
        let Some(Head { record, mut run }) = self.heads.pop() else {
            return Ok(None);
        };
        let next = run.next(room);
        if let Some(record) = next.map_err(|error| fail(&self.sorted.folder, error))? {
            self.heads.push(Head { record, run });
        }
        Ok(Some(record))
    }
}

/// The next record of a run. The first in order is the greatest, as the heap wants it.
struct Head<'s> {
    record: Record,
    run: Run<'s>,
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.record == other.record
    }
}

impl Eq for Head<'_> {}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.record.cmp(&self.record)
    }
}

/// A run in the file, read from its beginning.
struct Run<'s> {
    file: &'s File,
    at: u64,
    end: u64,
    /// How many bytes are read at once.
    ahead: usize,
    buffer: Vec<u8>,
    /// How many bytes of the buffer are through.
    used: usize,
}

impl Run<'_> {
    fn next(&mut self, mut room: Record) -> io::Result<Option<Record>> {
        if self.used == self.buffer.len() && self.at == self.end {
            return Ok(None);
        }
        let mut lengths = [0; 8];
        self.fill(8)?;
        lengths.copy_from_slice(self.take(8));
        let [key, value] = [&lengths[..4], &lengths[4..]].map(|it| {
            let length = u32::from_le_bytes(it.try_into().expect("4 bytes"));
            length as usize
        });
        self.fill(key + value)?;
        room.key.clear();
        room.key.extend_from_slice(self.take(key));
        room.value.clear();
        room.value.extend_from_slice(self.take(value));
        Ok(Some(room))
    }

    /// Sees that so many bytes are in the buffer.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        let left = self.buffer.len() - self.used;
        if left >= wanted {
            return Ok(());
        }
        self.buffer.drain(..self.used);
        self.used = 0;
        let rest = self.end - self.at;
        let more = (self.ahead.max(wanted - left) as u64).min(rest) as usize;
        self.buffer.resize(left + more, 0);
        self.file.read_exact_at(&mut self.buffer[left..], self.at)?;
        self.at += more as u64;
        match self.buffer.len() >= wanted {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn take(&mut self, length: usize) -> &[u8] {
        let start = self.used;
        self.used += length;
        &self.buffer[start..self.used]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(records: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Sorted {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sorter = Sorter::new(folder.path());
        for (key, value) in records {
            sorter.push(&key, &value).expect("taken");
        }
        sorter.finish().expect("sorted")
    }

    fn all(sorted: &Sorted) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut reading = sorted.read().expect("read");
        let mut all = Vec::new();
        while let Some(record) = reading.next(Record::default()).expect("read") {
            all.push((record.key, record.value));
        }
        all
    }

    /// Numbers in an order of their own.
    fn numbers(count: u32) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        let mixed = (0..count).map(|number| number.wrapping_mul(2_654_435_761) % 1_000_003);
        mixed.map(|number| {
            (
                number.to_be_bytes().to_vec(),
                vec![7; number as usize % 300],
            )
        })
    }

    #[test]
    fn few_records_and_many_come_in_order_as_often_as_they_are_asked_for() {
        for count in [0, 10, 200_000] {
            let sorted = sorted(numbers(count));
            assert_eq!(sorted.runs.len() > 2, count == 200_000);
            let mut expected: Vec<_> = numbers(count).collect();
            expected.sort();
            assert!(
                all(&sorted) == expected && all(&sorted) == expected,
                "{count}"
            );
        }
    }

    #[test]
    fn records_longer_than_all_that_is_held_come_as_well() {
        let long = (vec![1], vec![2; HELD + 1]);
        let more = numbers(60_000).chain([long.clone()]).chain(numbers(60_000));
        let found = all(&sorted(more));
        assert_eq!(found.len(), 120_001);
        assert!(found.contains(&long));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_that_names_it() {
        let mut sorter = Sorter::new(Path::new("/nowhere/at/all"));
        let mut pushed = Ok(());
        for (key, value) in numbers(200_000) {
            pushed = pushed.and_then(|()| sorter.push(&key, &value));
        }
        let error = pushed.expect_err("no folder");
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
