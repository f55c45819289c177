//! The targets of [`crate::fuzzing`] that need to look inside this room.

use super::checksums::compare;
use super::codec::{open_age, scramble};
use super::manifest::Manifest;
use super::{Archive, Demands, Outcome};
use crate::fuzzing::folder;
use crate::model::{AssetMetadata, Metadata};
use crate::store::StreamOrigin;
use crate::transfer::{
    Extent, Filter, Nowhere, OnFault, SchemaStrategy, Silent, Transfer, VersionStrategy,
};
use std::io::Cursor;

/// A whole archive, verified as `backup verify` does it.
pub fn archive(bytes: &[u8]) {
    let origin = StreamOrigin::new("stdin", Cursor::new(bytes.to_vec()), folder());
    let Ok(archive) = Archive::from_origin(Box::new(origin), folder()) else {
        return;
    };
    let demands = Demands {
        tolerant: true,
        ..Demands::default()
    };
    let Ok(mut source) = archive.open(None, demands) else {
        return;
    };
    let mut transfer = Transfer {
        source: &mut source,
        destination: Box::new(Nowhere::default()),
        filter: Filter::default(),
        extent: Extent::default(),
        versions: VersionStrategy::Ignore,
        schemas: SchemaStrategy::Ignore,
        on_fault: OnFault::GoOn,
        observer: &Silent,
    };
    if let Ok(plan) = transfer.plan() {
        for fault in plan.faults.iter() {
            let _ = fault.to_string();
        }
    }
}

/// Compressed or encrypted bytes, without the tar in them.
///
/// Where the first byte is odd, the rest is encrypted after the change that the next three bytes describe was made to the
/// encrypted bytes: a cut, or another byte. The rest is read as a file in the age format as well.
pub fn packing(bytes: &[u8]) {
    let Some((how, content)) = bytes.split_at_checked(4) else {
        return;
    };
    open_age(content);
    scramble([how[0], how[1], how[2], how[3]], content);
}

/// What an archive says of itself, and of its files. The first byte chooses what.
pub fn descriptions(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    match first % 5 {
        0 => {
            if let Ok(manifest) = Manifest::parse(&text, "archive") {
                let _ = (manifest.scope(), manifest.provenance(), manifest.salt());
                let again = Manifest::parse(&manifest.to_json(), "archive");
                assert!(again.is_ok(), "{text}");
            }
        }
        1 => {
            if let Ok(metadata) = serde_json::from_str::<Metadata>(&text) {
                let _ = metadata.to_json();
            }
        }
        2 => {
            if let Ok(outcome) = serde_json::from_str::<Outcome>(&text) {
                let _ = (outcome.is_incomplete(), outcome.shortfall());
            }
        }
        3 => {
            let _ = AssetMetadata::parse(&text, "file.png");
        }
        _ => {
            let (listed, found) = text.split_once('\0').unwrap_or((&text, ""));
            let mut listed = Cursor::new(listed.as_bytes());
            let _ = compare(&mut listed, &mut Cursor::new(found.as_bytes()), &mut |_| {});
        }
    }
}
