//! Pipes that have a name: whoever reads one waits for somebody to write, and hears meanwhile that the run is to stop.

use super::Interrupt;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// How long one wait is, in nanoseconds: a tenth of a second.
const WAIT: i64 = 100_000_000;

/// A pipe that is read until the run is to stop.
pub(super) struct NamedPipe {
    file: File,
    interrupt: Interrupt,
}

impl NamedPipe {
    /// Whether it is known of what has this name that it can be waited for: of pipes that were never written to, only Linux
    /// does not say that they are at their end.
    pub fn is_at(path: &Path) -> bool {
        cfg!(target_os = "linux") && path.metadata().is_ok_and(|it| it.file_type().is_fifo())
    }

    /// Opens it, whether somebody writes or not.
    ///
    /// # Errors
    /// It may not be read.
    pub fn open(path: &Path, interrupt: &Interrupt) -> io::Result<Self> {
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        Ok(Self {
            file: OpenOptions::new()
                .read(true)
                .custom_flags(flags)
                .open(path)?,
            interrupt: interrupt.clone(),
        })
    }
}

impl Read for NamedPipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_until(&self.file, &self.interrupt, buffer)
    }
}

/// Reads from what may have nothing yet, until the run is to stop.
///
/// # Errors
/// It cannot be read, or the run is to stop.
pub(crate) fn read_until(
    from: impl AsFd,
    interrupt: &Interrupt,
    buffer: &mut [u8],
) -> io::Result<usize> {
    loop {
        interrupt.check()?;
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: WAIT,
        };
        let mut inputs = [PollFd::new(&from, PollFlags::IN)];
        match poll(&mut inputs, Some(&wait)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match rustix::io::read(&from, &mut *buffer) {
            // Somebody else has read it.
            Err(Errno::AGAIN) => {}
            read => return read.map_err(Into::into),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::super::FileOrigin;
    use super::*;
    use crate::error::{Error, Kind};
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn pipe(folder: &Path) -> PathBuf {
        let path = folder.join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
        path
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_is_waited_for_until_the_run_is_to_stop() {
        let folder = tempfile::tempdir().expect("a folder");
        let asked = AtomicUsize::new(0);
        let interrupt = Interrupt::when(move || asked.fetch_add(1, Ordering::Relaxed) > 2);
        let origin = FileOrigin::open_until(&pipe(folder.path()), folder.path(), &interrupt);
        let mut origin = origin.expect("opened");
        let mut reading = origin.open(false).expect("opened");
        let error = reading.read(&mut [0; 8]).expect_err("stopped");
        let inner = error.get_ref().and_then(|it| it.downcast_ref::<Error>());
        assert_eq!(inner.map(Error::kind), Some(Kind::Interrupted), "{error}");
    }

    #[test]
    fn a_pipe_that_somebody_writes_to_later_is_read_to_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = pipe(folder.path());
        let mut read = NamedPipe::open(&path, &Interrupt::default()).expect("opened");
        let content: Vec<u8> = (0..200_000).map(|it| it as u8).collect();
        let written = content.clone();
        let writing = std::thread::spawn(move || std::fs::write(path, written));
        let mut found = Vec::new();
        read.read_to_end(&mut found).expect("read");
        writing.join().expect("joined").expect("written");
        assert!(found == content);
    }
}
