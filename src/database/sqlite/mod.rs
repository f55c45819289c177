//! SQLite.
//!
//! In SQLite's default mode a reader makes writers wait, for as long as it reads. So a snapshot of
//! such a database is a copy of the file, which takes as long as copying it does; in WAL mode it is
//! a read transaction.

mod copy;
mod explain;
mod read_only;
mod values;

use super::inserter::{Inserter, Prepared, PreparedInserts};
use super::openers::openers;
use super::references::{self, ForeignKey, Trigger};
use super::rules;
use super::stop::{GLANCE, Watch};
use super::{Column, Connection, Holds, LockMode, Locking, Row, Snapshot, Stop, Timeouts, Value};
use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use explain::{explain, is_busy};
use rusqlite::OpenFlags;
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use values::SqliteRow;

/// How long to wait for somebody else's write to end, unless the caller says it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before trying again, where SQLite itself does not wait.
const PAUSE: Duration = Duration::from_millis(10);

/// How many prepared statements are kept: one a table is enough for large projects.
const CACHED_STATEMENTS: usize = 512;

/// A SQLite database file.
pub struct Sqlite {
    connection: rusqlite::Connection,
    effort: Effort,
    /// The same file, once it was opened to be copied. To close it would give up the locks that the connection
    /// has, so it comes behind that.
    original: Option<File>,
    path: PathBuf,
    target: String,
    inserts: PreparedInserts,
    /// How long to wait for somebody else's write to end.
    patience: Duration,
    stop: Stop,
    watch: Option<Watch>,
    /// Whether a transaction that writes has begun, and was not seen to its end.
    is_writing: bool,
    /// Whether it reads a copy, for it may not write.
    is_copy: bool,
}

impl Sqlite {
    /// Opens an existing database file to read it. The database may be in use.
    ///
    /// # Errors
    /// There is no such file, or it is not a SQLite database.
    pub fn open_to_read(path: &Path, timeouts: Timeouts) -> Result<Self> {
        // It lies beside the file itself, where a link leads to that.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut journal = real.into_os_string();
        journal.push("-journal");
        if Path::new(&journal).exists() {
            // What a killed writer left has to be rolled back, which no reader may: the first read of
            // a connection that may write does it. Who cannot write hears of it below.
            drop(Self::open_to_write(path, timeouts));
        }
        if read_only::would_hinder(path) {
            return read_only::open_copy(path, timeouts);
        }
        let opened = Self::open(path, timeouts, OpenFlags::SQLITE_OPEN_READ_ONLY);
        match opened {
            Err(_) if read_only::is_wal(path) => read_only::open_copy(path, timeouts),
            opened => opened,
        }
    }

    /// Opens an existing database file to change it.
    ///
    /// # Errors
    /// There is no such file, it is not a SQLite database, or it is read-only.
    pub fn open_to_write(path: &Path, timeouts: Timeouts) -> Result<Self> {
        let sqlite = Self::open(path, timeouts, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // As FULL, and that the journal is gone, which is the commit, is on disk before it is said.
        sqlite
            .connection
            .pragma_update(None, "synchronous", "EXTRA")
            .map_err(|error| sqlite.explain("open the database", error))?;
        Ok(sqlite)
    }

    fn open(path: &Path, timeouts: Timeouts, access: OpenFlags) -> Result<Self> {
        let target = path.display().to_string();
        if let Err(error) = path.metadata()
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(Error::io("open the database", path, error));
        }
        if !path.is_file() {
            return Err(
                Error::failed(format!("there is no database at {target}")).hint(
                    "start Strapi once so that it creates it, or check DATABASE_FILENAME in the \
                 project's .env, or --database-url",
                ),
            );
        }
        let connection =
            rusqlite::Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
                .map_err(|error| explain(&target, "open the database", error))?;
        let sqlite = Self {
            connection,
            effort: Effort::default(),
            original: None,
            path: path.to_owned(),
            target,
            inserts: PreparedInserts::default(),
            patience: timeouts.lock().unwrap_or(BUSY_TIMEOUT),
            stop: Stop::default(),
            watch: None,
            is_writing: false,
            is_copy: false,
        };
        sqlite
            .connection
            .busy_timeout(sqlite.patience)
            .and_then(|()| sqlite.connection.pragma_update(None, "foreign_keys", true))
            .map_err(|error| sqlite.explain("open the database", error))?;
        sqlite
            .connection
            .set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        // The first read finds out whether the file is a database at all.
        sqlite
            .connection
            .query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))
            .map_err(|error| sqlite.explain("read the database", error))?;
        Ok(sqlite)
    }

    fn explain(&self, action: &str, error: rusqlite::Error) -> Error {
        explain(&self.target, action, error)
    }

    /// Whether the database was in WAL mode when it was last read; in a transaction, whether it is.
    fn is_in_wal_mode(&self) -> Result<bool> {
        self.connection
            .pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))
            .map(|mode| mode == "wal")
            .map_err(|error| self.explain("start reading", error))
    }

    /// Begins a transaction that reads, or does not.
    fn begin_reading(&self) -> Result<()> {
        self.batch("start reading", "BEGIN DEFERRED")?;
        // SQLite takes the snapshot with the first read, not with BEGIN.
        let read = self.batch("start reading", "SELECT count(*) FROM sqlite_master");
        if read.is_err() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        read
    }

    fn watch(&mut self) {
        let handle = self.connection.get_interrupt_handle();
        self.watch = Watch::start(&self.stop, move || handle.interrupt());
    }

    /// Sees that what is written belongs to the transaction: a statement that is stopped takes it along.
    fn check_transaction(&self) -> Result<()> {
        if !self.is_writing || !self.connection.is_autocommit() {
            return Ok(());
        }
        if self.stop.is_requested() {
            return Err(Error::interrupted());
        }
        Err(Error::failed(format!(
            "the transaction that writes to {} has ended early; nothing was changed",
            self.target
        )))
    }

    fn batch(&self, action: &str, sql: &str) -> Result<()> {
        let mut busy = None;
        let done = self.wait(|| match self.connection.execute_batch(sql) {
            Err(error) if is_busy(&error) => {
                busy = Some(error);
                Ok(false)
            }
            other => other.map(|()| true),
        });
        match (done, busy) {
            (Ok(true), _) => Ok(()),
            (Ok(false), _) if self.stop.is_requested() => Err(Error::interrupted()),
            (Ok(false), Some(error)) | (Err(error), _) => Err(self.explain(action, error)),
            (Ok(false), None) => unreachable!("what is not done is busy"),
        }
    }

    /// Tries for as long as to wait for others, or until the run is to stop: SQLite itself hears nothing
    /// while it waits. Gives whether it was done.
    fn wait(&self, mut attempt: impl FnMut() -> rusqlite::Result<bool>) -> rusqlite::Result<bool> {
        let deadline = Instant::now().checked_add(self.patience);
        self.connection.busy_timeout(self.patience.min(GLANCE))?;
        let done = loop {
            let is_over = deadline.is_some_and(|deadline| deadline <= Instant::now());
            match attempt() {
                // Some that are busy say so at once.
                Ok(false) if !is_over && !self.stop.is_requested() => std::thread::sleep(PAUSE),
                other => break other,
            }
        };
        self.connection.busy_timeout(self.patience)?;
        done
    }
}

impl Connection for Sqlite {
    fn target(&self) -> &str {
        &self.target
    }

    fn measure(&mut self, effort: &Effort) {
        self.effort = effort.clone();
    }

    fn stop_with(&mut self, stop: &Stop) {
        self.stop = stop.clone();
        self.watch();
    }

    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn place_of_rows(&self) -> Option<&'static str> {
        Some("rowid")
    }

    fn scans_in_index_order(&self) -> bool {
        true
    }

    fn tables(&mut self) -> Result<HashSet<String>> {
        let sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')";
        Ok(self.names(sql, &[])?.into_iter().collect())
    }

    fn columns(&mut self, table: &str) -> Result<Vec<Column>> {
        let mut columns = Vec::new();
        // An integer that is the primary key gets a value where none is given; and a table may say
        // that a row which breaks a rule is dropped, or takes the place of another (ON CONFLICT).
        self.query(
            "SELECT info.name, info.\"notnull\" = 0, info.pk > 0 OR made.sql LIKE '%conflict%', \
             info.dflt_value IS NOT NULL FROM pragma_table_info(?) info LEFT JOIN sqlite_master made \
             ON made.type = 'table' AND made.name = ? COLLATE NOCASE ORDER BY info.cid",
            &[table.into(), table.into()],
            &mut |row| {
                let is =
                    |column: usize| -> Result<bool> { Ok(row.value(column)?.as_i64() == Some(1)) };
                let (nullable, lenient, default) = (is(1)?, is(2)?, is(3)?);
                columns.extend(row.value(0)?.as_str().map(|name| Column {
                    name: name.to_owned(),
                    nullable,
                    may_be_given_null: nullable || lenient,
                    may_be_left_out: nullable || lenient || default,
                    // Such columns are not listed.
                    is_computed: false,
                    holds: Holds::Anything,
                }));
                Ok(())
            },
        )?;
        Ok(columns)
    }

    fn unique_indexes(&mut self, table: &str) -> Result<Vec<Vec<String>>> {
        // The integer that is the primary key has no index.
        let sql = "SELECT found.\"index\", found.\"column\" FROM (SELECT '' AS \"index\", name AS \
                   \"column\", pk AS place FROM pragma_table_info(?) WHERE pk > 0 UNION ALL SELECT \
                   list.name, info.name, info.seqno FROM pragma_index_list(?) list JOIN \
                   pragma_index_info(list.name) info WHERE list.\"unique\" AND NOT list.partial AND \
                   list.origin <> 'pk') found WHERE NOT EXISTS (SELECT 1 FROM sqlite_master made WHERE \
                   made.type = 'table' AND made.name = ? COLLATE NOCASE AND made.sql LIKE \
                   '%conflict%') ORDER BY 1, found.place";
        rules::unique_indexes(self, sql, &[table.into(), table.into(), table.into()])
    }

    fn foreign_keys(&mut self) -> Result<Vec<ForeignKey>> {
        // A key may write the other table's name in its own way, and leave out that table's columns
        // where it means the primary key.
        let sql = "SELECT owner.name || ' ' || fk.id, '', owner.name, fk.\"from\", '', \
                   coalesce(other.name, fk.\"table\"), coalesce(fk.\"to\", (SELECT info.name FROM \
                   pragma_table_info(fk.\"table\") info WHERE info.pk = fk.seq + 1), 'rowid'), \
                   fk.on_delete, fk.on_update FROM sqlite_master owner JOIN \
                   pragma_foreign_key_list(owner.name) fk LEFT JOIN sqlite_master other ON \
                   other.type = 'table' AND other.name = fk.\"table\" COLLATE NOCASE WHERE \
                   owner.type = 'table' ORDER BY owner.name, fk.id, fk.seq";
        references::foreign_keys(self, sql)
    }

    fn triggers(&mut self) -> Result<Vec<Trigger>> {
        let sql = "SELECT made.name, owner.name FROM sqlite_master made JOIN sqlite_master owner ON \
                   owner.type = 'table' AND owner.name = made.tbl_name COLLATE NOCASE WHERE \
                   made.type = 'trigger' ORDER BY owner.name, made.name";
        references::triggers(self, sql)
    }

    fn query(
        &mut self,
        sql: &str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<()>,
    ) -> Result<()> {
        let effort = self.effort.clone();
        let mut watch = effort.start(Work::Database);
        let fail = |error| explain(&self.target, "read from", error);
        // Those without parameters name ids, and do not come back; keeping them would cost memory.
        let (mut once, mut kept);
        let statement = if parameters.is_empty() {
            once = self.connection.prepare(sql).map_err(fail)?;
            &mut once
        } else {
            kept = self.connection.prepare_cached(sql).map_err(fail)?;
            &mut *kept
        };
        let mut rows = statement
            .query(rusqlite::params_from_iter(parameters))
            .map_err(fail)?;
        while let Some(row) = rows.next().map_err(fail)? {
            watch.pause(|| {
                each(&SqliteRow {
                    row,
                    target: &self.target,
                })
            })?;
        }
        Ok(())
    }

    fn execute(&mut self, sql: &str, parameters: &[Value<'_>]) -> Result<u64> {
        self.check_transaction()?;
        let run = if parameters.is_empty() {
            self.connection.execute(sql, [])
        } else {
            self.connection
                .prepare_cached(sql)
                .and_then(|mut statement| statement.execute(rusqlite::params_from_iter(parameters)))
        };
        run.map(|changed| changed as u64)
            .map_err(|error| self.explain("write to", error))
    }

    fn inserter(&mut self, table: &str, columns: &[String]) -> Result<Inserter> {
        let parameters = vec!["?"; columns.len()].join(", ");
        let insert = Prepared::new(self, table, columns, |place| {
            format!("INSERT INTO {place} VALUES ({parameters})")
        });
        self.inserts.add(insert)
    }

    fn insert(&mut self, inserter: Inserter, values: &[Value<'_>]) -> Result<()> {
        self.check_transaction()?;
        let insert = self.inserts.get(inserter)?;
        let fail = |error| {
            let action = format!("add a row to {} of", insert.table);
            explain(&self.target, &action, error)
        };
        let mut statement = self.connection.prepare_cached(&insert.sql).map_err(fail)?;
        for row in insert.rows(values)? {
            statement
                .execute(rusqlite::params_from_iter(row))
                .map_err(fail)?;
        }
        Ok(())
    }

    fn update_row(
        &mut self,
        table: &str,
        columns: &[String],
        id: i64,
        values: &[Value<'_>],
    ) -> Result<()> {
        self.check_transaction()?;
        let sql = references::update_of_row(self, table, columns);
        let id_value = Value::Integer(id);
        let parameters = values.iter().chain([&id_value]);
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.execute(rusqlite::params_from_iter(parameters)))
            .map(drop)
            .map_err(|error| self.explain(&format!("change row {id} of {table} in"), error))
    }

    fn hold(&mut self, _table: &str) -> Result<()> {
        // Whoever writes to SQLite writes alone.
        Ok(())
    }

    fn hold_ids(&mut self, table: &str, each: &mut dyn FnMut(i64)) -> Result<()> {
        self.hold(table)?;
        let sql = format!("SELECT id FROM {}", self.quote(table));
        self.query(&sql, &[], &mut |row| {
            row.value(0)?.as_i64().into_iter().for_each(&mut *each);
            Ok(())
        })
    }

    fn lock(&mut self, _name: &str, _mode: LockMode, _patience: Duration) -> Result<Locking> {
        Ok(Locking::Unsupported)
    }

    fn others(&mut self) -> Result<Vec<String>> {
        Ok(openers(Path::new(&self.target)))
    }

    fn check_writable(&mut self) -> Result<()> {
        match self.connection.is_readonly("main") {
            Ok(false) if !self.is_copy => Ok(()),
            Ok(_) => Err(Error::failed(format!("{} is read-only", self.target)).hint(
                "give this user the permission to write to the file, or run it as a user who has it",
            )),
            Err(error) => Err(self.explain("open the database", error)),
        }
    }

    fn begin_snapshot(&mut self) -> Result<Snapshot> {
        if !self.is_copy && !self.is_in_wal_mode()? {
            // Without room for a copy the snapshot is a read transaction here as well.
            let _ = self.work_on_copy();
        }
        if self.stop.is_requested() {
            return Err(Error::interrupted());
        }
        if self.connection.is_autocommit() {
            self.begin_reading()?;
        }
        Ok(Snapshot::default())
    }

    fn begin_write(&mut self) -> Result<()> {
        self.batch(
            "start writing to",
            "BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON",
        )?;
        self.is_writing = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        self.batch("finish writing to", "COMMIT")?;
        self.is_writing = false;
        Ok(())
    }

    fn rollback(&mut self) {
        // What puts the database back is not stopped.
        self.watch = None;
        if !self.connection.is_autocommit() {
            // Closing the connection does the same, should this fail.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        if std::mem::take(&mut self.is_writing) {
            // On a full disk SQLite stops, and leaves it to whoever reads next to put the file back as it was.
            let _ = self.batch("read", "SELECT count(*) FROM sqlite_master");
        }
    }

    fn move_sequence_past_ids(&mut self, _table: &str) -> Result<()> {
        // An AUTOINCREMENT table remembers the largest id it ever had, given or not.
        Ok(())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.rollback();
    }
}

#[cfg(test)]
mod tests;
