//! How transactions get on with what others do, through the connection alone.

use std::time::{Duration, Instant};

use crate::support::cli::{Project, run};
use crate::support::databases::{Database, Server, on_each_server};
use jiff::tz::TimeZone;
use strapi_backup::database::{Connection, Mysql, Postgres, Timeouts};

on_each_server!(
    a_lock_is_waited_for_as_long_as_it_is_said,
    a_snapshot_is_of_one_moment,
);

/// A connection that waits so long for locks.
fn connect(database: &Database, lock: Option<Duration>) -> Box<dyn Connection> {
    let settings = database.server.settings(&database.name);
    let timeouts = Timeouts {
        lock,
        ..Timeouts::default()
    };
    match database.server {
        Server::Postgres => {
            Box::new(Postgres::connect(&settings, TimeZone::UTC, timeouts).unwrap())
        }
        Server::Mysql => Box::new(Mysql::connect(&settings, TimeZone::UTC, timeouts).unwrap()),
    }
}

fn a_lock_is_waited_for_as_long_as_it_is_said(server: Server) {
    let database = server.database();
    database.sql([
        "CREATE TABLE t (id int PRIMARY KEY)",
        "INSERT INTO t VALUES (1)",
    ]);
    let mut other = database.connect();
    other.begin_write().unwrap();
    other.execute("UPDATE t SET id = 2", &[]).unwrap();
    for (wait, least) in [(0, 0), (1000, 1000)] {
        let mut connection = connect(&database, Some(Duration::from_millis(wait)));
        connection.begin_write().unwrap();
        let began = Instant::now();
        let error = connection.empty("t").unwrap_err();
        let waited = began.elapsed();
        // The default is 30 seconds.
        let expected = Duration::from_millis(least)..Duration::from_secs(20);
        assert!(expected.contains(&waited), "{waited:?}");
        let advice = error.advice().unwrap();
        assert!(advice.contains("another program is using"), "{error:?}");
    }
    // The largest there is means something to the server as well.
    connect(&database, Some(Duration::MAX))
        .begin_write()
        .unwrap();
}

#[test]
fn the_environment_says_how_long_to_wait() {
    let project = Project::testdata();
    let strapi = project.connect();
    strapi.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let export = |seconds: &str| {
        let arguments = ["--no-encrypt", "-f", "site"];
        let mut command = project.command("export", arguments);
        run(command.env("BACKUP_DATABASE_TIMEOUT", seconds))
    };
    let began = Instant::now();
    export("0.1").ends_with(1).says(["database is locked"]);
    // The default is 5 seconds, and an export asks more than once.
    assert!(began.elapsed() < Duration::from_secs(5));
    export("soon").ends_with(2).says([
        "BACKUP_DATABASE_TIMEOUT",
        "`soon`",
        "not a number of seconds",
    ]);
    strapi.execute_batch("ROLLBACK").unwrap();
    export("0").ends_with(0);
}

fn a_snapshot_is_of_one_moment(server: Server) {
    let database = server.database();
    let engine = server.pick("", "ENGINE = InnoDB");
    database.sql([
        format!("CREATE TABLE t (id int PRIMARY KEY) {engine}"),
        "CREATE VIEW v AS SELECT * FROM t".to_owned(),
    ]);
    let mut connection = database.connect();
    let snapshot = connection.begin_snapshot().unwrap();
    assert!(snapshot.moving.is_empty(), "{snapshot:?}");
    database.sql(["INSERT INTO t VALUES (1)"]);
    assert_eq!(connection.count("t").unwrap(), 0);
}

#[test]
fn tables_without_transactions_are_named_before_they_are_read_and_refused_before_they_are_written()
{
    let server = Server::Mysql;
    if !server.is_there() {
        return;
    }
    let database = server.database();
    database.sql([
        "CREATE TABLE safe (id int PRIMARY KEY) ENGINE = InnoDB",
        "CREATE TABLE b (id int PRIMARY KEY) ENGINE = MyISAM",
        "CREATE TABLE a (id int PRIMARY KEY) ENGINE = Aria",
    ]);
    let mut connection = database.connect();
    let snapshot = connection.begin_snapshot().unwrap();
    assert!(!snapshot.moving.is_empty());
    assert_eq!(snapshot.moving, ["a", "b"]);
    database.sql(["INSERT INTO b VALUES (1)"]);
    assert_eq!(connection.count("b").unwrap(), 1, "it is seen at once");
    connection.rollback();

    connection.begin_write().unwrap();
    let columns = ["id".to_owned()];
    connection.inserter("safe", &columns).unwrap();
    let error = connection.inserter("b", &columns).unwrap_err();
    let advice = error.advice().unwrap();
    assert!(error.to_string().contains("the table b of"), "{error}");
    assert!(
        advice.contains("ALTER TABLE `b` ENGINE = InnoDB"),
        "{advice}"
    );
    connection.rollback();

    // An inserter from before the engines were looked at does not get past it either.
    let mut connection = database.connect();
    connection.inserter("b", &columns).unwrap();
    let error = connection.begin_write().unwrap_err();
    assert!(error.to_string().contains("the table b of"), "{error}");
}
