//! One pass over the elements of a kind: requests that were not taken yet are sent, several at once.

use super::super::ndf::{DataFile, ValueType};
use super::super::service::Outcome;
use super::super::verify::{Chunk, Chunks};
use super::{Import, Shared};
use crate::checking::Event;
use crate::error::{Error, Result};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// How many requests travel at once.
const WORKERS: usize = 4;
/// How many requests may be in doubt before they are cleared up.
const DOUBTS: usize = 8;

impl Import<'_> {
    /// Sends what was not sent. Gives whether it came to the end of the elements: else something is to be cleared up first.
    pub(super) fn pass(&mut self, kind: ValueType) -> Result<bool> {
        // Values of one list that stand in several rows are put behind each other as they come.
        let is_serial = kind == ValueType::Lists && self.own.verdict.has_split_lists;
        let Self { set, own } = self;
        let own = &*own;
        let mut is_paused = false;
        let read = thread::scope(|scope| {
            let (sender, receiver) = sync_channel::<Chunk>(0);
            let receiver = Arc::new(Mutex::new(receiver));
            for _ in 0..if is_serial { 0 } else { WORKERS } {
                let receiver = Arc::clone(&receiver);
                scope.spawn(move || {
                    loop {
                        let chunk = receiver
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .recv();
                        let Ok(chunk) = chunk else { return };
                        own.send(chunk);
                    }
                });
            }
            let give = |chunk: Chunk| -> Result<()> {
                let Some(chunk) = own.wanted(chunk)? else {
                    return Ok(());
                };
                match is_serial {
                    true => own.send(chunk),
                    // The workers are there as long as the sender is.
                    false => drop(sender.send(chunk)),
                }
                Ok(())
            };
            let of_kind = |(at, file): (usize, &DataFile)| (file.kind == kind).then_some(at);
            let files: Vec<usize> = set.files().iter().enumerate().filter_map(of_kind).collect();
            let mut chunks = Chunks::new(kind);
            for file in files {
                set.read(file, &mut |number, text| {
                    let Some(chunk) = chunks.push(file, number, text) else {
                        return Ok(());
                    };
                    give(chunk)?;
                    is_paused = own.is_to_pause(is_serial);
                    match is_paused {
                        // It ends reading, and says nothing to anybody.
                        true => Err(Error::failed("paused")),
                        false => Ok(()),
                    }
                })?;
            }
            chunks.finish().map_or(Ok(()), &give)
        });
        match read {
            Err(_) if is_paused => Ok(false),
            Err(error) => Err(error),
            Ok(()) => Ok(true),
        }
    }
}

impl Shared<'_> {
    /// A request, if it is to be sent now.
    fn wanted(&self, chunk: Chunk) -> Result<Option<Chunk>> {
        let expected = self.verdict.chunks[chunk.kind as usize].get(chunk.number);
        if expected != Some(&chunk.digest()) {
            return Err(
                Error::failed("the data set has changed since it was checked")
                    .hint("see who writes to it, and run it again"),
            );
        }
        let mut ledger = self.ledger();
        let ahead = &mut ledger.ahead[chunk.kind as usize];
        let is_first = chunk.number >= *ahead;
        *ahead = (*ahead).max(chunk.number + 1);
        if ledger.state.is_taken(chunk.kind, chunk.number) {
            // An earlier run sent it; a pass that was ended early did not come to it.
            if is_first {
                self.advance(&chunk);
            }
            return Ok(None);
        }
        if ledger.state.is_in_doubt(chunk.kind, chunk.number) {
            ledger.doubts.push(chunk);
            return Ok(None);
        }
        Ok(Some(chunk))
    }

    /// Whether no more is to be sent until something is cleared up.
    fn is_to_pause(&self, is_serial: bool) -> bool {
        let ledger = self.ledger();
        let most = if is_serial { 1 } else { DOUBTS };
        ledger.failure.is_some() || ledger.doubts.len() >= most
    }

    pub(super) fn advance(&self, chunk: &Chunk) {
        self.watch.on(Event::Advanced {
            items: chunk.elements(),
            bytes: chunk.body.len() as u64,
        });
    }

    /// Sends a request, and writes down what comes of it.
    fn send(&self, chunk: Chunk) {
        if self.ledger().failure.is_some() {
            return;
        }
        let done = self.send_whole(chunk);
        if let Err(error) = done {
            self.ledger().failure.get_or_insert(error);
        }
    }

    fn send_whole(&self, chunk: Chunk) -> Result<()> {
        self.ledger().state.sending(chunk.kind, chunk.number)?;
        let outcome = self.service.import(&chunk.body)?;
        let mut ledger = self.ledger();
        match outcome {
            Outcome::Taken => {
                ledger.imported.requests += 1;
                ledger.state.take(chunk.kind, chunk.number)?;
                self.advance(&chunk);
                Ok(())
            }
            Outcome::Unsent(error) => {
                ledger.state.unsent(chunk.kind, chunk.number)?;
                Err(error)
            }
            Outcome::Lost(error) => {
                ledger.lost = Some(error);
                ledger.doubts.push(chunk);
                Ok(())
            }
            Outcome::Refused(texts) => Err(self.refused(&chunk, &chunk.body, &texts)),
        }
    }
}
