//! A small SQL layer: connections, values, rows, bulk inserts, locks. It knows nothing of Strapi.
//!
//! What differs between databases (quoting, catalogue, types, bulk loading, snapshots) is behind
//! [`Connection`]; whatever uses it writes plain SQL with `?` for parameters, and no other `?`.

mod filler;
mod inserter;
mod lent;
mod limits;
mod lock;
mod mysql;
mod openers;
mod pending_rows;
mod postgres;
mod references;
mod rules;
mod settings;
mod sqlite;
mod stop;
mod text;
mod timeouts;
mod tls;

pub use filler::Filler;
pub use inserter::Inserter;
pub use limits::{Column, Holds};
pub use lock::{LockMode, Locking};
pub use mysql::Mysql;
pub use postgres::Postgres;
pub use references::{ForeignKey, Heir, OnChange, Trigger};
pub use rules::{Refusal, TableRules};
pub use settings::{ConnectionOptions, DatabaseSettings, Secret, ServerSettings, TlsSettings};
pub(crate) use settings::{shown_database, shown_host, shown_user};
pub use sqlite::Sqlite;
pub use stop::Stop;
pub(crate) use stop::{GLANCE, SLOW};
pub use timeouts::Timeouts;

use crate::effort::Effort;
use crate::error::{Error, Result};
use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

/// A value in a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// SQL `NULL`.
    Null,
    /// An integer; also a truth value, as 0 or 1.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text; also decimals, dates and times of day, and JSON that was read, in their text form.
    Text(Cow<'a, str>),
    /// JSON to be stored, as text. A database that checks JSON takes other text as a JSON string.
    Json(Cow<'a, str>),
    /// An instant, in microseconds since 1970 in UTC. SQLite gives plain integers instead, and keeps
    /// milliseconds.
    Timestamp(i64),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The integer in it, if it is one.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Real(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Some(*number as i64)
            }
            _ => None,
        }
    }

    /// The number in it, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            _ => None,
        }
    }

    /// The text in it, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Json(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `NULL`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<Option<f64>> for Value<'_> {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Null, Self::Real)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

/// A row of a result; valid until the next one is read.
pub trait Row {
    /// The value of a column, counted from 0.
    ///
    /// # Errors
    /// The value is not one this layer reads, such as text that is not UTF-8.
    fn value(&self, column: usize) -> Result<Value<'_>>;
}

/// What a transaction that reads sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Tables that others may change while they are read, by name: on MySQL and MariaDB those whose
    /// storage engine has no transactions, such as MyISAM. Other databases have none.
    pub moving: Vec<String>,
}

/// A connection to a database. It may move to another thread.
pub trait Connection: Send {
    /// Where it leads, for messages. Never holds a password.
    fn target(&self) -> &str;

    /// Has the connection collect how long its queries take.
    fn measure(&mut self, effort: &Effort);

    /// Ends what the connection waits for once `stop` is requested, with an error of kind
    /// [`Interrupted`](crate::error::Kind::Interrupted).
    fn stop_with(&mut self, stop: &Stop);

    /// Quotes a name.
    fn quote(&self, name: &str) -> String;

    /// Whether rows without `ORDER BY` come in the order of an index or of their ids, as on SQLite,
    /// where Strapi relies on it.
    fn scans_in_index_order(&self) -> bool;

    /// ` ORDER BY` for the rows of a table that is called `alias`: their ids, where it has a column `id`, else
    /// the order in which they lie there. Of that MySQL knows no name; it reads a table alone in it by itself.
    fn order_of_rows(&self, has_id: bool, alias: &str) -> String {
        let place = match has_id {
            true => Some("id"),
            false => self.place_of_rows(),
        };
        place.map_or(String::new(), |column| {
            format!(" ORDER BY {alias}.{column}")
        })
    }

    /// What the place of a row in its table is called.
    fn place_of_rows(&self) -> Option<&'static str>;

    /// The names of all tables.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn tables(&mut self) -> Result<HashSet<String>>;

    /// The columns of a table, in their order; empty where there is no such table.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn columns(&mut self, table: &str) -> Result<Vec<Column>>;

    /// The columns of each index of a table that must be unique, the primary key's among them. Indexes
    /// of some rows alone, and of expressions, are left out.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn unique_indexes(&mut self, table: &str) -> Result<Vec<Vec<String>>>;

    /// The foreign keys of all tables, as far as the user may see them; on servers also those of
    /// tables in other schemas.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn foreign_keys(&mut self) -> Result<Vec<ForeignKey>>;

    /// The triggers, and rules, that somebody defined on tables, as far as the user may see them.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn triggers(&mut self) -> Result<Vec<Trigger>>;

    /// The tables that inherit from others; partitions are none of them. Only PostgreSQL has such.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn heirs(&mut self) -> Result<Vec<Heir>> {
        Ok(Vec::new())
    }

    /// Makes statements fail that the database would show only some rows of a table because of who the
    /// user is (PostgreSQL's row-level security), where it else hides the others silently.
    ///
    /// # Errors
    /// The connection is lost.
    fn see_all_rows(&mut self) -> Result<()> {
        Ok(())
    }

    /// Runs a query and hands its rows over one by one.
    ///
    /// # Errors
    /// The query fails, or `each` does.
    fn query(
        &mut self,
        sql: &str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<()>,
    ) -> Result<()>;

    /// Runs a statement; gives the number of rows it changed.
    ///
    /// # Errors
    /// The statement fails.
    fn execute(&mut self, sql: &str, parameters: &[Value<'_>]) -> Result<u64>;

    /// Prepares to add rows with these columns to a table, in the transaction that writes.
    ///
    /// What it gives stays good as long as the connection lives. Asking twice gives the same.
    ///
    /// # Errors
    /// There are no columns, or what is added to the table could not be taken back: on MySQL and
    /// MariaDB, its storage engine has no transactions.
    fn inserter(&mut self, table: &str, columns: &[String]) -> Result<Inserter>;

    /// Adds rows. `values` holds one after the other, each as long as the inserter's columns.
    ///
    /// Rows may wait until [`flush_if_full`](Self::flush_if_full), [`flush`](Self::flush), another
    /// statement or the end of the transaction writes them, tables in the order of their first row.
    /// No values are no row, and take a place in that order.
    ///
    /// # Errors
    /// A row breaks a rule of the table, or has too few values; or another connection made the
    /// inserter.
    fn insert(&mut self, inserter: Inserter, values: &[Value<'_>]) -> Result<()>;

    /// Writes the rows that wait, if they take much memory: some megabytes. Errors name their rows.
    ///
    /// # Errors
    /// A row breaks a rule of its table.
    fn flush_if_full(&mut self) -> Result<()> {
        Ok(())
    }

    /// Writes all rows that wait. Errors name their rows.
    ///
    /// # Errors
    /// A row breaks a rule of its table.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    /// Why this database cannot hold a value at all, in any column.
    fn refusal(&self, _value: &Value<'_>) -> Option<&'static str> {
        None
    }

    /// Why no statement can bring a row with these columns to this table.
    fn refuses_row(
        &self,
        _table: &str,
        _columns: &[String],
        _row: &[Value<'_>],
    ) -> Option<Refusal> {
        None
    }

    /// Sees that the database can be written to at all, without waiting for anybody.
    ///
    /// # Errors
    /// It is read-only, as far as can be told.
    fn check_writable(&mut self) -> Result<()> {
        Ok(())
    }

    /// Sees that what is done to a table can be taken back, after [`check_writable`](Self::check_writable)
    /// or in a transaction that writes.
    ///
    /// # Errors
    /// On MySQL and MariaDB: its storage engine has no transactions.
    fn check_restorable(&self, _table: &str) -> Result<()> {
        Ok(())
    }

    /// Sees that rows of a table may be read, added, changed and deleted, and does nothing to them. No transaction may run.
    ///
    /// # Errors
    /// Something is not permitted, or could not be taken back.
    fn check_rights(&mut self, table: &str) -> Result<()> {
        self.check_restorable(table)?;
        let columns: Vec<String> = self
            .columns(table)?
            .into_iter()
            .filter(|column| !column.is_computed)
            .map(|column| self.quote(&column.name))
            .collect();
        let (table, list) = (self.quote(table), columns.join(", "));
        let last = columns.last().map_or("id", String::as_str);
        self.begin_write()?;
        let statements = [
            format!("DELETE FROM {table} WHERE 1 = 0"),
            format!("UPDATE {table} SET {last} = {last} WHERE 1 = 0"),
            format!("INSERT INTO {table} ({list}) SELECT {list} FROM {table} WHERE 1 = 0"),
        ];
        let done = statements
            .iter()
            .try_for_each(|sql| self.execute(sql, &[]).map(drop));
        self.rollback();
        done
    }

    /// Deletes all rows of a table, in a transaction, and keeps others from adding some.
    ///
    /// # Errors
    /// The statement fails.
    fn empty(&mut self, table: &str) -> Result<()> {
        let sql = format!("DELETE FROM {}", self.quote(table));
        self.execute(&sql, &[]).map(drop)
    }

    /// Gives columns of the row with this id new values, in a transaction. Rows that wait to be added
    /// go on waiting.
    ///
    /// # Errors
    /// The row breaks a rule of the table.
    fn update_row(
        &mut self,
        table: &str,
        columns: &[String],
        id: i64,
        values: &[Value<'_>],
    ) -> Result<()>;

    /// Hands over the ids of a table's rows, in a transaction that writes. Until it ends, nobody else
    /// adds rows, changes some, or refers to some by a foreign key.
    ///
    /// # Errors
    /// The table cannot be read, or others hold it; or what is changed in it could not be taken back,
    /// as [`inserter`](Self::inserter) says.
    fn hold_ids(&mut self, table: &str, each: &mut dyn FnMut(i64)) -> Result<()>;

    /// The same without the ids: the table needs none.
    ///
    /// # Errors
    /// As those of [`hold_ids`](Self::hold_ids).
    fn hold(&mut self, table: &str) -> Result<()>;

    /// Takes the lock `name` of this database, waiting at most `patience` for others to let it go;
    /// zero does not wait.
    ///
    /// Such a lock has nothing to do with tables or transactions: it is kept until the connection
    /// ends, however it ends, and means something only to those who ask for it by the same name. A
    /// proxy that spreads the statements of one connection over several does not keep it. On
    /// PostgreSQL it is an advisory lock; MySQL and MariaDB have only exclusive ones (`GET_LOCK`), so
    /// there at most 16 connections share one. SQLite has none, which the result says.
    ///
    /// # Errors
    /// Kind [`Locked`](crate::error::Kind::Locked): others hold it, and are named where the server
    /// tells of them. Any other: the connection is lost.
    fn lock(&mut self, name: &str, mode: LockMode, patience: Duration) -> Result<Locking>;

    /// Who else uses the database right now, in words, as far as that can be told: other connections to
    /// it, or other processes that have its file open.
    ///
    /// # Errors
    /// The server does not say.
    fn others(&mut self) -> Result<Vec<String>>;

    /// Starts a transaction that sees one moment of the database and changes nothing. Gives what of
    /// the database it cannot hold still.
    ///
    /// # Errors
    /// The database is locked or gone.
    fn begin_snapshot(&mut self) -> Result<Snapshot>;

    /// Starts a transaction that changes the database.
    ///
    /// # Errors
    /// Somebody else is writing, or the database is read-only.
    fn begin_write(&mut self) -> Result<()>;

    /// Writes all rows that wait, as [`flush`](Self::flush) does, and sees that the database is whole: what it set aside
    /// for the time of the load is back. Between [`empty`](Self::empty) and this no row is deleted and none gets another
    /// primary key.
    ///
    /// # Errors
    /// A row breaks a rule of its table.
    fn complete(&mut self) -> Result<()> {
        self.flush()
    }

    /// Ends the transaction and keeps what it did.
    ///
    /// # Errors
    /// A deferred rule is broken, or the disk is full; nothing was kept.
    fn commit(&mut self) -> Result<()>;

    /// Ends the transaction, if there is one, and forgets what it did.
    fn rollback(&mut self);

    /// Runs a query that gives one number.
    ///
    /// # Errors
    /// The query fails, or gives something else.
    fn number(&mut self, sql: &str, parameters: &[Value<'_>]) -> Result<i64> {
        let mut number = None;
        self.query(sql, parameters, &mut |row| {
            let value = row.value(0)?;
            // MySQL makes a decimal of some integers.
            number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
            Ok(())
        })?;
        number.ok_or_else(|| Error::failed(format!("the query gave no number: {sql}")))
    }

    /// Runs a query that gives one text a row; `NULL` is none.
    ///
    /// # Errors
    /// The query fails.
    fn names(&mut self, sql: &str, parameters: &[Value<'_>]) -> Result<Vec<String>> {
        let mut names = Vec::new();
        self.query(sql, parameters, &mut |row| {
            names.extend(row.value(0)?.as_str().map(str::to_owned));
            Ok(())
        })?;
        Ok(names)
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// The query fails.
    fn count(&mut self, table: &str) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM {}", self.quote(table));
        self.number(&sql, &[])
            .map(|rows| u64::try_from(rows).unwrap_or(0))
    }

    /// Makes sure that rows added after this get ids past every id in the table.
    ///
    /// # Errors
    /// The sequence cannot be set.
    fn move_sequence_past_ids(&mut self, table: &str) -> Result<()>;
}
