//! What a drill finds: differences, and what should be known beside them.

use crate::model::Stage;
use crate::transfer::{Subject, Warning, WarningKind};
use std::fmt;

/// How many differences are kept one by one.
pub(super) const LISTED: usize = 100;

/// What is not as it was.
#[derive(Debug, Default)]
pub struct Differences {
    /// The first ones.
    pub list: Vec<Difference>,
    /// How many there are.
    pub count: u64,
    /// Files that are served elsewhere than their rows said, as they would be after any restore.
    pub moved: u64,
    /// Values that SQLite holds, and other databases refuse.
    pub foreign: u64,
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The stage that it is of.
    pub stage: Stage,
    /// What it is.
    pub what: String,
    /// What became of it.
    pub how: How,
}

/// What became of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It did not come back.
    Missing,
    /// It came, and was not there.
    Extra,
    /// It came back otherwise, in these attributes, as far as that can be told.
    Changed(Vec<String>),
    /// The values of these attributes are none of their kind, whatever comes back.
    Unfit(Vec<String>),
    /// It says another kind of relation than the schema.
    Foreign,
    /// It came back another number of times.
    Times(u64, u64),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.stage, self.what)?;
        match &self.how {
            How::Missing => f.write_str("it does not come back"),
            How::Extra => f.write_str("it comes back, and is not in the archive"),
            How::Changed(which) if which.is_empty() => f.write_str("it comes back otherwise"),
            How::Changed(which) => write!(f, "it comes back otherwise: {}", which.join(", ")),
            How::Unfit(which) => write!(f, "no value of its kind: {}", which.join(", ")),
            How::Foreign => f.write_str("it says another relation than the schema"),
            How::Times(into, out) => write!(f, "it is there {into} times, and comes back {out}"),
        }
    }
}

impl Differences {
    /// What is as it was, and should be known.
    pub fn notes(&self) -> Vec<Warning> {
        let of = |count: u64, stage: Stage, reason: &str| {
            let reason = format!("{count} {reason}");
            let note = Warning::new(WarningKind::Notice, Subject::Stage(stage), reason);
            (count > 0).then(|| note.times(count))
        };
        let moved = of(
            self.moved,
            Stage::Assets,
            "urls of files lead elsewhere than into an upload folder; a restore gives them others",
        );
        let foreign = of(
            self.foreign,
            Stage::Entities,
            "values are such as SQLite holds and other databases may refuse: a fraction of an integer, a NUL in a text",
        );
        moved.into_iter().chain(foreign).collect()
    }

    /// Adds one.
    pub(super) fn add(&mut self, difference: Difference) {
        self.count += 1;
        if self.list.len() < LISTED {
            self.list.push(difference);
        }
    }
}
