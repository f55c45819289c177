//! Restores that the system kills, or fails, at a chosen system call: the next run leaves what was, or what comes, and
//! no mixture. `strace` injects both; it sees calls of SQLite and of the standard library alike.
//!
//! A kill does not test the loss of power: what a kill leaves is all in the system's memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::archive::Archive;
use crate::support::cli::{Project, strapi_archive};
use crate::support::databases::{Server, Site, on_each_server, our_archive};
use crate::support::{give_up, skip};

on_each_server!(a_restore_that_is_killed_leaves_the_old_or_the_new);

/// What the system does, at which call, and how many of these calls are left out for each that is tried: in the short
/// form of a test, and in the long one.
struct Injection {
    call: &'static str,
    action: &'static str,
    steps: [usize; 2],
}

const fn injection(call: &'static str, action: &'static str, steps: [usize; 2]) -> Injection {
    Injection {
        call,
        action,
        steps,
    }
}

const KILL: &str = "signal=KILL";

/// On SQLite.
const HERE: [Injection; 9] = [
    injection("rename", KILL, [2, 1]),
    injection("fsync", KILL, [1, 1]),
    injection("unlink", KILL, [1, 1]),
    injection("mkdir", KILL, [1, 1]),
    injection("pwrite64", KILL, [101, 7]),
    injection("rename", "error=EIO", [5, 1]),
    injection("rename", "error=EROFS", [7, 1]),
    injection("fsync", "error=EIO", [2, 1]),
    injection("unlink", "error=EACCES", [1, 1]),
];
/// On a server.
const THERE: [Injection; 5] = [
    injection("rename", KILL, [7, 1]),
    injection("fsync", KILL, [3, 1]),
    injection("unlink", KILL, [1, 1]),
    injection("sendto", KILL, [97, 5]),
    injection("rename", "error=EIO", [11, 1]),
];

/// Rows of tables, or files, as text or bytes.
type Content = BTreeMap<String, Vec<u8>>;

/// A site that restores run into, again and again.
trait Place {
    fn project(&self) -> &Project;
    fn tables(&self) -> Content;
    fn sql(&self, statement: &str);

    /// Makes it one with other rows and files than the archive holds.
    fn spoil(&self) {
        self.sql("UPDATE articles SET title = 'old'");
        self.sql("DELETE FROM articles_tags_lnk");
        let uploads = self.project().uploads();
        for name in self.files().keys() {
            if name.starts_with("notes_") {
                fs::write(uploads.join(name), "old").unwrap();
            } else if name.starts_with("medium_") {
                fs::remove_file(uploads.join(name)).unwrap();
            }
        }
    }

    /// The files in the upload folder, and whatever lies beside them.
    fn files(&self) -> Content {
        let entries = fs::read_dir(self.project().uploads()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read(&path).unwrap_or_default())
            })
            .collect()
    }
}

impl Place for Project {
    fn project(&self) -> &Project {
        self
    }

    fn tables(&self) -> Content {
        let tables = self.state().tables.into_iter();
        let tables = tables.filter(|(name, _)| name != "sqlite_sequence");
        tables
            .map(|(name, rows)| (name, format!("{rows:?}").into_bytes()))
            .collect()
    }

    fn sql(&self, statement: &str) {
        Project::sql(self, statement);
    }
}

impl Place for Site {
    fn project(&self) -> &Project {
        self
    }

    fn tables(&self) -> Content {
        let tables = self.database.tables().into_iter();
        tables
            .map(|(name, rows)| (name, rows.join("\n").into_bytes()))
            .collect()
    }

    fn sql(&self, statement: &str) {
        self.database.sql([statement]);
    }
}

/// `strace` before a command.
fn traced(command: &Command, inject: &str) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o", "/dev/null", "-e", inject]);
    traced.arg(command.get_program()).args(command.get_args());
    traced.current_dir(command.get_current_dir().unwrap());
    traced.env_clear();
    for (name, value) in command.get_envs() {
        traced.env(name, value.unwrap());
    }
    traced
}

/// Whether there is a `strace`, and the system lets it trace. Some containers do not, and no script can help that.
fn can_trace() -> bool {
    const HARMLESS: [&str; 6] = [
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "inject=fsync:error=EIO",
        "true",
    ];
    let Ok(traced) = Command::new("strace").args(HARMLESS).output() else {
        skip("strace is not installed");
        return false;
    };
    let can = traced.status.success();
    if !can {
        let said = String::from_utf8_lossy(&traced.stderr);
        give_up(&format!("strace may not trace here: {said}"));
    }
    can
}

/// Restores an archive under each injection until one comes too late to do anything.
fn storm(place: &dyn Place, archive: &Path, injections: &[Injection], form: usize) {
    let project = place.project();
    project.import(archive, &[]).ends_with(0);
    let new = place.files();
    let expected = Archive::open(archive, None);
    let [mut old_ones, mut new_ones] = [0, 0];
    for Injection {
        call,
        action,
        steps,
    } in injections
    {
        for number in (1..).step_by(steps[form]) {
            let inject = format!("inject={call}:{action}:when={number}");
            place.spoil();
            let before = (place.tables(), place.files());
            let import = project.import_command(archive, &[]);
            let output: Output = traced(&import, &inject).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let code = output.status.code();
            assert!(
                matches!(code, None | Some(0 | 1 | 13)),
                "{inject}: {code:?} {said}"
            );
            if code == Some(1) {
                assert!(before.0 == place.tables(), "{inject}: {said}");
            }
            project.run("recover", []).ends_with(0);
            let is_old = before == (place.tables(), place.files());
            if is_old {
                assert_ne!(code, Some(0), "{inject}: {said}");
                old_ones += 1;
            } else {
                assert_ne!(code, Some(1), "{inject}: {said}");
                let differences = expected.differences(&project.exported(&[]));
                assert_eq!(differences, [""; 0], "{inject}: {said}");
                assert!(new == place.files(), "{inject}: {said}");
                new_ones += 1;
            }
            if code == Some(0) && !said.contains("the next run") {
                break;
            }
        }
    }
    assert!(old_ones > 0 && new_ones > 0, "{old_ones} {new_ones}");
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_or_the_new_on_sqlite() {
    if can_trace() {
        storm(&Project::testdata(), &strapi_archive(), &HERE, 0);
    }
}

#[test]
#[ignore = "long: kills at every call of some classes"]
fn a_restore_that_is_killed_anywhere_leaves_the_old_or_the_new_on_sqlite() {
    if can_trace() {
        storm(&Project::testdata(), &strapi_archive(), &HERE, 1);
    }
}

fn a_restore_that_is_killed_leaves_the_old_or_the_new(server: Server) {
    if can_trace() {
        storm(&Site::new(server), our_archive(server), &THERE, 0);
    }
}

#[test]
#[ignore = "long: kills at every call of some classes"]
fn a_restore_that_is_killed_anywhere_leaves_the_old_or_the_new_on_servers() {
    for server in [Server::Postgres, Server::Mysql] {
        if server.is_there() && can_trace() {
            storm(&Site::new(server), our_archive(server), &THERE, 1);
        }
    }
}
