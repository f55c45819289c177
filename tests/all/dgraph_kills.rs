//! Imports that are killed, lose answers and are in conflict with others; each ends with every row there once. The server
//! is modelled.

use std::fs;

use crate::limits::MEMORY;
use crate::support::cli::{Outcome, run};
use crate::support::dgraph_server::held::Tally;
use crate::support::dgraph_server::runs::{Uids, import, killed, made, nodes};
use crate::support::dgraph_server::{Blow, DgraphServer, Form, Kept, sets};
use crate::support::dice::Dice;
use crate::support::timing::{many, timed};

/// What happens to mutations while nobody is killed.
fn blow(dice: &mut Dice) -> Option<Blow> {
    let kept = [Kept::Nothing, Kept::All][dice.below(2)];
    match dice.below(12) {
        0 => Some(Blow::Abort),
        1 => Some(Blow::Cut(kept)),
        2 => Some(Blow::Status(502, kept)),
        3 => Some(Blow::CutRequest),
        4 => Some(Blow::Late(dice.below(4) as u32)),
        _ => None,
    }
}

/// Kills imports at so many random moments, some of them several times; each is run again until it ends.
fn kill(times: usize, uids: Uids) {
    let mut dice = Dice::new();
    let seed = dice.seed;
    let place = tempfile::tempdir().expect("a folder");
    let original = place.path().join("original");
    let set = made(&original, 1700);
    let (mut kills, mut at) = (0, 0);
    while kills < times {
        at += 1;
        let folder = place.path().join(format!("set-{at}"));
        crate::support::files::copy_folder(&original, &folder);
        let server = uids.server(false);
        let options = uids.options(&server);
        for _ in 0..=dice.below(4) {
            {
                let mut state = server.state();
                state.blows.mutations = (0..40).map(|_| blow(&mut dice)).collect();
                let kept = [Kept::Nothing, Kept::All][dice.below(2)];
                state.blows.any = Some((dice.below(24) as u32, Blow::Kill(kept)));
            }
            let outcome = killed(&server, &mut import(&folder, &server, &options));
            let told = format!("{uids:?}, seed {seed}, kill {kills}: {}", outcome.all());
            // What it was to be killed at may not have come.
            assert!(matches!(outcome.code, None | Some(0 | 13)), "{told}");
            kills += usize::from(outcome.code.is_none());
            if outcome.code == Some(0) {
                break;
            }
        }
        server.state().blows.mutations.clear();
        server.state().blows.any = None;
        let outcome = run(&mut import(&folder, &server, &options));
        let told = format!("{uids:?}, seed {seed}, kill {kills}: {}", outcome.all());
        assert!(matches!(outcome.code, Some(0 | 2)), "{told}");
        let held = server.held();
        uids.is_same(&held, 0, &set, &told);
        if uids == Uids::Blank {
            assert_eq!(
                held.made.len(),
                nodes(&set.rows),
                "{told}: a node was made twice"
            );
        }
        let sent = server.state().rows_sent.len();
        run(&mut import(&folder, &server, &options));
        assert_eq!(server.state().rows_sent.len(), sent, "{told}: sent again");
        fs::remove_dir_all(&folder).expect("removed");
    }
}

#[test]
fn after_kills_at_random_moments_every_row_is_there_once() {
    for uids in [Uids::Kept, Uids::New, Uids::Blank] {
        kill(3, uids);
    }
}

#[test]
#[ignore = "long: 150 kills"]
fn after_kills_at_fifty_random_moments_every_row_is_there_once() {
    for uids in [Uids::Kept, Uids::New, Uids::Blank] {
        kill(50, uids);
    }
}

#[test]
fn lost_answers_and_conflicts_alone_end_with_every_row_there_once() {
    let mut dice = Dice::new();
    let seed = dice.seed;
    let place = tempfile::tempdir().expect("a folder");
    for uids in [Uids::Kept, Uids::Blank] {
        let folder = place.path().join(format!("{uids:?}"));
        let set = made(&folder, 900);
        let server = uids.server(false);
        server.state().blows.mutations = (0..30).map(|_| blow(&mut dice)).collect();
        server.state().blows.every = Some((4, Blow::Abort));
        let options = uids.options(&server);
        let outcome = run(&mut import(&folder, &server, &options)).ends_with(0);
        let told = format!("{uids:?}, seed {seed}: {}", outcome.all());
        uids.is_same(&server.held(), 0, &set, &told);
    }
}

#[test]
fn a_conflict_without_an_end_ends_and_says_how_to_go_on() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("set");
    let set = made(&folder, 300);
    let server = DgraphServer::empty(Form::V2503);
    server.state().blows.every = Some((1, Blow::Abort));
    // The schema is there.
    run(&mut import(&folder, &server, &[]))
        .ends_with(13)
        .says(["aborted", "run the same command again"]);
    server.state().blows.every = None;
    run(&mut import(&folder, &server, &[])).ends_with(0);
    Uids::Kept.is_same(&server.held(), 0, &set, "after conflicts");
}

#[test]
fn an_import_that_is_interrupted_says_how_to_go_on_and_goes_on() {
    let place = tempfile::tempdir().expect("a folder");
    for (uids, kept) in [(Uids::Kept, Kept::All), (Uids::Blank, Kept::Nothing)] {
        let folder = place.path().join(format!("{uids:?}"));
        let set = made(&folder, 900);
        let server = uids.server(false);
        server.state().blows.mutations = [None, None, Some(Blow::Interrupt(kept))].into();
        let options = uids.options(&server);
        let outcome = killed(&server, &mut import(&folder, &server, &options)).ends_with(13);
        outcome.says(["interrupted", "run the same command again"]);
        run(&mut import(&folder, &server, &options)).ends_with(0);
        uids.is_same(&server.held(), 0, &set, "after an interruption");
    }
}

#[test]
fn a_second_signal_ends_an_import_that_is_half_way_with_the_code_of_that() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("set");
    let set = made(&folder, 900);
    let server = DgraphServer::empty(Form::V2503);
    let twice = Some(Blow::InterruptTwice(Kept::All));
    server.state().blows.mutations = [None, None, twice].into();
    killed(&server, &mut import(&folder, &server, &[])).ends_with(13);
    run(&mut import(&folder, &server, &[])).ends_with(0);
    Uids::Kept.is_same(&server.held(), 0, &set, "after two signals");
}

#[test]
fn an_import_that_another_one_is_at_work_on_is_told_so() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("set");
    let set = made(&folder, 300);
    let server = DgraphServer::empty(Form::V2503);
    server.state().blows.mutations = [Some(Blow::HeldBack)].into();
    let first = import(&folder, &server, &[]).spawn().expect("started");
    server.holds_back();
    run(&mut import(&folder, &server, &[])).ends_with(11);
    server.releases();
    let outcome = Outcome::of(first.wait_with_output().expect("ended"));
    assert_eq!(outcome.code, Some(0), "{}", outcome.all());
    Uids::Kept.is_same(&server.held(), 0, &set, &outcome.all());
}

#[test]
fn an_import_that_is_killed_does_not_go_on_into_a_server_that_was_emptied() {
    let place = tempfile::tempdir().expect("a folder");
    for uids in [Uids::Kept, Uids::New, Uids::Blank] {
        let folder = place.path().join(format!("{uids:?}"));
        let set = made(&folder, 1700);
        let server = uids.server(false);
        let options = uids.options(&server);
        // There are two that make nodes and 13 with rows. Ten travel at once, so that some are known to be taken.
        let first = if uids == Uids::Blank { 13 } else { 11 };
        let none = std::iter::repeat_n(None, first);
        server.state().blows.mutations = none.chain([Some(Blow::Kill(Kept::Nothing))]).collect();
        killed(&server, &mut import(&folder, &server, &options));
        server.empties();
        let outcome = run(&mut import(&folder, &server, &options)).ends_with(1);
        let outcome = outcome.says(["earlier runs", "--restart"]);
        assert!(server.state().rows_sent.is_empty(), "{}", outcome.all());
        run(import(&folder, &server, &options).arg("--restart")).ends_with(0);
        uids.is_same(&server.held(), 0, &set, "after it was emptied");
    }
}

#[test]
fn rows_that_are_refused_are_alone_left_out_and_named_without_their_values() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("set");
    let set = made(&folder, 600);
    for uids in [Uids::Kept, Uids::Blank] {
        let server = uids.server(false);
        server.state().refused = Some((
            "node 77\"".into(),
            "the server has no room for node 77".into(),
        ));
        let options = uids.options(&server);
        let mut command = import(&folder, &server, &options);
        let outcome = run(command.arg("--restart")).ends_with(3);
        let outcome = outcome.says(["g01.rdf.gz, line ", " name: it is refused: "]);
        assert!(!outcome.all().contains("node 77"), "{}", outcome.all());
        let mut left = set.clone();
        left.rows
            .retain(|it| !(it.lang == "en" && it.line().contains("node 77\"")));
        assert_eq!(left.rows.len() + 1, set.rows.len());
        uids.is_same(&server.held(), 0, &left, &outcome.all());
    }
}

/// Imports so many rows into a server that counts them.
fn in_flat_memory(rows: u64) {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("set");
    fs::create_dir(&folder).expect("made");
    let path = |name: &str| folder.join(name);
    sets::pack(
        &path("g01.schema.gz"),
        "[0x0] <name>:string . \n[0x0] <friend>:[uid] . \n",
    );
    sets::pack(&path("g01.gql_schema.gz"), "[\n\n]\n");
    let mut sent = Tally::default();
    let nodes = rows / 2;
    let lines = (0..rows).map(|at| {
        let uid = 1 + at % nodes;
        let said = match at < nodes {
            true => format!("<name> \"a name of some length that says {at}\"^^<xs:string>"),
            false => format!("<friend> <{:#x}>", 1 + (at * 7919) % nodes),
        };
        let row = format!("<{uid:#x}> {said}");
        sent.add(&format!("{row} ."));
        format!("{row} <0x0> .\n")
    });
    sets::pack_lines(&path("g01.rdf.gz"), lines);
    for uids in [Uids::Kept, Uids::New, Uids::Blank] {
        let server = uids.server(false);
        server.state().held.tally = Some(Tally::default());
        let endpoint = server.endpoint();
        let set = folder.display().to_string();
        let options = uids.options(&server);
        let mut arguments = vec![
            "dgraph",
            "import",
            &set,
            "--endpoint",
            &endpoint,
            "--restart",
        ];
        arguments.extend(options.iter().map(String::as_str));
        let work = format!("import-{uids:?}").to_lowercase();
        let Some((outcome, peak)) = timed(&work, rows, &path("g01.rdf.gz"), arguments) else {
            return;
        };
        assert_eq!(outcome.code, Some(0), "{uids:?}: {}", outcome.all());
        assert!(peak <= MEMORY, "{uids:?}: {} MB", peak >> 20);
        let came = server.held().tally.expect("a tally");
        match uids {
            Uids::Kept => assert_eq!(came, sent, "{}", outcome.all()),
            Uids::Blank => assert_eq!(came.rows, rows + nodes, "{}", outcome.all()),
            _ => assert_eq!(came.rows, rows, "{}", outcome.all()),
        }
    }
}

#[test]
fn many_rows_are_imported_in_flat_memory() {
    in_flat_memory(60_000);
}

#[test]
#[ignore = "long: a million rows"]
fn a_million_rows_are_imported_in_flat_memory() {
    in_flat_memory(many());
}
