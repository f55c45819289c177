//! Lines of a stage, put aside in a file without a name: others may hold the password hashes of the site's users.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes that are written or read at once.
const BUFFER: usize = 256 << 10;

/// Lines in the order in which they came.
pub(super) struct Lines {
    out: BufWriter<File>,
    folder: PathBuf,
    count: u64,
}

impl Lines {
    /// None yet, in a file in `folder`.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn new(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|error| Error::io("spool what is read in", folder, error))?;
        Ok(Self {
            out: BufWriter::with_capacity(BUFFER, file),
            folder: folder.to_owned(),
            count: 0,
        })
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds one.
    ///
    /// # Errors
    /// The disk is full, or fails.
    pub fn add(&mut self, line: &str) -> Result<()> {
        let length = line.len() as u64;
        let mut write = || {
            self.out.write_all(&length.to_le_bytes())?;
            self.out.write_all(line.as_bytes())
        };
        write().map_err(|error| Error::io("spool what is read in", &self.folder, error))?;
        self.count += 1;
        Ok(())
    }

    /// Hands all of them over, one after the other.
    ///
    /// # Errors
    /// They cannot be read back, or `each` fails.
    pub fn each(&mut self, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        let folder = &self.folder;
        let flushed = self.out.flush();
        flushed.map_err(|error| Error::io("spool what is read in", folder, error))?;
        let fail = |error| Error::io("read what was spooled in", folder, error);
        let file = self.out.get_mut();
        file.seek(SeekFrom::Start(0)).map_err(fail)?;
        let mut input = BufReader::with_capacity(BUFFER, &mut *file);
        let mut line = Vec::new();
        for _ in 0..self.count {
            let mut length = [0; 8];
            input.read_exact(&mut length).map_err(fail)?;
            let length = u64::from_le_bytes(length);
            line.clear();
            let read = input.by_ref().take(length).read_to_end(&mut line);
            if read.map_err(fail)? as u64 != length {
                return Err(fail(io::ErrorKind::UnexpectedEof.into()));
            }
            let text = std::str::from_utf8(&line);
            each(text.map_err(|_| fail(io::ErrorKind::InvalidData.into()))?)?;
        }
        drop(input);
        // What is added after this stands behind it.
        file.seek(SeekFrom::End(0)).map(drop).map_err(fail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_in_their_order_as_often_as_they_are_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut lines = Lines::new(folder.path()).expect("a file");
        let read = |lines: &mut Lines| {
            let mut all = Vec::new();
            let each = &mut |line: &str| {
                all.push(line.to_owned());
                Ok(())
            };
            lines.each(each).expect("read");
            all
        };
        assert!(read(&mut lines).is_empty());
        lines.add("one").expect("written");
        lines.add("").expect("written");
        assert_eq!(read(&mut lines), ["one", ""]);
        lines.add("three").expect("written");
        assert_eq!(read(&mut lines), ["one", "", "three"]);
        assert_eq!(lines.count(), 3);
    }
}
