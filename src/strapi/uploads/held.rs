//! Staging folders are there for one run at a time, and only some are believed: what their journals
//! say is done to files, by root as well.

use crate::error::{Error, Kind, Result};
use crate::store::{not_opened, open_plain};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The name of the journal.
pub(super) const JOURNAL: &str = "journal.jsonl";

/// The rights of others to write.
const OTHERS_WRITE: u32 = 0o022;

/// What a restore staged, held: nobody else moves its files or deletes them. Dropped, it is free.
///
/// In a folder it is the journal that is locked. Runs on other machines see that too where the file system is
/// shared and has locks; where it has none, only the locks of the project keep them away.
pub(in crate::strapi) struct Held {
    _keeper: Box<dyn Send>,
}

impl Held {
    /// What is held for as long as this lives.
    pub fn keeping(keeper: impl Send + 'static) -> Self {
        Self {
            _keeper: Box::new(keeper),
        }
    }
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
        _ => Ok(Held::keeping(journal)),
    }
}

/// Sees that a staging folder was made by somebody whose journal may be believed. Whoever may write to
/// the upload folder could make one as well, and have root move files for him.
///
/// # Errors
/// It is somebody else's, or others may write to it.
pub(super) fn believe(staging: &Path, uploads: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let read = |path: &Path| {
        path.symlink_metadata()
            .map_err(|error| Error::io("read the folder", path, error))
    };
    let there = read(staging)?;
    // The upload folder itself may be a link.
    let owner = uploads.metadata().map(|folder| folder.uid());
    let owner = owner.map_err(|error| Error::io("read the upload folder", uploads, error))?;
    let why = if there.uid() != 0 && there.uid() != owner {
        format!(
            "it belongs to user {}, who is neither root nor the owner of the upload folder",
            there.uid()
        )
    } else if there.mode() & OTHERS_WRITE != 0 {
        "others than its owner may write to it".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::failed(format!(
        "what {} says of a restore that did not end is not believed: {why}; nothing was moved",
        staging.display()
    ))
    .hint(
        "run backup recover as the user that made it; or see who did, and give it to root with mode \
         700, or delete it if no restore was killed here",
    ))
}
