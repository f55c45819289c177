//! Which configuration is read, and what is said of it.

use std::fs;
use std::net::TcpListener;

use crate::support::archive::Archive;
use crate::support::cli::{PLAIN, Project, run, strapi_archive};

/// A project whose production has a database of its own, with one tag more.
fn with_production() -> Project {
    let project = Project::testdata();
    let live = project.path().join(".tmp/live.db");
    fs::copy(project.database(), &live).unwrap();
    let connection = rusqlite::Connection::open(&live).unwrap();
    connection
        .execute_batch("INSERT INTO tags (id, document_id, name) VALUES (900, 'live', 'live')")
        .unwrap();
    let folder = project.path().join("config/env/production");
    fs::create_dir_all(&folder).unwrap();
    let text = "module.exports = { connection: { connection: { filename: '.tmp/live.db' } } };";
    fs::write(folder.join("database.js"), text).unwrap();
    project
}

/// How many tags an archive has.
fn tags(project: &Project, name: &str) -> usize {
    let archive = Archive::open(&project.archive(name), None);
    let lines = archive.lines("entities");
    let is_tag = |line: &&String| line.contains("\"type\":\"api::tag.tag\"");
    lines.iter().filter(is_tag).count()
}

#[test]
fn every_run_says_which_environment_and_database_it_uses() {
    let project = Project::testdata();
    let database = project.database().canonicalize().unwrap();
    let database = format!("database {}", database.display());
    let said = |words: &str| format!("{database}, environment {words})");
    let arguments = [&["-f", "site"], &PLAIN[..]].concat();
    let exported = project.run("export", arguments).ends_with(0);
    exported.says([&said("development")]);
    let chosen = [&["-f", "other", "--environment", "odd one"], &PLAIN[..]].concat();
    let exported = project.run("export", chosen).ends_with(0);
    exported.says([&said("odd one")]);
    project
        .import(&strapi_archive(), &["--dry-run"])
        .ends_with(0)
        .says([&said("development")]);
}

#[test]
fn a_production_database_that_nobody_chose_is_a_note_and_refused_where_that_is_asked_for() {
    let project = with_production();
    let export = |name: &str, more: &[&str]| {
        let arguments = [&["-f", name], &PLAIN[..], more].concat();
        project.command("export", arguments)
    };
    let doubt = "config/env/production/database.js names one for production";
    run(&mut export("guess", &[]))
        .ends_with(0)
        .says([doubt, "--environment production"]);
    run(&mut export("strict", &["--strict"]))
        .ends_with(1)
        .says([doubt]);
    assert!(!project.archive("strict.tar").exists());
    project
        .import(&strapi_archive(), &["--strict", "--dry-run"])
        .ends_with(1)
        .says([doubt]);
    // Whoever says it is not asked.
    let told = run(&mut export("live", &["--environment", "production"])).ends_with(0);
    assert!(!told.stderr.contains(doubt), "{}", told.all());
    let told = run(export("development", &[]).env("NODE_ENV", "development")).ends_with(0);
    assert!(!told.stderr.contains(doubt), "{}", told.all());
    assert_eq!(tags(&project, "live.tar"), tags(&project, "guess.tar") + 1);
    assert_eq!(
        tags(&project, "development.tar"),
        tags(&project, "guess.tar")
    );
}

#[test]
fn plugins_that_cannot_be_evaluated_matter_to_a_restore_of_files_alone() {
    let project = Project::testdata();
    let text = "module.exports = { upload: require('./gone')() };";
    fs::write(project.path().join("config/plugins.js"), text).unwrap();
    let archive = project.export("site", &[]);
    project
        .import(&archive, &["--exclude", "files"])
        .ends_with(0);
    project
        .import(&archive, &[])
        .ends_with(1)
        .says(["config/plugins.js", "--exclude files"]);
}

#[test]
fn a_server_that_does_not_answer_is_given_up_after_the_time_of_the_configuration() {
    let project = Project::testdata();
    project.edit(
        "config/database.js",
        "acquireConnectionTimeout: 60000",
        "acquireConnectionTimeout: 400",
    );
    // The system takes the connection, and nobody answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for client in ["postgres", "mysql"] {
        let arguments = [&["-f", "site"], &PLAIN[..]].concat();
        let mut command = project.command("export", arguments);
        command
            .env("DATABASE_CLIENT", client)
            .env("DATABASE_HOST", "127.0.0.1")
            .env("DATABASE_PORT", &port);
        run(&mut command)
            .ends_with(1)
            .says(["did not let us in within 0.4 s", "acquireConnectionTimeout"]);
    }
}

#[test]
fn lists_may_have_blanks_after_their_commas() {
    let project = Project::testdata();
    let plain = project.exported(&["--only-content-types", "api::tag.tag,api::article.article"]);
    let spaced = project.export(
        "spaced",
        &[
            "--only-content-types",
            "api::tag.tag, api::article.article ",
        ],
    );
    assert_eq!(
        Archive::open(&spaced, None).lines("entities"),
        plain.lines("entities")
    );
    let arguments = [&["-f", "kinds", "--exclude", "files, config"], &PLAIN[..]].concat();
    project.run("export", arguments).ends_with(0);
    let archive = Archive::open(&project.archive("kinds.tar"), None);
    assert!(archive.lines("configuration").is_empty());
    let arguments = [&["-f", "kinds", "--exclude", "files, nothing"], &PLAIN[..]].concat();
    project
        .run("export", arguments)
        .ends_with(2)
        .says(["media-library"]);
}

#[test]
fn compiled_code_stands_for_the_source_that_is_not_there() {
    let project = Project::testdata();
    let expected = project.exported(&[]);
    fs::create_dir(project.path().join("dist")).unwrap();
    fs::rename(project.path().join("src"), project.path().join("dist/src")).unwrap();
    let exported = project.export("compiled", &[]);
    let compiled = Archive::open(&exported, None);
    for stage in ["schemas", "entities", "links"] {
        assert_eq!(compiled.lines(stage), expected.lines(stage), "{stage}");
    }
    fs::remove_dir_all(project.path().join("dist/src/components")).unwrap();
    let arguments = [&["-f", "none"], &PLAIN[..]].concat();
    project
        .run("export", arguments)
        .ends_with(1)
        .says(["dist/src/components"]);
}

#[test]
fn a_version_is_said_where_nothing_tells() {
    let project = Project::testdata();
    project.edit("package.json", "\"5.54.0\"", "\"^5.0.0\"");
    let export = |more: &[&str]| {
        let arguments = [&["-f", "site", "--no-encrypt"], more].concat();
        project.run("export", arguments)
    };
    export(&[])
        .ends_with(1)
        .says(["no lock file", "--strapi-version"]);
    export(&["--strapi-version", "five"]).ends_with(2);
    export(&["--strapi-version", "5.54.0"])
        .ends_with(0)
        .says(["Strapi 5.54.0"]);
    let lock = r#"{"packages":{"node_modules/@strapi/strapi":{"version":"5.54.0"}}}"#;
    fs::write(project.path().join("package-lock.json"), lock).unwrap();
    let arguments = ["-f", "locked", "--no-encrypt"];
    project
        .run("export", arguments)
        .ends_with(0)
        .says(["Strapi 5.54.0"]);
}
