//! Which nodes there are, and which links go to others: hashes of 128 bits, sorted on disk.

use super::super::row::{Object, Row};
use crate::checking::{Place, begin, bytes_of, hash, place};
use crate::error::Result;
use crate::sorting::{Record, Sorter};
use crate::store::Interrupt;
use std::path::Path;

/// What a row has to do with a node; the first is there before the other.
const SUBJECT: u8 = 0;
const TARGET: u8 = 1;
/// After how many records it is looked whether the user wants the run to stop.
const GLANCE: u64 = 1 << 12;

/// Takes what was seen of nodes.
pub(super) struct Uids(Sorter);

/// Links to nodes that have no rows.
#[derive(Debug, Default)]
pub(super) struct Dangling {
    pub count: u64,
    /// The first of them in the set: the node, and where the link stands.
    pub first: Option<(String, Place)>,
}

impl Uids {
    pub fn new(scratch: &Path) -> Self {
        Self(Sorter::new(scratch))
    }

    /// Takes the nodes of a row.
    pub fn push(&mut self, row: &Row, place: Place) -> Result<()> {
        let subject = row.subject.to_string();
        self.0.push(&hash(&["node", &subject]), &[SUBJECT])?;
        if let Object::Edge(target) = &row.object {
            let target = target.to_string();
            let shown = begin(&target);
            let mut value = Vec::with_capacity(13 + shown.len());
            value.push(TARGET);
            value.extend_from_slice(&bytes_of(place));
            value.extend_from_slice(shown.as_bytes());
            self.0.push(&hash(&["node", &target]), &value)?;
        }
        Ok(())
    }

    /// Finds the links that go nowhere.
    pub fn finish(self, interrupt: &Interrupt) -> Result<Dangling> {
        interrupt.stop()?;
        let sorted = self.0.finish()?;
        let mut reading = sorted.read()?;
        let mut dangling = Dangling::default();
        let mut there = Vec::new();
        let mut room = Record::default();
        let mut seen = 0_u64;
        while let Some(record) = reading.next(std::mem::take(&mut room))? {
            seen += 1;
            if seen.is_multiple_of(GLANCE) {
                interrupt.stop()?;
            }
            match record.value.split_first() {
                Some((&SUBJECT, _)) => there.clone_from(&record.key),
                Some((_, rest)) if there != record.key => {
                    dangling.count += 1;
                    let here = place(rest).unwrap_or_default();
                    if dangling
                        .first
                        .as_ref()
                        .is_none_or(|(_, first)| here < *first)
                    {
                        let shown = String::from_utf8_lossy(rest.get(12..).unwrap_or_default());
                        dangling.first = Some((shown.into_owned(), here));
                    }
                }
                _ => {}
            }
            room = record;
        }
        Ok(dangling)
    }
}
