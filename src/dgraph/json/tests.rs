//! Objects as servers write them and as the loader accepts them.

use super::super::row::{FacetKind, Node, Object, Row, Scalar};
use super::super::set::Context;
use super::super::{Dialect, LONGEST_ROW};
use super::*;
use crate::error::Result;
use std::io::{BufReader, Read};

fn reader(text: &str, dialect: Dialect) -> Reader<'static, &[u8]> {
    let context = Context {
        schema: None,
        dialect,
        group: 1,
    };
    Reader::new(text.as_bytes(), "g01.json.gz", context)
}

fn read(text: &str, dialect: Dialect) -> Result<Vec<Row>> {
    let mut reader = reader(text, dialect);
    std::iter::from_fn(|| reader.next_row().transpose()).collect()
}

fn rows(text: &str) -> Vec<Row> {
    read(text, Dialect::Since2103).expect(text)
}

/// A row in short.
fn told(row: &Row) -> String {
    let object = match &row.object {
        Object::Edge(node) => format!("-> {node}"),
        Object::Value { value, language } => {
            let tag = language
                .as_ref()
                .map(|it| format!("@{it}"))
                .unwrap_or_default();
            format!("{:?} {}{tag}", value.scalar, value.text)
        }
    };
    let facets = row
        .facets
        .iter()
        .map(|it| format!(" {}={:?}:{}", it.key, it.kind, it.text));
    let facets: String = facets.collect();
    format!("{} {} {object}{facets}", row.subject, row.predicate)
}

fn short(text: &str) -> Vec<String> {
    rows(text).iter().map(told).collect()
}

#[test]
fn objects_with_several_predicates_and_objects_in_them_are_several_rows() {
    let text = r#"[{"uid":"_:a","name":"A","age":5,"ok":true,"none":null,"tags":["x","y"],"empty":[],"gone":{},
        "friend":[{"uid":"0x5","name":"B","friend|since":"2020-01-02"},{"name":"C"}],
        "home":{"type":"Point","coordinates":[1,2]}}]"#;
    assert_eq!(
        short(text),
        [
            "_:a name String A",
            "_:a age Int 5",
            "_:a ok Bool true",
            "_:a tags String x",
            "_:a tags String y",
            "0x5 name String B",
            "_:a friend -> 0x5 since=DateTime:2020-01-02",
            "_:nameless.1.1 name String C",
            "_:a friend -> _:nameless.1.1",
            r#"_:a home Geo {"type":"Point","coordinates":[1,2]}"#,
        ]
    );
    assert_eq!(short(r#"{"uid":7,"a":1.5}"#), ["0x7 a Float 1.5"]);
    assert_eq!(short("[\n\n]\n"), [""; 0]);
}

#[test]
fn facets_stand_within_links_or_beside_them_and_may_say_of_which_item_they_are() {
    let of = |text: &str| short(&format!("[{{\"uid\":\"0x1\",{text}}}]"));
    let linked = ["0x1 best -> 0x2 w=Float:0.5"];
    assert_eq!(of(r#""best":[{"uid":"0x2","best|w":0.5}]"#), linked);
    assert_eq!(of(r#""best":[{"uid":"0x2"}],"best|w":0.5"#), linked);
    assert_eq!(of(r#""best":{"uid":"0x2","best|w":0.5}"#), linked);
    let items = r#""nick":["a","b"],"nick|kind":{"1":"x"}"#;
    assert_eq!(
        of(items),
        ["0x1 nick String a", "0x1 nick String b kind=String:x"]
    );
    // As servers write those of a value with a language, and as the loader wants them.
    let tagged = ["0x1 name String A@en k=Int:3"];
    assert_eq!(of(r#""name@en":"A","name|k":3"#), tagged);
    assert_eq!(of(r#""name@en":"A","name@en|k":3"#), tagged);
    let both = of(r#""name@en":"A","name":"B","name|k":true"#);
    assert_eq!(
        both,
        ["0x1 name String A@en", "0x1 name String B k=Bool:true"]
    );
    let row = &rows(r#"[{"uid":"0x1","a":1,"a|t":"2020-01-02T00:00:00Z","a|y":"2020"}]"#)[0];
    let kinds = row.facets.iter().map(|it| it.kind);
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [FacetKind::DateTime, FacetKind::String]
    );
}

#[test]
fn before_2103_namespace_is_a_predicate_like_any_other() {
    let text = r#"[{"uid":"0x1","namespace":"0x2","a":"b"}]"#;
    let old = read(text, Dialect::Before2103).unwrap();
    assert_eq!(
        old.iter().map(told).collect::<Vec<_>>(),
        ["0x1 namespace String 0x2", "0x1 a String b"]
    );
    let new = rows(text);
    assert_eq!((new.len(), new[0].namespace), (1, 2));
    // A server writes its own first.
    let both = r#"[{"uid":"0x1","namespace":"0x0","namespace":"b"}]"#;
    assert_eq!(short(both), ["0x1 namespace String b"]);
}

#[test]
fn infinity_is_read_and_counted() {
    let text = "[\n  {\"uid\":\"0x1\",\"f\":+Inf},\n  {\"uid\":\"0x1\",\"f\":\"-Inf\"},\n  {\"uid\":\"0x2\",\"f\":NaN}\n]\n";
    let mut reader = reader(text, Dialect::Since2103);
    let mut found = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        let Object::Value { value, .. } = row.object else {
            panic!("a value");
        };
        found.push((value.scalar, value.text, reader.line(), reader.no_numbers()));
    }
    let expected = [
        (Scalar::Float, "+Inf".to_owned(), 2, 1),
        (Scalar::String, "-Inf".to_owned(), 3, 1),
        (Scalar::Float, "NaN".to_owned(), 4, 2),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_the_rest_is_read() {
    for (row, why) in [
        ("{\"uid\":\"alice\",\"a\":1}", "`alice` is no uid"),
        ("{\"uid\":[],\"a\":1}", "neither a text nor a number"),
        (
            "{\"uid\":\"0x1\",\"namespace\":\"x\",\"a\":1}",
            "namespace is no number",
        ),
        ("{\"uid\":\"0x1\",\"a\":1,\"a\":2}", "two members `a`"),
        ("{\"uid\":\"0x1\",\"a\":[null]}", "a value that is none"),
        ("{\"uid\":\"0x1\",\"a\":[[1]]}", "a value that is none"),
        ("{\"uid\":\"0x1\",\"\":1}", "no name"),
        ("{\"uid\":\"0x1\",\"a@1\":1}", "no language"),
        ("{\"uid\":\"0x1\",\"b\":1,\"a|x\":1}", "facets of `a`"),
        (
            "{\"uid\":\"0x1\",\"a\":[1,2],\"a|x\":1}",
            "of which they are",
        ),
        ("{\"uid\":\"0x1\",\"a\":1,\"a|x\":[]}", "the facet `x`"),
        (
            "{\"uid\":\"0x1\",\"a\":1,\"a|x\":NaN}",
            "which no facet can be",
        ),
        ("{\"uid\":\"0x1\" \"a\":1}", "`,` or `}` is missing"),
        (
            "{\"uid\":\"0x1\",\"a\":truth}",
            "neither a text nor a number",
        ),
    ] {
        let text =
            format!("[\n{{\"uid\":\"0x1\",\"x\":1}},\n{row},\n{{\"uid\":\"0x2\",\"x\":1}}\n]\n");
        let mut reader = reader(&text, Dialect::Since2103);
        assert!(reader.next_row().unwrap().is_some());
        let error = reader.next_row().expect_err(row).to_string();
        assert!(
            error.starts_with("g01.json.gz, line 3: ") && error.contains(why),
            "{error}"
        );
        assert_eq!(reader.next_row().unwrap().unwrap().subject, Node::Uid(2));
        assert!(reader.next_row().unwrap().is_none());
    }
}

#[test]
fn a_list_that_is_none_ends_the_reading() {
    for (text, line, why) in [
        ("", 1, "empty"),
        ("null", 1, "does not begin with `[`"),
        ("[\n1]", 2, "a row does not begin with `{`"),
        (
            "[{\"uid\":\"0x1\"}\n{\"uid\":\"0x1\"}]",
            2,
            "neither `,` nor `]`",
        ),
        ("[{\"uid\":\"0x1\"},]", 1, "a row does not begin with `{`"),
        ("[\n]\n\nx", 4, "behind the end"),
        ("[\n{\"uid\":\"0x1\"}\n", 3, "cut short"),
        ("[\n{\"uid\":\"0x1", 2, "cut short"),
    ] {
        let mut reader = reader(text, Dialect::Since2103);
        let error = loop {
            match reader.next_row() {
                Ok(row) => assert!(row.is_some(), "{text}"),
                Err(error) => break error.to_string(),
            }
        };
        let place = format!("g01.json.gz, line {line}: ");
        assert!(
            error.starts_with(&place) && error.contains(why),
            "{text}: {error}"
        );
        assert!(reader.next_row().unwrap().is_none(), "{text}");
    }
}

#[test]
fn an_object_that_is_too_long_is_passed_over_and_the_bound_is_said() {
    let head: &[u8] = b"[\n{\"uid\":\"0x1\",\"a\":\"";
    let tail: &[u8] = b"\"},\n{\"uid\":\"0x2\",\"a\":1}]";
    let long = std::io::repeat(b'x').take(LONGEST_ROW as u64);
    let context = Context {
        schema: None,
        dialect: Dialect::Since2103,
        group: 1,
    };
    let mut reader = Reader::new(BufReader::new(head.chain(long).chain(tail)), "x", context);
    let error = reader.next_row().expect_err("too long").to_string();
    assert!(
        error.contains("line 2") && error.contains(&LONGEST_ROW.to_string()),
        "{error}"
    );
    assert_eq!(reader.next_row().unwrap().unwrap().subject, Node::Uid(2));
}

#[test]
fn rows_that_repeat_long_names_are_not_held_without_end() {
    let name = "n".repeat(1 << 20);
    let text = format!("[{{\"uid\":\"0x1\",\"{name}\":[{}0]}}]", "0,".repeat(200));
    let error = read(&text, Dialect::Since2103)
        .expect_err("too long")
        .to_string();
    assert!(error.contains(&(2 * LONGEST_ROW).to_string()), "{error}");
    let facets = (0..=1 << 14).map(|it| format!(",\"a|{it}\":1"));
    let text = format!(
        "[{{\"uid\":\"0x1\",\"a\":1{}}}]",
        facets.collect::<String>()
    );
    let error = read(&text, Dialect::Since2103)
        .expect_err("too many")
        .to_string();
    assert!(error.contains("16384 facets"), "{error}");
}
