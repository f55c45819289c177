//! Real Strapi 5 as the judge: it takes what this tool writes, and this tool restores what Strapi wrote.
//!
//! Strapi is installed by `tests/strapi5/install.sh` and found through `BACKUP_TEST_STRAPI5`; without it these tests
//! say that they are skipped.

#[path = "support/archive.rs"]
mod archive;
#[path = "support/canonical.rs"]
mod canonical;
#[path = "support/strapi.rs"]
mod strapi;

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};

use archive::Archive;
use canonical::{REWRITTEN_AT_EVERY_START, assert_same, difference, report};
use strapi::{Harness, Project};

const KEY: &str = "a key with ünicode & spaces";

/// The stages of an archive that are lines of JSON.
const STAGES: [&str; 4] = ["schemas", "entities", "links", "configuration"];

/// Where an export of ours is right and Strapi's is not, by entity: the title, the attribute, Strapi's value, ours.
///
/// SQLite holds 64-bit integers; Strapi reads them as doubles.
const DEVIATIONS: [(&str, &str, &str, &str); 2] = [
    (
        "Largest integer",
        "distanceInMm",
        "9223372036854776000",
        "9223372036854775807",
    ),
    (
        "First odd integer",
        "distanceInMm",
        "9007199254740992",
        "9007199254740993",
    ),
];

/// Entries of our own archives that hold the time of the export.
const MAY_CHANGE: [&str; 1] = ["metadata.json"];

/// What all tests share and none changes: projects that Strapi made, and its own export of one.
struct World {
    /// Started once: all tables, no content.
    fresh: Project<'static>,
    /// With the content of the seed.
    seeded: Project<'static>,
    /// With other content, and admin users of its own.
    other: Project<'static>,
    /// What Strapi exports from `seeded`.
    archive: PathBuf,
}

fn world() -> Option<&'static World> {
    static WORLD: OnceLock<Option<World>> = OnceLock::new();
    WORLD
        .get_or_init(|| {
            static HARNESS: OnceLock<Option<Harness>> = OnceLock::new();
            let harness = HARNESS.get_or_init(Harness::from_env).as_ref()?;
            let fresh = harness.new_project("fresh");
            fresh.seed("boot");
            let seeded = fresh.copy("seeded");
            seeded.seed("content");
            let other = fresh.copy("other");
            other.seed("other");
            let archive = seeded.strapi_export("by-strapi");
            Some(World {
                fresh,
                seeded,
                other,
                archive,
            })
        })
        .as_ref()
}

fn is_admin_table(name: &str) -> bool {
    let prefixes = [
        "admin_",
        "strapi_api_token",
        "strapi_transfer_token",
        "strapi_sessions",
    ];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Compares two archives line by line and file by file, ids and order included. Left out are the time of the export
/// and, when Strapi was started in between, what it writes anew whenever it starts.
fn differences(expected: &Archive, actual: &Archive, started_in_between: bool) -> Vec<String> {
    let mut found = Vec::new();
    for stage in STAGES {
        let lines = |archive: &Archive| {
            let mut lines = archive.lines(stage);
            if stage == "configuration" && started_in_between {
                let rewritten = REWRITTEN_AT_EVERY_START.map(|key| format!("\"key\":\"{key}\""));
                lines.retain(|line| !rewritten.iter().any(|key| line.contains(key)));
            }
            lines.sort_by_cached_key(|line| component(stage, line));
            lines
        };
        let (expected, actual) = (lines(expected), lines(actual));
        if expected.len() != actual.len() {
            found.push(format!(
                "{stage}: expected {} lines, got {}",
                expected.len(),
                actual.len()
            ));
        }
        for (number, (expected, actual)) in expected.iter().zip(&actual).enumerate() {
            if expected == actual {
                continue;
            }
            let parse = |line: &str| {
                serde_json::from_str::<Value>(line)
                    .unwrap_or_else(|error| json!(format!("{error}: {line}")))
            };
            let values = difference(&parse(expected), &parse(actual));
            let what = values.unwrap_or_else(|| {
                format!("the same value in other bytes:\n    {expected}\n    {actual}")
            });
            found.push(format!("{stage} line {}{what}", number + 1));
        }
    }
    let (expected, actual) = (expected.assets(), actual.assets());
    for (name, asset) in &expected {
        match actual.get(name) {
            None => found.push(format!("asset {name} is missing")),
            Some(other) if other.bytes != asset.bytes => {
                found.push(format!("asset {name} has other bytes"))
            }
            Some(other) => found.extend(
                difference(&asset.sidecar, &other.sidecar)
                    .map(|what| format!("sidecar of {name}: {what}")),
            ),
        }
    }
    found.extend(
        actual
            .keys()
            .filter(|name| !expected.contains_key(*name))
            .map(|name| format!("asset {name} is not expected")),
    );
    found
}

/// The component that a line of the schemas or links belongs to; nothing for a content type.
///
/// Strapi reads the files of components in no fixed order: with the same project, one start has them in another order
/// than the next, and so have its exports. Only the order of the lines of one component means something.
fn component(stage: &str, line: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line).ok()?;
    let uid = match stage {
        "schemas" => &value["uid"],
        "links" => &value["left"]["type"],
        _ => return None,
    };
    uid.as_str()
        .filter(|uid| !uid.contains("::"))
        .map(str::to_owned)
}

fn assert_equal(expected: &Archive, actual: &Archive, started_in_between: bool) {
    if let Some(report) = report(&differences(expected, actual, started_in_between)) {
        panic!("{report}");
    }
}

/// Puts our values where Strapi's export has lost some. Each deviation has to occur.
fn with_our_values(mut archive: Archive) -> Archive {
    let shard = archive
        .entries
        .get_mut("entities/entities_00001.jsonl")
        .unwrap();
    let mut lines: Vec<String> = String::from_utf8_lossy(shard)
        .lines()
        .map(str::to_owned)
        .collect();
    for (title, attribute, strapis, ours) in DEVIATIONS {
        let line = lines
            .iter_mut()
            .find(|line| line.contains(&format!("\"title\":\"{title}\"")));
        let line = line.unwrap_or_else(|| panic!("no entity is called {title}"));
        let changed = line.replace(
            &format!("\"{attribute}\":\"{strapis}\""),
            &format!("\"{attribute}\":\"{ours}\""),
        );
        assert_ne!(
            *line, changed,
            "Strapi exports {attribute} of {title} otherwise by now"
        );
        *line = changed;
    }
    *shard = lines.join("\n").into_bytes();
    archive
}

/// Has Strapi import an archive into an empty project, and gives back what it exports from there.
fn through_strapi(world: &World, archive: &std::path::Path, key: Option<&str>) -> Archive {
    let project = world.fresh.copy("taken-in-by-strapi");
    project.strapi_import(archive, key);
    Archive::open(&project.strapi_export("exported-again"), None)
}

// ------------------------------------------------------------------ the harness itself

#[test]
fn what_strapi_exports_and_imports_itself_comes_back_the_same() {
    let Some(world) = world() else { return };
    assert_same(
        &Archive::open(&world.archive, None),
        &through_strapi(world, &world.archive, None),
    );
}

#[test]
fn the_seed_leaves_no_corner_of_the_format_empty() {
    let Some(world) = world() else { return };
    let archive = Archive::open(&world.archive, None);
    let links = archive.jsonl("links");
    let relations: std::collections::BTreeSet<_> = links
        .iter()
        .map(|link| format!("{} {}", link["kind"], link["relation"]))
        .collect();
    for expected in [
        "basic manyToMany",
        "basic manyToOne",
        "basic oneToMany",
        "basic oneToOne",
        "circular manyToMany",
        "circular manyToOne",
        "circular oneToMany",
        "circular oneToOne",
        "morph morphToMany",
        "morph morphToOne",
    ] {
        let (kind, relation) = expected.split_once(' ').unwrap();
        assert!(
            relations.contains(&format!("\"relation.{kind}\" \"{relation}\"")),
            "no {expected} among {relations:#?}"
        );
    }
    let entities = archive.jsonl("entities");
    let schemas = archive.jsonl("schemas");
    let of_this_project = |schema: &&Value| {
        schema["modelType"] == "contentType" && schema["uid"].as_str().unwrap().starts_with("api::")
    };
    for schema in schemas.iter().filter(of_this_project) {
        let rows: Vec<_> = entities
            .iter()
            .filter(|entity| entity["type"] == schema["uid"])
            .collect();
        for (name, attribute) in schema["attributes"].as_object().unwrap() {
            let kind = attribute["type"].as_str().unwrap();
            // Links hold relations and media; types without languages have no locale.
            if ["relation", "media"].contains(&kind) || name == "locale" {
                continue;
            }
            let filled = rows.iter().any(|row| !row["data"][name].is_null());
            assert!(filled, "no {} has a value in {name}", schema["uid"]);
        }
    }
    assert!(archive.assets().len() > 10);
    assert!(
        archive
            .lines("configuration")
            .iter()
            .any(|line| line.contains("__transferBuffer"))
    );
}

#[test]
fn strapi_itself_keeps_admin_rows_when_it_restores() {
    let Some(world) = world() else { return };
    let project = world.other.copy("restored-by-strapi");
    let before = project.rows(is_admin_table);
    for table in [
        "admin_users",
        "admin_roles",
        "strapi_api_tokens",
        "strapi_transfer_tokens",
        "admin_users_roles_lnk",
    ] {
        assert!(
            !before[table].is_empty(),
            "the seed puts nothing into {table}"
        );
    }
    project.strapi_import(&world.archive, None);
    assert_eq!(before, project.rows(is_admin_table));
}

// ------------------------------------------------------------------ what we export

#[test]
fn our_export_equals_strapis_line_by_line_and_file_by_file() {
    let Some(world) = world() else { return };
    let ours = world
        .seeded
        .our_export("by-us", &["--no-encrypt", "--no-compress"], ".tar");
    let (strapis, ours) = (
        Archive::open(&world.archive, None),
        Archive::open(&ours, None),
    );
    assert_eq!(
        strapis.json("metadata.json")["strapi"],
        ours.json("metadata.json")["strapi"]
    );
    assert_equal(&with_our_values(strapis), &ours, false);
}

#[test]
fn every_wrapping_of_our_export_holds_the_same() {
    let Some(world) = world() else { return };
    let plain = Archive::open(
        &world
            .seeded
            .our_export("plain", &["--no-encrypt", "--no-compress"], ".tar"),
        None,
    );
    for (arguments, suffix, key) in [
        (&["--no-encrypt"][..], ".tar.gz", None),
        (&["-k", KEY][..], ".tar.gz.enc", Some(KEY)),
        (&["-k", KEY, "--no-compress"][..], ".tar.enc", Some(KEY)),
        (&["--no-encrypt", "--format", "dir"][..], "", None),
    ] {
        let wrapped = Archive::open(&world.seeded.our_export("wrapped", arguments, suffix), key);
        assert_equal(&plain, &wrapped, false);
        assert_equal(&wrapped, &plain, false);
    }
}

#[test]
fn strapi_imports_our_plain_archive_without_a_warning() {
    let Some(world) = world() else { return };
    let ours = world
        .seeded
        .our_export("plain", &["--no-encrypt", "--no-compress"], ".tar");
    assert_same(
        &Archive::open(&world.archive, None),
        &through_strapi(world, &ours, None),
    );
}

#[test]
fn strapi_imports_our_compressed_archive_without_a_warning() {
    let Some(world) = world() else { return };
    let ours = world
        .seeded
        .our_export("compressed", &["--no-encrypt"], ".tar.gz");
    assert_same(
        &Archive::open(&world.archive, None),
        &through_strapi(world, &ours, None),
    );
}

#[test]
fn strapi_imports_our_encrypted_archive_without_a_warning() {
    let Some(world) = world() else { return };
    let ours = world
        .seeded
        .our_export("encrypted", &["-k", KEY], ".tar.gz.enc");
    assert_same(
        &Archive::open(&world.archive, None),
        &through_strapi(world, &ours, Some(KEY)),
    );
}

// ------------------------------------------------------------------ what we restore

#[test]
fn a_project_that_we_restored_is_exported_by_strapi_as_the_original_was() {
    let Some(world) = world() else { return };
    let project = world.fresh.copy("restored-by-us");
    project.our_import(&world.archive, &[]);
    assert_eq!(world.seeded.uploads(), project.uploads());
    let exported = Archive::open(&project.strapi_export("after-our-restore"), None);
    assert_equal(&Archive::open(&world.archive, None), &exported, true);
}

#[test]
fn an_archive_that_strapi_encrypted_is_restored_with_its_key() {
    let Some(world) = world() else { return };
    let encrypted = world
        .seeded
        .copy("encrypted-by-strapi")
        .strapi_export_encrypted("encrypted-by-strapi", KEY);
    let project = world.fresh.copy("restored-with-key");
    project.our_import(&encrypted, &["-k", KEY]);
    let restored = project.our_export("after-restore", &["--no-encrypt"], ".tar.gz");
    assert_equal(
        &Archive::open(&encrypted, Some(KEY)),
        &Archive::open(&restored, None),
        false,
    );
}

#[test]
fn our_restore_over_other_content_leaves_only_the_archive_and_keeps_admin_rows() {
    let Some(world) = world() else { return };
    let project = world.other.copy("restored-over-other-content");
    let admin = project.rows(is_admin_table);
    project.our_import(&world.archive, &[]);
    assert_eq!(admin, project.rows(is_admin_table));
    assert_eq!(world.seeded.uploads(), project.uploads());
    let exported = Archive::open(&project.strapi_export("after-our-restore"), None);
    assert_equal(&Archive::open(&world.archive, None), &exported, true);
}

#[test]
fn a_round_trip_through_our_own_commands_changes_nothing() {
    let Some(world) = world() else { return };
    let first = world
        .seeded
        .our_export("first", &["-k", KEY], ".tar.gz.enc");
    let project = world.fresh.copy("round-trip");
    project.our_import(&first, &["-k", KEY]);
    let second = project.our_export("second", &["-k", KEY], ".tar.gz.enc");
    let [first, second] = [first, second].map(|file| Archive::open(&file, Some(KEY)));
    assert_equal(&first, &second, false);
    for (name, bytes) in first
        .entries
        .iter()
        .filter(|(name, _)| !MAY_CHANGE.contains(&name.as_str()))
    {
        assert!(
            second.entries.get(name) == Some(bytes),
            "{name} is not the same"
        );
    }
}

#[test]
fn an_empty_project_goes_both_ways() {
    let Some(world) = world() else { return };
    // Strapi starts to export, and a start writes rows; ours comes second, so that it sees the same.
    let empty = world.fresh.copy("empty");
    let strapis = Archive::open(&empty.strapi_export("empty-by-strapi"), None);
    let ours = empty.our_export("empty-by-us", &["--no-encrypt", "--no-compress"], ".tar");
    assert_equal(&strapis, &Archive::open(&ours, None), false);
    assert_same(&strapis, &through_strapi(world, &ours, None));

    let project = world.other.copy("emptied");
    project.our_import(&ours, &[]);
    assert!(project.uploads().is_empty());
    assert_equal(
        &strapis,
        &Archive::open(&project.strapi_export("emptied-by-us"), None),
        true,
    );
}
