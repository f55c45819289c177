//! Real Strapi as the judge of pulls and pushes: what we take out of a running one is what it exports itself, and what
//! we put into one is what it exports afterwards.
//!
//! It is served by `tests/strapi/remote.js`. Without the Strapi in question these tests say that they are skipped.

use std::path::PathBuf;

use serde_json::Value;

use crate::proofs::{mysql, postgres, sqlite};
use crate::strapi5;
use crate::support::archive::Archive;
use crate::support::canonical::assert_same;
use crate::support::cli::{Outcome, run};
use crate::support::exact::assert_equal;
use crate::support::remote_runs::{Desk, keeps_secret};
use crate::support::running_strapi::{Mode, RunningStrapi, Token};
use crate::support::servers::Server;
use crate::support::strapi::{Project, Version};
use crate::support::world::World;

/// Makes tests of proofs: a version of Strapi, and where its database is.
macro_rules! proofs {
    ($($proof:ident: [$($name:ident = $strapi:expr, $database:ident;)+];)+) => {
        $(mod $proof {
            $(#[test]
            fn $name() {
                if let Some(world) = $strapi.world(super::$database()) {
                    super::$proof(world);
                }
            })+
        })+
    };
}

proofs! {
    a_pull_is_what_strapi_exports_line_by_line_and_file_by_file: [
        strapi5_sqlite = crate::strapi5::STRAPI, sqlite;
        strapi5_postgres = crate::strapi5::STRAPI, postgres;
        strapi5_mysql = crate::strapi5::STRAPI, mysql;
        strapi4_sqlite = crate::strapi4::STRAPI, sqlite;
    ];
    a_push_into_an_empty_site_is_exported_by_strapi_as_the_original_was: [
        strapi5_sqlite = crate::strapi5::STRAPI, sqlite;
        strapi5_postgres = crate::strapi5::STRAPI, postgres;
        strapi5_mysql = crate::strapi5::STRAPI, mysql;
        strapi4_sqlite = crate::strapi4::STRAPI, sqlite;
    ];
    a_push_over_other_content_leaves_the_archive_and_the_administrators: [
        strapi5_sqlite = crate::strapi5::STRAPI, sqlite;
        strapi4_sqlite = crate::strapi4::STRAPI, sqlite;
    ];
    refusals_say_what_is_wrong_with_the_token_or_the_server: [
        strapi5_sqlite = crate::strapi5::STRAPI, sqlite;
        strapi4_sqlite = crate::strapi4::STRAPI, sqlite;
    ];
}

fn a_pull_is_what_strapi_exports_line_by_line_and_file_by_file(world: &World) {
    let project = world.seeded.copy("pulled");
    let site = RunningStrapi::start(&project);
    let desk = Desk::new();
    desk.pulled(&site, "site");
    let pulled = world.open(&desk.path("site.tar"), None);
    assert_equal(&world.open(&world.archive, world.key), &pulled, true);
    assert_eq!(pulled.json("manifest.json")["consistent"], false);
}

fn a_push_into_an_empty_site_is_exported_by_strapi_as_the_original_was(world: &World) {
    let project = world.fresh.copy("pushed-into");
    let site = RunningStrapi::start(&project);
    let desk = Desk::new();
    pushed(&desk, &ours(world), &site, &[]);
    drop(site);
    assert_same(&world.strapis(), &world.exported_by_strapi(&project));
    assert_eq!(desk.listing(), [""; 0], "the safety copy is left");
}

fn a_push_over_other_content_leaves_the_archive_and_the_administrators(world: &World) {
    let project = world.other.copy("pushed-over");
    let administrators = |table: &str| table == "admin_users" || table == "admin_roles";
    let before = project.rows(administrators);
    let site = RunningStrapi::start(&project);
    pushed(&Desk::new(), &ours(world), &site, &[]);
    drop(site);
    assert_same(&world.strapis(), &world.exported_by_strapi(&project));
    assert_eq!(project.rows(administrators), before);
}

/// Our own archive of the seeded project.
fn ours(world: &World) -> PathBuf {
    let options = ["--no-encrypt", "--no-compress"];
    world.our_export("to-be-pushed", &options, ".tar")
}

#[track_caller]
fn pushed(desk: &Desk, file: &std::path::Path, site: &RunningStrapi, options: &[&str]) -> Outcome {
    let token = site.token(Token::Full);
    let copy = desk.path("safety");
    let options = [&["--safety-copy", copy.to_str().unwrap()], options].concat();
    let outcome = run(&mut desk.import(file, &site.url, token, &options)).ends_with(0);
    keeps_secret(&outcome, token);
    outcome
}

/// PostgreSQL takes less than SQLite: no zeros in texts, and no texts that Strapi writes into columns of JSON as they are.
/// So the site begins there.
#[test]
fn a_site_moves_from_postgresql_to_sqlite_and_back_by_transfers() {
    let strapi: &'static Version = &strapi5::STRAPI;
    let (Some(lite), Some(server)) = (strapi.world(None), strapi.world(Some(Server::Postgres)))
    else {
        return;
    };
    let original = server.seeded.copy("moved-from");
    // What is not the same value in both: SQLite has no booleans, and Strapi reads its
    // large integers as doubles and writes its times with milliseconds.
    original.sql(
        "UPDATE expeditions SET distance_in_mm = 7 WHERE abs(distance_in_mm) > 9007199254740000;
         UPDATE expeditions SET extra = NULL WHERE extra::text IN ('true', 'false');
         UPDATE expeditions SET watch_bell = NULL;",
    );
    let (there, back) = (lite.fresh.copy("moved-to"), server.fresh.copy("moved-back"));
    let sites = [&original, &there, &back].map(RunningStrapi::start);
    for pair in sites.windows(2) {
        let [from, to] = pair else { unreachable!() };
        let desk = Desk::new();
        let mut transfer = desk.transfer(
            (&from.url, from.token(Token::Pull)),
            (&to.url, to.token(Token::Full)),
            &[],
        );
        run(&mut transfer).ends_with(0);
    }
    drop(sites);
    let exported = |project: &Project| -> Archive {
        let archive = Archive::open(&project.strapi_export("moved", None), None);
        in_order_of_documents(archive.in_order_of_ids())
    };
    let expected = exported(&original);
    assert_same(&expected, &exported(&there));
    assert_same(&expected, &exported(&back));
}

/// PostgreSQL gives rows in no order, and a push numbers them as they come.
fn in_order_of_documents(mut archive: Archive) -> Archive {
    let mut rows = archive.jsonl("entities");
    rows.sort_by_cached_key(|row| {
        let data = &row["data"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let published = text(&data["publishedAt"]);
        let known_by = [&row["type"], &data["documentId"], &data["locale"]];
        (known_by.map(text), published)
    });
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    let shard = "entities/entities_00001.jsonl".to_owned();
    archive.entries.insert(shard, lines.join("\n").into_bytes());
    archive
}

fn refusals_say_what_is_wrong_with_the_token_or_the_server(world: &World) {
    let project = world.seeded.copy("refusing");
    let desk = Desk::new();
    let archive = ours(world);
    let pull = |url: &str, token: &str| run(&mut desk.export(url, token, "refused")).ends_with(1);
    let push = |url: &str, token: &str| {
        run(&mut desk.import(&archive, url, token, &["--no-safety-copy"])).ends_with(1)
    };
    let before = project.rows(|_| true);

    let site = RunningStrapi::start(&project);
    let [wrong, expired] = [&"0".repeat(256), site.token(Token::Expired)];
    for token in [wrong, expired] {
        let of_both = [pull(&site.url, token), push(&site.url, token)];
        for outcome in of_both {
            keeps_secret(&outcome, token);
            let outcome = outcome.says(["token"]);
            assert_eq!(
                outcome.stderr.contains("expired"),
                token == expired,
                "{}",
                outcome.all()
            );
        }
    }
    pull(&site.url, site.token(Token::Push)).says(["pull"]);
    push(&site.url, site.token(Token::Pull)).says(["push"]);
    let elsewhere = site.url.replace("/admin", "/elsewhere");
    pull(&elsewhere, site.token(Token::Full)).says(["/elsewhere"]);
    drop(site);

    let site = RunningStrapi::start_with(&project, Mode::NoSalt);
    pull(&site.url, site.token(Token::Full)).says(["TRANSFER_TOKEN_SALT"]);
    drop(site);

    let site = RunningStrapi::start_with(&project, Mode::SwitchedOff);
    pull(&site.url, site.token(Token::Full)).says(["server.transfer.remote.enabled"]);
    push(&site.url, site.token(Token::Full)).says(["server.transfer.remote.enabled"]);
    drop(site);

    assert_eq!(desk.listing(), [""; 0]);
    let changed = |table: &str, rows: &Vec<String>| {
        let written = [
            "strapi_transfer_token",
            "strapi_core_store_settings",
            "strapi_api_token",
            "sqlite_sequence",
            "strapi_database_schema",
        ];
        !written.iter().any(|of| table.starts_with(of)) && before[table] != *rows
    };
    for (table, rows) in project.rows(|_| true) {
        assert!(!changed(&table, &rows), "{table} has changed");
    }
}
