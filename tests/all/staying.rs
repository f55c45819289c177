//! Links from rows that stay to rows that a restore replaces: kept where those come back as the same documents.

use std::collections::BTreeMap;

use crate::support::anywhere::{Anywhere, on_each_database};
use crate::support::cli::Project;

on_each_database!(
    an_archive_without_media_keeps_the_images_on_what_comes_back,
    content_that_comes_back_keeps_what_links_to_it,
    links_to_what_does_not_come_back_are_counted_and_go,
    content_that_comes_back_keeps_its_links_to_what_stays,
    media_that_come_back_alone_keep_their_places_in_content,
);

/// Everything but numbers that every restore gives anew.
fn tables(site: &Anywhere) -> BTreeMap<String, Vec<String>> {
    let mut tables = site.tables();
    tables.remove("sqlite_sequence");
    for (name, rows) in &mut tables {
        if ["_lnk", "_mph", "_cmps"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            for row in rows.iter_mut() {
                row.replace_range(..row.find(',').unwrap(), "");
            }
            rows.sort();
        }
    }
    tables
}

fn an_archive_without_media_keeps_the_images_on_what_comes_back(site: Anywhere) {
    let archive = site
        .project()
        .export("site", &["--exclude", "media-library"]);
    let before = tables(&site);
    assert!(before["files_related_mph"].len() > 5, "{before:#?}");
    let outcome = site.import(&archive, &[]).ends_with(0);
    assert_eq!(outcome.lines("links that go"), [""; 0]);
    let after = tables(&site);
    for (name, rows) in &before {
        assert_eq!(&after[name], rows, "{name}");
    }
}

fn content_that_comes_back_keeps_what_links_to_it(site: Anywhere) {
    let links = [
        "articles_tags_lnk",
        "articles_author_lnk",
        "articles_category_lnk",
        "bookmarks_items_mph",
    ];
    let before = tables(&site);
    let archive = site.export();
    for uid in [
        "api::tag.tag",
        "api::author.author",
        "api::category.category",
    ] {
        site.import(
            &archive,
            &["--only-content-types", uid, "--only", "content"],
        )
        .ends_with(0);
    }
    let after = tables(&site);
    for name in links.iter().filter(|name| before.contains_key(**name)) {
        assert!(!before[*name].is_empty(), "{name}");
        assert_eq!(after[*name], before[*name], "{name}");
    }
}

fn content_that_comes_back_keeps_its_links_to_what_stays(site: Anywhere) {
    let archive = site.export();
    let before = tables(&site);
    for uid in [
        "api::article.article",
        "api::tag.tag",
        "api::homepage.homepage",
        "api::bookmark.bookmark",
    ] {
        site.import(
            &archive,
            &["--only-content-types", uid, "--only", "content"],
        )
        .ends_with(0);
        let after = tables(&site);
        for (name, rows) in &before {
            assert_eq!(after[name].len(), rows.len(), "{uid}: {name}");
            if name.ends_with("_lnk") || name.ends_with("_mph") {
                assert_eq!(&after[name], rows, "{uid}: {name}");
            }
        }
    }
}

fn media_that_come_back_alone_keep_their_places_in_content(site: Anywhere) {
    let types = "plugin::upload.file,plugin::upload.folder";
    let archive = site
        .project()
        .export("site", &["--only-content-types", types]);
    let before = tables(&site);
    site.import(&archive, &[]).ends_with(0);
    let after = tables(&site);
    assert_eq!(after["files_related_mph"], before["files_related_mph"]);
}

fn links_to_what_does_not_come_back_are_counted_and_go(site: Anywhere) {
    let archive = site.export();
    // Another document under an id that comes back, and one that does not come back.
    site.sql([
        "UPDATE tags SET document_id = 'another' WHERE id = 1",
        "INSERT INTO tags (id, document_id, name) VALUES (900, 'stranger', 'stranger')",
        "UPDATE articles_tags_lnk SET tag_id = 900 WHERE tag_id = 2",
    ]);
    let number = |condition: &str| {
        let sql = format!("SELECT count(*) FROM articles_tags_lnk WHERE {condition}");
        site.connect().number(&sql, &[]).unwrap()
    };
    let (all, lost) = (number("1 = 1"), number("tag_id IN (1, 900)"));
    assert!(lost > 1 && all > lost);
    let options = ["--only-content-types", "api::tag.tag", "--only", "content"];
    let said = format!("  {lost}  api::article.article, tags");
    for more in [&["--dry-run"][..], &[]] {
        let outcome = site.import(&archive, &[&options, more].concat());
        outcome
            .ends_with(0)
            .says(["links that go from content that stays", &said]);
    }
    assert_eq!(number("1 = 1"), all - lost);
    assert_eq!(number("tag_id IN (1, 900)"), 0);
}

#[test]
fn links_to_rows_of_strapi_4_are_counted_and_go() {
    let project = Project::of(4);
    let archive = project.export("site", &[]);
    let options = ["--only-content-types", "api::tag.tag", "--only", "content"];
    project
        .import(&archive, &options)
        .ends_with(0)
        .says(["links that go from content that stays"]);
}
