//! Data and what the notes say of it, brought together on disk.

use super::table::unfit;
use crate::error::Result;
use crate::sorting::{Reading, Record, Sorted, Sorter};
use std::collections::BTreeMap;
use std::path::Path;

/// Stands before a node, or a pair, among the records of one key; what the notes say of it comes behind.
pub const DATA: u8 = 0;
/// Stands before what the notes say.
pub const NOTED: u8 = 1;

/// Records of which each begins with a number, and those of one number follow each other.
pub struct Numbered<'s> {
    reading: Reading<'s>,
    head: Option<Record>,
}

impl<'s> Numbered<'s> {
    /// Reads them from the beginning.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn new(sorted: &'s Sorted) -> Result<Self> {
        let mut reading = sorted.read()?;
        let head = reading.next(Record::default())?;
        Ok(Self { reading, head })
    }

    /// Those of this number: what stands behind it in each, and its value. The numbers go up.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn take(&mut self, number: u64) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut found = Vec::new();
        while let Some(record) = self.head.take() {
            match record.key.split_first_chunk::<8>() {
                Some((own, rest)) if u64::from_be_bytes(*own) <= number => {
                    found.push((rest.to_vec(), record.value));
                    self.head = self.reading.next(Record::default())?;
                }
                _ => {
                    self.head = Some(record);
                    break;
                }
            }
        }
        Ok(found)
    }
}

/// What a node is known by.
pub fn node_key(type_name: &str, id: &str) -> Vec<u8> {
    format!("{type_name}\0{id}").into_bytes()
}

/// A value behind the byte that says what it is.
pub fn value(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(1 + rest.len());
    value.push(kind);
    value.extend_from_slice(rest);
    value
}

/// Counts what has no place, by type.
pub fn count(lost: &mut BTreeMap<String, u64>, type_name: &str) {
    const MOST: usize = 1000;
    if lost.len() < MOST || lost.contains_key(type_name) {
        *lost.entry(type_name.to_owned()).or_default() += 1;
    }
}

/// Puts data in the order in which the notes want it. What they do not know goes to `unknown`; data that is there twice
/// is an error, where it is to be `unique`.
///
/// # Errors
/// The folder cannot be written to, or something is there twice.
pub fn placed(
    spool: &Path,
    records: Sorter,
    unknown: &mut dyn FnMut(&str),
    unique: bool,
) -> Result<Sorted> {
    let sorted = records.finish()?;
    let mut reading = sorted.read()?;
    let mut out = Sorter::new(spool);
    let (mut key, mut data, mut is_placed) = (Vec::new(), None, true);
    let mut tell = |key: &[u8], data: &Option<Vec<u8>>, is_placed: bool| {
        if data.is_some() && !is_placed {
            unknown(&String::from_utf8_lossy(key));
        }
    };
    let mut room = Record::default();
    while let Some(record) = reading.next(room)? {
        let (kind, rest) = record.value.split_first().unwrap_or((&DATA, &[]));
        if record.key != key {
            tell(&key, &data, is_placed);
            (data, is_placed) = (None, false);
            key.clone_from(&record.key);
        }
        match (*kind, &data) {
            (NOTED, Some(data)) => {
                out.push(rest, data)?;
                is_placed = true;
            }
            (NOTED, None) => {}
            (_, Some(_)) if unique => {
                let name = String::from_utf8_lossy(&key).replace('\0', " ");
                return Err(unfit(&name, "there are two nodes of this id"));
            }
            _ => data = Some(rest.to_vec()),
        }
        room = record;
    }
    tell(&key, &data, is_placed);
    out.finish()
}
