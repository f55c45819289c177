//! `backup dgraph import`, into servers that are modelled and fail on request.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::cli::{Outcome, run};
use crate::support::dgraph_server::runs::{MARKER, SCHEMA, Uids, import, killed, made, posted};
use crate::support::dgraph_server::sets::{Contents, pack, read};
use crate::support::dgraph_server::{Blow, DgraphServer, Form, Held, Kept};
use crate::support::files::{listing, repository};
use crate::support::schema::described;

/// The password of tests, which nothing may print.
const PASSWORD: &str = "p4ssword";

/// A folder with a set in it.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A set of so many nodes, and what is in it.
    fn made(&self, count: u64) -> (PathBuf, Contents) {
        let folder = self.path("set");
        fs::create_dir(&folder).expect("made");
        let contents = made(&folder, count);
        (folder, contents)
    }

    /// A set of these rows and this schema.
    fn set(&self, name: &str, schema: &str, rows: &str) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir(&folder).expect("made");
        pack(&folder.join("g01.schema.gz"), schema);
        pack(&folder.join("g01.rdf.gz"), rows);
        pack(&folder.join("g01.gql_schema.gz"), "[\n\n]\n");
        folder
    }

    /// The states that runs have left.
    fn states(&self) -> Vec<String> {
        let mut all = listing(self.0.path());
        all.retain(|it| it.ends_with(".import-state"));
        all
    }
}

fn load(set: &Path, server: &DgraphServer, given: &[&str]) -> Command {
    let given: Vec<String> = given.iter().map(|it| (*it).to_owned()).collect();
    import(set, server, &given)
}

/// Nothing that is secret is said.
#[track_caller]
fn discreet(outcome: Outcome) -> Outcome {
    for secret in [PASSWORD, "key-of-the-server", "hunter2", "$2a$"] {
        assert!(!outcome.all().contains(secret), "{}", outcome.all());
    }
    outcome
}

/// Empties a server.
fn emptied(server: &DgraphServer) {
    let mut state = server.state();
    state.held = Held::new(state.form);
}

/// What came that changes something.
fn changes(server: &DgraphServer) -> Vec<String> {
    let mut came = server.state().came.clone();
    came.retain(|it| {
        ["/alter", "/mutate", "/admin/schema"]
            .iter()
            .any(|path| it.contains(path))
    });
    came
}

#[test]
fn what_makes_no_sense_is_told_before_anything_is_asked() {
    let server = DgraphServer::empty(Form::V2503);
    let place = Place::new();
    let (set, _) = place.made(3);
    for (given, told) in [
        (&["--new-uids", "--merge"][..], "cannot be used with"),
        (&["--into-namespace", "all"], "the number of a namespace"),
        (&["--zero", "hunter2:x"], "the endpoint is no URL"),
        (
            &["--namespace", "7"],
            "the set has no namespace 7; it has 0",
        ),
        (&["--into-namespace", "1"], "--into-namespace 0"),
    ] {
        let outcome = discreet(run(&mut load(&set, &server, given)).ends_with(2));
        outcome.says([told]);
    }
    assert_eq!(changes(&server), [""; 0]);
    assert_eq!(place.states(), [""; 0]);
    run(&mut load(&place.path("nothing"), &server, &[])).ends_with(1);
}

#[test]
fn a_set_that_something_is_wrong_with_is_not_sent() {
    let server = DgraphServer::empty(Form::V2503);
    let place = Place::new();
    let set = place.set("set", "<age>:int .\n", "<0x1> <age> \"hunter2\" .\n");
    discreet(
        run(&mut load(&set, &server, &[]))
            .ends_with(6)
            .says(["g01.rdf.gz, line 1: 0x1 age: the schema says int"]),
    );
    // Encrypted, and no key is given; or another.
    let closed = place.path("closed");
    crate::support::files::copy_folder(&repository("testdata/dgraph/v25.3.0-encrypted"), &closed);
    run(&mut load(&closed, &server, &[])).says(["--encryption-key-file"]);
    assert_eq!(changes(&server), [""; 0]);
    assert_eq!(place.states(), [""; 0]);
}

#[test]
fn what_can_be_known_of_the_server_is_said_before_the_set_is_read() {
    let server = DgraphServer::empty(Form::V2503);
    let place = Place::new();
    // It would be refused (6).
    let set = place.set("set", "<age>:int .\n", "<0x1> <age> \"hunter2\" .\n");
    let gone = place.path("gone").display().to_string();
    for (given, code, told) in [
        (&["--token-file", gone.as_str()][..], 1, "gone"),
        (&["--into-namespace", "3"], 2, "--into-namespace 0"),
    ] {
        run(&mut load(&set, &server, given))
            .ends_with(code)
            .says([told]);
    }
    server.state().token = Some(("x-dgraph-authtoken", "key-of-the-server".into()));
    let outcome = discreet(run(&mut load(&set, &server, &[])).ends_with(1));
    outcome.says(["does not let whoever asks"]);
}

#[test]
fn two_imports_at_once_do_not_both_take_a_server_for_empty() {
    let place = Place::new();
    let (set, contents) = place.made(20);
    let other = place.set("other", "<title>:string .\n", "<0x10> <title> \"t\" .\n");
    let server = DgraphServer::empty(Form::V2503);
    server.state().blows.mutations = [Some(Blow::HeldBack)].into();
    let own = place.path("own");
    let mut command = load(&set, &server, &[]);
    let mut first = command
        .env("XDG_STATE_HOME", &own)
        .spawn()
        .expect("started");
    server.holds_back();
    for given in [&[][..], &["--new-uids"]] {
        let mut command = load(&other, &server, given);
        let outcome = run(command.env("XDG_STATE_HOME", &own)).ends_with(11);
        outcome.says(["another run imports into"]);
    }
    server.releases();
    assert!(first.wait().expect("ended").success());
    Uids::Kept.is_same(&server.held(), 0, &contents, "the first run");
    assert_eq!(place.states().len(), 1);
}

#[test]
fn a_dry_run_looks_and_changes_nothing() {
    let server = DgraphServer::empty(Form::V2503);
    let place = Place::new();
    let (set, _) = place.made(500);
    let outcome = run(&mut load(&set, &server, &["--dry-run"])).ends_with(0);
    for told in ["The set is whole", "4 requests would be sent", "v25.3.0"] {
        assert!(outcome.stdout.contains(told), "{}", outcome.all());
    }
    assert_eq!((changes(&server), place.states()), (vec![], vec![]));
    assert_eq!(server.held().lease, Held::new(Form::V2503).lease);
    run(&mut load(&set, &server, &[])).ends_with(0);
    let outcome = run(&mut load(&set, &server, &["--dry-run"])).ends_with(2);
    outcome.says(["the import is complete"]);
}

#[test]
fn the_schema_goes_first_and_the_summary_tells_what_was_sent() {
    let server = DgraphServer::empty(Form::V2503);
    let place = Place::new();
    let (set, contents) = place.made(300);
    let sdl = "type Person { key: String }\n";
    let text = serde_json::json!([{"Namespace": 0, "Schema": sdl}]).to_string();
    pack(&set.join("g01.gql_schema.gz"), &text);
    let outcome = run(&mut load(&set, &server, &["--json"])).ends_with(0);
    let summary = described(outcome.stdout.lines().last().expect("a summary"));
    assert_eq!(summary["command"], "dgraph import");
    assert_eq!(summary["project"], server.endpoint());
    assert_eq!(summary["stages"]["sent"]["count"], contents.rows.len());
    assert_eq!(summary["stages"]["refused"]["count"], 0);
    let came = changes(&server);
    assert_eq!(came.first().map(String::as_str), Some("POST /alter"));
    assert_eq!(came.last().map(String::as_str), Some("POST /admin/schema"));
    let between = &came[1..came.len() - 1];
    assert!(!between.is_empty() && between.iter().all(|it| it.contains("/mutate")));
    let held = server.held();
    Uids::Kept.is_same(&held, 0, &contents, "a set that was made");
    assert_eq!(held.contents(0).graphql.trim(), sdl.trim());
}

#[test]
fn rows_that_are_refused_are_named_without_their_values_and_all_others_are_there() {
    let place = Place::new();
    let schema = "<name>:string .\n<secret>:string .\n";
    let row = |at: u64| format!("<{at:#x}> <name> \"n{at}\" .\n");
    let mut rows: String = (1..=2_000).map(row).collect();
    rows.push_str("<0x5> <secret> \"hunter2\" .\n");
    rows.extend((3_000..=3_100).map(row));
    rows.push_str("<0x7> <secret> \"hunter2\" .\n");
    let set = place.set("set", schema, &rows);
    for (given, at) in [(&[][..], 0), (&["--json"], 1)] {
        let server = DgraphServer::empty(Form::V2503);
        let said = "cannot take \"hunter2\", which is hunter2";
        server.state().refused = Some(("hunter2".into(), said.into()));
        let outcome = discreet(run(&mut load(&set, &server, given)).ends_with(3));
        let told = [
            "g01.rdf.gz, line 2001: 0x5 secret: it is refused",
            "g01.rdf.gz, line 2103: 0x7 secret",
        ];
        if at == 0 {
            let outcome = outcome.says(told);
            assert!(
                outcome.stdout.contains("2 things refused"),
                "{}",
                outcome.all()
            );
        } else {
            let summary = described(outcome.stdout.lines().last().expect("a summary"));
            let faults = summary["faults"].as_array().expect("faults");
            assert_eq!(faults.len(), 2);
            assert_eq!(summary["status"], "incomplete");
            for (fault, told) in faults.iter().zip(told) {
                let message = fault["message"].as_str().expect("a message");
                assert!(message.contains(told), "{message}");
            }
        }
        assert_eq!(server.held().contents(0).rows.len(), 2_101);
        let outcome = run(&mut load(&set, &server, &[])).ends_with(2);
        outcome.says(["is complete", "2 rows that it refused"]);
    }
}

#[test]
fn rows_that_were_refused_are_mended_apart_and_nothing_is_there_twice() {
    let schema = "<name>:string .\n<secret>:string .\n<friend>:[uid] .\n";
    let rows = |value: &str| {
        format!(
            "<0x1> <name> \"a\" .\n<0x1> <friend> <0x2> .\n<0x2> <secret> \"{value}\" .\n<0x2> <name> \"b\" .\n"
        )
    };
    for uids in [Uids::Kept, Uids::New, Uids::Blank] {
        let place = Place::new();
        let set = place.set("set", schema, &rows("hunter2"));
        let server = uids.server(false);
        let given = uids.options(&server);
        // Uids of the server are others than those of the set.
        let lease = server.held().lease + 7;
        if uids != Uids::Kept {
            server.state().held.lease = lease;
        }
        server.state().refused = Some(("hunter2".into(), "no such thing".into()));
        let outcome = discreet(run(&mut import(&set, &server, &given)).ends_with(3));
        let outcome = outcome.says(["g01.rdf.gz, line 3: 0x2 secret", ".refused", "--merge"]);
        assert!(outcome.stdout.contains("3 rows"), "{}", outcome.all());
        let aside = listing(place.0.path()).into_iter();
        let aside: Vec<String> = aside.filter(|it| it.ends_with(".refused")).collect();
        let [aside] = aside.as_slice() else {
            panic!("{uids:?}: {aside:?}");
        };
        let outcome = run(&mut import(&set, &server, &given)).ends_with(2);
        outcome.says([".refused", "--merge"]);

        // Mended in the set itself, the whole of it would go there once more.
        fs::remove_dir_all(&set).expect("removed");
        let set = place.set("set", schema, &rows("mended"));
        let mut anew = given.clone();
        if uids != Uids::New {
            anew.push("--new-uids".into());
        }
        let outcome = run(&mut import(&set, &server, &anew)).ends_with(1);
        outcome.says(["is there twice", "--merge"]);
        assert_eq!(server.held().contents(0).rows.len(), 3, "{uids:?}");

        // Mended where it was put aside, it is all there, once.
        let aside = place.path(aside);
        let path = aside.join("g01.rdf.gz");
        let mut text = String::new();
        let packed = fs::read(&path).expect("read");
        flate2::read::GzDecoder::new(packed.as_slice())
            .read_to_string(&mut text)
            .expect("a text");
        assert_eq!(text.lines().count(), 1, "{text}");
        pack(&path, &text.replace("hunter2", "mended"));
        let outcome = run(&mut load(&aside, &server, &["--merge"])).ends_with(0);
        assert!(outcome.stdout.contains("1 row"), "{}", outcome.all());
        uids.is_same(&server.held(), 0, &read(&set, "rdf")[&0], "mended");
    }
}

/// The folders with rows that were put aside.
fn asides(place: &Place) -> Vec<String> {
    let all = listing(place.0.path()).into_iter();
    all.filter(|it| it.ends_with(".refused")).collect()
}

#[test]
fn a_set_of_which_every_row_was_refused_is_not_complete_and_is_imported_by_the_same_command() {
    let schema = "<name>:string .\n<secret>:string .\n";
    let refuses = |server: &DgraphServer| {
        server.state().refused = Some(("hunter2".into(), "no such thing".into()));
    };
    // Rows that were put aside, and are refused again.
    let place = Place::new();
    let rows = "<0x1> <name> \"a\" .\n<0x2> <secret> \"hunter2\" .\n";
    let set = place.set("set", schema, rows);
    let server = DgraphServer::empty(Form::V2503);
    refuses(&server);
    run(&mut load(&set, &server, &[])).ends_with(3);
    let aside = asides(&place);
    assert_eq!(aside.len(), 1, "{aside:?}");
    let folder = place.path(&aside[0]);
    for _ in 0..2 {
        let outcome = discreet(run(&mut load(&folder, &server, &["--merge"])).ends_with(3));
        outcome.says(["no row of the set is in the server", "the same command"]);
        assert_eq!(asides(&place), aside);
    }
    server.state().refused = None;
    run(&mut load(&folder, &server, &["--merge"])).ends_with(0);
    Uids::Kept.is_same(&server.held(), 0, &read(&set, "rdf")[&0], "in the end");

    // The very first import.
    for uids in [Uids::Kept, Uids::New, Uids::Blank] {
        let place = Place::new();
        let set = place.set("set", schema, "<0x2> <secret> \"hunter2\" .\n");
        let server = uids.server(false);
        let given = uids.options(&server);
        refuses(&server);
        let outcome = run(&mut import(&set, &server, &given)).ends_with(3);
        outcome.says(["the same command"]);
        assert!(asides(&place).is_empty());
        server.state().refused = None;
        run(&mut import(&set, &server, &given)).ends_with(0);
        uids.is_same(&server.held(), 0, &read(&set, "rdf")[&0], "mended");
    }
}

#[test]
fn a_set_that_was_moved_and_mended_is_not_put_beside_itself() {
    let schema = "<name>:string .\n<secret>:string .\n";
    let rows = |value: &str| format!("<0x1> <name> \"a\" .\n<0x2> <secret> \"{value}\" .\n");
    let place = Place::new();
    let set = place.set("set", schema, &rows("hunter2"));
    let server = DgraphServer::empty(Form::V2503);
    server.state().refused = Some(("hunter2".into(), "no such thing".into()));
    run(&mut load(&set, &server, &["--new-uids"])).ends_with(3);
    fs::create_dir(place.path("elsewhere")).expect("made");
    let moved = place.path("elsewhere/moved");
    fs::rename(&set, &moved).expect("moved");
    pack(&moved.join("g01.rdf.gz"), &rows("mended"));
    let outcome = run(&mut load(&moved, &server, &["--new-uids"])).ends_with(1);
    outcome.says(["is there twice", "--merge"]);
    assert_eq!(server.held().contents(0).rows.len(), 1);
}

#[test]
fn namespaces_of_a_set_go_one_after_another_beside_each_other() {
    let place = Place::new();
    let schema = "[0x0] <name>:string . \n[0x3] <name>:string . \n";
    let rows = "<0x100> <name> \"a\" <0x0> .\n<0x100> <name> \"b\" <0x3> .\n";
    let set = place.set("set", schema, rows);
    let server = DgraphServer::empty(Form::V2503);
    for namespace in ["0", "3"] {
        let given = [
            "--new-uids",
            "--namespace",
            namespace,
            "--into-namespace",
            "0",
        ];
        let outcome = run(&mut load(&set, &server, &given)).ends_with(0);
        assert!(
            !outcome.all().contains("was imported into"),
            "{}",
            outcome.all()
        );
    }
    assert_eq!(server.held().contents(0).rows.len(), 2);
    let outcome = run(&mut load(
        &set,
        &server,
        &["--new-uids", "--namespace", "0"],
    ))
    .ends_with(2);
    outcome.says(["the import is complete"]);
}

#[test]
fn a_refused_value_that_reads_like_a_denial_or_as_passing_is_one_row_alone_and_is_not_printed() {
    for value in [
        "Unauthorized",
        "please retry later",
        "token is expired",
        "x] Unauthenticated [y",
    ] {
        let place = Place::new();
        let rows: String = (1..=20)
            .map(|at| format!("<{at:#x}> <name> \"n{at}\" .\n"))
            .collect();
        let rows = format!("{rows}<0x5> <note> \"{value}\" .\n");
        let set = place.set("set", "<name>:string .\n<note>:string .\n", &rows);
        let server = DgraphServer::empty(Form::V2503);
        // `verifyUnique` of its source.
        let said = format!("could not insert duplicate value [{value}] for predicate [note]");
        server.state().refused = Some((value.into(), said));
        let outcome = run(&mut load(&set, &server, &[])).ends_with(3);
        assert!(!outcome.all().contains(value), "{}", outcome.all());
        outcome.says(["g01.rdf.gz, line 21: 0x5 note: it is refused"]);
        assert_eq!(server.held().contents(0).rows.len(), 20, "{value}");
    }
}

#[test]
fn a_load_of_which_everything_is_refused_ends() {
    let place = Place::new();
    let rows: String = (1..=5_000)
        .map(|at| format!("<{at:#x}> <name> \"hunter2\" .\n"))
        .collect();
    let set = place.set("set", "<name>:string .\n", &rows);
    let server = DgraphServer::empty(Form::V2503);
    server.state().refused = Some(("hunter2".into(), "the disk is full".into()));
    let outcome = discreet(run(&mut load(&set, &server, &[])).ends_with(13));
    outcome.says(["1000 rows were refused", "0x", "the disk is full"]);
    assert_eq!(server.held().contents(0).rows.len(), 0);
}

#[test]
fn a_transaction_that_is_aborted_again_and_again_ends_the_run_and_the_next_one_goes_on() {
    let place = Place::new();
    let (set, contents) = place.made(20);
    let server = DgraphServer::empty(Form::V2503);
    server.state().blows.every = Some((1, Blow::Abort));
    let outcome = run(&mut load(&set, &server, &[])).ends_with(13);
    outcome.says(["Transaction has been aborted", "run the same command again"]);
    server.state().blows.every = Some((2, Blow::Abort));
    run(&mut load(&set, &server, &[])).ends_with(0);
    Uids::Kept.is_same(&server.held(), 0, &contents, "after aborts");
}

#[test]
fn whoever_may_not_is_told_so_and_a_token_and_a_login_that_expire_are_enough() {
    let place = Place::new();
    let (set, contents) = place.made(400);
    let server = DgraphServer::empty(Form::V2503);
    server.state().token = Some(("x-dgraph-authtoken", "key-of-the-server".into()));
    let outcome = discreet(run(&mut load(&set, &server, &[])).ends_with(1));
    outcome.says(["does not let whoever asks", "--token-file"]);
    let key = place.path("key");
    fs::write(&key, "key-of-the-server\n").expect("written");
    let key = key.display().to_string();
    discreet(run(&mut load(&set, &server, &["--token-file", &key])).ends_with(0));
    Uids::Kept.is_same(&server.held(), 0, &contents, "with a token");

    let server = DgraphServer::empty(Form::V2503);
    {
        let mut state = server.state();
        state.login = Some(("groot", PASSWORD, None));
        state.tenants = vec![0];
        state.lifetime = 4;
    }
    let mut command = load(&set, &server, &["--user", "groot"]);
    discreet(run(command.env("BACKUP_DGRAPH_PASSWORD", PASSWORD)).ends_with(0));
    assert!(server.state().logins > 1);
    Uids::Kept.is_same(&server.held(), 0, &contents, "with a login");
}

#[test]
fn a_server_that_holds_something_is_refused_unless_it_is_said_what_is_meant() {
    let place = Place::new();
    let (set, contents) = place.made(30);
    let server = DgraphServer::empty(Form::V2503);
    let other = place.set("other", "<title>:string .\n", "<0x10> <title> \"t\" .\n");
    run(&mut load(&other, &server, &[])).ends_with(0);
    let before = changes(&server).len();
    for given in [&[][..], &["--dry-run"]] {
        let outcome = run(&mut load(&set, &server, given)).ends_with(1);
        outcome.says([
            "holds something already",
            "`title`",
            "--new-uids",
            "--merge",
        ]);
    }
    assert_eq!(changes(&server).len(), before);
    run(&mut load(&set, &server, &["--merge"])).ends_with(0);
    let rows = |server: &DgraphServer| server.held().contents(0).rows.len();
    assert_eq!(rows(&server), contents.rows.len() + 1);
    let outcome = run(&mut load(&set, &server, &["--new-uids"])).ends_with(0);
    // Whoever has loaded it before is told.
    let outcome = outcome.says(["note: this set was imported into"]);
    assert!(
        outcome.stdout.contains("have new uids"),
        "{}",
        outcome.all()
    );
    assert_eq!(rows(&server), 2 * contents.rows.len() + 1);

    // There is nothing to go on with where all of it is there.
    let outcome = run(&mut load(&other, &server, &["--restart"])).ends_with(1);
    assert!(
        !outcome.all().contains("without --restart"),
        "{}",
        outcome.all()
    );

    // The server's own nodes are no obstacle, but for their uids.
    let own = Held::new(Form::V2503).with_access_control(&[0]);
    let server = DgraphServer::empty(Form::V2503);
    server.state().held = own;
    let same = place.set("same", "<title>:string .\n", "<0x1> <title> \"t\" .\n");
    let outcome = run(&mut load(&same, &server, &[])).ends_with(1);
    outcome.says(["of a node that is the server's own", "--new-uids"]);
    run(&mut load(&set, &server, &[])).ends_with(0);
}

/// A server with a schema and a node of its own.
fn filled(schema: &str, row: &str) -> DgraphServer {
    let server = DgraphServer::empty(Form::V2503);
    let rdf = format!("{{ set {{\n{row}\n}} }}");
    for (path, body) in [("/alter", schema), ("/mutate?commitNow=true", &rdf)] {
        let answer = posted(&server, path, "application/rdf", body);
        assert!(answer["errors"].is_null(), "{answer}");
    }
    server.state().came.clear();
    server
}

#[test]
fn definitions_of_a_server_with_nodes_are_not_replaced_without_a_word() {
    let place = Place::new();
    let schema = "<name>:string @index(exact) @lang .\n<friend>:[uid] @reverse .\n<new>:int @index(int) .\n\
                  type <Person> {\n\tname\n\tnew\n}\n";
    let set = place.set(
        "set",
        schema,
        "<0x1> <name> \"a\"@en .\n<0x1> <new> \"4\"^^<xs:int> .\n",
    );
    let theirs = "<name>: string @lang @index(exact, term) @upsert .\n<friend>: [uid] @reverse .\ntype <Person> {\n\tname\n\tsecret\n}\n";
    let of = |server: &DgraphServer| server.held().spaces[&0].schema.clone();
    for given in [
        &["--new-uids"][..],
        &["--merge"],
        &["--new-uids", "--dry-run"],
    ] {
        let server = filled(theirs, "_:x <name> \"mine\" .");
        let (before, lease) = (of(&server), server.held().lease);
        let outcome = run(&mut load(&set, &server, given)).ends_with(5);
        let outcome = outcome.says([
            "the server has <name>:string @index(exact, term) @lang @upsert, the set <name>:string @index(exact) @lang",
            "--schema keep",
            "--schema replace",
        ]);
        assert!(!outcome.all().contains("friend"), "{}", outcome.all());
        assert_eq!((of(&server), changes(&server)), (before, vec![]));
        assert_eq!(server.held().lease, lease);
        assert_eq!(place.states(), [""; 0]);
    }

    let server = filled(theirs, "_:x <name> \"mine\" .");
    let before = of(&server);
    let outcome = run(&mut load(
        &set,
        &server,
        &["--new-uids", "--schema", "keep"],
    ))
    .ends_with(0);
    outcome.says([
        "that of the server stays",
        "the type Person of the server gets new",
    ]);
    let after = of(&server);
    assert_eq!(after.predicates["name"], before.predicates["name"]);
    assert!(after.predicates["new"].has("@index"));
    assert_eq!(after.types["Person"], ["name", "secret", "new"]);

    let server = filled(theirs, "_:x <name> \"mine\" .");
    let outcome = run(&mut load(
        &set,
        &server,
        &["--merge", "--schema", "replace"],
    ))
    .ends_with(0);
    outcome.says(["that of the set takes its place", "has secret"]);
    assert!(!of(&server).predicates["name"].has("@upsert"));
    assert_eq!(of(&server).types["Person"], ["name", "new"]);
}

#[test]
fn definitions_that_are_the_same_are_not_sent_again_and_those_without_room_are_refused() {
    let place = Place::new();
    let (set, contents) = place.made(30);
    let server = filled(SCHEMA, "_:x <key> \"mine\" .");
    run(&mut load(&set, &server, &["--new-uids"])).ends_with(0);
    let altered = changes(&server)
        .iter()
        .filter(|it| it.contains("/alter"))
        .count();
    assert_eq!(altered, 0);
    assert_eq!(
        server.held().contents(0).rows.len(),
        contents.rows.len() + 1
    );

    // Of several values one would be left.
    let server = filled("<tags>: string .\n", "_:x <tags> \"mine\" .");
    let outcome = run(&mut load(
        &set,
        &server,
        &["--new-uids", "--schema", "keep"],
    ))
    .ends_with(5);
    outcome.says([
        "have no place",
        "the server has <tags>:string, the set <tags>:[string]",
    ]);
    assert_eq!(changes(&server), [""; 0]);

    // Where there are no nodes, nobody is harmed.
    let server = DgraphServer::empty(Form::V2503);
    posted(&server, "/alter", "application/rdf", "<tags>: int .\n");
    let outcome = run(&mut load(&set, &server, &[])).ends_with(0);
    outcome.says([
        "the server has <tags>:int, the set <tags>:[string]: that of the set takes its place",
    ]);
    Uids::Kept.is_same(&server.held(), 0, &contents, "an old schema");
}

#[test]
fn an_import_that_was_killed_goes_on_and_one_into_a_server_that_was_emptied_does_not() {
    let place = Place::new();
    let (set, contents) = place.made(2_000);
    for uids in Uids::ALL {
        let server = uids.server(false);
        let given = uids.options(&server);
        server.state().blows.any = Some((12, Blow::Kill(Kept::All)));
        let outcome = killed(&server, &mut import(&set, &server, &given));
        assert_eq!(outcome.code, None, "{}", outcome.all());
        let taken = server.held();
        // Another server at the same address.
        emptied(&server);
        let outcome = run(&mut import(&set, &server, &given));
        let is_known = outcome.all().contains("--restart");
        // Where no request was known to be taken, there is nothing to miss.
        assert!(is_known || outcome.code == Some(0), "{}", outcome.all());
        if is_known {
            outcome.ends_with(1);
            server.state().held = taken;
            run(&mut import(&set, &server, &given)).ends_with(0);
        }
        uids.is_same(&server.held(), 0, &contents, &format!("{uids:?}"));
        // All of it again, where it was emptied.
        emptied(&server);
        let mut again = given.clone();
        again.push("--restart".into());
        run(&mut import(&set, &server, &again)).ends_with(0);
        uids.is_same(&server.held(), 0, &contents, &format!("{uids:?} again"));
        for state in place.states() {
            fs::remove_file(place.path(&state)).expect("removed");
        }
    }
}

#[test]
fn one_run_at_a_time_imports_a_set_into_a_server() {
    let place = Place::new();
    let (set, contents) = place.made(20);
    let server = DgraphServer::empty(Form::V2503);
    server.state().blows.mutations = [Some(Blow::HeldBack)].into();
    let mut first = load(&set, &server, &[]).spawn().expect("started");
    server.holds_back();
    let outcome = run(&mut load(&set, &server, &[])).ends_with(11);
    outcome.says(["another run imports this export set"]);
    run(&mut load(&set, &server, &["--restart", "--merge"])).ends_with(11);
    server.releases();
    assert!(first.wait().expect("ended").success());
    Uids::Kept.is_same(&server.held(), 0, &contents, "the first run");
}

#[test]
fn namespaces_go_where_the_login_leads_and_one_may_go_into_another() {
    let place = Place::new();
    let schema = "[0x0] <name>:string . \n[0x3] <name>:string . \n[0x3] <age>:int . \n";
    let rows = "<0x100> <name> \"a\" <0x0> .\n<0x101> <name> \"b\" <0x3> .\n<0x101> <age> \"4\"^^<xs:int> <0x3> .\n";
    let set = place.set("set", schema, rows);
    let all = read(&set, "rdf");
    let server = DgraphServer::empty(Form::V2503);
    let outcome = run(&mut load(&set, &server, &[])).ends_with(2);
    outcome.says([
        "several namespaces (0, 3)",
        "--namespace N --into-namespace 0",
    ]);
    let given = ["--namespace", "3"];
    let outcome = run(&mut load(&set, &server, &given)).ends_with(2);
    outcome.says(["of namespace 3", "--into-namespace 0"]);
    let given = ["--namespace", "0x3", "--into-namespace", "0"];
    run(&mut load(&set, &server, &given)).ends_with(0);
    Uids::Kept.is_same(&server.held(), 0, &all[&3], "moved");

    // With access control each has its login.
    let server = DgraphServer::empty(Form::V2503);
    {
        let mut state = server.state();
        state.login = Some(("groot", PASSWORD, None));
        state.tenants = vec![0, 3];
    }
    let run_as = |given: &[&str]| {
        let mut command = load(&set, &server, &["--user", "groot"]);
        command.args(given);
        discreet(run(command.env("BACKUP_DGRAPH_PASSWORD", PASSWORD)))
    };
    run_as(&[]).ends_with(0);
    for namespace in [0, 3] {
        Uids::Kept.is_same(&server.held(), namespace, &all[&namespace], "both");
    }
    // One that is not there.
    server.state().tenants = vec![0];
    emptied(&server);
    let outcome = run_as(&["--namespace", "3", "--restart"]).ends_with(1);
    outcome.says(["namespace 0x3", "--into-namespace"]);
}

#[test]
fn a_schema_that_the_server_does_not_know_is_refused_with_its_line_and_nothing_is_left() {
    let place = Place::new();
    let schema = "<name>:string .\n<v>:float32vector @index(hnsw(metric:\"euclidean\")) .\n";
    let set = place.set("set", schema, "<0x1> <name> \"a\" .\n");
    let server = DgraphServer::empty(Form::V2011);
    let zero = server.zero();
    let outcome = run(&mut load(&set, &server, &["--zero", &zero])).ends_with(1);
    outcome.says(["refuses the schema", "<v>:float32vector"]);
    assert!(place.states().is_empty(), "{:?}", place.states());
    assert!(server.held().contents(0).rows.is_empty());
}

#[test]
fn a_set_made_by_hand_has_names_for_nodes() {
    let place = Place::new();
    let rows = "_:a <name> \"a\" .\n<alice> <name> \"alice\" .\n<0x20> <name> \"n\" .\n_:a <friend> <alice> .\n<alice> <friend> <0x20> .\n";
    let set = place.set("set", "<name>:string .\n<friend>:[uid] .\n", rows);
    for uids in Uids::ALL {
        let server = uids.server(false);
        let given = uids.options(&server);
        run(&mut import(&set, &server, &given)).ends_with(0);
        let held = server.held();
        let rows = held.contents(0).rows;
        assert_eq!(rows.len(), 5, "{uids:?}");
        assert!(!held.spaces[&0].has_any(MARKER), "{uids:?}");
        let is_kept = rows.iter().any(|it| it.uid == 0x20);
        assert_eq!(
            is_kept,
            !matches!(uids, Uids::New | Uids::Blank),
            "{uids:?}"
        );
    }
}

#[test]
fn a_graphql_schema_that_is_there_stays() {
    let place = Place::new();
    let (set, contents) = place.made(5);
    let text = serde_json::json!([{"Namespace": 0, "Schema": "type A { a: String }"}]).to_string();
    pack(&set.join("g01.gql_schema.gz"), &text);
    let server = DgraphServer::empty(Form::V2503);
    let space = server.held().spaces.get(&0).cloned().unwrap_or_default();
    server.state().held.spaces.insert(0, space);
    if let Some(space) = server.state().held.spaces.get_mut(&0) {
        space.graphql = "type B { b: String }".into();
    }
    let outcome = run(&mut load(&set, &server, &[])).ends_with(3);
    outcome.says(["the server has a GraphQL schema, and keeps it"]);
    let held = server.held().contents(0);
    assert_eq!(held.graphql, "type B { b: String }");
    assert_eq!(held.rows.len(), contents.rows.len());
}
