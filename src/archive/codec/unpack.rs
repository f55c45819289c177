//! Unpacks an archive: finds out from its first bytes what it is wrapped in, and takes that off.

use super::age::{FileKey, Header, Start};
use super::ahead::{Ahead, BLOCK};
use super::ecb::{self, Decryptor, Key, peek};
use super::lock::{Cipher, Lock, Unlock};
use super::members::{Members, inflating};
use super::password::Password;
use super::{PROBE, Wrapping, read_start};
use crate::archive::item::damaged;
use crate::effort::{Effort, Work};
use crate::error::{Error, Kind, Result};
use crate::store::{Interrupt, Origin};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// How a zip file begins.
const ZIP: &[u8] = b"PK\x03\x04";

/// An archive of which the first bytes are known.
pub(in crate::archive) struct Sealed {
    origin: Box<dyn Origin>,
    start: Vec<u8>,
}

impl Sealed {
    /// Reads the first bytes.
    ///
    /// # Errors
    /// It cannot be read, or is empty.
    pub fn probe(mut origin: Box<dyn Origin>) -> Result<Self> {
        let start = read_start(&mut origin.open(true)?, PROBE).map_err(|error| {
            Error::from_io(error, |error| {
                Error::io("read the archive", Path::new(&origin.name()), error)
            })
        })?;
        if start.is_empty() {
            return Err(Error::archive(format!("{} is empty", origin.name()))
                .hint("take another archive; this one was not written to its end"));
        }
        Ok(Self { origin, start })
    }

    /// How many bytes it has, where that is known.
    pub fn length(&self) -> Option<u64> {
        self.origin.length()
    }

    /// Where it lies, for messages.
    pub fn name(&self) -> String {
        self.origin.name()
    }

    /// The cipher that its name speaks of.
    fn named_cipher(&self) -> Option<Cipher> {
        let name = self.name();
        let mut all = Cipher::ALL.into_iter();
        all.find(|cipher| name.ends_with(cipher.extension()))
    }

    /// Whether it is an encrypted archive, as far as its first bytes, length and name tell. Data in Strapi's cipher are
    /// never text, and come in whole blocks unless they were cut.
    pub fn is_encrypted(&self) -> bool {
        let whole_blocks = match self.origin.length() {
            Some(length) => length.is_multiple_of(ecb::BLOCK as u64),
            None => true,
        };
        match Wrapping::of(&self.start) {
            Wrapping::Age => true,
            Wrapping::Gzip | Wrapping::Tar => false,
            Wrapping::Unknown => {
                !is_text(&self.start)
                    && !self.start.starts_with(ZIP)
                    && (self.named_cipher().is_some() || whole_blocks)
            }
        }
    }

    /// What it takes to open it; `None` where it is not encrypted.
    ///
    /// # Errors
    /// Its first bytes are those of a cipher, and damaged, or not known; or its name speaks of another one.
    pub fn lock(&self) -> Result<Option<Lock>> {
        let name = self.name();
        if Wrapping::of(&self.start) == Wrapping::Age {
            let start = Start::of(&self.start).map_err(|error| error.within(name))?;
            return Ok(Some(match start {
                Start::Passphrase => Lock::Key(Cipher::Age),
                Start::Recipients => Lock::Identity,
            }));
        }
        if !self.is_encrypted() {
            return Ok(None);
        }
        if self.named_cipher() == Some(Cipher::Age) {
            let what = format!("{name} is not in the age format, though its name says so");
            return Err(Error::archive(what));
        }
        Ok(Some(Lock::Key(Cipher::Strapi)))
    }

    /// Finds out how to read it. `unlock` is what opens it.
    ///
    /// # Errors
    /// It is no archive; what was given does not open it, or is needless, missing, or of another kind than it takes.
    pub fn open(self, unlock: Option<&Unlock>, effort: &Effort) -> Result<Unpacked> {
        let name = self.name();
        let wrapping = Wrapping::of(&self.start);
        let Some(lock) = self.lock()? else {
            if wrapping == Wrapping::Unknown {
                return Err(not_an_archive(&name));
            }
            if self.named_cipher().is_some() {
                let what = format!("{name} is not encrypted, though its name says so");
                return Err(Error::archive(what).hint(
                    "somebody put it there, or decrypted it; rename it if you know who and why",
                ));
            }
            return match unlock {
                Some(unlock) => Err(needless_key(&name, unlock)),
                None => Ok(Unpacked {
                    sealed: self,
                    opened: Opened::Plain,
                    gzip: wrapping == Wrapping::Gzip,
                }),
            };
        };
        match (lock, unlock) {
            (Lock::Key(Cipher::Strapi), Some(Unlock::Key(password))) => {
                self.open_strapi(password, effort)
            }
            (Lock::Key(Cipher::Age), Some(unlock @ Unlock::Key(_)))
            | (Lock::Identity, Some(unlock @ Unlock::Identities(_))) => {
                self.open_age(lock, unlock, effort)
            }
            (lock, unlock) => Err(another_lock(&name, lock, unlock.is_some())),
        }
    }

    fn open_strapi(self, password: &Password, effort: &Effort) -> Result<Unpacked> {
        let name = self.name();
        let key = effort.time(Work::Key, || Key::derive(password));
        let gzip = match Wrapping::of(&peek(&self.start, &key)) {
            Wrapping::Gzip => true,
            Wrapping::Tar => false,
            Wrapping::Age | Wrapping::Unknown => {
                let why = if self.named_cipher().is_some() {
                    "give the key it was exported with; if it is right, the file is damaged"
                } else {
                    "the key is wrong, or the file is not a Strapi export"
                };
                let message = format!("the key does not open {name}");
                return Err(Error::new(Kind::WrongKey, message).hint(why));
            }
        };
        Ok(Unpacked {
            sealed: self,
            opened: Opened::Strapi(key),
            gzip,
        })
    }

    fn open_age(mut self, lock: Lock, unlock: &Unlock, effort: &Effort) -> Result<Unpacked> {
        let name = self.name();
        let damaged = |error| damaged(&name, error);
        let header = Header::read(self.origin.open(true)?).map_err(damaged)?;
        let (key, mut content) = header.open(unlock, &name, effort)?;
        let start = read_start(&mut content, PROBE).map_err(damaged)?;
        let gzip = match Wrapping::of(&start) {
            Wrapping::Gzip => true,
            Wrapping::Tar => false,
            Wrapping::Age | Wrapping::Unknown => return Err(not_an_archive(&name)),
        };
        Ok(Unpacked {
            sealed: self,
            opened: Opened::Age(key, lock),
            gzip,
        })
    }
}

/// How an archive is decrypted.
enum Opened {
    /// Not at all.
    Plain,
    /// With Strapi's cipher.
    Strapi(Key),
    /// In the age format, which had this lock.
    Age(FileKey, Lock),
}

/// An archive that can be read.
pub(in crate::archive) struct Unpacked {
    sealed: Sealed,
    opened: Opened,
    gzip: bool,
}

impl Unpacked {
    /// How many bytes it has, where that is known.
    pub fn length(&self) -> Option<u64> {
        self.sealed.origin.length()
    }

    /// What it took to open it; `None` where it is not encrypted.
    pub fn lock(&self) -> Option<Lock> {
        match &self.opened {
            Opened::Plain => None,
            Opened::Strapi(_) => Some(Lock::Key(Cipher::Strapi)),
            Opened::Age(_, lock) => Some(*lock),
        }
    }

    /// Whether it is compressed.
    pub fn is_compressed(&self) -> bool {
        self.gzip
    }

    /// Where it lies, for messages.
    pub fn name(&self) -> String {
        self.sealed.name()
    }

    /// The tar in it, from its beginning, read ahead in threads. With `again`, it is going to be read once more.
    ///
    /// # Errors
    /// It cannot be opened again, or is another one now; the system gives no threads.
    pub fn read(
        &mut self,
        again: bool,
        interrupt: &Interrupt,
        effort: &Effort,
    ) -> Result<Box<dyn BufRead>> {
        let raw = interrupt.reader(self.sealed.origin.open(again)?);
        let raw = effort.metered(Work::Archive, raw);
        let plain: Box<dyn Read + Send> = match &self.opened {
            Opened::Plain => Box::new(raw),
            Opened::Strapi(key) => Box::new(Decryptor::new(raw, key, effort)),
            Opened::Age(key, _) => {
                let content = Header::read(raw).and_then(|header| header.open_again(key, effort));
                Box::new(content.map_err(|error| damaged(&self.sealed.name(), error))?)
            }
        };
        // Whoever only looks at the beginning of a stream would wait for more of it than he needs.
        if again && self.sealed.origin.length().is_none() {
            let plain = BufReader::with_capacity(BLOCK, plain);
            return Ok(match self.gzip {
                true => Box::new(BufReader::with_capacity(BLOCK, Members::new(plain))),
                false => Box::new(plain),
            });
        }
        let plain = Ahead::new(plain)?;
        let tar = match self.gzip {
            true => inflating(plain, effort)?,
            false => plain,
        };
        Ok(Box::new(tar.measured(effort)))
    }
}

/// Whether bytes are text, of which the last character may be cut.
fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

fn not_an_archive(name: &str) -> Error {
    Error::archive(format!("{name} is not a Strapi export")).hint(
        "it is neither a tar nor gzip nor encrypted; give the file that `backup export` or `strapi \
         export` wrote",
    )
}

/// A key or an identity that was given for an archive that needs none.
pub(in crate::archive) fn needless_key(name: &str, unlock: &Unlock) -> Error {
    Error::usage(format!("{name} is not encrypted")).hint(match unlock {
        Unlock::Key(_) => "leave the option for the key out",
        Unlock::Identities(_) => "leave the identity out",
    })
}

/// Nothing was given that fits this lock; what was given, if anything, fits another one.
fn another_lock(name: &str, lock: Lock, is_given: bool) -> Error {
    let (what, instead, hint) = match lock {
        Lock::Key(Cipher::Strapi) => (
            "encrypted",
            ", with a key: no identity opens it",
            "give the key it was exported with, with --key-file",
        ),
        Lock::Key(Cipher::Age) => (
            "encrypted with a passphrase",
            ": no identity opens it",
            "give the passphrase as the key, with --key-file",
        ),
        Lock::Identity => (
            "encrypted to recipients",
            ": no key opens it",
            "give the file with the identity of one of them, with --identity",
        ),
    };
    let instead = if is_given { instead } else { "" };
    Error::usage(format!("{name} is {what}{instead}")).hint(hint)
}
