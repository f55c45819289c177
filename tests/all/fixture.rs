//! Exports of the projects in `testdata` are held against those that Strapi 5.54.0 and 4.26.2 made of them.

use crate::support::archive::Archive;
use crate::support::cli::{KEY, Project, strapi_archive, strapi_archive_of, testdata};
use crate::support::restore::assert_same_lines;
use crate::support::tarball::{ENTITIES, Tarball};

/// Makes a test for each major version of Strapi out of every function named.
macro_rules! of_each_major {
    (of $module:ident $major:literal: $($name:ident)+) => {
        mod $module {
            $(#[test]
            fn $name() {
                super::$name($major);
            })+
        }
    };
    ($($name:ident),+ $(,)?) => {
        of_each_major!(of strapi4 4: $($name)+);
        of_each_major!(of strapi5 5: $($name)+);
    };
}

of_each_major!(
    an_export_has_the_entries_of_strapis_in_the_same_order,
    schemas_links_configuration_sidecars_and_files_are_strapis_byte_for_byte,
    entities_are_strapis_byte_for_byte_but_for_integers_that_strapi_rounds,
    metadata_tells_the_version_of_strapi_and_the_time_in_utc,
    every_way_to_pack_an_export_holds_the_same,
);

/// Where our export is right and Strapi's is not: Strapi's value of `views`, ours, the articles of Strapi 4, those of 5.
///
/// The column is a 64-bit integer in SQLite. Strapi reads it as a double, which holds no more than 53 bits of it.
const DEVIATIONS: [(&str, &str, &[u32], &[u32]); 3] = [
    (
        "9007199254740992",
        "9007199254740993",
        &[1, 2, 11, 12],
        &[1, 2, 16, 17],
    ),
    (
        "-9223372036854776000",
        "-9223372036854775808",
        &[3, 4, 13, 14],
        &[5, 6, 20, 21],
    ),
    (
        "9223372036854776000",
        "9223372036854775807",
        &[5, 15],
        &[7, 22],
    ),
];

/// What we export from a project in `testdata`, and what Strapi did.
fn ours_and_strapis(major: u32) -> (Archive, Archive) {
    let strapis = Archive::open(&strapi_archive_of(major), None);
    (Project::of(major).exported(&[]), strapis)
}

fn an_export_has_the_entries_of_strapis_in_the_same_order(major: u32) {
    let project = Project::of(major);
    let ours = Tarball::read(&project.export("site", &[]));
    let strapis = Tarball::read(&strapi_archive_of(major));
    let (mut of_strapi, mut names) = (strapis.names(), ours.names());
    assert_eq!(of_strapi.pop(), Some("metadata.json"));
    assert_eq!(names[..2], ["metadata.json", "manifest.json"]);
    let last = names.split_off(names.len() - 2);
    assert_eq!(last, ["result.json", "checksums.sha256"]);
    assert_eq!(names[2..], of_strapi);
}

fn schemas_links_configuration_sidecars_and_files_are_strapis_byte_for_byte(major: u32) {
    let (ours, strapis) = ours_and_strapis(major);
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

fn entities_are_strapis_byte_for_byte_but_for_integers_that_strapi_rounds(major: u32) {
    let (ours, strapis) = ours_and_strapis(major);
    let mut expected = strapis.lines("entities");
    for (strapis, right, of_strapi_4, of_strapi_5) in DEVIATIONS {
        for id in if major == 4 { of_strapi_4 } else { of_strapi_5 } {
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
    }
    assert_same_lines(&ours.lines("entities"), &expected);
}

fn metadata_tells_the_version_of_strapi_and_the_time_in_utc(major: u32) {
    let before = jiff::Timestamp::now();
    let (ours, strapis) = ours_and_strapis(major);
    let metadata = ours.json("metadata.json");
    let version = if major == 4 { "4.26.2" } else { "5.54.0" };
    assert_eq!(metadata["strapi"]["version"], version);
    let text = metadata["createdAt"].as_str().expect("a time");
    assert_eq!((text.len(), &text[23..]), (24, "Z"), "{text}");
    let made: jiff::Timestamp = text.parse().expect("RFC 3339");
    let milliseconds = before.as_millisecond()..=jiff::Timestamp::now().as_millisecond();
    assert!(milliseconds.contains(&made.as_millisecond()), "{text}");
    let shape = |archive: &Archive| {
        let bytes = archive.entries["metadata.json"].clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines()
            .map(|line| line.split(": ").next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(shape(&ours), shape(&strapis));
}

fn every_way_to_pack_an_export_holds_the_same(major: u32) {
    let project = Project::of(major);
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
