//! What a transfer tells while it runs.

use super::Warning;
use crate::model::Stage;

/// What happens in a transfer. A bar, a line and a JSON object are ways to draw one of these.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// What the transfer does next, outside the stages.
    Entered(Phase),
    /// A stage starts; `items` is how many rows or files it has, where that is known.
    StageStarted {
        /// The stage.
        stage: Stage,
        /// Rows, links or files.
        items: Option<u64>,
    },
    /// So many more items and bytes of a stage are through.
    Advanced {
        /// The stage.
        stage: Stage,
        /// Rows, links or files.
        items: u64,
        /// Bytes of lines or files.
        bytes: u64,
    },
    /// A stage is through.
    StageFinished {
        /// The stage.
        stage: Stage,
    },
    /// Something was left out, or should be known; the transfer goes on.
    Warned(&'a Warning),
}

/// What a transfer does outside the stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The source is looked at before anything is changed for it.
    Checking,
    /// What was taken is made visible.
    Finishing,
}

/// Somebody who watches a transfer: a terminal, a log, a test.
///
/// Methods may be called from any thread of the transfer and should return quickly.
pub trait Observer: Sync {
    /// Hears of an event.
    fn on(&self, _event: Event<'_>) {}
    /// Whether the user wants the transfer to stop. Asked once an item or block.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// An observer that looks away.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {}
