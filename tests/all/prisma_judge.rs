//! The real command line of Prisma 1 as judge: it imports what this program exports, and this program imports what it
//! exports.

use std::fs;
use std::process::Command;

use crate::support::cli::{backup, run};
use crate::support::prisma_service::data::{Place, comment, expected, link, post, sample, tags};
use crate::support::prisma_service::judge::Judge;
use crate::support::prisma_service::{Held, PrismaService};

/// A service with a little of everything.
fn filled(service: &PrismaService) -> Held {
    service.hold(|held| {
        for at in 0..300 {
            let (one, other) = (format!("p{at}"), format!("c{at}"));
            held.nodes
                .insert(one.clone(), post(&one, "naïve — 日本語 🎉 \"\\\n"));
            held.nodes.insert(other.clone(), comment(&other));
            let row = tags(&one, &["a", "b"]);
            let values = row["tags"].as_array().expect("tags").clone();
            held.lists
                .insert((one.clone(), "tags".into()), ("Post".into(), values));
            held.relations.push(link(&one, &other));
        }
    });
    service.held()
}

/// The bodies of the imports that a service has seen.
fn bodies(service: &PrismaService) -> Vec<String> {
    let seen = service.seen().into_iter();
    seen.filter(|it| it.what == "import")
        .map(|it| it.body)
        .collect()
}

fn own(place: &Place, arguments: &[&str]) -> Command {
    let mut command = backup(["prisma"].iter().chain(arguments));
    command
        .arg("--project")
        .arg(place.path(""))
        .current_dir(place.path(""));
    command
}

#[test]
fn what_is_exported_is_imported_by_the_real_cli_byte_for_byte() {
    let Some(judge) = Judge::find() else { return };
    let service = PrismaService::new()
        .with_secret("my-secret")
        .with_pages(10_000);
    let held = filled(&service);
    let place = Place::new(&service.endpoint());
    fs::write(place.path(".env"), "SECRET=my-secret\n").expect("written");
    run(&mut own(&place, &["export", "--file", "own.zip"])).ends_with(0);
    run(&mut own(
        &place,
        &["export", "--file", "own", "--format", "dir"],
    ))
    .ends_with(0);
    let other = PrismaService::new().with_secret("my-secret");
    place.points_to(&other.endpoint());
    let told = judge.run(
        &place.path(""),
        &other.endpoint(),
        &["import", "--data", "own.zip"],
    );
    other.held().is_same(&held, &told);
    let mut files = Vec::new();
    for kind in ["nodes", "lists", "relations"] {
        let mut paths: Vec<_> = fs::read_dir(place.path("own").join(kind))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        files.extend(
            paths
                .into_iter()
                .map(|path| fs::read_to_string(path).expect("read")),
        );
    }
    assert!(files.len() > 20);
    assert!(
        bodies(&other) == files,
        "the bodies are not the files\n{told}"
    );
    judge
        .validates(&place.path("own"), &place.path("datamodel.prisma"))
        .expect("valid");
}

#[test]
fn what_the_real_cli_exports_is_imported() {
    let Some(judge) = Judge::find() else { return };
    let service = PrismaService::new()
        .with_secret("my-secret")
        .with_pages(10_000);
    let held = filled(&service);
    let place = Place::new(&service.endpoint());
    let told = judge.run(
        &place.path(""),
        &service.endpoint(),
        &["export", "--path", "theirs.zip"],
    );
    assert!(place.path("theirs.zip").exists(), "{told}");
    let other = PrismaService::new().with_secret("my-secret");
    place.points_to(&other.endpoint());
    run(&mut own(&place, &["import", "--data", "theirs.zip"])).ends_with(0);
    other.held().is_same(&held, "their export");
}

#[test]
fn both_import_the_sample_to_the_same_end_and_both_refuse_its_bad_zip() {
    let Some(judge) = Judge::find() else { return };
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    fs::copy(sample("import/import.zip"), place.path("good.zip")).expect("copied");
    fs::copy(sample("import.zip"), place.path("bad.zip")).expect("copied");
    let told = judge.run(
        &place.path(""),
        &service.endpoint(),
        &["import", "--data", "good.zip"],
    );
    service.held().is_same(&expected(&sample("import")), &told);
    let theirs = bodies(&service);
    service.hold(|held| *held = Held::default());
    run(&mut own(&place, &["import", "--data", "good.zip"])).ends_with(0);
    let parsed = |bodies: Vec<String>| -> Vec<serde_json::Value> {
        bodies
            .iter()
            .map(|it| serde_json::from_str(it).expect("JSON"))
            .collect()
    };
    assert_eq!(parsed(bodies(&service)), parsed(theirs));
    judge.run(
        &place.path(""),
        &service.endpoint(),
        &["import", "--data", "bad.zip"],
    );
    run(&mut own(&place, &["import", "--data", "bad.zip"]))
        .ends_with(6)
        .says(["within the folder import", "unpack it"]);
    assert_eq!(bodies(&service).len(), 0);
}
