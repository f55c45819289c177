//! Values that no Strapi writes, and that its database takes: what an export says of them, and what a restore brings
//! back. `any_rows.rs` does the same with rows that nobody thought of.

use std::fs;

use serde_json::{Value as Json, json};

use crate::support::anywhere::{Anywhere, on_each_database};
use crate::support::archive::Archive;
use crate::support::cli::{Outcome, PLAIN, Project, backup, run};
use crate::support::databases::{
    Database, Server, Site, on_each_server, strapi_archive, testdata as server_testdata,
};

on_each_database!(
    a_column_that_the_schema_does_not_know_is_listed_where_it_has_values,
    a_file_without_a_name_a_media_type_or_a_size_is_whole,
    a_component_that_is_not_there_is_a_note,
);
on_each_server!(
    what_a_server_holds_and_an_archive_does_not_is_listed,
    microseconds_come_back,
    numbers_that_no_float_holds_come_back,
    a_text_that_is_not_utf_8_does_not_cost_the_backup,
);

/// What an export says, and the archive.
fn exported(project: &Project, code: i32) -> (Outcome, Archive) {
    let path = project.archive(match code {
        0 => "odd.tar",
        _ => "odd.incomplete.tar",
    });
    let options = [&["-f", "odd", "--overwrite"], &PLAIN[..]].concat();
    let outcome = project.run("export", options);
    let outcome = outcome.ends_with(code);
    for verb in ["verify", "drill"] {
        run(&mut backup([verb, path.to_str().unwrap()])).ends_with(code);
    }
    (outcome, Archive::open(&path, None))
}

/// An attribute of the article with this id.
fn shown(archive: &Archive, id: usize, attribute: &str) -> Json {
    let start = format!(r#"{{"type":"api::article.article","id":{id},"#);
    let lines = archive.lines("entities");
    let line = lines.iter().find(|line| line.starts_with(&start));
    serde_json::from_str::<Json>(line.unwrap()).unwrap()["data"][attribute].take()
}

// ------------------------------------------------------------------ columns

fn a_column_that_the_schema_does_not_know_is_listed_where_it_has_values(site: Anywhere) {
    site.sql([
        "ALTER TABLE articles ADD COLUMN legacy varchar(20)",
        "ALTER TABLE articles ADD COLUMN unused varchar(20)",
        "ALTER TABLE articles ADD COLUMN sort_order integer",
        "ALTER TABLE articles_tags_lnk ADD COLUMN since varchar(20)",
    ]);
    exported(site.project(), 0);
    site.sql([
        "UPDATE articles SET legacy = 'kept' WHERE id <= 3",
        "UPDATE articles SET sort_order = id WHERE id <= 2",
        "UPDATE articles_tags_lnk SET since = 'ever'",
    ]);
    let (outcome, _) = exported(site.project(), 3);
    let outcome = outcome.says([
        "warning: column `legacy` of the table articles: 3 not kept: values of a column that the project's schema does \
         not know",
        // As Strapi calls columns of tables that join rows, and of no others.
        "warning: column `sort_order` of the table articles: 2 not kept: ",
        "warning: column `since` of the table articles_tags_lnk: ",
    ]);
    assert_eq!(outcome.lines("warning: ").len(), 3, "{}", outcome.all());
    let tags = ["-f", "tags", "--only-content-types", "api::tag.tag"];
    let tags = [&tags[..], &PLAIN[..]].concat();
    site.project().run("export", tags).ends_with(0);
}

fn numbers_that_no_float_holds_come_back(server: Server) {
    let site = Site::new(server);
    let columns = server.pick(
        "ALTER TABLE articles ALTER COLUMN views TYPE numeric(40, 0), ALTER COLUMN rating TYPE numeric(40, 6)",
        "ALTER TABLE articles MODIFY views decimal(40, 0), MODIFY rating decimal(40, 6)",
    );
    site.database.sql([
        columns,
        "UPDATE articles SET views = 123456789012345678901, rating = 12345678901234567890.123456 WHERE id = 1",
    ]);
    let (_, archive) = exported(&site, 0);
    site.database
        .sql(["UPDATE articles SET views = 1, rating = 1"]);
    site.import(&site.archives().join("odd.tar"), &[])
        .ends_with(0);
    let (_, again) = exported(&site, 0);
    assert_eq!(archive.differences(&again), [""; 0]);
    let line = again.lines("entities");
    let has = |text: &str| line.iter().any(|line| line.contains(text));
    assert!(has(r#""views":"123456789012345678901""#));
    assert!(has(r#""rating":12345678901234567890.123456,"#));
}

#[test]
fn a_column_that_a_server_computes_is_not_listed() {
    if !Server::Postgres.is_there() {
        return;
    }
    let site = Site::new(Server::Postgres);
    site.database.sql([
        "ALTER TABLE articles ADD COLUMN length integer GENERATED ALWAYS AS (length(title)) STORED",
    ]);
    exported(&site, 0);
}

// ------------------------------------------------------------------ files

fn a_file_without_a_name_a_media_type_or_a_size_is_whole(site: Anywhere) {
    let row =
        "INSERT INTO files (id, document_id, name, hash, ext, mime, size, url, provider) VALUES";
    site.sql([
        &format!("{row} (900, 'odd', '', 'odd', '.png', NULL, NULL, '/uploads/odd.png', 'local')"),
        &format!(
            "{row} (901, 'none', 'none', NULL, '.png', 'image/png', 1, '/uploads/odd.png', 'local')"
        ),
    ]);
    fs::write(site.project().uploads().join("odd.png"), [7; 2345]).unwrap();
    let (outcome, archive) = exported(site.project(), 3);
    outcome.says([
        "note: files of plugin::upload.file: 1 lack a name, a media type or a size",
        "900 (odd.png)",
        "warning: plugin::upload.file 901 (.png) is left out: it has no hash",
    ]);
    let sidecar = &archive.assets()["odd.png"].sidecar;
    let expected =
        json!({"name": "odd.png", "mime": "image/png", "size": 2.35, "hash": "odd", "ext": ".png"});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&sidecar[name], value, "{name}");
    }
    site.sql(["DELETE FROM files WHERE id = 901"]);
    let (_, archive) = exported(site.project(), 0);
    site.sql(["UPDATE files SET name = 'changed', mime = 'changed', size = 5"]);
    let path = site.project().archive("odd.tar");
    site.import(&path, &[]).ends_with(0);
    let (_, again) = exported(site.project(), 0);
    assert_eq!(archive.differences(&again), [""; 0]);
    let row = again.lines("entities");
    let row = row
        .iter()
        .find(|line| line.contains(r#""id":900,"#))
        .unwrap();
    let row: Json = serde_json::from_str(row).unwrap();
    assert_eq!(
        (
            &row["data"]["name"],
            &row["data"]["mime"],
            &row["data"]["size"]
        ),
        (&json!(""), &Json::Null, &Json::Null)
    );
}

// ------------------------------------------------------------------ joins

fn a_component_that_is_not_there_is_a_note(site: Anywhere) {
    let (_, clean) = exported(site.project(), 0);
    let joins = "INSERT INTO articles_cmps (entity_id, cmp_id, component_type, field) VALUES";
    site.sql([
        &format!("{joins} (1, 987654, 'blocks.hero', 'zone')"),
        &format!("{joins} (1, 1, 'blocks.hero', 'removed')"),
    ]);
    let (outcome, archive) = exported(site.project(), 0);
    outcome.says([
        "note: a component in attribute `zone` of api::article.article: 1 joins lead to none: 1 -> blocks.hero 987654: it \
         does not exist",
        "note: a component in attribute `removed` of api::article.article: 1 joins lead to none: 1 -> blocks.hero 1: the \
         schema has it there no more",
    ]);
    assert_eq!(archive.differences(&clean), [""; 0]);
}

#[test]
fn a_text_that_names_the_owner_of_a_component_is_listed() {
    let project = Project::testdata();
    project.sql(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO articles_cmps (id, entity_id, cmp_id, component_type, field) VALUES (900, 'abc', 1, 'blocks.hero', 'zone');
         UPDATE articles_tags_lnk SET tag_ord = 'first' WHERE id = 1",
    );
    let (outcome, _) = exported(&project, 3);
    outcome.says([
        "warning: a component in attribute `zone` of api::article.article: 1 left out: row 900 of articles_cmps: abc is no id",
        "warning: links of `tags` of api::article.article: 1 not kept: ",
        "its place is no number",
    ]);
}

// ------------------------------------------------------------------ values

#[test]
fn what_sqlite_holds_and_an_archive_does_not_is_listed() {
    let project = Project::testdata();
    project.sql(
        "UPDATE articles SET rating = 9e999, count = 'many', featured = 5, summary = X'616263', release_at = 'soon',
            release_time = '24:00:00', release_date = 20240229, title = CAST(X'61ff' AS TEXT) WHERE id = 1;
         UPDATE strapi_core_store_settings SET value = '{broken' WHERE key = 'plugin_upload_settings'",
    );
    let (outcome, archive) = exported(&project, 3);
    let of = "of api::article.article: 1 not kept: 1";
    outcome.says([
        &format!("warning: attribute `rating` {of} (left out: no number that JSON has)"),
        &format!("warning: attribute `count` {of} (left out: no number)"),
        &format!("warning: attribute `featured` {of} (left out: neither true nor false)"),
        &format!("warning: attribute `summary` {of} (changed: bytes, taken as UTF-8)"),
        &format!("warning: attribute `title` {of} (changed: bytes, taken as UTF-8)"),
        &format!("warning: attribute `releaseAt` {of} (left out: no date and time of JavaScript)"),
        "warning: `value` of the core-store: 1 not kept: plugin_upload_settings (changed: no JSON)",
        "note: attribute `releaseTime` of api::article.article: `strapi import` refuses 1 of its values, which `backup \
         import` restores: 1",
        "note: attribute `releaseDate` of api::article.article: `strapi import` refuses 1",
    ]);
    let values = ["title", "summary", "count", "releaseTime", "releaseDate"];
    assert_eq!(
        values.map(|name| shown(&archive, 1, name)),
        [
            json!("a\u{fffd}"),
            json!("abc"),
            Json::Null,
            json!("24:00:00"),
            json!(20_240_229)
        ]
    );
    project
        .import(&project.archive("odd.incomplete.tar"), &[])
        .ends_with(0);
    let (_, again) = exported(&project, 0);
    assert_eq!(archive.differences(&again), [""; 0]);
}

fn what_a_server_holds_and_an_archive_does_not_is_listed(server: Server) {
    let site = Site::new(server);
    site.database.sql(server.pick(
        [
            "UPDATE articles SET rating = 'NaN', price = 'NaN', release_at = 'infinity', release_date = '0044-03-15 BC', \
             release_time = '12:00:00.123456' WHERE id = 1",
            "",
        ],
        [
            "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'",
            "UPDATE articles SET featured = 5, release_date = '2024-02-31', release_at = '2024-02-31 01:00:00', \
             release_time = '-26:00:00' WHERE id = 1",
        ],
    ));
    let (outcome, archive) = exported(&site, 3);
    let of = "of api::article.article: 1 not kept: 1";
    let outcome = outcome.says(server.pick(
        [
            format!("warning: attribute `rating` {of} (left out: no number that JSON has)"),
            format!("warning: attribute `price` {of} (left out: no number)"),
            format!("warning: attribute `releaseAt` {of} (left out: no date and time of JavaScript)"),
        ],
        [
            format!("warning: attribute `featured` {of} (left out: neither true nor false)"),
            format!("warning: attribute `releaseDate` {of} (left out: no day of the calendar)"),
            format!("warning: attribute `releaseAt` {of} (left out: no date and time of JavaScript)"),
        ],
    ).each_ref().map(String::as_str));
    assert_eq!(outcome.lines("warning: ").len(), 3, "{}", outcome.all());
    let foreign = "note: attribute `releaseTime` of api::article.article: `strapi import` refuses 1 of its values";
    outcome.says([foreign]);
    site.import(&site.archive("odd.incomplete.tar"), &[])
        .ends_with(0);
    assert_eq!(archive.differences(&exported(&site, 0).1), [""; 0]);
}

fn a_text_that_is_not_utf_8_does_not_cost_the_backup(server: Server) {
    let mut site = Site::new(server);
    let files = strapi_archive(server).assets();
    match server {
        // It looks at texts wherever it knows their encoding.
        Server::Postgres => {
            let name = format!("{}_plain", site.database.name);
            let create = format!(
                "CREATE DATABASE {} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
                name
            );
            site.database.sql([create]);
            let plain = Database { server, name };
            plain.load(&server_testdata(server, "database.sql.gz"));
            plain.sql(["UPDATE articles SET title = E'a\\377' WHERE id = 1"]);
            site.database = plain;
        }
        Server::Mysql => {
            site.database.sql([
                "ALTER TABLE articles MODIFY title varbinary(255), MODIFY secret varbinary(255)",
                "UPDATE articles SET title = X'61ff' WHERE id = 1",
            ]);
        }
    }
    let project = Project::testdata().moved(site.url(), &files);
    let (outcome, archive) = exported(&project, 3);
    let told = "warning: attribute `title` of api::article.article: 1 not kept: 1 (changed: bytes, taken as UTF-8)";
    let outcome = outcome.says([told]);
    assert_eq!(outcome.lines("warning: ").len(), 1, "{}", outcome.all());
    assert_eq!(shown(&archive, 1, "title"), json!("a\u{fffd}"));
    site.database.sql(["UPDATE articles SET title = 'changed'"]);
    project
        .import(&project.archive("odd.incomplete.tar"), &[])
        .ends_with(0);
    let (_, again) = exported(&project, 0);
    assert_eq!(archive.differences(&again), [""; 0]);
}

fn microseconds_come_back(server: Server) {
    let site = Site::new(server);
    site.database.sql([
        "UPDATE articles SET release_at = '2024-02-29 12:00:00.123456' WHERE id = 1",
        "UPDATE articles SET release_at = '1969-12-31 23:59:59.999999' WHERE id = 2",
        "UPDATE articles SET release_at = '2024-02-29 12:00:00.5' WHERE id = 3",
    ]);
    let (_, archive) = exported(&site, 0);
    let times = [1, 2, 3].map(|id| shown(&archive, id, "releaseAt"));
    assert_eq!(
        times,
        [
            "2024-02-29T12:00:00.123456Z",
            "1969-12-31T23:59:59.999999Z",
            "2024-02-29T12:00:00.500Z"
        ]
        .map(Json::from)
    );
    site.database.sql(["UPDATE articles SET release_at = NULL"]);
    let path = site.archive("odd.tar");
    site.import(&path, &[]).ends_with(0);
    assert_eq!(archive.differences(&exported(&site, 0).1), [""; 0]);
    // Strapi keeps milliseconds there.
    let project = Project::testdata();
    project.import(&path, &[]).ends_with(0);
    let (_, on_sqlite) = exported(&project, 0);
    let times = [1, 2].map(|id| shown(&on_sqlite, id, "releaseAt"));
    assert_eq!(
        times,
        ["2024-02-29T12:00:00.123Z", "1969-12-31T23:59:59.999Z"].map(Json::from)
    );
}

#[test]
fn half_a_surrogate_pair_comes_back_and_postgresql_refuses_it() {
    let project = Project::testdata();
    project.sql(
        r#"UPDATE articles SET meta = '"\ud800"' WHERE id = 1; UPDATE articles SET meta = '{"a":"\ud800"}' WHERE id = 2;
           UPDATE articles SET meta = '"\"\\\"twice\\\"\""' WHERE id = 3"#,
    );
    let (_, archive) = exported(&project, 0);
    assert_eq!(shown(&archive, 1, "meta"), json!(r#""\ud800""#));
    let path = project.archive("odd.tar");
    project.sql("UPDATE articles SET meta = NULL");
    project.import(&path, &[]).ends_with(0);
    assert_eq!(archive.differences(&exported(&project, 0).1), [""; 0]);
    if Server::Postgres.is_there() {
        let site = Site::new(Server::Postgres);
        let told = ["attribute `meta`: it has half of a surrogate pair"];
        site.import(&path, &[]).ends_with(1).says(told);
    }
}

#[test]
fn a_time_without_a_zone_on_sqlite_is_in_the_zone_of_the_project() {
    let project = Project::testdata();
    project.sql("UPDATE articles SET release_at = '2024-02-29 12:00:00' WHERE id = 1");
    let at = |project: &Project| shown(&exported(project, 0).1, 1, "releaseAt");
    let env = project.path().join(".env");
    let text = fs::read_to_string(&env).unwrap_or_default();
    fs::write(&env, format!("{text}\nTZ=Asia/Tokyo\n")).unwrap();
    assert_eq!(at(&project), json!("2024-02-29T03:00:00.000Z"));
    // The environment comes first, as for Strapi.
    fs::remove_file(project.archive("odd.tar")).unwrap();
    let mut command = project.command("export", [&["-f", "odd"], &PLAIN[..]].concat());
    run(command.env("TZ", "America/New_York")).ends_with(0);
    let archive = Archive::open(&project.archive("odd.tar"), None);
    assert_eq!(
        shown(&archive, 1, "releaseAt"),
        json!("2024-02-29T17:00:00.000Z")
    );
}
