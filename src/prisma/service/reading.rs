//! The pages of an export, one after the other.

use super::super::ndf::ValueType;
use super::client::{Cursor, Exported, Service};
use crate::error::{Error, Result};

/// How many pages without elements may come in a row. Servers go through tables without rows within one page.
const EMPTY: u32 = 100;

/// The pages of one kind that a service holds.
pub struct Reading<'a> {
    service: &'a Service,
    kind: ValueType,
    cursor: Cursor,
    /// How many pages without elements came in a row.
    empty: u32,
}

impl Service {
    /// The pages of a kind from a cursor on.
    pub fn pages(&self, kind: ValueType, cursor: Cursor) -> Reading<'_> {
        Reading {
            service: self,
            kind,
            cursor,
            empty: 0,
        }
    }
}

impl Reading<'_> {
    /// The next page; `None` behind the last one.
    ///
    /// # Errors
    /// The service does not answer, or not with a page, or with one that leads back, or with pages without elements that do
    /// not end; or the user wants the run to stop.
    pub fn next_page(&mut self) -> Result<Option<Exported>> {
        if self.cursor.is_end() {
            return Ok(None);
        }
        let page = self.service.export(self.kind, self.cursor)?;
        self.cursor = page.next;
        self.empty = match page.elements.is_empty() {
            true => self.empty + 1,
            false => 0,
        };
        if self.empty >= EMPTY && !self.cursor.is_end() {
            let what = format!(
                "{} gives pages of {} without anything in them, {EMPTY} in a row by now, and none of them is the last",
                self.service.endpoint(),
                self.kind
            );
            return Err(Error::failed(what).hint("see what the server's log says"));
        }
        Ok(Some(page))
    }
}
