//! What happens when archive and project are of different versions or have different schemas.

use std::fs;

use serde_json::{Value, json};

use crate::support::archive::Archive;
use crate::support::cli::{PLAIN, Project, State, strapi_archive, strapi_archive_of};
use crate::support::restore::assert_same_lines;

/// A project on another version of Strapi.
fn on_version(version: &str) -> Project {
    let project = Project::testdata();
    project.edit("package.json", "\"5.54.0\"", &format!("\"{version}\""));
    project
}

/// A project whose content types were changed, for Strapi and in the row that Strapi writes.
fn with_content_types(edit: impl FnOnce(&mut Value)) -> Project {
    let project = Project::testdata();
    project.edit_content_types(edit);
    project
}

/// The attributes of a content type.
fn attributes<'a>(types: &'a mut Value, uid: &str) -> &'a mut serde_json::Map<String, Value> {
    types[uid]["attributes"].as_object_mut().unwrap()
}

fn take_out(types: &mut Value, uid: &str, attribute: &str) {
    let taken = attributes(types, uid).shift_remove(attribute);
    assert!(taken.is_some(), "{uid} has no {attribute}");
}

/// The lines of a stage in Strapi's archive, changed.
fn expected(stage: &str, change: impl FnMut(String) -> Option<String>) -> Vec<String> {
    let lines = Archive::open(&strapi_archive(), None).lines(stage);
    lines.into_iter().filter_map(change).collect()
}

/// Fails unless a project exports these lines in a stage.
#[track_caller]
fn assert_exports_lines(project: &Project, stage: &str, expected: &[String]) {
    let archive = project.exported(&[]);
    assert_same_lines(&archive.lines(stage), expected);
}

#[test]
fn another_version_is_refused_unless_the_strategy_allows_it() {
    for (version, strategy, accepted) in [
        ("5.54.1", None, false),
        ("5.54.1", Some("exact"), false),
        ("5.54.1", Some("patch"), false),
        ("5.54.1", Some("minor"), true),
        ("5.55.0", Some("minor"), false),
        ("5.55.0", Some("major"), true),
        ("5.0.0-beta.1", Some("ignore"), true),
    ] {
        let project = on_version(version);
        let options: Vec<&str> = match strategy {
            Some(strategy) => vec!["--version-strategy", strategy],
            None => Vec::new(),
        };
        let before = project.state();
        let outcome = project.import(&strapi_archive(), &options);
        if accepted {
            outcome.ends_with(0);
            let exported = project.exported(&[]);
            assert_eq!(exported.json("metadata.json")["strapi"]["version"], version);
        } else {
            let theirs = "the archive is of Strapi 5.54.0";
            let ours = format!("the destination is on Strapi {version}");
            outcome
                .ends_with(4)
                .says([theirs, &ours, "--version-strategy"]);
            before.assert_untouched(&project);
        }
    }
}

#[test]
fn archives_do_not_go_from_one_major_version_of_strapi_to_another() {
    for (project, archive, advice) in [
        (
            Project::of(5),
            strapi_archive_of(4),
            "restore into a project on Strapi 4, then upgrade",
        ),
        (
            Project::of(4),
            strapi_archive_of(5),
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

#[test]
fn the_version_that_is_installed_counts_and_not_what_package_json_asks_for() {
    let project = on_version("^5.0.0");
    let import = |project: &Project| project.import(&strapi_archive(), &[]);
    import(&project)
        .ends_with(1)
        .says(["^5.0.0", "npm install"]);
    let package = project.path().join("node_modules/@strapi/strapi");
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("package.json"), r#"{"version":"5.54.0"}"#).unwrap();
    import(&project).ends_with(0);
}

#[test]
fn harmless_differences_between_schemas_are_refused_by_exact_and_accepted_by_strict() {
    let project = with_content_types(|types| {
        let title = &mut attributes(types, "api::article.article")["title"];
        title["required"] = json!(false);
        title["default"] = json!("untitled");
        title["private"] = json!(true);
    });
    let before = project.state();
    project.import(&strapi_archive(), &[]).ends_with(5).says([
        "api::article.article: attribute `title`, required is true in the archive, false in the project",
        "attribute `title`, private is nothing in the archive, true in the project",
        "--schema-strategy strict",
    ]);
    before.assert_untouched(&project);
    let strict = ["--schema-strategy", "strict"];
    project.import(&strapi_archive(), &strict).ends_with(0);
    assert_exports_lines(&project, "entities", &expected("entities", Some));
}

#[test]
fn another_type_of_an_attribute_is_refused_by_strict() {
    let project = with_content_types(|types| {
        attributes(types, "api::article.article")["summary"]["type"] = json!("richtext");
    });
    let before = project.state();
    for strategy in ["exact", "strict"] {
        project
            .import(&strapi_archive(), &["--schema-strategy", strategy])
            .ends_with(5)
            .says([
                r#"attribute `summary`, type is "text" in the archive, "richtext" in the project"#,
            ]);
    }
    before.assert_untouched(&project);
    let ignore = ["--schema-strategy", "ignore"];
    project.import(&strapi_archive(), &ignore).ends_with(0);
}

#[test]
fn an_attribute_that_the_project_lacks_is_listed_as_lost_and_the_rest_is_loaded() {
    let project = with_content_types(|types| take_out(types, "api::article.article", "summary"));
    project.sql("ALTER TABLE articles DROP COLUMN summary");
    let before = project.state();
    project
        .import(&strapi_archive(), &[])
        .ends_with(5)
        .says(["api::article.article: the project has no attribute `summary`"]);
    before.assert_untouched(&project);
    let ignore = ["--schema-strategy", "ignore"];
    let outcome = project.import(&strapi_archive(), &ignore).ends_with(3);
    let lost = "warning: the project has no place for attribute `summary` of api::article.article: 26 left out";
    assert_eq!(outcome.lines("warning"), [lost], "{}", outcome.all());
    let without = expected("entities", |line| {
        Some(
            line.replace(r#""summary":"sum","#, "")
                .replace(r#""summary":null,"#, ""),
        )
    });
    assert_exports_lines(&project, "entities", &without);
    let row = |state: &State| {
        let rows = &state.tables["strapi_core_store_settings"];
        let text = |row: &Vec<rusqlite::types::Value>| format!("{row:?}");
        let rows = rows.iter().map(text);
        let schema = rows.filter(|row| row.contains("strapi_content_types_schema"));
        schema
            .map(|row| row.split_once("Text").unwrap().1.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(row(&project.state()), row(&before));
}

#[test]
fn a_content_type_that_the_project_lacks_is_listed_as_lost_and_the_rest_is_loaded() {
    let project = with_content_types(|types| {
        types
            .as_object_mut()
            .unwrap()
            .shift_remove("api::bookmark.bookmark");
    });
    project.sql("DROP TABLE bookmarks_items_mph; DROP TABLE bookmarks");
    project
        .import(&strapi_archive(), &["--schema-strategy", "strict"])
        .ends_with(5)
        .says(["api::bookmark.bookmark: the project does not have it"]);
    let ignore = ["--schema-strategy", "ignore"];
    let outcome = project.import(&strapi_archive(), &ignore).ends_with(3);
    let lost = |what: &str, count: u32| {
        format!("warning: the project has no place for {what}: {count} left out")
    };
    assert_eq!(
        outcome.lines("warning"),
        [
            lost("the content type api::bookmark.bookmark", 2),
            lost("links of `items` of api::bookmark.bookmark", 2),
            lost("links of `localizations` of api::bookmark.bookmark", 2),
            lost("links of `target` of api::bookmark.bookmark", 1),
        ],
        "{}",
        outcome.all()
    );
    for stage in ["entities", "links"] {
        let others = |line: String| (!line.contains("api::bookmark")).then_some(line);
        assert_exports_lines(&project, stage, &expected(stage, others));
    }
}

#[test]
fn a_relation_that_the_project_lacks_is_listed_as_lost_and_the_rest_is_loaded() {
    let project = with_content_types(|types| take_out(types, "api::tag.tag", "oneWay"));
    project.sql("DROP TABLE tags_one_way_lnk");
    let ignore = ["--schema-strategy", "ignore"];
    let outcome = project.import(&strapi_archive(), &ignore).ends_with(3);
    let lost =
        "warning: the project has no place for links of `oneWay` of api::tag.tag: 3 left out";
    assert_eq!(outcome.lines("warning"), [lost], "{}", outcome.all());
    let others = |line: String| (!line.contains("\"field\":\"oneWay\"")).then_some(line);
    assert_exports_lines(&project, "links", &expected("links", others));
}

#[test]
fn a_component_that_the_project_lacks_is_listed_as_lost_and_the_rest_is_loaded() {
    let project = with_content_types(|types| {
        for uid in ["api::article.article", "api::homepage.homepage"] {
            let zone = &mut attributes(types, uid)["zone"]["components"];
            let components = zone.as_array_mut().unwrap();
            components.retain(|component| component != "blocks.quote");
        }
    });
    fs::remove_file(project.path().join("src/components/blocks/quote.json")).unwrap();
    let ignore = ["--schema-strategy", "ignore"];
    let outcome = project.import(&strapi_archive(), &ignore).ends_with(3);
    let lost = "warning: the project has no place for a component in attribute `zone` of api::article.article: 30 left out";
    assert_eq!(outcome.lines("warning"), [lost], "{}", outcome.all());
    let archive = project.exported(&[]);
    let zones = |archive: &Archive| -> Vec<Value> {
        let is_article = |line: &Value| line["type"] == "api::article.article";
        let articles = archive.jsonl("entities").into_iter().filter(is_article);
        articles.map(|line| line["data"]["zone"].clone()).collect()
    };
    let mut expected = zones(&Archive::open(&strapi_archive(), None));
    for zone in &mut expected {
        let components = zone.as_array_mut().unwrap();
        components.retain(|component| component["__component"] != "blocks.quote");
    }
    assert_eq!(zones(&archive), expected);
}

#[test]
fn an_attribute_that_only_the_project_has_gets_its_default() {
    let project = with_content_types(|types| {
        attributes(types, "api::tag.tag")
            .insert("color".into(), json!({"type": "string", "default": "red"}));
    });
    project.sql("ALTER TABLE tags ADD COLUMN color TEXT");
    project
        .import(&strapi_archive(), &[])
        .ends_with(5)
        .says(["api::tag.tag: only the project has the attribute `color`"]);
    let ignore = ["--schema-strategy", "ignore"];
    project.import(&strapi_archive(), &ignore).ends_with(0);
    let archive = project.exported(&[]);
    let tags = archive.lines("entities");
    let red = tags
        .iter()
        .filter(|line| line.contains("\"color\":\"red\""));
    assert_eq!(red.count(), 6);
}

#[test]
fn schemas_may_have_their_keys_in_another_order() {
    let project = with_content_types(|types| {
        for attribute in attributes(types, "api::article.article").values_mut() {
            let properties = std::mem::take(attribute.as_object_mut().unwrap());
            let turned: Vec<_> = properties.into_iter().collect();
            *attribute = turned.into_iter().rev().collect();
        }
    });
    project.import(&strapi_archive(), &[]).ends_with(0);
    assert_exports_lines(&project, "entities", &expected("entities", Some));
}

#[test]
fn links_of_components_that_the_project_has_no_place_for_are_lost_and_the_rest_is_loaded() {
    let project = with_content_types(|types| {
        for attribute in ["links", "seo"] {
            take_out(types, "api::article.article", attribute);
        }
    });
    let ignore = ["--schema-strategy", "ignore"];
    for options in [[&ignore[..], &["--dry-run"]].concat(), ignore.to_vec()] {
        project
            .import(&strapi_archive(), &options)
            .ends_with(3)
            .says(["the project has no place for links"]);
    }
    let state = project.state();
    let seos = state.tables["components_shared_seos"].len();
    let links = state.tables["components_shared_links"].len();
    let original = Project::testdata().state();
    assert!(seos < original.tables["components_shared_seos"].len());
    assert!(links < original.tables["components_shared_links"].len());
    // Nothing points at what is not there, which the next export would note.
    let outcome = project.run("export", [&["-f", "site"], &PLAIN[..]].concat());
    assert_eq!(outcome.ends_with(0).lines("note"), [""; 0]);
}
