//! What was found to be wrong, up to a limit.

use crate::error::Error;

/// How many are kept; of the others the number is.
const KEPT: usize = 100;

/// What is wrong with a data set.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Error>,
    more: u64,
}

impl Findings {
    /// Takes one.
    pub fn add(&mut self, error: Error) {
        match self.list.len() < KEPT {
            true => self.list.push(error),
            false => self.more += 1,
        }
    }

    /// The first of them.
    pub fn list(&self) -> &[Error] {
        &self.list
    }

    /// How many there are beside those.
    pub fn more(&self) -> u64 {
        self.more
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.list.len() as u64 + self.more
    }
}
