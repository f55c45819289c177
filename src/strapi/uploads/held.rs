//! Staging folders are there for one run at a time.

use super::journal::JOURNAL;
use crate::error::{Error, Kind, Result};
use crate::store::{not_opened, open_plain};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// A staging folder that is held: nobody else moves its files or deletes it. Dropped, it is free.
///
/// It is its journal that is locked. Runs on other machines see that too where the file system is
/// shared and has locks; where it has none, only the locks of the project keep them away.
pub(in crate::strapi) struct Held {
    _journal: File,
}

/// Makes the journal of a new staging folder, with nothing in it, and holds the folder.
///
/// # Errors
/// It cannot be made.
pub(super) fn make(staging: &Path) -> Result<Held> {
    let path = staging.join(JOURNAL);
    let made = OpenOptions::new().write(true).create_new(true).open(&path);
    lock(
        staging,
        made.map_err(|error| Error::io("make the journal", &path, error))?,
    )
}

/// Holds a staging folder that a run left; `None` where it has no journal, and nobody works in it.
///
/// # Errors
/// Kind [`Locked`](Kind::Locked): the run has not ended. Or its journal is none.
pub(super) fn hold(staging: &Path) -> Result<Option<Held>> {
    let path = staging.join(JOURNAL);
    // Over a network, only who may write may lock; on a file system that is read-only, nobody writes.
    let journal = open_plain(OpenOptions::new().read(true).write(true), &path)
        .or_else(|_| open_plain(OpenOptions::new().read(true), &path));
    match journal {
        Ok(journal) => lock(staging, journal).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(not_opened("read the journal", &path, error)),
    }
}

fn lock(staging: &Path, journal: File) -> Result<Held> {
    match flock(&journal, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(Error::new(
            Kind::Locked,
            format!(
                "a restore, perhaps on another machine, still works in {}",
                staging.display()
            ),
        )
        .hint("wait until it has ended, and run it again")),
        // Not every file system has locks.
        _ => Ok(Held { _journal: journal }),
    }
}
