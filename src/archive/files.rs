//! What the files of an archive are: from their sidecars, or from rows where there are none; and which files and
//! sidecars have no counterpart.

use super::file_rows::FileRows;
use super::layout::upload_name;
use super::sidecars::Sidecars;
use crate::error::{Error, Result};
use crate::transfer::{Examples, Sink, Subject, Warning, WarningKind};
use std::path::Path;

/// How many files are listed one by one.
const LISTED: u64 = 5;

/// What is wrong with a file that stands alone.
const NO_SIDECAR: &str = "has no sidecar in assets/metadata";

/// Entries that belong with others that are not there: how many, and the first of them by name.
#[derive(Default)]
struct Unmatched {
    names: Vec<String>,
    more: u64,
}

impl Unmatched {
    fn add(&mut self, name: &str) {
        if (self.names.len() as u64) < LISTED {
            self.names.push(name.to_owned());
        } else {
            self.more += 1;
        }
    }

    /// Says of each what is wrong with it.
    fn tell(self, archive: &str, what: &str, sink: &mut dyn Sink) -> Result<()> {
        let more = (self.more > 0).then(|| format!("{} more files: each {what}", self.more));
        let named = self.names.iter().map(|name| format!("{name} {what}"));
        named
            .chain(more)
            .try_for_each(|text| sink.damaged(Error::archive(format!("{archive}: {text}"))))
    }
}

/// What a file is.
pub(super) enum Described {
    /// This.
    As(String),
    /// Its sidecar did not come yet.
    Later,
    /// No row names it, in an archive that has no sidecars so far.
    ByNobody,
}

/// What is known of the files while an archive is gone through.
pub(super) struct Files {
    archive: String,
    /// Sidecars whose file did not come yet.
    sidecars: Sidecars,
    /// Files whose sidecar did not come yet.
    waiting: Unmatched,
    /// Rows that say what the files are, for as long as the archive may be one without sidecars.
    rows: Option<FileRows>,
    /// Files that were taken without a sidecar, or left out because no row names them.
    bare: Unmatched,
    /// Files that no row names.
    unnamed: Examples,
}

impl Files {
    /// Nothing yet. What must be spooled goes to `folder`.
    pub fn new(archive: &str, folder: &Path, may_be_bare: bool) -> Self {
        Self {
            archive: archive.to_owned(),
            sidecars: Sidecars::new(folder),
            waiting: Unmatched::default(),
            rows: may_be_bare.then(|| FileRows::new(folder)),
            bare: Unmatched::default(),
            unnamed: Examples::default(),
        }
    }

    /// The archive is gone through, once more.
    pub fn begin(&mut self) {
        self.waiting = Unmatched::default();
    }

    /// It is not one without sidecars.
    pub fn have_sidecars(&mut self) {
        self.rows = None;
    }

    /// What takes rows in, where they may be needed.
    pub fn rows(&mut self) -> Option<&mut FileRows> {
        self.rows.as_mut()
    }

    /// Keeps the sidecar of a file.
    ///
    /// # Errors
    /// It cannot be spooled.
    pub fn keep(&mut self, filename: &str, sidecar: &str) -> Result<()> {
        self.have_sidecars();
        self.sidecars.keep(filename, sidecar)
    }

    /// What the file in the entry `name` is.
    ///
    /// # Errors
    /// What was spooled cannot be read back.
    pub fn describe(&mut self, name: &str, filename: &str) -> Result<Described> {
        if let Some(sidecar) = self.sidecars.take(filename)? {
            return Ok(Described::As(sidecar));
        }
        let Some(rows) = &mut self.rows else {
            return Ok(Described::Later);
        };
        Ok(match rows.sidecar(filename)? {
            Some(sidecar) => {
                self.bare.add(name);
                Described::As(sidecar)
            }
            None => Described::ByNobody,
        })
    }

    /// The file in this entry waits for its sidecar.
    pub fn wait(&mut self, name: &str) {
        self.waiting.add(name);
    }

    /// The file in this entry is left out, because no row names it.
    pub fn leave_out(&mut self, name: &str) {
        self.bare.add(name);
        self.unnamed.add(|| name.to_owned());
    }

    /// Whoever waits, waits in vain.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn give_up(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.tell(&self.archive, NO_SIDECAR, sink)
    }

    /// Tells of what has no counterpart. `is_bare` says whether the archive is one without sidecars.
    ///
    /// # Errors
    /// Those of `sink`; or what was spooled cannot be read back.
    pub fn finish(&mut self, is_bare: bool, sink: &mut dyn Sink) -> Result<()> {
        let mut lonely = Unmatched::default();
        self.sidecars
            .left(&mut |filename| lonely.add(&upload_name(filename)))?;
        if is_bare && self.rows.is_some() {
            self.tell_of_bare_files(sink);
        } else {
            let bare = std::mem::take(&mut self.bare);
            bare.tell(&self.archive, NO_SIDECAR, sink)?;
        }
        lonely.tell(&self.archive, "is missing, though it has a sidecar", sink)
    }

    fn tell_of_bare_files(&mut self, sink: &mut dyn Sink) {
        if self.bare.names.is_empty() {
            return;
        }
        let subject = || Subject::Entry(self.archive.clone());
        let mut note = |reason: String| {
            sink.warn(Warning::new(WarningKind::Notice, subject(), reason));
        };
        note(
            "it has no sidecars of files, as none of Strapi before 4.12: what its files are is taken from \
             the rows of plugin::upload.file"
                .into(),
        );
        let unnamed = std::mem::take(&mut self.unnamed);
        if let Some(unnamed) = unnamed.warning(WarningKind::Notice, subject()) {
            note(format!(
                "{} of its files are left out, because no row of plugin::upload.file names them: {}",
                unnamed.count, unnamed.reason
            ));
        }
    }
}
