//! `backup inspect`: what an archive is and what is in it, as far as it can be told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::prompts::Session;
use crate::support::archive::Archive;
use crate::support::cli::{
    KEY, Outcome, Project, backup, backup_through, run, strapi_archive, strapi_archive_of, testdata,
};
use crate::support::files::repository;
use crate::support::page::Page;
use crate::support::schema::described;
use crate::support::stores::{Kind, Store};
use crate::support::tarball::{ENTITIES, Entry, LINKS, Tarball};

fn inspect(archive: &Path, options: &[&str]) -> Outcome {
    let archive = archive.to_str().unwrap();
    run(&mut backup([&["inspect", archive], options].concat()))
}

/// What `--json` says, which has to end with this code.
#[track_caller]
fn facts(archive: &Path, options: &[&str], code: i32) -> Value {
    let outcome = inspect(archive, &[options, &["--json"]].concat()).ends_with(code);
    described(outcome.stdout.trim_end())
}

/// The archive's bytes through a pipe.
fn through_a_pipe(archive: &Path, options: &[&str]) -> Outcome {
    let mut command = backup([&["inspect", "-"], options].concat());
    command.stdin(Stdio::from(fs::File::open(archive).unwrap()));
    run(&mut command)
}

/// How much there is of each stage and type, as what lies beside an export says it; of the configuration without kinds.
fn counted(facts: &Value) -> Value {
    let mut stages = facts["stages"].clone();
    stages["configuration"]["groups"] = json!({});
    stages
}

#[test]
fn what_an_export_says_of_itself_is_what_is_found_in_every_form_of_it() {
    let project = Project::testdata();
    for (options, name) in [
        (&["--no-encrypt", "--no-compress"][..], "site.tar"),
        (&["-k", KEY], "site.tar.gz.enc"),
        (&["--no-encrypt", "--format", "dir"], "folder"),
    ] {
        let file = name.split('.').next().unwrap();
        let arguments = [&["-f", file, "--summary"], options].concat();
        project.run("export", arguments).ends_with(0);
        let archive = project.archive(name);
        let summary = fs::read(project.archive(&format!("{name}.summary.json"))).unwrap();
        let summary: Value = serde_json::from_slice(&summary).unwrap();
        let key = if name.ends_with(".enc") {
            &["-k", KEY][..]
        } else {
            &[]
        };
        let facts = facts(&archive, key, 0);
        assert_eq!(counted(&facts), summary["stages"], "{name}");
        for member in ["strapi", "database", "consistent"] {
            assert_eq!(facts[member], summary[member], "{name}");
        }
        assert_eq!(facts["state"], "complete");
        assert_eq!(facts["archive"]["size"], summary["archive"]["size"]);
        assert_eq!(facts["archive"]["encrypted"], json!(!key.is_empty()));
        assert_eq!(facts["archive"]["unpacked"], json!(name == "folder"));
        assert_eq!(facts["protection"]["authenticated"], json!(!key.is_empty()));
        assert_eq!(facts["maker"]["program"], "backup");
        assert_eq!(facts["scope"]["stages"].as_array().unwrap().len(), 5);
    }
}

#[test]
fn archives_of_strapi_are_told_as_well() {
    let whole = facts(&strapi_archive(), &[], 0);
    assert_eq!(whole["strapi"], "5.54.0");
    assert_eq!(whole["stages"]["entities"]["count"], 82);
    assert_eq!(whole["components"]["shared.seo"], 30);
    assert_eq!(whole["media_types"]["image/png"]["count"], 8);
    assert_eq!(whole["maker"], Value::Null);
    let largest = &whole["largest_files"][0];
    assert_eq!(largest["file"], "large_big_one_d7c4af0ac8.png");
    assert_eq!(largest["name"], "large_big one.png");
    assert_eq!(largest["format"], "large");
    assert_eq!(largest["row"], 1);
    assert_eq!(largest["bytes"], 10_715);
    let encrypted = testdata("strapi-export.tar.gz.enc");
    let encrypted = facts(&encrypted, &["-k", KEY], 0);
    assert_eq!(encrypted["stages"], whole["stages"]);
    let four = facts(&strapi_archive_of(4), &[], 0);
    assert_eq!(four["strapi"], "4.26.2");
    let archive = Archive::open(&strapi_archive_of(4), None);
    assert_eq!(
        four["stages"]["links"]["count"],
        json!(archive.lines("links").len())
    );
    for early in ["4.6.0", "4.11.5"] {
        let path = repository(&format!("testdata/strapi4-early/{early}.tar.gz"));
        assert_eq!(facts(&path, &[], 0)["strapi"], early);
    }
}

#[test]
fn the_largest_entities_are_those_with_the_longest_lines() {
    let project = Project::testdata();
    project.sql("UPDATE articles SET title = printf('%.5000c', 'x') WHERE id = 4");
    let path = project.export("site", &[]);
    let facts = facts(&path, &[], 0);
    let mut lines = Archive::open(&path, None).lines("entities");
    lines.sort_by_key(|line| std::cmp::Reverse(line.len()));
    let lengths: Vec<usize> = lines.iter().take(10).map(String::len).collect();
    let largest = facts["largest_entities"].as_array().unwrap();
    let told: Vec<u64> = largest
        .iter()
        .map(|it| it["bytes"].as_u64().unwrap())
        .collect();
    assert_eq!(json!(told), json!(lengths));
    assert_eq!(largest[0]["content_type"], "api::article.article");
    assert_eq!(largest[0]["id"], 4);
    let title = largest[0]["title"].as_str().unwrap();
    assert_eq!(title, format!("{}…", "x".repeat(300)));
}

#[test]
fn shards_hold_all_lines_between_them() {
    let project = Project::testdata();
    project.sql("UPDATE articles SET title = printf('%.100000c', 'x')");
    let path = project.export("site", &["--max-size-jsonl", "1"]);
    let facts = facts(&path, &[], 0);
    let mut tarball = Tarball::read(&path);
    let (mut shards, mut lines) = (0, 0);
    for shard in facts["shards"].as_array().unwrap() {
        let name = shard["name"].as_str().unwrap();
        let content = &tarball.entry(name).content;
        assert_eq!(shard["bytes"], json!(content.len()), "{name}");
        let held = content.split(|byte| *byte == b'\n');
        let held = held.filter(|line| !line.is_empty()).count();
        assert_eq!(shard["lines"], json!(held), "{name}");
        if name.starts_with("entities/") {
            shards += 1;
            lines += held;
        }
    }
    assert!(shards > 2, "{facts}");
    assert_eq!(facts["stages"]["entities"]["count"], json!(lines));
    assert_eq!(facts["entries"]["count"], json!(tarball.entries.len()));
}

#[test]
fn without_the_key_it_tells_what_shows_from_outside() {
    let project = Project::testdata();
    let options = ["-f", "shop-2026-11-20T03-04-05Z", "-k", KEY, "--summary"];
    project.run("export", options).ends_with(0);
    let path = project.archive("shop-2026-11-20T03-04-05Z.tar.gz.enc");
    for options in [&[][..], &["--no-key"]] {
        let facts = facts(&path, options, 0);
        assert_eq!(facts["state"], "sealed");
        assert_eq!(facts["archive"]["encrypted"], true);
        let length = fs::metadata(&path).unwrap().len();
        assert_eq!(facts["archive"]["size"], json!(length));
        assert_eq!(facts["archive"]["dated"], "2026-11-20T03:04:05Z");
        assert_eq!(facts["stages"], json!({}));
        assert_eq!(facts["beside"]["fits"], true);
        let stages = &facts["beside"]["summary"]["stages"];
        assert_eq!(stages["entities"]["count"], 82);
    }
    let told = inspect(&path, &[]).ends_with(0).stdout;
    let (outside, beside) = told.split_once("Said by the summary beside it").unwrap();
    assert!(outside.contains("all else needs the key"), "{told}");
    assert!(beside.contains("5.54.0") && beside.contains("api::article.article"));
    // Whose length is another is not the one that the summary is of.
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([0; 16]);
    fs::write(&path, bytes).unwrap();
    let facts = facts(&path, &[], 0);
    assert_eq!(facts["beside"]["fits"], false);
    let doubt = facts["beside"]["doubt"].as_str().unwrap();
    assert!(doubt.contains("size"), "{doubt}");
}

#[test]
fn a_stream_without_the_key_is_told_of_too() {
    let path = testdata("strapi-export.tar.gz.enc");
    let outcome = through_a_pipe(&path, &["--json"]).ends_with(0);
    let facts = described(outcome.stdout.trim_end());
    assert_eq!(facts["state"], "sealed");
    assert_eq!(facts["archive"]["size"], Value::Null);
    assert_eq!(facts["beside"], Value::Null);
    let outcome = through_a_pipe(&path, &["--json", "-k", KEY]).ends_with(0);
    let facts = described(outcome.stdout.trim_end());
    assert_eq!(facts["stages"]["entities"]["count"], 82);
}

#[test]
fn an_object_is_told_of_as_a_file_is() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let project = Project::testdata();
    let url = store.url("backups/site");
    let command = project.command("export", ["-f", &url, "-k", KEY]);
    run(&mut store.lead(command)).ends_with(0);
    let told = |options: &[&str]| {
        let command = backup([&["inspect", &url, "--json"], options].concat());
        let outcome = run(&mut store.lead(command)).ends_with(0);
        described(outcome.stdout.trim_end())
    };
    let sealed = told(&[]);
    assert_eq!(sealed["archive"]["name"], "site.tar.gz.enc");
    assert!(sealed["archive"]["written"].is_string());
    assert_eq!(sealed["beside"]["fits"], true, "{sealed}");
    let open = told(&["-k", KEY]);
    assert_eq!(
        open["stages"]["entities"],
        sealed["beside"]["summary"]["stages"]["entities"]
    );
}

#[test]
fn a_wrong_key_is_told_from_none() {
    let path = testdata("strapi-export.tar.gz.enc");
    inspect(&path, &["-k", "wrong"])
        .ends_with(12)
        .says(["the key does not open"]);
    inspect(&path, &["--no-key", "-k", KEY]).ends_with(2);
    for option in [
        &["--entries"][..],
        &["--type", "api::tag.tag"],
        &["--require-authentication"],
    ] {
        inspect(&path, option).ends_with(2).says(["needs its key"]);
    }
    inspect(&strapi_archive(), &["-k", KEY]).ends_with(2);
}

#[test]
fn what_was_missing_when_it_was_made_is_told_and_no_failure() {
    let project = Project::testdata();
    fs::remove_file(project.uploads().join("small_2a9128b856.png")).unwrap();
    let options = ["-f", "site", "--no-encrypt", "--no-compress"];
    project.run("export", options).ends_with(3);
    let path = project.archive("site.incomplete.tar");
    let facts = facts(&path, &[], 0);
    assert_eq!(facts["state"], "incomplete");
    assert_eq!(facts["outcome"]["incomplete"], true);
    let told = inspect(&path, &[]).ends_with(0).stdout;
    let missing = told.split_once("\nMissing:\n").expect("a list").1;
    let first = missing.lines().next().unwrap();
    assert!(first.contains("small_2a9128b856.png"), "{told}");
    assert_eq!(missing.lines().nth(1), Some(""), "told once\n{told}");
}

#[test]
fn what_the_summary_says_is_missing_is_told_without_the_key() {
    let project = Project::testdata();
    fs::remove_file(project.uploads().join("small_2a9128b856.png")).unwrap();
    let options = ["-f", "site", "-k", KEY, "--summary"];
    project.run("export", options).ends_with(3);
    let told = inspect(&project.archive("site.incomplete.tar.gz.enc"), &[]).ends_with(0);
    let told = told.stdout;
    let beside = told.split_once("Said by the summary beside it").unwrap().1;
    assert!(beside.contains("State         incomplete"), "{told}");
    let missing = beside.split_once("\nMissing:\n").expect("a list").1;
    assert!(missing.contains("small_2a9128b856.png"), "{told}");
}

#[test]
fn files_that_no_archive_of_strapi_says_are_missing_are_found_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut tarball = Tarball::read(&strapi_archive());
    tarball.remove("assets/uploads/small_2a9128b856.png");
    tarball.remove("assets/metadata/small_2a9128b856.png.json");
    let path = tarball.write(folder.path().join("less.tar"));
    let facts = facts(&path, &[], 0);
    assert_eq!(facts["state"], "incomplete");
    let told = inspect(&path, &[]).ends_with(0).stdout;
    let missing = told.split_once("\nMissing:\n").expect("a list").1;
    assert!(missing.contains("lacks 1 of the files"), "{told}");
}

#[test]
fn a_filtered_export_says_what_was_asked_for() {
    let project = Project::testdata();
    let types = "api::tag.tag,api::author.author";
    let path = project.export(
        "site",
        &["--only", "content", "--only-content-types", types],
    );
    let facts = facts(&path, &[], 0);
    let types: Vec<&str> = types.split(',').collect();
    let filters = &facts["maker"]["filters"];
    assert_eq!(filters["only"], json!(["content"]));
    assert_eq!(filters["only_content_types"], json!(types));
    let told = inspect(&path, &[]).ends_with(0).stdout;
    let asked = "--only content --only-content-types api::tag.tag,api::author.author";
    assert!(told.contains(asked), "{told}");
}

#[test]
fn of_a_cut_archive_it_tells_what_came_before_the_cut() {
    let bytes = fs::read(strapi_archive()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.tar");
    fs::write(&cut, &bytes[..200_000]).unwrap();
    for outcome in [
        inspect(&cut, &["--json"]),
        through_a_pipe(&cut, &["--json"]),
    ] {
        let outcome = outcome.ends_with(6).says(["was cut short"]);
        let facts = described(outcome.stdout.trim_end());
        assert_eq!(facts["state"], "damaged");
        assert_eq!(facts["stages"]["entities"]["count"], 82);
        assert_eq!(facts["shards"][1]["name"], ENTITIES);
        assert!(
            facts["faults"][0]["message"]
                .as_str()
                .unwrap()
                .contains("cut")
        );
    }
    inspect(&cut, &["--entries"])
        .ends_with(6)
        .says(["was cut short"]);
    let outcome = inspect(&cut, &["--type", "api::tag.tag"])
        .ends_with(6)
        .says(["was cut short"]);
    assert_eq!(outcome.stdout.lines().count(), 6);
    fs::write(&cut, &bytes[..20_000]).unwrap();
    inspect(&cut, &["--type", "api::tag.tag"]).ends_with(6);
}

#[test]
fn whatever_is_wrong_with_an_archive_inspect_finds_what_verify_finds() {
    let zoo = repository("testdata/zoo");
    let mut damaged = 0;
    for entry in fs::read_dir(zoo).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "gz") {
            continue;
        }
        let verify = ["verify".as_ref(), path.as_os_str()];
        let verified = run(&mut backup(verify)).code.unwrap();
        let expected = if verified == 3 { 0 } else { verified };
        let page = tempfile::tempdir().unwrap();
        let file = page.path().join("page.html");
        let options = ["--json", "--html", file.to_str().unwrap()];
        let outcome = inspect(&path, &options);
        assert_eq!(
            outcome.code,
            Some(expected),
            "{}\n{}",
            path.display(),
            outcome.all()
        );
        damaged += usize::from(expected == 6);
        if !outcome.stdout.is_empty() {
            described(outcome.stdout.trim_end());
            Page::read(&file).is_alone();
        }
    }
    assert!(damaged > 30, "{damaged}");
}

#[test]
fn entries_are_listed_in_their_order() {
    let project = Project::testdata();
    let path = project.export("site", &[]);
    let tarball = Tarball::read(&path);
    let outcome = inspect(&path, &["--entries", "--json"]).ends_with(0);
    let listed: Vec<Value> = outcome.stdout.lines().map(described).collect();
    let names: Vec<&str> = listed
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, tarball.names());
    for (listed, entry) in listed.iter().zip(&tarball.entries) {
        assert_eq!(listed["bytes"], json!(entry.content.len()));
    }
    let kinds: Vec<&str> = listed
        .iter()
        .map(|it| it["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[..4], ["metadata", "manifest", "schemas", "entities"]);
    assert_eq!(kinds[kinds.len() - 2..], ["result", "checksums"]);
    let plain = inspect(&path, &["--entries"]).ends_with(0).stdout;
    for (line, name) in plain.lines().zip(names) {
        assert!(line.ends_with(&format!("  {name}")), "{line}");
    }
}

#[test]
fn names_cannot_take_a_terminal_over() {
    let mut tarball = Tarball::read(&strapi_archive());
    let name = "notes/a\u{1b}[2J\u{202e}b\nentities  1  c";
    tarball.entries.insert(3, Entry::file(name, "x"));
    let folder = tempfile::tempdir().unwrap();
    let path = tarball.write(folder.path().join("odd.tar"));
    let outcome = inspect(&path, &["--entries"]).ends_with(0);
    let safe = "notes/a\\u{1b}[2J\\u{202e}b\\nentities  1  c";
    assert!(outcome.stdout.contains(safe), "{}", outcome.all());
    let lines = outcome.stdout.lines().count();
    assert_eq!(lines, tarball.entries.len());
}

#[test]
fn the_entities_of_a_type_come_as_the_archive_holds_them() {
    let path = strapi_archive();
    let archive = Archive::open(&path, None);
    let mut expected = archive.lines("entities");
    expected.retain(|line| line.starts_with("{\"type\":\"api::article.article\""));
    let outcome = inspect(&path, &["--type", "api::article.article"]).ends_with(0);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines, expected);
    assert_eq!(outcome.stderr, "");
    let outcome = through_a_pipe(&path, &["--type", "api::article.article"]).ends_with(0);
    assert_eq!(outcome.stdout.lines().collect::<Vec<_>>(), expected);
    inspect(&path, &["--type", "api::artikel.artikel"])
        .ends_with(2)
        .says(["api::artikel.artikel", "api::article.article"]);
}

#[test]
fn damage_behind_the_entities_of_a_type_is_told_after_them() {
    let project = Project::testdata();
    let mut tarball = Tarball::read(&project.export("good", &[]));
    tarball.entry(LINKS).content[3] ^= 1;
    let path = tarball.write(project.archive("changed.tar"));
    let outcome = inspect(&path, &["--type", "api::tag.tag"])
        .ends_with(6)
        .says(["checksums.sha256"]);
    assert_eq!(outcome.stdout.lines().count(), 6);
}

/// What a shell pipeline prints on stderr, and the code of its first command.
fn piped(arguments: &str, archive: &Path) -> (String, String) {
    let binary = env!("CARGO_BIN_EXE_backup");
    let script = format!(
        "{{ {binary} inspect '{}' {arguments}; echo $? >&3; }} 3>&2 2>errors | head -n 1 >/dev/null",
        archive.display()
    );
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(folder.path());
    let code = run(&mut shell).stderr;
    let errors = fs::read_to_string(folder.path().join("errors")).unwrap();
    (code, errors)
}

#[test]
fn whoever_reads_no_further_ends_it_quietly() {
    let project = Project::testdata();
    // More than a pipe holds.
    project.sql("UPDATE articles SET title = printf('%.100000c', 'x')");
    let path = project.export("site", &[]);
    for arguments in ["--type api::article.article", "--html -"] {
        let (code, errors) = piped(arguments, &path);
        assert_eq!((code.trim(), &*errors), ("0", ""), "{arguments}");
    }
}

#[test]
fn a_page_replaces_nothing_unless_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let html = ["--html", page.to_str().unwrap()];
    inspect(&strapi_archive(), &html)
        .ends_with(0)
        .says(["the page is in"]);
    inspect(&strapi_archive(), &html)
        .ends_with(2)
        .says(["is there already", "--overwrite"]);
    let over = [&html[..], &["--overwrite"]].concat();
    for replaced in [true, false] {
        if replaced {
            fs::write(&page, "").unwrap();
        }
        inspect(&strapi_archive(), &over).ends_with(0);
    }
    let page = Page::read(&page);
    page.is_alone();
    assert!(page.text().contains("api::article.article"));
    let names: Vec<PathBuf> = fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let folder = folder.path().to_str().unwrap();
    inspect(&strapi_archive(), &["--html", folder]).ends_with(2);
    inspect(&strapi_archive(), &["--html", "-", "--json"]).ends_with(2);
}

#[test]
fn a_page_never_takes_the_place_of_the_archive_or_of_its_key() {
    let project = Project::testdata();
    fs::write(project.archive("key"), KEY).unwrap();
    let options = ["-f", "site", "--key-file", "key", "--summary"];
    project.run("export", options).ends_with(0);
    project
        .run(
            "export",
            ["-f", "folder", "--no-encrypt", "--format", "dir"],
        )
        .ends_with(0);
    let mine = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>mine</title>";
    fs::write(project.archive("mine.html"), mine).unwrap();
    fs::hard_link(project.archive("key"), project.archive("linked")).unwrap();
    std::os::unix::fs::symlink("mine.html", project.archive("link.html")).unwrap();
    let names = [
        ("site.tar.gz.enc", "is the archive itself"),
        ("site.tar.gz.enc.summary.json", "is the summary"),
        ("key", "is the file with the key"),
        ("linked", "is the file with the key"),
        ("mine.html", "is no page of backup inspect"),
        ("link.html", "is no plain file"),
    ];
    let before = names.map(|(name, _)| fs::read(project.archive(name)).unwrap());
    let inspected = |archive: &str, page: &str, variable: bool| {
        let mut command = backup(["inspect", archive, "--html", page]);
        command
            .current_dir(project.archives())
            .env("BACKUP_KEY_FILE", "key");
        match variable {
            true => command.env("BACKUP_OVERWRITE", "true"),
            false => command.arg("--overwrite"),
        };
        run(&mut command)
    };
    for variable in [false, true] {
        for (name, why) in names {
            let outcome = inspected("site.tar.gz.enc", name, variable);
            outcome.ends_with(2).says([why, "--html"]);
        }
        // Its extensions may be left out.
        inspected("site", "site.tar.gz.enc", variable)
            .ends_with(2)
            .says(["is no page"]);
        inspected("folder", "folder/page.html", variable)
            .ends_with(2)
            .says(["is in the archive"]);
    }
    let after = names.map(|(name, _)| fs::read(project.archive(name)).unwrap());
    assert!(before == after);
    assert!(!project.archive("folder/page.html").exists());
}

#[test]
fn numbers_of_a_summary_that_no_archive_has_end_nothing() {
    let project = Project::testdata();
    let options = ["-f", "site", "-k", KEY, "--summary"];
    project.run("export", options).ends_with(0);
    let path = project.archive("site.tar.gz.enc.summary.json");
    let mut summary: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let most = json!(u64::MAX);
    for stage in ["entities", "links", "assets"] {
        summary["stages"][stage]["count"] = most.clone();
        summary["stages"][stage]["bytes"] = most.clone();
    }
    // More groups than a picture has bars.
    for number in 0..20 {
        summary["stages"]["entities"]["groups"][format!("api::n{number}.n")] =
            json!({"count": most, "bytes": most});
    }
    summary["warnings_left_out"] = most.clone();
    fs::write(&path, summary.to_string()).unwrap();
    let archive = project.archive("site.tar.gz.enc");
    let told = inspect(&archive, &[]).ends_with(0).stdout;
    let total = format!("{0}  {0}  Total", u64::MAX);
    assert!(told.contains(&total), "{told}");
    let page = Page::of(&inspect(&archive, &["--html", "-"]).ends_with(0).stdout);
    page.is_alone();
    let widths = page.widths("bar");
    assert!(
        widths.len() > 10 && widths.iter().all(|width| *width <= 100.0),
        "{widths:?}"
    );
}

#[test]
fn what_cannot_be_printed_is_a_failure() {
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let path = strapi_archive();
    let path = path.to_str().unwrap();
    let folder = testdata("");
    for arguments in [
        &["inspect", path][..],
        &["inspect", path, "--json"],
        &["inspect", path, "--entries"],
        &["inspect", path, "--type", "api::tag.tag"],
        &["inspect", path, "--html", "-"],
        &["list", folder.to_str().unwrap()],
        &["list", folder.to_str().unwrap(), "--json"],
    ] {
        let outcome = run(backup(arguments).stdout(full()));
        outcome.ends_with(1).says(["cannot print"]);
    }
}

/// What stands on the screen of a terminal of 80 columns.
fn shown(archive: &Path, options: &[&str]) -> String {
    let mut starter = Command::new("setsid");
    starter.arg("--ctty");
    let archive = archive.to_str().unwrap();
    let command = backup_through(starter, [&["inspect", archive], options].concat());
    let (code, screen) = Session::printing(command).ends();
    assert_eq!(code, Some(0), "{screen}");
    screen.replace('\r', "")
}

#[test]
fn entities_cannot_take_a_terminal_over() {
    let odd = "\u{9b}2J\u{202e}\u{7f}";
    let mut tarball = Tarball::read(&strapi_archive()).edit_lines(ENTITIES, |lines| {
        for line in &mut *lines {
            *line = line.replace("\"title\":\"Hello\"", &format!("\"title\":\"{odd}\""));
        }
    });
    let name = "notes/a\u{9b}2J";
    tarball.entries.insert(3, Entry::file(name, "x"));
    let folder = tempfile::tempdir().unwrap();
    let path = tarball.write(folder.path().join("odd.tar"));
    for options in [
        &["--type", "api::article.article"][..],
        &["--json"],
        &["--entries", "--json"],
    ] {
        let plain = inspect(&path, options).ends_with(0).stdout;
        assert!(plain.contains('\u{9b}'), "{options:?}");
        let screen = shown(&path, options);
        assert!(
            !screen.contains(['\u{9b}', '\u{202e}', '\u{7f}', '\u{1b}']),
            "{options:?}"
        );
        // It says the same.
        let lines = screen.lines().filter(|line| line.starts_with('{'));
        let lines: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let expected = plain
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        assert_eq!(lines, expected.collect::<Vec<Value>>(), "{options:?}");
    }
}

#[test]
fn nothing_is_wider_than_a_terminal_and_a_row_is_a_line() {
    let project = Project::testdata();
    project.sql("UPDATE articles SET title = printf('%.200c', 'x') WHERE id = 4");
    let folder = tempfile::tempdir().unwrap();
    let exported = project.export("site", &[]);
    let path = folder.path().join("s.tar");
    fs::copy(exported, &path).unwrap();
    let screen = shown(&path, &[]);
    let place = path.to_str().unwrap();
    for line in screen.lines().filter(|line| !line.contains(place)) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for (title, heads) in [
        ("Largest entities", ["Title", "Type", "Id", "Size"]),
        ("Components", ["Count", "Name", "", ""]),
    ] {
        let (_, table) = screen.split_once(&format!("\n{title}:\n")).expect(title);
        let (head, _) = table.split_once('\n').unwrap();
        let found: Vec<&str> = head.split_whitespace().collect();
        let heads: Vec<&str> = heads.into_iter().filter(|head| !head.is_empty()).collect();
        assert_eq!(found, heads, "{screen}");
    }
    let (_, table) = screen.split_once("\nLargest entities:\n").unwrap();
    let rows = table.lines().take_while(|line| !line.is_empty()).count();
    assert_eq!(rows, 1 + 10, "{screen}");
}

#[test]
fn a_page_shows_what_there_is_and_asks_nobody() {
    let project = Project::testdata();
    let options = ["-f", "site", "-k", KEY, "--summary"];
    project.run("export", options).ends_with(0);
    let path = project.archive("site.tar.gz.enc");
    let page = |options: &[&str]| {
        let outcome = inspect(&path, &[&["--html", "-"], options].concat()).ends_with(0);
        let page = Page::of(&outcome.stdout);
        page.is_alone();
        page
    };
    let open = page(&["-k", KEY]);
    let text = open.text();
    for told in [
        "Largest files",
        "large_big one.png",
        "Content by type",
        "5.54.0",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    let widths = open.widths("bar");
    assert!(widths.len() > 10 && widths.iter().all(|width| *width > 0.0));
    // The largest first.
    assert_eq!(widths[0], 100.0);
    let sealed = page(&[]);
    let text = sealed.text();
    for told in [
        "not opened",
        "not by the archive itself",
        "api::article.article",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    assert!(!sealed.widths("bar").is_empty());
}

#[test]
fn nothing_that_an_archive_says_is_more_than_text_in_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = hostile(folder.path());
    let outcome = inspect(&path, &["--html", "-"]);
    let page = Page::of(&outcome.stdout);
    page.is_alone();
    let text = page.text();
    assert!(text.contains("</script><img src=x onerror="), "{text}");
    assert!(text.contains("\\u{202e}"), "{text}");
    assert!(!outcome.stdout.contains('\u{202e}'));
    let longest = text.lines().map(str::len).max().unwrap();
    assert!(longest < 5000, "{longest}");
}

/// An archive of which all that its maker can name is meant for whoever shows it in a browser.
pub fn hostile(folder: &Path) -> PathBuf {
    const EVIL: &str =
        r#"</title></style></script><img src=x onerror=\"fetch('http://127.0.0.1:9/')\">"#;
    let turned = format!("\u{202e}{EVIL}\u{2066}");
    let long = format!("{EVIL}{}", "W".repeat(10_000));
    let mut tarball = Tarball::read(&strapi_archive())
        .replace("metadata.json", "5.54.0", EVIL)
        .edit_lines(ENTITIES, |lines| {
            for line in &mut *lines {
                *line = line.replace("\"title\":\"Hello\"", &format!("\"title\":\"{turned}\""));
            }
            for name in [EVIL, &turned, &long] {
                let data = format!(r#"{{"documentId":"{name}","title":"{long}"}}"#);
                lines.push(format!(r#"{{"type":"{EVIL}","id":1,"data":{data}}}"#));
                lines.push(format!(r#"{{"type":"api::tag.tag","id":1,"data":{data}}}"#));
            }
        });
    for entry in &mut tarball.entries {
        if entry.name.starts_with("assets/metadata/") {
            let text = String::from_utf8(entry.content.clone()).unwrap();
            let mut sidecar: Value = serde_json::from_str(&text).unwrap();
            let evil: String = serde_json::from_str(&format!("\"{long}\"")).unwrap();
            sidecar["name"] = json!(evil);
            sidecar["mime"] = json!(evil[..100].to_owned());
            sidecar["type"] = json!(evil);
            entry.content = sidecar.to_string().into_bytes();
        }
    }
    let name = "links/<img src=http:ab onerror=alert(1)>.jsonl";
    let place = tarball.position(LINKS);
    tarball.entries.insert(place, Entry::file(name, "\n"));
    tarball.write(folder.join("<img src=x onerror=alert(1)>.tar"))
}
