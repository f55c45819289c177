//! `backup schedule`: what it prints is what systemd and cron understand, and runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::cli::{KEY, Outcome, Project, backup, run};
use crate::support::files::{copy_folder, listing};
use crate::support::systemd::{Unit, cron_command};
use crate::support::{give_up, skip};

/// A name that means something to systemd, to cron, to the shell, or to all of them.
const ODD: &str = "it's 100% \"odd\" $HOME ${PATH} \\% \\\\% ; `x` ü";

/// A project of that name, and a folder for archives of another, in a folder.
fn odd_project(folder: &Path) {
    let project = Project::testdata();
    copy_folder(&project.path(), &folder.join(ODD));
    fs::create_dir(folder.join(format!("to {ODD}"))).unwrap();
}

/// What is printed for this export, in this folder.
fn schedule(folder: &Path, options: &[&str], export: &[&str]) -> Outcome {
    let words = [&["schedule"], options, &["--", "export"], export].concat();
    run(backup(words).current_dir(folder))
}

/// The two units of what was printed.
fn units(printed: &str) -> (Unit, Unit) {
    let (service, timer) = printed
        .split_once("\n# /etc/systemd/system/")
        .expect("two files");
    let (_, timer) = timer.split_once('\n').expect("its name and its text");
    (Unit::read(service), Unit::read(timer))
}

/// Runs a program of systemd's on files; nothing where it is missing.
fn analyzed(arguments: &[&str], files: &[&Path]) -> Option<Outcome> {
    let mut command = Command::new("systemd-analyze");
    match command.args(arguments).args(files).output() {
        Ok(output) => Some(Outcome::of(output)),
        Err(_) => {
            skip("systemd-analyze (Debian: systemd) is missing: nobody but us has read the units");
            None
        }
    }
}

#[test]
fn a_service_runs_the_export_that_was_given_whatever_names_are_in_it() {
    let folder = tempfile::tempdir().unwrap();
    odd_project(folder.path());
    let archives = format!("to {ODD}");
    let export = [
        "--project",
        ODD,
        "-f",
        &archives,
        "--no-encrypt",
        "--exclude",
        "files,config",
    ];
    let printed = schedule(folder.path(), &["--user", "strapi"], &export).ends_with(0);
    let (service, _) = units(&printed.stdout);
    let words = service.command(&[]);
    let here = folder.path().to_str().unwrap();
    assert_eq!(words[0], env!("CARGO_BIN_EXE_backup"));
    let expected = [
        "export",
        "--project",
        &format!("{here}/{ODD}"),
        "--file",
        &format!("{here}/{archives}/"),
        "--no-encrypt",
        "--exclude",
        "files,config",
    ];
    assert_eq!(words[1..9], expected);
    // What is behind that: --strict and what else belongs to a run that nobody watches.
    assert_eq!(words[9], "--strict");
    let mut writable = service.folders("ReadWritePaths");
    writable.retain(|it| !it.ends_with("/tmp"));
    for folder in &writable {
        assert!(Path::new(folder).is_dir(), "{folder}");
    }
}

/// The archives in a folder and in those right in it.
fn archives(folder: &Path) -> usize {
    let mut names = listing(folder);
    for name in names.clone() {
        if folder.join(&name).is_dir() {
            names.extend(listing(&folder.join(name)));
        }
    }
    names.iter().filter(|name| name.contains(".tar")).count()
}

#[test]
fn a_service_makes_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    odd_project(folder.path());
    let to = format!("to {ODD}");
    let export = ["--project", ODD, "-f", &to, "--no-encrypt"];
    let printed = schedule(folder.path(), &[], &export).ends_with(0);
    let (service, _) = units(&printed.stdout);
    let words = service.command(&[]);
    let mut command = backup(&words[1..]);
    // As systemd starts it: elsewhere, and with the variables of the unit alone.
    run(command.current_dir("/")).ends_with(0);
    assert_eq!(archives(folder.path()), 1);
}

/// Runs a command as a user, in a folder that is read-only but for these folders in it.
fn caged(folder: &Path, writable: &[String], user: u32, words: &[String]) -> Outcome {
    const CAGE: &str = r#"set -eu
        folder=$1 user=$2; shift 2
        mount --make-rprivate /
        mount --bind "$folder" "$folder"
        mount -o remount,bind,ro "$folder"
        while [ "$1" != -- ]; do
            mount --bind "$1" "$1"
            mount -o remount,bind,rw "$1"
            shift
        done
        shift
        cd /
        exec setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
            env -i TMPDIR=/var/tmp "$@""#;
    let mut cage = Command::new("unshare");
    cage.args(["--mount", "sh", "-c", CAGE, "sh"]).arg(folder);
    cage.arg(user.to_string()).args(writable).arg("--");
    Outcome::of(cage.args(words).output().unwrap())
}

#[test]
fn a_service_needs_the_folders_that_it_may_write_to_and_no_other() {
    /// `daemon` of Debian and others.
    const USER: u32 = 1;
    let can_mount = Command::new("unshare").args(["--mount", "true"]).output();
    if !can_mount.is_ok_and(|it| it.status.success()) {
        give_up("this user may not mount anything");
        return;
    }
    // In the folders for temporary files a service may write to all.
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let folder = folder.path();
    odd_project(folder);
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    // Where the tests' own lies that user may not look.
    let other = tempfile::tempdir().unwrap();
    fs::set_permissions(other.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = other.path().join("backup");
    fs::copy(env!("CARGO_BIN_EXE_backup"), &program).unwrap();
    let to = format!("to {ODD}");
    let all = folder.join(ODD);
    for path in [&all, &folder.join(&to)] {
        let mut own = Command::new("chown");
        run(own.args(["-R", &format!("{USER}:{USER}")]).arg(path)).ends_with(0);
    }
    for journal in ["DELETE", "WAL"] {
        let database = rusqlite::Connection::open(all.join(".tmp/data.db")).unwrap();
        database
            .pragma_update(None, "journal_mode", journal)
            .unwrap();
        drop(database);
        let base = format!("{to}/");
        let export = ["--project", ODD, "-f", &base, "--no-encrypt"];
        let program = ["--program", program.to_str().unwrap()];
        let printed = schedule(folder, &program, &export).ends_with(0);
        let (service, _) = units(&printed.stdout);
        assert_eq!(service.get("Service", "User"), "daemon");
        let words = service.command(&[]);
        let mut writable = service.folders("ReadWritePaths");
        let here = folder.to_str().unwrap();
        writable.retain(|it| it.starts_with(here));
        let fewer: Vec<String> = writable
            .iter()
            .filter(|it| it.contains(&to))
            .cloned()
            .collect();
        assert_eq!((writable.len(), fewer.len()), (2, 1), "{writable:?}");
        caged(folder, &writable, USER, &words).ends_with(0);
        let lock = all.join(".tmp/data.db.backup-lock");
        fs::remove_file(lock).unwrap();
        for archive in listing(&folder.join(&to)) {
            fs::remove_file(folder.join(&to).join(archive)).unwrap();
        }
        let without = caged(folder, &fewer, USER, &words);
        assert_ne!(without.code, Some(0), "{journal}\n{}", without.all());
    }
}

#[test]
fn a_line_of_cron_makes_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    odd_project(folder.path());
    let to = format!("to {ODD}");
    let export = ["--project", ODD, "-f", &to, "--no-encrypt"];
    let options = ["--cron", "--weekly", "Sun 03:00", "--user", "strapi"];
    let printed = schedule(folder.path(), &options, &export).ends_with(0);
    let (times, user, command) = cron_command(&printed.stdout);
    assert_eq!((&*times, &*user), ("0 3 * * 0", "strapi"));
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &command]).current_dir("/");
    shell.env_clear().env("PATH", "/usr/bin:/bin");
    run(&mut shell).ends_with(0);
    assert_eq!(archives(folder.path()), 1);
}

#[test]
fn systemd_takes_the_units_and_finds_them_safe() {
    let folder = tempfile::tempdir().unwrap();
    odd_project(folder.path());
    let to = format!("to {ODD}");
    let written = folder.path().join("units");
    fs::create_dir(&written).unwrap();
    let cases = [
        ("daemon", "--daily=1:05", "20"),
        ("root", "--hourly=7", "30"),
    ];
    for (user, times, most) in cases {
        let write = ["--write", "units", "--name", user, "--user", user, times];
        let export = ["--project", ODD, "-f", &to, "--no-encrypt"];
        schedule(folder.path(), &write, &export).ends_with(0);
        let unit = |end: &str| written.join(format!("backup-{user}.{end}"));
        let (service, timer) = (unit("service"), unit("timer"));
        let Some(verified) = analyzed(&["verify", "--man=no"], &[&service, &timer]) else {
            return;
        };
        let verified = verified.ends_with(0);
        // It says more of units of the machine's own.
        let ours = verified.stderr.lines().filter(|it| it.contains("backup-"));
        assert_eq!(ours.count(), 0, "{}", verified.all());
        let threshold = format!("--threshold={most}");
        let threshold = ["security", "--offline=yes", &threshold, "--no-pager"];
        analyzed(&threshold, &[&service])
            .expect("it was there")
            .ends_with(0);
        let timer = Unit::read(&fs::read_to_string(timer).unwrap());
        let times = timer.get("Timer", "OnCalendar");
        let calendar = ["calendar", times];
        analyzed(&calendar, &[]).expect("it was there").ends_with(0);
    }
}

#[test]
fn what_the_shell_asks_for_and_nobody_answers_is_no_schedule() {
    let folder = tempfile::tempdir().unwrap();
    odd_project(folder.path());
    fs::create_dir(folder.path().join("to")).unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["-f", "to/", "--key", KEY], "a key does not belong"),
        (&["-f", "to/"], "nothing gives the key"),
        (&["-f", "to/site", "--no-encrypt"], "is not replaced"),
        (&["-f", "-", "--no-encrypt"], "stdout"),
        (&["--no-encrypt"], "where the archives go"),
        (
            &["-f", "to/", "--no-encrypt", "--format", "dir"],
            "is not replaced",
        ),
        (
            &[
                "-f",
                "to/",
                "--no-encrypt",
                "--database-url",
                "postgres://u:secret@h/d",
            ],
            "password",
        ),
        (
            &["-f", "to/", "--no-encrypt", "--nonsense"],
            "unexpected argument",
        ),
        (
            &["-f", "to/", "--no-encrypt", "--compression-level", "12"],
            "0 to 9",
        ),
    ];
    for (export, what) in cases {
        let export = [&["--project", ODD][..], export].concat();
        for form in ["--systemd", "--cron"] {
            let refused = schedule(folder.path(), &[form], &export);
            let refused = refused.ends_with(2).says([what]);
            assert_eq!(refused.stdout, "", "{export:?}");
            assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
        }
    }
    let verify = ["schedule", "--", "verify", "x"];
    run(&mut backup(verify))
        .ends_with(2)
        .says(["a schedule runs exports"]);
}

#[test]
fn a_service_writes_where_its_archives_go_and_only_there() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    odd_project(folder.path());
    let here = folder.path().to_str().unwrap();
    fs::create_dir(folder.path().join("to")).unwrap();
    let url = format!("file://{here}/to/");
    let cases = [
        ("to", Some("to")),
        ("./to/", Some("to")),
        ("to/../to/", Some("to")),
        ("none/../none/", Some("none")),
        (&*url, Some("to")),
        ("s3://bucket/prefix/", None),
    ];
    for (file, to) in cases {
        let export = ["--project", ODD, "-f", file, "--no-encrypt"];
        // systemd takes no dots.
        let options = ["--writable", "hook/../hooks"];
        let printed = schedule(folder.path(), &options, &export).ends_with(0);
        let (service, _) = units(&printed.stdout);
        let mut writable = service.folders("ReadWritePaths");
        writable.retain(|it| it.starts_with(here));
        let mut expected: Vec<String> = [Some(&*format!("{ODD}/.tmp")), Some("hooks"), to]
            .into_iter()
            .flatten()
            .map(|it| format!("{here}/{it}"))
            .collect();
        expected.sort();
        writable
            .iter_mut()
            .for_each(|it| *it = it.trim_end_matches('/').to_owned());
        assert_eq!(writable, expected, "{file}");
        let words = service.command(&[]);
        assert!(!words.contains(&"to".to_owned()), "{words:?}");
    }
}

#[test]
fn a_project_whose_database_would_be_guessed_is_not_scheduled() {
    let folder = tempfile::tempdir().unwrap();
    odd_project(folder.path());
    let production = folder.path().join(ODD).join("config/env/production");
    fs::create_dir_all(&production).unwrap();
    let config = "module.exports = () => ({ connection: { client: 'sqlite', connection: { filename: 'live.db' } } });";
    fs::write(production.join("database.js"), config).unwrap();
    let export = ["--project", ODD, "-f", "/", "--no-encrypt"];
    schedule(folder.path(), &[], &export)
        .ends_with(1)
        .says(["--environment production"]);
    let export = [&export[..], &["--environment", "production"]].concat();
    let printed = schedule(folder.path(), &[], &export).ends_with(0);
    assert!(
        printed.stdout.contains("--environment production"),
        "{}",
        printed.stdout
    );
}

#[test]
fn written_files_can_be_read_by_all_and_replace_nothing_unasked() {
    let folder = tempfile::tempdir().unwrap();
    odd_project(folder.path());
    let export = ["--project", ODD, "-f", "/", "--no-encrypt"];
    let cron = |options: &[&str]| {
        let options = [&["--cron", "--write", ".", "--user", "me"], options].concat();
        schedule(folder.path(), &options, &export)
    };
    cron(&[]).ends_with(0).says(["written: ./backup-daily"]);
    let path = folder.path().join("backup-daily");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let first = fs::read_to_string(&path).unwrap();
    cron(&[]).ends_with(0).says(["unchanged: ./backup-daily"]);
    cron(&["--daily", "4:00"])
        .ends_with(1)
        .says(["--overwrite", "--name"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), first);
    cron(&["--daily", "4:00", "--overwrite"]).ends_with(0);
    let (times, ..) = cron_command(&fs::read_to_string(&path).unwrap());
    assert_eq!(times, "0 4 * * *");
    assert_eq!(listing(folder.path()).len(), 3, "nothing else is left");
}

#[test]
fn systemd_hands_the_key_to_the_service_and_cron_names_its_file() {
    if !run(&mut backup(["export", "--help"]))
        .stdout
        .contains("--key-file")
    {
        give_up("export has no --key-file yet");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    odd_project(folder.path());
    let to = format!("to {ODD}");
    fs::write(folder.path().join("100% key"), KEY).unwrap();
    let given = folder.path().join("100% key");
    let given = given.to_str().unwrap();
    let export = ["--project", ODD, "-f", &to, "--key-file", "100% key"];
    let printed = schedule(folder.path(), &[], &export).ends_with(0);
    let (service, _) = units(&printed.stdout);
    let credential = service.get("Service", "LoadCredential").to_owned();
    assert_eq!(
        credential,
        format!("backup-key:{}", given.replace('%', "%%"))
    );
    // What systemd does with it.
    let handed = folder.path().join("handed");
    fs::create_dir(&handed).unwrap();
    fs::copy(given, handed.join("backup-key")).unwrap();
    let words = service.command(&[("CREDENTIALS_DIRECTORY", handed.to_str().unwrap())]);
    assert!(!words.contains(&given.to_owned()), "{words:?}");
    run(backup(&words[1..]).current_dir("/")).ends_with(0);

    let options = ["--key-credential", "100% key"];
    let printed = schedule(folder.path(), &options, &export[..4]).ends_with(0);
    let (service, _) = units(&printed.stdout);
    assert_eq!(
        service.get("Service", "LoadCredentialEncrypted"),
        credential
    );
    assert_eq!(
        service
            .command(&[("CREDENTIALS_DIRECTORY", "/x")])
            .last()
            .unwrap(),
        "/x/backup-key"
    );
    schedule(folder.path(), &options, &export).ends_with(2);

    let printed = schedule(folder.path(), &["--cron"], &export).ends_with(0);
    let (_, _, command) = cron_command(&printed.stdout);
    assert!(
        command.contains(&format!("--key-file '{}''%", &given[..given.len() - 5])),
        "{command}"
    );
}

#[test]
fn a_file_of_variables_whose_name_is_a_pattern_is_read_and_no_other() {
    let project = Project::testdata();
    let folder = project.archives();
    let name = "100% [a]*? 'q\" #;$.env";
    fs::write(folder.join(name), "BACKUP_KEY=given\n").unwrap();
    // What the pattern would match.
    fs::write(folder.join("100% axy 'q\" #;$.env"), "BACKUP_KEY=other\n").unwrap();
    let given = folder.join(name);
    let given = given.to_str().unwrap();
    let root = project.path().to_str().unwrap().to_owned();
    let export = ["--project", &root, "-f", "not yet $there/"];
    let options = ["--environment-file", name];
    let outcome = schedule(&folder, &options, &export).ends_with(0);
    let (service, _) = units(&outcome.stdout);
    let pattern = service.get("Service", "EnvironmentFile");
    let pattern = pattern.replace("%%", "%");
    // The shell expands it as systemd does, by glob(7).
    let mut expand = Command::new("sh");
    expand.args(["-c", "IFS=; printf '%s\\0' $PATTERN"]);
    let matched = Outcome::of(expand.env("PATTERN", &pattern).output().unwrap());
    assert_eq!(matched.stdout, format!("{given}\0"), "{pattern}");

    // What is said to make the folder makes it.
    let made = folder.join("not yet $there");
    let said = outcome.lines("note: there is no ");
    let (_, command) = said[0].split_once("make it: ").unwrap();
    let command = command.replace("install -d -m 700 -o ", "printf '%s\\n' ");
    let printed = Outcome::of(Command::new("sh").args(["-c", &command]).output().unwrap());
    let printed: Vec<&str> = printed.stdout.lines().collect();
    assert_eq!(printed[1], format!("{}/", made.display()));

    let options = [&options[..], &["--cron"]].concat();
    let outcome = schedule(&folder, &options, &export).ends_with(0);
    let (_, _, command) = cron_command(&outcome.stdout);
    let (reads, _) = command.split_once("; /").unwrap();
    let script = format!("{reads}; printf %s \"$BACKUP_KEY\"");
    let read = Outcome::of(Command::new("sh").args(["-c", &script]).output().unwrap());
    assert_eq!(read.stdout, "given", "{command}");
}

#[test]
fn any_word_comes_through_systemd_and_cron_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    };
    let signs = "[ -~äß日\\\\\"'%$ ;#!{}()]{1,24}";
    let result = TestRunner::new(config).run(&signs, |text| {
        let export = |user| {
            [
                "--no-encrypt".to_owned(),
                "--file=/backups/".into(),
                "--project=/srv/none".into(),
                format!("--environment={text}"),
            ]
            .map(|it| it.replace("USER", user))
        };
        let words = export("strapi");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let printed = schedule(folder.path(), &["--user", "strapi"], &words).ends_with(0);
        let (service, _) = units(&printed.stdout);
        let same = |words: &[String]| {
            let joined = words.join("\0");
            joined.contains(&format!("\0--environment\0{text}"))
                || joined.contains(&format!("\0--environment={text}"))
        };
        prop_assert!(same(&service.command(&[])), "{}", printed.stdout);
        let printed = schedule(folder.path(), &["--cron", "--user", "strapi"], &words).ends_with(0);
        let (_, _, command) = cron_command(&printed.stdout);
        let program = env!("CARGO_BIN_EXE_backup");
        let arguments = command.strip_prefix(program).expect("the program first");
        let script = format!("printf '%s\\0' {arguments}");
        let seen = Outcome::of(Command::new("sh").args(["-c", &script]).output().unwrap());
        let seen: Vec<String> = seen.stdout.split('\0').map(str::to_owned).collect();
        prop_assert!(same(&seen), "{command}\n{seen:?}");
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[test]
fn what_a_profile_says_is_written_out_so_that_the_service_may_do_it() {
    let project = Project::testdata();
    let folder = project.archives();
    let profile = format!(
        "[profiles.nightly]\nproject = {:?}\nkey-file = '/etc/backup/key'\n[profiles.nightly.export]\nfile = {:?}\n\
         prune = true\nkeep-daily = 7\n",
        project.path(),
        folder.join("kept/"),
    );
    fs::write(folder.join("backup.toml"), profile).unwrap();
    fs::create_dir(folder.join("kept")).unwrap();
    let options = ["--profile", "nightly", "--config", "backup.toml"];
    let outcome = schedule(&folder, &["--user=nobody"], &options).ends_with(0);
    let kept = folder.join("kept").display().to_string();
    for part in [
        kept.as_str(),
        "--keep-daily 7",
        "LoadCredential=backup-key:/etc/backup/key",
        project.path().to_str().unwrap(),
    ] {
        assert!(
            outcome.stdout.contains(part),
            "no {part}\n{}",
            outcome.all()
        );
    }
    let writable = outcome.stdout.lines();
    let mut writable = writable.filter_map(|line| line.strip_prefix("ReadWritePaths="));
    let mut writable = writable.next().unwrap().split(' ');
    assert!(
        writable.any(|path| kept.starts_with(path)),
        "{}",
        outcome.all()
    );
    assert!(!outcome.stdout.contains("--profile"), "{}", outcome.all());
    let missing = ["--profile", "weekly", "--config", "backup.toml"];
    schedule(&folder, &[], &missing)
        .ends_with(2)
        .says(["there is no profile weekly"]);
}

#[test]
fn an_export_that_would_end_with_2_every_night_is_not_scheduled() {
    let project = Project::testdata();
    let of = ["--project", "../project", "--file", "./", "--no-encrypt"];
    for (more, part) in [
        (&["--prune"][..], "no rule says which archives stay"),
        (
            &["--prune", "--keep-daily", "0"],
            "no rule says which archives stay",
        ),
        (&["--keep-daily", "3"], "that is not given"),
        (&["--only", "files", "--exclude", "files"], ""),
    ] {
        let options = [&of[..], more].concat();
        schedule(&project.archives(), &[], &options)
            .ends_with(2)
            .says([part]);
    }
}

#[test]
fn the_advice_for_a_folder_with_a_tab_can_be_typed() {
    let folder = tempfile::tempdir().unwrap();
    odd_project(folder.path());
    let archives = format!("{}/a\tb's c/", folder.path().display());
    let export = ["--project", ODD, "--file", &archives, "--no-encrypt"];
    let outcome = schedule(folder.path(), &["--user", "root"], &export);
    let outcome = outcome.ends_with(0);
    let advice = outcome.lines("note: there is no ");
    let (_, advice) = advice[0].split_once("install -d -m 700 -o root ").unwrap();
    let made = Command::new("bash")
        .args(["-c", &format!("mkdir -p {advice}")])
        .status();
    assert!(made.unwrap().success());
    assert!(Path::new(&archives).is_dir(), "{advice}");
}

#[test]
fn a_service_for_a_site_elsewhere_needs_no_project_and_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (name, text) in [("key", KEY), ("token", "a-token-of-the-site")] {
        fs::write(here.join(name), text).unwrap();
    }
    fs::create_dir(here.join("archives")).unwrap();
    let url = "https://cms.example.com/admin";
    let export = [
        "--from",
        url,
        "--file",
        "archives",
        "--key-file",
        "key",
        "--token-file",
        "token",
    ];
    let printed = schedule(here, &[], &export).ends_with(0);
    let all = printed.all();
    let (service, _) = units(&printed.stdout);
    assert_eq!(service.get("Unit", "After"), "network-online.target");
    assert!(service.get("Unit", "Description").contains(url), "{all}");
    let shown = here.to_str().unwrap();
    assert_eq!(
        service.all("Service", "LoadCredential"),
        [
            format!("backup-key:{shown}/key"),
            format!("backup-token:{shown}/token"),
        ]
    );
    assert!(!all.contains("postgresql"), "{all}");
    let words = service.command(&[("CREDENTIALS_DIRECTORY", "/handed")]);
    let place = |word: &str| words.iter().position(|it| it == word).expect(word);
    assert_eq!(words[place("--from") + 1], url);
    assert_eq!(words[place("--token-file") + 1], "/handed/backup-token");
    assert_eq!(words[place("--key-file") + 1], "/handed/backup-key");
    assert!(!words.iter().any(|it| it == "--project"), "{words:?}");
    assert!(!all.contains("a-token-of-the-site"), "{all}");

    let printed = schedule(here, &["--cron"], &export).ends_with(0);
    let (_, _, command) = cron_command(&printed.stdout);
    assert!(
        command.contains(&format!("--token-file {shown}/token")),
        "{command}"
    );
}

#[test]
fn the_address_of_a_site_without_a_path_is_written_with_the_one_that_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let export = |url: &'static str| {
        let to = ["--file", "/nowhere/", "--no-encrypt", "--token-file", "t"];
        [&["--from", url], &to[..]].concat()
    };
    for (url, written) in [
        ("https://cms.example.com", "https://cms.example.com/admin"),
        ("HTTPS://cms.example.com/", "https://cms.example.com/admin"),
        (
            "https://cms.example.com/panel/",
            "https://cms.example.com/panel",
        ),
    ] {
        let outcome = schedule(folder.path(), &["--user", "backup"], &export(url)).ends_with(0);
        let (service, _) = units(&outcome.stdout);
        let words = service.command(&[("CREDENTIALS_DIRECTORY", "/handed")]);
        let place = words.iter().position(|it| it == "--from").expect("--from");
        assert_eq!(words[place + 1], written, "{}", outcome.all());
        assert!(service.get("Unit", "Description").contains(written));
        let is_said = outcome.stderr.contains("the URL has no path");
        assert_eq!(is_said, written.ends_with("/admin"), "{}", outcome.all());
        let outcome = schedule(folder.path(), &["--cron", "--user", "backup"], &export(url));
        let outcome = outcome.ends_with(0);
        let line = cron_command(&outcome.stdout).2;
        assert!(line.contains(&format!("--from {written} ")), "{line}");
    }
}

#[test]
fn a_schedule_for_a_site_elsewhere_has_a_token_and_somebody_who_runs_it() {
    let folder = tempfile::tempdir().unwrap();
    let url = "https://cms.example.com/admin";
    let export = ["--from", url, "--file", "/nowhere/", "--no-encrypt"];
    schedule(folder.path(), &[], &export)
        .ends_with(2)
        .says(["nothing gives the transfer token", "--token-file"]);
    let export = [&export[..], &["--token-file", "token"]].concat();
    schedule(folder.path(), &[], &export)
        .ends_with(2)
        .says(["who runs the export", "--user"]);
    schedule(folder.path(), &["--user", "backup"], &export).ends_with(0);
    let token = "0123456789abcdef".repeat(16);
    let export = [&export[..6], &[token.as_str()]].concat();
    let outcome = schedule(folder.path(), &["--user", "backup"], &export).ends_with(2);
    assert!(!outcome.all().contains(&token), "{}", outcome.all());
}
