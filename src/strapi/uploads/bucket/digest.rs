//! Content that waits to be put into a bucket, and whether an object there is that already.

use crate::error::{Error, Result};
use crate::room::wanted;
use crate::store::media::{About, Body};
use md5::{Digest, Md5};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The most bytes of a file that wait in memory.
const SMALL: u64 = 4 << 20;
/// Bytes that are read at once.
const BLOCK: usize = 256 << 10;
/// The sizes of the parts that large objects are put in: Strapi's and Amazon's own programs, and this one's.
const PARTS: [u64; 4] = [5 << 20, 8 << 20, 10 << 20, 16 << 20];

/// The content of a file, read to its end.
pub(super) enum Waiting {
    Bytes(Vec<u8>),
    File(File, u64),
}

impl Waiting {
    /// Reads all of a file, which has as many bytes as is said; `name` is what it is called in messages. What is too
    /// large for the memory waits in a file without a name in `folder`.
    ///
    /// # Errors
    /// It cannot be read, or is of another size; it cannot be kept.
    pub fn read(content: &mut dyn Read, size: u64, name: &str, folder: &Path) -> Result<Self> {
        let failed = |error| {
            Error::from_io(error, |error| {
                Error::archive(format!("cannot read the file {name}: {error}"))
            })
        };
        // One more than there should be, so that more is noticed.
        let mut content = content.take(size.saturating_add(1));
        if size <= SMALL {
            let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
            content.read_to_end(&mut bytes).map_err(failed)?;
            check_size(bytes.len() as u64, size, name)?;
            return Ok(Self::Bytes(bytes));
        }
        wanted(folder, size, "a file of the media library")?;
        let kept = |error| Error::io("keep a file of the media library in", folder, error);
        let mut file = tempfile::tempfile_in(folder).map_err(kept)?;
        let mut block = vec![0; BLOCK];
        let mut read = 0;
        loop {
            match content.read(&mut block) {
                Ok(0) => break,
                Ok(length) => {
                    file.write_all(&block[..length]).map_err(kept)?;
                    read += length as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        check_size(read, size, name)?;
        Ok(Self::File(file, size))
    }

    /// Reads all of it, keeps nothing, and says how many bytes there are.
    ///
    /// # Errors
    /// It cannot be read, or is of another size.
    pub fn count(content: &mut dyn Read, size: u64, name: &str) -> Result<u64> {
        let read = io::copy(&mut content.take(size.saturating_add(1)), &mut io::sink());
        let read = read.map_err(|error| {
            Error::from_io(error, |error| {
                Error::archive(format!("cannot read the file {name}: {error}"))
            })
        })?;
        check_size(read, size, name)?;
        Ok(read)
    }

    /// The same for whoever sends it.
    pub fn body(&self) -> Body<'_> {
        match self {
            Self::Bytes(bytes) => Body::Bytes(bytes),
            Self::File(file, size) => Body::File(file, *size),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, size) => *size,
        }
    }

    /// Whether an object has this content: its size, and its digest where its tag is one. Other tags tell nothing, and
    /// nothing is read for them.
    ///
    /// # Errors
    /// What waits cannot be read again.
    pub fn is(&self, there: &About) -> Result<bool> {
        if there.size != Some(self.size()) {
            return Ok(false);
        }
        let tag = there.etag.as_deref().unwrap_or_default();
        let tag = tag.trim_matches('"').to_ascii_lowercase();
        let is_digest = |text: &str| text.len() == 32;
        match tag.split_once('-') {
            None if is_digest(&tag) => Ok(self.digest(0, self.size())?[..] == *unhexed(&tag)),
            Some((digest, count)) if is_digest(digest) => {
                let Ok(count) = count.parse::<u64>() else {
                    return Ok(false);
                };
                for part in PARTS {
                    if self.size().div_ceil(part).max(1) == count
                        && self.digest_of_parts(part)? == unhexed(digest)
                    {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    /// The digest of the digests of its parts.
    fn digest_of_parts(&self, part: u64) -> Result<Vec<u8>> {
        let mut digests = Md5::new();
        let mut start = 0;
        loop {
            let end = (start + part).min(self.size());
            digests.update(self.digest(start, end)?);
            if end == self.size() {
                return Ok(digests.finalize().to_vec());
            }
            start = end;
        }
    }

    fn digest(&self, start: u64, end: u64) -> Result<Vec<u8>> {
        let mut digest = Md5::new();
        match self {
            Self::Bytes(bytes) => {
                let [start, end] = [start, end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
                digest.update(bytes.get(start..end).unwrap_or_default());
            }
            Self::File(file, _) => {
                let mut block = vec![0; BLOCK];
                let mut at = start;
                while at < end {
                    let length = usize::try_from(end - at).map_or(BLOCK, |left| left.min(BLOCK));
                    file.read_exact_at(&mut block[..length], at)
                        .map_err(|error| {
                            Error::failed(format!(
                                "cannot read back a file of the media library: {error}"
                            ))
                        })?;
                    digest.update(&block[..length]);
                    at += length as u64;
                }
            }
        }
        Ok(digest.finalize().to_vec())
    }
}

fn check_size(there: u64, announced: u64, name: &str) -> Result<()> {
    if there == announced {
        return Ok(());
    }
    let there = match there > announced {
        true => "more".to_owned(),
        false => there.to_string(),
    };
    Err(Error::archive(format!(
        "the file {name} should have {announced} bytes and has {there}"
    )))
}

/// The bytes that these hexadecimals say; none where they are no such.
fn unhexed(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    bytes.collect::<Option<_>>().unwrap_or_default()
}
