//! Lines of a stage, put aside in a file without a name: others may hold the password hashes of the site's users.

use crate::error::{Error, Result};
use crate::nameless::{Nameless, Purpose};
use std::io::{self, Read};
use std::path::Path;

/// Lines in the order in which they came.
pub(super) struct Lines {
    file: Nameless,
    count: u64,
}

impl Lines {
    /// None yet, in a file in `folder`.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            file: Nameless::new(folder, Purpose::SPOOL)?,
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
        self.file.add(&[&length.to_le_bytes(), line.as_bytes()])?;
        self.count += 1;
        Ok(())
    }

    /// Hands all of them over, one after the other.
    ///
    /// # Errors
    /// They cannot be read back, or `each` fails.
    pub fn each(&mut self, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        let folder = self.file.folder().to_owned();
        let fail = |error| Error::io(Purpose::SPOOL.read, &folder, error);
        let mut input = self.file.reader()?;
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
        Ok(())
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
