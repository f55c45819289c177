//! Words PostgreSQL's errors.

use crate::database::pending_rows::Batch;
use crate::database::stop::cancelled;
use crate::error::Error;
use postgres::error::SqlState;

/// Says what failed, where, and what to do next. `action` is a verb phrase such as "read from".
///
/// `is_asked`: this run is to stop, and has its statements cancelled.
pub(super) fn explain(target: &str, is_asked: bool, action: &str, error: postgres::Error) -> Error {
    if error.code() == Some(&SqlState::QUERY_CANCELED) {
        return cancelled(target, action, is_asked, &reason(&error)).source(error);
    }
    let wrapped = Error::failed(format!("cannot {action} {target}: {}", reason(&error)));
    hinted(wrapped, &error).source(error)
}

/// The same for rows that were loaded; names the row.
pub(super) fn explain_copy(
    target: &str,
    is_asked: bool,
    batch: &Batch,
    error: postgres::Error,
) -> Error {
    if error.code() == Some(&SqlState::QUERY_CANCELED) {
        return cancelled(target, "write to", is_asked, &reason(&error)).source(error);
    }
    let row = error
        .as_db_error()
        .and_then(|error| line_of(error.where_()?));
    let place = match row {
        Some(row) => batch.name(row),
        None => format!("rows of {}", batch.insert.table),
    };
    let column = error
        .as_db_error()
        .and_then(|error| error.column().or_else(|| column_of(error.where_()?)))
        .map(|column| format!(", column {column}"))
        .unwrap_or_default();
    let wrapped = Error::failed(format!(
        "cannot write to {target}: {place}{column}: {}",
        reason(&error)
    ));
    hinted(wrapped, &error).source(error)
}

fn reason(error: &postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        // That of a broken rule is the whole row, hashes of passwords included.
        let is_row = matches!(
            *error.code(),
            SqlState::NOT_NULL_VIOLATION | SqlState::CHECK_VIOLATION
        );
        return match error.detail().filter(|_| !is_row) {
            Some(detail) => format!("{} ({detail})", error.message()),
            None => error.message().to_owned(),
        };
    }
    if error.is_closed() {
        return "the connection was closed".into();
    }
    // The error itself says only at which step it happened.
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let text = inner.to_string();
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
        source = inner.source();
    }
    reason
}

fn hinted(wrapped: Error, error: &postgres::Error) -> Error {
    const AGAIN: &str = "the server ended the connection; nothing was changed; run it again";
    const VALUE: &str = "nothing was changed; change the value where the archive was made, or the \
                         column, and run it again";
    let hint = match error.code() {
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            "check the user and the password in the project's database settings"
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => {
            "check the name of the database in the project's database settings"
        }
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) if hides_rows(error) => {
            "a restore has to see every row that it could delete or change: connect as a user whom \
             row-level security does not concern, the owner of the table or one with BYPASSRLS"
        }
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            "give the user the permission (GRANT), or connect as one who has it; a restore also reads \
             tables that are not Strapi's and refer to its rows"
        }
        Some(&SqlState::LOCK_NOT_AVAILABLE | &SqlState::T_R_DEADLOCK_DETECTED) => {
            "another program is using these tables; stop Strapi, or wait, and run it again"
        }
        Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => {
            "this server takes no changes; connect to the primary server"
        }
        Some(&SqlState::DISK_FULL) => "free some space on the server's disk and run it again",
        Some(&SqlState::TOO_MANY_CONNECTIONS) => {
            "wait until connections are free, and run it again"
        }
        Some(
            &SqlState::NOT_NULL_VIOLATION
            | &SqlState::UNIQUE_VIOLATION
            | &SqlState::CHECK_VIOLATION
            | &SqlState::EXCLUSION_VIOLATION,
        ) => VALUE,
        Some(code) if code.code().starts_with("22") => VALUE,
        Some(&SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN) => AGAIN,
        Some(_) => return wrapped,
        None if error.is_closed() => AGAIN,
        None => {
            "check that the server runs and that host, port and ssl in the project's database \
             settings are right"
        }
    };
    wrapped.hint(hint)
}

/// Whether the permission that is missing is the one to see all rows: the server's word for that, which
/// is the same in all languages, is where in its source it found out.
fn hides_rows(error: &postgres::Error) -> bool {
    error
        .as_db_error()
        .is_some_and(|error| error.routine() == Some("check_enable_rls"))
}

/// The row, counted from 0, in `COPY articles, line 3, column title: "..."`.
fn line_of(context: &str) -> Option<usize> {
    let after = context.split_once(", line ")?.1;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse::<usize>().ok()?.checked_sub(1)
}

fn column_of(context: &str) -> Option<&str> {
    let after = context.split_once(", column ")?.1;
    after.split([':', '\n']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_bad_row_is_read_from_the_servers_words() {
        let context = "COPY articles, line 3, column title: \"a, line 9\"";
        assert_eq!(line_of(context), Some(2));
        assert_eq!(column_of(context), Some("title"));
        assert_eq!(line_of("SQL statement"), None);
    }
}
