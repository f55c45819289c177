//! What PostgreSQL's own catalogue says of tables.

use super::{Postgres, limits};
use crate::database::references::{self, ForeignKey, Heir, Trigger};
use crate::database::{Column, Connection, rules};
use crate::error::Result;
use std::collections::HashSet;

/// The names of all tables that are found without their schema.
pub(super) fn tables(postgres: &mut Postgres) -> Result<HashSet<String>> {
    let sql = "SELECT relname::text FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'v', 'm', \
         'f') AND relnamespace <> 'pg_catalog'::regnamespace AND \
         pg_catalog.pg_table_is_visible(oid)";
    Ok(postgres.names(sql, &[])?.into_iter().collect())
}

/// The columns of a table.
pub(super) fn columns(postgres: &mut Postgres, table: &str) -> Result<Vec<Column>> {
    let name = postgres.quote(table);
    let mut columns = Vec::new();
    // Only tables have rules: a view hands its rows on, and another server looks at its own.
    postgres.query(
        "SELECT a.attname::text, NOT a.attnotnull, a.attidentity <> '' OR own.relkind NOT IN \
         ('r', 'p'), a.atthasdef OR t.typtype = 'd', CASE WHEN own.relkind IN ('r', 'p') AND \
         t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname::text ELSE '' END, \
         a.atttypmod, a.attgenerated <> '' FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class own ON own.oid = \
         a.attrelid JOIN pg_catalog.pg_type t ON t.oid = a.atttypid WHERE a.attrelid = \
         to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        &[name.as_str().into()],
        &mut |row| {
            let is =
                |column: usize| -> Result<bool> { Ok(row.value(column)?.as_i64() == Some(1)) };
            let (nullable, lenient, default) = (is(1)?, is(2)?, is(3)?);
            let computed = is(6)?;
            let modifier = row.value(5)?.as_i64().unwrap_or(-1);
            let holds = limits::holds(row.value(4)?.as_str().unwrap_or_default(), modifier);
            columns.extend(row.value(0)?.as_str().map(|name| Column {
                name: name.to_owned(),
                nullable,
                may_be_given_null: nullable || lenient,
                may_be_left_out: nullable || lenient || default,
                is_computed: computed,
                holds,
            }));
            Ok(())
        },
    )?;
    Ok(columns)
}

/// The columns of each index that must be unique.
pub(super) fn unique_indexes(postgres: &mut Postgres, table: &str) -> Result<Vec<Vec<String>>> {
    let name = postgres.quote(table);
    let sql = "SELECT i.indexrelid::text, a.attname::text FROM pg_catalog.pg_index i CROSS JOIN \
               LATERAL unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS \
               part(attnum, place) JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND \
               a.attnum = part.attnum WHERE i.indrelid = to_regclass(?) AND i.indisunique AND \
               i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL ORDER BY i.indexrelid, \
               part.place";
    rules::unique_indexes(postgres, sql, &[name.as_str().into()])
}

/// The foreign keys of all tables.
pub(super) fn foreign_keys(postgres: &mut Postgres) -> Result<Vec<ForeignKey>> {
    // Keys with a parent are those of partitions; the partitioned table has the same.
    let sql = "SELECT k.oid::text, CASE WHEN pg_catalog.pg_table_is_visible(t.oid) THEN '' ELSE \
               tn.nspname::text END, t.relname::text, tc.attname::text, CASE WHEN \
               pg_catalog.pg_table_is_visible(r.oid) THEN '' ELSE rn.nspname::text END, \
               r.relname::text, rc.attname::text, k.confdeltype::text, k.confupdtype::text FROM \
               pg_catalog.pg_constraint k JOIN pg_catalog.pg_class t ON t.oid = k.conrelid JOIN \
               pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace JOIN pg_catalog.pg_class r \
               ON r.oid = k.confrelid JOIN pg_catalog.pg_namespace rn ON rn.oid = \
               r.relnamespace CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS \
               pair(mine, theirs, place) JOIN pg_catalog.pg_attribute tc ON tc.attrelid = t.oid \
               AND tc.attnum = pair.mine JOIN pg_catalog.pg_attribute rc ON rc.attrelid = r.oid \
               AND rc.attnum = pair.theirs WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY \
               k.oid, pair.place";
    references::foreign_keys(postgres, sql)
}

/// Triggers and rules.
pub(super) fn triggers(postgres: &mut Postgres) -> Result<Vec<Trigger>> {
    let sql = "SELECT made.tgname::text, t.relname::text FROM pg_catalog.pg_trigger made JOIN \
               pg_catalog.pg_class t ON t.oid = made.tgrelid WHERE NOT made.tgisinternal AND \
               made.tgenabled <> 'D' AND pg_catalog.pg_table_is_visible(t.oid) ORDER BY 2, 1";
    let mut triggers = references::triggers(postgres, sql)?;
    // That of a view says what it shows.
    let sql = "SELECT made.rulename::text, t.relname::text FROM pg_catalog.pg_rewrite made JOIN \
               pg_catalog.pg_class t ON t.oid = made.ev_class WHERE made.ev_type <> '1' AND \
               made.ev_enabled <> 'D' AND t.relnamespace <> 'pg_catalog'::regnamespace AND \
               pg_catalog.pg_table_is_visible(t.oid) ORDER BY 2, 1";
    let rules = references::triggers(postgres, sql)?.into_iter();
    triggers.extend(rules.map(|rule| Trigger {
        is_rule: true,
        ..rule
    }));
    Ok(triggers)
}

/// The tables that inherit from others.
pub(super) fn heirs(postgres: &mut Postgres) -> Result<Vec<Heir>> {
    let sql = "SELECT CASE WHEN pg_catalog.pg_table_is_visible(t.oid) THEN '' ELSE n.nspname::text \
               END, t.relname::text, p.relname::text FROM pg_catalog.pg_inherits i JOIN \
               pg_catalog.pg_class t ON t.oid = i.inhrelid JOIN pg_catalog.pg_namespace n ON \
               n.oid = t.relnamespace JOIN pg_catalog.pg_class p ON p.oid = i.inhparent WHERE \
               p.relkind = 'r' AND pg_catalog.pg_table_is_visible(p.oid) ORDER BY 3, 1, 2";
    references::heirs(postgres, sql)
}
