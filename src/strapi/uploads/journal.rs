//! What a swap of files is about to do, written down before it does it: so that whoever comes after a
//! crash can finish it or undo it, as often as need be.
//!
//! A staging folder holds `new` (files that come), `old` (files that go) and the journal; all paths in
//! it are relative to the upload folder. Folders that are needed are made first, then files go, then
//! the others come. The journal is on disk before the first of them moves, all moves are on
//! disk before the database commits, and the mark `done` is on disk before anything is forgotten.

use super::PendingSwap;
use super::held::{self, JOURNAL};
use super::paths::{exists, files_below, make_folder, refuse_links, rename, stays_inside};
use crate::error::{Error, Result};
use crate::store::{not_opened, open_plain, sync_folder};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The name of the mark that the database has committed.
pub(super) const DONE: &str = "done";
/// More bytes than a line has: paths are no longer than 4096, and six times that where all is escaped.
pub(super) const LONGEST: u64 = 64 << 10;

/// A line of the journal. The last one says that it is complete: without it nothing was moved.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line {
    Token(String),
    Database(String),
    Made(String),
    Out(String),
    In(String),
    End,
    /// In place of the last one where a journal is kept in a bucket: the SHA-256 of all lines before it.
    Digest(String),
}

/// A swap of files.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    staging: PathBuf,
    uploads: PathBuf,
    /// What stands in the database if, and only if, it has committed; `None` where the journal is
    /// damaged.
    token: Option<String>,
    /// The database that this is; `None` where the journal is damaged.
    database: Option<String>,
    moves: Moves,
}

/// What a swap moves: paths below the upload folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Moves {
    /// Folders that are made for files that come, each after the one it lies in.
    pub made: Vec<String>,
    /// Files that go.
    pub outgoing: Vec<String>,
    /// Files that come.
    pub incoming: Vec<String>,
}

impl Journal {
    /// Writes down a swap that is about to begin.
    ///
    /// # Errors
    /// It cannot be written to disk; nothing may be moved.
    pub fn begin(
        staging: &Path,
        uploads: &Path,
        [token, database]: [&str; 2],
        moves: Moves,
    ) -> Result<Self> {
        let journal = Self {
            staging: staging.to_owned(),
            uploads: uploads.to_owned(),
            token: Some(token.to_owned()),
            database: Some(database.to_owned()),
            moves,
        };
        let path = staging.join(JOURNAL);
        let write = || -> io::Result<()> {
            let mut out = BufWriter::new(write_plain(&path)?);
            let lines = [
                Line::Token(token.to_owned()),
                Line::Database(database.to_owned()),
            ];
            let lines = lines.into_iter();
            let moves = &journal.moves;
            let lines = lines
                .chain(moves.made.iter().cloned().map(Line::Made))
                .chain(moves.outgoing.iter().cloned().map(Line::Out))
                .chain(moves.incoming.iter().cloned().map(Line::In))
                .chain([Line::End]);
            for line in lines {
                serde_json::to_writer(&mut out, &line)?;
                out.write_all(b"\n")?;
            }
            out.into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_all()
        };
        write().map_err(|error| Error::io("write the journal", &path, error))?;
        sync_folder(staging)?;
        sync_folder(uploads)?;
        Ok(journal)
    }

    /// The swap that was written down in a staging folder; `None` where nothing was moved.
    ///
    /// # Errors
    /// It cannot be read, or what it moves is not what a restore leaves.
    pub fn read(staging: &Path, uploads: &Path) -> Result<Option<Self>> {
        let path = staging.join(JOURNAL);
        let fail = |error| not_opened("read the journal", &path, error);
        held::believe(staging, uploads)?;
        for part in ["new", "old"] {
            refuse_links(staging, &format!("{part}/x"))?;
        }
        let file = match open_plain(OpenOptions::new().read(true), &path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let mut journal = Self {
            staging: staging.to_owned(),
            uploads: uploads.to_owned(),
            token: None,
            database: None,
            moves: Moves::default(),
        };
        let moves = &mut journal.moves;
        let mut file = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut rest = (&mut file).take(LONGEST);
            rest.read_until(b'\n', &mut line).map_err(fail)?;
            match serde_json::from_slice(&line) {
                Ok(Line::Token(token)) => journal.token = Some(token),
                Ok(Line::Database(database)) => journal.database = Some(database),
                Ok(Line::Made(path)) if stays_inside(&path) => moves.made.push(path),
                Ok(Line::Out(path)) if stays_inside(&path) => moves.outgoing.push(path),
                Ok(Line::In(path)) if stays_inside(&path) => moves.incoming.push(path),
                Ok(Line::End) => return Ok(Some(journal)),
                _ => break,
            }
        }
        // A crash leaves a part of it, or zeros, while it is being written: before the first move.
        let outgoing = files_below(&staging.join("old"))?;
        if outgoing.is_empty() {
            return Ok(None);
        }
        // Somebody damaged it later. What goes and what waits tells enough.
        journal.token = None;
        journal.moves = Moves {
            made: Vec::new(),
            outgoing,
            incoming: files_below(&staging.join("new"))?,
        };
        Ok(Some(journal))
    }

    /// Where the files that go are kept, for messages.
    pub fn kept(&self) -> String {
        self.staging.join("old").display().to_string()
    }

    fn waiting(&self, path: &str) -> PathBuf {
        self.staging.join("new").join(path)
    }

    fn aside(&self, path: &str) -> PathBuf {
        self.staging.join("old").join(path)
    }

    fn there(&self, path: &str) -> PathBuf {
        self.uploads.join(path)
    }

    /// Moves what is not moved yet, and sees that it is on disk.
    ///
    /// # Errors
    /// A folder cannot be made, or a file not be moved.
    pub fn advance(&self) -> Result<()> {
        let Moves {
            made,
            outgoing,
            incoming,
        } = &self.moves;
        self.refuse_links()?;
        for folder in made {
            make_folder(&self.there(folder))?;
        }
        let coming: HashSet<&str> = incoming.iter().map(String::as_str).collect();
        for path in outgoing {
            // What stands there came already, unless it waits still.
            let came = coming.contains(path.as_str()) && !exists(&self.waiting(path));
            if !came && exists(&self.there(path)) && !exists(&self.aside(path)) {
                rename(&self.there(path), &self.aside(path))?;
            }
        }
        // Without power, a file that comes could be on disk where one that goes still is, in its place.
        self.sync()?;
        for path in incoming {
            if exists(&self.waiting(path)) {
                rename(&self.waiting(path), &self.there(path))?;
            }
        }
        self.sync()
    }

    /// Whoever may write into the upload folder must not have somebody else's files moved.
    fn refuse_links(&self) -> Result<()> {
        let all = [&self.moves.made, &self.moves.outgoing, &self.moves.incoming];
        let (new, old) = (self.staging.join("new"), self.staging.join("old"));
        all.into_iter().flatten().try_for_each(|path| {
            [&self.uploads, &new, &old]
                .into_iter()
                .try_for_each(|root| refuse_links(root, path))
        })
    }

    /// Sees that all moves are on disk.
    fn sync(&self) -> Result<()> {
        let all = [&self.moves.made, &self.moves.outgoing, &self.moves.incoming];
        let parents: BTreeSet<&Path> = all
            .into_iter()
            .flatten()
            .filter_map(|path| Path::new(path).parent())
            .collect();
        let roots = [
            self.uploads.clone(),
            self.staging.join("new"),
            self.staging.join("old"),
        ];
        for root in roots {
            sync_folder(&root)?;
            for parent in parents
                .iter()
                .filter(|parent| parent.iter().next().is_some())
            {
                let folder = root.join(parent);
                if exists(&folder) {
                    sync_folder(&folder)?;
                }
            }
        }
        Ok(())
    }

    /// Writes down that the database has committed: from now on nothing is undone.
    ///
    /// # Errors
    /// It cannot be written to disk.
    pub fn mark_done(&self) -> Result<()> {
        let path = self.staging.join(DONE);
        write_plain(&path)
            .and_then(|file| file.sync_all())
            .map_err(|error| Error::io("write the journal", &path, error))?;
        sync_folder(&self.staging)
    }
}

impl PendingSwap for Journal {
    fn place(&self) -> String {
        self.uploads.display().to_string()
    }

    fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    fn finish(&self) -> Result<()> {
        self.advance()?;
        self.mark_done()
    }

    fn undo(&self) -> Result<()> {
        self.refuse_links()?;
        let outgoing: HashSet<&str> = self.moves.outgoing.iter().map(String::as_str).collect();
        for path in &self.moves.incoming {
            // What stands there is the old one still, or again, unless that is aside.
            let is_new = !outgoing.contains(path.as_str()) || exists(&self.aside(path));
            if is_new && !exists(&self.waiting(path)) && exists(&self.there(path)) {
                rename(&self.there(path), &self.waiting(path))?;
            }
        }
        self.sync()?;
        for path in &self.moves.outgoing {
            if exists(&self.aside(path)) {
                rename(&self.aside(path), &self.there(path))?;
            }
        }
        self.sync()?;
        for folder in self.moves.made.iter().rev() {
            // Somebody else may have put something there meanwhile.
            let _ = fs::remove_dir(self.there(folder));
        }
        sync_folder(&self.uploads)
    }

    fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    fn is_done(&self) -> bool {
        let mark = self.staging.join(DONE).symlink_metadata();
        mark.is_ok_and(|mark| mark.is_file())
    }

    fn forget(&self) -> Result<()> {
        forget(&self.staging)
    }
}

fn write_plain(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    open_plain(options.write(true).create(true).truncate(true), path)
}

/// Deletes a staging folder. The journal goes first: with half of the rest gone it would be wrong.
///
/// # Errors
/// Something in it cannot be deleted.
pub(super) fn forget(staging: &Path) -> Result<()> {
    let fail = |error| Error::io("delete the folder", staging, error);
    match fs::remove_file(staging.join(JOURNAL)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
        _ => sync_folder(staging)?,
    }
    fs::remove_dir_all(staging).map_err(fail)
}

#[cfg(test)]
mod tests;
