//! Small files beside archives.

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
    if !ours && std::fs::read(path).is_ok_and(|there| there == bytes) {
        std::fs::remove_file(path).map_err(|error| Error::io("remove", path, error))?;
    }
    Ok(ours)
}

/// Writes a file whole, in place of what has its name if it is to `replace` that.
fn write(path: &Path, bytes: &[u8], replace: bool) -> Result<()> {
    let fail = |error| Error::io("write the file", path, error);
    let folder = folder_of(path);
    let mut file = tempfile::Builder::new()
        .prefix(".backup-")
        .suffix(".part")
        .tempfile_in(folder)
        .map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    let persisted = match replace {
        true => file.persist(path),
        false => file.persist_noclobber(path),
    };
    persisted.map_err(|error| fail(error.error))?;
    sync_folder(folder)
}
