//! Errors of SQLite in words that help.

use crate::error::Error;
use rusqlite::ErrorCode;

/// Whether somebody else's lock is in the way.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// Words an error; `action` is a verb phrase such as "open the database".
pub(super) fn explain(target: &str, action: &str, error: rusqlite::Error) -> Error {
    let hint = match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => return Error::interrupted().source(error),
        Some(ErrorCode::NotADatabase) => {
            Some("the file is not a SQLite database; check DATABASE_FILENAME in the project's .env")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Some("another program is writing to it; stop Strapi, or wait, and run it again")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Some("run it as the user who owns the project, or give this user the permission")
        }
        Some(ErrorCode::DiskFull) => Some("free some space on the disk and run it again"),
        Some(ErrorCode::DatabaseCorrupt) => {
            Some("check it with: sqlite3 FILE 'PRAGMA integrity_check'")
        }
        _ => None,
    };
    let wrapped = Error::failed(format!("cannot {action} {target}: {error}"));
    match hint {
        Some(hint) => wrapped.hint(hint),
        None => wrapped,
    }
    .source(error)
}
