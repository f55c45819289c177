//! The stages of an archive, as a source comes to them.

use super::table::Table;
use crate::error::Result;
use crate::model::Stage;
use crate::transfer::{Filter, Sink};

/// The stages, one after the other.
pub struct Steps<'a> {
    filter: &'a Filter,
    table: &'a Table,
    next: usize,
}

impl<'a> Steps<'a> {
    /// At the beginning: those of this filter, with the counts of this table.
    pub fn new(filter: &'a Filter, table: &'a Table) -> Self {
        Self {
            filter,
            table,
            next: 0,
        }
    }

    /// Whether a later stage than this one has begun.
    pub fn is_past(&self, stage: Stage) -> bool {
        let now = self.next.checked_sub(1).and_then(|it| Stage::ALL.get(it));
        now.is_some_and(|now| *now > stage)
    }

    /// Comes to a stage; gives whether it takes part, and is not over.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn enter(&mut self, stage: Stage, sink: &mut dyn Sink) -> Result<bool> {
        while let Some(next) = Stage::ALL.get(self.next).filter(|next| **next <= stage) {
            self.next += 1;
            if self.filter.includes(*next) {
                sink.stage(
                    *next,
                    Some(self.table.items.get(next).copied().unwrap_or(0)),
                )?;
            }
        }
        let is_now = Stage::ALL.get(self.next.wrapping_sub(1)) == Some(&stage);
        Ok(is_now && self.filter.includes(stage))
    }

    /// Comes to the last one.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn finish(mut self, sink: &mut dyn Sink) -> Result<()> {
        self.enter(Stage::Configuration, sink).map(drop)
    }
}
