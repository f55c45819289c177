//! Where a key comes from, and that an export without one is never made by accident.

use std::fs;

use crate::support::archive::Archive;
use crate::support::cli::{KEY, Project, run, strapi_archive, testdata};
use crate::support::files::listing;

/// The whole command line of an export that writes `site.tar.gz.enc`.
const EXPORT: [&str; 4] = ["-f", "site", "-k", KEY];

#[test]
fn a_key_and_no_encryption_exclude_each_other() {
    let project = Project::testdata();
    let options = [&EXPORT[..], &["--no-encrypt"]].concat();
    project
        .run("export", options)
        .ends_with(2)
        .says(["--key", "--no-encrypt"]);
    assert!(listing(&project.archives()).is_empty());
}

#[test]
fn without_a_key_and_without_a_terminal_nothing_is_exported() {
    let project = Project::testdata();
    let before = project.state();
    let outcome = project.run("export", ["-f", "site"]).ends_with(2);
    outcome.says([
        "a key is needed",
        "no terminal",
        "--key",
        "BACKUP_KEY",
        "--no-encrypt",
    ]);
    assert!(listing(&project.archives()).is_empty());
    before.assert_untouched(&project);
}

#[test]
fn an_empty_key_is_no_key() {
    let project = Project::testdata();
    let empty = ["-f", "site", "--key", ""];
    project
        .run("export", empty)
        .ends_with(2)
        .says(["the key is empty"]);
    let mut command = project.command("export", ["-f", "site"]);
    run(command.env("BACKUP_KEY", ""))
        .ends_with(2)
        .says(["a key is needed"]);
    assert!(listing(&project.archives()).is_empty());
}

#[test]
fn the_key_may_stand_in_a_variable() {
    let project = Project::testdata();
    run(project
        .command("export", ["-f", "site"])
        .env("BACKUP_KEY", KEY))
    .ends_with(0);
    let archive = project.archive("site.tar.gz.enc");
    assert_eq!(
        Archive::open(&archive, Some(KEY)).lines("entities").len(),
        82
    );
    let import = ["--force", "-f", "site.tar.gz.enc"];
    run(project.command("import", import).env("BACKUP_KEY", KEY)).ends_with(0);
}

#[test]
fn the_key_on_the_command_line_wins_over_the_variable() {
    let project = Project::testdata();
    run(project
        .command("export", EXPORT)
        .env("BACKUP_KEY", "another"))
    .ends_with(0);
    let archive = project.archive("site.tar.gz.enc");
    assert_eq!(
        Archive::open(&archive, Some(KEY)).lines("entities").len(),
        82
    );
}

#[test]
fn a_variable_with_a_key_does_not_stand_in_the_way_of_plain_archives() {
    let project = Project::testdata();
    let archive = strapi_archive();
    let import = ["--force", "-f", archive.to_str().unwrap()];
    run(project.command("import", import).env("BACKUP_KEY", KEY)).ends_with(0);
}

#[test]
fn an_encrypted_archive_is_recognised_whatever_it_is_called() {
    let project = Project::testdata();
    fs::copy(
        testdata("strapi-export.tar.gz.enc"),
        project.archive("nightly"),
    )
    .unwrap();
    let nightly = project.archive("nightly");
    project
        .import(&nightly, &[])
        .ends_with(2)
        .says(["a key is needed", "--key"]);
    project.import(&nightly, &["-k", KEY]).ends_with(0);
}
