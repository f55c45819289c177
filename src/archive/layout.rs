//! The names of the entries. Nothing else knows them.

use crate::model::{Stage, is_file_name};

/// The entry that tells the version.
pub(super) const METADATA: &str = "metadata.json";
/// The folder of the files.
const UPLOADS: &str = "assets/uploads/";
/// The folder of their sidecars.
const SIDECARS: &str = "assets/metadata/";

/// What the archive was made from.
pub(super) const MANIFEST: &str = "manifest.json";
/// What came of it.
pub(super) const RESULT: &str = "result.json";
/// The digests of all entries before it.
pub(super) const CHECKSUMS: &str = "checksums.sha256";
/// What shows that the digests are those of whoever knew the password.
pub(super) const HMAC: &str = "checksums.hmac";

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// `metadata.json`.
    Metadata,
    /// `manifest.json`.
    Manifest,
    /// A shard of JSON lines of a stage, and its number where its name has one.
    Lines(Stage, Option<u32>),
    /// The sidecar of the file of this name.
    Sidecar(String),
    /// The file of this name.
    Upload(String),
    /// `result.json`.
    Result,
    /// `checksums.sha256`.
    Checksums,
    /// `checksums.hmac`.
    Hmac,
    /// Something this tool does not know; it is passed over.
    Other,
}

/// An entry's name in the form it is written in, and what the entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub name: String,
    pub entry: Entry,
}

/// The name of a shard; shards are counted from 1.
pub(super) fn shard_name(stage: Stage, number: u32) -> String {
    format!("{stage}/{stage}_{number:05}.jsonl")
}

/// The name of a file.
pub(super) fn upload_name(filename: &str) -> String {
    format!("{UPLOADS}{filename}")
}

/// The name of a file's sidecar.
pub(super) fn sidecar_name(filename: &str) -> String {
    format!("{SIDECARS}{filename}.json")
}

/// Tells what an entry is by its name. Takes `./` in front, and `\` between folders as old versions
/// of Strapi wrote on Windows.
///
/// # Errors
/// A sentence: the name leads out of the archive's folders.
pub(super) fn classify(name: &str) -> Result<Named, String> {
    let name = if name.contains('/') {
        name.to_owned()
    } else {
        name.replace('\\', "/")
    };
    if name.starts_with('/') || name.get(1..3) == Some(":/") {
        return Err("its name is an absolute path".into());
    }
    let parts: Vec<&str> = name
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if parts.contains(&"..") {
        return Err("its name leads out of the archive".into());
    }
    let check = |filename: &str| -> Result<String, String> {
        if !is_file_name(filename) {
            return Err("no file of a media library can have its name".into());
        }
        Ok(filename.to_owned())
    };
    let entry = match parts.as_slice() {
        [METADATA] => Entry::Metadata,
        [MANIFEST] => Entry::Manifest,
        [RESULT] => Entry::Result,
        [CHECKSUMS] => Entry::Checksums,
        [HMAC] => Entry::Hmac,
        ["assets", "uploads", filename] => Entry::Upload(check(filename)?),
        ["assets", "metadata", filename] => match filename.strip_suffix(".json") {
            Some(filename) => Entry::Sidecar(check(filename)?),
            None => Entry::Other,
        },
        [folder, file] if file.ends_with(".jsonl") => Stage::ALL
            .into_iter()
            .find(|stage| *stage != Stage::Assets && stage.as_str() == *folder)
            .map_or(Entry::Other, |stage| {
                Entry::Lines(stage, shard_number(stage, file))
            }),
        _ => Entry::Other,
    };
    Ok(Named {
        name: parts.join("/"),
        entry,
    })
}

/// The number in the name of a shard.
fn shard_number(stage: Stage, file: &str) -> Option<u32> {
    let number = file
        .strip_prefix(stage.as_str())?
        .strip_prefix('_')?
        .strip_suffix(".jsonl")?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_number)
}

impl Entry {
    /// The stage the entry belongs to.
    pub fn stage(&self) -> Option<Stage> {
        match self {
            Self::Lines(stage, _) => Some(*stage),
            Self::Sidecar(_) | Self::Upload(_) => Some(Stage::Assets),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_origin_are_told_apart() {
        for (name, entry) in [
            ("metadata.json", Entry::Metadata),
            ("./metadata.json", Entry::Metadata),
            (
                "entities/entities_00002.jsonl",
                Entry::Lines(Stage::Entities, Some(2)),
            ),
            (
                "entities\\entities_00001.jsonl",
                Entry::Lines(Stage::Entities, Some(1)),
            ),
            (
                "./links/links_00001.jsonl",
                Entry::Lines(Stage::Links, Some(1)),
            ),
            ("links/mine.jsonl", Entry::Lines(Stage::Links, None)),
            ("./checksums.sha256", Entry::Checksums),
            ("assets/uploads/a b.png", Entry::Upload("a b.png".into())),
            (
                "assets\\metadata\\a.png.json",
                Entry::Sidecar("a.png".into()),
            ),
            ("assets/", Entry::Other),
            ("notes/readme.txt", Entry::Other),
        ] {
            assert_eq!(classify(name).map(|named| named.entry), Ok(entry), "{name}");
        }
    }

    #[test]
    fn names_that_lead_out_of_the_archive_are_refused() {
        for name in [
            "assets/uploads/../../../etc/passwd",
            "/etc/passwd",
            "..\\x.jsonl",
            "C:/windows/x",
        ] {
            assert!(classify(name).is_err(), "{name}");
        }
    }
}
