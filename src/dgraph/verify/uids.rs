//! Which nodes there are, which links go to others, and which values stand where the schema has room for one: hashes of 128
//! bits, sorted on disk.

use super::super::row::{Object, Row};
use super::super::schema::{Kind, Predicate};
use crate::checking::{Place, begin, bytes_of, hash, place};
use crate::error::Result;
use crate::sorting::{Record, Sorter};
use crate::store::Interrupt;
use std::path::Path;

/// What a row has to do with a node; the first is there before the other.
const SUBJECT: u8 = 0;
const TARGET: u8 = 1;
/// What a node has of a predicate that holds one.
const SINGLE: u8 = 2;
/// How many bytes a place has in a record.
const PLACE: usize = 12;
/// After how many records it is looked whether the user wants the run to stop.
const GLANCE: u64 = 1 << 12;

/// Takes what was seen of nodes.
pub(super) struct Uids(Sorter);

/// Rows that are told together: how many, and the first of them in the set.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub count: u64,
    /// What it is about, and where it stands.
    pub first: Option<(String, Place)>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Links to nodes that have no rows; of the first the node.
    pub dangling: Told,
    /// Values beside another one of the same node, where the predicate holds one; of the first node and predicate.
    pub crowded: Told,
}

impl Told {
    /// Takes the rest of a record: a place, and a text.
    fn take(&mut self, rest: &[u8]) {
        self.count += 1;
        let here = place(rest).unwrap_or_default();
        if self.first.as_ref().is_none_or(|(_, first)| here < *first) {
            let shown = String::from_utf8_lossy(rest.get(PLACE..).unwrap_or_default());
            self.first = Some((shown.into_owned(), here));
        }
    }
}

/// The value of a record.
fn record(sort: u8, place: Place, text: &str) -> Vec<u8> {
    let mut value = Vec::with_capacity(1 + PLACE + text.len());
    value.push(sort);
    value.extend_from_slice(&bytes_of(place));
    value.extend_from_slice(text.as_bytes());
    value
}

impl Uids {
    pub fn new(scratch: &Path) -> Self {
        Self(Sorter::new(scratch))
    }

    /// Takes the nodes of a row, and what it says of one where the predicate, as the schema has it, holds one.
    pub fn push(&mut self, row: &Row, predicate: Option<&Predicate>, place: Place) -> Result<()> {
        let subject = row.subject.to_string();
        self.0.push(&hash(&["node", &subject]), &[SUBJECT])?;
        if let Object::Edge(target) = &row.object {
            let target = target.to_string();
            let value = record(TARGET, place, begin(&target));
            self.0.push(&hash(&["node", &target]), &value)?;
        }
        let is_single = |it: &Predicate| !it.is_list && !matches!(it.kind, Kind::Other(_));
        if predicate.is_some_and(is_single) {
            self.push_single(row, &subject, place)?;
        }
        Ok(())
    }

    /// Takes what a node may have once: in each language one.
    fn push_single(&mut self, row: &Row, subject: &str, place: Place) -> Result<()> {
        let namespace = row.namespace.to_string();
        let (language, said) = match &row.object {
            Object::Value { value, language } => (
                language.as_deref().unwrap_or_default(),
                hash(&[&value.text]),
            ),
            Object::Edge(target) => ("", hash(&[&target.to_string()])),
        };
        let key = hash(&["single", &namespace, subject, &row.predicate, language]);
        let mut value = vec![SINGLE];
        value.extend_from_slice(&said);
        value.extend_from_slice(&bytes_of(place));
        value.extend_from_slice(row.about().as_bytes());
        self.0.push(&key, &value)
    }

    /// Finds the links that go nowhere, and the values that are too many.
    pub fn finish(self, interrupt: &Interrupt) -> Result<Found> {
        interrupt.stop()?;
        let sorted = self.0.finish()?;
        let mut reading = sorted.read()?;
        let mut found = Found::default();
        let mut there = Vec::new();
        // What the record before said, where its predicate holds one.
        let mut said = Vec::new();
        let mut room = Record::default();
        let mut seen = 0_u64;
        while let Some(record) = reading.next(std::mem::take(&mut room))? {
            seen += 1;
            if seen.is_multiple_of(GLANCE) {
                interrupt.stop()?;
            }
            match record.value.split_first() {
                Some((&SUBJECT, _)) => there.clone_from(&record.key),
                Some((&TARGET, rest)) if there != record.key => found.dangling.take(rest),
                Some((&SINGLE, rest)) => {
                    if let Some((now, rest)) = rest.split_at_checked(16) {
                        // Of those with one key equal ones follow each other.
                        if there == record.key && said != now {
                            found.crowded.take(rest);
                        }
                        there.clone_from(&record.key);
                        said.clear();
                        said.extend_from_slice(now);
                    }
                }
                _ => {}
            }
            room = record;
        }
        Ok(found)
    }
}
