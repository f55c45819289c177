//! Data and what the notes say of it, brought together on disk.

use crate::error::{Error, Result};
use crate::sorting::{Reading, Record, Sorted, Sorter};
use crate::store::Interrupt;
use std::path::Path;

/// Stands before a node, or a pair, among the records of one key; what the notes say of it comes behind.
pub const DATA: u8 = 0;
/// Stands before what the notes say.
pub const NOTED: u8 = 1;
/// Stands before what holds a component by now.
pub const HELD: u8 = 2;
/// Stands for a pair as its other end has it, where each has a row of its own: the one that owns it counts.
pub const ECHO: u8 = 3;

/// The place of a link as its data say it, which is a number; where they say none it is not.
pub fn place_bytes(place: Option<f64>) -> [u8; 8] {
    place.unwrap_or(f64::NAN).to_be_bytes()
}

/// The places of a link in what both of its ends say: that among the links of its owner, and that among those of its target.
pub fn places(said: &[u8]) -> [Option<f64>; 2] {
    let (all, _) = said.as_chunks::<8>();
    let place = |at: usize| {
        let place = all.get(at).map(|it| f64::from_be_bytes(*it));
        place.filter(|it| it.is_finite())
    };
    [place(0), place(1)]
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

/// Hears of what is brought together.
pub trait Onlooker {
    /// Sees what something is known by, whether it is in the data, and whether the notes know it.
    fn see(&mut self, key: &[u8], is_there: bool, is_noted: bool);
    /// Sees a component that nothing holds any more.
    fn see_gone(&mut self);
    /// What is said of a node that is there twice.
    fn twice(&self, key: &[u8]) -> Error;
    /// What is said of a component that was held by the first of these and is held by the second, and by the first as well
    /// where that is so.
    fn moved(&self, key: &[u8], was: &[u8], now: (&[u8], bool)) -> Error;
}

/// Puts data in the order in which the notes want it, whose places have so many bytes, and tells of all of it.
/// Data that is there twice is an error, where it is to be `unique`; else it is a pair, and comes with what both of its ends
/// say, if the notes have it once. A component comes along where it is held by what the notes say behind its place, and
/// nowhere else.
///
/// # Errors
/// The folder cannot be written to, something is there twice, a component is not where it was, or the run is to stop.
pub fn placed(
    (spool, interrupt): (&Path, &Interrupt),
    records: Sorter,
    place: usize,
    onlooker: &mut dyn Onlooker,
    unique: bool,
) -> Result<Sorted> {
    let sorted = records.finish()?;
    let mut reading = sorted.read()?;
    let mut out = Sorter::new(spool);
    let mut own = Own::default();
    let mut room = Record::default();
    while let Some(record) = reading.next(room)? {
        interrupt.stop()?;
        let (kind, rest) = record.value.split_first().unwrap_or((&DATA, &[]));
        if record.key != own.key {
            own.end(&mut out, onlooker)?;
            own.key.clone_from(&record.key);
        }
        match (*kind, &own.data) {
            (NOTED, data) => {
                let (at, holder) = rest.split_at_checked(place).unwrap_or((rest, &[]));
                match data {
                    Some(data) if holder.is_empty() && unique => out.push(at, data)?,
                    Some(_) if holder.is_empty() => own.place(at, &mut out)?,
                    _ => own.wanted = Some((at.to_vec(), holder.to_vec())),
                }
                own.is_known = true;
            }
            (HELD, _) => match &own.wanted {
                Some((_, holder)) if holder == rest => own.is_held = true,
                _ => own.other = Some(rest.to_vec()),
            },
            (ECHO, _) => own.echo = Some(rest.to_vec()),
            (_, Some(_)) if unique => {
                return Err(onlooker.twice(&own.key));
            }
            _ => own.data = Some(rest.to_vec()),
        }
        room = record;
    }
    own.end(&mut out, onlooker)?;
    out.finish()
}

/// Where the notes have a pair.
#[derive(Default)]
enum Places {
    #[default]
    None,
    One(Vec<u8>),
    Several,
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
    /// What the other end of a pair says.
    echo: Option<Vec<u8>>,
    /// The places of a pair: the first, until there is another one.
    places: Places,
    /// What else holds it.
    other: Option<Vec<u8>>,
}

impl Own {
    /// Takes a place of a pair that is there. What its ends say is of one of several, and nobody knows of which.
    fn place(&mut self, at: &[u8], out: &mut Sorter) -> Result<()> {
        match std::mem::replace(&mut self.places, Places::Several) {
            Places::None => {
                self.places = Places::One(at.to_vec());
                return Ok(());
            }
            Places::One(first) => out.push(&first, &[])?,
            Places::Several => {}
        }
        out.push(at, &[])
    }

    /// Ends with it, and forgets it.
    fn end(&mut self, out: &mut Sorter, onlooker: &mut dyn Onlooker) -> Result<()> {
        let own = std::mem::take(self);
        let is_there = own.data.is_some() || own.echo.is_some() && !own.is_known;
        onlooker.see(&own.key, is_there, own.is_known);
        if let (Places::One(at), Some(data)) = (&own.places, &own.data) {
            return out.push(
                at,
                &[data.as_slice(), own.echo.as_deref().unwrap_or_default()].concat(),
            );
        }
        match (own.data, own.wanted, own.other) {
            (Some(_), Some((_, was)), Some(now)) => {
                Err(onlooker.moved(&own.key, &was, (&now, own.is_held)))
            }
            (Some(data), Some((at, _)), None) if own.is_held => out.push(&at, &data),
            (Some(_), Some(_), None) => {
                onlooker.see_gone();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Count(usize);

    impl Onlooker for Count {
        fn see(&mut self, _key: &[u8], is_there: bool, _is_noted: bool) {
            self.0 += usize::from(is_there);
        }

        fn see_gone(&mut self) {}

        fn twice(&self, _key: &[u8]) -> Error {
            Error::failed("twice")
        }

        fn moved(&self, _key: &[u8], _was: &[u8], _now: (&[u8], bool)) -> Error {
            Error::failed("moved")
        }
    }

    #[test]
    fn ctrl_c_is_heard_while_data_is_put_in_the_order_of_the_notes() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut records = Sorter::new(folder.path());
        for number in 0..10_u8 {
            records.push(&[number], &[DATA]).expect("taken");
        }
        let asked = AtomicUsize::new(0);
        let interrupt = Interrupt::when(move || asked.fetch_add(1, Ordering::Relaxed) >= 5);
        let mut seen = Count(0);
        let stopped = placed((folder.path(), &interrupt), records, 8, &mut seen, true);
        let error = stopped.err().expect("stopped");
        assert_eq!(error.kind(), Kind::Interrupted, "{error}");
        assert!(seen.0 < 5, "{}", seen.0);
    }
}
