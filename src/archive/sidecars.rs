//! Sidecars whose file did not come yet: in an archive that was packed anew that may be all of them.

use crate::model::NameMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use tempfile::SpooledTempFile;

/// How much of them is kept in memory, in bytes.
const IN_MEMORY: usize = 4 << 20;

/// Sidecars that wait for their files. Long ones go to a file without a name, for rows of the media
/// library are nobody else's business.
pub(super) struct Sidecars {
    spool: SpooledTempFile,
    /// Where the next one goes.
    end: u64,
    /// Where each one stands, and how long its name and its text are.
    places: NameMap<(u64, u32, u32)>,
    waiting: u64,
}

impl Sidecars {
    /// None yet; what is too much for the memory goes to `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            spool: tempfile::spooled_tempfile_in(IN_MEMORY, folder),
            end: 0,
            places: NameMap::default(),
            waiting: 0,
        }
    }

    /// Keeps the sidecar of a file.
    pub fn keep(&mut self, filename: &str, sidecar: &str) -> io::Result<()> {
        self.spool.seek(SeekFrom::Start(self.end))?;
        self.spool.write_all(filename.as_bytes())?;
        self.spool.write_all(sidecar.as_bytes())?;
        let place = (self.end, filename.len() as u32, sidecar.len() as u32);
        self.end += (filename.len() + sidecar.len()) as u64;
        if self.places.insert(filename, place).is_none() {
            self.waiting += 1;
        }
        Ok(())
    }

    /// The sidecar of a file, which is kept no longer.
    pub fn take(&mut self, filename: &str) -> io::Result<Option<String>> {
        let Some((start, name, text)) = self.places.remove(filename) else {
            return Ok(None);
        };
        let text = self.read(start + u64::from(name), text)?;
        self.waiting -= 1;
        if self.waiting == 0 {
            self.end = 0;
        }
        Ok(Some(text))
    }

    /// The names of the files whose sidecars are still kept, in their order.
    pub fn left(&mut self, each: &mut dyn FnMut(&str)) -> io::Result<()> {
        let mut places: Vec<_> = self.places.values().copied().collect();
        places.sort_unstable();
        for (start, name, _) in places {
            each(&self.read(start, name)?);
        }
        Ok(())
    }

    fn read(&mut self, start: u64, length: u32) -> io::Result<String> {
        let mut text = String::new();
        self.spool.seek(SeekFrom::Start(start))?;
        let mut part = Read::by_ref(&mut self.spool).take(length.into());
        part.read_to_string(&mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sidecars_are_given_back_once_and_those_that_are_left_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sidecars = Sidecars::new(folder.path());
        for name in ["b", "a", "c", "b"] {
            sidecars.keep(name, &format!("of {name}")).expect("kept");
        }
        assert_eq!(sidecars.take("a").expect("read").as_deref(), Some("of a"));
        assert_eq!(sidecars.take("a").expect("read"), None);
        let mut left = Vec::new();
        let named = sidecars.left(&mut |name| left.push(name.to_owned()));
        named.expect("read");
        assert_eq!(left, ["c", "b"]);
        for name in left {
            let text = sidecars.take(&name).expect("read");
            assert_eq!(text, Some(format!("of {name}")));
        }
        sidecars.keep("d", "of d").expect("kept");
        assert_eq!(sidecars.take("d").expect("read").as_deref(), Some("of d"));
    }
}
