//! Puts the files of a restore on disk while others are still written, so that little is left to wait for at its end.

#[cfg(not(target_os = "linux"))]
use super::paths::files_below;
use crate::error::{Error, Result};
use crate::store::forget;
use crate::threads::start;
use std::fs::File;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// After how many bytes what was written goes to disk.
const STEP: u64 = 64 << 20;
/// After how many files.
const FILES: usize = 1000;

/// A file that was written, and how many bytes it has.
pub(super) type Written = (PathBuf, u64);

/// Has files put on disk, in a thread.
pub(super) struct Settler {
    written: Option<Sender<Written>>,
    thread: JoinHandle<Result<()>>,
}

impl Settler {
    /// Starts the thread, for files in this folder.
    ///
    /// # Errors
    /// The system gives none.
    pub fn new(folder: PathBuf) -> Result<Self> {
        let (sender, written) = channel();
        Ok(Self {
            written: Some(sender),
            thread: start(move || settle(&folder, &written))?,
        })
    }

    /// Where files are named that were written. It must be dropped before all are on disk.
    pub fn written(&self) -> Option<Sender<Written>> {
        self.written.clone()
    }

    /// There are no more files.
    pub fn end(&mut self) {
        self.written = None;
    }

    /// Waits until all files are on disk. What failed there may be told there alone.
    ///
    /// # Errors
    /// Something did not get there.
    pub fn finish(mut self) -> Result<()> {
        self.end();
        self.thread
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic))
    }
}

fn settle(folder: &Path, written: &Receiver<Written>) -> Result<()> {
    let (mut files, mut bytes) = (Vec::new(), 0);
    for (path, length) in written {
        files.push(path);
        bytes += length;
        if bytes >= STEP || files.len() >= FILES {
            sync(folder)?;
            files.drain(..).for_each(|path| forget_at(&path));
            bytes = 0;
        }
    }
    sync(folder)
}

fn forget_at(path: &Path) {
    // Another one may have come in its place, or none be left: nothing depends on it.
    if let Ok(file) = File::open(path) {
        forget(&file);
    }
}

/// Sees that what was written to a folder's file system is on disk.
pub(super) fn sync(folder: &Path) -> Result<()> {
    let fail = |error: io::Error| Error::io("write to disk", folder, error);
    let open = File::open(folder).map_err(fail)?;
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(&open).map_err(|error| fail(error.into()))?;
    #[cfg(not(target_os = "linux"))]
    for path in files_below(folder)? {
        File::open(folder.join(path))
            .and_then(|file| file.sync_all())
            .map_err(fail)?;
    }
    drop(open);
    Ok(())
}
