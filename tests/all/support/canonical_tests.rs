//! The comparison of [`super::Canonical`] sees every difference that counts, and no other.

use super::*;

const SCHEMAS: [&str; 3] = [
    r#"{"uid":"api::a.a","attributes":{"box":{"type":"component","component":"c.box"},"zone":{"type":"dynamiczone"}}}"#,
    r#"{"uid":"api::b.b","attributes":{"name":{"type":"string"}}}"#,
    r#"{"uid":"c.box","attributes":{"inner":{"type":"component","component":"c.box","repeatable":true}}}"#,
];
const ENTITIES: [&str; 3] = [
    r#"{"type":"api::a.a","id":1,"data":{"documentId":"a1","locale":"en","publishedAt":null,"box":{"id":5,"inner":[{"id":6},{"id":7}]},"zone":[{"__component":"c.box","id":8}]}}"#,
    r#"{"type":"api::a.a","id":2,"data":{"documentId":"a1","locale":"en","publishedAt":"2020-01-01T00:00:00.000Z","box":null,"zone":[]}}"#,
    r#"{"type":"api::b.b","id":1,"data":{"documentId":"b1","name":"b"}}"#,
];
const LINKS: [&str; 4] = [
    r#"{"kind":"relation.basic","relation":"manyToMany","left":{"type":"api::a.a","ref":1,"field":"bs","pos":1},"right":{"type":"api::b.b","ref":1,"field":"as","pos":2}}"#,
    r#"{"kind":"relation.basic","relation":"oneToOne","left":{"type":"c.box","ref":7,"field":"b"},"right":{"type":"api::b.b","ref":1}}"#,
    r#"{"kind":"relation.basic","relation":"oneToOne","left":{"type":"c.box","ref":8,"field":"b"},"right":{"type":"api::b.b","ref":1}}"#,
    r#"{"kind":"relation.circular","relation":"oneToMany","left":{"type":"api::a.a","ref":2,"field":"localizations"},"right":{"type":"api::a.a","ref":"a1"}}"#,
];
const CONFIGURATION: [&str; 2] = [
    r#"{"type":"core-store","value":{"id":1,"key":"k","value":{"x":1},"type":"object","environment":null,"tag":null}}"#,
    r#"{"type":"webhook","value":{"id":1,"name":"hook","enabled":true}}"#,
];

fn sample() -> Archive {
    let mut archive = Archive::default();
    let mut add =
        |name: &str, text: String| archive.entries.insert(name.to_owned(), text.into_bytes());
    add("schemas/schemas_00001.jsonl", SCHEMAS.join("\n"));
    add("entities/entities_00001.jsonl", ENTITIES.join("\n"));
    add("links/links_00001.jsonl", LINKS.join("\n"));
    add(
        "configuration/configuration_00001.jsonl",
        CONFIGURATION.join("\n"),
    );
    add("assets/uploads/x.txt", "bytes".to_owned());
    add(
        "assets/metadata/x.txt.json",
        r#"{"id":3,"name":"x"}"#.to_owned(),
    );
    add(
        "metadata.json",
        r#"{"createdAt":"now","strapi":{"version":"5.0.0"}}"#.to_owned(),
    );
    archive
}

fn changed(stage: &str, from: &str, to: &str) -> Archive {
    let mut archive = sample();
    let (_, bytes) = archive
        .entries
        .iter_mut()
        .find(|(name, _)| name.starts_with(stage))
        .unwrap();
    let before = String::from_utf8(bytes.clone()).unwrap();
    let after = before.replace(from, to);
    assert_ne!(before, after, "the test changed nothing");
    *bytes = after.into_bytes();
    archive
}

fn differences(changed: &Archive) -> Vec<String> {
    Canonical::of(&sample()).differences(&Canonical::of(changed))
}

#[test]
fn ids_and_the_time_of_the_export_make_no_difference() {
    let mut renumbered = sample();
    for (name, bytes) in &mut renumbered.entries {
        let mut text = String::from_utf8(bytes.clone()).unwrap();
        if name.starts_with("entities") || name.starts_with("links") {
            for id in (1..=8).rev() {
                text = text.replace(&format!("\"id\":{id}"), &format!("\"id\":{}", id + 40));
                text = text.replace(&format!("\"ref\":{id}"), &format!("\"ref\":{}", id + 40));
            }
        } else if name.starts_with("configuration") || name.starts_with("assets/metadata") {
            text = text.replace("\"id\":", "\"id\":9");
        }
        *bytes = text.replace("\"now\"", "\"later\"").into_bytes();
    }
    assert_same(&sample(), &renumbered);
}

#[test]
fn a_lost_link_is_a_difference() {
    let found = differences(&changed("links", LINKS[2], ""));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("missing: link api::a.a a1 en draft.zone[0] #b -> api::b.b b1"),
        "{found:?}"
    );
}

#[test]
fn a_link_that_appears_twice_is_a_difference() {
    let twice = format!("{}\n{}", LINKS[1], LINKS[1]);
    assert_eq!(differences(&changed("links", LINKS[1], &twice)).len(), 1);
}

#[test]
fn a_link_to_another_row_is_a_difference() {
    let found = differences(&changed("links", r#""ref":"a1""#, r#""ref":"a2""#));
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_link_to_a_row_that_is_not_there_is_a_difference() {
    let found = differences(&changed("links", r#""ref":8"#, r#""ref":9"#));
    assert!(
        found
            .iter()
            .any(|line| line.contains("c.box row 9, which is not in the archive")),
        "{found:?}"
    );
}

#[test]
fn a_changed_position_is_a_difference() {
    for (from, to) in [
        (r#""pos":1"#, r#""pos":3"#),
        (r#""pos":2"#, r#""pos":3"#),
        (r#","pos":2"#, ""),
    ] {
        let found = differences(&changed("links", from, to));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("positions"), "{found:?}");
    }
}

#[test]
fn a_moved_component_is_a_difference() {
    // The component with a link changes places with its neighbour: the data look the same, the link does not.
    let found = differences(&changed(
        "entities",
        r#"{"id":6},{"id":7}"#,
        r#"{"id":7},{"id":6}"#,
    ));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].contains("box.inner[1] #b") && found[1].contains("box.inner[0] #b"),
        "{found:?}"
    );
    // It moves to another field.
    let moved = changed(
        "entities",
        r#""box":{"id":5,"inner":[{"id":6},{"id":7}]}"#,
        r#""box":{"id":5,"inner":[{"id":6}]}"#,
    );
    assert!(
        differences(&moved)
            .iter()
            .any(|line| line.contains("inner: expected"))
    );
}

#[test]
fn a_changed_value_or_publication_is_a_difference() {
    assert_eq!(
        differences(&changed("entities", r#""name":"b""#, r#""name":"c""#)).len(),
        1
    );
    assert!(
        !differences(&changed(
            "entities",
            r#""publishedAt":null"#,
            r#""publishedAt":"2020""#
        ))
        .is_empty()
    );
}

#[test]
fn rows_without_documents_are_known_by_their_creation_and_their_first_text() {
    let without_documents = |archive: &mut Archive| {
        for (name, bytes) in &mut archive.entries {
            if name.starts_with("entities") {
                let text = String::from_utf8(bytes.clone()).unwrap();
                let text = text.replace("documentId", "createdAt");
                *bytes = text.into_bytes();
            }
        }
    };
    let (mut expected, mut actual) = (sample(), sample());
    without_documents(&mut expected);
    without_documents(&mut actual);
    assert_same(&expected, &actual);
    let mut actual = changed("entities", r#""name":"b""#, r#""name":"b","more":1"#);
    without_documents(&mut actual);
    let found = Canonical::of(&expected).differences(&Canonical::of(&actual));
    assert_eq!(
        found,
        [r#"entity api::b.b b1 "b1" - draft: .more is not expected"#]
    );
}

#[test]
fn changed_rows_of_another_order_are_a_difference() {
    let swapped = [ENTITIES[1], ENTITIES[0], ENTITIES[2]].join("\n");
    let found = differences(&changed("entities", &ENTITIES.join("\n"), &swapped));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("order of api::a.a"), "{found:?}");
}

#[test]
fn a_changed_byte_or_sidecar_of_an_asset_is_a_difference() {
    assert_eq!(
        differences(&changed("assets/uploads", "bytes", "bytes\n")).len(),
        1
    );
    assert_eq!(
        differences(&changed(
            "assets/metadata",
            r#""name":"x""#,
            r#""name":"y""#
        ))
        .len(),
        1
    );
}

#[test]
fn a_changed_setting_webhook_or_schema_is_a_difference() {
    assert_eq!(
        differences(&changed("configuration", r#""x":1"#, r#""x":2"#)).len(),
        1
    );
    assert_eq!(
        differences(&changed("configuration", "hook\"", "hook2\"")).len(),
        2
    );
    assert_eq!(
        differences(&changed("schemas", "repeatable", "repeated")).len(),
        1
    );
}

#[test]
fn links_to_rows_that_are_not_there_can_be_left_out() {
    let (whole, gone) = without_links_to_nothing(&sample());
    assert_eq!(gone, 0);
    assert_same(&sample(), &whole);
    let (whole, gone) = without_links_to_nothing(&changed("links", r#""ref":8"#, r#""ref":9"#));
    assert_eq!(gone, 1);
    assert_same(&changed("links", LINKS[2], ""), &whole);
}
