//! Reads an archive without the crate under test: entry name to bytes, whatever the wrapping.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use aes::Aes128;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use serde_json::Value;

/// The stages of an archive that are lines of JSON.
pub const STAGES: [&str; 4] = ["schemas", "entities", "links", "configuration"];

/// The entries that tell of an export: when and with what it was made, what came of it, and what proves it whole. The
/// first is Strapi's as well.
pub const OF_THE_EXPORT: [&str; 5] = [
    "metadata.json",
    "manifest.json",
    "result.json",
    "checksums.sha256",
    "checksums.hmac",
];

/// What an archive, or the folder it was unpacked to, holds.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    /// The bytes of every file, by its path inside the archive.
    pub entries: BTreeMap<String, Vec<u8>>,
}

/// A file of the media library as it stands in an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Asset {
    /// The file.
    pub bytes: Vec<u8>,
    /// What Strapi knows of it.
    pub sidecar: Value,
}

impl Archive {
    /// Reads `.tar`, `.tar.gz`, either with `.enc` behind it, or a folder. What it is, its name says.
    pub fn open(path: &Path, key: Option<&str>) -> Archive {
        if path.is_dir() {
            let mut entries = BTreeMap::new();
            read_folder(path, "", &mut entries);
            return Archive { entries };
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut bytes =
            fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut rest = name.as_str();
        if let Some(before) = rest.strip_suffix(".enc") {
            bytes = decrypt(&bytes, key.expect("a key for an encrypted archive"));
            rest = before;
        }
        if let Some(before) = rest.strip_suffix(".gz") {
            bytes = gunzip(&bytes);
            rest = before;
        }
        assert!(rest.ends_with(".tar"), "{name} is no name of an archive");
        Archive {
            entries: read_tar(&bytes),
        }
    }

    /// The lines of a stage, all shards in their order.
    pub fn lines(&self, stage: &str) -> Vec<String> {
        let prefix = format!("{stage}/");
        let mut lines = Vec::new();
        for (name, bytes) in self.entries.range(prefix.clone()..) {
            if !name.starts_with(&prefix) {
                break;
            }
            let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            lines.extend(
                text.lines()
                    .filter(|line| !line.is_empty())
                    .map(str::to_owned),
            );
        }
        lines
    }

    /// The lines of a stage as JSON values.
    pub fn jsonl(&self, stage: &str) -> Vec<Value> {
        let parse = |line: String| {
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{stage}: {error}: {line}"))
        };
        self.lines(stage).into_iter().map(parse).collect()
    }

    /// The same archive with its entities in the order of their ids, and the lines of the other stages and the members
    /// of objects in the order of their text: databases on servers promise no order.
    pub fn in_order_of_ids(&self) -> Archive {
        let mut ordered = self.clone();
        for stage in STAGES {
            let lines = self.jsonl(stage).into_iter().map(|line| {
                let id = (stage == "entities").then(|| line["id"].as_u64());
                let of = line["type"].as_str().unwrap_or_default().to_owned();
                (of, id, with_ordered_members(line).to_string())
            });
            let mut lines: Vec<_> = lines.collect();
            lines.sort();
            let lines: Vec<String> = lines.into_iter().map(|(_, _, line)| line).collect();
            let prefix = format!("{stage}/");
            ordered.entries.retain(|name, _| !name.starts_with(&prefix));
            let shard = format!("{stage}/{stage}_00001.jsonl");
            ordered.entries.insert(shard, lines.join("\n").into_bytes());
        }
        ordered
    }

    /// The same archive with the members of the objects in its entities in the order of their text: Strapi 5 adds
    /// components as its queries end, and which end first hangs on the rows.
    pub fn with_members_in_order(&self) -> Archive {
        let mut ordered = self.clone();
        let lines = self.jsonl("entities").into_iter();
        let lines: Vec<String> = lines
            .map(|line| with_ordered_members(line).to_string())
            .collect();
        let shard = "entities/entities_00001.jsonl".to_owned();
        ordered.entries.insert(shard, lines.join("\n").into_bytes());
        ordered
    }

    /// One entry as a JSON value.
    pub fn json(&self, name: &str) -> Value {
        let bytes = self
            .entries
            .get(name)
            .unwrap_or_else(|| panic!("the archive has no {name}"));
        serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The names of the entries that differ, but for those that tell of the export itself ([`OF_THE_EXPORT`]).
    pub fn differences(&self, other: &Archive) -> Vec<String> {
        let names: BTreeSet<&String> = self.entries.keys().chain(other.entries.keys()).collect();
        names
            .into_iter()
            .filter(|name| !OF_THE_EXPORT.contains(&name.as_str()))
            .filter(|name| self.entries.get(*name) != other.entries.get(*name))
            .cloned()
            .collect()
    }

    /// The assets by file name. Each must have both its bytes and its sidecar.
    pub fn assets(&self) -> BTreeMap<String, Asset> {
        let mut assets = BTreeMap::new();
        for (name, bytes) in &self.entries {
            if let Some(file) = name.strip_prefix("assets/uploads/") {
                let sidecar = self.json(&format!("assets/metadata/{file}.json"));
                assets.insert(
                    file.to_owned(),
                    Asset {
                        bytes: bytes.clone(),
                        sidecar,
                    },
                );
            } else if let Some(file) = name.strip_prefix("assets/metadata/") {
                let asset = format!(
                    "assets/uploads/{}",
                    file.strip_suffix(".json").unwrap_or(file)
                );
                assert!(
                    self.entries.contains_key(&asset),
                    "{name} describes a file that is not in the archive"
                );
            }
        }
        assets
    }
}

/// A JSON value with the members of objects in the order of their names.
fn with_ordered_members(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| (name, with_ordered_members(value)));
            let members: BTreeMap<String, Value> = members.collect();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(list) => list.into_iter().map(with_ordered_members).collect(),
        other => other,
    }
}

fn read_folder(folder: &Path, prefix: &str, entries: &mut BTreeMap<String, Vec<u8>>) {
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            read_folder(&entry.path(), &format!("{name}/"), entries);
        } else {
            entries.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

fn read_tar(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut entries = BTreeMap::new();
    for entry in tar::Archive::new(bytes).entries().unwrap() {
        let mut entry = entry.unwrap();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert!(
            entries.insert(name.clone(), content).is_none(),
            "{name} stands twice in the archive"
        );
    }
    entries
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .read_to_end(&mut plain)
        .expect("a gzip stream");
    plain
}

/// The cipher of Strapi's archives, written out, so that it shares nothing with the code it checks.
fn cipher(password: &str) -> Aes128 {
    let mut key = [0; 16];
    let parameters = scrypt::Params::new(14, 8, 1).unwrap();
    scrypt::scrypt(password.as_bytes(), b"", &parameters, &mut key).unwrap();
    Aes128::new(&Array(key))
}

/// AES-128-ECB with PKCS#7 padding.
pub fn encrypt(plain: &[u8], password: &str) -> Vec<u8> {
    let cipher = cipher(password);
    let padding = 16 - plain.len() % 16;
    let mut bytes = plain.to_vec();
    bytes.resize(plain.len() + padding, padding as u8);
    for block in bytes.chunks_exact_mut(16) {
        let mut whole = Array::<u8, _>::try_from(&*block).unwrap();
        cipher.encrypt_block(&mut whole);
        block.copy_from_slice(&whole);
    }
    bytes
}

/// What [`encrypt`] was given.
pub fn decrypt(bytes: &[u8], password: &str) -> Vec<u8> {
    let cipher = cipher(password);
    assert!(
        !bytes.is_empty() && bytes.len().is_multiple_of(16),
        "{} bytes are no whole blocks",
        bytes.len()
    );
    let mut plain = Vec::with_capacity(bytes.len());
    for block in bytes.chunks_exact(16) {
        let mut block = Array::<u8, _>::try_from(block).unwrap();
        cipher.decrypt_block(&mut block);
        plain.extend_from_slice(&block);
    }
    let padding = usize::from(*plain.last().unwrap());
    assert!((1..=16).contains(&padding), "wrong key, or not encrypted");
    let rest = plain.split_off(plain.len() - padding);
    assert!(
        rest.iter().all(|byte| usize::from(*byte) == padding),
        "wrong key, or not encrypted"
    );
    plain
}
