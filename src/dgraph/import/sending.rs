//! The rows: requests that were not taken yet are sent, several at once. One that is refused is halved until the rows are
//! alone that it is refused for.

use super::each::each_weighed;
use super::numbering::Numbering;
use super::refused::{MOST, Refusal};
use super::source::{Chunk, Placed, Source};
use super::state::State;
use super::target::Target;
use super::writing::{Outcome, Writer, pack};
use crate::checking::{Event, Watch};
use crate::dgraph::json::cannot_write;
use crate::dgraph::row::{GALAXY, Node, Row};
use crate::dgraph::{Dialect, rdf};
use crate::error::{Error, Result};
use crate::threads::locked;
use std::io::Write as _;
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

/// A row as it is sent.
struct Line {
    placed: Placed,
    /// What the set calls its node.
    subject: Node,
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
        let sent = each_weighed(
            |chunk: &Chunk| chunk.weight,
            |give| {
                let read = self.source.read(&survey.namespaces, &mut |chunk| {
                    if self.is_taken(&chunk) {
                        return Ok(());
                    }
                    give(chunk)
                });
                read.map(drop)
            },
            |chunk| self.chunk(chunk),
        );
        self.watch.on(Event::Ended);
        sent
    }

    /// Whether an earlier run sent it.
    fn is_taken(&self, chunk: &Chunk) -> bool {
        let is_taken = locked(&self.ledger).state.is_taken(chunk.number);
        if is_taken {
            self.watch.on(advanced(chunk));
        }
        is_taken
    }

    fn chunk(&self, chunk: Chunk) -> Result<()> {
        let expected = self.numbering.survey.digests.get(chunk.number);
        if expected != Some(&chunk.digest()) {
            return Err(super::changed());
        }
        let (number, done) = (chunk.number, advanced(&chunk));
        let Some(target) = self.targets.get(chunk.target) else {
            return Err(super::changed());
        };
        let mut lines = Vec::with_capacity(chunk.rows.len());
        for placed in chunk.rows {
            let subject = placed.row.subject.clone();
            // A login says the namespace.
            let row = Row {
                namespace: GALAXY,
                ..placed.row
            };
            let row = self.numbering.apply(row)?;
            let mut line = Line {
                placed: Placed { row, ..placed },
                subject,
            };
            match rdf::check(&line.placed.row, Dialect::Before2103) {
                Ok(()) => lines.push(line),
                Err(error) => self.refuse(&mut line, &error.to_string())?,
            }
        }
        self.lines(target, &mut lines)?;
        locked(&self.ledger).state.take(number)?;
        self.watch.on(done);
        Ok(())
    }

    /// Sends these, and finds the ones that are refused.
    fn lines(&self, target: &Target, lines: &mut [Line]) -> Result<()> {
        let mut left: Vec<Range<usize>> =
            Vec::from_iter((!lines.is_empty()).then_some(0..lines.len()));
        while let Some(range) = left.pop() {
            let part = &mut lines[range.clone()];
            let outcome = self.writer.packed(&target.server, &body(part)?);
            let outcome = outcome.map_err(|it| target.within(it))?;
            locked(&self.ledger).requests += 1;
            match (outcome, part) {
                (Outcome::Taken(_), _) => {}
                (Outcome::Refused(said), [line]) => self.refuse(line, &said)?,
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
    fn refuse(&self, Line { placed, subject }: &mut Line, said: &str) -> Result<()> {
        let mut ledger = locked(&self.ledger);
        // It is not sent again, and is told with the name that the set has for its node.
        std::mem::swap(&mut placed.row.subject, subject);
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

fn advanced(chunk: &Chunk) -> Event<'static> {
    Event::Advanced {
        items: chunk.rows.len() as u64,
        bytes: chunk.weight as u64,
    }
}

/// A request with these rows. None of their texts is held: each may have six times the length of its value.
fn body(lines: &[Line]) -> Result<Vec<u8>> {
    pack(|out| {
        out.write_all(b"{ set {\n").map_err(cannot_write)?;
        let mut rows = rdf::Writer::new(out, Dialect::Before2103);
        for line in lines {
            rows.push(&line.placed.row)?;
        }
        rows.finish().write_all(b"} }\n").map_err(cannot_write)
    })
}
