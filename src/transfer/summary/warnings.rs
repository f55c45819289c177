//! Warnings as a summary holds them: a bounded number, each of bounded length, gathered while a transfer runs.

use crate::model::limits::LONGEST_MESSAGE;
use crate::transfer::{Event, Observer, Warning};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// How many warnings are listed one by one.
const LISTED: usize = 1000;

/// A warning or a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningFacts {
    /// Its kind, as in `result.json`.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// The cause.
    pub reason: String,
    /// How many things it stands for.
    pub times: u64,
    /// Whether it stands for something that exists and could not be taken.
    pub incomplete: bool,
}

impl From<&Warning> for WarningFacts {
    fn from(warning: &Warning) -> Self {
        Self {
            kind: warning.kind.as_str().into(),
            subject: shortened(warning.subject.to_string()),
            reason: shortened(warning.reason.clone()),
            times: warning.count,
            incomplete: warning.kind.is_incomplete(),
        }
    }
}

/// Warnings as a summary lists them: a bounded number one by one, what could not be taken before notes.
#[derive(Debug, Clone, Default)]
pub struct WarningList {
    list: Vec<WarningFacts>,
    notes: usize,
    more: u64,
}

impl WarningList {
    /// Adds one.
    pub fn add(&mut self, warning: &Warning) {
        self.put(warning.into());
    }

    /// Adds those of another list.
    pub fn extend(&mut self, other: Self) {
        other.list.into_iter().for_each(|told| self.put(told));
        self.more += other.more;
    }

    /// These and those of another list.
    pub fn joined(&self, other: Self) -> Self {
        let mut all = self.clone();
        all.extend(other);
        all
    }

    /// Those that are listed, and how many there were beside them.
    pub(super) fn into_parts(self) -> (Vec<WarningFacts>, u64) {
        (self.list, self.more)
    }

    fn put(&mut self, told: WarningFacts) {
        if self.list.len() < LISTED {
            self.notes += usize::from(!told.incomplete);
            self.list.push(told);
            return;
        }
        self.more += 1;
        if told.incomplete && self.notes > 0 {
            let note = self.list.iter().rposition(|told| !told.incomplete);
            self.list.remove(note.unwrap_or(LISTED - 1));
            self.list.push(told);
            self.notes -= 1;
        }
    }
}

/// A text of bounded length, whatever a database holds.
fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_MESSAGE {
        text.truncate(text.floor_char_boundary(LONGEST_MESSAGE));
        text.push_str("...");
    }
    text
}

/// Remembers the warnings that pass by on their way to another observer.
pub struct Remembering<'a> {
    inner: &'a dyn Observer,
    warnings: Mutex<WarningList>,
}

impl<'a> Remembering<'a> {
    /// One in front of `inner`.
    pub fn new(inner: &'a dyn Observer) -> Self {
        Self {
            inner,
            warnings: Mutex::default(),
        }
    }

    /// What passed by.
    pub fn warnings(&self) -> WarningList {
        let warnings = self.warnings.lock();
        warnings.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Observer for Remembering<'_> {
    fn on(&self, event: Event<'_>) {
        if let Event::Warned(warning) = event {
            let warnings = self.warnings.lock();
            warnings
                .unwrap_or_else(PoisonError::into_inner)
                .add(warning);
        }
        self.inner.on(event);
    }

    fn is_cancelled(&self) -> bool {
        self.inner.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::{Subject, WarningKind};

    #[test]
    fn notes_make_room_for_what_could_not_be_taken() {
        let mut warnings = WarningList::default();
        let mut add = |kind| {
            let subject = Subject::Table("articles".into());
            warnings.add(&Warning::new(kind, subject, "why"));
        };
        (0..LISTED).for_each(|_| add(WarningKind::Notice));
        add(WarningKind::Unreadable);
        add(WarningKind::Notice);
        assert_eq!((warnings.list.len(), warnings.more), (LISTED, 2));
        assert!(warnings.list.last().expect("one").incomplete);
    }
}
