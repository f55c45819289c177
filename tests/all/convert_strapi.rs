//! What was a service, in real Strapi: it boots from the schemas that come with the archive, takes its content, and exports
//! the same.

use crate::convert::{convert, folder, service};
use crate::support::archive::Archive;
use crate::support::cli::{backup, run};
use crate::support::files::copy_folder;
use crate::support::strapi::Version;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Real Strapi, made of the schemas that came with an archive, takes its content, and exports the same.
fn strapi_exports_what_was_a_service(
    version: &'static Version,
    number: &str,
    data: &Path,
    model: &Path,
) {
    let model = model.to_str().expect("UTF-8");
    strapi_exports_what_was_converted(version, number, data, &["--datamodel", model]);
}

/// The same of any data, that is converted with these options.
pub fn strapi_exports_what_was_converted(
    version: &'static Version,
    number: &str,
    data: &Path,
    more: &[&str],
) {
    let Some(harness) = version.harness() else {
        return;
    };
    let folder = folder();
    let site = folder.path().join("site");
    let options = ["--as", "strapi", "--no-encrypt", "--strapi-version", number];
    convert(data, &site, &[&options[..], more].concat()).ends_with(0);
    let packed = folder.path().join("site.tar.gz");
    run(&mut backup(["verify".as_ref(), packed.as_os_str()])).ends_with(0);
    let ours = Archive::open(&packed, None);
    let of_the_schemas = ours.jsonl("schemas").into_iter();
    let of_the_schemas: Vec<Value> = of_the_schemas.map(|it| it["uid"].clone()).collect();
    let scope = &ours.json("manifest.json")["scope"];
    assert_eq!(scope["types"], Value::from(of_the_schemas));
    let project = harness.new_project("was-a-service", None);
    for part in ["api", "components", "extensions", "plugins", "index.js"] {
        let path = project.dir.join("src").join(part);
        match path.is_dir() {
            true => fs::remove_dir_all(path).expect("removed"),
            false => drop(fs::remove_file(path)),
        }
    }
    fs::remove_file(project.dir.join("config/plugins.js")).expect("removed");
    copy_folder(
        &folder.path().join("site-schemas"),
        &project.dir.join("src"),
    );
    project.serve("true");
    project.our_import(&packed, &["--schema-strategy", "ignore"]);
    let theirs = Archive::open(&project.strapi_export("was-a-service", None), None);
    for stage in ["schemas", "entities", "links"] {
        let of_the_service = |line: &String| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let types = [&line["uid"], &line["type"], &line["left"]["type"]];
            types
                .iter()
                .any(|it| it.as_str().is_some_and(|it| it.starts_with("api::")))
        };
        let mut theirs = theirs.lines(stage);
        theirs.retain(of_the_service);
        assert_eq!(theirs, ours.lines(stage), "{stage}");
    }
}

/// A service with names that Strapi makes one of, that it has itself, and that are too long for it.
fn strapi_takes_names_that_it_would_refuse(version: &'static Version, number: &str) {
    const MODEL: &str = "
        type StrapiWebhook { id: ID! @id name: String }
        type StrapiCoreStoreSetting { id: ID! @id name: String }
        type AnExtraordinarilyLongNameOfATypeThatIsCutHereRightX { id: ID! @id name: String }
        type Tag1 { id: ID! @id name: String }
        type Tag_1 { id: ID! @id name: String }
        type UpUser { id: ID! @id name: String }
        type Post { id: ID! @id fooBar: String foo_bar: String title1: Int title_1: Int x: Int x_: Int
            slug: String @unique tag1: [Tag1] @relation(name: \"A\") tag_1: [Tag_1] @relation(name: \"B\") }";
    const NODES: &str = r#"
        {"_typeName":"StrapiWebhook","id":"w","name":"n"},{"_typeName":"Tag1","id":"t","name":"one"},
        {"_typeName":"Tag_1","id":"t","name":"other"},{"_typeName":"UpUser","id":"u","name":"n"},
        {"_typeName":"AnExtraordinarilyLongNameOfATypeThatIsCutHereRightX","id":"a","name":"n"},
        {"_typeName":"StrapiCoreStoreSetting","id":"s","name":"n"},
        {"_typeName":"Post","id":"p","fooBar":"a","foo_bar":"b","title1":1,"title_1":2,"x":3,"x_":4,
            "slug":"SLUG"}"#;
    const RELATIONS: &str = r#"
        [{"_typeName":"Post","id":"p","fieldName":"tag1"},{"_typeName":"Tag1","id":"t"}],
        [{"_typeName":"Post","id":"p","fieldName":"tag_1"},{"_typeName":"Tag_1","id":"t"}]"#;
    let folder = folder();
    let (data, model) = (folder.path().join("data"), folder.path().join("dm.prisma"));
    let nodes = NODES.replace("SLUG", &"slug".repeat(100));
    for (kind, values) in [
        ("nodes", nodes.as_str()),
        ("lists", ""),
        ("relations", RELATIONS),
    ] {
        let into = data.join(kind);
        fs::create_dir_all(&into).expect("a folder");
        let text = format!(r#"{{"valueType":"{kind}","values":[{values}]}}"#);
        fs::write(into.join("000001.json"), text).expect("written");
    }
    fs::write(&model, MODEL).expect("written");
    strapi_exports_what_was_a_service(version, number, &data, &model);
}

#[test]
fn strapi_5_takes_names_that_it_would_refuse() {
    strapi_takes_names_that_it_would_refuse(&crate::strapi5::STRAPI, "5.54.0");
}

#[test]
fn strapi_4_takes_names_that_it_would_refuse() {
    strapi_takes_names_that_it_would_refuse(&crate::strapi4::STRAPI, "4.26.2");
}

#[test]
fn strapi_5_exports_what_was_a_service() {
    strapi_exports_what_was_a_service(
        &crate::strapi5::STRAPI,
        "5.54.0",
        &service("data"),
        &service("datamodel.prisma"),
    );
}

#[test]
fn strapi_4_exports_what_was_a_service() {
    strapi_exports_what_was_a_service(
        &crate::strapi4::STRAPI,
        "4.26.2",
        &service("data"),
        &service("datamodel.prisma"),
    );
}
