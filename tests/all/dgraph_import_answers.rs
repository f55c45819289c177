//! `backup dgraph import`, into servers that are modelled and answer otherwise than one hopes: with what passes, and with
//! what somebody else did meanwhile.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::cli::{Outcome, run};
use crate::support::dgraph_server::runs::{Uids, import, killed, made, posted};
use crate::support::dgraph_server::sets::{Contents, pack};
use crate::support::dgraph_server::{Blow, DgraphServer, Form, Kept};

/// A folder with a set of so many nodes, and what is in it.
fn set(count: u64) -> (TempDir, PathBuf, Contents) {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("set");
    fs::create_dir(&folder).expect("made");
    let contents = made(&folder, count);
    (place, folder, contents)
}

fn load(set: &Path, server: &DgraphServer, given: &[&str]) -> Outcome {
    let given: Vec<String> = given.iter().map(|it| (*it).to_owned()).collect();
    run(&mut import(set, server, &given))
}

/// Gives a set this schema in GraphQL.
fn with_graphql(set: &Path, schema: &str) {
    let text = serde_json::json!([{"Namespace": 0, "Schema": schema}]).to_string();
    pack(&set.join("g01.gql_schema.gz"), &text);
}

/// What is said to whoever asks for uids while Zero changes its leader.
const NO_LEADER: &str =
    "resolving assign failed because No healthy connection found to Leader of group zero";

#[test]
fn a_lease_that_fails_while_zero_has_no_leader_is_asked_for_again_and_gives_no_node_another_uid() {
    let (_place, set, contents) = set(20);
    for uids in [Uids::Kept, Uids::KeptByZero] {
        let server = DgraphServer::empty(Form::V2503);
        let given = uids.options(&server);
        server.state().says = [("assign", NO_LEADER.to_owned())].into();
        run(&mut import(&set, &server, &given)).ends_with(0);
        uids.is_same(&server.held(), 0, &contents, "a leader came");
        // Without an end to it nothing is begun.
        let server = DgraphServer::empty(Form::V2503);
        server.state().says = vec![("assign", NO_LEADER.to_owned()); 6].into();
        let given = uids.options(&server);
        let outcome = run(&mut import(&set, &server, &given)).ends_with(1);
        outcome.says(["No healthy connection found", "Zero"]);
        assert!(server.held().contents(0).rows.is_empty());
        run(&mut import(&set, &server, &given)).ends_with(0);
        uids.is_same(&server.held(), 0, &contents, "the next run");
    }
}

/// What a server says of its GraphQL schema for some seconds after its start.
const NOT_READY: &str = "Unavailable: Server not ready.";

#[test]
fn a_graphql_schema_of_the_server_that_it_does_not_tell_is_not_overwritten() {
    let (_place, set, contents) = set(5);
    with_graphql(&set, "type A { a: String }");
    let server = DgraphServer::empty(Form::V2503);
    let own = |server: &DgraphServer| server.held().contents(0).graphql;
    if let Some(space) = server.state().held.spaces.get_mut(&0) {
        space.graphql = "type B { b: String }".into();
    }
    let said = "resolving getGQLSchema failed because of something";
    server.state().says = [("getGQLSchema", said.to_owned())].into();
    let outcome = load(&set, &server, &[]).ends_with(3);
    outcome.says(["does not say whether it has a GraphQL schema", said]);
    assert_eq!(own(&server), "type B { b: String }");
    // Nor once it is ready.
    server.state().says = [("getGQLSchema", NOT_READY.to_owned())].into();
    let outcome = load(&set, &server, &[]).ends_with(3);
    outcome.says(["the server has a GraphQL schema, and keeps it"]);
    assert_eq!(own(&server), "type B { b: String }");
    assert_eq!(server.held().contents(0).rows.len(), contents.rows.len());
}

#[test]
fn a_graphql_schema_that_a_server_is_not_ready_for_is_sent_again_and_one_that_is_refused_by_the_next_run()
 {
    let (_place, set, contents) = set(5);
    let schema = "type A { a: String }";
    with_graphql(&set, schema);
    let retry = "resolving updateGQLSchema failed because succeeded in saving GraphQL schema but failed to alter Dgraph schema \
        (you should retry)";
    for uids in [Uids::Kept, Uids::Blank] {
        let server = uids.server(false);
        let given = uids.options(&server);
        server.state().says = [
            ("getGQLSchema", NOT_READY.to_owned()),
            ("/admin/schema", NOT_READY.to_owned()),
            ("/admin/schema", retry.to_owned()),
            (
                "/admin/schema",
                "this version knows no such thing".to_owned(),
            ),
        ]
        .into();
        let outcome = run(&mut import(&set, &server, &given)).ends_with(3);
        outcome.says(["the server refuses the GraphQL schema: this version"]);
        assert_eq!(server.held().contents(0).graphql, "");
        // It is not called complete: the next run tries it again, and sends no row twice.
        let sent = server.state().rows_sent.len();
        run(&mut import(&set, &server, &given)).ends_with(0);
        assert_eq!(server.held().contents(0).graphql, schema);
        assert_eq!(server.state().rows_sent.len(), sent);
        uids.is_same(&server.held(), 0, &contents, "in two runs");
        let outcome = run(&mut import(&set, &server, &given)).ends_with(2);
        outcome.says(["the import is complete"]);
    }
}

#[test]
fn uids_that_zero_would_overflow_with_are_refused_and_new_ones_are_not() {
    let (_place, set, _) = set(1);
    pack(&set.join("g01.schema.gz"), "<name>:string .\n");
    let rows = "<0x1> <name> \"a\" .\n<0xfffffffffffffffe> <name> \"b\" .\n";
    pack(&set.join("g01.rdf.gz"), rows);
    let server = DgraphServer::empty(Form::V2503);
    let outcome = load(&set, &server, &[]).ends_with(1);
    outcome.says(["0xfffffffffffffffe", "--new-uids"]);
    assert!(server.held().lease < 10, "{:#x}", server.held().lease);
    load(&set, &server, &["--new-uids"]).ends_with(0);
    assert_eq!(server.held().contents(0).rows.len(), 2);
}

#[test]
fn merge_keeps_uids_also_where_nothing_leases_any() {
    let (_place, set, contents) = set(5);
    let server = DgraphServer::empty(Form::V2503);
    server.state().assigns = false;
    server.state().held.lease = 1_000;
    for _ in 0..2 {
        // What is there already is not added a second time.
        load(&set, &server, &["--merge", "--restart"]).ends_with(0);
        Uids::Kept.is_same(&server.held(), 0, &contents, "merged");
    }
    // Names have no uid in a server.
    pack(&set.join("g01.rdf.gz"), "_:a <key> \"k\" .\n");
    let before = server.state().came.len();
    let outcome = load(&set, &server, &["--merge"]).ends_with(1);
    outcome.says(["no", "leased", "--zero"]);
    let came = server.state().came.split_off(before);
    assert!(
        !came
            .iter()
            .any(|it| it.contains("/alter") || it.contains("/mutate"))
    );
}

#[test]
fn an_answer_that_does_not_say_that_something_was_taken_is_none() {
    let (_place, set, contents) = set(5);
    for path in ["/alter", "/mutate"] {
        for answer in [
            "{\"data\":{}}",
            "{\"data\":{\"code\":\"Failure\"}}",
            "{\"data\":{\"code\":",
        ] {
            let server = DgraphServer::empty(Form::V2503);
            server.state().answers = vec![(path, answer.to_owned()); 6].into();
            let outcome = load(&set, &server, &[]);
            assert_eq!(outcome.code, Some(13), "{path} {answer} {}", outcome.all());
            assert!(server.held().contents(0).rows.is_empty());
            server.state().answers.clear();
            load(&set, &server, &[]).ends_with(0);
            Uids::Kept.is_same(&server.held(), 0, &contents, answer);
            let state = set.parent().expect("a folder");
            for name in crate::support::files::listing(state) {
                if name.ends_with(".import-state") {
                    fs::remove_file(state.join(name)).expect("removed");
                }
            }
        }
    }
}

#[test]
fn no_value_of_a_row_is_printed_whatever_a_server_says() {
    for said in [
        "Transaction has been aborted while writing n1ghtingale",
        "Unauthorized to write n1ghtingale",
        "it cannot be: 'n1ghtingale\\nsecret'",
    ] {
        let (_place, set, _) = set(1);
        pack(&set.join("g01.schema.gz"), "<name>:string .\n");
        pack(&set.join("g01.rdf.gz"), "<0x1> <name> \"n1ghtingale\" .\n");
        let server = DgraphServer::empty(Form::V2503);
        server.state().refused = Some(("n1ghtingale".into(), said.into()));
        let outcome = load(&set, &server, &[]);
        assert!(
            [Some(3), Some(13)].contains(&outcome.code),
            "{}",
            outcome.all()
        );
        assert!(!outcome.all().contains("n1ghtingale"), "{}", outcome.all());
    }
}

#[test]
fn an_import_of_which_nothing_was_taken_does_not_go_on_into_what_somebody_else_loaded_since() {
    for (schema, row) in [
        // A node of the set, and what the set has not.
        ("<other>: string .", "<0x10> <other> \"of somebody else\" ."),
        // A node that another user made.
        ("", "_:a <name> \"of somebody else\" ."),
    ] {
        let (_place, set, contents) = set(20);
        let server = DgraphServer::empty(Form::V2503);
        server.state().blows.every = Some((1, Blow::Abort));
        load(&set, &server, &[]).ends_with(13);
        server.state().blows.every = None;
        if !schema.is_empty() {
            posted(&server, "/alter", "application/rdf", schema);
        }
        let body = format!("{{ set {{\n{row}\n}} }}");
        posted(&server, "/mutate?commitNow=true", "application/rdf", &body);
        assert_eq!(server.held().contents(0).rows.len(), 1);
        let outcome = load(&set, &server, &[]).ends_with(1);
        outcome.says(["holds what is not of the set", "--new-uids"]);
        assert_eq!(server.held().contents(0).rows.len(), 1);
        load(&set, &server, &["--merge"]).ends_with(0);
        assert_eq!(
            server.held().contents(0).rows.len(),
            contents.rows.len() + 1
        );
    }
    // What is there of its own, though no answer said so, is no obstacle.
    let (_place, set, contents) = set(20);
    let server = DgraphServer::empty(Form::V2503);
    server.state().blows.mutations = [Some(Blow::Kill(Kept::All))].into();
    let outcome = killed(&server, &mut import(&set, &server, &[]));
    assert_eq!(outcome.code, None, "{}", outcome.all());
    assert!(!server.held().contents(0).rows.is_empty());
    load(&set, &server, &[]).ends_with(0);
    Uids::Kept.is_same(&server.held(), 0, &contents, "its own");
}

#[test]
fn an_import_is_not_complete_in_a_server_that_was_emptied_after_its_last_row() {
    let (_place, set, _) = set(20);
    with_graphql(&set, "type A { a: String }");
    let server = Uids::Blank.server(false);
    {
        let mut state = server.state();
        state.refused = Some(("\"k3\"".into(), "no such key".into()));
        state.says = [("/admin/schema", "no such type".to_owned())].into();
    }
    load(&set, &server, &[]).ends_with(3);
    server.empties();
    let outcome = load(&set, &server, &[]).ends_with(1);
    outcome.says(["are not in the server any more", "--restart"]);
}

#[test]
fn a_schema_that_is_refused_and_there_in_part_is_not_told_as_nothing_changed() {
    let (_place, set, contents) = set(5);
    let server = DgraphServer::empty(Form::V2503);
    let said = "a group has no leader for what comes last";
    server.state().takes_in_part = Some(said.to_owned());
    let outcome = load(&set, &server, &[]).ends_with(13);
    outcome.says(["the server refuses the schema", said]);
    assert!(!server.held().contents(0).schema.predicates.is_empty());
    load(&set, &server, &[]).ends_with(0);
    Uids::Kept.is_same(&server.held(), 0, &contents, "the next run");
    // Where it is as it was, nothing was changed.
    let server = DgraphServer::empty(Form::V2503);
    server.state().says = [("/alter", said.to_owned())].into();
    load(&set, &server, &[]).ends_with(1);
}

#[test]
fn a_definition_that_the_server_takes_back_is_not_told_as_made() {
    let (_place, set, _) = set(1);
    pack(
        &set.join("g01.schema.gz"),
        "<note>:string @index(exact) .\n",
    );
    pack(&set.join("g01.rdf.gz"), "<0x10> <note> \"a\" .\n");
    let server = DgraphServer::empty(Form::V2503);
    posted(&server, "/alter", "application/rdf", "<note>: string .");
    let body = "{ set {\n_:a <note> \"b\" .\n} }";
    posted(&server, "/mutate?commitNow=true", "application/rdf", body);
    let taken = r#"{"data":{"code":"Success","message":"Done"}}"#;
    server.state().answers = [("/alter", taken.to_owned())].into();
    let given = ["--new-uids", "--schema", "replace"];
    let outcome = load(&set, &server, &given).ends_with(3);
    outcome.says(["has the old ones", "<note>:string @index(exact)"]);
    let outcome = load(&set, &server, &given).ends_with(2);
    outcome.says(["the import is complete"]);
}
