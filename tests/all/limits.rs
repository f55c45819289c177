//! What is larger or deeper than an archive may hold: archives of it take little memory, exports list it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::archive::Archive;
use crate::support::beasts::{raw, small};
use crate::support::cli::{Outcome, PLAIN, Project, backup, backup_through, run};
use crate::support::databases::{Server, Site, on_each_server};
use crate::support::skip;
use crate::support::tarball::{ENTITIES, Entry, Tarball};

/// What any archive may take, in bytes, beside three times its longest line.
///
/// Of a program that is built without optimisation the code that is read in counts with 40 MB, 25 MB more than of one with it,
/// and is not what is meant.
pub const MEMORY: u64 = match cfg!(debug_assertions) {
    true => 88 << 20,
    false => 64 << 20,
};

// ------------------------------------------------------------------ archives

/// Says on stderr how much memory the program took at its peak that it runs, in kilobytes, and how much processor time, in
/// seconds.
const MEASURE: &str = r#"
    my %number = (x86_64 => 98, aarch64 => 165);
    my $machine = `uname -m`; chomp $machine;
    my $usage = "\0" x 144;
    my $code = system(@ARGV);
    syscall($number{$machine}, -1, $usage) == 0 or die;
    my @usage = unpack("q*", $usage);
    printf STDERR "peak %d\n", $usage[4];
    printf STDERR "cpu %.2f\n", $usage[0] + $usage[2] + ($usage[1] + $usage[3]) / 1e6;
    exit($code >> 8);
"#;

/// What runs the program that it is given, and says what that took, in lines such as `peak 1234` and `cpu 1.23`.
pub fn measuring() -> Command {
    let mut perl = Command::new("perl");
    perl.args(["-e", MEASURE]);
    perl
}

/// Runs the binary and gives the peak of its memory in bytes; nothing where it cannot be measured.
pub fn measured<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Option<(Outcome, u64)> {
    measured_with(arguments, &[])
}

/// The same with these variables.
pub fn measured_with<'a>(
    arguments: impl IntoIterator<Item = &'a str>,
    variables: &[(&str, String)],
) -> Option<(Outcome, u64)> {
    let mut command = backup_through(measuring(), arguments);
    let outcome = run(command.envs(variables.iter().map(|(name, value)| (name, value))));
    let peak = outcome.lines("peak ").first().and_then(|line| {
        let kilobytes: u64 = line.strip_prefix("peak ")?.parse().ok()?;
        Some(kilobytes * 1024)
    });
    if peak.is_none() {
        skip("the peak of a program's memory cannot be measured without perl");
    }
    Some((outcome, peak?))
}

/// A compressed tar of these parts, each a piece of text and how often it stands there.
fn bomb(path: &Path, parts: &[(&[u8], u64)]) {
    let file = File::create(path).unwrap();
    let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    for (piece, times) in parts {
        let at_once = ((1 << 20) / piece.len() as u64).clamp(1, *times);
        let block = piece.repeat(at_once as usize);
        for _ in 0..times / at_once {
            out.write_all(&block).unwrap();
        }
        out.write_all(&piece.repeat((times % at_once) as usize))
            .unwrap();
    }
    out.finish().unwrap();
}

/// The header of an entry, without its content.
fn header(name: &str, kind: u8, size: u64) -> Vec<u8> {
    raw(name.as_bytes(), kind, size, b"")
}

#[test]
fn archives_of_a_few_megabytes_take_no_gigabytes_of_memory() {
    const LARGE: u64 = 160 << 20;
    const LARGER: u64 = 300 << 20;
    let project = Project::testdata();
    let before = project.state();
    let front = {
        let mut tarball = small();
        tarball
            .entries
            .retain(|entry| entry.name.starts_with("schemas/"));
        let bytes = tarball.bytes();
        bytes[..bytes.len() - 1024].to_vec()
    };
    let front = &front[..];
    let behind = small().bytes();
    let behind = &behind[front.len()..];
    let sidecar = |number: u32| {
        let name = format!("assets/metadata/{number}.txt.json");
        let mut text = header(&name, b'0', 1 << 20);
        text.extend(vec![b' '; 1 << 20]);
        text
    };
    let sidecars: Vec<u8> = (0..100).flat_map(sidecar).collect();
    let mut names = Vec::new();
    for number in 0..50_000 {
        names.extend(header(&format!("other/{number}"), b'0', 0));
    }
    // A folder with a long name, and something where it is padded.
    let mut stained = raw(b"l", b'L', 4001, &[b'n'; 4000]);
    stained.extend(raw(b"l", b'5', 1, b" x"));
    type Case<'a> = (&'a str, Vec<(&'a [u8], u64)>, &'a str);
    let long_name = header("l", b'L', LARGE);
    let long_link = header("l", b'K', LARGE);
    let pax = header("x", b'x', LARGE);
    let metadata = header("metadata.json", b'0', LARGE);
    let big_sidecar = header("assets/metadata/a.txt.json", b'0', LARGE);
    let shard = header("entities/entities_00001.jsonl", b'0', LARGER);
    let list = header("checksums.sha256", b'0', LARGE);
    let result = header("result.json", b'0', LARGE);
    let cases: Vec<Case<'_>> = vec![
        (
            "long-name",
            vec![(&long_name, 1), (b"n", LARGE)],
            "its name has",
        ),
        (
            "long-link",
            vec![(&long_link, 1), (b"n", LARGE), (behind, 1)],
            "",
        ),
        ("pax", vec![(&pax, 1), (b"n", LARGE)], "its PAX header has"),
        (
            "metadata",
            vec![(&metadata, 1), (b" ", LARGE)],
            "metadata.json: it has more than",
        ),
        (
            "sidecar",
            vec![(front, 1), (&big_sidecar, 1), (b" ", LARGE), (behind, 1)],
            "it has more than the 1048576",
        ),
        (
            "sidecars",
            vec![(front, 1), (&sidecars, 1), (behind, 1)],
            "is missing, though it has a sidecar",
        ),
        (
            "line",
            vec![(front, 1), (&shard, 1), (b"x", LARGER), (behind, 1)],
            "entities_00001.jsonl, line 1: it has more than the 268435456 bytes",
        ),
        (
            "list",
            vec![(front, 1), (&list, 1), (b"x", LARGE), (behind, 1)],
            "",
        ),
        (
            "result",
            vec![(front, 1), (&result, 1), (b"x", LARGE), (behind, 1)],
            "result.json: it has more than the 8388608",
        ),
        ("entries", vec![(front, 1), (&names, 1), (behind, 1)], ""),
        (
            "padding",
            vec![(&stained, 150_000), (front, 1), (behind, 1)],
            "stands something else than zeros",
        ),
    ];
    for (name, parts, said) in cases {
        let path = project.archive(&format!("{name}.tar.gz"));
        bomb(&path, &parts);
        let file = path.to_str().unwrap();
        let root = project.path();
        let import = [
            "import",
            "--dry-run",
            "--project",
            root.to_str().unwrap(),
            "-f",
            file,
        ];
        for arguments in [&["verify", file][..], &import] {
            let Some((outcome, peak)) = measured(arguments.iter().copied()) else {
                return;
            };
            // A line is read as far as it may go before it is too long.
            let longest = if name == "line" { 256 << 20 } else { 0 };
            assert!(
                peak <= MEMORY + 3 * longest,
                "{name}: {} MB\n{}",
                peak >> 20,
                outcome.all()
            );
            outcome.says([said]);
        }
        fs::remove_file(path).unwrap();
    }
    before.assert_untouched(&project);
}

#[test]
fn lines_that_are_made_of_many_values_take_three_times_their_length() {
    let project = Project::testdata();
    let path = project.archive("values.tar");
    let values = "0,".repeat(8_000_000) + "0";
    let line = format!(r#"{{"type":"api::article.article","id":1,"data":{{"zone":[{values}]}}}}"#);
    let edit = |lines: &mut Vec<String>| lines[0].clone_from(&line);
    small().edit_lines(ENTITIES, edit).write(path.clone());
    let (root, file) = (project.path(), path.to_str().unwrap());
    let import = [
        "import",
        "--dry-run",
        "--project",
        root.to_str().unwrap(),
        "-f",
        file,
    ];
    let Some((outcome, peak)) = measured(import) else {
        return;
    };
    let longest = line.len() as u64;
    assert!(
        peak <= MEMORY + 3 * longest,
        "{} MB\n{}",
        peak >> 20,
        outcome.all()
    );
    outcome.says(["attribute `zone`"]);
}

/// Verifies an archive, which must keep to the memory and to some kilobytes of messages.
fn verified_in_little(path: &Path, code: i32) -> Option<Outcome> {
    let (outcome, peak) = measured(["verify", path.to_str().unwrap()])?;
    assert!(peak <= MEMORY, "{} MB\n{}", peak >> 20, outcome.all());
    let said = outcome.all().len();
    assert!(said < 64 << 10, "{said} bytes of messages");
    Some(outcome.ends_with(code))
}

#[test]
fn content_types_without_number_take_little_memory_and_few_lines() {
    let project = Project::testdata();
    let name = "y".repeat(4000);
    let mut lines = String::new();
    for number in 0..25_000 {
        let _ = writeln!(
            lines,
            r#"{{"type":"api::{name}{number}","id":1,"data":{{}}}}"#
        );
    }
    let shard = header(ENTITIES, b'0', lines.len() as u64);
    let padding = vec![0; lines.len().next_multiple_of(512) - lines.len()];
    let mut others = small();
    others.remove(ENTITIES);
    let others = others.bytes();
    let path = project.archive("types.tar.gz");
    let parts = [&shard, lines.as_bytes(), &padding, &others];
    bomb(&path, &parts.map(|part| (part, 1)));
    if let Some(outcome) = verified_in_little(&path, 6) {
        outcome.says(["the archive has no schema", "24,900 more of these"]);
    }
}

#[test]
fn counts_without_number_take_little_memory() {
    let project = Project::testdata();
    let mut types = String::new();
    for number in 0..700_000 {
        let _ = write!(types, "\"{number:x}\":1,");
    }
    let result = format!(
        r#"{{"status":"complete","counts":{{"entities":{{"items":7,"types":{{{types}"a":1}}}}}},"warnings":[],"moreWarnings":0}}"#
    );
    let stages = r#"["schemas","entities","assets","links","configuration"]"#;
    let manifest = format!(
        r#"{{"format":1,"program":"backup","version":"1","scope":{{"stages":{stages},"types":[]}}}}"#
    );
    let mut tarball = small();
    tarball
        .entries
        .insert(0, Entry::file("manifest.json", manifest));
    tarball.entries.push(Entry::file("result.json", result));
    let path = tarball.write(project.archive("result.tar"));
    if let Some(outcome) = verified_in_little(&path, 6) {
        outcome.says(["result.json: it has more than the 10000 counts"]);
    }
}

#[test]
fn links_of_many_long_attributes_are_told_in_a_few_lines() {
    let project = Project::testdata();
    let mut links = String::new();
    for number in 0..300 {
        let (long, end) = ("x".repeat(4000), "d".repeat(4000));
        let _ = writeln!(
            links,
            r#"{{"kind":"relation.basic","relation":"oneToOne","left":{{"type":"api::{number}.{long}","ref":1,"field":"{long}"}},"right":{{"type":"api::{long}","ref":"{end}","field":null}}}}"#
        );
    }
    let mut tarball = small();
    tarball.entry("links/links_00001.jsonl").content = links.into();
    let path = tarball.write(project.archive("links.tar"));
    if let Some(outcome) = verified_in_little(&path, 0) {
        assert_eq!(
            outcome.lines("note: links of ").len(),
            20,
            "{}",
            outcome.all()
        );
        outcome.says(["note: the links: 280 left out: of other attributes: "]);
    }
}

#[test]
fn what_no_text_can_hold_is_refused_with_its_row_and_attribute() {
    let project = Project::testdata();
    let before = project.state();
    let edit = |lines: &mut Vec<String>| {
        lines[1] = r#"{"type":"api::tag.tag","id":1,"data":{"name":"\ud800"}}"#.into();
    };
    let path = small()
        .edit_lines(ENTITIES, edit)
        .write(project.archive("half.tar"));
    for options in [&["--dry-run"][..], &[]] {
        let outcome = project.import(&path, options).ends_with(1);
        outcome.says(["api::tag.tag 1, attribute `name`: half a surrogate pair"]);
    }
    before.assert_untouched(&project);
}

#[test]
fn rows_of_files_with_long_names_or_urls_take_some_hundred_bytes_each() {
    const ROWS: usize = 20_000;
    let project = Project::testdata();
    let row = |id: usize, hash: &str, url: &str| {
        format!(
            r#"{{"type":"plugin::upload.file","id":{id},"data":{{"name":"n","hash":"{hash}","ext":".png","mime":"image/png","size":1,"provider":"local","url":"{url}"}}}}"#
        )
    };
    let long = "l".repeat(4000);
    let folders = format!("{}/", "f".repeat(240)).repeat(15);
    let rows = |row: &dyn Fn(usize) -> String| (100..ROWS + 100).map(row).collect();
    let cases: [(&str, usize, Vec<String>); 8] = [
        (
            "folders",
            1,
            vec![row(
                100,
                "x",
                &format!("/uploads/{}x.png", "a/".repeat(40_000)),
            )],
        ),
        (
            "hashes",
            ROWS,
            rows(&|id| row(id, &format!("{long}{id}"), &format!("/uploads/a/{id}.png"))),
        ),
        (
            "urls",
            ROWS,
            rows(&|id| row(id, &id.to_string(), &format!("/uploads/{long}{id}"))),
        ),
        (
            "paths",
            ROWS,
            rows(&|id| row(id, &id.to_string(), &format!("/uploads/{folders}{id}.png"))),
        ),
        (
            "trees",
            ROWS,
            rows(&|id| {
                row(
                    id,
                    &id.to_string(),
                    &format!("/uploads/{id}/{}", "a/".repeat(1900)),
                )
            }),
        ),
        (
            "one",
            ROWS,
            rows(&|id| row(id, "one", &format!("/uploads/{folders}{id}.png"))),
        ),
        (
            "types",
            ROWS,
            rows(&|id| format!(r#"{{"type":"{long}{id}","id":1,"data":{{}}}}"#)),
        ),
        (
            "ids",
            20_000,
            (1..300_000_u64)
                .map(|id| {
                    let id = id << 32;
                    format!(r#"{{"type":"api::tag.tag","id":{id},"data":{{"name":"t"}}}}"#)
                })
                .collect(),
        ),
    ];
    for (name, count, added) in cases {
        let path = project.archive(&format!("{name}.tar"));
        let edit = |lines: &mut Vec<String>| lines.extend(added);
        small().edit_lines(ENTITIES, edit).write(path.clone());
        let (root, file) = (project.path(), path.to_str().unwrap());
        let import = [
            "import",
            "--dry-run",
            "--project",
            root.to_str().unwrap(),
            "-f",
            file,
        ];
        for arguments in [&["verify", file][..], &import] {
            let Some((outcome, peak)) = measured(arguments.iter().copied()) else {
                return;
            };
            assert!(
                peak <= MEMORY + 500 * count as u64,
                "{name}: {} MB\n{}",
                peak >> 20,
                outcome.all()
            );
        }
        fs::remove_file(path).unwrap();
    }
}

#[test]
#[ignore = "long: it reads nine gigabytes"]
fn a_file_of_nine_gigabytes_is_whole() {
    const SIZE: u64 = 9 << 30;
    let folder = tempfile::tempdir().unwrap();
    let mut tarball = small();
    let upload = tarball.remove("assets/uploads/notes_36b3257a18.txt");
    let bytes = tarball.bytes();
    let path = folder.path().join("large.tar");
    let mut file = File::create(&path).unwrap();
    file.write_all(&bytes[..bytes.len() - 1024]).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_path(&upload.name).unwrap();
    header.set_size(SIZE);
    header.set_mode(0o644);
    header.set_cksum();
    file.write_all(header.as_bytes()).unwrap();
    // Nothing is written of it, and so it takes no room.
    let end = file.seek(SeekFrom::Current(SIZE as i64)).unwrap() + 1024;
    file.set_len(end).unwrap();
    let outcome = run(backup(["verify"]).arg(&path)).ends_with(0);
    assert!(outcome.stdout.contains("9.66 GB"), "{}", outcome.all());
}

// ------------------------------------------------------------------ what lies in the way

#[test]
fn a_hidden_file_of_an_archive_does_not_replace_the_one_that_is_there() {
    let project = Project::testdata();
    fs::write(project.uploads().join(".gitkeep"), "kept").unwrap();
    let rename = |text: &str| text.replace("notes_36b3257a18.txt", ".gitkeep");
    let mut tarball = Tarball::of(&small().bytes());
    for entry in &mut tarball.entries {
        entry.name = rename(&entry.name);
    }
    let tarball = tarball
        .replace(
            "assets/metadata/.gitkeep.json",
            r#""hash":"notes_36b3257a18","ext":".txt""#,
            r#""hash":".gitkeep","ext":"""#,
        )
        .replace(
            ENTITIES,
            "/uploads/notes_36b3257a18.txt",
            "/uploads/.gitkeep",
        )
        .replace(
            ENTITIES,
            r#""hash":"notes_36b3257a18","ext":".txt""#,
            r#""hash":".gitkeep","ext":"""#,
        );
    let path = tarball.write(project.archive("hidden.tar"));
    project.import(&path, &[]).ends_with(0);
    let state = project.state();
    let uploads = state.uploads();
    assert_eq!(uploads[".gitkeep"], b"kept");
    assert!(uploads.contains_key("1_.gitkeep"), "{:?}", uploads.keys());
    project.import(&path, &[]).ends_with(0);
}

#[test]
fn a_hidden_file_of_the_media_library_is_listed_by_an_export() {
    let project = Project::testdata();
    fs::write(project.uploads().join(".gitkeep"), "kept").unwrap();
    project.sql(
        "UPDATE files SET hash = '.gitkeep', ext = '', url = '/uploads/.gitkeep' WHERE id = 5",
    );
    let path = exported(
        &project,
        3,
        ["plugin::upload.file 5 (.gitkeep) is left out: it is hidden"],
    );
    let before = project.state();
    project.import(&path, &[]);
    let after = project.state();
    assert_eq!(before.tables["files"], after.tables["files"]);
    assert!(before.uploads() == after.uploads());
}

#[test]
fn a_missing_stage_is_told_in_a_few_lines() {
    let project = Project::testdata();
    let mut tarball = Tarball::read(&crate::support::cli::strapi_archive());
    tarball.remove(ENTITIES);
    for number in 0..500 {
        let name = format!("f{number}.txt");
        let sidecar = format!(
            r#"{{"id":{number},"name":"n","hash":"f{number}","ext":".txt","mime":"text/plain","size":1,"url":"/uploads/{name}"}}"#
        );
        let entries = [
            Entry::file(&format!("assets/metadata/{name}.json"), sidecar),
            Entry::file(&format!("assets/uploads/{name}"), "f"),
        ];
        let place = tarball.position("links/links_00001.jsonl");
        tarball.entries.splice(place..place, entries);
    }
    let path = tarball.write(project.archive("few.tar"));
    let outcome = run(backup(["verify"]).arg(&path)).ends_with(0);
    assert_eq!(outcome.lines("note: ").len(), 3, "{}", outcome.all());
    outcome.says([
        "note: the links: ",
        " left out: the archive holds no entities",
        "the archive has no row of plugin::upload.file for 510 of its files: ",
    ]);
}

// ------------------------------------------------------------------ exports

/// Exports, which must say this and end with this code; gives the path of the archive, which must be whole.
#[track_caller]
fn exported<const N: usize>(project: &Project, code: i32, said: [&str; N]) -> PathBuf {
    let options = [&["-f", "site", "--overwrite"], &PLAIN[..]].concat();
    project.run("export", options).ends_with(code).says(said);
    let path = project.archive(match code {
        0 => "site.tar",
        _ => "site.incomplete.tar",
    });
    run(backup(["verify"]).arg(&path)).ends_with(code);
    path
}

#[test]
fn components_that_hold_each_other_are_cut_and_listed() {
    let project = Project::testdata();
    let inside = r#""attributes": {
        "inside": {"type": "component", "component": "shared.link", "repeatable": true},
        "beside": {"type": "component", "component": "shared.link", "repeatable": true},"#;
    project.edit(
        "src/components/shared/link.json",
        r#""attributes": {"#,
        inside,
    );
    project.sql(
        "CREATE TABLE components_shared_links_cmps (id INTEGER PRIMARY KEY, entity_id INTEGER, cmp_id INTEGER,
            component_type TEXT, field TEXT, \"order\" REAL);
         INSERT INTO components_shared_links_cmps (entity_id, cmp_id, component_type, field)
            SELECT l.id, m.id, 'shared.link', f.column1
            FROM components_shared_links l, components_shared_links m, (VALUES ('inside'), ('beside')) f
            WHERE l.id IN (1, 2) AND m.id IN (1, 2);",
    );
    exported(
        &project,
        3,
        [
            "a component in attribute `inside` of shared.link",
            "it holds itself",
        ],
    );
    // Each holds the next one twice: there is no end to a line of it.
    project.sql(
        "DELETE FROM components_shared_links_cmps;
         WITH RECURSIVE n (i) AS (SELECT 9000 UNION ALL SELECT i + 1 FROM n WHERE i < 9600)
            INSERT INTO components_shared_links (id, label) SELECT i, 'deep' FROM n;
         INSERT INTO components_shared_links_cmps (entity_id, cmp_id, component_type, field)
            SELECT l.id, l.id + 1, 'shared.link', 'inside' FROM components_shared_links l WHERE l.id >= 9000;
         INSERT INTO components_shared_links_cmps (entity_id, cmp_id, component_type, field)
            SELECT id, 9000, 'shared.link', 'inside' FROM components_shared_links WHERE id < 9000;",
    );
    exported(
        &project,
        3,
        ["components are nested deeper than 512 levels"],
    );
    project.sql(
        "INSERT INTO components_shared_links_cmps (entity_id, cmp_id, component_type, field)
            SELECT l.id, l.id + 1, 'shared.link', 'beside' FROM components_shared_links l WHERE l.id >= 9000;",
    );
    exported(
        &project,
        3,
        ["its line would have more than 268435456 bytes"],
    );
    // What no line can hold is not made either.
    let (root, file) = (project.path(), project.archive("shared"));
    let export = [
        &["export", "--project", root.to_str().unwrap(), "-f"],
        &[file.to_str().unwrap()][..],
        &PLAIN[..],
    ];
    let Some((outcome, peak)) = measured(export.concat()) else {
        return;
    };
    let outcome = outcome.ends_with(3);
    assert!(peak <= MEMORY, "{} MB\n{}", peak >> 20, outcome.all());
}

#[test]
fn values_of_files_that_are_not_kept_are_told_where_only_files_are_exported() {
    let project = Project::testdata();
    project.sql("UPDATE files SET caption = CAST('a' || x'ff' AS TEXT) WHERE id = 5");
    for (name, only) in [("files", &["--only", "files"][..]), ("all", &[])] {
        let options = [&["-f", name], only, &PLAIN[..]].concat();
        let outcome = project.run("export", options).ends_with(3);
        let told = outcome.lines("warning: attribute `caption` of plugin::upload.file: 1 not kept");
        assert_eq!(told.len(), 1, "{only:?}: {}", outcome.all());
    }
}

#[test]
fn a_row_that_no_line_can_hold_is_listed_with_its_links() {
    let project = Project::testdata();
    project.sql("UPDATE articles SET body = printf('%.*c', 270000000, 'x') WHERE id = 30");
    let path = exported(
        &project,
        3,
        ["api::article.article: 1 left out: row 30: its line would have more than 268435456 bytes"],
    );
    let other = Project::testdata();
    other.import(&path, &[]).ends_with(0);
}

#[test]
fn a_file_whose_sidecar_would_be_too_long_or_its_name_is_listed() {
    let project = Project::testdata();
    project.sql(
        "UPDATE files SET provider_metadata = json_object('a', printf('%.*c', 2000000, 'x')) WHERE id = 5;
         UPDATE files SET hash = printf('%.*c', 5000, 'x') WHERE id = 3",
    );
    let outcome = project.run("export", [&["-f", "x"], &PLAIN[..]].concat());
    let listed = outcome.ends_with(3).says([
        "what describes it has more than the 1048576 bytes that a sidecar may have",
        "its hash and extension make no file name",
    ]);
    assert_eq!(listed.lines("warning: ").len(), 2, "{}", listed.all());
    run(backup(["verify"]).arg(project.archive("x.incomplete.tar"))).ends_with(3);
}

#[test]
fn names_in_links_that_are_too_long_are_listed() {
    let project = Project::testdata();
    project.sql(
        "UPDATE files_related_mph SET field = printf('%.*c', 5000, 'x') WHERE id = 1;
         UPDATE articles SET document_id = printf('%.*c', 5000, 'x') WHERE id = 30",
    );
    let path = exported(
        &project,
        3,
        [
            "links of `related` of plugin::upload.file: 1 left out: ",
            "its field has 5000 bytes, more than the 4096 that a name may have",
            "links of `localizations` of api::article.article: 1 left out: ",
            "its document id has 5000 bytes, more than the 4096 that a name may have",
        ],
    );
    let other = Project::testdata();
    other.import(&path, &[]).ends_with(0);
    let sql = "SELECT length(document_id) FROM articles WHERE id = 30";
    let length: i64 = other
        .connect()
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    assert_eq!(length, 5000);
}

#[test]
fn a_column_of_the_core_store_whose_name_is_too_long_is_listed() {
    let project = Project::testdata();
    let name = "x".repeat(5000);
    project.sql(&format!(
        "ALTER TABLE strapi_core_store_settings ADD COLUMN {name} TEXT"
    ));
    exported(&project, 0, []);
    project.sql(&format!(
        "UPDATE strapi_core_store_settings SET {name} = 'kept' WHERE id = 1"
    ));
    let said = "of the table strapi_core_store_settings: 1 not kept: its name has 5000 bytes";
    let path = exported(&project, 3, [said]);
    Project::testdata().import(&path, &[]).ends_with(0);
}

#[test]
fn schemas_that_are_too_long_for_an_archive_are_refused() {
    let refused = |edit: &dyn Fn(&mut serde_json::Value), said: &str| {
        let project = Project::testdata();
        project.edit_content_types(|types| edit(&mut types["api::article.article"]));
        let outcome = project.run("export", [&["-f", "site"], &PLAIN[..]].concat());
        outcome.ends_with(1).says([said, "start Strapi once"]);
        assert!(!project.archive("site.tar").exists());
    };
    refused(
        &|schema| schema["info"]["description"] = "x".repeat(9 << 20).into(),
        "with that of api::article.article, the schemas have more than the 8388608 bytes that an archive may hold",
    );
    let name = "x".repeat(5000);
    refused(
        &|schema| {
            schema["attributes"][&name] =
                serde_json::json!({"type": "component", "component": "shared.seo"})
        },
        "the schema of api::article.article cannot be taken: `attributes`: a name has 5000 bytes, more than the 4096",
    );
    refused(
        &|schema| {
            for number in 0..66_000 {
                let attribute = serde_json::json!({"type": "component", "component": "shared.seo"});
                schema["attributes"][format!("a{number}")] = attribute;
            }
        },
        "more than the 65536 ",
    );
}

#[test]
fn formats_with_long_names_come_back_and_too_many_of_them_are_listed() {
    let project = Project::testdata();
    let with_formats = "formats LIKE '%thumbnail%'";
    let name = "x".repeat(5000);
    let clean = project.exported(&[]).assets().len();
    project.sql(&format!(
        "UPDATE files SET formats = json_set(formats, '$.{name}', json_extract(formats, '$.thumbnail'))
            WHERE id = (SELECT min(id) FROM files WHERE {with_formats})"
    ));
    let path = exported(&project, 0, []);
    let other = Project::testdata();
    other.import(&path, &[]).ends_with(0);
    let archive = Archive::open(&path, None);
    assert_eq!(archive.assets().len(), clean);
    assert_eq!(archive.differences(&other.exported(&[])), [""; 0]);
    project.sql(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 65536)
            UPDATE files SET formats = (SELECT json_group_object('f' || i, json('{{}}')) FROM n)
            WHERE id = (SELECT min(id) FROM files WHERE {with_formats})"
    ));
    exported(
        &project,
        3,
        ["it has more than the 65536 members that an object may have"],
    );
}

/// A list in a list, so often.
fn deep(depth: usize) -> String {
    let mut text = "[".repeat(depth);
    let _ = write!(text, "1{}", "]".repeat(depth));
    text
}

#[test]
fn json_comes_back_however_deep_it_may_be_and_null_where_it_is_deeper() {
    for depth in [129, 512] {
        let project = Project::testdata();
        let json = deep(depth);
        project.sql(&format!(
            "UPDATE articles SET meta = '{json}' WHERE id = 30"
        ));
        let path = exported(&project, 0, []);
        project.sql("UPDATE articles SET meta = NULL");
        project.import(&path, &[]).ends_with(0);
        let sql = "SELECT meta FROM articles WHERE id = 30";
        let back: String = project
            .connect()
            .query_row(sql, [], |row| row.get(0))
            .unwrap();
        assert_eq!(back, json);
    }
    let project = Project::testdata();
    let json = deep(513);
    project.sql(&format!(
        "UPDATE articles SET meta = '{json}' WHERE id = 30;
         UPDATE components_shared_seos SET keywords = '{json}' WHERE id = (SELECT min(id) FROM components_shared_seos);
         INSERT INTO strapi_core_store_settings (key, value, type) VALUES ('plugin_deep', '{json}', 'object')"
    ));
    exported(
        &project,
        3,
        [
            "attribute `meta` of api::article.article",
            "30 (left out: nested deeper than 512 levels)",
            "attribute `keywords` of shared.seo",
            "plugin_deep",
        ],
    );
}

on_each_server!(json_that_is_deep_comes_back_or_is_refused_before_anything_is_changed);

fn json_that_is_deep_comes_back_or_is_refused_before_anything_is_changed(server: Server) {
    let site = Site::new(server);
    let source = Project::testdata();
    source.sql("UPDATE articles SET views = 1");
    let limit = server.pick(512, 31);
    for depth in [31, 32, 129, 512] {
        let json = deep(depth);
        source.sql(&format!(
            "UPDATE articles SET meta = '{json}' WHERE id = 30"
        ));
        let path = source.export("deep", &[]);
        let before = site.database.tables();
        let outcome = site.import(&path, &[]);
        if depth <= limit {
            outcome.ends_with(0);
            let lines = site.exported(&[]).lines("entities");
            let back = format!(r#""meta":{json},"#);
            assert!(lines.iter().any(|line| line.contains(&back)), "{depth}");
        } else {
            outcome.ends_with(1).says([
                "api::article.article 30, attribute `meta`: its JSON is nested deeper than",
                "nothing was changed",
            ]);
            assert!(site.database.tables() == before, "{depth}");
        }
    }
}
