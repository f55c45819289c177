//! Imports into one target at the same time: whoever has seen that it is empty must be the only one.

use super::places::{Imports, may_not, options};
use crate::error::{Error, Kind, Result};
use crate::store::{folder_of, not_opened, open_plain};
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// What the name of the file ends with that is held.
const ENDING: &str = ".import-target";

impl Imports<'_> {
    /// Holds the target until the file is closed, `alone` or beside others that need not be; among the runs of this user on
    /// this machine, and `None` where the user's own folder may not be written. What is held stays there, empty.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): another run holds it.
    pub fn hold_target(&self, own: Option<&Path>, alone: bool) -> Result<Option<File>> {
        let Some(own) = own else {
            return Ok(None);
        };
        let hash = Sha256::digest(self.endpoint.as_bytes());
        let key: String = hash[..8].iter().map(|it| format!("{it:02x}")).collect();
        let path = own.join(format!("{}-{key}{ENDING}", self.family));
        let mut folders = DirBuilder::new();
        let made = folders.recursive(true).mode(0o700).create(folder_of(&path));
        let file = match made.and_then(|()| open_plain(options().create(true), &path)) {
            Ok(file) => file,
            Err(error) if may_not(&error) || error.kind() == io::ErrorKind::NotADirectory => {
                return Ok(None);
            }
            Err(error) => return Err(not_opened("write", &path, error)),
        };
        let held = match alone {
            true => file.try_lock(),
            false => file.try_lock_shared(),
        };
        match held {
            Err(TryLockError::WouldBlock) => {
                let what = format!("another run imports into {}", self.endpoint);
                Err(Error::new(Kind::Locked, what)
                    .hint("wait until it has ended: what both send would get the same uids"))
            }
            // Where a file system knows no locks, nobody is held up.
            Err(TryLockError::Error(_)) => Ok(None),
            Ok(()) => Ok(Some(file)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_must_be_alone_is_and_others_are_beside_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().join("own");
        let imports = Imports {
            family: "test",
            set: "set",
            target: "server",
            endpoint: "http://localhost:1/",
            content: "x",
        };
        let hold = |alone| imports.hold_target(Some(&own), alone);
        let first = hold(false).expect("held");
        let second = hold(false).expect("held");
        assert!(first.is_some() && second.is_some());
        let error = hold(true).expect_err("not alone");
        assert!(error.kind() == Kind::Locked && error.advice().is_some());
        drop((first, second));
        let alone = hold(true).expect("held");
        assert!(alone.is_some() && hold(false).is_err());
        let other = Imports {
            endpoint: "http://localhost:2/",
            ..imports
        };
        assert!(other.hold_target(Some(&own), true).is_ok());
        assert!(imports.hold_target(None, true).is_ok_and(|it| it.is_none()));
    }
}
