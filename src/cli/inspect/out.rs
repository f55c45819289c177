//! Where what is told of an archive goes that is no report: a page in a file, lines on stdout.

use super::super::STREAM;
use super::Arguments;
use crate::error::{Error, Result};
use crate::store::{Ending, FileNames, FileTarget, Receipt, Target, check_folder, folder_of};
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Where a page goes.
pub(super) struct Page {
    /// `None` is stdout.
    path: Option<PathBuf>,
    overwrite: bool,
}

impl Page {
    /// Where it was asked for; it is seen that it can get there before anything is read.
    pub fn of(arguments: &Arguments) -> Result<Option<Self>> {
        let Some(path) = &arguments.html else {
            return Ok(None);
        };
        if path == Path::new(STREAM) {
            if arguments.json {
                return Err(Error::usage("--json and --html - both print to stdout")
                    .hint("name a file for the page"));
            }
            return Ok(Some(Self {
                path: None,
                overwrite: false,
            }));
        }
        let shown = path.display();
        if path.is_dir() {
            return Err(Error::usage(format!("{shown} is a folder"))
                .hint("give the page another name with --html"));
        }
        if !arguments.overwrite && path.symlink_metadata().is_ok() {
            return Err(Error::usage(format!("{shown} is there already"))
                .hint("give the page another name with --html, or replace it with --overwrite"));
        }
        check_folder(folder_of(path))?;
        Ok(Some(Self {
            path: Some(path.clone()),
            overwrite: arguments.overwrite,
        }))
    }

    pub fn write(&self, page: &str) -> Result<()> {
        let Some(path) = &self.path else {
            let mut out = Out::default();
            let printed = out.write_all(page.as_bytes()).map_err(unprinted);
            return out.end(printed).map(drop);
        };
        let names = FileNames {
            complete: path.clone(),
            incomplete: path.clone(),
            overwrite: self.overwrite,
        };
        let mut file = FileTarget::create(names, Receipt::default())?;
        file.write_all(page.as_bytes())
            .map_err(|error| Error::io("write the page", path, error))?;
        Box::new(file).publish(Ending::Complete)
    }
}

/// Stdout, for whoever reads more of it than a report.
pub(super) struct Out {
    out: BufWriter<Stdout>,
    is_closed: AtomicBool,
}

impl Default for Out {
    fn default() -> Self {
        Self {
            out: BufWriter::with_capacity(64 << 10, io::stdout()),
            is_closed: AtomicBool::new(false),
        }
    }
}

impl Out {
    /// Prints a line.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn line(&mut self, line: &str) -> Result<()> {
        writeln!(self, "{line}").map_err(unprinted)
    }

    /// Ends what was `printed`; `None` where its reader wanted no more of it.
    ///
    /// # Errors
    /// What ended it, or the last of it cannot be printed.
    pub fn end<T>(&mut self, printed: Result<T>) -> Result<Option<T>> {
        let ended = printed.and_then(|printed| {
            self.flush().map_err(unprinted)?;
            Ok(printed)
        });
        match ended {
            Ok(printed) => Ok(Some(printed)),
            Err(_) if self.is_closed.load(Ordering::Relaxed) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn note<T>(&self, written: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &written
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            self.is_closed.store(true, Ordering::Relaxed);
        }
        written
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.note(flushed)
    }
}

/// Stdout takes no more.
pub(super) fn unprinted(error: io::Error) -> Error {
    Error::from_io(error, |error| {
        Error::failed(format!("cannot print: {error}"))
            .hint("see whether there is room where stdout goes")
    })
}
