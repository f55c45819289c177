//! `backup convert` of data sets without notes: values at the edge, names, and what a second run finds.

use crate::convert::{convert, folder};
use crate::convert_wrong::data_set;
use crate::support::archive::Archive;
use crate::support::cli::{backup, run};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

const PLAIN: [&str; 3] = ["--as", "strapi", "--no-encrypt"];
const OVERWRITE: [&str; 4] = ["--as", "strapi", "--no-encrypt", "--overwrite"];

/// What is in a folder, hidden or not.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|it| it.expect("read").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn the_last_moments_of_the_year_9999_are_times_and_those_of_the_first_years_as_well() {
    let folder = folder();
    let node = |id: &str, at: &str| format!(r#"{{"_typeName":"Post","id":"{id}","at":"{at}"}}"#);
    let times = ["9999-12-31T23:59:59.999Z", "9999-12-30T22:00:00.000Z"];
    let times = times
        .into_iter()
        .chain(["0001-01-01T00:00:00.000Z", "0000-01-01T00:00:00.000Z"]);
    let times: Vec<&str> = times.collect();
    let nodes = times
        .iter()
        .enumerate()
        .map(|(at, time)| node(&format!("p{at}"), time));
    let nodes: Vec<String> = nodes.collect();
    let model = "type Post { id: ID! @id at: DateTime }";
    let data = data_set(folder.path(), model, &nodes.join(","));
    let model = folder.path().join("datamodel.prisma");
    let arguments: [&OsStr; 5] = [
        "prisma".as_ref(),
        "verify".as_ref(),
        data.as_ref(),
        "--datamodel".as_ref(),
        model.as_ref(),
    ];
    run(&mut backup(arguments)).ends_with(0);
    let site = folder.path().join("site");
    convert(&data, &site, &PLAIN).ends_with(0);
    let rows = Archive::open(&folder.path().join("site.tar.gz"), None).lines("entities");
    for (row, time) in rows.iter().zip(times) {
        assert!(row.contains(&format!(r#""at":"{time}""#)), "{row}");
    }
}

#[test]
fn times_with_more_digits_than_strapi_keeps_are_listed() {
    let folder = folder();
    let nodes = r#"{"_typeName":"Post","id":"p1","at":"2017-11-29T14:35:13.123456Z"},
        {"_typeName":"Post","id":"p2","createdAt":"2017-11-29T14:35:13.1234Z"},
        {"_typeName":"Post","id":"p3","at":"2017-11-29T14:35:13.123000Z"}"#;
    let model = "type Post { id: ID! @id at: DateTime createdAt: DateTime! times: [DateTime!]! }";
    let data = data_set(folder.path(), model, nodes);
    let lists = r#"{"valueType":"lists","values":[
        {"_typeName":"Post","id":"p3","times":["2017-11-29T14:35:13.1239Z"]}]}"#;
    fs::write(data.join("lists/000001.json"), lists).expect("written");
    let mut done = convert(&data, &folder.path().join("site"), &PLAIN).ends_with(3);
    let cut = "1 not kept: it has more digits than the milliseconds that Strapi keeps";
    for what in [
        "`at` of Post p1",
        "`createdAt` of Post p2",
        "`times` of Post p3",
    ] {
        done = done.says([&*format!("{what}: {cut}")]);
    }
    assert!(!done.all().contains("`at` of Post p3"), "{}", done.all());
}

#[test]
fn relations_without_a_place_are_named_by_their_field_in_the_data_model() {
    let folder = folder();
    let model = "type Post { id: ID! @id status: State } type State { id: ID! @id }";
    let data = data_set(folder.path(), model, r#"{"_typeName":"Post","id":"p1"}"#);
    let relations = r#"{"valueType":"relations","values":[[
        {"_typeName":"Post","id":"p1","fieldName":"status"},{"_typeName":"State","id":"s1"}]]}"#;
    fs::write(data.join("relations/000001.json"), relations).expect("written");
    convert(&data, &folder.path().join("site"), &PLAIN)
        .ends_with(3)
        .says(["`status` of Post p1: 1 not kept: there is no node at the other end"]);
}

#[test]
fn a_list_longer_than_a_line_may_be_is_listed_and_the_archive_is_whole() {
    let folder = folder();
    let model = "type Post { id: ID! @id tags: [String!]! }";
    let data = data_set(folder.path(), model, r#"{"_typeName":"Post","id":"p1"}"#);
    let tag = format!("\"{}\"", "x".repeat(9 << 20));
    let row = format!(r#"{{"_typeName":"Post","id":"p1","tags":[{tag}]}}"#);
    let rows = [row.as_str(); 8].join(",");
    let lists = format!(r#"{{"valueType":"lists","values":[{rows}]}}"#);
    fs::write(data.join("lists/000001.json"), lists).expect("written");
    convert(&data, &folder.path().join("site"), &PLAIN)
        .ends_with(3)
        .says(["`tags` of Post p1: 1 not kept: it is longer than a list of an archive may be"]);
    let packed = folder.path().join("site.incomplete.tar.gz");
    run(&mut backup(["verify".as_ref(), packed.as_os_str()])).ends_with(3);
}

#[test]
fn names_with_tar_in_the_midst_are_no_archives_and_are_not_cut() {
    let folder = folder();
    let model = "type Post { id: ID! @id }";
    let data = data_set(folder.path(), model, r#"{"_typeName":"Post","id":"p1"}"#);
    let named = folder.path().join("data.target");
    fs::create_dir(&named).expect("a folder");
    fs::copy(
        data.join("nodes/000001.json"),
        named.join("data.tarball.json"),
    )
    .expect("copied");
    let from = named.join("data.tarball.json");
    let model = folder.path().join("datamodel.prisma").display().to_string();
    let options = [&PLAIN[..], &["--datamodel", &model]].concat();
    for to in ["my.target", "my.tarball", "my.tar.gz"] {
        convert(&from, &folder.path().join(to), &options).ends_with(0);
    }
    let found = names(folder.path());
    for name in ["my-schemas", "my.target-schemas", "my.tarball-schemas"] {
        assert!(found.iter().any(|it| it == name), "{found:?}");
    }
    for name in ["site.tar", "site.tar.gz", "site.tar.gz.enc", "site.age"] {
        let archive = folder.path().join(name);
        fs::write(&archive, "x").expect("written");
        convert(&archive, &folder.path().join("to"), &PLAIN)
            .ends_with(2)
            .says(["is an archive of a Strapi"]);
    }
}

/// A data set whose conversion is not complete.
fn incomplete(folder: &Path) -> std::path::PathBuf {
    let node = r#"{"_typeName":"Post","id":"p1","n":1}"#;
    let data = data_set(folder, "type Post { id: ID! @id }", node);
    convert(&data, &folder.join("site"), &PLAIN).ends_with(3);
    data
}

#[test]
fn overwrite_replaces_the_schemas_of_an_earlier_run() {
    let folder = folder();
    let data = incomplete(folder.path());
    let site = folder.path().join("site");
    let schema = "site-schemas/api/post/content-types/post/schema.json";
    let schema = folder.path().join(schema);
    let first = fs::read(&schema).expect("read");
    convert(&data, &site, &PLAIN)
        .ends_with(2)
        .says(["site-schemas exists already", "--overwrite"]);
    let node = r#"{"_typeName":"Post","id":"p1","n":1}"#;
    data_set(folder.path(), "type Post { id: ID! @id n: Int }", node);
    convert(&data, &site, &OVERWRITE).ends_with(0);
    let second = fs::read(&schema).expect("read");
    assert!(first != second);
    let before = names(folder.path());
    convert(&data, &site, &OVERWRITE).ends_with(0);
    data_set(
        folder.path(),
        "type Post { id: ID! @id }",
        &[node; 2].join(","),
    );
    convert(&data, &site, &OVERWRITE)
        .ends_with(6)
        .says(["there are two nodes of this id"]);
    assert_eq!(names(folder.path()), before);
    assert!(fs::read(&schema).expect("read") == second);
}

#[test]
fn overwrite_replaces_no_schemas_that_somebody_else_made_or_changed() {
    let folder = folder();
    let data = incomplete(folder.path());
    let site = folder.path().join("site");
    let schemas = folder.path().join("site-schemas");
    let post = "api/post/content-types/post/schema.json";
    let before = names(folder.path());
    for name in [
        "mine.txt",
        "api/post/routes/post.js",
        post,
        "api/a/b/c/d/e/f",
    ] {
        let path = schemas.join(name);
        let was = fs::read(&path).ok();
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, "mine").expect("written");
        convert(&data, &site, &OVERWRITE)
            .ends_with(2)
            .says(["is not what an earlier run made there", "--schemas"]);
        assert_eq!(fs::read(&path).expect("read"), b"mine");
        match was {
            Some(was) => fs::write(&path, was).expect("written"),
            None => fs::remove_file(&path).expect("removed"),
        }
        let _ = fs::remove_dir_all(schemas.join("api/post/routes"));
        let _ = fs::remove_dir_all(schemas.join("api/a"));
        assert_eq!(names(folder.path()), before);
    }
    fs::remove_file(schemas.join(".made-by-backup")).expect("removed");
    convert(&data, &site, &OVERWRITE)
        .ends_with(2)
        .says(["schema.json", "is not what an earlier run made there"]);
}
