//! `backup extract`: an archive taken apart, or pieces of it, byte for byte what the archive holds; nothing of a damaged
//! archive, unless that is asked for, and nothing outside the folder that was named.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;
use tar::EntryType;

use crate::support::archive::{Archive, decrypt};
use crate::support::cli::{
    KEY, Outcome, Project, backup, run, strapi_archive, strapi_archive_of, testdata,
};
use crate::support::files::{copy_folder, listing};
use crate::support::restore::assert_exports;
use crate::support::schema::described;
use crate::support::strace::{can_trace, injected, traced};
use crate::support::tarball::{ENTITIES, Entry, Tarball};

/// The files of the row of `big one.png` in `testdata`.
const BIG: [&str; 5] = [
    "big_one_d7c4af0ac8.png",
    "large_big_one_d7c4af0ac8.png",
    "medium_big_one_d7c4af0ac8.png",
    "small_big_one_d7c4af0ac8.png",
    "thumbnail_big_one_d7c4af0ac8.png",
];
const NOTES: &str = "notes_36b3257a18.txt";
const ARTICLE: &str = "api::article.article";

/// A folder for what is extracted.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Room {
        Room(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, archive: &Path, options: &[&str]) -> std::process::Command {
        let archive = archive.to_str().unwrap();
        let mut command = backup([&["extract", archive], options].concat());
        command.current_dir(self.0.path());
        command
    }

    fn run(&self, archive: &Path, options: &[&str]) -> Outcome {
        run(&mut self.command(archive, options))
    }

    /// What lies in it, by name; hidden files as well.
    fn all(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }
}

/// The files of a tree, by the names that they would have in an archive.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(folder).unwrap();
            let name = name.to_str().unwrap().to_owned();
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// The entries of a plain tar.
fn entries(tarball: &Tarball) -> BTreeMap<String, Vec<u8>> {
    let entries = tarball.entries.iter();
    entries
        .map(|entry| (entry.name.clone(), entry.content.clone()))
        .collect()
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The lines of the archive of a stage.
fn lines_of(archive: &Path, entry: &str) -> Vec<String> {
    let mut tarball = Tarball::read(archive);
    let text = String::from_utf8(tarball.entry(entry).content.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

#[test]
fn a_whole_archive_is_unpacked_byte_for_byte_whatever_it_is_packed_in() {
    let project = Project::testdata();
    let options = ["-f", "site", "-k", KEY, "--no-compress"];
    project.run("export", options).ends_with(0);
    let encrypted = project.archive("site.tar.enc");
    let ours = Tarball::of(&decrypt(&fs::read(&encrypted).unwrap(), KEY));
    project
        .run("export", ["-f", "site", "-k", KEY])
        .ends_with(0);
    let packed = project.archive("site.tar.gz.enc");
    let plain = project.export("plain", &[]);
    let folder = project.export_unpacked("folder");
    let room = Room::new();
    for (archive, options, expected) in [
        (&encrypted, &["-k", KEY][..], Some(entries(&ours))),
        (&packed, &["-k", KEY], None),
        (&plain, &[], Some(entries(&Tarball::read(&plain)))),
        (&folder, &[], Some(tree(&folder))),
        (
            &strapi_archive(),
            &[],
            Some(entries(&Tarball::read(&strapi_archive()))),
        ),
        (
            &strapi_archive_of(4),
            &[],
            Some(entries(&Tarball::read(&strapi_archive_of(4)))),
        ),
        (&testdata("strapi-export.tar.gz.enc"), &["-k", KEY], None),
    ] {
        let out = room.path("out");
        room.run(archive, &[&["--to", "out"], options].concat())
            .ends_with(0);
        if let Some(expected) = expected {
            assert!(tree(&out) == expected, "{}", archive.display());
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&out), 0o700);
        assert_eq!(mode(&out.join("metadata.json")), 0o600);
        run(&mut backup(["verify", out.to_str().unwrap()])).ends_with(0);
        fs::remove_dir_all(out).unwrap();
        assert!(room.all().is_empty());
    }
}

#[test]
fn what_was_unpacked_is_restored() {
    let project = Project::testdata();
    let archive = project.export("site", &[]);
    let room = Room::new();
    room.run(&archive, &["--to", "out"]).ends_with(0);
    let empty = Project::empty();
    empty.import(&room.path("out"), &[]).ends_with(0);
    assert_exports(&empty, &Archive::open(&archive, None));
}

#[test]
fn an_archive_comes_through_a_pipe_also_where_it_is_read_twice() {
    let project = Project::testdata();
    let archive = project.export("site", &[]);
    let room = Room::new();
    for (archive, options) in [
        (&archive, &["--to", "out"][..]),
        (&strapi_archive(), &["--to", "out"]),
        (
            &archive,
            &[
                "--to",
                "out",
                "--type",
                "api::author.author",
                "--with-files",
            ],
        ),
        (
            &strapi_archive(),
            &[
                "--to",
                "out",
                "--type",
                "api::author.author",
                "--with-files",
            ],
        ),
        (&archive, &["--to", "out", "--damaged"]),
    ] {
        let mut command = room.command(Path::new("-"), options);
        command.stdin(Stdio::from(File::open(archive).unwrap()));
        run(&mut command).ends_with(0);
        assert!(!tree(&room.path("out")).is_empty());
        fs::remove_dir_all(room.path("out")).unwrap();
    }
}

#[test]
fn a_folder_that_holds_something_or_is_none_is_left_alone() {
    let room = Room::new();
    let archive = strapi_archive();
    fs::create_dir(room.path("full")).unwrap();
    fs::write(room.path("full/mine"), "mine").unwrap();
    fs::write(room.path("file"), "mine").unwrap();
    symlink("nowhere", room.path("dangling")).unwrap();
    for to in ["full", "file", "dangling", "s3://bucket/x", "-"] {
        room.run(&archive, &["--to", to]).ends_with(2);
    }
    room.run(&archive, &["--to", "no/such/folder"]).ends_with(1);
    for to in ["file", "dangling"] {
        room.run(&archive, &["--to", to, "--asset", NOTES])
            .ends_with(2);
    }
    let left: BTreeSet<String> = ["full", "file", "dangling"].map(str::to_owned).into();
    assert_eq!(room.all(), left);
    assert_eq!(listing(&room.path("full")), ["mine"]);
    // A link leads where it leads.
    fs::create_dir(room.path("real")).unwrap();
    symlink("real", room.path("link")).unwrap();
    room.run(&archive, &["--to", "link"]).ends_with(0);
    assert!(room.path("real/metadata.json").is_file());
    assert!(room.path("link").is_symlink());
}

#[test]
fn files_come_by_their_names_on_disk_by_those_of_their_users_and_by_patterns() {
    let room = Room::new();
    let archive = strapi_archive();
    let mut tarball = Tarball::read(&archive);
    for (options, names) in [
        (&["--asset", NOTES][..], &[NOTES][..]),
        (&["--asset", "notes.txt"], &[NOTES]),
        (&["--asset", "big one.png"], &BIG),
        (&["--asset", BIG[0]], &BIG),
        (&["--asset", "big one.png", "--no-formats"], &BIG[..1]),
        (&["--asset", BIG[4], "--no-formats"], &BIG[4..]),
        (&["--asset", "small_big*"], &BIG[3..4]),
        (&["--asset", "big*", "--no-formats"], &BIG[..1]),
        (
            &["--asset", "notes.txt", "--asset", "small.png"],
            &[NOTES, "small_2a9128b856.png"],
        ),
        (
            &["--asset", "*.txt", "--user-names"],
            &["notes.txt", "readme no ext"],
        ),
    ] {
        let what = [&["--to", "out"], options].concat();
        room.run(&archive, &what).ends_with(0);
        let out = tree(&room.path("out"));
        assert_eq!(out.keys().collect::<Vec<_>>(), names, "{options:?}");
        for (name, content) in &out {
            if let Some(entry) = BIG.iter().chain([&NOTES]).find(|it| *it == name) {
                let entry = tarball.entry(&format!("assets/uploads/{entry}"));
                assert_eq!(&entry.content, content, "{name}");
            }
        }
        fs::remove_dir_all(room.path("out")).unwrap();
    }
    let what = ["--to", "out", "--asset", "notes.txt", "--metadata"];
    let outcome = room.run(&archive, &what).ends_with(0);
    outcome.says([NOTES, "\"notes.txt\" (row 5)"]);
    let sidecar = tarball.entry(&format!("assets/metadata/{NOTES}.json"));
    assert_eq!(
        fs::read(room.path("out").join(format!("{NOTES}.json"))).unwrap(),
        sidecar.content
    );
}

#[test]
fn files_alone_say_what_their_users_called_them() {
    let project = Project::testdata();
    let archive = project.export("files", &["--only", "files"]);
    let room = Room::new();
    for (name, names) in [("big one.png", &BIG[..]), ("notes*", &[NOTES])] {
        room.run(&archive, &["--to", name, "--asset", name])
            .ends_with(0);
        assert_eq!(listing(&room.path(name)), names);
    }
}

#[test]
fn several_files_of_one_name_are_all_taken_and_numbered() {
    let project = Project::testdata();
    project.sql("UPDATE files SET name = 'notes.txt' WHERE id = 3");
    project.sql("UPDATE files SET name = '../../.hidden' WHERE id = 4");
    let archive = project.export("site", &[]);
    let room = Room::new();
    let what = [
        "--to",
        "out",
        "--asset",
        "notes.txt",
        "--asset",
        "*hidden",
        "--user-names",
    ];
    let outcome = room.run(&archive, &what).ends_with(0);
    assert_eq!(
        listing(&room.path("out")),
        ["_._.._.hidden", "notes-2.txt", "notes.txt"],
        "{}",
        outcome.all()
    );
    assert_eq!(room.all().len(), 1);
    // On stdout there is room for one.
    room.run(&archive, &["--to", "-", "--asset", "notes.txt"])
        .ends_with(2)
        .says(["2 files match", NOTES, "small_2a9128b856.png"]);
}

#[test]
fn many_files_of_one_name_are_numbered_on() {
    let project = Project::testdata();
    project.sql("UPDATE files SET name = 'x.png'");
    project.sql("UPDATE files SET name = 'x-2.png' WHERE id = 2");
    let archive = project.export("site", &[]);
    let room = Room::new();
    let what = [
        "--to",
        "out",
        "--asset",
        "x*",
        "--user-names",
        "--no-formats",
    ];
    room.run(&archive, &what).ends_with(0);
    let names = listing(&room.path("out"));
    assert_eq!(names.len(), 5, "{names:?}");
    assert!(names.contains(&"x.png".to_owned()) && names.iter().all(|it| it.starts_with("x")));
}

#[test]
fn a_file_or_the_lines_of_a_type_go_to_stdout_and_reports_elsewhere() {
    let room = Room::new();
    let archive = strapi_archive();
    let mut tarball = Tarball::read(&archive);
    let outcome = room.run(&archive, &["--to", "-", "--asset", "notes.txt"]);
    let outcome = outcome.ends_with(0).says(["assets"]);
    let notes = tarball.entry(&format!("assets/uploads/{NOTES}"));
    assert_eq!(outcome.stdout.as_bytes(), notes.content);
    let outcome = room
        .run(&archive, &["--to", "-", "--type", ARTICLE])
        .ends_with(0);
    let mut expected = lines_of(&archive, ENTITIES);
    expected.retain(|line| json(line)["type"] == ARTICLE);
    assert!(outcome.stdout.lines().eq(expected));
    for refused in [
        &["--to", "-"][..],
        &["--to", "-", "--type", ARTICLE, "--type", "api::tag.tag"],
        &["--to", "-", "--type", ARTICLE, "--with-files"],
        &["--to", "-", "--asset", "notes.txt", "--metadata"],
    ] {
        let outcome = room.run(&archive, refused).ends_with(2);
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn a_type_comes_with_the_links_of_its_rows_and_of_the_components_in_them() {
    let room = Room::new();
    let archive = strapi_archive();
    room.run(&archive, &["--to", "out", "--type", ARTICLE])
        .ends_with(0);
    let mut articles = lines_of(&archive, ENTITIES);
    articles.retain(|line| json(line)["type"] == ARTICLE);
    assert_eq!(
        lines(&room.path("out/api::article.article.jsonl")),
        articles
    );
    let found = lines(&room.path("out/api::article.article.links.jsonl"));
    let all = lines_of(&archive, "links/links_00001.jsonl");
    let has_end = |line: &&String| {
        let link = json(line);
        [&link["left"], &link["right"]]
            .iter()
            .any(|end| end["type"] == ARTICLE)
    };
    let of_rows: Vec<&String> = all.iter().filter(has_end).collect();
    assert!(of_rows.iter().all(|line| found.contains(line)));
    // Those of components: of some, and not of those that other types hold.
    let of_components = found.iter().filter(|line| !has_end(line)).count();
    assert!(of_components > 0 && found.len() < all.len());
    assert!(found.iter().all(|line| all.contains(line)));

    let (one, document) = (
        json(&articles[0]),
        json(&articles[1])["data"]["documentId"].clone(),
    );
    let id = one["id"].to_string();
    let what = ["--to", "one", "--type", ARTICLE, "--id", &id];
    room.run(&archive, &what).ends_with(0);
    assert_eq!(
        lines(&room.path("one/api::article.article.jsonl")),
        articles[..1]
    );
    let links = lines(&room.path("one/api::article.article.links.jsonl"));
    assert!(!links.is_empty() && links.len() < found.len());
    let what = [
        "--to",
        "doc",
        "--type",
        ARTICLE,
        "--document",
        document.as_str().unwrap(),
    ];
    room.run(&archive, &what).ends_with(0);
    let documents = lines(&room.path("doc/api::article.article.jsonl"));
    let expected = articles
        .iter()
        .filter(|line| json(line)["data"]["documentId"] == document);
    assert!(documents.iter().eq(expected) && documents.len() > 1);

    for (options, said) in [
        (&["--type", "api::no.no"][..], "api::author.author"),
        (&["--type", ARTICLE, "--id", "4711"], "id 4711"),
        (&["--type", ARTICLE, "--document", "nope"], "document nope"),
        (
            &["--type", ARTICLE, "--type", "api::tag.tag", "--id", "1"],
            "one content type",
        ),
        (&["--id", "1"], "--type"),
        (&["--type", ARTICLE, "--asset", "x"], "--asset"),
    ] {
        let what = [&["--to", "none"], options].concat();
        room.run(&archive, &what).ends_with(2).says([said]);
        assert!(!room.path("none").exists());
    }
}

#[test]
fn files_that_rows_link_come_with_them() {
    let room = Room::new();
    for archive in [strapi_archive(), strapi_archive_of(4)] {
        let what = [
            "--to",
            "out",
            "--type",
            "api::author.author",
            "--with-files",
        ];
        room.run(&archive, &what).ends_with(0);
        let links = lines(&room.path("out/api::author.author.links.jsonl"));
        let linked: BTreeSet<String> = links
            .iter()
            .map(|line| json(line))
            .flat_map(|link| [link["left"].clone(), link["right"].clone()])
            .filter(|end| end["type"] == "plugin::upload.file")
            .map(|end| end["ref"].to_string())
            .collect();
        let rows = lines(&room.path("out/plugin::upload.file.jsonl"));
        let ids: BTreeSet<String> = rows
            .iter()
            .map(|line| json(line)["id"].to_string())
            .collect();
        assert!(!linked.is_empty());
        assert_eq!(ids, linked);
        let mut tarball = Tarball::read(&archive);
        let files = tree(&room.path("out/uploads"));
        for row in rows {
            let data = &json(&row)["data"];
            let name = [&data["hash"], &data["ext"]]
                .map(|it| it.as_str().unwrap())
                .concat();
            let entry = tarball.entry(&format!("assets/uploads/{name}"));
            assert_eq!(files[&name], entry.content);
        }
        fs::remove_dir_all(room.path("out")).unwrap();
    }
}

#[test]
fn a_name_that_nothing_has_is_refused_with_names_that_are_like_it() {
    let room = Room::new();
    let archive = strapi_archive();
    room.run(&archive, &["--to", "out", "--asset", "note.txt"])
        .ends_with(2)
        .says(["called note.txt", "notes.txt"]);
    room.run(
        &archive,
        &["--to", "out", "--asset", "*.zip", "--asset", NOTES],
    )
    .ends_with(2)
    .says(["called *.zip", "10 files", "inspect --entries"]);
    assert!(room.all().is_empty());
}

#[test]
fn a_file_that_is_there_is_replaced_only_if_that_is_asked_for() {
    let room = Room::new();
    let archive = strapi_archive();
    fs::create_dir(room.path("uploads")).unwrap();
    let file = room.path("uploads").join(BIG[2]);
    fs::write(&file, "mine").unwrap();
    fs::write(room.path("uploads/other"), "mine").unwrap();
    let what = ["--to", "uploads", "--asset", "big one.png"];
    room.run(&archive, &what).ends_with(2).says([
        &format!("error: {}", fs::canonicalize(&file).unwrap().display()),
        "--overwrite",
    ]);
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    assert_eq!(listing(&room.path("uploads")).len(), 2);
    room.run(&archive, &[&what[..], &["--overwrite"]].concat())
        .ends_with(0);
    assert_ne!(fs::read(&file).unwrap(), b"mine");
    assert_eq!(listing(&room.path("uploads")).len(), 6);
}

#[test]
fn names_that_lead_elsewhere_and_links_write_nothing() {
    let room = Room::new();
    let archive = room.path("bad.tar");
    let outside = room.path("outside");
    let escaped = format!("assets/uploads/../../../{}", "outside");
    for entry in [
        Entry::file(&escaped, "x"),
        Entry::file(outside.to_str().unwrap(), "x"),
        Entry::file("assets/uploads/.backup-restore-x", "x"),
        Entry::other("assets/uploads/link", EntryType::Symlink, "/etc/passwd"),
        Entry::other("entities/link.jsonl", EntryType::Link, "metadata.json"),
        Entry::other("entities", EntryType::Symlink, "/tmp"),
    ] {
        let name = entry.name.clone();
        let mut tarball = Tarball::read(&strapi_archive());
        tarball.entries.insert(1, entry);
        tarball.write(archive.clone());
        for options in [
            &["--to", "out"][..],
            &["--to", "out", "--asset", NOTES],
            &["--to", "out", "--type", ARTICLE],
        ] {
            let outcome = room.run(&archive, options).ends_with(6);
            assert!(outcome.stderr.contains("is refused"), "{name}");
            assert_eq!(room.all(), ["bad.tar".to_owned()].into(), "{name}");
        }
        // What stands before it could be read, and leads nowhere either.
        room.run(&archive, &["--to", "out", "--damaged"])
            .ends_with(6);
        let left: BTreeSet<String> = ["bad.tar", "out"].map(str::to_owned).into();
        assert_eq!(room.all(), left, "{name}");
        fs::remove_dir_all(room.path("out")).unwrap();
    }
    let folder = room.path("folder");
    let project = Project::testdata();
    copy_folder(&project.export_unpacked("site"), &folder);
    symlink("/etc/passwd", folder.join("assets/uploads/x.txt")).unwrap();
    room.run(&folder, &["--to", "out"])
        .ends_with(6)
        .says(["it is a link"]);
    assert!(!room.path("out").exists());
}

#[test]
fn entries_that_no_archive_has_are_left_out_and_counted() {
    let room = Room::new();
    let mut tarball = Tarball::read(&strapi_archive());
    let expected = entries(&tarball);
    for name in [
        "evil.sh",
        "assets/metadata/x",
        "metadata.json/x",
        ".backup-aB3dE6.part/x",
    ] {
        tarball.entries.push(Entry::file(name, "x"));
    }
    let archive = tarball.write(room.path("odd.tar"));
    room.run(&archive, &["--to", "out"])
        .ends_with(0)
        .says(["4 entries are left out"]);
    assert!(tree(&room.path("out")) == expected);
}

#[test]
fn of_two_entries_of_one_name_the_last_counts_as_with_tar() {
    let room = Room::new();
    let mut tarball = Tarball::read(&strapi_archive());
    let name = format!("assets/uploads/{NOTES}");
    let sidecar = tarball
        .entry(&format!("assets/metadata/{NOTES}.json"))
        .clone();
    let position = tarball.position(&name);
    tarball
        .entries
        .insert(position + 1, Entry::file(&name, "second!"));
    tarball.entries.insert(position + 1, sidecar);
    let archive = tarball.write(room.path("twice.tar"));
    room.run(&archive, &["--to", "out"]).ends_with(0);
    assert_eq!(fs::read(room.path("out").join(name)).unwrap(), b"second!");
    room.run(&archive, &["--to", "one", "--asset", NOTES])
        .ends_with(0);
    assert_eq!(listing(&room.path("one")), [NOTES]);
}

#[test]
fn nothing_of_a_damaged_archive_is_written_unless_what_can_be_read_is_asked_for() {
    let room = Room::new();
    let project = Project::testdata();
    let good = project.export("site", &[]);
    let bad = format!("assets/uploads/{NOTES}");
    let mut tarball = Tarball::read(&good);
    tarball.entry(&bad).content[0] ^= 1;
    let archive = tarball.write(room.path("flipped.tar"));
    for options in [
        &["--to", "out"][..],
        &["--to", "out", "--asset", "small.png"],
        &["--to", "out", "--type", ARTICLE],
        &["--to", "-", "--type", ARTICLE],
    ] {
        let outcome = room.run(&archive, options).ends_with(6);
        assert!(
            outcome.stderr.contains("--damaged") && outcome.stdout.is_empty()
                || options[1] == "out"
        );
        assert_eq!(room.all(), ["flipped.tar".to_owned()].into());
    }
    room.run(&archive, &["--to", "out", "--damaged"])
        .ends_with(6)
        .says([&format!("{bad} is not what checksums.sha256 says")]);
    let mut expected = entries(&Tarball::read(&good));
    expected.remove(&bad).unwrap();
    assert!(tree(&room.path("out")) == expected);
    // A file that is not damaged itself is taken, and the other is not.
    room.run(
        &archive,
        &["--to", "one", "--asset", "small.png", "--damaged"],
    )
    .ends_with(6);
    assert_eq!(listing(&room.path("one")), ["small_2a9128b856.png"]);
    let outcome = room.run(&archive, &["--to", "two", "--asset", NOTES, "--damaged"]);
    let said = outcome.ends_with(6).all();
    assert!(said.contains("nothing of what was asked for could be read"));
    assert!(!room.path("two").exists());
    room.run(&good, &["--to", "whole", "--damaged"])
        .ends_with(0);
}

#[test]
fn of_an_archive_that_was_cut_what_came_before_is_taken() {
    let room = Room::new();
    let project = Project::testdata();
    let good = project.export("site", &[]);
    let bytes = fs::read(&good).unwrap();
    let tarball = Tarball::read(&good);
    let last = tarball.position(&format!("assets/uploads/{}", BIG[1]));
    let whole = Tarball {
        entries: tarball.entries[..last].to_vec(),
    };
    // In the middle of that entry: the end of a tar is two blocks.
    let length = whole.bytes().len() - 1024 + 512 + 4000;
    let archive = room.path("cut.tar");
    fs::write(&archive, &bytes[..length]).unwrap();
    room.run(&archive, &["--to", "out"]).ends_with(6);
    assert!(!room.path("out").exists());
    room.run(&archive, &["--to", "out", "--damaged"])
        .ends_with(6)
        .says([
            "was cut short",
            &format!("{} is left out", tarball.entries[last].name),
        ]);
    assert!(tree(&room.path("out")) == entries(&whole));
    let what = ["--to", "rows", "--type", ARTICLE, "--damaged"];
    room.run(&archive, &what).ends_with(6);
    let articles = lines(&room.path("rows/api::article.article.jsonl"));
    let mut expected = lines_of(&good, ENTITIES);
    expected.retain(|line| json(line)["type"] == ARTICLE);
    assert_eq!(articles, expected);
}

#[test]
fn of_an_archive_of_strapi_that_was_cut_what_came_before_is_taken() {
    let room = Room::new();
    let bytes = fs::read(strapi_archive()).unwrap();
    let archive = room.path("cut.tar");
    fs::write(&archive, &bytes[..bytes.len() - 20_000]).unwrap();
    for options in [&[][..], &["--asset", "notes.txt"], &["--type", ARTICLE]] {
        let what = [&["--to", "out"], options].concat();
        room.run(&archive, &what).ends_with(6);
        assert!(!room.path("out").exists());
        room.run(&archive, &[&what[..], &["--damaged"]].concat())
            .ends_with(6)
            .says(["was cut short"]);
        assert!(!tree(&room.path("out")).is_empty());
        fs::remove_dir_all(room.path("out")).unwrap();
    }
}

#[test]
fn a_wrong_key_and_an_archive_that_nobody_vouches_for_are_refused() {
    let room = Room::new();
    let archive = testdata("strapi-export.tar.gz.enc");
    room.run(&archive, &["--to", "out", "-k", "wrong"])
        .ends_with(12);
    let what = ["--to", "out", "-k", KEY, "--require-authentication"];
    room.run(&archive, &what).ends_with(6);
    room.run(&archive, &[&what[..], &["--damaged"]].concat())
        .ends_with(6);
    assert!(room.all().is_empty());
}

#[test]
fn a_file_that_the_archive_lacks_is_told_with_the_row_that_names_it() {
    let room = Room::new();
    let mut tarball = Tarball::read(&strapi_archive());
    for name in [BIG[2], NOTES] {
        tarball.remove(&format!("assets/uploads/{name}"));
        tarball.remove(&format!("assets/metadata/{name}.json"));
    }
    let archive = tarball.write(room.path("less.tar"));
    room.run(&archive, &["--to", "out", "--asset", "big one.png"])
        .ends_with(3)
        .says(["lacks 1 of the files", "rows 1"]);
    assert_eq!(listing(&room.path("out")).len(), 4);
    // The same code where there is nothing else, also for stdout.
    room.run(&archive, &["--to", "none", "--asset", "notes.txt"])
        .ends_with(3)
        .says(["lacks 1 of the files"]);
    let outcome = room.run(&archive, &["--to", "-", "--asset", "notes.txt"]);
    assert_eq!(outcome.ends_with(3).stdout, "");
    // What is missing elsewhere is of no account.
    room.run(&archive, &["--to", "other", "--asset", "small.png"])
        .ends_with(0);
    assert!(!room.path("none").exists());
}

#[test]
fn an_extraction_that_is_interrupted_leaves_nothing() {
    let room = Room::new();
    fs::create_dir(room.path("uploads")).unwrap();
    for options in [
        &["--to", "out"][..],
        &["--to", "uploads", "--asset", "notes.txt"],
        &["--to", "out", "--type", ARTICLE],
    ] {
        // More than a pipe holds was read when the signal comes; nobody writes any more, and it does not end.
        let mut command = room.command(Path::new("-"), options);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let bytes = fs::read(strapi_archive()).unwrap();
        std::io::Write::write_all(&mut stdin, &bytes[..bytes.len() / 2]).unwrap();
        std::process::Command::new("kill")
            .args(["-s", "INT", &child.id().to_string()])
            .status()
            .unwrap();
        let outcome = Outcome::of(child.wait_with_output().unwrap());
        outcome
            .ends_with(130)
            .says(["interrupted: nothing was written"]);
        drop(stdin);
        assert_eq!(room.all(), ["uploads".to_owned()].into());
        assert!(tree(&room.path("uploads")).is_empty());
    }
}

#[test]
fn where_the_disk_fails_at_whatever_call_all_is_as_it_was() {
    if !can_trace() {
        return;
    }
    let room = Room::new();
    let archive = strapi_archive();
    fs::create_dir(room.path("uploads")).unwrap();
    fs::write(room.path("uploads").join(BIG[1]), "old").unwrap();
    let whole = &["--to", "out"][..];
    let files = &["--to", "uploads", "--asset", "big one.png", "--overwrite"][..];
    for (options, calls) in [
        (whole, "renameat"),
        (whole, "fsync"),
        (files, "renameat2"),
        (files, "fsync"),
    ] {
        let (outcome, made) = traced(&room.command(&archive, options), calls, 0);
        outcome.ends_with(0);
        let count = made.iter().filter(|call| call.name == calls).count();
        assert!(count > 0, "{options:?} makes no {calls}");
        let _ = fs::remove_dir_all(room.path("out"));
        for number in BTreeSet::from([1, count.div_ceil(2), count]) {
            fs::remove_dir_all(room.path("uploads")).unwrap();
            fs::create_dir(room.path("uploads")).unwrap();
            fs::write(room.path("uploads").join(BIG[1]), "old").unwrap();
            let action = format!("error=EIO:when={number}");
            let outcome = run(&mut injected(
                &room.command(&archive, options),
                calls,
                &action,
            ));
            let told = format!("{calls} {number}: {}", outcome.all());
            if outcome.code == Some(0) {
                continue;
            }
            assert_eq!(outcome.code, Some(1), "{told}");
            if options == files {
                assert_eq!(room.all(), ["uploads".to_owned()].into(), "{told}");
                let left = tree(&room.path("uploads"));
                assert_eq!(
                    left,
                    [(BIG[1].to_owned(), b"old".to_vec())].into(),
                    "{told}"
                );
            } else if room.path("out").exists() {
                // It stands there whole; only whether its name survives a power cut is not known.
                assert!(
                    tree(&room.path("out")) == entries(&Tarball::read(&archive)),
                    "{told}"
                );
                fs::remove_dir_all(room.path("out")).unwrap();
            }
        }
    }
}

#[test]
fn a_kill_shows_all_of_the_tree_or_nothing() {
    if !can_trace() {
        return;
    }
    let room = Room::new();
    let archive = strapi_archive();
    for (calls, number) in [("openat", 40), ("fsync", 5), ("fsync", 30), ("renameat", 1)] {
        let action = format!("signal=KILL:when={number}");
        let command = room.command(&archive, &["--to", "out"]);
        let outcome = run(&mut injected(&command, calls, &action));
        assert_eq!(outcome.code, None, "{}", outcome.all());
        assert!(
            !room.path("out").join("metadata.json").exists()
                || tree(&room.path("out")) == entries(&Tarball::read(&archive))
        );
        let _ = fs::remove_dir_all(room.path("out"));
        // What is left is hidden.
        assert!(room.all().iter().all(|name| name.starts_with(".backup-")));
    }
}

#[test]
fn lines_of_json_say_what_was_taken() {
    let room = Room::new();
    let what = ["--to", "out", "--asset", "big one.png", "--json"];
    let outcome = room.run(&strapi_archive(), &what).ends_with(0);
    let lines: Vec<Value> = outcome.stdout.lines().map(described).collect();
    let last = lines.last().unwrap();
    assert_eq!(last["type"], "summary");
    assert_eq!(last["command"], "extract");
    assert_eq!(last["stages"]["assets"]["count"], 5);
    let what = ["--to", "quiet", "--type", ARTICLE, "--quiet"];
    let outcome = room.run(&strapi_archive(), &what).ends_with(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

/// Starts an extraction and stops in front of the file of `notes.txt`, when its hidden folder is in `within`.
fn paused(room: &Room, options: &[&str], within: &Path) -> (Child, Vec<u8>, PathBuf) {
    let tarball = Tarball::read(&strapi_archive());
    let before = Tarball {
        entries: tarball.entries[..tarball.position(&format!("assets/uploads/{NOTES}"))].to_vec(),
    };
    let mut command = room.command(Path::new("-"), options);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let bytes = tarball.bytes();
    let (first, rest) = bytes.split_at(before.bytes().len() - 1024);
    child.stdin.as_mut().unwrap().write_all(first).unwrap();
    let hidden = loop {
        let mut entries = fs::read_dir(within)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let is_hidden = |path: &PathBuf| path.display().to_string().ends_with(".part");
        match entries.find(is_hidden) {
            Some(hidden) => break hidden,
            None => assert!(child.try_wait().unwrap().is_none(), "it ended"),
        }
    };
    (child, rest.to_vec(), hidden)
}

#[test]
fn a_hidden_folder_that_is_swapped_for_a_link_leads_nowhere() {
    for (options, within, code) in [
        (&["--to", "up", "--asset", "notes.txt"][..], "up", 0),
        (&["--to", "up/new", "--asset", "notes.txt"], "up", 1),
        (&["--to", "up/new"], "up", 1),
    ] {
        let room = Room::new();
        let (up, victim) = (room.path(within), room.path("victim"));
        fs::create_dir(&up).unwrap();
        fs::create_dir_all(victim.join("assets/uploads")).unwrap();
        let files = [
            victim.join(NOTES),
            victim.join("assets/uploads").join(NOTES),
        ];
        files
            .iter()
            .for_each(|file| fs::write(file, "theirs").unwrap());
        let (mut child, rest, hidden) = paused(&room, options, &up);
        fs::rename(&hidden, up.join(".old")).unwrap();
        symlink(&victim, &hidden).unwrap();
        child.stdin.take().unwrap().write_all(&rest).unwrap();
        let outcome = Outcome::of(child.wait_with_output().unwrap()).ends_with(code);
        outcome.says(["somebody has moved"]);
        assert_eq!(tree(&victim).len(), 2, "{options:?}");
        assert!(
            files
                .iter()
                .all(|file| fs::read(file).unwrap() == b"theirs")
        );
        assert!(!up.join("new").exists(), "{options:?}");
        assert_eq!(up.join(NOTES).is_file(), code == 0);
    }
}

#[test]
fn a_kill_leaves_each_replaced_file_under_its_name_old_or_new() {
    if !can_trace() {
        return;
    }
    let room = Room::new();
    let archive = strapi_archive();
    let mut tarball = Tarball::read(&archive);
    let mut new = |name: &str| {
        tarball
            .entry(&format!("assets/uploads/{name}"))
            .content
            .clone()
    };
    let options = &["--to", "uploads", "--asset", "big one.png", "--overwrite"][..];
    let mut mixed = 0;
    for number in 1..=BIG.len() {
        fs::create_dir(room.path("uploads")).unwrap();
        let path = |name: &str| room.path("uploads").join(name);
        BIG.iter()
            .for_each(|name| fs::write(path(name), name).unwrap());
        let action = format!("signal=KILL:when={number}");
        let outcome = run(&mut injected(
            &room.command(&archive, options),
            "renameat2",
            &action,
        ));
        assert_eq!(outcome.code, None, "{}", outcome.all());
        let mut left = tree(&room.path("uploads"));
        for name in BIG {
            let there = left.remove(name).expect("it has its name");
            if there == new(name) {
                // What it was is in the hidden folder.
                assert!(left.values().any(|old| old == name.as_bytes()), "{name}");
                mixed += 1;
            } else {
                assert_eq!(there, name.as_bytes());
            }
        }
        fs::remove_dir_all(room.path("uploads")).unwrap();
    }
    assert!(mixed > 0);
}

#[test]
fn all_files_that_are_in_the_way_are_told() {
    let room = Room::new();
    fs::create_dir(room.path("up")).unwrap();
    let names = BIG.iter().chain([&NOTES]);
    names.for_each(|name| fs::write(room.path("up").join(name), "mine").unwrap());
    let what = ["--to", "up", "--asset", "*.txt", "--asset", "big one.png"];
    let outcome = room.run(&strapi_archive(), &what).ends_with(2);
    outcome.says(["6 files are there already", BIG[0], BIG[1], "and 1 more"]);
}

#[test]
fn names_that_differ_in_upper_and_lower_case_alone_are_numbered() {
    let project = Project::testdata();
    project.sql("UPDATE files SET name = 'Notes.TXT' WHERE id = 3");
    let archive = project.export("site", &[]);
    let room = Room::new();
    let what = ["--to", "out", "--asset", "[nN]otes*", "--user-names"];
    room.run(&archive, &what).ends_with(0);
    let names: BTreeSet<String> = listing(&room.path("out"))
        .iter()
        .map(|name| name.to_lowercase())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

/// What `verify` and `extract --damaged` say, which must both name an entry.
fn assert_named(room: &Room, archive: &Path, entry: &str, options: &[&str]) {
    let what = [options, &["--damaged"]].concat();
    room.run(archive, &what).ends_with(6).says([entry]);
    let verified = run(&mut backup(["verify", archive.to_str().unwrap()]));
    verified.ends_with(6).says([entry]);
}

#[test]
fn digests_that_were_read_count_where_the_archive_breaks_behind_them() {
    let room = Room::new();
    let project = Project::testdata();
    let mut tarball = Tarball::read(&project.export("site", &[]));
    let content = tarball.entry(ENTITIES).content.clone();
    let text = String::from_utf8(content).unwrap();
    // Another letter in a text: the line is one still.
    let changed = text.replacen("\"documentId\":\"", "\"documentId\":\"x", 1);
    assert_ne!(changed, text);
    tarball.entry(ENTITIES).content = changed.into_bytes();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&tarball.bytes()).unwrap();
    let mut bytes = packer.finish().unwrap();
    let crc = bytes.len() - 8;
    bytes[crc] ^= 1;
    let archive = room.path("flipped.tar.gz");
    fs::write(&archive, bytes).unwrap();
    let said = format!("{ENTITIES} is not what checksums.sha256 says");
    assert_named(&room, &archive, &said, &["--to", "rows", "--type", ARTICLE]);
    let rows = room.path("rows/api::article.article.jsonl");
    assert!(lines(&rows).is_empty());
    assert_named(&room, &archive, &said, &["--to", "out"]);
    assert!(!room.path("out").join(ENTITIES).exists());
    assert!(
        room.path("out")
            .join(format!("assets/uploads/{NOTES}"))
            .is_file()
    );
}

#[test]
fn a_shard_with_lines_that_are_none_is_left_out_where_no_digests_were_read() {
    let room = Room::new();
    let project = Project::testdata();
    let mut tarball = Tarball::read(&project.export("site", &[]));
    let text = tarball.entry(ENTITIES).content.clone();
    let text = String::from_utf8(text).unwrap();
    let first = text.lines().position(|line| json(line)["type"] == ARTICLE);
    let damaged: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(number, line)| match Some(number) == first {
            true => line.replacen('{', "?", 1),
            false => line.to_owned(),
        })
        .collect();
    tarball.entry(ENTITIES).content = (damaged.join("\n") + "\n").into_bytes();
    let last = tarball.position(&format!("assets/uploads/{NOTES}"));
    tarball.entries.truncate(last);
    let bytes = tarball.bytes();
    let archive = room.path("cut.tar");
    fs::write(&archive, &bytes[..bytes.len() - 1024 - 100]).unwrap();
    let line = format!("{ENTITIES}, line {}", first.unwrap() + 1);
    assert_named(&room, &archive, &line, &["--to", "rows", "--type", ARTICLE]);
    let mut expected = damaged;
    expected.retain(|line| line.starts_with('{') && json(line)["type"] == ARTICLE);
    assert_eq!(
        lines(&room.path("rows/api::article.article.jsonl")),
        expected
    );
    room.run(&archive, &["--to", "out", "--damaged"])
        .ends_with(6)
        .says([&format!("{ENTITIES} is left out")]);
    assert!(!room.path("out").join(ENTITIES).exists());
    assert!(room.path("out/metadata.json").is_file());
}

#[test]
fn options_that_would_do_nothing_and_folders_of_the_archive_are_refused() {
    let room = Room::new();
    let archive = strapi_archive();
    for (options, said) in [
        (&["--to", "out", "--no-formats"][..], "--no-formats"),
        (
            &["--to", "out", "--type", ARTICLE, "--no-formats"],
            "--no-formats",
        ),
        (&["--to", "out", "--overwrite"], "replaces nothing"),
        (
            &["--to", "-", "--type", ARTICLE, "--overwrite"],
            "on stdout",
        ),
        (
            &["--to", "out", "--type", "a.b", "--type", "a.b.links"],
            "two content types",
        ),
        (&["--to", "out", "--type", "admin::user"], "in no archive"),
    ] {
        let outcome = room.run(&archive, options).ends_with(2).says([said]);
        let there = outcome.stderr.split("there are").nth(1).unwrap_or_default();
        assert!(!there.contains("admin::user"), "{there}");
    }
    room.run(&archive, &["--to", "site"]).ends_with(0);
    let site = room.path("site");
    let before = tree(&site);
    symlink("site", room.path("link")).unwrap();
    for to in ["site/assets/uploads", "site/new", "link/new"] {
        for what in [&["--to", to][..], &["--to", to, "--asset", NOTES]] {
            room.run(&site, what).ends_with(2).says(["in the archive"]);
        }
    }
    assert!(tree(&site) == before && !site.join("new").exists());
    let pasted = format!("https://cms.example/uploads/{NOTES}");
    room.run(&site, &["--to", "one", "--asset", &pasted])
        .ends_with(0);
    assert_eq!(listing(&room.path("one")), [NOTES]);
}

#[test]
fn of_two_extractions_into_one_new_folder_the_later_one_is_told_so() {
    let room = Room::new();
    let (mut child, rest, _) = paused(&room, &["--to", "out"], &room.path("."));
    room.run(&strapi_archive(), &["--to", "out"]).ends_with(0);
    child.stdin.take().unwrap().write_all(&rest).unwrap();
    Outcome::of(child.wait_with_output().unwrap())
        .ends_with(2)
        .says(["exists already and is not an empty folder", "--to"]);
    assert_eq!(room.all(), ["out".to_owned()].into());
}

#[test]
fn a_name_that_is_too_long_for_a_file_system_is_told_with_what_to_do() {
    let project = Project::testdata();
    let long = format!("{}.txt", "n".repeat(250));
    let uploads = project.path().join("public/uploads");
    fs::rename(uploads.join(NOTES), uploads.join(&long)).unwrap();
    let hash = long.strip_suffix(".txt").unwrap();
    project.sql(&format!(
        "UPDATE files SET hash = '{hash}', url = '/uploads/{long}' WHERE id = 5"
    ));
    let archive = project.export("site", &[]);
    let room = Room::new();
    room.run(&archive, &["--to", "out"])
        .ends_with(1)
        .says(["--asset", "too long"]);
    assert!(room.all().is_empty());
    room.run(&archive, &["--to", "one", "--asset", "notes.txt"])
        .ends_with(0);
    assert_eq!(listing(&room.path("one")), [long]);
}

#[test]
fn files_are_replaced_where_a_file_system_knows_neither_exchange_nor_links() {
    if !can_trace() {
        return;
    }
    let archive = strapi_archive();
    let options = &["--to", "uploads", "--asset", "big one.png", "--overwrite"][..];
    for calls in ["renameat2", "renameat2,linkat"] {
        let room = Room::new();
        fs::create_dir(room.path("uploads")).unwrap();
        let path = |name: &str| room.path("uploads").join(name);
        fs::write(path(BIG[1]), "old").unwrap();
        let command = room.command(&archive, options);
        run(&mut injected(&command, calls, "error=EINVAL")).ends_with(0);
        let left = tree(&room.path("uploads"));
        assert_eq!(left.len(), BIG.len());
        let new = Tarball::read(&archive)
            .entry(&format!("assets/uploads/{}", BIG[1]))
            .content
            .clone();
        assert!(left[BIG[1]] == new, "{calls}");
    }
}
