//! Imports whose answers are lost: what is there is read back, and what is missing is sent.

use std::fs;

use serde_json::{Value, json};

use crate::support::cli::run;
use crate::support::prisma_service::data::{Place, comment, expected, link, post, tags};
use crate::support::prisma_service::runs::{import, imports, large};
use crate::support::prisma_service::{Fault, Held, Kept, PrismaService};

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
    assert!(told.contains("1 element was found there"), "{told}");
    assert_eq!(imports(&service), 1);
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
