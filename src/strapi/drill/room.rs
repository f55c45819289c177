//! The folder of a drill, which is thrown away; also by the next drill, where one was killed.

use crate::error::{Error, Result};
use rustix::fs::{FlockOperation, OFlags, flock};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use tempfile::TempDir;

/// What the names of the folders begin with that drills make.
const PREFIX: &str = ".backup-drill-";
/// The file in such a folder that is locked as long as its drill lives.
const LOCK: &str = "lock";
/// What it is called before it is locked.
const UNLOCKED: &str = "lock.new";

/// A folder that nobody else can read, and of which nothing is left.
pub(super) struct Room {
    folder: TempDir,
    /// Locked; the lock ends with the process, however that ends.
    _lock: File,
}

impl Room {
    /// Makes one in a folder, and removes those of drills that were killed there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(parent: &Path) -> Result<Self> {
        let fail = |error| Error::io("make a folder in", parent, error);
        // Archives hold password hashes.
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(fail)?;
        let own = folder.path();
        clear(parent, own);
        // Under its name it is locked from the first: nobody takes this folder for one of the dead.
        let lock = File::create_new(own.join(UNLOCKED)).map_err(fail)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|it| fail(it.into()))?;
        fs::rename(own.join(UNLOCKED), own.join(LOCK)).map_err(fail)?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what drills of this user left that were killed. What cannot be removed stays: that is no reason not to drill.
fn clear(parent: &Path, own: &Path) {
    let Ok(user) = own.metadata().map(|it| it.uid()) else {
        return;
    };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let is_drill = name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
        let path = entry.path();
        if is_drill && path != own {
            let _ = remove_dead(&path, user);
        }
    }
}

/// Removes the folder of a drill, if that lives no more.
fn remove_dead(folder: &Path, user: u32) -> io::Result<()> {
    let metadata = folder.symlink_metadata()?;
    if !metadata.is_dir() || metadata.uid() != user {
        return Ok(());
    }
    let lock = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NOFOLLOW.bits() as i32)
        .open(folder.join(LOCK))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    fs::remove_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_reads_the_folder_of_a_drill() {
        let parent = tempfile::tempdir().expect("a folder");
        let room = Room::new(parent.path()).expect("made");
        let mode = room.path().metadata().expect("there").mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn what_a_killed_drill_leaves_goes_with_the_next_one_and_what_lives_stays() {
        let parent = tempfile::tempdir().expect("a folder");
        let living = Room::new(parent.path()).expect("made");
        let dead = parent.path().join(".backup-drill-dead");
        fs::create_dir_all(dead.join("site")).expect("made");
        fs::write(dead.join(LOCK), "").expect("written");
        // One that is just being made, and what is none.
        let young = parent.path().join(".backup-drill-young");
        let other = parent.path().join("other");
        for folder in [&young, &other] {
            fs::create_dir(folder).expect("made");
        }
        drop(Room::new(parent.path()).expect("made"));
        assert!(!dead.exists());
        assert!(living.path().exists() && young.exists() && other.exists());
    }
}
