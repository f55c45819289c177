//! What `information_schema` says of tables.

use super::{Mysql, limits};
use crate::database::references::{self, ForeignKey, Trigger};
use crate::database::{Column, Connection, rules};
use crate::error::Result;
use std::collections::HashSet;

/// The names of all tables.
pub(super) fn tables(mysql: &mut Mysql) -> Result<HashSet<String>> {
    let sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = \
               database()";
    Ok(mysql.names(sql, &[])?.into_iter().collect())
}

/// The columns of a table.
pub(super) fn columns(mysql: &mut Mysql, table: &str) -> Result<Vec<Column>> {
    let sql = "SELECT column_name, is_nullable, column_default, extra, data_type, column_type, \
               character_maximum_length, character_octet_length, character_set_name, \
               numeric_precision, numeric_scale FROM information_schema.columns WHERE \
               table_schema = database() AND table_name = ? ORDER BY ordinal_position";
    let zone = mysql.zone.clone();
    let mut columns = Vec::new();
    mysql.query(sql, &[table.into()], &mut |row| {
        columns.extend(limits::column(row, &zone)?);
        Ok(())
    })?;
    Ok(columns)
}

/// The columns of each index that must be unique.
pub(super) fn unique_indexes(mysql: &mut Mysql, table: &str) -> Result<Vec<Vec<String>>> {
    let sql = "SELECT index_name, column_name FROM information_schema.statistics WHERE \
               table_schema = database() AND table_name = ? AND non_unique = 0 ORDER BY \
               index_name, seq_in_index";
    rules::unique_indexes(mysql, sql, &[table.into()])
}

/// The foreign keys of all tables.
pub(super) fn foreign_keys(mysql: &mut Mysql) -> Result<Vec<ForeignKey>> {
    let sql = "SELECT concat(k.table_schema, '.', k.table_name, '.', k.constraint_name), \
               if(k.table_schema = database(), '', k.table_schema), k.table_name, \
               k.column_name, if(k.referenced_table_schema = database(), '', \
               k.referenced_table_schema), k.referenced_table_name, k.referenced_column_name, \
               r.delete_rule, r.update_rule FROM information_schema.key_column_usage k JOIN \
               information_schema.referential_constraints r ON r.constraint_schema = \
               k.constraint_schema AND r.constraint_name = k.constraint_name AND r.table_name = \
               k.table_name WHERE k.referenced_table_name IS NOT NULL ORDER BY k.table_schema, \
               k.table_name, k.constraint_name, k.ordinal_position";
    references::foreign_keys(mysql, sql)
}

/// Triggers.
pub(super) fn triggers(mysql: &mut Mysql) -> Result<Vec<Trigger>> {
    let sql = "SELECT trigger_name, event_object_table FROM information_schema.triggers WHERE \
               event_object_schema = database() ORDER BY event_object_table, trigger_name";
    references::triggers(mysql, sql)
}
