//! The pages of an export that is not complete, and what says where it goes on.

use super::super::ndf::{Page, ValueType};
use super::super::service::{Cursor, Endpoint, Exported};
use super::START;
use crate::error::{Error, Kind, Result};
use crate::store::{Access, Location, folder_of, open_plain, write_small};
use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The number of the format.
const FORMAT: u32 = 1;
/// What says where it goes on.
const STATE: &str = "state.json";
/// How many bytes that may have.
const LONGEST: u64 = 64 << 10;

/// What is known of an export.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    format: u32,
    endpoint: String,
    began: String,
    cursors: [Cursor; 3],
    files: [u64; 3],
    elements: [u64; 3],
}

/// The pages of an export. They are held until this is dropped, and stay where it is not completed.
pub struct Pages {
    folder: PathBuf,
    state: State,
    is_continued: bool,
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
        let key: String = digest[..8].iter().map(|it| format!("{it:02x}")).collect();
        above.join(format!(".export-{key}.unfinished"))
    }

    /// Those that an earlier run has fetched into this folder, or none. With `restart` they are forgotten.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): another run fetches them; or they are of another service, or cannot be kept.
    pub fn open(folder: PathBuf, endpoint: &Endpoint, restart: bool) -> Result<Self> {
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
        if restart {
            clear(&folder).map_err(fail)?;
        }
        let found = read(&folder)?;
        let is_continued = found.is_some();
        let state = found.unwrap_or_else(|| State {
            format: FORMAT,
            endpoint: endpoint.to_string(),
            began: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            cursors: START,
            files: [0; 3],
            elements: [0; 3],
        });
        if state.endpoint != endpoint.to_string() {
            let what = format!(
                "{} has an unfinished export of {}",
                folder.display(),
                state.endpoint
            );
            return Err(Error::usage(what).hint("choose another name, or forget it with --restart"));
        }
        for kind in ValueType::ALL {
            match DirBuilder::new()
                .mode(0o700)
                .create(folder.join(kind.as_str()))
            {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(fail(error));
                }
                _ => {}
            }
        }
        Ok(Self {
            folder,
            state,
            is_continued,
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

    /// How many elements were fetched.
    pub fn elements(&self) -> u64 {
        self.state.elements.iter().sum()
    }

    /// Where the export of a kind goes on.
    pub fn cursor(&self, kind: ValueType) -> Cursor {
        self.state.cursors[kind as usize]
    }

    /// Keeps a page.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&mut self, kind: ValueType, page: &Exported) -> Result<()> {
        let at = kind as usize;
        let number = self.state.files[at] + 1;
        let path = self.folder.join(format!("{kind}/{number:06}.json"));
        let fail = |error| Error::io("keep a page in", &path, error);
        let mut whole = Page::new(kind);
        page.elements
            .iter()
            .for_each(|element| whole.push(element.get()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = open_plain(&mut options, &path).map_err(fail)?;
        file.write_all(whole.finish().as_bytes()).map_err(fail)?;
        file.sync_data().map_err(fail)?;
        self.state.files[at] = number;
        self.state.elements[at] += page.elements.len() as u64;
        self.state.cursors[at] = page.next;
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

fn read(folder: &Path) -> Result<Option<State>> {
    let path = folder.join(STATE);
    let fail = |error| Error::io("read", &path, error);
    let file = match open_plain(OpenOptions::new().read(true), &path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(fail)?,
    };
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).map_err(fail)?;
    let state = serde_json::from_slice::<State>(&text).ok();
    let state = state.filter(|state| state.format == FORMAT);
    state.map(Some).ok_or_else(|| {
        Error::failed(format!("{} is no state of an export", path.display()))
            .hint("forget it with --restart")
    })
}
