//! What is wrong with a source: the end of a transfer, or one line more in the report of a check.

use crate::error::{Error, Kind, Result};

/// How many faults are kept; of the others the number is.
const KEPT: usize = 100;

/// Whether a transfer goes on after something in its source was found to be damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFault {
    /// It ends: what is going to be loaded must be whole.
    #[default]
    Stop,
    /// It goes on as far as the source can be followed, and lists what it found.
    GoOn,
}

/// The faults of a source.
#[derive(Debug, Default)]
pub struct Faults {
    mode: OnFault,
    list: Vec<Error>,
    more: u64,
    /// How many of those in the list say where they stand.
    placed: usize,
}

impl Faults {
    /// None yet.
    pub(super) fn new(mode: OnFault) -> Self {
        Self {
            mode,
            ..Self::default()
        }
    }

    /// Takes a fault.
    ///
    /// # Errors
    /// The fault itself, where it ends the transfer.
    pub(super) fn add(&mut self, fault: Error) -> Result<()> {
        if self.mode == OnFault::Stop {
            return Err(fault);
        }
        if self.list.len() < KEPT {
            self.list.push(fault);
        } else {
            self.more += 1;
        }
        Ok(())
    }

    /// Says where those stand that came since this was last asked.
    pub(super) fn stood_at(&mut self, place: &dyn Fn() -> String) {
        for fault in self.list.get_mut(self.placed..).into_iter().flatten() {
            let bare = std::mem::replace(fault, Error::failed(""));
            *fault = bare.within(place());
        }
        self.placed = self.list.len();
    }

    /// Takes a fault that says where it stands, or stands nowhere.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub(super) fn add_placed(&mut self, fault: Error) -> Result<()> {
        self.add(fault)?;
        self.placed = self.list.len();
        Ok(())
    }

    /// Takes what ended a stream, if it is a fault of the source and no failure of the run.
    ///
    /// # Errors
    /// The error, where it ends the transfer.
    pub(super) fn end(&mut self, error: Error) -> Result<()> {
        match error.kind() {
            Kind::Archive => self.add_placed(error),
            _ => Err(error),
        }
    }

    /// Takes those of another list.
    pub(super) fn extend(&mut self, other: Self) {
        self.more += other.more;
        for fault in other.list {
            if self.list.len() < KEPT {
                self.list.push(fault);
            } else {
                self.more += 1;
            }
        }
    }

    /// Those that were kept, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        self.list.iter()
    }

    /// How many there are beside those that were kept.
    pub fn more(&self) -> u64 {
        self.more
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
