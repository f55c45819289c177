//! The age format: a header that wraps a key for whoever may read, and content in chunks of 64 KiB each of which is
//! authenticated, with its place and whether it is the last one.
//!
//! What opens a header is worked out once: scrypt takes a second and 256 MB. docs/FORMAT.md names the parts of the format
//! that are read.

use super::lock::Unlock;
use super::password::Password;
use super::recipients::Recipient;
use crate::archive::item::damaged;
use crate::effort::{Effort, Work};
use crate::error::{Error, Kind, Result};
use ::age::armor::ArmoredReader;
use ::age::scrypt;
use ::age::secrecy::{ExposeSecret, SecretString};
use ::age::stream::{StreamReader, StreamWriter};
use ::age::{DecryptError, EncryptError};
use age_core::format::{FILE_KEY_BYTES, Stanza};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read, Write};
use std::iter;
use std::sync::{Arc, Mutex, PoisonError};

/// How a file of any version of the format begins.
pub(super) const MAGIC: &[u8] = b"age-encryption.org/";
/// How the same begins where it was made text.
pub(super) const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
/// The first line of the version that is known.
const VERSION: &[u8] = b"age-encryption.org/v1\n";
/// How the part of a header begins that holds the key for a passphrase; it is the only one then.
const SCRYPT: &[u8] = b"-> scrypt ";
/// How any part of a header begins, and how its last line does.
const PART: &[u8] = b"-> ";
const LAST: &[u8] = b"---";
/// What a part is called that recipients of `age1...` have.
const X25519: &str = "X25519";
/// The work of a passphrase, as the power of two that is scrypt's N: what age itself takes. 256 MB, and a second.
const WORK: u8 = 18;
/// What is done at the most for an archive: 1 GB, and some seconds.
const MOST_WORK: u8 = 20;
/// How many bytes a header may have: that of hundreds of recipients.
const LONGEST_HEADER: u64 = 64 << 10;
/// How many of these an archive may have: the header of more could not be read.
const MOST_RECIPIENTS: usize = 500;
/// How many bytes a line of text may have; those of the format have 64.
const LONGEST_LINE: usize = 4 << 10;
/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// What opens a file, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Passphrase,
    Recipients,
}

impl Start {
    /// Looks at the first bytes of a file, of which a few hundred suffice.
    ///
    /// # Errors
    /// They are not those of this format's first version; or a passphrase takes more work than is done.
    pub fn of(start: &[u8]) -> Result<Self> {
        let bare;
        let start = match start.starts_with(ARMOR) {
            true => {
                bare = without_armor(start);
                &bare[..]
            }
            false => start,
        };
        let cut = || Error::archive("it was cut short: the header of the age format has no end");
        if start.len() < VERSION.len() {
            return Err(cut());
        }
        let Some(parts) = start.strip_prefix(VERSION) else {
            return Err(Error::archive(
                "it is in another version of the age format than v1, which is known here",
            ));
        };
        if let Some(rest) = parts.strip_prefix(SCRYPT) {
            check_work(rest)?;
            return Ok(Self::Passphrase);
        }
        match parts {
            _ if parts.starts_with(PART) => Ok(Self::Recipients),
            _ if parts.len() < PART.len() => Err(cut()),
            _ => Err(broken_header()),
        }
    }
}

/// Sees that no hostile header has us work for hours. `rest` is the salt, a space and the number.
fn check_work(rest: &[u8]) -> Result<()> {
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let number = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let number = std::str::from_utf8(number).unwrap_or_default();
    match number.parse::<u64>() {
        Ok(work) if work > MOST_WORK.into() => Err(too_much_work(work)),
        _ => Ok(()),
    }
}

fn too_much_work(work: u64) -> Error {
    Error::archive(format!(
        "its passphrase takes scrypt with N = 2^{work}, which is more than the 2^{MOST_WORK} (1 GB of memory) that are \
         done here"
    ))
    .hint("it is hostile, or was made with great care: if you know who made it, decrypt it with age, and give what comes out")
}

fn broken_header() -> Error {
    Error::archive("the header of the age format is damaged")
}

/// The first bytes of what an armor holds, as far as whole lines of it are there.
fn without_armor(start: &[u8]) -> Vec<u8> {
    let mut bare = Vec::new();
    let lines = start.split_inclusive(|byte| *byte == b'\n').skip(1);
    for line in lines.filter(|line| line.ends_with(b"\n")) {
        let Ok(bytes) = BASE64_STANDARD.decode(line.trim_ascii_end()) else {
            break;
        };
        bare.extend(bytes);
    }
    bare
}

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

/// Encrypts what is written to it.
pub(super) struct Encryptor<W> {
    stream: StreamWriter<Shared>,
    /// What is encrypted and has not gone on.
    ready: Shared,
    inner: W,
    effort: Effort,
}

/// Bytes that two have: the one writes them, the other takes them.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn take_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&bytes)?;
        bytes.clear();
        Ok(())
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn secret(password: &Password) -> SecretString {
    SecretString::from(password.expose().to_owned())
}

impl<W: Write> Encryptor<W> {
    /// Encrypts into `inner`, for whoever knows a passphrase.
    ///
    /// # Errors
    /// The system gives no random numbers, or no memory.
    pub fn with_passphrase(inner: W, passphrase: &Password, effort: &Effort) -> Result<Self> {
        Self::with_work(inner, passphrase, WORK, effort)
    }

    fn with_work(inner: W, passphrase: &Password, work: u8, effort: &Effort) -> Result<Self> {
        let mut recipient = scrypt::Recipient::new(secret(passphrase));
        recipient.set_work_factor(work);
        let only: &dyn ::age::Recipient = &recipient;
        Self::start(inner, &mut iter::once(only), effort)
    }

    /// Encrypts into `inner`, for whoever has an identity of one of these.
    ///
    /// # Errors
    /// There is none, or there are too many.
    pub fn to_recipients(inner: W, recipients: &[Recipient], effort: &Effort) -> Result<Self> {
        if recipients.len() > MOST_RECIPIENTS {
            let count = recipients.len();
            let what = format!(
                "{count} recipients are more than the {MOST_RECIPIENTS} that an archive may have"
            );
            return Err(Error::usage(what).hint("give fewer, who share an identity"));
        }
        let mut all = recipients
            .iter()
            .map(|recipient| recipient.inner() as &dyn ::age::Recipient);
        Self::start(inner, &mut all, effort)
    }

    fn start(
        inner: W,
        recipients: &mut dyn Iterator<Item = &dyn ::age::Recipient>,
        effort: &Effort,
    ) -> Result<Self> {
        let ready = Shared::default();
        let begun = effort.time(Work::Key, || {
            ::age::Encryptor::with_recipients(recipients)
                .and_then(|encryptor| Ok(encryptor.wrap_output(ready.clone())?))
        });
        let stream = begun.map_err(|error| match error {
            EncryptError::MissingRecipients => Error::usage("there are no recipients")
                .hint("give one with --recipient, as age-keygen prints it"),
            _ => Error::failed("the archive cannot be encrypted: its header could not be made"),
        })?;
        Ok(Self {
            stream,
            ready,
            inner,
            effort: effort.clone(),
        })
    }

    /// Writes the last chunk and gives the inner writer back.
    ///
    /// # Errors
    /// The inner writer failed.
    pub fn finish(mut self) -> io::Result<W> {
        let stream = self.stream;
        self.effort.time(Work::Encryption, || stream.finish())?;
        self.ready.take_to(&mut self.inner)?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Encryptor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(4 * BUFFER)];
        let stream = &mut self.stream;
        self.effort
            .time(Work::Encryption, || stream.write_all(bytes))?;
        self.ready.take_to(&mut self.inner)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
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
