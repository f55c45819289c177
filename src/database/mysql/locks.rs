//! Named locks as user-level locks (`GET_LOCK`), of which a connection may hold several: since MySQL
//! 5.7.5 and MariaDB 10.0.2.
//!
//! The server has them for all databases together and knows no shared ones. So a lock is a row of
//! numbered ones: who shares it holds one of them, who has it alone holds all.

use super::Mysql;
use crate::database::lock::{digest, patiently, refused};
use crate::database::{Connection, LockMode};
use crate::error::Result;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// How many connections can share a lock.
const PLACES: usize = 16;

/// Takes a lock.
pub(super) fn lock(
    mysql: &mut Mysql,
    name: &str,
    mode: LockMode,
    patience: Duration,
) -> Result<()> {
    let database = mysql.names("SELECT database()", &[])?;
    let places = places(database.first().map_or("", String::as_str), name);
    let taken = patiently(patience, || match mode {
        LockMode::Shared => take_one(mysql, &places),
        LockMode::Exclusive => take_all(mysql, &places),
    })?;
    if taken {
        return Ok(());
    }
    let holders = holders(mysql, &places)?;
    Err(refused(mysql.target(), name, holders))
}

/// The names of the locks that make up one; the server takes at most 64 characters.
fn places(database: &str, name: &str) -> Vec<String> {
    let mut prefix = "backup:".to_owned();
    for byte in &digest(&[database, name])[..16] {
        let _ = write!(prefix, "{byte:02x}");
    }
    (0..PLACES)
        .map(|number| format!("{prefix}:{number}"))
        .collect()
}

fn take_one(mysql: &mut Mysql, places: &[String]) -> Result<bool> {
    for place in places {
        if take(mysql, place)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes all of them or none. All go through them in the same order, so that of several that want
/// all, one gets them.
fn take_all(mysql: &mut Mysql, places: &[String]) -> Result<bool> {
    for (number, place) in places.iter().enumerate() {
        if take(mysql, place)? {
            continue;
        }
        for taken in &places[..number] {
            mysql.number("SELECT RELEASE_LOCK(?)", &[taken.as_str().into()])?;
        }
        return Ok(false);
    }
    Ok(true)
}

fn take(mysql: &mut Mysql, place: &str) -> Result<bool> {
    Ok(mysql.number("SELECT GET_LOCK(?, 0)", &[place.into()])? == 1)
}

/// Who holds them. What users of the server may not see of each other is left out.
fn holders(mysql: &mut Mysql, places: &[String]) -> Result<Vec<String>> {
    let own = mysql.number("SELECT CONNECTION_ID()", &[])?;
    let mut ids = BTreeSet::new();
    for place in places {
        let sql = "SELECT IS_USED_LOCK(?)";
        mysql.query(sql, &[place.as_str().into()], &mut |row| {
            ids.extend(row.value(0)?.as_i64().filter(|id| *id != own));
            Ok(())
        })?;
    }
    let mut holders = Vec::new();
    for id in ids {
        let sql = "SELECT concat(user, '@', host) FROM information_schema.processlist WHERE id = ?";
        let user = mysql.names(sql, &[id.into()])?;
        holders.push(match user.first() {
            Some(user) => format!("connection {id} ({user})"),
            None => format!("connection {id}"),
        });
    }
    Ok(holders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_locks_are_short_and_hold_the_databases_name() {
        let places = places(&"site".repeat(16), "restore");
        assert_eq!(places.len(), PLACES);
        assert!(places.iter().all(|place| place.len() <= 64));
        assert_ne!(places, super::places("other", "restore"));
    }
}
