//! A writer that works in threads of its own, behind bounded channels.
//!
//! Compression takes all cores, encryption and the disk take one; reading rows takes another.

use super::pool::{Given, pool};
use crate::effort::{Effort, Work};
use crate::error::Result;
use crate::store::Interrupt;
use crate::threads::{MOST, start};
use std::io::{self, Write};
use std::sync::mpsc::{TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Bytes in a block that is handed over as it is.
const BLOCK: usize = 256 << 10;
/// Blocks that may wait.
const WAITING: usize = 8;
/// How long to wait before it is looked again.
const PAUSE: Duration = Duration::from_millis(1);
/// How often it is looked whether a thread ends, once the run is to stop.
const PATIENCE: u32 = 500;

/// Who is told how long things take, and who wants them to stop.
pub(super) type Watchers<'a> = (&'a Effort, &'a Interrupt);

/// Hands what is written to it over to a thread that writes it to `W`, in blocks of a fixed size but for the last.
pub(super) struct Background<W> {
    block: Vec<u8>,
    size: usize,
    effort: Effort,
    /// Hands a block over. `None` at the end.
    give: Option<Box<Give>>,
    /// Whether the user wants the run to stop: then nothing is waited for, which may be a reader that reads no more.
    interrupt: Interrupt,
    thread: Option<JoinHandle<io::Result<W>>>,
}

type Give = dyn Fn(Vec<u8>) -> Given<Vec<u8>> + Send;

impl<W: Write + Send + 'static> Background<W> {
    /// Starts a thread that writes to `inner`. As all of these, it fails where the system gives no thread.
    pub fn new(inner: W, watchers: Watchers<'_>) -> Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let give = move |block| match sender.try_send(block) {
            Ok(()) => Given::Taken,
            Err(TrySendError::Full(block)) => Given::NotYet(block),
            Err(TrySendError::Disconnected(_)) => Given::ToNobody,
        };
        Self::start(BLOCK, give, inner, receiver.into_iter(), watchers)
    }

    /// Starts a thread that writes to `inner` what other threads make of blocks of `size` bytes: one a core, each with
    /// what `worker` makes for it.
    pub fn through<F>(
        size: usize,
        worker: impl Fn() -> F,
        inner: W,
        watchers: Watchers<'_>,
    ) -> Result<Self>
    where
        F: FnMut(Vec<u8>) -> Vec<u8> + Send + 'static,
    {
        let (jobs, results) = pool(MOST, worker)?;
        Self::start(
            size,
            move |block| jobs.try_give(block),
            inner,
            results,
            watchers,
        )
    }

    fn start(
        size: usize,
        give: impl Fn(Vec<u8>) -> Given<Vec<u8>> + Send + 'static,
        inner: W,
        blocks: impl Iterator<Item = Vec<u8>> + Send + 'static,
        (effort, interrupt): Watchers<'_>,
    ) -> Result<Self> {
        Ok(Self {
            effort: effort.clone(),
            interrupt: interrupt.clone(),
            block: Vec::with_capacity(size),
            size,
            give: Some(Box::new(give)),
            thread: Some(start(move || work(inner, blocks))?),
        })
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
        let mut block = std::mem::replace(&mut self.block, Vec::with_capacity(self.size));
        let effort = self.effort.clone();
        let _watch = effort.start(Work::Waiting);
        loop {
            let give = self.give.as_ref();
            match give.map_or(Given::ToNobody, |give| give(block)) {
                Given::Taken => return Ok(()),
                Given::NotYet(back) => {
                    block = back;
                    self.interrupt.check()?;
                    thread::sleep(PAUSE);
                }
                // The thread only stops early when it failed.
                Given::ToNobody => {
                    self.join()?;
                    return Err(io::Error::other("the writer stopped"));
                }
            }
        }
    }

    fn join(&mut self) -> io::Result<W> {
        drop(self.give.take());
        let effort = self.effort.clone();
        let _watch = effort.start(Work::Waiting);
        let Some(thread) = &self.thread else {
            return Err(io::Error::other("the writer stopped"));
        };
        while !thread.is_finished() {
            self.interrupt.check()?;
            thread::sleep(PAUSE);
        }
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Err(io::Error::other("the writer stopped")),
        }
    }
}

fn work<W: Write>(mut inner: W, blocks: impl Iterator<Item = Vec<u8>>) -> io::Result<W> {
    for block in blocks {
        inner.write_all(&block)?;
    }
    Ok(inner)
}

impl<W: Write + Send + 'static> Write for Background<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(self.size - self.block.len());
        self.block.extend_from_slice(&bytes[..length]);
        if self.block.len() == self.size {
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
        drop(self.give.take());
        let Some(thread) = self.thread.take() else {
            return;
        };
        // What it leaves behind it can clear away, unless it is stuck.
        let mut patience = PATIENCE;
        while !thread.is_finished() && patience > 0 {
            patience -= u32::from(self.interrupt.check().is_err());
            thread::sleep(PAUSE);
        }
        if thread.is_finished() {
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
        let mut background =
            Background::new(Vec::new(), (&Effort::default(), &Interrupt::default()))
                .expect("a thread");
        let bytes: Vec<u8> = (0..3 * BLOCK + 5).map(|n| (n % 253) as u8).collect();
        for part in bytes.chunks(1000) {
            background.write_all(part).expect("written");
        }
        assert!(background.finish().expect("finished") == bytes);
    }

    #[test]
    fn what_others_made_of_it_arrives_in_order() {
        let upper = || |block: Vec<u8>| block.to_ascii_uppercase();
        let mut background = Background::through(
            7,
            upper,
            Vec::new(),
            (&Effort::default(), &Interrupt::default()),
        )
        .expect("threads");
        let text = "all that is written ".repeat(100);
        background.write_all(text.as_bytes()).expect("written");
        let arrived = background.finish().expect("finished");
        assert_eq!(String::from_utf8_lossy(&arrived), text.to_uppercase());
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
        let mut background =
            Background::new(Full, (&Effort::default(), &Interrupt::default())).expect("a thread");
        let written = background
            .write_all(&vec![0; 100 * BLOCK])
            .and_then(|()| background.finish().map(drop));
        assert_eq!(
            written.expect_err("it is full").kind(),
            io::ErrorKind::StorageFull
        );
    }

    #[test]
    fn a_writer_that_is_stuck_is_not_waited_for_once_the_run_is_to_stop() {
        struct Stuck(std::sync::mpsc::Receiver<()>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (_held, stuck) = std::sync::mpsc::channel();
        let requested = Interrupt::new(std::sync::Arc::new(true.into()));
        let watchers = (&Effort::default(), &requested);
        let mut background = Background::new(Stuck(stuck), watchers).expect("a thread");
        let written = background.write_all(&vec![0; 100 * BLOCK]);
        assert!(written.is_err());
        drop(background);
    }
}
