//! Rolling files of JSON lines.
//!
//! A tar entry tells its length before its content, so a shard is kept in memory until it is full. Shards may be
//! smaller than they have to be, and so they are small.

use super::layout::shard_name;
use crate::error::{Error, Result};
use crate::model::Stage;

/// A shard of several lines is not larger than this, in bytes.
const IN_MEMORY: usize = 8 << 20;

/// Collects the lines of one stage.
pub(super) struct Shards {
    stage: Stage,
    limit: u64,
    number: u32,
    content: Vec<u8>,
}

impl Shards {
    /// Shards of at most `limit` bytes.
    pub fn new(stage: Stage, limit: u64) -> Self {
        Self {
            stage,
            limit,
            number: 0,
            content: Vec::new(),
        }
    }

    /// The stage the lines are of.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether there is room for a line beside those that are there. `what` names it in errors.
    ///
    /// # Errors
    /// It is larger than a shard may be.
    pub fn has_room(&self, line: &str, what: impl FnOnce() -> String) -> Result<bool> {
        if line.len() as u64 > self.limit {
            return Err(Error::failed(format!(
                "{} takes {} bytes, more than a shard may have ({})",
                what(),
                line.len(),
                self.limit
            ))
            .hint("allow larger shards with --max-size-jsonl"));
        }
        let length = self.content.len() + 1 + line.len();
        Ok(self.content.is_empty() || length as u64 <= self.limit && length <= IN_MEMORY)
    }

    /// Adds a line that there is room for.
    pub fn push(&mut self, line: &str) {
        if !self.content.is_empty() {
            self.content.push(b'\n');
        }
        self.content.extend_from_slice(line.as_bytes());
    }

    /// The entry's name and the content of what was collected, if anything was. To be cleared after that.
    pub fn full(&mut self) -> Option<(String, &[u8])> {
        if self.content.is_empty() {
            return None;
        }
        Some((self.next_name(), &self.content))
    }

    /// Whether a line makes a shard of its own, and is not to be copied.
    pub fn stands_alone(line: &str) -> bool {
        line.len() > IN_MEMORY
    }

    /// The name of the next entry.
    pub fn next_name(&mut self) -> String {
        self.number += 1;
        shard_name(self.stage, self.number)
    }

    /// Starts the next shard.
    pub fn clear(&mut self) {
        self.content.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_room(shards: &Shards, line: &str) -> bool {
        shards.has_room(line, String::new).expect("a line")
    }

    #[test]
    fn a_shard_rolls_before_it_passes_the_limit() {
        let mut shards = Shards::new(Stage::Links, 7);
        for line in ["abc", "def"] {
            assert!(has_room(&shards, line));
            shards.push(line);
        }
        assert!(!has_room(&shards, "g"));
        let first = ("links/links_00001.jsonl".to_owned(), &b"abc\ndef"[..]);
        assert_eq!(shards.full(), Some(first));
        shards.clear();
        assert_eq!(shards.full(), None);
        shards.push("g");
        let second = ("links/links_00002.jsonl".to_owned(), &b"g"[..]);
        assert_eq!(shards.full(), Some(second));
    }

    #[test]
    fn a_shard_rolls_before_it_takes_much_memory() {
        let mut shards = Shards::new(Stage::Entities, u64::MAX);
        let line = "x".repeat(IN_MEMORY);
        assert!(!Shards::stands_alone(&line));
        assert!(has_room(&shards, &line));
        shards.push(&line);
        assert!(!has_room(&shards, "x"));
    }

    #[test]
    fn a_line_larger_than_a_shard_is_named() {
        let shards = Shards::new(Stage::Entities, 3);
        let error = shards.has_room("four", || "api::a.a 7".into());
        let error = error.expect_err("it does not fit").to_string();
        assert!(error.starts_with("api::a.a 7 takes 4 bytes"), "{error}");
    }
}
