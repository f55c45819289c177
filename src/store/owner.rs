//! Whose a file is, and who may use it: files that come get what those had that they replace.

use rustix::fs::OFlags;
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

/// The bits of a mode that say who may read, write and search.
const RIGHTS: u32 = 0o777;
/// The rights that a folder gives to the files in it: a file is not searched.
const OF_FILES: u32 = 0o666;
/// The bit by which what is made in a folder gets the folder's group.
const SET_GROUP: u32 = 0o2000;

/// Owner, group and mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    user: u32,
    group: u32,
    mode: u32,
}

impl Owner {
    /// Those of a file that is replaced.
    pub fn of_file(file: &Metadata) -> Self {
        Self {
            mode: file.mode() & RIGHTS,
            ..Self::of_folder(file)
        }
    }

    /// Those that a folder's own folders have.
    pub fn of_folder(folder: &Metadata) -> Self {
        Self {
            user: folder.uid(),
            group: folder.gid(),
            mode: folder.mode() & (RIGHTS | SET_GROUP),
        }
    }

    /// Those of a file that comes into a folder.
    pub fn in_folder(folder: &Metadata) -> Self {
        Self {
            mode: folder.mode() & OF_FILES,
            ..Self::of_folder(folder)
        }
    }

    /// The same, with another mode.
    pub fn with_mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    /// Gives them to a file or folder that this run has made, as [`give_to`](Self::give_to) does. What
    /// somebody else has put in its place is left alone if it is a link. Gives whether it has them now.
    pub fn give(self, path: &Path) -> bool {
        let alone = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
        let open = OpenOptions::new().read(true).custom_flags(alone).open(path);
        open.is_ok_and(|file| self.give_to(&file))
    }

    /// Gives them to an open file or folder, as far as this user may and the file system knows of them:
    /// only root gives files away, and mounts over a network may have one owner for all. Gives whether it
    /// has them now.
    pub fn give_to(self, file: &File) -> bool {
        let _ = fchown(file, None, Some(self.group));
        let _ = fchown(file, Some(self.user), None);
        let _ = file.set_permissions(Permissions::from_mode(self.mode));
        file.metadata()
            .is_ok_and(|now| Self::of_folder(&now) == self)
    }
}
