//! What ties notes to the data that they were written with: the data model says the digest of its notes, and of the data
//! they know at least something.
//!
//! The data themselves go through a service in between, which keeps their types, ids and values, and nothing else.

use super::layout::DATAMODEL;
use crate::convert::notes::{NOTES, named_in};
use crate::convert::tallies::foreign;
use crate::error::{Error, Result};
use crate::prisma::sdl::LONGEST;
use crate::store::open_named;
use std::io::{self, Read};
use std::path::Path;

/// Sees that the data model in this folder names the notes of this digest, if it is there and names any.
///
/// # Errors
/// It names others, or cannot be read.
pub fn check_model(folder: &Path, digest: &str) -> Result<()> {
    let path = folder.join(DATAMODEL);
    match named(&path)? {
        Some((named, number)) if named != digest => {
            let (path, notes) = (path.display(), folder.join(NOTES));
            let what = format!(
                "{path}, line {number}: it is of another {NOTES} than {}",
                notes.display()
            );
            Err(foreign(what))
        }
        _ => Ok(()),
    }
}

/// Whether a data model names the notes that were written with it. One that is not there names none.
///
/// # Errors
/// It is no file, or cannot be read.
pub fn names_notes(model: &Path) -> Result<bool> {
    Ok(named(model)?.is_some())
}

/// The digest of the notes that a data model names, and its line.
fn named(path: &Path) -> Result<Option<(String, u64)>> {
    let is_absent = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
    if path.symlink_metadata().is_err_and(is_absent) {
        return Ok(None);
    }
    let mut text = Vec::new();
    let read = open_named(path, "data model")?
        .take(LONGEST)
        .read_to_end(&mut text);
    read.map_err(|error| Error::io("read the data model", path, error))?;
    let text = String::from_utf8_lossy(&text);
    Ok(named_in(&text))
}
