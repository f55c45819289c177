//! Makes archives that Strapi never wrote: the good one with its entries changed, in whatever order and wrapping.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

/// The first shard of the entities.
pub const ENTITIES: &str = "entities/entities_00001.jsonl";
/// The first shard of the links.
pub const LINKS: &str = "links/links_00001.jsonl";

/// The first shard of the configuration.
pub const CONFIGURATION: &str = "configuration/configuration_00001.jsonl";

/// The entries of a tar, in their order.
#[derive(Clone)]
pub struct Tarball {
    pub entries: Vec<Entry>,
}

/// An entry of a tar.
#[derive(Clone, PartialEq)]
pub struct Entry {
    pub name: String,
    pub kind: EntryType,
    pub content: Vec<u8>,
    /// Where a link points.
    pub target: String,
}

impl Entry {
    /// A plain file.
    pub fn file(name: &str, content: impl Into<Vec<u8>>) -> Entry {
        Entry {
            name: name.to_owned(),
            kind: EntryType::Regular,
            content: content.into(),
            target: String::new(),
        }
    }

    /// Anything but a file.
    pub fn other(name: &str, kind: EntryType, target: &str) -> Entry {
        Entry {
            kind,
            target: target.to_owned(),
            ..Entry::file(name, "")
        }
    }
}

impl Tarball {
    /// Reads a plain tar.
    pub fn read(path: &Path) -> Tarball {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Tarball::of(&bytes)
    }

    /// Takes a plain tar apart.
    pub fn of(bytes: &[u8]) -> Tarball {
        let mut entries = Vec::new();
        for entry in tar::Archive::new(bytes).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            entries.push(Entry::file(&name, content));
        }
        Tarball { entries }
    }

    /// The names of the entries, in their order.
    pub fn names(&self) -> Vec<&str> {
        self.entries
            .iter()
            .map(|entry| entry.name.as_str())
            .collect()
    }

    /// Where the entry of this name stands.
    pub fn position(&self, name: &str) -> usize {
        let position = self.entries.iter().position(|entry| entry.name == name);
        position.unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// The entry of this name.
    pub fn entry(&mut self, name: &str) -> &mut Entry {
        let position = self.position(name);
        &mut self.entries[position]
    }

    /// Takes an entry out.
    pub fn remove(&mut self, name: &str) -> Entry {
        let position = self.position(name);
        self.entries.remove(position)
    }

    /// Changes the lines of an entry.
    pub fn edit_lines(mut self, name: &str, edit: impl FnOnce(&mut Vec<String>)) -> Tarball {
        let entry = self.entry(name);
        let text = String::from_utf8(std::mem::take(&mut entry.content)).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        edit(&mut lines);
        entry.content = lines.join("\n").into_bytes();
        self
    }

    /// Replaces a piece of text in an entry, which must hold it.
    pub fn replace(self, name: &str, from: &str, to: &str) -> Tarball {
        self.edit_lines(name, |lines| {
            let before = lines.join("\n");
            let after = before.replace(from, to);
            assert_ne!(before, after, "{name} does not hold {from}");
            *lines = after.lines().map(str::to_owned).collect();
        })
    }

    /// Writes the list of digests anew, as somebody would who changed an archive.
    pub fn with_right_checksums(mut self) -> Tarball {
        let digest = |entry: &Entry| {
            let digest = Sha256::digest(&entry.content);
            let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{digits}  {}\n", entry.name)
        };
        let listed = |entry: &&Entry| !entry.name.starts_with("checksums.");
        let list: String = self.entries.iter().filter(listed).map(digest).collect();
        self.entry("checksums.sha256").content = list.into_bytes();
        self
    }

    /// The tar: names as they are given, whatever they are.
    pub fn bytes(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for entry in &self.entries {
            let mut header = Header::new_ustar();
            put(&mut header.as_old_mut().name, &entry.name);
            put(&mut header.as_old_mut().linkname, &entry.target);
            header.set_entry_type(entry.kind);
            header.set_size(entry.content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            tar.append(&header, &entry.content[..]).unwrap();
        }
        tar.into_inner().unwrap()
    }

    /// Writes the tar and gives its path.
    pub fn write(&self, path: PathBuf) -> PathBuf {
        fs::write(&path, self.bytes()).unwrap();
        path
    }
}

fn put(field: &mut [u8; 100], text: &str) {
    field[..text.len()].copy_from_slice(text.as_bytes());
}

/// One gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
