//! Archives that flow: standard input and output, pipes.

use super::{Ending, Origin, Receipt, Target};
use crate::error::{Error, Result};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::SpooledTempFile;

/// A stream to write an archive to. What was written cannot be taken back: an archive without its end
/// is the sign that it was not completed.
pub struct StreamTarget<W> {
    name: String,
    out: W,
    receipt: Receipt,
    spool_folder: PathBuf,
}

impl<W: Write + Send> StreamTarget<W> {
    /// Writes to `out`, which is called `name` in messages; what must wait goes to `spool_folder`.
    pub fn new(
        name: impl Into<String>,
        out: W,
        receipt: Receipt,
        spool_folder: impl Into<PathBuf>,
    ) -> Self {
        Self {
            name: name.into(),
            out,
            receipt,
            spool_folder: spool_folder.into(),
        }
    }
}

impl<W: Write + Send> Write for StreamTarget<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.receipt.wrote(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Write + Send> Target for StreamTarget<W> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn spool_folder(&self) -> &Path {
        &self.spool_folder
    }

    fn publish(mut self: Box<Self>, _ending: Ending) -> Result<()> {
        let flushed = self.out.flush();
        if flushed.is_ok() {
            self.receipt.published(&self.name, &self.name);
        }
        flushed.map_err(|error| {
            Error::failed(format!(
                "cannot write the archive to {}: {error}",
                self.name
            ))
            .hint("whoever read it stopped; what it has is not a complete archive")
        })
    }
}

/// How much of a stream is kept in memory, in bytes; more goes to a file without a name.
const IN_MEMORY: usize = 8 << 20;

/// A stream that gives an archive. Its beginning can be looked at before it is read for good.
pub struct StreamOrigin {
    name: String,
    /// `None` once it was opened for the last time.
    state: Option<Arc<Mutex<Recorded>>>,
}

impl StreamOrigin {
    /// Reads from `input`, which is called `name` in messages; what must be kept goes to
    /// `spool_folder`.
    pub fn new(
        name: impl Into<String>,
        input: impl Read + Send + 'static,
        spool_folder: &Path,
    ) -> Self {
        Self {
            name: name.into(),
            state: Some(Arc::new(Mutex::new(Recorded {
                input: Box::new(input),
                kept: tempfile::spooled_tempfile_in(IN_MEMORY, spool_folder),
                length: 0,
                keeps: true,
                spool_folder: spool_folder.to_owned(),
            }))),
        }
    }
}

impl Origin for StreamOrigin {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn open(&mut self, again: bool) -> Result<Box<dyn Read + Send>> {
        let Some(state) = &self.state else {
            return Err(
                Error::failed(format!("{} can be read only once", self.name))
                    .hint("write it to a file first, and give that"),
            );
        };
        let state = Arc::clone(state);
        if !again {
            self.state = None;
            state.lock().unwrap_or_else(PoisonError::into_inner).keeps = false;
        }
        Ok(Box::new(FromStart { state, position: 0 }))
    }

    fn length(&self) -> Option<u64> {
        None
    }
}

/// A stream and what was read of it.
struct Recorded {
    input: Box<dyn Read + Send>,
    kept: SpooledTempFile,
    /// How many bytes were kept.
    length: u64,
    /// Whether more is kept.
    keeps: bool,
    spool_folder: PathBuf,
}

impl Recorded {
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        let kept = self.kept.seek(SeekFrom::End(0));
        kept.and_then(|_| self.kept.write_all(bytes))
            .map_err(|error| {
                // It is not the stream that is at fault.
                Error::io("keep what is read in", &self.spool_folder, error).into_io()
            })?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// Reads a stream from its beginning: first what was kept of it, then on.
struct FromStart {
    state: Arc<Mutex<Recorded>>,
    position: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let read = if self.position < state.length {
            state.kept.seek(SeekFrom::Start(self.position))?;
            state.kept.read(buffer)?
        } else {
            let read = state.input.read(buffer)?;
            if state.keeps {
                state.keep(&buffer[..read])?;
            }
            read
        };
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_can_be_looked_at_and_then_read_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut origin = StreamOrigin::new("standard input", &b"the archive"[..], folder.path());
        for length in [3, 7] {
            let mut start = vec![0; length];
            let mut reader = origin.open(true).expect("opened");
            reader.read_exact(&mut start).expect("read");
            assert_eq!(start, b"the archive"[..length]);
        }
        let mut text = String::new();
        let mut reader = origin.open(false).expect("opened");
        reader.read_to_string(&mut text).expect("read");
        assert_eq!(text, "the archive");
        let error = origin.open(false).err().expect("an error");
        assert!(error.to_string().contains("standard input"), "{error}");
    }
}
