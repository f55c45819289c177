//! How much room there is on a file system, and how much of it is left alone.

use crate::error::{Error, Result};
use std::path::Path;

/// The bytes that are left to others: whoever fills a disk to its end stops the site.
const RESERVE: u64 = 64 << 20;
/// The part of a small file system that is left, one out of so many.
const PART: u64 = 20;

/// How many bytes may be written to the file system of a folder; `None` where it does not tell.
pub(crate) fn available(folder: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    // Some, such as those over a network, say that they have no blocks at all.
    if system.f_blocks == 0 {
        return None;
    }
    let total = system.f_blocks.saturating_mul(system.f_frsize);
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    Some(free.saturating_sub(RESERVE.min(total / PART)))
}

/// Sees that so many bytes can be written to the file system of a folder.
///
/// # Errors
/// They cannot; `what` says for what they are.
pub(crate) fn wanted(folder: &Path, bytes: u64, what: &str) -> Result<()> {
    match available(folder) {
        Some(there) if there < bytes => Err(Error::failed(format!(
            "there is no room for {what} on the disk of {}: {} are needed, and {} may be used",
            folder.display(),
            worded(bytes),
            worded(there)
        ))
        .hint("free some space there and run it again")),
        _ => Ok(()),
    }
}

/// A number of bytes, to about a hundredth of it.
pub(crate) fn worded(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_disk_has_is_refused_and_nothing_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        wanted(folder.path(), 0, "nothing").expect("room");
        let error = wanted(folder.path(), u64::MAX, "the files").expect_err("no room");
        assert!(
            error.to_string().contains("no room for the files"),
            "{error}"
        );
    }
}
