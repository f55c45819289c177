//! Small files beside archives.

use super::{Access, Location, folder_of, object, sync_folder};
use crate::error::{Error, Result};
use std::io::Write;

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
    let fail = |error| Error::io("write the file", path, error);
    let folder = folder_of(path);
    let mut file = tempfile::Builder::new()
        .prefix(".backup-")
        .suffix(".part")
        .tempfile_in(folder)
        .map_err(fail)?;
    file.write_all(&bytes).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    sync_folder(folder)
}
