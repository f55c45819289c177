//! What stands in an archive, entry by entry: for whoever lists it, and how it is cut into shards.

use super::item::Item;
use super::layout::Entry;
use super::lines::LineCounter;
use crate::error::Result;
use crate::model::Stage;
use crate::model::limits::{LONGEST_TYPES, MOST_TYPES};
use std::io::{self, Read};

/// What an entry of an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// The version of Strapi, and when the data was read.
    Metadata,
    /// What the archive was made from.
    Manifest,
    /// Lines of JSON of a stage.
    Lines(Stage),
    /// What a file of the media library is.
    Sidecar,
    /// A file of the media library.
    File,
    /// What came of the export.
    Result,
    /// The digests of the other entries.
    Checksums,
    /// Who listed these.
    Authentication,
    /// Something that this program does not know, and passes over.
    Other,
}

impl EntryKind {
    /// Its name in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Manifest => "manifest",
            Self::Lines(stage) => stage.as_str(),
            Self::Sidecar => "sidecar",
            Self::File => "file",
            Self::Result => "result",
            Self::Checksums => "checksums",
            Self::Authentication => "authentication",
            Self::Other => "other",
        }
    }
}

impl From<&Entry> for EntryKind {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Metadata => Self::Metadata,
            Entry::Manifest => Self::Manifest,
            Entry::Lines(stage, _) => Self::Lines(*stage),
            Entry::Sidecar(_) => Self::Sidecar,
            Entry::Upload(_) => Self::File,
            Entry::Result => Self::Result,
            Entry::Checksums => Self::Checksums,
            Entry::Hmac => Self::Authentication,
            Entry::Other => Self::Other,
        }
    }
}

/// An entry of an archive, without its content.
#[derive(Debug, Clone, Copy)]
pub struct ListedEntry<'a> {
    /// Its name, in the form in which this program writes it.
    pub name: &'a str,
    /// What it is.
    pub kind: EntryKind,
    /// How many bytes it has.
    pub length: u64,
}

/// A file of lines in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// The name of its entry.
    pub name: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many lines that are not empty.
    pub lines: u64,
}

/// How an archive is cut into entries.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// How many entries there are.
    pub entries: u64,
    /// The bytes of all of them.
    pub bytes: u64,
    /// The files of lines: the first ten thousand, in the order of the archive.
    pub shards: Vec<Shard>,
    /// How many more of them there are.
    pub more_shards: u64,
    /// How many bytes the names of those that are listed have.
    name_bytes: usize,
}

impl Listing {
    /// Has an entry read, and takes it in.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn read(
        &mut self,
        item: &mut Item<'_>,
        read: &mut dyn FnMut(&mut Item<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut counted = Counted::new(&mut *item.content);
        let mut own = Item {
            number: item.number,
            entry: item.entry.clone(),
            name: std::mem::take(&mut item.name),
            length: item.length,
            content: &mut counted,
        };
        let read = read(&mut own);
        item.name = own.name;
        read?;
        let lines = counted.lines();
        self.add(&item.name, &item.entry, item.length, lines);
        Ok(())
    }

    /// Takes an entry in, after its content was read.
    fn add(&mut self, name: &str, entry: &Entry, length: u64, lines: u64) {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(length);
        if !matches!(entry, Entry::Lines(..)) {
            return;
        }
        if self.shards.len() >= MOST_TYPES || self.name_bytes + name.len() > LONGEST_TYPES {
            self.more_shards += 1;
            return;
        }
        self.name_bytes += name.len();
        self.shards.push(Shard {
            name: name.to_owned(),
            bytes: length,
            lines,
        });
    }
}

/// Content whose lines are counted while somebody reads it.
struct Counted<'a> {
    content: &'a mut dyn Read,
    lines: LineCounter,
}

impl<'a> Counted<'a> {
    fn new(content: &'a mut dyn Read) -> Self {
        Self {
            content,
            lines: LineCounter::default(),
        }
    }

    /// How many lines were read that are not empty.
    fn lines(&self) -> u64 {
        self.lines.lines
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.lines.take(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_shards_are_listed_than_there_is_room_for() {
        let mut listing = Listing::default();
        let entry = Entry::Lines(Stage::Entities, None);
        for number in 0..MOST_TYPES + 3 {
            listing.add(&format!("entities/{number}.jsonl"), &entry, 2, 1);
        }
        assert_eq!(listing.shards.len(), MOST_TYPES);
        assert_eq!((listing.more_shards, listing.entries), (3, 10_003));
        let mut listing = Listing::default();
        let long = "n".repeat(4000);
        (0..1000).for_each(|_| listing.add(&long, &entry, u64::MAX, 1));
        assert_eq!(listing.shards.len(), LONGEST_TYPES / 4000);
        assert_eq!(listing.bytes, u64::MAX);
    }
}
