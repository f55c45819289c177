//! Texts that are put aside until they are needed: in memory while they are few, then in a file without a name, for
//! rows of the media library are nobody else's business.

use crate::error::{Error, Result};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::SpooledTempFile;

/// How much is kept in memory, in bytes.
const IN_MEMORY: usize = 4 << 20;

/// Where a text stands, and how long it is.
pub(crate) type Place = (u64, u32);

/// Texts that were put aside.
pub(crate) struct Texts {
    folder: PathBuf,
    spool: SpooledTempFile,
    end: u64,
}

impl Texts {
    /// None yet; what is too much for the memory goes to `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            spool: tempfile::spooled_tempfile_in(IN_MEMORY, folder),
            end: 0,
        }
    }

    /// Puts a text aside.
    ///
    /// # Errors
    /// It cannot be spooled.
    pub fn keep(&mut self, text: &str) -> Result<Place> {
        let place = (self.end, text.len() as u32);
        let found = self.spool.seek(SeekFrom::Start(self.end));
        found
            .and_then(|_| self.spool.write_all(text.as_bytes()))
            .map_err(|error| self.explain(error))?;
        self.end += text.len() as u64;
        Ok(place)
    }

    /// The text that stands there.
    ///
    /// # Errors
    /// It cannot be read back.
    pub fn read(&mut self, (start, length): Place) -> Result<String> {
        let mut text = String::new();
        let found = self.spool.seek(SeekFrom::Start(start));
        found
            .and_then(|_| {
                let mut part = Read::by_ref(&mut self.spool).take(length.into());
                part.read_to_string(&mut text)
            })
            .map_err(|error| self.explain(error))?;
        Ok(text)
    }

    /// Nothing that was kept is needed any more; its place is used again.
    pub fn clear(&mut self) {
        self.end = 0;
    }

    fn explain(&self, error: io::Error) -> Error {
        let what = "spool the rows of the media library in";
        Error::from_io(error, |error| Error::io(what, &self.folder, error))
    }
}
