//! The steps of sorting in which relations find their rows and their places.

use crate::error::Result;
use crate::sorting::{Record, Sorted, Sorter};
use crate::store::Interrupt;

/// Stands before the row of a node among what is known of it; relations come behind.
const ROW: u8 = 0;
pub const PAIR: u8 = 1;

/// Takes a relation: its number, the row at one end, and the id of the node there with what else it says.
type EachPair<'f> = dyn FnMut(u64, Option<u64>, (&[u8], &[u8])) -> Result<()> + 'f;
/// Takes three numbers, their place, and what they come with: the ends that say so, and a value.
type EachPlace<'f> = dyn FnMut([u64; 3], u64, (u8, &[u8])) -> Result<()> + 'f;
/// Whether there is room for one of the first of three numbers.
type IsOne<'f> = dyn Fn(u64) -> bool + 'f;
/// Takes the first of three numbers for which there is no room, and a value.
type Lose<'f> = dyn FnMut(u64, &[u8]) + 'f;

/// What a node is sorted by.
pub fn end_key(model: usize, id: &str) -> Vec<u8> {
    let mut key = (model as u64).to_be_bytes().to_vec();
    key.extend_from_slice(id.as_bytes());
    key
}

/// Numbers in a row, in the order of their bytes.
pub fn numbers(all: &[u64]) -> Vec<u8> {
    all.iter().flat_map(|it| it.to_be_bytes()).collect()
}

/// The numbers in such a row.
pub fn read(bytes: &[u8]) -> Vec<u64> {
    let (all, _) = bytes.as_chunks::<8>();
    all.iter().map(|it| u64::from_be_bytes(*it)).collect()
}

/// Adds the rows of nodes to what is known of these.
///
/// # Errors
/// What was sorted cannot be read, the folder cannot be written to, or the run is to stop.
pub fn add_rows(nodes: &Sorted, interrupt: &Interrupt, into: &mut Sorter) -> Result<()> {
    let mut reading = nodes.read()?;
    let mut room = Record::default();
    while let Some(record) = reading.next(room)? {
        interrupt.stop()?;
        let row = record.value.get(..8).unwrap_or_default();
        into.push(&record.key, &[&[ROW], row].concat())?;
        room = record;
    }
    Ok(())
}

/// Gives each relation with the row of the node that it stands with, where that is there, and what else it says.
///
/// # Errors
/// What was sorted cannot be read, `each` fails, or the run is to stop.
pub fn each_pair(sorter: Sorter, interrupt: &Interrupt, each: &mut EachPair<'_>) -> Result<()> {
    let sorted = sorter.finish()?;
    let mut reading = sorted.read()?;
    let (mut key, mut row) = (Vec::new(), None);
    let mut room = Record::default();
    while let Some(record) = reading.next(room)? {
        interrupt.stop()?;
        if record.key != key {
            key.clone_from(&record.key);
            row = None;
        }
        match record.value.split_first() {
            Some((&ROW, rest)) => row = read(rest).first().copied(),
            Some((_, rest)) if rest.len() >= 8 => {
                let number = read(&rest[..8]).first().copied().unwrap_or_default();
                let id = record.key.get(8..).unwrap_or_default();
                each(number, row, (id, &rest[8..]))?;
            }
            _ => {}
        }
        room = record;
    }
    Ok(())
}

/// Gives each triple of numbers once, with its place among those that begin with the same two, from 1. Where there is room
/// for `is_one` of these, it is the one that most ends say, an owner before a target, and of those alike the first; the
/// others go to `lose`. A value begins with the ends that say it.
///
/// # Errors
/// What was sorted cannot be read, `each` fails, or the run is to stop.
pub fn each_place(
    sorter: Sorter,
    interrupt: &Interrupt,
    (is_one, lose): (&IsOne<'_>, &mut Lose<'_>),
    each: &mut EachPlace<'_>,
) -> Result<()> {
    let sorted = sorter.finish()?;
    let mut reading = sorted.read()?;
    let mut places = Places {
        is_one,
        lose,
        each,
        group: Vec::new(),
        place: 0,
        best: None,
    };
    let mut last: Option<Triple> = None;
    let mut room = Record::default();
    while let Some(record) = reading.next(room)? {
        interrupt.stop()?;
        let (said, value) = record.value.split_first().unwrap_or((&0, &[]));
        match &mut last {
            Some(last) if last.key == record.key => last.said |= *said,
            last => {
                let triple = Triple {
                    key: record.key.clone(),
                    said: *said,
                    value: value.to_vec(),
                };
                if let Some(whole) = last.replace(triple) {
                    places.take(whole)?;
                }
            }
        }
        room = record;
    }
    if let Some(whole) = last {
        places.take(whole)?;
    }
    places.end()
}

/// Three numbers, and what they come with.
struct Triple {
    key: Vec<u8>,
    said: u8,
    value: Vec<u8>,
}

/// Counts places.
struct Places<'f, 'e> {
    is_one: &'f IsOne<'e>,
    lose: &'f mut Lose<'e>,
    each: &'f mut EachPlace<'e>,
    /// The first two of the numbers.
    group: Vec<u8>,
    place: u64,
    /// The best so far, where there is room for one.
    best: Option<Triple>,
}

impl Places<'_, '_> {
    fn take(&mut self, triple: Triple) -> Result<()> {
        let [number, ..] = read(&triple.key)[..] else {
            return Ok(());
        };
        let group = triple.key.get(..16).unwrap_or_default();
        if self.group != group {
            self.group = group.to_vec();
            self.end()?;
        }
        if !(self.is_one)(number) {
            return self.send(&triple);
        }
        let lost = match &mut self.best {
            Some(best) if best.said < triple.said => std::mem::replace(best, triple),
            Some(_) => triple,
            None => {
                self.best = Some(triple);
                return Ok(());
            }
        };
        (self.lose)(number, &lost.value);
        Ok(())
    }

    /// Ends with those that begin with the same two.
    fn end(&mut self) -> Result<()> {
        self.place = 0;
        match self.best.take() {
            Some(best) => self.send(&best).map(|()| self.place = 0),
            None => Ok(()),
        }
    }

    fn send(&mut self, triple: &Triple) -> Result<()> {
        self.place += 1;
        match read(&triple.key)[..] {
            [one, two, three] => {
                (self.each)([one, two, three], self.place, (triple.said, &triple.value))
            }
            _ => Ok(()),
        }
    }
}
