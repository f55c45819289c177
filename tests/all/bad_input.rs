//! Projects, databases and disks that are not as they should be: the message says what happened and what to do, and
//! nothing is changed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::cli::{PLAIN, Project, backup, backup_through, impatient, run, strapi_archive};
use crate::support::files::listing;
use crate::support::skip;
use crate::support::strace::{can_trace, injected, traced};

/// Exports and imports, which must both fail with code 1, say this, leave nothing in the folder for archives and, as
/// far as there is one to look into, the database as it was.
#[track_caller]
fn neither_exports_nor_imports<const N: usize>(project: &Project, said: [&str; N]) {
    let files = || {
        let mut names = listing(&project.path().join(".tmp"));
        names.retain(|name| name != "data.db.backup-lock");
        names
    };
    let before = files();
    let export = [&["-f", "site"], &PLAIN[..]].concat();
    for outcome in [
        project.run("export", export),
        project.import(&strapi_archive(), &[]),
    ] {
        let outcome = outcome.ends_with(1).says(said);
        let advice = outcome.stderr.lines().last().unwrap_or_default();
        assert!(advice.starts_with("  "), "no advice\n{}", outcome.all());
    }
    assert!(listing(&project.archives()).is_empty());
    assert_eq!(files(), before);
}

// ------------------------------------------------------------------ projects

#[test]
fn a_folder_that_is_no_strapi_project_is_called_that() {
    let folder = tempfile::tempdir().unwrap();
    let export = |project: &Path| {
        let mut command = backup(["export", "--no-encrypt", "--project"]);
        run(command.arg(project).current_dir(folder.path()))
    };
    let said = ["is not a Strapi project", "package.json", "--project"];
    export(folder.path()).ends_with(1).says(said);
    let manifest = folder.path().join("package.json");
    fs::write(&manifest, r#"{"dependencies":{"express":"4.0.0"}}"#).unwrap();
    export(folder.path()).ends_with(1).says(said);
    fs::write(&manifest, "{").unwrap();
    export(folder.path())
        .ends_with(1)
        .says(["package.json is not JSON"]);
    export(&folder.path().join("nowhere"))
        .ends_with(1)
        .says(["nowhere"]);
    assert_eq!(listing(folder.path()), ["package.json"]);
}

#[test]
fn a_strapi_of_the_future_is_not_taken_for_one_that_is_known() {
    let project = Project::testdata();
    project.edit("package.json", "\"5.54.0\"", "\"99.0.0\"");
    let before = project.state();
    neither_exports_nor_imports(&project, ["the project is on Strapi 99.0.0"]);
    before.assert_untouched(&project);
}

// ------------------------------------------------------------------ databases

#[test]
fn a_missing_database_is_named_and_not_made() {
    let project = Project::testdata();
    fs::remove_file(project.database()).unwrap();
    neither_exports_nor_imports(
        &project,
        [
            "there is no database at",
            ".tmp/data.db",
            "start Strapi once",
        ],
    );
}

#[test]
fn a_locked_database_is_left_alone() {
    let project = Project::testdata();
    let before = project.state();
    let strapi = project.connect();
    strapi.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let export = [&["-f", "site"], &PLAIN[..]].concat();
    for mut command in [
        project.command("export", export),
        project.import_command(&strapi_archive(), &[]),
    ] {
        run(impatient(&mut command)).ends_with(1).says([
            "database is locked",
            "another program is writing",
            "stop Strapi",
        ]);
    }
    strapi.execute_batch("ROLLBACK").unwrap();
    before.assert_untouched(&project);
    assert!(listing(&project.archives()).is_empty());
}

#[test]
fn a_file_that_is_no_database_is_called_that() {
    let project = Project::testdata();
    let letter = "a letter, and no database\n".repeat(100);
    fs::write(project.database(), &letter).unwrap();
    neither_exports_nor_imports(&project, ["is not a", "database", "DATABASE_FILENAME"]);
    assert_eq!(fs::read_to_string(project.database()).unwrap(), letter);
    fs::write(project.database(), "").unwrap();
    neither_exports_nor_imports(&project, ["is not a Strapi database"]);
    assert_eq!(fs::read(project.database()).unwrap(), b"");
}

#[test]
fn a_database_of_another_program_is_called_that() {
    let project = Project::testdata();
    fs::remove_file(project.database()).unwrap();
    project.sql("CREATE TABLE articles (id INTEGER PRIMARY KEY); INSERT INTO articles VALUES (1)");
    neither_exports_nor_imports(
        &project,
        [
            "is not a Strapi database",
            "no table strapi_core_store_settings",
        ],
    );
    assert_eq!(project.state().tables["articles"].len(), 1);
}

#[test]
fn a_damaged_database_is_not_exported() {
    let project = Project::testdata();
    let mut bytes = fs::read(project.database()).unwrap();
    let length = bytes.len();
    bytes[4096..length / 2].fill(0xaa);
    fs::write(project.database(), bytes).unwrap();
    neither_exports_nor_imports(&project, ["malformed", "integrity_check"]);
}

#[test]
fn a_project_that_was_never_started_is_called_that() {
    let project = Project::testdata();
    project.sql("DELETE FROM strapi_core_store_settings WHERE key = 'strapi_content_types_schema'");
    let before = project.state();
    neither_exports_nor_imports(
        &project,
        [
            "strapi_content_types_schema",
            "was never started",
            "start Strapi once",
        ],
    );
    before.assert_untouched(&project);
}

#[test]
fn a_table_or_column_that_is_not_there_is_named() {
    for (statement, names) in [
        ("ALTER TABLE tags DROP COLUMN name", ["tags", "name"]),
        (
            "DROP TABLE articles_tags_lnk",
            ["articles_tags_lnk", "api::article.article"],
        ),
    ] {
        let project = Project::testdata();
        project.sql(statement);
        let before = project.state();
        neither_exports_nor_imports(&project, names);
        before.assert_untouched(&project);
    }
}

#[test]
fn a_component_whose_file_is_not_there_is_named() {
    let project = Project::testdata();
    fs::remove_file(project.path().join("src/components/shared/seo.json")).unwrap();
    neither_exports_nor_imports(&project, ["shared.seo", "src/components/shared/seo.json"]);
}

#[test]
fn files_of_a_project_that_are_nested_deep_are_named() {
    let deep = format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    for file in [
        "src/components/shared/seo.json",
        "package.json",
        "config/database.js",
    ] {
        let project = Project::testdata();
        fs::write(project.path().join(file), &deep).unwrap();
        let export = [&["-f", "site"], &PLAIN[..]].concat();
        project.run("export", export).ends_with(1).says([file]);
    }
}

// ------------------------------------------------------------------ folders

#[test]
fn an_upload_folder_that_is_none_is_named() {
    let project = Project::testdata();
    fs::remove_dir_all(project.uploads()).unwrap();
    fs::write(project.uploads(), "a file").unwrap();
    let before = project.state();
    neither_exports_nor_imports(&project, ["upload folder", "public/uploads"]);
    before.assert_untouched(&project);
}

#[test]
fn an_upload_folder_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o755);
    let project = Project::testdata_in(folder);
    set_mode(&project.archives(), 0o777);
    set_mode(&project.uploads(), 0o000);
    let Some(user) = user_without_rights() else {
        return skip("there is no user without rights");
    };
    let mut command = backup_through(user, ["export", "--no-encrypt", "-f"]);
    command.arg(project.archive("site"));
    let outcome = run(command.arg("--project").arg(project.path()));
    set_mode(&project.uploads(), 0o755);
    outcome.ends_with(1).says([
        "upload folder",
        "Permission denied",
        "give this user the permission",
    ]);
    assert!(listing(&project.archives()).is_empty());
}

/// What starts a program as a user whom permissions hold back.
pub fn user_without_rights() -> Option<Command> {
    let starters = [
        Command::new("env"),
        in_words("setpriv --reuid=65534 --regid=65534 --clear-groups"),
    ];
    let program = env!("CARGO_BIN_EXE_backup");
    starters.into_iter().find_map(|mut starter| {
        let script = format!("test $(id -u) != 0 && {program} --version");
        let mut probe = Command::new(starter.get_program());
        probe.args(starter.get_args()).args(["sh", "-c", &script]);
        let allowed = probe.output().is_ok_and(|output| output.status.success());
        allowed.then(|| std::mem::replace(&mut starter, Command::new("false")))
    })
}

fn in_words(line: &str) -> Command {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_for_the_archive_that_is_not_there_is_named() {
    let project = Project::testdata();
    let file = [&["-f", "nowhere/site"], &PLAIN[..]].concat();
    project
        .run("export", file)
        .ends_with(1)
        .says(["there is no folder nowhere", "make it first"]);
    let dir = ["-f", "nowhere/site", "--no-encrypt", "--format", "dir"];
    project
        .run("export", dir)
        .ends_with(1)
        .says(["there is no folder nowhere", "make it first"]);
    assert!(listing(&project.archives()).is_empty());
}

#[test]
fn an_export_that_fails_leaves_the_earlier_archive() {
    let project = Project::testdata();
    fs::write(project.archive("site.tar"), "of yesterday").unwrap();
    project.sql("UPDATE articles SET body = printf('%.*c', 1000000, 'x') WHERE id = 30");
    let options = ["-f", "site", "--overwrite", "--max-size-jsonl", "1"];
    let options = [&options, &PLAIN[..]].concat();
    project.run("export", options).ends_with(1);
    assert_eq!(listing(&project.archives()), ["site.tar"]);
    assert_eq!(
        fs::read(project.archive("site.tar")).unwrap(),
        b"of yesterday"
    );
}

// ------------------------------------------------------------------ full disks

#[test]
fn an_export_onto_a_full_disk_leaves_nothing() {
    let project = Project::testdata();
    let disk = project.archives();
    for format in ["tar", "dir"] {
        let list = format!("ls -A {}", disk.display());
        let Some(starter) = on_small_disk(&disk, "300k", &list) else {
            return;
        };
        let mut command = backup_through(starter, ["export", "--format", format]);
        command.args(PLAIN).arg("-f").arg(disk.join("site"));
        let outcome = run(command.arg("--project").arg(project.path())).ends_with(1);
        assert_eq!(outcome.stdout, "", "{}", outcome.all());
        outcome.says(["No space left on device", "free some space"]);
    }
}

#[test]
fn an_import_onto_a_full_disk_leaves_the_old_data() {
    for (full, size, said) in [
        (".tmp", "1800k", "no room for the database's own journal"),
        (
            "public/uploads",
            "60k",
            "no room for the files of the media library",
        ),
    ] {
        let project = Project::testdata();
        project.sql("UPDATE tags SET name = 'old'; UPDATE articles SET title = 'old'");
        let before = project.state();
        let folder = project.path().join(full);
        let saved = project.archive("saved");
        let save = format!("cp -a {} {}", folder.display(), saved.display());
        let Some(starter) = on_small_disk(&folder, size, &save) else {
            return;
        };
        let mut command = backup_through(starter, ["import", "--force", "-f"]);
        command.arg(strapi_archive());
        let outcome = run(command.arg("--project").arg(project.path())).ends_with(1);
        outcome.says([said, "free some space"]);
        fs::remove_dir_all(&folder).unwrap();
        fs::rename(&saved, &folder).unwrap();
        before.assert_untouched(&project);
    }
}

#[test]
fn an_import_looks_for_room_where_a_linked_database_lies() {
    let project = Project::testdata();
    let elsewhere = project.archive("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(project.database(), elsewhere.join("data.db")).unwrap();
    symlink(elsewhere.join("data.db"), project.database()).unwrap();
    let before = project.state();
    let Some(starter) = on_small_disk(&elsewhere, "1800k", "true") else {
        return;
    };
    let mut command = backup_through(starter, ["import", "--force", "-f"]);
    command.arg(strapi_archive());
    run(command.arg("--project").arg(project.path()))
        .ends_with(1)
        .says(["no room for the database's own journal", "/elsewhere: "]);
    before.assert_untouched(&project);
}

#[test]
fn an_archive_whose_name_may_not_be_on_disk_is_said_to_be_there() {
    if !can_trace() {
        return;
    }
    for format in ["tar", "dir"] {
        let project = Project::testdata();
        let options = [
            "-f",
            "site",
            "--no-encrypt",
            "--no-compress",
            "--format",
            format,
        ];
        let export = project.command("export", options);
        let (outcome, calls) = traced(&export, "fsync", 0);
        outcome.ends_with(0);
        for left in listing(&project.archives()) {
            let path = project.archive(&left);
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
        let last = format!("error=EIO:when={}", calls.len());
        run(&mut injected(&export, "fsync", &last))
            .ends_with(1)
            .says([
                "is there and whole, but may not survive a power cut",
                "Input/output error",
            ]);
        let archive = project.archive(if format == "tar" { "site.tar" } else { "site" });
        let mut verify = backup(["verify"]);
        run(verify.arg(archive)).ends_with(0);
    }
}

/// What starts a program while a folder, with what is in it, lies on a disk of this size, and runs `after` before that
/// disk goes; nothing where that is not allowed.
fn on_small_disk(folder: &Path, size: &str, after: &str) -> Option<Command> {
    let script = format!(
        "set -e
         cp -a {folder} {folder}.copy
         mount -t tmpfs -o size={size} none {folder}
         cp -a {folder}.copy/. {folder}/
         rm -r {folder}.copy
         set +e
         \"$@\"
         code=$?
         {after}
         exit $code",
        folder = folder.display()
    );
    let in_own_namespace = |script: &str| {
        let mut command = in_words("unshare --map-root-user --mount sh -c");
        command.args([script, "sh"]);
        command
    };
    let probe = in_own_namespace("mount -t tmpfs -o size=16k none /mnt").output();
    if probe.is_ok_and(|output| output.status.success()) {
        return Some(in_own_namespace(&script));
    }
    skip("nothing can be mounted here");
    None
}
