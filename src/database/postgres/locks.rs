//! Named locks as advisory locks, which PostgreSQL keeps for each database apart.

use super::Postgres;
use crate::database::lock::{digest, patiently, refused};
use crate::database::{Connection, LockMode, Value};
use crate::error::Result;
use std::time::Duration;

/// Takes a lock.
pub(super) fn lock(
    postgres: &mut Postgres,
    name: &str,
    mode: LockMode,
    patience: Duration,
) -> Result<()> {
    let key = key(name);
    let sql = match mode {
        LockMode::Shared => "SELECT pg_catalog.pg_try_advisory_lock_shared(?)",
        LockMode::Exclusive => "SELECT pg_catalog.pg_try_advisory_lock(?)",
    };
    let taken = patiently(patience, || Ok(postgres.number(sql, &[key.into()])? == 1))?;
    if taken {
        return Ok(());
    }
    let holders = holders(postgres, key)?;
    Err(refused(postgres.target(), name, holders))
}

/// The number of a lock.
fn key(name: &str) -> i64 {
    let digest = digest(&[name]);
    i64::from_be_bytes(std::array::from_fn(|index| digest[index]))
}

/// Who holds a lock. What users of the server may not see of each other is left out.
fn holders(postgres: &mut Postgres, key: i64) -> Result<Vec<String>> {
    // The two halves of the key; 1 marks a key that is one number.
    let sql = "SELECT pid, host(client_addr), to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS TZ') \
               FROM pg_catalog.pg_locks LEFT JOIN pg_catalog.pg_stat_activity USING (pid) WHERE \
               locktype = 'advisory' AND granted AND database = (SELECT oid FROM \
               pg_catalog.pg_database WHERE datname = current_database()) AND classid = ? AND \
               objid = ? AND objsubid = 1 AND pid <> pg_backend_pid() ORDER BY backend_start, pid";
    let halves = [key >> 32 & 0xffff_ffff, key & 0xffff_ffff];
    named(postgres, sql, &halves.map(Value::Integer))
}

/// Who else is connected to the database.
pub(super) fn others(postgres: &mut Postgres) -> Result<Vec<String>> {
    let sql = "SELECT pid, host(client_addr), to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS TZ') \
               FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> \
               pg_backend_pid() AND backend_type = 'client backend' ORDER BY backend_start, pid";
    named(postgres, sql, &[])
}

/// Words for the processes of the server that a query gives with their addresses and ages.
fn named(postgres: &mut Postgres, sql: &str, parameters: &[Value<'_>]) -> Result<Vec<String>> {
    let mut holders = Vec::new();
    postgres.query(sql, parameters, &mut |row| {
        let mut known = Vec::new();
        if let Some(address) = row.value(1)?.as_str() {
            known.push(format!("from {address}"));
        }
        if let Some(since) = row.value(2)?.as_str() {
            known.push(format!("connected since {since}"));
        }
        let mut holder = match row.value(0)?.as_i64() {
            Some(pid) => format!("process {pid}"),
            None => "a process".to_owned(),
        };
        if !known.is_empty() {
            holder.push_str(&format!(" ({})", known.join(", ")));
        }
        holders.push(holder);
        Ok(())
    })?;
    Ok(holders)
}
