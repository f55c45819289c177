//! A writer that works in a thread of its own, behind a bounded channel.
//!
//! Compression and encryption each take a core; reading rows takes another.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes in a block that is handed over.
const BLOCK: usize = 256 << 10;
/// Blocks that may wait.
const WAITING: usize = 8;

/// Hands what is written to it over to a thread that writes it to `W`.
pub(super) struct Background<W> {
    block: Vec<u8>,
    sender: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<io::Result<W>>>,
}

impl<W: Write + Send + 'static> Background<W> {
    /// Starts a thread that writes to `inner`.
    pub fn new(inner: W) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        Self {
            block: Vec::with_capacity(BLOCK),
            sender: Some(sender),
            thread: Some(std::thread::spawn(move || work(inner, receiver))),
        }
    }

    /// Waits until everything is written and gives the inner writer back.
    ///
    /// # Errors
    /// The inner writer failed.
    pub fn finish(mut self) -> io::Result<W> {
        self.hand_over()?;
        self.join()
    }

    fn hand_over(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        let sent = self
            .sender
            .as_ref()
            .is_some_and(|sender| sender.send(block).is_ok());
        if sent {
            return Ok(());
        }
        // The thread only stops early when it failed.
        match self.join() {
            Err(error) => Err(error),
            Ok(_) => Err(io::Error::other("the writer stopped")),
        }
    }

    fn join(&mut self) -> io::Result<W> {
        drop(self.sender.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Err(io::Error::other("the writer stopped")),
        }
    }
}

fn work<W: Write>(mut inner: W, receiver: Receiver<Vec<u8>>) -> io::Result<W> {
    for block in receiver {
        inner.write_all(&block)?;
    }
    Ok(inner)
}

impl<W: Write + Send + 'static> Write for Background<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..length]);
        if self.block.len() == BLOCK {
            self.hand_over()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_over()
    }
}

impl<W> Drop for Background<W> {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            // Whoever drops it without `finish` has an error to report already.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_in_order() {
        let mut background = Background::new(Vec::new());
        let bytes: Vec<u8> = (0..3 * BLOCK + 5).map(|n| (n % 253) as u8).collect();
        for part in bytes.chunks(1000) {
            background.write_all(part).expect("written");
        }
        assert!(background.finish().expect("finished") == bytes);
    }

    #[test]
    fn the_error_of_the_thread_reaches_the_writer() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut background = Background::new(Full);
        let written = background
            .write_all(&vec![0; 100 * BLOCK])
            .and_then(|()| background.finish().map(drop));
        assert_eq!(
            written.expect_err("it is full").kind(),
            io::ErrorKind::StorageFull
        );
    }
}
