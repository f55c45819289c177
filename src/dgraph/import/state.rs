//! What is known of an import after it ended in whatever way: which requests were taken, and how its nodes got their uids.
//!
//! Rows with known uids may come twice: postings of Dgraph are a set, so that a request of which nobody knows what came is
//! sent again. What is written down is therefore only what was taken.

use super::aside::is_ending;
use super::earlier::Origin;
use super::numbering::Way;
use super::refused::{MOST, Refusal};
use super::survey::Survey;
use crate::dgraph::server::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::resuming::{Imports, Journal, Places, going_on};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The number of the format.
const FORMAT: u32 = 1;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The first one.
    Import {
        format: u32,
        endpoint: String,
        data: String,
        requests: usize,
    },
    /// The folder that it is of.
    Origin(Origin),
    /// How the nodes get their uids.
    Numbered(Way),
    /// The server is about to be changed.
    Began,
    /// It was not changed, after all.
    Unchanged,
    /// The server has the schema.
    Schema,
    /// A request was taken, but for the rows of it that stand before this as refused.
    Taken(usize),
    /// A row was refused: its file and its line.
    Refused(usize, u64, Refusal),
    /// The rows that were refused are put aside, in a folder beside this whose name ends so.
    Aside(String),
    /// All requests were taken.
    Sent,
    /// All of it is done.
    Complete(String),
}

/// What is imported, and where to.
#[derive(Debug, Clone)]
pub struct Identity {
    pub(super) endpoint: String,
    pub(super) content: String,
}

impl Identity {
    /// The import of this to an endpoint. `into` are the namespaces that its own go to; whether nodes get new uids makes it
    /// another one.
    pub fn of(survey: &Survey, endpoint: &Endpoint, into: &[u64], has_new_uids: bool) -> Self {
        let pairs = survey.namespaces.iter().zip(into);
        let moved: String = pairs.map(|(from, to)| format!(" {from}:{to}")).collect();
        let uids = if has_new_uids { " new uids" } else { "" };
        Self {
            endpoint: endpoint.to_string(),
            content: format!("{}{moved}{uids}", survey.content()),
        }
    }

    fn imports(&self) -> Imports<'_> {
        Imports {
            family: "dgraph",
            set: "export set",
            target: "server",
            endpoint: &self.endpoint,
            content: &self.content,
        }
    }

    /// What it is known by: 16 hexadecimal digits.
    pub(super) fn key(&self) -> String {
        self.imports().key()
    }

    /// Where its state may lie. `own` is the user's own folder for what programs keep.
    pub fn places(&self, data: &Path, own: Option<&Path>) -> Places {
        Places::of(data, &self.imports(), own)
    }

    /// Holds the server until what is given is dropped: alone, or beside other imports that need not be alone.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): another run holds it.
    pub fn hold_server(&self, own: Option<&Path>, alone: bool) -> Result<Option<File>> {
        self.imports().hold_target(own, alone)
    }

    fn head(&self, survey: &Survey) -> Line {
        Line::Import {
            format: FORMAT,
            endpoint: self.endpoint.clone(),
            data: self.content.clone(),
            requests: survey.requests(),
        }
    }
}

/// The state of an import.
pub struct State {
    journal: Journal<Line>,
    known: Known,
}

/// What the lines say.
#[derive(Default)]
struct Known {
    /// How many nodes get uids.
    nodes: u64,
    way: Option<Way>,
    has_begun: bool,
    has_schema: bool,
    taken: Vec<bool>,
    refused: BTreeMap<(usize, u64), Refusal>,
    aside: Option<String>,
    is_sent: bool,
    complete: Option<String>,
}

impl State {
    /// The state of an import, as an earlier run left it, or a new one. It is held until it is dropped.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): another run imports the same; or it can be written nowhere, or is damaged.
    pub fn open(places: &Places, identity: &Identity, survey: &Survey) -> Result<Self> {
        let mut known = Known::nothing(survey);
        let head = identity.head(survey);
        let journal = Journal::open(places, &head, &mut |line| known.apply(line))?;
        Ok(Self { journal, known })
    }

    /// What an earlier run left, if one did, to look at alone: it is neither held nor changed.
    ///
    /// # Errors
    /// It cannot be read, or is damaged, or is gone from where it should be.
    pub fn peek(places: &Places, identity: &Identity, survey: &Survey) -> Result<Option<Self>> {
        let mut known = Known::nothing(survey);
        let head = identity.head(survey);
        let journal = Journal::peek(places, &head, &mut |line| known.apply(line))?;
        Ok(journal.map(|journal| Self { journal, known }))
    }

    /// Takes it away where nothing was sent yet.
    pub fn discard(self) {
        if self.is_new() {
            self.journal.remove();
        }
    }

    /// Takes it away though something was sent: the server has none of it.
    pub(super) fn forget(self) {
        self.journal.remove();
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.journal.path()
    }

    /// When all of it was done, if it was.
    pub fn completed(&self) -> Option<&str> {
        self.known.complete.as_deref()
    }

    /// How many requests were taken, of how many.
    pub fn progress(&self) -> (usize, usize) {
        let taken = self.known.taken.iter().filter(|it| **it).count();
        (taken, self.known.taken.len())
    }

    /// Whether no run that is known of has changed the server.
    pub fn is_new(&self) -> bool {
        !self.known.has_begun
    }

    /// Whether the server has taken the schema.
    pub(super) fn has_schema(&self) -> bool {
        self.known.has_schema
    }

    /// How many rows the server refused, in all runs.
    pub fn refused(&self) -> usize {
        self.known.refused.len()
    }

    /// Whether the server refused each of so many rows. It has none of them then, and the import can begin anew.
    pub(super) fn is_in_vain(&self, rows: u64) -> bool {
        rows > 0 && self.refused() as u64 >= rows
    }

    pub(super) fn is_taken(&self, request: usize) -> bool {
        self.known.taken.get(request).copied().unwrap_or_default()
    }

    pub(super) fn is_refused(&self, place: (usize, u64)) -> bool {
        self.known.refused.contains_key(&place)
    }

    pub(super) fn refusals(&self) -> &BTreeMap<(usize, u64), Refusal> {
        &self.known.refused
    }

    pub(super) fn is_sent(&self) -> bool {
        self.known.is_sent
    }

    pub(super) fn way(&self) -> Option<Way> {
        self.known.way
    }

    /// The set lies in this folder, as this run began.
    pub(super) fn lies(&mut self, folder: &Path) -> Result<()> {
        self.add(Line::Origin(Origin::of(folder)))
    }

    /// This is how nodes get their uids, in this run and in all that go on with it.
    pub(super) fn number(&mut self, way: Way) -> Result<()> {
        self.add_through(Line::Numbered(way))
    }

    /// The server is about to be changed.
    pub(super) fn begin(&mut self) -> Result<()> {
        if self.is_new() {
            self.add_through(Line::Began)?;
        }
        self.journal.half_way(true);
        Ok(())
    }

    /// It was not changed, after all.
    pub(super) fn unchanged(&mut self) -> Result<()> {
        self.add(Line::Unchanged)?;
        self.journal.half_way(false);
        Ok(())
    }

    /// The server has the schema.
    pub(super) fn schema(&mut self) -> Result<()> {
        match self.has_schema() {
            true => Ok(()),
            false => self.add_through(Line::Schema),
        }
    }

    /// A request was taken.
    pub(super) fn take(&mut self, request: usize) -> Result<()> {
        self.add(Line::Taken(request))
    }

    /// A row was refused. With very many of them, of which all are not told, further ones are not kept.
    pub(super) fn refuse(&mut self, (file, line): (usize, u64), refusal: Refusal) -> Result<()> {
        match self.is_refused((file, line)) {
            // An earlier run came as far with this request.
            true => Ok(()),
            false if self.refused() >= MOST => Ok(()),
            false => self.add(Line::Refused(file, line, refusal)),
        }
    }

    /// The folder with the rows that the server refused, if there is one.
    pub fn aside(&self) -> Option<PathBuf> {
        let ending = self.known.aside.as_deref()?;
        Some(self.path().with_extension(ending))
    }

    /// The rows that were refused are put aside, in a folder beside the state whose name ends so.
    pub(super) fn put_aside(&mut self, ending: String) -> Result<()> {
        self.add_through(Line::Aside(ending))
    }

    /// All requests were taken.
    pub(super) fn sent(&mut self) -> Result<()> {
        match self.is_sent() {
            true => Ok(()),
            false => self.add_through(Line::Sent),
        }
    }

    /// All of it is done.
    pub(super) fn complete(&mut self) -> Result<()> {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.add_through(Line::Complete(now))
    }

    fn add(&mut self, line: Line) -> Result<()> {
        self.journal.write(&line)?;
        self.known.apply(&line);
        Ok(())
    }

    fn add_through(&mut self, line: Line) -> Result<()> {
        self.journal.write_through(&line)?;
        self.known.apply(&line);
        Ok(())
    }

    /// Says of an error what the run left: where the server was not changed, nothing. Where it `is_stuck`, no other run gets
    /// further.
    pub(super) fn half_way(self, error: Error, is_stuck: bool) -> Error {
        if self.is_new() {
            // There is nothing to go on with.
            self.journal.remove();
            return error.interrupted_with("this run sent nothing");
        }
        let (taken, all) = self.progress();
        let (message, list) = error.parts();
        let mut list = list.to_vec();
        let refused = match self.refused() {
            0 => String::new(),
            count => format!(", but for {count} rows that it refused"),
        };
        list.push(format!(
            "{taken} of {all} requests are in the server{refused}; {} says which",
            self.path().display()
        ));
        let hint = going_on(&error, is_stuck, "server");
        Error::new(Kind::HalfWay, message).listing(list).hint(hint)
    }
}

impl Known {
    /// Of an import that nothing was sent of.
    fn nothing(survey: &Survey) -> Self {
        Self {
            nodes: survey.table.count,
            taken: vec![false; survey.requests()],
            ..Self::default()
        }
    }

    /// Whether a line may stand behind those that were taken: no run writes it otherwise.
    fn suits(&self, line: &Line) -> bool {
        match line {
            Line::Numbered(way) => {
                let last = match way {
                    Way::Kept(first) | Way::Leased(first) => first.checked_add(self.nodes),
                    Way::Made => Some(0),
                };
                self.way.is_none() && last.is_some()
            }
            Line::Taken(_) => self.has_begun && self.way.is_some(),
            Line::Refused(_, _, refusal) => self.refused.len() < MOST && refusal.is_short(),
            Line::Sent => self.taken.iter().all(|it| *it),
            Line::Aside(ending) => is_ending(ending),
            Line::Complete(_) => self.is_sent,
            _ => true,
        }
    }

    /// Takes a line; gives whether it makes sense.
    fn apply(&mut self, line: &Line) -> bool {
        if !self.suits(line) {
            return false;
        }
        match line {
            Line::Import { .. } => return false,
            Line::Numbered(way) => self.way = Some(*way),
            // It is read by imports that are others.
            Line::Origin(_) => {}
            Line::Began => self.has_begun = true,
            Line::Unchanged => self.has_begun = false,
            Line::Schema => self.has_schema = true,
            Line::Taken(request) => match self.taken.get_mut(*request) {
                Some(taken) => *taken = true,
                None => return false,
            },
            Line::Refused(file, line, refusal) => {
                self.refused.insert((*file, *line), refusal.clone());
            }
            Line::Aside(ending) => self.aside = Some(ending.clone()),
            Line::Sent => self.is_sent = true,
            Line::Complete(when) => self.complete = Some(when.clone()),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Line {
        let refusal = r#"{"about":"0x1 name","why":"full"}"#;
        Line::Refused(0, 1, serde_json::from_str(refusal).expect("a refusal"))
    }

    #[test]
    fn a_state_whose_lines_no_run_writes_in_this_order_is_none() {
        let kept = || Line::Numbered(Way::Kept(0));
        let all = || {
            let taken = [Line::Taken(1), refused(), Line::Taken(0)];
            let front = [kept(), Line::Began];
            let end = [Line::Sent, Line::Complete("now".into())];
            Vec::from_iter(front.into_iter().chain(taken).chain(end))
        };
        let is_one = |lines: Vec<Line>| {
            let mut known = Known {
                nodes: 10,
                taken: vec![false; 2],
                ..Known::default()
            };
            lines.iter().all(|it| known.apply(it))
        };
        assert!(is_one(all()));
        assert!(is_one(
            ["refused", "refused-2"]
                .map(|it| Line::Aside(it.into()))
                .into()
        ));
        for wrong in [
            vec![Line::Complete("now".into())],
            vec![kept(), Line::Began, Line::Taken(0), Line::Sent],
            vec![kept(), Line::Began, Line::Taken(2)],
            vec![kept(), Line::Taken(0)],
            vec![Line::Began, Line::Taken(0)],
            vec![kept(), Line::Numbered(Way::Leased(5))],
            vec![Line::Numbered(Way::Leased(u64::MAX - 5))],
            vec![Line::Numbered(Way::Kept(u64::MAX))],
            vec![Line::Aside("/etc/refused".into())],
            vec![Line::Aside("refused/../x".into())],
        ] {
            assert!(!is_one(wrong.clone()), "{wrong:?}");
        }
        let rows = |count: usize| {
            (0..count).map(|at| match refused() {
                Line::Refused(file, _, why) => Line::Refused(file, at as u64, why),
                other => other,
            })
        };
        assert!(is_one(rows(MOST).collect()));
        assert!(!is_one(rows(MOST + 1).collect()));
    }
}
