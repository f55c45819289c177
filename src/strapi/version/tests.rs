//! Projects as they may stand there, with what is known of their Strapi.

use super::*;
use crate::database::{Stop, Timeouts};
use crate::strapi::{Choices, Project};
use std::collections::BTreeMap;
use std::fs;

fn version_of(folder: &Path) -> String {
    find(folder, None).expect("a version").version
}

fn project(manifest: &str, installed: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("package.json"), manifest).expect("written");
    if let Some(version) = installed {
        let package = folder.path().join("node_modules/@strapi/strapi");
        fs::create_dir_all(&package).expect("made");
        let json = format!(r#"{{"version":"{version}"}}"#);
        fs::write(package.join("package.json"), json).expect("written");
    }
    folder
}

#[test]
fn the_installed_version_wins_over_package_json() {
    let manifest = r#"{"dependencies":{"@strapi/strapi":"5.0.0"}}"#;
    let folder = project(manifest, Some("5.54.0"));
    assert_eq!(version_of(folder.path()), "5.54.0");
    let folder = project(manifest, None);
    assert_eq!(version_of(folder.path()), "5.0.0");
}

#[test]
fn a_range_without_node_modules_is_no_version() {
    let folder = project(r#"{"dependencies":{"@strapi/strapi":"^5.0.0"}}"#, None);
    let error = find(folder.path(), None).expect_err("no version");
    assert!(error.to_string().contains("^5.0.0"), "{error}");
}

#[test]
fn a_package_json_that_is_nested_deep_too_large_or_no_file_is_named() {
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    for text in [deep, " ".repeat(9 << 20)] {
        let folder = project(&text, None);
        let error = find(folder.path(), None).expect_err("no version");
        assert!(error.to_string().contains("/package.json"), "{error}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("package.json")).expect("made");
    let error = find(folder.path(), None).expect_err("no version");
    assert!(error.to_string().contains("it is not a file"), "{error}");
}

#[test]
fn a_folder_without_strapi_is_not_a_project() {
    let folder = project(r#"{"dependencies":{"left-pad":"1.0.0"}}"#, None);
    let error = Project::open(
        folder.path(),
        &BTreeMap::new(),
        &Choices::default(),
        Timeouts::default(),
        Stop::default(),
    )
    .expect_err("no project");
    assert!(error.to_string().contains("is not a Strapi project"));
}

/// The range that the projects below ask for.
const RANGE: &str = r#"{"dependencies":{"@strapi/strapi":"^5.40.0"}}"#;

/// A project below a folder with these files, in `inside`, which asks for a range.
fn workspace(inside: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join(inside);
    fs::create_dir_all(&root).expect("made");
    fs::write(root.join("package.json"), RANGE).expect("written");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    (folder, root)
}

#[test]
fn lock_files_say_which_version_a_range_is() {
    let npm_1 = r#"{"lockfileVersion":1,"dependencies":{"@strapi/strapi":{"version":"5.41.0"}}}"#;
    let npm_3 = r#"{"lockfileVersion":3,"packages":{"":{"version":"0.1.0"},"apps/cms":{},
        "node_modules/@strapi/strapi":{"version":"5.42.0"}}}"#;
    let npm_workspace = r#"{"lockfileVersion":3,"packages":{"node_modules/@strapi/strapi":{"version":"4.1.0"},
        "apps/cms":{},"apps/cms/node_modules/@strapi/strapi":{"version":"5.43.0"}}}"#;
    let yarn_1 = "# yarn lockfile v1\n\n\"@strapi/strapi@4.1.0\":\n  version \"4.1.0\"\n\n\
                  \"@strapi/strapi@5.x\", \"@strapi/strapi@^5.40.0\":\n  version \"5.44.0\"\n  dependencies:\n    a \"1\"\n";
    let yarn_4 = "__metadata:\n  version: 8\n\n\"@strapi/strapi@npm:^5.40.0\":\n  version: 5.45.0\n  resolution: \"x\"\n";
    let pnpm_9 = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      '@strapi/strapi':\n        \
                  specifier: 4.1.0\n        version: 4.1.0\n\n  apps/cms:\n    dependencies:\n      '@strapi/strapi':\n        \
                  specifier: ^5.40.0\n        version: 5.46.0(react@18.0.0)(x@1)\n\npackages:\n\n  '@strapi/strapi@5.46.0':\n    \
                  resolution: {integrity: x}\n";
    let pnpm_5 = "lockfileVersion: 5.4\n\nspecifiers:\n  '@strapi/strapi': ^5.40.0\n\ndependencies:\n  \
                  '@strapi/strapi': 5.47.0_abc\n";
    for (inside, name, text, expected) in [
        (".", "package-lock.json", npm_1, "5.41.0"),
        (".", "package-lock.json", npm_3, "5.42.0"),
        ("apps/cms", "package-lock.json", npm_3, "5.42.0"),
        ("apps/cms", "package-lock.json", npm_workspace, "5.43.0"),
        (".", "npm-shrinkwrap.json", npm_3, "5.42.0"),
        ("apps/cms", "yarn.lock", yarn_1, "5.44.0"),
        (".", "yarn.lock", yarn_4, "5.45.0"),
        ("apps/cms", "pnpm-lock.yaml", pnpm_9, "5.46.0"),
        (".", "pnpm-lock.yaml", pnpm_5, "5.47.0"),
    ] {
        let (folder, root) = workspace(inside, &[(name, text)]);
        let found = find(&root, None).expect(name);
        assert_eq!(found.version, expected, "{name}\n{text}");
        assert!(found.from.ends_with(name), "{}", found.from);
        drop(folder);
    }
}

#[test]
fn lock_files_of_another_time_or_project_are_passed_over() {
    let old = r#"{"packages":{"node_modules/@strapi/strapi":{"version":"4.25.0"}}}"#;
    let yarn = "\"@strapi/strapi@^5.40.0\":\n  version \"5.44.0\"\n";
    let (_folder, root) = workspace(".", &[("package-lock.json", old), ("yarn.lock", yarn)]);
    assert_eq!(version_of(&root), "5.44.0");
    let others = r#"{"packages":{"":{},"node_modules/@strapi/strapi":{"version":"5.44.0"}}}"#;
    let (_folder, root) = workspace("cms", &[("package-lock.json", others)]);
    find(&root, None).expect_err("it is of what lies above");
}

#[test]
fn exact_versions_may_be_written_in_several_ways() {
    for exact in ["5.2.0", "=5.2.0", "v5.2.0", " 5.2.0 "] {
        let manifest = format!(r#"{{"dependencies":{{"@strapi/strapi":"{exact}"}}}}"#);
        assert_eq!(version_of(project(&manifest, None).path()), "5.2.0");
    }
}

#[test]
fn lock_files_without_an_answer_are_passed_over() {
    let other = "\"@strapi/strapi@4.1.0\":\n  version \"4.1.0\"\n";
    let files = [
        ("package-lock.json", "{ broken"),
        ("yarn.lock", other),
        (
            "pnpm-lock.yaml",
            "importers:\n  .:\n    dependencies:\n      '@strapi/strapi':\n        version: link:../x\n",
        ),
    ];
    let (_folder, root) = workspace("cms", &files);
    let error = find(&root, None).expect_err("no version");
    assert!(error.to_string().contains("no lock file"), "{error}");
    assert!(error.advice().expect("advice").contains("--strapi-version"));
}

#[test]
fn a_version_that_was_chosen_wins_and_must_be_one() {
    let folder = project(RANGE, Some("5.54.0"));
    let found = find(folder.path(), Some("5.50.1")).expect("a version");
    assert_eq!(
        (found.version.as_str(), found.from.as_str()),
        ("5.50.1", "--strapi-version")
    );
    let error = find(folder.path(), Some("5")).expect_err("no version");
    assert_eq!(error.kind(), crate::error::Kind::Usage);
}
