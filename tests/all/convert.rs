//! `backup convert`: archives of Strapi in the form of Prisma 1 and back, and data sets of Prisma 1 as content of a Strapi.

use crate::support::archive::Archive;
use crate::support::cli::{KEY, Outcome, backup, run, strapi_archive};
use crate::support::files::{copy_folder, repository};
use crate::support::prisma_service::PrismaService;
use crate::support::prisma_service::judge::Judge;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub const STAGES: [&str; 4] = ["schemas", "entities", "links", "configuration"];
/// What the archives in testdata are, that Strapi wrote itself.
pub const ARCHIVES: [&str; 9] = [
    "strapi4-early/4.6.0.tar.gz",
    "strapi4-early/4.11.5.tar.gz",
    "strapi4-s3/strapi-export.tar.gz",
    "strapi4-sqlite/strapi-export.tar",
    "strapi4.1-sqlite/strapi-4.26-export.tar.gz",
    "strapi5-mysql/strapi-export.tar.gz.enc",
    "strapi5-postgres/strapi-export.tar.gz.enc",
    "strapi5-s3/strapi-export.tar.gz",
    "strapi5-sqlite/strapi-export.tar",
];

/// The outcome of a conversion with these options.
pub fn convert(from: &Path, to: &Path, options: &[&str]) -> Outcome {
    let fixed: [&OsStr; 3] = ["convert".as_ref(), from.as_os_str(), to.as_os_str()];
    let options = options.iter().map(AsRef::as_ref);
    run(&mut backup(fixed.into_iter().chain(options)))
}

pub fn verify(data: &Path, model: &Path) -> Outcome {
    let fixed = ["prisma".as_ref(), "verify".as_ref(), data.as_os_str()];
    let fixed: [&OsStr; 3] = fixed;
    run(&mut backup(
        fixed
            .into_iter()
            .chain(["--datamodel".as_ref(), model.as_os_str()]),
    ))
}

/// One of these archives.
pub fn archive(name: &str) -> PathBuf {
    repository("testdata").join(name)
}

/// What opens each of them that is encrypted.
pub fn key_of(name: &str) -> Option<&'static str> {
    name.ends_with(".enc").then_some(KEY)
}

/// Converts one of them.
fn to_ndf(name: &str, ndf: &Path, options: &[&str]) {
    let key = key_of(name).map_or(vec![], |key| vec!["--key", key]);
    let options = [&["--as", "ndf"], options, &key].concat();
    convert(&archive(name), ndf, &options).ends_with(0);
}

/// What belongs to the service in testdata.
pub fn service(name: &str) -> PathBuf {
    repository("testdata/prisma-service").join(name)
}

/// What is in a folder, by name.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|it| it.expect("an entry"));
    let mut names: Vec<String> = entries
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A folder that goes with its value.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn what_strapi_exported_comes_back_line_by_line_and_file_by_file() {
    for name in ARCHIVES {
        let folder = folder();
        let [ndf, back] = ["ndf", "back"].map(|it| folder.path().join(it));
        to_ndf(name, &ndf, &[]);
        assert_eq!(
            names(&ndf),
            ["data.zip", "datamodel.prisma", "files", "strapi.json"],
            "{name}"
        );
        verify(&ndf.join("data.zip"), &ndf.join("datamodel.prisma")).ends_with(0);
        convert(&ndf, &back, &["--as", "strapi", "--no-encrypt"]).ends_with(0);
        assert_same(name, &folder.path().join("back.tar.gz"));
    }
}

/// Sees that a packed archive is whole, and has the lines and the files of one of those in testdata.
pub fn assert_same(name: &str, packed: &Path) {
    run(&mut backup(["verify".as_ref(), packed.as_os_str()])).ends_with(0);
    let (before, after) = (
        Archive::open(&archive(name), key_of(name)),
        Archive::open(packed, None),
    );
    for stage in STAGES {
        assert!(before.lines(stage) == after.lines(stage), "{name}: {stage}");
    }
    let files = |archive: &Archive| {
        let uploads = archive
            .entries
            .iter()
            .filter(|(name, _)| name.starts_with("assets/uploads/"));
        uploads
            .map(|(name, bytes)| (name.clone(), bytes.clone()))
            .collect::<Vec<_>>()
    };
    // The earliest archives hold files that no row names, which no import takes.
    let before = files(&before)
        .into_iter()
        .filter(|(name, _)| !name.contains("menu_logo"));
    assert!(before.eq(files(&after)), "{name}: files");
}

#[test]
fn the_validator_of_prisma_takes_what_becomes_of_each_archive() {
    let Some(judge) = Judge::find() else {
        return;
    };
    for name in ARCHIVES {
        let folder = folder();
        let ndf = folder.path().join("ndf");
        to_ndf(name, &ndf, &["--format", "dir"]);
        let judged = judge.validates(&ndf.join("data"), &ndf.join("datamodel.prisma"));
        assert_eq!(judged, Ok(()), "{name}");
    }
}

/// Converts an archive, has it sent to a service by `send`, exports it from there, converts that back, and compares.
fn through_a_service(name: &str, send: &dyn Fn(&Path, &PrismaService)) {
    let folder = folder();
    let ndf = folder.path().join("ndf");
    convert(&archive(name), &ndf, &["--as", "ndf"]).ends_with(0);
    let service = PrismaService::new().with_pages(50_000);
    let yml = format!(
        "endpoint: {}\ndatamodel: datamodel.prisma\n",
        service.endpoint()
    );
    fs::write(ndf.join("prisma.yml"), yml).expect("written");
    send(&ndf, &service);
    fs::remove_file(ndf.join("data.zip")).expect("removed");
    let mut export = backup(["prisma", "export", "--file", "data.zip", "--project", "."]);
    run(export.current_dir(&ndf)).ends_with(0);
    convert(
        &ndf,
        &folder.path().join("back"),
        &["--as", "strapi", "--no-encrypt"],
    )
    .ends_with(0);
    let before = Archive::open(&archive(name), None);
    let after = Archive::open(&folder.path().join("back.tar.gz"), None);
    for stage in STAGES {
        assert!(before.lines(stage) == after.lines(stage), "{name}: {stage}");
    }
}

#[test]
fn what_went_through_a_service_comes_back_line_by_line() {
    for name in [
        "strapi4-sqlite/strapi-export.tar",
        "strapi5-sqlite/strapi-export.tar",
    ] {
        through_a_service(name, &|ndf, _| {
            let mut import = backup(["prisma", "import", "--data", "data.zip", "--project", "."]);
            run(import.current_dir(ndf)).ends_with(0);
        });
    }
}

#[test]
fn what_the_real_cli_sent_to_a_service_comes_back_line_by_line() {
    let Some(judge) = Judge::find() else {
        return;
    };
    through_a_service("strapi5-sqlite/strapi-export.tar", &|ndf, service| {
        judge.run(ndf, &service.endpoint(), &["import", "--data", "data.zip"]);
    });
}

#[test]
fn a_dry_run_leaves_nothing_and_a_name_that_is_taken_is_refused() {
    let folder = folder();
    let ndf = folder.path().join("ndf");
    convert(&strapi_archive(), &ndf, &["--as", "ndf", "--dry-run"]).ends_with(0);
    assert!(names(folder.path()).is_empty());
    convert(&strapi_archive(), &ndf, &["--as", "ndf"]).ends_with(0);
    let before = names(&ndf);
    let refused = convert(&strapi_archive(), &ndf, &["--as", "ndf"]);
    assert_ne!(refused.code, Some(0));
    refused.says(["choose another name"]);
    convert(
        &ndf,
        &folder.path().join("site"),
        &["--as", "strapi", "--no-encrypt", "--dry-run"],
    )
    .ends_with(0);
    assert_eq!(names(folder.path()), ["ndf"]);
    assert_eq!(names(&ndf), before);
}

#[test]
fn what_is_converted_the_wrong_way_round_or_is_not_there_is_told_what_to_do() {
    let folder = folder();
    let ndf = folder.path().join("ndf");
    convert(&strapi_archive(), &ndf, &["--as", "ndf"]).ends_with(0);
    let [to, gone] = ["to", "gone"].map(|it| folder.path().join(it));
    let plain = ["--as", "strapi", "--no-encrypt"];
    for from in [ndf.clone(), ndf.join("data.zip"), service("data")] {
        convert(&from, &to, &["--as", "ndf"])
            .ends_with(2)
            .says(["what Prisma 1 takes", "--as strapi"]);
    }
    convert(&strapi_archive(), &to, &plain)
        .ends_with(2)
        .says(["is an archive of a Strapi", "--as ndf"]);
    convert(&gone, &to, &plain)
        .ends_with(1)
        .says(["there is no data set at"]);
    for nowhere in ["-", "s3://bucket/site"] {
        convert(&strapi_archive(), Path::new(nowhere), &["--as", "ndf"])
            .ends_with(2)
            .says(["name a folder"]);
    }
    convert(&ndf, &to, &plain).ends_with(0);
    let taken = convert(&ndf, &to, &plain).ends_with(2);
    taken.says(["choose another name, or replace it with --overwrite"]);
    convert(&strapi_archive(), &gone, &["--as", "other"]).ends_with(2);
    assert_eq!(names(folder.path()), ["ndf", "to.tar.gz"]);
}

#[test]
fn options_that_make_no_sense_together_are_refused_and_say_what_to_do() {
    let folder = folder();
    let ndf = folder.path().join("ndf");
    convert(&strapi_archive(), &ndf, &["--as", "ndf"]).ends_with(0);
    let site = folder.path().join("site");
    for (from, options, said) in [
        (
            strapi_archive(),
            &["--as", "ndf", "--overwrite"][..],
            "--overwrite is for --as strapi",
        ),
        (
            strapi_archive(),
            &["--as", "ndf", "--format", "tar"],
            "no tar",
        ),
        (
            ndf.clone(),
            &["--as", "strapi", "--no-encrypt", "--format", "zip"],
            "no zip",
        ),
        (
            ndf.clone(),
            &["--as", "strapi", "--format", "dir"],
            "add --no-encrypt",
        ),
        (
            ndf.clone(),
            &[
                "--as",
                "strapi",
                "--no-encrypt",
                "--strapi-version",
                "5.0.0",
            ],
            "--no-notes",
        ),
        (
            service("data"),
            &[
                "--as",
                "strapi",
                "--no-encrypt",
                "--strapi-version",
                "3.1.0",
            ],
            "no version of Strapi 4 or 5",
        ),
        (ndf.clone(), &["--as", "strapi"], "--no-encrypt"),
    ] {
        convert(&from, &site, options).ends_with(2).says([said]);
    }
    assert_eq!(names(folder.path()), ["ndf"]);
}

#[test]
fn an_archive_that_was_encrypted_becomes_an_encrypted_one_again_with_its_key() {
    let folder = folder();
    let key = folder.path().join("key");
    fs::write(&key, "a key\n").expect("written");
    let with_key = ["--key-file", key.to_str().expect("UTF-8")];
    let [ndf, site] = ["ndf", "site"].map(|it| folder.path().join(it));
    convert(&strapi_archive(), &ndf, &["--as", "ndf"]).ends_with(0);
    convert(&ndf, &site, &[&["--as", "strapi"], &with_key[..]].concat()).ends_with(0);
    let packed = folder.path().join("site.tar.gz.enc");
    let after = Archive::open(&packed, Some("a key"));
    assert!(after.lines("entities") == Archive::open(&strapi_archive(), None).lines("entities"));
    let again = folder.path().join("again");
    convert(&packed, &again, &[&["--as", "ndf"], &with_key[..]].concat()).ends_with(0);
}

#[test]
fn what_is_damaged_in_the_notes_is_named_by_its_line_and_nothing_is_written() {
    let folder = folder();
    let ndf = folder.path().join("ndf");
    convert(&strapi_archive(), &ndf, &["--as", "ndf"]).ends_with(0);
    let notes = ndf.join("strapi.json");
    let text = fs::read_to_string(&notes).expect("read");
    fs::write(&notes, &text[..text.len() / 2]).expect("written");
    let site = folder.path().join("site");
    convert(&ndf, &site, &["--as", "strapi", "--no-encrypt"])
        .ends_with(6)
        .says(["strapi.json, line ", "--no-notes"]);
    assert_eq!(names(folder.path()), ["ndf"]);
}

#[test]
fn a_file_that_is_not_there_any_more_is_named_and_makes_the_archive_incomplete() {
    let folder = folder();
    let ndf = folder.path().join("ndf");
    convert(&strapi_archive(), &ndf, &["--as", "ndf"]).ends_with(0);
    let gone = names(&ndf.join("files")).remove(0);
    fs::remove_file(ndf.join("files").join(&gone)).expect("removed");
    let site = folder.path().join("site");
    convert(&ndf, &site, &["--as", "strapi", "--no-encrypt"])
        .ends_with(3)
        .says([&gone]);
}

#[test]
fn the_sample_of_prisma_becomes_an_archive_that_is_whole() {
    let folder = folder();
    let site = folder.path().join("site");
    let model = repository("testdata/ndf/types.graphql");
    let options = [
        "--as",
        "strapi",
        "--no-encrypt",
        "--datamodel",
        model.to_str().expect("UTF-8"),
    ];
    for from in ["testdata/ndf/import", "testdata/ndf/import/import.zip"] {
        convert(
            &repository(from),
            &site,
            &[&options[..], &["--overwrite"]].concat(),
        )
        .ends_with(0);
        let packed = folder.path().join("site.tar.gz");
        run(&mut backup(["verify".as_ref(), packed.as_os_str()])).ends_with(0);
        let archive = Archive::open(&packed, None);
        assert_eq!(archive.lines("entities").len(), 100, "{from}");
        assert_eq!(archive.lines("links").len(), 150, "{from}");
        let scope = &archive.json("manifest.json")["scope"];
        assert_eq!(scope["types"].as_array().map(Vec::len), Some(2), "{scope}");
        fs::remove_dir_all(folder.path().join("site-schemas")).expect("the schemas");
    }
}

/// Changes the elements of the data of one kind.
pub fn change(ndf: &Path, kind: &str, change: &dyn Fn(&mut Vec<Value>)) {
    let folder = ndf.join("data").join(kind);
    for name in names(&folder) {
        let path = folder.join(name);
        let text = fs::read_to_string(&path).expect("read");
        let mut page: Value = serde_json::from_str(&text).expect("JSON");
        change(page["values"].as_array_mut().expect("a list"));
        fs::write(&path, page.to_string()).expect("written");
    }
}

#[test]
fn values_that_a_strapi_cannot_have_are_listed_and_make_the_archive_incomplete() {
    const MODEL: &str = "
        type Post { id: ID! @id createdAt: DateTime! n: Int f: Float author: User @relation(name: \"A\")
            tags: [Int!]! @scalarList(strategy: RELATION) }
        type User { id: ID! @id posts: [Post] @relation(name: \"A\") }
        type Thing { pk: ID! @id name: String }";
    let good = r#"{"_typeName":"Post","id":"p1","createdAt":"2017-11-29T14:35:13.000Z","n":3.0,"f":0.25},
        {"_typeName":"Thing","id":"t1","pk":"t1"},{"_typeName":"User","id":"u1"}"#;
    for (what, from, to) in [
        ("", "", ""),
        (
            "`createdAt` of Post p1",
            "2017-11-29T14:35:13.000Z",
            "yesterday",
        ),
        ("`n` of Post p1", "3.0", "3.5"),
        ("`f` of Post p1", "0.25", "0.1234567890123456789012345"),
        (
            "`author` of Post p1",
            "\"n\":3.0",
            "\"author\":{\"id\":\"u1\"}",
        ),
        ("`pk` of Thing t1", "\"pk\":\"t1\"", "\"pk\":\"other\""),
        ("`tags` of Post p1", "", "no"),
    ] {
        let folder = folder();
        let [data, model, site] = ["data", "dm.prisma", "site"].map(|it| folder.path().join(it));
        let nodes = match from {
            "" => good.to_owned(),
            from => good.replace(from, to),
        };
        let tags = match (from, to) {
            ("", "no") => r#"{"_typeName":"Post","id":"p1","tags":[1,"no"]}"#,
            _ => r#"{"_typeName":"Post","id":"p1","tags":[1,2.0]}"#,
        };
        for (kind, values) in [
            ("nodes", nodes.as_str()),
            ("lists", tags),
            ("relations", ""),
        ] {
            let into = data.join(kind);
            fs::create_dir_all(&into).expect("a folder");
            let text = format!(r#"{{"valueType":"{kind}","values":[{values}]}}"#);
            fs::write(into.join("000001.json"), text).expect("written");
        }
        fs::write(&model, MODEL).expect("written");
        let options = ["--as", "strapi", "--no-encrypt", "--datamodel"];
        let model = model.to_str().expect("UTF-8");
        let done = convert(&data, &site, &[&options[..], &[model]].concat());
        match what {
            "" => {
                done.ends_with(0);
                let rows = Archive::open(&folder.path().join("site.tar.gz"), None);
                let row = rows.lines("entities").concat();
                assert!(row.contains("\"n\":3,") && row.contains("[1,2]"), "{row}");
            }
            what => drop(done.ends_with(3).says([what])),
        }
    }
}

#[test]
fn a_data_model_in_several_files_is_taken_and_one_that_is_too_long_is_not() {
    let folder = folder();
    let [one, other, long, site] =
        ["one", "other", "long", "site"].map(|it| folder.path().join(it));
    let whole = fs::read_to_string(service("datamodel.prisma")).expect("read");
    let (types, enums) = whole.split_at(whole.find("enum Role").expect("an enum"));
    fs::write(&one, types).expect("written");
    fs::write(&other, enums).expect("written");
    fs::write(&long, "#".repeat(20 << 20)).expect("written");
    let fixed = ["--as", "strapi", "--no-encrypt", "--dry-run", "--datamodel"];
    let named = |file: &'static str| folder.path().join(file).display().to_string();
    let (one, other, long) = (named("one"), named("other"), named("long"));
    let both = [&fixed[..], &[&one, "--datamodel", &other]].concat();
    convert(&service("data"), &site, &both).ends_with(0);
    convert(&service("data"), &site, &[&fixed[..], &[&long]].concat())
        .ends_with(2)
        .says(["too long for a data model"]);
}

#[test]
fn schemas_that_cannot_be_shown_leave_no_archive_and_a_failure_leaves_no_schemas() {
    let folder = folder();
    let site = folder.path().join("site");
    let taken = folder.path().join("site.tar.gz").display().to_string();
    let options = ["--as", "strapi", "--no-encrypt", "--schemas", &taken];
    convert(&service("data"), &site, &options).ends_with(1);
    assert!(
        names(folder.path()).is_empty(),
        "{:?}",
        names(folder.path())
    );
    let data = folder.path().join("data");
    copy_folder(&service("data"), &data);
    fs::copy(
        service("datamodel.prisma"),
        folder.path().join("datamodel.prisma"),
    )
    .expect("copied");
    change(folder.path(), "nodes", &|nodes| {
        nodes.push(nodes[0].clone())
    });
    convert(&data, &site, &["--as", "strapi", "--no-encrypt"])
        .ends_with(6)
        .says(["there are two nodes of this id"]);
    assert_eq!(names(folder.path()), ["data", "datamodel.prisma"]);
}
