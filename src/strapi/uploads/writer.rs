//! Writes files in threads of their own, while whoever has their bytes reads on.

use super::settler::{Settler, Written};
use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use crate::threads::{one_a_core, start};
use std::collections::HashSet;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes of a file that are handed over at once.
pub(super) const BLOCK: usize = 256 << 10;
/// Steps that may wait, for each thread.
const WAITING: usize = 4;
/// The most threads: what they wait for is the system, which takes no more from many.
const MOST_THREADS: usize = 4;

/// What is done next.
enum Step {
    /// This file is begun.
    Create(PathBuf),
    /// It goes on like this.
    Bytes(Vec<u8>),
    /// It has ended, and becomes this one as well.
    Copy(PathBuf),
}

/// Writes files, several at once. Errors come with a later file, at the latest with [`finish`](Self::finish).
pub(super) struct FileWriters {
    writers: Vec<FileWriter>,
    settler: Option<Settler>,
    next: usize,
    /// The paths that were given, hashed: of two files of one path the later one is to stay.
    given: HashSet<u64>,
    hasher: RandomState,
}

impl FileWriters {
    /// As many as there are cores, within bounds. `effort` collects how long writing takes.
    pub fn new(effort: &Effort) -> Self {
        let writer = || FileWriter::new(effort.clone());
        Self {
            writers: std::iter::repeat_with(writer)
                .take(one_a_core(MOST_THREADS))
                .collect(),
            settler: None,
            next: 0,
            given: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// The one that writes the next file, and copies of it, to these paths below `folder`.
    ///
    /// # Errors
    /// The system gives no thread; an earlier file could not be written.
    pub fn next(&mut self, paths: &[String], folder: PathBuf) -> Result<&mut FileWriter> {
        let mut is_new = true;
        for path in paths {
            is_new &= self.given.insert(self.hasher.hash_one(path));
        }
        if !is_new {
            self.wait()?;
        }
        let settler = match &mut self.settler {
            Some(settler) => settler,
            none => none.insert(Settler::new(folder)?),
        };
        self.next = (self.next + 1) % self.writers.len();
        let writer = &mut self.writers[self.next];
        if writer.thread.is_none() {
            writer.written = settler.written();
        }
        Ok(writer)
    }

    /// Waits until all that was written is on disk, after [`finish`](Self::finish).
    ///
    /// # Errors
    /// Something did not get there.
    pub fn settle(&mut self) -> Result<()> {
        self.settler.take().map_or(Ok(()), Settler::finish)
    }

    fn wait(&mut self) -> Result<()> {
        self.writers.iter_mut().try_for_each(FileWriter::finish)
    }

    /// Waits until all is written, as there is no more.
    ///
    /// # Errors
    /// A file could not be.
    pub fn finish(&mut self) -> Result<()> {
        self.wait()?;
        // It goes on with what is left, while others do other things.
        self.settler.iter_mut().for_each(Settler::end);
        Ok(())
    }
}

/// Writes files, one after the other, in a thread. Errors come with a later step, at the latest with
/// [`finish`](Self::finish).
pub(super) struct FileWriter {
    effort: Effort,
    steps: Option<SyncSender<Step>>,
    /// Where the thread is going to name files that were written.
    written: Option<Sender<Written>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl FileWriter {
    fn new(effort: Effort) -> Self {
        Self {
            effort,
            steps: None,
            written: None,
            thread: None,
        }
    }

    /// Begins a file.
    pub fn create(&mut self, path: PathBuf) -> Result<()> {
        self.give(Step::Create(path))
    }

    /// Adds bytes to the file that was begun.
    pub fn write(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.give(Step::Bytes(bytes))
    }

    /// Makes a copy of the file that was begun, and has ended.
    pub fn copy(&mut self, to: PathBuf) -> Result<()> {
        self.give(Step::Copy(to))
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// A file could not be.
    fn finish(&mut self) -> Result<()> {
        self.steps = None;
        self.written = None;
        let thread = self.thread.take();
        match self
            .effort
            .time(Work::Waiting, || thread.map(JoinHandle::join))
        {
            Some(Ok(outcome)) => outcome,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(()),
        }
    }

    fn give(&mut self, step: Step) -> Result<()> {
        let steps = match &self.steps {
            Some(steps) => steps,
            None => {
                let (sender, steps) = sync_channel(WAITING);
                let effort = self.effort.clone();
                let written = self.written.take();
                self.thread = Some(start(move || work(&steps, written, &effort))?);
                self.steps.insert(sender)
            }
        };
        if self.effort.time(Work::Waiting, || steps.send(step)).is_ok() {
            return Ok(());
        }
        // The thread only stops early when it failed.
        self.finish()
            .and_then(|()| Err(Error::failed("the writer of files stopped")))
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        self.steps = None;
        if let Some(thread) = self.thread.take() {
            // Whoever drops it without `finish` has an error to report already.
            let _ = thread.join();
        }
    }
}

/// The work of a thread.
struct Hand {
    current: Option<(PathBuf, File)>,
    /// How many bytes it has.
    bytes: u64,
    written: Option<Sender<Written>>,
}

fn work(steps: &Receiver<Step>, written: Option<Sender<Written>>, effort: &Effort) -> Result<()> {
    let mut hand = Hand {
        current: None,
        bytes: 0,
        written,
    };
    for step in steps {
        effort.time(Work::Files, || hand.take(step))?;
    }
    hand.end();
    Ok(())
}

impl Hand {
    fn take(&mut self, step: Step) -> Result<()> {
        let fail = |path: &Path, error| Error::io("write the file", path, error);
        match (step, &mut self.current) {
            (Step::Create(path), _) => {
                self.end();
                let file = File::create(&path).map_err(|error| fail(&path, error))?;
                self.current = Some((path, file));
            }
            (Step::Bytes(bytes), Some((path, file))) => {
                file.write_all(&bytes).map_err(|error| fail(path, error))?;
                self.bytes += bytes.len() as u64;
            }
            (Step::Copy(to), Some((path, _))) => {
                fs::copy(path, &to).map_err(|error| fail(&to, error))?;
                self.name(to);
            }
            (Step::Bytes(_) | Step::Copy(_), None) => {
                return Err(Error::failed("no file was begun that could be written"));
            }
        }
        Ok(())
    }

    /// The current file is as it is to be.
    fn end(&mut self) {
        if let Some((path, file)) = self.current.take() {
            drop(file);
            self.name(path);
        }
        self.bytes = 0;
    }

    fn name(&self, path: PathBuf) {
        // Where it has stopped, that is told at the end.
        let _ = self.written.as_ref().map(|it| it.send((path, self.bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hold_what_was_written_and_copies_all_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let mut writers = FileWriters::new(&Effort::default());
        for (name, parts) in [("a", 300), ("b", 0), ("c", 20), ("a", 2)] {
            let names = [name.to_owned(), format!("copy of {name}")];
            let writer = writers.next(&names, folder.path().into()).expect("ready");
            writer.create(path(name)).expect("begun");
            for _ in 0..parts {
                writer.write(name.repeat(1000).into()).expect("taken");
            }
            writer.copy(path(&names[1])).expect("taken");
        }
        writers.finish().expect("written");
        writers.settle().expect("on disk");
        for (name, length) in [("a", 2000), ("b", 0), ("c", 20_000), ("copy of a", 2000)] {
            assert_eq!(fs::read(path(name)).expect("a file").len(), length);
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_at_the_latest_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("missing").join("file");
        let mut writers = FileWriters::new(&Effort::default());
        let writer = writers
            .next(&["file".into()], folder.path().into())
            .expect("ready");
        writer.create(path.clone()).expect("taken");
        let error = writers.finish().expect_err("there is no such folder");
        assert!(error.to_string().contains(path.to_str().expect("text")));
    }
}
