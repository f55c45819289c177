//! How bytes are packed: compression and encryption, and how to tell them from the bytes.

pub mod ecb;

use std::io::{self, Read};

/// How many bytes it takes to recognise a tar: its magic stands at 257.
pub(super) const PROBE: usize = 512;

/// What the first bytes of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A gzip member.
    Gzip,
    /// A tar header.
    Tar,
    /// Neither: encrypted, or something else.
    Unknown,
}

/// Recognises content by its first bytes.
pub(super) fn recognise(start: &[u8]) -> Content {
    if start.starts_with(&[0x1f, 0x8b, 8]) {
        Content::Gzip
    } else if start.get(257..262) == Some(b"ustar") {
        Content::Tar
    } else {
        Content::Unknown
    }
}

/// Reads up to `length` bytes; fewer only at the end.
pub(super) fn read_start(reader: &mut dyn Read, length: usize) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(length);
    reader.take(length as u64).read_to_end(&mut start)?;
    Ok(start)
}
