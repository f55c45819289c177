//! Sends a data set to a service, and goes on where an earlier run stopped.
//!
//! The server only adds, and an answer may be lost. So it is written down that a request is about to be sent, and that it
//! was taken; of what was sent and not answered, the service is read back, and only what is missing is sent.

mod doubts;
mod gone;
mod lists;
mod occupied;
mod refused;
mod sending;
mod state;

pub use gone::gone;
pub use occupied::look;
pub use state::{State, places};

use super::ndf::{DataSet, ValueType};
use super::sdl::DataModel;
use super::service::Service;
use super::verify::{Chunk, Verdict};
use crate::checking::{Event, Watch};
use crate::error::{Error, Result};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often in a row what was lost is read back and sent again, without any of it being taken.
const ROUNDS: u32 = 3;

/// What came of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Requests of this run.
    pub requests: u64,
    /// Requests that earlier runs had sent.
    pub earlier: u64,
    /// Elements of requests without an answer that were there when the service was read back.
    pub found: u64,
}

/// How an import goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    /// How long the service is left alone after an answer was lost, and longer where it is still at work, before what it
    /// holds is taken for what came of the request.
    pub settle: Duration,
    /// The folder that what is sorted goes to, in a file without a name.
    pub scratch: &'a Path,
}

/// An import that is ready to begin: its data set was checked, and nothing is wrong with it.
pub struct Import<'a> {
    set: &'a mut DataSet,
    own: Shared<'a>,
}

/// What reading and sending have in common.
struct Shared<'a> {
    /// The names of the files.
    files: Vec<String>,
    verdict: &'a Verdict,
    model: &'a DataModel,
    service: &'a Service,
    watch: &'a dyn Watch,
    manner: Manner<'a>,
    ledger: Mutex<Ledger>,
}

/// What the threads that send write down.
struct Ledger {
    state: State,
    imported: Imported,
    /// The first request of each kind that this run has not come to.
    ahead: [usize; 3],
    /// Whether nobody can tell how to go on.
    is_stuck: bool,
    /// Requests of which it is not known what came of them.
    doubts: Vec<Chunk>,
    /// Why the answer to the last of them is missing.
    lost: Option<Error>,
    /// What ends the run.
    failure: Option<Error>,
}

impl<'a> Import<'a> {
    /// An import of a data set with this verdict.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): something is wrong with the data set.
    pub fn new(
        set: &'a mut DataSet,
        verdict: &'a Verdict,
        model: &'a DataModel,
        service: &'a Service,
        state: State,
        manner: Manner<'a>,
        watch: &'a dyn Watch,
    ) -> Result<Self> {
        verdict.check()?;
        let ledger = Ledger {
            imported: Imported {
                earlier: state.progress().0 as u64,
                ..Imported::default()
            },
            state,
            ahead: [0; 3],
            is_stuck: false,
            doubts: Vec::new(),
            lost: None,
            failure: None,
        };
        let files = set.files().iter().map(|file| file.name.clone()).collect();
        let own = Shared {
            files,
            verdict,
            model,
            service,
            watch,
            manner,
            ledger: Mutex::new(ledger),
        };
        Ok(Self { set, own })
    }

    /// Sends what is not there yet: nodes, then lists, then relations.
    ///
    /// # Errors
    /// Kind [`HalfWay`](crate::error::Kind::HalfWay) where something was sent, and not all of it: the state says what, and the next run
    /// goes on. Any other kind where nothing was sent, or where the service does not hold what earlier runs sent.
    pub fn run(mut self) -> Result<Imported> {
        let done = match self.begin() {
            // What the state says is not so there, and is not told again.
            Ok(Some(refusal)) => return Err(refusal),
            Ok(None) => self.all(),
            Err(error) => Err(error),
        };
        let mut ledger = self
            .own
            .ledger
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        match done {
            Ok(()) => {
                ledger.state.complete()?;
                Ok(ledger.imported)
            }
            Err(error) => Err(ledger.state.half_way(error, ledger.is_stuck)),
        }
    }

    /// Asks the service before anything is sent: a wrong address or secret is told, and what it holds has to be what is known.
    fn begin(&mut self) -> Result<Option<Error>> {
        let Self { set, own } = self;
        let ledger = own.ledger();
        let (scratch, watch) = (own.manner.scratch, own.watch);
        match ledger.state.is_new() {
            true => look(set, own.verdict, own.model, own.service, scratch, watch).map(|()| None),
            false => gone(set, &ledger.state, own.model, own.service, scratch, watch),
        }
    }

    fn all(&mut self) -> Result<()> {
        for kind in ValueType::ALL {
            let total = self.own.verdict.counts[kind as usize].items;
            if total == 0 {
                continue;
            }
            self.own.watch.on(Event::Began {
                what: kind.as_str(),
                items: Some(total),
            });
            let sent = self.kind(kind);
            self.own.watch.on(Event::Ended);
            sent?;
        }
        Ok(())
    }

    fn kind(&mut self, kind: ValueType) -> Result<()> {
        let mut in_vain = 0;
        loop {
            let before = self.own.ledger().state.taken(kind);
            let is_through = self.pass(kind)?;
            let (failure, doubts) = {
                let mut ledger = self.own.ledger();
                (ledger.failure.take(), std::mem::take(&mut ledger.doubts))
            };
            if let Some(failure) = failure {
                return Err(failure);
            }
            if is_through && doubts.is_empty() {
                return Ok(());
            }
            self.resolve(kind, doubts)?;
            in_vain = match self.own.ledger().state.taken(kind) > before {
                true => 0,
                false => in_vain + 1,
            };
            if in_vain == ROUNDS {
                let lost = self.own.ledger().lost.take();
                let lost = lost.unwrap_or_else(|| Error::failed("the service does not answer"));
                return Err(
                    lost.within(format!("{kind} were sent {ROUNDS} times without an answer"))
                );
            }
        }
    }
}

impl Shared<'_> {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, number: usize) -> &str {
        self.files.get(number).map_or("", String::as_str)
    }

    /// Where the elements of a request come from, in words.
    fn places(&self, chunk: &Chunk) -> String {
        let pieces = chunk.pieces.iter().map(|piece| {
            let name = self.file(piece.file);
            let last = piece.first + piece.count - 1;
            format!("{name}, elements {} to {last}", piece.first)
        });
        pieces.collect::<Vec<_>>().join("; ")
    }
}
