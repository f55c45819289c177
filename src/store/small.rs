//! Small files beside archives.

use super::temporary::{Aside, Temporary};
use super::{Access, Location, Receipt, folder_of, object, sync_folder};
use crate::error::{Error, Result};
use std::io::Write;
use std::path::Path;

/// Writes a small file whole, in place of what has its name; nobody sees half of it.
///
/// # Errors
/// It cannot be written.
pub fn write_small(location: &Location, access: &Access, bytes: Vec<u8>) -> Result<()> {
    let path = match location {
        Location::Object(name) => return object::write_small(name, access, bytes),
        Location::Path(path) => path,
        Location::Stream => return Err(Error::usage("nothing lies beside stdout")),
    };
    write(path, &bytes, true)
}

/// Writes a small file that vouches for the one that this run has written, where that is still this run's. Gives whether
/// it is: what another run has replaced is not vouched for.
///
/// # Errors
/// It cannot be written, or the file that it is of cannot be looked at.
pub fn write_small_beside(
    path: &Path,
    (written, receipt): (&Path, &Receipt),
    bytes: &[u8],
) -> Result<bool> {
    if !receipt.is_at(written)? {
        return Ok(false);
    }
    // The one that was there before is away: what is there now came from another run. Some file systems do not know
    // how to replace nothing.
    if write(path, bytes, false).is_err() {
        if !receipt.is_at(written)? {
            return Ok(false);
        }
        write(path, bytes, true)?;
    }
    let ours = receipt.is_at(written)?;
    if !ours {
        take_back(path, bytes)?;
    }
    Ok(ours)
}

/// Removes a file that holds this. Any other is there again at once: it came from another run.
fn take_back(path: &Path, bytes: &[u8]) -> Result<()> {
    // Whatever takes the name from now on is not touched.
    let aside = Aside::take(path).map_err(|error| Error::io("remove", path, error))?;
    if let Some(other) = aside.filter(|aside| !aside.holds(bytes)) {
        other.put_back();
    }
    Ok(())
}

/// Writes a file whole, in place of what has its name if it is to `replace` that.
fn write(path: &Path, bytes: &[u8], replace: bool) -> Result<()> {
    let fail = |error| Error::io("write the file", path, error);
    let folder = folder_of(path);
    let mut file = Temporary::create(folder).map_err(fail)?;
    file.file().write_all(bytes).map_err(fail)?;
    file.file().sync_all().map_err(fail)?;
    file.persist(path, replace).map_err(fail)?;
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_summary_of_another_run_is_not_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar.summary.json");
        take_back(&path, b"mine").expect("there is none");
        for (there, stays) in [("theirs", true), ("mine", false), ("mine and more", true)] {
            fs::write(&path, there).expect("written");
            take_back(&path, b"mine").expect("looked at");
            assert_eq!(path.exists(), stays, "{there}");
            let names = fs::read_dir(folder.path()).expect("read").count();
            assert_eq!(names, usize::from(stays), "{there}");
        }
    }
}
