//! Values that databases treat in ways of their own, through whole restores.

use serde_json::{Value as Json, json};

use crate::support::archive::Archive;
use crate::support::cli::PLAIN;
use crate::support::databases::{ODD, Server, Site, on_each_server, our_archive};
use crate::support::tarball::{ENTITIES, Tarball};

on_each_server!(
    texts_and_json_survive_a_restore,
    json_columns_hold_what_strapi_would_have_stored,
    numbers_and_dates_survive_a_restore,
    nul_in_a_text_is_kept_or_refused_with_its_place,
    what_a_column_cannot_hold_is_refused_with_its_place,
);

/// The beginning of the line of an article.
fn line_of(id: usize) -> String {
    format!(r#"{{"type":"api::article.article","id":{id},"#)
}

/// An archive in which articles 1, 2 and so on have these attributes.
fn with_articles(site: &Site, attributes: &[Json]) -> std::path::PathBuf {
    let tarball = Tarball::read(our_archive(site.server()));
    let edited = tarball.edit_lines(ENTITIES, |lines| {
        for (index, attributes) in attributes.iter().enumerate() {
            let mut lines = lines.iter_mut();
            let line = lines.find(|line| line.starts_with(&line_of(index + 1)));
            let line = line.unwrap();
            let mut entity: Json = serde_json::from_str(line).unwrap();
            for (name, value) in attributes.as_object().unwrap() {
                entity["data"][name] = value.clone();
            }
            *line = entity.to_string();
        }
    });
    edited
        .with_right_checksums()
        .write(site.archives().join("edited.tar"))
}

fn article(archive: &Archive, id: usize) -> Json {
    let lines = archive.lines("entities");
    let line = lines.iter().find(|line| line.starts_with(&line_of(id)));
    serde_json::from_str::<Json>(line.unwrap()).unwrap()["data"].take()
}

/// Restores articles with these attributes and gives back what an export shows of them.
fn restored(server: Server, attributes: &[Json]) -> Vec<Json> {
    let site = Site::new(server);
    let archive = with_articles(&site, attributes);
    site.import(&archive, &[]).ends_with(0);
    let exported = site.exported(&[]);
    let shown = attributes.iter().enumerate().map(|(index, attributes)| {
        let article = article(&exported, index + 1);
        let names = attributes.as_object().unwrap().keys();
        let shown = names.map(|name| (name.clone(), article[name].clone()));
        Json::Object(shown.collect())
    });
    shown.collect()
}

fn texts_and_json_survive_a_restore(server: Server) {
    let attributes = json!({
        "title": ODD,
        "body": ODD.repeat(1000),
        "summary": "",
        "slug": null,
        "meta": {"odd": ODD, "deep": [[[[{"": null}]]]], "numbers": [0, -1, 1.5, 1e300, 123456789012u64]},
        "content": [{"type": "paragraph", "children": [{"type": "text", "text": ODD}]}],
    });
    let attributes = [attributes];
    assert_eq!(restored(server, &attributes), attributes);
}

fn json_columns_hold_what_strapi_would_have_stored(server: Server) {
    let meta = |value: &str| json!({"meta": serde_json::from_str::<Json>(value).unwrap()});
    // What is given, and what is shown: Strapi parses what it finds in a text, and a text that is no JSON becomes a
    // JSON string, which Strapi shows with its quotes.
    let (given, shown): (Vec<Json>, Vec<Json>) = [
        ("[]", "[]"),
        ("{}", "{}"),
        ("0", "0"),
        ("-1.5", "-1.5"),
        ("true", "true"),
        ("false", "false"),
        (r#""12""#, "12"),
        (r#""no JSON""#, r#""\"no JSON\"""#),
        (r#""\"no JSON\"""#, r#""\"no JSON\"""#),
    ]
    .map(|(given, shown)| (meta(given), meta(shown)))
    .into_iter()
    .unzip();
    assert_eq!(restored(server, &given), shown);
}

fn numbers_and_dates_survive_a_restore(server: Server) {
    let attributes = [
        (
            "-9223372036854775808",
            -99_999_999.99,
            -0.000_001,
            "1000-01-01",
            "00:00:00.001",
            "1000-01-01T00:00:00.000Z",
        ),
        (
            "9223372036854775807",
            99_999_999.99,
            1e21,
            "9999-12-31",
            "23:59:59.999",
            "9999-12-31T23:59:59.999Z",
        ),
        (
            "0",
            0.1,
            0.1,
            "1969-12-31",
            "12:34:56.789",
            "1969-12-31T23:59:59.999Z",
        ),
    ]
    .map(|(views, price, rating, date, time, at)| {
        json!({
            "views": views,
            "price": price,
            "rating": rating,
            "releaseDate": date,
            "releaseTime": time,
            "releaseAt": at,
        })
    });
    assert_eq!(restored(server, &attributes), attributes);
}

fn nul_in_a_text_is_kept_or_refused_with_its_place(server: Server) {
    let odd = "before\0after";
    for attributes in [json!({"title": odd}), json!({"meta": {"a": [odd]}})] {
        match server {
            Server::Mysql => {
                let attributes = [attributes];
                assert_eq!(restored(server, &attributes), attributes);
            }
            Server::Postgres => {
                let site = Site::new(server);
                let before = site.database.tables();
                let name = attributes.as_object().unwrap().keys().next().unwrap();
                let archive = with_articles(&site, std::slice::from_ref(&attributes));
                site.import(&archive, &[]).ends_with(1).says([
                    "api::article.article 1",
                    &format!("attribute `{name}`"),
                    "U+0000",
                    "nothing was changed",
                ]);
                assert!(before == site.database.tables());
            }
        }
    }
}

fn what_a_column_cannot_hold_is_refused_with_its_place(server: Server) {
    let site = Site::new(server);
    let before = site.database.tables();
    for (attribute, value) in [
        ("title", json!("x".repeat(256))),
        ("count", json!(2_147_483_648_u32)),
        ("views", json!("9223372036854775808")),
        ("price", json!(123_456_789)),
        server.pick(
            ("releaseDate", json!("0000-00-00")),
            ("releaseAt", json!("+010000-01-01T00:00:00.000Z")),
        ),
        server.pick(
            ("meta", json!(["\u{0}"])),
            ("releaseAt", json!("-000001-01-01T00:00:00.000Z")),
        ),
        ("releaseTime", json!("25:61:00.000")),
    ] {
        let attributes = [json!({attribute: value})];
        let archive = with_articles(&site, &attributes);
        let place = format!("api::article.article 1, attribute `{attribute}`: ");
        site.import(&archive, &[]).ends_with(1).says([&place]);
        assert!(before == site.database.tables(), "{attribute}");
    }
}

#[test]
fn zero_dates_leave_mysql_as_strapi_shows_them_and_times_of_that_kind_are_listed() {
    if !Server::Mysql.is_there() {
        return;
    }
    let site = Site::new(Server::Mysql);
    site.database.sql([
        "SET SESSION sql_mode = ''",
        "UPDATE articles SET release_date = '0000-00-00', release_at = '0000-00-00 00:00:00' WHERE id = 1",
    ]);
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    site.run("export", options).ends_with(3).says([
        "note: attribute `releaseDate` of api::article.article: `strapi import` refuses 1 of its values",
        "warning: attribute `releaseAt` of api::article.article: 1 not kept: 1 (left out: no date and time of JavaScript)",
    ]);
    let archive = site.archive("site.incomplete.tar");
    let shown = article(&Archive::open(&archive, None), 1);
    assert_eq!(
        (&shown["releaseDate"], &shown["releaseAt"]),
        (&json!("0000-00-00"), &Json::Null)
    );
    site.import(&archive, &[]).ends_with(0);
    assert_eq!(article(&site.exported(&[]), 1), shown);
}
