//! Reading that stops when the user wants it to.

use crate::error::{Error, Result};
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells whoever reads for long to stop.
#[derive(Clone)]
pub struct Interrupt(Arc<dyn Fn() -> bool + Send + Sync>);

impl Default for Interrupt {
    fn default() -> Self {
        Self::when(|| false)
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Interrupt").field(&(self.0)()).finish()
    }
}

impl Interrupt {
    /// Set when the user wants the run to stop.
    pub fn new(requested: Arc<AtomicBool>) -> Self {
        Self::when(move || requested.load(Ordering::Relaxed))
    }

    /// Asks this whether the user wants the run to stop.
    pub fn when(is_wanted: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_wanted))
    }

    /// Fails once the user wants the run to stop.
    ///
    /// # Errors
    /// An [`Error`] of kind [`Interrupted`](crate::error::Kind::Interrupted) in an [`io::Error`].
    pub fn check(&self) -> io::Result<()> {
        self.stop().map_err(Error::into_io)
    }

    /// The same for whoever does not read.
    ///
    /// # Errors
    /// Kind [`Interrupted`](crate::error::Kind::Interrupted).
    pub fn stop(&self) -> Result<()> {
        match (self.0)() {
            true => Err(Error::interrupted()),
            false => Ok(()),
        }
    }

    /// Reads from `inner`, until the user wants the run to stop.
    pub fn reader<R: Read>(&self, inner: R) -> Interruptible<R> {
        Interruptible {
            inner,
            interrupt: self.clone(),
        }
    }
}

/// See [`Interrupt::reader`].
pub struct Interruptible<R> {
    inner: R,
    interrupt: Interrupt,
}

impl<R: Read> Read for Interruptible<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupt.check()?;
        self.inner.read(buffer)
    }
}
