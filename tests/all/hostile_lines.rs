//! Lines and schemas that are made to take much memory or time.

use std::fmt::Write as _;

use crate::limits::{MEMORY, measured};
use crate::support::beasts::small;
use crate::support::cli::{PLAIN, Project};
use crate::support::tarball::{ENTITIES, Tarball};

const SCHEMAS: &str = "schemas/schemas_00001.jsonl";
const SETTINGS: &str = "configuration/configuration_00001.jsonl";

/// Members or elements, one for each number.
fn listed(count: usize, each: impl Fn(usize, &mut String)) -> String {
    let mut text = String::new();
    for number in 0..count {
        if number > 0 {
            text.push(',');
        }
        each(number, &mut text);
    }
    text
}

/// A schema with these attributes.
fn schema(uid: &str, kind: &str, attributes: &str) -> String {
    format!(
        r#"{{"uid":"{uid}","modelType":"{kind}","kind":"collectionType","modelName":"a","collectionName":"{}","info":{{}},"attributes":{{{attributes}}}}}"#,
        uid.replace([':', '.'], "")
    )
}

/// The small archive with more lines in these entries.
fn with(lines: Vec<(&str, Vec<String>)>) -> Tarball {
    lines.into_iter().fold(small(), |tarball, (entry, more)| {
        tarball.edit_lines(entry, |lines| lines.extend(more))
    })
}

/// A type that holds components which hold each other.
fn boxes(line: String) -> Tarball {
    let inner = r#""t":{"type":"text"},"r":{"type":"component","component":"c.b","repeatable":true},"one":{"type":"component","component":"c.b"}"#;
    let schemas = vec![
        schema("api::a.a", "contentType", inner),
        schema("c.b", "component", inner),
    ];
    with(vec![(SCHEMAS, schemas), (ENTITIES, vec![line])])
}

/// Verifies an archive and looks what an import would do; neither may take more memory than an archive
/// may. Gives what the verification said.
fn checked(name: &str, archive: Tarball) -> String {
    let project = Project::testdata();
    let lines = archive.entries.iter().filter(|it| it.name.ends_with("l"));
    let lines = lines.flat_map(|it| it.content.split(|byte| *byte == b'\n'));
    let longest = lines.map(<[u8]>::len).max().unwrap() as u64;
    let path = archive.write(project.archive(&format!("{name}.tar")));
    let (root, file) = (project.path(), path.to_str().unwrap());
    let root = root.to_str().unwrap();
    let import = ["import", "--dry-run", "--schema-strategy", "ignore"];
    let import = [&import[..], &["--project", root, "-f", file]].concat();
    let mut said = String::new();
    for arguments in [vec!["verify", file], import] {
        let Some((outcome, peak)) = measured(arguments.iter().copied()) else {
            return said;
        };
        let all = outcome.all();
        assert!(
            peak <= MEMORY + 3 * longest,
            "{name}: {} MB\n{all}",
            peak >> 20
        );
        said.push_str(&all);
    }
    said
}

#[test]
fn ids_that_lie_far_apart_take_little_memory() {
    let rows = (1..300_000_u64)
        .map(|id| format!(r#"{{"type":"api::tag.tag","id":{},"data":{{}}}}"#, id << 32))
        .collect();
    checked("rows", with(vec![(ENTITIES, rows)]));
    let items = listed(300_000, |id, text| {
        write!(text, r#"{{"id":{}}}"#, id << 32).unwrap();
    });
    let line = format!(r#"{{"type":"api::a.a","id":1,"data":{{"r":[{items}]}}}}"#);
    checked("components", boxes(line));
}

#[test]
fn a_schema_of_many_attributes_takes_little_memory_and_more_are_refused() {
    let strings = |count| {
        listed(count, |number, text| {
            write!(text, r#""a{number:x}":{{"type":"string"}}"#).unwrap();
        })
    };
    let members = listed(60_000, |number, text| {
        write!(text, r#""b{number:x}":0"#).unwrap();
    });
    let row = format!(r#"{{"type":"api::a.a","id":1,"data":{{{members}}}}}"#);
    let many = vec![schema("api::a.a", "contentType", &strings(60_000))];
    checked(
        "attributes",
        with(vec![(SCHEMAS, many), (ENTITIES, vec![row])]),
    );
    let two = ["api::a.a", "api::b.b"].map(|uid| schema(uid, "contentType", &strings(40_000)));
    let said = checked("more", with(vec![(SCHEMAS, two.to_vec())]));
    assert!(
        said.contains("schemas have more than the 65536 types, attributes"),
        "{said}"
    );
}

#[test]
fn components_in_each_other_are_not_kept_while_those_inside_are_visited() {
    let members = listed(16_400, |number, text| {
        write!(text, r#""\u0061{number:x}":0"#).unwrap();
    });
    let mut data = format!(r#"{{"id":1,{members}}}"#);
    for id in 2..40 {
        data = format!(r#"{{"id":{id},{members},"one":{data}}}"#);
    }
    let line = format!(r#"{{"type":"api::a.a","id":1,"data":{{"one":{data}}}}}"#);
    checked("members", boxes(line));
}

#[test]
fn settings_are_not_made_into_a_tree() {
    let zeros = "0,".repeat(3_000_000);
    let row = format!(
        r#"{{"type":"core-store","value":{{"id":5000,"key":"core_admin_project-settings","value":{{"x":[{zeros}0]}},"type":"object","environment":null,"tag":null}}}}"#
    );
    checked("settings", with(vec![(SETTINGS, vec![row])]));
}

#[test]
fn a_row_of_content_types_that_is_too_long_is_named_and_not_read() {
    let project = Project::testdata();
    project.sql(
        "UPDATE strapi_core_store_settings SET value = printf('{\"a\":\"%.*c\"}', 40000000, 'x')
            WHERE key = 'strapi_content_types_schema'",
    );
    let outcome = project.run("export", [&["-f", "site"], &PLAIN[..]].concat());
    outcome.ends_with(1).says([
        "the row strapi_content_types_schema of strapi_core_store_settings",
        "has 40000008 bytes, more than the 33554432",
    ]);
}
