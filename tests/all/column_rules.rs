//! What the columns of the destination refuse is found while the archive is checked: a dry run and an import end in the
//! same way, name the same row, and ask no server.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::support::cli::{Outcome, Project, strapi_archive};
use crate::support::databases::{Server, Site, on_each_server, our_archive};
use crate::support::tarball::{CONFIGURATION, ENTITIES, Tarball};

on_each_server!(
    values_that_a_column_cannot_hold_are_refused_before_the_load,
    values_at_the_end_of_a_range_are_taken,
    an_id_that_its_column_cannot_hold_is_refused_before_the_load,
    a_row_without_a_value_that_it_must_have_is_refused_before_the_load,
    a_row_that_a_trigger_completes_is_taken,
    rows_with_one_unique_value_are_refused_before_the_load,
    a_setting_that_its_column_cannot_hold_is_refused_before_the_load,
);

/// The archive with other attributes in articles.
fn with_articles(archive: &Path, into: PathBuf, edit: &[(usize, Json)]) -> PathBuf {
    let edited = Tarball::read(archive).edit_lines(ENTITIES, |lines| {
        for (id, attributes) in edit {
            let beginning = format!(r#"{{"type":"api::article.article","id":{id},"#);
            let line = lines.iter_mut().find(|line| line.starts_with(&beginning));
            let line = line.unwrap();
            let mut entity: Json = serde_json::from_str(line).unwrap();
            for (name, value) in attributes.as_object().unwrap() {
                entity["data"][name] = value.clone();
            }
            *line = entity.to_string();
        }
    });
    written(edited, into)
}

fn written(tarball: Tarball, path: PathBuf) -> PathBuf {
    let has_checksums = tarball.names().contains(&"checksums.sha256");
    let right = match has_checksums {
        true => tarball.with_right_checksums(),
        false => tarball,
    };
    right.write(path)
}

/// Fails unless a dry run and an import of this archive both refuse it with these words.
#[track_caller]
fn refused<const N: usize>(project: &Project, archive: &Path, says: [&str; N]) -> Outcome {
    // A server takes a moment to notice that the run before has ended.
    let wait = ["--lock-wait", "1m"];
    let imported = project.import(archive, &wait).ends_with(1).says(says);
    let dry = [&wait[..], &["--dry-run"]].concat();
    let tried = project.import(archive, &dry).ends_with(1);
    assert_eq!(tried.lines("error"), imported.lines("error"));
    assert!(
        !imported.stderr.contains("cannot write to"),
        "the database was asked\n{}",
        imported.all()
    );
    imported
}

fn edited(site: &Site, edit: &[(usize, Json)]) -> PathBuf {
    let path = site.archives().join("edited.tar");
    with_articles(our_archive(site.server()), path, edit)
}

fn values_that_a_column_cannot_hold_are_refused_before_the_load(server: Server) {
    let site = Site::new(server);
    let before = site.database.tables();
    let long = "x".repeat(256);
    let mut cases = vec![
        ("title", json!(long), "256 characters"),
        ("count", json!(2_147_483_648_u32), "2147483647"),
        ("count", json!(-2_147_483_649_i64), "-2147483648"),
        ("views", json!("9223372036854775808"), "9223372036854775807"),
        ("price", json!(123_456_789), "digits before the point"),
        ("price", json!(99_999_999.995), "digits before the point"),
        ("releaseDate", json!("2024-02-31"), "2024-02-31"),
        ("releaseDate", json!("2024-13-01"), "2024-13-01"),
        ("releaseTime", json!("12:61:00.000"), "12:61:00.000"),
        // The first number that JavaScript takes for a time.
        (
            "releaseAt",
            json!(-8_640_000_000_000_000_i64),
            "year -271821",
        ),
    ];
    cases.extend(server.pick(
        vec![
            ("count", json!(1.5), "whole numbers"),
            ("releaseDate", json!("0000-00-00"), "0000-00-00"),
            ("releaseTime", json!("25:00:00.000"), "25:00:00.000"),
        ],
        vec![
            ("releaseAt", json!("+010000-01-01T00:00:00.000Z"), "10000"),
            ("releaseAt", json!("0000-12-31T23:59:59.999Z"), "year 0"),
        ],
    ));
    for (attribute, value, why) in cases {
        let archive = edited(&site, &[(1, json!({attribute: value}))]);
        let place = format!("api::article.article 1, attribute `{attribute}`: ");
        refused(&site, &archive, [ENTITIES, &place, why]);
    }
    assert!(before == site.database.tables());
}

#[test]
fn a_character_that_a_column_of_mysql_lacks_is_refused_before_the_load() {
    if !Server::Mysql.is_there() {
        return;
    }
    let site = Site::new(Server::Mysql);
    site.database.sql([
        "UPDATE articles SET title = NULL",
        "ALTER TABLE articles MODIFY title varchar(255) CHARACTER SET utf8mb3",
    ]);
    let archive = edited(&site, &[(2, json!({"title": "🎉"}))]);
    let place = "api::article.article 2, attribute `title`: ";
    let named = refused(&site, &archive, ["attribute `title`", "character set"]);
    // Others of the archive may have such a title too, in rows before.
    assert!(named.stderr.contains(place) || named.stderr.contains("U+"));
}

#[test]
fn a_row_longer_than_a_packet_is_refused_before_the_load() {
    if !Server::Mysql.is_there() {
        return;
    }
    let site = Site::new(Server::Mysql);
    let packet = {
        let mut connection = site.database.connect();
        connection.number("SELECT @@max_allowed_packet", &[])
    };
    let packet = usize::try_from(packet.unwrap()).unwrap();
    let archive = edited(&site, &[(3, json!({"body": "x".repeat(packet)}))]);
    let place = "api::article.article 3: it takes";
    refused(&site, &archive, [place, "max_allowed_packet"]);
    // Half of it may be quotes, and each takes two bytes.
    let archive = edited(&site, &[(3, json!({"body": "'".repeat(packet / 2 + 1)}))]);
    refused(&site, &archive, [place, "max_allowed_packet"]);
    let archive = edited(&site, &[(3, json!({"body": "x".repeat(packet - 10_000)}))]);
    site.import(&archive, &[]).ends_with(0);
}

fn values_at_the_end_of_a_range_are_taken(server: Server) {
    let site = Site::new(server);
    let spaces = format!("{}{}", "é".repeat(255), " ".repeat(20));
    let mut rows = vec![
        json!({"title": spaces, "count": 2_147_483_647, "views": "9223372036854775807"}),
        json!({"count": -2_147_483_648_i64, "views": "-9223372036854775808", "price": 99_999_999.994}),
        json!({"releaseDate": "2024-02-29", "releaseTime": "24:00:00.000", "price": -0.000_000_001}),
        json!({"releaseAt": "9999-12-31T23:59:59.999Z", "count": 3.0}),
        json!({"releaseAt": "0001-01-01T00:00:00.000Z"}),
    ];
    rows.push(server.pick(
        json!({"releaseAt": "-004000-01-01T00:00:00.000Z", "releaseDate": "0044-03-15 BC", "releaseTime": "23:59:60"}),
        json!({"releaseDate": "2024-00-00", "releaseTime": "25:00:00", "count": 1.5, "title": format!("{}\t\n", "x".repeat(255))}),
    ));
    let rows: Vec<(usize, Json)> = rows
        .into_iter()
        .enumerate()
        .map(|(at, it)| (at + 1, it))
        .collect();
    let archive = edited(&site, &rows);
    site.import(&archive, &["--dry-run"]).ends_with(0);
    site.import(&archive, &[]).ends_with(0);
}

fn an_id_that_its_column_cannot_hold_is_refused_before_the_load(server: Server) {
    let site = Site::new(server);
    let line = r#"{"type":"api::tag.tag","id":4294967296,"data":{"name":"far"}}"#;
    let tarball = Tarball::read(our_archive(server))
        .edit_lines(ENTITIES, |lines| lines.push(line.to_owned()));
    let archive = written(tarball, site.archives().join("edited.tar"));
    refused(
        &site,
        &archive,
        ["api::tag.tag 4294967296, attribute `id`: "],
    );
}

fn a_row_without_a_value_that_it_must_have_is_refused_before_the_load(server: Server) {
    let site = Site::new(server);
    let required = server.pick(
        "ALTER TABLE articles ALTER COLUMN title SET NOT NULL",
        "ALTER TABLE articles MODIFY title varchar(255) NOT NULL DEFAULT 'untitled'",
    );
    site.database
        .sql(["UPDATE articles SET title = 'mine'", required]);
    let before = site.database.tables();
    let titles: Vec<(usize, Json)> = (1..=30)
        .map(|id| (id, json!({"title": format!("{id}")})))
        .collect();
    let whole = edited(&site, &titles);
    site.import(&whole, &["--dry-run"]).ends_with(0);
    let mut lacking = titles.clone();
    lacking[4].1 = json!({"title": null});
    let archive = edited(&site, &lacking);
    refused(
        &site,
        &archive,
        ["api::article.article 5, attribute `title`: ", "must have"],
    );

    // A column that no attribute has.
    site.database.sql([
        "ALTER TABLE articles ADD shelf int NOT NULL DEFAULT 1",
        "ALTER TABLE articles ALTER COLUMN shelf DROP DEFAULT",
    ]);
    refused(
        &site,
        &whole,
        ["api::article.article 1: ", "shelf", "default"],
    );
    // Rows that somebody refers to are changed where they are, and keep it.
    let own = Site::new(server);
    own.database.sql([
        "ALTER TABLE articles ADD shelf int NOT NULL DEFAULT 1",
        "ALTER TABLE articles ALTER COLUMN shelf DROP DEFAULT",
        &format!(
            "CREATE TABLE orders (article {} REFERENCES articles (id))",
            server.pick("int", "int unsigned")
        ),
    ]);
    own.import(our_archive(server), &["--dry-run"]).ends_with(0);
    own.import(our_archive(server), &[]).ends_with(0);
    // All but the column is as it was.
    let after = site.database.tables();
    assert_eq!(before["articles"].len(), after["articles"].len());
    assert!(before["tags"] == after["tags"]);
}

fn a_row_that_a_trigger_completes_is_taken(server: Server) {
    let site = Site::new(server);
    site.database.sql(server.pick(
        vec![
            "UPDATE articles SET title = 'mine'",
            "ALTER TABLE articles ALTER COLUMN title SET NOT NULL",
            "CREATE FUNCTION complete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.title = \
             coalesce(NEW.title, 'untitled'); RETURN NEW; END $$",
            "CREATE TRIGGER complete BEFORE INSERT ON articles FOR EACH ROW EXECUTE FUNCTION complete()",
        ],
        vec![
            "UPDATE articles SET title = 'mine'",
            "ALTER TABLE articles MODIFY title varchar(255) NOT NULL",
            "CREATE TRIGGER complete BEFORE INSERT ON articles FOR EACH ROW SET NEW.title = \
             coalesce(NEW.title, 'untitled')",
        ],
    ));
    let archive = edited(&site, &[(1, json!({"title": null}))]);
    site.import(&archive, &["--dry-run"]).ends_with(0);
    site.import(&archive, &[]).ends_with(0);
}

fn rows_with_one_unique_value_are_refused_before_the_load(server: Server) {
    let site = Site::new(server);
    let titles: Vec<(usize, Json)> = (1..=30)
        .map(|id| (id, json!({"title": format!("{id}")})))
        .collect();
    let whole = edited(&site, &titles);
    site.import(&whole, &[]).ends_with(0);
    site.database
        .sql(["CREATE UNIQUE INDEX one_title ON articles (title)"]);
    site.import(&whole, &[]).ends_with(0);
    let before = site.database.tables();
    let mut twice = titles.clone();
    twice[6].1 = json!({"title": "3"});
    // No value is no value twice.
    twice[0].1 = json!({"title": null});
    twice[1].1 = json!({"title": null});
    let archive = edited(&site, &twice);
    refused(
        &site,
        &archive,
        [
            "api::article.article 7, attribute `title`: ",
            "articles may share title",
        ],
    );
    assert!(before == site.database.tables());

    // An index that has no place for some rows says nothing of them.
    if server == Server::Postgres {
        site.database.sql([
            "DROP INDEX one_title",
            "CREATE UNIQUE INDEX one_title ON articles (title) WHERE id > 20",
            "CREATE UNIQUE INDEX another ON articles ((coalesce(title, id::text)))  WHERE id > 20",
        ]);
        let archive = edited(&site, &twice);
        site.import(&archive, &["--dry-run"]).ends_with(0);
        site.import(&archive, &[]).ends_with(0);
    }
}

fn a_setting_that_its_column_cannot_hold_is_refused_before_the_load(server: Server) {
    let site = Site::new(server);
    let line = json!({
        "type": "core-store",
        "value": {"id": 9000, "key": "k".repeat(300), "value": 1, "type": "number", "environment": null, "tag": null},
    });
    let tarball = Tarball::read(our_archive(server))
        .edit_lines(CONFIGURATION, |lines| lines.push(line.to_string()));
    let archive = written(tarball, site.archives().join("edited.tar"));
    refused(
        &site,
        &archive,
        [
            CONFIGURATION,
            "a row of the core-store",
            "column key",
            "300 characters",
        ],
    );
}

// ------------------------------------------------------------------ SQLite

/// A project whose table of articles says something else of a column, after these statements.
fn with_column(statements: &str, from: &str, to: &str) -> Project {
    let project = Project::testdata();
    project.sql(statements).sql(&format!(
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, '{from}', '{to}') WHERE \
         name = 'articles'; PRAGMA writable_schema = RESET"
    ));
    let sql = "SELECT count(*) FROM sqlite_master WHERE name = 'articles' AND instr(sql, ?) > 0";
    let connection = project.connect();
    let found: i64 = connection.query_row(sql, [to], |row| row.get(0)).unwrap();
    assert_eq!(found, 1, "the table has no {from}");
    drop(connection);
    project
}

const TITLED: &str = "UPDATE articles SET title = id";
const TITLE: &str = "`title` varchar(255) NULL";

fn articles(project: &Project, edit: &[(usize, Json)]) -> PathBuf {
    with_articles(&strapi_archive(), project.archive("edited.tar"), edit)
}

#[test]
fn a_row_without_a_value_that_sqlite_asks_for_is_refused_before_the_load() {
    let project = with_column(TITLED, TITLE, "`title` varchar(255) NOT NULL");
    let archive = articles(&project, &[(4, json!({"title": null}))]);
    let before = project.state();
    refused(
        &project,
        &archive,
        ["api::article.article 4, attribute `title`: ", "must have"],
    );
    before.assert_untouched(&project);

    // As SQLite lets nobody say it of a table that has rows.
    let project = with_column(
        "ALTER TABLE articles ADD shelf int NOT NULL DEFAULT 1",
        "shelf int NOT NULL DEFAULT 1",
        "shelf int NOT NULL",
    );
    refused(
        &project,
        &strapi_archive(),
        ["api::article.article 1: ", "shelf"],
    );
}

#[test]
fn rows_with_one_unique_value_are_refused_on_sqlite_before_the_load() {
    let project = Project::testdata();
    let titles: Vec<(usize, Json)> = (1..=30)
        .map(|id| (id, json!({"title": format!("{id}")})))
        .collect();
    let whole = articles(&project, &titles);
    project
        .sql("UPDATE articles SET title = id; CREATE UNIQUE INDEX one_title ON articles (title)");
    project.import(&whole, &[]).ends_with(0);
    let before = project.state();
    let mut twice = titles.clone();
    twice[6].1 = json!({"title": "3"});
    let archive = articles(&project, &twice);
    refused(
        &project,
        &archive,
        [
            "api::article.article 7, attribute `title`: ",
            "articles may share title",
        ],
    );
    before.assert_untouched(&project);

    // Indexes of some rows alone, and a table that drops rows which break its rules.
    project.sql(
        "DROP INDEX one_title; CREATE UNIQUE INDEX one_title ON articles (title) WHERE id > 20",
    );
    let archive = articles(&project, &twice);
    project.import(&archive, &["--dry-run"]).ends_with(0);
    project.import(&archive, &[]).ends_with(0);
    let ignores = "`title` varchar(255) NOT NULL ON CONFLICT IGNORE";
    let project = with_column(TITLED, TITLE, ignores);
    let archive = articles(&project, &[(4, json!({"title": null}))]);
    project.import(&archive, &["--dry-run"]).ends_with(0);
}
