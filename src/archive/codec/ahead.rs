//! A reader that works in threads of its own, behind bounded channels: while one block is looked at, the next ones are
//! read, decrypted and inflated.

use crate::effort::{Effort, Work};
use crate::error::Result;
use crate::threads::start;
use std::io::{self, BufRead, Read};
use std::sync::mpsc::sync_channel;

/// Bytes in a block, at the most.
pub(super) const BLOCK: usize = 128 << 10;
/// Blocks that may wait.
const WAITING: usize = 4;

/// Bytes that were read, and what comes behind them.
pub(super) struct Block {
    pub bytes: Vec<u8>,
    pub then: Then,
}

/// What comes behind a block.
pub(super) enum Then {
    /// Another one.
    More,
    /// Nothing.
    End,
    /// Nothing that can be read.
    Failed(io::Error),
}

impl Block {
    /// The next bytes of `inner`, as many as it gives at once.
    pub fn read(inner: &mut dyn Read) -> Self {
        let mut bytes = vec![0; BLOCK];
        loop {
            let (length, then) = match inner.read(&mut bytes) {
                Ok(0) => (0, Then::End),
                Ok(length) => (length, Then::More),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => (0, Then::Failed(error)),
            };
            bytes.truncate(length);
            return Self { bytes, then };
        }
    }

    /// Whether another one comes behind it.
    pub fn goes_on(&self) -> bool {
        matches!(self.then, Then::More)
    }
}

/// Reads blocks that come from threads. Dropped, it has them end, after what they are reading.
pub(super) struct Ahead {
    blocks: Box<dyn Iterator<Item = Block> + Send>,
    block: Block,
    given: usize,
    effort: Effort,
}

impl Ahead {
    /// Reads `inner` in a thread.
    ///
    /// # Errors
    /// The system gives none.
    pub fn new(mut inner: impl Read + Send + 'static) -> Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        start(move || {
            loop {
                let block = Block::read(&mut inner);
                let goes_on = block.goes_on();
                if sender.send(block).is_err() || !goes_on {
                    break;
                }
            }
        })?;
        Ok(Self::of(receiver.into_iter()))
    }

    /// Reads these blocks. The last one says that it is.
    pub fn of(blocks: impl Iterator<Item = Block> + Send + 'static) -> Self {
        Self {
            effort: Effort::default(),
            blocks: Box::new(blocks),
            block: Block {
                bytes: Vec::new(),
                then: Then::More,
            },
            given: 0,
        }
    }

    /// Lets it collect how long it waits.
    pub fn measured(self, effort: &Effort) -> Self {
        let effort = effort.clone();
        Self { effort, ..self }
    }

    /// Goes on to the next block that has bytes; gives whether there is one.
    fn next(&mut self) -> io::Result<bool> {
        while self.given == self.block.bytes.len() {
            match &mut self.block.then {
                Then::More => {
                    let stopped = || io::Error::other("whoever reads ahead stopped");
                    let next = self.effort.time(Work::Waiting, || self.blocks.next());
                    self.block = next.ok_or_else(stopped)?;
                    self.given = 0;
                }
                Then::End => return Ok(false),
                Then::Failed(error) => {
                    // Whoever asks again gets an error again.
                    let again = io::Error::new(error.kind(), error.to_string());
                    return Err(std::mem::replace(error, again));
                }
            }
        }
        Ok(true)
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.next()?;
        Ok(&self.block.bytes[self.given..])
    }

    fn consume(&mut self, length: usize) {
        self.given += length;
    }
}

#[cfg(test)]
mod tests {
    use super::super::members::Broken;
    use super::*;

    #[test]
    fn everything_comes_in_order() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 9 * BLOCK + 3] {
            let bytes: Vec<u8> = (0..length).map(|n| (n % 253) as u8).collect();
            let mut read = Vec::new();
            let mut ahead = Ahead::new(io::Cursor::new(bytes.clone())).expect("a thread");
            ahead.read_to_end(&mut read).expect("read");
            assert!(read == bytes, "{length} bytes");
            assert_eq!(ahead.read(&mut [0; 9]).expect("the end"), 0);
        }
    }

    #[test]
    fn what_a_slow_stream_gave_waits_for_nothing() {
        let (output, mut input) = io::pipe().expect("a pipe");
        let mut ahead = Ahead::new(output).expect("a thread");
        for text in [b"one", b"two"] {
            io::Write::write_all(&mut input, text).expect("written");
            let mut read = [0; 3];
            ahead.read_exact(&mut read).expect("read");
            assert_eq!(&read, text);
        }
    }

    #[test]
    fn an_error_comes_behind_the_bytes_that_were_read_and_again() {
        let gone = io::Error::new(io::ErrorKind::TimedOut, "the disk is gone");
        let start = io::repeat(1).take(2 * BLOCK as u64 + 5);
        let mut ahead = Ahead::new(start.chain(Broken(Some(gone)))).expect("a thread");
        let mut read = Vec::new();
        for _ in 0..3 {
            let error = ahead.read_to_end(&mut read).expect_err("it is broken");
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert_eq!(error.to_string(), "the disk is gone");
            assert_eq!(read.len(), 2 * BLOCK + 5);
        }
    }

    #[test]
    fn blocks_that_stop_before_the_last_one_are_no_end() {
        let block = Block {
            bytes: vec![1, 2],
            then: Then::More,
        };
        let mut ahead = Ahead::of([block].into_iter());
        assert!(ahead.read_to_end(&mut Vec::new()).is_err());
    }
}
