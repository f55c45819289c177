//! Staging folders that a restore left, or that somebody else made: what the next run believes of them.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, FlockOperation, Mode, flock, mknodat};

use crate::interrupted::{changed_project, killed_half_way};
use crate::support::cli::{Project, run, strapi_archive};
use crate::support::skip;
use crate::support::strace::{can_trace, injected_all};

#[test]
fn a_journal_that_could_not_be_synced_is_gone_before_what_it_names() {
    if !can_trace() {
        return;
    }
    let archive = strapi_archive();
    // The syncs before the first file moves: of the journal and of two folders.
    for sync in 1..=3 {
        for unlink in [1, 2, 6] {
            let project = changed_project();
            let before = project.state();
            let fails = format!("error=EIO:when={sync}");
            let killed = format!("signal=KILL:when={unlink}");
            let command = project.import_command(&archive, &[]);
            run(&mut injected_all(
                &command,
                &[("fsync", &fails), ("unlinkat", &killed)],
            ));
            project.run("recover", []).ends_with(0);
            before.assert_untouched(&project);
        }
    }
}

#[test]
fn a_journal_that_cannot_be_taken_away_keeps_its_staging_folder_whole() {
    if !can_trace() {
        return;
    }
    for sync in 1..=3 {
        let project = changed_project();
        let before = project.state();
        let fails = format!("error=EIO:when={sync}+");
        let command = project.import_command(&strapi_archive(), &[]);
        let injections = [
            ("fsync", fails.as_str()),
            ("unlink", "error=EROFS:when=1+"),
            ("unlinkat", "error=EROFS:when=4+"),
        ];
        run(&mut injected_all(&command, &injections)).ends_with(1);
        project.run("recover", []).ends_with(0);
        before.assert_untouched(&project);
    }
}

#[test]
fn a_restore_that_the_server_lost_and_that_goes_on_is_left_alone() {
    let project = changed_project();
    let before = project.state();
    let staging = killed_half_way(&project, |staging| {
        let journal = File::open(staging.join("journal.jsonl")).unwrap();
        flock(&journal, FlockOperation::NonBlockingLockExclusive).expect_err("its run holds it");
    });
    let half_way = project.state();
    let other = File::open(staging.join("journal.jsonl")).unwrap();
    flock(&other, FlockOperation::NonBlockingLockExclusive).unwrap();
    for outcome in [
        project.run("recover", []),
        project.import(&strapi_archive(), &[]),
    ] {
        outcome
            .ends_with(11)
            .says(["perhaps on another machine", ".backup-restore-"]);
        half_way.assert_untouched(&project);
    }
    drop(other);
    project.run("recover", []).ends_with(0);
    before.assert_untouched(&project);
}
