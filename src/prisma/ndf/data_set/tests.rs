//! Data sets as they are found.

use super::*;
use crate::error::Kind;
use std::path::Path;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/ndf")
        .join(name)
}

fn open(path: &Path) -> Result<DataSet> {
    DataSet::open(path, &Interrupt::default())
}

fn elements(set: &mut DataSet) -> Vec<(String, u64)> {
    let names: Vec<String> = set.files().iter().map(|it| it.name.clone()).collect();
    let counted = names.into_iter().enumerate().map(|(at, name)| {
        let mut last = 0;
        set.read(at, &mut |number, _| {
            last = number;
            Ok(())
        })
        .expect("read");
        (name, last)
    });
    counted.collect()
}

#[test]
fn the_sample_of_the_cli_is_the_same_as_a_folder_and_as_a_zip() {
    let expected = [("nodes", 100), ("lists", 50), ("relations", 50)];
    let expected = expected.map(|(kind, count)| (format!("{kind}/000001.json"), count));
    for name in ["import", "import/import.zip"] {
        let mut set = open(&sample(name)).expect(name);
        assert_eq!(elements(&mut set), expected, "{name}");
        assert!(set.faults().is_empty(), "{:?}", set.faults());
    }
    let mut single = open(&sample("import/lists/000001.json")).expect("a file");
    assert_eq!(elements(&mut single), [("000001.json".to_owned(), 50)]);
    assert_eq!(single.files()[0].kind, ValueType::Lists);
}

#[test]
fn a_zip_whose_folders_stand_in_another_one_is_refused_and_says_what_to_do() {
    let error = open(&sample("import.zip")).err().expect("wrapped");
    assert_eq!(error.kind(), Kind::Archive);
    assert!(
        error.to_string().contains("within the folder import"),
        "{error}"
    );
    assert!(error.advice().is_some_and(|it| it.contains("unpack it")));
}

#[test]
fn numbers_are_taken_as_numbers_and_what_is_missing_among_them_is_named() {
    let folder = with_folders();
    let nodes = folder.path().join("nodes");
    let write = |name: &str| {
        let text = r#"{"valueType":"nodes","values":[]}"#;
        fs::write(nodes.join(name), text).expect("written");
    };
    (1..=11).for_each(|number| write(&format!("{number}.json")));
    let set = open(folder.path()).expect("a data set");
    let numbers: Vec<_> = set.files().iter().filter_map(|it| it.number).collect();
    assert_eq!(numbers, (1..=11).collect::<Vec<_>>());
    assert!(set.faults().is_empty(), "{:?}", set.faults());
    ["0.json", "11b.json", "011.json", "13.json"]
        .into_iter()
        .for_each(write);
    fs::write(folder.path().join("notes.txt"), "x").expect("written");
    let set = open(folder.path()).expect("a data set");
    let faults = set.faults().join("\n");
    for what in [
        "nodes/0.json has the number 0",
        "nodes/11.json has the same number",
        "nodes/000012.json is not there, and nodes/13.json is",
        "nodes/11b.json has no number",
    ] {
        assert!(faults.contains(what), "{what}: {faults}");
    }
    assert_eq!(set.passed_over(), ["notes.txt"]);
}

#[test]
fn files_that_are_not_in_the_format_are_refused_each_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("nodes")).expect("made");
    let long = format!(
        "{{\"valueType\":\"nodes\",\"values\":[\"{}\"]}}",
        "x".repeat(12_000_000)
    );
    for (text, why) in [
        ("", "EOF"),
        ("[]", "an object with `valueType` and `values`"),
        (r#"{"values":[]}"#, "does not say its `valueType`"),
        (r#"{"valueType":"nodes"}"#, "has no `values`"),
        (
            r#"{"valueType":"edges","values":[]}"#,
            "`valueType` is `edges`",
        ),
        (
            r#"{"valueType":"lists","values":[]}"#,
            "lies among the nodes",
        ),
        (
            r#"{"valueType":"nodes","values":{"jsonElements":[]}}"#,
            "values.jsonElements",
        ),
        (
            r#"{"out":{"jsonElements":[]},"isFull":false}"#,
            "answer of the export API",
        ),
        (
            r#"{"valueType":"nodes","values":[],"more":1}"#,
            "a member `more`",
        ),
        (r#"{"valueType":"nodes","values":[]} x"#, "trailing"),
        (
            r#"{"valueType":"nodes","values":[{"a":1},]}"#,
            "trailing comma",
        ),
        (r#"{"valueType":"nodes","values":[1"#, "EOF"),
        (
            "\u{feff}{\"valueType\":\"nodes\",\"values\":[]}",
            "byte order mark",
        ),
        (&long, "longer than 10000000 bytes"),
    ] {
        fs::write(folder.path().join("nodes/1.json"), text).expect("written");
        let mut set = open(folder.path()).expect("a data set");
        let error = set.read(0, &mut |_, _| Ok(())).expect_err(why);
        assert_eq!(error.kind(), Kind::Archive, "{why}");
        let text = error.to_string();
        assert!(
            text.contains(why) && text.contains("nodes/1.json"),
            "{why}: {text}"
        );
    }
}

#[test]
fn the_largest_number_that_a_file_can_have_is_told_and_does_not_overflow() {
    let folder = with_folders();
    for name in ["1", "18446744073709551615"] {
        let path = folder.path().join(format!("nodes/{name}.json"));
        fs::write(path, r#"{"valueType":"nodes","values":[]}"#).expect("written");
    }
    let set = open(folder.path()).expect("a data set");
    assert_eq!(set.faults().len(), 1, "{:?}", set.faults());
    assert!(set.faults()[0].contains("000002.json is not there"));
}

/// A folder with the three folders of a data set, which are empty.
fn with_folders() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for kind in ValueType::ALL {
        fs::create_dir(folder.path().join(kind.as_str())).expect("made");
    }
    folder
}

#[test]
fn a_folder_that_is_not_there_is_named_and_an_empty_one_is_none_of_these() {
    let folder = with_folders();
    fs::write(folder.path().join("nodes/000001.json"), EMPTY).expect("written");
    let faults = || open(folder.path()).expect("a data set").faults().to_vec();
    assert!(faults().is_empty(), "{:?}", faults());
    fs::remove_dir(folder.path().join("relations")).expect("removed");
    assert_eq!(faults().len(), 1, "{:?}", faults());
    assert!(faults()[0].contains("the folder relations is not there"));
    let path = folder.path().join("a.zip");
    zip(&path, &[("nodes/000001.json", EMPTY), ("lists/", "")]);
    let set = open(&path).expect("a data set");
    assert_eq!(set.faults(), faults());
}

/// A zip of these entries, with whatever names and texts.
fn zip(path: &Path, entries: &[(&str, &str)]) {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(fs::File::create(path).expect("created"));
    for (name, text) in entries {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(*name, options).expect("begun");
        zip.write_all(text.as_bytes()).expect("written");
    }
    zip.finish().expect("finished");
}

/// Puts other bytes of the same length in the place of some, wherever they stand.
fn replace(path: &Path, from: &[u8], to: &[u8], places: std::ops::Range<usize>) {
    let mut bytes = fs::read(path).expect("read");
    let found = bytes.windows(from.len()).enumerate();
    let found: Vec<usize> = found
        .filter_map(|(at, it)| (it == from).then_some(at))
        .collect();
    for at in &found[places] {
        bytes[*at..*at + to.len()].copy_from_slice(to);
    }
    fs::write(path, bytes).expect("written");
}

const EMPTY: &str = r#"{"valueType":"nodes","values":[]}"#;

#[test]
fn a_zip_with_two_entries_of_one_name_is_refused_and_loses_neither() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.zip");
    zip(
        &path,
        &[("nodes/000001.json", EMPTY), ("nodes/000009.json", "{}")],
    );
    // In front of the data, and in the directory.
    replace(&path, b"nodes/000009.json", b"nodes/000001.json", 0..2);
    let error = open(&path).err().expect("twice");
    assert_eq!(error.kind(), Kind::Archive);
    let told = error.to_string();
    assert!(told.contains("nodes/000001.json is in it twice"), "{told}");
    assert!(error.advice().is_some_and(|it| it.contains("unpack it")));
}

#[test]
fn a_zip_whose_directory_and_files_say_different_names_or_numbers_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.zip");
    let entries = [("nodes/000001.json", EMPTY), ("nodes/000002.json", EMPTY)];
    for (places, why) in [(0..1, "nodes/000002.json"), (1..2, "nodes/000001.json")] {
        zip(&path, &entries);
        replace(&path, b"nodes/000002.json", b"nodes/000001.json", places);
        let error = open(&path).err().expect("other names");
        assert_eq!(error.kind(), Kind::Archive);
        assert!(error.to_string().contains(why), "{error}");
    }
    // One that lies in the file and that the directory does not name.
    zip(&path, &entries[..1]);
    let hidden = fs::read(&path).expect("read");
    zip(&path, &entries);
    let both = [hidden, fs::read(&path).expect("read")].concat();
    fs::write(&path, both).expect("written");
    let error = open(&path).err().expect("one too many");
    assert!(error.to_string().contains("directory"), "{error}");
}

/// A named pipe that nobody writes to.
fn pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
}

#[test]
fn pipes_links_and_folders_in_the_place_of_files_are_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (set, other) = (folder.path().join("a"), folder.path().join("other.json"));
    fs::create_dir_all(set.join("nodes/000003.json")).expect("made");
    fs::write(set.join("nodes/000001.json"), EMPTY).expect("written");
    fs::write(&other, EMPTY).expect("written");
    pipe(&set.join("nodes/000002.json"));
    std::os::unix::fs::symlink(&other, set.join("nodes/000004.json")).expect("linked");
    pipe(&set.join("lists"));
    let faults = open(&set).expect("a data set").faults().join("\n");
    for what in [
        "nodes/000002.json is a pipe, and no file",
        "nodes/000003.json is a folder, and no file",
        "nodes/000004.json is a link, and no file",
        "lists is a pipe, and no folder",
    ] {
        assert!(faults.contains(what), "{what}: {faults}");
    }
    fs::remove_file(set.join("nodes/000001.json")).expect("removed");
    let error = open(&set).err().expect("no file");
    assert!(error.to_string().contains("and no fi"), "{error}");
    for name in ["a.json", "a.zip"] {
        pipe(&folder.path().join(name));
        let error = open(&folder.path().join(name)).err().expect("a pipe");
        assert_eq!(error.kind(), Kind::Usage);
        let told = "is a pipe, and no file for a data set";
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn names_that_other_programs_take_for_those_of_a_data_set_are_faults_and_not_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.zip");
    for name in [
        "nodes\\000002.json",
        "./nodes/000002.json",
        "/nodes/000002.json",
        "nodes/../nodes/000002.json",
        "Nodes/000002.json",
        "nodes/000002.JSON",
        "nodes//000002.json",
        "nodes/000002.json.",
        "node\u{17f}/000002.json",
    ] {
        zip(&path, &[("nodes/000001.json", EMPTY), (name, EMPTY)]);
        let set = open(&path).expect("a data set");
        let told = format!("{name} is taken for nodes/000002.json by some programs");
        let faults = set.faults().join("\n");
        assert!(faults.contains(&told), "{faults} {:?}", set.passed_over());
    }
    for name in [
        "__MACOSX/nodes/._000002.json",
        "nodes/._000002.json",
        "notes.txt",
    ] {
        let whole = ["nodes", "lists", "relations"].map(|kind| format!("{kind}/000001.json"));
        let files: Vec<_> = whole.iter().map(|name| (&**name, EMPTY)).collect();
        zip(&path, &[&files[..], &[(name, EMPTY)]].concat());
        let set = open(&path).expect("a data set");
        assert!(set.faults().is_empty(), "{:?}", set.faults());
    }
    for kind in ["nodes", "Lists", "relations"] {
        fs::create_dir_all(folder.path().join("b").join(kind)).expect("made");
    }
    fs::write(folder.path().join("b/nodes/000001.json"), EMPTY).expect("written");
    let set = open(&folder.path().join("b")).expect("a data set");
    assert_eq!(set.faults()[0], "Lists should be called lists");
}

#[test]
fn links_and_pipes_in_a_zip_are_faults_and_no_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.zip");
    for kind in [0o120_000_u32, 0o010_000, 0o060_000, 0o040_000] {
        zip(
            &path,
            &[("nodes/000001.json", EMPTY), ("nodes/000002.json", EMPTY)],
        );
        let mut bytes = fs::read(&path).expect("read");
        let entry = bytes.windows(4).rposition(|it| it == b"PK\x01\x02");
        let entry = entry.expect("an entry");
        // Made on a Unix, with this mode.
        bytes[entry + 5] = 3;
        bytes[entry + 38..entry + 42].copy_from_slice(&((kind | 0o644) << 16).to_le_bytes());
        fs::write(&path, bytes).expect("written");
        let set = open(&path).expect("a data set");
        assert_eq!(set.files().len(), 1);
        let faults = set.faults().join("\n");
        assert!(
            faults.contains("nodes/000002.json in the zip is no file"),
            "{faults}"
        );
    }
}

#[test]
fn a_zip_of_very_many_entries_is_refused_before_they_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.zip");
    let names: Vec<String> = (1..=100_001)
        .map(|it| format!("nodes/{it:06}.json"))
        .collect();
    let entries: Vec<(&str, &str)> = names.iter().map(|it| (it.as_str(), "")).collect();
    zip(&path, &entries);
    let file = fs::File::open(&path).expect("opened");
    let why = zipped::check_count(&file).expect_err("too many");
    assert_eq!(why, "it has 100001 entries, and may have 100000");
    let error = open(&path).err().expect("too many");
    assert!(error.to_string().contains(&why), "{error}");
    zip(&path, &entries[..70_000]);
    let file = fs::File::open(&path).expect("opened");
    assert_eq!(zipped::check_count(&file), Ok(()));
}
