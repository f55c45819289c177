//! Links that are known by the documents at their ends: rows have other ids on the other side.
//!
//! Where a row stands is known when all rows are there, and there may be any number of them: links and rows are put in
//! the order of the ids of one end, and read side by side, once for each end.

use super::content::digest;
use super::key::{Parts, put_number, put_text};
use super::record::{End, EndOf, LINK, Place, Positions, put_positions, take_positions, value_of};
use super::sorter::{Reading, Record, Sorted, Sorter};
use crate::error::{Error, Result};
use crate::transfer::Observer;
use std::path::{Path, PathBuf};

/// Links, and where the rows stand that they join.
pub(super) struct Links {
    folder: PathBuf,
    /// By type and id.
    places: Sorter,
    /// By type and id of their left ends.
    links: Sorter,
}

impl Links {
    /// None yet; there may be more than memory holds, which goes to this folder.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            places: Sorter::new(folder),
            links: Sorter::new(folder),
        }
    }

    /// A row or component of this type and id stands there.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn place(&mut self, uid: &str, id: i64, place: &Place) -> Result<()> {
        let mut value = Vec::new();
        place.put(&mut value);
        self.places.push(&key_of(uid, &EndOf::Id(id)), &value)
    }

    /// A link goes from there to there.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn link(&mut self, left: &End, right: &End, positions: Positions) -> Result<()> {
        push(&mut self.links, left, (left, right, positions))
    }

    /// Says of all links which documents they join.
    ///
    /// # Errors
    /// What was put aside cannot be read, or the run is to stop.
    pub fn settle(self, records: &mut Sorter, observer: &dyn Observer) -> Result<()> {
        let places = self.places.finish()?;
        let mut by_right = Sorter::new(&self.folder);
        located(
            &places,
            &self.links.finish()?,
            observer,
            &mut |link, place| {
                let (mut left, right, positions) = link;
                put(&mut left, place);
                push(&mut by_right, &right, (&left, &right, positions))
            },
        )?;
        located(
            &places,
            &by_right.finish()?,
            observer,
            &mut |link, place| {
                let (left, mut right, positions) = link;
                put(&mut right, place);
                let mut key = vec![LINK];
                left.put(&mut key);
                right.put(&mut key);
                let positions = put_positions(positions);
                records.push(&key, &value_of(digest(b'l', &positions), &positions))
            },
        )
    }
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

fn put(end: &mut End, place: Option<&Place>) {
    if let Some(place) = place {
        end.of = EndOf::Place(place.clone());
    }
}

/// Reads links beside the places of the ends that they are in the order of.
fn located(
    places: &Sorted,
    links: &Sorted,
    observer: &dyn Observer,
    each: &mut dyn FnMut(Joined, Option<&Place>) -> Result<()>,
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
        each(joined, found.map(|(_, place)| place))?;
        room = link;
    }
    Ok(())
}

/// The next place, and what it is looked up by. Of several components of one id, as when rows share one, the first
/// counts.
fn next(places: &mut Reading<'_>) -> Result<Option<(Vec<u8>, Place)>> {
    let record = places.next(Record::default())?;
    Ok(record.map(|record| {
        let place = Place::take(&mut Parts(&record.value));
        (record.key, place)
    }))
}
