//! One file for each import: lines of JSON that are only added to. It lies beside what is imported, or where that may not
//! be written, in the user's own folder; an entry there says where, so that what was moved is known again.

use super::HalfWay;
use super::places::{Entry, Places, hold, locked, may_not, options};
use crate::error::{Error, Result};
use crate::store::{folder_of, not_opened, open_plain, sync_folder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// How long a line may be, in bytes: those that list refused elements hold at the most the numbers of a request's.
const LONGEST_LINE: u64 = 16 << 20;

/// What is known of an import, as lines of a file that is held.
pub(crate) struct Journal<L> {
    pub(crate) file: File,
    /// How many bytes of it are whole lines.
    pub(crate) whole: u64,
    /// Whether something else than whole lines may stand behind these, and cannot be taken away.
    is_torn: bool,
    path: PathBuf,
    entry: Option<Entry>,
    target: &'static str,
    half_way: HalfWay,
    lines: PhantomData<L>,
}

impl<L: Serialize + DeserializeOwned + PartialEq> Journal<L> {
    /// The lines that earlier runs left, or a new file that begins with `head`. It is held until it is dropped. `take` is
    /// given each line but the first, and says whether it makes sense.
    ///
    /// # Errors
    /// Kind [`Locked`](crate::error::Kind::Locked): another run imports the same; or it can be written nowhere, or is
    /// damaged.
    pub fn open(places: &Places, head: &L, take: &mut dyn FnMut(&L) -> bool) -> Result<Self> {
        let mut entry = places.hold()?;
        let path = match places.existing()? {
            Some(path) => path,
            None => create(places)?,
        };
        // Where it is gone by now, another run has just ended.
        let file = hold(&path, false, places.set)?.ok_or_else(|| locked(&path, places.set))?;
        if let Some(entry) = &mut entry {
            entry.note(&path)?;
        }
        let mut journal = Self::of(file, path, entry, places);
        journal.take_lines(head, take)?;
        journal.cut(journal.whole);
        if journal.is_torn {
            let error = io::Error::other("it cannot be shortened");
            return Err(fail(&journal.path, error));
        }
        if journal.whole == 0 {
            journal.write(head)?;
        }
        Ok(journal)
    }

    /// The lines that earlier runs left, to look at alone: the file is neither held nor changed, and another run may be at
    /// it.
    ///
    /// # Errors
    /// It cannot be read, or is damaged, or is gone from where it should be.
    pub fn peek(
        places: &Places,
        head: &L,
        take: &mut dyn FnMut(&L) -> bool,
    ) -> Result<Option<Self>> {
        let Some(path) = places.existing()? else {
            return Ok(None);
        };
        let file = open_plain(OpenOptions::new().read(true), &path)
            .map_err(|error| not_opened("read", &path, error))?;
        let mut journal = Self::of(file, path, None, places);
        journal.take_lines(head, take)?;
        Ok(Some(journal))
    }

    fn of(file: File, path: PathBuf, entry: Option<Entry>, places: &Places) -> Self {
        Self {
            file,
            whole: 0,
            is_torn: false,
            path,
            entry,
            target: places.target,
            half_way: places.half_way.clone(),
            lines: PhantomData,
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes its whole lines. A run that was cut off may have left the beginning of another one.
    fn take_lines(&mut self, head: &L, take: &mut dyn FnMut(&L) -> bool) -> Result<()> {
        let path = self.path.clone();
        let unreadable = |error| fail(&path, error);
        let target = self.target;
        let damaged = || {
            let what = format!("{} is no state of this import", path.display());
            Error::failed(what).hint(format!(
                "with --restart it is forgotten, and the import begins anew, which is for a {target} that was emptied"
            ))
        };
        let mut file = self.file.try_clone().map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        let mut lines = BufReader::new(file);
        let mut text = Vec::new();
        loop {
            text.clear();
            let mut line = (&mut lines).take(LONGEST_LINE);
            let length = line.read_until(b'\n', &mut text).map_err(unreadable)?;
            if text.last() != Some(&b'\n') {
                break;
            }
            let line: L = serde_json::from_slice(&text).map_err(|_| damaged())?;
            let fits = match self.whole {
                0 => line == *head,
                _ => take(&line),
            };
            if !fits {
                return Err(damaged());
            }
            self.whole += length as u64;
        }
        let is_beginning = self.whole > 0 || told(head).as_bytes().starts_with(&text);
        match is_beginning && (text.len() as u64) < LONGEST_LINE {
            true => Ok(()),
            false => Err(damaged()),
        }
    }

    /// Takes away what stands behind so many bytes of whole lines.
    pub(crate) fn cut(&mut self, whole: u64) {
        let cut = self.file.set_len(whole);
        let cut = cut.and_then(|()| self.file.seek(SeekFrom::Start(whole)));
        self.is_torn |= cut.is_err();
        self.whole = whole;
    }

    /// Adds a line, whole or not at all: another one that came behind a part of it could not be read.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, line: &L) -> Result<()> {
        if self.is_torn {
            let error =
                io::Error::other("an earlier line is there in part, and cannot be taken away");
            return Err(fail(&self.path, error));
        }
        let text = told(line);
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            self.cut(self.whole);
            return Err(fail(&self.path, error));
        }
        self.whole += text.len() as u64;
        Ok(())
    }

    /// Adds a line that is on the disk when this returns, or is not there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_through(&mut self, line: &L) -> Result<()> {
        let before = self.whole;
        self.write(line)?;
        if let Err(error) = self.file.sync_data() {
            self.cut(before);
            return Err(fail(&self.path, error));
        }
        Ok(())
    }

    /// Sees that all of it is on the disk.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn sync(&self) -> Result<()> {
        self.file
            .sync_data()
            .map_err(|error| fail(&self.path, error))
    }

    /// What is imported into is about to be changed, or was not, after all: tells whoever hears it.
    pub fn half_way(&mut self, is_half_way: bool) {
        self.half_way.tell(is_half_way);
    }

    /// Takes it away: there is nothing to go on with.
    pub fn remove(mut self) {
        self.half_way(false);
        let _ = fs::remove_file(&self.path);
        if let Some(entry) = self.entry {
            entry.remove();
        }
    }
}

/// A line as it is written.
fn told(line: &impl Serialize) -> String {
    let mut text = serde_json::to_string(line).expect("texts and numbers serialise");
    text.push('\n');
    text
}

/// Makes a state beside what is imported, or where that may not be written, in the user's own folder.
fn create(places: &Places) -> Result<PathBuf> {
    let make = |path: &Path| -> io::Result<()> {
        drop(open_plain(options().create_new(true), path)?);
        // What is about to be sent must not be known to a name alone that a crash takes away.
        sync_folder(folder_of(path)).map_err(Error::into_io)
    };
    let error = match make(&places.beside) {
        Ok(()) => return Ok(places.beside.clone()),
        Err(error) => error,
    };
    match &places.fallback {
        Some(path) if may_not(&error) => {
            let made = DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder_of(path));
            made.and_then(|()| make(path)).map_err(|error| {
                fail(path, error).also(&format!(
                    "the state goes beside the {}, or below XDG_STATE_HOME: see that one of them may be written",
                    places.set
                ))
            })?;
            Ok(path.clone())
        }
        _ => Err(fail(&places.beside, error)),
    }
}

fn fail(path: &Path, error: io::Error) -> Error {
    Error::io("keep the state of the import in", path, error)
}
