//! A database in WAL mode where its user may write nothing: SQLite reads one only with a file beside it that all readers
//! write to.

use super::Sqlite;
use crate::database::Timeouts;
use crate::error::{Error, Result};
use crate::room::wanted;
use crate::store::real_path;
use rusqlite::OpenFlags;
use rustix::fs::{Access, access};
use std::fs::{File, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where the head of a database says how it is written and read, and what it says of WAL.
const MODE: usize = 18;
const WAL: [u8; 2] = [2, 2];

/// What tells whether a file was written to: its number, its bytes, and when it was written last.
type State = Option<(u64, u64, i64, i64)>;

/// Whether a database is in WAL mode, by its first bytes.
pub(super) fn is_wal(path: &Path) -> bool {
    let mut head = [0; MODE + WAL.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head[MODE..] == WAL
}

/// Whether to open it would keep those away who may write: whoever is the first makes files beside it, that others may then
/// only read.
pub(super) fn would_hinder(path: &Path) -> bool {
    let may_write = access(path, Access::WRITE_OK).is_ok();
    !may_write && is_wal(path) && !beside(&real_path(path), "-shm").exists()
}

/// Opens a copy of the database and of what was written last, in the folder for temporary files, of which nothing is left.
/// To read the file alone, as SQLite can be told to (`immutable`), would drop that silently.
///
/// # Errors
/// It was written to meanwhile; there is no room; it is no database.
pub(super) fn open_copy(path: &Path, timeouts: Timeouts) -> Result<Sqlite> {
    open_copy_with(path, timeouts, || {})
}

/// The same; `meanwhile` is called when all is copied.
fn open_copy_with(path: &Path, timeouts: Timeouts, meanwhile: impl FnOnce()) -> Result<Sqlite> {
    let fail = |error| Error::io("make a copy of", path, error);
    let real = real_path(path);
    let log = beside(&real, "-wal");
    let before = [state(&real), state(&log)];
    // Nobody else may read what is in it.
    let folder = tempfile::Builder::new()
        .prefix(".backup-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir();
    let folder = folder.map_err(fail)?;
    let bytes = before.iter().flatten().map(|state| state.1).sum();
    wanted(folder.path(), bytes, "a copy of the database")?;
    let copy = folder.path().join("copy.db");
    copy_bytes(&real, &copy).map_err(fail)?;
    if before[1].is_some() {
        copy_bytes(&log, &beside(&copy, "-wal")).map_err(fail)?;
    }
    meanwhile();
    if before != [state(&real), state(&log)] {
        return Err(Error::failed(format!(
            "{} is in WAL mode, this user may only read it, and it was written to while a copy was made",
            path.display()
        ))
        .hint("run it as the user who owns the project, or stop Strapi meanwhile"));
    }
    let opened = Sqlite::open(&copy, timeouts, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let mut sqlite = opened.map_err(|error| {
        Error::failed(format!("cannot read a copy of {}: {error}", path.display()))
    })?;
    // All of it becomes one file, which stays usable without a name.
    let done = sqlite
        .connection
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; SELECT 1");
    done.map_err(|error| sqlite.explain("read the copy of", error))?;
    sqlite.path = path.to_owned();
    sqlite.target = path.display().to_string();
    sqlite.is_copy = true;
    Ok(sqlite)
}

/// Copies what is in a file, but not who may read and write it.
fn copy_bytes(from: &Path, to: &Path) -> std::io::Result<()> {
    std::io::copy(&mut File::open(from)?, &mut File::create(to)?).map(drop)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn state(path: &Path) -> State {
    let file = path.metadata().ok()?;
    Some((file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Connection;
    use crate::error::Error;

    /// A database with a row that stands beside it, whose writer is still there.
    fn database() -> (tempfile::TempDir, PathBuf, rusqlite::Connection) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data.db");
        let writer = rusqlite::Connection::open(&path).expect("opened");
        writer
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (id INTEGER); \
                 INSERT INTO t VALUES (1)",
            )
            .expect("written");
        (folder, path, writer)
    }

    fn files(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into()
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_copy_has_what_is_not_in_the_file_yet() {
        let (folder, path, _writer) = database();
        assert!(is_wal(&path));
        let mut mode = path.metadata().expect("a file").permissions();
        mode.set_readonly(true);
        std::fs::set_permissions(&path, mode).expect("set");
        let before = files(folder.path());
        let mut copy = open_copy(&path, Timeouts::default()).expect("a copy");
        copy.begin_snapshot().expect("a snapshot");
        assert_eq!(copy.count("t").expect("a count"), 1);
        assert_eq!(copy.target(), path.display().to_string());
        assert!(copy.check_writable().is_err());
        copy.execute("CREATE TABLE also_where_the_file_is_read_only (id)", &[])
            .expect("the copy is its own");
        assert_eq!(files(folder.path()), before);
    }

    #[test]
    fn a_copy_of_what_is_written_to_is_refused() {
        let refused = |change: &dyn Fn(&rusqlite::Connection)| -> Error {
            let (_folder, path, writer) = database();
            let copied = open_copy_with(&path, Timeouts::default(), || change(&writer));
            copied.err().expect("refused")
        };
        for sql in [
            "INSERT INTO t VALUES (2)",
            "PRAGMA wal_checkpoint(TRUNCATE)",
        ] {
            let error = refused(&|writer| writer.execute_batch(sql).expect("written"));
            assert!(
                error.to_string().contains("was written to while"),
                "{error}"
            );
        }
    }
}
