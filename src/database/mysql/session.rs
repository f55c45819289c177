//! Opens a connection and sets what the rest of this room relies on.

use super::explain::explain;
use super::tls::Relay;
use crate::database::Timeouts;
use crate::database::settings::ServerSettings;
use crate::error::{Error, Result};
use jiff::tz::{Offset, TimeZone};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};
use std::time::Duration;

/// How many prepared statements are kept: one a table is enough for large projects.
const CACHED_STATEMENTS: usize = 256;

/// Nothing is cut to fit, backslashes are letters, ids may be 0, and zero dates may be restored:
/// strict mode alone allows them. The zone of the session is left as Strapi finds it, because it
/// decides what TIMESTAMP columns show.
const SESSION: [&str; 3] = [
    "SET NAMES utf8mb4",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,\
     NO_ENGINE_SUBSTITUTION'",
    "SET SESSION sql_safe_updates = 0, foreign_key_checks = 1, innodb_lock_wait_timeout = 30, \
     wait_timeout = 86400, net_read_timeout = 3600, net_write_timeout = 3600",
];

/// No limit ends a long query. The first is MariaDB's, the second MySQL's; each refuses the other.
const LIMITS: [&str; 2] = [
    "SET SESSION max_statement_time = 0",
    "SET SESSION max_execution_time = 0",
];

/// Connects to the server, and leaves the session as it is.
pub(super) fn connect(settings: &ServerSettings, timeouts: Timeouts, target: &str) -> Result<Conn> {
    let mut options = OptsBuilder::new()
        .user(Some(&settings.user).filter(|user| !user.is_empty()))
        .pass(settings.password.as_ref().map(|password| password.expose()))
        .db_name(Some(&settings.database))
        .prefer_socket(false)
        .tcp_connect_timeout(Some(timeouts.connect))
        .tcp_keepalive_time_ms(Some(60_000))
        .stmt_cache_size(CACHED_STATEMENTS);
    let tls = settings.tls.as_ref().filter(|_| settings.socket.is_none());
    let relay = tls
        .map(|tls| Relay::open(settings, tls, timeouts, target))
        .transpose()?;
    let relayed = relay.as_ref().map(|relay| &relay.socket);
    options = match relayed.or(settings.socket.as_ref()) {
        // Without one the client would go to another server.
        Some(socket) => options.socket(Some(socket.to_str().ok_or_else(|| {
            let socket = socket.display();
            Error::failed(format!(
                "cannot open {target}: the path {socket} is not UTF-8"
            ))
            .hint("name another socket, or with TLS another folder for temporary files (TMPDIR)")
        })?)),
        None => options
            .ip_or_hostname(Some(&settings.host))
            .tcp_port(settings.port),
    };
    Conn::new(options).map_err(|error| explain(target, false, "open", error))
}

/// Connects to the server and sets the session up.
pub(super) fn open(settings: &ServerSettings, timeouts: Timeouts, target: &str) -> Result<Conn> {
    let mut connection = connect(settings, timeouts, target)?;
    let locks = timeouts.lock().map(|wait| {
        let seconds = lock_wait(wait);
        format!("SET SESSION innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}")
    });
    for sql in SESSION.into_iter().chain(locks.as_deref()) {
        connection
            .query_drop(sql)
            .map_err(|error| explain(target, false, "open", error))?;
    }
    for sql in LIMITS {
        let _ = connection.query_drop(sql);
    }
    Ok(connection)
}

/// A wait in whole seconds, the least of which is one.
fn lock_wait(wait: Duration) -> u64 {
    let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    whole.max(1)
}

/// The zone in which Node's driver stores times: the connection's `timezone`, `local` by default.
pub(super) fn zone(settings: &ServerSettings, local: TimeZone) -> Result<TimeZone> {
    let Some(given) = settings.options.0.get("timezone") else {
        return Ok(local);
    };
    match given.as_str().unwrap_or_default() {
        "local" | "" => Ok(local),
        "Z" => Ok(TimeZone::UTC),
        text => offset(text).map(TimeZone::fixed).ok_or_else(|| {
            Error::failed(format!(
                "the timezone `{text}` of the database connection is not one that Strapi's driver \
                 knows"
            ))
            .hint("use local, Z, or an offset such as +02:00")
        }),
    }
}

fn offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    Offset::from_seconds(sign * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_rounded_up_to_seconds() {
        for (milliseconds, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (30_000, 30)] {
            assert_eq!(lock_wait(Duration::from_millis(milliseconds)), seconds);
        }
    }

    #[test]
    fn offsets_are_read_as_the_driver_reads_them() {
        let seconds = |text| offset(text).map(Offset::seconds);
        assert_eq!(seconds("+02:00"), Some(7200));
        assert_eq!(seconds("-05:30"), Some(-19_800));
        assert_eq!(seconds("Europe/Paris"), None);
        assert_eq!(seconds(""), None);
    }
}
