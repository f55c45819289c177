//! Has files put on disk while they are written: little is left to wait for at their end, and what others read stays
//! in the memory that the system keeps files in.

use std::fs::File;

/// After how many bytes what was written goes to disk.
const STEP: u64 = 8 << 20;

/// Counts what is written to a file, and has it put on disk from time to time. Nothing is waited for, and nothing told:
/// that all is there, only a sync says.
#[derive(Debug, Default)]
pub(crate) struct WriteBack {
    /// Bytes that were written since the last time.
    written: u64,
}

impl WriteBack {
    /// So many more bytes were written to the file.
    pub fn wrote(&mut self, file: &File, bytes: usize) {
        self.written += bytes as u64;
        if self.written >= STEP {
            self.written = 0;
            write_back(file);
        }
    }
}

/// Has the system begin to put on disk what is in memory of a file, and forget what is there already.
#[cfg(target_os = "linux")]
pub(crate) fn write_back(file: &File) {
    // This is what the advice does on Linux. Where it is not taken, all goes its usual way.
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn write_back(_file: &File) {}
