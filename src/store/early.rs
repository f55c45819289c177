//! Puts a file on disk while it is still written: little is left to wait for at its end, and what others read stays
//! in the memory that the system keeps files in.

use crate::error::Result;
use crate::threads::start;
use std::fs::File;
use std::io;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// After how many bytes what was written goes to disk.
const STEP: u64 = 32 << 20;

/// Has what was written to a file put on disk, in a thread.
#[derive(Default)]
pub(super) struct EarlySync {
    /// Bytes that were written since the last step.
    written: u64,
    thread: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
}

impl EarlySync {
    /// So many more bytes were written to the file.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn wrote(&mut self, file: &File, bytes: usize) -> Result<()> {
        self.written += bytes as u64;
        if self.written < STEP {
            return Ok(());
        }
        self.written = 0;
        if let Some((steps, _)) = &self.thread {
            // While it is at it, it need not be told again; why it stopped is told at the end.
            let _ = steps.try_send(());
            return Ok(());
        }
        let Ok(file) = file.try_clone() else {
            return Ok(());
        };
        let (sender, steps) = sync_channel(1);
        let _ = sender.try_send(());
        self.thread = Some((sender, start(move || sync(&file, &steps))?));
        Ok(())
    }

    /// Waits until it is at rest. What failed there may be told there alone.
    ///
    /// # Errors
    /// Something did not get to the disk.
    pub fn finish(self) -> io::Result<()> {
        let Some((steps, thread)) = self.thread else {
            return Ok(());
        };
        drop(steps);
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

fn sync(file: &File, steps: &Receiver<()>) -> io::Result<()> {
    for () in steps {
        file.sync_data()?;
        forget(file);
    }
    Ok(())
}

/// Tells the system that nobody reads soon what is on disk.
#[cfg(target_os = "linux")]
pub(crate) fn forget(file: &File) {
    // It need not hear of it.
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn forget(_file: &File) {}
