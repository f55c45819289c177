//! Runs of `backup prisma` and `backup convert` that nobody watches: from profiles, quiet, and as JSON.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::cli::{Outcome, backup, run, strapi_archive};
use crate::support::files::{listing, repository};
use crate::support::prisma_service::PrismaService;
use crate::support::prisma_service::data::{Place, comment, link, post, tags};
use crate::support::schema::described;

/// A project of a service, and a data set of a few nodes in it.
fn small() -> (PrismaService, Place) {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = vec![post("p", "T"), comment("c")];
    let lists = vec![tags("p", &["a"])];
    place.write("data", [&[nodes], &[lists], &[vec![link("p", "c")]]]);
    (service, place)
}

/// Runs it with `--json`; every line has to be described. Gives the summary.
fn summary(command: &mut Command, code: i32) -> Value {
    let outcome = run(command.arg("--json")).ends_with(code);
    let lines: Vec<Value> = outcome.stdout.lines().map(described).collect();
    let last = lines.last().expect("a summary").clone();
    assert_eq!(last["type"], "summary", "{}", outcome.all());
    assert_eq!(last["exit_code"], code, "{}", outcome.all());
    last
}

#[test]
fn every_line_of_json_of_a_service_is_described() {
    let (service, place) = small();
    let at = |name: &str| place.path(name).display().to_string();
    let project = at("");
    let model = at("datamodel.prisma");
    let run = |words: &[&str], code| {
        let summary = summary(&mut backup([&["prisma"], words].concat()), code);
        assert_eq!(summary["command"], format!("prisma {}", words[0]));
        summary
    };
    let data = at("data");
    let import = ["import", "--data", &data, "--project", &project];
    run(&[&import[..], &["--dry-run"]].concat(), 0);
    let done = run(&import, 0);
    assert_eq!(done["stages"]["nodes"]["groups"]["Post"]["count"], 1);
    assert_eq!(done["project"], service.endpoint());
    assert!(run(&import, 2)["error"]["message"].is_string());
    let zip = at("blog.zip");
    let export = ["export", "--project", &project, "--file", &zip];
    let exported = run(&export, 0);
    assert_eq!(exported["stages"]["relations"]["count"], 1);
    assert_eq!(exported["archive"]["name"], "blog.zip");
    let size = fs::metadata(&zip).expect("a zip").len();
    assert_eq!(exported["archive"]["size"], size);
    assert_eq!(
        exported["archive"]["sha256"]
            .as_str()
            .expect("a digest")
            .len(),
        64
    );
    run(&["verify", &zip, "--datamodel", &model], 0);
    // What is wrong is listed.
    service.hold(|held| held.relations.push(link("p", "gone")));
    let zip = at("other.zip");
    let export = ["export", "--project", &project, "--file", &zip];
    let incomplete = run(&export, 3);
    assert_eq!(incomplete["status"], "incomplete");
    let faults = incomplete["faults"].as_array().expect("faults");
    assert!(faults[0]["message"].as_str().unwrap().contains("gone"));
    place.write("bad", [&[vec![post("p", "T"), post("p", "U")]], &[], &[]]);
    let bad = at("bad");
    let verified = run(&["verify", &bad, "--datamodel", &model], 6);
    assert_eq!(verified["faults"].as_array().expect("faults").len(), 1);
    run(&["import", "--data", &bad, "--project", &project], 6);
}

#[test]
fn every_line_of_json_of_a_conversion_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let archive = strapi_archive().display().to_string();
    let convert = |words: &[&str], code| {
        let summary = summary(&mut backup([&["convert"], words].concat()), code);
        assert_eq!(summary["command"], "convert");
        summary
    };
    let (ndf, back) = (at("ndf"), at("back"));
    convert(&[&archive, &ndf, "--as", "ndf", "--dry-run"], 0);
    let done = convert(&[&archive, &ndf, "--as", "ndf"], 0);
    assert_eq!(done["status"], "complete");
    let done = convert(&[&ndf, &back, "--as", "strapi", "--no-encrypt"], 0);
    assert!(done["stages"]["entities"]["count"].as_u64() > Some(0));
    let failed = convert(&[&at("nothing"), &ndf, "--as", "ndf"], 2);
    assert_eq!(failed["status"], "failed");
}

/// Runs what stands in a profile, as cron does: with nothing but a line of words.
fn from_cron(folder: &Path, words: &[&str]) -> Outcome {
    let file = folder.join("backup.toml").display().to_string();
    let profile = ["--profile", "blog", "--config", &file];
    run(backup([words, &profile].concat()).current_dir("/"))
}

#[test]
fn a_profile_says_everything_of_an_export_and_an_import_that_cron_runs() {
    let (service, place) = small();
    let here = place.path("");
    let other = PrismaService::new().with_secret("my-secret");
    fs::write(place.path("secret"), "my-secret\n").unwrap();
    fs::create_dir(place.path("backups")).unwrap();
    let shown = here.display();
    let profile = format!(
        r#"
        [profiles.blog]
        quiet = true
        strict = true                       # for verbs of Strapi
        [profiles.blog.prisma]
        project = "{shown}"
        [profiles.blog.prisma.export]
        file = "{shown}/backups/"
        on-success = "cat >'{shown}/told'"
        [profiles.blog.prisma.import]
        data = "{shown}/data"
        endpoint = "{}"
        secret-file = "{shown}/secret"
        "#,
        other.endpoint()
    );
    fs::write(place.path("backup.toml"), profile).unwrap();
    run(backup(["prisma", "import", "--data"])
        .arg(place.path("data"))
        .arg("--project")
        .arg(&here))
    .ends_with(0);
    let exported = from_cron(&here, &["prisma", "export"]).ends_with(0);
    let mail = [&exported.stdout, &exported.stderr];
    assert!(mail.iter().all(|it| it.is_empty()), "{}", exported.all());
    let names = listing(&place.path("backups"));
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names[0].starts_with("export-") && names[0].ends_with(".zip"));
    let told: Value = serde_json::from_slice(&fs::read(place.path("told")).unwrap()).unwrap();
    assert_eq!(told["command"], "prisma export");
    from_cron(&here, &["prisma", "import"]).ends_with(0);
    other.held().is_same(&service.held(), "by the profile");
}

#[test]
fn a_secret_does_not_belong_in_a_profile() {
    let (_, place) = small();
    let profile = "[profiles.blog.prisma]\nsecret = 'hunter2'\n";
    fs::write(place.path("backup.toml"), profile).unwrap();
    let refused = from_cron(&place.path(""), &["prisma", "export"]).ends_with(2);
    assert!(!refused.all().contains("hunter2"), "{}", refused.all());
    refused.says(["a secret does not belong", "secret-file"]);
}

#[test]
fn every_command_is_in_the_readme_and_in_the_completions() {
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    for verb in strapi_backup::cli::command().get_subcommands() {
        let name = verb.get_name();
        let is_there = readme.contains(&format!("backup {name}"));
        assert!(is_there, "{name} is not in README.md");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&mut backup(["completions", shell])).ends_with(0).stdout;
        for word in [
            "convert",
            "prisma",
            "secret-file",
            "no-notes",
            "datamodel",
            "dgraph",
            "export-dir",
        ] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
}

#[test]
fn an_export_that_fetched_nothing_leaves_nothing() {
    let (service, place) = small();
    service.turn_away(401, "");
    let before = listing(&place.path(""));
    let zip = place.path("blog.zip").display().to_string();
    let project = place.path("").display().to_string();
    run(&mut backup([
        "prisma",
        "export",
        "--project",
        &project,
        "--file",
        &zip,
    ]))
    .ends_with(1);
    assert_eq!(listing(&place.path("")), before);
}
