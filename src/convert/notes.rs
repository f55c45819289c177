//! The notes beside content that was brought into another system's form (`strapi.json`): what that system cannot hold,
//! such as order, `null` against absent, and what has other names there. With them the way back gives the same.
//!
//! They are one JSON list, and each of its elements stands in a line of its own, so that they are read and written one
//! after the other, whatever their number. What they say is documented in docs/PRISMA.md.

use super::rows::Tree;
use crate::error::{Error, Result};
use crate::model::limits::LONGEST_LINE;
use crate::model::{Metadata, Stage};
use crate::transfer::Scope;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// The format that is written, and the newest that is read.
pub const FORMAT: u32 = 1;

/// One of the notes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Note {
    /// The first one.
    Head(Head),
    /// A schema, as it stands in the archive.
    Schema(Box<RawValue>),
    /// What a content type or component is called there; they are numbered in their order.
    Type(TypeNote),
    /// Links of one kind; they are numbered in their order.
    Relation(RelationNote),
    /// The members of rows; they are numbered in their order.
    Shape(Vec<String>),
    /// A row.
    Row(RowNote),
    /// A file of the media library.
    File(FileNote),
    /// The form of the line of a link; they are numbered in their order.
    Form(LinkForm),
    /// A link: the number of the form of its line, then what stands in its gaps.
    Link(usize, Vec<Box<RawValue>>),
    /// A link that is no relation there, as it stands in the archive.
    Line(String),
    /// A row of the configuration, as it stands in the archive.
    Configuration(String),
}

/// What all of it comes from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The format of these notes.
    pub format: u32,
    /// What the archive says of itself.
    pub metadata: Option<Metadata>,
    /// The stages and types that it was made from, where it says.
    pub scope: Option<(Vec<String>, Vec<String>)>,
}

impl Head {
    /// One of such an archive.
    pub fn new(metadata: Option<Metadata>, scope: Option<&Scope>) -> Self {
        let stages = |scope: &Scope| scope.stages.iter().map(|it| it.as_str().into()).collect();
        Self {
            format: FORMAT,
            metadata,
            scope: scope.map(|it| (stages(it), it.types.iter().cloned().collect())),
        }
    }

    /// The stages and types that it was made from.
    pub fn scope(&self) -> Option<Scope> {
        let (stages, types) = self.scope.as_ref()?;
        Some(Scope {
            stages: stages
                .iter()
                .filter_map(|it| Stage::from_name(it))
                .collect(),
            types: types.iter().cloned().collect(),
        })
    }
}

/// What a content type or component is called there.
#[derive(Debug, Serialize, Deserialize)]
pub struct TypeNote {
    /// Its uid.
    pub uid: String,
    /// The name of the type.
    pub name: String,
    /// What the ids of its nodes begin with.
    pub tag: String,
    /// The fields of the attributes that have values.
    pub fields: BTreeMap<String, String>,
}

/// Links of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelationNote {
    /// The number of the type that owns them.
    pub owner: usize,
    /// The field of it.
    pub field: String,
    /// The number of the type that they lead to.
    pub target: usize,
    /// The field of that, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<String>,
    /// The attribute that holds them, where they lead to components: these are no links in Strapi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<String>,
}

/// A row.
#[derive(Debug, Serialize, Deserialize)]
pub struct RowNote {
    /// Its id.
    pub id: i64,
    /// How nodes make it.
    pub tree: Tree,
    /// Its line, where nodes do not make the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// A file of the media library.
#[derive(Debug, Serialize, Deserialize)]
pub struct FileNote {
    /// Its name.
    pub name: String,
    /// What the archive says of it.
    pub about: String,
}

/// The form of the line of a link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkForm {
    /// What stands around the gaps: one piece more than these.
    pub pieces: Vec<String>,
    /// The number of the relation.
    pub relation: usize,
    /// The gap with the id of the row that owns it there.
    pub owner: usize,
    /// The gap with the id of the row that it leads to.
    pub target: usize,
}

impl LinkForm {
    /// The line of a link with these in the gaps; `None` where they are not as many.
    pub fn line(&self, gaps: &[Box<RawValue>]) -> Option<String> {
        let (first, rest) = self.pieces.split_first()?;
        if rest.len() != gaps.len() {
            return None;
        }
        let mut line = first.clone();
        for (gap, piece) in gaps.iter().zip(rest) {
            line.push_str(gap.get());
            line.push_str(piece);
        }
        Some(line)
    }
}

/// Writes notes.
pub struct Writer<W: Write> {
    out: W,
    path: PathBuf,
    is_empty: bool,
}

impl<W: Write> Writer<W> {
    /// One that writes there; `path` is for messages.
    pub fn new(out: W, path: PathBuf) -> Self {
        Self {
            out,
            path,
            is_empty: true,
        }
    }

    /// Adds a note.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add(&mut self, note: &Note) -> Result<()> {
        let between: &[u8] = match std::mem::replace(&mut self.is_empty, false) {
            true => b"[\n",
            false => b",\n",
        };
        let written = self
            .out
            .write_all(between)
            .and_then(|()| serde_json::to_writer(&mut self.out, note).map_err(io::Error::from));
        written.map_err(|error| Error::io("write", &self.path, error))
    }

    /// Ends them; gives what they were written to.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> Result<W> {
        let ended = self.out.write_all(b"\n]\n").and_then(|()| self.out.flush());
        ended.map_err(|error| Error::io("write", &self.path, error))?;
        Ok(self.out)
    }
}

/// Reads notes one after the other.
pub struct Reader {
    input: BufReader<File>,
    path: PathBuf,
    line: u64,
    is_over: bool,
}

impl Reader {
    /// Reads those in this file from the beginning.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io("read", path, error))?;
        Ok(Self {
            input: BufReader::with_capacity(256 << 10, file),
            path: path.to_owned(),
            line: 0,
            is_over: false,
        })
    }

    /// The next one; `None` behind the last.
    ///
    /// # Errors
    /// It cannot be read, is no note, or the end is missing.
    pub fn read(&mut self) -> Result<Option<Note>> {
        let mut line = Vec::new();
        while !self.is_over {
            line.clear();
            // Names are written twice in a note, at the most.
            let longest = 2 * LONGEST_LINE;
            let read = self
                .input
                .by_ref()
                .take(longest)
                .read_until(b'\n', &mut line);
            read.map_err(|error| Error::io("read", &self.path, error))?;
            self.line += 1;
            let text = line.trim_ascii();
            let text = text.strip_suffix(b",").unwrap_or(text);
            match text {
                b"[" => {}
                b"]" => self.is_over = true,
                b"" => return Err(self.fault("the end is missing: it was cut short")),
                text => {
                    let note = serde_json::from_slice(text);
                    return note
                        .map(Some)
                        .map_err(|error| self.fault(&error.to_string()));
                }
            }
        }
        Ok(None)
    }

    /// What is wrong with the note that was read last.
    pub fn fault(&self, why: &str) -> Error {
        let (path, line) = (self.path.display(), self.line);
        Error::archive(format!("{path}, line {line}: {why}"))
            .hint("take the file that was written with the data, or convert without it: --no-notes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_one_json_list_and_are_read_one_by_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("strapi.json");
        let mut writer = Writer::new(Vec::new(), path.clone());
        let gaps = ["12", "1.5"].map(|it| RawValue::from_string(it.into()).expect("JSON"));
        let head = Head::new(
            Some(Metadata::new("now".into(), "5.0.0")),
            Some(&Scope::default()),
        );
        for note in [
            Note::Head(head),
            Note::Shape(vec!["a".into()]),
            Note::Link(3, gaps.into()),
            Note::Line("{\"a\" : 1}".into()),
        ] {
            writer.add(&note).expect("written");
        }
        let bytes = writer.finish().expect("written");
        let list: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(list.as_array().map(Vec::len), Some(4));
        std::fs::write(&path, &bytes).expect("written");
        let mut reader = Reader::open(&path).expect("opened");
        let mut read = Vec::new();
        while let Some(note) = reader.read().expect("a note") {
            read.push(serde_json::to_value(&note).expect("JSON"));
        }
        assert_eq!(serde_json::Value::from(read), list);
        std::fs::write(&path, &bytes[..bytes.len() - 3]).expect("written");
        let mut reader = Reader::open(&path).expect("opened");
        let error = loop {
            if let Err(error) = reader.read() {
                break error;
            }
        };
        assert!(
            error.to_string().contains("line 6: the end is missing"),
            "{error}"
        );
    }
}
