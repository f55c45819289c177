//! An export of the project in `testdata` is held against the one that Strapi 5.54.0 made of it.

use crate::support::archive::Archive;
use crate::support::cli::{KEY, Project, strapi_archive, testdata};
use crate::support::tarball::{ENTITIES, Tarball};

/// Where our export is right and Strapi's is not: the article, Strapi's value of `views`, ours.
///
/// The column is a 64-bit integer in SQLite. Strapi reads it as a double, which holds no more than 53 bits of it.
const DEVIATIONS: [(u32, &str, &str); 10] = [
    (1, "9007199254740992", "9007199254740993"),
    (2, "9007199254740992", "9007199254740993"),
    (5, "-9223372036854776000", "-9223372036854775808"),
    (6, "-9223372036854776000", "-9223372036854775808"),
    (7, "9223372036854776000", "9223372036854775807"),
    (16, "9007199254740992", "9007199254740993"),
    (17, "9007199254740992", "9007199254740993"),
    (20, "-9223372036854776000", "-9223372036854775808"),
    (21, "-9223372036854776000", "-9223372036854775808"),
    (22, "9223372036854776000", "9223372036854775807"),
];

#[test]
fn an_export_has_the_entries_of_strapis_in_the_same_order() {
    let project = Project::testdata();
    let ours = Tarball::read(&project.export("site", &[]));
    let strapis = Tarball::read(&strapi_archive());
    let (mut of_strapi, mut names) = (strapis.names(), ours.names());
    assert_eq!(of_strapi.pop(), Some("metadata.json"));
    assert_eq!(names[..2], ["metadata.json", "manifest.json"]);
    assert_eq!(
        names.split_off(names.len() - 2),
        ["result.json", "checksums.sha256"]
    );
    assert_eq!(names[2..], of_strapi);
}

#[test]
fn schemas_links_configuration_sidecars_and_files_are_strapis_byte_for_byte() {
    let project = Project::testdata();
    let strapis = Archive::open(&strapi_archive(), None);
    let ours = project.exported(&[]);
    let compared: Vec<&String> = strapis
        .entries
        .keys()
        .filter(|name| *name != ENTITIES && *name != "metadata.json")
        .collect();
    assert_eq!(compared.len(), 3 + 2 * 10, "{compared:?}");
    for name in compared {
        assert!(
            ours.entries.get(name) == strapis.entries.get(name),
            "{name}"
        );
    }
}

#[test]
fn entities_are_strapis_byte_for_byte_but_for_integers_that_strapi_rounds() {
    let project = Project::testdata();
    let ours = project.exported(&[]).lines("entities");
    let mut expected = Archive::open(&strapi_archive(), None).lines("entities");
    for (id, strapis, right) in DEVIATIONS {
        let beginning = format!(r#"{{"type":"api::article.article","id":{id},"#);
        let line = expected
            .iter_mut()
            .find(|line| line.starts_with(&beginning));
        let line = line.unwrap_or_else(|| panic!("there is no article {id}"));
        let before = line.clone();
        *line = line.replace(
            &format!(r#""views":"{strapis}""#),
            &format!(r#""views":"{right}""#),
        );
        assert_ne!(*line, before, "article {id} has no views of {strapis}");
    }
    assert_eq!(ours.len(), expected.len());
    for (ours, expected) in ours.iter().zip(&expected) {
        assert_eq!(ours, expected);
    }
}

#[test]
fn metadata_tells_the_version_of_strapi_and_the_time_in_utc() {
    let project = Project::testdata();
    let before = jiff::Timestamp::now();
    let ours = project.exported(&[]);
    let metadata = ours.json("metadata.json");
    assert_eq!(metadata["strapi"]["version"], "5.54.0");
    let text = metadata["createdAt"].as_str().expect("a time");
    assert_eq!((text.len(), &text[23..]), (24, "Z"), "{text}");
    let made: jiff::Timestamp = text.parse().expect("RFC 3339");
    let milliseconds = before.as_millisecond()..=jiff::Timestamp::now().as_millisecond();
    assert!(milliseconds.contains(&made.as_millisecond()), "{text}");
    let strapis = Archive::open(&strapi_archive(), None);
    let shape = |archive: &Archive| {
        let bytes = archive.entries["metadata.json"].clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines()
            .map(|line| line.split(": ").next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(shape(&ours), shape(&strapis));
}

#[test]
fn every_way_to_pack_an_export_holds_the_same() {
    let project = Project::testdata();
    let plain = project.exported(&[]);
    for (options, name, key) in [
        (&["--no-encrypt"][..], "packed.tar.gz", None),
        (&["-k", KEY][..], "packed.tar.gz.enc", Some(KEY)),
        (
            &["-k", KEY, "--no-compress"][..],
            "packed.tar.enc",
            Some(KEY),
        ),
        (&["--no-encrypt", "--format", "dir"][..], "packed", None),
    ] {
        let arguments = [&["-f", "packed"], options].concat();
        project.run("export", arguments).ends_with(0);
        let packed = Archive::open(&project.archive(name), key);
        same_but_metadata(&plain, &packed, name);
    }
}

#[test]
fn an_export_of_a_running_project_in_wal_mode_holds_what_is_not_in_the_file_yet() {
    let project = Project::testdata();
    let strapi = project.connect();
    strapi
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
             UPDATE categories SET name = 'renamed' WHERE id = 1",
        )
        .unwrap();
    let ours = project.exported(&[]);
    let renamed = |line: &String| line.contains("api::category") && line.contains("renamed");
    assert_eq!(
        ours.lines("entities").into_iter().filter(renamed).count(),
        1
    );
}

#[test]
fn the_two_archives_in_testdata_hold_the_same() {
    let encrypted = Archive::open(&testdata("strapi-export.tar.gz.enc"), Some(KEY));
    let plain = Archive::open(&strapi_archive(), None);
    same_but_metadata(&plain, &encrypted, "strapi-export.tar.gz.enc");
}

#[track_caller]
fn same_but_metadata(one: &Archive, other: &Archive, name: &str) {
    let differing = one.differences(other);
    assert!(differing.is_empty(), "{name}: {differing:?}");
}
