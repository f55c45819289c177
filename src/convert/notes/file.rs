//! Notes in their file: written and read one after the other, each behind a digest of all up to it.

use super::{End, FORMAT, Head, Note};
use crate::error::{Error, Result};
use crate::hashing::hexadecimal;
use crate::model::limits::{LONGEST_LINE, LONGEST_TEXT, LONGEST_TYPES};
use crate::store::{open_plain, real_path};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of a digest that stand before a note, and of the one that stands for all of them.
const SHORT: usize = 4;
const WHOLE: usize = 16;

/// Writes notes.
pub struct Writer<W: Write> {
    out: W,
    path: PathBuf,
    digest: Sha256,
    line: Vec<u8>,
    is_empty: bool,
}

impl<W: Write> Writer<W> {
    /// One that writes there; `path` is for messages.
    pub fn new(out: W, path: PathBuf) -> Self {
        Self {
            out,
            path,
            digest: Sha256::new(),
            line: Vec::new(),
            is_empty: true,
        }
    }

    /// Adds a note.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add(&mut self, note: &Note) -> Result<()> {
        let between = match std::mem::replace(&mut self.is_empty, false) {
            true => "[",
            false => ",",
        };
        self.line.clear();
        let made = serde_json::to_writer(&mut self.line, note).map_err(io::Error::from);
        let written = made.and_then(|()| {
            self.digest.update(&self.line);
            let digest = digits::<SHORT>(&self.digest);
            write!(self.out, "{between}\n[\"{digest}\",")?;
            self.out.write_all(&self.line)?;
            self.out.write_all(b"]")
        });
        written.map_err(|error| Error::io("write", &self.path, error))
    }

    /// Ends them; gives what they were written to, and the digest of all of them.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self, end: End) -> Result<(W, String)> {
        self.add(&Note::End(end))?;
        let ended = self.out.write_all(b"\n]\n").and_then(|()| self.out.flush());
        ended.map_err(|error| Error::io("write", &self.path, error))?;
        Ok((self.out, digits::<WHOLE>(&self.digest)))
    }
}

/// So many bytes of a digest so far, in hexadecimal digits.
fn digits<const BYTES: usize>(digest: &Sha256) -> String {
    let digest = digest.clone().finalize();
    hexadecimal(&digest[..BYTES])
}

/// Reads notes one after the other.
pub struct Reader {
    input: BufReader<File>,
    path: PathBuf,
    line: u64,
    digest: Sha256,
    end: Option<End>,
    is_over: bool,
}

impl Reader {
    /// Reads those in this file from the beginning.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let opened = open_plain(OpenOptions::new().read(true), &real_path(path));
        let file = opened.map_err(|error| Error::io("read", path, error).hint(GO_WITHOUT))?;
        Ok(Self {
            input: BufReader::with_capacity(256 << 10, file),
            path: path.to_owned(),
            line: 0,
            digest: Sha256::new(),
            end: None,
            is_over: false,
        })
    }

    /// What all of it comes from, which the first note says.
    ///
    /// # Errors
    /// It cannot be read, says no such thing, or is of a format that is not known.
    pub fn head(&mut self) -> Result<Head> {
        let text = self.text(LONGEST_HEAD)?;
        match format_of(&text) {
            Some(FORMAT) => {}
            Some(format) => {
                let why =
                    format!("it is of format {format}, and this version takes {FORMAT} alone");
                let hint = match format > FORMAT {
                    true => "take the version of this program that wrote it, or a newer one",
                    false => "convert the archive again",
                };
                return Err(self.fault(&why).hint(hint));
            }
            None => return Err(self.fault("it does not begin as such notes do")),
        }
        match self.note(&text)? {
            Note::Head(head) => Ok(head),
            _ => Err(self.fault("it does not begin as such notes do")),
        }
    }

    /// The next one; `None` behind the last.
    ///
    /// # Errors
    /// It cannot be read, is not as it was written, or the end is missing.
    pub fn read(&mut self) -> Result<Option<Note>> {
        while !self.is_over {
            // Names are written twice in a note, at the most.
            let text = self.text(2 * LONGEST_LINE)?;
            match (text.as_slice(), self.end) {
                (b"]", Some(_)) => {
                    self.check_end()?;
                    self.is_over = true;
                }
                (_, Some(_)) => return Err(self.fault("it stands behind the end")),
                (b"]", None) => return Err(self.fault(CUT)),
                (text, None) => match self.note(text)? {
                    Note::End(end) => self.end = Some(end),
                    note => return Ok(Some(note)),
                },
            }
        }
        Ok(None)
    }

    /// What the last one says, and the digest of all of them; `None` where it was not read yet.
    pub fn end(&self) -> Option<(End, String)> {
        let end = self.end.filter(|_| self.is_over)?;
        Some((end, digits::<WHOLE>(&self.digest)))
    }

    /// Sees that nothing stands behind the list.
    fn check_end(&mut self) -> Result<()> {
        let mut rest = Vec::new();
        let read = self.input.by_ref().take(BLANKS + 1).read_to_end(&mut rest);
        read.map_err(|error| Error::io("read", &self.path, error))?;
        match rest.trim_ascii().is_empty() && rest.len() as u64 <= BLANKS {
            true => Ok(()),
            false => Err(self.fault("something stands behind the end of the list")),
        }
    }

    /// The text of the next element, which has at most so many bytes, or of the end of the list.
    fn text(&mut self, longest: u64) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = self
                .input
                .by_ref()
                .take(longest)
                .read_until(b'\n', &mut line);
            read.map_err(|error| Error::io("read", &self.path, error))?;
            self.line += 1;
            if line.len() as u64 == longest && !line.ends_with(b"\n") {
                return Err(self.fault("it is longer than such a note may be"));
            }
            let text = line.trim_ascii();
            match text.strip_suffix(b",").unwrap_or(text) {
                b"[" if self.line == 1 => {}
                b"" => return Err(self.fault(CUT)),
                text => return Ok(text.to_vec()),
            }
        }
    }

    /// The note in an element.
    fn note(&mut self, text: &[u8]) -> Result<Note> {
        let Some((digest, note)) = parts(text) else {
            return Err(self.fault("it is no note behind a digest"));
        };
        self.digest.update(note);
        if digits::<SHORT>(&self.digest).as_bytes() != digest {
            return Err(self.fault("it is not as it was written, or the line before it is missing"));
        }
        serde_json::from_slice(note).map_err(|error| self.fault(&error.to_string()))
    }

    /// What is wrong with the note that was read last.
    pub fn fault(&self, why: &str) -> Error {
        let (path, line) = (self.path.display(), self.line);
        Error::archive(format!("{path}, line {line}: {why}")).hint(GO_WITHOUT)
    }
}

/// What to do about notes that cannot be taken.
const GO_WITHOUT: &str =
    "take the file that was written with the data, or convert without it: --no-notes";
/// Bytes of the first note: what an archive says of itself, and the types that it was made from.
const LONGEST_HEAD: u64 = 2 * (LONGEST_TEXT + LONGEST_TYPES as u64);
/// How many blanks may stand behind the end of the list.
const BLANKS: u64 = 64;
/// What is said of notes without an end.
const CUT: &str = "the end is missing: it was cut short";

/// The format of notes that begin with this element, whatever else it says.
fn format_of(text: &[u8]) -> Option<u32> {
    /// What every format says, without what it says else.
    #[derive(Deserialize)]
    struct First {
        head: Format,
    }
    #[derive(Deserialize)]
    struct Format {
        format: u64,
    }
    let first = match text.first() {
        Some(b'[') => serde_json::from_slice::<(IgnoredAny, First)>(text).ok()?.1,
        _ => serde_json::from_slice::<First>(text).ok()?,
    };
    Some(u32::try_from(first.head.format).unwrap_or(u32::MAX))
}

/// The digest in an element, and its note.
fn parts(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (digest, rest) = text.strip_prefix(b"[\"")?.split_at_checked(2 * SHORT)?;
    let note = rest.strip_prefix(b"\",")?.strip_suffix(b"]")?;
    Some((digest, note))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Metadata;
    use crate::transfer::Scope;
    use serde_json::value::RawValue;

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
        let (bytes, digest) = writer.finish(End::default()).expect("written");
        let list: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        let list = list.as_array().expect("a list");
        let notes: Vec<_> = list.iter().map(|it| it[1].clone()).collect();
        std::fs::write(&path, &bytes).expect("written");
        let mut reader = Reader::open(&path).expect("opened");
        let mut read = Vec::new();
        while let Some(note) = reader.read().expect("a note") {
            read.push(serde_json::to_value(&note).expect("JSON"));
        }
        assert_eq!(read, notes[..4]);
        assert_eq!(reader.end().map(|it| it.1), Some(digest));
        let wrong = |text: &str| {
            std::fs::write(&path, text).expect("written");
            let mut reader = Reader::open(&path).expect("opened");
            loop {
                if let Err(error) = reader.read() {
                    break error.to_string();
                }
            }
        };
        let text = String::from_utf8(bytes).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        let without = |from: usize, to: usize| [&lines[..from], &lines[to..]].concat().join("\n");
        for (text, said) in [
            (text.replace("1.5", "1.6"), "line 4: it is not as"),
            (without(2, 3), "line 3: it is not as"),
            (without(5, 6), "line 6: the end is missing"),
            (without(6, 7), "line 7: the end is missing"),
            (
                text.replace("\",{\"shape", "\" ,{\"shape"),
                "line 3: it is no note",
            ),
        ] {
            let error = wrong(&text);
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_head_beyond_measure_and_what_stands_behind_the_list_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("strapi.json");
        let long = "\"x\",".repeat(2_000_000);
        let text = format!(r#"["01234567",{{"head":{{"format":2,"more":[{long}1]}}}}]"#);
        std::fs::write(&path, format!("[\n{text},\n")).expect("written");
        let error = Reader::open(&path).expect("opened").head();
        let error = error.expect_err("refused").to_string();
        assert!(error.contains("line 2: it is longer than"), "{error}");
        let mut writer = Writer::new(Vec::new(), path.clone());
        writer
            .add(&Note::Head(Head::new(None, None)))
            .expect("written");
        let (bytes, _) = writer.finish(End::default()).expect("written");
        for (behind, is_taken) in [
            (vec![], true),
            (b" \n".to_vec(), true),
            (vec![0], false),
            (b"[]".to_vec(), false),
            (vec![b' '; 1000], false),
        ] {
            std::fs::write(&path, [&bytes[..], &behind].concat()).expect("written");
            let mut reader = Reader::open(&path).expect("opened");
            reader.head().expect("a head");
            assert_eq!(reader.read().is_ok(), is_taken, "{behind:?}");
        }
    }

    #[test]
    fn notes_of_another_format_say_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("strapi.json");
        for (line, hint) in [
            (r#"{"head":{"format":1}}"#, "convert the archive again"),
            (r#"["",{"head":{"format":9,"new":[]}}]"#, "a newer one"),
        ] {
            std::fs::write(&path, format!("[\n{line},\n")).expect("written");
            let error = Reader::open(&path).expect("opened").head();
            let error = error.expect_err("refused");
            assert!(error.to_string().contains("of format "), "{error}");
            assert!(
                error.advice().is_some_and(|it| it.contains(hint)),
                "{error:?}"
            );
        }
    }
}
