//! Encrypted files: 16 random bytes, and then AES in counter mode, with those as its first counter, over all of the gzip.
//!
//! That is `enc/util.go` of Dgraph. There is no header and nothing is authenticated: a wrong key shows as something that is
//! no gzip, and a changed byte as a wrong sum of it.

use crate::error::{Error, Kind, Result};
use crate::random;
use crate::store::{Interrupt, open_named_or_pipe};
use aes::cipher::{KeyIvInit, StreamCipher};
use aes::{Aes128, Aes192, Aes256};
use ctr::Ctr128BE;
use std::io::{self, Read, Write};
use std::path::Path;

/// Bytes that stand in front.
pub(super) const HEAD: usize = 16;
/// Bytes that are encrypted at once.
const BUFFER: usize = 64 << 10;

/// A key: 16, 24 or 32 bytes.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// A key of these bytes.
    ///
    /// # Errors
    /// Kind [`WrongKey`](Kind::WrongKey): they are not 16, 24 or 32.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        let bytes = bytes.into();
        match bytes.len() {
            16 | 24 | 32 => Ok(Self(bytes)),
            _ => Err(Error::new(
                Kind::WrongKey,
                "a key of Dgraph has 16, 24 or 32 bytes, and this has another number",
            )
            .hint("take the file that the server was given; a line break at its end counts")),
        }
    }

    /// The key in a file, which holds nothing else.
    ///
    /// # Errors
    /// It cannot be read, or is none; or the user wants the run to stop while a pipe gives nothing.
    pub fn read(path: &Path, interrupt: &Interrupt) -> Result<Self> {
        let mut bytes = Vec::new();
        let file = open_named_or_pipe(path, "key", interrupt)?;
        let read = file.take(1 << 10).read_to_end(&mut bytes);
        read.map_err(|error| {
            Error::from_io(error, |error| Error::io("read the key", path, error))
        })?;
        Self::new(bytes).map_err(|error| error.within(path.display()))
    }

    fn cipher(&self, head: [u8; HEAD]) -> Cipher {
        // The lengths are right: a key has no other.
        let invalid = "a key has 16, 24 or 32 bytes";
        match self.0.len() {
            16 => Cipher::Short(Box::new(
                Ctr128BE::new_from_slices(&self.0, &head).expect(invalid),
            )),
            24 => Cipher::Middle(Box::new(
                Ctr128BE::new_from_slices(&self.0, &head).expect(invalid),
            )),
            _ => Cipher::Long(Box::new(
                Ctr128BE::new_from_slices(&self.0, &head).expect(invalid),
            )),
        }
    }

    /// Decrypts what follows these first bytes of a file.
    pub(super) fn decrypt<R: Read>(&self, head: [u8; HEAD], inner: R) -> Decryptor<R> {
        let cipher = self.cipher(head);
        Decryptor { inner, cipher }
    }

    /// Encrypts into `inner`.
    ///
    /// # Errors
    /// It cannot be written to, or the system gives no random bytes.
    pub(super) fn encrypt<W: Write>(&self, mut inner: W) -> io::Result<Encryptor<W>> {
        let head = random::bytes::<HEAD>().map_err(Error::into_io)?;
        inner.write_all(&head)?;
        Ok(Encryptor {
            inner,
            cipher: self.cipher(head),
            buffer: Vec::new(),
        })
    }
}

enum Cipher {
    Short(Box<Ctr128BE<Aes128>>),
    Middle(Box<Ctr128BE<Aes192>>),
    Long(Box<Ctr128BE<Aes256>>),
}

impl Cipher {
    fn apply(&mut self, bytes: &mut [u8]) {
        match self {
            Self::Short(cipher) => cipher.apply_keystream(bytes),
            Self::Middle(cipher) => cipher.apply_keystream(bytes),
            Self::Long(cipher) => cipher.apply_keystream(bytes),
        }
    }
}

/// Decrypts what it reads.
pub(super) struct Decryptor<R> {
    inner: R,
    cipher: Cipher,
}

impl<R: Read> Read for Decryptor<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.cipher.apply(&mut buffer[..read]);
        Ok(read)
    }
}

/// Encrypts what is written to it.
pub(super) struct Encryptor<W> {
    inner: W,
    cipher: Cipher,
    buffer: Vec<u8>,
}

impl<W> Encryptor<W> {
    /// What it writes to.
    pub fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for Encryptor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = &bytes[..bytes.len().min(BUFFER)];
        self.buffer.clear();
        self.buffer.extend_from_slice(part);
        self.cipher.apply(&mut self.buffer);
        self.inner.write_all(&self.buffer)?;
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_all_lengths_open_what_they_closed() {
        for length in [16, 24, 32] {
            let key = Key::new(vec![7; length]).unwrap();
            let text = b"some text, ".repeat(20_000);
            let mut closed = key.encrypt(Vec::new()).unwrap();
            closed.write_all(&text).unwrap();
            let closed = closed.into_inner();
            assert_eq!(closed.len(), HEAD + text.len());
            let (head, rest) = closed.split_first_chunk::<HEAD>().unwrap();
            let mut opened = Vec::new();
            key.decrypt(*head, rest).read_to_end(&mut opened).unwrap();
            assert!(opened == text);
        }
    }

    #[test]
    fn keys_of_other_lengths_are_none_and_are_not_shown() {
        for length in [0, 15, 33] {
            let error = Key::new(vec![7; length]).expect_err("no key");
            assert_eq!(error.kind(), Kind::WrongKey);
        }
        assert_eq!(format!("{:?}", Key::new([7; 16]).unwrap()), "Key(..)");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_key_in_a_pipe_is_read_and_not_waited_for_once_the_run_is_to_stop() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
        let asked = AtomicUsize::new(0);
        let interrupt = Interrupt::when(move || asked.fetch_add(1, Ordering::Relaxed) > 2);
        let error = Key::read(&path, &interrupt).expect_err("nobody writes");
        assert_eq!(error.kind(), Kind::Interrupted, "{error}");
        let to = path.clone();
        let writing = std::thread::spawn(move || std::fs::write(to, [7; 32]));
        let key = Key::read(&path, &Interrupt::default()).expect("a key");
        writing.join().expect("joined").expect("written");
        assert_eq!(key.0, [7; 32]);
    }
}
