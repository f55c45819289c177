//! Runs that nobody watches: what they say, whom they tell, where their keys and options come from.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::archive::Archive;
use crate::support::cli::{
    KEY, Outcome, PLAIN, Project, backup_through, run, strapi_archive, testdata,
};
use crate::support::files::listing;
use crate::support::odd_store::OddStore;
use crate::support::running::Running;
use crate::support::schema::described;

fn export<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["-f", "site"], &PLAIN[..], more].concat()
}

/// A project one of whose files is missing: its exports end with 3.
fn incomplete() -> Project {
    let project = Project::testdata();
    let file = listing(&project.uploads())
        .into_iter()
        .find(|name| name.ends_with(".png"));
    fs::remove_file(project.uploads().join(file.unwrap())).unwrap();
    project
}

// ------------------------------------------------------------------ keys

#[test]
fn a_key_comes_from_a_file_a_command_or_a_credential() {
    let project = Project::testdata();
    let places = project.archives();
    let file = places.join("key");
    fs::write(&file, format!("{KEY}\n")).unwrap();
    let credentials = places.join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("backup-key"), KEY).unwrap();
    let file = file.to_str().unwrap();
    let credentials = credentials.to_str().unwrap();
    let command = format!("printf '{}\\nnot this\\n' {KEY}", "%s");
    type Given<'a> = (&'a str, Vec<&'a str>, Vec<(&'a str, &'a str)>);
    let given: [Given<'_>; 6] = [
        ("a", vec!["--key-file", file], vec![]),
        ("b", vec!["--key-command", &command], vec![]),
        ("c", vec![], vec![("BACKUP_KEY_FILE", file)]),
        ("d", vec![], vec![("BACKUP_KEY_COMMAND", &command)]),
        ("e", vec![], vec![("CREDENTIALS_DIRECTORY", credentials)]),
        (
            "f",
            vec!["--key-file", file],
            vec![("BACKUP_KEY", "another")],
        ),
    ];
    for (name, options, variables) in given {
        let options = [&["-f", name][..], &options].concat();
        let mut command = project.command("export", options);
        run(command.envs(variables)).ends_with(0);
        let archive = places.join(format!("{name}.tar.gz.enc"));
        assert!(
            !Archive::open(&archive, Some(KEY))
                .lines("entities")
                .is_empty(),
            "{name}"
        );
    }
    let mut both = project.command("export", ["-f", "g"]);
    both.env("BACKUP_KEY", KEY)
        .env("BACKUP_KEY_FILE", "/nowhere");
    run(&mut both).ends_with(0);
}

#[test]
fn a_key_that_cannot_be_had_ends_the_run_before_anything_is_written() {
    let project = Project::testdata();
    let places = project.archives();
    fs::write(places.join("two"), "one\ntwo\n").unwrap();
    fs::write(places.join("bytes"), [0xff, 0xfe]).unwrap();
    fs::write(places.join("empty"), "\n").unwrap();
    let before = listing(&places);
    for (options, code, part) in [
        (["--key-file", "two"], 2, "more than one line"),
        (["--key-file", "bytes"], 2, "not UTF-8"),
        (["--key-file", "empty"], 2, "is empty"),
        (["--key-file", "none"], 1, "cannot read the key"),
        (
            ["--key-command", "echo secret-word; exit 3"],
            1,
            "it ended with 3",
        ),
        (["--key-command", "true"], 2, "is empty"),
        (
            ["--key-command", "head -c 70000 /dev/zero"],
            1,
            "is longer than",
        ),
    ] {
        let options = [&["-f", "site"][..], &options].concat();
        let outcome = project.run("export", options).ends_with(code).says([part]);
        assert!(!outcome.all().contains("secret-word"), "{}", outcome.all());
    }
    assert_eq!(listing(&places), before);
}

#[test]
fn a_variable_that_is_no_text_is_an_error_and_not_absent() {
    let project = Project::testdata();
    for name in ["BACKUP_KEY", "BACKUP_DATABASE_URL", "BACKUP_FILE"] {
        let mut command = project.command("export", export(&[]));
        command.env(name, OsStr::from_bytes(b"a\xff"));
        run(&mut command).ends_with(2).says([name, "not UTF-8"]);
    }
    let mut command = project.command("export", export(&[]));
    command.env("OTHER", OsStr::from_bytes(b"a\xff"));
    run(&mut command).ends_with(0);
}

#[test]
fn a_key_on_the_command_line_is_noted_where_nobody_looks() {
    let project = Project::testdata();
    let typed = ["-f", "site", "-k", KEY];
    project
        .run("export", typed)
        .ends_with(0)
        .says(["note: a key on the command line shows"]);
}

// ------------------------------------------------------------------ what is said

#[test]
fn a_quiet_run_says_nothing_while_all_is_well() {
    let project = Project::testdata();
    let outcome = project.run("export", export(&["--quiet"])).ends_with(0);
    assert_eq!(outcome.all(), "code Some(0)\n--- stdout\n--- stderr\n");
    let archive = project.archives().join("site.tar");
    for (verb, options) in [
        ("verify", vec![archive.to_str().unwrap(), "-q"]),
        ("drill", vec![archive.to_str().unwrap(), "-q"]),
    ] {
        let outcome = run(crate::support::cli::backup([verb]).args(options)).ends_with(0);
        assert_eq!(
            outcome.all(),
            "code Some(0)\n--- stdout\n--- stderr\n",
            "{verb}"
        );
    }
    let outcome = project.import(&archive, &["-q"]).ends_with(0);
    assert_eq!(outcome.all(), "code Some(0)\n--- stdout\n--- stderr\n");
}

#[test]
fn a_quiet_run_that_is_incomplete_says_what_and_what_it_held_back() {
    let outcome = incomplete()
        .run("export", export(&["--quiet"]))
        .ends_with(3);
    let outcome = outcome.says([
        "warning: ",
        "files are missing",
        "project: ",
        "The archive is in ",
    ]);
    assert_eq!(outcome.stdout, "");
    let failed = Project::testdata().run("export", ["-q", "-f", "/nowhere/site", "--no-encrypt"]);
    failed
        .ends_with(1)
        .says(["error: there is no folder /nowhere"]);
}

/// The lines of JSON of a run, each held against the schema, and the last of them.
fn objects(outcome: &Outcome) -> (Vec<Value>, Value) {
    let mut objects: Vec<Value> = outcome.stdout.lines().map(described).collect();
    let last = objects.pop().expect("a summary");
    assert_eq!(last["type"], "summary", "{}", outcome.all());
    assert!(objects.iter().all(|object| object["type"] != "summary"));
    (objects, last)
}

#[test]
fn json_tells_all_that_the_table_does_with_size_and_digest() {
    let project = Project::testdata();
    let outcome = project.run("export", export(&["--json"])).ends_with(0);
    assert_eq!(outcome.stderr, "");
    let (objects, summary) = objects(&outcome);
    let archive = fs::read(project.archives().join("site.tar")).unwrap();
    assert_eq!(summary["archive"]["name"], "site.tar");
    assert_eq!(summary["archive"]["size"], archive.len());
    let digest: String = Sha256::digest(&archive)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(summary["archive"]["sha256"], digest);
    let entities = Archive::open(&project.archives().join("site.tar"), None).lines("entities");
    assert_eq!(summary["stages"]["entities"]["count"], entities.len());
    let articles = entities
        .iter()
        .filter(|line| line.contains(r#""type":"api::article.article""#));
    let groups = &summary["stages"]["entities"]["groups"];
    assert_eq!(groups["api::article.article"]["count"], articles.count());
    for kind in ["message", "phase", "progress"] {
        assert!(
            objects.iter().any(|object| object["type"] == kind),
            "no {kind}"
        );
    }
}

#[test]
fn json_tells_of_what_is_missing_of_errors_and_of_other_verbs() {
    let outcome = incomplete().run("export", export(&["--json"])).ends_with(3);
    let (told, summary) = objects(&outcome);
    assert_eq!(
        (&summary["status"], &summary["exit_code"]),
        (&"incomplete".into(), &3.into())
    );
    assert_eq!(summary["warnings"][0]["incomplete"], true);
    assert!(told.iter().any(|object| object["type"] == "warning"));

    let project = Project::testdata();
    let outcome = project
        .run("export", ["--json", "-f", "/nowhere/site", "--no-encrypt"])
        .ends_with(1);
    let (_, summary) = objects(&outcome);
    assert!(
        summary["error"]["message"]
            .as_str()
            .unwrap()
            .contains("/nowhere")
    );
    assert_eq!(summary["status"], "failed");

    let outcome = project.import(&strapi_archive(), &["--json"]).ends_with(0);
    let (_, summary) = objects(&outcome);
    assert_eq!(summary["command"], "import");
    assert!(summary["stages"]["links"]["count"].as_u64().unwrap() > 0);

    let damaged = project.archives().join("cut.tar");
    let whole = fs::read(strapi_archive()).unwrap();
    fs::write(&damaged, &whole[..whole.len() / 2]).unwrap();
    let mut verify = crate::support::cli::backup(["verify", "--json"]);
    let outcome = run(verify.arg(&damaged)).ends_with(6);
    let (_, summary) = objects(&outcome);
    let found = summary.get("error").is_some() || !summary["faults"].as_array().unwrap().is_empty();
    assert!(found, "{summary}");
}

#[test]
fn with_the_archive_on_stdout_json_goes_to_stderr() {
    let project = Project::testdata();
    let mut command = project.command("export", [&["-f", "-", "--json"], &PLAIN[..]].concat());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stderr).unwrap();
    let last: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(last["archive"]["size"], output.stdout.len());
}

#[test]
fn the_table_in_a_file_is_plain_columns_with_whole_numbers() {
    let outcome = Project::testdata().run("export", export(&[])).ends_with(0);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert!(outcome.stdout.is_ascii(), "{}", outcome.stdout);
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["Count", "Bytes", "Type"]
    );
    let total = lines.iter().find(|line| line.ends_with("  Total")).unwrap();
    let numbers: Vec<u64> = total
        .split_whitespace()
        .take(2)
        .map(|it| it.parse().unwrap())
        .collect();
    assert_eq!(numbers.len(), 2);
}

// ------------------------------------------------------------------ hooks and monitors

#[test]
fn hooks_get_the_summary_and_the_code_and_change_nothing() {
    let project = Project::testdata();
    let hooks = [
        "--on-success",
        "cat > good.json; echo $BACKUP_EXIT_CODE > code; exit 9",
        "--on-failure",
        "cat > bad.json; echo $BACKUP_EXIT_CODE > code",
    ];
    let read = |project: &Project, name: &str| {
        let text = fs::read_to_string(project.archives().join(name)).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let outcome = project.run("export", export(&hooks)).ends_with(0);
    outcome.says(["note: the command of --on-success: it ended with 9"]);
    assert_eq!(read(&project, "good.json")["status"], "complete");
    assert!(!project.archives().join("bad.json").exists());

    let project = incomplete();
    project.run("export", export(&hooks)).ends_with(3);
    assert_eq!(read(&project, "bad.json")["exit_code"], 3);
    assert_eq!(read(&project, "code"), 3);
    assert!(!project.archives().join("good.json").exists());

    let project = Project::testdata();
    let failing = [&["-f", "/nowhere/site", "--no-encrypt"], &hooks[..]].concat();
    project.run("export", failing).ends_with(1);
    let told = read(&project, "bad.json");
    assert!(
        told["error"]["message"]
            .as_str()
            .unwrap()
            .contains("/nowhere")
    );
}

#[test]
fn what_a_hook_prints_does_not_get_into_the_archive_or_the_json() {
    let project = Project::testdata();
    let options = export(&["--json", "--on-success", "echo from the hook"]);
    let outcome = project.run("export", options).ends_with(0);
    objects(&outcome);
    assert_eq!(outcome.stderr, "from the hook\n");
}

#[test]
fn what_a_hook_starts_ends_with_it_and_a_signal_ends_both() {
    let project = Project::testdata();
    // The shell is not the one that waits.
    let hook = "echo begun >&2; tail -f /dev/null; echo never > never";
    let command = project.command("export", export(&["--on-success", hook]));
    let mut running = Running::start(command);
    running.until("begun");
    running.signal("TERM");
    let outcome = running.end().ends_with(0);
    let outcome = outcome.says(["note: the command of --on-success"]);
    assert!(
        !project.archives().join("never").exists(),
        "{}",
        outcome.all()
    );
    assert!(project.archives().join("site.tar").exists());
}

#[test]
fn a_hook_that_runs_this_program_does_not_run_itself() {
    let project = Project::testdata();
    let program = env!("CARGO_BIN_EXE_backup");
    let hook = format!("echo once >> runs; exec {program} verify site.tar");
    let mut command = project.command("export", export(&[]));
    run(command.env("BACKUP_ON_SUCCESS", hook)).ends_with(0);
    let runs = fs::read_to_string(project.archives().join("runs")).unwrap();
    assert_eq!(runs, "once\n");
}

#[test]
fn a_signal_is_heard_while_a_key_is_waited_for() {
    let project = Project::testdata();
    let pipe = project.archives().join("pipe");
    run(Command::new("mkfifo").arg(&pipe)).ends_with(0);
    for options in [
        ["--key-command", "echo begun >&2; exec tail -f /dev/null"],
        // The command ends, and what it left behind keeps the pipe open.
        [
            "--key-command",
            "tail --pid=$PPID -f /dev/null & echo begun >&2",
        ],
        ["--key-file", "pipe"],
    ] {
        let command = project.command("export", [&["-f", "site"][..], &options].concat());
        let mut running = Running::start(command);
        let mut writer = None;
        match options[0] {
            "--key-file" => {
                // This waits until somebody reads.
                let opened = fs::OpenOptions::new().write(true).open(&pipe);
                writer = Some(opened.unwrap());
            }
            _ => {
                running.until("begun");
            }
        }
        running.signal("TERM");
        let outcome = running.end();
        drop(writer);
        outcome.ends_with(130);
    }
}

#[test]
fn nothing_of_a_command_for_a_key_outlives_a_run_that_is_interrupted() {
    let project = Project::testdata();
    // What waits ends with the run in any case.
    let waits = "tail --pid=$PPID -f /dev/null; echo never > never";
    // A process that has ended and was not waited for has no program.
    let left = "while [ -e /proc/$$/exe ]; do :; done; echo begun >&2";
    for command in [
        format!("({left}; {waits}) &"),
        format!("printf key; ({left}; {waits}) &"),
        format!("trap '' TERM; echo begun >&2; ({waits}); echo key"),
    ] {
        let starter = Command::new("setsid");
        let options = ["export", "-f", "site", "--key-command", &command];
        let mut export = backup_through(starter, options);
        export.arg("--project").arg(project.path());
        export.current_dir(project.archives());
        let mut running = Running::start(export);
        running.until("begun");
        running.signal("TERM");
        let outcome = running.end().ends_with(130);
        let never = project.archives().join("never");
        assert!(!never.exists(), "{command}\n{}", outcome.all());
    }
}

#[test]
fn what_a_command_for_a_key_starts_ends_with_it_where_there_is_no_terminal() {
    let project = Project::testdata();
    // The shell is not the one that waits; and what waits ends with the run in any case.
    let command = "echo begun >&2; (tail --pid=$PPID -f /dev/null; echo never > never); echo key";
    let starter = Command::new("setsid");
    let mut export = backup_through(starter, ["export", "-f", "site", "--key-command", command]);
    export.arg("--project").arg(project.path());
    export.current_dir(project.archives());
    let mut running = Running::start(export);
    running.until("begun");
    running.signal("TERM");
    let outcome = running.end().ends_with(130);
    let never = project.archives().join("never");
    assert!(!never.exists(), "{}", outcome.all());
}

/// Answers so many requests with this status, and gives their first lines and bodies.
fn monitor(
    requests: usize,
    status: &'static str,
) -> (String, thread::JoinHandle<Vec<(String, String)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/ping/5f1e?create=1",
        listener.local_addr().unwrap()
    );
    let served = thread::spawn(move || {
        let serve = |_| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let (head, length) = loop {
                let mut block = [0; 4096];
                let read = stream.read(&mut block).unwrap();
                request.extend_from_slice(&block[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                if let Some(end) = text.find("\r\n\r\n") {
                    let length = text.to_ascii_lowercase();
                    let length = length.split("content-length: ").nth(1);
                    let length =
                        length.map_or(0, |it| it.split("\r\n").next().unwrap().parse().unwrap());
                    break (end + 4, length);
                }
            };
            while request.len() < head + length {
                let mut block = [0; 4096];
                let read = stream.read(&mut block).unwrap();
                request.extend_from_slice(&block[..read]);
            }
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            let text = String::from_utf8(request).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            (head.lines().next().unwrap().to_owned(), body.to_owned())
        };
        (0..requests).map(serve).collect()
    });
    (url, served)
}

#[test]
fn a_monitor_hears_of_the_start_and_of_the_code() {
    let (url, served) = monitor(2, "200 OK");
    Project::testdata()
        .run("export", export(&["-q", "--ping-url", &url]))
        .ends_with(0);
    let told = served.join().unwrap();
    assert_eq!(told[0].0, "POST /ping/5f1e/start?create=1 HTTP/1.1");
    assert_eq!(told[1].0, "POST /ping/5f1e/0?create=1 HTTP/1.1");
    let summary: Value = serde_json::from_str(&told[1].1).unwrap();
    assert_eq!(summary["status"], "complete");

    let (url, served) = monitor(2, "200 OK");
    incomplete()
        .run("export", export(&["--ping-url", &url]))
        .ends_with(3);
    assert!(
        served.join().unwrap()[1]
            .0
            .starts_with("POST /ping/5f1e/3?")
    );
}

#[test]
fn a_monitor_that_sends_elsewhere_is_followed_without_its_url() {
    let there = OddStore::start(|_, _| "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into());
    let port = there.port;
    let monitor = OddStore::start(move |_, _| {
        let there = format!("Location: http://127.0.0.1:{port}/heard");
        format!("HTTP/1.1 307 Temporary Redirect\r\n{there}\r\nContent-Length: 0\r\n\r\n")
    });
    let url = format!("http://127.0.0.1:{}/ping/5f1e", monitor.port);
    Project::testdata()
        .run("export", export(&["--ping-url", &url]))
        .ends_with(0);
    let heard = there.requests();
    assert_eq!(heard.len(), 2, "{heard:?}");
    for head in heard {
        assert!(head.starts_with("POST /heard "), "{head}");
        assert!(!head.contains("5f1e"), "{head}");
    }
}

#[test]
fn a_monitor_that_does_not_answer_changes_nothing_and_its_url_stays_secret() {
    let (url, served) = monitor(4, "500 Internal Server Error");
    let outcome = Project::testdata()
        .run("export", export(&["--ping-url", &url]))
        .ends_with(0);
    assert_eq!(served.join().unwrap().len(), 4);
    let outcome = outcome.says(["note: 127.0.0.1 was not told: it answers 500"]);
    assert!(!outcome.all().contains("5f1e"), "{}", outcome.all());
    let gone = export(&["--ping-url", "http://127.0.0.1:1/5f1e"]);
    let outcome = Project::testdata().run("export", gone).ends_with(0);
    assert!(!outcome.all().contains("5f1e"), "{}", outcome.all());
}

// ------------------------------------------------------------------ profiles

#[test]
fn a_profile_runs_an_export_as_it_was_written_down() {
    let project = Project::testdata();
    let folder = project.archives();
    fs::write(folder.join("key"), KEY).unwrap();
    let file = folder.join("backup.toml");
    let text = format!(
        "[profiles.nightly]\nproject = {:?}\nkey-file = {:?}\nquiet = true\n\n[profiles.nightly.export]\nfile = {:?}\n",
        project.path(),
        folder.join("key"),
        folder.join("nightly"),
    );
    fs::write(&file, text).unwrap();
    let with = |more: &[&str]| {
        let mut command =
            crate::support::cli::backup(["export", "--profile", "nightly", "--config"]);
        command.arg(&file).args(more).current_dir("/");
        run(&mut command)
    };
    let outcome = with(&[]).ends_with(0);
    assert_eq!(outcome.all(), "code Some(0)\n--- stdout\n--- stderr\n");
    Archive::open(&folder.join("nightly.tar.gz.enc"), Some(KEY));
    let elsewhere = folder.join("elsewhere");
    with(&[
        "--no-encrypt",
        "--no-compress",
        "-f",
        elsewhere.to_str().unwrap(),
    ])
    .ends_with(0);
    assert!(elsewhere.with_extension("tar").exists());

    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    with(&[]).ends_with(2).says(["everybody may write to it"]);
}

#[test]
fn profiles_are_looked_for_at_home_and_never_in_the_project() {
    let project = Project::testdata();
    let profile = "[profiles.nightly]\nno-encrypt = true\nno-compress = true\nfile = 'nightly'\n";
    fs::write(project.path().join("backup.toml"), profile).unwrap();
    let home = project.archives().join("home");
    let find = |at: &Path| {
        let mut command = project.command("export", ["--profile", "nightly"]);
        run(command.env("HOME", at).env_remove("XDG_CONFIG_HOME"))
    };
    find(&home)
        .ends_with(2)
        .says(["looked for", "home/.config/backup/backup.toml", "--config"]);
    fs::create_dir_all(home.join(".config/backup")).unwrap();
    fs::write(home.join(".config/backup/backup.toml"), profile).unwrap();
    find(&home).ends_with(0);
    assert!(project.archives().join("nightly.tar").exists());
}

#[test]
fn variables_give_options_as_well() {
    let project = Project::testdata();
    let mut command = project.command("export", ["--no-compress"]);
    run(command
        .env("BACKUP_FILE", "by-variable")
        .env("BACKUP_NO_ENCRYPT", "1"))
    .ends_with(0);
    assert!(project.archives().join("by-variable.tar").exists());
    assert!(testdata("project").exists());
}
