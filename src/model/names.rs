//! Remembers many names in little memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// A map from names to values that keeps eight bytes of each name: a hash with a key of its own, so
/// that nobody can make names that are taken for each other. Among a million names, two are by chance
/// with a likelihood of 3 in 100 million.
#[derive(Debug, Clone)]
pub struct NameMap<V> {
    hasher: RandomState,
    values: HashMap<u64, V>,
}

impl<V> Default for NameMap<V> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            values: HashMap::new(),
        }
    }
}

impl<V> NameMap<V> {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.values.get(&self.hasher.hash_one(name))
    }

    /// The value of a name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.values.get_mut(&self.hasher.hash_one(name))
    }

    /// Puts a value under a name; gives the one that stood there.
    pub fn insert(&mut self, name: &str, value: V) -> Option<V> {
        self.values.insert(self.hasher.hash_one(name), value)
    }

    /// Takes the value of a name out.
    pub fn remove(&mut self, name: &str) -> Option<V> {
        self.values.remove(&self.hasher.hash_one(name))
    }

    /// The values, in no order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.values.values()
    }
}
