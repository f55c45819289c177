//! Reads a file of JSON, object by object.

use super::super::row::Row;
use super::super::set::Context;
use super::super::{LONGEST_ROW, at};
use super::element;
use super::object::Taker;
use crate::error::{Error, Result};
use std::collections::VecDeque;
use std::io::BufRead;

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// The first element, or the end of the list.
    First,
    /// An element.
    Element,
    /// What follows an element.
    After,
    /// The end of the file: all is there.
    End,
    /// Nothing.
    Done,
}

/// Reads rows. What is wrong with one object is an error after which the next can be read; what is wrong with the list ends
/// it.
pub struct Reader<'s, R> {
    inner: R,
    file: String,
    taker: Taker<'s>,
    state: State,
    /// The line that is read, from 1.
    here: u64,
    /// The line that the object begins on whose rows are given.
    line: u64,
    buffer: Vec<u8>,
    rows: VecDeque<Row>,
}

impl<'s, R: BufRead> Reader<'s, R> {
    /// Reads `inner`, which messages call `file`.
    pub fn new(inner: R, file: impl Into<String>, context: Context<'s>) -> Self {
        Self {
            inner,
            file: file.into(),
            taker: Taker {
                schema: context.schema,
                dialect: context.dialect,
                group: context.group,
                nameless: 0,
                no_numbers: 0,
            },
            state: State::Start,
            here: 1,
            line: 1,
            buffer: Vec::new(),
            rows: VecDeque::new(),
        }
    }

    /// The line that the last row stands on, from 1, or what was wrong.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// How many values so far were `+Inf`, `-Inf` or `NaN`, which servers write and which is no JSON. Those of an object
    /// count once its first row is given.
    pub fn no_numbers(&self) -> u64 {
        self.taker.no_numbers
    }

    /// The next row; `None` at the end of the file, when all of it was read.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): it is damaged; the message names the line. It cannot be read, or the
    /// user wants the run to stop.
    pub fn next_row(&mut self) -> Result<Option<Row>> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Ok(Some(row));
            }
            // What the last object was read into is not held for the rest of the file, where it was a large one.
            self.rows.shrink_to(1 << 10);
            if !self.element()? {
                return Ok(None);
            }
        }
    }

    /// What is wrong with the list, of which nothing more can be read.
    fn broken(&mut self, why: &str) -> Error {
        self.state = State::Done;
        self.line = self.here;
        at(&self.file, self.here, why)
    }

    fn fill(&mut self) -> Result<&[u8]> {
        if let Err(error) = self.inner.fill_buf() {
            self.state = State::Done;
            let file = &self.file;
            return Err(Error::from_io(error, |error| {
                Error::failed(format!("cannot read {file}: {error}")).source(error)
            }));
        }
        // It is held now, and asking again reads nothing.
        self.inner
            .fill_buf()
            .map_err(|error| Error::from_io(error, |error| Error::failed(error.to_string())))
    }

    /// The next byte that is no space, which is not passed.
    fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            let block = self.fill()?;
            if block.is_empty() {
                return Ok(None);
            }
            let is_space = |it: &&u8| matches!(it, b' ' | b'\t' | b'\n' | b'\r');
            let spaces = block.iter().take_while(is_space).count();
            let found = block.get(spaces).copied();
            let lines = newlines(&block[..spaces]);
            self.inner.consume(spaces);
            self.here += lines;
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Reads the next object and takes its rows; gives whether there was one.
    fn element(&mut self) -> Result<bool> {
        loop {
            if self.state == State::Done {
                return Ok(false);
            }
            let next = self.peek()?;
            match (self.state, next) {
                (State::Start, Some(b'[')) => {
                    self.inner.consume(1);
                    self.state = State::First;
                }
                // One object without a list, as the loader takes it.
                (State::Start, Some(b'{')) => {
                    self.state = State::End;
                    return self.object().map(|()| true);
                }
                (State::First | State::Element, Some(b'{')) => {
                    self.state = State::After;
                    return self.object().map(|()| true);
                }
                (State::First | State::After, Some(b']')) => {
                    self.inner.consume(1);
                    self.state = State::End;
                }
                (State::After, Some(b',')) => {
                    self.inner.consume(1);
                    self.state = State::Element;
                }
                (State::End, None) => self.state = State::Done,
                (State::Done, _) => return Ok(false),
                (State::Start, None) => {
                    return Err(self.broken("it is empty, and should be a list"));
                }
                (_, None) => {
                    return Err(self.broken("the list does not end: the file was cut short"));
                }
                (State::Start, Some(_)) => {
                    return Err(self.broken("it does not begin with `[`: it is no list of rows"));
                }
                (State::First | State::Element, Some(_)) => {
                    return Err(self.broken("a row does not begin with `{`"));
                }
                (State::After, Some(_)) => {
                    return Err(self.broken("neither `,` nor `]` follows a row"));
                }
                (State::End, Some(_)) => {
                    return Err(self.broken("something stands behind the end of the list"));
                }
            }
        }
    }

    /// Reads the object that begins here, and takes its rows.
    fn object(&mut self) -> Result<()> {
        self.line = self.here;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let read = self.gather(&mut buffer);
        let taken = read.and_then(|is_whole| match is_whole {
            true => self.take(&buffer),
            false => Err(at(
                &self.file,
                self.line,
                format_args!("an object is longer than {LONGEST_ROW} bytes"),
            )),
        });
        buffer.shrink_to(1 << 20);
        self.buffer = buffer;
        taken
    }

    /// Passes over the object; gives whether it fits, and lies in the buffer.
    fn gather(&mut self, buffer: &mut Vec<u8>) -> Result<bool> {
        let (mut depth, mut is_quoted, mut is_escaped) = (0_u64, false, false);
        let mut is_whole = true;
        loop {
            let block = self.fill()?;
            if block.is_empty() {
                return Err(self.broken("a row does not end: the file was cut short"));
            }
            let mut end = None;
            for (place, byte) in block.iter().enumerate() {
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' if is_quoted => is_escaped = true,
                    b'"' => is_quoted = !is_quoted,
                    _ if is_quoted => {}
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            end = Some(place + 1);
                            break;
                        }
                    }
                    _ => {}
                }
            }
            let part = &block[..end.unwrap_or(block.len())];
            let (length, lines) = (part.len(), newlines(part));
            is_whole &= buffer.len() + length <= LONGEST_ROW;
            if is_whole {
                buffer.extend_from_slice(part);
            }
            self.inner.consume(length);
            self.here += lines;
            if end.is_some() {
                return Ok(is_whole);
            }
        }
    }

    fn take(&mut self, buffer: &[u8]) -> Result<()> {
        let wrong = |place: usize, why: String| {
            let line = self.line + newlines(&buffer[..place.min(buffer.len())]);
            at(&self.file, line, why)
        };
        let text = std::str::from_utf8(buffer)
            .map_err(|error| wrong(error.valid_up_to(), "it is not UTF-8".into()))?;
        let object = element::parse(text).map_err(|(place, why)| wrong(place, why))?;
        let taken = self.taker.take(&object, &mut self.rows);
        taken.map_err(|why| {
            self.rows.clear();
            at(&self.file, self.line, why)
        })
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|it| **it == b'\n').count() as u64
}
