use super::*;
use crate::error::Kind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn database(mode: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data.db");
    let connection = rusqlite::Connection::open(&path).expect("opened");
    connection
        .pragma_update(None, "journal_mode", mode)
        .expect("set");
    connection
        .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
        .expect("made");
    (folder, path)
}

#[test]
fn a_snapshot_neither_sees_writers_nor_makes_them_wait() {
    for mode in ["delete", "wal"] {
        let (folder, path) = database(mode);
        let mut reader = Sqlite::open_to_read(&path, Timeouts::default()).expect("opened");
        let snapshot = reader.begin_snapshot().expect("a snapshot");
        assert!(snapshot.moving.is_empty());
        let writer = rusqlite::Connection::open(&path).expect("opened");
        writer.busy_timeout(Duration::ZERO).expect("set");
        writer.execute("INSERT INTO t VALUES (2)", []).expect(mode);
        let rows = reader.number("SELECT count(*) FROM t", &[]);
        assert_eq!(rows.expect("a number"), 1, "{mode}");
        drop((reader, writer));
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 1, "{mode}: only the database is left");
    }
}

#[test]
fn what_is_committed_in_wal_mode_is_read_also_where_that_was_turned_on_since_the_last_look() {
    let (_folder, path) = database("delete");
    let mut reader = Sqlite::open_to_read(&path, Timeouts::default()).expect("opened");
    let writer = rusqlite::Connection::open(&path).expect("opened");
    writer
        .execute_batch("PRAGMA journal_mode = wal; INSERT INTO t VALUES (2)")
        .expect("written");
    reader.begin_snapshot().expect("a snapshot");
    let rows = reader.number("SELECT count(*) FROM t", &[]);
    assert_eq!(rows.expect("a number"), 2);
}

#[test]
fn a_journal_that_a_killed_writer_left_is_found_where_a_link_leads_to_the_database() {
    let (folder, path) = database("delete");
    // What a writer leaves that is killed: both files as they are in the middle of a transaction.
    let writer = rusqlite::Connection::open(&path).expect("opened");
    writer
        .execute_batch(
            "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; INSERT INTO t WITH RECURSIVE n(i) \
             AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i FROM n",
        )
        .expect("written");
    let left = folder.path().join("left");
    std::fs::create_dir(&left).expect("made");
    for name in ["data.db", "data.db-journal"] {
        std::fs::copy(folder.path().join(name), left.join(name)).expect("copied");
    }
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(left.join("data.db"), &link).expect("made");
    let mut reader = Sqlite::open_to_read(&link, Timeouts::default()).expect("opened");
    reader.begin_snapshot().expect("a snapshot");
    let rows = reader.number("SELECT count(*) FROM t", &[]);
    assert_eq!(rows.expect("a number"), 1);
}

#[test]
fn what_is_not_committed_is_forgotten() {
    let (_folder, path) = database("delete");
    let mut writer = Sqlite::open_to_write(&path, Timeouts::default()).expect("opened");
    writer.begin_write().expect("begun");
    let inserter = writer.inserter("t", &["id".to_owned()]);
    writer
        .insert(inserter.expect("an inserter"), &[Value::Integer(7)])
        .expect("inserted");
    drop(writer);
    let mut reader = Sqlite::open_to_read(&path, Timeouts::default()).expect("opened");
    let rows = reader.number("SELECT count(*) FROM t", &[]);
    assert_eq!(rows.expect("a number"), 1);
}

/// Counts for minutes.
const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \
                    2000000000) SELECT max(i) FROM n";

#[test]
fn a_long_statement_is_stopped_and_nothing_of_its_transaction_is_kept() {
    let (_folder, path) = database("delete");
    let requested = Arc::new(AtomicBool::new(false));
    let mut writer = Sqlite::open_to_write(&path, Timeouts::default()).expect("opened");
    writer.stop_with(&Stop::new(Arc::clone(&requested)));
    writer.begin_write().expect("begun");
    writer
        .execute("INSERT INTO t VALUES (7)", &[])
        .expect("inserted");
    requested.store(true, Ordering::Relaxed);
    let sql = format!("INSERT INTO t {LONG}");
    let error = writer.execute(&sql, &[]).expect_err("it is stopped");
    assert_eq!(error.kind(), Kind::Interrupted, "{error}");
    // It has taken the transaction along: this would be kept.
    let next = writer.execute("INSERT INTO t VALUES (8)", &[]);
    assert_eq!(next.expect_err("stopped").kind(), Kind::Interrupted);
    let error = writer.number(LONG, &[]).expect_err("reading is stopped");
    assert_eq!(error.kind(), Kind::Interrupted, "{error}");
    drop(writer);
    let mut reader = Sqlite::open_to_read(&path, Timeouts::default()).expect("opened");
    let rows = reader.number("SELECT count(*) FROM t", &[]);
    assert_eq!(rows.expect("a number"), 1);
}

#[test]
fn a_snapshot_that_is_stopped_while_it_copies_is_none() {
    let (folder, path) = database("delete");
    let mut reader = Sqlite::open_to_read(&path, Timeouts::default()).expect("opened");
    reader.stop_with(&Stop::new(Arc::new(AtomicBool::new(true))));
    let error = reader.begin_snapshot().expect_err("it is stopped");
    assert_eq!(error.kind(), Kind::Interrupted, "{error}");
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 1, "only the database is left");
}

#[test]
fn nothing_is_stopped_when_stops_are_shut_out() {
    let (_folder, path) = database("delete");
    let requested = Arc::new(AtomicBool::new(false));
    let stop = Stop::new(Arc::clone(&requested));
    let mut writer = Sqlite::open_to_write(&path, Timeouts::default()).expect("opened");
    writer.stop_with(&stop);
    writer.begin_write().expect("begun");
    stop.shut_out().expect("nobody asked");
    requested.store(true, Ordering::Relaxed);
    // Several glances long.
    let sql = format!("INSERT INTO t {}", LONG.replace("2000000000", "2000000"));
    writer.execute(&sql, &[]).expect("inserted");
    writer.commit().expect("committed");
    assert_eq!(writer.count("t").expect("a number"), 2);
}
