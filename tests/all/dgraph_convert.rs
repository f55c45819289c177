//! `backup convert --as dgraph`: archives of Strapi as export sets of Dgraph, and back.

use crate::convert::{ARCHIVES, archive, assert_same, convert, folder, key_of, names};
use crate::limits::MEMORY;
use crate::support::archive::Archive;
use crate::support::cli::{backup, run, strapi_archive};
use crate::support::files::{copy_folder, repository};
use crate::support::timing::{many, timed};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::json;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

const TO_STRAPI: [&str; 3] = ["--as", "strapi", "--no-encrypt"];

/// Converts one of the archives in testdata.
fn to_set(name: &str, set: &Path, options: &[&str]) {
    let key = key_of(name).map_or(vec![], |key| vec!["--key", key]);
    let options = [&["--as", "dgraph"], options, &key].concat();
    convert(&archive(name), set, &options).ends_with(0);
}

fn text(path: &Path) -> String {
    let mut text = String::new();
    let read = GzDecoder::new(File::open(path).expect("a file")).read_to_string(&mut text);
    read.expect("read");
    text
}

/// Changes the rows of a set.
fn change(set: &Path, change: &dyn Fn(&str) -> String) {
    let path = set.join("data/g01.rdf.gz");
    let changed = change(&text(&path));
    let mut out = GzEncoder::new(File::create(&path).expect("a file"), Compression::fast());
    out.write_all(changed.as_bytes()).expect("written");
    out.finish().expect("written");
}

#[test]
fn what_strapi_exported_comes_back_from_a_set_line_by_line_and_file_by_file() {
    for (number, name) in ARCHIVES.into_iter().enumerate() {
        let folder = folder();
        let [set, back] = ["set", "back"].map(|it| folder.path().join(it));
        let dialect = ["since-21.03", "before-21.03"][number % 2];
        to_set(name, &set, &["--dialect", dialect]);
        assert_eq!(names(&set), ["data", "files", "strapi.json"], "{name}");
        assert_eq!(
            names(&set.join("data")),
            ["g01.gql_schema.gz", "g01.rdf.gz", "g01.schema.gz"],
            "{name}"
        );
        let verified = run(&mut backup([
            "dgraph",
            "verify",
            set.to_str().expect("UTF-8"),
        ]));
        let times = ["from 21.03 on", "before 21.03"][number % 2];
        verified.ends_with(0).says([times]);
        convert(&set, &back, &TO_STRAPI).ends_with(0);
        assert_same(name, &folder.path().join("back.tar.gz"));
    }
}

#[test]
fn the_schema_says_of_an_archive_what_becomes_of_it() {
    let folder = folder();
    let set = folder.path().join("set");
    to_set("strapi5-sqlite/strapi-export.tar", &set, &[]);
    let sdl = text(&set.join("data/g01.gql_schema.gz"));
    for said in [
        "strapiId: String! @id",
        "documentId: String",
        "publishedAt: DateTime",
        "@hasInverse(field: ",
        "  position: Int",
        "# strapi.json: ",
    ] {
        assert!(sdl.contains(said), "{said}: {sdl}");
    }
    let schema = text(&set.join("data/g01.schema.gz"));
    for said in [
        "[0x0] <dgraph.type>:[string] @index(exact) . \n",
        "<File.strapiId>:string @index(hash) @upsert . \n",
        "[0x0] type <File> {\n\tFile.strapiId\n",
    ] {
        assert!(schema.contains(said), "{said}: {schema}");
    }
}

#[test]
fn a_set_is_found_where_it_lies_and_nothing_else_is_taken_for_one() {
    let folder = folder();
    let set = folder.path().join("set");
    convert(&strapi_archive(), &set, &["--as", "dgraph"]).ends_with(0);
    for (number, from) in [set.clone(), set.join("data")].iter().enumerate() {
        let back = folder.path().join(format!("back{number}"));
        convert(from, &back, &TO_STRAPI).ends_with(0);
        let packed = folder.path().join(format!("back{number}.tar.gz"));
        let [before, after] = [strapi_archive(), packed].map(|it| Archive::open(&it, None));
        assert!(before.lines("entities") == after.lines("entities"));
    }
    let to = folder.path().join("to");
    for kind in ["ndf", "dgraph"] {
        convert(&set, &to, &["--as", kind])
            .ends_with(2)
            .says(["what Dgraph takes", "--as strapi"]);
    }
    for (options, said) in [
        (&["--as", "dgraph", "--format", "zip"][..], "is a folder"),
        (
            &["--as", "dgraph", "--overwrite"],
            "--overwrite is for --as strapi",
        ),
        (
            &["--as", "dgraph", "--encryption-key-file", "k"],
            "is for --as strapi",
        ),
        (
            &["--as", "ndf", "--dialect", "since-21.03"],
            "--dialect is for --as dgraph",
        ),
    ] {
        convert(&strapi_archive(), &to, options)
            .ends_with(2)
            .says([said]);
    }
    convert(&set, &to, &[&TO_STRAPI[..], &["--datamodel", "x"]].concat())
        .ends_with(2)
        .says(["--datamodel"]);
    convert(
        &set,
        &to,
        &[&TO_STRAPI[..], &["--strapi-version", "5.0.0"]].concat(),
    )
    .ends_with(2)
    .says(["--strapi-version is of no use"]);
    convert(&strapi_archive(), &set, &["--as", "dgraph"]).says(["choose another name"]);
    for nowhere in ["-", "s3://bucket/site"] {
        convert(&strapi_archive(), Path::new(nowhere), &["--as", "dgraph"])
            .ends_with(2)
            .says(["name a folder"]);
    }
    fs::remove_file(set.join("strapi.json")).expect("removed");
    convert(&set, &to, &TO_STRAPI)
        .ends_with(1)
        .says(["was written with", "--no-notes"]);
    assert!(!to.exists() && !to.with_extension("tar.gz").exists());
}

#[test]
fn notes_of_another_archive_and_encrypted_sets_without_a_key_are_refused() {
    let folder = folder();
    let [set, other, site] = ["set", "other", "site"].map(|it| folder.path().join(it));
    to_set("strapi5-sqlite/strapi-export.tar", &set, &[]);
    to_set("strapi4-sqlite/strapi-export.tar", &other, &[]);
    fs::copy(other.join("strapi.json"), set.join("strapi.json")).expect("copied");
    convert(&set, &site, &TO_STRAPI)
        .ends_with(6)
        .says(["names other notes", "--no-notes"]);
    let encrypted = folder.path().join("encrypted");
    copy_folder(&repository("testdata/dgraph/v25.3.0-encrypted"), &encrypted);
    convert(&encrypted, &site, &TO_STRAPI)
        .ends_with(6)
        .says(["--encryption-key-file"]);
    assert_eq!(names(folder.path()), ["encrypted", "other", "set"]);
}

#[test]
fn what_changed_in_a_set_is_changed_in_the_archive() {
    let folder = folder();
    let [set, site] = ["set", "site"].map(|it| folder.path().join(it));
    convert(&strapi_archive(), &set, &["--as", "dgraph"]).ends_with(0);
    // Every node of a file is gone, and with it what leads to it.
    change(&set, &|rows| {
        let is_file = |line: &&str| line.contains(" <File.");
        let first = rows.lines().find(|line| line.contains("<File.strapiId>"));
        let uid = first.and_then(|it| it.split(' ').next()).expect("a file");
        assert!(rows.lines().any(|line| is_file(&line)));
        let rest = rows.lines().filter(|line| !line.starts_with(uid));
        rest.map(|line| format!("{line}\n")).collect()
    });
    convert(&set, &site, &TO_STRAPI)
        .ends_with(0)
        .says(["1 rows are gone", "files are gone"]);
    let packed = folder.path().join("site.tar.gz");
    run(&mut backup(["verify".as_ref(), packed.as_os_str()])).ends_with(0);
    let [before, after] = [strapi_archive(), packed].map(|it| Archive::open(&it, None));
    assert_eq!(
        after.lines("entities").len() + 1,
        before.lines("entities").len()
    );
}

#[test]
fn a_dry_run_leaves_nothing_and_a_run_that_is_killed_shows_nothing() {
    let folder = folder();
    let set = folder.path().join("set");
    convert(&strapi_archive(), &set, &["--as", "dgraph", "--dry-run"]).ends_with(0);
    assert_eq!(names(folder.path()), [""; 0]);
    let arguments = [
        "convert",
        "-",
        set.to_str().expect("UTF-8"),
        "--as",
        "dgraph",
    ];
    let bytes = fs::read(strapi_archive()).expect("read");
    for part in [0, bytes.len() / 2, bytes.len() - 1] {
        let mut child = backup(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(&bytes[..part]).expect("written");
        // It cannot end by itself: the rest of the archive does not come.
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert!(!set.exists());
    }
    convert(&strapi_archive(), &set, &["--as", "dgraph"]).ends_with(0);
    assert!(set.join("strapi.json").exists());
}

/// An unpacked archive of so many rows, each of which links to the one before it.
fn large(folder: &Path, rows: u64) -> PathBuf {
    let from = folder.join("from");
    let file = |name: &str| {
        let path = from.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        BufWriter::new(File::create(path).expect("a file"))
    };
    let metadata =
        json!({"createdAt": "2026-11-20T15:28:46.121Z", "strapi": {"version": "5.54.0"}});
    write!(file("metadata.json"), "{metadata}").expect("written");
    let schema = json!({
        "collectionName": "as", "modelType": "contentType", "modelName": "a", "uid": "api::a.a",
        "kind": "collectionType", "info": {"singularName": "a", "pluralName": "as", "displayName": "A"},
        "options": {}, "pluginOptions": {},
        "attributes": {
            "title": {"type": "string"},
            "views": {"type": "integer"},
            "before": {"type": "relation", "relation": "oneToOne", "target": "api::a.a"},
        },
    });
    writeln!(file("schemas/schemas_00001.jsonl"), "{schema}").expect("written");
    let (mut entities, mut links) = (
        file("entities/entities_00001.jsonl"),
        file("links/links_00001.jsonl"),
    );
    for id in 1..=rows {
        writeln!(
            entities,
            r#"{{"type":"api::a.a","id":{id},"data":{{"documentId":"d{id}","title":"Title of {id}","views":{id}}}}}"#
        )
        .expect("written");
        if id > 1 {
            let before = id - 1;
            writeln!(
                links,
                r#"{{"kind":"relation.circular","relation":"oneToOne","left":{{"type":"api::a.a","ref":{id},"field":"before"}},"right":{{"type":"api::a.a","ref":{before}}}}}"#
            )
            .expect("written");
        }
    }
    write!(file("configuration/configuration_00001.jsonl"), "").expect("written");
    from
}

/// The lines of a stage of an unpacked archive.
fn all(archive: &Path, stage: &str) -> Vec<String> {
    let folder = archive.join(stage);
    let files = names(&folder).into_iter();
    let texts = files.map(|name| fs::read_to_string(folder.join(name)).expect("read"));
    let lines = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    lines.collect()
}

fn go_through(rows: u64) {
    let folder = folder();
    let from = large(folder.path(), rows);
    let [from, set, back] = [from, folder.path().join("set"), folder.path().join("back")];
    let [from_name, set_name, back_name] =
        [&from, &set, &back].map(|it| it.to_str().expect("UTF-8"));
    let runs = [
        (
            "convert-as-dgraph",
            vec!["convert", from_name, set_name, "--as", "dgraph"],
        ),
        (
            "convert-back",
            vec![
                "convert",
                set_name,
                back_name,
                "--as",
                "strapi",
                "--no-encrypt",
                "--format",
                "dir",
            ],
        ),
    ];
    for (work, arguments) in runs {
        let file = set.join("data/g01.rdf.gz");
        // A type, four values, and a link to the row before.
        let Some((outcome, peak)) = timed(work, 6 * rows - 1, &file, arguments.iter().copied())
        else {
            return;
        };
        assert_eq!(outcome.code, Some(0), "{}", outcome.all());
        assert!(peak <= MEMORY, "{}: {} MB", arguments[4], peak >> 20);
    }
    for stage in ["entities", "links"] {
        let [before, after] = [&from, &back].map(|it| all(it, stage));
        let first = before.iter().zip(&after).find(|(one, other)| one != other);
        assert_eq!((first, before.len()), (None, after.len()), "{stage}");
    }
}

#[test]
fn many_rows_become_a_set_and_come_back_in_flat_memory() {
    go_through(100_000);
}

#[test]
#[ignore = "long: a million rows"]
fn a_million_rows_become_a_set_and_come_back_in_flat_memory() {
    go_through(many());
}
