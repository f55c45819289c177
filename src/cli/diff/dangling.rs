//! Notes of links to nothing, while two sides are read.

use crate::model::Short;
use crate::transfer::{Event, Observer, Warning, WarningKind};
use std::sync::{Mutex, PoisonError};

/// Holds the notes of links to nothing back until progress has been shown, and shortens them: there may be many, and none
/// of them is about a difference.
pub(super) struct Dangling<'a> {
    next: &'a dyn Observer,
    name: &'a str,
    held: Mutex<Vec<Warning>>,
}

/// How long the reason of such a note may be.
const LONGEST_REASON: usize = 100;

impl<'a> Dangling<'a> {
    /// For the side of this name.
    pub fn new(next: &'a dyn Observer, name: &'a str) -> Self {
        Self {
            next,
            name,
            held: Mutex::default(),
        }
    }

    /// Tells them.
    pub fn tell(self) {
        let held = self.held.into_inner();
        for warning in held.unwrap_or_else(PoisonError::into_inner) {
            self.next.on(Event::Warned(&warning));
        }
    }
}

impl Observer for Dangling<'_> {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Warned(warning) if warning.kind == WarningKind::OrphanLink => {
                let first = warning.reason.split("; ").next().unwrap_or_default();
                let mut reason: String = first.chars().take(LONGEST_REASON).collect();
                if reason.len() < warning.reason.len() {
                    reason.push_str(" ...");
                }
                let reason = format!("{reason} (in {})", Short(self.name));
                let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
                held.push(Warning {
                    kind: warning.kind,
                    subject: warning.subject.clone(),
                    count: warning.count,
                    reason,
                });
            }
            event => self.next.on(event),
        }
    }

    fn is_cancelled(&self) -> bool {
        self.next.is_cancelled()
    }
}
