//! What `--as strapi` converts: where its data, its data model, its notes and its files lie.

use super::{Arguments, Room};
use crate::error::{Error, Result};
use crate::prisma::convert::{NotedSource, layout};
use crate::store::{Location, folder_of};
use crate::transfer::Source;
use std::path::{Path, PathBuf};

/// A data set that is converted.
pub(super) struct Origin {
    /// It, as content of a Strapi.
    pub source: Box<dyn Source>,
}

/// The data in what was named, and the folder with what lies beside them.
fn parts(from: &Path) -> (PathBuf, PathBuf) {
    let zip = from.join(format!("{}.zip", layout::DATA));
    let folder = from.join(layout::DATA);
    match (zip.is_file(), folder.is_dir()) {
        (true, _) => (zip, from.to_owned()),
        (false, true) => (folder, from.to_owned()),
        (false, false) => (from.to_owned(), folder_of(from).to_owned()),
    }
}

/// Finds all of it.
pub(super) fn find(arguments: &Arguments, room: &Room<'_>) -> Result<Origin> {
    let Location::Path(from) = Location::parse(arguments.from.as_os_str())? else {
        return Err(
            Error::usage("a data set of Prisma 1 is a file or a folder on this machine")
                .hint("copy it here first"),
        );
    };
    let (data, beside) = parts(&from);
    let interrupt = room.cancellation.interrupt();
    let spool = &room.environment.temporary;
    let source = NotedSource::open(&data, &beside, spool, &interrupt)?;
    Ok(Origin {
        source: Box::new(source),
    })
}
