//! Archives that are damaged, hostile or none at all: the message says what is wrong, and nothing is changed.

use std::fs;

use tar::EntryType;

use crate::support::cli::{KEY, Outcome, Project, State, strapi_archive, testdata};
use crate::support::tarball::{CONFIGURATION, ENTITIES, Entry, LINKS, Tarball, gzip};

const SIDECAR: &str = "assets/metadata/notes_36b3257a18.txt.json";
const UPLOAD: &str = "assets/uploads/notes_36b3257a18.txt";

/// A project that nothing may change.
struct Destination {
    project: Project,
    before: State,
}

impl Destination {
    fn new() -> Destination {
        let project = Project::testdata();
        let before = project.state();
        Destination { project, before }
    }

    /// Imports these bytes, which must fail with this code and change nothing.
    #[track_caller]
    fn refuses(&self, bytes: &[u8], options: &[&str], code: i32) -> Outcome {
        let path = self.project.archive("bad");
        fs::write(&path, bytes).unwrap();
        let outcome = self.project.import(&path, options).ends_with(code);
        self.before.assert_untouched(&self.project);
        let advice = outcome.stderr.lines().last().unwrap_or_default();
        assert!(advice.starts_with("  "), "no advice\n{}", outcome.all());
        outcome
    }

    /// As [`Destination::refuses`], for an archive that is damaged or not ours.
    #[track_caller]
    fn refuses_tarball(&self, tarball: &Tarball) -> Outcome {
        self.refuses(&tarball.bytes(), &[], 6)
    }
}

fn strapis() -> Tarball {
    Tarball::read(&strapi_archive())
}

// ------------------------------------------------------------------ cut and changed

#[test]
fn a_tar_that_was_cut_anywhere_is_refused() {
    let destination = Destination::new();
    let bytes = fs::read(strapi_archive()).unwrap();
    let boundaries = boundaries(&bytes);
    let metadata = boundaries[boundaries.len() - 2];
    let end = boundaries[boundaries.len() - 1];
    for length in [
        300,
        512,
        30_000,
        boundaries[1],
        boundaries[1] + 512,
        metadata - 1,
        metadata,
        metadata + 200,
        metadata + 550,
        end,
    ] {
        let outcome = destination.refuses(&bytes[..length], &[], 6);
        outcome.says(["was cut short", "copy this one again"]);
    }
}

#[test]
fn a_tar_with_metadata_first_that_was_cut_between_two_entries_is_refused() {
    let destination = Destination::new();
    let mut tarball = strapis();
    let metadata = tarball.remove("metadata.json");
    tarball.entries.insert(0, metadata);
    let bytes = tarball.bytes();
    let boundaries = boundaries(&bytes);
    for entries in [3, 10, boundaries.len() - 2] {
        let cut = &bytes[..boundaries[entries]];
        destination.refuses(cut, &[], 6).says(["was cut short"]);
        destination
            .refuses(&gzip(cut), &[], 6)
            .says(["was cut short"]);
    }
}

/// Where the entries of a tar begin, and where the last one ends.
fn boundaries(tar: &[u8]) -> Vec<usize> {
    let mut boundaries = vec![0];
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let entry = entry.unwrap();
        let end = entry.raw_file_position() + entry.size();
        boundaries.push(usize::try_from(end.next_multiple_of(512)).unwrap());
    }
    boundaries
}

#[test]
fn a_compressed_archive_that_was_cut_anywhere_is_refused() {
    let destination = Destination::new();
    let bytes = gzip(&fs::read(strapi_archive()).unwrap());
    for length in [20, 1_000, bytes.len() / 2, bytes.len() - 8, bytes.len() - 1] {
        destination
            .refuses(&bytes[..length], &[], 6)
            .says(["was cut short", "copy this one again"]);
    }
}

#[test]
fn an_encrypted_archive_that_was_cut_anywhere_is_refused() {
    let destination = Destination::new();
    let bytes = fs::read(testdata("strapi-export.tar.gz.enc")).unwrap();
    let named = destination.project.archive("bad.tar.gz.enc");
    for length in [528, 10_000, bytes.len() - 16, bytes.len() - 7] {
        fs::write(&named, &bytes[..length]).unwrap();
        let outcome = destination.project.import(&named, &["-k", KEY]);
        outcome
            .ends_with(6)
            .says(["bad.tar.gz.enc", "copy this one again"]);
        destination.before.assert_untouched(&destination.project);
    }
}

#[test]
fn a_changed_byte_is_noticed_where_the_format_can_tell() {
    let destination = Destination::new();
    let mut tar = fs::read(strapi_archive()).unwrap();
    let mut packed = gzip(&tar);
    let middle = packed.len() / 2;
    packed[middle] ^= 1;
    destination.refuses(&packed, &[], 6);
    let header = boundaries(&tar)[1];
    tar[header] ^= 1;
    destination.refuses(&tar, &[], 6).says(["is damaged"]);
}

// ------------------------------------------------------------------ no archives

#[test]
fn what_is_no_archive_is_called_that() {
    let destination = Destination::new();
    let noise: Vec<u8> = (0..1_601_u64)
        .map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect();
    let mut split = "x".repeat(511);
    split.push_str(&"é".repeat(1_000));
    split.push('x');
    assert_eq!(split.len() % 16, 0);
    let zip = [&b"PK\x03\x04"[..], &noise[..1_596]].concat();
    assert_eq!(zip.len() % 16, 0);
    for bytes in [
        &b"A letter, and not an archive.\n"[..],
        split.as_bytes(),
        &noise,
        &zip,
        br#"{"type":"api::tag.tag"}"#,
    ] {
        destination
            .refuses(bytes, &[], 6)
            .says(["bad is not a Strapi export", "strapi export"]);
        destination
            .refuses(bytes, &["-k", KEY], 6)
            .says(["bad is not a Strapi export"]);
    }
    destination.refuses(b"", &[], 6).says(["is empty"]);
    destination.refuses(&gzip(b"A letter."), &[], 6);
    destination.refuses(&gzip(b""), &[], 6);
}

#[test]
fn an_archive_that_is_not_there_is_named() {
    let destination = Destination::new();
    let path = destination.project.archive("typo.tar");
    let outcome = destination.project.import(&path, &[]);
    outcome
        .ends_with(1)
        .says(["there is no archive at", "typo.tar", "check the name"]);
    destination.before.assert_untouched(&destination.project);
}

#[test]
fn a_tar_of_something_else_is_no_export() {
    let destination = Destination::new();
    let entries = vec![Entry::file("holiday.txt", "sun")];
    destination
        .refuses_tarball(&Tarball { entries })
        .says(["holds no metadata.json"]);
    let mut tarball = strapis();
    tarball.remove("metadata.json");
    destination
        .refuses_tarball(&tarball)
        .says(["holds no metadata.json"]);
    let mut tarball = strapis();
    tarball.remove("schemas/schemas_00001.jsonl");
    destination
        .refuses_tarball(&tarball)
        .says(["holds no schemas"]);
    let folder = destination.project.archive("folder");
    fs::create_dir(&folder).unwrap();
    let outcome = destination.project.import(&folder, &[]);
    outcome.ends_with(6).says(["folder holds no metadata.json"]);
}

#[test]
fn metadata_that_does_not_tell_the_version_is_refused() {
    let destination = Destination::new();
    for content in [
        "{}",
        r#"{"strapi":{}}"#,
        r#"{"strapi":{"version":5}}"#,
        "no JSON",
        "",
    ] {
        let mut tarball = strapis();
        tarball.entry("metadata.json").content = content.into();
        destination
            .refuses_tarball(&tarball)
            .says(["metadata.json does not tell the Strapi version"]);
    }
}

// ------------------------------------------------------------------ keys

#[test]
fn a_wrong_key_is_called_that() {
    let destination = Destination::new();
    let archive = testdata("strapi-export.tar.gz.enc");
    let wrong = ["-k", "not-the-key"];
    let outcome = destination.project.import(&archive, &wrong).ends_with(12);
    assert!(!outcome.stderr.contains("not-the-key"), "{}", outcome.all());
    outcome.says([
        "the key does not open",
        "give the key",
        "if it is right, the file is damaged",
    ]);
    destination.before.assert_untouched(&destination.project);
    // Under another name it may as well be something else.
    let outcome = destination.refuses(&fs::read(archive).unwrap(), &wrong, 12);
    outcome.says(["the key is wrong, or the file is not a Strapi export"]);
}

#[test]
fn a_key_for_an_archive_that_is_not_encrypted_is_refused() {
    let destination = Destination::new();
    let bytes = fs::read(strapi_archive()).unwrap();
    for bytes in [&bytes, &gzip(&bytes)] {
        let outcome = destination.refuses(bytes, &["-k", KEY], 2);
        outcome.says(["bad is not encrypted", "leave the option for the key out"]);
    }
}

// ------------------------------------------------------------------ lines

#[test]
fn a_malformed_line_is_named_by_its_entry_and_number() {
    let destination = Destination::new();
    for (entry, number, line) in [
        (ENTITIES, 7, r#"{"type":"api::tag.tag","id":1,"data":{"#),
        (ENTITIES, 1, r#"{"id":1,"data":{}}"#),
        (
            ENTITIES,
            82,
            r#"{"type":"api::tag.tag","id":"one","data":{}}"#,
        ),
        (ENTITIES, 40, r#"{"type":"api::tag.tag","id":1,"data":[]}"#),
        (ENTITIES, 40, "[]"),
        (ENTITIES, 40, r#"["api::tag.tag",1,{}]"#),
        (
            LINKS,
            3,
            r#"{"kind":"relation.basic","relation":"oneToOne"}"#,
        ),
        (LINKS, 551, "\u{0}"),
        (CONFIGURATION, 2, r#"{"type":"core-store","value":[]}"#),
        (CONFIGURATION, 44, r#"{"type":"secrets","value":{}}"#),
        ("schemas/schemas_00001.jsonl", 9, r#"{"uid":"api::a.a"}"#),
    ] {
        let tarball = strapis().edit_lines(entry, |lines| lines[number - 1] = line.to_owned());
        let place = format!("error: {entry}, line {number}: ");
        destination.refuses_tarball(&tarball).says([
            &place,
            "take another archive",
            "nothing was changed",
        ]);
    }
}

#[test]
fn a_line_that_is_not_utf_8_is_named() {
    let destination = Destination::new();
    let mut tarball = strapis();
    let content = &mut tarball.entry(ENTITIES).content;
    let position = content
        .windows(5)
        .position(|window| window == b"Hello")
        .unwrap();
    content[position] = 0xff;
    let line = content[..position]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1;
    let place = format!("{ENTITIES}, line {line}: it is not UTF-8");
    destination.refuses_tarball(&tarball).says([&place]);
}

#[test]
fn a_value_that_its_column_cannot_hold_is_named_before_anything_is_deleted() {
    let destination = Destination::new();
    for (value, attribute) in [
        (r#""count":"many""#, "`count`"),
        (r#""count":{}"#, "`count`"),
        (r#""releaseAt":"tomorrow""#, "`releaseAt`"),
    ] {
        let (name, _) = value.split_once(':').unwrap();
        let tarball = strapis().edit_lines(ENTITIES, |lines| {
            let last = lines
                .iter_mut()
                .rfind(|line| line.contains("api::article.article"));
            let line = last.unwrap();
            let start = line.find(name).unwrap();
            let end = start + line[start..].find(",\"").unwrap();
            line.replace_range(start..end, value);
        });
        destination.refuses_tarball(&tarball).says([
            ENTITIES,
            "line 58",
            "api::article.article 30",
            attribute,
            "nothing was changed",
        ]);
    }
}

#[test]
fn rows_of_a_content_type_without_a_schema_are_refused() {
    let destination = Destination::new();
    let tarball = strapis().edit_lines(ENTITIES, |lines| {
        lines.insert(
            20,
            r#"{"type":"api::ghost.ghost","id":3,"data":{}}"#.to_owned(),
        );
    });
    destination.refuses_tarball(&tarball).says([
        "entities/entities_00001.jsonl, line 21",
        "api::ghost.ghost 3: the archive has no schema of this content type",
    ]);
    let tarball = strapis().replace(
        ENTITIES,
        r#""__component":"blocks.quote""#,
        r#""__component":"blocks.ghost""#,
    );
    destination.refuses_tarball(&tarball).says([
        "attribute `zone` of api::article.article: it holds a component `blocks.ghost` that there is no schema of",
    ]);
}

#[test]
fn rows_that_come_twice_are_refused() {
    let destination = Destination::new();
    let tarball = strapis().edit_lines(ENTITIES, |lines| lines.push(lines[35].clone()));
    destination.refuses_tarball(&tarball).says([
        "entities_00001.jsonl, line 83",
        "api::article.article 8: it stands in the archive twice",
    ]);
}

// ------------------------------------------------------------------ files

#[test]
fn names_that_lead_out_of_the_archive_are_refused() {
    let destination = Destination::new();
    for name in [
        "assets/uploads/../../../../escaped",
        "assets/uploads/..",
        "/etc/escaped",
        "C:/escaped",
        "..\\..\\escaped",
        "assets\\uploads\\..\\..\\escaped",
        "assets/uploads/folder\\..\\escaped",
    ] {
        let mut tarball = strapis();
        let upload = tarball.position(UPLOAD);
        tarball.entries.insert(upload, Entry::file(name, "out"));
        let said = format!("the entry {name} is refused");
        destination
            .refuses_tarball(&tarball)
            .says([&said, "unless you know who made it"]);
    }
}

#[test]
fn links_and_devices_are_refused_even_where_nobody_would_look_at_them() {
    let destination = Destination::new();
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
    ] {
        for name in ["assets/uploads/link.txt", "elsewhere/link.txt"] {
            let mut tarball = strapis();
            tarball
                .entries
                .insert(3, Entry::other(name, kind, "/etc/passwd"));
            let said = format!("the entry {name} is refused: it is a link or a device");
            destination.refuses_tarball(&tarball).says([&said]);
        }
    }
}

#[test]
fn a_link_in_an_unpacked_archive_is_refused() {
    let destination = Destination::new();
    let folder = destination.project.unpacked();
    let name = "assets/uploads/notes_36b3257a18.txt";
    fs::remove_file(folder.join(name)).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.join(name)).unwrap();
    let outcome = destination.project.import(&folder, &[]);
    outcome
        .ends_with(6)
        .says(["notes_36b3257a18.txt is refused: it is a link"]);
    destination.before.assert_untouched(&destination.project);
}

#[test]
fn a_file_without_a_sidecar_is_named() {
    let destination = Destination::new();
    let mut tarball = strapis();
    tarball.remove(SIDECAR);
    destination
        .refuses_tarball(&tarball)
        .says([UPLOAD, "has no sidecar", "take another archive"]);
}

#[test]
fn a_sidecar_that_strapi_would_refuse_is_refused() {
    let destination = Destination::new();
    for (from, to, said) in [
        (r#""id":5"#, r#""id":"five""#, "id"),
        (r#""id":5,"#, "", "`id`"),
        (r#""size":0.01"#, r#""size":-1"#, "`size`"),
        (r#""size":0.01"#, r#""size":null"#, "null"),
        (r#""name":"notes.txt""#, r#""name":"""#, "`name`"),
        (r#""mime":"text/plain""#, r#""mime":"""#, "`mime`"),
        (
            r#""url":"/uploads/notes_36b3257a18.txt""#,
            r#""url":"""#,
            "`url`",
        ),
        (
            r#""hash":"notes_36b3257a18""#,
            r#""hash":"other""#,
            "\"other.txt\"",
        ),
        (r#"{"id":5"#, "no JSON", "expected"),
    ] {
        let tarball = strapis().replace(SIDECAR, from, to);
        let outcome = destination.refuses_tarball(&tarball);
        outcome.says([
            "the sidecar of notes_36b3257a18.txt",
            said,
            "take another archive",
        ]);
    }
}

#[test]
fn names_from_an_archive_cannot_move_the_cursor_of_a_terminal() {
    let destination = Destination::new();
    let mut tarball = strapis();
    let name = "assets/uploads/../\u{1b}[2J\u{202e}gnp";
    tarball.entries.insert(0, Entry::file(name, ""));
    let outcome = destination.refuses_tarball(&tarball);
    assert!(
        !outcome.stderr.contains(['\u{1b}', '\u{202e}']),
        "{:?}",
        outcome.stderr
    );
    outcome.says(["\\u{1b}[2J\\u{202e}gnp"]);
}
