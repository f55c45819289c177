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

/// A staging folder in which nothing was moved.
fn planted(project: &Project) -> PathBuf {
    let staging = project.uploads().join(".backup-restore-abc");
    for part in ["new", "old"] {
        fs::create_dir_all(staging.join(part)).unwrap();
    }
    fs::set_permissions(&staging, Permissions::from_mode(0o700)).unwrap();
    staging
}

fn refuses(project: &Project, text: &str) {
    let before = project.state();
    project.run("recover", []).ends_with(1).says([text]);
    before.assert_untouched(project);
}

#[test]
fn a_journal_that_is_a_pipe_or_a_link_is_refused() {
    let project = Project::testdata();
    let journal = planted(&project).join("journal.jsonl");
    mknodat(CWD, &journal, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let refuses = || {
        let outcome = project.run("recover", []).ends_with(1);
        outcome.says(["journal.jsonl: it is a link, or no plain file"]);
    };
    refuses();
    fs::remove_file(&journal).unwrap();
    symlink("/dev/zero", &journal).unwrap();
    refuses();
    fs::remove_file(&journal).unwrap();
    // Without an end it is none, however long it is.
    let journal_file = File::create(&journal).unwrap();
    journal_file.set_len(1 << 40).unwrap();
    project.run("recover", []).ends_with(0);
    assert!(!journal.exists());
}

#[test]
fn a_journal_that_was_cut_inside_a_letter_says_that_nothing_was_moved() {
    let project = Project::testdata();
    let before = project.state();
    let staging = planted(&project);
    let text = "{\"token\":\"00\"}\n{\"out\":\"na\u{ef}ve.png\"}\n".as_bytes();
    let cut = text.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
    fs::write(staging.join("journal.jsonl"), &text[..cut]).unwrap();
    project.run("recover", []).ends_with(0);
    before.assert_untouched(&project);
}

#[test]
fn what_others_could_have_written_is_not_believed_by_root() {
    let project = changed_project();
    let before = project.state();
    let staging = killed_half_way(&project, |_| {});
    let give = |path: &Path, user| chown(path, Some(user), None);
    if give(&staging, 4242).is_err() {
        return skip("only root gives files away");
    }
    refuses(&project, "it belongs to user 4242");
    give(&staging, 0).unwrap();
    fs::set_permissions(&staging, Permissions::from_mode(0o720)).unwrap();
    refuses(&project, "others than its owner may write to it");
    fs::set_permissions(&staging, Permissions::from_mode(0o700)).unwrap();
    // A restore as the user of the site is set right by root.
    for path in [&staging, &project.uploads()] {
        give(path, 4242).unwrap();
    }
    project.run("recover", []).ends_with(0);
    give(&project.uploads(), 0).unwrap();
    before.assert_untouched(&project);
}
