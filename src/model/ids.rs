//! Remembers many ids in little memory.

use roaring::RoaringTreemap;

/// A set of ids, also of 0 and below. Compressed: a million of them cost some hundred kilobytes.
#[derive(Debug, Default, Clone)]
pub struct IdSet(RoaringTreemap);

/// Numbers without a sign, in the same order.
fn shifted(id: i64) -> u64 {
    id.cast_unsigned() ^ (1 << 63)
}

impl IdSet {
    /// Puts an id in; gives whether it was not there.
    pub fn insert(&mut self, id: i64) -> bool {
        self.0.insert(shifted(id))
    }

    /// Whether an id is there.
    pub fn contains(&self, id: i64) -> bool {
        self.0.contains(shifted(id))
    }

    /// The largest id.
    pub fn max(&self) -> Option<i64> {
        let max = self.0.max()?;
        Some((max ^ (1 << 63)).cast_signed())
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
