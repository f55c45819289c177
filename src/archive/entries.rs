//! Reads the entries of an archive one after the other: of a tar, however packed, or of a folder.

use super::codec::ecb::{BLOCK, Decryptor, Key, peek};
use super::codec::{Content, PROBE, read_start, recognise};
use super::layout::{self, Entry};
use crate::error::{Error, Kind, Result};
use crate::transfer::Stage;
use flate2::bufread::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use tar::EntryType;

/// Bytes read from disk at once.
const BUFFER: usize = 256 << 10;
/// How a zip file begins.
const ZIP: &[u8] = b"PK\x03\x04";
/// Entries of a tar begin at multiples of this.
const TAR_BLOCK: u64 = 512;

/// An entry, while it is read.
pub(super) struct Item<'a> {
    /// Its place in the archive, counted from 0.
    pub number: u64,
    /// What it is.
    pub entry: Entry,
    /// Its name, as it stands in the archive.
    pub name: &'a str,
    /// Its length in bytes.
    pub length: u64,
    /// Its content.
    pub content: &'a mut dyn Read,
}

/// What a reader does with an entry.
pub(super) type Each<'a> = dyn FnMut(Item<'_>) -> Result<()> + 'a;

/// Where entries come from.
pub(super) enum Entries {
    /// A tar file.
    File {
        path: PathBuf,
        key: Option<Key>,
        gzip: bool,
    },
    /// A folder that holds the same tree.
    Folder(PathBuf),
}

/// What the beginning of a file tells.
struct Probe {
    start: Vec<u8>,
    length: u64,
    named_encrypted: bool,
}

impl Probe {
    fn read(path: &Path) -> Result<Self> {
        let read = || -> io::Result<Self> {
            let mut file = File::open(path)?;
            Ok(Self {
                length: file.metadata()?.len(),
                start: read_start(&mut file, PROBE)?,
                named_encrypted: path.extension().is_some_and(|extension| extension == "enc"),
            })
        };
        let probe = read().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Error::failed(format!("there is no archive at {}", path.display()))
                    .hint("check the name given with --file")
            }
            _ => Error::io("read the archive", path, error),
        })?;
        if probe.start.is_empty() {
            return Err(Error::archive(format!("{} is empty", path.display()))
                .hint("take another archive; this one was not written to its end"));
        }
        Ok(probe)
    }

    /// Encrypted data is never text, and comes in whole blocks unless it was cut.
    fn looks_encrypted(&self) -> bool {
        recognise(&self.start) == Content::Unknown
            && !is_text(&self.start)
            && !self.start.starts_with(ZIP)
            && (self.named_encrypted || self.length.is_multiple_of(BLOCK as u64))
    }
}

/// Whether bytes are text, of which the last character may be cut.
fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

fn not_an_archive(path: &Path) -> Error {
    Error::archive(format!("{} is not a Strapi export", path.display())).hint(
        "it is neither a tar nor gzip nor encrypted; give the file that `backup export` or `strapi \
         export` wrote",
    )
}

/// Whether a file is an encrypted archive, as far as its content tells. Folders are not.
///
/// # Errors
/// The file cannot be read.
pub(super) fn is_encrypted(path: &Path) -> Result<bool> {
    Ok(!path.is_dir() && Probe::read(path)?.looks_encrypted())
}

impl Entries {
    /// Opens an archive and finds out how it is packed.
    ///
    /// # Errors
    /// It is not there, is no archive, or the key does not open it.
    pub fn open(path: &Path, password: Option<&str>) -> Result<Self> {
        if path.is_dir() {
            return match password {
                Some(_) => Err(needless_key(path)),
                None => Ok(Self::Folder(path.to_owned())),
            };
        }
        let probe = Probe::read(path)?;
        let content = recognise(&probe.start);
        if content != Content::Unknown {
            return match password {
                Some(_) => Err(needless_key(path)),
                None => Ok(Self::File {
                    path: path.to_owned(),
                    key: None,
                    gzip: content == Content::Gzip,
                }),
            };
        }
        if !probe.looks_encrypted() {
            return Err(not_an_archive(path));
        }
        let Some(password) = password else {
            return Err(Error::usage(format!("{} is encrypted", path.display()))
                .hint("give the key it was exported with, with --key"));
        };
        let key = Key::derive(password);
        match recognise(&peek(&probe.start, &key)) {
            Content::Unknown if probe.named_encrypted => Err(Error::new(
                Kind::WrongKey,
                format!("the key does not open {}", path.display()),
            )
            .hint("give the key it was exported with; if it is right, the file is damaged")),
            Content::Unknown => Err(Error::new(
                Kind::WrongKey,
                format!("the key does not open {}", path.display()),
            )
            .hint("the key is wrong, or the file is not a Strapi export")),
            content => Ok(Self::File {
                path: path.to_owned(),
                key: Some(key),
                gzip: content == Content::Gzip,
            }),
        }
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::File { path, .. } | Self::Folder(path) => path,
        }
    }

    /// Hands every entry over, in the order of the archive; those of a folder in the order Strapi
    /// writes them. Reads to the very end, so that damage anywhere is noticed.
    ///
    /// # Errors
    /// The archive is damaged or was cut, an entry is not a plain file, or `each` fails.
    pub fn each(&self, each: &mut Each<'_>) -> Result<()> {
        match self {
            Self::File { path, key, gzip } => {
                let file =
                    File::open(path).map_err(|error| Error::io("read the archive", path, error))?;
                let file = BufReader::with_capacity(BUFFER, file);
                let plain: Box<dyn Read> = match key {
                    Some(key) => Box::new(Decryptor::new(file, key)),
                    None => Box::new(file),
                };
                let tar: Box<dyn Read> = if *gzip {
                    Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, plain)))
                } else {
                    plain
                };
                each_of_tar(path, tar, each)
            }
            Self::Folder(path) => each_of_folder(path, each),
        }
    }

    /// Wraps an error of reading an entry's content.
    pub fn damaged(&self, error: io::Error) -> Error {
        damaged(self.path(), error)
    }
}

fn needless_key(path: &Path) -> Error {
    Error::usage(format!("{} is not encrypted", path.display())).hint("leave --key out")
}

fn damaged(path: &Path, error: io::Error) -> Error {
    Error::from_io(error, |error| {
        let what = if error.kind() == io::ErrorKind::UnexpectedEof {
            "was cut short"
        } else {
            "is damaged"
        };
        Error::archive(format!("{} {what}: {error}", path.display()))
            .hint("take another archive, or copy this one again from where it was made")
            .source(error)
    })
}

fn each_of_tar(path: &Path, tar: Box<dyn Read>, each: &mut Each<'_>) -> Result<()> {
    let mut archive = tar::Archive::new(Counted {
        inner: tar,
        bytes: 0,
    });
    let entries = archive.entries().map_err(|error| damaged(path, error))?;
    let mut end = 0;
    for (number, entry) in entries.enumerate() {
        let entry = entry.map_err(|error| damaged(path, error))?;
        end = (entry.raw_file_position() + entry.size()).next_multiple_of(TAR_BLOCK);
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind == EntryType::XGlobalHeader {
            continue;
        }
        if !(kind.is_file() || kind == EntryType::Continuous) {
            return Err(refused(path, &name, "it is a link or a device, not a file"));
        }
        let known = layout::classify(&name).map_err(|why| refused(path, &name, &why))?;
        let length = entry.size();
        let mut content = Whole {
            left: length,
            inner: entry,
        };
        each(Item {
            number: number as u64,
            entry: known,
            name: &name,
            length,
            content: &mut content,
        })?;
        io::copy(&mut content, &mut io::sink()).map_err(|error| damaged(path, error))?;
    }
    let mut rest = archive.into_inner();
    if rest.bytes <= end {
        let cut = io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the mark of its end is missing",
        );
        return Err(damaged(path, cut));
    }
    io::copy(&mut rest, &mut io::sink()).map_err(|error| damaged(path, error))?;
    Ok(())
}

/// Counts what is read. A tar ends with a block of zeros; one that was cut between two entries looks
/// whole but for that.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

fn refused(path: &Path, name: &str, why: &str) -> Error {
    Error::archive(format!(
        "{}: the entry {name} is refused: {why}",
        path.display()
    ))
    .hint("do not use this archive unless you know who made it")
}

/// An entry's content; an end before its length is an error.
struct Whole<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{} bytes of an entry are missing", self.left),
            ));
        }
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

fn each_of_folder(root: &Path, each: &mut Each<'_>) -> Result<()> {
    let mut names = Vec::new();
    for stage in Stage::ALL {
        if stage == Stage::Assets {
            for upload in files(root, "assets/uploads")? {
                let sidecar = format!("{}.json", upload.replacen("/uploads/", "/metadata/", 1));
                if root.join(&sidecar).is_file() {
                    names.push(sidecar);
                }
                names.push(upload);
            }
        } else {
            names.extend(files(root, stage.as_str())?);
        }
    }
    if root.join(layout::METADATA).is_file() {
        names.push(layout::METADATA.to_owned());
    }
    for (number, name) in names.into_iter().enumerate() {
        let path = root.join(&name);
        let open = || -> io::Result<(File, u64)> {
            let file = File::open(&path)?;
            let length = file.metadata()?.len();
            Ok((file, length))
        };
        let (file, length) = open().map_err(|error| Error::io("read", &path, error))?;
        let known = layout::classify(&name).map_err(|why| refused(root, &name, &why))?;
        each(Item {
            number: number as u64,
            entry: known,
            name: &name,
            length,
            content: &mut BufReader::new(file),
        })?;
    }
    Ok(())
}

/// The names of the files in a folder below `root`, sorted.
fn files(root: &Path, folder: &str) -> Result<Vec<String>> {
    let path = root.join(folder);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read the folder", &path, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("read the folder", &path, error))?;
        let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
        let kind = entry
            .file_type()
            .map_err(|error| Error::io("read", &entry.path(), error))?;
        if kind.is_symlink() {
            return Err(refused(root, &name, "it is a link, not a file"));
        }
        if kind.is_file() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
