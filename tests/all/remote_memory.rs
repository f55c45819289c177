//! Pulls of much, in little memory. The server is modelled: what it sends costs it none.

use serde_json::json;

use crate::limits::{MEMORY, measured_with};
use crate::support::cli::testdata;
use crate::support::fake_strapi::{Content, FakeStrapi, PULL, Site};

/// A site whose files have so many bytes, a few of them nearly all.
fn with_files(bytes: u64) -> Site {
    let mut site = Site::of_file(&testdata("strapi-export.tar")).emptied();
    for number in 0..4 {
        site.add_file(&format!("film_{number}"), ".mp4", Content::Made(bytes / 5));
    }
    for number in 0..200 {
        let length = bytes / 5 / 200;
        site.add_file(&format!("image_{number}"), ".jpg", Content::Made(length));
    }
    site
}

/// A site with so many folders of the media library, each in the one before.
fn with_rows(count: u64) -> Site {
    let mut site = Site::of_file(&testdata("strapi-export.tar")).emptied();
    for id in 1..=count {
        let data = json!({
            "documentId": format!("folder{id}"), "name": format!("folder {id}"), "pathId": id,
            "path": format!("/{id}"), "createdAt": "2026-11-20T15:28:46.073Z",
        });
        let row = json!({"type": "plugin::upload.folder", "id": id, "data": data});
        site.entities.push(row);
        let end = |id: u64, field: &str| json!({"type": "plugin::upload.folder", "ref": id, "field": field});
        if id > 1 {
            site.links.push(json!({
                "kind": "relation.basic", "relation": "oneToMany",
                "left": end(id - 1, "children"), "right": end(id, "parent"),
            }));
        }
    }
    site
}

fn a_pull_takes_little_memory(site: Site) {
    let bytes: u64 = site.files.values().map(Content::len).sum();
    let fake = FakeStrapi::start(site);
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("site");
    let url = fake.url();
    let arguments = [
        "export",
        "--from",
        &url,
        "-f",
        name.to_str().unwrap(),
        "--no-encrypt",
        "--no-compress",
    ];
    let token = ("BACKUP_TOKEN", PULL.to_owned());
    let Some((outcome, peak)) = measured_with(arguments, &[token]) else {
        return;
    };
    let outcome = outcome.ends_with(0);
    assert!(peak <= MEMORY, "{} MB\n{}", peak >> 20, outcome.all());
    let archive = std::fs::metadata(name.with_extension("tar")).unwrap();
    assert!(archive.len() > bytes);
}

#[test]
fn a_pull_of_many_files_takes_little_memory() {
    a_pull_takes_little_memory(with_files(150 << 20));
}

#[test]
fn a_pull_of_many_rows_takes_little_memory() {
    a_pull_takes_little_memory(with_rows(30_000));
}

#[test]
#[ignore = "long: a gigabyte is pulled"]
fn a_pull_of_a_gigabyte_takes_little_memory() {
    a_pull_takes_little_memory(with_files(1 << 30));
}

#[test]
#[ignore = "long: two hundred thousand rows are pulled"]
fn a_pull_of_two_hundred_thousand_rows_takes_little_memory() {
    a_pull_takes_little_memory(with_rows(200_000));
}
