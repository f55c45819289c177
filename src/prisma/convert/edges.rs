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
        owner: &str,
        target: &str,
    ) -> Result<()> {
        self.forth.push(&key(relation, owner, target), &[])?;
        let known = &mapping.relations[relation];
        if known.note.back.is_some() && !known.many_back {
            self.back.push(&key(relation, target, owner), &[])?;
        }
        Ok(())
    }

    /// Gives each pair once, as JSON, and notes which fields have to be lists.
    ///
    /// # Errors
    /// The folder cannot be written to, `each` fails, or the run is to stop.
    pub fn finish(
        self,
        mapping: &mut Mapping,
        each: &mut dyn FnMut(&str) -> Result<()>,
    ) -> Result<()> {
        let mut pair = String::new();
        groups(
            self.forth,
            &self.interrupt,
            &mut |relation, owner, target, index| {
                let known = &mut mapping.relations[relation];
                known.many |= index > 0;
                let note = &known.note;
                let names =
                    [note.owner, note.target].map(|model| mapping.types[model].name.as_str());
                pair.clear();
                let back = note.back.as_deref();
                let ends = [
                    (names[0], owner, Some(note.field.as_str())),
                    (names[1], target, back),
                ];
                for (end, (name, id, field)) in ends.into_iter().enumerate() {
                    pair.push_str(if end == 0 { "[" } else { "," });
                    pair.push_str(&format!("{{\"_typeName\":\"{name}\",\"id\":\"{id}\""));
                    if let Some(field) = field {
                        pair.push_str(&format!(",\"fieldName\":\"{field}\""));
                    }
                    pair.push('}');
                }
                pair.push(']');
                each(&pair)
            },
        )?;
        groups(self.back, &self.interrupt, &mut |relation, _, _, index| {
            mapping.relations[relation].many_back |= index > 0;
            Ok(())
        })
    }
}

/// What a pair is sorted by.
pub fn key(relation: usize, one: &str, other: &str) -> Vec<u8> {
    let mut key = (relation as u64).to_be_bytes().to_vec();
    key.extend_from_slice(one.as_bytes());
    key.push(0);
    key.extend_from_slice(other.as_bytes());
    key
}

/// Gives each pair once, and how many stood before it that begin with the same end.
fn groups(
    sorter: Sorter,
    interrupt: &Interrupt,
    each: &mut dyn FnMut(usize, &str, &str, u64) -> Result<()>,
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
            each(u64::from_be_bytes(*number) as usize, one, other, index)?;
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
        let stopped = groups(sorter, &interrupt, &mut |_, _, _, _| {
            seen += 1;
            Ok(())
        });
        assert_eq!(stopped.expect_err("stopped").kind(), Kind::Interrupted);
        assert_eq!(seen, 5);
    }
}
