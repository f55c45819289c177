//! Imports of large rows and of many namespaces take no more memory than others. The server is modelled.

use std::fs;

use crate::limits::{MEMORY, measured_with};
use crate::support::dgraph_server::held::{Held, Tally};
use crate::support::dgraph_server::runs::Uids;
use crate::support::dgraph_server::{DgraphServer, Form, sets};

/// Imports so many rows of a megabyte, of which each is in the namespace that this says.
fn imported(
    server: &DgraphServer,
    rows: u64,
    piece: &str,
    namespace: impl Fn(u64) -> u64,
    options: &[&str],
) {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("set");
    fs::create_dir(&folder).expect("made");
    let spaces: std::collections::BTreeSet<u64> = (0..rows).map(&namespace).collect();
    let schema = spaces
        .iter()
        .map(|it| format!("[{it:#x}] <name>:string . \n"));
    sets::pack_lines(&folder.join("g01.schema.gz"), schema);
    let value = piece.repeat((1 << 20) / piece.len());
    let lines = (0..rows).map(|at| {
        // Users and groups have the first ones.
        let (uid, space) = (0x10001 + at, namespace(at));
        format!("<{uid:#x}> <name> \"{value}\"^^<xs:string> <{space:#x}> .\n")
    });
    sets::pack_lines(&folder.join("g01.rdf.gz"), lines);
    let (set, endpoint) = (folder.display().to_string(), server.endpoint());
    let arguments = ["dgraph", "import", &set, "--endpoint", &endpoint];
    let arguments = arguments.into_iter().chain(options.iter().copied());
    let password = [("BACKUP_DGRAPH_PASSWORD", "p4ssword".to_owned())];
    let Some((outcome, peak)) = measured_with(arguments, &password) else {
        return;
    };
    assert_eq!(outcome.code, Some(0), "{}", outcome.all());
    // A row is held where it is read, where it waits, and where it is sent.
    let most = MEMORY + (3 << 20);
    assert!(peak <= most, "{} MB: {}", peak >> 20, outcome.all());
}

#[test]
fn rows_that_grow_six_times_when_they_are_sent_take_no_more_memory() {
    let server = Uids::Kept.server(false);
    server.state().held.tally = Some(Tally::default());
    imported(&server, 16, "<", |_| 0, &[]);
    assert_eq!(server.held().tally.expect("a tally").rows, 16);
}

#[test]
fn unfinished_requests_of_many_namespaces_take_no_more_memory() {
    let server = DgraphServer::empty(Form::V2503);
    let spaces: Vec<u64> = (0..100).collect();
    {
        let mut state = server.state();
        state.held = Held::new(state.form).with_access_control(&spaces);
        state.login = Some(("groot", "p4ssword", None));
        state.tenants = spaces;
    }
    let options = ["--namespace", "all", "--user", "groot", "--dry-run"];
    imported(&server, 100, "name", |at| at, &options);
}
