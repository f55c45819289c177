//! Unpacks an archive: finds out from its first bytes what it is wrapped in, and takes that off.

use super::ahead::{Ahead, BLOCK};
use super::ecb::{self, Decryptor, Key, peek};
use super::members::{Members, inflating};
use super::password::Password;
use super::{PROBE, Wrapping, read_start};
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

    fn is_named_encrypted(&self) -> bool {
        self.name().ends_with(".enc")
    }

    /// Whether it is an encrypted archive, as far as its first bytes, length and name tell:
    /// encrypted data is never text, and comes in whole blocks unless it was cut.
    pub fn is_encrypted(&self) -> bool {
        let whole_blocks = match self.origin.length() {
            Some(length) => length.is_multiple_of(ecb::BLOCK as u64),
            None => true,
        };
        Wrapping::of(&self.start) == Wrapping::Unknown
            && !is_text(&self.start)
            && !self.start.starts_with(ZIP)
            && (self.is_named_encrypted() || whole_blocks)
    }

    /// Finds out how to read it. `password` is the one it was encrypted with.
    ///
    /// # Errors
    /// It is no archive, the password does not open it, or is needless or missing.
    pub fn open(self, password: Option<&Password>) -> Result<Unpacked> {
        let name = self.name();
        let wrapping = Wrapping::of(&self.start);
        if wrapping != Wrapping::Unknown && self.is_named_encrypted() {
            let what = format!("{name} is not encrypted, though its name says so");
            return Err(Error::archive(what).hint(
                "somebody put it there, or decrypted it; rename it if you know who and why",
            ));
        }
        if wrapping != Wrapping::Unknown {
            return match password {
                Some(_) => Err(needless_key(&name)),
                None => Ok(Unpacked {
                    sealed: self,
                    key: None,
                    gzip: wrapping == Wrapping::Gzip,
                }),
            };
        }
        if !self.is_encrypted() {
            return Err(not_an_archive(&name));
        }
        let Some(password) = password else {
            return Err(Error::usage(format!("{name} is encrypted"))
                .hint("give the key it was exported with, with --key"));
        };
        let key = Key::derive(password);
        match Wrapping::of(&peek(&self.start, &key)) {
            Wrapping::Unknown => {
                let why = if self.is_named_encrypted() {
                    "give the key it was exported with; if it is right, the file is damaged"
                } else {
                    "the key is wrong, or the file is not a Strapi export"
                };
                let message = format!("the key does not open {name}");
                Err(Error::new(Kind::WrongKey, message).hint(why))
            }
            wrapping => Ok(Unpacked {
                sealed: self,
                key: Some(key),
                gzip: wrapping == Wrapping::Gzip,
            }),
        }
    }
}

/// An archive that can be read.
pub(in crate::archive) struct Unpacked {
    sealed: Sealed,
    key: Option<Key>,
    gzip: bool,
}

impl Unpacked {
    /// How many bytes it has, where that is known.
    pub fn length(&self) -> Option<u64> {
        self.sealed.origin.length()
    }

    /// Whether it is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.key.is_some()
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
    /// It cannot be opened again; the system gives no threads.
    pub fn read(
        &mut self,
        again: bool,
        interrupt: &Interrupt,
        effort: &Effort,
    ) -> Result<Box<dyn BufRead>> {
        let raw = interrupt.reader(self.sealed.origin.open(again)?);
        let raw = effort.metered(Work::Archive, raw);
        let plain: Box<dyn Read + Send> = match &self.key {
            Some(key) => Box::new(Decryptor::new(raw, key, effort)),
            None => Box::new(raw),
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

/// A key that was given for an archive that has none.
pub(in crate::archive) fn needless_key(name: &str) -> Error {
    Error::usage(format!("{name} is not encrypted")).hint("leave the option for the key out")
}
