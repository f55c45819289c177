//! Indexes and foreign keys that are away while many rows are added to tables that were emptied.
//!
//! Keeping them row by row takes the server more time than the rows do. They go, and come back as they were, within the
//! transaction that empties the tables; if that is undone, so is this. What can refuse a row by itself (what must be
//! unique, checks) stays, and so does all that `pg_get_indexdef` and `pg_get_constraintdef` do not tell of. Tables with
//! triggers that wait for the end of the transaction are left alone: with events that wait they cannot be changed.
//!
//! It takes locks that even readers wait for, so it is done only where nobody else is connected to the database.

use super::Postgres;
use super::explain::explain;
use crate::database::Connection;
use crate::database::stop::is_asked;
use crate::error::Result;
use std::collections::{BTreeSet, HashMap};

/// From how many new rows on this is worth the while.
const MANY: u64 = 5000;

/// Indexes that come back as they were. `?` is their table.
const INDEXES: &str = "SELECT x.oid::regclass::text, pg_get_indexdef(x.oid) FROM pg_catalog.pg_index i JOIN \
    pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_class t ON t.oid = i.indrelid WHERE i.indrelid = \
    to_regclass(?) AND NOT (i.indisunique OR i.indisprimary OR i.indisexclusion OR i.indisclustered OR \
    i.indisreplident) AND i.indisvalid AND i.indisready AND i.indexprs IS NULL AND i.indpred IS NULL AND x.reltablespace = \
    0 AND t.relkind = 'r' AND NOT t.relispartition AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE t.oid IN \
    (h.inhrelid, h.inhparent)) AND NOT EXISTS (SELECT FROM pg_catalog.pg_description d WHERE d.objoid = x.oid AND \
    d.classoid = 'pg_catalog.pg_class'::regclass) AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refobjid = \
    x.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass OR d.objid = x.oid AND d.classid = \
    'pg_catalog.pg_class'::regclass AND d.deptype IN ('e', 'x')) AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE \
    g.tgrelid = t.oid AND g.tgdeferrable) AND \
    pg_catalog.pg_has_role(t.relowner, 'USAGE') AND pg_catalog.has_schema_privilege(t.relnamespace, 'CREATE') ORDER BY \
    x.oid";

/// Foreign keys to primary keys that come back as they were, with the table that they refer to. `?` is their own.
const KEYS: &str = "SELECT quote_ident(k.conname), pg_get_constraintdef(k.oid), k.confrelid::regclass::text \
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class t ON t.oid = k.conrelid JOIN pg_catalog.pg_class r ON r.oid = \
    k.confrelid WHERE k.conrelid = to_regclass(?) AND k.contype = 'f' AND k.convalidated AND k.conparentid = 0 AND \
    k.conislocal AND k.coninhcount = 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = t.oid AND \
    g.tgdeferrable) AND t.relkind = 'r' AND r.relkind = 'r' AND EXISTS \
    (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = k.conindid AND i.indisprimary) AND NOT \
    t.relispartition AND NOT r.relispartition AND NOT EXISTS (SELECT FROM \
    pg_catalog.pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O') AND NOT EXISTS (SELECT FROM \
    pg_catalog.pg_inherits h WHERE t.oid IN (h.inhrelid, h.inhparent) OR r.oid IN (h.inhrelid, h.inhparent)) AND NOT \
    EXISTS (SELECT FROM pg_catalog.pg_description d WHERE d.objoid = k.oid AND d.classoid = \
    'pg_catalog.pg_constraint'::regclass) AND pg_catalog.pg_has_role(t.relowner, 'USAGE') AND \
    pg_catalog.pg_has_role(r.relowner, 'USAGE') AND pg_catalog.has_table_privilege(r.oid, 'SELECT') AND \
    pg_catalog.has_table_privilege(r.oid, 'REFERENCES') AND \
    pg_catalog.has_table_privilege(t.oid, 'SELECT') ORDER BY k.oid";

/// What a transaction emptied, and what it took away for that.
#[derive(Default)]
pub(super) struct Aside {
    /// Tables that were emptied, with the rows that were added to each.
    emptied: HashMap<String, u64>,
    /// Whether nobody else is there, once that was asked.
    is_alone: Option<bool>,
    indexes: Vec<Away>,
    keys: Vec<Away>,
}

/// What is away.
struct Away {
    table: String,
    /// The statement that brings it back.
    back: String,
}

impl Aside {
    /// All rows of the table were deleted.
    pub fn emptied(&mut self, table: &str) {
        self.emptied.insert(table.to_owned(), 0);
    }

    /// So many rows are about to be added. Says whether that makes many for the first time.
    fn adding(&mut self, table: &str, rows: usize) -> bool {
        let Some(added) = self.emptied.get_mut(table) else {
            return false;
        };
        let before = *added;
        *added += rows as u64;
        before < MANY && *added >= MANY
    }
}

/// Makes way for so many rows that are about to be added to the table, if it was emptied before.
///
/// # Errors
/// The connection is lost, or the run is to stop.
pub(super) fn make_way(postgres: &mut Postgres, table: &str, rows: usize) -> Result<()> {
    if !postgres.aside.adding(table, rows) || !is_alone(postgres)? {
        return Ok(());
    }
    let name = postgres.quote(table);
    let mut indexes = Vec::new();
    let mut drops = Vec::new();
    let mut locked = BTreeSet::from([name.clone()]);
    postgres.query(INDEXES, &[name.as_str().into()], &mut |row| {
        let (index, back) = (row.value(0)?, row.value(1)?);
        if let Some((index, back)) = index.as_str().zip(back.as_str()) {
            drops.push(format!("DROP INDEX {index}"));
            indexes.push(Away::new(table, back.to_owned()));
        }
        Ok(())
    })?;
    let mut keys = Vec::new();
    postgres.query(KEYS, &[name.as_str().into()], &mut |row| {
        let values = [row.value(0)?, row.value(1)?, row.value(2)?];
        if let [Some(key), Some(rule), Some(to)] = std::array::from_fn(|at| values[at].as_str()) {
            locked.insert(to.to_owned());
            drops.push(format!("ALTER TABLE {name} DROP CONSTRAINT {key}"));
            let back = format!("ALTER TABLE {name} ADD CONSTRAINT {key} {rule}");
            keys.push(Away::new(table, back));
        }
        Ok(())
    })?;
    if drops.is_empty() {
        return Ok(());
    }
    let locked = Vec::from_iter(locked).join(", ");
    let sql = format!(
        "SAVEPOINT aside; LOCK TABLE {locked} IN ACCESS EXCLUSIVE MODE NOWAIT; {}; RELEASE aside",
        drops.join("; ")
    );
    match postgres.client.here()?.batch_execute(&sql) {
        Ok(()) => {
            postgres.aside.indexes.extend(indexes);
            postgres.aside.keys.extend(keys);
            Ok(())
        }
        Err(error) if is_asked(&postgres.watch) => {
            Err(explain(&postgres.target, true, "write to", error))
        }
        // Somebody has come, or it is not to be: the rows take longer, then.
        Err(_) => postgres.batch("write to", "ROLLBACK TO SAVEPOINT aside; RELEASE aside"),
    }
}

/// Brings everything back.
///
/// # Errors
/// A row refers to one that is not there; the server's disk is full; the connection is lost.
pub(super) fn bring_back(postgres: &mut Postgres) -> Result<()> {
    let Aside { indexes, keys, .. } = std::mem::take(&mut postgres.aside);
    if indexes.is_empty() && keys.is_empty() {
        return Ok(());
    }
    // What has no tablespace of its own is in that of the database.
    postgres.batch("write to", "SET LOCAL default_tablespace = ''")?;
    // Indexes first: they help to see that the keys hold.
    for Away { table, back } in indexes.into_iter().chain(keys) {
        let action = format!("bring back an index or a foreign key of {table} in");
        postgres.batch(&action, &back)?;
    }
    Ok(())
}

impl Away {
    fn new(table: &str, back: String) -> Self {
        let table = table.to_owned();
        Self { table, back }
    }
}

/// Whether nobody else is connected, and nobody watches what is done to tables and indexes.
fn is_alone(postgres: &mut Postgres) -> Result<bool> {
    if let Some(is_alone) = postgres.aside.is_alone {
        return Ok(is_alone);
    }
    let watchers = "SELECT count(*) FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D'";
    let is_alone = postgres.others()?.is_empty() && postgres.number(watchers, &[])? == 0;
    postgres.aside.is_alone = Some(is_alone);
    Ok(is_alone)
}
