//! What was changed in the data after it was converted, and what becomes of that on the way back.

use super::{back, convert, edit};
use crate::convert::left::is_same;
use crate::convert::testing::{Lines, schema, small};
use crate::error::Kind;
use crate::model::Stage;
use crate::prisma::convert::{layout, noted_source};
use crate::store::Interrupt;
use crate::transfer::{Filter, Source};
use serde_json::json;

/// The rows that come back after this change of a file of the data of [`small`], and what is told, which says this.
fn after(file: &str, from: &str, to: &str, said: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("ndf");
    convert(&small(), &into);
    edit(&into, file, from, to);
    let mut found = back(&into);
    assert_eq!(found.told.len(), said.len(), "{:?}", found.told);
    for (told, said) in found.told.iter().zip(said) {
        assert!(told.contains(said), "{told}");
    }
    found.lines.remove(&Stage::Entities).expect("rows")
}

const PAIR: &str =
    r#"[{"_typeName":"A","id":"a_1","fieldName":"boxes"},{"_typeName":"CBox","id":"cBox_11"}]"#;

#[test]
fn a_component_whose_relation_is_gone_is_gone() {
    let said = ["false: 1 components are gone"];
    let rows = after("relations/000001.json", &format!("{PAIR},"), "", &said);
    assert!(
        rows[0].ends_with(r#""boxes":[{"id":12,"n":2}]}}"#),
        "{}",
        rows[0]
    );
    assert_eq!(rows[1..], small().lines[&Stage::Entities][1..]);
}

#[test]
fn links_whose_relations_are_gone_are_counted_and_told_of() {
    let pair = |from: u8, to: u8| {
        format!(
            r#"[{{"_typeName":"A","id":"a_{from}","fieldName":"next"}},{{"_typeName":"A","id":"a_{to}","fieldName":"nextOf"}}]"#
        )
    };
    let both = format!(",{},{}", pair(1, 2), pair(2, 3));
    let said = ["false: 2 links are gone: their relations are not there any more"];
    let rows = after("relations/000001.json", &both, "", &said);
    assert_eq!(rows, small().lines[&Stage::Entities]);
}

/// What is said of the relations of [`small`] where `from` was replaced.
fn refused(from: &str, to: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("ndf");
    convert(&small(), &into);
    edit(&into, "relations/000001.json", from, to);
    let source = noted_source(
        &into.join(layout::DATA),
        &into,
        folder.path(),
        &Interrupt::default(),
    );
    let mut lines = Lines::default();
    let streamed = source
        .expect("opened")
        .stream(&Filter::default(), &mut lines);
    let error = streamed.expect_err("refused");
    assert_eq!(error.kind(), Kind::Archive);
    assert!(error.advice().is_some_and(|it| it.contains("--no-notes")));
    error.to_string()
}

#[test]
fn a_component_that_another_row_holds_by_now_is_refused_and_says_where_it_was() {
    let said = refused(PAIR, &PAIR.replace("a_1", "a_2"));
    assert!(
        said.contains(
            "CBox cBox_11: it was in `boxes` of A a_1, and is in `boxes` of A a_2 by now"
        ),
        "{said}"
    );
    let both = format!("{PAIR},{}", PAIR.replace("a_1", "a_2"));
    let said = refused(PAIR, &both);
    assert!(
        said.contains("in `boxes` of A a_1 and in `boxes` of A a_2"),
        "{said}"
    );
}

#[test]
fn what_came_anew_is_named_by_type_id_and_field() {
    let from = r#"{"_typeName":"A","id":"a_1""#;
    let new = format!(r#"{{"_typeName":"A","id":"a_9"}},{from}"#);
    let rows = after(
        "nodes/000001.json",
        from,
        &new,
        &["true: A a_9: 1 not kept: strapi.json does not know it"],
    );
    assert_eq!(rows, small().lines[&Stage::Entities]);
    let pair = r#"[{"_typeName":"A","id":"a_3","fieldName":"next"},{"_typeName":"A","id":"a_1","fieldName":"nextOf"}]"#;
    let said = ["true: `next` of A a_3: 1 not kept: strapi.json does not know this relation"];
    after(
        "relations/000001.json",
        PAIR,
        &format!("{PAIR},{pair}"),
        &said,
    );
}

#[test]
fn components_whose_positions_changed_are_put_in_order() {
    let from = r#""cBox_11","position":1"#;
    let rows = after("nodes/000001.json", from, r#""cBox_11","position":9"#, &[]);
    let boxes = r#""boxes":[{"id":12,"n":2},{"id":11,"n":1}]}}"#;
    assert!(rows[0].ends_with(boxes), "{}", rows[0]);
}

#[test]
fn a_member_that_came_to_a_node_comes_to_its_row_or_is_told_of() {
    let from = r#""title":"T1""#;
    let nodes = "nodes/000001.json";
    let rows = after(nodes, from, &format!(r#"{from},"body":"B""#), &[]);
    assert!(rows[0].ends_with(r#"],"body":"B"}}"#), "{}", rows[0]);
    let said = ["true: `other` of A a_1: 1 not kept: strapi.json does not know it"];
    let rows = after(nodes, from, &format!(r#"{from},"other":"B""#), &said);
    assert_eq!(rows, small().lines[&Stage::Entities]);
}

#[test]
fn values_of_another_type_are_told_of_and_get_into_no_row() {
    let from = r#""title":"T1""#;
    let nodes = "nodes/000001.json";
    let said = ["true: `title` of A a_1: 1 not kept: Strapi takes no such value there"];
    let rows = after(nodes, from, r#""title":{"a":1}"#, &said);
    assert!(rows[0].contains(r#""title":null"#), "{}", rows[0]);
    let said = ["true: `body` of A a_1: 1 not kept: Strapi takes no such value there"];
    let rows = after(nodes, from, &format!(r#"{from},"body":7"#), &said);
    assert_eq!(rows, small().lines[&Stage::Entities]);
}

#[test]
fn texts_that_an_attribute_does_not_take_any_more_come_back_and_no_others_come() {
    let mut archive = small();
    let attributes = json!({
        "mood": {"type": "enumeration", "enum": ["happy", "so-so"]},
        "day": {"type": "date"},
        "body": {"type": "string"},
    });
    let schemas = archive.lines.get_mut(&Stage::Schemas).expect("schemas");
    schemas[0] = schema("api::a.a", attributes);
    let rows = ["old\",\"day\":\"1.2.2003", "so-so\",\"day\":\"2003-02-01"];
    let rows = rows.iter().zip(1..);
    let rows = rows
        .map(|(mood, id)| format!(r#"{{"type":"api::a.a","id":{id},"data":{{"mood":"{mood}"}}}}"#));
    archive.lines.insert(Stage::Entities, rows.collect());
    archive.lines.remove(&Stage::Links);
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("ndf");
    convert(&archive, &into);
    assert_eq!(back(&into), archive);
    edit(&into, "nodes/000001.json", "so-so", "nonsense");
    let found = back(&into);
    assert_eq!(found.told.len(), 1, "{:?}", found.told);
    assert!(
        found.told[0].starts_with("true: `mood` of A a_2"),
        "{}",
        found.told[0]
    );
    assert!(found.lines[&Stage::Entities][1].contains(r#""mood":null,"day":"2003-02-01""#));
}

#[test]
fn edits_of_long_numbers_and_of_what_is_nested_deep_are_told_from_another_way_of_writing() {
    let line = |value: &str| format!(r#"{{"type":"api::a.a","id":1,"data":{{"n":{value}}}}}"#);
    let deep = |value: u8| format!("{}{value}{}", "[".repeat(300), "]".repeat(300));
    let differ = [
        ("9007199254740993".to_owned(), "9007199254740992".to_owned()),
        (deep(1), deep(2)),
    ];
    for (one, other) in differ {
        assert!(!is_same(&line(&one), &line(&other)), "{one} {other}");
        assert!(
            is_same(
                &line(&one),
                &line(&one).replace(':', " : ").replace(" : : ", "::")
            ),
            "{one}"
        );
    }
    assert!(is_same(
        &line(r#"{"a":1,"b":2.0}"#),
        &line(r#"{"b":2,"a":1.0}"#)
    ));
}

#[test]
fn what_changed_in_a_node_is_taken_where_the_notes_hold_the_value_or_the_whole_line() {
    let mut archive = small();
    let rows = archive.lines.get_mut(&Stage::Entities).expect("rows");
    rows[0] = rows[0].replace(r#"{"id":11,"n":1}"#, r#"{"id":11,"n":3000000000}"#);
    rows[1] = rows[1].replace(",", " , ");
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("ndf");
    convert(&archive, &into);
    assert_eq!(back(&into), archive);
    let nodes = "nodes/000001.json";
    edit(
        &into,
        nodes,
        r#""cBox_11","position":1"#,
        r#""cBox_11","position":1,"n":5"#,
    );
    edit(&into, nodes, "\"T2\"", "\"new\"");
    let found = back(&into);
    assert!(found.told.is_empty(), "{:?}", found.told);
    let small = small();
    let before = &small.lines[&Stage::Entities];
    assert_eq!(
        found.lines[&Stage::Entities],
        [
            before[0].replace(r#""n":1"#, r#""n":5"#),
            before[1].replace("T2", "new"),
            before[2].clone(),
        ]
    );
}
