//! The names of tables and columns, with Strapi's own code as the judge.

use std::process::Command;

use strapi_backup::strapi::identifiers::{Naming, global_id, snake_case};

use crate::support::archive::Archive;
use crate::support::databases::{Server, Site};
use crate::support::files::repository;
use crate::support::skip;

/// How many names are tried, and from which seed they come.
const NAMES: usize = 20_000;
const SEED: u32 = 9;

#[test]
fn thousands_of_foreign_names_are_those_that_lodash_and_strapi_make() {
    let Some(installed) = std::env::var_os("BACKUP_TEST_STRAPI5") else {
        return skip("BACKUP_TEST_STRAPI5 is not set; ./scripts/test sets it");
    };
    let modules = std::path::Path::new(&installed).join("node_modules");
    let output = Command::new("node")
        .arg(repository("tests/strapi/names.js"))
        .args([
            modules.as_os_str(),
            SEED.to_string().as_ref(),
            NAMES.to_string().as_ref(),
        ])
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "names.js: {said}");
    let lines = String::from_utf8(output.stdout).expect("text");
    let mut tried = 0;
    for line in lines.lines() {
        let theirs: [String; 6] = serde_json::from_str(line).expect("six texts");
        let [one, other, ..] = &theirs;
        let naming = Naming::V5;
        let ours = [
            one.clone(),
            other.clone(),
            snake_case(one),
            global_id(one),
            naming.column(one),
            naming.link_table(one, other),
        ];
        assert_eq!(ours, theirs, "{one:?} and {other:?}");
        tried += 1;
    }
    assert_eq!(tried, NAMES);
}

/// Strapi 5 counts characters where PostgreSQL counts bytes, and cuts the name between two characters.
#[test]
fn foreign_names_that_postgres_cut_are_found_in_its_catalogue() {
    let server = Server::Postgres;
    if !server.is_there() {
        return;
    }
    let site = Site::new(server);
    let before = Archive::open(&site.export("before", &[]), None);
    let name = "кратчайшееИзложениеВсегоСодержанияЭтойСтатьи";
    assert_eq!(name.chars().count(), 44);
    site.database.sql([
        format!("ALTER TABLE articles RENAME COLUMN summary TO \"{}\"", snake_case(name)),
        format!(
            "UPDATE strapi_core_store_settings SET value = replace(value, '\"summary\":', '\"{name}\":') \
             WHERE key = 'strapi_content_types_schema'"
        ),
    ]);
    let archive = site.export("after", &[]);
    let after = Archive::open(&archive, None);
    let values = |archive: &Archive, name: &str| {
        let rows = archive.jsonl("entities");
        let of_articles = rows
            .iter()
            .filter(|row| row["type"] == "api::article.article");
        let value = |row: &serde_json::Value| (row["id"].clone(), row["data"][name].clone());
        of_articles.map(value).collect::<Vec<_>>()
    };
    let summaries = values(&before, "summary");
    assert!(summaries.iter().any(|(_, value)| value.is_string()));
    assert_eq!(values(&after, name), summaries);
    site.import(&archive, &[]).ends_with(0);
    let again = Archive::open(&site.export("again", &[]), None);
    assert_eq!(values(&again, name), summaries);
}
