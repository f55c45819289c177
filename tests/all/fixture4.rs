//! A Strapi 4 project is held against the archive that Strapi 4.26.2 made of it, and kept apart from Strapi 5.

use crate::support::archive::Archive;
use crate::support::cli::{Project, strapi_archive, strapi4_archive};

/// Where our export is right and Strapi's is not: the article, Strapi's value of `views`, ours.
///
/// The column is a 64-bit integer in SQLite. Strapi reads it as a double, which holds no more than 53 bits of it.
const DEVIATIONS: [(u32, &str, &str); 10] = [
    (1, "9007199254740992", "9007199254740993"),
    (2, "9007199254740992", "9007199254740993"),
    (3, "-9223372036854776000", "-9223372036854775808"),
    (4, "-9223372036854776000", "-9223372036854775808"),
    (5, "9223372036854776000", "9223372036854775807"),
    (11, "9007199254740992", "9007199254740993"),
    (12, "9007199254740992", "9007199254740993"),
    (13, "-9223372036854776000", "-9223372036854775808"),
    (14, "-9223372036854776000", "-9223372036854775808"),
    (15, "9223372036854776000", "9223372036854775807"),
];

/// Strapi's archive, with our values where Strapi's have lost digits.
fn expected() -> Archive {
    let mut archive = Archive::open(&strapi4_archive(), None);
    let entities = archive
        .entries
        .get_mut("entities/entities_00001.jsonl")
        .unwrap();
    let mut text = String::from_utf8(entities.clone()).unwrap();
    for (id, strapis, ours) in DEVIATIONS {
        let start = text
            .find(&format!(r#"{{"type":"api::article.article","id":{id},"#))
            .unwrap();
        let wrong = format!(r#""views":"{strapis}""#);
        let at = start + text[start..].find(&wrong).unwrap();
        text.replace_range(at..at + wrong.len(), &format!(r#""views":"{ours}""#));
    }
    *entities = text.into_bytes();
    archive
}

/// Fails unless a project exports what Strapi did, byte for byte.
#[track_caller]
fn assert_exports_the_same(project: &Project) {
    let (expected, ours) = (
        expected(),
        Archive::open(&project.export("site", &[]), None),
    );
    let names = |archive: &Archive| archive.entries.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&expected));
    for (name, bytes) in &expected.entries {
        if name != "metadata.json" {
            assert!(ours.entries[name] == *bytes, "{name}");
        }
    }
}

#[test]
fn an_export_of_a_strapi_4_project_is_strapis_byte_for_byte_but_for_integers_that_strapi_rounds() {
    let project = Project::strapi4();
    assert_exports_the_same(&project);
    let metadata = Archive::open(&project.archive("site.tar"), None).json("metadata.json");
    assert_eq!(metadata["strapi"]["version"], "4.26.2");
}

#[test]
fn a_strapi_4_project_comes_back_from_its_own_export_over_other_data() {
    let original = Project::strapi4();
    let archive = original.export("original", &[]);
    let project = Project::strapi4();
    project.sql(
        "UPDATE articles SET title = 'changed', published_at = NULL;
         DELETE FROM articles_localizations_links;
         DELETE FROM components_shared_links_tags_links;
         INSERT INTO tags (id, name) VALUES (900, 'stranger');
         INSERT INTO articles_tags_links (article_id, tag_id, tag_order) VALUES (1, 900, 9);
         DELETE FROM strapi_webhooks;",
    );
    std::fs::remove_dir_all(project.uploads()).unwrap();
    let before = project.state();
    project.import(&archive, &[]).ends_with(0);
    assert_exports_the_same(&project);
    before.assert_same_administrators(&project.state());
}

#[test]
fn archives_do_not_go_from_one_major_version_of_strapi_to_another() {
    for (project, archive, advice) in [
        (
            Project::testdata(),
            strapi4_archive(),
            "restore into a project on Strapi 4, then upgrade",
        ),
        (
            Project::strapi4(),
            strapi_archive(),
            "restore into a project on Strapi 5: Strapi has no way back",
        ),
    ] {
        let before = project.state();
        for strategy in ["exact", "patch", "minor", "major"] {
            project
                .import(&archive, &["--versionStrategy", strategy])
                .ends_with(4)
                .says([advice]);
        }
        // Then the schemas decide.
        project
            .import(&archive, &["--versionStrategy", "ignore"])
            .ends_with(5)
            .says(["the schemas of archive and project differ"]);
        before.assert_untouched(&project);
    }
}
