//! Recorded pulls of real Strapi, without their long files, and what Strapi's own export of the same sites holds.
//! Secrets in them are those of projects that were thrown away.

use super::front::Front;
use super::items::Items;
use super::rows::{Rows, Taking};
use super::stages::Taker;
use crate::model::{Schema, Schemas, Stage};
use crate::remote::socket::Stopped;
use crate::remote::wire::Frame;
use crate::transfer::Filter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// A row of the configuration that Strapi writes anew whenever it starts.
const OF_THE_START: &str = "\"plugin_upload_metrics\"";

/// The entries of an export.
fn entries(name: &str) -> BTreeMap<String, Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name);
    let mut tar = tar::Archive::new(File::open(path).expect("an export"));
    let entries = tar.entries().expect("a tar").map(|entry| {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a path").display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its content");
        (name.trim_start_matches("./").to_owned(), bytes)
    });
    entries.collect()
}

/// The lines of a stage.
fn lines(entries: &BTreeMap<String, Vec<u8>>, stage: Stage) -> Vec<String> {
    let prefix = format!("{stage}/");
    let of_stage = entries.iter().filter(|(name, _)| name.starts_with(&prefix));
    let texts = of_stage.map(|(_, bytes)| String::from_utf8(bytes.clone()).expect("text"));
    let texts: Vec<String> = texts.collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.map(str::to_owned).collect()
}

/// What a pull makes of a recording.
struct Replayed {
    schemas: Schemas,
    rows: Rows,
    /// Name, sidecar, content.
    files: Vec<(String, String, Vec<u8>)>,
    filtered: usize,
}

fn replay(recording: &str, export: &BTreeMap<String, Vec<u8>>, checksums: bool) -> Replayed {
    let folder = crate::fuzzing::folder();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/remote")
        .join(recording);
    let recording = GzDecoder::new(File::open(path).expect("a recording"));
    let mut schemas = Schemas::default();
    let mut rows = Rows::new(folder).expect("spools");
    let mut items = Items::new(folder, checksums);
    let mut files = Vec::new();
    let mut stages: BTreeMap<String, Stage> = BTreeMap::new();
    let mut coming = VecDeque::from([
        Stage::Entities,
        Stage::Assets,
        Stage::Links,
        Stage::Configuration,
    ]);
    let mut count = 0;
    let filter = Filter::default();
    let fail = |stopped| match stopped {
        Stopped::Here(error) => panic!("{error}"),
        Stopped::There(trouble) => panic!("{trouble}"),
    };
    for line in BufReader::new(recording).lines() {
        let line = line.expect("a line");
        match Frame::parse(line.as_str().into()).expect("a frame") {
            Frame::Answer { result, .. } => {
                let answer = result.expect("no error");
                let data: Value = serde_json::from_str(answer.data()).expect("JSON");
                if let Some(id) = data["id"].as_str() {
                    let stage = coming.pop_front().expect("a stage");
                    stages.insert(id.to_owned(), stage);
                } else if data.get("plugin::upload.file").is_some() {
                    schemas = Front::schemas(answer.data()).expect("schemas");
                }
            }
            Frame::Cargo(cargo) => {
                let Some(data) = cargo.data() else {
                    assert!(cargo.ended && !cargo.failed);
                    continue;
                };
                let stage = stages[&cargo.id];
                if stage == Stage::Assets {
                    let data = with_content(data, export);
                    let arrived = &mut |mut file: super::items::Arrived| {
                        let mut bytes = Vec::new();
                        let mut reader = file.content.reader().expect("a reader");
                        reader.read_to_end(&mut bytes).expect("bytes");
                        drop(reader);
                        files.push((file.filename, file.sidecar, bytes));
                        Ok(())
                    };
                    items.take(&data, arrived).unwrap_or_else(fail);
                    continue;
                }
                let all: Vec<Value> = serde_json::from_str(data).expect("rows");
                count += all.len();
                let mut taking = Taking {
                    rows: &mut rows,
                    filter: &filter,
                    schemas: &schemas,
                };
                taking.take(stage, data, &mut || ()).unwrap_or_else(fail);
            }
            Frame::Diagnostic(_) | Frame::Backup(_) | Frame::Other => {}
        }
    }
    items.finish().unwrap_or_else(fail);
    let left = rows.entities.count() + rows.links.count() + rows.configuration.count();
    Replayed {
        schemas,
        filtered: count - left as usize,
        rows,
        files,
    }
}

/// Puts the bytes back that the recording lacks, in the form that they had.
fn with_content(data: &str, export: &BTreeMap<String, Vec<u8>>) -> String {
    let mut batches: Value = serde_json::from_str(data).expect("items");
    let items = batches[0].as_array_mut().expect("items");
    let mut content = None;
    for item in items.iter_mut() {
        if let Some(name) = item["data"]["filename"].as_str() {
            content = export.get(&format!("assets/uploads/{name}"));
        } else if item["action"] == "stream" {
            // Each of them was short enough for one piece.
            let bytes = content.take().expect("its file in the export");
            item["data"] = match item["encoding"].as_str() {
                Some(_) => STANDARD.encode(bytes).into(),
                None => serde_json::json!({"type": "Buffer", "data": bytes}),
            };
        }
    }
    batches.to_string()
}

fn is_its_export(recording: &str, export: &str, checksums: bool) -> usize {
    let export = entries(export);
    let mut replayed = replay(recording, &export, checksums);
    let schemas = replayed.schemas.iter().map(Schema::to_line);
    let schemas: Vec<String> = schemas.map(str::to_owned).collect();
    assert_eq!(schemas, lines(&export, Stage::Schemas));
    for (stage, spool) in [
        (Stage::Entities, &mut replayed.rows.entities),
        (Stage::Links, &mut replayed.rows.links),
        (Stage::Configuration, &mut replayed.rows.configuration),
    ] {
        let mut found = Vec::new();
        let each = &mut |line: &str| {
            found.push(line.to_owned());
            Ok(())
        };
        spool.each(each).expect("lines");
        let mut expected = lines(&export, stage);
        assert_eq!(found.len(), expected.len(), "{stage}");
        for lines in [&mut found, &mut expected] {
            lines.retain(|line| !line.contains(OF_THE_START));
        }
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{stage}");
        }
    }
    assert_eq!(replayed.files.len(), 10);
    for (name, sidecar, bytes) in &replayed.files {
        assert_eq!(&export[&format!("assets/uploads/{name}")], bytes, "{name}");
        let expected = &export[&format!("assets/metadata/{name}.json")];
        let expected = std::str::from_utf8(expected).expect("text");
        assert_eq!(sidecar, expected, "{name}");
    }
    replayed.filtered
}

#[test]
fn a_recorded_pull_of_strapi_5_is_its_export() {
    let export = "strapi5-sqlite/strapi-export.tar";
    let filtered = is_its_export("strapi-5.54.0.jsonl.gz", export, true);
    assert_eq!(filtered, 213 + 417);
}

#[test]
fn a_recorded_pull_of_strapi_4_is_its_export() {
    let export = "strapi4-sqlite/strapi-export.tar";
    assert!(is_its_export("strapi-4.26.2.jsonl.gz", export, false) > 0);
}
