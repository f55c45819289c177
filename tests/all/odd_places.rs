//! Restores where the disk is full, may not be written to, or is several disks.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bad_input::user_without_rights;
use crate::support::cli::{PLAIN, Project, backup_through, run, strapi_archive};
use crate::support::files::copy_folder;
use crate::support::place::Place;
use crate::support::{give_up, skip};

/// A file system of its own, until it is dropped.
struct Mount(PathBuf);

impl Mount {
    /// Nothing where the system does not allow it, as in some containers and to whoever is not root.
    fn new(folder: &Path, options: &str) -> Option<Mount> {
        let mount = [
            "-t",
            "tmpfs",
            "-o",
            options,
            "tmpfs",
            folder.to_str().unwrap(),
        ];
        let mounted = Command::new("mount").args(mount).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Mount(folder.to_owned()));
        }
        give_up("nothing may be mounted here");
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(unmounted.unwrap().success());
    }
}

/// A project that differs from Strapi's archive.
fn changed() -> Project {
    let project = Project::testdata();
    project.spoil();
    project
}

fn assert_restored(project: &Project) {
    let original = Project::testdata();
    original.import(&strapi_archive(), &[]).ends_with(0);
    assert!(project.content() == original.content());
    assert!(project.files() == original.files());
}

#[test]
fn a_disk_that_gets_full_leaves_everything_as_it_was() {
    // More than any of the numbers below; and larger rows than SQLite keeps in memory.
    let large = Project::testdata();
    large.sql(
        "WITH RECURSIVE numbers(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
         INSERT INTO tags (document_id, name) SELECT n, printf('%.*c', 5000, 'x') FROM numbers;
         INSERT INTO files (document_id, name, hash, ext, mime, size, url, provider)
         VALUES ('big', 'big', 'big', '.bin', 'application/octet-stream', 1, '/uploads/big.bin', 'local')",
    );
    fs::write(large.uploads().join("big.bin"), vec![7; 1 << 20]).unwrap();
    let archive = large.export("large", &[]);
    let folder = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::new(folder.path(), "size=24m") else {
        return;
    };
    let original = changed();
    copy_folder(&original.path(), &folder.path().join("project"));
    let database = folder.path().join("project/.tmp/data.db");
    let before = fs::read(&database).unwrap();
    let filler = folder.path().join("filler");
    let mut ends = Vec::new();
    for free in [0, 8, 40, 300, 1_100, 2_000, 4_000, 7_000, 20_000] {
        fill(&filler, folder.path(), free * 1024);
        let import = large.command("import", ["--force", "-f", archive.to_str().unwrap()]);
        let mut command = Command::new(import.get_program());
        let project = folder.path().join("project");
        let arguments = import.get_args().map(|argument| {
            if argument == large.path() {
                project.as_os_str()
            } else {
                argument
            }
        });
        let outcome = run(command.args(arguments).stdin(Stdio::null()));
        fs::remove_file(&filler).unwrap();
        ends.push(outcome.code.unwrap());
        if outcome.code == Some(1) {
            let said = outcome.all();
            assert!(said.contains("free some space"), "{free}: {said}");
            assert!(
                before == fs::read(&database).unwrap(),
                "{free}: the database is another one\n{said}"
            );
            assert!(!said.contains("the next run"), "{free}: {said}");
            let names = |folder: &Path| crate::support::files::listing(folder);
            assert_eq!(
                names(&project.join("public/uploads")),
                names(&original.uploads()),
                "{free}: {said}"
            );
            assert_eq!(
                names(&project.join(".tmp")),
                ["data.db", "data.db.backup-lock"],
                "{free}: {said}"
            );
        }
    }
    assert_eq!(ends.pop(), Some(0));
    assert_eq!(ends[0], 1);
}

/// Leaves so much of a file system.
fn fill(filler: &Path, folder: &Path, free: u64) {
    let stat = rustix::fs::statvfs(folder).unwrap();
    let size = (stat.f_bavail * stat.f_frsize).saturating_sub(free);
    fs::write(filler, vec![0; usize::try_from(size).unwrap()]).unwrap();
}

#[test]
fn a_stdout_that_is_full_does_not_make_a_restore_that_is_done_a_failure() {
    let project = changed();
    let mut import = project.import_command(&strapi_archive(), &[]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    run(import.stdout(full)).ends_with(0);
    assert_restored(&project);
}

#[test]
fn an_upload_folder_that_may_not_be_written_to_leaves_everything_as_it_was() {
    let Some(user) = user_without_rights() else {
        return skip("there is no user without rights");
    };
    let project = changed();
    let all = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    all(project.path().parent().unwrap(), 0o755);
    all(project.database().parent().unwrap(), 0o777);
    all(&project.database(), 0o666);
    all(&project.uploads(), 0o555);
    let before = project.state();
    let mut command = backup_through(user, ["import", "--force", "-f"]);
    command
        .arg(strapi_archive())
        .arg("--project")
        .arg(project.path());
    run(&mut command).ends_with(1).says([
        "upload folder",
        "Permission denied",
        "give this user the permission",
    ]);
    before.assert_untouched(&project);
}

#[test]
fn an_upload_folder_that_is_a_disk_of_its_own_is_restored() {
    let project = changed();
    let files = project.files();
    let Some(_mount) = Mount::new(&project.uploads(), "size=4m") else {
        return;
    };
    for (name, bytes) in files {
        fs::write(project.uploads().join(name), bytes).unwrap();
    }
    project.import(&strapi_archive(), &[]).ends_with(0);
    assert_restored(&project);
}

#[test]
fn an_upload_folder_that_is_a_link_to_another_disk_is_restored() {
    let project = changed();
    let elsewhere = tempfile::tempdir().unwrap();
    let Some(_mount) = Mount::new(elsewhere.path(), "size=4m") else {
        return;
    };
    copy_folder(&project.uploads(), elsewhere.path());
    fs::remove_dir_all(project.uploads()).unwrap();
    symlink(elsewhere.path(), project.uploads()).unwrap();
    project.import(&strapi_archive(), &[]).ends_with(0);
    assert!(project.uploads().is_symlink());
    assert_restored(&project);
}

#[test]
fn an_upload_folder_on_a_disk_that_is_read_only_leaves_everything_as_it_was() {
    let project = changed();
    let public = project.uploads().parent().unwrap().to_owned();
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&public, copy.path());
    let Some(_mount) = Mount::new(&public, "size=4m") else {
        return;
    };
    copy_folder(copy.path(), &public);
    let remount = ["-o", "remount,ro", public.to_str().unwrap()];
    assert!(
        Command::new("mount")
            .args(remount)
            .status()
            .unwrap()
            .success()
    );
    let before = project.state();
    project
        .import(&strapi_archive(), &[])
        .ends_with(1)
        .says(["upload folder", "Read-only file system"]);
    before.assert_untouched(&project);
    // It can be read, and the rest of the project restored.
    project
        .run("export", [&["-f", "site"], &PLAIN[..]].concat())
        .ends_with(0);
    project
        .import(&strapi_archive(), &["--exclude", "files"])
        .ends_with(0);
}
