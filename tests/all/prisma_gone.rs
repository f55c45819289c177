//! Imports into services that do not hold what earlier runs sent any more, or hold what nobody knows of.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::cli::{backup, run};
use crate::support::prisma_service::data::{Place, comment, expected, link, post, tags};
use crate::support::prisma_service::runs::{import, imports, states};
use crate::support::prisma_service::{Fault, Held, Kept, PrismaService};

/// A service that has taken some of the nodes of a data set, and turned the others away.
fn begun() -> (PrismaService, Place, PathBuf) {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = (0..20).map(|at| post(&format!("p{at}"), &"x".repeat(300_000)));
    let lists = [vec![tags("p0", &["a"])]];
    let data = place.write("data", [&[nodes.collect()], &lists, &[]]);
    let turned_away = std::iter::repeat_n(Some(Fault::Status(404, Kept::Nothing)), 20);
    service.fail_imports([None, None].into_iter().chain(turned_away));
    run(&mut import(&place, &data)).ends_with(13);
    service.fail_imports([]);
    service.seen();
    (service, place, data)
}

#[test]
fn an_import_does_not_go_on_into_a_service_that_was_emptied() {
    let (service, place, data) = begun();
    service.hold(|held| *held = Held::default());
    for options in [&["--dry-run"][..], &[], &[]] {
        run(import(&place, &data).args(options))
            .ends_with(1)
            .says(["is empty, and earlier runs sent it", "--restart"]);
    }
    assert_eq!((imports(&service), service.held().nodes.len()), (0, 0));
    assert_eq!(states(&place).len(), 1);
    run(import(&place, &data).args(["--restart", "--dry-run"])).ends_with(0);
    run(import(&place, &data).arg("--restart")).ends_with(0);
    service.held().is_same(&expected(&data), "begun anew");
}

#[test]
fn an_import_does_not_go_on_where_some_of_what_was_sent_is_gone() {
    let (service, place, data) = begun();
    // Somebody fills it again, with something else and less.
    let (id, node) = service.held().nodes.pop_first().expect("a node");
    service.hold(|held| {
        held.nodes.remove(&id);
        held.nodes.insert("other".into(), post("other", "T"));
    });
    let told = format!("Post `{id}`");
    for options in [&["--dry-run"][..], &[]] {
        run(import(&place, &data).args(options)).ends_with(1).says([
            "1 of the nodes that earlier runs sent",
            "nodes/000001.json, element ",
            &told,
            "--restart",
        ]);
    }
    assert_eq!(imports(&service), 0);
    service.hold(|held| {
        held.nodes.insert(id, node);
    });
    run(import(&place, &data).arg("--dry-run")).ends_with(0);
    run(&mut import(&place, &data)).ends_with(0);
    service.hold(|held| drop(held.nodes.remove("other")));
    service.held().is_same(&expected(&data), "put back");
}

#[test]
fn links_of_a_file_of_links_alone_are_not_sent_again_where_they_are_there() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = [vec![post("p", "T"), comment("c"), comment("d")]];
    // The same link is told from its other end.
    let turned = json!([link("p", "c")[1], link("p", "c")[0]]);
    let links: Vec<Value> = vec![turned, link("p", "d")];
    let data = place.write("data", [&nodes, &[], &[links]]);
    run(&mut import(&place, &data.join("nodes/000001.json"))).ends_with(0);
    let file = data.join("relations/000001.json");
    service.hold(|held| held.relations.push(link("p", "c")));
    service.seen();
    for options in [&["--dry-run"][..], &[], &["--restart"]] {
        let outcome = run(import(&place, &file).args(options)).ends_with(1).says([
            "the service holds these links",
            "  000001.json, element 1: ",
            "Post `p`",
            "Comment `c`",
        ]);
        assert!(!outcome.all().contains("element 2"), "{}", outcome.all());
    }
    assert_eq!(imports(&service), 0);
    service.hold(|held| held.relations.clear());
    run(&mut import(&place, &file)).ends_with(0);
    run(import(&place, &file).arg("--restart")).ends_with(1);
    assert_eq!(service.held().relations.len(), 2);
}

#[test]
fn a_dry_run_says_of_an_import_that_is_complete_what_the_import_says() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = place.write("data", [&[vec![post("p", "T")]], &[], &[]]);
    let outcome = run(&mut import(&place, &data)).ends_with(0);
    assert!(outcome.stdout.contains("in 1 request"), "{}", outcome.all());
    assert!(!outcome.all().contains("1 requests"), "{}", outcome.all());
    let state = place.path(&states(&place)[0]);
    let before = fs::read(&state).expect("read");
    for options in [&["--dry-run"][..], &[]] {
        let outcome = run(import(&place, &data).args(options))
            .ends_with(2)
            .says(["was imported into", "--restart"]);
        assert!(!outcome.all().contains("began"), "{}", outcome.all());
    }
    assert_eq!(fs::read(&state).expect("read"), before);
}

#[test]
fn a_service_that_gives_empty_pages_without_end_is_not_read_for_ever() {
    let told = "without anything in them, 100 in a row";
    // An export of it.
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    service.endless(0);
    let mut export = backup(["prisma", "export", "--file"]);
    export.arg(place.path("a.zip"));
    run(export.arg("--project").arg(place.path("")))
        .ends_with(1)
        .says([told]);
    // What it holds before an import.
    let data = place.write("data", [&[vec![post("p", "T")]], &[], &[]]);
    run(&mut import(&place, &data)).ends_with(1).says([told]);
    assert_eq!(imports(&service), 0);
    // What came of a request.
    let service = PrismaService::new();
    place.points_to(&service.endpoint());
    service.fail_imports([Some(Fault::Cut(Kept::Nothing))]);
    service.endless(1);
    run(&mut import(&place, &data)).ends_with(13).says([told]);
    assert_eq!(imports(&service), 1);
}
