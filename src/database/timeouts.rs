//! How long to wait for others.

use std::time::Duration;

/// The longest wait for a lock that every database takes: 24 days. Some count milliseconds in 32
/// bits, one of them for the sign.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// How long to wait for a server or for a lock before a connection or a statement fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// How long a statement waits for a lock that somebody else holds on a table, a row or the whole
    /// database. Zero fails at once, where the database can; more than 24 days are 24 days.
    ///
    /// - SQLite counts in milliseconds; 5 s unless given (`sqlite3_busy_timeout`).
    /// - PostgreSQL counts in milliseconds, from 1; 30 s unless given, and then only in transactions
    ///   that write (`lock_timeout`).
    /// - MySQL and MariaDB count in whole seconds, from 1, and are given the next larger number; for
    ///   rows it is 30 s unless given (`innodb_lock_wait_timeout`), for tables what the server is
    ///   configured to (`lock_wait_timeout`).
    pub lock: Option<Duration>,
    /// How long to wait for a server to accept a connection over TCP; 15 s by default. SQLite has
    /// none.
    pub connect: Duration,
    /// How long a server may take, in all, until it has accepted user and password; 60 s by default, as Knex has it
    /// (`acquireConnectionTimeout`). SQLite has none.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            lock: None,
            connect: Duration::from_secs(15),
            answer: Duration::from_secs(60),
        }
    }
}

impl Timeouts {
    /// The wait for a lock, if one is given, in a length that every database takes.
    pub(super) fn lock(&self) -> Option<Duration> {
        self.lock.map(|wait| wait.min(LONGEST))
    }
}
