//! A copy of a database, to read it for as long as one likes and keep nobody from writing.

use super::{CACHED_STATEMENTS, Sqlite};
use crate::error::Error;
use crate::room::available;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How many bytes are copied before it is looked whether to stop.
const STEP: u64 = 16 << 20;

impl Sqlite {
    /// Goes on with a copy of the database, which nobody else reads or writes.
    pub(super) fn work_on_copy(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        let beside = self.path.parent().unwrap_or(Path::new("."));
        let length = std::fs::metadata(&self.path)?.len();
        let has_room = |folder: &Path| available(folder).is_none_or(|room| room >= length);
        let mut builder = tempfile::Builder::new();
        builder.prefix(".backup-").suffix(".db");
        let copy = if has_room(beside) {
            builder.tempfile_in(beside)
        } else {
            Err(io::ErrorKind::StorageFull.into())
        };
        let copy = copy.or_else(|_| match has_room(&std::env::temp_dir()) {
            true => builder.tempfile(),
            false => Err(io::ErrorKind::StorageFull.into()),
        })?;
        // Before it is filled: nothing is left of it however this process ends, and the open file stays usable.
        let (copy, path) = copy.into_parts();
        let connection = rusqlite::Connection::open(&path)?;
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
        path.close()?;
        // Writers change the file when nobody reads any more: until then all of it is from one moment. And the
        // system copies a file without showing its bytes to anybody, or not at all where two may share them.
        self.begin_reading()?;
        // Others may have turned it on since it was looked at.
        if self.is_in_wal_mode()? {
            return Err("a database in WAL mode is not one file".into());
        }
        let original = self.original.insert(File::open(&self.path)?);
        while io::copy(&mut (&*original).take(STEP), &mut &copy)? > 0 {
            if self.stop.is_requested() {
                return Err(Error::interrupted().into());
            }
        }
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        self.connection = connection;
        self.original = None;
        self.watch();
        Ok(())
    }
}
