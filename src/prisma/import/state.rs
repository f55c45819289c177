//! What is known of an import after it ended in whatever way: which requests are about to be sent, and which were taken.
//!
//! One file for each pair of endpoint and content, so that no other data set and no other server inherits it; see
//! [`Journal`] for where it lies.

use super::super::ndf::ValueType;
use super::super::service::Endpoint;
use super::super::verify::Verdict;
use crate::error::{Error, Kind, Result};
use crate::resuming::{Imports, Journal, Places, going_on};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The number of the format.
const FORMAT: u32 = 1;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The first one.
    Import {
        format: u32,
        endpoint: String,
        data: String,
        requests: [usize; 3],
    },
    /// A request is about to be sent.
    Sending(String, usize),
    /// It was taken.
    Taken(String, usize),
    /// It was not sent, after all.
    Unsent(String, usize),
    /// The only time that it was sent the server did not take these elements of it, which are counted from 0.
    Refused(String, usize, BTreeSet<u64>),
    /// All of them were taken.
    Complete(String),
}

/// The state of an import.
pub struct State {
    journal: Journal<Line>,
    known: Known,
}

/// What the lines say.
struct Known {
    taken: [Vec<bool>; 3],
    sending: [BTreeSet<usize>; 3],
    refused: [BTreeMap<usize, BTreeSet<u64>>; 3],
    complete: Option<String>,
}

impl State {
    /// The state of an import, as an earlier run left it, or a new one. It is held until it is dropped.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): another run imports the same; or it can be written nowhere, or is damaged.
    pub fn open(places: &Places, verdict: &Verdict, endpoint: &Endpoint) -> Result<Self> {
        let mut known = Known::nothing(verdict);
        let head = head(verdict, endpoint);
        let journal = Journal::open(places, &head, &mut |line| known.apply(line))?;
        Ok(Self { journal, known })
    }

    /// What an earlier run left, if one did, to look at alone: it is neither held nor changed, and another run may be at it.
    ///
    /// # Errors
    /// It cannot be read, or is damaged, or is gone from where it should be.
    pub fn peek(places: &Places, verdict: &Verdict, endpoint: &Endpoint) -> Result<Option<Self>> {
        let mut known = Known::nothing(verdict);
        let head = head(verdict, endpoint);
        let journal = Journal::peek(places, &head, &mut |line| known.apply(line))?;
        Ok(journal.map(|journal| Self { journal, known }))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.journal.path()
    }

    /// When all of it was taken, if it was.
    pub fn completed(&self) -> Option<&str> {
        self.known.complete.as_deref()
    }

    /// How many requests of a kind were taken.
    pub fn taken(&self, kind: ValueType) -> usize {
        self.known.taken[kind as usize]
            .iter()
            .filter(|taken| **taken)
            .count()
    }

    /// How many requests were taken, of how many.
    pub fn progress(&self) -> (usize, usize) {
        let taken = ValueType::ALL
            .into_iter()
            .map(|kind| self.taken(kind))
            .sum();
        (taken, self.known.taken.iter().map(Vec::len).sum())
    }

    /// How many requests were sent of which it is not known what came of them.
    pub fn in_doubt(&self) -> usize {
        self.known.sending.iter().map(BTreeSet::len).sum()
    }

    pub(super) fn is_taken(&self, kind: ValueType, number: usize) -> bool {
        let taken = self.known.taken[kind as usize].get(number);
        taken.copied().unwrap_or_default()
    }

    pub(super) fn is_in_doubt(&self, kind: ValueType, number: usize) -> bool {
        self.known.sending[kind as usize].contains(&number)
    }

    /// A request is about to be sent: from now on it may be there.
    pub(super) fn sending(&mut self, kind: ValueType, number: usize) -> Result<()> {
        let is_told = self.is_in_doubt(kind, number);
        if !is_told || self.known.refused[kind as usize].contains_key(&number) {
            let line = Line::Sending(kind.to_string(), number);
            // Where that is not written, it is not sent: nothing is in doubt.
            self.journal.write_through(&line)?;
            self.known.apply(&line);
        }
        self.journal.half_way(true);
        Ok(())
    }

    /// It was taken.
    pub(super) fn take(&mut self, kind: ValueType, number: usize) -> Result<()> {
        self.add(Line::Taken(kind.to_string(), number))
    }

    /// It was not sent, after all.
    pub(super) fn unsent(&mut self, kind: ValueType, number: usize) -> Result<()> {
        self.add(Line::Unsent(kind.to_string(), number))
    }

    /// The server did not take these elements of it the only time that it was sent.
    pub(super) fn refuse(
        &mut self,
        kind: ValueType,
        number: usize,
        elements: BTreeSet<u64>,
    ) -> Result<()> {
        self.add(Line::Refused(kind.to_string(), number, elements))
    }

    fn add(&mut self, line: Line) -> Result<()> {
        self.journal.write(&line)?;
        self.known.apply(&line);
        Ok(())
    }

    /// Whether the server did not take this element the only time that it was sent.
    pub(super) fn was_refused(&self, kind: ValueType, number: usize, element: u64) -> bool {
        let refused = self.known.refused[kind as usize].get(&number);
        refused.is_some_and(|elements| elements.contains(&element))
    }

    /// Whether nothing was sent, by no run that is known of.
    pub fn is_new(&self) -> bool {
        self.progress().0 == 0 && self.in_doubt() == 0
    }

    /// All of it was taken.
    pub(super) fn complete(&mut self) -> Result<()> {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.add(Line::Complete(now))?;
        self.journal.sync()
    }

    /// Says of an error what the run left: where nothing was sent, nothing. Where it `is_stuck`, no other run gets further.
    pub(super) fn half_way(self, error: Error, is_stuck: bool) -> Error {
        let (taken, all) = self.progress();
        if self.is_new() {
            // There is nothing to go on with.
            self.journal.remove();
            return error.interrupted_with("this run sent nothing");
        }
        let (message, list) = error.parts();
        let doubt = match self.in_doubt() {
            0 => String::new(),
            count => format!(", and it is not known what came of {count} more"),
        };
        let mut list = list.to_vec();
        list.push(format!(
            "{taken} of {all} requests are in the service{doubt}; {} says which",
            self.path().display()
        ));
        let hint = going_on(&error, is_stuck, "service");
        Error::new(Kind::HalfWay, message).listing(list).hint(hint)
    }
}

impl Known {
    /// Of an import that nothing was sent of.
    fn nothing(verdict: &Verdict) -> Self {
        Self {
            taken: verdict
                .chunks
                .each_ref()
                .map(|chunks| vec![false; chunks.len()]),
            sending: Default::default(),
            refused: Default::default(),
            complete: None,
        }
    }

    /// Takes a line; gives whether it makes sense.
    fn apply(&mut self, line: &Line) -> bool {
        let place = |kind: &str, number: usize, taken: &[Vec<bool>; 3]| {
            let kind = ValueType::named(kind)? as usize;
            (number < taken[kind].len()).then_some(kind)
        };
        match line {
            Line::Import { .. } => false,
            Line::Complete(when) => {
                self.complete = Some(when.clone());
                true
            }
            Line::Sending(kind, number) => match place(kind, *number, &self.taken) {
                Some(kind) => {
                    self.sending[kind].insert(*number);
                    self.refused[kind].remove(number);
                    true
                }
                None => false,
            },
            Line::Unsent(kind, number) => match place(kind, *number, &self.taken) {
                Some(kind) => self.sending[kind].remove(number),
                None => false,
            },
            Line::Refused(kind, number, elements) => match place(kind, *number, &self.taken) {
                Some(kind) => {
                    self.refused[kind].insert(*number, elements.clone());
                    true
                }
                None => false,
            },
            Line::Taken(kind, number) => match place(kind, *number, &self.taken) {
                Some(kind) => {
                    self.sending[kind].remove(number);
                    self.taken[kind][*number] = true;
                    true
                }
                None => false,
            },
        }
    }
}

/// The places for the state of the import of a data set, of this path and content, to an endpoint. `own` is the user's own
/// folder for what programs keep.
pub fn places(data: &Path, verdict: &Verdict, endpoint: &Endpoint, own: Option<&Path>) -> Places {
    let imports = Imports {
        family: "prisma",
        set: "data set",
        target: "service",
        endpoint: &endpoint.to_string(),
        content: &verdict.digest(),
    };
    Places::of(data, &imports, own)
}

/// The first line of the state of an import.
fn head(verdict: &Verdict, endpoint: &Endpoint) -> Line {
    Line::Import {
        format: FORMAT,
        endpoint: endpoint.to_string(),
        data: verdict.digest(),
        requests: verdict.chunks.each_ref().map(Vec::len),
    }
}

#[cfg(test)]
mod tests;
