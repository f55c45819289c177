//! What ties notes to the data that they were written with: the data model says the digest of its notes, and of the data
//! they know at least something.
//!
//! The data themselves go through a service in between, which keeps their types, ids and values, and nothing else.

use super::super::named::open_named;
use super::layout::{DATAMODEL, NOTES};
use super::table::Table;
use crate::error::{Error, Result};
use crate::prisma::sdl::LONGEST;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

/// What stands before the digest in the data model.
const BEFORE: &str = "# strapi.json: ";
/// How many types are named in a message.
const NAMED: usize = 5;

/// The line of the data model that names its notes.
pub fn line(digest: &str) -> String {
    format!("\n{BEFORE}{digest}\n")
}

/// Sees that the data model in this folder names the notes of this digest, if it is there and names any.
///
/// # Errors
/// It names others, or cannot be read.
pub fn check_model(folder: &Path, digest: &str) -> Result<()> {
    let path = folder.join(DATAMODEL);
    match named(&path)? {
        Some((named, number)) if named != digest => {
            let (path, notes) = (path.display(), folder.join(NOTES));
            let what = format!(
                "{path}, line {number}: it is of another {NOTES} than {}",
                notes.display()
            );
            Err(foreign(what))
        }
        _ => Ok(()),
    }
}

/// Whether a data model names the notes that were written with it. One that is not there names none.
///
/// # Errors
/// It is no file, or cannot be read.
pub fn names_notes(model: &Path) -> Result<bool> {
    Ok(named(model)?.is_some())
}

/// The digest of the notes that a data model names, and its line.
fn named(path: &Path) -> Result<Option<(String, u64)>> {
    let is_absent = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
    if path.symlink_metadata().is_err_and(is_absent) {
        return Ok(None);
    }
    let mut text = Vec::new();
    let read = open_named(path, "data model")?
        .take(LONGEST)
        .read_to_end(&mut text);
    read.map_err(|error| Error::io("read the data model", path, error))?;
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines().zip(1_u64..);
    Ok(lines.find_map(|(line, number)| {
        let digest = line.strip_prefix(BEFORE)?.trim();
        Some((digest.to_owned(), number))
    }))
}

/// Nodes of one type, in the data and in the notes.
#[derive(Debug, Default)]
struct Tally {
    both: u64,
    data: u64,
    notes: u64,
}

/// How many nodes stand in the data, in the notes, and in both.
#[derive(Debug, Default)]
pub struct Tallies(BTreeMap<String, Tally>);

impl Tallies {
    /// Takes a node.
    pub fn take(&mut self, type_name: &str, is_there: bool, is_noted: bool) {
        const MOST: usize = 100_000;
        if !self.0.contains_key(type_name) {
            if self.0.len() == MOST {
                return;
            }
            self.0.insert(type_name.to_owned(), Tally::default());
        }
        if let Some(tally) = self.0.get_mut(type_name) {
            tally.data += u64::from(is_there);
            tally.notes += u64::from(is_noted);
            tally.both += u64::from(is_there && is_noted);
        }
    }

    /// Sees that the notes know something of the data. What every Strapi has, such as its roles, has the same ids
    /// everywhere and says nothing, where the notes know content types of the site's own.
    ///
    /// # Errors
    /// They know none of it: they are of other data.
    pub fn check(&self, name: &str, table: &Table) -> Result<()> {
        let is_own = |type_name: &str| {
            let uid = table.uid_of(type_name);
            uid.is_none_or(|uid| uid.starts_with("api::"))
        };
        let has_own = |tally: &(&String, &Tally)| tally.1.notes > 0 && is_own(tally.0);
        let looks_at_own = self.0.iter().any(|it| has_own(&it));
        let looked_at = |it: &(&String, &Tally)| !looks_at_own || is_own(it.0);
        let found = self.0.iter().filter(looked_at);
        let (mut both, mut notes, mut unknown) = (0, 0, Vec::new());
        for (type_name, tally) in found {
            both += tally.both;
            notes += tally.notes;
            if tally.data > tally.both {
                unknown.push(type_name.as_str());
            }
        }
        if both > 0 || notes == 0 || unknown.is_empty() {
            return Ok(());
        }
        let more = unknown.len().saturating_sub(NAMED);
        unknown.truncate(NAMED);
        let mut types = unknown.join(", ");
        if more > 0 {
            types.push_str(&format!(" and {more} more types"));
        }
        Err(foreign(format!(
            "{name}: {NOTES} knows none of its nodes of {types}: it was written with other data"
        )))
    }
}

fn foreign(what: String) -> Error {
    Error::archive(what).hint(
        "take the strapi.json that was written with the data, or convert without it: --no-notes",
    )
}
