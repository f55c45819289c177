//! What is known of an import after it ended in whatever way: which requests are about to be sent, and which were taken.
//!
//! One file for each pair of endpoint and content, so that no other data set and no other server inherits it: lines of
//! JSON that are only added to. It lies beside the data set, or where that may not be written, in the user's own folder;
//! an entry there says where, so that a data set that was moved is known again.

use super::super::ndf::ValueType;
use super::super::service::Endpoint;
use super::super::verify::Verdict;
use super::places::{Entry, Places, hold, locked, may_not, options};
use crate::error::{Error, Kind, Result};
use crate::store::{folder_of, not_opened, open_plain, sync_folder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The number of the format.
const FORMAT: u32 = 1;
/// How long a line may be, in bytes: those that list refused elements hold at the most the numbers of a request's.
const LONGEST_LINE: u64 = 16 << 20;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The first one.
    Import {
        format: u32,
        endpoint: String,
        data: String,
        requests: [usize; 3],
    },
    /// A request is about to be sent.
    Sending(String, usize),
    /// It was taken.
    Taken(String, usize),
    /// It was not sent, after all.
    Unsent(String, usize),
    /// The only time that it was sent the server did not take these elements of it, which are counted from 0.
    Refused(String, usize, BTreeSet<u64>),
    /// All of them were taken.
    Complete(String),
}

/// The state of an import.
pub struct State {
    file: File,
    /// How many bytes of it are whole lines.
    whole: u64,
    /// Whether something else than whole lines may stand behind these, and cannot be taken away.
    is_torn: bool,
    path: PathBuf,
    entry: Option<Entry>,
    taken: [Vec<bool>; 3],
    sending: [BTreeSet<usize>; 3],
    refused: [BTreeMap<usize, BTreeSet<u64>>; 3],
    complete: Option<String>,
}

impl State {
    /// The state of an import, as an earlier run left it, or a new one. It is held until it is dropped.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): another run imports the same; or it can be written nowhere, or is damaged.
    pub fn open(places: &Places, verdict: &Verdict, endpoint: &Endpoint) -> Result<Self> {
        let mut entry = places.hold()?;
        let path = match places.existing()? {
            Some(path) => path,
            None => create(places)?,
        };
        // Where it is gone by now, another run has just ended.
        let file = hold(&path, false)?.ok_or_else(|| locked(&path))?;
        if let Some(entry) = &mut entry {
            entry.note(&path)?;
        }
        let mut state = Self::empty(file, path, entry, verdict);
        state.read(&head(verdict, endpoint))?;
        Ok(state)
    }

    /// What an earlier run left, if one did, to look at alone: it is neither held nor changed, and another run may be at it.
    ///
    /// # Errors
    /// It cannot be read, or is damaged, or is gone from where it should be.
    pub fn peek(places: &Places, verdict: &Verdict, endpoint: &Endpoint) -> Result<Option<Self>> {
        let Some(path) = places.existing()? else {
            return Ok(None);
        };
        let file = open_plain(OpenOptions::new().read(true), &path)
            .map_err(|error| not_opened("read", &path, error))?;
        let mut state = Self::empty(file, path, None, verdict);
        state.take_lines(&head(verdict, endpoint))?;
        Ok(Some(state))
    }

    fn empty(file: File, path: PathBuf, entry: Option<Entry>, verdict: &Verdict) -> Self {
        Self {
            file,
            whole: 0,
            is_torn: false,
            path,
            entry,
            taken: verdict
                .chunks
                .each_ref()
                .map(|chunks| vec![false; chunks.len()]),
            sending: Default::default(),
            refused: Default::default(),
            complete: None,
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets an import.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): another run is at it; or its state cannot be removed.
    pub fn forget(places: &Places) -> Result<()> {
        let _entry = places.hold()?;
        places.remove()
    }

    /// When all of it was taken, if it was.
    pub fn completed(&self) -> Option<&str> {
        self.complete.as_deref()
    }

    /// How many requests of a kind were taken.
    pub fn taken(&self, kind: ValueType) -> usize {
        self.taken[kind as usize]
            .iter()
            .filter(|taken| **taken)
            .count()
    }

    /// How many requests were taken, of how many.
    pub fn progress(&self) -> (usize, usize) {
        let taken = ValueType::ALL
            .into_iter()
            .map(|kind| self.taken(kind))
            .sum();
        (taken, self.taken.iter().map(Vec::len).sum())
    }

    /// How many requests were sent of which it is not known what came of them.
    pub fn in_doubt(&self) -> usize {
        self.sending.iter().map(BTreeSet::len).sum()
    }

    pub(super) fn is_taken(&self, kind: ValueType, number: usize) -> bool {
        let taken = self.taken[kind as usize].get(number);
        taken.copied().unwrap_or_default()
    }

    pub(super) fn is_in_doubt(&self, kind: ValueType, number: usize) -> bool {
        self.sending[kind as usize].contains(&number)
    }

    /// A request is about to be sent: from now on it may be there.
    pub(super) fn sending(&mut self, kind: ValueType, number: usize) -> Result<()> {
        let is_told = self.is_in_doubt(kind, number);
        if is_told && !self.refused[kind as usize].contains_key(&number) {
            return Ok(());
        }
        let line = Line::Sending(kind.to_string(), number);
        let before = self.whole;
        self.write(&line)?;
        if let Err(error) = self.file.sync_data() {
            // It is not sent: nothing is in doubt.
            self.cut(before);
            return Err(fail(&self.path, error));
        }
        self.apply(&line);
        Ok(())
    }

    /// It was taken.
    pub(super) fn take(&mut self, kind: ValueType, number: usize) -> Result<()> {
        self.write(&Line::Taken(kind.to_string(), number))?;
        self.apply(&Line::Taken(kind.to_string(), number));
        Ok(())
    }

    /// It was not sent, after all.
    pub(super) fn unsent(&mut self, kind: ValueType, number: usize) -> Result<()> {
        self.write(&Line::Unsent(kind.to_string(), number))?;
        self.apply(&Line::Unsent(kind.to_string(), number));
        Ok(())
    }

    /// The server did not take these elements of it the only time that it was sent.
    pub(super) fn refuse(
        &mut self,
        kind: ValueType,
        number: usize,
        elements: BTreeSet<u64>,
    ) -> Result<()> {
        let line = Line::Refused(kind.to_string(), number, elements);
        self.write(&line)?;
        self.apply(&line);
        Ok(())
    }

    /// Whether the server did not take this element the only time that it was sent.
    pub(super) fn was_refused(&self, kind: ValueType, number: usize, element: u64) -> bool {
        let refused = self.refused[kind as usize].get(&number);
        refused.is_some_and(|elements| elements.contains(&element))
    }

    /// Whether nothing was sent, by no run that is known of.
    pub fn is_new(&self) -> bool {
        self.progress().0 == 0 && self.in_doubt() == 0
    }

    /// All of it was taken.
    pub(super) fn complete(&mut self) -> Result<()> {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.write(&Line::Complete(now.clone()))?;
        self.complete = Some(now);
        self.file
            .sync_data()
            .map_err(|error| fail(&self.path, error))
    }

    /// Says of an error what the run left: where nothing was sent, nothing. Where it `is_stuck`, no other run gets further.
    pub(super) fn half_way(self, error: Error, is_stuck: bool) -> Error {
        let (taken, all) = self.progress();
        if self.is_new() {
            // There is nothing to go on with.
            let _ = fs::remove_file(&self.path);
            if let Some(entry) = self.entry {
                entry.remove();
            }
            return error.interrupted_with("this run sent nothing");
        }
        let (message, list) = error.parts();
        let doubt = match self.in_doubt() {
            0 => String::new(),
            count => format!(", and it is not known what came of {count} more"),
        };
        let mut list = list.to_vec();
        list.push(format!(
            "{taken} of {all} requests are in the service{doubt}; {} says which",
            self.path.display()
        ));
        let hint = "run the same command again to go on; with --restart it begins anew, which is for a service that was emptied";
        let hint = match error.advice() {
            Some(advice) if is_stuck => advice.to_owned(),
            Some(advice) => format!("{advice}; {hint}"),
            None => hint.to_owned(),
        };
        Error::new(Kind::HalfWay, message).listing(list).hint(hint)
    }

    fn read(&mut self, head: &Line) -> Result<()> {
        self.take_lines(head)?;
        self.cut(self.whole);
        if self.is_torn {
            let error = io::Error::other("it cannot be shortened");
            return Err(fail(&self.path, error));
        }
        match self.whole {
            0 => self.write(head),
            _ => Ok(()),
        }
    }

    /// Takes its whole lines. A run that was cut off may have left the beginning of another one.
    fn take_lines(&mut self, head: &Line) -> Result<()> {
        let path = self.path.clone();
        let unreadable = |error| fail(&path, error);
        let damaged = || {
            Error::failed(format!("{} is no state of this import", path.display())).hint(
                "with --restart it is forgotten, and the import begins anew, which is for a service that was emptied",
            )
        };
        let mut file = self.file.try_clone().map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        let mut lines = BufReader::new(file);
        let mut text = Vec::new();
        loop {
            text.clear();
            let mut line = (&mut lines).take(LONGEST_LINE);
            let length = line.read_until(b'\n', &mut text).map_err(unreadable)?;
            if text.last() != Some(&b'\n') {
                break;
            }
            let line: Line = serde_json::from_slice(&text).map_err(|_| damaged())?;
            let fits = match &line {
                Line::Import { .. } => self.whole == 0 && line == *head,
                _ => self.whole > 0,
            };
            if !fits || !self.apply(&line) {
                return Err(damaged());
            }
            self.whole += length as u64;
        }
        let is_beginning = self.whole > 0 || told(head).as_bytes().starts_with(&text);
        match is_beginning && (text.len() as u64) < LONGEST_LINE {
            true => Ok(()),
            false => Err(damaged()),
        }
    }

    /// Takes away what stands behind so many bytes of whole lines.
    fn cut(&mut self, whole: u64) {
        let cut = self.file.set_len(whole);
        let cut = cut.and_then(|()| self.file.seek(SeekFrom::Start(whole)));
        self.is_torn |= cut.is_err();
        self.whole = whole;
    }

    /// Takes a line; gives whether it makes sense.
    fn apply(&mut self, line: &Line) -> bool {
        let place = |kind: &str, number: usize, taken: &[Vec<bool>; 3]| {
            let kind = ValueType::named(kind)? as usize;
            (number < taken[kind].len()).then_some(kind)
        };
        match line {
            Line::Import { .. } => true,
            Line::Complete(when) => {
                self.complete = Some(when.clone());
                true
            }
            Line::Sending(kind, number) => match place(kind, *number, &self.taken) {
                Some(kind) => {
                    self.sending[kind].insert(*number);
                    self.refused[kind].remove(number);
                    true
                }
                None => false,
            },
            Line::Unsent(kind, number) => match place(kind, *number, &self.taken) {
                Some(kind) => self.sending[kind].remove(number),
                None => false,
            },
            Line::Refused(kind, number, elements) => match place(kind, *number, &self.taken) {
                Some(kind) => {
                    self.refused[kind].insert(*number, elements.clone());
                    true
                }
                None => false,
            },
            Line::Taken(kind, number) => match place(kind, *number, &self.taken) {
                Some(kind) => {
                    self.sending[kind].remove(number);
                    self.taken[kind][*number] = true;
                    true
                }
                None => false,
            },
        }
    }

    /// Adds a line, whole or not at all: another one that came behind a part of it could not be read.
    fn write(&mut self, line: &Line) -> Result<()> {
        if self.is_torn {
            let error =
                io::Error::other("an earlier line is there in part, and cannot be taken away");
            return Err(fail(&self.path, error));
        }
        let text = told(line);
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            self.cut(self.whole);
            return Err(fail(&self.path, error));
        }
        self.whole += text.len() as u64;
        Ok(())
    }
}

/// A line as it is written.
fn told(line: &Line) -> String {
    let mut text = serde_json::to_string(line).expect("texts and numbers serialise");
    text.push('\n');
    text
}

/// The first line of the state of an import.
fn head(verdict: &Verdict, endpoint: &Endpoint) -> Line {
    Line::Import {
        format: FORMAT,
        endpoint: endpoint.to_string(),
        data: verdict.digest(),
        requests: verdict.chunks.each_ref().map(Vec::len),
    }
}

/// Makes a state beside the data set, or where that may not be written, in the user's own folder.
fn create(places: &Places) -> Result<PathBuf> {
    let make = |path: &Path| -> io::Result<()> {
        drop(open_plain(options().create_new(true), path)?);
        // What is about to be sent must not be known to a name alone that a crash takes away.
        sync_folder(folder_of(path)).map_err(Error::into_io)
    };
    let error = match make(&places.beside) {
        Ok(()) => return Ok(places.beside.clone()),
        Err(error) => error,
    };
    match &places.fallback {
        Some(path) if may_not(&error) => {
            let made = DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder_of(path));
            made.and_then(|()| make(path)).map_err(|error| {
                fail(path, error).also(
                    "the state goes beside the data set, or below XDG_STATE_HOME: see that one of them may be written",
                )
            })?;
            Ok(path.clone())
        }
        _ => Err(fail(&places.beside, error)),
    }
}

fn fail(path: &Path, error: io::Error) -> Error {
    Error::io("keep the state of the import in", path, error)
}

#[cfg(test)]
mod tests;
