//! How many nodes stand in the data, in the notes, and in both: notes of other data are told by that.

use super::table::Table;
use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// How many types are named in a message.
const NAMED: usize = 5;

/// Nodes of one type, in the data and in the notes.
#[derive(Debug, Default)]
struct Tally {
    both: u64,
    data: u64,
    notes: u64,
}

/// How many nodes stand in the data, in the notes, and in both.
#[derive(Debug, Default)]
pub struct Tallies(BTreeMap<String, Tally>);

impl Tallies {
    /// Takes a node.
    pub fn take(&mut self, type_name: &str, is_there: bool, is_noted: bool) {
        const MOST: usize = 100_000;
        if !self.0.contains_key(type_name) {
            if self.0.len() == MOST {
                return;
            }
            self.0.insert(type_name.to_owned(), Tally::default());
        }
        if let Some(tally) = self.0.get_mut(type_name) {
            tally.data += u64::from(is_there);
            tally.notes += u64::from(is_noted);
            tally.both += u64::from(is_there && is_noted);
        }
    }

    /// Sees that the notes know something of the data. What every Strapi has, such as its roles, has the same ids
    /// everywhere and says nothing, where the notes know content types of the site's own.
    ///
    /// # Errors
    /// They know none of it: they are of other data.
    pub fn check(&self, name: &str, table: &Table) -> Result<()> {
        let is_own = |type_name: &str| {
            let uid = table.uid_of(type_name);
            uid.is_none_or(|uid| uid.starts_with("api::"))
        };
        let has_own = |tally: &(&String, &Tally)| tally.1.notes > 0 && is_own(tally.0);
        let looks_at_own = self.0.iter().any(|it| has_own(&it));
        let looked_at = |it: &(&String, &Tally)| !looks_at_own || is_own(it.0);
        let found = self.0.iter().filter(looked_at);
        let (mut both, mut notes, mut unknown) = (0, 0, Vec::new());
        for (type_name, tally) in found {
            both += tally.both;
            notes += tally.notes;
            if tally.data > tally.both {
                unknown.push(type_name.as_str());
            }
        }
        if both > 0 || notes == 0 || unknown.is_empty() {
            return Ok(());
        }
        let more = unknown.len().saturating_sub(NAMED);
        unknown.truncate(NAMED);
        let mut types = unknown.join(", ");
        if more > 0 {
            types.push_str(&format!(" and {more} more types"));
        }
        Err(foreign(format!(
            "{name}: strapi.json knows none of its nodes of {types}: it was written with other data"
        )))
    }
}

/// What is said of notes of other data.
pub fn foreign(what: String) -> Error {
    Error::archive(what).hint(
        "take the strapi.json that was written with the data, or convert without it: --no-notes",
    )
}
