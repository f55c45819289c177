//! Named locks that a server keeps for as long as a connection lives.

use crate::error::{Error, Kind, Result};
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

/// How long to wait before trying again.
const PAUSE: Duration = Duration::from_millis(100);
/// How many holders a message names.
const NAMED: usize = 4;

/// Whom a lock lets in beside its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Others that share it.
    Shared,
    /// Nobody.
    Exclusive,
}

/// What came of asking for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a database without locks has to be locked in another way"]
pub enum Locking {
    /// The connection holds it until it ends.
    Held,
    /// This kind of database has no such locks; nothing is held.
    Unsupported,
}

/// Tries, with pauses, until it is done or `patience` is at its end; once at least. Gives whether it
/// was done.
pub(super) fn patiently(
    patience: Duration,
    mut attempt: impl FnMut() -> Result<bool>,
) -> Result<bool> {
    // A patience past the end of the clock has no end.
    let deadline = Instant::now().checked_add(patience);
    loop {
        if attempt()? {
            return Ok(true);
        }
        let left = deadline.map_or(PAUSE, |end| end.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Ok(false);
        }
        std::thread::sleep(left.min(PAUSE));
    }
}

/// What stands for a lock in a server that has numbers or short names for them: a hash of the
/// names, which is the same in every version of this program.
pub(super) fn digest(names: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"backup");
    for name in names {
        hash.update(b"\0");
        hash.update(name);
    }
    hash.finalize().into()
}

/// Says that others hold a lock. `holders` are what the server tells of them.
pub(super) fn refused(target: &str, name: &str, mut holders: Vec<String>) -> Error {
    let more = holders.len().saturating_sub(NAMED);
    holders.truncate(NAMED);
    if more > 0 {
        holders.push(format!("{more} more"));
    }
    let holders = if holders.is_empty() {
        "another connection".to_owned()
    } else {
        holders.join(", ")
    };
    Error::new(
        Kind::Locked,
        format!("the lock `{name}` of {target} is held by {holders}"),
    )
    .hint("wait until the other run has ended, and run it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        assert_ne!(digest(&["site", "a"]), digest(&["sit", "ea"]));
        assert_ne!(digest(&["site", "a"]), digest(&["other", "a"]));
        // Versions of this program that run at the same time have to agree.
        assert_eq!(digest(&["site", "a"])[..4], [0xef, 0x2, 0xb4, 0xa]);
    }

    #[test]
    fn patience_zero_tries_once() {
        let mut attempts = 0;
        let mut attempt = || {
            attempts += 1;
            Ok(false)
        };
        assert!(!patiently(Duration::ZERO, &mut attempt).expect("no error"));
        assert_eq!(attempts, 1);
    }

    #[test]
    fn what_comes_free_is_taken() {
        let mut attempts = 0;
        let done = patiently(Duration::MAX, || {
            attempts += 1;
            Ok(attempts == 2)
        });
        assert!(done.expect("no error"));
    }

    #[test]
    fn a_message_names_some_holders() {
        let holders = (1..=6).map(|id| format!("process {id}")).collect();
        let error = refused("postgres://db/site", "restore", holders);
        assert_eq!(error.kind(), Kind::Locked);
        let message = error.to_string();
        assert!(message.contains("postgres://db/site"), "{message}");
        assert!(message.ends_with("process 4, 2 more"), "{message}");
        let error = refused("db", "restore", Vec::new());
        assert!(error.to_string().contains("another connection"), "{error}");
    }
}
