//! Strapis from before there was `strapi export`: 4.1, whose join tables have neither ids nor places, and 4.5, which came
//! just before it. The judge is Strapi 4.26: what it exports after it has brought a copy of the project up to date.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::strapi4;
use crate::support::archive::Archive;
use crate::support::canonical::without_links_to_nothing;
use crate::support::cli::{PLAIN, backup, run};
use crate::support::exact::assert_equal;
use crate::support::files::{copy_folder, repository};
use crate::support::models::{project, with_each_link_once};
use crate::support::servers::Server;
use crate::support::strapi::{Project, Version};

/// The short form: `testdata/strapi4.1-sqlite` holds an orchard that Strapi 4.1.12 filled, and what 4.26.2 exported from a
/// copy after an upgrade.
#[test]
fn a_project_of_strapi_4_1_goes_both_ways() {
    let fixture = repository("testdata/strapi4.1-sqlite");
    let project = tempfile::tempdir().unwrap();
    copy_folder(&fixture.join("project"), project.path());
    let packed = fs::File::open(fixture.join("data.db.gz")).unwrap();
    fs::create_dir(project.path().join(".tmp")).unwrap();
    let mut database = fs::File::create(project.path().join(".tmp/data.db")).unwrap();
    io::copy(&mut GzDecoder::new(packed), &mut database).unwrap();
    let run = |verb: &str, archive: &Path, options: &[&str]| {
        let mut command = backup([verb, "--project"]);
        command.arg(project.path()).arg("--file").arg(archive);
        let outcome = run(command.args(options));
        assert_eq!(outcome.code, Some(0), "{}", outcome.all());
    };
    let archives = tempfile::tempdir().unwrap();
    let exported = |name: &str| {
        run("export", &archives.path().join(name), &PLAIN);
        archives.path().join(name).with_extension("tar")
    };
    let open = |path: &Path| Archive::open(path, None);

    let archive = exported("ours");
    let ours = open(&archive);
    let judge = open(&fixture.join("strapi-4.26-export.tar.gz"));
    let (judged, _) = with_each_link_once(&judge);
    assert_equal(&of_both(&judged), &of_both(&ours), false);

    let connection = rusqlite::Connection::open(project.path().join(".tmp/data.db")).unwrap();
    connection
        .execute_batch("DELETE FROM trees_gardeners_links; DELETE FROM files_related_morphs; DELETE FROM trees;")
        .unwrap();
    drop(connection);
    run("import", &archive, &["--force"]);
    assert_equal(&ours, &open(&exported("again")), false);
}

static STRAPI_4_1: Version = old("4.1", "BACKUP_TEST_STRAPI4_1");
static STRAPI_4_5: Version = old("4.5", "BACKUP_TEST_STRAPI4_5");

const fn old(release: &'static str, variable: &'static str) -> Version {
    Version {
        release,
        variable,
        mysql_client: "mysql",
        not_on_servers: None,
        harness: OnceLock::new(),
        worlds: [const { OnceLock::new() }; 3],
        ..strapi4::STRAPI
    }
}

macro_rules! old_strapis {
    ($($name:ident: $strapi:ident $server:expr;)+) => {
        $(#[test]
        #[ignore = "long: installs a Strapi of its own"]
        fn $name() {
            comes_out_as_after_an_upgrade(&$strapi, $server);
        })+
    };
}

old_strapis! {
    strapi_4_1_goes_both_ways: STRAPI_4_1 None;
    strapi_4_1_goes_both_ways_on_postgres: STRAPI_4_1 Some(Server::Postgres);
    strapi_4_1_goes_both_ways_on_mysql: STRAPI_4_1 Some(Server::Mysql);
    strapi_4_5_goes_both_ways: STRAPI_4_5 None;
    strapi_4_5_goes_both_ways_on_postgres: STRAPI_4_5 Some(Server::Postgres);
    strapi_4_5_goes_both_ways_on_mysql: STRAPI_4_5 Some(Server::Mysql);
}

/// Our export is what Strapi 4.26 exports after an upgrade; our restore changes nothing of that.
fn comes_out_as_after_an_upgrade(old: &'static Version, server: Option<Server>) {
    if server.is_some_and(|server| !server.is_there()) {
        return;
    }
    let (Some(harness), Some(judge)) = (old.harness(), strapi4::STRAPI.harness()) else {
        return;
    };
    let upgraded = |project: &Project, name: &str| {
        let upgraded = project.copy_for(judge, name);
        let archive = Archive::open(&upgraded.strapi_export(name, None), None);
        match server {
            None => archive,
            Some(_) => without_links_to_nothing(&archive).0,
        }
    };
    let empty = project(harness, "orchard", server);
    without_what_came_later(&empty.dir.join("src"));
    fs::write(empty.dir.join("src/index.js"), "module.exports = {};\n").unwrap();
    // The driver speaks of characters with three bytes at most, unless it is told.
    let config = empty.dir.join("config/database.js");
    let text = fs::read_to_string(&config).unwrap();
    let socket = "socketPath: env('DATABASE_SOCKET')";
    assert!(text.contains(socket));
    fs::write(
        &config,
        text.replace(socket, &format!("{socket}, charset: 'utf8mb4'")),
    )
    .unwrap();
    empty.seed("boot");
    let filled = empty.copy("filled");
    filled.fill(&format!("orchard of Strapi {}", old.release));
    if server == Some(Server::Mysql) {
        // Strapi 4.5 leaves components together at place 0, and which of those comes first MariaDB decides anew every time.
        for table in filled.rows(|table| table.ends_with("_components")).keys() {
            filled.sql(&format!(
                "UPDATE {table} SET `order` = id WHERE `order` = 0"
            ));
        }
    }

    let by_us = filled.our_export("by-us", &PLAIN, ".tar");
    let ours = Archive::open(&by_us, None);
    let (judged, _) = with_each_link_once(&upgraded(&filled, "upgraded"));
    assert!(of_both(&judged).lines("links").len() > 300);
    assert_equal(&of_both(&judged), &of_both(&ours), false);

    empty.our_import(&by_us, &[]);
    let again = empty.our_export("by-us-again", &PLAIN, ".tar");
    let again = Archive::open(&again, None);
    assert_equal(&ours.in_order_of_ids(), &again.in_order_of_ids(), false);
    let (restored, _) = with_each_link_once(&upgraded(&empty, "restored-and-upgraded"));
    assert_equal(&of_both(&judged), &of_both(&restored), false);
}

/// Takes the kinds of attributes off a model that came with later Strapis.
fn without_what_came_later(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            without_what_came_later(&path);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let mut schema: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let attributes = schema["attributes"].as_object_mut().unwrap();
            attributes.retain(|_, it| it.get("customField").is_none() && it["type"] != "blocks");
            fs::write(&path, schema.to_string()).unwrap();
        }
    }
}

/// The content that an upgrade leaves alone: it deletes the permissions of actions that are no more, adds the paths of
/// folders, and rewrites settings and schemas.
fn of_both(archive: &Archive) -> Archive {
    let permission = "\"plugin::users-permissions.permission\"";
    let mut content = archive.clone();
    content.entries.retain(|name, _| {
        ["entities/", "links/", "assets/"]
            .iter()
            .any(|stage| name.starts_with(stage))
    });
    for (name, bytes) in &mut content.entries {
        let is_sidecar = name.starts_with("assets/metadata/");
        if name.starts_with("assets/") && !is_sidecar {
            continue;
        }
        let lines = std::str::from_utf8(bytes).unwrap().lines();
        let lines = lines.filter(|line| !line.contains(permission)).map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let data = match is_sidecar {
                true => Some(&mut line),
                false => line.get_mut("data"),
            };
            if let Some(data) = data.and_then(Value::as_object_mut) {
                data.retain(|name, _| name != "folderPath");
            }
            line.to_string()
        });
        *bytes = lines.collect::<Vec<_>>().join("\n").into_bytes();
    }
    content.in_order_of_ids()
}
