//! Sends a set to a server, and goes on where an earlier run stopped: the schema, then the rows, then the GraphQL schema.
//!
//! Rows go as RDF, whatever the set is written in: JSON would hash passwords again and rewrite lists of numbers. They have
//! uids that are known, and postings are a set (of values by their hash, of languages by their tag), so that a request whose
//! answer is lost is simply sent again. How nodes get their uids: see `numbering`.

mod altering;
mod aside;
mod cutting;
mod each;
mod earlier;
mod foreign;
mod graphql;
mod marker;
mod numbering;
mod occupied;
mod refused;
mod schemas;
mod sending;
mod source;
mod state;
mod survey;
mod table;
mod target;
mod writing;

pub use crate::resuming::Places;
pub use earlier::{Earlier, Kin};
pub use numbering::Leaser;
pub use schemas::Precedence;
pub use source::Source;
pub use state::{Identity, State};
pub use survey::Survey;
pub use target::{Target, leads_into, targets};

use crate::checking::{Event, Watch};
use crate::dgraph::row::Node;
use crate::error::{Error, Result};
use crate::store::real_path;
use marker::{Maker, Marker};
use numbering::{Numbering, Way};
use sending::{Ledger, Sender};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use writing::Writer;

/// How an import goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    /// Whether all nodes get new uids.
    pub has_new_uids: bool,
    /// Whether rows may go to nodes that are in the server already.
    pub is_merge: bool,
    /// Whose definitions count where those of server and set differ. Where nobody says so, that is an error where the server
    /// holds nodes, and else those of the set count.
    pub precedence: Option<Precedence>,
    /// The folder that what is sorted goes to, in files without names.
    pub scratch: &'a Path,
}

/// What came of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// Requests of this run.
    pub requests: u64,
    /// Requests that earlier runs had sent.
    pub earlier: u64,
    /// What the server refused, in all runs: rows by their places, then GraphQL schemas.
    pub refused: Vec<Error>,
    /// How many of these are rows.
    pub refused_rows: u64,
    /// Whether the nodes have other uids than in the set.
    pub has_new_uids: bool,
}

/// An import that is ready to begin.
pub struct Import<'a> {
    /// What is sent.
    pub source: &'a Source<'a>,
    /// What there is of it.
    pub survey: &'a Survey,
    /// Where it goes.
    pub targets: &'a [Target],
    /// Who leases uids.
    pub leaser: Leaser<'a>,
    /// What tells this import from others.
    pub identity: &'a Identity,
    /// How it goes about it.
    pub manner: Manner<'a>,
    /// Who watches.
    pub watch: &'a dyn Watch,
}

/// The set is not what was read before.
fn changed() -> Error {
    Error::failed("the set has changed since it was checked")
        .hint("see who writes to it, and run it again")
}

impl Import<'_> {
    /// Asks the server whether it can take the import, and changes nothing: whether it holds something already, or, where
    /// earlier runs sent something, whether that is still there.
    ///
    /// # Errors
    /// It cannot; or it does not answer, or does not know who asks; or the user wants the run to stop.
    pub fn look(&self, state: Option<&State>) -> Result<()> {
        let Some(state) = state.filter(|it| !it.is_new()) else {
            return self.look_anew();
        };
        let (taken, all) = state.progress();
        let mut is_empty = true;
        for target in self.targets {
            is_empty &= occupied::held(target)?.name.is_none();
        }
        if taken == 0 {
            return match state.way() {
                Some(way) if !is_empty && !self.manner.is_merge => self.look_for_others(way),
                _ => Ok(()),
            };
        }
        if is_empty && state.refused() == 0 {
            let what = format!(
                "the server is empty, and earlier runs sent it {taken} of {all} requests, as {} says",
                state.path().display()
            );
            return Err(Error::failed(what).hint(
                "if it was emptied, begin anew with --restart; else see that it is the server that is meant",
            ));
        }
        let Some(way) = state.way() else {
            return Ok(());
        };
        occupied::see(state, &self.numbering(way), &self.marker(), self.targets)
    }

    fn look_for_others(&self, way: Way) -> Result<()> {
        let mut targets = self.targets.iter();
        targets.try_for_each(|it| foreign::see(it, self.source, self.survey, way))
    }

    fn look_anew(&self) -> Result<()> {
        for target in self.targets {
            let held = occupied::held(target)?;
            if self.manner.has_new_uids || self.manner.is_merge {
                continue;
            }
            if let Some(name) = held.name {
                let what = format!(
                    "the server holds something already: nodes with `{name}`, and the uids of the set may be theirs"
                );
                return Err(target.within(Error::failed(what).hint(
                    "--new-uids adds the nodes of the set beside those that are there; --merge lets rows go to nodes with the \
                     same uid; or empty the server",
                )));
            }
            for uid in held.system {
                if self.survey.table.rank(&Node::Uid(uid))?.is_some() {
                    let what = format!(
                        "the node {uid:#x} of the set has the uid of a node that is the server's own, such as a user or a group"
                    );
                    return Err(target.within(Error::failed(what).hint(
                        "--new-uids gives the nodes of the set others; --merge lets rows go to nodes with the same uid",
                    )));
                }
            }
        }
        Ok(())
    }

    fn numbering(&self, way: Way) -> Numbering<'_> {
        Numbering {
            way,
            survey: self.survey,
            made: None,
        }
    }

    fn marker(&self) -> Marker {
        Marker::of(&self.identity.key())
    }

    /// Sends what is not there yet.
    ///
    /// # Errors
    /// Kind [`HalfWay`](crate::error::Kind::HalfWay) where something was sent, and not all of it: the state says what, and the
    /// next run goes on. Any other kind where nothing was sent, or where the server does not hold what earlier runs sent.
    pub fn run(&self, mut state: State) -> Result<Imported> {
        let was_new = state.is_new();
        let looked = self.look(Some(&state));
        match looked.and_then(|()| self.compare(Some(&state))) {
            Ok(notes) => notes.iter().for_each(|it| self.watch.on(Event::Noted(it))),
            Err(error) if was_new => return Err(state.half_way(error, false)),
            // What the state says is not so there, and is not told again.
            Err(error) => return Err(error),
        }
        let mut imported = Imported {
            earlier: state.progress().0 as u64,
            ..Imported::default()
        };
        let mut is_stuck = false;
        match self.all(&mut state, &mut imported, &mut is_stuck) {
            Ok(()) => {
                let is_in_vain = state.is_in_vain(self.survey.rows);
                let advice = match state.aside() {
                    _ if is_in_vain => IN_VAIN.to_owned(),
                    aside => advice(aside.as_deref(), self.source.set.is_encrypted()),
                };
                let refusals = state.refusals().iter();
                let mut told: Vec<Error> = refusals
                    .map(|(place, it)| it.told(self.source, *place).hint(&advice))
                    .collect();
                imported.refused_rows = told.len() as u64;
                told.append(&mut imported.refused);
                imported.refused = told;
                if is_in_vain {
                    state.forget();
                }
                Ok(imported)
            }
            Err(error) => Err(state.half_way(error, is_stuck)),
        }
    }

    fn all(&self, state: &mut State, imported: &mut Imported, is_stuck: &mut bool) -> Result<()> {
        let was_new = state.is_new();
        if was_new {
            state.lies(&real_path(self.source.set.folder()))?;
        }
        let way = self.way(state)?;
        imported.has_new_uids = !matches!(way, Way::Kept(_));
        if !state.is_sent() {
            imported.refused.append(&mut self.schemas(state)?);
            self.rows((way, was_new), state, imported, is_stuck)?;
            state.sent()?;
        }
        let mut is_whole = true;
        for target in self.targets {
            let refused = graphql::set(target, self.source.graphql_of(target.from))?;
            is_whole &= refused.is_none();
            imported.refused.extend(refused);
        }
        if way == Way::Made
            && let Some(first) = self.targets.first()
        {
            self.marker().remove(first)?;
        }
        // The next run tries the GraphQL schemas again, or all of it.
        match is_whole && !state.is_in_vain(self.survey.rows) {
            true => state.complete(),
            false => Ok(()),
        }
    }

    /// How nodes get their uids: as an earlier run began it.
    fn way(&self, state: &mut State) -> Result<Way> {
        if let Some(way) = state.way() {
            return Ok(way);
        }
        let (way, why) = self.leaser.way(self.survey, self.manner.has_new_uids)?;
        if let Some(why) = &why
            && self.manner.is_merge
        {
            let table = &self.survey.table;
            if table.count == table.uids {
                // The server takes uids that were leased before, and refuses others.
                state.number(Way::Kept(0))?;
                return Ok(Way::Kept(0));
            }
            let what = format!(
                "nodes of the set have names, and for --merge they need uids: none can be leased ({why})"
            );
            return Err(Error::failed(what).hint(
                "name who leases uids with --zero; or give the nodes uids of the server in the set",
            ));
        }
        if let Some(why) = why {
            self.watch.on(Event::Noted(&format!(
                "no uids can be leased ({why}): the server makes the nodes, and they get new uids; --zero names who leases them"
            )));
        }
        state.number(way)?;
        Ok(way)
    }

    fn rows(
        &self,
        (way, was_new): (Way, bool),
        state: &mut State,
        imported: &mut Imported,
        is_stuck: &mut bool,
    ) -> Result<()> {
        if self.survey.rows == 0 {
            return Ok(());
        }
        let writer = Writer::default();
        let mut numbering = self.numbering(way);
        state.begin()?;
        if way == Way::Made
            && let Some(target) = self.targets.first()
        {
            let marker = self.marker();
            marker.add(target)?;
            let maker = Maker {
                marker: &marker,
                target,
                writer: &writer,
                has_begun: !was_new,
                watch: self.watch,
            };
            numbering.made = Some(maker.make(&self.survey.table, self.manner.scratch)?);
        }
        let ledger = Ledger {
            state,
            requests: 0,
            is_stuck: false,
        };
        let sender = Sender {
            source: self.source,
            numbering: &numbering,
            targets: self.targets,
            writer: &writer,
            watch: self.watch,
            ledger: Mutex::new(ledger),
        };
        let sent = sender.send();
        let ledger = sender.ledger.into_inner();
        let ledger = ledger.unwrap_or_else(PoisonError::into_inner);
        imported.requests = ledger.requests;
        *is_stuck = ledger.is_stuck;
        sent?;
        // While it is known which uids the nodes have. All rows of a set are no other set.
        if state.aside().is_none()
            && !state.is_in_vain(self.survey.rows)
            && let Some(ending) = aside::put(self.source, &numbering, self.targets, state)?
        {
            state.put_aside(ending)?;
        }
        Ok(())
    }
}

/// What can be done where all rows were refused.
const IN_VAIN: &str = "no row of the set is in the server: mend them in the set, or what the server has against them, and run \
    the same command again; what servers have no form for has to be put in by hand";

/// What can be done about rows that were refused, which may be put aside.
fn advice(aside: Option<&Path>, is_encrypted: bool) -> String {
    let key = match is_encrypted {
        true => {
            "; it is encrypted as the set is, with the same --encryption-key-file, and docs/DGRAPH.md says how to open it"
        }
        false => "",
    };
    match aside {
        Some(folder) => format!(
            "they are put aside in {}, with the uids that their nodes have in the server: mend them there, and import that \
             folder with --merge; whoever imports the whole set again has its nodes twice, or overwrites what was changed since{key}",
            folder.display()
        ),
        None => "what servers have no form for has to be put in by hand".to_owned(),
    }
}

/// As much of what a server says as a message needs.
fn shown_long(said: &str) -> &str {
    &said[..said.floor_char_boundary(1_000)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_put_aside_of_an_encrypted_set_are_said_to_need_its_key() {
        let folder = Path::new("set.refused");
        assert!(advice(Some(folder), true).contains("--encryption-key-file"));
        assert!(!advice(Some(folder), false).contains("encrypt"));
    }
}
