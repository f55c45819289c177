//! `backup prisma export`, from a service that gives pages and fails on request.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::cli::{Outcome, backup, run};
use crate::support::prisma_service::data::{Place, comment, expected, link, post, tags};
use crate::support::prisma_service::{Fault, Held, Kept, PrismaService};
use crate::support::schema::described;

/// The export of a project's service.
fn export(place: &Place, name: &str, options: &[&str]) -> Command {
    let mut command = backup(["prisma", "export", "--project"]);
    command
        .arg(place.path(""))
        .arg("--file")
        .arg(place.path(name))
        .args(options);
    command
}

/// A service that holds so many posts, each with a comment and tags.
fn filled(count: usize) -> Held {
    let mut held = Held::default();
    for at in 0..count {
        let (one, other) = (format!("p{at}"), format!("c{at}"));
        held.nodes
            .insert(one.clone(), post(&one, &"ä".repeat(at % 100)));
        held.nodes.insert(other.clone(), comment(&other));
        let row = tags(&one, &["a", "b"]);
        let values = row["tags"].as_array().expect("tags").clone();
        held.lists
            .insert((one.clone(), "tags".into()), ("Post".into(), values));
        held.relations.push(link(&one, &other));
    }
    held
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn what_a_service_holds_is_exported_in_files_like_its_pages_and_comes_back() {
    let service = PrismaService::new()
        .with_secret("my-secret")
        .with_pages(100_000);
    service.hold(|held| *held = filled(2000));
    let place = Place::new(&service.endpoint());
    run(&mut export(&place, "blog", &["--format", "dir"])).ends_with(0);
    expected(&place.path("blog")).is_same(&service.held(), "the folder");
    let files = names(&place.path("blog/nodes"));
    assert_eq!(files[..2], ["000001.json", "000002.json"]);
    for name in &files {
        let text = fs::read_to_string(place.path("blog/nodes").join(name)).expect("read");
        assert!(text.len() < 110_000 && text.starts_with("{\"valueType\":\"nodes\",\"values\":[{"));
    }
    run(&mut export(&place, "blog.zip", &[])).ends_with(0);
    run(&mut export(&place, "blog.zip", &[]))
        .ends_with(2)
        .says(["already", "--overwrite"]);
    let outcome = run(&mut export(&place, "blog.zip", &["--overwrite", "--json"])).ends_with(0);
    outcome
        .stdout
        .lines()
        .for_each(|line| drop(described(line)));
    assert!(
        names(&place.path(""))
            .iter()
            .all(|name| !name.contains("unfinished"))
    );
    let other = PrismaService::new();
    let mut import = backup(["prisma", "import", "--data"]);
    import
        .arg(place.path("blog.zip"))
        .arg("--project")
        .arg(place.path(""));
    run(import.args(["--endpoint", &other.endpoint()])).ends_with(0);
    other.held().is_same(&service.held(), "the zip");
}

#[test]
fn a_page_that_fails_is_asked_for_again_and_nothing_of_it_is_there_twice() {
    let service = PrismaService::new().with_pages(50_000);
    service.hold(|held| *held = filled(1000));
    let place = Place::new(&service.endpoint());
    service.fail_exports([
        None,
        Some(Fault::Cut(Kept::All)),
        Some(Fault::Status(502, Kept::All)),
        Some(Fault::Errors(Kept::All)),
        None,
        Some(Fault::Status(429, Kept::All)),
    ]);
    run(&mut export(&place, "blog", &["--format", "dir"])).ends_with(0);
    expected(&place.path("blog")).is_same(&service.held(), "after faults");
}

/// How an export ends that the service does something to.
fn struck(service: &PrismaService, command: &mut Command) -> Outcome {
    let child = command.spawn().expect("started");
    service.kills(child.id());
    Outcome::of(child.wait_with_output().expect("ended"))
}

#[test]
fn an_export_that_was_cut_off_leaves_nothing_under_its_name_and_goes_on() {
    for fault in [Fault::Kill(Kept::All), Fault::Interrupt(Kept::All)] {
        let service = PrismaService::new().with_pages(20_000);
        service.hold(|held| *held = filled(500));
        let place = Place::new(&service.endpoint());
        service.fail_exports([None, None, None, Some(fault)]);
        let outcome = struck(&service, &mut export(&place, "blog", &["--format", "dir"]));
        if matches!(fault, Fault::Interrupt(_)) {
            outcome
                .ends_with(130)
                .says(["nothing was written under its name", "goes on"]);
        }
        assert!(!place.path("blog").exists());
        let before = service.seen().len();
        run(&mut export(&place, "blog", &["--format", "dir"]))
            .ends_with(0)
            .says(["going on with the export"]);
        expected(&place.path("blog")).is_same(&service.held(), "after it was cut off");
        let again = service.seen();
        let whole: Vec<_> = again
            .iter()
            .filter(|seen| seen.body.contains("\"row\":0"))
            .collect();
        // Lists and relations begin, nodes do not.
        assert_eq!((before, whole.len()), (4, 2), "{again:?}");
        assert_eq!(
            names(&place.path("")),
            [".env", "blog", "datamodel.prisma", "prisma.yml"]
        );
    }
}

#[test]
fn an_export_does_not_go_on_without_the_pages_that_it_fetched() {
    let service = PrismaService::new().with_pages(20_000);
    service.hold(|held| *held = filled(500));
    let place = Place::new(&service.endpoint());
    let page = place.path(".blog.unfinished/nodes/000003.json");
    let state = place.path(".blog.unfinished/state.json");
    type Damage<'a> = &'a dyn Fn();
    let damages: [(Damage<'_>, &str); 3] = [
        (
            &|| fs::remove_file(&page).expect("removed"),
            "000003.json was fetched, and is gone",
        ),
        (
            &|| fs::write(&page, "{").expect("cut"),
            "nodes does not hold what was fetched",
        ),
        (
            &|| fs::write(&state, "{}").expect("written"),
            "state.json is no state of an export",
        ),
    ];
    for (damage, why) in damages {
        service.fail_exports([None, None, None, Some(Fault::Kill(Kept::All))]);
        struck(&service, &mut export(&place, "blog", &["--format", "dir"]));
        damage();
        run(&mut export(&place, "blog", &["--format", "dir"]))
            .ends_with(1)
            .says([why, "--restart"]);
        assert!(!place.path("blog").exists());
        run(&mut export(
            &place,
            "blog",
            &["--format", "dir", "--restart"],
        ))
        .ends_with(0);
        expected(&place.path("blog")).is_same(&service.held(), "anew");
        fs::remove_dir_all(place.path("blog")).expect("removed");
    }
}

#[test]
fn a_stream_as_a_data_set_is_refused_and_nothing_is_called_so() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let before = names(&place.path(""));
    for arguments in [
        ["export", "--file", "-"].as_slice(),
        &["export", "--file", "-", "--format", "dir"],
        &["import", "--data", "-"],
        &["verify", "-"],
    ] {
        let mut command = backup(["prisma"].iter().chain(arguments));
        run(command.current_dir(place.path("")))
            .ends_with(2)
            .says(["no stream", "name a file"]);
    }
    run(&mut export(&place, "/dev/null", &[]))
        .ends_with(2)
        .says(["/dev/null is neither a file nor a folder"]);
    assert_eq!((names(&place.path("")), service.seen().len()), (before, 0));
}

#[test]
fn an_unfinished_export_of_another_service_is_not_gone_on_with() {
    let service = PrismaService::new().with_pages(20_000);
    service.hold(|held| *held = filled(500));
    let place = Place::new(&service.endpoint());
    service.fail_exports([None, None, Some(Fault::Kill(Kept::All))]);
    struck(&service, &mut export(&place, "blog", &["--format", "dir"]));
    let other = PrismaService::new();
    other.hold(|held| *held = filled(3));
    place.points_to(&other.endpoint());
    run(&mut export(&place, "blog", &["--format", "dir"]))
        .ends_with(2)
        .says([&service.endpoint(), "--restart"]);
    run(&mut export(
        &place,
        "blog",
        &["--format", "dir", "--restart"],
    ))
    .ends_with(0);
    expected(&place.path("blog")).is_same(&other.held(), "the other service");
}

#[test]
fn wrong_ids_that_the_server_gives_are_listed_and_the_rest_is_exported() {
    let service = PrismaService::new();
    service.hold(|held| {
        *held = filled(3);
        // As where one table holds two relations: the ids are those of another one.
        held.relations[1] = link("p1", "p2");
        held.relations[2] = link("p2", "gone");
    });
    let place = Place::new(&service.endpoint());
    let outcome = run(&mut export(&place, "blog.zip", &[]))
        .ends_with(3)
        .says([
            "relations/000001.json, element 2: `p2` is a node of Post, and this says Comment",
            "relations/000001.json, element 3: there is no node with the id `gone`",
            "@relation(link: TABLE)",
        ]);
    assert!(
        outcome.stdout.contains("2 things in it are wrong"),
        "{}",
        outcome.all()
    );
    assert!(place.path("blog.incomplete.zip").exists());
    assert!(!place.path("blog.zip").exists());
}

#[test]
fn an_export_in_which_something_is_wrong_replaces_none_that_is_whole() {
    let service = PrismaService::new();
    service.hold(|held| *held = filled(3));
    let place = Place::new(&service.endpoint());
    run(&mut export(&place, "blog.zip", &[])).ends_with(0);
    let whole = fs::read(place.path("blog.zip")).expect("read");
    for _ in 0..2 {
        service.hold(|held| held.relations[2] = link("p2", "gone"));
        let outcome = run(&mut export(&place, "blog.zip", &["--overwrite"])).ends_with(3);
        assert!(outcome.stdout.contains("blog.incomplete.zip"));
        assert!(place.path("blog.incomplete.zip").exists());
        assert!(whole == fs::read(place.path("blog.zip")).expect("read"));
    }
    run(&mut export(&place, "blog.incomplete.zip", &["--overwrite"]))
        .ends_with(2)
        .says([".incomplete"]);
}

#[test]
fn an_export_whose_pages_lead_back_ends() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    service.circle(0);
    run(&mut export(&place, "blog.zip", &[]))
        .ends_with(1)
        .says(["again and again"]);
}

#[test]
fn an_export_without_a_name_goes_on_after_it_was_cut_off() {
    let service = PrismaService::new().with_pages(20_000);
    service.hold(|held| *held = filled(500));
    let place = Place::new(&service.endpoint());
    let unnamed = || {
        let mut command = backup(["prisma", "export"]);
        command.current_dir(place.path(""));
        command
    };
    service.fail_exports([None, None, None, Some(Fault::Kill(Kept::All))]);
    struck(&service, &mut unnamed());
    // Its name does not hold the time, which the next run has another of.
    let left = names(&place.path(""));
    let is_kept = |name: &String| name.ends_with(".unfinished") && !name.contains(".zip");
    assert!(left.iter().any(is_kept), "{left:?}");
    run(&mut unnamed())
        .ends_with(0)
        .says(["going on with the export"]);
    let left = names(&place.path(""));
    let zips = left.iter().filter(|name| name.ends_with(".zip")).count();
    assert_eq!((left.len(), zips), (4, 1), "{left:?}");
}

#[test]
fn a_zip_is_called_one_whatever_stands_behind_the_last_dot_of_its_name() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    for (name, made) in [
        ("blog", "blog.zip"),
        ("blog.2026", "blog.2026.zip"),
        ("blog.json", "blog.json.zip"),
        ("blog.ZIP", "blog.ZIP"),
    ] {
        run(&mut export(&place, name, &[])).ends_with(0);
        assert!(place.path(made).is_file(), "{:?}", names(&place.path("")));
    }
}

#[test]
fn what_cannot_be_reached_or_makes_no_sense_is_told_before_anything_is_written() {
    let place = Place::new("http://127.0.0.1:1/svc/dev");
    let before = names(&place.path(""));
    fs::write(
        place.path("prisma.yml"),
        "endpoint: ${env:NOWHERE}\ndatamodel: datamodel.prisma\n",
    )
    .expect("written");
    run(&mut export(&place, "a.zip", &[]))
        .ends_with(2)
        .says(["NOWHERE", "--env-file"]);
    fs::write(place.path("prisma.yml"), "datamodel: datamodel.prisma\n").expect("written");
    run(&mut export(&place, "a.zip", &[]))
        .ends_with(2)
        .says(["the endpoint is not known", "--endpoint"]);
    assert_eq!(names(&place.path("")), before);
    let service = PrismaService::new().with_secret("another");
    place.points_to(&service.endpoint());
    let outcome = run(&mut export(&place, "a.zip", &[]))
        .ends_with(1)
        .says(["does not know who asks"]);
    assert!(!outcome.all().contains("my-secret"));
    // It is not asked again and again.
    assert_eq!(service.seen().len(), 1);
    assert!(!place.path("a.zip").exists());
}

#[test]
fn an_export_that_goes_on_says_so_to_whoever_is_quiet_and_none_of_another_night_goes_on() {
    let service = PrismaService::new().with_pages(20_000);
    service.hold(|held| *held = filled(500));
    let place = Place::new(&service.endpoint());
    fs::create_dir(place.path("night")).expect("made");
    let cut = |option: &str| {
        service.fail_exports([None, None, None, Some(Fault::Status(404, Kept::Nothing))]);
        run(&mut export(&place, "night/", &["--overwrite"])).ends_with(1);
        run(&mut export(&place, "night/", &["--overwrite", option]))
    };
    let told = cut("--quiet").ends_with(0);
    assert!(
        told.stderr
            .starts_with("warning: going on with the export that began at "),
        "{}",
        told.all()
    );
    let told = cut("--json").ends_with(0);
    let summary = described(told.stdout.lines().last().expect("a summary"));
    let reason = summary["warnings"][0]["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("going on with the export"), "{summary}");
    // The same a day later: what was fetched is of another moment.
    service.fail_exports([None, None, None, Some(Fault::Status(404, Kept::Nothing))]);
    run(&mut export(&place, "night/", &["--overwrite"])).ends_with(1);
    let left = names(&place.path("night"));
    let left = left.iter().find(|name| name.ends_with(".unfinished"));
    let state = place
        .path("night")
        .join(left.expect("pages"))
        .join("state.json");
    let mut text: Value = serde_json::from_slice(&fs::read(&state).expect("read")).expect("JSON");
    for (at, began) in ["2026-01-01T02:30:00Z", "2999-01-01T02:30:00Z", "x"]
        .into_iter()
        .enumerate()
    {
        text["began"] = began.into();
        fs::create_dir_all(state.parent().expect("a folder")).expect("made");
        fs::write(&state, text.to_string()).expect("written");
        service.seen();
        let file = format!("night/{at}.zip");
        let unfinished = place.path(&format!("night/.{at}.zip.unfinished"));
        fs::rename(state.parent().expect("a folder"), &unfinished).expect("renamed");
        let outcome = run(&mut export(&place, &file, &[])).ends_with(0);
        let all = outcome.all();
        assert!(
            all.contains("begins anew") && !all.contains("going on"),
            "{all}"
        );
        let seen = service.seen();
        assert!(seen[0].body.contains("\"row\":0"), "{}", seen[0].body);
    }
}
