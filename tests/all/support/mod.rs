//! What the tests lean on. Nothing here tests the program itself; a few tests make sure that the comparisons see what
//! they have to.

pub mod anywhere;
pub mod archive;
pub mod beasts;
pub mod browser;
pub mod canonical;
pub mod cli;
pub mod databases;
pub mod deep_store;
pub mod dgraph_server;
pub mod dice;
pub mod difference;
pub mod disk;
pub mod exact;
pub mod fake_strapi;
pub mod files;
pub mod gallery;
pub mod gate;
pub mod media_store;
pub mod models;
pub mod odd_store;
pub mod page;
pub mod place;
pub mod prisma_service;
pub mod proxy;
pub mod relay;
pub mod remote_runs;
pub mod restore;
pub mod running;
pub mod running_strapi;
pub mod schema;
pub mod servers;
pub mod signed;
pub mod sqlite;
pub mod stores;
pub mod strace;
pub mod strapi;
pub mod systemd;
pub mod tarball;
pub mod timing;
pub mod transfer_client;
pub mod world;

use std::env;
use std::io::{self, Write as _};
use std::thread;

/// Gives a test up for want of something, and says so; the test has to end then. Where nothing may be missing, with
/// `BACKUP_TEST_REQUIRE=1` as in `scripts/test`, the test fails.
#[track_caller]
pub fn skip(why: &str) {
    if env::var_os("BACKUP_TEST_REQUIRE").is_some_and(|value| value == "1") {
        panic!("BACKUP_TEST_REQUIRE is set, and {why}");
    }
    give_up(why);
}

/// As [`skip`], where no script could help.
pub fn give_up(why: &str) {
    // Past the capture of the test runner: whoever runs the tests has to see what was skipped. It names a test's thread
    // after the test.
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(io::stderr(), "skipped: {test}: {why}");
}
