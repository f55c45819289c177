//! Writes a set of one group, which appears when it is complete, or not at all.

use super::super::graphql::GraphQls;
use super::super::row::Row;
use super::super::schema::Schema;
use super::super::{Dialect, Format};
use super::crypt::{Encryptor, Key};
use super::folder::Content;
use super::rows::RowsWriter;
use crate::error::{Error, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The group that is written: everything is in one.
const GROUP: u32 = 1;

/// A file that is written, encrypted or not.
enum Out {
    Plain(BufWriter<File>),
    Encrypted(Encryptor<BufWriter<File>>),
}

impl Out {
    fn create(path: &Path, key: Option<&Key>) -> io::Result<Self> {
        let file = BufWriter::new(File::create_new(path)?);
        Ok(match key {
            None => Self::Plain(file),
            Some(key) => Self::Encrypted(key.encrypt(file)?),
        })
    }

    /// Sees that it is on the disk.
    fn finish(self) -> io::Result<()> {
        let file = match self {
            Self::Plain(file) => file,
            Self::Encrypted(encryptor) => encryptor.into_inner(),
        };
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(bytes),
            Self::Encrypted(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Encrypted(out) => out.flush(),
        }
    }
}

/// Writes a set.
pub struct Writer {
    /// The folder it is to be.
    path: PathBuf,
    /// The folder it is until then, beside that.
    folder: TempDir,
    dialect: Dialect,
    key: Option<Key>,
    rows: RowsWriter<GzEncoder<Out>>,
}

impl Writer {
    /// Writes a set to a folder that is not there yet, which only its owner may read, encrypted where there is a key.
    ///
    /// # Errors
    /// There is something of this name, or nothing can be made beside it.
    pub fn create(path: &Path, format: Format, dialect: Dialect, key: Option<Key>) -> Result<Self> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(Error::usage(format!("{} is there already", path.display()))
                .hint("give a name that is not taken"));
        }
        let above = path.parent().filter(|it| !it.as_os_str().is_empty());
        let above = above.unwrap_or(Path::new("."));
        let fail = |error| Error::io("write a set in", above, error);
        // For its owner alone, as servers make it and as these folders are.
        let folder = tempfile::Builder::new().prefix(".dgraph").tempdir_in(above);
        let folder = folder.map_err(fail)?;
        let name = Content::Rows(format).name(GROUP);
        let out = encoder(&folder.path().join(name), key.as_ref())?;
        Ok(Self {
            path: path.to_owned(),
            folder,
            dialect,
            key,
            rows: RowsWriter::new(format, dialect, out)?,
        })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// It cannot be written, or the format has no form for it: then nothing of it was written.
    pub fn push(&mut self, row: &Row) -> Result<()> {
        self.rows.push(row)
    }

    /// Writes the schemas, and lets the set appear.
    ///
    /// # Errors
    /// It cannot be written, or the dialect has no form for a schema.
    pub fn finish(self, schema: &Schema, graphql: &GraphQls) -> Result<()> {
        let fail = |error| Error::io("write", &self.path, error);
        let rows = self.rows.finish()?.finish().map_err(fail)?;
        rows.finish().map_err(fail)?;
        let texts = [
            (Content::Schema, schema.text(self.dialect)?),
            (Content::GraphQl, graphql.text(self.dialect)?),
        ];
        for (content, text) in texts {
            let path = self.folder.path().join(content.name(GROUP));
            let mut out = encoder(&path, self.key.as_ref())?;
            out.write_all(text.as_bytes()).map_err(fail)?;
            out.finish().and_then(Out::finish).map_err(fail)?;
        }
        if fs::symlink_metadata(&self.path).is_ok() {
            return Err(Error::failed(format!(
                "{} was made while the set was written",
                self.path.display()
            ))
            .hint("give a name that is not taken, and run it again"));
        }
        fs::rename(self.folder.path(), &self.path).map_err(fail)?;
        // There is nothing left to remove.
        let _ = self.folder.keep();
        Ok(())
    }
}

fn encoder(path: &Path, key: Option<&Key>) -> Result<GzEncoder<Out>> {
    let out = Out::create(path, key).map_err(|error| Error::io("write", path, error))?;
    Ok(GzEncoder::new(out, Compression::fast()))
}
