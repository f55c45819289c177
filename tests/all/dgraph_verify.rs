//! `backup dgraph verify`: sets of real servers, and what is wrong with others.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use strapi_backup::checking::{Event, Watch};
use strapi_backup::dgraph::set::ExportSet;
use strapi_backup::error::Kind;
use strapi_backup::store::Interrupt;
use tempfile::TempDir;

use crate::limits::MEMORY;
use crate::support::cli::{Outcome, backup, run};
use crate::support::files::{copy_folder, listing, repository};
use crate::support::schema::described;
use crate::support::timing::{many, timed};

/// A set of a real server.
fn server(name: &str) -> String {
    let path = repository("testdata/dgraph").join(name);
    path.display().to_string()
}

fn verify(path: &str, options: &[&str]) -> Outcome {
    run(&mut backup([&["dgraph", "verify", path], options].concat()))
}

/// A set that a test makes.
struct Set(TempDir);

/// A schema with a few predicates.
const SCHEMA: &str = "[0x0] <name>:string @lang . \n[0x0] <age>:int . \n[0x0] <friend>:[uid] . \n[0x0] <dgraph.type>:[string] . \n[0x1] <name>:string . \n";

impl Set {
    /// A set of one group with these files of rows.
    fn new(rows: &[(&str, &str)]) -> Set {
        let set = Set(tempfile::tempdir().unwrap());
        set.write("g01.schema.gz", SCHEMA);
        set.write("g01.gql_schema.gz", "[\n\n]\n");
        for (name, text) in rows {
            set.write(name, text);
        }
        set
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        pack(&self.path(name), text.as_bytes());
    }

    fn verify(&self) -> Outcome {
        verify(&self.0.path().display().to_string(), &[])
    }
}

/// Writes a file of a set.
pub fn pack(path: &Path, text: &[u8]) {
    let mut encoder = GzEncoder::new(File::create(path).unwrap(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap();
}

/// A list of these rows.
fn json(rows: &[&str]) -> String {
    let rows: Vec<String> = rows.iter().map(|it| format!("  {{{it}}}")).collect();
    format!("[\n{}\n]\n", rows.join(",\n"))
}

#[test]
fn sets_of_real_servers_are_whole_and_an_infinity_in_json_is_told() {
    let mut counted = 0;
    for name in listing(&repository("testdata/dgraph")) {
        let path = server(&name);
        if !Path::new(&path).is_dir() {
            continue;
        }
        let key = format!("{path}/enc.key");
        let key: &[&str] = match Path::new(&key).exists() {
            true => &["--encryption-key-file", &key],
            false => &[],
        };
        let code = if name.contains("inf") { 3 } else { 0 };
        let outcome = verify(&path, key).ends_with(code);
        assert!(
            outcome.stdout.contains("The export set is whole"),
            "{}",
            outcome.all()
        );
        let warnings = outcome.lines("warning: ");
        assert_eq!(warnings.len(), usize::from(code == 3), "{}", outcome.all());
        if code == 3 {
            assert!(
                warnings[0].starts_with("warning: g01.json.gz, line 4: "),
                "{}",
                outcome.all()
            );
            outcome.says(["+Inf", "  export it as RDF"]);
        }
        counted += 1;
    }
    assert_eq!(counted, 7);
}

#[test]
fn every_line_of_json_is_described_and_counts_rows_types_and_namespaces() {
    let summary = |path: &str, code: i32| {
        let outcome = verify(path, &["--json"]).ends_with(code);
        let lines: Vec<_> = outcome.stdout.lines().map(described).collect();
        lines.last().expect("a summary").clone()
    };
    let two = summary(&server("v25.3.0-acl-two-namespaces"), 0);
    assert_eq!(two["command"], "dgraph verify");
    let stages = &two["stages"];
    assert_eq!(stages["rows"]["count"], 16);
    assert_eq!(stages["rows"]["groups"]["[0x1] T1.s"]["count"], 1);
    assert_eq!(
        stages["types"]["groups"]["[0x0] dgraph.type.User"]["count"],
        1
    );
    assert_eq!(stages["namespaces"]["groups"]["0x1"]["count"], 8);
    // Both files of it hold the same rows.
    let both = summary(&server("v20.11.3-dql.r21"), 0);
    assert_eq!(both["stages"]["rows"]["count"], 14);
    assert_eq!(both["stages"]["types"]["groups"]["Person"]["count"], 1);
    let lost = summary(&server("v25.3.0-scalars-inf"), 3);
    assert_eq!(lost["status"], "incomplete");
    assert_eq!(lost["faults"].as_array().unwrap().len(), 1);
    let set = Set::new(&[("g01.json.gz", &json(&[r#""uid":"0x1","age":"old""#]))]);
    let wrong = summary(&set.0.path().display().to_string(), 6);
    assert_eq!(
        (&wrong["status"], wrong["faults"].as_array().unwrap().len()),
        (&"failed".into(), 1)
    );
}

#[test]
fn what_is_wrong_with_rows_is_listed_with_file_and_line() {
    let set = Set::new(&[
        (
            "g01.json.gz",
            &json(&[
                r#""uid":"0x1","name@en":"A","name|k":1"#,
                r#""uid":"0x1","nmae":"A""#,
                r#""uid":"0x1","age":4.5"#,
                r#""uid":"0x1","age":[{"uid":"0x1"}]"#,
                r#""uid":"0x1","friend":"0x1""#,
                r#""uid":"0x1","namespace":"0x1","name@en":"A""#,
                r#""uid":"0x1","age":truth"#,
            ]),
        ),
        (
            "g02.rdf.gz",
            "<0x2> <name> \"B\" <0x0> .\n<0x2> <name> \"B .\n\n<0x2> <age> \"1\"^^<xs:int> .\n",
        ),
    ]);
    let outcome = set.verify().ends_with(6);
    let faults = outcome.lines("error: ");
    let expected = [
        "g02.schema.gz is missing",
        "g01.json.gz, line 3: 0x1 nmae: the predicate is not in the schema",
        "g01.json.gz, line 4: 0x1 age: the schema says int",
        "g01.json.gz, line 5: 0x1 age: it links a node",
        "g01.json.gz, line 6: 0x1 friend: it is a value",
        "g01.json.gz, line 7: 0x1 name: it has the language en",
        "g01.json.gz, line 8: ",
        "g02.rdf.gz, line 2: the value does not end with a quote",
    ];
    assert_eq!(faults.len(), expected.len(), "{}", outcome.all());
    for (fault, expected) in faults.iter().zip(expected) {
        let begin = format!("error: {expected}");
        assert!(fault.starts_with(&begin), "{begin}\n{}", outcome.all());
    }
    assert!(
        outcome.stdout.contains("8 things are wrong"),
        "{}",
        outcome.all()
    );
}

#[test]
fn links_to_nodes_without_rows_are_counted_and_are_no_fault() {
    let rows = [
        r#""uid":"0x1","friend":[{"uid":"0x9"}]"#,
        r#""uid":"0x1","friend":[{"uid":"0x2"}]"#,
        r#""uid":"0x2","friend":[{"uid":"0x7"}]"#,
    ];
    let set = Set::new(&[("g01.json.gz", &json(&rows))]);
    let outcome = set.verify().ends_with(0);
    outcome.says(["note: 2 links go to nodes that have no rows in the set; the first to 0x9 (g01.json.gz, line 2)"]);
    // Of several groups, one may have them.
    set.write(
        "g02.json.gz",
        &json(&[r#""uid":"0x9","name":"x""#, r#""uid":"0x7","name":"x""#]),
    );
    set.write("g02.schema.gz", SCHEMA);
    let outcome = set.verify().ends_with(0);
    assert!(!outcome.stderr.contains("links go to"), "{}", outcome.all());
}

#[test]
fn what_rdf_holds_and_json_does_not_is_noted() {
    let set = Set::new(&[(
        "g01.rdf.gz",
        "# a comment\n<0x1> <pi> \"+Inf\"^^<xs:float> .\n<0x1> <name> \"x\" <old> .\n",
    )]);
    set.write("g01.schema.gz", "name:string .\npi:float .\n");
    set.write("g01.gql_schema.gz", "");
    fs::write(set.path("readme.txt"), "").unwrap();
    set.verify().ends_with(0).says([
        "note: 1 floats are +Inf, -Inf or NaN",
        "note: 1 rows have a label of old servers",
        "note: readme.txt is no part of an export set",
        "set:     for servers before 21.03",
    ]);
}

#[test]
fn a_schema_without_namespaces_is_for_rows_of_servers_of_today_as_well() {
    let rows = json(&[r#""uid":"0x1","namespace":"0x0","name":"x""#]);
    let set = Set::new(&[("g01.json.gz", &rows)]);
    set.write("g01.schema.gz", "<name>:string .\n");
    let said = "set:     for servers from 21.03 on";
    set.verify().ends_with(0).says([said]);
}

#[test]
fn files_that_are_cut_or_go_on_are_damaged() {
    let name = "v25.3.0-dql-facets-lang";
    let folder = tempfile::tempdir().unwrap();
    copy_folder(Path::new(&server(name)), folder.path());
    let path = folder.path().display().to_string();
    for file in ["g01.json.gz", "g01.schema.gz", "g01.gql_schema.gz"] {
        let place = folder.path().join(file);
        let whole = fs::read(&place).unwrap();
        let mut longer = whole.clone();
        longer.extend_from_slice(b"more");
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        let cut = whole[..whole.len() - 1].to_vec();
        for (bytes, why) in [
            (cut, "cut short"),
            (longer, "no gzip"),
            (changed, ""),
            (Vec::new(), "empty"),
        ] {
            fs::write(&place, bytes).unwrap();
            let outcome = verify(&path, &[]).ends_with(6);
            let faults = outcome.lines("error: ");
            let is_said = |it: &&str| it.starts_with(&format!("error: {file}")) && it.contains(why);
            assert!(
                faults.iter().any(is_said),
                "{file} {why}\n{}",
                outcome.all()
            );
        }
        fs::write(&place, whole).unwrap();
    }
    // The list ends too early, and its gzip is whole.
    let set = Set::new(&[("g01.json.gz", "[\n  {\"uid\":\"0x1\",\"name\":\"x\"},\n")]);
    set.verify()
        .ends_with(6)
        .says(["error: g01.json.gz, line 3: ", "cut short"]);
}

#[test]
fn a_set_is_found_in_the_folder_above_and_several_are_named() {
    let above = tempfile::tempdir().unwrap();
    let path = above.path().display().to_string();
    verify(&path, &[])
        .ends_with(6)
        .says(["there is no export set in it"]);
    verify(&format!("{path}/gone"), &[]).ends_with(1);
    let (one, other) = ("dgraph.r8.u1120.1541", "dgraph.r9.u1120.1542");
    copy_folder(
        Path::new(&server("v21.03.2-graphql.r8")),
        &above.path().join(one),
    );
    verify(&path, &[]).ends_with(0);
    copy_folder(
        Path::new(&server("v21.03.2-graphql.r8")),
        &above.path().join(other),
    );
    verify(&path, &[]).ends_with(2).says([one, other]);
    let file = format!("{path}/{one}/g01.json.gz");
    verify(&file, &[]).ends_with(6).says(["it is no folder"]);
}

#[test]
fn a_key_that_is_wrong_missing_or_not_needed_is_said_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let key = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let secret = "0123456789abcdef";
    let encrypted = server("v25.3.0-encrypted");
    let wrong = key("wrong", secret.as_bytes());
    let outcome = verify(&encrypted, &["--encryption-key-file", &wrong]).ends_with(12);
    let outcome = outcome.says(["error: g01.", "the wrong key"]);
    assert!(!outcome.all().contains(secret), "{}", outcome.all());
    let long = key("long", format!("{secret}\n").as_bytes());
    let outcome = verify(&encrypted, &["--encryption-key-file", &long]).ends_with(12);
    assert!(!outcome.all().contains(secret), "{}", outcome.all());
    verify(&encrypted, &[])
        .ends_with(6)
        .says(["--encryption-key-file"]);
    let plain = server("v25.3.0-dql-facets-lang");
    verify(&plain, &["--encryption-key-file", &wrong])
        .ends_with(2)
        .says(["it is not encrypted"]);
    let gone = folder.path().join("gone").display().to_string();
    verify(&encrypted, &["--encryption-key-file", &gone]).ends_with(1);
}

#[test]
fn names_from_a_set_move_no_cursor() {
    let rows = json(&[
        "\"uid\":\"0x1\",\"\\u001b[2Jx\":\"y\"",
        "\"uid\":\"_:\\u001b[2J\",\"name\":\"\\u001b[2J\"",
    ]);
    let set = Set::new(&[("g01.json.gz", &rows)]);
    let outcome = set.verify().ends_with(6);
    assert!(!outcome.all().contains('\u{1b}'), "{}", outcome.all());
}

/// Wants the run to stop as soon as rows are read.
struct Stopping {
    wanted: Arc<AtomicBool>,
    rows: AtomicU64,
}

impl Watch for Stopping {
    fn on(&self, event: Event<'_>) {
        if let Event::Advanced { items, .. } = event {
            self.rows.fetch_add(items, Ordering::Relaxed);
            self.wanted.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn it_ends_while_it_reads_once_it_is_to_stop() {
    let set = Set::new(&[]);
    write_many(&set, "rdf", 200_000);
    let wanted = Arc::new(AtomicBool::new(false));
    let interrupt = Interrupt::new(Arc::clone(&wanted));
    let stopping = Stopping {
        wanted,
        rows: AtomicU64::new(0),
    };
    let opened = ExportSet::open(set.0.path(), None, &interrupt).expect("a set");
    let scratch = tempfile::tempdir().unwrap();
    let error = strapi_backup::dgraph::verify::verify(&opened, scratch.path(), &stopping);
    assert_eq!(error.expect_err("stopped").kind(), Kind::Interrupted);
    let rows = stopping.rows.into_inner();
    assert!((1..200_000).contains(&rows), "{rows}");
}

#[test]
fn a_pipe_in_a_set_is_told_at_once_and_not_waited_for() {
    for name in ["g01.schema.gz", "g01.gql_schema.gz", "g01.rdf.gz"] {
        let set = Set::new(&[]);
        let _ = fs::remove_file(set.path(name));
        run(Command::new("mkfifo").arg(set.path(name))).ends_with(0);
        let said = format!("{name} is a pipe, and no file for a set");
        set.verify().ends_with(2).says([said.as_str()]);
    }
}

#[test]
fn a_set_that_is_not_there_is_not_to_be_made() {
    let set = Set::new(&[]);
    let outcome = verify(&set.path("nowhere").display().to_string(), &[]).ends_with(1);
    let outcome = outcome.says(["nothing has this name: check it"]);
    assert!(
        !outcome.all().contains("make the folder"),
        "{}",
        outcome.all()
    );
}

#[test]
fn several_values_where_the_schema_has_room_for_one_are_noted_wherever_they_stand() {
    let rows = [
        r#"<0x1> <name> "a"^^<xs:string> <0x0> ."#,
        r#"<0x1> <name> "b"@en <0x0> ."#,
        r#"<0x1> <friend> <0x2> <0x0> ."#,
        r#"<0x1> <friend> <0x1> <0x0> ."#,
        r#"<0x2> <age> "1"^^<xs:int> <0x0> ."#,
        // The same once more is no other.
        r#"<0x1> <name> "a"^^<xs:string> <0x0> ."#,
        r#"<0x1> <name> "a"^^<xs:string> <0x1> ."#,
    ];
    let text = rows.join("\n");
    let set = Set::new(&[("g01.rdf.gz", &text)]);
    let outcome = set.verify().ends_with(0);
    assert!(!outcome.all().contains("stand beside"), "{}", outcome.all());
    let text = format!(
        "{text}\n<0x2> <age> \"2\"^^<xs:int> <0x0> .\n<0x1> <name> \"secret\"^^<xs:string> <0x0> .\n"
    );
    let set = Set::new(&[("g01.rdf.gz", &text)]);
    let outcome = set
        .verify()
        .ends_with(0)
        .says(["2 values stand beside another one"]);
    assert!(!outcome.all().contains("secret"), "{}", outcome.all());
}

/// Writes so many rows, half of them links, of nodes that come in any order.
fn write_many(set: &Set, format: &str, rows: u64) {
    let file = File::create(set.path(&format!("g01.{format}.gz"))).unwrap();
    let mut out = GzEncoder::new(io::BufWriter::new(file), Compression::fast());
    let is_json = format == "json";
    if is_json {
        out.write_all(b"[\n").unwrap();
    }
    for number in 0..rows / 2 {
        let uid = number.wrapping_mul(0x9e37_79b9) % rows + 1;
        let next = (number + 1) % (rows / 2);
        let next = next.wrapping_mul(0x9e37_79b9) % rows + 1;
        let comma = if number > 0 { ",\n" } else { "" };
        match is_json {
            true => write!(
                out,
                "{comma}  {{\"uid\":\"{uid:#x}\",\"namespace\":\"0x0\",\"name\":\"node {number}\"}},\n  \
                 {{\"uid\":\"{uid:#x}\",\"namespace\":\"0x0\",\"friend\":[{{\"uid\":\"{next:#x}\"}}]}}"
            ),
            false => write!(
                out,
                "<{uid:#x}> <name> \"node {number}\"^^<xs:string> <0x0> .\n<{uid:#x}> <friend> <{next:#x}> <0x0> .\n"
            ),
        }
        .unwrap();
    }
    if is_json {
        out.write_all(b"\n]\n").unwrap();
    }
    out.finish().unwrap().into_inner().unwrap();
}

/// Verifies so many rows in each format.
fn verify_many(rows: u64) {
    for format in ["rdf", "json"] {
        let set = Set::new(&[]);
        write_many(&set, format, rows);
        let path = set.0.path().display().to_string();
        let file = set.path(&format!("g01.{format}.gz"));
        let work = format!("verify-{format}");
        let Some((outcome, peak)) = timed(&work, rows, &file, ["dgraph", "verify", &path]) else {
            return;
        };
        assert_eq!(outcome.code, Some(0), "{}", outcome.all());
        assert!(!outcome.stderr.contains("links go to"), "{}", outcome.all());
        assert!(peak <= MEMORY, "{format}: {} MB", peak >> 20);
    }
}

#[test]
fn many_rows_go_through_in_flat_memory() {
    verify_many(200_000);
}

#[test]
#[ignore = "long: a million rows"]
fn a_million_rows_go_through_in_flat_memory() {
    verify_many(many());
}
