//! Partial exports and restores take what they name, and leave the rest as it is.

use std::collections::BTreeSet;

use crate::support::archive::{Archive, OF_THE_EXPORT};
use crate::support::cli::{Project, State, is_admin_table, strapi_archive};
use crate::support::restore::{
    STRANGERS, assert_exports, assert_same_lines, project_with_other_data,
};
use crate::support::tarball::{ENTITIES, Tarball};

/// A content type whose names are so long that Strapi shortens them.
const LONG_TYPE: &str = "api::extraordinarily-long-content-type-singular-name.extraordinarily-long-content-type-singular-name";
/// The component that its rows hold, and other content types as well.
const LONG_COMPONENT: &str =
    "blocks.a-very-long-component-name-that-will-need-shortening-for-identifiers";

/// A project with other data before and after an import of Strapi's archive with these options.
fn restored(options: &[&str]) -> (State, State, Project) {
    let project = project_with_other_data();
    let before = project.state();
    project.import(&strapi_archive(), options).ends_with(0);
    let after = project.state();
    before.assert_same_administrators(&after);
    (before, after, project)
}

/// The names of what an import changed, as far as they pass.
fn changed(before: &State, after: &State, pass: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut changes = before.changes(after);
    changes.remove("sqlite_sequence");
    changes.retain(|name| pass(name));
    changes
}

fn is_file(name: &str) -> bool {
    name.starts_with("public/")
}

fn is_configuration(name: &str) -> bool {
    ["strapi_core_store_settings", "strapi_webhooks"].contains(&name)
}

/// Strapi's archive without the lines that do not pass.
fn strapis(stage: &str, pass: impl Fn(&str) -> bool) -> Vec<String> {
    let mut lines = Archive::open(&strapi_archive(), None).lines(stage);
    lines.retain(|line| pass(line));
    lines
}

/// The lines of a stage that a project exports with these options.
fn exported(project: &Project, options: &[&str], stage: &str) -> Vec<String> {
    project.exported(options).lines(stage)
}

#[test]
fn only_content_leaves_files_and_configuration() {
    let (before, after, project) = restored(&["--only", "content"]);
    let rest = |name: &str| is_file(name) || name.starts_with("strapi_");
    assert_eq!(changed(&before, &after, rest), BTreeSet::new());
    for stage in ["entities", "links"] {
        let ours = exported(&project, &["--only", "content"], stage);
        assert_same_lines(&ours, &strapis(stage, |_| true));
    }
}

#[test]
fn only_files_leaves_every_table() {
    let (mut before, mut after, _) = restored(&["--only", "files"]);
    // The row that tells that the files belong to the database is gone again; its number is not.
    for state in [&mut before, &mut after] {
        state.tables.remove("sqlite_sequence");
    }
    assert_eq!(before.tables, after.tables);
    // Whatever rows name that stay, or nobody, is there as it was.
    let files = Archive::open(&strapi_archive(), None).assets();
    for (name, content) in before.uploads() {
        let came = files.contains_key(name);
        assert!(came || after.uploads()[name] == content, "{name}");
    }
    for (name, asset) in files {
        assert!(after.uploads()[name.as_str()] == asset.bytes, "{name}");
    }
}

#[test]
fn only_config_leaves_content_and_files() {
    let (before, after, project) = restored(&["--only", "config"]);
    let rest = |name: &str| !is_configuration(name);
    assert_eq!(changed(&before, &after, rest), BTreeSet::new());
    let ours = exported(&project, &["--only", "config"], "configuration");
    assert_same_lines(&ours, &strapis("configuration", |_| true));
}

#[test]
fn exclude_files_leaves_the_upload_folder() {
    let (before, after, project) = restored(&["--exclude", "files"]);
    assert_eq!(changed(&before, &after, is_file), BTreeSet::new());
    for stage in ["entities", "links", "configuration"] {
        let ours = exported(&project, &["--exclude", "files"], stage);
        assert_same_lines(&ours, &strapis(stage, |_| true));
    }
}

#[test]
fn exclude_media_library_leaves_the_upload_folder_and_the_rows_that_describe_it() {
    let (before, after, project) = restored(&["--exclude", "media-library"]);
    let media = [
        "files",
        "upload_folders",
        "files_folder_lnk",
        "upload_folders_parent_lnk",
    ];
    let rest = |name: &str| is_file(name) || media.contains(&name);
    assert_eq!(changed(&before, &after, rest), BTreeSet::new());
    for stage in ["entities", "links"] {
        let ours = exported(&project, &["--exclude", "media-library"], stage);
        assert_same_lines(
            &ours,
            &strapis(stage, |line| !line.contains("\"plugin::upload.")),
        );
    }
}

#[test]
fn only_content_types_touches_their_rows_and_links_and_no_others() {
    let bookmarks = [
        "--only",
        "content",
        "--only-content-types",
        "api::bookmark.bookmark",
    ];
    let project = project_with_other_data();
    project.sql("UPDATE bookmarks SET note = 'changed'");
    let before = project.state();
    project.import(&strapi_archive(), &bookmarks).ends_with(0);
    let after = project.state();
    let expected = ["bookmarks"].map(str::to_owned);
    assert_eq!(changed(&before, &after, |_| true), expected.into());
    // A restore of bookmarks alone says nothing of what is no bookmark: its link is that of before.
    let mut expected = Project::testdata().state().tables["bookmarks"][1].clone();
    expected[3..5].clone_from_slice(&before.tables["bookmarks"][1][3..5]);
    assert_eq!(after.tables["bookmarks"][1], expected);
}

#[test]
fn only_content_types_leaves_components_of_other_rows() {
    let articles = [
        "--only",
        "content",
        "--only-content-types",
        "api::article.article",
    ];
    let (before, after, project) = restored(&articles);
    let others = |name: &str| {
        let touched = [
            "articles",
            "components_",
            "files_related_mph",
            "bookmarks_items_mph",
        ];
        !touched.iter().any(|beginning| name.starts_with(beginning))
    };
    assert_eq!(changed(&before, &after, others), BTreeSet::new());
    let of_articles = |line: &str| line.contains("api::article.article");
    assert_same_lines(
        &exported(&project, &articles, "entities"),
        &strapis("entities", of_articles),
    );
    let of_others = |project: &Project| {
        let options = [
            "--only",
            "content",
            "--exclude-content-types",
            "api::article.article",
        ];
        exported(project, &options, "entities")
    };
    assert_same_lines(&of_others(&project), &of_others(&project_with_other_data()));
}

#[test]
fn exclude_content_types_leaves_their_rows_and_components() {
    let (before, after, project) = restored(&["--exclude-content-types", "api::article.article"]);
    let kept = |name: &str| ["articles", "articles_cmps"].contains(&name);
    assert_eq!(changed(&before, &after, kept), BTreeSet::new());
    let articles = ["--only-content-types", "api::article.article"];
    assert_same_lines(
        &exported(&project, &articles, "entities"),
        &exported(&project_with_other_data(), &articles, "entities"),
    );
    let rest = ["--exclude-content-types", "api::article.article"];
    assert_same_lines(
        &exported(&project, &rest, "entities"),
        &strapis("entities", |line| !line.contains("api::article.article")),
    );
}

#[test]
fn components_whose_ids_are_taken_get_new_ones_and_their_links_follow() {
    let project = Project::testdata();
    // The ids 19 to 21, which the archive has for the rows of the long type, belong to an article here.
    project.sql(&format!(
        "DELETE FROM extraordinarily_long_content_type_plural_name6e8dc_cmps;
         INSERT INTO articles_cmps (entity_id, cmp_id, component_type, field, \"order\") VALUES
            (1, 19, '{LONG_COMPONENT}', 'zone', 50), (1, 20, '{LONG_COMPONENT}', 'zone', 51),
            (1, 21, '{LONG_COMPONENT}', 'zone', 52);
         UPDATE components_blocks_a_very_long_component_name_that_8843c
            SET some_very_long_attribute_name_that_keeps_going_on_249d8 = 'of an article' WHERE id > 18"
    ));
    let articles = ["--only-content-types", "api::article.article"];
    let before = exported(&project, &articles, "entities");
    let types = format!("{LONG_TYPE},api::tag.tag");
    let options = ["--only", "content", "--only-content-types", &types];
    project.import(&strapi_archive(), &options).ends_with(0);
    assert_same_lines(&exported(&project, &articles, "entities"), &before);

    let follow = |line: String| {
        [(19, 22), (20, 23), (21, 24)]
            .iter()
            .fold(line, |line, (old, new)| {
                line.replace(
                    &format!("[{{\"id\":{old},\"some"),
                    &format!("[{{\"id\":{new},\"some"),
                )
                .replace(
                    &format!("\"ref\":{old},\"pos\""),
                    &format!("\"ref\":{new},\"pos\""),
                )
            })
    };
    let of_type = |line: &str| line.contains(&format!("{{\"type\":\"{LONG_TYPE}\""));
    let expected: Vec<String> = strapis("entities", of_type)
        .into_iter()
        .map(follow)
        .collect();
    let rows = ["--only-content-types", LONG_TYPE];
    assert_same_lines(&exported(&project, &rows, "entities"), &expected);

    let of_moved = |line: &str| {
        let ends = [19, 20, 21].map(|id| format!("\"ref\":{id},"));
        line.contains(&format!("{{\"type\":\"{LONG_COMPONENT}\""))
            && ends.iter().any(|end| line.contains(end))
    };
    let expected: Vec<String> = strapis("links", of_moved).into_iter().map(follow).collect();
    assert!(!expected.is_empty());
    let mut links = exported(&project, &options, "links");
    links.retain(|line| expected.contains(line));
    assert_same_lines(&links, &expected);
}

#[test]
fn a_partial_export_holds_what_it_names() {
    let project = Project::testdata();
    let stages = |options: &[&str]| -> BTreeSet<String> {
        let archive = project.exported(options);
        let stage = |name: &String| name.split('/').next().unwrap_or_default().to_owned();
        archive.entries.keys().map(stage).collect()
    };
    for (options, expected) in [
        (&["--only", "content"][..], &["entities", "links"][..]),
        (&["--only", "files"], &["assets"]),
        (&["--only", "config"], &["configuration"]),
        (&["--only", "files,config"], &["assets", "configuration"]),
        (&["--exclude", "content"], &["assets", "configuration"]),
        (
            &["--exclude", "media-library"],
            &["configuration", "entities", "links"],
        ),
        (
            &["--only-content-types", "api::tag.tag"],
            &["configuration", "entities", "links"],
        ),
    ] {
        let mut expected: BTreeSet<String> = expected.iter().map(|name| (*name).into()).collect();
        expected.insert("schemas".into());
        // Plain archives are not authenticated.
        let of_the_export = OF_THE_EXPORT
            .iter()
            .filter(|name| **name != "checksums.hmac");
        expected.extend(of_the_export.map(|name| (*name).to_owned()));
        assert_eq!(stages(options), expected, "{options:?}");
    }
}

#[test]
fn links_leave_when_both_of_their_ends_do() {
    let project = Project::testdata();
    let options = [
        "--only-content-types",
        "api::tag.tag,api::category.category",
    ];
    let links = exported(&project, &options, "links");
    let ends = |line: &&String| line.matches("\"type\":\"api::").count();
    assert!(links.iter().all(|line| ends(&line) == 2), "{links:#?}");
    let tags_to_categories = 3 + 4 + 3;
    let among_categories = 2;
    let localizations = 4 + 6;
    assert_eq!(
        links.len(),
        tags_to_categories + among_categories + localizations
    );
}

#[test]
fn an_archive_without_a_group_does_not_empty_it() {
    let original = Project::testdata();
    for (left_out, note, is_kept) in [
        (
            "config",
            "configuration",
            is_configuration as fn(&str) -> bool,
        ),
        ("files", "files", is_file),
        ("content", "content", |name| {
            !is_file(name) && !is_configuration(name) && !is_admin_table(name)
        }),
    ] {
        let archive = original.export("partial", &["--exclude", left_out]);
        let project = project_with_other_data();
        let before = project.state();
        let said = format!("note: the archive holds no {note}");
        let outcome = project.import(&archive, &[]).ends_with(0);
        assert_eq!(outcome.lines(&said).len(), 1, "{}", outcome.all());
        assert_eq!(changed(&before, &project.state(), is_kept), BTreeSet::new());
    }
}

#[test]
fn an_archive_of_a_project_without_files_removes_the_files() {
    let without = Project::testdata();
    without.sql("DELETE FROM files; DELETE FROM files_related_mph; DELETE FROM files_folder_lnk");
    let archive = without.export("site", &[]);
    let project = project_with_other_data();
    project.import(&archive, &[]).ends_with(0);
    assert_exports(&project, &Archive::open(&archive, None));
    let state = project.state();
    assert_eq!(state.uploads().into_keys().collect::<Vec<_>>(), STRANGERS);
}

/// Strapi's archive without the lines of these types.
fn strapis_without(types: &[&str]) -> Tarball {
    Tarball::read(&strapi_archive()).edit_lines(ENTITIES, |lines| {
        lines.retain(|line| {
            !types
                .iter()
                .any(|uid| line.contains(&format!("\"type\":\"{uid}\"")))
        });
    })
}

#[test]
fn a_type_that_strapis_archive_has_no_rows_of_is_emptied_and_named_in_the_plan() {
    let archive = strapis_without(&["api::tag.tag"]);
    let project = Project::testdata();
    let path = archive.write(project.archive("site.tar"));
    project
        .import(&path, &[])
        .ends_with(0)
        .says(["api::tag.tag; the archive holds none"]);
    assert_eq!(project.state().tables["tags"], Vec::<Vec<_>>::new());
}

#[test]
fn the_scope_of_a_restore_can_be_all_or_what_the_archive_holds() {
    let media = ["plugin::upload.file", "plugin::upload.folder"];
    let mut archive = strapis_without(&[&media[..], &["api::tag.tag"]].concat());
    archive
        .entries
        .retain(|entry| !entry.name.starts_with("assets/"));
    for (scope, tags_stay, media_stays) in [
        (None, false, true),
        (Some("all"), false, false),
        (Some("archive"), true, true),
    ] {
        let project = Project::testdata();
        let path = archive.write(project.archive("site.tar"));
        let before = project.state();
        let options: Vec<&str> = scope.into_iter().flat_map(|it| ["--scope", it]).collect();
        project.import(&path, &options).ends_with(0);
        let after = project.state();
        let stays = |table: &str| after.tables[table] == before.tables[table];
        assert_eq!(stays("tags"), tags_stay, "{scope:?}");
        assert_eq!(stays("files"), media_stays, "{scope:?}");
        assert_eq!(
            after.uploads() == before.uploads(),
            media_stays,
            "{scope:?}"
        );
    }
}
