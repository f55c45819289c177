//! Hears what is told while an archive is read: a bounded number of warnings, what is missing before all others.

use super::ToldFacts;
use crate::model::limits::LONGEST_MESSAGE;
use crate::transfer::{Event, Observer, Warning};
use std::sync::{Mutex, PoisonError};

/// How many warnings are kept of each sort.
const KEPT: usize = 500;

/// Warnings: those that are kept, and how many more there were.
#[derive(Default)]
struct Heard {
    missing: Vec<ToldFacts>,
    notes: Vec<ToldFacts>,
    more: u64,
}

/// Keeps the warnings that pass by on their way to another observer.
pub(super) struct Hearing<'a> {
    inner: &'a dyn Observer,
    heard: Mutex<Heard>,
}

impl<'a> Hearing<'a> {
    /// One in front of `inner`.
    pub fn new(inner: &'a dyn Observer) -> Self {
        Self {
            inner,
            heard: Mutex::default(),
        }
    }

    /// The warnings, and how many more there were.
    pub fn into_parts(self) -> (Vec<ToldFacts>, u64) {
        let heard = self.heard.into_inner();
        let Heard {
            mut missing,
            notes,
            more,
        } = heard.unwrap_or_else(PoisonError::into_inner);
        missing.extend(notes);
        (missing, more)
    }
}

impl Observer for Hearing<'_> {
    fn on(&self, event: Event<'_>) {
        if let Event::Warned(warning) = event {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            let told = ToldFacts::from(warning);
            let list = match told.incomplete {
                true => &mut heard.missing,
                false => &mut heard.notes,
            };
            match list.len() < KEPT {
                true => list.push(told),
                false => heard.more += 1,
            }
        }
        self.inner.on(event);
    }

    fn is_cancelled(&self) -> bool {
        self.inner.is_cancelled()
    }
}

impl From<&Warning> for ToldFacts {
    fn from(warning: &Warning) -> Self {
        let mut message = warning.to_string();
        if message.len() > LONGEST_MESSAGE {
            message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
            message.push_str("...");
        }
        Self {
            kind: warning.kind.as_str().into(),
            message,
            times: warning.count,
            incomplete: warning.kind.is_incomplete(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::{Silent, Subject, WarningKind};

    #[test]
    fn notes_without_end_leave_room_for_what_is_missing() {
        let hearing = Hearing::new(&Silent);
        let tell = |kind| {
            let subject = Subject::Table("articles".into());
            let warning = Warning::new(kind, subject, "x".repeat(5000));
            hearing.on(Event::Warned(&warning));
        };
        (0..KEPT + 2).for_each(|_| tell(WarningKind::Notice));
        tell(WarningKind::Unreadable);
        let (told, more) = hearing.into_parts();
        assert_eq!((told.len(), more), (KEPT + 1, 2));
        assert!(told[0].incomplete && !told[1].incomplete);
        assert!(told[0].message.len() < LONGEST_MESSAGE + 10);
    }
}
