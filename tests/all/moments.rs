//! Restores that are killed at random moments, each of which is as likely as any other. The next command, whichever it
//! is, leaves what was or what comes, and no mixture.
//!
//! A moment is a system call of a restore that was traced before: nothing that a kill could leave changes between two.
//! A failure names the seed that repeats it; `BACKUP_TEST_SEED` sets it.

use std::io::{self, Write as _};
use std::path::Path;

use crate::support::archive::Archive;
use crate::support::cli::{PATIENTLY, PLAIN, Project, run, strapi_archive};
use crate::support::databases::{Server, Site, on_each_server, our_archive};
use crate::support::dice::Dice;
use crate::support::place::{Content, Place, changed};
use crate::support::strace::{can_trace, injected, number_of, traced};

on_each_server!(a_restore_that_is_killed_at_a_random_moment_leaves_the_old_or_the_new);

/// What is run after a kill, in turns.
const NEXT: [&str; 3] = ["export", "import", "recover"];

/// Kills so many restores of an archive.
fn kill_at_random(place: &dyn Place, archive: &Path, kills: usize) {
    if !can_trace() {
        return;
    }
    let project = place.project();
    let mut dice = Dice::new();
    // As it is before each of the others: rows that came by a restore, and changes.
    project.import(archive, &[]).ends_with(0);
    place.spoil();
    let exported = |name: &str| Archive::open(&project.archive(name), None);
    let old_archive = project.exported(&[]);
    let import = || project.import_command(archive, &PATIENTLY);
    let (outcome, calls) = traced(&import(), "all", 0);
    outcome.ends_with(0);
    // The first ones are the system's, which starts the program.
    let skipped = calls.len() / 10;
    let new = (place.content(), place.files());
    let new_archive = Archive::open(archive, None);
    let mut counts = [0; 3];
    for kill in 0..kills {
        let chosen = skipped + dice.below(calls.len() - skipped);
        let (name, number) = (&calls[chosen].name, number_of(&calls, chosen));
        place.spoil();
        let old = (place.content(), place.files());
        let killed = run(&mut injected(
            &import(),
            name,
            &format!("signal=KILL:when={number}"),
        ));
        let next = NEXT[kill % NEXT.len()];
        let what = format!(
            "BACKUP_TEST_SEED={}, {kill}: {name} {number}, then {next}\n{}",
            dice.seed,
            killed.all()
        );
        let file = format!("after-{kill}");
        let options = match next {
            "export" => [&["-f", file.as_str()], &PLAIN[..], &PATIENTLY].concat(),
            "import" => vec![
                "--force",
                "-f",
                archive.to_str().unwrap(),
                "--lock-wait",
                "1m",
            ],
            _ => PATIENTLY.to_vec(),
        };
        let then = project.run(next, options);
        assert_eq!(then.code, Some(0), "{what}\n{}", then.all());
        if next == "export" {
            // It leaves what is in nobody's way; and what it finished or undid stays so.
            let visible = (place.content(), place.visible_files());
            project.run("recover", PATIENTLY).ends_with(0);
            assert!(
                visible == (place.content(), place.files()),
                "{what}\n{}",
                then.all()
            );
        }
        let now = (place.content(), place.files());
        let is_old = now == old;
        if !is_old && now != new {
            let from = |other: &(Content, Content)| {
                [changed(&now.0, &other.0), changed(&now.1, &other.1)].concat()
            };
            let differs = format!("not old: {:?}\nnot new: {:?}", from(&old), from(&new));
            panic!("{what}\n{}\n{differs}", then.all());
        }
        if next == "import" {
            assert!(!is_old, "{what}");
        } else {
            // What was said to be done is done.
            assert!(!is_old || killed.code != Some(0), "{what}");
        }
        if next == "export" {
            let expected = if is_old { &old_archive } else { &new_archive };
            let differences = expected.differences(&exported(&format!("{file}.tar")));
            assert_eq!(differences, [""; 0], "{what}");
        }
        counts[if killed.code == Some(0) {
            2
        } else {
            usize::from(!is_old)
        }] += 1;
    }
    if kills > 10 {
        // What a long test found is of interest also where all is well.
        let seed = dice.seed;
        let _ = writeln!(
            io::stderr(),
            "seed {seed}: old, new, not killed: {counts:?}"
        );
    }
    assert!(counts[2] < kills, "seed {}: {counts:?}", dice.seed);
}

#[test]
fn a_restore_that_is_killed_at_a_random_moment_leaves_the_old_or_the_new_on_sqlite() {
    kill_at_random(&Project::testdata(), &strapi_archive(), 8);
}

#[test]
#[ignore = "long: kills at many moments"]
fn restores_that_are_killed_at_many_moments_leave_the_old_or_the_new_on_sqlite() {
    kill_at_random(&Project::testdata(), &strapi_archive(), 150);
}

fn a_restore_that_is_killed_at_a_random_moment_leaves_the_old_or_the_new(server: Server) {
    kill_at_random(&Site::new(server), our_archive(server), 4);
}

#[test]
#[ignore = "long: kills at many moments"]
fn restores_that_are_killed_at_many_moments_leave_the_old_or_the_new_on_servers() {
    for server in [Server::Postgres, Server::Mysql] {
        if server.is_there() {
            kill_at_random(&Site::new(server), our_archive(server), 60);
        }
    }
}
