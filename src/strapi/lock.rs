//! Who may work on a project at a time: several exports, or one import.
//!
//! Two locks say so. A file, beside SQLite's database or else in the project, is locked by the
//! operating system for as long as a run lives, however it ends; who holds it is written into it. On
//! database servers, a named lock of the server also keeps runs on other machines apart.

use super::project::Project;
use crate::database::{Connection, LockMode, Locking};
use crate::error::{Error, Kind, Result};
use crate::store::{Interrupt, Owner, folder_of, not_opened, open_plain, real_path};
use crate::transfer::{Subject, Warning, WarningKind};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long to wait before trying again.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest that a lock file is read.
const LONGEST: u64 = 4096;
/// How long the server gets to end a connection that was lost.
const TAKE_OVER: Duration = Duration::from_secs(10);
/// What to do about a run that holds the project.
const HELD: &str = "wait until it has ended, or let this run wait for it with --lock-wait 10m";

/// How long to wait for others to end, and what ends the waiting.
#[derive(Debug, Clone, Default)]
pub struct LockWait {
    /// How long; zero does not wait.
    pub patience: Duration,
    /// Ends it earlier.
    pub interrupt: Interrupt,
    /// Hears who is waited for, once.
    pub tell: Option<fn(&str)>,
}

/// Who holds a lock file.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    host: String,
    pid: u32,
    since: String,
}

/// A project that is held. Dropped, it is free.
pub(super) struct ProjectLock {
    /// Nothing where the file cannot be made: whoever may not write can only read.
    _file: Option<File>,
}

impl ProjectLock {
    /// Takes the locks of a project, those of the server through `database`, whose connection keeps
    /// them. Gives as well what the user should know.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): others hold it, and are named as far as the lock tells.
    pub fn take(
        project: &Project,
        database: &mut dyn Connection,
        mode: LockMode,
        wait: &LockWait,
    ) -> Result<(Self, Option<Warning>)> {
        let path = project.lock_file();
        let file = open(&path, mode)?;
        let deadline = Instant::now().checked_add(wait.patience);
        if let Some(file) = &file {
            patiently(wait, deadline, || lock_file(file, &path, mode))?;
            describe(file);
        }
        let name = project.lock_name();
        let mut on_server = Locking::Unsupported;
        patiently(wait, deadline, || {
            on_server = database
                .lock(&name, mode, Duration::ZERO)
                .map_err(|error| match error.kind() {
                    Kind::Locked => error.hint(HELD),
                    _ => error,
                })?;
            Ok(())
        })?;
        let note = file.is_none().then(|| {
            let instead = match on_server {
                Locking::Held => "only the lock in the database keeps other runs away",
                Locking::Unsupported => "nothing keeps an import away meanwhile",
            };
            let subject = Subject::Path(path.display().to_string());
            let reason = format!("the lock file cannot be made; {instead}");
            Warning::new(WarningKind::Notice, subject, reason)
        });
        Ok((Self { _file: file }, note))
    }

    /// Looks whether a restore holds the project, and makes nothing.
    ///
    /// # Errors
    /// Kind [`Locked`](Kind::Locked): one does.
    pub fn look(project: &Project, database: &mut dyn Connection) -> Result<()> {
        let path = project.lock_file();
        let name = project.lock_name();
        let mut look = || {
            if let Ok(file) = open_plain(OpenOptions::new().read(true), &path) {
                lock_file(&file, &path, LockMode::Shared)?;
            }
            database.lock(&name, LockMode::Shared, Duration::ZERO)
        };
        match look() {
            Err(error) if error.kind() == Kind::Locked => {
                Err(Error::new(Kind::Locked, error.to_string()).hint("wait until it has ended"))
            }
            other => other.map(drop),
        }
    }
}

/// Takes the lock of the server that a lost connection of this run held. Once it is taken, the server
/// has ended that connection, and whatever it was doing.
///
/// # Errors
/// Kind [`Locked`](Kind::Locked): the server has not noticed yet.
pub(super) fn take_over(project: &Project, database: &mut dyn Connection) -> Result<()> {
    database
        .lock(&project.lock_name(), LockMode::Exclusive, TAKE_OVER)
        .map(drop)
}

/// Opens the lock file, and makes it where there is none; `None` for a run that only reads and may
/// not make it.
fn open(path: &Path, mode: LockMode) -> Result<Option<File>> {
    match open_or_make(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if mode == LockMode::Exclusive => {
            Err(not_opened("make the lock file", path, error))
        }
        Err(_) => Ok(None),
    }
}

fn open_or_make(path: &Path) -> io::Result<File> {
    match open_plain(OpenOptions::new().read(true).write(true), path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // It can be locked without a right to write to it.
        Err(error) => return open_plain(OpenOptions::new().read(true), path).map_err(|_| error),
        opened => return opened,
    }
    let mut new = OpenOptions::new();
    new.read(true).write(true).create_new(true).mode(0o644);
    match open_plain(&mut new, path) {
        // Another run was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open_or_make(path),
        Err(error) => Err(error),
        Ok(file) => {
            // Made by root, it is there for the site's own user as well.
            Owner::in_folder(&fs::metadata(folder_of(path))?).give_to(&file);
            Ok(file)
        }
    }
}

fn lock_file(file: &File, path: &Path, mode: LockMode) -> Result<()> {
    let operation = match mode {
        LockMode::Shared => FlockOperation::NonBlockingLockShared,
        LockMode::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    match flock(file, operation) {
        Ok(()) => Ok(()),
        Err(Errno::WOULDBLOCK) => Err(Error::new(
            Kind::Locked,
            format!(
                "another run of backup holds the project: {}",
                holder(path).unwrap_or_else(|| format!("see who has {} open", path.display()))
            ),
        )
        .hint(HELD)),
        Err(error) => Err(Error::io("lock the file", path, error.into())),
    }
}

/// Says in the lock file who holds it. Of several that share it, the last one stands there.
fn describe(mut file: &File) {
    let holder = Holder {
        host: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        pid: std::process::id(),
        since: jiff::Timestamp::now().strftime("%FT%TZ").to_string(),
    };
    let text = serde_json::to_string(&holder).expect("strings and numbers serialise");
    // A lock that nobody can read is a lock.
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{text}"));
}

/// Who holds a lock file, as far as it tells.
fn holder(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = open_plain(OpenOptions::new().read(true), path).ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    let Holder { host, pid, since } = serde_json::from_str(&text).ok()?;
    Some(format!("process {pid} on {host}, since {since}"))
}

/// Tries until it works, fails for another reason than a lock, or the time is up; once at least.
fn patiently(
    wait: &LockWait,
    deadline: Option<Instant>,
    mut attempt: impl FnMut() -> Result<()>,
) -> Result<()> {
    let mut is_told = false;
    loop {
        let refused = match attempt() {
            Err(error) if error.kind() == Kind::Locked => error,
            done => return done,
        };
        let left = deadline.map_or(PAUSE, |end| end.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Err(refused);
        }
        if let Some(tell) = wait.tell.filter(|_| !is_told) {
            tell(&format!("waiting for another run: {refused}"));
            is_told = true;
        }
        wait.interrupt
            .check()
            .map_err(|error| Error::from_io(error, |error| Error::failed(error.to_string())))?;
        std::thread::sleep(left.min(PAUSE));
    }
}

impl Project {
    /// The folder that an export writes to beside the archive: its lock file lies there, and what SQLite keeps beside a
    /// database.
    pub fn written_folder(&self) -> PathBuf {
        folder_of(&self.lock_file()).to_owned()
    }

    /// The file that runs on this machine lock: beside SQLite's database, else in the project.
    fn lock_file(&self) -> PathBuf {
        match self.database_file() {
            Some(path) => {
                // Releases of a site may share it by way of a link.
                let mut name = real_path(path).into_os_string();
                name.push(".backup-lock");
                name.into()
            }
            None => self.root().join(".backup-lock"),
        }
    }

    /// The name of the lock in a server, which keeps the locks of its databases apart; schemas of one
    /// database are different sites.
    fn lock_name(&self) -> String {
        match self.database_schema() {
            None | Some("public") => "project".to_owned(),
            Some(schema) => format!("project {schema}"),
        }
    }
}
