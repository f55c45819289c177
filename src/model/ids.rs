//! Remembers many ids in little memory.

use std::collections::BTreeMap;

/// How many ids share a block.
const BLOCK: u32 = u64::BITS;

/// A set of ids, also of 0 and below, in blocks of 64 neighbours: a million ids that follow each other
/// cost some hundred kilobytes, and one that stands alone some forty bytes, wherever that is.
#[derive(Debug, Default, Clone)]
pub struct IdSet {
    /// The blocks that hold something, each with a bit for each id.
    blocks: BTreeMap<i64, u64>,
    len: u64,
}

/// The block of an id, and its bit in there.
fn place(id: i64) -> (i64, u64) {
    let block = i64::from(BLOCK);
    (id.div_euclid(block), 1 << id.rem_euclid(block))
}

impl IdSet {
    /// Puts an id in; gives whether it was not there.
    pub fn insert(&mut self, id: i64) -> bool {
        let (block, bit) = place(id);
        let bits = self.blocks.entry(block).or_default();
        let is_new = *bits & bit == 0;
        *bits |= bit;
        self.len += u64::from(is_new);
        is_new
    }

    /// Whether an id is there.
    pub fn contains(&self, id: i64) -> bool {
        let (block, bit) = place(id);
        self.blocks.get(&block).is_some_and(|bits| bits & bit != 0)
    }

    /// The largest id.
    pub fn max(&self) -> Option<i64> {
        let (block, bits) = self.blocks.last_key_value()?;
        Some(block * i64::from(BLOCK) + i64::from(bits.ilog2()))
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_either_sign_are_told_apart_and_have_an_order() {
        let mut ids = IdSet::default();
        assert_eq!(ids.max(), None);
        for id in [i64::MIN, -4, -1] {
            assert!(ids.insert(id));
        }
        assert_eq!(ids.max(), Some(-1));
        for id in [0, 4, i64::MAX] {
            assert!(ids.insert(id) && !ids.insert(id), "{id}");
        }
        assert_eq!(ids.max(), Some(i64::MAX));
        assert!(ids.contains(0) && !ids.contains(1));
        assert_eq!(ids.len(), 6);
    }
}
