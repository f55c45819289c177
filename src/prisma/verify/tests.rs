//! Checks of whole data sets.

use super::super::Silent;
use super::*;
use crate::store::Interrupt;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const MODEL: &str = include_str!("../../../testdata/ndf/types.graphql");

/// What is wrong with these nodes, lists and relations.
fn check(texts: [&str; 3], model: Option<&DataModel>) -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    for (kind, text) in ValueType::ALL.into_iter().zip(texts) {
        let below = folder.path().join(kind.as_str());
        fs::create_dir(&below).expect("made");
        let text = format!("{{\"valueType\":\"{kind}\",\"values\":[{text}]}}");
        fs::write(below.join("000001.json"), text).expect("written");
    }
    let mut set = DataSet::open(folder.path(), &Interrupt::default()).expect("a data set");
    verify(&mut set, model, folder.path(), &Silent).expect("checked")
}

fn model() -> DataModel {
    DataModel::parse(MODEL, "x").expect("a data model")
}

const NODES: &str = r#"{"_typeName":"Post","id":"p","title":"T","state":"Published"},{"_typeName":"Post","id":"q","title":"T","state":"Published"},{"_typeName":"Comment","id":"c","text":"x"}"#;
const LINK: &str = r#"[{"_typeName":"Post","id":"p","fieldName":"comments"},{"_typeName":"Comment","id":"c","fieldName":"post"}]"#;

#[test]
fn the_sample_of_the_cli_is_whole() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/ndf/import");
    let mut set = DataSet::open(&path, &Interrupt::default()).expect("a data set");
    let scratch = tempfile::tempdir().expect("a folder");
    let verdict = verify(&mut set, Some(&model()), scratch.path(), &Silent).expect("checked");
    assert_eq!(verdict.findings.list().len(), 0, "{:?}", verdict.findings);
    assert_eq!(verdict.counts.map(|it| it.items), [100, 50, 50]);
    assert_eq!(verdict.types["Post"].items, 50);
    assert_eq!(verdict.chunks.each_ref().map(Vec::len), [1, 1, 1]);
    assert!(!verdict.has_split_lists);
    assert_eq!(verdict.digest().len(), 64);
}

#[test]
fn what_is_wrong_with_nodes_lists_and_links_is_named_with_its_place() {
    let model = model();
    let list = |text: &str| check([NODES, text, ""], Some(&model));
    let node = |text: &str| check([text, "", ""], Some(&model));
    let link = |text: &str| check([NODES, "", text], Some(&model));
    let has = |verdict: Verdict, why: &str| {
        let found: Vec<String> = verdict
            .findings
            .list()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(found.iter().any(|it| it.contains(why)), "{why}: {found:?}");
        assert!(
            found.iter().all(|it| it.contains("/000001.json, element")),
            "{found:?}"
        );
    };
    has(node(r#"{"_typeName":"Pots","id":"p"}"#), "no type Pots");
    has(
        node(r#"{"_typeName":"Comment","id":"c","text":"x","txet":"y"}"#),
        "no field txet; it has text",
    );
    has(
        node(r#"{"_typeName":"Comment","id":"c","text":null}"#),
        "Comment.text is null",
    );
    has(
        node(r#"{"_typeName":"Comment","id":"c"}"#),
        "must have text",
    );
    has(
        node(r#"{"_typeName":"Comment","id":"c","text":"x","post":"p"}"#),
        "is a relation",
    );
    has(
        node(r#"{"_typeName":"Comment","id":"abcdefghijklmnopqrstuvwxyz","text":"x"}"#),
        "more than 25 characters",
    );
    has(
        node(r#"{"_typeName":"Post","id":"p","title":"T","state":"Gone"}"#),
        "no PostState",
    );
    has(
        node(&format!(
            "{NODES},{{\"_typeName\":\"Comment\",\"id\":\"p\",\"text\":\"x\"}}"
        )),
        "is there already",
    );
    has(
        list(r#"{"_typeName":"Post","id":"p","tags":["a",1]}"#),
        "value 2 of Post.tags",
    );
    has(
        list(r#"{"_typeName":"Post","id":"x","tags":["a"]}"#),
        "no node with the id `x`",
    );
    has(
        list(r#"{"_typeName":"Post","id":"c","tags":["a"]}"#),
        "is a node of Comment, and this says Post",
    );
    has(
        list(r#"{"_typeName":"Post","id":"p","title":["a"]}"#),
        "is no list",
    );
    has(
        list(r#"{"_typeName":"Post","id":"p","tags":["a"],"more":[]}"#),
        "2 lists",
    );
    has(
        link(&format!("{LINK},{LINK}")),
        "the same link is there already",
    );
    has(
        link(&LINK.replace("\"c\"", "\"d\"")),
        "no node with the id `d`",
    );
    has(
        link(&LINK.replace("\"c\"", "\"q\"")),
        "is a node of Post, and this says Comment",
    );
    has(
        link(&LINK.replace("comments", "tags")),
        "Post.tags is no relation",
    );
    let second = LINK.replace("\"p\"", "\"q\"");
    has(
        link(&format!("{LINK},{second}")),
        "links one node, and has a link already",
    );
}

#[test]
fn lists_that_stand_in_several_rows_are_told_from_others() {
    let rows = |field: [&str; 2]| {
        field
            .map(|id| format!(r#"{{"_typeName":"Post","id":"{id}","tags":["a"]}}"#))
            .join(",")
    };
    for (ids, expected) in [(["p", "q"], false), (["p", "p"], true)] {
        let verdict = check([NODES, &rows(ids), ""], Some(&model()));
        assert_eq!(verdict.findings.count(), 0, "{:?}", verdict.findings);
        assert_eq!(verdict.has_split_lists, expected);
    }
}

#[test]
fn without_a_data_model_ids_and_their_types_are_checked() {
    assert_eq!(check([NODES, "", LINK], None).findings.count(), 0);
    let wrong = LINK.replace("\"c\"", "\"q\"");
    let verdict = check([NODES, "", &wrong], None);
    let found = verdict.findings.list()[0].to_string();
    assert!(found.contains("`q` is a node of Post"), "{found}");
    assert!(verdict.notes.iter().any(|it| it.contains("--datamodel")));
}

#[test]
fn what_is_wrong_with_a_data_set_has_no_advice_that_is_for_archives() {
    let model = model();
    let wrong = LINK.replace("\"c\"", "\"d\"");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("no.zip"), "no zip").expect("written");
    let open = |name: &str| {
        let set = DataSet::open(&folder.path().join(name), &Interrupt::default());
        set.err().expect("none")
    };
    let verdict = check([NODES, "{}", &wrong], Some(&model));
    let damaged = check(["[", "]", ""], Some(&model));
    let whole = verdict.check().expect_err("wrong");
    let (no_zip, empty) = (open("no.zip"), open(""));
    let found = [&verdict, &damaged].map(|it| it.findings.list());
    let errors = found.into_iter().flatten().chain([&whole, &no_zip, &empty]);
    assert!(errors.clone().count() > 6);
    for error in errors {
        let advice = error.advice().unwrap_or_default();
        assert!(
            !advice.is_empty() && !advice.contains("archive"),
            "{error}: {advice}"
        );
    }
}

#[test]
fn of_many_faults_the_first_are_kept_and_the_others_counted() {
    let nodes: Vec<String> = (0..150)
        .map(|at| format!(r#"{{"_typeName":"X","id":"{at}"}}"#))
        .collect();
    let verdict = check([&nodes.join(","), "", ""], Some(&model()));
    assert_eq!(
        (verdict.findings.list().len(), verdict.findings.more()),
        (100, 50)
    );
    assert!(
        verdict
            .check()
            .is_err_and(|it| it.to_string().contains("150 things"))
    );
}

#[test]
fn a_second_link_of_a_field_that_is_both_ends_and_holds_one_is_wrong() {
    let text = "type User { id: ID! @id, friend: User, others: [User!]! @relation(name: \"O\") }";
    let model = DataModel::parse(text, "x").expect("a data model");
    let nodes: Vec<String> = ["a", "b", "c"]
        .iter()
        .map(|id| format!(r#"{{"_typeName":"User","id":"{id}"}}"#))
        .collect();
    let count = |field: &str, links: &[[&str; 2]]| {
        let links: Vec<String> = links
            .iter()
            .map(|ids| {
                let ends = ids.map(|id| {
                    format!(r#"{{"_typeName":"User","id":"{id}","fieldName":"{field}"}}"#)
                });
                format!("[{}]", ends.join(","))
            })
            .collect();
        let verdict = check([&nodes.join(","), "", &links.join(",")], Some(&model));
        verdict.findings.count()
    };
    assert_eq!(count("friend", &[["a", "b"]]), 0);
    assert_eq!(count("friend", &[["a", "b"], ["c", "c"]]), 0);
    assert_eq!(count("friend", &[["a", "b"], ["b", "c"]]), 1);
    assert_eq!(count("others", &[["a", "b"], ["b", "c"]]), 0);
}

#[test]
fn nodes_lists_and_types_of_very_many_members_do_not_take_a_look_at_each_for_each() {
    const MANY: usize = 150_000;
    let joined = |each: &dyn Fn(usize) -> String, between: &str| {
        (0..MANY).map(each).collect::<Vec<_>>().join(between)
    };
    let text = format!(
        "type A {{ id: ID! @id\nes: [E!]!\n{} }} enum E {{ {} }}",
        joined(&|at| format!("f{at}: Int!"), "\n"),
        joined(&|at| format!("E{at}"), " ")
    );
    let model = DataModel::parse(&text, "x").expect("a data model");
    let node = |fields: &str| format!(r#"{{"_typeName":"A","id":"a"{fields}}}"#);
    let fields = joined(&|at| format!(",\"f{at}\":{at}"), "");
    let values = joined(&|at| format!("\"E{at}\""), ",");
    let list = node(&format!(",\"es\":[{values}]"));
    let verdict = check([&node(&fields), &list, ""], Some(&model));
    assert_eq!(verdict.findings.count(), 0, "{:?}", verdict.findings);
    // What is not there is not named to its end, and long names are compared with none.
    let verdict = check([&node(",\"f0\":1"), "", ""], Some(&model));
    let found = verdict.findings.list()[0].to_string();
    let expected = "must have f1, f2, f3, f4, f5, f6, f7, f8, f9, f10 and 149989 more";
    assert!(found.contains(expected), "{found}");
    let long = node(&format!(",\"{}\":1", "g".repeat(2_000_000)));
    let verdict = check([&long, "", ""], Some(&model));
    let found = verdict.findings.list()[0].to_string();
    assert!(found.contains("A has no field ggg"), "{found}");
}

/// Wants the run to stop once all three kinds are read.
#[derive(Default)]
struct Stopping {
    ended: AtomicUsize,
    is_wanted: Arc<AtomicBool>,
}

impl Watch for Stopping {
    fn on(&self, event: Event<'_>) {
        if matches!(event, Event::Ended) && self.ended.fetch_add(1, Ordering::Relaxed) == 2 {
            self.is_wanted.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn whoever_wants_the_run_to_stop_is_heard_while_ids_are_looked_at() {
    let wanted = Stopping::default();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/ndf/import");
    let interrupt = Interrupt::new(wanted.is_wanted.clone());
    let mut set = DataSet::open(&path, &interrupt).expect("a data set");
    let scratch = tempfile::tempdir().expect("a folder");
    let stopped = verify(&mut set, None, scratch.path(), &wanted).expect_err("stopped");
    assert_eq!(stopped.kind(), Kind::Interrupted);
}

#[test]
fn types_beyond_those_that_are_told_from_each_other_are_named_and_not_let_through() {
    let node = |at: usize| format!(r#"{{"_typeName":"T{at}","id":"n{at}"}}"#);
    let nodes: Vec<String> = (0..10_001).map(node).collect();
    let verdict = check([&nodes.join(","), "", ""], None);
    assert_eq!(verdict.findings.count(), 1);
    let found = verdict.findings.list()[0].to_string();
    assert!(
        found.contains("element 10001: its type T10000 is one too many"),
        "{found}"
    );
    assert_eq!(
        check([&nodes[..10_000].join(","), "", ""], None)
            .findings
            .count(),
        0
    );
    let types = |count: usize| -> String {
        (0..count)
            .map(|at| format!("type T{at} {{ id: ID! @id }}\n"))
            .collect()
    };
    assert!(DataModel::parse(&types(10_000), "x").is_ok());
    let error = DataModel::parse(&types(10_001), "x").expect_err("too many");
    assert!(
        error
            .to_string()
            .contains("it has 10001 types, and may have 10000"),
        "{error}"
    );
}

#[test]
fn a_nul_in_a_text_is_noted_with_its_place() {
    let node = |id: &str, text: &str| format!(r#"{{"_typeName":"T","id":"{id}","s":"{text}"}}"#);
    let all = [
        node("a", "\\\\u0000"),
        node("b", "x\\u0000"),
        node("c", "\\u0000"),
    ];
    let verdict = check([&all.join(","), "", ""], None);
    let told = "nodes/000001.json, element 2 holds a NUL (\\u0000), which services on PostgreSQL do not take; so do 1 more";
    assert!(
        verdict.notes.iter().any(|it| it.starts_with(told)),
        "{:?}",
        verdict.notes
    );
    let verdict = check([&all[0], "", ""], None);
    assert!(!verdict.notes.iter().any(|it| it.contains("NUL")));
}
