//! Several exports or one import: who is kept away from a project, by whom, and until when.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use crate::bad_input::user_without_rights;
use crate::support::cli::{
    Outcome, PATIENTLY, PLAIN, Project, backup, backup_through, run, strapi_archive,
};
use crate::support::databases::{Server, Site, on_each_server, our_archive};
use crate::support::files::copy_folder;
use crate::support::running::{Running, export_half_way, miss_files};
use crate::support::skip;

on_each_server!(
    projects_on_different_machines_share_the_lock_of_their_database,
    a_project_is_free_when_a_run_was_killed,
    other_connections_to_the_database_are_noted_before_a_restore,
);

/// The number of the user that [`user_without_rights`] runs programs as, where root starts them.
const NOBODY: u32 = 65534;

/// A project whose exports wait in the middle of the files that are missing.
fn project() -> Project {
    let project = Project::testdata();
    project.sql(&miss_files());
    project
}

/// An import that holds a project and waits for somebody's transaction.
fn import_half_way(project: &Project) -> (Running, rusqlite::Connection) {
    let strapi = project.connect();
    strapi.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut command = project.import_command(&strapi_archive(), &[]);
    command.env("BACKUP_DATABASE_TIMEOUT", "600");
    let mut running = Running::start(command);
    running.until("not touched: ");
    (running, strapi)
}

#[test]
fn exports_run_side_by_side_and_keep_imports_away() {
    let project = project();
    let mut export = export_half_way(&project);
    let before = project.state();
    let other = [&["-f", "other"], &PLAIN[..]].concat();
    project.run("export", other).ends_with(3);
    let outcome = project.import(&strapi_archive(), &[]).ends_with(11);
    outcome.says([
        "another run of backup holds the project",
        "since ",
        "--lock-wait",
    ]);
    before.assert_untouched(&project);
    export.kill();
    project.import(&strapi_archive(), &[]).ends_with(0);
}

#[test]
fn an_import_keeps_everybody_away_and_is_named() {
    let project = Project::testdata();
    let (import, strapi) = import_half_way(&project);
    let process = format!("process {} on ", import.id());
    let archive = strapi_archive();
    project.import(&archive, &[]).ends_with(11).says([&process]);
    let export = [&["-f", "site"], &PLAIN[..]].concat();
    project
        .run("export", export.clone())
        .ends_with(11)
        .says([&process]);
    assert!(!project.archive("site.tar").exists());
    strapi.execute_batch("ROLLBACK").unwrap();
    import.end().ends_with(0);
    project.run("export", export).ends_with(0);
}

#[test]
fn a_run_waits_as_long_as_it_is_told_for_the_project() {
    let project = Project::testdata();
    let (import, strapi) = import_half_way(&project);
    let options = [&["-f", "site", "--lock-wait", "5m"], &PLAIN[..]].concat();
    let waiting = Running::start(project.command("export", options));
    let short = [&["-f", "site", "--lock-wait", "200ms"], &PLAIN[..]].concat();
    project.run("export", short).ends_with(11);
    strapi.execute_batch("ROLLBACK").unwrap();
    import.end().ends_with(0);
    waiting.end().ends_with(0);
}

#[test]
fn a_run_that_waits_for_the_project_can_be_interrupted() {
    let project = Project::testdata();
    let (import, strapi) = import_half_way(&project);
    for signal in ["INT", "TERM", "HUP"] {
        let options = [
            &["-f", "site", "--verbose", "--lock-wait", "5m"],
            &PLAIN[..],
        ]
        .concat();
        let mut waiting = Running::start(project.command("export", options));
        waiting.until("waiting for another run");
        waiting.signal(signal);
        waiting.end().ends_with(130).says(["error: interrupted"]);
    }
    strapi.execute_batch("ROLLBACK").unwrap();
    import.end().ends_with(0);
}

#[test]
fn an_export_that_may_not_make_a_lock_file_says_so() {
    let project = Project::testdata();
    let folder = project.database().parent().unwrap().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let Some(user) = user_without_rights() else {
        return skip("there is no user without rights");
    };
    let all = fs::Permissions::from_mode(0o777);
    fs::set_permissions(project.archives(), all).unwrap();
    fs::set_permissions(
        project.path().parent().unwrap(),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let mut command = backup_through(user, ["export", "--no-encrypt", "-f"]);
    command.arg(project.archive("site"));
    let outcome = run(command.arg("--project").arg(project.path()));
    outcome.ends_with(0).says([
        "note: ",
        "the lock file cannot be made; nothing keeps an import away meanwhile",
    ]);
}

/// A project of a user without rights, which root may work on as well; and what starts a program as that user.
pub fn project_of_a_user() -> Option<(Project, Command)> {
    let starter = user_without_rights();
    let Some(user) = starter.filter(|user| user.get_program() == "setpriv") else {
        skip("there is no root, who could run as somebody else");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let project = Project::testdata_in(folder);
    let mut give = Command::new("chown");
    give.args(["-R", &format!("{NOBODY}:{NOBODY}")]);
    run(give.arg(project.path())).ends_with(0);
    fs::copy(strapi_archive(), project.archive("site.tar")).unwrap();
    Some((project, user))
}

pub fn import_as(user: Command, project: &Project) -> Outcome {
    let mut command = backup_through(user, ["import", "--force", "--project"]);
    command.arg(project.path()).arg("-f");
    run(command.arg(project.archive("site.tar")))
}

#[test]
fn a_lock_file_that_root_made_lets_the_projects_own_user_in() {
    let Some((project, user)) = project_of_a_user() else {
        return;
    };
    project.import(&strapi_archive(), &[]).ends_with(0);
    let lock = fs::metadata(project.path().join(".tmp/data.db.backup-lock")).unwrap();
    assert_eq!((lock.uid(), lock.gid()), (NOBODY, NOBODY));
    import_as(user, &project).ends_with(0);
}

#[test]
fn a_lock_file_of_somebody_else_is_locked_without_writing_to_it() {
    let Some((project, user)) = project_of_a_user() else {
        return;
    };
    let path = project.path().join(".tmp/data.db.backup-lock");
    fs::write(&path, "of root").unwrap();
    import_as(user, &project).ends_with(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), "of root");
    let (import, strapi) = import_half_way(&project);
    let user = user_without_rights().unwrap();
    import_as(user, &project).ends_with(11);
    strapi.execute_batch("ROLLBACK").unwrap();
    import.end().ends_with(0);
}

#[test]
fn a_lock_file_that_is_a_link_is_not_written_through() {
    let project = Project::testdata();
    let victim = project.archive("victim");
    fs::write(&victim, "precious").unwrap();
    let mut lock = project.database().into_os_string();
    lock.push(".backup-lock");
    std::os::unix::fs::symlink(&victim, &lock).unwrap();
    let outcome = project.import(&strapi_archive(), &[]).ends_with(1);
    outcome.says([
        ".backup-lock: it is a link, or no plain file",
        "take it away",
    ]);
    let export = [&["-f", "site"], &PLAIN[..]].concat();
    let outcome = project.run("export", export).ends_with(0);
    outcome.says(["the lock file cannot be made"]);
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

fn projects_on_different_machines_share_the_lock_of_their_database(server: Server) {
    let site = Site::new(server);
    site.database.sql([miss_files()]);
    let mut export = export_half_way(&site);
    // Another copy of the project, as on another machine: it shares nothing but the database.
    let elsewhere = tempfile::tempdir().unwrap();
    copy_folder(&site.path(), elsewhere.path());
    fs::remove_file(elsewhere.path().join(".backup-lock")).unwrap();
    let mut import = backup(["import", "--force", "--project"]);
    import
        .arg(elsewhere.path())
        .arg("-f")
        .arg(our_archive(server));
    run(import.env("BACKUP_DATABASE_URL", site.url()))
        .ends_with(11)
        .says(["--lock-wait"]);
    export.kill();
}

fn a_project_is_free_when_a_run_was_killed(server: Server) {
    let site = Site::new(server);
    site.database.sql([miss_files()]);
    export_half_way(&site).kill();
    let import = site.import_command(our_archive(server), &PATIENTLY);
    Running::start(import).end().ends_with(0);
}

// ------------------------------------------------------------------ a Strapi that runs

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_has_the_database_open_is_noted_before_a_restore() {
    let project = Project::testdata();
    let archive = project.export("site", &[]);
    let quiet = project.import(&archive, &["--dry-run", "--strict"]);
    assert!(!quiet.ends_with(0).stderr.contains("stop Strapi"));
    let strapi = project.connect();
    let pid = std::process::id();
    for options in [&["--dry-run"][..], &[]] {
        let told = format!("data.db: it is in use by process {pid} (all-");
        project.import(&archive, options).ends_with(0).says([
            "note: ",
            &told,
            "stop Strapi before a restore",
        ]);
    }
    project
        .import(&archive, &["--dry-run", "--strict"])
        .ends_with(3);
    drop(strapi);
}

fn other_connections_to_the_database_are_noted_before_a_restore(server: Server) {
    let site = Site::new(server);
    let archive = our_archive(server);
    let strapi = site.database.connect();
    let told = server.pick("in use by process ", "in use by connection ");
    site.import(archive, &["--dry-run"])
        .ends_with(0)
        .says([told, "stop Strapi before a restore"]);
    drop(strapi);
}
