//! Real Strapi as the judge: it takes what this tool writes, and this tool restores what Strapi wrote.
//!
//! The same proofs hold for every version of Strapi: `strapi4.rs` and `strapi5.rs` make tests out of them. Without the
//! Strapi in question these tests say that they are skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::archive::{Archive, OF_THE_EXPORT};
use crate::support::canonical::assert_same;
use crate::support::cli::{PATIENTLY, PLAIN, backup, run};
use crate::support::difference::difference;
use crate::support::exact::assert_equal;
use crate::support::proxy::{Lost, Proxy};
use crate::support::servers::Server;
use crate::support::strace::{can_trace, injected, marks_the_end, number_of, traced};
use crate::support::strapi::Project;
use crate::support::world::{KEY, World};

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

/// The rows of a project that have to stay.
fn kept_rows(world: &World, project: &Project) -> BTreeMap<String, Vec<String>> {
    let rows = project.rows(is_kept);
    for table in [
        "admin_users",
        "admin_roles",
        "strapi_api_tokens",
        "strapi_transfer_tokens",
        "strapi_releases",
        "strapi_release_actions",
        world.strapi.roles_of_users,
    ] {
        assert!(
            !rows[table].is_empty(),
            "the seed puts nothing into {table}"
        );
    }
    rows
}

/// The first change to the rows that have to stay.
fn kept_rows_changed(before: &BTreeMap<String, Vec<String>>, project: &Project) -> Option<String> {
    difference(&json!(before), &json!(project.rows(is_kept)))
}

/// Makes tests of a version of Strapi out of the proofs: all of them on SQLite, and on servers those whose outcome hangs on
/// the database. How an archive is packed does not: each database has Strapi open another kind of ours.
///
/// A test is called after its proof first, so that tests that run at the same time are on different databases, and none
/// waits for another to make what they share.
macro_rules! proofs {
    ($strapi:expr) => {
        $crate::proofs::proofs! { $strapi =>
            strapi_itself_restores_what_it_exported_and_keeps_what_no_archive_holds: sqlite;
            the_seed_leaves_no_corner_of_the_format_empty: sqlite;
            our_export_equals_strapis_line_by_line_and_file_by_file: sqlite postgres mysql;
            links_to_rows_that_are_gone_are_told_of_and_left_out_of_our_export: sqlite;
            strapi_imports_our_plain_archive_without_a_warning: mysql;
            strapi_imports_our_compressed_archive_without_a_warning: postgres;
            strapi_imports_our_encrypted_archive_without_a_warning: sqlite;
            strapi_imports_microseconds_and_files_that_lack_a_name: postgres;
            a_project_that_we_restored_is_exported_by_strapi_as_the_original_was: sqlite postgres mysql;
            our_restore_over_other_content_leaves_only_the_archive_and_what_no_archive_holds: sqlite postgres mysql;
            a_round_trip_through_our_own_commands_changes_nothing: sqlite postgres mysql;
            an_empty_project_goes_both_ways: sqlite;
        }
    };
    ($strapi:expr => $($proof:ident: $($database:ident)+;)+) => {
        $(mod $proof {
            $(#[test]
            fn $database() {
                if let Some(world) = $strapi.world($crate::proofs::$database()) {
                    $crate::proofs::$proof(world);
                }
            })+
        })+
    };
}

pub(crate) use proofs;

/// SQLite: no server.
pub fn sqlite() -> Option<Server> {
    None
}

/// PostgreSQL.
pub fn postgres() -> Option<Server> {
    Some(Server::Postgres)
}

/// MySQL, or MariaDB in its place.
pub fn mysql() -> Option<Server> {
    Some(Server::Mysql)
}

// ------------------------------------------------------------------ the harness itself

pub fn strapi_itself_restores_what_it_exported_and_keeps_what_no_archive_holds(world: &World) {
    let project = world.other.copy("restored-by-strapi");
    let before = kept_rows(world, &project);
    project.strapi_import(&world.archive, world.key);
    assert_eq!(kept_rows_changed(&before, &project), None);
    assert_same(&world.strapis(), &world.exported_by_strapi(&project));
}

pub fn the_seed_leaves_no_corner_of_the_format_empty(world: &World) {
    let archive = world.strapis();
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
    assert_eq!(holds("__transferBuffer"), world.strapi.exports_logos);
}

// ------------------------------------------------------------------ what we export

pub fn our_export_equals_strapis_line_by_line_and_file_by_file(world: &World) {
    let ours = world.our_export("by-us", &PLAIN, ".tar");
    let (strapis, ours) = (world.strapis(), world.open(&ours, None));
    assert_eq!(
        strapis.json("metadata.json")["strapi"],
        ours.json("metadata.json")["strapi"]
    );
    assert_equal(&world.strapis_with_our_values(), &ours, false);
}

pub fn links_to_rows_that_are_gone_are_told_of_and_left_out_of_our_export(world: &World) {
    let project = world.seeded.copy("with-links-to-nothing");
    // No foreign key keeps these; projects that were used for years have many.
    project.sql(&format!(
        "INSERT INTO {} (file_id, related_id, related_type, field, \"order\") VALUES
            (1, 987654, 'api::vessel.vessel', 'cover', 1),
            (1, 1, 'api::removed.removed', 'cover', 1),
            (1, NULL, NULL, NULL, NULL)",
        world.strapi.uses_of_files
    ));
    let whole = world.our_export("whole", &PLAIN, ".tar");
    let (file, output) = project.our_export_that_ends_with(0, "by-us", &PLAIN, ".tar");
    for gone in ["api::vessel.vessel 987654", "api::removed.removed 1"] {
        assert!(output.contains(gone), "nothing about {gone} in:\n{output}");
    }
    assert_equal(&world.open(&whole, None), &world.open(&file, None), false);
}

pub fn strapi_imports_our_plain_archive_without_a_warning(world: &World) {
    let ours = world.our_export("plain", &PLAIN, ".tar");
    assert_same(&world.strapis(), &world.through_strapi(&ours, None));
}

pub fn strapi_imports_our_compressed_archive_without_a_warning(world: &World) {
    let ours = world.our_export("compressed", &["--no-encrypt"], ".tar.gz");
    assert_same(&world.strapis(), &world.through_strapi(&ours, None));
}

pub fn strapi_imports_our_encrypted_archive_without_a_warning(world: &World) {
    let ours = world.our_export("encrypted", &["-k", KEY], ".tar.gz.enc");
    assert_same(&world.strapis(), &world.through_strapi(&ours, Some(KEY)));
}

pub fn strapi_imports_microseconds_and_files_that_lack_a_name(world: &World) {
    let project = world.seeded.copy("with-odd-values");
    project.sql("UPDATE expeditions SET sighted_at = '2024-02-29 12:00:00.123456'");
    project.sql("UPDATE files SET name = '', mime = NULL, size = NULL");
    let ours = project.our_export("odd", &PLAIN, ".tar");
    let holds = |archive: &Archive, text: &str| {
        let lines = archive.lines("entities");
        lines.iter().any(|line| line.contains(text))
    };
    let archive = world.open(&ours, None);
    assert!(holds(
        &archive,
        r#""sightedAt":"2024-02-29T12:00:00.123456Z""#
    ));
    let taken = world.through_strapi(&ours, None);
    assert!(holds(&taken, r#""sightedAt":"2024-02-29T12:00:00.123Z""#));
    let files = |archive: &Archive| archive.assets().into_keys().collect::<Vec<_>>();
    assert_eq!(files(&taken), files(&archive));
}

// ------------------------------------------------------------------ what we restore

pub fn a_project_that_we_restored_is_exported_by_strapi_as_the_original_was(world: &World) {
    let project = world.fresh.copy("restored-by-us");
    world.our_import(&project);
    assert_eq!(world.exported_uploads(), project.uploads());
    let exported = world.exported_by_strapi(&project);
    assert_equal(&world.strapis(), &exported, true);
}

pub fn our_restore_over_other_content_leaves_only_the_archive_and_what_no_archive_holds(
    world: &World,
) {
    let project = world.other.copy("restored-over-other-content");
    let kept = project.copy("what-has-to-be-kept");
    kept.sql(world.strapi.forgets);
    let kept = kept_rows(world, &kept);
    world.our_import(&project);
    assert_eq!(kept_rows_changed(&kept, &project), None);
    assert_eq!(world.exported_uploads(), project.uploads());
    let exported = world.exported_by_strapi(&project);
    assert_equal(&world.strapis(), &exported, true);
}

pub fn a_round_trip_through_our_own_commands_changes_nothing(world: &World) {
    let first = world.our_export("first", &["-k", KEY], ".tar.gz.enc");
    let project = world.fresh.copy("round-trip");
    project.our_import(&first, &["-k", KEY]);
    let second = project.our_export("second", &["-k", KEY], ".tar.gz.enc");
    let [first, second] = [first, second].map(|file| Archive::open(&file, Some(KEY)));
    assert_equal(&first, &second, false);
    for (name, bytes) in first
        .entries
        .iter()
        .filter(|(name, _)| !OF_THE_EXPORT.contains(&name.as_str()))
    {
        // The two projects may have met their components in another order: that is compared above.
        let lines = |bytes: &[u8]| {
            let mut lines: Vec<Vec<u8>> =
                bytes.split(|byte| *byte == b'\n').map(Vec::from).collect();
            lines.sort();
            lines
        };
        let again = second.entries.get(name).map(Vec::as_slice);
        let is_same = if name.starts_with("schemas/") || name.starts_with("links/") {
            again.map(lines) == Some(lines(bytes))
        } else {
            again == Some(bytes)
        };
        assert!(is_same, "{name} is not the same");
    }
}

pub fn an_empty_project_goes_both_ways(world: &World) {
    // Strapi starts to export, and a start writes rows; ours comes second, so that it sees the same.
    let empty = world.fresh.copy("empty");
    let strapis = world.exported_by_strapi(&empty);
    let ours = empty.our_export("empty-by-us", &PLAIN, ".tar");
    assert_equal(&strapis, &world.open(&ours, None), false);
    assert_same(&strapis, &world.through_strapi(&ours, None));

    let project = world.other.copy("emptied");
    project.our_import(&ours, &[]);
    assert!(project.uploads().is_empty());
    assert_equal(&strapis, &world.exported_by_strapi(&project), true);
}

// ------------------------------------------------------------------ after accidents

/// Our import of what Strapi exported, before it starts.
fn import_command(world: &World, project: &Project) -> Command {
    let mut command = backup(["import", "--force", "--project"]);
    command.arg(&project.dir).arg("-f").arg(&world.archive);
    if let Some(key) = world.key {
        command.args(["-k", key]);
    }
    command.current_dir(&project.dir);
    command
}

fn recover(project: &Project) {
    let mut command = backup(["recover", "--project"]);
    run(command.arg(&project.dir).args(PATIENTLY)).ends_with(0);
}

pub fn strapi_starts_on_what_is_left_of_a_restore_that_was_killed(world: &World) {
    if !can_trace() {
        return;
    }
    let traced_project = world.other.copy("restored-and-traced");
    let import = import_command(world, &traced_project);
    let (outcome, calls) = traced(&import, "openat,rename,fsync", 0);
    outcome.ends_with(0);
    let renames = (0..calls.len()).filter(|call| calls[*call].name == "rename");
    let renames = Vec::from_iter(renames);
    // How many files are opened before depends on the processes that run, so it is the sync of the mark that is counted.
    let marked = calls.iter().position(marks_the_end).unwrap();
    let synced = calls[marked..].iter().position(|call| call.name == "fsync");
    let committed = marked + synced.unwrap();
    for call in [renames[renames.len() / 2], committed] {
        let project = world.other.copy("restored-and-killed");
        let before = (project.rows(|_| true), project.uploads());
        let kill = format!("signal=KILL:when={}", number_of(&calls, call));
        let import = import_command(world, &project);
        let killed = run(&mut injected(&import, &calls[call].name, &kill));
        assert_eq!(killed.code, None);
        assert!(before != (project.rows(|_| true), project.uploads()));
        recover(&project);
        if call == committed {
            assert_eq!(world.exported_uploads(), project.uploads());
            let exported = world.exported_by_strapi(&project);
            assert_equal(&world.strapis(), &exported, true);
        } else {
            assert!(before == (project.rows(|_| true), project.uploads()));
            world.exported_by_strapi(&project);
        }
    }
}

pub fn strapi_starts_on_what_is_left_of_a_restore_whose_commit_was_not_answered(world: &World) {
    let project = world.other.copy("restored-without-an-answer");
    let database = project.database.as_ref().unwrap();
    let proxy = Proxy::new(database.server, Lost::Answer, true);
    let mut import = import_command(world, &project);
    run(import.args(["--database-url", &proxy.url(&database.name)])).ends_with(13);
    recover(&project);
    assert_eq!(world.exported_uploads(), project.uploads());
    let exported = world.exported_by_strapi(&project);
    assert_equal(&world.strapis(), &exported, true);
}
