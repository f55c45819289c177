//! Writes the age format.

use super::secret;
use crate::archive::codec::password::Password;
use crate::archive::codec::recipients::Recipient;
use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use ::age::EncryptError;
use ::age::scrypt;
use ::age::stream::StreamWriter;
use std::io::{self, Write};
use std::iter;
use std::sync::{Arc, Mutex, PoisonError};

/// The work of a passphrase, as the power of two that is scrypt's N: what age itself takes. 256 MB, and a second.
const WORK: u8 = 18;
/// How many recipients an archive may have: the header of more could not be read.
pub(super) const MOST_RECIPIENTS: usize = 500;
/// Bytes that are encrypted at once, at the most.
const BUFFER: usize = 256 << 10;

/// Encrypts what is written to it.
pub(in super::super) struct Encryptor<W> {
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

impl<W: Write> Encryptor<W> {
    /// Encrypts into `inner`, for whoever knows a passphrase.
    ///
    /// # Errors
    /// The system gives no random numbers, or no memory.
    pub fn with_passphrase(inner: W, passphrase: &Password, effort: &Effort) -> Result<Self> {
        Self::with_work(inner, passphrase, WORK, effort)
    }

    pub(super) fn with_work(
        inner: W,
        passphrase: &Password,
        work: u8,
        effort: &Effort,
    ) -> Result<Self> {
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
        let bytes = &bytes[..bytes.len().min(BUFFER)];
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
