//! Projects made from the content models in `tests/strapi/models`: schemas only, which `tests/strapi/fill.js` fills.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::archive::Archive;
use super::files::{copy_folder, repository};
use super::servers::Server;
use super::strapi::{Harness, Project};

/// A project of a model with an empty database; Strapi has not seen it yet.
pub fn project<'a>(harness: &'a Harness, model: &str, server: Option<Server>) -> Project<'a> {
    let models = repository("tests/strapi/models");
    let project = harness.new_project(model, server);
    let src = project.dir.join("src");
    fs::remove_dir_all(&src).unwrap();
    copy_folder(
        &models.join(model).join("components"),
        &src.join("components"),
    );
    fs::copy(models.join("index.js"), src.join("index.js")).unwrap();
    fs::write(
        project.dir.join("config/plugins.js"),
        "module.exports = {};\n",
    )
    .unwrap();
    for schema in files(&models.join(model).join("content-types")) {
        let name = schema.file_stem().unwrap().to_str().unwrap();
        let api = src.join("api").join(name);
        let put = |path: String, text: &[u8]| {
            let path = api.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let schema = fs::read(&schema).unwrap();
        put(format!("content-types/{name}/schema.json"), &schema);
        // Strapi 4 adds what translations need to these.
        put(
            format!("routes/{name}.js"),
            b"module.exports = { routes: [] };\n",
        );
        put(format!("controllers/{name}.js"), b"module.exports = {};\n");
    }
    project
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// An archive of Strapi's with each link once: it exports those of two attributes that share a table from either side.
/// The second time is in the order of the attributes that store them; that is the one that stays.
pub fn with_each_link_once(archive: &Archive) -> (Archive, usize) {
    let links = archive.jsonl("links");
    let end = |end: &Value| format!("{} {} {}", end["type"], end["field"], end["ref"]);
    let key = |link: &Value| (end(&link["left"]), end(&link["right"]));
    let is_repeated = |(place, link): (usize, &Value)| {
        let (left, right) = key(link);
        let side = |end: &Value| format!("{} {}", end["type"], end["field"]);
        side(&link["left"]) != side(&link["right"])
            && links[place + 1..]
                .iter()
                .any(|later| key(later) == (right.clone(), left.clone()))
    };
    let repeated: Vec<bool> = links.iter().enumerate().map(is_repeated).collect();
    let lines = archive.lines("links").into_iter().zip(&repeated);
    let kept: Vec<String> = lines
        .filter_map(|(line, repeated)| (!repeated).then_some(line))
        .collect();
    let mut once = archive.clone();
    once.entries
        .insert("links/links_00001.jsonl".into(), kept.join("\n").into());
    let count = repeated.iter().filter(|repeated| **repeated).count();
    (once, count)
}
