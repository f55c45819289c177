//! Words the errors of MySQL and MariaDB.

use super::tls::TLS_FAILED;
use crate::database::pending_rows::Batch;
use crate::database::stop::cancelled;
use crate::error::Error;
use mysql::error::Error as Failure;

/// Says what failed, where, and what to do next. `action` is a verb phrase such as "read from".
///
/// `is_asked`: this run is to stop, and has its statements cancelled.
pub(super) fn explain(target: &str, is_asked: bool, action: &str, error: Failure) -> Error {
    if is_stopped(&error) {
        return cancelled(target, action, is_asked, &reason(&error)).source(error);
    }
    let wrapped = Error::failed(format!("cannot {action} {target}: {}", reason(&error)));
    hinted(wrapped, action, &error).source(error)
}

/// The same for rows that were loaded, of which `first` was the first in the statement.
pub(super) fn explain_rows(
    target: &str,
    is_asked: bool,
    batch: &Batch,
    first: usize,
    error: Failure,
) -> Error {
    if is_stopped(&error) {
        return cancelled(target, "write to", is_asked, &reason(&error)).source(error);
    }
    let reason = reason(&error);
    let place = match row_of(&reason) {
        Some(row) => batch.name(first + row),
        None => format!("rows of {}", batch.insert.table),
    };
    let wrapped = Error::failed(format!("cannot write to {target}: {place}: {reason}"));
    hinted(wrapped, "write to", &error).source(error)
}

/// Whether the statement was stopped, by this run or somebody else.
fn is_stopped(error: &Failure) -> bool {
    matches!(error, Failure::MySqlError(error) if matches!(error.code, 1317 | 1969 | 3024))
}

fn reason(error: &Failure) -> String {
    match error {
        Failure::MySqlError(error) => error.message.clone(),
        Failure::IoError(error) => error.to_string(),
        Failure::CodecError(error) => error.to_string(),
        Failure::DriverError(error) => error.to_string(),
        other => other.to_string(),
    }
}

fn hinted(wrapped: Error, action: &str, error: &Failure) -> Error {
    let hint = match error {
        Failure::MySqlError(error) => match error.code {
            1045 | 1698 => "check the user and the password in the project's database settings",
            TLS_FAILED => {
                "check that host and ssl in the project's database settings are right, and the server's certificate"
            }
            1049 => "check the name of the database in the project's database settings",
            1044 | 1142 | 1143 | 1227 => {
                "give the user the permission (GRANT), or connect as a user who has it"
            }
            1205 | 1213 => {
                "another program is using these tables; stop Strapi, or wait, and run it again"
            }
            1290 | 1792 | 1836 => "this server takes no changes; connect to the primary server",
            1021 | 1114 => "free some space on the server's disk and run it again",
            1040 | 1203 => "wait until connections are free, and run it again",
            1153 => "raise max_allowed_packet in the server's configuration and run it again",
            1048 | 1062 | 1264 | 1292 | 1364 | 1366 | 1406 | 3140 | 3819 | 4025 => {
                "nothing was changed; change the value where the archive was made, or the column, \
                 and run it again"
            }
            1053 | 1927 | 4031 => {
                "the server ended the connection; nothing was changed; run it again"
            }
            _ => return wrapped,
        },
        _ if action == "open" => {
            "check that the server runs and that host, port and ssl in the project's database \
             settings are right"
        }
        Failure::IoError(_) | Failure::CodecError(_) | Failure::DriverError(_) => {
            "the connection was lost; nothing was changed; run it again"
        }
        _ => return wrapped,
    };
    wrapped.hint(hint)
}

/// The row, counted from 0, in `Data too long for column 'title' at row 3`.
fn row_of(message: &str) -> Option<usize> {
    let digits = message.rsplit_once(" at row ")?.1;
    digits.trim().parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_bad_row_is_read_from_the_servers_words() {
        let message = "Data too long for column 'a at row 7' at row 3";
        assert_eq!(row_of(message), Some(2));
        assert_eq!(row_of("Duplicate entry '1' for key 'PRIMARY'"), None);
    }
}
