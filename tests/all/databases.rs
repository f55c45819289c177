//! Exports and restores on PostgreSQL and MySQL or MariaDB, held against real Strapi's, and across databases.

use std::collections::BTreeMap;

use crate::support::archive::Archive;
use crate::support::cli::{Project, is_admin_table};
use crate::support::databases::{
    Server, Site, assert_same_values, on_each_server, our_archive, strapi_archive,
};

on_each_server!(
    an_export_has_the_values_of_strapis,
    an_export_is_the_same_every_time,
    an_emptied_project_is_the_same_after_a_restore_ids_included,
    a_restore_leaves_only_the_data_of_the_archive,
    administrators_roles_and_tokens_stay_row_by_row,
    a_partial_restore_does_what_it_does_on_sqlite,
    rows_added_after_a_restore_get_new_ids,
    a_dry_run_changes_nothing,
    integers_that_no_column_holds_are_refused_and_named,
    times_are_those_of_the_zone_that_strapi_runs_in,
);

/// What no archive of the fixtures holds, in places that a restore replaces and in some that it must not.
fn add_other_data(site: &Site) {
    let order = site.server().pick("\"order\"", "`order`");
    let key = site.server().pick("key", "`key`");
    site.database.sql([
        "UPDATE articles SET title = 'changed', views = 1 WHERE id < 10",
        "DELETE FROM tags WHERE id = 6",
        "INSERT INTO articles (id, document_id, title, locale) VALUES (900, 'stranger', 'stranger', 'en')",
        "INSERT INTO articles_tags_lnk (article_id, tag_id, tag_ord, article_ord) VALUES (900, 1, 1, 99)",
        "INSERT INTO components_shared_seos (id, meta_title) VALUES (900, 'stranger')",
        "INSERT INTO articles_cmps (entity_id, cmp_id, component_type, field) VALUES (900, 900, 'shared.seo', 'seo')",
        "INSERT INTO components_blocks_heroes (id, title) VALUES (900, 'without an owner')",
        "UPDATE tags SET inline_category_id = NULL",
        "UPDATE bookmarks SET target_id = 3, target_type = 'api::author.author'",
        "DELETE FROM up_users",
        "INSERT INTO admin_users (id, document_id, firstname, email) VALUES (900, 'stranger', 'New', 'new@example.com')",
        "INSERT INTO strapi_api_tokens (id, document_id, name, access_key) VALUES (900, 'stranger', 'New', 'xyz')",
    ]);
    site.database.sql([
        format!("INSERT INTO strapi_core_store_settings (id, {key}, value, type) VALUES (900, 'plugin_stranger', '1', 'number')"),
        format!("UPDATE strapi_core_store_settings SET value = '{{}}' WHERE {key} = 'plugin_upload_settings'"),
        format!("INSERT INTO files_related_mph (file_id, related_id, related_type, field, {order}) VALUES (1, 900, 'api::article.article', 'gallery', 1)"),
    ]);
}

fn administrators(site: &Site) -> BTreeMap<String, Vec<String>> {
    let mut tables = site.database.tables();
    tables.retain(|name, _| is_admin_table(name));
    assert!(!tables["admin_users"].is_empty() && !tables["admin_roles"].is_empty());
    tables
}

/// The files of the archive that Strapi exported.
fn uploads(server: Server) -> BTreeMap<String, Vec<u8>> {
    let assets = strapi_archive(server).assets();
    let files = assets.into_iter().map(|(name, asset)| (name, asset.bytes));
    files.collect()
}

fn an_export_has_the_values_of_strapis(server: Server) {
    // There is no deviation: these databases give Strapi's drivers all digits of large integers.
    let ours = Archive::open(our_archive(server), None);
    assert_same_values(&ours, strapi_archive(server));
}

fn an_export_is_the_same_every_time(server: Server) {
    let site = Site::new(server);
    let first = Archive::open(our_archive(server), None);
    assert_eq!(first.differences(&site.exported(&[])), [""; 0]);
}

fn an_emptied_project_is_the_same_after_a_restore_ids_included(server: Server) {
    let archive = our_archive(server);
    let site = Site::emptied(server);
    assert!(site.exported(&[]).lines("links").is_empty());
    site.import(archive, &[]).ends_with(0);
    let restored = site.exported(&[]);
    let differences = Archive::open(archive, None).differences(&restored);
    assert_eq!(differences, [""; 0]);
    assert!(site.files() == uploads(server));
}

fn a_restore_leaves_only_the_data_of_the_archive(server: Server) {
    let archive = our_archive(server);
    let site = Site::new(server);
    add_other_data(&site);
    std::fs::write(site.uploads().join("stranger.txt"), "stranger").unwrap();
    site.import(archive, &[]).ends_with(0);
    assert_eq!(
        Archive::open(archive, None).differences(&site.exported(&[])),
        [""; 0]
    );
    // A file that no row has ever named is none of the media library's.
    let mut files = uploads(server);
    files.insert("stranger.txt".to_owned(), b"stranger".to_vec());
    assert!(site.files() == files);
    // Rows that no archive shows as such: nothing is left of the stranger.
    for (table, rows) in site.database.tables() {
        let strangers = rows.iter().filter(|row| row.contains("stranger")).count();
        assert!(strangers == 0 || is_admin_table(&table), "{table}");
    }
}

fn administrators_roles_and_tokens_stay_row_by_row(server: Server) {
    let archive = our_archive(server);
    let site = Site::new(server);
    add_other_data(&site);
    let before = administrators(&site);
    site.import(archive, &[]).ends_with(0);
    assert!(before == administrators(&site));
}

fn a_partial_restore_does_what_it_does_on_sqlite(server: Server) {
    // Articles and pages share components and files with types that stay.
    const OPTIONS: [&str; 2] = [
        "--only-content-types",
        "api::article.article,api::author.author",
    ];
    const CHANGES: [&str; 7] = [
        "UPDATE articles SET title = 'changed' WHERE id < 10",
        "UPDATE tags SET name = 'changed'",
        "INSERT INTO articles (id, document_id, title, locale) VALUES (900, 'stranger', 'stranger', 'en')",
        "INSERT INTO components_shared_seos (id, meta_title) VALUES (900, 'stranger')",
        "INSERT INTO articles_cmps (entity_id, cmp_id, component_type, field) VALUES (900, 900, 'shared.seo', 'seo')",
        "INSERT INTO articles_tags_lnk (article_id, tag_id, tag_ord, article_ord) VALUES (900, 1, 1, 99)",
        "UPDATE components_shared_links SET label = 'changed'",
    ];
    let original = Project::testdata();
    original.sql(WITHOUT_ROUNDED_INTEGERS);
    let archive = original.export("site", &[]);

    let sqlite = Project::testdata();
    sqlite.sql(&CHANGES.join(";"));
    sqlite.import(&archive, &OPTIONS).ends_with(0);
    let expected = sqlite.exported(&[]);
    assert!(
        expected
            .lines("entities")
            .iter()
            .any(|line| line.contains("changed"))
    );

    let site = Site::new(server);
    site.import(&archive, &[]).ends_with(0);
    site.database.sql(CHANGES);
    site.import(&archive, &OPTIONS).ends_with(0);
    assert_same_values(&with_full_times(site.exported(&[])), &expected);
}

fn rows_added_after_a_restore_get_new_ids(server: Server) {
    let archive = our_archive(server);
    let site = Site::emptied(server);
    if server == Server::Postgres {
        // As if no row had ever been there.
        site.database
            .sql(["SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"]);
    }
    site.import(archive, &[]).ends_with(0);
    let mut connection = site.database.connect();
    let tables = connection.tables().unwrap();
    let restored = tables.into_iter().filter(|name| {
        !is_admin_table(name) && (!name.starts_with("strapi_") || name == "strapi_webhooks")
    });
    let mut checked = 0;
    for table in restored.chain(["strapi_core_store_settings".to_owned()]) {
        let table = connection.quote(&table);
        let largest = format!("SELECT coalesce(max(id), 0) FROM {table}");
        let before = connection.number(&largest, &[]).unwrap();
        let row = server.pick("DEFAULT VALUES", "() VALUES ()");
        site.database.sql([format!("INSERT INTO {table} {row}")]);
        let after = connection.number(&largest, &[]).unwrap();
        assert!(after > before, "{table}: {before}, then {after}");
        checked += 1;
    }
    assert!(checked > 40, "{checked} tables");
}

fn a_dry_run_changes_nothing(server: Server) {
    let archive = our_archive(server);
    let site = Site::new(server);
    add_other_data(&site);
    let (tables, files) = (site.database.tables(), site.files());
    let outcome = site.import(archive, &["--dry-run"]).ends_with(0);
    assert!(
        outcome.stderr.contains("to be deleted"),
        "{}",
        outcome.all()
    );
    assert!(tables == site.database.tables());
    assert!(files == site.files());
}

fn times_are_those_of_the_zone_that_strapi_runs_in(server: Server) {
    let site = Site::new(server);
    let before = site.database.tables();
    let environment = site.path().join(".env");
    let mut text = std::fs::read_to_string(&environment).unwrap();
    text.push_str("\nTZ=America/New_York\n");
    std::fs::write(&environment, text).unwrap();
    let archive = site.export("site", &[]);
    // What the column holds, 2024-02-29 12:00:00, is what the clock on Strapi's wall showed.
    let lines = Archive::open(&archive, None).lines("entities");
    let article = lines
        .iter()
        .find(|line| line.contains(r#""type":"api::article.article","id":1,"#));
    assert!(
        article
            .unwrap()
            .contains(r#""releaseAt":"2024-02-29T17:00:00.000Z""#)
    );
    site.import(&archive, &[]).ends_with(0);
    let after = site.database.tables();
    assert_eq!(before["articles"], after["articles"]);
    assert_eq!(before["up_users"], after["up_users"]);
}

/// Articles 8, 9 and so on hold what Strapi made of the largest integer when it published them on SQLite: a float, one
/// more than the largest integer of the other databases.
const WITHOUT_ROUNDED_INTEGERS: &str =
    "UPDATE articles SET views = 9223372036854775807 WHERE typeof(views) = 'real'";

fn integers_that_no_column_holds_are_refused_and_named(server: Server) {
    let original = Project::testdata();
    let archive = original.export("sqlite", &[]);
    let site = Site::new(server);
    let before = site.database.tables();
    site.import(&archive, &[]).ends_with(1).says([
        "api::article.article 8, attribute `views`",
        "9223372036854775807",
        "nothing was changed",
    ]);
    assert!(before == site.database.tables());
}

#[test]
fn content_goes_from_sqlite_to_postgresql_to_mysql_and_back() {
    if !(Server::Postgres.is_there() && Server::Mysql.is_there()) {
        return;
    }
    let sqlite = Project::testdata();
    sqlite.sql(WITHOUT_ROUNDED_INTEGERS);
    let archive = sqlite.export("sqlite", &[]);
    let expected = Archive::open(&archive, None);

    let postgres = Site::emptied(Server::Postgres);
    postgres.import(&archive, &[]).ends_with(0);
    let archive = postgres.export("postgres", &[]);
    assert_same_values(&with_full_times(Archive::open(&archive, None)), &expected);

    let mysql = Site::emptied(Server::Mysql);
    mysql.import(&archive, &[]).ends_with(0);
    let archive = mysql.export("mysql", &[]);
    assert_same_values(&Archive::open(&archive, None), &expected);

    let back = Project::empty();
    back.import(&archive, &[]).ends_with(0);
    let archive = back.export("back", &[]);
    assert_same_values(&Archive::open(&archive, None), &expected);
}

/// An archive from PostgreSQL with its times of day as SQLite and MySQL have them: PostgreSQL prints no zeros at the
/// end of a fraction, and Strapi takes what it prints.
fn with_full_times(mut archive: Archive) -> Archive {
    const MEMBER: &str = r#""releaseTime":""#;
    for (name, bytes) in &mut archive.entries {
        if !name.starts_with("entities/") {
            continue;
        }
        let text = std::str::from_utf8(bytes).unwrap();
        let mut parts = text.split(MEMBER);
        let mut out = parts.next().unwrap().to_owned();
        for part in parts {
            let (time, rest) = part.split_once('"').unwrap();
            let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
            out.push_str(&format!("{MEMBER}{clock}.{fraction:0<3}\"{rest}"));
        }
        *bytes = out.into_bytes();
    }
    archive
}
