//! Links that are known by the documents at their ends: rows have other ids on the other side.
//!
//! Where a row stands is known when all rows are there, and there may be any number of them: links and rows are put in
//! the order of the ids of one end, and read side by side, once for each end. Before that, rows are put in the order of
//! what they are known by: where several share that, or have no document, all that they hold tells them apart.

use super::content::digest;
use super::key::{Parts, put_number, put_text};
use super::record::{End, EndOf, LINK, Place, Positions, put_positions, take_positions, value_of};
use crate::error::{Error, Result};
use crate::sorting::{Reading, Record, Sorted, Sorter};
use crate::transfer::Observer;
use std::path::{Path, PathBuf};

/// Links, and where the rows stand that they join.
pub(super) struct Links {
    folder: PathBuf,
    /// By place: the types and ids of what stands there.
    rows: Sorter,
    /// By type and id of their left ends.
    links: Sorter,
}

impl Links {
    /// None yet; there may be more than memory holds, which goes to this folder.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            rows: Sorter::new(folder),
            links: Sorter::new(folder),
        }
    }

    /// A row or component of this type and id stands there; the place has the digest of all of the row.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn place(&mut self, uid: &str, id: i64, place: &Place) -> Result<()> {
        let mut key = Vec::new();
        place.put(&mut key);
        self.rows.push(&key, &key_of(uid, &EndOf::Id(id)))
    }

    /// A link goes from there to there.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn link(&mut self, left: &End, right: &End, positions: Positions) -> Result<()> {
        push(&mut self.links, left, (left, right, positions))
    }

    /// Says of all links which documents they join; gives how many ends of links are at rows of which others hold the same,
    /// so that nothing tells these rows apart.
    ///
    /// # Errors
    /// What was put aside cannot be read, or the run is to stop.
    pub fn settle(self, records: &mut Sorter, observer: &dyn Observer) -> Result<u64> {
        let links = self.links.finish()?;
        let places = by_id(&self.rows.finish()?, &self.folder, observer)?;
        let mut by_right = Sorter::new(&self.folder);
        let mut alike = 0;
        located(&places, &links, observer, &mut |link, place| {
            let (mut left, right, positions) = link;
            alike += put(&mut left, place);
            push(&mut by_right, &right, (&left, &right, positions))
        })?;
        located(
            &places,
            &by_right.finish()?,
            observer,
            &mut |link, place| {
                let (left, mut right, positions) = link;
                alike += put(&mut right, place);
                let mut key = vec![LINK];
                left.put(&mut key);
                right.put(&mut key);
                let positions = put_positions(positions);
                records.push(&key, &value_of(digest(b'l', &positions), &positions))
            },
        )?;
        Ok(alike)
    }
}

/// Rows that share document, language and state, as far as they were read.
#[derive(Default)]
struct Twins {
    /// The place of the one that was read last.
    last: Option<Place>,
    /// Whether there are several, or they have no document: then what they hold tells them apart.
    are_several: bool,
    /// Whether several of them hold the same.
    are_alike: bool,
    /// What stands there, until that is known.
    held: Vec<(Vec<u8>, Place)>,
}

impl Twins {
    fn flush(&mut self, places: &mut Sorter) -> Result<()> {
        for (key, mut place) in self.held.drain(..) {
            if !self.are_several {
                place.whole.clear();
            }
            let mut value = vec![u8::from(self.are_alike)];
            place.put(&mut value);
            places.push(&key, &value)?;
        }
        Ok(())
    }
}

/// Puts places in the order of the types and ids of what stands there. Those that several rows share are told apart by what
/// these hold. Of rows that hold the same, all come before their components.
fn by_id(rows: &Sorted, folder: &Path, observer: &dyn Observer) -> Result<Sorted> {
    let mut places = Sorter::new(folder);
    let mut rows = rows.read()?;
    let mut twins = Twins::default();
    while let Some(record) = rows.next(Record::default())? {
        if observer.is_cancelled() {
            return Err(Error::interrupted());
        }
        let place = Place::take(&mut Parts(&record.key));
        let is_row = place.path.is_empty();
        let known = |of: &Place| {
            (
                of.uid.clone(),
                of.document.clone(),
                of.locale.clone(),
                of.state,
            )
        };
        match &twins.last {
            Some(last) if known(last) == known(&place) => {
                if last.whole != place.whole {
                    twins.are_several = true;
                    twins.flush(&mut places)?;
                    twins.are_alike = false;
                } else if is_row {
                    (twins.are_several, twins.are_alike) = (true, true);
                }
            }
            _ => {
                twins.flush(&mut places)?;
                twins.are_several = place.document.is_empty();
                twins.are_alike = false;
            }
        }
        twins.last = Some(place.clone());
        twins.held.push((record.value, place));
        if twins.are_alike || (twins.are_several && !is_row) {
            twins.flush(&mut places)?;
        }
    }
    twins.flush(&mut places)?;
    places.finish()
}

/// A link: its ends, and its positions there.
type Joined = (End, End, Positions);

/// What an end is looked up by.
fn key_of(uid: &str, of: &EndOf) -> Vec<u8> {
    let mut key = Vec::new();
    put_text(&mut key, uid);
    match of {
        EndOf::Id(id) => {
            key.push(0);
            put_number(&mut key, *id);
        }
        // It is looked up in vain.
        EndOf::Text(_) | EndOf::Place(_) => key.push(1),
    }
    key
}

/// Puts a link where one of its ends says.
fn push(
    links: &mut Sorter,
    by: &End,
    (left, right, positions): (&End, &End, Positions),
) -> Result<()> {
    let mut value = Vec::new();
    left.put(&mut value);
    right.put(&mut value);
    value.extend(put_positions(positions));
    links.push(&key_of(&by.uid, &by.of), &value)
}

/// A place, and whether several rows stand there that hold the same.
type Found = (bool, Place);

/// Puts an end there; gives 1 where nothing tells which row it is.
fn put(end: &mut End, found: Option<&Found>) -> u64 {
    let Some((are_alike, place)) = found else {
        return 0;
    };
    end.of = EndOf::Place(place.clone());
    u64::from(*are_alike)
}

/// Reads links beside the places of the ends that they are in the order of.
fn located(
    places: &Sorted,
    links: &Sorted,
    observer: &dyn Observer,
    each: &mut dyn FnMut(Joined, Option<&Found>) -> Result<()>,
) -> Result<()> {
    let (mut places, mut links) = (places.read()?, links.read()?);
    let mut place = next(&mut places)?;
    let mut room = Record::default();
    while let Some(link) = links.next(room)? {
        if observer.is_cancelled() {
            return Err(Error::interrupted());
        }
        while place.as_ref().is_some_and(|(key, _)| *key < link.key) {
            place = next(&mut places)?;
        }
        let found = place.as_ref().filter(|(key, _)| *key == link.key);
        let mut parts = Parts(&link.value);
        let (left, right) = (End::take(&mut parts), End::take(&mut parts));
        let joined = (left, right, take_positions(parts.0));
        each(joined, found.map(|(_, found)| found))?;
        room = link;
    }
    Ok(())
}

/// The next place, and what it is looked up by. Of several components of one id, as when rows share one, the first
/// counts.
fn next(places: &mut Reading<'_>) -> Result<Option<(Vec<u8>, Found)>> {
    let record = places.next(Record::default())?;
    Ok(record.map(|record| {
        let mut parts = Parts(&record.value);
        let are_alike = parts.byte() == 1;
        (record.key, (are_alike, Place::take(&mut parts)))
    }))
}
