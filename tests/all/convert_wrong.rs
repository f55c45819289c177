//! `backup convert` of what is damaged, or of something else than it says: refused, and nothing is left at TO.

use crate::convert::{convert, folder};
use crate::support::archive::Archive;
use crate::support::beasts;
use crate::support::cli::{Outcome, backup, run, strapi_archive_of};
use crate::support::tarball::{LINKS, Tarball};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// How many things are in a folder.
fn count(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

#[test]
fn archives_that_verify_refuses_become_no_ndf() {
    let mut wrong = Vec::new();
    for beast in beasts::all() {
        let folder = folder();
        let from = folder.path().join("beast.tar");
        fs::write(&from, &beast.tar).expect("written");
        let done = convert(&from, &folder.path().join("ndf"), &["--as", "ndf"]);
        let is_left = beast.verify == 6 && count(folder.path()) != 1;
        if (done.code == Some(6)) != (beast.verify == 6) || is_left {
            wrong.push(format!("{}: {:?} {}", beast.name, done.code, done.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A folder with what became of the archive of a Strapi of this version.
fn converted(major: u32) -> TempDir {
    let folder = folder();
    let ndf = folder.path().join("ndf");
    convert(&strapi_archive_of(major), &ndf, &["--as", "ndf"]).ends_with(0);
    folder
}

/// What is said where the archive is made again from this folder, which is refused.
fn refused(folder: &TempDir) -> Outcome {
    let [ndf, site] = ["ndf", "site"].map(|it| folder.path().join(it));
    let done = convert(&ndf, &site, &["--as", "strapi", "--no-encrypt"]).ends_with(6);
    assert_eq!(count(folder.path()), 1);
    done
}

#[test]
fn a_row_of_the_notes_that_was_changed_or_taken_away_is_named_by_its_line() {
    let folder = converted(5);
    let notes = folder.path().join("ndf/strapi.json");
    let text = fs::read_to_string(&notes).expect("read");
    let lines: Vec<&str> = text.lines().collect();
    let row = lines.iter().position(|it| it.contains("{\"row\":"));
    let row = row.expect("a row");
    let said = format!("strapi.json, line {}: it is not as it was written", row + 1);
    for changed in [
        lines[row].replace("\"m\":\"", "\"m\":\"-"),
        lines[row].replace("\"id\":1", "\"id\":7"),
        String::new(),
    ] {
        let mut lines = lines.clone();
        match changed.as_str() {
            "" => drop(lines.remove(row)),
            changed => lines[row] = changed,
        }
        fs::write(&notes, lines.join("\n") + "\n").expect("written");
        refused(&folder).says([said.as_str(), "--no-notes"]);
    }
}

#[test]
fn notes_of_another_project_are_not_taken() {
    let (folder, other) = (converted(5), converted(4));
    let [ndf, foreign] = [&folder, &other].map(|it| it.path().join("ndf"));
    fs::copy(foreign.join("strapi.json"), ndf.join("strapi.json")).expect("copied");
    refused(&folder).says(["datamodel.prisma, line ", "it is of another strapi.json"]);
}

#[test]
fn data_of_another_project_is_not_taken_for_that_of_the_notes() {
    const MINE: &str = r#"{"valueType":"nodes","values":[{"_typeName":"Recipe","id":"r1"},
        {"_typeName":"Locale","id":"locale_1","code":"en"}]}"#;
    let folder = converted(5);
    let ndf = folder.path().join("ndf");
    fs::remove_file(ndf.join("data.zip")).expect("removed");
    for kind in ["nodes", "lists", "relations"] {
        fs::create_dir_all(ndf.join("data").join(kind)).expect("a folder");
    }
    fs::write(ndf.join("data/nodes/000001.json"), MINE).expect("written");
    refused(&folder).says(["knows none of its nodes of Recipe", "--no-notes"]);
}

#[test]
fn an_archive_with_links_to_nothing_comes_back_as_one_that_verify_passes() {
    let folder = folder();
    let from = folder.path().join("from.tar");
    let edit = |lines: &mut Vec<String>| lines[0] = lines[0].replacen("\"ref\":", "\"ref\":9", 2);
    let archive = Tarball::read(&strapi_archive_of(5)).edit_lines(LINKS, edit);
    fs::write(&from, archive.bytes()).expect("written");
    let [ndf, site] = ["ndf", "site"].map(|it| folder.path().join(it));
    convert(&from, &ndf, &["--as", "ndf"])
        .ends_with(0)
        .says(["links to rows that are not there are in strapi.json alone"]);
    convert(&ndf, &site, &["--as", "strapi", "--no-encrypt"]).ends_with(0);
    let packed = folder.path().join("site.tar.gz");
    run(&mut backup(["verify".as_ref(), packed.as_os_str()])).ends_with(0);
    let after = Archive::open(&packed, None).lines("links");
    assert!(after == Archive::open(&from, None).lines("links"));
}

/// A data set in this folder, with its data model beside it.
pub fn data_set(folder: &Path, model: &str, nodes: &str) -> PathBuf {
    let data = folder.join("data");
    for (kind, values) in [("nodes", nodes), ("lists", ""), ("relations", "")] {
        fs::create_dir_all(data.join(kind)).expect("a folder");
        let text = format!(r#"{{"valueType":"{kind}","values":[{values}]}}"#);
        fs::write(data.join(kind).join("000001.json"), text).expect("written");
    }
    fs::write(folder.join("datamodel.prisma"), model).expect("written");
    data
}

#[test]
fn json_that_is_too_deep_for_an_archive_is_listed_and_the_archive_is_whole() {
    let folder = folder();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let nodes = format!(
        r#"{{"_typeName":"Post","id":"p1","json":{}}},{{"_typeName":"Post","id":"p2","json":{}}}"#,
        nested(512),
        nested(513)
    );
    let model = "type Post { id: ID! @id json: Json }";
    let data = data_set(folder.path(), model, &nodes);
    let site = folder.path().join("site");
    convert(&data, &site, &["--as", "strapi", "--no-encrypt"])
        .ends_with(3)
        .says(["`json` of Post p2: 1 not kept: it is nested deeper"]);
    let packed = folder.path().join("site.incomplete.tar.gz");
    run(&mut backup(["verify".as_ref(), packed.as_os_str()])).ends_with(3);
}

#[test]
fn a_data_model_without_types_makes_no_archive() {
    let folder = folder();
    let data = data_set(folder.path(), "enum Role { ADMIN }", "");
    let before = count(folder.path());
    let site = folder.path().join("site");
    convert(&data, &site, &["--as", "strapi", "--no-encrypt"])
        .ends_with(2)
        .says(["the data model has no types with nodes"]);
    assert_eq!(count(folder.path()), before);
}

#[test]
fn what_has_no_place_is_named_up_to_a_limit_and_the_rest_is_counted() {
    let folder = folder();
    let node = |number: usize| format!(r#"{{"_typeName":"Post","id":"p{number}","other":1}}"#);
    let nodes: Vec<String> = (1000..1250).map(node).collect();
    let model = "type Post { id: ID! @id }";
    let data = data_set(folder.path(), model, &nodes.join(","));
    let site = folder.path().join("site");
    let done = convert(&data, &site, &["--as", "strapi", "--no-encrypt", "--json"]).ends_with(3);
    let summary = done.stdout.lines().last().expect("a summary");
    let summary: Value = serde_json::from_str(summary).expect("JSON");
    let warnings = summary["warnings"].as_array().expect("a list");
    assert_eq!(warnings.len(), 101, "{}", done.all());
    assert_eq!(warnings[0]["subject"], "`other` of Post p1000");
    assert_eq!(warnings[100]["times"], 150);
}
