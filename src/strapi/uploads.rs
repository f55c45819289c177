//! The folder of the media library's files (the `local` upload provider).

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

/// The name of the provider that keeps files in the project's own folder.
pub(super) const LOCAL_PROVIDER: &str = "local";

/// Where a file that is served at `url` lies below the public folder; `None` where the url leaves
/// that folder.
pub(super) fn path_of(public: &Path, url: &str) -> Option<PathBuf> {
    let relative = Path::new(url.trim_start_matches('/'));
    let inside = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    (inside && !url.is_empty()).then(|| public.join(relative))
}

/// A file of the media library, opened.
pub(super) struct Opened {
    pub file: File,
    pub size: u64,
}

/// Opens a file; `None` where there is none.
///
/// # Errors
/// It is there and cannot be read.
pub(super) fn open(path: &Path) -> Result<Option<Opened>> {
    let open = || -> io::Result<Opened> {
        // Before it is opened: opening a pipe waits for whoever writes into it.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "not a file"));
        }
        let file = File::open(path)?;
        Ok(Opened {
            size: file.metadata()?.len(),
            file,
        })
    };
    match open() {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read the file", path, error)),
    }
}
