//! Reads a file of RDF, line by line.

use super::super::row::Row;
use super::super::{LONGEST_ROW, at};
use super::line;
use crate::error::{Error, Result};
use std::io::BufRead;

/// Reads rows. What is wrong with one line is an error after which the next can be read.
pub struct Reader<R> {
    inner: R,
    file: String,
    /// The line that was read, from 1.
    line: u64,
    labels: u64,
    buffer: Vec<u8>,
    is_done: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads `inner`, which messages call `file`.
    pub fn new(inner: R, file: impl Into<String>) -> Self {
        Self {
            inner,
            file: file.into(),
            line: 0,
            labels: 0,
            buffer: Vec::new(),
            is_done: false,
        }
    }

    /// The line that the last row stands on, from 1, or what was wrong.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// How many rows had a label instead of a namespace, which was passed over.
    pub fn labels(&self) -> u64 {
        self.labels
    }

    /// The next row; `None` at the end of the file.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): a line is damaged; the message names it. It cannot be read, or the
    /// user wants the run to stop.
    pub fn next_row(&mut self) -> Result<Option<Row>> {
        while !self.is_done {
            self.line += 1;
            let is_whole = self.fill().map_err(|error| {
                self.is_done = true;
                let file = &self.file;
                Error::from_io(error, |error| {
                    Error::failed(format!("cannot read {file}: {error}")).source(error)
                })
            })?;
            let wrong = |why: &str| at(&self.file, self.line, why);
            if !is_whole {
                return Err(wrong(&format!("it is longer than {LONGEST_ROW} bytes")));
            }
            let text = std::str::from_utf8(&self.buffer);
            let text = text.map_err(|_| wrong("it is not UTF-8"))?;
            match line::parse(text) {
                Ok(None) => {}
                Ok(Some(read)) => {
                    self.labels += u64::from(read.has_label);
                    return Ok(Some(read.row));
                }
                Err(why) => return Err(wrong(&why)),
            }
        }
        Ok(None)
    }

    /// Reads a line without its break; gives whether it fits.
    fn fill(&mut self) -> std::io::Result<bool> {
        self.buffer.clear();
        self.buffer.shrink_to(1 << 20);
        let mut is_whole = true;
        loop {
            let block = self.inner.fill_buf()?;
            if block.is_empty() {
                self.is_done = true;
                return Ok(is_whole);
            }
            let end = block.iter().position(|it| *it == b'\n');
            let part = &block[..end.unwrap_or(block.len())];
            is_whole &= self.buffer.len() + part.len() <= LONGEST_ROW;
            if is_whole {
                self.buffer.extend_from_slice(part);
            }
            let length = part.len() + usize::from(end.is_some());
            self.inner.consume(length);
            if end.is_some() {
                return Ok(is_whole);
            }
        }
    }
}
