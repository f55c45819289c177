//! Relations between nodes, put in order on disk: a pair is written once, however often Strapi has it, and a field that
//! has several is a list, whatever its schema says.

use super::mapping::Mapping;
use crate::error::Result;
use crate::sorting::{Record, Sorter};
use crate::store::Interrupt;
use std::path::Path;

/// Takes relations in any order.
pub struct Edges {
    forth: Sorter,
    back: Sorter,
    interrupt: Interrupt,
}

impl Edges {
    /// One that uses this folder for what does not stay in memory, until the run is to stop.
    pub fn new(folder: &Path, interrupt: &Interrupt) -> Self {
        Self {
            forth: Sorter::new(folder),
            back: Sorter::new(folder),
            interrupt: interrupt.clone(),
        }
    }

    /// Takes a pair of the relation of this number.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn push(
        &mut self,
        mapping: &Mapping,
        relation: usize,
        (owner, target): (&str, &str),
        places: [Option<f64>; 2],
    ) -> Result<()> {
        let places = places.map(|it| it.unwrap_or(f64::NAN).to_be_bytes());
        self.forth
            .push(&key(relation, owner, target), places.as_flattened())?;
        let known = &mapping.relations[relation];
        if known.note.back.is_some() && !known.many_back {
            self.back.push(&key(relation, target, owner), &[])?;
        }
        Ok(())
    }

    /// Gives each pair once, and notes which fields have to be lists.
    ///
    /// # Errors
    /// The folder cannot be written to, `each` fails, or the run is to stop.
    pub fn finish(
        self,
        mapping: &mut Mapping,
        each: &mut dyn FnMut(&Mapping, &Edge<'_>) -> Result<()>,
    ) -> Result<()> {
        groups(self.forth, &self.interrupt, &mut |edge, index| {
            mapping.relations[edge.relation].many |= index > 0;
            each(mapping, edge)
        })?;
        groups(self.back, &self.interrupt, &mut |edge, index| {
            mapping.relations[edge.relation].many_back |= index > 0;
            Ok(())
        })
    }
}

/// A pair of a relation.
#[derive(Debug)]
pub struct Edge<'a> {
    /// The number of the relation.
    pub relation: usize,
    /// The id of the node that owns it.
    pub owner: &'a str,
    /// The id of the node that it leads to.
    pub target: &'a str,
    /// Its place among the links of its owner, and among those of its target, where these have an order.
    pub places: [Option<f64>; 2],
}

/// What a pair is sorted by.
pub fn key(relation: usize, one: &str, other: &str) -> Vec<u8> {
    let mut key = (relation as u64).to_be_bytes().to_vec();
    key.extend_from_slice(one.as_bytes());
    key.push(0);
    key.extend_from_slice(other.as_bytes());
    key
}

/// The place that stands there, if there is one.
fn place(places: &[u8], at: usize) -> Option<f64> {
    let bytes = places.get(at..)?.first_chunk::<8>()?;
    Some(f64::from_be_bytes(*bytes)).filter(|it| it.is_finite())
}

/// Gives each pair once, and how many stood before it that begin with the same end.
fn groups(
    sorter: Sorter,
    interrupt: &Interrupt,
    each: &mut dyn FnMut(&Edge<'_>, u64) -> Result<()>,
) -> Result<()> {
    let sorted = sorter.finish()?;
    let mut reading = sorted.read()?;
    let (mut last, mut index) = (Vec::new(), 0);
    let mut room = Record::default();
    while let Some(record) = reading.next(room)? {
        interrupt.stop()?;
        if record.key != last
            && let Some((number, ends)) = record.key.split_first_chunk::<8>()
            && let Ok(ends) = std::str::from_utf8(ends)
            && let Some((one, other)) = ends.split_once('\0')
        {
            let begins = 8 + one.len() + 1;
            index = match last.get(..begins) == record.key.get(..begins) {
                true => index + 1,
                false => 0,
            };
            let edge = Edge {
                relation: u64::from_be_bytes(*number) as usize,
                owner: one,
                target: other,
                places: [0, 8].map(|at| place(&record.value, at)),
            };
            each(&edge, index)?;
            last.clone_from(&record.key);
        }
        room = record;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn ctrl_c_is_heard_while_pairs_are_put_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sorter = Sorter::new(folder.path());
        for number in 0..10 {
            let target = number.to_string();
            sorter.push(&key(0, "a", &target), &[]).expect("taken");
        }
        let asked = AtomicUsize::new(0);
        let interrupt = Interrupt::when(move || asked.fetch_add(1, Ordering::Relaxed) >= 5);
        let mut seen = 0;
        let stopped = groups(sorter, &interrupt, &mut |_, _| {
            seen += 1;
            Ok(())
        });
        assert_eq!(stopped.expect_err("stopped").kind(), Kind::Interrupted);
        assert_eq!(seen, 5);
    }
}
