//! `backup dgraph import`, into servers that are modelled and answer otherwise than one hopes: with what passes, and with
//! what somebody else did meanwhile.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::cli::{Outcome, run};
use crate::support::dgraph_server::runs::{Uids, import, made, posted};
use crate::support::dgraph_server::sets::{Contents, pack};
use crate::support::dgraph_server::{DgraphServer, Form};

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
