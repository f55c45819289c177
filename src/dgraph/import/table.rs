//! The nodes of a set, each once, in an order of their own: in a file without a name, of which little is held.

use crate::checking::hash;
use crate::dgraph::row::Node;
use crate::error::{Error, Result};
use crate::sorting::{Record, Sorter};
use crate::store::Interrupt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// How many bytes a key has.
const LENGTH: usize = 16;
/// How many keys are held.
const HELD: u64 = 4096;
/// How many keys are read at once.
const BLOCK: u64 = 256;
/// After how many nodes it is looked whether the user wants the run to stop.
const GLANCE: u64 = 1 << 12;

/// What a node is known by. Those with a uid are in front, in the order of these; behind them those with a name, by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key([u8; LENGTH]);

impl Key {
    /// The key of a node.
    pub fn of(node: &Node) -> Self {
        let mut key = [0; LENGTH];
        match node {
            Node::Uid(uid) => key[8..].copy_from_slice(&uid.to_be_bytes()),
            Node::Blank(_) | Node::Named(_) => {
                key = hash(&["node", &node.to_string()]);
                key[0] |= 0x80;
            }
        }
        Self(key)
    }

    /// Whether it is one with a uid.
    pub fn is_uid(&self) -> bool {
        self.0[0] & 0x80 == 0
    }

    /// It as a text: the uid, or the hash in hexadecimal digits.
    pub fn text(&self) -> String {
        let number = u128::from_be_bytes(self.0);
        match self.is_uid() {
            true => format!("{number:#x}"),
            false => format!("{number:032x}"),
        }
    }
}

/// Takes nodes in any order.
pub(super) struct Nodes {
    sorter: Sorter,
    folder: PathBuf,
    last: Option<Key>,
}

impl Nodes {
    /// One that sorts in this folder.
    pub fn new(folder: &Path) -> Self {
        Self {
            sorter: Sorter::new(folder),
            folder: folder.to_owned(),
            last: None,
        }
    }

    /// Takes a node.
    pub fn push(&mut self, node: &Node) -> Result<()> {
        let key = Key::of(node);
        // Rows of a node stand together as a rule.
        if self.last.replace(key) == Some(key) {
            return Ok(());
        }
        self.sorter.push(&key.0, &[])
    }

    /// All of them, each once.
    pub fn finish(self, interrupt: &Interrupt) -> Result<Table> {
        let folder = self.folder;
        let fail = |error| Error::io("sort in", &folder, error);
        let file = tempfile::tempfile_in(&folder).map_err(fail)?;
        let mut out = BufWriter::new(file);
        let sorted = self.sorter.finish()?;
        let mut reading = sorted.read()?;
        let (mut room, mut last) = (Record::default(), Vec::new());
        let (mut count, mut uids, mut seen) = (0, 0, 0_u64);
        while let Some(record) = reading.next(std::mem::take(&mut room))? {
            seen += 1;
            if seen.is_multiple_of(GLANCE) {
                interrupt.stop()?;
            }
            if record.key != last {
                out.write_all(&record.key).map_err(fail)?;
                count += 1;
                uids += u64::from(record.key.first().is_some_and(|it| it & 0x80 == 0));
                last.clone_from(&record.key);
            }
            room = record;
        }
        let file = out.into_inner();
        let file = file.map_err(|error| fail(error.into_error()))?;
        let mut table = Table {
            file,
            folder,
            count,
            uids,
            step: count.div_ceil(HELD).max(1),
            held: Vec::new(),
        };
        for at in (0..count).step_by(table.step as usize) {
            table.held.extend(table.keys(at, 1)?);
        }
        Ok(table)
    }
}

/// Nodes by their rank.
pub(super) struct Table {
    file: File,
    folder: PathBuf,
    /// How many there are.
    pub count: u64,
    /// How many of them have uids.
    pub uids: u64,
    /// Of so many keys one is held.
    step: u64,
    held: Vec<Key>,
}

impl Table {
    /// So many keys from this rank on, or as many as there are.
    pub fn keys(&self, from: u64, count: u64) -> Result<Vec<Key>> {
        let count = count.min(self.count.saturating_sub(from));
        let mut bytes = vec![0; count as usize * LENGTH];
        let read = self.file.read_exact_at(&mut bytes, from * LENGTH as u64);
        read.map_err(|error| self.fail(error))?;
        let (keys, _) = bytes.as_chunks::<LENGTH>();
        Ok(keys.iter().copied().map(Key).collect())
    }

    /// The rank of a node, from 0.
    pub fn rank(&self, node: &Node) -> Result<Option<u64>> {
        let key = Key::of(node);
        let block = self.held.partition_point(|it| *it <= key) as u64;
        let Some(block) = block.checked_sub(1) else {
            return Ok(None);
        };
        let mut from = block * self.step;
        let mut end = (from + self.step).min(self.count);
        while end - from > BLOCK {
            let middle = from + (end - from) / 2;
            match self.keys(middle, 1)?.first() {
                Some(there) if *there <= key => from = middle,
                _ => end = middle,
            }
        }
        let keys = self.keys(from, end - from)?;
        Ok(keys.binary_search(&key).ok().map(|at| from + at as u64))
    }

    fn fail(&self, error: io::Error) -> Error {
        Error::io("sort in", &self.folder, error)
    }
}

/// A uid for each rank, 0 where it is not known, in a file without a name.
pub(super) struct Ranked {
    file: File,
    folder: PathBuf,
}

impl Ranked {
    /// So many of which none is known.
    pub fn new(folder: &Path, count: u64) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).and_then(|file| {
            file.set_len(count * 8)?;
            Ok(file)
        });
        Ok(Self {
            file: file.map_err(|error| Error::io("write in", folder, error))?,
            folder: folder.to_owned(),
        })
    }

    /// Takes uids from this rank on.
    pub fn set(&self, from: u64, uids: &[u64]) -> Result<()> {
        let bytes: Vec<u8> = uids.iter().flat_map(|it| it.to_be_bytes()).collect();
        let written = self.file.write_all_at(&bytes, from * 8);
        written.map_err(|error| Error::io("write in", &self.folder, error))
    }

    /// The uid of a rank.
    pub fn get(&self, rank: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        let read = self.file.read_exact_at(&mut bytes, rank * 8);
        read.map_err(|error| Error::io("read in", &self.folder, error))?;
        Ok(u64::from_be_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_have_ranks_those_with_uids_first_however_many_there_are() {
        let folder = tempfile::tempdir().expect("a folder");
        for count in [0_u64, 1, 300, 20_000] {
            let mut nodes = Nodes::new(folder.path());
            let uid = |at: u64| Node::Uid(1 + (at * 7919) % 1_000_003);
            let name = |at: u64| Node::Blank(format!("n{at}"));
            for at in (0..count).chain(0..count) {
                nodes.push(&uid(at)).expect("taken");
                nodes.push(&name(at)).expect("taken");
            }
            let table = nodes.finish(&Interrupt::default()).expect("a table");
            assert_eq!((table.count, table.uids), (2 * count, count));
            let mut ranks: Vec<u64> = Vec::new();
            for at in 0..count {
                let [one, other] = [uid(at), name(at)].map(|it| {
                    let rank = table.rank(&it).expect("read");
                    rank.expect("there")
                });
                assert!(one < count && other >= count);
                ranks.extend([one, other]);
            }
            ranks.sort_unstable();
            assert!(ranks.into_iter().eq(0..2 * count), "{count}");
            for node in [Node::Uid(2_000_000), Node::Named("x".into())] {
                assert_eq!(table.rank(&node).expect("read"), None);
            }
        }
    }
}
