//! The tables of a project's database, where that is SQLite.

use rusqlite::Connection;
use rusqlite::types::Value;

/// The names of all tables, sorted.
pub fn table_names(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    let mut statement = connection.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

/// All rows of a table, in the order in which they were added.
pub fn rows(connection: &Connection, table: &str) -> Vec<Vec<Value>> {
    let sql = format!("SELECT * FROM \"{table}\" ORDER BY rowid");
    let mut statement = connection.prepare(&sql).unwrap();
    let columns = statement.column_count();
    let rows = statement
        .query_map([], |row| {
            (0..columns).map(|column| row.get(column)).collect()
        })
        .unwrap();
    rows.map(Result::unwrap).collect()
}
