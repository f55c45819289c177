//! Lines of JSON on their way into a file.

use super::Place;
use super::file_names::of_type;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use tempfile::SpooledTempFile;

/// Takes lines.
pub(super) struct Lines<'a> {
    to: To<'a>,
}

enum To<'a> {
    File(BufWriter<File>, PathBuf),
    Spool(&'a mut SpooledTempFile),
}

impl<'a> Lines<'a> {
    /// A file that is called as a content type is, with this ending.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn of_type(place: &Place, uid: &str, ending: &str) -> Result<Self> {
        let (file, path) = place.file(&of_type(uid, ending)?)?;
        let to = To::File(BufWriter::new(file), path);
        Ok(Self { to })
    }

    /// A file without a name, to be given on.
    pub fn spooled(spool: &'a mut SpooledTempFile) -> Self {
        let to = To::Spool(spool);
        Self { to }
    }

    /// Takes a line, as it is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add(&mut self, line: &str) -> Result<()> {
        let add = |out: &mut dyn Write| {
            out.write_all(line.as_bytes())?;
            out.write_all(b"\n")
        };
        let added = match &mut self.to {
            To::File(file, _) => add(file),
            To::Spool(spool) => add(spool),
        };
        added.map_err(|error| self.failed(error))
    }

    /// Sees that they are on disk.
    ///
    /// # Errors
    /// They are not.
    pub fn finish(mut self) -> Result<()> {
        let written = match &mut self.to {
            To::File(file, _) => file.flush().and_then(|()| file.get_ref().sync_all()),
            To::Spool(_) => Ok(()),
        };
        written.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> Error {
        match &self.to {
            To::File(_, path) => Error::io("write the file", path, error),
            To::Spool(_) => Error::failed(format!("cannot spool what goes to stdout: {error}"))
                .hint("see that there is room in the folder for temporary files (TMPDIR)"),
        }
    }
}
