//! The schema of a set on its way into a server, which may have one.

use super::schemas::{Fit, Precedence, some, there};
use super::state::State;
use super::target::Target;
use super::writing::{Outcome, alter};
use super::{Import, occupied, shown_long};
use crate::dgraph::row::shown;
use crate::dgraph::schema::Schema;
use crate::error::{Error, Kind, Result};

impl Import<'_> {
    /// Compares the schemas of server and set, and changes nothing. Gives what should be known of it, a line each.
    ///
    /// # Errors
    /// Kind [`Schema`](crate::error::Kind::Schema): they do not go together, or the user has to say whose definitions count.
    /// The server does not answer, or does not know who asks; or the user wants the run to stop.
    pub fn compare(&self, state: Option<&State>) -> Result<Vec<String>> {
        let mut notes = Vec::new();
        if state.is_some_and(State::is_sent) {
            return Ok(notes);
        }
        for target in self.targets {
            let (fit, precedence) = self.fit(target, state)?;
            notes.append(&mut fit.notes(precedence));
        }
        Ok(notes)
    }

    /// What becomes of the schemas of a namespace, and whose definitions count.
    fn fit(&self, target: &Target, state: Option<&State>) -> Result<(Fit, Precedence)> {
        let set = self.source.schema_of(target.from);
        let theirs = there(target)?;
        let precedence = match self.manner.precedence {
            Some(precedence) => precedence,
            None => {
                let fit = Fit::of(&set, &theirs, Precedence::Keep);
                // What an earlier run sent is there as the server has it; what is gone is sent again.
                if fit.differ.is_empty() || state.is_some_and(State::has_schema) {
                    return Ok((fit, Precedence::Keep));
                }
                if occupied::held(target)?.name.is_some() {
                    return Err(target.within(fit.undecided()));
                }
                Precedence::Replace
            }
        };
        let fit = Fit::of(&set, &theirs, precedence);
        if precedence == Precedence::Keep {
            fit.check().map_err(|it| target.within(it))?;
        }
        Ok((fit, precedence))
    }

    /// Sends the server what it lacks of the schema; gives what it did not keep of it, though it took it.
    ///
    /// # Errors
    /// It refuses that, and may have some of it. As [`compare`](Self::compare).
    pub(super) fn schemas(&self, state: &mut State) -> Result<Vec<Error>> {
        let mut taken_back = Vec::new();
        for target in self.targets {
            let (fit, precedence) = self.fit(target, Some(state))?;
            let schema = fit.text()?;
            if schema.is_empty() {
                continue;
            }
            let was_new = state.is_new();
            let before = there(target)?;
            state.begin()?;
            let error = match alter(&target.server, &schema) {
                Ok(Outcome::Taken(_)) if precedence == Precedence::Replace => {
                    taken_back.extend(self.taken_back(target, &fit)?);
                    continue;
                }
                Ok(Outcome::Taken(_)) => continue,
                Ok(Outcome::Refused(said)) => refused_schema(&schema, &said),
                Err(error) if error.is_denied() => error,
                Err(error) => return Err(target.within(error)),
            };
            // Groups of a cluster take their predicates one after another, and some may have done it.
            let is_as_before =
                error.is_denied() || there(target).is_ok_and(|it| is_same(&it, &before));
            if was_new && is_as_before {
                state.unchanged()?;
            }
            return Err(target.within(error));
        }
        state.schema()?;
        Ok(taken_back)
    }

    /// What the server was to define anew and has as before: where it cannot build an index for the nodes that are there, it
    /// takes the old definition again, and says so to its log alone.
    fn taken_back(&self, target: &Target, sent: &Fit) -> Result<Option<Error>> {
        if sent.differ.is_empty() {
            return Ok(None);
        }
        let set = self.source.schema_of(target.from);
        let now = Fit::of(&set, &there(target)?, Precedence::Replace);
        let as_before = now.differ.into_iter().filter(|it| sent.differ.contains(it));
        let as_before: Vec<String> = as_before.collect();
        if as_before.is_empty() {
            return Ok(None);
        }
        let what = "the server said that it takes these definitions, and has the old ones:";
        let error = Error::new(Kind::Schema, what).listing(some(&as_before)).hint(
            "see what its log says of the index, mend the values that are in its way, and give the definition to /alter",
        );
        Ok(Some(target.within(error)))
    }
}

/// Whether two schemas of a server define the same.
fn is_same(one: &Schema, other: &Schema) -> bool {
    let has_all =
        |of: &Schema, in_it: &Schema| Fit::of(of, in_it, Precedence::Replace).is_nothing();
    has_all(one, other) && has_all(other, one)
}

/// What the server does not take of a schema: the line that it names says which predicate it is.
fn refused_schema(schema: &str, said: &str) -> Error {
    let named = said.split_once("line ").and_then(|(_, rest)| {
        let digits = rest.split(|it: char| !it.is_ascii_digit()).next()?;
        let number: usize = digits.parse().ok()?;
        let line = schema.lines().nth(number.checked_sub(1)?)?;
        Some(vec![format!("line {number}: {}", shown(line.trim()))])
    });
    let what = format!("the server refuses the schema: {}", shown_long(said));
    Error::failed(what)
        .listing(named.unwrap_or_default())
        .hint("this version may not know it: change that line in the schema of a copy of the set, or load it into a newer server")
}
