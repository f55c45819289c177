//! Real Strapi as the judge: it takes what this tool writes, and this tool restores what Strapi wrote.
//!
//! The same proofs hold for every version of Strapi; the file that includes this module says which one with a constant
//! `STRAPI`. Without that Strapi these tests say that they are skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::STRAPI;
use crate::archive::Archive;
use crate::canonical::assert_same;
use crate::difference::difference;
use crate::exact::assert_equal;
use crate::strapi::{Harness, Project};

const KEY: &str = "a key with ünicode & spaces";

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
            let harness = HARNESS
                .get_or_init(|| Harness::from_env(&STRAPI))
                .as_ref()?;
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

/// Whether a table holds what no archive does, and no restore changes.
fn is_kept(table: &str) -> bool {
    let prefixes = [
        "admin_",
        "strapi_api_token",
        "strapi_release",
        "strapi_sessions",
        "strapi_transfer_token",
    ];
    prefixes.iter().any(|prefix| table.starts_with(prefix))
}

/// The first change to the rows that have to stay.
fn kept_rows_changed(before: &BTreeMap<String, Vec<String>>, project: &Project) -> Option<String> {
    difference(&json!(before), &json!(project.rows(is_kept)))
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
fn through_strapi(world: &World, archive: &Path, key: Option<&str>) -> Archive {
    let project = world.fresh.copy("taken-in-by-strapi");
    project.strapi_import(archive, key);
    Archive::open(&project.strapi_export("exported-again"), None)
}

/// The files in the upload folder of the seeded project that an archive holds.
fn exported_uploads(world: &World) -> BTreeSet<String> {
    let mut names = world.seeded.uploads();
    names.retain(|name| STRAPI.exports_logos || !name.starts_with("menu_logo_"));
    names
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
    let relations: BTreeSet<_> = links
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
    let configuration = archive.lines("configuration");
    let holds = |text: &str| configuration.iter().any(|line| line.contains(text));
    assert!(holds("/uploads/menu_logo_"));
    assert_eq!(holds("__transferBuffer"), STRAPI.exports_logos);
}

#[test]
fn strapi_itself_keeps_what_no_archive_holds_when_it_restores() {
    let Some(world) = world() else { return };
    let project = world.other.copy("restored-by-strapi");
    let before = project.rows(is_kept);
    for table in [
        "admin_users",
        "admin_roles",
        "strapi_api_tokens",
        "strapi_transfer_tokens",
        "strapi_releases",
        "strapi_release_actions",
        STRAPI.roles_of_users,
    ] {
        assert!(
            !before[table].is_empty(),
            "the seed puts nothing into {table}"
        );
    }
    project.strapi_import(&world.archive, None);
    assert_eq!(kept_rows_changed(&before, &project), None);
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
fn links_to_rows_that_are_gone_are_told_of_and_left_out_of_our_export() {
    let Some(world) = world() else { return };
    let project = world.seeded.copy("with-links-to-nothing");
    // No foreign key keeps these; projects that were used for years have many.
    project.sql(&format!(
        "INSERT INTO {} (file_id, related_id, related_type, field, \"order\") VALUES
            (1, 987654, 'api::vessel.vessel', 'cover', 1),
            (1, 1, 'api::removed.removed', 'cover', 1),
            (1, NULL, NULL, NULL, NULL)",
        STRAPI.uses_of_files
    ));
    let plain = ["--no-encrypt", "--no-compress"];
    let whole = world.seeded.our_export("whole", &plain, ".tar");
    let (file, output) = project.our_incomplete_export("by-us", &plain, ".tar");
    for gone in ["api::vessel.vessel 987654", "api::removed.removed 1"] {
        assert!(output.contains(gone), "nothing about {gone} in:\n{output}");
    }
    assert_equal(
        &Archive::open(&whole, None),
        &Archive::open(&file, None),
        false,
    );
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
    assert_eq!(exported_uploads(world), project.uploads());
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
fn our_restore_over_other_content_leaves_only_the_archive_and_what_no_archive_holds() {
    let Some(world) = world() else { return };
    let project = world.other.copy("restored-over-other-content");
    let kept = project.copy("what-has-to-be-kept");
    kept.sql(STRAPI.forgets);
    let kept = kept.rows(is_kept);
    project.our_import(&world.archive, &[]);
    assert_eq!(kept_rows_changed(&kept, &project), None);
    assert_eq!(exported_uploads(world), project.uploads());
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
