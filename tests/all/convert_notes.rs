//! Conversions back, with `strapi.json`, of data that changed meanwhile; and what content types are called.

use crate::convert::{change, convert, folder, names, verify};
use crate::support::archive::Archive;
use crate::support::cli::{backup, run, strapi_archive};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use strapi_backup::strapi::identifiers::snake_case;

#[test]
fn a_dry_run_counts_a_missing_file_once() {
    let folder = folder();
    let ndf = folder.path().join("ndf");
    convert(&strapi_archive(), &ndf, &["--as", "ndf"]).ends_with(0);
    let gone = names(&ndf.join("files")).remove(0);
    fs::remove_file(ndf.join("files").join(&gone)).expect("removed");
    let site = folder.path().join("site");
    let options = ["--as", "strapi", "--no-encrypt", "--dry-run"];
    let done = convert(&ndf, &site, &options).ends_with(3);
    done.says([gone.as_str(), "1 file is missing"]);
}

#[test]
fn links_whose_relations_are_gone_are_counted() {
    let folder = folder();
    let [ndf, site] = ["ndf", "site"].map(|it| folder.path().join(it));
    convert(&strapi_archive(), &ndf, &["--as", "ndf", "--format", "dir"]).ends_with(0);
    change(&ndf, "relations", &|pairs| pairs.clear());
    let before = Archive::open(&strapi_archive(), None).lines("links").len();
    let done = convert(&ndf, &site, &["--as", "strapi", "--no-encrypt"]).ends_with(0);
    let back = Archive::open(&folder.path().join("site.tar.gz"), None);
    let said = done.all();
    let counted = |what: &str| {
        let line = said.lines().find(|it| it.contains(what));
        let words = line.into_iter().flat_map(str::split_whitespace);
        words
            .filter_map(|it| it.parse::<usize>().ok())
            .sum::<usize>()
    };
    let unlinked = counted("links are gone: their relations");
    let cut = counted("links are gone: they join");
    assert!(unlinked > 200, "{said}");
    assert_eq!(back.lines("links").len() + unlinked + cut, before, "{said}");
}

#[test]
fn a_data_set_without_one_of_its_folders_is_not_whole() {
    for form in ["dir", "zip"] {
        for gone in ["lists", "relations"] {
            let folder = folder();
            let [ndf, site] = ["ndf", "site"].map(|it| folder.path().join(it));
            convert(&strapi_archive(), &ndf, &["--as", "ndf", "--format", "dir"]).ends_with(0);
            fs::remove_dir_all(ndf.join("data").join(gone)).expect("removed");
            let mut data = ndf.join("data");
            if form == "zip" {
                data = zipped(&data);
            }
            let what = format!("the folder {gone} is not there");
            verify(&data, &ndf.join("datamodel.prisma"))
                .ends_with(6)
                .says([what.as_str()]);
            let plain = ["--as", "strapi", "--no-encrypt"];
            convert(&ndf, &site, &plain)
                .ends_with(6)
                .says([what.as_str()]);
        }
    }
}

/// Packs a folder, and takes it away.
fn zipped(folder: &Path) -> PathBuf {
    let path = folder.with_extension("zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).expect("made"));
    for kind in names(folder) {
        for name in names(&folder.join(&kind)) {
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(format!("{kind}/{name}"), options)
                .expect("begun");
            let bytes = fs::read(folder.join(&kind).join(name)).expect("read");
            zip.write_all(&bytes).expect("written");
        }
    }
    zip.finish().expect("finished");
    fs::remove_dir_all(folder).expect("removed");
    path
}

#[test]
fn values_of_another_type_get_into_no_archive_with_notes_either() {
    let folder = folder();
    let [ndf, site] = ["ndf", "site"].map(|it| folder.path().join(it));
    convert(&strapi_archive(), &ndf, &["--as", "ndf", "--format", "dir"]).ends_with(0);
    change(&ndf, "nodes", &|nodes| {
        let article = nodes.iter_mut().find(|it| it["_typeName"] == "Article");
        let article = article.expect("an article");
        article["title"] = serde_json::json!({"a": 1});
        article["count"] = 1.5.into();
        article["mood"] = "nonsense".into();
        article["releaseDate"] = "abc".into();
    });
    let done = convert(&ndf, &site, &["--as", "strapi", "--no-encrypt"]).ends_with(3);
    done.says([
        "`title` of Article",
        "`count` of Article",
        "`mood` of Article",
        "`releaseDate` of Article",
    ]);
    let packed = folder.path().join("site.incomplete.tar.gz");
    let rows = Archive::open(&packed, None).lines("entities").concat();
    for wrong in ["{\"a\":1}", "\"count\":1.5", "nonsense", "\"abc\""] {
        assert!(!rows.contains(wrong), "{wrong}");
    }
}

/// The types and ids of the rows of an archive, and of the components in them.
fn held(archive: &Archive) -> HashSet<(String, String)> {
    fn add(
        schemas: &HashMap<String, Value>,
        uid: &Value,
        data: &Value,
        held: &mut HashSet<(String, String)>,
    ) {
        let Some(members) = data.as_object() else {
            return;
        };
        held.insert((uid.to_string(), data["id"].to_string()));
        for (name, value) in members {
            let attribute = &schemas[&uid.to_string()]["attributes"][name];
            let items = match value {
                Value::Array(items) => items.iter().collect(),
                value => vec![value],
            };
            for item in items {
                match attribute["type"].as_str() {
                    Some("component") => add(schemas, &attribute["component"], item, held),
                    Some("dynamiczone") => add(schemas, &item["__component"], item, held),
                    _ => {}
                }
            }
        }
    }
    let schemas = archive.jsonl("schemas").into_iter();
    let schemas = schemas.map(|it| (it["uid"].to_string(), it)).collect();
    let mut all = HashSet::new();
    for mut row in archive.jsonl("entities") {
        row["data"]["id"] = row["id"].clone();
        add(&schemas, &row["type"], &row["data"], &mut all);
    }
    all
}

#[test]
fn nodes_that_were_deleted_in_the_service_leave_no_links_and_no_files_behind() {
    let is_kept =
        |end: &Value| !["Article", "File"].contains(&end["_typeName"].as_str().unwrap_or(""));
    // A service deletes the relations with a node; elsewhere they stay.
    for with_relations in [true, false] {
        let folder = folder();
        let [ndf, site] = ["ndf", "site"].map(|it| folder.path().join(it));
        convert(&strapi_archive(), &ndf, &["--as", "ndf", "--format", "dir"]).ends_with(0);
        change(&ndf, "nodes", &|nodes| nodes.retain(is_kept));
        if with_relations {
            let both = |pair: &Value| is_kept(&pair[0]) && is_kept(&pair[1]);
            change(&ndf, "relations", &|pairs| pairs.retain(both));
        }
        convert(&ndf, &site, &["--as", "strapi", "--no-encrypt"])
            .ends_with(0)
            .says(["rows are gone", "links are gone", "files are gone"]);
        let packed = folder.path().join("site.tar.gz");
        run(&mut backup(["verify".as_ref(), packed.as_os_str()])).ends_with(0);
        let back = Archive::open(&packed, None);
        assert!(!back.lines("entities").is_empty());
        let before = Archive::open(&strapi_archive(), None);
        // A link comes back if both of its ends do, and all others are gone.
        let held = held(&back);
        let is_there = |end: &Value| {
            // Documents have no ids.
            end["ref"].is_string()
                || held.contains(&(end["type"].to_string(), end["ref"].to_string()))
        };
        let links: Vec<String> = before
            .lines("links")
            .into_iter()
            .filter(|line| {
                let link: Value = serde_json::from_str(line).expect("JSON");
                is_there(&link["left"]) && is_there(&link["right"])
            })
            .collect();
        assert!(links.len() < before.lines("links").len());
        assert_eq!(back.lines("links"), links);
    }
}

#[test]
fn no_two_attributes_of_a_content_type_become_one_column() {
    let folder = folder();
    let [data, model, site] = ["data", "dm.prisma", "site"].map(|it| folder.path().join(it));
    for kind in ["nodes", "lists", "relations"] {
        fs::create_dir_all(data.join(kind)).expect("a folder");
        let text = format!(r#"{{"valueType":"{kind}","values":[]}}"#);
        fs::write(data.join(kind).join("000001.json"), text).expect("written");
    }
    let text = "type Tag1 { id: ID! @id } type Tag_1 { id: ID! @id }
        type Post { id: ID! @id fooBar: String foo_bar: String title1: Int title_1: Int x: Int x_: Int
            tag1: [Tag1] tag_1: [Tag_1] }";
    fs::write(&model, text).expect("written");
    let model = model.to_str().expect("UTF-8");
    convert(
        &data,
        &site,
        &["--as", "strapi", "--no-encrypt", "--datamodel", model],
    )
    .ends_with(0);
    let file = folder
        .path()
        .join("site-schemas/api/post/content-types/post/schema.json");
    let file: Value = serde_json::from_str(&fs::read_to_string(file).expect("read")).expect("JSON");
    let attributes = file["attributes"].as_object().expect("an object");
    let columns: BTreeSet<String> = attributes.keys().map(|it| snake_case(it)).collect();
    assert_eq!(columns.len(), 9, "{attributes:?}");
}
