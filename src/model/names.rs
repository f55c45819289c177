//! Remembers many names in little memory, and shows long ones in little room.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

/// How many characters of a name stand in a message.
const SHOWN: usize = 100;

/// How many values of a list are looked at one by one.
const FEW: usize = 1000;

/// A name as it stands in a message: of a long one the beginning.
#[derive(Debug, Clone, Copy)]
pub struct Short<'a>(pub &'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{}…", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

/// Whether a character is not seen itself, but joins others, turns their direction or hides them. Whoever shows text that
/// others wrote shows what stands there.
pub fn hides(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

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

/// Names with values, of which most come before the first one is asked for: eight bytes of each name, as
/// in a [`NameMap`], and nothing beside them and the values. Of values of one name the least counts.
#[derive(Debug, Clone)]
pub struct NameList<V> {
    hasher: RandomState,
    values: Vec<(u64, V)>,
    /// How many values stand in order, at the beginning.
    sorted: usize,
    /// Which values were taken out; empty where none were.
    taken: Vec<bool>,
}

impl<V> Default for NameList<V> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            values: Vec::new(),
            sorted: 0,
            taken: Vec::new(),
        }
    }
}

impl<V: Ord> NameList<V> {
    /// Adds a value under a name.
    pub fn push(&mut self, name: &str, value: V) {
        if !self.taken.is_empty() {
            self.sort();
            let mut taken = std::mem::take(&mut self.taken).into_iter();
            self.values.retain(|_| taken.next() != Some(true));
            self.sorted = self.values.len();
        }
        self.values.push((self.hasher.hash_one(name), value));
    }

    /// Makes it ready to be asked.
    pub fn sort(&mut self) {
        if self.sorted < self.values.len() {
            self.values.sort_unstable();
            self.values.dedup_by_key(|(hash, _)| *hash);
            self.sorted = self.values.len();
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        let hash = self.hasher.hash_one(name);
        let place = self.values[..self.sorted].binary_search_by_key(&hash, |(own, _)| *own);
        let is_taken = |place: &usize| self.taken.get(*place).copied().unwrap_or(false);
        place.ok().filter(|place| !is_taken(place))
    }

    /// The value of a name, once it is [sorted](Self::sort).
    pub fn get(&self, name: &str) -> Option<&V> {
        self.place(name).map(|place| &self.values[place].1)
    }

    /// The value of a name, while more may come: of those the last few are not in order.
    pub fn find(&mut self, name: &str) -> Option<&V> {
        if self.values.len() - self.sorted > FEW.max(self.sorted / 16) {
            self.sort();
        }
        if let Some(place) = self.place(name) {
            return Some(&self.values[place].1);
        }
        let hash = self.hasher.hash_one(name);
        let last = self.values[self.sorted..].iter();
        last.filter(|(own, _)| *own == hash)
            .map(|(_, value)| value)
            .min()
    }

    /// Takes the value of a name out.
    pub fn remove(&mut self, name: &str) {
        self.sort();
        if let Some(place) = self.place(name) {
            self.taken.resize(self.values.len(), false);
            self.taken[place] = true;
        }
    }

    /// The values, in no order, once it is [sorted](Self::sort).
    pub fn values(&self) -> impl Iterator<Item = &V> {
        let left = |place| !self.taken.get(place).copied().unwrap_or(false);
        let values = self.values.iter().enumerate();
        values.filter_map(move |(place, (_, value))| left(place).then_some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_names_gives_what_was_put_in_and_not_taken_out() {
        let mut list = NameList::default();
        for (name, value) in [("a", 1), ("b", 2), ("a", 0), ("c", 3)] {
            list.push(name, value);
        }
        assert_eq!(list.find("a"), Some(&0));
        list.sort();
        assert_eq!(
            ["a", "b", "d"].map(|name| list.get(name)),
            [Some(&0), Some(&2), None]
        );
        list.remove("b");
        list.remove("d");
        assert_eq!(list.get("b"), None);
        list.push("d", 4);
        list.sort();
        let mut left: Vec<_> = list.values().copied().collect();
        left.sort_unstable();
        assert_eq!(left, [0, 3, 4]);
        assert_eq!(list.get("b"), None);
    }

    #[test]
    fn long_names_are_cut_in_messages() {
        assert_eq!(Short("ä").to_string(), "ä");
        assert_eq!(Short(&"ä".repeat(100)).to_string(), "ä".repeat(100));
        assert_eq!(
            Short(&"ä".repeat(101)).to_string(),
            format!("{}…", "ä".repeat(100))
        );
    }
}
