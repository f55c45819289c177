//! A copy of a database, to read it for as long as one likes and keep nobody from writing.

use super::{CACHED_STATEMENTS, Sqlite};
use crate::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How many bytes are copied before it is looked whether to stop.
const STEP: u64 = 16 << 20;

impl Sqlite {
    /// Goes on with a copy of the database, which nobody else reads or writes.
    pub(super) fn work_on_copy(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        let beside = self.path.parent().unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".backup-").suffix(".db");
        let copy = builder
            .tempfile_in(beside)
            .or_else(|_| builder.tempfile())?;
        // Writers change the file when nobody reads any more: until then all of it is from one moment. And the
        // system copies a file without showing its bytes to anybody, or not at all where two may share them.
        self.begin_reading()?;
        let original = self.original.insert(File::open(&self.path)?);
        while io::copy(&mut (&*original).take(STEP), &mut copy.as_file())? > 0 {
            if self.stop.is_requested() {
                return Err(Error::interrupted().into());
            }
        }
        let file = copy.into_temp_path();
        let copy = rusqlite::Connection::open(&file)?;
        copy.pragma_update(None, "journal_mode", "OFF")?;
        copy.pragma_update(None, "synchronous", "OFF")?;
        // The open file stays usable, and nothing is left of it however this process ends.
        file.close()?;
        copy.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        self.connection = copy;
        self.original = None;
        self.watch();
        Ok(())
    }
}
