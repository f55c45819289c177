//! `backup drill`: real archives of both majors come back, and those that were tampered with do not.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::support::beasts::all;
use crate::support::cli::{KEY, Outcome, Project, backup, run, strapi_archive, strapi_archive_of};
use crate::support::files::{copy_folder, repository};
use crate::support::running::Running;
use crate::support::schema::described;
use crate::support::tarball::{CONFIGURATION, ENTITIES, LINKS, Tarball};

const SCHEMAS: &str = "schemas/schemas_00001.jsonl";

/// Tries an archive out, and sees that nothing is left of that.
#[track_caller]
fn drill(archive: &Path, options: &[&str]) -> Outcome {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = backup(["drill"]);
    command.arg(archive).args(options);
    let outcome = run(command
        .env("TMPDIR", temporary.path())
        .env("BACKUP_KEY", KEY));
    let left: Vec<_> = fs::read_dir(temporary.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    outcome
}

/// Tries Strapi's own archive out after a change.
#[track_caller]
fn drill_changed(change: impl FnOnce(Tarball) -> Tarball) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let changed = change(Tarball::read(&strapi_archive()));
    drill(&changed.write(folder.path().join("changed.tar")), &[])
}

#[test]
fn every_archive_that_strapi_wrote_comes_back() {
    let archives = [
        "testdata/strapi5-sqlite/strapi-export.tar",
        "testdata/strapi5-sqlite/strapi-export.tar.gz.enc",
        "testdata/strapi5-postgres/strapi-export.tar.gz.enc",
        "testdata/strapi5-mysql/strapi-export.tar.gz.enc",
        "testdata/strapi4-sqlite/strapi-export.tar",
        "testdata/strapi4-early/4.11.5.tar.gz",
        "testdata/strapi4-early/4.6.0.tar.gz",
        "testdata/strapi4.1-sqlite/strapi-4.26-export.tar.gz",
    ];
    for archive in archives {
        let outcome = drill(&repository(archive), &[]).ends_with(0);
        assert!(
            outcome
                .stdout
                .contains("All that the archive holds comes back"),
            "{archive}\n{}",
            outcome.all()
        );
        assert!(!outcome.stderr.contains("error"), "{}", outcome.all());
    }
}

#[test]
fn an_archive_of_a_strapi_without_ids_and_places_of_links_comes_back() {
    let fixture = repository("testdata/strapi4.1-sqlite");
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    copy_folder(&fixture.join("project"), &project);
    fs::create_dir(project.join(".tmp")).unwrap();
    let packed = fs::File::open(fixture.join("data.db.gz")).unwrap();
    let mut database = fs::File::create(project.join(".tmp/data.db")).unwrap();
    io::copy(&mut GzDecoder::new(packed), &mut database).unwrap();
    let archive = folder.path().join("orchard");
    let mut export = backup(["export", "--no-encrypt", "--no-compress", "--project"]);
    run(export.arg(&project).arg("--file").arg(&archive)).ends_with(0);
    drill(&archive.with_extension("tar"), &[]).ends_with(0);
}

#[test]
fn the_beasts_of_the_zoo_fare_as_they_do_when_they_are_verified() {
    // Whole, and no restore gives back what they hold: a member without an attribute, a text that is none.
    let lose_something = ["deep-json-at-the-limit", "half-a-surrogate-pair"];
    let mut wrong = Vec::new();
    for beast in all() {
        let path = repository("testdata/zoo").join(format!("{}.tar.gz", beast.name));
        let expected = match lose_something.contains(&beast.name) {
            true => 6,
            false => beast.verify,
        };
        let outcome = drill(&path, &[]);
        if outcome.code != Some(expected) {
            wrong.push(format!("{}: not {expected}\n{}", beast.name, outcome.all()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn our_own_archives_come_back_whatever_they_were_made_from() {
    let project = Project::testdata();
    for options in [
        &[][..],
        &["--only", "config"],
        &["--only", "files"],
        &["--only", "content"],
        &["--exclude", "files"],
        &["--only-content-types", "api::article.article,api::tag.tag"],
        &["--exclude-content-types", "plugin::upload.file"],
    ] {
        let archive = project.export("own", options);
        let outcome = drill(&archive, &["--strict"]);
        assert_eq!(outcome.code, Some(0), "{options:?}\n{}", outcome.all());
        fs::remove_file(archive).unwrap();
    }
}

#[test]
fn files_can_be_left_out() {
    let outcome = drill(&strapi_archive(), &["--no-files"]).ends_with(0);
    assert!(!outcome.stdout.contains("assets"), "{}", outcome.all());
    let project = Project::testdata();
    let files = project.export("files", &["--only", "files"]);
    drill(&files, &["--no-files"]).ends_with(2);
}

#[test]
fn an_archive_that_was_made_incomplete_says_so() {
    let project = Project::testdata();
    fs::remove_file(project.uploads().join("notes_36b3257a18.txt")).unwrap();
    project
        .run("export", ["-f", "short", "--no-encrypt", "--no-compress"])
        .ends_with(3);
    let outcome = drill(&project.archive("short.incomplete.tar"), &[]).ends_with(3);
    assert!(outcome.stdout.contains("incomplete"), "{}", outcome.all());
}

#[test]
fn a_link_to_nothing_in_an_archive_with_right_checksums_is_damage() {
    let project = Project::testdata();
    let archive = Tarball::read(&project.export("own", &[]));
    let changed = archive
        .replace(
            LINKS,
            r#"{"type":"api::tag.tag","ref":1,"#,
            r#"{"type":"api::tag.tag","ref":77,"#,
        )
        .with_right_checksums();
    drill(&changed.write(project.archive("changed.tar")), &[])
        .ends_with(6)
        .says(["what the archive does not hold"]);
}

#[test]
fn two_rows_of_one_id_are_damage() {
    drill_changed(|archive| archive.edit_lines(ENTITIES, |lines| lines.push(lines[0].clone())))
        .ends_with(6);
}

#[test]
fn a_value_that_no_column_holds_does_not_come_back() {
    let text = r#""name":"#;
    drill_changed(|archive| archive.replace(ENTITIES, text, r#""surplus":5,"name":"#))
        .ends_with(6)
        .says(["what the schema does not name"]);
}

#[test]
fn a_value_that_is_none_of_its_kind_is_damage_and_no_failure_of_the_drill() {
    let edit = |lines: &mut Vec<String>| {
        let line = lines.iter_mut().find(|line| line.contains("createdAt"));
        let line = line.unwrap();
        let start = line.find(r#""createdAt":"#).unwrap() + r#""createdAt":"#.len();
        line.replace_range(start..start + 5, r#""20x6"#);
    };
    drill_changed(|archive| archive.edit_lines(ENTITIES, edit)).ends_with(6);
}

#[test]
fn links_that_take_each_others_place_do_not_come_back() {
    // A row has one author in a column: of two links, one is lost.
    let outcome = drill_changed(|archive| {
        archive.edit_lines(LINKS, |lines| {
            let inline = lines.iter().find(|line| line.contains("inlineCategory"));
            let inline = inline.unwrap().clone();
            let (before, after) = inline.rsplit_once(r#""ref":"#).unwrap();
            let number = after.find(['}', ',']).unwrap();
            let other = match &after[..number] {
                "1" => "2",
                _ => "1",
            };
            lines.push(format!("{before}\"ref\":{other}{}", &after[number..]));
        })
    });
    outcome
        .ends_with(6)
        .says(["inlineCategory", "it does not come back"]);
}

#[test]
fn a_link_of_an_attribute_that_does_not_exist_does_not_come_back() {
    drill_changed(|archive| archive.replace(LINKS, r#""field":"tags""#, r#""field":"tagz""#))
        .ends_with(6)
        .says(["tagz", "it does not come back"]);
}

#[test]
fn a_setting_with_a_column_of_its_own_does_not_come_back() {
    drill_changed(|archive| {
        archive.replace(
            CONFIGURATION,
            r#""environment":null"#,
            r#""surroundings":"x""#,
        )
    })
    .ends_with(6)
    .says(["configuration: core-store"]);
}

#[test]
fn schemas_whose_tables_no_database_makes_are_damage_that_names_the_type() {
    let many: String = (0..3000)
        .map(|number| format!(r#""a{number}":{{"type":"string"}},"#))
        .collect();
    let (table, attributes) = (r#""collectionName":"tags"#, r#""attributes":{"name""#);
    for (from, to) in [
        (table, r#""collectionName":"sqlite_master"#.to_owned()),
        (table, r#""collectionName":"categories"#.to_owned()),
        (table, r#""collectionName":"ta\u0000gs"#.to_owned()),
        (table, r#""collectionName":""#.to_owned()),
        (
            attributes,
            r#""attributes":{"ID":{"type":"string"},"name""#.to_owned(),
        ),
        (attributes, format!(r#""attributes":{{{many}"name""#)),
    ] {
        let change = |lines: &mut Vec<String>| {
            let line = lines.iter_mut().find(|line| line.contains(table));
            let line = line.unwrap();
            *line = line.replacen(from, &to, 1);
        };
        let outcome = drill_changed(|archive| archive.edit_lines(SCHEMAS, change));
        let shown = outcome.all();
        assert_eq!(outcome.code, Some(6), "{to:.80}\n{shown}");
        let is_named = shown.contains("no table can be made for") && shown.contains("api::tag.tag");
        assert!(is_named && !shown.contains("data.db"), "{to:.80}\n{shown}");
    }
}

#[test]
fn a_cut_archive_and_a_wrong_key_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(strapi_archive_of(4)).unwrap();
    let cut = folder.path().join("cut.tar");
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    drill(&cut, &[]).ends_with(6);
    let encrypted = repository("testdata/strapi5-sqlite/strapi-export.tar.gz.enc");
    drill(&encrypted, &["--key", "wrong"]).ends_with(12);
}

#[test]
fn a_drill_that_is_interrupted_leaves_nothing() {
    let project = Project::testdata();
    let bytes = fs::read(project.export("own", &[])).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let (archive, mut writer) = io::pipe().unwrap();
    let mut command = backup(["drill", "-"]);
    command.stdin(archive).env("TMPDIR", temporary.path());
    let mut running = Running::start(command);
    // It waits for the rest.
    writer.write_all(&bytes[..bytes.len() / 2]).unwrap();
    running.until("checking the archive").signal("INT");
    let outcome = running.end().ends_with(130);
    assert_eq!(
        outcome.lines("error: "),
        ["error: interrupted: the archive was not tried out to its end"]
    );
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn a_value_that_is_none_of_its_kind_does_not_pass_because_a_text_holds_anything() {
    for value in [r#"{"a":1}"#, r#"["a",1]"#, "true"] {
        let (from, to) = (r#""title":"Hello""#, format!(r#""title":{value}"#));
        drill_changed(|archive| archive.replace(ENTITIES, from, &to))
            .ends_with(6)
            .says(["api::article.article 1", "no value of its kind: title"]);
    }
}

#[test]
fn a_value_that_sqlite_alone_holds_is_a_note() {
    let (from, to) = (r#""title":"Hello""#, r#""title":"Hello\u0000""#);
    let changed = || Tarball::read(&strapi_archive()).replace(ENTITIES, from, to);
    let folder = tempfile::tempdir().unwrap();
    let path = changed().write(folder.path().join("changed.tar"));
    drill(&path, &[])
        .ends_with(0)
        .says(["SQLite holds and other databases may refuse"]);
    drill(&path, &["--strict"]).ends_with(3);
    let outcome = drill(&path, &["--json"]).ends_with(0);
    let told: Vec<Value> = outcome.stdout.lines().map(described).collect();
    let is_note = |it: &&Value| {
        let reason = it["reason"].as_str().unwrap_or_default();
        it["incomplete"] == false
            && it["times"].as_u64() > Some(0)
            && reason.contains("other databases may refuse")
    };
    assert_eq!(told.iter().filter(is_note).count(), 1, "{}", outcome.all());
    let listed = told.last().unwrap()["warnings"].as_array().unwrap();
    assert_eq!(listed.iter().filter(is_note).count(), 1, "{listed:?}");
}

#[test]
fn a_link_that_says_another_relation_than_the_schema_is_damage() {
    let edit = |from: &'static str, to: &'static str| {
        move |lines: &mut Vec<String>| {
            let line = lines.iter_mut().find(|it| it.contains(r#""field":"tags""#));
            let line = line.unwrap();
            *line = line.replacen(from, to, 1);
        }
    };
    for (from, to) in [
        ("manyToMany", "oneToOne"),
        ("relation.basic", "relation.morph"),
    ] {
        drill_changed(|archive| archive.edit_lines(LINKS, edit(from, to)))
            .ends_with(6)
            .says(["tags", "another relation than the schema"]);
    }
}

#[test]
fn a_pipe_gets_plain_columns_and_json_says_what_came_back() {
    let outcome = drill(&strapi_archive(), &[]).ends_with(0);
    let mut lines = outcome.stdout.lines();
    let heading = lines.find(|line| line.contains("Back")).unwrap();
    let heading: Vec<&str> = heading.split_whitespace().collect();
    assert_eq!(heading, ["Count", "Back", "Type"]);
    assert!(!outcome.stdout.contains('│'), "{}", outcome.stdout);
    let edit = |lines: &mut Vec<String>| {
        for line in lines.iter_mut().filter(|line| line.contains("createdAt")) {
            *line = line.replacen("{\"documentId", "{\"surplus\":5,\"documentId", 1);
        }
        let last = lines.last().unwrap().clone();
        let start = last.find("\"id\":").unwrap() + 5;
        let end = start + last[start..].find(',').unwrap();
        for id in 9000..9200 {
            let (before, after) = (&last[..start], &last[end..]);
            lines.push(format!(
                "{before}{id}{}",
                after.replacen("{\"", "{\"surplus\":5,\"", 1)
            ));
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let changed = Tarball::read(&strapi_archive()).edit_lines(ENTITIES, edit);
    let path = changed.write(folder.path().join("changed.tar"));
    let outcome = drill(&path, &["--json"]).ends_with(6);
    let summary = outcome.stdout.lines().last().unwrap();
    let summary = described(summary);
    assert_eq!(summary["faults"].as_array().unwrap().len(), 100);
    assert!(
        summary["faults_left_out"].as_u64().unwrap() >= 100,
        "{summary}"
    );
    let count = |member: &str| summary[member]["entities"]["count"].clone();
    assert_eq!(count("returned"), count("stages"));
}

#[test]
fn an_archive_may_come_through_a_pipe() {
    let temporary = tempfile::tempdir().unwrap();
    let archive = fs::File::open(strapi_archive()).unwrap();
    let mut command = backup(["drill", "-"]);
    let outcome = run(command.stdin(archive).env("TMPDIR", temporary.path()));
    outcome.ends_with(0);
}
