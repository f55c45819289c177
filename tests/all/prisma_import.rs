//! `backup prisma import` and `verify`, against a service that keeps what it is sent.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use strapi_backup::prisma::ndf::{Form, ValueType, Writer};

use crate::support::cli::{backup, run};
use crate::support::prisma_service::data::{Place, comment, expected, link, post, sample, tags};
use crate::support::prisma_service::runs::{import, imports, states};
use crate::support::prisma_service::{Fault, Held, Kept, PrismaService};

#[test]
fn the_sample_is_imported_once_and_a_token_of_the_secret_says_who_asks() {
    let service = PrismaService::new().with_secret("my-secret");
    let place = Place::new(&service.endpoint());
    for name in ["import", "import/import.zip"] {
        let service = PrismaService::new().with_secret("my-secret");
        place.points_to(&service.endpoint());
        let data = place.path("sample.data");
        let data = match name {
            "import" => sample(name),
            _ => {
                fs::copy(sample(name), data.with_extension("zip")).expect("copied");
                data.with_extension("zip")
            }
        };
        let copied = place.path("copy");
        if data.is_dir() {
            crate::support::files::copy_folder(&data, &copied);
        }
        let data = if data.is_dir() { &copied } else { &data };
        let outcome = run(&mut import(&place, data)).ends_with(0);
        assert!(
            outcome.stdout.contains("in 3 requests"),
            "{}",
            outcome.all()
        );
        assert!(!outcome.all().contains("my-secret"));
        service.held().is_same(&expected(&sample("import")), name);
        assert_eq!(imports(&service), 3);
        run(&mut import(&place, data))
            .ends_with(2)
            .says(["was imported into", "--restart"]);
        assert_eq!(service.seen().len(), 0);
    }
    // The other server knows nothing of it, and inherits nothing.
    place.points_to(&service.endpoint());
    run(&mut import(&place, &place.path("copy"))).ends_with(0);
    service
        .held()
        .is_same(&expected(&sample("import")), "another server");
    service.hold(|held| *held = Held::default());
    run(import(&place, &place.path("copy")).arg("--restart")).ends_with(0);
    service
        .held()
        .is_same(&expected(&sample("import")), "again");
}

#[test]
fn nothing_is_sent_where_something_is_wrong_and_nothing_in_a_dry_run() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = [
        vec![post("p", "T"), comment("c")],
        vec![comment("c"), json!({"_typeName": "Post", "id": "q"})],
    ];
    let data = place.write(
        "bad",
        [&nodes, &[vec![tags("x", &["a"])]], &[vec![link("p", "d")]]],
    );
    let outcome = run(&mut import(&place, &data)).ends_with(6).says([
        "nodes/000002.json, element 1: the id `c` is there already: nodes/000001.json, element 2",
        "nodes/000002.json, element 2: Post must have title, state",
        "lists/000001.json, element 1: there is no node with the id `x`",
        "relations/000001.json, element 1: there is no node with the id `d`",
    ]);
    assert!(
        outcome.stdout.contains("this run sent nothing"),
        "{}",
        outcome.all()
    );
    let data = place.write("good", [&nodes[..1], &[], &[]]);
    let outcome = run(import(&place, &data).arg("--dry-run")).ends_with(0);
    assert!(
        outcome.stdout.contains("1 request would be sent"),
        "{}",
        outcome.all()
    );
    let mut verify = backup(["prisma", "verify"]);
    run(verify
        .arg(&data)
        .arg("--datamodel")
        .arg(place.path("datamodel.prisma")))
    .ends_with(0);
    assert_eq!(imports(&service), 0);
    assert!(states(&place).is_empty());
}

#[test]
fn a_single_file_is_imported_and_what_it_refers_to_may_be_on_the_server() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = place.write(
        "data",
        [
            &[vec![post("p", "T"), comment("c")]],
            &[],
            &[vec![link("p", "c")]],
        ],
    );
    for file in ["nodes/000001.json", "relations/000001.json"] {
        run(&mut import(&place, &data.join(file))).ends_with(0);
    }
    let held = service.held();
    assert_eq!((held.nodes.len(), held.relations.len()), (2, 1));
}

#[test]
fn what_the_server_refuses_is_told_with_its_place_and_the_next_run_goes_on() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = place.write(
        "data",
        [
            &[vec![post("a", "T"), post("b", "T")], vec![comment("c")]],
            &[],
            &[vec![link("a", "c")]],
        ],
    );
    // It is put there just before the import is.
    service.intrudes(|held| {
        held.nodes.insert("b".into(), post("b", "another"));
    });
    let told = "nodes/000001.json, element 2 (Post): Failure inserting Post with Id: b";
    let outcome = run(&mut import(&place, &data))
        .ends_with(13)
        .says([told, "run the same command again"]);
    assert_eq!(service.held().relations.len(), 0, "{}", outcome.all());
    // What is there under the id is another node, and that is told.
    run(&mut import(&place, &data)).ends_with(13).says([
        "another node with its id",
        "nodes/000001.json",
        "`b`",
    ]);
    service.hold(|held| {
        held.nodes.remove("b");
    });
    run(&mut import(&place, &data)).ends_with(0);
    service
        .held()
        .is_same(&expected(&data), "after it was taken away");
}

#[test]
fn ids_that_others_put_there_are_listed_before_anything_is_sent() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = [vec![post("a", "T"), post("b", "T")], vec![comment("c")]];
    let lists = [vec![tags("b", &["x", "y"])]];
    let data = place.write("data", [&nodes, &lists, &[vec![link("a", "c")]]]);
    // One of them looks the same, and one is of another type.
    service.hold(|held| {
        held.nodes.insert("b".into(), post("b", "T"));
        held.nodes.insert("c".into(), post("c", "T"));
        held.nodes.insert("d".into(), post("d", "T"));
        let values = vec![json!("x"), json!("y")];
        let key = ("b".to_owned(), "tags".to_owned());
        held.lists.insert(key, ("Post".into(), values));
    });
    let held = service.held();
    for options in [&["--dry-run"][..], &[], &[], &["--restart"]] {
        let outcome = run(import(&place, &data).args(options)).ends_with(1).says([
            "nodes/000001.json, element 2: Post `b`",
            "nodes/000002.json, element 1: Comment `c`, where the service holds Post `c`",
        ]);
        let told = outcome.all();
        assert!(!told.contains("`a`") && !told.contains("`d`"), "{told}");
        assert!(states(&place).is_empty());
    }
    assert_eq!(imports(&service), 0);
    service.held().is_same(&held, "before");
    service.hold(|held| {
        held.nodes.retain(|id, _| id == "d");
        held.lists.clear();
    });
    run(&mut import(&place, &data)).ends_with(0);
    assert_eq!(service.held().lists, expected(&data).lists);
}

#[test]
fn lists_are_not_doubled_where_an_import_begins_anew_into_a_service_that_was_not_emptied() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = [vec![post("p", "T"), post("q", "T")]];
    let lists = [vec![tags("p", &["a", "b"]), tags("q", &["c"])]];
    let data = place.write("data", [&nodes, &lists, &[]]);
    run(&mut import(&place, &data)).ends_with(0);
    let held = service.held();
    for _ in 0..2 {
        run(import(&place, &data).arg("--restart"))
            .ends_with(1)
            .says(["Post `p`", "Post `q`"]);
        service.held().is_same(&held, "once more");
    }
    // What is known of the first run was not forgotten.
    run(&mut import(&place, &data)).ends_with(2);
    // The same for a file of lists alone. What comes behind other values is no doubt meant to.
    let file = data.join("lists/000001.json");
    run(&mut import(&place, &file))
        .ends_with(1)
        .says(["  000001.json, element 1: Post.tags of p", "Post.tags of q"]);
    service.held().is_same(&held, "lists alone");
    let more = place.write("more", [&[], &[vec![tags("p", &["c"])]], &[]]);
    run(&mut import(&place, &more.join("lists/000001.json"))).ends_with(0);
    let key = ("p".to_owned(), "tags".to_owned());
    assert_eq!(
        service.held().lists[&key].1,
        ["a", "b", "c"].map(Value::from)
    );
}

#[test]
fn a_node_that_was_refused_does_not_count_as_found_however_much_what_is_there_looks_like_it() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = [vec![post("a", "T"), post("b c", "T")]];
    let lists = [vec![tags("a", &["x"]), tags("b c", &["y"])]];
    let data = place.write("data", [&nodes, &lists, &[]]);
    // Somebody else imports the same at the same time.
    service.intrudes(|held| {
        held.nodes.insert("b c".into(), post("b c", "T"));
        let key = ("b c".to_owned(), "tags".to_owned());
        held.lists.insert(key, ("Post".into(), vec![json!("y")]));
    });
    run(&mut import(&place, &data)).ends_with(13);
    for _ in 0..2 {
        run(&mut import(&place, &data)).ends_with(13).says([
            "another node with its id",
            "nodes/000001.json, element 2: Post `b c`, which the service refused",
        ]);
        assert_eq!(service.held().lists.len(), 1);
        // Nothing begins anew there, and what is known is not forgotten.
        run(import(&place, &data).arg("--restart"))
            .ends_with(1)
            .says(["without --restart"]);
    }
    service.hold(|held| {
        held.nodes.remove("b c");
        held.lists.clear();
    });
    run(&mut import(&place, &data)).ends_with(0);
    service.held().is_same(&expected(&data), "taken away");
}

#[test]
fn where_nothing_can_be_sent_nothing_is_left_and_a_wrong_secret_is_told() {
    let service = PrismaService::new().with_secret("another");
    let place = Place::new(&service.endpoint());
    let data = place.write("data", [&[vec![post("p", "T")]], &[], &[]]);
    let outcome = run(&mut import(&place, &data))
        .ends_with(1)
        .says(["does not know who asks", "secret"]);
    assert!(states(&place).is_empty());
    assert!(!outcome.all().contains("my-secret"));
    fs::write(place.path(".env"), "SECRET=another").expect("written");
    run(&mut import(&place, &data)).ends_with(0);
    assert_eq!(service.held().nodes.len(), 1);
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        format!(
            "http://{}/svc/dev",
            listener.local_addr().expect("an address")
        )
    };
    let data = place.write("other", [&[vec![post("q", "T")]], &[], &[]]);
    let before = states(&place);
    run(import(&place, &data).args(["--endpoint", &gone]))
        .ends_with(1)
        .says([&gone]);
    assert_eq!(states(&place), before);
}

#[test]
fn a_data_set_that_was_packed_renamed_or_moved_is_not_imported_again() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = [vec![post("p", "T"), comment("c")]];
    let data = place.write(
        "data",
        [&nodes, &[vec![tags("p", &["a"])]], &[vec![link("p", "c")]]],
    );
    run(&mut import(&place, &data)).ends_with(0);
    let held = service.held();
    let again = |data: &Path| {
        run(&mut import(&place, data))
            .ends_with(2)
            .says(["was imported into"]);
        service.held().is_same(&held, "again");
    };
    let zip = place.path("packed.zip");
    let mut writer = Writer::create(&zip, Form::Zip, false).expect("begun");
    for value in &nodes[0] {
        writer
            .push(ValueType::Nodes, &value.to_string())
            .expect("written");
    }
    let others = [
        (ValueType::Lists, tags("p", &["a"])),
        (ValueType::Relations, link("p", "c")),
    ];
    for (kind, value) in others {
        writer.push(kind, &value.to_string()).expect("written");
    }
    writer.finish().expect("written");
    again(&zip);
    let renamed = place.path("renamed");
    fs::rename(&data, &renamed).expect("renamed");
    again(&renamed);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let moved = elsewhere.path().join("moved");
    fs::rename(&renamed, &moved).expect("moved");
    again(&moved);
    // Where the state itself is gone, nobody knows what of it is there.
    for name in states(&place) {
        fs::remove_file(place.path(&name)).expect("removed");
    }
    run(&mut import(&place, &moved))
        .ends_with(1)
        .says(["is gone", "--restart"]);
    service.held().is_same(&held, "without its state");
}

#[test]
fn answers_that_turn_a_request_away_leave_nothing_in_doubt() {
    let denied = r#"{"errors":[{"message":"Your token is invalid."}]}"#;
    for (status, body) in [(401, ""), (403, ""), (404, ""), (413, ""), (200, denied)] {
        let place = Place::new("http://127.0.0.1:1/");
        let data = place.write("data", [&[vec![post("p", "T")]], &[], &[]]);
        let service = PrismaService::new();
        place.points_to(&service.endpoint());
        // A proxy may let exports through.
        if status != 200 {
            service.fail_imports([Some(Fault::Status(status, Kept::Nothing))]);
            run(&mut import(&place, &data)).ends_with(1);
            assert!(states(&place).is_empty(), "{status}");
        }
        service.seen();
        service.turn_away(status, body);
        for options in [&["--dry-run"][..], &[]] {
            run(import(&place, &data).args(options)).ends_with(1);
            assert!(states(&place).is_empty(), "{status}");
        }
        assert_eq!(imports(&service), 0, "{status}");
    }
}

#[test]
fn a_token_that_the_service_repeats_is_not_shown() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = place.write("data", [&[vec![post("p", "T")]], &[], &[]]);
    let export = || {
        let mut command = backup(["prisma", "export", "--file"]);
        command.arg(place.path("out.zip"));
        command.arg("--project").arg(place.path(""));
        command
    };
    let errors =
        r#"{"errors":[{"message":"The token TOKEN of my-secret, that is TOKEN, is none"}]}"#;
    let refused = r#"["Failure inserting Post with Id: p. Cause: TOKEN"]"#;
    // Told too late to be shown whole, and at the door.
    let long: &'static str = Box::leak(format!("{}TOKEN", "x".repeat(200)).into_boxed_str());
    for (is_import, status, text) in [
        (false, 401, errors),
        (false, 404, long),
        (true, 404, long),
        (true, 200, refused),
    ] {
        let fault = Some(Fault::Repeats(status, text));
        let outcome = match is_import {
            true => {
                service.fail_imports([fault]);
                run(import(&place, &data).arg("--json"))
            }
            false => {
                service.fail_exports([fault]);
                run(&mut export())
            }
        };
        assert_ne!(outcome.code, Some(0), "{}", outcome.all());
        let token = service.seen().pop().and_then(|it| it.token);
        let token = token.expect("a token");
        let told = outcome.all();
        let mut parts = token.as_bytes().windows(16);
        let is_shown = parts.any(|it| told.contains(std::str::from_utf8(it).expect("ASCII")));
        assert!(!is_shown && !told.contains("my-secret"), "{told}");
        assert!(told.contains("<token>"), "{told}");
    }
}
