//! Files that go to a site whose rows stay as they are.

use super::talk::Push;
use crate::error::Result;
use crate::model::Stage;
use crate::store::Interrupt;

/// The row that such files are sent with: the server takes no file without one, and forgets it again.
pub(super) const ROW: i64 = 1;
const ROW_LINE: &str = r#"{"type":"plugin::upload.file","id":1,"data":{"name":"backup","hash":"backup","ext":".tmp","mime":"application/octet-stream","size":0,"url":"/uploads/backup.tmp","provider":"local"}}"#;

/// Sends the row.
///
/// # Errors
/// The server refuses it, or the connection breaks.
pub(super) fn send_row(push: &mut Push) -> Result<()> {
    push.start(Stage::Entities)?;
    push.row(ROW_LINE)
}

/// Stops where the user wants that, once the server has whole files alone: some end with half of one in their hands.
///
/// # Errors
/// Kind [`Interrupted`](crate::error::Kind::Interrupted).
pub(super) fn stop_between_files(push: &mut Push, interrupt: &Interrupt) -> Result<()> {
    let Err(stop) = interrupt.stop() else {
        return Ok(());
    };
    // It ends in any case.
    let _ = push.rest();
    Err(stop)
}
