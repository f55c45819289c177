//! Proofs of imports: what goes in comes out again. The server is modelled.

use std::path::Path;

use serde_json::json;

use crate::support::cli::{backup, run};
use crate::support::dgraph_server::held::Variables;
use crate::support::dgraph_server::runs::{Uids, copied, import, posted, same};
use crate::support::dgraph_server::{DgraphServer, Form, Held, rdf, sets};
use crate::support::files::repository;

/// The sets of real servers, and the formats that they have.
const SETS: [(&str, &[&str]); 7] = [
    ("v20.11.3-dql.r21", &["json", "rdf"]),
    ("v20.11.3-graphql.r36", &["json"]),
    ("v21.03.2-graphql.r8", &["json"]),
    ("v25.3.0-acl-two-namespaces", &["json"]),
    ("v25.3.0-dql-facets-lang", &["json"]),
    ("v25.3.0-encrypted", &["json"]),
    ("v25.3.0-scalars-inf", &["json"]),
];

#[test]
fn what_the_modelled_server_takes_it_exports_again() {
    let place = tempfile::tempdir().expect("a folder");
    let testdata = repository("testdata/dgraph");
    let old = testdata.join(SETS[0].0);
    // Both formats of one export hold the same rows.
    let [left, right] = ["json", "rdf"].map(|it| sets::read(&old, it));
    same(&left[&0].lines(), &right[&0].lines(), "two formats");
    for (name, formats) in SETS {
        let set = sets::read(&testdata.join(name), formats[0]);
        for (form, format) in [
            (Form::V2011, "json"),
            (Form::V2011, "rdf"),
            (Form::V2503, "json"),
            (Form::V2503, "rdf"),
        ] {
            if form.is_old() && set.len() > 1 {
                continue;
            }
            let mut held = Held::new(form);
            held.lease = u64::MAX >> 1;
            for (namespace, contents) in &set {
                let lines = contents.lines();
                assert!(!lines.is_empty(), "{name}");
                let quads = lines.iter().filter_map(|it| rdf::read(it).expect("a row"));
                let quads: Vec<_> = quads.collect();
                let space = held.spaces.entry(*namespace).or_default();
                space.schema = contents.schema.clone();
                space.graphql = contents.graphql.clone();
                let taken = held.take(*namespace, &quads, &Variables::new());
                assert!(taken.is_ok(), "{name}");
            }
            let folder = place.path().join(format!("{name}-{form:?}-{format}"));
            held.export(&folder, format);
            let again = sets::read(&folder, format);
            for (namespace, contents) in &set {
                let again = &again[namespace];
                let told = format!("{name} {form:?} {format}");
                same(&again.lines(), &contents.lines(), &told);
                same(&again.shape(), &contents.shape(), &told);
                assert_eq!(again.schema, contents.schema, "{told}");
                assert_eq!(again.graphql, contents.graphql, "{told}");
            }
        }
    }
}

#[test]
fn the_modelled_server_makes_a_node_once_by_an_upsert_and_leases_uids() {
    let server = DgraphServer::empty(Form::V2503);
    let alter = |body: &str| posted(&server, "/alter", "application/rdf", body);
    let mutate = |body: &str| posted(&server, "/mutate?commitNow=true", "application/rdf", body);
    let refused = |answer: &serde_json::Value| {
        answer["errors"][0]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        alter("<m.a>: string @index(exact) @upsert .\n<age>: int .\n")["data"]["code"],
        "Success"
    );
    assert!(
        refused(&alter("<dgraph.cors>: string ."))
            .starts_with("Can't alter predicate `dgraph.cors`")
    );
    let upsert = "upsert {\nquery {\nfound(func: eq(<m.a>, [\"a\",\"b}\"])) { uid <m.a> }\nv0 as var(func: eq(<m.a>, \"a\"))\n\
        v1 as var(func: eq(<m.a>, \"b}\"))\n}\nmutation {\nset {\nuid(v0) <m.a> \"a\" .\nuid(v1) <m.a> \"b}\" .\n}\n}\n}";
    let made = mutate(upsert);
    assert_eq!(
        made["data"]["uids"],
        json!({"uid(v0)": "0x1", "uid(v1)": "0x2"})
    );
    assert_eq!(made["data"]["queries"]["found"], json!([]));
    let again = mutate(upsert);
    assert_eq!(again["data"]["uids"], json!({}));
    let found = json!([{"uid": "0x1", "m.a": "a"}, {"uid": "0x2", "m.a": "b}"}]);
    assert_eq!(again["data"]["queries"]["found"], found);
    let answer = mutate("{ set {\n<0x5> <age> \"3\"^^<xs:int> .\n} }");
    assert_eq!(
        refused(&answer),
        "Uid: [5] cannot be greater than lease: [2]"
    );
    let assign = json!({"query": "mutation { assign(input: {what: UID, num: 3}) { response { startId endId } } }"});
    let leased = posted(&server, "/admin", "application/json", &assign.to_string());
    assert_eq!(
        leased["data"]["assign"]["response"],
        json!({"startId": 3, "endId": 5, "readOnly": null})
    );
    assert_eq!(
        mutate("{ set {\n<0x5> <age> \"3\"^^<xs:int> .\n} }")["data"]["code"],
        "Success"
    );
    let answer = mutate("{ set {\n<0x4> <age> \"3\" .\n<0x5> <age> \"three\" .\n} }");
    assert_eq!(
        refused(&answer),
        "strconv.ParseInt: parsing \"three\": invalid syntax"
    );
    let query = json!({"query": "{ q0(func: uid(0x4)) @filter(has(<age>)) { uid } q1(func: has(<age>), first: 1) { uid } }"});
    let answer = posted(&server, "/query", "application/json", &query.to_string());
    // Of a request that is refused nothing is there.
    assert_eq!(answer["data"], json!({"q0": [], "q1": [{"uid": "0x5"}]}));
    assert_eq!(alter("{\"drop_attr\":\"m.a\"}")["data"]["code"], "Success");
    assert!(!server.held().spaces[&0].has_any("m."));
}

/// Imports a set, has it exported by the program, and sees that all of it is there; then that nothing more is sent.
fn round(place: &Path, name: &str, format: &str, uids: Uids, is_old: bool) {
    let told = format!("{name} {format} {uids:?} old {is_old}");
    let set = copied(place, name);
    if let ["json", "rdf"] = SETS.iter().find(|it| it.0 == name).expect("a set").1 {
        let other = if format == "json" { "rdf" } else { "json" };
        std::fs::remove_file(set.join(format!("g01.{other}.gz"))).expect("removed");
    }
    let original = repository("testdata/dgraph").join(name);
    let expected = sets::read(&original, format);
    let server = uids.server(is_old);
    let mut options = uids.options(&server);
    let key = original.join("enc.key");
    if key.exists() {
        options.extend(["--encryption-key-file".into(), key.display().to_string()]);
    }
    let is_two = expected.len() > 1;
    if is_two {
        let mut state = server.state();
        state.held = Held::new(state.form).with_access_control(&[0, 1]);
        state.login = Some(("groot", "p4ssword", None));
        state.tenants = vec![0, 1];
        state.lifetime = 4;
        options.extend([
            "--user".into(),
            "groot".into(),
            "--namespace".into(),
            "all".into(),
        ]);
    }
    let mut command = import(&set, &server, &options);
    command.env("BACKUP_DGRAPH_PASSWORD", "p4ssword");
    let outcome = run(&mut command);
    let is_infinite = name.contains("inf");
    assert!(
        outcome.code == Some(0) || is_infinite && outcome.code == Some(3),
        "{told}: {}",
        outcome.all()
    );
    let held = server.held();
    let twice = held.sent.iter().find(|it| *it.1 > 1);
    assert_eq!(twice, None, "{told}: sent twice");
    for (namespace, contents) in &expected {
        uids.is_same(&held, *namespace, contents, &told);
        let own = held.contents(*namespace);
        assert_eq!(own.schema, contents.schema, "{told}");
        assert_eq!(own.graphql.trim(), contents.graphql.trim(), "{told}");
    }
    let sent = server.state().rows_sent.len();
    let mut again = import(&set, &server, &options);
    let outcome = run(again.env("BACKUP_DGRAPH_PASSWORD", "p4ssword"));
    assert!(
        outcome.code == Some(2) && outcome.all().contains("was emptied since then"),
        "{told}: {}",
        outcome.all()
    );
    assert_eq!(server.state().rows_sent.len(), sent, "{told}: sent again");
    if is_two {
        return;
    }
    // The program exports what it has imported, and a server exports the same files.
    for format in ["json", "rdf"] {
        let folder = place.join(format!("{name}-{format}-{uids:?}-{is_old}"));
        server.exports(&folder, format);
        if !matches!(uids, Uids::Blank) {
            server.state().folders = vec![folder.join("own")];
            std::fs::create_dir(folder.join("own")).expect("made");
        }
        let out = folder.join("out");
        let endpoint = server.endpoint();
        let mut export = backup([
            "dgraph",
            "export",
            "--endpoint",
            &endpoint,
            "--format",
            format,
            "--file",
        ]);
        export.arg(&out);
        if !matches!(uids, Uids::Blank) {
            export.arg("--export-dir").arg(folder.join("own"));
        }
        let code = if is_infinite && format == "json" {
            3
        } else {
            0
        };
        let outcome = run(&mut export);
        assert!(
            [Some(code), Some(0)].contains(&outcome.code),
            "{told}: {}",
            outcome.all()
        );
        let again = sets::read(&out, format);
        same(&again[&0].shape(), &expected[&0].shape(), &told);
    }
    std::fs::remove_dir_all(&set).expect("removed");
}

#[test]
fn sets_of_real_servers_go_into_servers_of_either_time_and_come_out_again() {
    for (name, formats) in SETS {
        for format in formats {
            for is_old in [false, true] {
                // What servers of that time have not: vectors, big floats, namespaces.
                let is_new = ["facets-lang", "encrypted", "two-namespaces"];
                if is_old && is_new.iter().any(|it| name.contains(it)) {
                    continue;
                }
                let place = tempfile::tempdir().expect("a folder");
                round(place.path(), name, format, Uids::Kept, is_old);
            }
        }
    }
}

#[test]
fn sets_of_real_servers_go_in_wherever_uids_come_from() {
    for (at, uids) in Uids::ALL.into_iter().skip(1).cycle().take(6).enumerate() {
        let (name, formats) = [SETS[0], SETS[1], SETS[2], SETS[6], SETS[4], SETS[0]][at];
        let place = tempfile::tempdir().expect("a folder");
        round(place.path(), name, formats[formats.len() - 1], uids, false);
    }
}

#[test]
fn nodes_with_names_in_place_of_uids_are_the_same_node_in_all_requests() {
    for uids in Uids::ALL {
        let place = tempfile::tempdir().expect("a folder");
        let set = place.path().join("set");
        std::fs::create_dir(&set).expect("made");
        let schema = "<name>:string . \n<friend>:[uid] . \n";
        sets::pack(&set.join("g01.schema.gz"), schema);
        let (mut rows, mut expected) = (String::new(), String::new());
        let count = 1200;
        let names = |at: usize| match at % 3 {
            0 => format!("_:blank{at}"),
            1 => format!("<named{at}>"),
            _ => format!("<{at:#x}>"),
        };
        for (named, out) in [(true, &mut rows), (false, &mut expected)] {
            let name = |at: usize| match named {
                true => names(at % count),
                false => format!("<{:#x}>", at % count + 1),
            };
            // What points at a node is far from what it says.
            for at in 0..count {
                *out += &format!("{} <name> \"node {at}\"^^<xs:string> .\n", name(at));
            }
            for at in 0..count {
                *out += &format!("{} <friend> {} .\n", name(at), name(at * 7 + 1));
            }
        }
        sets::pack(&set.join("g01.rdf.gz"), &rows);
        let other = place.path().join("expected");
        std::fs::create_dir(&other).expect("made");
        sets::pack(&other.join("g01.schema.gz"), schema);
        sets::pack(&other.join("g01.rdf.gz"), &expected);
        let expected = sets::read(&other, "rdf").remove(&0).expect("a namespace");
        let server = uids.server(false);
        let options = uids.options(&server);
        let outcome = run(&mut import(&set, &server, &options)).ends_with(0);
        let held = server.held();
        same(&held.contents(0).shape(), &expected.shape(), &outcome.all());
        let kept: Vec<_> = (2..count as u64).step_by(3).collect();
        let has_kept = kept
            .iter()
            .all(|it| held.spaces[&0].of(*it, "name").next().is_some());
        let is_kept = matches!(uids, Uids::Kept | Uids::KeptByZero);
        assert!(has_kept || !is_kept, "{}", outcome.all());
    }
}
