//! Packs an archive: gzip in threads, then encryption and the place where it goes in one.

use super::age;
use super::background::Background;
use super::ecb::{Encryptor, Key};
use super::gzip::{BLOCK, Compressor};
use super::lock::Encryption;
use crate::effort::{Effort, Metered, Work};
use crate::error::{Error, Result};
use crate::store::{Ending, Interrupt, Target};
use flate2::Compression;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How an archive is packed.
#[derive(Debug, Clone, Default)]
pub struct Packing {
    /// With gzip, at this level.
    pub compression: Option<Level>,
    /// Encrypted so.
    pub encryption: Option<Encryption>,
    /// Collects what takes time.
    pub effort: Effort,
    /// Packing stops when the user wants that.
    pub interrupt: Interrupt,
}

/// How hard gzip tries: 0 stores, 1 is fast, 9 makes the smallest archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// The highest one.
    pub const MAX: u8 = 9;

    /// The level of this number; `None` where there is none.
    pub fn new(level: u8) -> Option<Self> {
        (level <= Self::MAX).then_some(Self(level))
    }

    /// Its number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for Level {
    /// What takes half the time of 9's neighbours for a few hundredths of the size.
    fn default() -> Self {
        Self(5)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A writer on the way to a target, which has an end of its own to write.
trait Layer: Write + Send {
    /// Writes that end, and gives the target back.
    fn end(self: Box<Self>) -> io::Result<Box<dyn Target>>;
}

impl Layer for Background<Metered<Box<dyn Target>>> {
    fn end(self: Box<Self>) -> io::Result<Box<dyn Target>> {
        Ok(self.finish()?.into_inner())
    }
}

impl Layer for Background<Encryptor<Metered<Box<dyn Target>>>> {
    fn end(self: Box<Self>) -> io::Result<Box<dyn Target>> {
        Ok(self.finish()?.finish()?.into_inner())
    }
}

impl Layer for Background<age::Encryptor<Metered<Box<dyn Target>>>> {
    fn end(self: Box<Self>) -> io::Result<Box<dyn Target>> {
        Ok(self.finish()?.finish()?.into_inner())
    }
}

/// Writes to `inner` in the background, compressed or as it is.
fn background<W: Write + Send + 'static>(inner: W, packing: &Packing) -> Result<Background<W>> {
    let effort = &packing.effort;
    let watchers = (effort, &packing.interrupt);
    let Some(level) = packing.compression else {
        return Background::new(inner, watchers);
    };
    let worker = || {
        let mut compressor = Compressor::new(Compression::new(level.get().into()));
        let effort = effort.clone();
        move |block: Vec<u8>| effort.time(Work::Compression, || compressor.member(&block))
    };
    Background::through(BLOCK, worker, inner, watchers)
}

/// Packs what is written to it. Dropped before it is published, the target shows nothing.
pub(in crate::archive) struct Packer {
    /// `None` once it is published or given up.
    layers: Option<Box<dyn Layer>>,
    name: String,
    spool_folder: PathBuf,
    effort: Effort,
}

impl Packer {
    /// Starts to pack into `target`.
    ///
    /// # Errors
    /// The system gives no threads; or what the encryption needs is not there.
    pub fn new(target: Box<dyn Target>, packing: &Packing) -> Result<Self> {
        let name = target.name();
        let spool_folder = target.spool_folder().to_owned();
        let effort = packing.effort.clone();
        let target = effort.metered(Work::Archive, target);
        let layers: Box<dyn Layer> = match &packing.encryption {
            None => Box::new(background(target, packing)?),
            Some(Encryption::Strapi(password)) => {
                let key = effort.time(Work::Key, || Key::derive(password));
                let encryptor = Encryptor::new(target, &key, &effort);
                Box::new(background(encryptor, packing)?)
            }
            Some(Encryption::Passphrase(password)) => {
                let encryptor = age::Encryptor::with_passphrase(target, password, &effort)?;
                Box::new(background(encryptor, packing)?)
            }
            Some(Encryption::Recipients(recipients)) => {
                let encryptor = age::Encryptor::to_recipients(target, recipients, &effort)?;
                Box::new(background(encryptor, packing)?)
            }
        };
        Ok(Self {
            layers: Some(layers),
            name,
            spool_folder,
            effort,
        })
    }

    /// Where the archive goes, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A folder with room for what must wait before it can be written.
    pub fn spool_folder(&self) -> &Path {
        &self.spool_folder
    }

    /// A failed write, in words.
    pub fn explain(name: &str, error: io::Error) -> Error {
        Error::from_io(error, |error| {
            Error::io("write the archive", Path::new(name), error)
        })
    }

    /// Ends the archive, and makes it visible.
    ///
    /// # Errors
    /// The end cannot be written, or the target cannot be published.
    pub fn publish(&mut self, ending: Ending) -> Result<()> {
        let fail = |error| Self::explain(&self.name, error);
        let Some(layers) = self.layers.take() else {
            return Err(fail(io::ErrorKind::BrokenPipe.into()));
        };
        let target = layers.end().map_err(fail)?;
        self.effort.time(Work::Sync, || target.publish(ending))
    }

    /// Ends the archive where it is; what is written from now on is dropped.
    pub fn give_up(&mut self) {
        self.layers = None;
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.layers {
            Some(layers) => layers.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
