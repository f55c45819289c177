//! Custom fields in components: their files do not say what they hold.

use serde_json::Value;

use crate::support::cli::{PLAIN, Project};

/// A project whose component `shared.kv` has a custom field in a column for short texts.
fn project() -> Project {
    let project = Project::testdata();
    let (plain, custom) = (
        "\"value\": {\n      \"type\": \"string\"",
        "\"value\": {\n      \"type\": \"customField\", \"customField\": \"global::code\"",
    );
    project.edit("src/components/shared/kv.json", plain, custom);
    project
}

/// The type that the archive `site.tar` gives it.
fn exported_type(project: &Project) -> String {
    let exported = project.exported(&[]);
    let schemas = exported.jsonl("schemas");
    let of = |schema: &&Value| schema["uid"] == "shared.kv";
    let schema = schemas.iter().find(of).unwrap();
    schema["attributes"]["value"]["type"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_type_that_was_guessed_is_a_note_and_with_strict_a_3() {
    let project = project();
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    project.run("export", options.clone()).ends_with(0).says([
        "note: the custom field global::code: no code in the project says for certain which type \
         it has; its components are exported with `string`, which its column was made for",
    ]);
    assert_eq!(exported_type(&project), "string");
    std::fs::remove_file(project.archive("site.tar")).unwrap();
    project
        .run("export", [&options[..], &["--strict"]].concat())
        .ends_with(3);
}

#[test]
fn a_type_that_does_not_fit_its_column_is_not_taken_and_with_strict_a_3() {
    let project = project();
    let code = "module.exports = { register({ strapi }) {
        strapi.customFields.register({ name: 'code', type: 'json' });
    } };";
    std::fs::write(project.path().join("src/index.js"), code).unwrap();
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    project.run("export", options.clone()).ends_with(0).says([
        "note: the custom field global::code: its code registers it with the type `json`, which \
         does not fit its column; its components are exported with `string`, which its column was \
         made for",
    ]);
    assert_eq!(exported_type(&project), "string");
    std::fs::remove_file(project.archive("site.tar")).unwrap();
    let strict = project.run("export", [&options[..], &["--strict"]].concat());
    strict.ends_with(3);
}

#[test]
fn code_that_is_nested_too_deep_or_makes_the_parser_guess_ends_no_export() {
    for (name, text) in [
        (
            "js",
            format!("{}{}", "(".repeat(200_000), ")".repeat(200_000)),
        ),
        ("ts", "'c <(t= (-+-+-- ".repeat(40)),
    ] {
        let project = project();
        let code = format!("// customFields\n{text}");
        std::fs::write(project.path().join(format!("src/index.{name}")), code).unwrap();
        let options = [&["-f", "site"], &PLAIN[..]].concat();
        let exported = project.run("export", options).ends_with(0);
        exported.says(["no code in the project says for certain which type it has"]);
    }
}

#[test]
fn a_type_that_code_registers_is_none_and_an_archive_with_another_of_its_kind_is_restored() {
    let project = project();
    let guessed = project.export("guessed", &[]);
    let code = "module.exports = { register({ strapi }) {
        strapi.customFields.register({ name: 'code', type: 'uid' });
    } };";
    std::fs::write(project.path().join("src/index.js"), code).unwrap();
    assert_eq!(exported_type(&project), "uid");
    let told = project.import(&guessed, &[]).ends_with(0).all();
    assert!(!told.contains("custom field"), "{told}");
    let exact = project.run("export", [&["-f", "site", "--strict"], &PLAIN[..]].concat());
    let told = exact.ends_with(0).all();
    assert!(!told.contains("custom field"), "{told}");
}
