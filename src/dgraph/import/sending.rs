//! The rows: requests that were not taken yet are sent, several at once. One that is refused is halved until the rows are
//! alone that it is refused for.

use super::each::each;
use super::numbering::Numbering;
use super::refused::{MOST, Refusal};
use super::source::{Chunk, Placed, Source, text};
use super::state::State;
use super::target::Target;
use super::writing::{Outcome, Writer};
use crate::checking::{Event, Watch};
use crate::dgraph::Dialect;
use crate::dgraph::row::{GALAXY, Row};
use crate::error::{Error, Result};
use crate::threads::locked;
use std::ops::Range;
use std::sync::Mutex;

/// How many refused rows an error lists.
const NAMED: usize = 20;

/// What sends rows.
pub(super) struct Sender<'a> {
    pub source: &'a Source<'a>,
    pub numbering: &'a Numbering<'a>,
    pub targets: &'a [Target],
    pub writer: &'a Writer,
    pub watch: &'a dyn Watch,
    pub ledger: Mutex<Ledger<'a>>,
}

/// What the threads that send write down.
pub(super) struct Ledger<'a> {
    pub state: &'a mut State,
    /// Requests of this run.
    pub requests: u64,
    /// Whether no other run gets further.
    pub is_stuck: bool,
}

/// A row that can be sent.
struct Line<'c> {
    placed: &'c Placed,
    text: Vec<u8>,
}

impl Sender<'_> {
    /// Sends all that was not taken yet.
    ///
    /// # Errors
    /// The server does not answer, or takes nothing; the set cannot be read, or has changed; or the user wants the run to
    /// stop.
    pub fn send(&self) -> Result<()> {
        let survey = self.numbering.survey;
        self.watch.on(Event::Began {
            what: "rows",
            items: Some(survey.rows),
        });
        let sent = each(
            |give| {
                let read = self.source.read(&survey.namespaces, &mut |chunk| {
                    if self.is_taken(&chunk) {
                        return Ok(());
                    }
                    give(chunk)
                });
                read.map(drop)
            },
            |chunk| self.chunk(&chunk),
        );
        self.watch.on(Event::Ended);
        sent
    }

    /// Whether an earlier run sent it.
    fn is_taken(&self, chunk: &Chunk) -> bool {
        let is_taken = locked(&self.ledger).state.is_taken(chunk.number);
        if is_taken {
            self.advance(chunk);
        }
        is_taken
    }

    fn advance(&self, chunk: &Chunk) {
        self.watch.on(Event::Advanced {
            items: chunk.rows.len() as u64,
            bytes: chunk.bytes(),
        });
    }

    fn chunk(&self, chunk: &Chunk) -> Result<()> {
        let expected = self.numbering.survey.digests.get(chunk.number);
        if expected != Some(&chunk.digest()) {
            return Err(super::changed());
        }
        let mut lines = Vec::with_capacity(chunk.rows.len());
        for placed in &chunk.rows {
            // A login says the namespace.
            let row = Row {
                namespace: GALAXY,
                ..placed.row.clone()
            };
            match text(&self.numbering.apply(row)?, Dialect::Before2103) {
                Ok(text) => lines.push(Line { placed, text }),
                Err(error) => self.refuse(placed, &error.to_string())?,
            }
        }
        let Some(target) = self.targets.get(chunk.target) else {
            return Err(super::changed());
        };
        self.lines(target, &lines)?;
        locked(&self.ledger).state.take(chunk.number)?;
        self.advance(chunk);
        Ok(())
    }

    /// Sends these, and finds the ones that are refused.
    fn lines(&self, target: &Target, lines: &[Line<'_>]) -> Result<()> {
        let mut left: Vec<Range<usize>> =
            Vec::from_iter((!lines.is_empty()).then_some(0..lines.len()));
        while let Some(range) = left.pop() {
            let part = &lines[range.clone()];
            let texts = part.iter().map(|it| it.text.as_slice());
            let body = std::iter::once(&b"{ set {\n"[..])
                .chain(texts)
                .chain([&b"} }\n"[..]]);
            let body: Vec<u8> = body.flatten().copied().collect();
            let outcome = self.writer.rows(&target.server, &body);
            let outcome = outcome.map_err(|it| target.within(it))?;
            locked(&self.ledger).requests += 1;
            match (outcome, part) {
                (Outcome::Taken(_), _) => {}
                (Outcome::Refused(said), [line]) => self.refuse(line.placed, &said)?,
                (Outcome::Refused(_), _) => {
                    let middle = range.start + range.len() / 2;
                    left.push(middle..range.end);
                    left.push(range.start..middle);
                }
            }
        }
        Ok(())
    }

    /// Notes a row that is refused.
    fn refuse(&self, placed: &Placed, said: &str) -> Result<()> {
        let mut ledger = locked(&self.ledger);
        let refusal = Refusal::of(&placed.row, said);
        ledger.state.refuse(placed.place(), refusal)?;
        if ledger.state.refused() < MOST {
            return Ok(());
        }
        ledger.is_stuck = true;
        let refusals = ledger.state.refusals().iter().take(NAMED);
        let mut list: Vec<String> = refusals
            .map(|(place, it)| it.told(self.source, *place).to_string())
            .collect();
        list.push(format!("and {} more", MOST.saturating_sub(NAMED)));
        Err(
            Error::failed(format!("{MOST} rows were refused, and no more is sent:"))
                .listing(list)
                .hint("see what these have in common; mend the set or the schema, empty the server, and run it with --restart"),
        )
    }
}
