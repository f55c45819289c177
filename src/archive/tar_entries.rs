//! The entries of a tar, which holds nothing else: zeros where an entry is padded, zeros behind its
//! end.
//!
//! Blocks are read here and not by the crate that knows their form, which takes the records that extend
//! an entry into memory however long they are.

use super::item::{Each, Item, Next, damaged, refused};
use super::layout;
use crate::error::{Error, Result};
use crate::model::Short;
use crate::model::limits::{LONGEST_EXTENSION, LONGEST_NAME};
use std::io::{self, BufRead, Read};
use tar::{EntryType, Header};

/// Entries begin at multiples of this.
const BLOCK: usize = 512;
/// How many faults are kept; of the others the number is.
const KEPT: usize = 100;
/// Where a header holds its own checksum.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// What [`Entries::each`](super::entries::Entries::each) does, for a tar.
pub(super) fn each(
    archive: &str,
    tar: Box<dyn BufRead>,
    each: &mut Each<'_>,
) -> Result<Vec<Error>> {
    let mut blocks = Blocks {
        archive,
        inner: tar,
        last: String::new(),
    };
    let mut faults = Faults::default();
    let mut extension = Extension::default();
    let mut number = 0;
    while let Some(header) = blocks.header()? {
        let kind = header.entry_type();
        let size = header
            .entry_size()
            .map_err(|error| blocks.malformed(&error.to_string()))?;
        if extends(kind) {
            extension.take(kind, size, &mut blocks)?;
            blocks.skip_padding(size, &mut faults)?;
            continue;
        }
        let extension = std::mem::take(&mut extension);
        let name = extension.name(&header);
        let length = extension.size.unwrap_or(size);
        blocks.last.clone_from(&name);
        if !(kind.is_dir() || kind == EntryType::XGlobalHeader) {
            if extension.is_sparse || kind.is_gnu_sparse() {
                let why = "it is sparse, which no file of an export is";
                return Err(refused(archive, &name, why));
            }
            if !(kind.is_file() || kind == EntryType::Continuous) {
                let why = "it is a link or a device, not a file";
                return Err(refused(archive, &name, why));
            }
            let named = layout::classify(&name).map_err(|why| refused(archive, &name, &why))?;
            let mut content = blocks.content(length);
            let next = each(Item {
                number,
                entry: named.entry,
                name: named.name,
                length,
                content: &mut content,
            })?;
            if next == Next::Stop {
                return Ok(Vec::new());
            }
            let left = content.left;
            blocks.skip(left)?;
        } else {
            blocks.skip(length)?;
        }
        number += 1;
        blocks.skip_padding(length, &mut faults)?;
    }
    if extension.is_there {
        return Err(blocks.malformed("nothing follows what extends an entry"));
    }
    blocks.end(&mut faults)?;
    Ok(faults.told(&blocks))
}

/// Whether an entry is none, but says more of the next one.
fn extends(kind: EntryType) -> bool {
    kind.is_gnu_longname() || kind.is_gnu_longlink() || kind.is_pax_local_extensions()
}

/// What stands before an entry and says more of it than its header can.
#[derive(Default)]
struct Extension {
    is_there: bool,
    long_name: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
}

impl Extension {
    fn take(&mut self, kind: EntryType, size: u64, blocks: &mut Blocks<'_>) -> Result<()> {
        self.is_there = true;
        if kind.is_gnu_longlink() {
            // Only links have these, and links are refused.
            return blocks.skip(size);
        }
        if kind.is_gnu_longname() {
            // One more is the zero at its end.
            blocks.check_name(size.saturating_sub(1))?;
            let mut name = blocks.read(size)?;
            if name.last() == Some(&0) {
                name.pop();
            }
            self.long_name = Some(name);
            return Ok(());
        }
        if size > LONGEST_EXTENSION {
            return Err(blocks.malformed(&format!(
                "its PAX header has {size} bytes, more than the {LONGEST_EXTENSION} that are read"
            )));
        }
        let records = blocks.read(size)?;
        let mut rest = &records[..];
        while !rest.is_empty() {
            let Some((key, value, after)) = record(rest) else {
                return Err(blocks.malformed("its PAX header is none"));
            };
            match key {
                b"path" => {
                    blocks.check_name(value.len() as u64)?;
                    self.path = Some(value.to_owned());
                }
                b"size" => {
                    let size = std::str::from_utf8(value)
                        .ok()
                        .and_then(|text| text.parse().ok());
                    if size.is_none() {
                        return Err(blocks.malformed("the size in its PAX header is none"));
                    }
                    self.size = size;
                }
                key if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
                _ => {}
            }
            rest = after;
        }
        Ok(())
    }

    fn name(&self, header: &Header) -> String {
        let name = self.long_name.as_ref().or(self.path.as_ref());
        let own = header.path_bytes();
        String::from_utf8_lossy(name.map_or(&own[..], |name| name)).into_owned()
    }
}

/// The first of the records of a PAX header, `LENGTH KEY=VALUE\n`, and what follows it.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    let content = records.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = content.iter().position(|byte| *byte == b'=')?;
    Some((
        &content[..equals],
        &content[equals + 1..],
        &records[length..],
    ))
}

/// What stands where zeros belong: an archive may have it behind each of its entries.
#[derive(Default)]
struct Faults {
    list: Vec<Error>,
    more: u64,
}

impl Faults {
    fn add(&mut self, fault: impl FnOnce() -> Error) {
        if self.list.len() < KEPT {
            self.list.push(fault());
        } else {
            self.more += 1;
        }
    }

    /// Those that were kept, and how many there are beside them.
    fn told(mut self, blocks: &Blocks<'_>) -> Vec<Error> {
        if self.more > 0 {
            let place = format!("in {} more places", self.more);
            self.list.push(blocks.stained(&place));
        }
        self.list
    }
}

/// The blocks of a tar, read one after the other.
struct Blocks<'a> {
    archive: &'a str,
    inner: Box<dyn BufRead>,
    /// The name of the last entry that was read, for messages.
    last: String,
}

impl Blocks<'_> {
    /// Where the reader is, for messages.
    fn place(&self) -> String {
        match self.last.as_str() {
            "" => "its first entry".into(),
            last => format!("the entry behind {}", Short(last)),
        }
    }

    fn malformed(&self, why: &str) -> Error {
        let (archive, place) = (self.archive, self.place());
        Error::archive(format!("{archive} is damaged: {place}: {why}"))
    }

    fn cut(&self, why: String) -> Error {
        let error = io::Error::new(io::ErrorKind::UnexpectedEof, why);
        damaged(self.archive, error)
    }

    fn stained(&self, place: &str) -> Error {
        Error::archive(format!(
            "{} is damaged: {place} stands something else than zeros",
            self.archive
        ))
    }

    fn check_name(&self, length: u64) -> Result<()> {
        if length > LONGEST_NAME as u64 {
            return Err(self.malformed(&format!(
                "its name has {length} bytes, more than the {LONGEST_NAME} that a name may have"
            )));
        }
        Ok(())
    }

    /// Fills a block as far as there is something to fill it with.
    fn block(&mut self) -> Result<([u8; BLOCK], usize)> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.inner.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(damaged(self.archive, error)),
            }
        }
        Ok((block, filled))
    }

    /// The next header; `None` where the first block of the end stands in its place.
    fn header(&mut self) -> Result<Option<Header>> {
        let (block, filled) = self.block()?;
        if filled < BLOCK {
            return Err(self.cut("the mark of its end is missing".into()));
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block);
        let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        let own = sum(&block) - sum(&block[CHECKSUM]) + CHECKSUM.len() as u32 * u32::from(b' ');
        if header.cksum().ok() != Some(own) {
            return Err(self.malformed("its header has another checksum than it says"));
        }
        Ok(Some(header.clone()))
    }

    /// Reads what is short enough to be kept.
    fn read(&mut self, length: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let archive = self.archive;
        self.content(length)
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(archive, error))?;
        Ok(bytes)
    }

    /// Passes over so many bytes.
    fn skip(&mut self, length: u64) -> Result<()> {
        let archive = self.archive;
        io::copy(&mut self.content(length), &mut io::sink())
            .map(drop)
            .map_err(|error| damaged(archive, error))
    }

    /// Passes over the zeros behind so many bytes.
    fn skip_padding(&mut self, length: u64, faults: &mut Faults) -> Result<()> {
        let used = (length % BLOCK as u64) as usize;
        if used == 0 {
            return Ok(());
        }
        let padding = self.read((BLOCK - used) as u64)?;
        if padding.iter().any(|byte| *byte != 0) {
            faults.add(|| self.stained(&format!("behind the entry {}", Short(&self.last))));
        }
        Ok(())
    }

    /// What follows, as far as it belongs to an entry.
    fn content(&mut self, length: u64) -> Content<'_> {
        Content {
            archive: self.archive,
            name: &self.last,
            inner: &mut self.inner,
            left: length,
        }
    }

    /// Reads to the very end, from behind the first block of the mark of it.
    fn end(&mut self, faults: &mut Faults) -> Result<()> {
        let mut length = 0;
        let mut is_stained = false;
        loop {
            let (block, filled) = self.block()?;
            is_stained |= block.iter().any(|byte| *byte != 0);
            length += filled;
            if filled < BLOCK {
                break;
            }
        }
        if length < BLOCK {
            return Err(self.cut("the mark of its end is missing".into()));
        }
        if is_stained {
            faults.add(|| self.stained("behind the end of the tar"));
        }
        Ok(())
    }
}

/// An entry's content; an end before its length is an error.
struct Content<'a> {
    archive: &'a str,
    name: &'a str,
    inner: &'a mut Box<dyn BufRead>,
    left: u64,
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if length == 0 {
            return Ok(0);
        }
        // Errors say that it is the archive that cannot be read, whoever reads.
        let fail = |error: io::Error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => damaged(self.archive, error).into_io(),
        };
        let read = self.inner.read(&mut buffer[..length]).map_err(fail)?;
        if read == 0 {
            let name = match self.name {
                "" => String::new(),
                name => format!(" behind or in the entry {name}"),
            };
            return Err(fail(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{} bytes are missing{name}", self.left),
            )));
        }
        self.left -= read as u64;
        Ok(read)
    }
}
