//! What is wrong with a data set: everything that is checked before the first byte leaves for a server.
//!
//! That is what Prisma's own command line checks, and what it does not: ids that are there twice or not at all, ends of
//! the wrong type, links that are there twice, several lists in a row, the numbers of files. The data set is read once;
//! ids are hashed and sorted on disk, so that memory stays flat.

mod chunks;
mod edges;
mod element;
mod ids;
mod value;

pub use chunks::{CHUNK, Chunk, Chunks, Digest, Piece};
pub use edges::{EdgeId, edge_id, list_id, node_id};
pub use value::{fits, instant, int, is_same, misfit};

pub use crate::checking::{Count, Findings};

use super::ndf::{DataSet, ValueType, fault};
use super::sdl::DataModel;
use crate::checking::{Event, Watch};
use crate::error::{Error, Kind, Result};
use crate::hashing::hexadecimal;
use element::Checker;
use ids::Ids;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// How many types are counted one by one.
const COUNTED: usize = 10_000;

/// What came of a check.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What is wrong.
    pub findings: Findings,
    /// How much there is, in the order of [`ValueType::ALL`].
    pub counts: [Count; 3],
    /// The nodes by their types.
    pub types: BTreeMap<String, Count>,
    /// The digests of the requests that the data set is sent in, in the order of [`ValueType::ALL`].
    pub chunks: [Vec<Digest>; 3],
    /// Whether several rows hold values of one list: then their order counts.
    pub has_split_lists: bool,
    /// What should be known.
    pub notes: Vec<String>,
}

impl Verdict {
    /// What the data set is known by: the SHA-256 over its requests, in hexadecimal digits. How it is packed and into which
    /// files it is cut makes no difference.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for (kind, chunks) in ValueType::ALL.iter().zip(&self.chunks) {
            hasher.update(kind.as_str());
            chunks.iter().for_each(|digest| hasher.update(digest));
        }
        hexadecimal(&hasher.finalize())
    }

    /// The faults as one error, for whoever goes no further.
    ///
    /// # Errors
    /// Kind [`Archive`](Kind::Archive): there are some.
    pub fn check(&self) -> Result<()> {
        match self.findings.count() {
            0 => Ok(()),
            count => Err(fault(format!("{count} things are wrong with the data set"))),
        }
    }
}

/// Checks a data set to its end. Without a data model it is not known which types and fields there are. What is sorted goes
/// to a file without a name in `scratch`.
///
/// # Errors
/// It cannot be read, or the user wants the run to stop. What is wrong with it stands in the verdict.
pub fn verify(
    set: &mut DataSet,
    model: Option<&DataModel>,
    scratch: &Path,
    watch: &dyn Watch,
) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    for name in set.faults() {
        verdict.findings.add(fault(name.clone()));
    }
    for name in set.passed_over() {
        let note = format!("{name} is no part of a data set, and is passed over");
        verdict.notes.push(note);
    }
    if model.is_none() {
        let note = "without a data model types, fields and values are not checked; name it with --datamodel";
        verdict.notes.push(note.into());
    }
    let mut checker = Checker::new(model, Ids::new(scratch));
    let mut nuls = Nuls::default();
    for kind in ValueType::ALL {
        read_kind(set, kind, (&mut checker, &mut nuls), &mut verdict, watch)?;
    }
    verdict.notes.extend(nuls.note());
    let files: Vec<String> = set.files().iter().map(|it| it.name.clone()).collect();
    let dropped = checker.dropped();
    if dropped > 0 {
        verdict.notes.push(format!(
            "{dropped} values of createdAt and updatedAt are of types without such a field: the server drops them"
        ));
    }
    let is_whole = !set.is_single();
    let (ids, types) = checker.into_ids();
    verdict.has_split_lists = ids.finish(
        (&files, &types),
        is_whole,
        set.interrupt(),
        &mut verdict.findings,
    )?;
    Ok(verdict)
}

/// Elements with a NUL in a text.
#[derive(Default)]
struct Nuls {
    /// The file and the number of the first.
    first: Option<(String, u64)>,
    count: u64,
}

impl Nuls {
    fn look(&mut self, file: &str, number: u64, text: &str) {
        if has_nul(text) {
            self.first.get_or_insert_with(|| (file.to_owned(), number));
            self.count += 1;
        }
    }

    fn note(self) -> Option<String> {
        let (file, number) = self.first?;
        let more = match self.count - 1 {
            0 => String::new(),
            more => format!("; so do {more} more elements"),
        };
        Some(format!(
            "{file}, element {number} holds a NUL (\\u0000), which services on PostgreSQL do not take{more}"
        ))
    }
}

/// Whether a text of JSON, in which it is always escaped, holds a NUL.
fn has_nul(json: &str) -> bool {
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let escaped = &rest[at + 1..];
        if escaped.starts_with("u0000") {
            return true;
        }
        let mut behind = escaped.chars();
        behind.next();
        rest = behind.as_str();
    }
    false
}

fn read_kind(
    set: &mut DataSet,
    kind: ValueType,
    (checker, nuls): (&mut Checker<'_>, &mut Nuls),
    verdict: &mut Verdict,
    watch: &dyn Watch,
) -> Result<()> {
    let of_kind = |(at, file): (usize, &super::ndf::DataFile)| (file.kind == kind).then_some(at);
    let files: Vec<usize> = set.files().iter().enumerate().filter_map(of_kind).collect();
    if files.is_empty() {
        return Ok(());
    }
    watch.on(Event::Began {
        what: kind.as_str(),
        items: None,
    });
    let mut chunks = Chunks::new(kind);
    for file in files {
        let name = set.files()[file].name.clone();
        let read = set.read(file, &mut |number, text| {
            verdict.counts[kind as usize].add(text);
            watch.on(Event::Advanced {
                items: 1,
                bytes: text.len() as u64,
            });
            let checked = checker.check(kind, (file, number), text)?;
            nuls.look(&name, number, text);
            match checked {
                Err(why) => verdict.findings.add(at(&name, number, &why)),
                Ok(of_type) if kind == ValueType::Nodes => {
                    let room = verdict.types.len() < COUNTED;
                    if let Some(count) = verdict.types.get_mut(&*of_type) {
                        count.add(text);
                    } else if room {
                        let count = verdict.types.entry(of_type.into_owned()).or_default();
                        count.add(text);
                    }
                }
                Ok(_) => {}
            }
            let ended = chunks.push(file, number, text);
            verdict.chunks[kind as usize].extend(ended.map(|chunk| chunk.digest()));
            Ok(())
        });
        match read {
            Err(error) if error.kind() == Kind::Archive => verdict.findings.add(error),
            read => read?,
        }
    }
    verdict.chunks[kind as usize].extend(chunks.finish().map(|chunk| chunk.digest()));
    watch.on(Event::Ended);
    Ok(())
}

/// What is wrong with an element.
pub(super) fn at(file: &str, number: u64, why: &str) -> Error {
    fault(format!("{file}, element {number}: {why}"))
}

#[cfg(test)]
mod tests;
