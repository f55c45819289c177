//! PostgreSQL, from version 12.

mod aside;
mod catalogue;
mod copy;
mod explain;
mod limits;
mod load;
mod locks;
mod session;
mod values;

use super::inserter::{Inserter, Prepared};
use super::lent::Lent;
use super::pending_rows::{Batch, PendingRows, ROWS};
use super::references::{self, ForeignKey, Heir, Trigger};
use super::settings::ServerSettings;
use super::stop::{Watch, ask, is_asked, stop_of};
use super::{Column, Connection, LockMode, Locking, Row, Snapshot, Stop, Timeouts, Value};
use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use aside::Aside;
use explain::explain;
use jiff::tz::TimeZone;
use load::load;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use postgres::{CancelToken, Client, NoTls, Statement};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;
use values::Parameter;

/// How long a statement that writes waits for a lock, unless the caller says it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// A database on a PostgreSQL server.
pub struct Postgres {
    client: Lent<Client>,
    /// Stops the statement that runs.
    cancel: CancelToken,
    effort: Effort,
    target: String,
    /// The zone that columns without a zone are in.
    zone: TimeZone,
    /// Statements with parameters; those come back, others do not.
    statements: HashMap<String, Statement>,
    pending: PendingRows,
    aside: Aside,
    in_transaction: bool,
    timeouts: Timeouts,
    /// What the connection is encrypted with, if it is.
    connector: Option<MakeRustlsConnect>,
    watch: Option<Watch>,
}

impl Postgres {
    /// Connects. `zone` is the time zone that the project's Strapi runs in: it stores the time of
    /// day there.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses the user.
    pub fn connect(settings: &ServerSettings, zone: TimeZone, timeouts: Timeouts) -> Result<Self> {
        let target = settings.target("postgres");
        let (client, connector) = session::open(settings, timeouts, &target)?;
        Ok(Self {
            cancel: client.cancel_token(),
            client: Lent::new(client),
            effort: Effort::default(),
            target,
            zone,
            statements: HashMap::new(),
            pending: PendingRows::default(),
            aside: Aside::default(),
            in_transaction: false,
            timeouts,
            connector,
            watch: None,
        })
    }

    fn statement(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let client = self.client.here()?;
        let statement = client
            .prepare(&numbered(sql))
            .map_err(|error| explain(&self.target, is_asked(&self.watch), "read from", error))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn execute_prepared(
        &mut self,
        statement: &Statement,
        parameters: &[Value<'_>],
    ) -> Result<Result<u64, postgres::Error>> {
        let parameters: Vec<Parameter<'_>> = parameters
            .iter()
            .map(|value| Parameter(value, &self.zone))
            .collect();
        let parameters: Vec<&(dyn ToSql + Sync)> =
            parameters.iter().map(|parameter| parameter as _).collect();
        Ok(self.client.here()?.execute(statement, &parameters))
    }

    /// Takes the rows that wait, to send them.
    fn take_rows(&mut self) -> Result<Vec<Batch>> {
        let batches = self.pending.take();
        for batch in &batches {
            aside::make_way(self, &batch.insert.table, batch.rows.len())?;
        }
        Ok(batches)
    }

    fn batch(&mut self, action: &str, sql: &str) -> Result<()> {
        let _question = ask(&self.watch, &self.target, sql);
        self.client
            .here()?
            .batch_execute(sql)
            .map_err(|error| explain(&self.target, is_asked(&self.watch), action, error))
    }
}

/// Writes `?` as `$1`, `$2` and so on, but not in names and texts.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 8);
    let mut quote = None;
    let mut count = 0;
    for letter in sql.chars() {
        match (letter, quote) {
            ('?', None) => {
                count += 1;
                out.push_str(&format!("${count}"));
                continue;
            }
            ('\'' | '"', None) => quote = Some(letter),
            (_, Some(open)) if open == letter => quote = None,
            _ => {}
        }
        out.push(letter);
    }
    out
}

struct PostgresRow<'a> {
    row: postgres::Row,
    target: &'a str,
    zone: &'a TimeZone,
}

impl Row for PostgresRow<'_> {
    fn value(&self, column: usize) -> Result<Value<'_>> {
        let raw: Option<values::Raw<'_>> = self
            .row
            .try_get(column)
            .map_err(|error| explain(self.target, false, "read a column of", error))?;
        let (Some(raw), Some(about)) = (raw, self.row.columns().get(column)) else {
            return Ok(Value::Null);
        };
        values::decode(about.type_(), raw.0, self.zone).map_err(|why| {
            Error::failed(format!("column {} in {}: {why}", about.name(), self.target))
        })
    }
}

impl Connection for Postgres {
    fn target(&self) -> &str {
        &self.target
    }

    fn measure(&mut self, effort: &Effort) {
        self.effort = effort.clone();
    }

    fn stop_with(&mut self, stop: &Stop) {
        let token = self.cancel.clone();
        let connector = self.connector.clone();
        self.watch = Watch::start(stop, move || {
            // Where the server does not hear it, the next one may be heard.
            let _ = match connector.clone() {
                Some(connector) => token.cancel_query(connector),
                None => token.cancel_query(NoTls),
            };
        });
    }

    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn place_of_rows(&self) -> Option<&'static str> {
        Some("ctid")
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

    fn heirs(&mut self) -> Result<Vec<Heir>> {
        catalogue::heirs(self)
    }

    fn see_all_rows(&mut self) -> Result<()> {
        self.batch("set up the connection to", "SET row_security = off")
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
        let question = ask(&self.watch, &self.target, sql);
        let rows = if parameters.is_empty() {
            let client = self.client.here()?;
            client.query_raw(sql, Vec::<Parameter<'_>>::new())
        } else {
            let statement = self.statement(sql)?;
            self.client.here()?.query_raw(
                &statement,
                parameters.iter().map(|it| Parameter(it, &self.zone)),
            )
        };
        let fail = |error| explain(&self.target, is_asked(&self.watch), "read from", error);
        let mut rows = rows.map_err(fail)?;
        let mut next = rows.next().map_err(fail)?;
        drop(question);
        while let Some(row) = next {
            watch.pause(|| {
                each(&PostgresRow {
                    row,
                    target: &self.target,
                    zone: &self.zone,
                })
            })?;
            next = rows.next().map_err(fail)?;
        }
        Ok(())
    }

    fn execute(&mut self, sql: &str, parameters: &[Value<'_>]) -> Result<u64> {
        self.flush()?;
        let _question = ask(&self.watch, &self.target, sql);
        let changed = if parameters.is_empty() {
            self.client.here()?.execute(sql, &[])
        } else {
            let statement = self.statement(sql)?;
            self.execute_prepared(&statement, parameters)?
        };
        changed.map_err(|error| explain(&self.target, is_asked(&self.watch), "write to", error))
    }

    fn inserter(&mut self, table: &str, columns: &[String]) -> Result<Inserter> {
        let insert = Prepared::new(self, table, columns, |place| {
            format!("COPY {place} FROM STDIN")
        });
        self.pending.inserts.add(insert)
    }

    fn insert(&mut self, inserter: Inserter, values: &[Value<'_>]) -> Result<()> {
        let zone = &self.zone;
        self.pending.add(inserter, values, |out, row| {
            copy::write_row(out, row, zone);
        })
    }

    fn flush_if_full(&mut self) -> Result<()> {
        if !self.pending.is_full() {
            return Ok(());
        }
        let batches = self.take_rows()?;
        // That those before are added.
        let _question = ask(&self.watch, &self.target, ROWS);
        let (target, stop) = (self.target.clone(), stop_of(&self.watch));
        self.client
            .lend(move |client| load(client, &batches, &target, &stop))
    }

    fn flush(&mut self) -> Result<()> {
        let batches = self.take_rows()?;
        let _question = ask(&self.watch, &self.target, ROWS);
        let client = self.client.here()?;
        load(client, &batches, &self.target, &stop_of(&self.watch))
    }

    fn refusal(&self, value: &Value<'_>) -> Option<&'static str> {
        copy::refusal(value)
    }

    fn check_rights(&mut self, table: &str) -> Result<()> {
        let quoted = self.quote(table);
        // By what the server says: statements without rows set off triggers here.
        let sql = "SELECT string_agg(needed, ', ' ORDER BY needed) FROM (SELECT needed FROM unnest(ARRAY['SELECT', 'INSERT', \
                   'UPDATE', 'DELETE']) needed WHERE NOT has_table_privilege(to_regclass(?), needed) UNION ALL SELECT 'UPDATE on \
                   ' || own.seq FROM (SELECT pg_get_serial_sequence(?, 'id') AS seq FROM pg_catalog.pg_attribute WHERE attrelid = \
                   to_regclass(?) AND attname = 'id') own WHERE NOT has_sequence_privilege(own.seq, 'UPDATE')) missing (needed)";
        let name = quoted.as_str();
        let missing = self.names(sql, &[name.into(), name.into(), name.into()])?;
        match missing.first() {
            None => Ok(()),
            Some(missing) => Err(Error::failed(format!(
                "the user lacks {missing} on {table} in {}",
                self.target
            ))
            .hint("give the user the permission (GRANT), or connect as one who has it")),
        }
    }

    fn empty(&mut self, table: &str) -> Result<()> {
        let name = table;
        let table = self.quote(table);
        // A row that somebody adds while the restore runs would be left beside the archive's.
        self.execute(
            &format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"),
            &[],
        )?;
        self.execute(&format!("DELETE FROM {table}"), &[])?;
        self.aside.emptied(name);
        Ok(())
    }

    fn update_row(
        &mut self,
        table: &str,
        columns: &[String],
        id: i64,
        values: &[Value<'_>],
    ) -> Result<()> {
        let sql = references::update_of_row(self, table, columns);
        let statement = self.statement(&sql)?;
        let parameters: Vec<Value<'_>> = values.iter().cloned().chain([id.into()]).collect();
        self.execute_prepared(&statement, &parameters)?
            .map(drop)
            .map_err(|error| {
                let action = format!("change row {id} of {table} in");
                explain(&self.target, is_asked(&self.watch), &action, error)
            })
    }

    fn hold(&mut self, table: &str) -> Result<()> {
        let table = self.quote(table);
        // Who refers to a row locks it, and so the table, in a mode that this one keeps out.
        self.execute(&format!("LOCK TABLE {table} IN EXCLUSIVE MODE"), &[])?;
        Ok(())
    }

    fn hold_ids(&mut self, table: &str, each: &mut dyn FnMut(i64)) -> Result<()> {
        self.hold(table)?;
        let table = self.quote(table);
        self.query(&format!("SELECT id FROM {table}"), &[], &mut |row| {
            row.value(0)?.as_i64().into_iter().for_each(&mut *each);
            Ok(())
        })
    }

    fn lock(&mut self, name: &str, mode: LockMode, patience: Duration) -> Result<Locking> {
        locks::lock(self, name, mode, patience).map(|()| Locking::Held)
    }

    fn others(&mut self) -> Result<Vec<String>> {
        locks::others(self)
    }

    fn check_writable(&mut self) -> Result<()> {
        let mut is_replica = false;
        self.query("SELECT pg_is_in_recovery()::int", &[], &mut |row| {
            is_replica = row.value(0)?.as_i64() == Some(1);
            Ok(())
        })?;
        if is_replica {
            return Err(
                Error::failed(format!("{} is a replica, which is read-only", self.target))
                    .hint("name its primary server"),
            );
        }
        Ok(())
    }

    fn begin_snapshot(&mut self) -> Result<Snapshot> {
        self.in_transaction = true;
        self.batch(
            "start reading",
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        )?;
        // PostgreSQL takes the snapshot with the first query, not with BEGIN.
        self.number("SELECT 1", &[])?;
        Ok(Snapshot::default())
    }

    fn begin_write(&mut self) -> Result<()> {
        self.in_transaction = true;
        let wait = self.timeouts.lock().unwrap_or(LOCK_TIMEOUT);
        let sql = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = {}",
            session::lock_timeout(wait)
        );
        self.batch("start writing to", &sql)
    }

    fn complete(&mut self) -> Result<()> {
        self.flush()?;
        aside::bring_back(self)
    }

    fn commit(&mut self) -> Result<()> {
        self.complete()?;
        self.in_transaction = false;
        self.batch("finish writing to", "COMMIT")
    }

    fn rollback(&mut self) {
        self.pending.take();
        self.aside = Aside::default();
        if self.in_transaction {
            self.in_transaction = false;
            // That rows could not be added does not matter any more. And where the connection is gone, so is the
            // transaction.
            let _ = self.client.here();
            let _ = self.batch("undo what was done in", "ROLLBACK");
        }
    }

    fn move_sequence_past_ids(&mut self, table: &str) -> Result<()> {
        let table = self.quote(table);
        // Never down: what a sequence was set to stays when a transaction is rolled back. And it begins at
        // 1, wherever the ids do.
        let sql = format!(
            "SELECT setval(seq, top) FROM (SELECT seq, greatest((SELECT max(id) FROM {table}), \
             pg_sequence_last_value(seq)) AS top FROM (SELECT pg_get_serial_sequence(?, \
             'id')::regclass AS seq) owned) found WHERE seq IS NOT NULL AND top > 0"
        );
        self.query(&sql, &[table.as_str().into()], &mut |_| Ok(()))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.rollback();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_placeholders_are_numbered() {
        assert_eq!(
            numbered("SELECT '?', \"a?\"\"?\" FROM t WHERE a = ? AND b = ?"),
            "SELECT '?', \"a?\"\"?\" FROM t WHERE a = $1 AND b = $2"
        );
    }
}
