//! `backup doctor`: what it shows, and that it changes nothing.

use std::fs::{self, File};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value as Json;

use crate::support::cli::{Outcome, Project, backup, run};
use crate::support::databases::{Server, Site, on_each_server};
use crate::support::schema::described;

on_each_server!(
    a_server_and_what_may_be_done_there_are_shown,
    rights_that_a_restore_lacks_are_named,
);

/// The line that `--json` prints.
fn line(outcome: &Outcome) -> Json {
    assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.all());
    described(&outcome.stdout)
}

/// What was found of something, with its status.
fn found<'a>(line: &'a Json, subject: &str) -> Vec<(&'a str, &'a str)> {
    let all = line["findings"].as_array().unwrap().iter();
    all.filter(|finding| finding["subject"] == subject)
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap();
            (text("status"), text("text"))
        })
        .collect()
}

#[test]
fn a_project_is_shown_and_left_as_it_is() {
    let project = Project::testdata();
    let before = project.state();
    let files = || {
        let entries = fs::read_dir(project.path().join(".tmp")).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    let beside = files();
    let shown = project
        .run("doctor", ["--environment", "production"])
        .ends_with(0);
    for text in [
        "ok       Strapi            5.54.0 (package.json)",
        "ok       environment       production (--environment)",
        "ok       configuration     config/database.js, config/plugins.js, config/server.js",
        "ok       lock              no restore holds the project",
        "note     key               nothing gives one",
    ] {
        assert!(shown.stdout.contains(text), "{text}\n{}", shown.all());
    }
    let line = line(&project.run("doctor", ["--json"]).ends_with(0));
    assert_eq!(line["ok"], true);
    assert_eq!(line["strapi"]["version"], "5.54.0");
    assert_eq!(line["strapi"]["from"], "package.json");
    assert_eq!(line["environment"], "development");
    assert_eq!(line["database"]["client"], "sqlite");
    let file = project.database().canonicalize().unwrap();
    assert_eq!(line["database"]["file"], file.to_str().unwrap());
    assert_eq!(line["uploads"]["provider"], "local");
    before.assert_untouched(&project);
    assert_eq!(files(), beside, "neither a lock nor a journal was made");
}

#[test]
fn what_is_in_the_way_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = run(backup(["doctor", "--json"]).current_dir(folder.path())).ends_with(1);
    let shown = line(&nothing);
    assert_eq!(shown["ok"], false);
    assert_eq!(shown["database"], Json::Null);
    assert_eq!(found(&shown, "Strapi")[0].0, "problem");

    let project = Project::testdata();
    fs::write(
        project.path().join("config/database.js"),
        "module.exports = {",
    )
    .unwrap();
    let shown = line(&project.run("doctor", ["--json"]).ends_with(1));
    // The rest is looked at all the same.
    assert_eq!(found(&shown, "Strapi")[0].0, "ok");
    let (status, text) = found(&shown, "configuration")[0];
    assert_eq!(status, "problem");
    assert!(text.contains("config/database.js"), "{text}");
}

#[test]
fn a_profile_with_a_key_file_gives_a_key() {
    let project = Project::testdata();
    let file = project.archive("backup.toml");
    let file = file.to_str().unwrap();
    let profiles = r#"
        [profiles.shared]
        key-file = "/etc/backup/key"
        [profiles.export.export]
        key-command = "cat /etc/backup/key"
        [profiles.plain]
        no-encrypt = true
        [profiles.none]
        offline = true
    "#;
    fs::write(file, profiles).unwrap();
    let options = |name| ["--json", "--profile", name, "--config", file];
    for (name, status, told) in [
        ("shared", "ok", "the file /etc/backup/key"),
        ("export", "ok", "key-command of the profile"),
        ("plain", "ok", "they are not encrypted"),
        ("none", "note", "nothing gives one"),
    ] {
        let shown = line(&project.run("doctor", options(name)).ends_with(0));
        let (is, text) = found(&shown, "key")[0];
        assert_eq!(is, status, "{name}: {text}");
        assert!(text.contains(told), "{name}: {text}");
    }
    // A variable wins over it.
    let mut command = project.command("doctor", options("shared"));
    let outcome = run(command.env("BACKUP_KEY", "something")).ends_with(0);
    let shown = line(&outcome);
    assert!(
        found(&shown, "key")[0]
            .1
            .contains("the variable BACKUP_KEY")
    );
    let mut command = project.command("doctor", ["--json", "--config", file]);
    let outcome = run(command.env("BACKUP_PROFILE", "shared")).ends_with(0);
    let shown = line(&outcome);
    assert!(found(&shown, "key")[0].1.contains("/etc/backup/key"));
}

#[test]
fn another_run_is_seen() {
    let project = Project::testdata();
    project.export("site", &[]);
    let mut path = project.database().canonicalize().unwrap().into_os_string();
    path.push(".backup-lock");
    let file = File::open(path).unwrap();
    flock(&file, FlockOperation::LockExclusive).unwrap();
    let shown = line(&project.run("doctor", ["--json"]).ends_with(1));
    let (status, text) = found(&shown, "lock")[0];
    assert_eq!(status, "problem");
    assert!(text.contains("another run"), "{text}");
}

#[test]
fn a_journal_that_a_killed_writer_left_stays() {
    let project = Project::testdata();
    let mut journal = project.database().into_os_string();
    journal.push("-journal");
    fs::write(&journal, "something").unwrap();
    let shown = line(&project.run("doctor", ["--json"]).ends_with(0));
    let told = found(&shown, "database");
    assert!(
        told.iter()
            .any(|(status, text)| *status == "note" && text.contains("-journal")),
        "{told:?}"
    );
    assert_eq!(fs::read(&journal).unwrap(), b"something");
}

#[test]
fn what_an_earlier_restore_left_is_told_and_stays() {
    let project = Project::testdata();
    let left = project.uploads().join(".backup-restore-left");
    fs::create_dir(&left).unwrap();
    let shown = line(&project.run("doctor", ["--json"]).ends_with(0));
    let (status, text) = found(&shown, "earlier restores")[0];
    assert_eq!(status, "note");
    assert!(text.contains("backup recover"), "{text}");
    assert!(left.is_dir());
}

#[test]
fn offline_asks_nobody() {
    let project = Project::testdata();
    let url = "postgres://someone:hunter2@127.0.0.1:1/d";
    let options = ["--json", "--offline", "--database-url", url];
    let outcome = project.run("doctor", options).ends_with(0);
    assert!(!outcome.all().contains("hunter2"), "{}", outcome.all());
    let shown = line(&outcome);
    assert_eq!(shown["database"]["host"], "127.0.0.1");
    assert_eq!(shown["database"]["port"], 1);
    assert_eq!(shown["database"]["user"], "someone");
    assert_eq!(shown["database"]["tls"], "off");
    let asked = ["--json", "--database-url", url];
    project.run("doctor", asked).ends_with(1);
}

fn a_server_and_what_may_be_done_there_are_shown(server: Server) {
    let site = Site::new(server);
    let shown = line(&site.run("doctor", ["--json"]).ends_with(0));
    assert_eq!(shown["database"]["client"], server.name());
    assert_eq!(shown["database"]["database"], site.database.name);
    let rights = found(&shown, "rights");
    assert_eq!(
        rights,
        [("ok", "all tables of Strapi can be read and written")]
    );
}

fn rights_that_a_restore_lacks_are_named(server: Server) {
    let site = Site::new(server);
    let user = format!("{}_reader", site.database.name);
    let user = user.trim_start_matches("backup_test_");
    site.database.sql(server.pick(
        vec![
            format!("CREATE ROLE \"{user}\" LOGIN"),
            format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"{user}\""),
        ],
        vec![
            format!("CREATE USER '{user}'@'localhost'"),
            format!(
                "GRANT SELECT ON {}.* TO '{user}'@'localhost'",
                site.database.name
            ),
        ],
    ));
    let (_, _, root) = server.address();
    let url = site
        .url()
        .replacen(&format!("//{root}@"), &format!("//{user}@"), 1);
    let shown = line(
        &site
            .run("doctor", ["--json", "--database-url", &url])
            .ends_with(0),
    );
    let (status, text) = found(&shown, "rights")[0];
    assert_eq!(status, "note", "{text}");
    assert!(
        text.contains("no restore into") && text.contains("more"),
        "{text}"
    );
    site.database.sql(server.pick(
        vec![
            format!("DROP OWNED BY \"{user}\""),
            format!("DROP ROLE \"{user}\""),
        ],
        vec![format!("DROP USER '{user}'@'localhost'")],
    ));
}
