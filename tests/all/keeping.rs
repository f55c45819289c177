//! `backup list`, `backup prune` and `export --prune`, on folders.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use strapi_backup::store::{Access, Interrupt, Location, write_small};

use crate::support::cli::{KEY, Outcome, Project, backup, run};
use crate::support::schema::described;
use crate::support::stores::{Kind, Store};

/// Puts a file there that nobody can look into, and the summary that says whose it is. Both are a day old.
fn archive(folder: &Path, name: &str, made: &str, status: &str) {
    fs::write(folder.join(name), [0xff; 48]).unwrap();
    let summary = json!({
        "format": 1, "program": "backup", "command": "export", "status": status, "exit_code": 0,
        "archive": {"name": name, "size": 48, "encrypted": true}, "started": made, "strapi": "5.54.0",
        "stages": {"entities": {"count": 7, "bytes": 9}, "assets": {"count": 3, "bytes": 9}},
    });
    let summary_name = format!("{name}.summary.json");
    fs::write(folder.join(&summary_name), summary.to_string()).unwrap();
    age(&folder.join(name));
    age(&folder.join(summary_name));
}

/// A week of archives of a site.
fn week(folder: &Path, site: &str) {
    for day in 14..=20 {
        let name = format!("{site}-2026-11-{day}.tar.gz.enc");
        archive(
            folder,
            &name,
            &format!("2026-11-{day}T01:00:00Z"),
            "complete",
        );
    }
}

/// Makes a file a day old.
fn age(path: &Path) {
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(yesterday).unwrap();
}

/// The names of the archives in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".json"))
        .collect();
    names.sort();
    names
}

fn prune(folder: &Path, options: &[&str]) -> Outcome {
    run(backup(["prune"]).arg(folder).args(options).env("TZ", "UTC"))
}

#[test]
fn a_list_needs_no_key_and_says_where_it_is_from() {
    let project = Project::testdata();
    let export = |options: &[&str]| {
        let mut command = project.command("export", options.iter().copied());
        run(command.env("BACKUP_KEY", KEY)).ends_with(0);
    };
    export(&["-f", "a-2026-11-20", "--summary"]);
    export(&["-f", "b-2026-11-20"]);
    export(&["-f", "c-2026-11-20", "--no-encrypt"]);
    fs::write(project.archive("notes.txt"), "").unwrap();
    let list = |key: bool| {
        let mut command = backup(["list", "--json"]);
        command.arg(project.archives());
        if key {
            command.env("BACKUP_KEY", KEY);
        }
        let outcome = run(&mut command).ends_with(0);
        let list: Value = described(&outcome.stdout);
        assert_eq!(list["others"], 1);
        list["archives"].clone()
    };
    let archives = list(false);
    let from = |archives: &Value| -> Vec<String> {
        let archives = archives.as_array().unwrap().iter();
        archives
            .map(|it| it["from"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(from(&archives), ["summary", "name", "archive"]);
    assert_eq!(archives[0]["complete"], true);
    assert_eq!(archives[0]["counts"]["entities"], 82);
    assert_eq!(archives[0]["counts"]["assets"], 10);
    assert_eq!(archives[0]["strapi"], "5.54.0");
    assert_eq!(archives[1]["doubt"], "it is encrypted, and has no summary");
    assert_eq!(archives[2]["strapi"], "5.54.0");
    assert_eq!(archives[2]["doubt"], Value::Null);
    assert_eq!(from(&list(true)), ["summary", "archive", "archive"]);
    let table = run(backup(["list"]).arg(project.archives())).ends_with(0);
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", table.all());
    assert!(lines[0].starts_with("Made"), "{}", table.all());
    assert!(lines[1].contains("82  "), "{}", table.all());
    assert!(
        lines[1].ends_with("a-2026-11-20.tar.gz.enc"),
        "{}",
        table.all()
    );
}

#[test]
fn a_wrong_key_proves_nothing_and_stops_no_list() {
    let project = Project::testdata();
    let mut command = project.command("export", ["-f", "site-2026-11-20"]);
    run(command.env("BACKUP_KEY", KEY)).ends_with(0);
    let path = project.archive("site-2026-11-20.tar.gz.enc");
    age(&path);
    prune(&project.archives(), &["--keep-last", "1", "--key", "wrong"])
        .ends_with(0)
        .stdout
        .find("leave")
        .expect("it is left");
    assert!(path.exists());
}

#[test]
fn archives_of_a_site_are_thinned_out_and_others_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    week(folder.path(), "site");
    week(folder.path(), "shop");
    fs::write(folder.path().join("site-2026-11-01.tar.gz.enc"), [1; 48]).unwrap();
    fs::write(folder.path().join("readme.txt"), "").unwrap();
    let dry = prune(folder.path(), &["--keep-daily", "2", "--dry-run"]).ends_with(0);
    assert!(
        dry.stdout.contains("10 archives would be removed"),
        "{}",
        dry.all()
    );
    assert_eq!(names(folder.path()).len(), 16);
    let outcome = prune(folder.path(), &["--keep-daily", "2"]).ends_with(0);
    assert!(
        outcome.stdout.contains("daily 2026-11-20"),
        "{}",
        outcome.all()
    );
    assert!(
        outcome.stdout.contains("10 archives removed"),
        "{}",
        outcome.all()
    );
    let left = [
        "readme.txt",
        "shop-2026-11-19.tar.gz.enc",
        "shop-2026-11-20.tar.gz.enc",
        "site-2026-11-01.tar.gz.enc",
        "site-2026-11-19.tar.gz.enc",
        "site-2026-11-20.tar.gz.enc",
    ];
    assert_eq!(names(folder.path()), left);
    // Their summaries went with them.
    let summaries = fs::read_dir(folder.path()).unwrap().count() - left.len();
    assert_eq!(summaries, 4);
}

#[test]
fn an_archive_that_was_cut_takes_no_place_of_a_whole_one() {
    let project = Project::testdata();
    let folder = project.archives();
    for day in ["17", "18", "19"] {
        let name = format!("site-2026-11-{day}");
        let options = ["-f", &name, "--no-encrypt", "--summary"];
        project.run("export", options).ends_with(0);
    }
    let cut = folder.join("site-2026-11-19.tar.gz");
    File::options()
        .write(true)
        .open(&cut)
        .unwrap()
        .set_len(10_000)
        .unwrap();
    for name in names(&folder) {
        age(&folder.join(name));
    }
    let listed = run(backup(["list", "--json"]).arg(&folder)).ends_with(0);
    let listed: Value = described(&listed.stdout);
    let archives = listed["archives"].as_array().unwrap();
    let is_complete = |day: &str| {
        let name = format!("site-2026-11-{day}.tar.gz");
        let found = archives.iter().find(|archive| archive["name"] == name);
        found.unwrap()["complete"] == true
    };
    assert_eq!(
        ["17", "18", "19"].map(is_complete),
        [true, true, false],
        "{listed:#}"
    );
    prune(&folder, &["--keep-last", "1"]).ends_with(0);
    let left = ["site-2026-11-18.tar.gz", "site-2026-11-19.tar.gz"];
    assert_eq!(names(&folder), left);
}

#[test]
fn a_copy_that_was_cut_and_has_no_summary_displaces_no_whole_archive() {
    let project = Project::testdata();
    let folder = project.archives();
    let options = ["-f", "site-2026-11-20", "--no-encrypt"];
    project.run("export", options).ends_with(0);
    let whole = folder.join("site-2026-11-20.tar.gz");
    let copy = folder.join("site-2026-11-21.tar.gz");
    let bytes = fs::read(&whole).unwrap();
    fs::write(&copy, &bytes[..12_000]).unwrap();
    for path in [&whole, &copy] {
        age(path);
    }
    let outcome = prune(&folder, &["--keep-last", "1"]).ends_with(1);
    outcome.says(["site-2026-11-21.tar.gz, which was to stay, is damaged"]);
    assert_eq!(names(&folder).len(), 2);
    // One that is whole does, though nothing but its name says so before it is read.
    fs::write(&copy, &bytes).unwrap();
    age(&copy);
    prune(&folder, &["--keep-last", "1"]).ends_with(0);
    assert_eq!(names(&folder), ["site-2026-11-21.tar.gz"]);
}

#[test]
fn sites_that_give_their_archives_no_name_do_not_prune_each_others() {
    let (one, other) = (Project::testdata(), Project::testdata());
    let folder = one.archives();
    let place = format!("{}/", folder.display());
    let export = |project: &Project| {
        let options = ["-f", &place, "--no-encrypt", "--prune", "--keep-last", "1"];
        project.run("export", options).ends_with(0);
    };
    export(&one);
    let first = names(&folder);
    // The default name has the second in it.
    let renamed = folder.join("export_20260101000000.tar.gz");
    let summary = |path: &Path| format!("{}.summary.json", path.display());
    let old = folder.join(&first[0]);
    let text = fs::read_to_string(summary(&old)).unwrap();
    let text = text.replace(&first[0], "export_20260101000000.tar.gz");
    fs::rename(&old, &renamed).unwrap();
    fs::remove_file(summary(&old)).unwrap();
    fs::write(summary(&renamed), text).unwrap();
    export(&other);
    assert_eq!(names(&folder).len(), 2);
    prune(&folder, &["--keep-last", "1"]).ends_with(0);
    assert_eq!(names(&folder).len(), 2);
}

#[test]
fn what_was_decided_can_be_read_by_a_program() {
    let folder = tempfile::tempdir().unwrap();
    week(folder.path(), "site");
    let options = ["--keep-within", "2d", "--keep-weekly", "-1", "--json"];
    let outcome = prune(folder.path(), &options).ends_with(0);
    let document: Value = described(&outcome.stdout);
    let archives = document["archives"].as_array().unwrap();
    let kept: Vec<&Value> = archives
        .iter()
        .filter(|it| it["action"] == "keep")
        .collect();
    let reasons: Vec<&Value> = kept.iter().map(|it| &it["reasons"]).collect();
    assert_eq!(
        reasons,
        [
            &json!(["oldest weekly"]),
            &json!(["weekly 2026-W46"]),
            &json!(["within 2d"]),
            &json!(["within 2d", "weekly 2026-W47"]),
        ]
    );
    assert_eq!(document["removed"], 3);
    let gone = archives.iter().filter(|it| it["removed"] == true);
    assert!(gone.clone().all(|it| it["action"] == "remove"));
    assert_eq!(gone.count(), 3);
    assert_eq!(document["failed"], json!([]));
}

#[test]
fn without_a_rule_nothing_is_pruned() {
    let folder = tempfile::tempdir().unwrap();
    week(folder.path(), "site");
    for options in [&[][..], &["--keep-last", "0"], &["--keep-daily", "many"]] {
        prune(folder.path(), options).ends_with(2);
    }
    prune(folder.path(), &["--keep-within", "1w"]).ends_with(2);
    prune(&folder.path().join("nowhere"), &["--keep-last", "1"]).ends_with(1);
    assert_eq!(names(folder.path()).len(), 7);
}

#[test]
fn an_export_prunes_its_own_archives_when_it_is_complete() {
    let project = Project::testdata();
    week(&project.archives(), "site");
    week(&project.archives(), "shop");
    let export = |options: &[&str]| {
        let mut command = project.command("export", ["-f", "site-2026-11-22", "--prune"]);
        command
            .args(options)
            .env("BACKUP_KEY", KEY)
            .env("TZ", "UTC");
        run(&mut command)
    };
    export(&[]).ends_with(2);
    project
        .run("export", ["--keep-last", "1", "--no-encrypt"])
        .ends_with(2);
    let to_stdout = ["-f", "-", "--prune", "--keep-last", "1", "--no-encrypt"];
    project.run("export", to_stdout).ends_with(2);
    assert_eq!(names(&project.archives()).len(), 14);

    let notes = project.uploads().join("notes_36b3257a18.txt");
    let bytes = fs::read(&notes).unwrap();
    fs::remove_file(&notes).unwrap();
    export(&["--keep-last", "2"])
        .ends_with(3)
        .says(["no older archive is removed"]);
    assert_eq!(names(&project.archives()).len(), 15);
    fs::write(&notes, bytes).unwrap();

    let outcome = export(&["--keep-last", "2"]).ends_with(0);
    assert_eq!(outcome.lines("removed: ").len(), 6, "{}", outcome.all());
    let left = names(&project.archives());
    let site: Vec<&String> = left
        .iter()
        .filter(|name| name.starts_with("site"))
        .collect();
    assert_eq!(
        site,
        [
            "site-2026-11-20.tar.gz.enc",
            "site-2026-11-22.incomplete.tar.gz.enc",
            "site-2026-11-22.tar.gz.enc"
        ]
    );
    assert_eq!(left.len() - site.len(), 7);
}

#[test]
fn the_summary_of_an_export_that_prunes_tells_what_went_and_what_stays() {
    let project = Project::testdata();
    week(&project.archives(), "site");
    let export = |name: &str| {
        let mut command = project.command("export", ["-f", name, "--no-encrypt", "--json"]);
        command.args(["--prune", "--keep-last", "2"]);
        command.env("TZ", "UTC");
        let outcome = run(&mut command);
        let lines: Vec<Value> = outcome.stdout.lines().map(described).collect();
        (outcome, lines.last().unwrap().clone())
    };
    let (outcome, summary) = export("site-2026-11-22");
    outcome.ends_with(0);
    let told = |summary: &Value, action: &str| -> Vec<String> {
        let archives = summary["pruned"]["archives"].as_array().unwrap().iter();
        let told = archives.filter(|it| it["action"] == action);
        told.map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let kept = ["site-2026-11-20.tar.gz.enc", "site-2026-11-22.tar.gz"];
    assert_eq!(told(&summary, "keep"), kept);
    let removed = &summary["pruned"]["archives"][0];
    assert_eq!(removed["removed"], true);
    assert_eq!(removed["reasons"], json!(["no rule keeps it"]));
    assert_eq!(summary["pruned"]["removed"], 6);
    let size = removed["size"].as_u64().unwrap();
    assert_eq!(summary["pruned"]["removed_bytes"], 6 * size);

    // And where something is in the way: beside one that was to stay and is damaged nothing goes.
    let made = project.archives().join("site-2026-11-22.tar.gz");
    let cut = project.archives().join("site-2026-11-23.tar.gz");
    fs::write(&cut, &fs::read(&made).unwrap()[..12_000]).unwrap();
    age(&cut);
    let (outcome, summary) = export("site-2026-11-24");
    outcome.ends_with(1);
    let error = summary["error"]["message"].as_str().unwrap();
    assert!(error.contains("is there, and whole"), "{error}");
    let failed = summary["pruned"]["failed"].as_array().unwrap();
    let names: Vec<&str> = failed.iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, kept);
    let why = failed[0]["error"].as_str().unwrap();
    assert!(
        why.contains("site-2026-11-23.tar.gz, which was to stay, is damaged"),
        "{why}"
    );
    assert_eq!(summary["pruned"]["removed"], 0);
}

/// Puts an object into a store.
fn put(store: &Store, name: &str, content: Vec<u8>) {
    let variables = store.variables().into_iter();
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    let access = Access::new(variables.collect(), Interrupt::default());
    let location = Location::parse(store.url(name).as_ref()).unwrap();
    write_small(&location, &access, content).unwrap();
}

#[test]
fn archives_in_an_object_store_are_listed_and_thinned_out() {
    for kind in [Kind::S3, Kind::Google, Kind::Azure] {
        let Some(store) = Store::new(kind) else {
            return;
        };
        for day in 18..=20 {
            let name = format!("site-2026-11-{day}.tar.gz.enc");
            let folder = tempfile::tempdir().unwrap();
            let made = format!("2026-11-{day}T01:00:00Z");
            archive(folder.path(), &name, &made, "complete");
            for name in [format!("{name}.summary.json"), name] {
                put(&store, &name, fs::read(folder.path().join(&name)).unwrap());
            }
        }
        // Without a summary it may be that it is just being finished.
        put(&store, "site-2026-11-21.tar.gz.enc", vec![0xff; 48]);
        let project = Project::testdata();
        let url = store.url("site-2026-11-22");
        let options = ["-f", &url, "--prune", "--keep-last", "2"];
        let mut export = store.lead(project.command("export", options));
        let outcome = run(export.env("BACKUP_KEY", KEY)).ends_with(0);
        let removed = [
            "removed: site-2026-11-18.tar.gz.enc",
            "removed: site-2026-11-19.tar.gz.enc",
        ];
        assert_eq!(outcome.lines("removed: "), removed, "{}", outcome.all());

        let place = store.url("");
        let list = run(&mut store.lead(backup(["list", "--json", &place]))).ends_with(0);
        let list: Value = described(&list.stdout);
        let archives = list["archives"].as_array().unwrap().iter();
        let told: Vec<(&str, &Value)> = archives
            .map(|it| (it["name"].as_str().unwrap(), &it["complete"]))
            .collect();
        let expected = [
            ("site-2026-11-20.tar.gz.enc", &json!(true)),
            ("site-2026-11-21.tar.gz.enc", &json!(false)),
            ("site-2026-11-22.tar.gz.enc", &json!(true)),
        ];
        assert_eq!(told, expected);

        let pruned = store.lead(backup(["prune", "--keep-last", "1", &place]));
        run(&mut { pruned }).ends_with(0);
        let left = [
            "site-2026-11-21.tar.gz.enc",
            "site-2026-11-22.tar.gz.enc",
            "site-2026-11-22.tar.gz.enc.summary.json",
        ];
        assert_eq!(store.names(), left);
    }
}
