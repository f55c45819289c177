//! `backup convert` of what somebody has forged, or has put something else in the place of: refused at once, and nothing is
//! left at TO.

use crate::convert::{convert, folder};
use crate::support::cli::{Outcome, backup_through, run, strapi_archive_of};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A folder with what became of the archive of a Strapi.
fn converted() -> TempDir {
    let folder = folder();
    let ndf = folder.path().join("ndf");
    convert(&strapi_archive_of(5), &ndf, &["--as", "ndf"]).ends_with(0);
    folder
}

/// The outcome of the way back, which leaves nothing.
fn back(folder: &TempDir, options: &[&str]) -> Outcome {
    let [ndf, site] = ["ndf", "site"].map(|it| folder.path().join(it));
    let options = [&["--as", "strapi", "--no-encrypt"], options].concat();
    let done = convert(&ndf, &site, &options);
    assert_eq!(names(folder.path()), ["ndf"], "{}", done.all());
    done
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|it| it.expect("an entry").file_name());
    let mut names: Vec<String> = names.map(|it| it.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
}

/// Changes notes.
type Edit<'e> = dyn Fn(&mut Vec<String>) + 'e;

/// Changes notes, and gives them digests that are right.
fn forge(folder: &TempDir, edit: &Edit<'_>) {
    let notes = folder.path().join("ndf/strapi.json");
    let text = fs::read_to_string(&notes).expect("read");
    let lines = text.lines().map(|line| line.trim_end_matches(','));
    let elements = lines.filter(|line| line.len() > 1);
    let note = |line: &str| line["[\"01234567\",".len()..line.len() - 1].to_owned();
    let mut list: Vec<String> = elements.map(note).collect();
    edit(&mut list);
    let mut digest = Sha256::new();
    let hexadecimal = |digest: &Sha256, bytes: usize| -> String {
        let digest = digest.clone().finalize();
        digest
            .iter()
            .take(bytes)
            .map(|it| format!("{it:02x}"))
            .collect()
    };
    let mut elements = Vec::new();
    for note in &list {
        digest.update(note);
        elements.push(format!("[\"{}\",{note}]", hexadecimal(&digest, 4)));
    }
    fs::write(&notes, format!("[\n{}\n]\n", elements.join(",\n"))).expect("written");
    let model = folder.path().join("ndf/datamodel.prisma");
    let text = fs::read_to_string(&model).expect("read");
    let (types, _) = text.rsplit_once("# strapi.json: ").expect("a digest");
    let named = hexadecimal(&digest, 16);
    fs::write(&model, format!("{types}# strapi.json: {named}\n")).expect("written");
}

/// The notes that are none of this kind.
fn without(list: &mut Vec<String>, kind: &str) {
    list.retain(|it| !it.starts_with(&format!("{{\"{kind}\":")));
}

#[test]
fn notes_that_are_no_plain_file_or_are_missing_are_not_passed_over() {
    let folder = converted();
    let notes = folder.path().join("ndf/strapi.json");
    fs::remove_file(&notes).expect("removed");
    let things: [&dyn Fn(&Path); 4] = [
        &|path| symlink("/nowhere/strapi.json", path).expect("linked"),
        &|path| fs::create_dir(path).expect("made"),
        &pipe,
        &|_| (),
    ];
    for make in things {
        make(&notes);
        for options in [&[][..], &["--dry-run"]] {
            back(&folder, options)
                .ends_with(1)
                .says(["strapi.json", "--no-notes"]);
        }
        let _ = fs::remove_file(&notes);
        let _ = fs::remove_dir(&notes);
    }
    let model = folder.path().join("ndf/datamodel.prisma");
    let given = ["--datamodel", model.to_str().expect("UTF-8")];
    back(&folder, &given)
        .ends_with(1)
        .says(["datamodel.prisma was written with", "which is not there"]);
    let [ndf, site] = ["ndf", "site"].map(|it| folder.path().join(it));
    let options = ["--as", "strapi", "--no-encrypt", "--no-notes"];
    convert(&ndf, &site, &options).says(["schema.json files"]);
}

#[test]
fn pipes_in_the_place_of_data_and_data_model_are_named_and_not_waited_for() {
    let folder = converted();
    for (name, what) in [("datamodel.prisma", "data model"), ("data.zip", "data set")] {
        let path = folder.path().join("ndf").join(name);
        let kept = fs::read(&path).expect("read");
        fs::remove_file(&path).expect("removed");
        pipe(&path);
        let said = format!("{name} is a pipe, and no file for a {what}");
        back(&folder, &[]).ends_with(2).says([said.as_str()]);
        fs::remove_file(&path).expect("removed");
        fs::write(&path, kept).expect("written");
    }
}

#[test]
fn forged_notes_of_which_verify_would_refuse_the_archive_are_refused() {
    let row = |list: &[String]| list.iter().position(|it| it.starts_with("{\"row\":"));
    let forged: [&Edit<'_>; 3] = [
        &|list| {
            let row = row(list).expect("a row");
            list[row] = list[row].replacen("\"id\":1", "\"id\":-1", 1);
        },
        &|list| without(list, "row"),
        // What stands behind the last stage was left out without a word.
        &|list| {
            let of_configuration = |it: &String| it.starts_with("{\"configuration\":");
            let at = list.iter().position(of_configuration).expect("one");
            let note = list.remove(at);
            list.insert(1, note);
        },
    ];
    for edit in forged {
        let folder = converted();
        forge(&folder, &|_| ());
        let [ndf, site] = ["ndf", "site"].map(|it| folder.path().join(it));
        let options = ["--as", "strapi", "--no-encrypt"];
        convert(&ndf, &site, &[&options[..], &["--dry-run"]].concat()).ends_with(0);
        forge(&folder, edit);
        back(&folder, &[]).ends_with(6);
        back(&folder, &["--dry-run"]).ends_with(6);
    }
}

#[test]
fn a_link_to_an_empty_folder_is_no_name_for_a_result() {
    let folder = folder();
    let [real, link] = ["real", "link"].map(|it| folder.path().join(it));
    fs::create_dir(&real).expect("made");
    symlink(&real, &link).expect("linked");
    for to in [link.clone(), link.join("")] {
        for options in [&["--as", "ndf"][..], &["--as", "ndf", "--dry-run"]] {
            convert(&strapi_archive_of(5), &to, options)
                .ends_with(2)
                .says(["is not an empty folder"]);
        }
    }
    assert_eq!(names(folder.path()), ["link", "real"]);
    convert(&strapi_archive_of(5), &real, &["--as", "ndf"]).ends_with(0);
}

#[test]
fn where_no_more_files_can_be_opened_no_hidden_folder_is_left() {
    let folder = folder();
    let to = folder.path().join("ndf");
    let archive = strapi_archive_of(5);
    let mut codes = Vec::new();
    for most in 4..32 {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {most}; exec \"$@\""), "sh"]);
        let [from, to] = [&archive, &to].map(|it| it.to_str().expect("UTF-8"));
        let arguments = ["convert", from, to, "--as", "ndf", "--dry-run"];
        let done = run(&mut backup_through(shell, arguments));
        assert_eq!(names(folder.path()), [""; 0], "{most}: {}", done.all());
        codes.push(done.code);
    }
    assert!(
        codes.contains(&Some(0)) && codes.contains(&Some(1)),
        "{codes:?}"
    );
}
