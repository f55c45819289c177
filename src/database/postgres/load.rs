//! Sends rows in bulk, with `COPY`.

use super::explain::explain_copy;
use crate::database::Stop;
use crate::database::pending_rows::Batch;
use crate::error::{Error, Result};
use postgres::Client;
use std::io::Write;

/// Adds the rows of these batches, one batch after the other. `stop` tells whether this run is to stop, for messages.
///
/// # Errors
/// A row breaks a rule of its table.
pub(super) fn load(
    client: &mut Client,
    batches: &[Batch],
    target: &str,
    stop: &Stop,
) -> Result<()> {
    for batch in batches {
        let fail = |error| explain_copy(target, stop.is_requested(), batch, error);
        let mut writer = client.copy_in(&batch.insert.sql).map_err(fail)?;
        // What went wrong on the way, the end tells better.
        let written = writer.write_all(&batch.bytes);
        writer.finish().map_err(fail)?;
        written.map_err(|error| Error::failed(format!("cannot write to {target}: {error}")))?;
    }
    Ok(())
}
