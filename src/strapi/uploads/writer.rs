//! Writes files in threads of their own, while whoever has their bytes reads on.

use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use crate::store::{WriteBack, write_back};
use crate::threads::{one_a_core, start};
use std::collections::{HashSet, VecDeque};
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes of a file that are handed over at once.
pub(super) const BLOCK: usize = 256 << 10;
/// Steps that may wait, for each thread.
const WAITING: usize = 4;
/// The most threads: what they wait for is the system, which takes no more from many.
const MOST_THREADS: usize = 4;

/// How many bytes may be on their way to the disk, for each thread, and in how many files.
const LEAVING: u64 = 16 << 20;
const MOST_LEAVING: usize = 32;

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
            next: 0,
            given: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// The one that writes the next file, and copies of it, to these paths.
    ///
    /// # Errors
    /// The system gives no thread; an earlier file could not be written.
    pub fn next(&mut self, paths: &[String]) -> Result<&mut FileWriter> {
        let mut is_new = true;
        for path in paths {
            is_new &= self.given.insert(self.hasher.hash_one(path));
        }
        if !is_new {
            self.finish()?;
        }
        self.next = (self.next + 1) % self.writers.len();
        Ok(&mut self.writers[self.next])
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// A file could not be.
    pub fn finish(&mut self) -> Result<()> {
        // All of them end, whoever failed.
        let outcomes: Vec<_> = self.writers.iter_mut().map(FileWriter::finish).collect();
        outcomes.into_iter().collect()
    }
}

/// Writes files, one after the other, in a thread. Errors come with a later step, at the latest with
/// [`finish`](Self::finish).
pub(super) struct FileWriter {
    effort: Effort,
    steps: Option<SyncSender<Step>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl FileWriter {
    fn new(effort: Effort) -> Self {
        Self {
            effort,
            steps: None,
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
                self.thread = Some(start(move || work(&steps, &effort))?);
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

fn work(steps: &Receiver<Step>, effort: &Effort) -> Result<()> {
    let mut hand = Hand::default();
    steps
        .iter()
        .try_for_each(|step| effort.time(Work::Files, || hand.take(step)))
}

/// What a thread has to do with.
#[derive(Default)]
struct Hand {
    /// The file that was begun last.
    current: Option<(PathBuf, File)>,
    on_disk: WriteBack,
    /// Files that are on their way to the disk, and how many bytes each has.
    leaving: VecDeque<(File, u64)>,
    bytes: u64,
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
                self.on_disk.wrote(file, bytes.len());
                self.bytes += bytes.len() as u64;
            }
            (Step::Copy(to), Some((path, _))) => {
                fs::copy(path, &to).map_err(|error| fail(&to, error))?;
            }
            (Step::Bytes(_) | Step::Copy(_), None) => {
                return Err(Error::failed("no file was begun that could be written"));
            }
        }
        Ok(())
    }

    /// The current file is as it is to be.
    fn end(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let Some((_, file)) = self.current.take() else {
            return;
        };
        write_back(&file);
        self.leaving.push_back((file, bytes));
        let sum = |leaving: &VecDeque<(File, u64)>| leaving.iter().map(|it| it.1).sum::<u64>();
        while self.leaving.len() > MOST_LEAVING || sum(&self.leaving) > LEAVING {
            // By now it is there, and need not be kept in memory.
            if let Some((file, _)) = self.leaving.pop_front() {
                write_back(&file);
            }
        }
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
            let writer = writers.next(&names).expect("ready");
            writer.create(path(name)).expect("begun");
            for _ in 0..parts {
                writer.write(name.repeat(1000).into()).expect("taken");
            }
            writer.copy(path(&names[1])).expect("taken");
        }
        writers.finish().expect("written");
        for (name, length) in [("a", 2000), ("b", 0), ("c", 20_000), ("copy of a", 2000)] {
            assert_eq!(fs::read(path(name)).expect("a file").len(), length);
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_at_the_latest_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("missing").join("file");
        let mut writers = FileWriters::new(&Effort::default());
        let writer = writers.next(&["file".into()]).expect("ready");
        writer.create(path.clone()).expect("taken");
        let error = writers.finish().expect_err("there is no such folder");
        assert!(error.to_string().contains(path.to_str().expect("text")));
    }
}
