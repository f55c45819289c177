//! `backup dgraph export`, from servers that are modelled and fail on request. What they export came out of real ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::prompts::Session;
use crate::support::cli::{Outcome, backup, backup_through, run};
use crate::support::dgraph_server::{DgraphServer, Fault, Form, RUN};
use crate::support::files::{listing, repository};
use crate::support::schema::described;

/// A set of a real server, in both formats.
const BOTH: &str = "v20.11.3-dql.r21";
/// One that is encrypted.
const ENCRYPTED: &str = "v25.3.0-encrypted";

fn set(name: &str) -> PathBuf {
    repository("testdata/dgraph").join(name)
}

/// A folder to export into, and one for a server to write into.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A folder that the server writes exports into.
    fn folder(&self, server: &DgraphServer, name: &str) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir(&folder).expect("made");
        server.state().folders.push(folder.clone());
        folder
    }

    /// The same, where one is enough, as it is named on a command line.
    fn exports(&self, server: &DgraphServer) -> String {
        let folder = self.folder(server, "exports");
        folder.display().to_string()
    }

    fn export(&self, server: &DgraphServer, options: &[&str]) -> Command {
        let mut command = backup([
            "dgraph",
            "export",
            "--endpoint",
            &server.endpoint(),
            "--file",
        ]);
        command.arg(self.path("out")).args(options);
        command
    }

    /// Nothing is there but what the server wrote.
    #[track_caller]
    fn is_untouched(&self) {
        let left = listing(self.0.path());
        let own = left.iter().filter(|it| !it.starts_with("export"));
        assert_eq!(own.count(), 0, "{left:?}");
    }

    /// The set is there, byte for byte.
    #[track_caller]
    fn holds(&self, name: &str, format: &str) {
        let (here, there) = (self.path("out"), set(name));
        let names = listing(&here);
        let expected = ["gql_schema", format, "schema"].map(|it| format!("g01.{it}.gz"));
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(names, expected);
        for name in names {
            let same = fs::read(here.join(&name)).expect("read")
                == fs::read(there.join(&name)).expect("read");
            assert!(same, "{name}");
        }
        let left = listing(self.0.path());
        assert!(left.iter().all(|it| !it.starts_with('.')), "{left:?}");
    }
}

/// Nothing that is secret is said.
#[track_caller]
fn discreet(outcome: Outcome) -> Outcome {
    let all = outcome.all();
    for secret in [
        "never-to-be-printed",
        "key-of-the-server",
        "access-token-of-login",
        "p4ssword",
    ] {
        assert!(!all.contains(secret), "{all}");
    }
    outcome
}

fn secret(place: &Place, name: &str, text: &str) -> String {
    let path = place.path(&format!("export-{name}"));
    fs::write(&path, text).expect("written");
    path.to_string_lossy().into_owned()
}

#[test]
fn cloud_that_signs_urls_at_once_is_exported_in_the_format_of_its_choice() {
    let server = DgraphServer::new(Form::CloudAtOnce, &set(BOTH));
    server.state().token = Some(("x-auth-token", "key-of-the-server".into()));
    let place = Place::new();
    let key = secret(&place, "key", "key-of-the-server\n");
    let options = ["--token-file", &key, "--namespace", "all", "--json"];
    let outcome = discreet(run(&mut place.export(&server, &options)).ends_with(0));
    place.holds(BOTH, "json");
    let lines: Vec<_> = outcome.stdout.lines().map(described).collect();
    let summary = lines.last().expect("a summary");
    assert_eq!(summary["stages"]["files"]["count"], 3);
    assert_eq!(summary["project"], server.endpoint());
    for text in ["lets nobody choose the format", "has no namespaces"] {
        assert!(outcome.stdout.contains(text), "{}", outcome.all());
    }
    assert_eq!(server.state().exports, 1);
}

#[test]
fn a_task_of_cloud_is_waited_for_and_told_format_and_namespace() {
    for format in ["rdf", "json"] {
        let server = DgraphServer::new(Form::CloudTask, &set(BOTH));
        {
            let mut state = server.state();
            state.token = Some(("dg-auth", "key-of-the-server".into()));
            state.statuses = ["Queued", "Unknown", "Running"].into();
        }
        let place = Place::new();
        let mut export = place.export(&server, &["--format", format, "--namespace", "all"]);
        export.env("BACKUP_DGRAPH_TOKEN", "key-of-the-server");
        discreet(run(&mut export).ends_with(0));
        place.holds(BOTH, format);
        let state = server.state();
        assert_eq!(state.asked, (Some(format.into()), Some("-1".into())));
        assert!(state.statuses.is_empty());
    }
}

#[test]
fn a_token_goes_in_the_header_that_is_named_and_in_that_alone() {
    let server = DgraphServer::new(Form::CloudTask, &set(BOTH));
    server.state().token = Some(("dg-auth", "key-of-the-server".into()));
    let place = Place::new();
    let key = secret(&place, "key", "key-of-the-server");
    let options = ["--token-file", &key, "--auth-header", "X-Auth-Token"];
    discreet(run(&mut place.export(&server, &options)).ends_with(1)).says(["--auth-header"]);
    place.is_untouched();
    let command = format!("cat {key}");
    let options = ["--token-command", &command, "--auth-header", "Dg-Auth"];
    discreet(run(&mut place.export(&server, &options)).ends_with(0));
    place.holds(BOTH, "rdf");
}

#[test]
fn downloads_that_break_go_on_where_they_broke_and_are_whole_in_the_end() {
    let whole = fs::metadata(set(BOTH).join("g01.rdf.gz"))
        .expect("there")
        .len() as usize;
    let half = whole / 2;
    for (faults, rests) in [
        (vec![Some(Fault::Cut(half))], 1),
        (vec![Some(Fault::Long(10)), Some(Fault::Status(503))], 0),
        (
            vec![
                Some(Fault::Cut(10)),
                Some(Fault::Cut(20)),
                Some(Fault::Status(429)),
            ],
            3,
        ),
        // The file is another one, and the rest is not of it.
        (vec![Some(Fault::Cut(half)), Some(Fault::Changed)], 1),
        // Nobody says that there is more.
        (vec![Some(Fault::Short(half))], 0),
        (vec![Some(Fault::CutUnseen(half))], 0),
    ] {
        let server = DgraphServer::new(Form::CloudTask, &set(BOTH));
        // In the order of their names in a set: schema, GraphQL, rows.
        let first = [None, None].into_iter();
        server.state().faults = first.chain(faults.clone()).collect();
        let place = Place::new();
        discreet(run(&mut place.export(&server, &[])).ends_with(0));
        place.holds(BOTH, "rdf");
        let state = server.state();
        assert!(state.faults.is_empty(), "{faults:?}");
        let seen = state.downloads.iter().filter(|it| it.1.is_some()).count();
        assert!(seen >= rests, "{faults:?}: {:?}", state.downloads);
    }
}

#[test]
fn a_file_that_never_comes_whole_leaves_nothing() {
    let server = DgraphServer::new(Form::CloudAtOnce, &set(BOTH));
    server.state().faults = std::iter::repeat_n(Some(Fault::Short(30)), 100).collect();
    let place = Place::new();
    let outcome = run(&mut place.export(&server, &[])).ends_with(1);
    discreet(outcome).says(["cannot fetch g01.", "cut short", "as the store has it"]);
    place.is_untouched();
}

#[test]
fn urls_that_hold_no_more_are_asked_for_again_once_and_that_is_said() {
    for (form, exports) in [(Form::CloudTask, 1), (Form::CloudAtOnce, 2)] {
        let server = DgraphServer::new(form, &set(BOTH));
        server.state().faults = [None, Some(Fault::Expired)].into();
        let place = Place::new();
        let outcome = run(&mut place.export(&server, &["--format", "json"])).ends_with(0);
        discreet(outcome).says(["held no more"]);
        place.holds(BOTH, "json");
        assert_eq!(server.state().exports, exports, "{form:?}");
        let server = DgraphServer::new(form, &set(BOTH));
        server.state().faults = std::iter::repeat_n(Some(Fault::Expired), 10).collect();
        let place = Place::new();
        let outcome = run(&mut place.export(&server, &[])).ends_with(1);
        discreet(outcome).says(["hold no more as soon as they are there"]);
        place.is_untouched();
        assert!(server.state().exports <= 2);
    }
}

#[test]
fn files_of_ones_own_server_are_collected_and_not_those_of_earlier_exports() {
    for form in [Form::V2007, Form::V2011, Form::V2103, Form::V2503] {
        let server = DgraphServer::new(form, &set(BOTH));
        server.state().statuses = ["Queued", "Running"].into();
        let place = Place::new();
        let folder = place.folder(&server, "exports");
        for earlier in ["dgraph.r700.u0101.0000", "dgraph.r9.u1120.1541", "p", RUN] {
            fs::create_dir(folder.join(earlier)).expect("made");
            fs::write(folder.join(earlier).join("g01.rdf.gz"), "earlier").expect("written");
        }
        let folder = folder.to_string_lossy().into_owned();
        run(&mut place.export(&server, &["--export-dir", &folder, "--format", "json"]))
            .ends_with(0);
        // Two exports share a folder: the rows of the earlier one, in the other format, stay where they are.
        place.holds(BOTH, "json");
        assert_eq!(server.state().asked.0.as_deref(), Some("json"), "{form:?}");
    }
}

#[test]
fn without_a_folder_it_is_said_where_the_files_are() {
    for (form, said) in [
        (Form::V2503, "the newest folder of its export folder"),
        (Form::V2103, "dgraph.r91.u1120.1541/g01.rdf.gz"),
    ] {
        let server = DgraphServer::new(form, &set(BOTH));
        let place = Place::new();
        let outcome = run(&mut place.export(&server, &["--json"])).ends_with(3);
        let lines: Vec<_> = outcome.stdout.lines().map(described).collect();
        let summary = lines.last().expect("a summary");
        assert_eq!(summary["status"], "incomplete");
        let fault = summary["faults"][0]["message"].as_str().expect("a fault");
        assert!(fault.contains(said), "{fault}");
        run(&mut place.export(&server, &[]))
            .ends_with(3)
            .says([said, "--export-dir"]);
        let elsewhere = place.path("exports");
        fs::create_dir(&elsewhere).expect("made");
        let elsewhere = elsewhere.to_string_lossy().into_owned();
        run(&mut place.export(&server, &["--export-dir", &elsewhere]))
            .ends_with(3)
            .says(["no export of this run is in"]);
        place.is_untouched();
    }
}

#[test]
fn each_group_of_a_cluster_is_collected_and_one_that_is_away_is_told() {
    let server = DgraphServer::new(Form::V2503, &set(BOTH));
    server.state().groups = vec![1, 2];
    let place = Place::new();
    let folders = ["export-1", "export-2"].map(|it| place.folder(&server, it));
    let [one, other] = folders.each_ref().map(|it| it.to_str().expect("text"));
    let both = ["--export-dir", one, "--export-dir", other];
    run(&mut place.export(&server, &both)).ends_with(0);
    let names = listing(&place.path("out"));
    assert_eq!(
        names.iter().filter(|it| it.starts_with("g02.")).count(),
        3,
        "{names:?}"
    );
    fs::remove_dir_all(place.path("out")).expect("removed");
    run(&mut place.export(&server, &["--export-dir", one]))
        .ends_with(3)
        .says(["of these groups", ": 2", "leader"]);
    place.holds(BOTH, "rdf");
}

#[test]
fn an_encrypted_set_stays_so_and_that_is_said() {
    let server = DgraphServer::new(Form::V2503, &set(ENCRYPTED));
    let place = Place::new();
    let folder = place.exports(&server);
    run(&mut place.export(&server, &["--export-dir", &folder, "--format", "json"]))
        .ends_with(0)
        .says(["encrypts its exports"]);
    place.holds(ENCRYPTED, "json");
}

#[test]
fn what_is_still_being_written_is_not_taken() {
    let whole = tempfile::tempdir().expect("a folder");
    for name in listing(&set(BOTH)) {
        let bytes = fs::read(set(BOTH).join(&name)).expect("read");
        let end = match name.as_str() {
            "g01.rdf.gz" => bytes.len() - 8,
            _ => bytes.len(),
        };
        fs::write(whole.path().join(name), &bytes[..end]).expect("written");
    }
    for form in [Form::V2503, Form::V2103] {
        let server = DgraphServer::new(form, whole.path());
        let place = Place::new();
        let folder = place.exports(&server);
        run(&mut place.export(&server, &["--export-dir", &folder]))
            .ends_with(1)
            .says(["it is not whole", "g01.rdf.gz"]);
        place.is_untouched();
    }
}

#[test]
fn a_proxy_that_forbids_what_it_does_not_know_is_no_cloud() {
    let server = DgraphServer::new(Form::V2011, &set(BOTH));
    server.state().is_guarded = true;
    let place = Place::new();
    let folder = place.exports(&server);
    run(&mut place.export(&server, &["--export-dir", &folder])).ends_with(0);
    place.holds(BOTH, "rdf");
}

#[test]
fn of_two_exports_the_newest_is_taken_that_is_whole() {
    for form in [Form::V2503, Form::V2103] {
        let server = DgraphServer::new(form, &set(BOTH));
        server.state().is_shared = true;
        let place = Place::new();
        let folder = place.exports(&server);
        let outcome = run(&mut place.export(&server, &["--export-dir", &folder])).ends_with(0);
        // Where the server says what it wrote, nobody looks at the other one.
        let is_said = outcome
            .stderr
            .contains("dgraph.r99.u1120.1542 is not taken");
        assert_eq!(is_said, form == Form::V2503, "{}", outcome.all());
        place.holds(BOTH, "rdf");
    }
}

#[test]
fn a_task_that_fails_or_is_refused_is_told_and_nothing_is_written() {
    let server = DgraphServer::new(Form::V2503, &set(BOTH));
    server.state().statuses = ["Queued", "Failed"].into();
    let place = Place::new();
    let folder = place.exports(&server);
    run(&mut place.export(&server, &["--export-dir", &folder]))
        .ends_with(1)
        .says(["0x185f77e25", "the export failed there"]);
    server.state().statuses = ["Running", "Canceled"].into();
    run(&mut place.export(&server, &["--export-dir", &folder]))
        .ends_with(1)
        .says(["the export failed there", "Canceled"]);
    server.state().statuses = ["Unknown"; 20].into();
    run(&mut place.export(&server, &["--export-dir", &folder]))
        .ends_with(1)
        .says(["does not know it"]);
    server.state().statuses.clear();
    let said = "resolving export failed because invalid export format: xml";
    server.state().refusals = [said.to_owned()].into();
    run(&mut place.export(&server, &["--export-dir", &folder]))
        .ends_with(1)
        .says([said]);
    place.is_untouched();
}

#[test]
fn a_user_logs_in_and_again_when_the_token_is_too_old() {
    for namespace in [None, Some("2")] {
        let server = DgraphServer::new(Form::V2503, &set(BOTH));
        {
            let mut state = server.state();
            state.login = Some(("groot", "p4ssword", namespace));
            state.lifetime = 2;
            state.statuses = ["Queued", "Running", "Running"].into();
        }
        let place = Place::new();
        let folder = place.exports(&server);
        let password = secret(&place, "password", "p4ssword");
        let mut options = vec![
            "--export-dir",
            &folder,
            "--user",
            "groot",
            "--password-file",
            &password,
        ];
        options.extend(
            namespace
                .into_iter()
                .flat_map(|it| ["--login-namespace", it]),
        );
        discreet(run(&mut place.export(&server, &options)).ends_with(0));
        place.holds(BOTH, "rdf");
        assert!(server.state().logins > 1 && server.state().exports == 1);
    }
}

#[test]
fn whoever_may_not_is_told_and_no_secret_is_repeated() {
    let server = DgraphServer::new(Form::V2503, &set(BOTH));
    {
        let mut state = server.state();
        state.token = Some(("x-dgraph-authtoken", "another".into()));
        state.repeats = true;
    }
    let place = Place::new();
    let key = secret(&place, "key", "key-of-the-server");
    let outcome = run(&mut place.export(&server, &["--token-file", &key])).ends_with(1);
    discreet(outcome).says(["does not let whoever asks", "<secret>"]);
    run(&mut place.export(&server, &[]))
        .ends_with(1)
        .says(["--token-file", "--user"]);
    {
        let mut state = server.state();
        state.token = None;
        state.login = Some(("groot", "another", None));
    }
    run(&mut place.export(&server, &[]))
        .ends_with(1)
        .says(["no accessJwt"]);
    let mut export = place.export(&server, &["--user", "groot"]);
    discreet(run(export.env("BACKUP_DGRAPH_PASSWORD", "p4ssword")).ends_with(1))
        .says(["invalid username or password"]);
    run(&mut place.export(&server, &["--user", "groot"]))
        .ends_with(2)
        .says(["BACKUP_DGRAPH_PASSWORD"]);
    assert_eq!(server.state().exports, 0);
    place.is_untouched();
}

#[test]
fn somebody_at_a_terminal_is_asked_for_the_token_or_the_password() {
    for is_user in [false, true] {
        let server = DgraphServer::new(Form::V2503, &set(BOTH));
        {
            let mut state = server.state();
            match is_user {
                true => state.login = Some(("groot", "p4ssword", None)),
                false => state.token = Some(("x-dgraph-authtoken", "key-of-the-server".into())),
            }
        }
        let place = Place::new();
        let folder = place.folder(&server, "exports");
        let mut starter = Command::new("setsid");
        starter.arg("--ctty");
        let mut command = backup_through(starter, ["dgraph", "export", "--endpoint"]);
        command
            .arg(server.endpoint())
            .arg("--file")
            .arg(place.path("out"));
        command.arg("--export-dir").arg(folder);
        if is_user {
            command.args(["--user", "groot"]);
        }
        let (question, answer) = match is_user {
            true => ("Password of groot: ", "p4ssword"),
            false => ("Token of http://", "key-of-the-server"),
        };
        let (code, screen) = Session::of(command).answers_unseen(question, answer).ends();
        assert_eq!(code, Some(0), "{screen}");
        assert!(!screen.contains(answer), "{screen}");
        place.holds(BOTH, "rdf");
    }
}

#[test]
fn a_namespace_that_the_server_cannot_be_told_is_not_passed_over() {
    let server = DgraphServer::new(Form::V2011, &set(BOTH));
    let place = Place::new();
    let folder = place.exports(&server);
    run(&mut place.export(&server, &["--export-dir", &folder, "--namespace", "2"]))
        .ends_with(2)
        .says(["has no namespaces", "21.03"]);
    assert_eq!(server.state().exports, 0);
    run(&mut place.export(&server, &["--export-dir", &folder, "--namespace", "0"]))
        .ends_with(0)
        .says(["exports all that it holds"]);
    let server = DgraphServer::new(Form::V2103, &set(BOTH));
    run(&mut Place::new().export(&server, &["--namespace", "0x10"])).ends_with(3);
    assert_eq!(server.state().asked.1.as_deref(), Some("16"));
}

#[test]
fn what_makes_no_sense_is_told_before_anything_is_exported() {
    let server = DgraphServer::new(Form::V2503, &set(BOTH));
    let place = Place::new();
    let out = place.path("out");
    fs::create_dir(&out).expect("made");
    run(&mut place.export(&server, &["--dry-run"])).ends_with(0);
    fs::write(out.join("notes"), "mine").expect("written");
    run(&mut place.export(&server, &[]))
        .ends_with(2)
        .says(["not an empty folder", "--file"]);
    assert_eq!(listing(&out), ["notes"]);
    fs::remove_dir_all(&out).expect("removed");
    let outcome = run(&mut place.export(&server, &["--dry-run"])).ends_with(0);
    for text in ["v25.3.0", "group 1", "--export-dir"] {
        assert!(outcome.stdout.contains(text), "{}", outcome.all());
    }
    run(&mut place.export(&server, &["--export-dir", "/nowhere/at/all"]))
        .ends_with(1)
        .says(["/nowhere/at/all"]);
    for options in [
        ["--format", "xml"],
        ["--namespace", "-1"],
        ["--auth-header", "cookie"],
    ] {
        run(&mut place.export(&server, &options)).ends_with(2);
    }
    assert_eq!(server.state().exports, 0);
    let mut elsewhere = backup(["dgraph", "export", "--endpoint"]);
    elsewhere.arg(format!("{}/p4ssword?token=p4ssword", server.endpoint()));
    discreet(run(&mut elsewhere).ends_with(2)).says(["the endpoint"]);
    let mut elsewhere = backup(["dgraph", "export", "--endpoint"]);
    elsewhere
        .arg(format!("{}/elsewhere", server.endpoint()))
        .current_dir(place.path(""));
    run(&mut elsewhere)
        .ends_with(1)
        .says(["neither at /admin/slash nor at /admin"]);
    place.is_untouched();
}

#[test]
fn an_export_that_is_interrupted_leaves_nothing() {
    let server = DgraphServer::new(Form::V2503, &set(BOTH));
    {
        let mut state = server.state();
        state.statuses = ["Running"; 100].into();
        state.interrupts = Some(2);
    }
    let place = Place::new();
    let folder = place.exports(&server);
    let child = place
        .export(&server, &["--export-dir", &folder])
        .spawn()
        .expect("started");
    server.interrupts(child.id());
    Outcome::of(child.wait_with_output().expect("ended"))
        .ends_with(130)
        .says(["nothing was written under its name", "goes on there"]);
    place.is_untouched();
}

#[test]
fn a_path_of_a_request_is_no_part_of_the_endpoint() {
    let server = DgraphServer::new(Form::CloudTask, &set(BOTH));
    let place = Place::new();
    let mut export = backup(["dgraph", "export", "--endpoint"]);
    export
        .arg(format!("{}/graphql", server.endpoint()))
        .current_dir(place.path(""));
    run(&mut export).ends_with(0);
    let made = listing(Path::new(&place.path("")));
    assert!(
        made.len() == 1 && made[0].starts_with("dgraph-export-"),
        "{made:?}"
    );
}
