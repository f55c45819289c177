//! Where an archive goes: a file that appears under its name when it is complete and on disk.

use super::background::Background;
use super::codec::ecb::{Encryptor, Key};
use crate::error::{Error, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// How an archive is packed.
#[derive(Debug, Clone, Default)]
pub struct Packing {
    /// With gzip.
    pub compress: bool,
    /// With this key.
    pub key: Option<Key>,
}

/// The names of archives.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveName;

impl ArchiveName {
    /// The name Strapi gives an export at this moment, without extension: local time.
    pub fn default_base(now: &jiff::Zoned) -> String {
        now.strftime("export_%Y%m%d%H%M%S").to_string()
    }

    /// Adds the extensions of a packing to a base name. Extensions of ours that it carries already
    /// are not doubled.
    pub fn with_extensions(base: &Path, packing: &Packing) -> PathBuf {
        let mut name = base
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for extension in [".enc", ".gz", ".tar"] {
            if let Some(stripped) = name.strip_suffix(extension)
                && !stripped.is_empty()
            {
                name = stripped.to_owned();
            }
        }
        name.push_str(".tar");
        if packing.compress {
            name.push_str(".gz");
        }
        if packing.key.is_some() {
            name.push_str(".enc");
        }
        base.with_file_name(name)
    }
}

/// Encryption and the file, in a thread of their own where there is encryption.
enum Outer {
    Plain(File),
    Encrypted(Background<Encryptor<File>>),
}

impl Write for Outer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Encrypted(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Encrypted(writer) => writer.flush(),
        }
    }
}

/// Compression, in a thread of its own where there is any.
enum Inner {
    Stored(Background<Outer>),
    Gzip(Background<GzEncoder<Outer>>),
}

/// An archive file in the making. Dropped without [`finish`](Self::finish), it leaves nothing.
pub(super) struct OutputFile {
    inner: Inner,
    temporary: NamedTempFile,
    path: PathBuf,
}

impl OutputFile {
    /// Starts a file that will be called `path`.
    ///
    /// # Errors
    /// The folder is not there or cannot be written to.
    pub fn create(path: &Path, packing: &Packing) -> Result<Self> {
        let folder = folder_of(path);
        let fail = |error| Error::io("write into the folder", folder, error);
        let temporary = tempfile::Builder::new()
            .prefix(".backup-")
            .suffix(".part")
            .tempfile_in(folder)
            .map_err(fail)?;
        let file = temporary.as_file().try_clone().map_err(fail)?;
        let outer = match &packing.key {
            None => Outer::Plain(file),
            Some(key) => Outer::Encrypted(Background::new(Encryptor::new(file, key))),
        };
        let inner = if packing.compress {
            Inner::Gzip(Background::new(GzEncoder::new(
                outer,
                Compression::default(),
            )))
        } else {
            Inner::Stored(Background::new(outer))
        };
        Ok(Self {
            inner,
            temporary,
            path: path.to_owned(),
        })
    }

    /// Ends the file, sees that it is on disk, and gives it its name.
    ///
    /// # Errors
    /// The disk is full, or something else went wrong; nothing stands under the name, or what stood
    /// there before.
    pub fn finish(self) -> Result<()> {
        let Self {
            inner,
            temporary,
            path,
        } = self;
        let complete = || -> io::Result<()> {
            let outer = match inner {
                Inner::Stored(background) => background.finish()?,
                Inner::Gzip(background) => background.finish()?.finish()?,
            };
            let file = match outer {
                Outer::Plain(file) => file,
                Outer::Encrypted(background) => background.finish()?.finish()?,
            };
            file.sync_all()
        };
        complete().map_err(|error| Error::io("write the archive", &path, error))?;
        temporary
            .persist(&path)
            .map_err(|error| Error::io("write the archive", &path, error.error))?;
        sync_folder(folder_of(&path))
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.inner {
            Inner::Stored(writer) => writer.write(bytes),
            Inner::Gzip(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The folder a path lies in; the current one for a bare name.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Sees that a rename is on disk.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| Error::io("write into the folder", folder, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_follow_the_packing_and_are_not_doubled() {
        let key = || Some(Key::derive("x"));
        for (base, compress, key, name) in [
            ("b", true, key(), "b.tar.gz.enc"),
            ("b", false, None, "b.tar"),
            ("b.tar.gz.enc", true, key(), "b.tar.gz.enc"),
            ("b.tar.gz", true, key(), "b.tar.gz.enc"),
            ("b.tar.gz.enc", true, None, "b.tar.gz"),
            ("d/b.2026", true, None, "d/b.2026.tar.gz"),
            (".tar", true, None, ".tar.tar.gz"),
        ] {
            let packing = Packing { compress, key };
            assert_eq!(
                ArchiveName::with_extensions(Path::new(base), &packing),
                Path::new(name),
                "{base}"
            );
        }
    }
}
