//! Sends rows in bulk, in statements with many rows.

use super::RAISE_PACKET;
use super::explain::explain_rows;
use crate::database::Stop;
use crate::database::pending_rows::Batch;
use crate::error::{Error, Result};
use mysql::Conn;
use mysql::prelude::Queryable;

/// How long a statement that adds rows may get, where the server takes that much.
const LONGEST_INSERT: usize = 1 << 20;

/// What rows are sent with.
pub(super) struct Loader {
    pub target: String,
    /// The longest statement that the server takes.
    pub longest_packet: usize,
    /// Tells whether this run is to stop, for messages.
    pub stop: Stop,
}

impl Loader {
    /// Adds the rows of a batch, in statements that are as long as the server takes them.
    ///
    /// # Errors
    /// A row breaks a rule of its table, or is longer than a statement may be.
    pub fn load(&self, connection: &mut Conn, batch: &Batch) -> Result<()> {
        let head = &batch.insert.sql;
        // One byte of a packet names the command.
        let longest = self.longest_packet.saturating_sub(1);
        let mut statement = head.clone();
        let mut first = 0;
        let mut start = 0;
        for (index, &(end, _)) in batch.rows.iter().enumerate() {
            let row = std::str::from_utf8(&batch.bytes[start..end])
                .map_err(|error| Error::failed(format!("{}: {error}", batch.name(index))))?;
            start = end;
            if head.len() + row.len() > longest {
                return Err(Error::failed(format!(
                    "cannot write to {}: {} takes {} bytes, and the server accepts {longest}",
                    self.target,
                    batch.name(index),
                    row.len()
                ))
                .hint(RAISE_PACKET));
            }
            if index > first && statement.len() + 1 + row.len() > longest.min(LONGEST_INSERT) {
                self.load_rows(connection, batch, first, &statement)?;
                statement.truncate(head.len());
                first = index;
            }
            if index > first {
                statement.push(',');
            }
            statement.push_str(row);
        }
        if first < batch.rows.len() {
            self.load_rows(connection, batch, first, &statement)?;
        }
        Ok(())
    }

    fn load_rows(
        &self,
        connection: &mut Conn,
        batch: &Batch,
        first: usize,
        statement: &str,
    ) -> Result<()> {
        connection.query_drop(statement).map_err(|error| {
            explain_rows(&self.target, self.stop.is_requested(), batch, first, error)
        })
    }
}
