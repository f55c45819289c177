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
use crate::canonical::{assert_same, without_links_to_nothing};
use crate::difference::difference;
use crate::exact::assert_equal;
use crate::servers::Server;
use crate::strapi::{Harness, Project};

const KEY: &str = "a key with ünicode & spaces";

/// Where an export of ours is right and Strapi's is not: a text in the lines concerned, what Strapi writes there, what
/// we write.
type Deviation = (&'static str, &'static str, &'static str);

/// SQLite holds 64-bit integers; Strapi reads them as doubles. From servers it reads them as text.
const DEVIATIONS_ON_SQLITE: [Deviation; 2] = [
    (
        r#""title":"Largest integer""#,
        r#""distanceInMm":"9223372036854776000""#,
        r#""distanceInMm":"9223372036854775807""#,
    ),
    (
        r#""title":"First odd integer""#,
        r#""distanceInMm":"9007199254740992""#,
        r#""distanceInMm":"9007199254740993""#,
    ),
];

/// MariaDB holds the smallest and largest of doubles; the driver that Strapi 4 uses reads others.
const DEVIATIONS_OF_STRAPI_4_ON_MYSQL: [Deviation; 2] = [
    (
        r#""panels":["#,
        r#"`tick`","weight":0"#,
        r#"`tick`","weight":-5e-324"#,
    ),
    (
        r#""slug":"edges""#,
        r#""temperature":-1.7976931348623155e+308"#,
        r#""temperature":-1.7976931348623157e+308"#,
    ),
];

/// Entries of our own archives that hold the time of the export.
const MAY_CHANGE: [&str; 1] = ["metadata.json"];

/// What all tests on one database share and none changes: projects that Strapi made, and its own export of one.
///
/// It lives as long as the process; the server that `scripts/servers` starts does not outlive it much.
pub struct World {
    /// Where the databases are; nothing for SQLite.
    server: Option<Server>,
    /// Started once: all tables, no content.
    fresh: Project<'static>,
    /// With the content of the seed.
    seeded: Project<'static>,
    /// With other content, and admin users of its own.
    other: Project<'static>,
    /// What Strapi exports from `seeded`.
    archive: PathBuf,
}

/// The installed Strapi, if there is one.
pub fn harness() -> Option<&'static Harness> {
    static HARNESS: OnceLock<Option<Harness>> = OnceLock::new();
    HARNESS.get_or_init(|| Harness::from_env(&STRAPI)).as_ref()
}

impl World {
    /// The world on SQLite or a server; nothing if the server or Strapi is not there.
    pub fn on(server: Option<Server>) -> Option<&'static World> {
        static WORLDS: [OnceLock<Option<World>>; 3] = [const { OnceLock::new() }; 3];
        let world = &WORLDS[server.map_or(0, |server| server.pick(1, 2))];
        world.get_or_init(|| World::make(server)).as_ref()
    }

    fn make(server: Option<Server>) -> Option<World> {
        if server.is_some_and(|server| !server.is_there()) {
            return None;
        }
        let harness = harness()?;
        let fresh = harness.new_project("fresh", server);
        fresh.seed("boot");
        let seeded = fresh.copy("seeded");
        seeded.seed("content");
        let other = fresh.copy("other");
        other.seed("other");
        let archive = seeded.strapi_export("by-strapi");
        Some(World {
            server,
            fresh,
            seeded,
            other,
            archive,
        })
    }

    /// An archive as it is compared: a server's rows come in no order that means something, and its JSON columns put
    /// the members of objects in another one.
    fn open(&self, archive: &Path, key: Option<&str>) -> Archive {
        let archive = Archive::open(archive, key);
        match self.server {
            None => archive,
            Some(_) => archive.in_order_of_ids(),
        }
    }

    /// What Strapi exports from `seeded`, without the links to nothing that it may have left behind.
    fn strapis(&self) -> Archive {
        let (whole, gone) = without_links_to_nothing(&self.open(&self.archive, None));
        assert_eq!(gone > 0, self.left_links_behind());
        whole
    }

    fn left_links_behind(&self) -> bool {
        STRAPI.leaves_links_on_servers && self.server.is_some()
    }

    /// How an export or a restore of all that Strapi left in `seeded` ends.
    fn code(&self) -> i32 {
        if self.left_links_behind() { 3 } else { 0 }
    }

    /// Our own export of `seeded`.
    fn our_export(&self, name: &str, arguments: &[&str], suffix: &str) -> PathBuf {
        let (archive, _) =
            self.seeded
                .our_export_that_ends_with(self.code(), name, arguments, suffix);
        archive
    }

    /// Has us restore what Strapi exported from `seeded`.
    fn our_import(&self, project: &Project) {
        project.our_import_that_ends_with(self.code(), &self.archive, &[]);
    }

    /// The same, with our values where Strapi's export has lost some. Each deviation has to occur.
    fn strapis_with_our_values(&self) -> Archive {
        let deviations = match (STRAPI.major, self.server) {
            (_, None) => &DEVIATIONS_ON_SQLITE[..],
            (4, Some(Server::Mysql)) => &DEVIATIONS_OF_STRAPI_4_ON_MYSQL,
            _ => &[],
        };
        with_values(self.strapis(), deviations)
    }

    /// Has Strapi import an archive into an empty project, and gives back what it exports from there.
    fn through_strapi(&self, archive: &Path, key: Option<&str>) -> Archive {
        let project = self.fresh.copy("taken-in-by-strapi");
        project.strapi_import(archive, key);
        self.open(&project.strapi_export("exported-again"), None)
    }

    /// The files in the upload folder of the seeded project that an archive holds.
    fn exported_uploads(&self) -> BTreeSet<String> {
        let mut names = self.seeded.uploads();
        names.retain(|name| STRAPI.exports_logos || !name.starts_with("menu_logo_"));
        names
    }
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

/// The rows of a project that have to stay.
fn kept_rows(project: &Project) -> BTreeMap<String, Vec<String>> {
    let rows = project.rows(is_kept);
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

/// Puts our values into an archive of Strapi's. Each deviation has to occur.
fn with_values(mut archive: Archive, deviations: &[Deviation]) -> Archive {
    let shard = archive
        .entries
        .get_mut("entities/entities_00001.jsonl")
        .unwrap();
    let mut lines: Vec<String> = String::from_utf8_lossy(shard)
        .lines()
        .map(str::to_owned)
        .collect();
    for (of, strapis, ours) in deviations {
        let concerned = lines
            .iter_mut()
            .filter(|line| line.contains(of) && line.contains(strapis));
        let changed = concerned.map(|line| *line = line.replace(strapis, ours));
        assert_ne!(changed.count(), 0, "Strapi exports no {strapis} by now");
    }
    *shard = lines.join("\n").into_bytes();
    archive
}

/// Makes a test for each database out of the functions named.
macro_rules! proofs {
    ($($database:ident: $server:expr => [$($name:ident),+ $(,)?];)+) => {
        $(mod $database {
            $(#[test]
            fn $name() {
                if let Some(world) = super::World::on($server) {
                    super::$name(world);
                }
            })+
        })+
    };
}

proofs! {
    sqlite: None => [
        what_strapi_exports_and_imports_itself_comes_back_the_same,
        the_seed_leaves_no_corner_of_the_format_empty,
        strapi_itself_keeps_what_no_archive_holds_when_it_restores,
        our_export_equals_strapis_line_by_line_and_file_by_file,
        links_to_rows_that_are_gone_are_told_of_and_left_out_of_our_export,
        every_wrapping_of_our_export_holds_the_same,
        strapi_imports_our_plain_archive_without_a_warning,
        strapi_imports_our_compressed_archive_without_a_warning,
        strapi_imports_our_encrypted_archive_without_a_warning,
        a_project_that_we_restored_is_exported_by_strapi_as_the_original_was,
        an_archive_that_strapi_encrypted_is_restored_with_its_key,
        our_restore_over_other_content_leaves_only_the_archive_and_what_no_archive_holds,
        a_round_trip_through_our_own_commands_changes_nothing,
        an_empty_project_goes_both_ways,
    ];
    postgres: Some(super::Server::Postgres) => [
        our_export_equals_strapis_line_by_line_and_file_by_file,
        strapi_imports_our_plain_archive_without_a_warning,
        a_project_that_we_restored_is_exported_by_strapi_as_the_original_was,
        our_restore_over_other_content_leaves_only_the_archive_and_what_no_archive_holds,
        a_round_trip_through_our_own_commands_changes_nothing,
    ];
    mysql: Some(super::Server::Mysql) => [
        our_export_equals_strapis_line_by_line_and_file_by_file,
        strapi_imports_our_plain_archive_without_a_warning,
        a_project_that_we_restored_is_exported_by_strapi_as_the_original_was,
        our_restore_over_other_content_leaves_only_the_archive_and_what_no_archive_holds,
        a_round_trip_through_our_own_commands_changes_nothing,
    ];
}

// ------------------------------------------------------------------ the harness itself

fn what_strapi_exports_and_imports_itself_comes_back_the_same(world: &World) {
    assert_same(
        &world.strapis(),
        &world.through_strapi(&world.archive, None),
    );
}

fn the_seed_leaves_no_corner_of_the_format_empty(world: &World) {
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
    assert_eq!(holds("__transferBuffer"), STRAPI.exports_logos);
}

fn strapi_itself_keeps_what_no_archive_holds_when_it_restores(world: &World) {
    let project = world.other.copy("restored-by-strapi");
    let before = kept_rows(&project);
    project.strapi_import(&world.archive, None);
    assert_eq!(kept_rows_changed(&before, &project), None);
}

// ------------------------------------------------------------------ what we export

fn our_export_equals_strapis_line_by_line_and_file_by_file(world: &World) {
    let ours = world.our_export("by-us", &["--no-encrypt", "--no-compress"], ".tar");
    let (strapis, ours) = (world.strapis(), world.open(&ours, None));
    assert_eq!(
        strapis.json("metadata.json")["strapi"],
        ours.json("metadata.json")["strapi"]
    );
    assert_equal(&world.strapis_with_our_values(), &ours, false);
}

fn links_to_rows_that_are_gone_are_told_of_and_left_out_of_our_export(world: &World) {
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
    let whole = world.our_export("whole", &plain, ".tar");
    let (file, output) = project.our_export_that_ends_with(3, "by-us", &plain, ".tar");
    for gone in ["api::vessel.vessel 987654", "api::removed.removed 1"] {
        assert!(output.contains(gone), "nothing about {gone} in:\n{output}");
    }
    assert_equal(&world.open(&whole, None), &world.open(&file, None), false);
}

fn every_wrapping_of_our_export_holds_the_same(world: &World) {
    let plain = world.open(
        &world.our_export("plain", &["--no-encrypt", "--no-compress"], ".tar"),
        None,
    );
    for (arguments, suffix, key) in [
        (&["--no-encrypt"][..], ".tar.gz", None),
        (&["-k", KEY][..], ".tar.gz.enc", Some(KEY)),
        (&["-k", KEY, "--no-compress"][..], ".tar.enc", Some(KEY)),
        (&["--no-encrypt", "--format", "dir"][..], "", None),
    ] {
        let wrapped = world.open(&world.our_export("wrapped", arguments, suffix), key);
        assert_equal(&plain, &wrapped, false);
        assert_equal(&wrapped, &plain, false);
    }
}

fn strapi_imports_our_plain_archive_without_a_warning(world: &World) {
    let ours = world.our_export("plain", &["--no-encrypt", "--no-compress"], ".tar");
    assert_same(&world.strapis(), &world.through_strapi(&ours, None));
}

fn strapi_imports_our_compressed_archive_without_a_warning(world: &World) {
    let ours = world.our_export("compressed", &["--no-encrypt"], ".tar.gz");
    assert_same(&world.strapis(), &world.through_strapi(&ours, None));
}

fn strapi_imports_our_encrypted_archive_without_a_warning(world: &World) {
    let ours = world.our_export("encrypted", &["-k", KEY], ".tar.gz.enc");
    assert_same(&world.strapis(), &world.through_strapi(&ours, Some(KEY)));
}

// ------------------------------------------------------------------ what we restore

fn a_project_that_we_restored_is_exported_by_strapi_as_the_original_was(world: &World) {
    let project = world.fresh.copy("restored-by-us");
    world.our_import(&project);
    assert_eq!(world.exported_uploads(), project.uploads());
    let exported = world.open(&project.strapi_export("after-our-restore"), None);
    assert_equal(&world.strapis(), &exported, true);
}

fn an_archive_that_strapi_encrypted_is_restored_with_its_key(world: &World) {
    let encrypted = world
        .seeded
        .copy("encrypted-by-strapi")
        .strapi_export_encrypted("encrypted-by-strapi", KEY);
    let project = world.fresh.copy("restored-with-key");
    project.our_import(&encrypted, &["-k", KEY]);
    let restored = project.our_export("after-restore", &["--no-encrypt"], ".tar.gz");
    assert_equal(
        &world.open(&encrypted, Some(KEY)),
        &world.open(&restored, None),
        false,
    );
}

fn our_restore_over_other_content_leaves_only_the_archive_and_what_no_archive_holds(world: &World) {
    let project = world.other.copy("restored-over-other-content");
    let kept = project.copy("what-has-to-be-kept");
    kept.sql(STRAPI.forgets);
    let kept = kept_rows(&kept);
    world.our_import(&project);
    assert_eq!(kept_rows_changed(&kept, &project), None);
    assert_eq!(world.exported_uploads(), project.uploads());
    let exported = world.open(&project.strapi_export("after-our-restore"), None);
    assert_equal(&world.strapis(), &exported, true);
}

fn a_round_trip_through_our_own_commands_changes_nothing(world: &World) {
    let first = world.our_export("first", &["-k", KEY], ".tar.gz.enc");
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

fn an_empty_project_goes_both_ways(world: &World) {
    // Strapi starts to export, and a start writes rows; ours comes second, so that it sees the same.
    let empty = world.fresh.copy("empty");
    let strapis = world.open(&empty.strapi_export("empty-by-strapi"), None);
    let ours = empty.our_export("empty-by-us", &["--no-encrypt", "--no-compress"], ".tar");
    assert_equal(&strapis, &world.open(&ours, None), false);
    assert_same(&strapis, &world.through_strapi(&ours, None));

    let project = world.other.copy("emptied");
    project.our_import(&ours, &[]);
    assert!(project.uploads().is_empty());
    assert_equal(
        &strapis,
        &world.open(&project.strapi_export("emptied-by-us"), None),
        true,
    );
}
