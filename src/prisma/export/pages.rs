//! The pages of an export that is not complete, and what says where it goes on.

use super::super::ndf::{Page, ValueType};
use super::super::service::{Cursor, Endpoint, Exported};
use crate::error::{Error, Kind, Result};
use crate::hashing::{hexadecimal, read_through};
use crate::store::{Access, Interrupt, Location, folder_of, open_plain, write_small};
use jiff::{SignedDuration, Timestamp};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The number of the format.
const FORMAT: u32 = 2;
/// What says where it goes on.
const STATE: &str = "state.json";
/// How many bytes that may have.
const LONGEST: u64 = 64 << 10;

/// How long after its beginning an export is gone on with. A run of the next night begins anew: its data set is to hold what
/// the service held that night.
const YOUNG: SignedDuration = SignedDuration::from_hours(12);

/// What to do about pages, or a state, that something has happened to.
const FORGET: &str = "forget what was fetched with --restart";

/// What is known of an export.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    format: u32,
    endpoint: String,
    began: String,
    /// In the order of [`ValueType::ALL`].
    kinds: [Kept; 3],
}

/// What is known of the pages of one kind. The numbers come from a file that anything may stand in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    cursor: Cursor,
    files: u64,
    elements: u64,
    bytes: u64,
    /// The SHA-256 over that of the pages before and the last page, in hexadecimal digits.
    digest: String,
}

impl Kept {
    const NONE: Self = Self {
        cursor: Cursor::START,
        files: 0,
        elements: 0,
        bytes: 0,
        digest: String::new(),
    };

    /// Another page is there, of so many bytes and with this digest.
    fn add(&mut self, bytes: u64, digest: &[u8]) {
        let whole = Sha256::new()
            .chain_update(&self.digest)
            .chain_update(digest)
            .finalize();
        self.digest = hexadecimal(&whole);
        self.files = self.files.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// The pages of an export. They are held until this is dropped, and stay where it is not completed.
pub struct Pages {
    folder: PathBuf,
    state: State,
    is_continued: bool,
    /// When the export began that was too old to go on with.
    outdated: Option<String>,
    _held: File,
}

impl Pages {
    /// The folder for the pages of the export with this name.
    pub fn place(path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        folder_of(path).join(format!(".{name}.unfinished"))
    }

    /// The folder for the pages of an export of this service into a folder, under a name that holds the time: the next run
    /// has another one, and goes on with it.
    pub fn unnamed(above: &Path, endpoint: &Endpoint) -> PathBuf {
        let digest = Sha256::digest(endpoint.to_string());
        let key = hexadecimal(&digest[..8]);
        above.join(format!(".export-{key}.unfinished"))
    }

    /// Those that an earlier run has fetched into this folder, or none. With `restart` they are forgotten, and so
    /// are those of an export that began long ago. What is gone on with is read, and has to be what was fetched.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): another run fetches them; or they are of another service, are not what was fetched, or
    /// cannot be kept; or the user wants the run to stop.
    pub fn open(
        folder: PathBuf,
        endpoint: &Endpoint,
        restart: bool,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let fail = |error| Error::io("keep pages in", &folder, error);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(fail(error)),
            _ => {}
        }
        let about = folder.symlink_metadata().map_err(fail)?;
        if !about.is_dir() || about.uid() != rustix::process::geteuid().as_raw() {
            let what = format!(
                "{} is there, and no run of this user has made it",
                folder.display()
            );
            return Err(Error::failed(what).hint("see who made it, take it away, and run it again"));
        }
        let held = File::open(&folder).map_err(fail)?;
        if flock(&held, FlockOperation::NonBlockingLockExclusive).is_err() {
            let what = format!(
                "another run exports the same: it holds {}",
                folder.display()
            );
            return Err(Error::new(Kind::Locked, what)
                .hint("wait until it has ended, or choose another name"));
        }
        let found = match restart {
            true => None,
            false => read(&folder)?,
        };
        if let Some(state) = &found
            && state.endpoint != endpoint.to_string()
        {
            let what = format!(
                "{} has an unfinished export of {}",
                folder.display(),
                state.endpoint
            );
            return Err(Error::usage(what).hint("choose another name, or forget it with --restart"));
        }
        let now = Timestamp::now();
        let (found, outdated) = match found {
            Some(state) if !is_young(&state.began, now) => (None, Some(state.began)),
            found => (found, None),
        };
        let is_continued = found.is_some();
        if !is_continued {
            // Pages that no state tells of, too: they are not those that come now.
            clear(&folder).map_err(fail)?;
        }
        let state = found.unwrap_or_else(|| State {
            format: FORMAT,
            endpoint: endpoint.to_string(),
            began: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            kinds: [Kept::NONE; 3],
        });
        for kind in ValueType::ALL {
            let pages = folder.join(kind.as_str());
            match DirBuilder::new().mode(0o700).create(&pages) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(fail(error));
                }
                _ => {}
            }
            if !pages.symlink_metadata().map_err(fail)?.is_dir() {
                let what = format!("{} is no folder", pages.display());
                return Err(Error::failed(what).hint(FORGET));
            }
            check(&pages, &state.kinds[kind as usize], interrupt)?;
        }
        Ok(Self {
            folder,
            state,
            is_continued,
            outdated,
            _held: held,
        })
    }

    /// The folder with the pages.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// When the export began that this one goes on with, if it does.
    pub fn continued(&self) -> Option<&str> {
        self.is_continued.then_some(self.state.began.as_str())
    }

    /// When the export began that was here and is too old to go on with, if there was one.
    pub fn outdated(&self) -> Option<&str> {
        self.outdated.as_deref()
    }

    /// How many elements were fetched.
    pub fn elements(&self) -> u64 {
        let kinds = self.state.kinds.iter();
        kinds.fold(0, |sum, kept| sum.saturating_add(kept.elements))
    }

    /// Sees that so many elements of a kind are what was fetched; `why` says more of what is read, where that is known.
    ///
    /// # Errors
    /// They are more or fewer.
    pub fn expect(&self, kind: ValueType, elements: u64, why: Option<&Error>) -> Result<()> {
        let fetched = self.state.kinds[kind as usize].elements;
        if elements == fetched {
            return Ok(());
        }
        let folder = self.folder.join(kind.as_str());
        let what = format!(
            "{fetched} elements were fetched into {}, and {elements} can be read there",
            folder.display()
        );
        let why = why.map(|error| error.to_string()).into_iter().collect();
        Err(Error::failed(what).listing(why).hint(FORGET))
    }

    /// Where the export of a kind goes on.
    pub fn cursor(&self, kind: ValueType) -> Cursor {
        self.state.kinds[kind as usize].cursor
    }

    /// Keeps a page.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&mut self, kind: ValueType, page: &Exported) -> Result<()> {
        let kept = &mut self.state.kinds[kind as usize];
        let number = kept.files.saturating_add(1);
        let path = self.folder.join(kind.as_str()).join(page_name(number));
        let fail = |error| Error::io("keep a page in", &path, error);
        let mut whole = Page::new(kind);
        page.elements
            .iter()
            .for_each(|element| whole.push(element.get()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = open_plain(&mut options, &path).map_err(fail)?;
        let text = whole.finish();
        file.write_all(text.as_bytes()).map_err(fail)?;
        file.sync_data().map_err(fail)?;
        kept.add(text.len() as u64, &Sha256::digest(&text));
        kept.elements = kept.elements.saturating_add(page.elements.len() as u64);
        kept.cursor = page.next;
        let text = serde_json::to_vec(&self.state).expect("texts and numbers serialise");
        write_small(
            &Location::Path(self.folder.join(STATE)),
            &Access::default(),
            text,
        )
    }

    /// Removes the pages.
    ///
    /// # Errors
    /// They cannot be removed.
    pub fn forget(self) -> Result<()> {
        let fail = |error| Error::io("remove", &self.folder, error);
        clear(&self.folder).map_err(fail)?;
        fs::remove_dir(&self.folder).map_err(fail)
    }
}

/// Whether an export that began then is gone on with. One that is said to begin only later is not.
fn is_young(began: &str, now: Timestamp) -> bool {
    let began = began.parse::<Timestamp>().ok();
    let age = began.map(|began| now.duration_since(began));
    age.is_some_and(|age| (SignedDuration::ZERO..=YOUNG).contains(&age))
}

/// Removes what stands in a folder.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// Sees that the pages of a kind are those that were fetched. One more may be there, which was not written down yet.
fn check(folder: &Path, kept: &Kept, interrupt: &Interrupt) -> Result<()> {
    let fail = |error| Error::io("read", folder, error);
    let changed = |what: String| Error::failed(what).hint(FORGET);
    let mut read = Kept {
        cursor: kept.cursor,
        elements: kept.elements,
        ..Kept::NONE
    };
    while read.files < kept.files {
        let path = folder.join(page_name(read.files + 1));
        let shown = path.display();
        let page = match open_plain(OpenOptions::new().read(true), &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(changed(format!("{shown} was fetched, and is gone")));
            }
            opened => opened.map_err(|error| Error::io("read", &path, error).hint(FORGET))?,
        };
        let through = read_through(&mut interrupt.reader(page));
        let (bytes, digest) = through
            .map_err(|error| Error::from_io(error, |error| Error::io("read", &path, error)))?;
        read.add(bytes, &digest.finalize());
        if read.bytes > kept.bytes {
            return Err(changed(format!("{shown} is not what was fetched")));
        }
    }
    if read != *kept {
        let what = format!("{} does not hold what was fetched", folder.display());
        return Err(changed(what));
    }
    for entry in fs::read_dir(folder).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        let number = name
            .to_str()
            .and_then(|it| it.strip_suffix(".json")?.parse().ok());
        let is_own = number.is_some_and(|number| {
            name == *page_name(number) && number > 0 && number <= kept.files.saturating_add(1)
        });
        if !is_own {
            let what = folder.join(name);
            return Err(changed(format!("{} was not fetched", what.display())));
        }
    }
    Ok(())
}

/// What the page of this number is called.
fn page_name(number: u64) -> String {
    format!("{number:06}.json")
}

fn read(folder: &Path) -> Result<Option<State>> {
    let path = folder.join(STATE);
    let fail = |error| Error::io("read", &path, error).hint(FORGET);
    let file = match open_plain(OpenOptions::new().read(true), &path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(fail)?,
    };
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).map_err(fail)?;
    let state = serde_json::from_slice::<State>(&text).ok();
    let state = state.filter(|state| state.format == FORMAT);
    state.map(Some).ok_or_else(|| {
        Error::failed(format!("{} is no state of an export", path.display())).hint(FORGET)
    })
}

#[cfg(test)]
mod tests;
