//! Files of the media library, put aside while the archive is looked at, so that what was looked at is what is
//! sent.
//!
//! They lie one after the other in a file without a name: nobody else can open it, and nothing is left of it
//! however the process ends. Nothing of them is kept in memory.

use crate::error::{Error, Result};
use crate::hashing::read_through;
use crate::model::Asset;
use crate::nameless::{Nameless, Purpose};
use crate::room::wanted;
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::path::Path;

/// Bytes that are taken at once.
const BUFFER: usize = 256 << 10;
const FILES: Purpose = Purpose {
    write: "put files aside in",
    read: "read the files that were put aside in",
};
/// Bytes of a SHA-256.
const DIGEST: usize = 32;

/// Files that were put aside, in the order in which they came.
pub(super) struct StagedFiles {
    file: Nameless,
    count: u64,
}

impl StagedFiles {
    /// None yet, in a file without a name in `folder`.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            file: Nameless::new(folder, FILES)?,
            count: 0,
        })
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Puts a file aside.
    ///
    /// # Errors
    /// It cannot be read, has another length than it says, or the disk is full.
    pub fn add(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        wanted(
            self.file.folder(),
            asset.size,
            "the files of the media library",
        )?;
        let head = [
            asset.size,
            asset.filename.len() as u64,
            asset.sidecar.len() as u64,
        ];
        let head = head.map(u64::to_le_bytes);
        self.file.add(&[
            head.as_flattened(),
            asset.filename.as_bytes(),
            asset.sidecar.as_bytes(),
        ])?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        let mut length = 0_u64;
        loop {
            let read = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Error::from_io(error, |error| {
                        Error::archive(format!("cannot read {}: {error}", asset.filename))
                    }));
                }
            };
            length += read as u64;
            hasher.update(&buffer[..read]);
            self.file.add(&[&buffer[..read]])?;
        }
        if length != asset.size {
            return Err(Error::archive(format!(
                "{} has {length} bytes, and should have {}",
                asset.filename, asset.size
            )));
        }
        self.file.add(&[&hasher.finalize()])?;
        self.count += 1;
        Ok(())
    }

    /// Gives all of them, one after the other. What is read of a file fails where it is not what was put
    /// aside.
    ///
    /// # Errors
    /// They cannot be read back; those of `take`.
    pub fn each(
        &mut self,
        take: &mut dyn FnMut(&Asset, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        let folder = self.file.folder().to_owned();
        let fail = |error| Error::io(FILES.read, &folder, error);
        let mut input = self.file.reader()?;
        for _ in 0..self.count {
            let asset = next(&mut input).map_err(fail)?;
            let mut content = Content {
                left: asset.size,
                hasher: Some(Sha256::new()),
                input: &mut input,
            };
            take(&asset, &mut content)?;
            // Also where it was not read to its end.
            read_through(&mut content).map_err(fail)?;
        }
        Ok(())
    }
}

/// Reads what stands before the content of a file.
fn next(input: &mut dyn Read) -> io::Result<Asset> {
    let mut number = || {
        let mut bytes = [0; 8];
        input
            .read_exact(&mut bytes)
            .map(|()| u64::from_le_bytes(bytes))
    };
    let (size, name, sidecar) = (number()?, number()?, number()?);
    let mut text = |length: u64| {
        let mut text = String::new();
        let read = input.take(length).read_to_string(&mut text)?;
        match read as u64 == length {
            true => Ok(text),
            false => Err(io::ErrorKind::UnexpectedEof),
        }
        .map_err(io::Error::from)
    };
    Ok(Asset {
        filename: text(name)?,
        sidecar: text(sidecar)?,
        size,
    })
}

/// The content of a file that was put aside.
struct Content<'a> {
    input: &'a mut dyn Read,
    left: u64,
    /// `None` once the digest was compared.
    hasher: Option<Sha256>,
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let Some(hasher) = self.hasher.take() else {
                return Ok(0);
            };
            let mut stored = [0; DIGEST];
            self.input.read_exact(&mut stored)?;
            return match stored[..] == hasher.finalize()[..] {
                true => Ok(0),
                false => Err(io::ErrorKind::InvalidData.into()),
            };
        }
        let read = Read::take(&mut self.input, self.left).read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..read]);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom, Write};

    fn asset(filename: &str, size: u64) -> Asset {
        Asset {
            filename: filename.into(),
            sidecar: format!(
                r#"{{"id":7,"size":1.5,"name":"x","hash":"{}","ext":".png","mime":"image/png","url":"/uploads/x"}}"#,
                filename.trim_end_matches(".png")
            ),
            size,
        }
    }

    #[test]
    fn files_come_back_as_they_were_put_aside_also_unread_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut files = StagedFiles::new(folder.path()).expect("a spool");
        let large = vec![7; 3 * BUFFER + 1];
        for (name, content) in [("a.png", &b"abc"[..]), ("b.png", &[]), ("c.png", &large)] {
            let mut rest = content;
            files
                .add(&asset(name, content.len() as u64), &mut rest)
                .expect("put aside");
        }
        assert_eq!(files.count(), 3);
        for read_all in [true, false, true] {
            let mut found = Vec::new();
            let each = files.each(&mut |asset, content| {
                let mut bytes = Vec::new();
                if read_all {
                    content.read_to_end(&mut bytes).expect("read");
                }
                found.push((asset.filename.clone(), bytes));
                Ok(())
            });
            each.expect("read back");
            let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["a.png", "b.png", "c.png"]);
            if read_all {
                assert_eq!(found[0].1, b"abc");
                assert!(found[1].1.is_empty());
                assert_eq!(found[2].1, large);
            }
        }
    }

    #[test]
    fn a_file_of_another_length_than_it_says_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut files = StagedFiles::new(folder.path()).expect("a spool");
        for size in [2, 4] {
            let error = files
                .add(&asset("a.png", size), &mut &b"abc"[..])
                .expect_err("refused");
            assert!(error.to_string().contains("3 bytes"), "{error}");
        }
    }

    #[test]
    fn bytes_that_changed_on_the_disk_are_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut files = StagedFiles::new(folder.path()).expect("a spool");
        files
            .add(&asset("a.png", 3), &mut &b"abc"[..])
            .expect("put aside");
        let mut input = files.file.reader().expect("written");
        let file = input.get_mut();
        let end = file.metadata().expect("metadata").len();
        file.seek(SeekFrom::Start(end - DIGEST as u64 - 1))
            .expect("sought");
        file.write_all(b"d").expect("written");
        let each = files.each(&mut |_, content| {
            let read = content.read_to_end(&mut Vec::new());
            assert_eq!(
                read.expect_err("noticed").kind(),
                io::ErrorKind::InvalidData
            );
            Err(Error::failed("noticed"))
        });
        assert_eq!(each.expect_err("noticed").to_string(), "noticed");
    }
}
