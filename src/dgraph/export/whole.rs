//! Whether a file of a set is there to its last byte. What stands in it is for those who verify the set.

use super::names::FileName;
use crate::dgraph::Format;
use crate::dgraph::set::{Content, open};
use crate::error::{Error, Result};
use crate::store::Interrupt;
use std::fs::File;
use std::io::{self, Read, Seek};

/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// How long the start of an encrypted file is, which says with what it was encrypted.
const VECTOR: u64 = 16;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Compressed, and whole.
    Whole,
    /// Something else, as encrypted files are: there is no telling without the key.
    Locked,
}

/// Reads a file to its end.
///
/// # Errors
/// Kind [`Archive`](crate::error::Kind::Archive): it was cut short, or is no file of a set; or it cannot be read, or the
/// user wants the run to stop.
pub(super) fn check(mut file: File, name: FileName, interrupt: &Interrupt) -> Result<Found> {
    let broken = |why: &str| Error::archive(format!("{name}: {why}"));
    let fail = |error: io::Error| Error::from_io(error, |error| broken(&error.to_string()));
    let mut start = Vec::new();
    (&mut file)
        .take(VECTOR)
        .read_to_end(&mut start)
        .map_err(fail)?;
    if !start.starts_with(&GZIP) {
        return match start.len() as u64 {
            0 => Err(broken("it is empty")),
            VECTOR => Ok(Found::Locked),
            _ => Err(broken("it is too short")),
        };
    }
    file.rewind().map_err(fail)?;
    let mut unpacked = open(interrupt.reader(file), &name.to_string(), None)?;
    let mut end = End::new(name.content);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = unpacked.read(&mut buffer).map_err(fail)?;
        if length == 0 {
            break;
        }
        end.take(&buffer[..length]).map_err(broken)?;
    }
    match end.is_reached() {
        true => Ok(Found::Whole),
        false => Err(broken("its last row does not end")),
    }
}

/// Sees whether the text in a file ends where it should.
enum End {
    /// JSON: how deep it is in objects and lists, and whether in a text, behind a backslash, and behind the list.
    Json {
        depth: u64,
        in_text: bool,
        is_escaped: bool,
        is_over: bool,
    },
    /// Rows that end with a dot: the last character that is no blank, and the very last one.
    Rdf { seen: u8, last: u8 },
    /// Nothing says where it ends but the compression.
    Any,
}

impl End {
    fn new(content: Content) -> Self {
        match content {
            Content::Rows(Format::Json) => Self::Json {
                depth: 0,
                in_text: false,
                is_escaped: false,
                is_over: false,
            },
            Content::Rows(Format::Rdf) => Self::Rdf {
                seen: b'.',
                last: b'\n',
            },
            Content::Schema | Content::GraphQl => Self::Any,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        match self {
            Self::Any => {}
            Self::Rdf { seen, last } => {
                let no_blank = bytes.iter().rev().find(|it| !it.is_ascii_whitespace());
                *seen = no_blank.copied().unwrap_or(*seen);
                *last = bytes.last().copied().unwrap_or(*last);
            }
            Self::Json {
                depth,
                in_text,
                is_escaped,
                is_over,
            } => {
                for byte in bytes {
                    match byte {
                        _ if *is_escaped => *is_escaped = false,
                        b'\\' if *in_text => *is_escaped = true,
                        b'"' if *depth > 0 => *in_text = !*in_text,
                        _ if *in_text => {}
                        it if it.is_ascii_whitespace() => {}
                        _ if *is_over => return Err("something stands behind its list"),
                        b'[' | b'{' if *depth > 0 || *byte == b'[' => *depth += 1,
                        b']' | b'}' if *depth > 0 => {
                            *depth -= 1;
                            *is_over = *depth == 0;
                        }
                        _ if *depth == 0 => return Err("it is no list of JSON"),
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    fn is_reached(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Rdf { seen, last } => (*seen, *last) == (b'.', b'\n'),
            Self::Json { is_over, .. } => *is_over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn checked(name: &str, bytes: &[u8]) -> Result<Found> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        file.rewind().expect("back");
        let name = FileName::parse(name).expect("a name");
        check(file, name, &Interrupt::default())
    }

    fn packed(text: &str) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).expect("packed");
        packed.finish().expect("packed")
    }

    #[test]
    fn a_file_is_whole_where_its_text_ends_as_servers_end_it() {
        for (name, text) in [
            ("g01.json.gz", "[\n\n]\n"),
            (
                "g01.json.gz",
                "[\n  {\"uid\":\"0x1\",\"a\":\"]}\\\"\"},\n  {\"uid\":\"0x1\",\"f\":+Inf}\n]\n",
            ),
            ("g01.rdf.gz", ""),
            ("g01.rdf.gz", "<0x1> <a> \"b\" <0x0> .\n"),
            ("g01.gql_schema.gz", ""),
        ] {
            let found = checked(name, &packed(text));
            assert_eq!(found.expect(text), Found::Whole, "{text}");
        }
        for (name, text) in [
            ("g01.json.gz", ""),
            ("g01.json.gz", "{\"a\":1}"),
            ("g01.json.gz", "[\n  {\"uid\":\"0x1\"}"),
            ("g01.json.gz", "[\n  {\"uid\":\"0x1\",\"a\":\"]"),
            ("g01.json.gz", "[]\n[]"),
            ("g01.json.gz", "<html>"),
            ("g01.rdf.gz", "<0x1> <a> \"b\" <0x0> .\n<0x1>"),
            ("g01.rdf.gz", "<0x1> <a> \"b\" <0x0> ."),
        ] {
            assert!(checked(name, &packed(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_cut_or_changed_is_not_whole_and_what_is_encrypted_is_not_known() {
        let whole = packed(&"<0x1> <a> \"b\" <0x0> .\n".repeat(1000));
        for length in [0, 1, 10, whole.len() / 2, whole.len() - 1] {
            assert!(checked("g01.rdf.gz", &whole[..length]).is_err(), "{length}");
        }
        let mut changed = whole.clone();
        *changed.last_mut().expect("bytes") ^= 1;
        assert!(checked("g01.rdf.gz", &changed).is_err());
        let other: Vec<u8> = whole.iter().map(|it| it ^ 0x55).collect();
        assert_eq!(
            checked("g01.rdf.gz", &other).expect("locked"),
            Found::Locked
        );
    }
}
