//! MySQL 8 and MariaDB, from version 10.5.

mod catalogue;
mod explain;
mod limits;
mod literal;
mod load;
mod locks;
mod session;
mod tls;
mod values;

use super::inserter::{Inserter, Prepared};
use super::lent::Lent;
use super::pending_rows::{PendingRows, ROWS};
use super::references::{ForeignKey, Trigger};
use super::settings::ServerSettings;
use super::stop::{Watch, ask, is_asked, stop_of};
use super::text;
use super::{Column, Connection, LockMode, Locking, Refusal, Row, Snapshot, Stop, Timeouts, Value};
use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use crate::nesting::is_deeper_than;
use explain::explain;
use jiff::tz::TimeZone;
use load::Loader;
use mysql::Conn;
use mysql::prelude::Queryable;
use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

/// What every server takes in one statement.
const SHORTEST_PACKET: usize = 1 << 10;

/// What to do about a row that is too long.
const RAISE_PACKET: &str =
    "raise max_allowed_packet in the server's configuration and run it again";

/// How deep JSON may be nested in MySQL.
const MYSQL_JSON: usize = 100;
/// The same in MariaDB, where it has a limit.
const MARIADB_JSON: usize = 31;

/// A database on a MySQL or MariaDB server.
pub struct Mysql {
    connection: Lent<Conn>,
    /// The number that the server has for it.
    id: u32,
    effort: Effort,
    target: String,
    /// The zone that columns without a zone are in.
    zone: TimeZone,
    /// The longest statement that the server takes.
    longest_packet: usize,
    /// How deep JSON may be nested.
    deepest_json: usize,
    /// Tables whose changes cannot be taken back.
    untransactional: HashSet<String>,
    pending: PendingRows,
    in_transaction: bool,
    settings: ServerSettings,
    timeouts: Timeouts,
    watch: Option<Watch>,
}

impl Mysql {
    /// Connects. `zone` is the time zone that the project's Strapi runs in: it stores the time of
    /// day there, unless the connection's `timezone` says otherwise.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses the user.
    pub fn connect(settings: &ServerSettings, zone: TimeZone, timeouts: Timeouts) -> Result<Self> {
        let target = settings.target("mysql");
        let zone = session::zone(settings, zone)?;
        let connection = session::open(settings, timeouts, &target)?;
        let mut mysql = Self {
            id: connection.connection_id(),
            connection: Lent::new(connection),
            effort: Effort::default(),
            target,
            zone,
            longest_packet: 0,
            deepest_json: usize::MAX,
            untransactional: HashSet::new(),
            pending: PendingRows::default(),
            in_transaction: false,
            settings: settings.clone(),
            timeouts,
            watch: None,
        };
        let packet = mysql.number("SELECT @@max_allowed_packet", &[])?;
        mysql.longest_packet = usize::try_from(packet).unwrap_or(SHORTEST_PACKET);
        // MySQL has one limit, MariaDB another one or none, and says so in another way.
        let is_mariadb = mysql.number("SELECT VERSION() LIKE '%MariaDB%'", &[])? != 0;
        mysql.deepest_json = match is_mariadb {
            true => mysql.deepest_json()?,
            false => MYSQL_JSON,
        };
        Ok(mysql)
    }

    /// How deep JSON may be nested for MariaDB to take it for JSON.
    fn deepest_json(&mut self) -> Result<usize> {
        let sql = format!(
            "SELECT JSON_VALID(CONCAT(REPEAT('[', {n}), REPEAT(']', {n})))",
            n = MARIADB_JSON + 1
        );
        let takes_more = self.number(&sql, &[])? != 0;
        Ok(if takes_more { usize::MAX } else { MARIADB_JSON })
    }

    fn batch(&mut self, action: &str, sql: &str) -> Result<()> {
        let _question = ask(&self.watch, &self.target, sql);
        self.connection
            .here()?
            .query_drop(sql)
            .map_err(|error| explain(&self.target, is_asked(&self.watch), action, error))
    }

    /// The tables whose storage engine has no transactions.
    fn tables_without_transactions(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = \
                   database() AND table_type = 'BASE TABLE' AND engine NOT IN (SELECT engine FROM \
                   information_schema.engines WHERE transactions = 'YES') ORDER BY table_name";
        self.names(sql, &[])
    }

    fn loader(&self) -> Loader {
        Loader {
            target: self.target.clone(),
            longest_packet: self.longest_packet,
            stop: stop_of(&self.watch),
        }
    }
}

/// The beginning of the statement that adds rows to `place`, as [`Prepared::new`] names it.
fn insert_into(place: &str) -> String {
    format!("INSERT INTO {place} VALUES ")
}

struct MysqlRow<'a> {
    row: &'a mysql::Row,
    target: &'a str,
    zone: &'a TimeZone,
}

impl Row for MysqlRow<'_> {
    fn value(&self, column: usize) -> Result<Value<'_>> {
        let (Some(value), Some(about)) =
            (self.row.as_ref(column), self.row.columns_ref().get(column))
        else {
            return Err(Error::failed(format!(
                "a row of {} has no column {column}",
                self.target
            )));
        };
        Ok(values::decode(about, value, self.zone))
    }
}

impl Connection for Mysql {
    fn target(&self) -> &str {
        &self.target
    }

    fn measure(&mut self, effort: &Effort) {
        self.effort = effort.clone();
    }

    fn stop_with(&mut self, stop: &Stop) {
        let id = self.id;
        let (settings, timeouts, target) =
            (self.settings.clone(), self.timeouts, self.target.clone());
        self.watch = Watch::start(stop, move || {
            // Where the server does not hear it, the next one may be heard.
            let second = session::connect(&settings, timeouts, &target);
            let _ = second.map(|mut second| second.query_drop(format!("KILL QUERY {id}")));
        });
    }

    fn quote(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn place_of_rows(&self) -> Option<&'static str> {
        None
    }

    fn scans_in_index_order(&self) -> bool {
        false
    }

    fn tables(&mut self) -> Result<HashSet<String>> {
        catalogue::tables(self)
    }

    fn columns(&mut self, table: &str) -> Result<Vec<Column>> {
        catalogue::columns(self, table)
    }

    fn unique_indexes(&mut self, table: &str) -> Result<Vec<Vec<String>>> {
        catalogue::unique_indexes(self, table)
    }

    fn foreign_keys(&mut self) -> Result<Vec<ForeignKey>> {
        catalogue::foreign_keys(self)
    }

    fn triggers(&mut self) -> Result<Vec<Trigger>> {
        catalogue::triggers(self)
    }

    fn query(
        &mut self,
        sql: &str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<()>,
    ) -> Result<()> {
        self.flush()?;
        let effort = self.effort.clone();
        let mut watch = effort.start(Work::Database);
        let parameters = values::parameters(parameters, &self.zone);
        let fail = |error| explain(&self.target, is_asked(&self.watch), "read from", error);
        let connection = self.connection.here()?;
        let question = ask(&self.watch, &self.target, sql);
        let rows = connection.exec_iter(sql, parameters).map_err(fail)?;
        drop(question);
        for row in rows {
            watch.pause(|| {
                each(&MysqlRow {
                    row: &row.map_err(fail)?,
                    target: &self.target,
                    zone: &self.zone,
                })
            })?;
        }
        Ok(())
    }

    fn execute(&mut self, sql: &str, parameters: &[Value<'_>]) -> Result<u64> {
        self.flush()?;
        let _question = ask(&self.watch, &self.target, sql);
        let parameters = values::parameters(parameters, &self.zone);
        self.connection
            .here()?
            .exec_iter(sql, parameters)
            .map(|result| result.affected_rows())
            .map_err(|error| explain(&self.target, is_asked(&self.watch), "write to", error))
    }

    fn inserter(&mut self, table: &str, columns: &[String]) -> Result<Inserter> {
        self.check_restorable(table)?;
        let insert = Prepared::new(self, table, columns, insert_into);
        self.pending.inserts.add(insert)
    }

    fn insert(&mut self, inserter: Inserter, values: &[Value<'_>]) -> Result<()> {
        let zone = &self.zone;
        self.pending.add(inserter, values, |out, row| {
            literal::write_row(out, row, zone);
        })
    }

    fn flush_if_full(&mut self) -> Result<()> {
        if !self.pending.is_full() {
            return Ok(());
        }
        let (batches, loader) = (self.pending.take(), self.loader());
        // That those before are added.
        let _question = ask(&self.watch, &self.target, ROWS);
        self.connection.lend(move |connection| {
            let mut batches = batches.iter();
            batches.try_for_each(|batch| loader.load(connection, batch))
        })
    }

    fn flush(&mut self) -> Result<()> {
        let (batches, loader) = (self.pending.take(), self.loader());
        let _question = ask(&self.watch, &self.target, ROWS);
        let connection = self.connection.here()?;
        let mut batches = batches.iter();
        batches.try_for_each(|batch| loader.load(connection, batch))
    }

    fn refusal(&self, value: &Value<'_>) -> Option<&'static str> {
        let Value::Json(json) = value else {
            return None;
        };
        // What is not JSON is stored as a JSON string.
        let is_deep = self.deepest_json < usize::MAX
            && is_deeper_than(self.deepest_json, json.trim_start().as_bytes())
            && matches!(text::json(json), Cow::Borrowed(_));
        is_deep.then_some(
            "its JSON is nested deeper than MySQL or MariaDB takes it (100 or 31 levels)",
        )
    }

    fn refuses_row(&self, table: &str, columns: &[String], row: &[Value<'_>]) -> Option<Refusal> {
        // One byte of a packet names the command.
        let longest = self.longest_packet.saturating_sub(1);
        if limits::most_bytes(table, columns, row) <= longest {
            return None;
        }
        let mut sql = Prepared::new(self, table, columns, insert_into)
            .sql
            .into_bytes();
        literal::write_row(&mut sql, row, &self.zone);
        (sql.len() > longest).then(|| Refusal {
            column: None,
            why: format!(
                "it takes {} bytes, and the server accepts {longest}",
                sql.len()
            ),
            advice: RAISE_PACKET,
        })
    }

    fn check_writable(&mut self) -> Result<()> {
        self.untransactional = self.tables_without_transactions()?.into_iter().collect();
        Ok(())
    }

    fn check_restorable(&self, table: &str) -> Result<()> {
        if self.untransactional.contains(table) {
            return Err(Error::failed(format!(
                "the table {table} of {} has a storage engine without transactions, so a restore \
                 that fails could not be taken back",
                self.target
            ))
            .hint(format!(
                "run: ALTER TABLE {} ENGINE = InnoDB",
                self.quote(table)
            )));
        }
        Ok(())
    }

    fn empty(&mut self, table: &str) -> Result<()> {
        self.check_restorable(table)?;
        let sql = format!("DELETE FROM {}", self.quote(table));
        self.execute(&sql, &[]).map(drop)
    }

    fn update_row(
        &mut self,
        table: &str,
        columns: &[String],
        id: i64,
        values: &[Value<'_>],
    ) -> Result<()> {
        let what = format!("change row {id} of {table} in");
        let mut sql = format!("UPDATE {} SET ", self.quote(table)).into_bytes();
        for (index, (column, value)) in columns.iter().zip(values).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            sql.extend_from_slice(format!("{comma}{} = ", self.quote(column)).as_bytes());
            literal::write_value(&mut sql, value, &self.zone);
        }
        sql.extend_from_slice(format!(" WHERE id = {id}").as_bytes());
        // One byte of a packet names the command.
        if sql.len() >= self.longest_packet {
            return Err(Error::failed(format!(
                "cannot {what} {}: it takes {} bytes, and the server accepts {}",
                self.target,
                sql.len(),
                self.longest_packet.saturating_sub(1)
            ))
            .hint(RAISE_PACKET));
        }
        let sql = String::from_utf8(sql)
            .map_err(|error| Error::failed(format!("cannot {what} {}: {error}", self.target)))?;
        self.connection
            .here()?
            .query_drop(sql)
            .map_err(|error| explain(&self.target, is_asked(&self.watch), &what, error))
    }

    fn hold(&mut self, table: &str) -> Result<()> {
        self.check_restorable(table)?;
        let sql = format!("SELECT 1 FROM {} FOR UPDATE", self.quote(table));
        self.query(&sql, &[], &mut |_| Ok(()))
    }

    fn hold_ids(&mut self, table: &str, each: &mut dyn FnMut(i64)) -> Result<()> {
        self.check_restorable(table)?;
        // A read that locks keeps the gaps between the rows as well, and sees what is there now.
        let sql = format!("SELECT id FROM {} FOR UPDATE", self.quote(table));
        self.query(&sql, &[], &mut |row| {
            row.value(0)?.as_i64().into_iter().for_each(&mut *each);
            Ok(())
        })
    }

    fn lock(&mut self, name: &str, mode: LockMode, patience: Duration) -> Result<Locking> {
        locks::lock(self, name, mode, patience).map(|()| Locking::Held)
    }

    fn others(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT concat('connection ', id, ' (', user, '@', host, ')') FROM \
                   information_schema.processlist WHERE db = database() AND id <> connection_id() \
                   ORDER BY id";
        self.names(sql, &[])
    }

    fn begin_snapshot(&mut self) -> Result<Snapshot> {
        let moving = self.tables_without_transactions()?;
        self.in_transaction = true;
        self.batch(
            "start reading",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        )?;
        self.batch(
            "start reading",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        )?;
        Ok(Snapshot { moving })
    }

    fn begin_write(&mut self) -> Result<()> {
        self.untransactional = self.tables_without_transactions()?.into_iter().collect();
        // What was prepared before the engines were known.
        self.pending
            .inserts
            .tables()
            .try_for_each(|table| self.check_restorable(table))?;
        self.in_transaction = true;
        // Under this level a DELETE of all rows also keeps others from adding some.
        self.batch(
            "start writing to",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        )?;
        self.batch("start writing to", "START TRANSACTION READ WRITE")
    }

    fn commit(&mut self) -> Result<()> {
        self.flush()?;
        self.in_transaction = false;
        self.batch("finish writing to", "COMMIT")
    }

    fn rollback(&mut self) {
        self.pending.take();
        if self.in_transaction {
            self.in_transaction = false;
            // That rows could not be added does not matter any more. And where the connection is gone, so is the
            // transaction.
            let _ = self.connection.here();
            let _ = self.batch("undo what was done in", "ROLLBACK");
        }
    }

    fn move_sequence_past_ids(&mut self, _table: &str) -> Result<()> {
        // An AUTO_INCREMENT column of InnoDB moves past the ids it is given. To set it by hand
        // would take ALTER TABLE, which ends the transaction.
        Ok(())
    }
}

impl Drop for Mysql {
    fn drop(&mut self) {
        self.rollback();
    }
}
