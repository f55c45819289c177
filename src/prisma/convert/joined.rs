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
/// Stands before what holds a component by now.
pub const HELD: u8 = 2;

/// Components that are not where they were.
#[derive(Default)]
pub struct Strays {
    /// Those that nothing holds any more.
    pub gone: u64,
    /// Those that something else holds.
    pub moved: u64,
}

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

/// Takes what a record is known by, whether it is in the data, and whether the notes know it.
pub type EachKey<'f> = dyn FnMut(&str, bool, bool) + 'f;

/// Puts data in the order in which the notes want it, whose places have so many bytes, and tells `seen` of all of it.
/// Data that is there twice is an error, where it is to be `unique`. A component comes along where it is held by what the
/// notes say behind its place.
///
/// # Errors
/// The folder cannot be written to, or something is there twice.
pub fn placed(
    spool: &Path,
    records: Sorter,
    place: usize,
    seen: &mut EachKey<'_>,
    unique: bool,
) -> Result<(Sorted, Strays)> {
    let sorted = records.finish()?;
    let mut reading = sorted.read()?;
    let mut out = Sorter::new(spool);
    let mut strays = Strays::default();
    let mut own = Own::default();
    let mut room = Record::default();
    while let Some(record) = reading.next(room)? {
        let (kind, rest) = record.value.split_first().unwrap_or((&DATA, &[]));
        if record.key != own.key {
            own.end(&mut out, &mut strays, seen)?;
            own.key.clone_from(&record.key);
        }
        match (*kind, &own.data) {
            (NOTED, data) => {
                let (at, holder) = rest.split_at_checked(place).unwrap_or((rest, &[]));
                match data {
                    Some(data) if holder.is_empty() => out.push(at, data)?,
                    _ => own.wanted = Some((at.to_vec(), holder.to_vec())),
                }
                own.is_known = true;
            }
            (HELD, _) => match &own.wanted {
                Some((_, holder)) if holder == rest => own.is_held = true,
                _ => own.others += 1,
            },
            (_, Some(_)) if unique => {
                let name = String::from_utf8_lossy(&own.key).replace('\0', " ");
                return Err(unfit(&name, "there are two nodes of this id"));
            }
            _ => own.data = Some(rest.to_vec()),
        }
        room = record;
    }
    own.end(&mut out, &mut strays, seen)?;
    Ok((out.finish()?, strays))
}

/// What is known of one key.
#[derive(Default)]
struct Own {
    key: Vec<u8>,
    data: Option<Vec<u8>>,
    /// Whether the notes know it.
    is_known: bool,
    /// Where it comes if it is held as the notes say.
    wanted: Option<(Vec<u8>, Vec<u8>)>,
    is_held: bool,
    /// How many others hold it.
    others: u64,
}

impl Own {
    /// Ends with it, and forgets it.
    fn end(&mut self, out: &mut Sorter, strays: &mut Strays, seen: &mut EachKey<'_>) -> Result<()> {
        let own = std::mem::take(self);
        let key = String::from_utf8_lossy(&own.key);
        seen(&key, own.data.is_some(), own.is_known);
        let Some(data) = own.data else {
            return Ok(());
        };
        strays.moved += own.others;
        match own.wanted {
            Some((at, _)) if own.is_held => out.push(&at, &data)?,
            Some(_) if own.others == 0 => strays.gone += 1,
            _ => {}
        }
        Ok(())
    }
}
