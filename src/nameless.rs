//! A file without a name: what is added stands at its end, and it is read from its beginning as often as wanted. Nobody
//! else can open it, and nothing is left of it however the process ends.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes that are written or read at once.
const BUFFER: usize = 256 << 10;

/// What is done with such a file, as verb phrases for errors that name its folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purpose {
    /// Such as "spool what is read in".
    pub write: &'static str,
    /// Such as "read what was spooled in".
    pub read: &'static str,
}

impl Purpose {
    /// Lines that are put aside.
    pub const SPOOL: Self = Self {
        write: "spool what is read in",
        read: "read what was spooled in",
    };
}

/// Such a file.
#[derive(Debug)]
pub(crate) struct Nameless {
    out: BufWriter<File>,
    folder: PathBuf,
    purpose: Purpose,
    /// Whether it was read since something was added.
    is_read: bool,
}

impl Nameless {
    /// An empty one in a folder.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn new(folder: &Path, purpose: Purpose) -> Result<Self> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|error| Error::io(purpose.write, folder, error))?;
        Ok(Self {
            out: BufWriter::with_capacity(BUFFER, file),
            folder: folder.to_owned(),
            purpose,
            is_read: false,
        })
    }

    /// The folder that it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds these, one behind the other.
    ///
    /// # Errors
    /// The disk is full, or fails.
    pub fn add(&mut self, parts: &[&[u8]]) -> Result<()> {
        let mut add = || {
            if std::mem::take(&mut self.is_read) {
                self.out.get_mut().seek(SeekFrom::End(0))?;
            }
            parts.iter().try_for_each(|part| self.out.write_all(part))
        };
        add().map_err(|error| Error::io(self.purpose.write, &self.folder, error))
    }

    /// What reads all of it.
    ///
    /// # Errors
    /// The disk is full, which may show only here; or fails.
    pub fn reader(&mut self) -> Result<BufReader<&mut File>> {
        let (Purpose { write, read }, folder) = (self.purpose, &self.folder);
        let flushed = self.out.flush();
        flushed.map_err(|error| Error::io(write, folder, error))?;
        self.is_read = true;
        let file = self.out.get_mut();
        let rewound = file.seek(SeekFrom::Start(0));
        rewound.map_err(|error| Error::io(read, folder, error))?;
        Ok(BufReader::with_capacity(BUFFER, file))
    }
}
