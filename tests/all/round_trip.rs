//! What is exported comes back when it is imported, whatever stood there before, and nothing else does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::archive::Archive;
use crate::support::cli::{KEY, PLAIN, Project, strapi_archive, testdata};
use crate::support::files::listing;
use crate::support::restore::{STRANGERS, assert_exports, project_with_other_data};
use crate::support::tarball::{CONFIGURATION, Tarball};

#[test]
fn an_emptied_project_is_the_same_after_a_restore_ids_included() {
    let original = Project::testdata();
    let archive = original.export("site", &[]);
    let project = Project::empty();
    project.import(&archive, &[]).ends_with(0);
    assert_exports(&project, &Archive::open(&archive, None));
    let (original, restored) = (original.state(), project.state());
    original.assert_same_content(&restored);
    let mut uploads = restored.uploads();
    uploads.insert(".gitkeep", b"");
    assert!(original.uploads() == uploads);
}

#[test]
fn a_restore_leaves_only_the_data_of_the_archive() {
    let original = Project::testdata();
    let archive = original.export("site", &[]);
    let project = project_with_other_data();
    project.import(&archive, &[]).ends_with(0);
    assert_exports(&project, &Archive::open(&archive, None));
    let (original, restored) = (original.state(), project.state());
    original.assert_same_content(&restored);
    let mut uploads = restored.uploads();
    uploads.retain(|name, _| *name == ".gitkeep" || !STRANGERS.contains(name));
    assert!(original.uploads() == uploads);
}

#[test]
fn a_strapi_4_project_comes_back_from_its_own_export_over_other_data() {
    let original = Project::of(4);
    let archive = original.export("original", &[]);
    let project = Project::of(4);
    project.sql(
        "UPDATE articles SET title = 'changed', published_at = NULL;
         DELETE FROM articles_localizations_links;
         DELETE FROM components_shared_links_tags_links;
         INSERT INTO tags (id, name) VALUES (900, 'stranger');
         INSERT INTO articles_tags_links (article_id, tag_id, tag_order) VALUES (1, 900, 9);
         DELETE FROM strapi_webhooks;",
    );
    fs::remove_dir_all(project.uploads()).unwrap();
    let before = project.state();
    project.import(&archive, &[]).ends_with(0);
    assert_exports(&project, &Archive::open(&archive, None));
    before.assert_same_administrators(&project.state());
}

#[test]
fn administrators_roles_and_tokens_stay_row_by_row() {
    let project = project_with_other_data();
    let before = project.state();
    for table in [
        "admin_users",
        "admin_roles",
        "strapi_api_tokens",
        "strapi_transfer_tokens",
    ] {
        assert!(!before.tables[table].is_empty(), "{table}");
    }
    project.import(&strapi_archive(), &[]).ends_with(0);
    let after = project.state();
    assert!(before.changes(&after).contains("articles"));
    before.assert_same_administrators(&after);
}

#[test]
fn a_restore_leaves_what_is_none_of_the_media_librarys_in_the_upload_folder() {
    let project = project_with_other_data();
    let before = listing(&project.uploads());
    assert!(before.contains(&"folder".to_owned()) && before.contains(&".gitkeep".to_owned()));
    project.import(&strapi_archive(), &[]).ends_with(0);
    let files = project.state();
    let assets = Archive::open(&strapi_archive(), None).assets();
    let expected: BTreeSet<&str> = assets.keys().map(String::as_str).chain(STRANGERS).collect();
    assert_eq!(
        files.uploads().keys().copied().collect::<BTreeSet<_>>(),
        expected
    );
    for (name, asset) in &assets {
        assert!(files.uploads()[name.as_str()] == asset.bytes, "{name}");
    }
}

#[test]
fn rows_that_are_added_after_a_restore_get_ids_of_their_own() {
    let project = Project::empty();
    project.import(&strapi_archive(), &[]).ends_with(0);
    project.sql("INSERT INTO articles (document_id, title) VALUES ('new', 'new')");
    let articles = &project.state().tables["articles"];
    assert_eq!(articles.len(), 31);
}

#[test]
fn archives_that_strapi_made_are_restored_and_exported_again_equal() {
    let strapis = Archive::open(&strapi_archive(), None);
    for (name, options) in [
        ("strapi-export.tar", &[][..]),
        ("strapi-export.tar.gz.enc", &["--key", KEY][..]),
    ] {
        let project = Project::empty();
        project.import(&testdata(name), options).ends_with(0);
        assert_exports(&project, &strapis);
    }
}

#[test]
fn an_unpacked_archive_comes_back_like_a_packed_one() {
    let original = Project::testdata();
    let folder = original.export_unpacked("unpacked");
    assert_eq!(
        listing(&folder),
        [
            "assets",
            "checksums.sha256",
            "configuration",
            "entities",
            "links",
            "manifest.json",
            "metadata.json",
            "result.json",
            "schemas"
        ]
    );
    let project = project_with_other_data();
    project.import(&folder, &[]).ends_with(0);
    assert_exports(&project, &Archive::open(&folder, None));
}

#[test]
fn many_small_shards_come_back_as_one_project() {
    let project = Project::testdata();
    grow(&project, 2_000);
    let whole = project.exported(&[]);
    let path = project.export("shards", &["--max-size-jsonl", "1"]);
    let shards = sizes_of_shards(&path);
    assert!(shards.iter().sum::<usize>() > 10_000_000, "{shards:?}");
    assert!(shards.len() > 10, "{shards:?}");
    assert!(shards.iter().all(|size| *size <= 1_000_000), "{shards:?}");
    let (last, full) = shards.split_last().unwrap();
    assert!(
        full.iter().all(|size| *size > 990_000) && *last > 0,
        "{shards:?}"
    );

    let restored = Project::empty();
    restored.import(&path, &[]).ends_with(0);
    assert_exports(&restored, &whole);
    let again = restored.export("shards", &["--max-size-jsonl", "1"]);
    let differing = Archive::open(&path, None).differences(&Archive::open(&again, None));
    assert!(differing.is_empty(), "{differing:?}");
}

#[test]
fn an_entity_that_is_larger_than_a_shard_may_be_is_named() {
    let project = Project::testdata();
    project.sql("UPDATE articles SET body = printf('%.*c', 1000000, 'x') WHERE id = 12");
    let options = ["-f", "site", "--no-encrypt", "--max-size-jsonl", "1"];
    project
        .run("export", options)
        .ends_with(1)
        .says(["api::article.article 12 takes 100", "--max-size-jsonl"]);
    assert!(listing(&project.archives()).is_empty());
    let options = ["-f", "site", "--no-encrypt", "--max-size-jsonl", "2"];
    project.run("export", options).ends_with(0);
}

/// Adds tags of some 5,000 bytes.
fn grow(project: &Project, tags: u32) {
    project.sql(&format!(
        "WITH RECURSIVE numbers(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {tags})
         INSERT INTO tags (document_id, name) SELECT 'grown-' || n, printf('%.*c', 5000, 'x') || n FROM numbers"
    ));
}

fn sizes_of_shards(archive: &Path) -> Vec<usize> {
    Tarball::read(archive)
        .entries
        .iter()
        .filter(|entry| entry.name.starts_with("entities/"))
        .map(|entry| entry.content.len())
        .collect()
}

#[test]
fn a_file_that_an_archive_lacks_stays_where_it_is() {
    let incomplete = Project::testdata();
    fs::remove_file(incomplete.uploads().join("naive_e42753c248.png")).unwrap();
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    incomplete.run("export", options).ends_with(3);
    let project = Project::testdata();
    let before = project.state();
    project
        .import(&incomplete.archive("site.incomplete.tar"), &[])
        .ends_with(3)
        .says(["the archive lacks 2 of the files", "(rows 2)"]);
    assert!(before.uploads() == project.state().uploads());
}

#[test]
fn a_row_of_content_types_that_an_archive_lacks_or_breaks_stays_the_projects() {
    let key = r#""key":"strapi_content_types_schema""#;
    let read = |project: &Project| -> String {
        let sql = "SELECT value FROM strapi_core_store_settings WHERE key = 'strapi_content_types_schema'";
        project
            .connect()
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    };
    for broken in [false, true] {
        let project = Project::testdata();
        let before = read(&project);
        let archive = Tarball::read(&strapi_archive()).edit_lines(CONFIGURATION, |lines| {
            let line = lines.iter_mut().find(|line| line.contains(key)).unwrap();
            *line = if broken {
                r#"{"type":"core-store","value":{"id":9999,"key":"strapi_content_types_schema","value":null,"type":"object","environment":null,"tag":null}}"#.into()
            } else {
                String::new()
            };
        });
        let archive = archive.write(project.archive("site.tar"));
        project.import(&archive, &[]).ends_with(0);
        assert_eq!(read(&project), before, "{broken}");
        project.exported(&[]);
    }
}
