//! One push at a time into a site, as far as this machine knows: the server sees to nothing.

use crate::error::{Error, Kind, Result};
use crate::hashing::hexadecimal;
use crate::remote::Address;
use crate::store::{not_opened, open_plain};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// How the names of lock files begin.
const PREFIX: &str = "backup-push-";

/// Keeps other pushes of this machine away from a site. Dropped, it is free.
#[derive(Debug)]
pub(super) struct PushLock {
    _file: File,
}

impl PushLock {
    /// Takes the lock of a site, a file in `folder` that stays.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): another run pushes into it. The file cannot be made.
    pub fn take(folder: &Path, address: &Address) -> Result<Self> {
        let (host, port, path) = address.normal();
        let digest = Sha256::digest(format!("{host} {port} {path}"));
        let name = hexadecimal(&digest[..8]);
        let path = folder.join(format!("{PREFIX}{name}.lock"));
        let file = open(&path).map_err(|error| not_opened("make the lock file", &path, error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(Errno::WOULDBLOCK) => Err(Error::new(
                Kind::Locked,
                format!("another run of backup pushes into {address}; nothing was changed"),
            )
            .hint("wait until it has ended")),
            Err(error) => Err(Error::io("lock the file", &path, error.into())),
        }
    }
}

/// Opens the file, which any user may: a lock needs no more than to read it.
fn open(path: &Path) -> io::Result<File> {
    let there = || open_plain(OpenOptions::new().read(true), path);
    match there() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    let mut new = OpenOptions::new();
    match open_plain(new.write(true).create_new(true), path) {
        Ok(file) => {
            // Whatever the umask of whoever came first.
            file.set_permissions(Permissions::from_mode(0o644))?;
            Ok(file)
        }
        // Another run was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => there(),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_pushed_into_by_one_run_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let address = |url| Address::parse(url).expect("an address");
        let one = address("https://cms.example.com/admin");
        let held = PushLock::take(folder.path(), &one).expect("free");
        let error = PushLock::take(folder.path(), &one).expect_err("held");
        assert_eq!(error.kind(), Kind::Locked);
        for spelling in [
            "http://cms.example.com",
            "https://CMS.example.com.:443/admin/",
        ] {
            let error = PushLock::take(folder.path(), &address(spelling)).expect_err(spelling);
            assert_eq!(error.kind(), Kind::Locked, "{spelling}");
        }
        let modes = std::fs::read_dir(folder.path())
            .expect("a folder")
            .map(|entry| {
                let metadata = entry.expect("an entry").metadata().expect("metadata");
                metadata.permissions().mode() & 0o777
            });
        assert_eq!(modes.collect::<Vec<_>>(), [0o644]);
        let other = address("https://other.example.com/admin");
        PushLock::take(folder.path(), &other).expect("another site");
        drop(held);
        PushLock::take(folder.path(), &one).expect("free again");
    }
}
