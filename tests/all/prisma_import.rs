//! `backup prisma import` and `verify`, against a service that keeps what it is sent and fails on request.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use strapi_backup::prisma::ndf::{Form, ValueType, Writer};

use crate::support::cli::{Outcome, backup, run};
use crate::support::dice::Dice;
use crate::support::prisma_service::data::{Place, comment, expected, link, post, sample, tags};
use crate::support::prisma_service::{Fault, Held, Kept, PrismaService};

/// The import of a data set by a project.
fn import(place: &Place, data: &Path) -> Command {
    let mut command = backup(["prisma", "import", "--data"]);
    command.arg(data).arg("--project").arg(place.path(""));
    // The service of the tests is at work on nothing of which it says nothing, unless it is told to.
    command.env("BACKUP_SETTLE", "0s");
    command
}

/// How many imports a service has seen.
fn imports(service: &PrismaService) -> usize {
    let seen = service.seen().into_iter();
    seen.filter(|it| it.what == "import").count()
}

/// The states that imports have left in a folder.
fn states(place: &Place) -> Vec<String> {
    let names = fs::read_dir(place.path("")).expect("a folder");
    names
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".import-state"))
        .collect()
}

/// A data set that takes several requests of each kind.
fn large(place: &Place) -> std::path::PathBuf {
    let big = |at: usize| post(&format!("big{at}"), &"x".repeat(300_000));
    let nodes: Vec<Value> = (0..12)
        .map(big)
        .chain((0..4000).map(|at| post(&format!("p{at}"), "T")))
        .chain((0..9000).map(|at| comment(&format!("c{at}"))))
        .chain((12..20).map(big))
        .collect();
    let lists: Vec<Value> = (0..8)
        .map(|at| tags(&format!("p{at}"), &["x".repeat(290_000).as_str(), "end"]))
        .chain((8..2000).map(|at| tags(&format!("p{at}"), &["a", "b"])))
        .collect();
    let relations: Vec<Value> = (0..9000)
        .map(|at| link(&format!("p{}", at % 4000), &format!("c{at}")))
        .collect();
    let nodes: Vec<Vec<Value>> = nodes.chunks(5000).map(<[Value]>::to_vec).collect();
    place.write("data", [&nodes, &[lists], &[relations]])
}

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
        outcome.stdout.contains("1 requests would be sent"),
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
fn what_is_lost_is_read_back_and_sent_once() {
    let service = PrismaService::new().with_pages(50_000);
    let place = Place::new(&service.endpoint());
    let data = large(&place);
    let expected = expected(&data);
    let faults = [
        Fault::Cut(Kept::All),
        Fault::Status(500, Kept::Half),
        Fault::Errors(Kept::Half),
        Fault::Cut(Kept::Nothing),
        Fault::Status(503, Kept::All),
    ];
    // The first requests of nodes, and those that send what was missing of them.
    let times = faults.iter().cycle().take(15).map(|fault| Some(*fault));
    service.fail_imports(times);
    let outcome = run(&mut import(&place, &data)).ends_with(0);
    assert!(
        outcome.stdout.contains("were found there already"),
        "{}",
        outcome.all()
    );
    service.held().is_same(&expected, "nodes");
    // Lists and relations: the nodes take 7 requests.
    service.hold(|held| *held = Held::default());
    let times = (0..8)
        .map(|_| None)
        .chain(faults.iter().cycle().take(10).map(|it| Some(*it)));
    service.fail_imports(times);
    run(import(&place, &data).arg("--restart")).ends_with(0);
    service.held().is_same(&expected, "lists and relations");
}

#[test]
fn an_import_that_was_interrupted_says_how_to_go_on_and_goes_on() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = large(&place);
    service.fail_imports([None, None, None, Some(Fault::Interrupt(Kept::Half))]);
    let outcome = killed(&service, &mut import(&place, &data));
    outcome.ends_with(13).says([
        "interrupted",
        "requests are in the service",
        "run the same command again",
        "--restart",
    ]);
    assert_eq!(states(&place).len(), 1);
    let outcome = run(&mut import(&place, &data))
        .ends_with(0)
        .says(["going on: "]);
    assert!(
        outcome.stdout.contains("of earlier runs"),
        "{}",
        outcome.all()
    );
    service
        .held()
        .is_same(&expected(&data), "after an interruption");
}

#[test]
fn an_interruption_does_not_say_that_nothing_was_sent_where_an_earlier_run_sent_something() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = large(&place);
    service.fail_imports([None, Some(Fault::Interrupt(Kept::Half))]);
    killed(&service, &mut import(&place, &data)).ends_with(13);
    // The next one is stopped before it knows that there was another: while its monitor is told.
    service.fail_exports([Some(Fault::Interrupt(Kept::Nothing))]);
    let mut again = import(&place, &data);
    again.args(["--ping-url", &service.endpoint()]);
    let outcome = killed(&service, &mut again).ends_with(130);
    let told = outcome.all();
    assert!(
        told.contains("interrupted: this run sent nothing") && !told.contains("nothing was sent"),
        "{told}"
    );
    run(&mut import(&place, &data)).ends_with(0);
    service.held().is_same(&expected(&data), "both interrupted");
}

/// Runs a command that the service does something to.
fn killed(service: &PrismaService, command: &mut Command) -> Outcome {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    service.kills(child.id());
    Outcome::of(child.wait_with_output().expect("ended"))
}

/// Kills imports at so many random moments; each is run again until it ends.
fn kill(times: usize) {
    let mut dice = Dice::new();
    let seed = dice.seed;
    let source = Place::new("http://127.0.0.1:1/");
    let data = large(&source);
    let expected = expected(&data);
    for time in 0..times {
        let place = format!("seed {seed}, time {time}");
        let service = PrismaService::new();
        source.points_to(&service.endpoint());
        // Killed once or twice, the second time also while it clears up.
        for _ in 0..=dice.below(2) {
            let before = dice.below(13);
            let kept = [Kept::Nothing, Kept::Half, Kept::All][dice.below(3)];
            let faults = (0..before).map(|_| None).chain([Some(Fault::Kill(kept))]);
            service.fail_imports(faults);
            let outcome = killed(&service, &mut import(&source, &data));
            assert!(
                matches!(outcome.code, None | Some(0)),
                "{place}: {}",
                outcome.all()
            );
            if outcome.code == Some(0) {
                break;
            }
        }
        service.fail_imports([]);
        let outcome = run(&mut import(&source, &data));
        assert!(
            matches!(outcome.code, Some(0 | 2)),
            "{place}: {}",
            outcome.all()
        );
        service.held().is_same(&expected, &place);
    }
}

#[test]
fn after_kills_at_random_moments_every_element_is_there_once() {
    kill(4);
}

#[test]
#[ignore = "long: 50 kills"]
fn after_kills_at_fifty_random_moments_every_element_is_there_once() {
    kill(50);
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
    let nodes = [vec![post("a", "T"), post("b", "T")]];
    let lists = [vec![tags("a", &["x"]), tags("b", &["y"])]];
    let data = place.write("data", [&nodes, &lists, &[]]);
    // Somebody else imports the same at the same time.
    service.intrudes(|held| {
        held.nodes.insert("b".into(), post("b", "T"));
        let key = ("b".to_owned(), "tags".to_owned());
        held.lists.insert(key, ("Post".into(), vec![json!("y")]));
    });
    run(&mut import(&place, &data)).ends_with(13);
    for _ in 0..2 {
        run(&mut import(&place, &data)).ends_with(13).says([
            "another node with its id",
            "nodes/000001.json, element 2: Post `b`, which the service refused",
        ]);
        assert_eq!(service.held().lists.len(), 1);
    }
    service.hold(|held| {
        held.nodes.remove("b");
        held.lists.clear();
    });
    run(&mut import(&place, &data)).ends_with(0);
    service.held().is_same(&expected(&data), "taken away");
}

#[test]
fn values_of_one_list_that_stand_in_many_rows_come_in_order_whatever_is_lost() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let long = "x".repeat(400_000);
    let rows: Vec<Value> = (0..12)
        .map(|at| tags("p", &[&format!("{at}"), &long, &format!("end of {at}")]))
        .collect();
    let data = place.write(
        "data",
        [
            &[vec![post("p", "T")]],
            &[rows[..7].to_vec(), rows[7..].to_vec()],
            &[],
        ],
    );
    service.fail_imports([
        None,
        Some(Fault::Cut(Kept::Half)),
        None,
        Some(Fault::Status(500, Kept::All)),
        Some(Fault::Cut(Kept::Nothing)),
        Some(Fault::Cut(Kept::Half)),
    ]);
    run(&mut import(&place, &data)).ends_with(0);
    service.held().is_same(&expected(&data), "lists");
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
fn an_import_that_was_interrupted_goes_on_with_a_data_set_that_was_renamed() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = large(&place);
    service.fail_imports([None, None, None, Some(Fault::Kill(Kept::Half))]);
    killed(&service, &mut import(&place, &data));
    let renamed = place.path("renamed");
    fs::rename(&data, &renamed).expect("renamed");
    run(&mut import(&place, &renamed))
        .ends_with(0)
        .says(["going on: "]);
    service
        .held()
        .is_same(&expected(&renamed), "under another name");
}

#[test]
fn what_the_server_commits_after_the_connection_was_cut_is_not_sent_again() {
    // Nodes, lists and relations in turn.
    for before in 0..3 {
        let service = PrismaService::new();
        let place = Place::new(&service.endpoint());
        let nodes = [vec![post("p", "T"), comment("c")]];
        let lists = [vec![tags("p", &["a", "b"])]];
        let data = place.write("data", [&nodes, &lists, &[vec![link("p", "c")]]]);
        let faults = (0..before).map(|_| None).chain([Some(Fault::Late(1))]);
        service.fail_imports(faults);
        run(&mut import(&place, &data))
            .ends_with(0)
            .says(["is left alone"]);
        let told = format!("late, after {before}");
        service.held().is_same(&expected(&data), &told);
        assert_eq!(imports(&service), 3, "{told}");
    }
}

#[test]
fn what_the_server_commits_while_the_next_run_begins_is_not_sent_again() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = [vec![post("p", "T")]];
    let data = place.write("data", [&nodes, &[vec![tags("p", &["a", "b"])]], &[]]);
    // What is sent is lost, and the service cannot be read back: the run ends.
    service.fail_imports([None, Some(Fault::Late(3))]);
    let faults = [None]
        .into_iter()
        .chain((0..6).map(|_| Some(Fault::Status(404, Kept::Nothing))));
    service.fail_exports(faults);
    run(&mut import(&place, &data)).ends_with(13);
    service.fail_exports([]);
    run(&mut import(&place, &data)).ends_with(0);
    service.held().is_same(&expected(&data), "the next run");
    assert_eq!(imports(&service), 2);
}

#[test]
fn a_server_that_does_not_settle_is_sent_nothing_more_and_what_is_in_doubt_is_listed() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes: Vec<Value> = (0..4).map(|at| post(&format!("p{at}"), "T")).collect();
    let data = place.write("data", [std::slice::from_ref(&nodes), &[], &[]]);
    service.fail_imports([Some(Fault::Cut(Kept::Nothing))]);
    // The service holds one more each time it is asked.
    service.grow(nodes.into_iter().chain([post("other", "T")]));
    run(&mut import(&place, &data)).ends_with(0);
    assert_eq!(imports(&service), 1);
    let nodes: Vec<Value> = (0..9).map(|at| post(&format!("q{at}"), "T")).collect();
    let data = place.write("more", [std::slice::from_ref(&nodes), &[], &[]]);
    service.fail_imports([Some(Fault::Cut(Kept::Nothing))]);
    service.grow(nodes);
    run(&mut import(&place, &data))
        .ends_with(13)
        .says(["still at work", "nodes/000001.json, elements 1 to 9"]);
    assert_eq!(imports(&service), 1);
}

#[test]
fn links_in_doubt_of_a_table_with_several_relations_do_not_count_as_found() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    fs::write(
        place.path("datamodel.prisma"),
        "type User { id: ID! @id sent: [Message] @relation(name: \"S\") received: [Message] @relation(name: \"R\") }
         type Message { id: ID! @id sender: User @relation(name: \"S\") receiver: User @relation(name: \"R\") }",
    )
    .expect("written");
    let node = |name: &str, id: String| json!({"_typeName": name, "id": id});
    let nodes: Vec<Value> = (0..3)
        .flat_map(|at| {
            [
                node("User", format!("u{at}")),
                node("Message", format!("m{at}")),
            ]
        })
        .collect();
    let pair = |at: usize, field: &str, back: &str| {
        json!([
            {"_typeName": "Message", "id": format!("m{at}"), "fieldName": field},
            {"_typeName": "User", "id": format!("u{at}"), "fieldName": back}
        ])
    };
    let relations: Vec<Value> = (0..3)
        .map(|at| pair(at, "sender", "sent"))
        .chain((0..3).map(|at| pair(at, "receiver", "received")))
        .collect();
    let data = place.write("data", [&[nodes], &[], &[relations]]);
    service.hold(|held| held.mistaken = Some([["sender", "sent"], ["receiver", "received"]]));
    // What is there are the senders, and the server says of the receivers that they are there as well.
    service.fail_imports([None, Some(Fault::Cut(Kept::Half))]);
    let outcome = run(&mut import(&place, &data))
        .ends_with(13)
        .says(["it is not known which of 6 relations", "--restart"]);
    assert!(
        !outcome.all().contains("run the same command again"),
        "{}",
        outcome.all()
    );
    assert_eq!(service.held().relations.len(), 3);
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
fn requests_of_earlier_runs_are_counted_once_wherever_the_next_one_pauses() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = (0..14).map(|at| post(&format!("p{at}"), &"x".repeat(600_000)));
    let data = place.write("data", [&[nodes.collect()], &[], &[]]);
    // So many are in doubt that the run stops to clear them up; others that were on their way are there.
    service.fail_imports((0..8).map(|_| Some(Fault::Cut(Kept::Nothing))));
    service.fail_exports([None, Some(Fault::Kill(Kept::All))]);
    killed(&service, &mut import(&place, &data));
    let state = fs::read_to_string(place.path(&states(&place)[0])).expect("read");
    let lines = state.lines().filter(|line| line.contains("\"taken\""));
    let taken = lines.count();
    let outcome = run(&mut import(&place, &data)).ends_with(0);
    let told = format!("after {taken} of earlier runs");
    let is_told = outcome.stdout.contains(&told) || taken == 0;
    assert!(is_told, "{told}: {}", outcome.all());
    service.held().is_same(&expected(&data), "after both runs");
}

#[test]
fn nodes_that_come_back_written_otherwise_are_the_ones_that_were_sent() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    fs::write(
        place.path("datamodel.prisma"),
        "type T { id: ID! @id, json: Json, other: Json, none: Json, float: Float, moment: DateTime, createdAt: DateTime! }",
    )
    .expect("written");
    let node = json!({
        "_typeName": "T", "id": "t", "json": {"b": [1.0, {"d": 2, "c": "ä"}], "a": 1}, "other": 1.0, "none": null,
        "float": 2.0, "moment": "2017-11-29T16:35:13.1234567+02:00", "createdAt": "2017-11-29 14:35:13"
    });
    let data = place.write("data", [&[vec![node]], &[], &[]]);
    service.hold(|held| {
        held.rewritten = Some(|_| {
            json!({
                "_typeName": "T", "id": "t", "createdAt": "2017-11-29T14:35:13.000Z", "float": 2,
                "json": {"a": 1, "b": [1, {"c": "ä", "d": 2.0}]}, "moment": "2017-11-29T14:35:13.123Z", "other": 1
            })
        });
    });
    service.fail_imports([Some(Fault::Cut(Kept::All))]);
    let outcome = run(&mut import(&place, &data)).ends_with(0);
    let told = outcome.all();
    assert!(told.contains("1 elements were found there"), "{told}");
    assert_eq!(imports(&service), 1);
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

#[test]
fn a_read_back_that_the_server_leads_back_ends() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = place.write("data", [&[vec![post("p", "T")]], &[], &[]]);
    service.fail_imports([Some(Fault::Cut(Kept::Nothing))]);
    service.circle(1);
    run(&mut import(&place, &data))
        .ends_with(13)
        .says(["again and again"]);
}
