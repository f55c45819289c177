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
const DONE: &str = "done";
/// More bytes than a line has: paths are no longer than 4096, and six times that where all is escaped.
const LONGEST: u64 = 64 << 10;

/// A line of the journal. The last one says that it is complete: without it nothing was moved.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Token(String),
    Database(String),
    Made(String),
    Out(String),
    In(String),
    End,
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
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// An upload folder with `a` and `b`, and a staging folder in which a new `b` and `c` wait.
    fn prepared() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let staging = folder.path().join("staging");
        for part in ["new", "old"] {
            fs::create_dir_all(staging.join(part)).expect("made");
        }
        for (name, text) in [("a", "old"), ("b", "old")] {
            fs::write(folder.path().join(name), text).expect("written");
        }
        for name in ["b", "c"] {
            fs::write(staging.join("new").join(name), "new").expect("written");
        }
        (folder, staging)
    }

    fn files(folder: &Path) -> BTreeMap<String, String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let files = paths.filter(|path| path.is_file());
        files
            .map(|path| {
                let text = fs::read_to_string(&path).expect("text");
                let name = path.file_name().expect("a name").to_string_lossy();
                (name.into_owned(), text)
            })
            .collect()
    }

    fn of(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = files.iter();
        pairs
            .map(|(name, text)| ((*name).into(), (*text).into()))
            .collect()
    }

    /// Stops after so many moves, as a crash would.
    fn stopped_after(moves: usize, folder: &Path, staging: &Path) -> Journal {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let all_of_it = Moves {
            made: Vec::new(),
            outgoing: names(&["a", "b"]),
            incoming: names(&["b", "c"]),
        };
        let journal = Journal::begin(staging, folder, ["t", "d"], all_of_it).expect("a journal");
        let all = [
            (folder.join("a"), staging.join("old/a")),
            (folder.join("b"), staging.join("old/b")),
            (staging.join("new/b"), folder.join("b")),
            (staging.join("new/c"), folder.join("c")),
        ];
        for (from, to) in all.iter().take(moves) {
            fs::rename(from, to).expect("moved");
        }
        journal
    }

    #[test]
    fn a_swap_that_stopped_anywhere_is_undone_or_finished_and_either_can_be_repeated() {
        let (before, after) = (
            of(&[("a", "old"), ("b", "old")]),
            of(&[("b", "new"), ("c", "new")]),
        );
        for moves in 0..=4 {
            let (folder, staging) = prepared();
            stopped_after(moves, folder.path(), &staging);
            let read = Journal::read(&staging, folder.path()).expect("read");
            let journal = read.expect("a journal");
            for _ in 0..2 {
                journal.undo().expect("undone");
                assert_eq!(files(folder.path()), before, "{moves}");
            }
            for _ in 0..2 {
                journal.advance().expect("finished");
                assert_eq!(files(folder.path()), after, "{moves}");
            }
            assert!(!journal.is_done());
            journal.mark_done().expect("marked");
            assert!(journal.is_done());
            journal.forget().expect("forgotten");
            assert!(!staging.exists());
        }
    }

    #[test]
    fn old_files_are_not_taken_for_new_ones_whose_staged_files_are_gone() {
        let before = of(&[("a", "old"), ("b", "old")]);
        for moves in 0..=2 {
            let (folder, staging) = prepared();
            let journal = stopped_after(moves, folder.path(), &staging);
            fs::remove_file(staging.join("new/b")).expect("gone");
            for _ in 0..2 {
                journal.undo().expect("undone");
                assert_eq!(files(folder.path()), before, "{moves}");
            }
        }
    }

    #[test]
    fn an_undo_that_stopped_anywhere_is_completed() {
        for moves in 0..=4 {
            let (folder, staging) = prepared();
            let journal = stopped_after(4, folder.path(), &staging);
            let all = [
                (folder.path().join("b"), staging.join("new/b")),
                (folder.path().join("c"), staging.join("new/c")),
                (staging.join("old/a"), folder.path().join("a")),
                (staging.join("old/b"), folder.path().join("b")),
            ];
            for (from, to) in all.iter().take(moves) {
                fs::rename(from, to).expect("moved");
            }
            for _ in 0..2 {
                journal.undo().expect("undone");
                let before = of(&[("a", "old"), ("b", "old")]);
                assert_eq!(files(folder.path()), before, "{moves}");
            }
        }
    }

    #[test]
    fn a_journal_that_was_cut_says_that_nothing_was_moved() {
        let (folder, staging) = prepared();
        stopped_after(0, folder.path(), &staging);
        let path = staging.join(JOURNAL);
        let text = fs::read_to_string(&path).expect("text");
        for length in 0..text.len() - 1 {
            fs::write(&path, &text[..length]).expect("written");
            let read = Journal::read(&staging, folder.path()).expect("read");
            assert!(read.is_none(), "{length}");
        }
    }

    #[test]
    fn a_journal_that_names_files_elsewhere_is_not_believed() {
        let (folder, staging) = prepared();
        for name in ["../a", "/etc/passwd", "..", ".", "", "a/../../b", "a//b"] {
            let moves = Moves {
                outgoing: vec![name.to_owned()],
                ..Moves::default()
            };
            Journal::begin(&staging, folder.path(), ["t", "d"], moves).expect("a journal");
            let read = Journal::read(&staging, folder.path()).expect("read");
            assert!(read.is_none(), "{name}");
        }
    }

    #[test]
    fn a_journal_that_was_damaged_after_files_moved_is_finished_or_undone_all_the_same() {
        for finishes in [false, true] {
            let (folder, staging) = prepared();
            stopped_after(3, folder.path(), &staging);
            fs::write(staging.join(JOURNAL), "zeros").expect("written");
            let read = Journal::read(&staging, folder.path()).expect("read");
            let journal = read.expect("files were moved");
            assert_eq!(journal.token(), None);
            let expected = if finishes {
                journal.finish().expect("finished");
                of(&[("b", "new"), ("c", "new")])
            } else {
                journal.undo().expect("undone");
                of(&[("a", "old"), ("b", "old")])
            };
            assert_eq!(files(folder.path()), expected);
        }
    }

    #[test]
    fn links_that_somebody_made_in_the_upload_folder_are_not_followed() {
        let elsewhere = tempfile::tempdir().expect("a folder");
        let link = |at: &Path| std::os::unix::fs::symlink(elsewhere.path(), at).expect("a link");
        let (folder, staging) = prepared();
        fs::remove_dir_all(staging.join("new")).expect("gone");
        link(&staging.join("new"));
        Journal::read(&staging, folder.path()).expect_err("new is a link");
        let (folder, staging) = prepared();
        link(&folder.path().join("sub"));
        fs::create_dir(staging.join("new/sub")).expect("made");
        fs::write(staging.join("new/sub/x"), "new").expect("written");
        let moves = Moves {
            incoming: vec!["sub/x".into()],
            ..Moves::default()
        };
        let journal =
            Journal::begin(&staging, folder.path(), ["t", "d"], moves).expect("a journal");
        journal.advance().expect_err("sub is a link");
        journal.undo().expect_err("sub is a link");
        assert!(files(elsewhere.path()).is_empty());
    }
}
