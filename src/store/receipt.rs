//! What came of an archive that was written: its name, its length, its digest.

use crate::error::{Error, Result};
use crate::hashing::hexadecimal;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether an archive holds all that it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It does.
    Complete,
    /// Something could not be taken.
    Incomplete,
}

/// Follows what is written to a [`Target`](super::Target). Clones follow together.
#[derive(Debug, Clone, Default)]
pub struct Receipt(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    size: u64,
    digest: Option<Sha256>,
    published: Option<(String, String)>,
    id: Option<String>,
    file: Option<File>,
}

/// An archive that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is, for messages.
    pub location: String,
    /// Its name, without the folder or prefix it lies in.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
    /// The SHA-256 of these, in hexadecimal digits, where it was asked for.
    pub sha256: Option<String>,
    /// What it is known by, where the place keeps that.
    pub id: Option<String>,
}

impl Receipt {
    /// One that works the digest out as well, which takes time.
    pub fn with_digest() -> Self {
        Self(Arc::new(Mutex::new(State {
            digest: Some(Sha256::new()),
            ..State::default()
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These bytes were written.
    pub(super) fn wrote(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.size += bytes.len() as u64;
        if let Some(digest) = &mut state.digest {
            digest.update(bytes);
        }
    }

    /// All of it is there under this name.
    pub(super) fn published(&self, location: &str, name: &str) {
        self.state().published = Some((location.to_owned(), name.to_owned()));
    }

    /// What was written is known by this.
    pub(super) fn known_by(&self, id: &str) {
        self.state().id = Some(id.to_owned());
    }

    /// What was written is this file. It is held open, so that no other one gets its number.
    pub(super) fn is_file(&self, file: File) {
        self.state().file = Some(file);
    }

    /// Whether the file of this name is the one that was written, as far as that is known.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn is_at(&self, path: &Path) -> Result<bool> {
        let fail = |error| Error::io("look at the archive", path, error);
        let state = self.state();
        let Some(file) = &state.file else {
            return Ok(true);
        };
        let ours = file.metadata().map_err(fail)?;
        match path.symlink_metadata() {
            Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(fail(error)),
        }
    }

    /// What was written, once it is there under its name.
    pub fn written(&self) -> Option<Written> {
        let state = self.state();
        let (location, name) = state.published.clone()?;
        let digest = state.digest.clone().map(Sha256::finalize);
        Some(Written {
            location,
            name,
            size: state.size,
            id: state.id.clone(),
            sha256: digest.map(|digest| hexadecimal(&digest)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_says_what_was_written_once_it_is_there() {
        let receipt = Receipt::with_digest();
        receipt.wrote(b"a");
        receipt.wrote(b"bc");
        assert_eq!(receipt.written(), None);
        receipt.published("x/site.tar", "site.tar");
        let written = receipt.written().expect("it is there");
        assert_eq!((written.size, &*written.name), (3, "site.tar"));
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(written.sha256.as_deref(), Some(digest));
        assert_eq!(Receipt::default().written(), None);
    }
}
