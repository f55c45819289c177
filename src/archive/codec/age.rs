//! The age format: a header that wraps a key for whoever may read, and content in chunks of 64 KiB each of which is
//! authenticated, with its place and whether it is the last one.
//!
//! What opens a header is worked out once: scrypt takes a second and 256 MB. docs/FORMAT.md names the parts of the format
//! that are read.

mod encryptor;
mod start;

pub(super) use encryptor::Encryptor;
pub(super) use start::Start;

use super::lock::Unlock;
use super::password::Password;
use crate::archive::item::damaged;
use crate::effort::{Effort, Work};
use crate::error::{Error, Kind, Result};
use ::age::DecryptError;
use ::age::armor::ArmoredReader;
use ::age::scrypt;
use ::age::secrecy::{ExposeSecret, SecretString};
use ::age::stream::StreamReader;
use age_core::format::{FILE_KEY_BYTES, Stanza};
use start::{MOST_WORK, broken_header, too_much_work};
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::iter;

/// How a file of any version of the format begins.
pub(super) const MAGIC: &[u8] = b"age-encryption.org/";
/// How the same begins where it was made text.
pub(super) const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
/// How any part of a header begins, and how its last line does.
const PART: &[u8] = b"-> ";
const LAST: &[u8] = b"---";
/// What a part is called that recipients of `age1...` have.
const X25519: &str = "X25519";
/// How many bytes a header may have: that of hundreds of recipients.
const LONGEST_HEADER: u64 = 64 << 10;
/// How many bytes a line of text may have; those of the format have 64.
const LONGEST_LINE: usize = 4 << 10;
/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// The key of a file's content, which its header holds.
#[derive(Clone)]
pub(super) struct FileKey([u8; FILE_KEY_BYTES]);

impl std::fmt::Debug for FileKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileKey(..)")
    }
}

type Wrapped = age_core::format::FileKey;
type Opened = Option<std::result::Result<Wrapped, DecryptError>>;

/// Gives the key that is known already; whether it is right, the header's own authentication tells.
impl ::age::Identity for FileKey {
    fn unwrap_stanza(&self, _: &Stanza) -> Opened {
        Some(Ok(Wrapped::new(Box::new(self.0))))
    }
}

/// Notes the key that another one finds.
struct Noting<'a> {
    inner: &'a dyn ::age::Identity,
    found: &'a Cell<Option<[u8; FILE_KEY_BYTES]>>,
}

impl ::age::Identity for Noting<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Opened {
        self.inner.unwrap_stanza(stanza)
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Opened {
        let opened = self.inner.unwrap_stanzas(stanzas);
        if let Some(Ok(key)) = &opened {
            self.found.set(Some(*key.expose_secret()));
        }
        opened
    }
}

fn secret(password: &Password) -> SecretString {
    SecretString::from(password.expose().to_owned())
}

/// Where encrypted bytes come from.
type Source = Box<dyn Read + Send>;

/// A file of which the header was read.
pub(super) struct Header {
    bytes: Vec<u8>,
    rest: BufReader<Source>,
}

impl Header {
    /// Reads it from the beginning of a file, in armor or not.
    ///
    /// # Errors
    /// The file cannot be read, or ends before its header does.
    pub fn read(file: impl Read + Send + 'static) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(BUFFER, file);
        let is_armored = file.fill_buf()?.starts_with(&ARMOR[..5]);
        let bare: Source = match is_armored {
            true => Box::new(ArmoredReader::new(ShortLines::new(file))),
            false => Box::new(file),
        };
        let mut rest = BufReader::with_capacity(BUFFER, bare);
        let mut bytes = Vec::new();
        loop {
            let start = bytes.len();
            let most = LONGEST_HEADER - start as u64;
            let read = (&mut rest).take(most).read_until(b'\n', &mut bytes)?;
            let line = &bytes[start..];
            if read == 0 || !line.ends_with(b"\n") {
                return Err(match most == read as u64 {
                    true => io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the header of the age format is longer than any that is read",
                    ),
                    false => io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the header of the age format has no end",
                    ),
                });
            }
            if line.starts_with(LAST) {
                return Ok(Self { bytes, rest });
            }
        }
    }

    /// What its parts are called: the kinds of recipients.
    fn kinds(&self) -> Vec<String> {
        let lines = self.bytes.split(|byte| *byte == b'\n');
        let parts = lines.filter_map(|line| line.strip_prefix(PART));
        let names = parts.map(|part| part.split(|byte| *byte == b' ').next().unwrap_or_default());
        names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect()
    }

    fn decrypt(
        self,
        identities: &mut dyn Iterator<Item = &dyn ::age::Identity>,
    ) -> std::result::Result<StreamReader<Content>, DecryptError> {
        let content = Cursor::new(self.bytes).chain(self.rest);
        ::age::Decryptor::new_buffered(content)?.decrypt(identities)
    }

    /// Finds the key that it holds, and gives the content as well. `name` is that of the file, for messages.
    ///
    /// # Errors
    /// Nothing in `unlock` opens it (kind [`WrongKey`](Kind::WrongKey)), or it is damaged.
    pub fn open(
        self,
        unlock: &Unlock,
        name: &str,
        effort: &Effort,
    ) -> Result<(FileKey, Decryptor)> {
        let kinds = self.kinds();
        let found = Cell::new(None);
        let note = |inner| Noting {
            inner,
            found: &found,
        };
        let opened = match unlock {
            Unlock::Key(password) => {
                let mut identity = scrypt::Identity::new(secret(password));
                identity.set_max_work_factor(MOST_WORK);
                let noting = note(&identity);
                let only: &dyn ::age::Identity = &noting;
                effort.time(Work::Key, || self.decrypt(&mut iter::once(only)))
            }
            Unlock::Identities(identities) => {
                let noting: Vec<Noting<'_>> = identities.inner().map(note).collect();
                let mut all = noting.iter().map(|one| one as &dyn ::age::Identity);
                effort.time(Work::Key, || self.decrypt(&mut all))
            }
        };
        let stream = opened.map_err(|error| unopened(error, name, unlock, &kinds))?;
        let key = found.get().expect("what was opened had a key");
        Ok((FileKey(key), Decryptor::new(stream, effort)))
    }

    /// The content, with the key that was found before.
    ///
    /// # Errors
    /// Its header is damaged, or that of another file.
    pub fn open_again(self, key: &FileKey, effort: &Effort) -> io::Result<Decryptor> {
        let only: &dyn ::age::Identity = key;
        match self.decrypt(&mut iter::once(only)) {
            Ok(stream) => Ok(Decryptor::new(stream, effort)),
            Err(DecryptError::Io(error)) => Err(error),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the header of the age format is not that of before",
            )),
        }
    }
}

/// Why a header was not opened.
fn unopened(error: DecryptError, name: &str, unlock: &Unlock, kinds: &[String]) -> Error {
    match (error, unlock) {
        (DecryptError::Io(error), _) => damaged(name, error),
        (DecryptError::ExcessiveWork { required, .. }, _) => {
            too_much_work(required.into()).within(name)
        }
        (DecryptError::InvalidMac, _) => Error::archive(format!(
            "{name} is damaged: the header of the age format is not as it was written"
        )),
        (DecryptError::InvalidHeader | DecryptError::UnknownFormat, _) => {
            broken_header().within(name)
        }
        (_, Unlock::Key(_)) => Error::new(Kind::WrongKey, format!("the key does not open {name}"))
            .hint("give the key it was exported with; if it is right, the file is damaged"),
        (_, Unlock::Identities(_)) if !kinds.iter().any(|kind| kind == X25519) => Error::new(
            Kind::WrongKey,
            format!(
                "{name} is encrypted to recipients of other kinds than are known here: {}",
                crate::model::Short(&kinds.join(", "))
            ),
        )
        .hint("decrypt it with age, and give what comes out"),
        (_, Unlock::Identities(_)) => Error::new(
            Kind::WrongKey,
            format!("no identity that was given opens {name}"),
        )
        .hint("give the identity of one of its recipients; if it is right, the file is damaged"),
    }
}

/// What follows what was read of a file: its header, and the rest.
type Content = Chain<Cursor<Vec<u8>>, BufReader<Source>>;

/// Decrypts what is read from it. What it gives was written by whoever made the file, at this place.
pub(super) struct Decryptor {
    stream: StreamReader<Content>,
    effort: Effort,
    /// What went wrong: whoever asks again after that gets it again.
    failed: Option<(io::ErrorKind, String)>,
}

impl Decryptor {
    fn new(stream: StreamReader<Content>, effort: &Effort) -> Self {
        Self {
            stream,
            effort: effort.clone(),
            failed: None,
        }
    }
}

impl Read for Decryptor {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some((kind, message)) = &self.failed {
            return Err(io::Error::new(*kind, message.clone()));
        }
        let stream = &mut self.stream;
        let read = self.effort.time(Work::Encryption, || stream.read(out));
        read.map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let error = match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    io::Error::new(error.kind(), "the encrypted data has no end")
                }
                io::ErrorKind::InvalidData if error.raw_os_error().is_none() => io::Error::new(
                    error.kind(),
                    "the encrypted data was changed or cut since it was written",
                ),
                _ => error,
            };
            self.failed = Some((error.kind(), error.to_string()));
            error
        })
    }
}

/// Lines none of which is long: whoever takes them takes each into memory.
struct ShortLines<R> {
    inner: R,
    length: usize,
}

impl<R> ShortLines<R> {
    fn new(inner: R) -> Self {
        Self { inner, length: 0 }
    }
}

impl<R: Read> Read for ShortLines<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        for piece in out[..read].split_inclusive(|byte| *byte == b'\n') {
            self.length += piece.len();
            if self.length > LONGEST_LINE {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a line of its text is longer than any of the age format",
                ));
            }
            if piece.ends_with(b"\n") {
                self.length = 0;
            }
        }
        Ok(read)
    }
}

/// The content of a file that is small, and held in memory.
///
/// # Errors
/// The passphrase does not open it, or it is damaged.
pub(super) fn open_small(file: &[u8], passphrase: &Password) -> Result<Vec<u8>> {
    let name = "it";
    let damaged = |error| damaged(name, error);
    let header = Header::read(Cursor::new(file.to_vec())).map_err(damaged)?;
    let unlock = Unlock::Key(passphrase.clone());
    let (_, mut content) = header.open(&unlock, name, &Effort::default())?;
    let mut out = Vec::new();
    content.read_to_end(&mut out).map_err(damaged)?;
    Ok(out)
}

#[cfg(test)]
mod tests;
