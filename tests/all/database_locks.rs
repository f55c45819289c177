//! Named locks of servers: who is let in beside whom, and until when.

use std::time::{Duration, Instant};

use crate::support::databases::{Database, Server, on_each_server};
use strapi_backup::database::LockMode::{Exclusive, Shared};
use strapi_backup::database::{Connection, LockMode, Locking, Sqlite, Timeouts};
use strapi_backup::error::{Error, Kind};

on_each_server!(
    those_that_share_a_lock_hold_it_together,
    an_exclusive_lock_is_held_alone,
    a_refused_lock_leaves_the_connection_as_it_was,
    a_lock_is_free_when_its_connection_ends,
    a_lock_outlives_transactions,
    a_lock_is_waited_for_with_patience_and_no_longer,
    other_names_and_databases_have_locks_of_their_own,
    who_holds_a_lock_is_named,
);

const NAME: &str = "a name: as long as anybody likes, with 'quotes' and ?, and \u{1f389}";
/// Longer than it takes the server to notice that a connection is gone.
const LONG: Duration = Duration::from_secs(60);

fn lock(connection: &mut Box<dyn Connection>, mode: LockMode) -> Result<Locking, Error> {
    connection.lock(NAME, mode, Duration::ZERO)
}

/// A connection that holds the lock.
fn holder(database: &Database, mode: LockMode) -> Box<dyn Connection> {
    let mut connection = database.connect();
    assert_eq!(lock(&mut connection, mode).unwrap(), Locking::Held);
    connection
}

#[track_caller]
fn assert_refused(connection: &mut Box<dyn Connection>, mode: LockMode) {
    let error = lock(connection, mode).unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    assert!(error.to_string().contains(connection.target()), "{error}");
    assert!(error.advice().unwrap().contains("wait until"), "{error:?}");
}

fn those_that_share_a_lock_hold_it_together(server: Server) {
    let database = server.database();
    let _holders = [(); 3].map(|()| holder(&database, Shared));
}

fn an_exclusive_lock_is_held_alone(server: Server) {
    for (held, refused) in [
        (Shared, Exclusive),
        (Exclusive, Shared),
        (Exclusive, Exclusive),
    ] {
        let database = server.database();
        let _holder = holder(&database, held);
        assert_refused(&mut database.connect(), refused);
    }
}

fn a_refused_lock_leaves_the_connection_as_it_was(server: Server) {
    let database = server.database();
    let mut first = holder(&database, Shared);
    let mut second = holder(&database, Shared);
    // Neither can have it alone, and trying takes nothing away from those who share it.
    assert_refused(&mut first, Exclusive);
    assert_refused(&mut second, Exclusive);
    let third = holder(&database, Shared);
    drop((second, third));
    let taken = first.lock(NAME, Exclusive, LONG);
    assert_eq!(taken.unwrap(), Locking::Held);
    assert_refused(&mut database.connect(), Shared);
}

fn a_lock_is_free_when_its_connection_ends(server: Server) {
    for (held, wanted) in [
        (Shared, Exclusive),
        (Exclusive, Shared),
        (Exclusive, Exclusive),
    ] {
        let database = server.database();
        drop(holder(&database, held));
        // The server may take a moment to see that the connection is gone.
        let taken = database.connect().lock(NAME, wanted, LONG);
        assert_eq!(taken.unwrap(), Locking::Held);
    }
}

fn a_lock_outlives_transactions(server: Server) {
    let database = server.database();
    database.sql(["CREATE TABLE t (id int PRIMARY KEY)"]);
    let mut holder = holder(&database, Exclusive);
    let mut other = database.connect();
    holder.begin_write().unwrap();
    holder.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    holder.commit().unwrap();
    assert_refused(&mut other, Shared);
    holder.begin_write().unwrap();
    holder.execute("INSERT INTO t VALUES (1)", &[]).unwrap_err();
    holder.rollback();
    assert_refused(&mut other, Shared);
}

fn a_lock_is_waited_for_with_patience_and_no_longer(server: Server) {
    let database = server.database();
    let holder = holder(&database, Exclusive);
    let mut waiting = database.connect();
    let patience = Duration::from_millis(250);
    let began = Instant::now();
    let error = waiting.lock(NAME, Shared, patience).unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    let waited = began.elapsed();
    assert!((patience..LONG / 2).contains(&waited), "{waited:?}");

    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| waiting.lock(NAME, Shared, LONG));
        drop(holder);
        assert_eq!(waiter.join().unwrap().unwrap(), Locking::Held);
    });
}

fn other_names_and_databases_have_locks_of_their_own(server: Server) {
    let (database, other) = (server.database(), server.database());
    let _holder = holder(&database, Exclusive);
    let _elsewhere = holder(&other, Exclusive);
    let mut connection = database.connect();
    let taken = connection.lock("another", Exclusive, Duration::ZERO);
    assert_eq!(taken.unwrap(), Locking::Held);
}

fn who_holds_a_lock_is_named(server: Server) {
    let database = server.database();
    let id = server.pick("SELECT pg_backend_pid()", "SELECT connection_id()");
    let mut holders = [(); 2].map(|()| holder(&database, Shared));
    let ids = holders.each_mut().map(|it| it.number(id, &[]).unwrap());
    let mut other = database.connect();
    let error = lock(&mut other, Exclusive).unwrap_err().to_string();
    for id in ids {
        let named = server.pick(
            format!("process {id} (connected since 2"),
            format!("connection {id} (root@localhost"),
        );
        assert!(error.contains(&named), "{error}");
    }
}

#[test]
fn sixteen_share_a_lock_on_mysql() {
    let server = Server::Mysql;
    if !server.is_there() {
        return;
    }
    let database = server.database();
    let _holders = [(); 16].map(|()| holder(&database, Shared));
    let error = lock(&mut database.connect(), Shared).unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    assert!(error.to_string().ends_with(", 12 more"), "{error}");
}

#[test]
fn sqlite_says_that_it_has_no_locks() {
    let project = crate::support::cli::Project::testdata();
    let mut connection = Sqlite::open_to_read(&project.database(), Timeouts::default()).unwrap();
    let locking = connection.lock(NAME, Exclusive, Duration::ZERO).unwrap();
    assert_eq!(locking, Locking::Unsupported);
}
