//! Remembers many ids in little memory.

use roaring::RoaringBitmap;
use std::collections::BTreeSet;

/// A set of ids, also of 0 and below. Those of 32 bits are compressed: a million of them cost some hundred
/// kilobytes, and a few megabytes wherever they lie. Others, which few sites have, cost some twenty bytes each.
#[derive(Debug, Default, Clone)]
pub struct IdSet {
    small: RoaringBitmap,
    others: BTreeSet<i64>,
}

impl IdSet {
    /// Puts an id in; gives whether it was not there.
    pub fn insert(&mut self, id: i64) -> bool {
        match u32::try_from(id) {
            Ok(id) => self.small.insert(id),
            Err(_) => self.others.insert(id),
        }
    }

    /// Whether an id is there.
    pub fn contains(&self, id: i64) -> bool {
        match u32::try_from(id) {
            Ok(id) => self.small.contains(id),
            Err(_) => self.others.contains(&id),
        }
    }

    /// The largest id.
    pub fn max(&self) -> Option<i64> {
        self.small
            .max()
            .map(i64::from)
            .max(self.others.last().copied())
    }

    /// The ids, in no order.
    pub fn iter(&self) -> impl Iterator<Item = i64> {
        let small = self.small.iter().map(i64::from);
        small.chain(self.others.iter().copied())
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.small.len() + self.others.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.small.is_empty() && self.others.is_empty()
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
