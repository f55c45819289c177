//! The SHA-256 of entries, worked out in a thread of its own while other threads read and write them.

use crate::effort::{Effort, Work};
use crate::error::Result;
use crate::threads::start;
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// Bytes that are handed over at once.
const PIECE: usize = 256 << 10;
/// Ends of entries that are handed over at once, at the most: entries may be empty.
const ENDS: usize = 1000;
/// Pieces that may wait.
const WAITING: usize = 4;

/// The digest of an entry, and what it was called.
type Named<T> = (T, [u8; 32]);

/// Digests entries one after the other.
pub(super) struct Digests<T> {
    effort: Effort,
    piece: Piece<T>,
    /// `None` at the end.
    pieces: Option<SyncSender<Piece<T>>>,
    digests: Receiver<Named<T>>,
    thread: Option<JoinHandle<()>>,
}

/// Bytes, and the places among them where entries end.
struct Piece<T> {
    bytes: Vec<u8>,
    ends: Vec<(usize, T)>,
}

impl<T> Piece<T> {
    fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(PIECE),
            ends: Vec::new(),
        }
    }
}

impl<T: Send + 'static> Digests<T> {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives none.
    pub fn new(effort: &Effort) -> Result<Self> {
        let (pieces, given) = sync_channel::<Piece<T>>(WAITING);
        let (done, digests) = channel();
        let work = effort.clone();
        let thread = start(move || {
            let mut digest = Sha256::new();
            let mut take = |Piece { bytes, ends }: Piece<T>| {
                let mut start = 0;
                for (end, name) in ends {
                    digest.update(&bytes[start..end]);
                    start = end;
                    // Nobody may want it any more.
                    let _ = done.send((name, digest.finalize_reset().into()));
                }
                digest.update(&bytes[start..]);
            };
            for piece in given {
                work.time(Work::Digests, || take(piece));
            }
        })?;
        Ok(Self {
            effort: effort.clone(),
            piece: Piece::new(),
            pieces: Some(pieces),
            digests,
            thread: Some(thread),
        })
    }

    /// More bytes of the current entry.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let part;
            (part, bytes) = bytes.split_at(bytes.len().min(PIECE - self.piece.bytes.len()));
            self.piece.bytes.extend_from_slice(part);
            if self.piece.bytes.len() == PIECE {
                self.hand_over();
            }
        }
    }

    /// The current entry ends, and is called this; the next one begins.
    pub fn end(&mut self, name: T) {
        self.piece.ends.push((self.piece.bytes.len(), name));
        if self.piece.ends.len() == ENDS {
            self.hand_over();
        }
    }

    /// The digests that are there already and were not given yet, in the order of the entries.
    pub fn ready(&self) -> impl Iterator<Item = Named<T>> {
        self.digests.try_iter()
    }

    /// The digests that were not given yet, in the order of the entries. There are no more entries.
    pub fn finish(&mut self) -> impl Iterator<Item = Named<T>> {
        self.hand_over();
        self.pieces = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        self.digests.try_iter()
    }

    fn hand_over(&mut self) {
        let piece = std::mem::replace(&mut self.piece, Piece::new());
        // The thread takes all there is, unless it panics, which `finish` finds.
        let _ = self
            .effort
            .time(Work::Waiting, || Some(self.pieces.as_ref()?.send(piece)));
    }

    /// Passes on what `inner` gives, as bytes of the current entry.
    pub fn watch<R: Read>(&mut self, inner: R) -> Watched<'_, R, T> {
        Watched {
            inner,
            digests: self,
        }
    }
}

/// See [`Digests::watch`].
pub(super) struct Watched<'a, R, T> {
    inner: R,
    digests: &'a mut Digests<T>,
}

impl<R: Read, T: Send + 'static> Read for Watched<'_, R, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digests.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_its_digest_however_long_it_is() {
        let lengths = [0, 1, PIECE - 1, PIECE, PIECE + 1, 0, 3 * PIECE + 7, 5];
        let bytes: Vec<u8> = (0..4 * PIECE).map(|n| (n % 251) as u8).collect();
        let mut digests = Digests::new(&Effort::default()).expect("a thread");
        let mut found = Vec::new();
        for length in lengths {
            let read = io::copy(&mut digests.watch(&bytes[..length]), &mut io::sink());
            assert_eq!(read.expect("read"), length as u64);
            digests.end(length);
            found.extend(digests.ready());
        }
        found.extend(digests.finish());
        let expected = lengths.map(|length| (length, Sha256::digest(&bytes[..length]).into()));
        assert!(found == expected);
    }

    #[test]
    fn many_empty_entries_have_digests() {
        let mut digests = Digests::new(&Effort::default()).expect("a thread");
        (0..3 * ENDS + 1).for_each(|number| digests.end(number));
        let names = digests.finish().map(|(number, _)| number);
        assert!(names.eq(0..3 * ENDS + 1));
    }
}
