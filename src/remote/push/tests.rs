//! What a running Strapi would lose, found on the way.

use super::fitting::{Change, bare};
use super::losses::Losses;
use super::rules::Rules;
use crate::error::Kind;
use crate::model::{ConfigItem, Entity, Link, Metadata, Schema, Schemas};
use crate::store::Interrupt;

/// The schemas of a site, and what it loses of what comes.
fn losses(version: &str) -> Losses {
    let component = |uid: &str, attributes: &str| {
        format!(
            r#"{{"uid":"{uid}","modelType":"component","collectionName":"x","modelName":"x","attributes":{attributes}}}"#
        )
    };
    let content = |uid: &str, attributes: &str| {
        format!(
            r#"{{"uid":"{uid}","modelType":"contentType","kind":"collectionType","collectionName":"x","modelName":"x","attributes":{attributes}}}"#
        )
    };
    let lines = [
        content(
            "api::a.a",
            r#"{"title":{"type":"string"},"views":{"type":"biginteger"},"count":{"type":"integer"},"more":{"type":"json"},
                "seo":{"type":"component","component":"x.seo"},
                "links":{"type":"component","component":"x.link","repeatable":true},
                "zone":{"type":"dynamiczone","components":["x.seo"]},
                "tag":{"type":"relation","relation":"manyToOne","target":"api::tag.tag"},
                "createdBy":{"type":"relation","relation":"oneToOne","target":"admin::user"}}"#,
        ),
        content("api::tag.tag", r#"{"name":{"type":"string"}}"#),
        content(
            "plugin::upload.file",
            r#"{"related":{"type":"relation","relation":"morphToMany"}}"#,
        ),
        content("admin::workflow", r#"{"name":{"type":"string"}}"#),
        component("x.seo", r#"{"text":{"type":"string"}}"#),
        component("x.link", r#"{"url":{"type":"string"}}"#),
    ];
    let schemas: Schemas = lines
        .iter()
        .map(|line| Schema::parse(line).expect("a schema"))
        .collect();
    let rules = Rules::of(Some(&Metadata::new(String::new(), version)));
    Losses::new(schemas, rules, Interrupt::default())
}

fn take(losses: &mut Losses, line: &str) -> Change {
    let parsed = Entity::parse(line).expect("an entity");
    losses.entity(&parsed.entity()).expect("looked at")
}

fn row(data: &str) -> String {
    format!(r#"{{"type":"api::a.a","id":7,"data":{data}}}"#)
}

fn told(losses: &mut Losses) -> Vec<String> {
    let remarks = losses.remarks();
    remarks.iter().map(ToString::to_string).collect()
}

#[test]
fn a_row_that_fits_is_sent_as_it_is() {
    let mut losses = losses("5.54.0");
    let line = row(
        r#"{"documentId":"d","title":"x","views":"9223372036854775807","seo":{"id":1,"text":"t"},"links":[],"zone":[{"__component":"x.seo","id":2,"text":null}]}"#,
    );
    assert_eq!(take(&mut losses, &line), Change::None);
    assert!(told(&mut losses).is_empty());
    assert_eq!(losses.sent()["api::a.a"], 1);
}

#[test]
fn what_would_end_the_push_is_taken_out_of_a_row() {
    for (data, fitted, what) in [
        (
            r#"{"title":"x","zone":[{"__component":"x.link","id":1,"url":"u"},{"__component":"x.seo","id":2,"text":"t"}]}"#,
            r#"{"title":"x","zone":[{"__component":"x.seo","id":2,"text":"t"}]}"#,
            "a component in attribute `zone`",
        ),
        (
            r#"{"zone":[{"__component":"x.gone","id":1}]}"#,
            r#"{"zone":[]}"#,
            "a component in attribute `zone`",
        ),
        (
            r#"{"title":"x","created_by_id":1}"#,
            r#"{"title":"x"}"#,
            "attribute `created_by_id` of api::a.a",
        ),
        (
            r#"{"seo":{"id":1,"text":"t","old":2}}"#,
            r#"{"seo":{"id":1,"text":"t"}}"#,
            "attribute `old` of x.seo",
        ),
        (
            r#"{"seo":[{"id":1,"text":"t"}],"title":"x"}"#,
            r#"{"title":"x"}"#,
            "a component in attribute `seo`",
        ),
        // Nothing is lost with these, and the server refuses them all the same.
        (r#"{"title":"x","createdBy":null}"#, r#"{"title":"x"}"#, ""),
        (r#"{"title":"x","links":null}"#, r#"{"title":"x"}"#, ""),
        (r#"{"zone":null,"seo":null}"#, r#"{"seo":null}"#, ""),
    ] {
        let mut losses = losses("5.54.0");
        let changed = take(&mut losses, &row(data));
        assert_eq!(changed, Change::Other(row(fitted)), "{data}");
        let told = told(&mut losses);
        match what {
            "" => assert!(told.is_empty(), "{told:?}"),
            what => assert!(told[0].contains(what), "{told:?}"),
        }
    }
}

#[test]
fn types_that_are_refused_or_unknown_are_not_sent() {
    let line = r#"{"type":"admin::workflow","id":1,"data":{"name":"x"}}"#;
    assert_eq!(take(&mut losses("4.26.2"), line), Change::None);
    let mut five = losses("5.54.0");
    assert_eq!(take(&mut five, line), Change::Gone);
    assert!(told(&mut five)[0].contains("takes no rows of"));
    let unknown = line.replace("admin::workflow", "api::gone.gone");
    assert_eq!(take(&mut losses("4.26.2"), &unknown), Change::Gone);
}

#[test]
fn numbers_that_do_not_arrive_as_they_are_are_told() {
    for (data, expected) in [
        (r#"{"views":9007199254740993}"#, "which the server rounds"),
        (
            r#"{"more":{"a":[9007199254740993]}}"#,
            "which the server rounds",
        ),
        (r#"{"views":"-9223372036854776000"}"#, "more than 64 bits"),
        (r#"{"count":2147483648}"#, "more than 32 bits"),
        (r#"{"count":2147483647,"views":"9007199254740993"}"#, ""),
    ] {
        let mut losses = losses("5.54.0");
        assert_eq!(take(&mut losses, &row(data)), Change::None, "{data}");
        let told = told(&mut losses);
        match expected {
            "" => assert!(told.is_empty(), "{told:?}"),
            expected => assert!(told[0].contains(expected), "{told:?}"),
        }
    }
}

#[test]
fn links_without_a_place_are_not_sent() {
    let mut losses = losses("5.54.0");
    take(&mut losses, &row(r#"{"seo":{"id":3,"text":"t"}}"#));
    for (left, right, expected) in [
        (
            r#"{"type":"api::a.a","ref":7,"field":"tag"}"#,
            r#"{"type":"api::tag.tag","ref":1}"#,
            true,
        ),
        (
            r#"{"type":"api::a.a","ref":7,"field":"gone"}"#,
            r#"{"type":"api::tag.tag","ref":1}"#,
            false,
        ),
        (
            r#"{"type":"plugin::upload.file","ref":1,"field":"related"}"#,
            r#"{"type":"api::a.a","ref":7,"field":"seo"}"#,
            true,
        ),
        (
            r#"{"type":"plugin::upload.file","ref":1,"field":"related"}"#,
            r#"{"type":"api::a.a","ref":7,"field":"gone"}"#,
            false,
        ),
        (
            r#"{"type":"plugin::upload.file","ref":1,"field":"related"}"#,
            r#"{"type":"x.seo","ref":3,"field":"text"}"#,
            true,
        ),
        (
            r#"{"type":"plugin::upload.file","ref":1,"field":"related"}"#,
            r#"{"type":"x.seo","ref":4,"field":"text"}"#,
            false,
        ),
    ] {
        let line = format!(r#"{{"kind":"relation.basic","left":{left},"right":{right}}}"#);
        let link = Link::parse(&line).expect("a link");
        assert_eq!(losses.link(&link), expected, "{line}");
    }
    assert_eq!(told(&mut losses).len(), 2);
}

#[test]
fn settings_without_a_value_and_files_without_a_row_are_not_sent() {
    let mut losses = losses("5.54.0");
    let setting = |value: &str| {
        format!(r#"{{"type":"core-store","value":{{"id":1,"key":"k","value":{value}}}}}"#)
    };
    for (value, expected) in [("{}", true), ("null", false)] {
        let line = setting(value);
        let item = ConfigItem::parse(&line).expect("an item");
        assert_eq!(losses.configuration(&item).expect("looked at"), expected);
    }
    let line = r#"{"type":"plugin::upload.file","id":4,"data":{}}"#;
    assert_eq!(take(&mut losses, line), Change::None);
    assert!(losses.file(4, "a.png"));
    assert!(!losses.file(5, "b.png"));
    let told = told(&mut losses);
    assert!(told[0].contains("`k` of the core-store"), "{told:?}");
    assert!(told[1].contains("b.png of row 5"), "{told:?}");
}

#[test]
fn rows_and_logos_that_lead_out_of_the_media_library_are_never_sent() {
    for data in [
        r#"{"hash":"../../victim","ext":".txt","url":"/uploads/../../victim.txt","provider":"local"}"#,
        r#"{"hash":"folder/a","ext":".txt","provider":"local"}"#,
        r#"{"hash":"a","ext":".txt","formats":{"small":{"hash":"../../victim","ext":".txt"}}}"#,
        r#"{"hash":"a","ext":".txt","url":"/../.env","provider":"local"}"#,
        r#"{"hash":"../a","ext":".txt","provider":"aws-s3"}"#,
    ] {
        let line = format!(r#"{{"type":"plugin::upload.file","id":7,"data":{data}}}"#);
        let parsed = Entity::parse(&line).expect("an entity");
        for version in ["5.54.0", "4.26.2"] {
            let refused = losses(version).entity(&parsed.entity());
            let error = refused.err().unwrap_or_else(|| panic!("taken: {data}"));
            assert_eq!(error.kind(), Kind::Archive, "{data}");
        }
    }
    let bucket = r#"{"type":"plugin::upload.file","id":7,"data":{"hash":"2024/a","ext":".png","provider":"aws-s3"}}"#;
    take(&mut losses("5.54.0"), bucket);
    let logo = r#"{"type":"core-store","value":{"id":3,"key":"core_admin_project-settings","value":{"menuLogo":{"hash":"../../src/index","ext":".js","__transferBuffer":"AAEC"}},"type":"object"}}"#;
    let item = ConfigItem::parse(logo).expect("an item");
    let refused = losses("5.54.0").configuration(&item);
    assert_eq!(refused.expect_err("refused").kind(), Kind::Archive);
}

#[test]
fn members_that_no_line_of_an_archive_has_are_not_sent() {
    let names = ["kind", "relation", "left", "right"];
    let link = r#"{"kind":"a","relation":"b","left":{"type":"x","ref":1,"__proto__":{"ref":2}},"right":{"type":"y","ref":"d","field":"f","pos":1.5},"x":1}"#;
    assert_eq!(
        bare(link, &names).as_deref(),
        Some(
            r#"{"kind":"a","relation":"b","left":{"type":"x","ref":1},"right":{"type":"y","ref":"d","field":"f","pos":1.5}}"#
        )
    );
    let entity =
        r#"{"type":"api::a.a","id":7,"data":{"title":"x"},"__proto__":{"type":"admin::user"}}"#;
    assert_eq!(
        bare(entity, &["type", "id", "data"]).as_deref(),
        Some(r#"{"type":"api::a.a","id":7,"data":{"title":"x"}}"#)
    );
    let fine = r#"{"type":"api::a.a","id":7,"data":{"title":"x"}}"#;
    assert_eq!(bare(fine, &["type", "id", "data"]), None);
}
