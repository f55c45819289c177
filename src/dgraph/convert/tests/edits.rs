//! What was changed in a set after it was made, and what becomes of that on the way back.

use super::{back, convert, edit, set};
use crate::convert::testing::{Lines, schema, small};
use crate::dgraph::convert::noted_source;
use crate::error::Kind;
use crate::model::Stage;
use crate::store::Interrupt;
use crate::transfer::{Filter, Source};
use serde_json::json;
use std::path::PathBuf;
use tempfile::TempDir;

/// What becomes of [`small`], in a folder.
fn converted() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("set");
    convert(&small(), &into);
    (folder, into)
}

/// What comes back after these changes of the rows, and is told, which says this.
fn after(edits: &[(&str, &str)], said: &[&str]) -> Lines {
    let (_folder, into) = converted();
    for (from, to) in edits {
        edit(&into, from, to);
    }
    let mut found = back(&into);
    let told = std::mem::take(&mut found.told);
    assert_eq!(told.len(), said.len(), "{told:?}");
    for (told, said) in told.iter().zip(said) {
        assert!(told.contains(said), "{told}");
    }
    found
}

/// The rows of [`small`].
fn rows() -> Vec<String> {
    small().lines.remove(&Stage::Entities).expect("rows")
}

#[test]
fn values_that_changed_came_or_went_are_those_of_the_rows() {
    let found = after(&[("\"T1\"", "\"new\"")], &[]);
    let mut expected = rows();
    expected[0] = expected[0].replace("T1", "new");
    assert_eq!(found.lines[&Stage::Entities], expected);
    let title = "<0x10002> <A.title> \"T1\"^^<xs:string> <0x0> .\n";
    let body = "<0x10002> <A.body> \"B\"^^<xs:string> <0x0> .\n";
    let found = after(&[(title, &format!("{title}{body}"))], &[]);
    let first = &found.lines[&Stage::Entities][0];
    assert!(first.ends_with(r#"],"body":"B"}}"#), "{first}");
    let found = after(&[(title, "")], &[]);
    let first = &found.lines[&Stage::Entities][0];
    assert!(first.contains(r#""title":null"#), "{first}");
}

#[test]
fn a_link_that_went_is_gone_and_the_row_of_the_other_end_alone_is_none() {
    let link = "<0x10002> <A.next> <0x10004> <0x0> (position=1) .\n";
    let said = ["false: 1 links are gone: their relations are not there any more"];
    let found = after(&[(link, "")], &said);
    assert_eq!(
        found.lines[&Stage::Links],
        small().lines[&Stage::Links][1..]
    );
    assert_eq!(found.lines[&Stage::Entities], rows());
}

#[test]
fn a_node_that_went_is_gone_with_all_that_leads_to_it() {
    let node = [
        "<0x10006> <dgraph.type> \"A\" <0x0> .\n",
        "<0x10006> <A.strapiId> \"a_3\"^^<xs:string> <0x0> .\n",
        "<0x10006> <A.title> \"T3\"^^<xs:string> <0x0> .\n",
        "<0x10006> <A.boxes> <0x1003f> <0x0> .\n",
        "<0x10006> <A.boxes> <0x10041> <0x0> .\n",
    ];
    let said = [
        "2 components are gone",
        "1 rows are gone",
        "1 links are gone: they join rows",
    ];
    let found = after(&node.map(|it| (it, "")), &said);
    assert_eq!(found.lines[&Stage::Entities], rows()[..2]);
    assert_eq!(
        found.lines[&Stage::Links],
        small().lines[&Stage::Links][..1]
    );
}

#[test]
fn what_came_anew_is_told_of() {
    let type_row = "<0x10002> <dgraph.type> \"A\" <0x0> .\n";
    let new = "<0x99999> <dgraph.type> \"A\" <0x0> .\n<0x99999> <A.title> \"N\" <0x0> .\n";
    let said = ["true: A 0x99999: 1 not kept: strapi.json does not know it"];
    let found = after(&[(type_row, &format!("{type_row}{new}"))], &said);
    assert_eq!(found.lines[&Stage::Entities], rows());
    let new = "<0x10002> <A.other> \"N\"@en <0x0> .\n<0x10002> <A.next> <0x10006> <0x0> .\n";
    let said = ["`next` of A a_1", "`other@en` of A a_1"];
    after(&[(type_row, &format!("{type_row}{new}"))], &said);
}

#[test]
fn what_stands_beside_values_and_links_is_told_of_and_the_place_of_a_link_is_taken() {
    let title = "<0x10002> <A.title> \"T1\"^^<xs:string> <0x0>";
    let since = format!("{title} (since=2020-01-02T00:00:00Z) .\n");
    let said = ["true: `title` of A a_1: 1 not kept: what stands beside it (facets)"];
    let found = after(&[(&format!("{title} .\n"), &since)], &said);
    assert_eq!(found.lines[&Stage::Entities], rows());
    let found = after(
        &[("(position=1)", "(position=1.5,w=2)")],
        &["`next` of A a_1: 1 not kept"],
    );
    let mut expected = small().lines[&Stage::Links].clone();
    expected[0] = expected[0].replace("\"pos\":1", "\"pos\":1.5");
    assert_eq!(found.lines[&Stage::Links], expected);
    let held = "<0x10002> <A.boxes> <0x10017> <0x0>";
    let said = ["`boxes` of A a_1: 1 not kept: its links have no order in Strapi"];
    let with = format!("{held} (position=2) .\n");
    after(&[(&format!("{held} .\n"), &with)], &said);
}

#[test]
fn a_second_value_of_a_predicate_and_a_second_id_are_told_of() {
    let title = "<0x10002> <A.title> \"T1\"^^<xs:string> <0x0> .\n";
    let second = title.replace("T1", "T2");
    let said = ["true: `title` of A a_1: 1 not kept: a row has one value there"];
    let found = after(&[(title, &format!("{title}{title}{second}"))], &said);
    assert_eq!(found.lines[&Stage::Entities], rows());
    let id = "<0x10002> <A.strapiId> \"z_9\"^^<xs:string> <0x0> .\n";
    let said = ["true: `strapiId` of A a_1: 1 not kept: a row has one value there"];
    after(&[(title, &format!("{title}{id}"))], &said);
    let other = "<0x10002> <title> \"DQL\" <0x0> .\n";
    let said = ["true: `<title>` of A a_1: 1 not kept: strapi.json does not know it"];
    let found = after(&[(title, &format!("{title}{other}"))], &said);
    assert_eq!(found.lines[&Stage::Entities], rows());
}

#[test]
fn rows_that_servers_of_other_namespaces_hold_for_themselves_are_passed_over() {
    let title = "<0x10002> <A.title> \"T1\"^^<xs:string> <0x0> .\n";
    let user =
        "<0x7> <dgraph.xid> \"groot\" <0x1> .\n<0x7> <dgraph.type> \"dgraph.type.User\" <0x1> .\n";
    let found = after(&[(title, &format!("{user}{title}{user}"))], &[]);
    assert_eq!(found.lines[&Stage::Entities], rows());
}

#[test]
fn whole_numbers_that_strapi_has_no_room_for_are_told_of_and_those_that_it_had_stay() {
    let row = |id: u32, n: i64| format!(r#"{{"type":"api::a.a","id":{id},"data":{{"n":{n}}}}}"#);
    let archive = Lines::of([
        (
            Stage::Schemas,
            vec![schema("api::a.a", json!({"n": {"type": "integer"}}))],
        ),
        (Stage::Entities, vec![row(1, 5), row(2, 1 << 40)]),
    ]);
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("set");
    convert(&archive, &into);
    assert_eq!(back(&into), archive);
    edit(&into, "\"5\"^^", "\"9007199254740993\"^^");
    let found = back(&into);
    let expected = [row(1, 5).replace(":5}", ":null}"), row(2, 1 << 40)];
    assert_eq!(found.lines[&Stage::Entities], expected);
    let [told] = &found.told[..] else {
        panic!("{:?}", found.told);
    };
    assert!(
        told.contains("`n` of A a_1: 1 not kept: Strapi takes no such value"),
        "{told}"
    );
}

#[test]
fn a_time_that_strapi_cuts_is_told_of_and_the_last_of_a_year_is_kept() {
    let row = |at: &str| format!(r#"{{"type":"api::a.a","id":1,"data":{{"at":"{at}"}}}}"#);
    let last = "9999-12-31T23:59:59.999Z";
    let archive = Lines::of([
        (
            Stage::Schemas,
            vec![schema("api::a.a", json!({"at": {"type": "datetime"}}))],
        ),
        (Stage::Entities, vec![row(last)]),
    ]);
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("set");
    convert(&archive, &into);
    assert_eq!(back(&into), archive);
    edit(&into, last, "2026-11-20T15:28:46.048999+01:00");
    let found = back(&into);
    let expected = [row("2026-11-20T14:28:46.048Z")];
    assert_eq!(found.lines[&Stage::Entities], expected);
    let [told] = &found.told[..] else {
        panic!("{:?}", found.told);
    };
    assert!(
        told.contains("`at` of A a_1: 1 not kept") && told.contains("is cut"),
        "{told}"
    );
}

#[test]
fn a_link_that_stands_there_with_two_places_is_told_of() {
    let link = "<0x10002> <A.next> <0x10004> <0x0> (position=1) .\n";
    let second = link.replace("position=1", "position=3");
    let said = ["`next` of A a_1: 1 not kept: the link stands there with several places"];
    let found = after(&[(link, &format!("{link}{second}"))], &said);
    assert_eq!(found.lines[&Stage::Links], small().lines[&Stage::Links]);
}

#[test]
fn other_uids_and_what_servers_write_in_their_own_way_change_nothing() {
    let attributes = json!({
        "at": {"type": "datetime"},
        "on": {"type": "boolean"},
        "n": {"type": "float"},
        "any": {"type": "json"},
        "big": {"type": "biginteger"},
        "price": {"type": "decimal"},
        "to": {"type": "relation", "relation": "manyToMany", "target": "api::b.b", "inversedBy": "of"},
    });
    let other = json!({
        "of": {"type": "relation", "relation": "manyToMany", "target": "api::a.a", "mappedBy": "to"},
    });
    let row = r#"{"type":"api::a.a","id":1,"data":{"at":"2026-11-20T15:28:46.120Z","on":true,"n":1.5,"any":[1, 2],"big":"9007199254740993","price":0.10}}"#;
    let link = r#"{"kind":"relation.basic","relation":"manyToMany","left":{"type":"api::a.a","ref":1,"field":"to","pos":1},"right":{"type":"api::b.b","ref":7,"field":"of","pos":2}}"#;
    let archive = Lines::of([
        (
            Stage::Schemas,
            vec![schema("api::a.a", attributes), schema("api::b.b", other)],
        ),
        (
            Stage::Entities,
            vec![
                row.to_owned(),
                r#"{"type":"api::b.b","id":7,"data":{}}"#.to_owned(),
            ],
        ),
        (Stage::Links, vec![link.to_owned()]),
    ]);
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("set");
    convert(&archive, &into);
    super::rules::check(&into);
    for (from, to) in [
        ("46.120Z", "46.12Z"),
        ("\"1.5\"", "\"1.5E+00\""),
        // The row of the other end is there as well, with its own place.
        ("<0x1000f> <B.of> <0x10002> <0x0> (position=2) .\n", ""),
    ] {
        edit(&into, from, to);
    }
    let mut expected = archive.clone();
    let rows = expected.lines.get_mut(&Stage::Entities).expect("rows");
    rows[0] = rows[0].replace(":1.5,", ":1.5E+00,");
    assert_eq!(back(&into), expected);
}

#[test]
fn several_namespaces_and_two_nodes_of_one_id_are_refused() {
    let title = "<0x10002> <A.title> \"T1\"^^<xs:string> <0x0> .\n";
    for (to, said) in [
        (
            title.replace("<0x0>", "<0x1>"),
            "is of namespace 0x1, and others are of 0x0",
        ),
        (
            format!("{title}<0x99> <A.strapiId> \"a_1\" <0x0> .\n"),
            "A a_1: there are two nodes of this id",
        ),
    ] {
        let (_folder, into) = converted();
        edit(&into, title, &to);
        let source = noted_source(set(&into), &into, &into, &Interrupt::default());
        let mut lines = Lines::default();
        let streamed = source
            .expect("opened")
            .stream(&Filter::default(), &mut lines);
        let error = streamed.expect_err("refused");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.advice().is_some() && error.kind() != Kind::Usage);
    }
}
