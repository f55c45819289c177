//! Restores that the system kills, or fails, at a chosen system call: the next run leaves what was, or what comes, and
//! no mixture. `strace` injects both; it sees calls of SQLite and of the standard library alike.
//!
//! A kill does not test the loss of power: what a kill leaves is all in the system's memory.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::archive::Archive;
use crate::support::cli::{PATIENTLY, PLAIN, Project, run, strapi_archive};
use crate::support::databases::{Server, Site, on_each_server, our_archive};
use crate::support::files::listing;
use crate::support::place::Place;
use crate::support::strace::{Call, can_trace, injected, number_of, traced};

on_each_server!(a_restore_that_is_killed_leaves_the_old_or_the_new);

/// What the system does, at which calls, and at how many places in the short form of a test.
struct Injection {
    calls: &'static str,
    action: &'static str,
    /// Whether it does so from a call on, or once.
    lasts: bool,
    places: usize,
}

const fn once(calls: &'static str, action: &'static str, places: usize) -> Injection {
    Injection {
        calls,
        action,
        lasts: false,
        places,
    }
}

const fn from_then_on(calls: &'static str, action: &'static str, places: usize) -> Injection {
    Injection {
        lasts: true,
        ..once(calls, action, places)
    }
}

const KILL: &str = "signal=KILL";
/// What changes names of files, one way or the other.
const NAMES: &str = "rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,link,linkat";
const RENAMES: &str = "rename,renameat,renameat2";
const UNLINKS: &str = "unlink,unlinkat,rmdir";
const SYNCS: &str = "fsync,fdatasync,syncfs";

/// On SQLite.
const HERE: [Injection; 16] = [
    once(RENAMES, KILL, 5),
    once(SYNCS, KILL, 8),
    once(UNLINKS, KILL, 4),
    once("mkdir", KILL, 2),
    once("pwrite64", KILL, 5),
    once("ftruncate", KILL, 1),
    once(RENAMES, "error=EIO", 2),
    once(RENAMES, "error=EROFS", 2),
    once(SYNCS, "error=EIO", 4),
    once(SYNCS, "error=ENOSPC", 2),
    once(UNLINKS, "error=EACCES", 2),
    once("mkdir", "error=ENOSPC", 2),
    once("ftruncate", "error=EIO", 1),
    once("pwrite64", "error=ENOSPC", 3),
    from_then_on("pwrite64", "error=ENOSPC", 3),
    from_then_on(NAMES, "error=EROFS", 6),
];
/// On a server.
const THERE: [Injection; 7] = [
    once(RENAMES, KILL, 2),
    once(SYNCS, KILL, 3),
    once(UNLINKS, KILL, 2),
    once("sendto", KILL, 4),
    once(RENAMES, "error=EIO", 1),
    once(SYNCS, "error=ENOSPC", 1),
    from_then_on(NAMES, "error=EROFS", 3),
];

/// The most places that the long form tries.
const LONGEST: usize = 120;

/// Restores an archive under each injection, at calls from the first to the last one.
fn storm(place: &dyn Place, archive: &Path, injections: &[Injection], is_long: bool) {
    let project = place.project();
    place.spoil();
    let import = || project.import_command(archive, &PATIENTLY);
    let all: BTreeSet<&str> = injections
        .iter()
        .flat_map(|it| it.calls.split(','))
        .collect();
    let all = Vec::from_iter(all).join(",");
    let (outcome, calls) = traced(&import(), &all, 0);
    outcome.ends_with(0);
    let new = (place.content(), place.files());
    let [mut old_ones, mut new_ones] = [0, 0];
    for Injection {
        calls: names,
        action,
        lasts,
        places,
    } in injections
    {
        let lasts = if *lasts { "+" } else { "" };
        let count = |name: &str| calls.iter().filter(|call| call.name == name).count();
        let made: Vec<&str> = names.split(',').filter(|name| count(name) > 0).collect();
        assert!(!made.is_empty(), "a restore makes no call of {names}");
        // Strace counts the calls of each name apart.
        for name in &made {
            let count = count(name);
            let share = if is_long {
                LONGEST
            } else {
                places.div_ceil(made.len())
            }
            .min(count);
            for number in (0..share).map(|part| 1 + (2 * part + 1) * count / (2 * share)) {
                let what = format!("{action}:when={number}{lasts}");
                let names = if lasts.is_empty() { name } else { *names };
                let inject = format!("{name} of {names}:{what}");
                place.spoil();
                let before = (place.tables(), place.visible_files());
                let outcome = run(&mut injected(&import(), names, &what));
                let (code, said) = (outcome.code, outcome.all());
                // Where a server answers in other pieces, the last calls of the traced run may not come.
                let may_end = *action != KILL || number * 10 > count * 9;
                assert!(code.is_none() || may_end, "{inject}: {said}");
                assert!(code.is_some() || *action == KILL, "{inject}: {said}");
                match code {
                    None | Some(0) => {}
                    Some(1) => {
                        assert!(before.0 == place.tables(), "{inject}: {said}");
                        assert!(before.1 == place.visible_files(), "{inject}: {said}");
                    }
                    Some(13) => {
                        outcome.says(["backup recover", ".backup-restore-"]);
                    }
                    _ => panic!("{inject}: {said}"),
                }
                project.run("recover", PATIENTLY).ends_with(0);
                if before == (place.tables(), place.files()) {
                    assert_ne!(code, Some(0), "{inject}: {said}");
                    old_ones += 1;
                } else {
                    assert_ne!(code, Some(1), "{inject}: {said}");
                    assert!(new.0 == place.content(), "{inject}: {said}");
                    assert!(new.1 == place.files(), "{inject}: {said}");
                    new_ones += 1;
                }
            }
        }
    }
    assert!(old_ones > 0 && new_ones > 0, "{old_ones} {new_ones}");
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_or_the_new_on_sqlite() {
    if can_trace() {
        storm(&Project::testdata(), &strapi_archive(), &HERE, false);
    }
}

#[test]
#[ignore = "long: kills at every call of some classes"]
fn a_restore_that_is_killed_anywhere_leaves_the_old_or_the_new_on_sqlite() {
    if can_trace() {
        storm(&Project::testdata(), &strapi_archive(), &HERE, true);
    }
}

fn a_restore_that_is_killed_leaves_the_old_or_the_new(server: Server) {
    if can_trace() {
        storm(&Site::new(server), our_archive(server), &THERE, false);
    }
}

#[test]
#[ignore = "long: kills at every call of some classes"]
fn a_restore_that_is_killed_anywhere_leaves_the_old_or_the_new_on_servers() {
    for server in [Server::Postgres, Server::Mysql] {
        if server.is_there() && can_trace() {
            storm(&Site::new(server), our_archive(server), &THERE, true);
        }
    }
}

#[test]
fn a_commit_of_sqlite_that_is_done_and_cannot_be_synced_is_not_undone() {
    if !can_trace() {
        return;
    }
    let project = Project::testdata();
    let archive = strapi_archive();
    for options in [&[][..], &["--only", "content"]] {
        let import = project.import_command(&archive, options);
        let (outcome, calls) = traced(&import, "fsync,unlink", 0);
        outcome.ends_with(0);
        let new = (project.content(), project.files());
        let ends = |call: &Call| {
            call.removed()
                .is_some_and(|path| path.ends_with("data.db-journal"))
        };
        let commit = calls.iter().position(ends).unwrap();
        let sync = (commit..calls.len()).find(|call| calls[*call].name == "fsync");
        let number = number_of(&calls, sync.unwrap());
        for lasts in ["", "+"] {
            project.sql("UPDATE articles SET title = 'old'");
            let old = (project.content(), project.files());
            let fails = format!("error=EIO:when={number}{lasts}");
            let outcome = run(&mut injected(&import, "fsync", &fails));
            let code = outcome.code;
            assert!(matches!(code, Some(0 | 13)), "{}", outcome.all());
            project.run("recover", []).ends_with(0);
            let now = (project.content(), project.files());
            assert!(now != old, "{}", outcome.all());
            assert!(now == new, "{}", outcome.all());
        }
    }
}

/// On an export.
const EXPORT: [Injection; 7] = [
    once("linkat", "error=EACCES", 1),
    once("linkat", "error=EIO", 1),
    once(RENAMES, "error=EIO", 1),
    once(SYNCS, "error=EIO", 2),
    once("write", "error=ENOSPC", 6),
    from_then_on("write", "error=ENOSPC", 3),
    once("getdents64", "error=EIO", 2),
];

#[test]
fn an_export_that_the_system_fails_leaves_no_half_of_an_archive() {
    if !can_trace() {
        return;
    }
    let project = Project::testdata();
    let before = project.state();
    let whole = project.exported(&[]);
    let archive = project.archive("site.tar");
    for replaces in [false, true] {
        let export = project.command(
            "export",
            [&["-f", "site", "--overwrite"], &PLAIN[..]].concat(),
        );
        let (outcome, calls) = traced(&export, "all", 0);
        outcome.ends_with(0);
        for Injection {
            calls: names,
            action,
            lasts,
            places,
        } in &EXPORT
        {
            for name in names.split(',') {
                let count = calls.iter().filter(|call| call.name == name).count();
                for number in (0..*places).map(|part| 1 + (2 * part + 1) * count / (2 * places)) {
                    let _ = fs::remove_file(&archive);
                    if replaces {
                        fs::write(&archive, "of yesterday").unwrap();
                    }
                    let lasts = if *lasts { "+" } else { "" };
                    let what = format!("{action}:when={number}{lasts}");
                    let outcome = run(&mut injected(&export, name, &what));
                    let said = format!("{name} {what}: {}", outcome.all());
                    let there = fs::read(&archive).ok();
                    let is_old = there.as_deref() == replaces.then_some(&b"of yesterday"[..]);
                    // Its folder may fail to be synced when it has its name.
                    assert!(!is_old || outcome.code != Some(0), "{said}");
                    if !is_old {
                        let differences = whole.differences(&Archive::open(&archive, None));
                        assert_eq!(differences, [""; 0], "{said}");
                    }
                    let names = listing(&project.archives());
                    let others = names.iter().filter(|name| !name.ends_with(".tar"));
                    assert_eq!(others.count(), 0, "{names:?} {said}");
                    before.assert_untouched(&project);
                }
            }
        }
    }
}
