//! A stage of a push that takes items, and the files that come in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Shared;
use super::content::Content;
use super::frames::transfer_error;
use super::pull::file_name;
use super::work::Work;

/// A stage that takes items.
pub(super) struct Stage {
    pub name: &'static str,
    pub started: usize,
    pub finished: usize,
    pub skipped: usize,
    /// Files that have begun and not ended.
    pub files: BTreeMap<String, (Value, Vec<u8>)>,
    /// A file that can no longer end: the stage will not either.
    pub hangs: bool,
}

/// Takes a piece of a file.
pub(super) fn take_file(
    open: &mut Stage,
    work: &mut Work,
    checksums: bool,
    shared: &Shared,
    item: &Value,
) -> Result<(), Value> {
    let failed = |words: String| Err(transfer_error(&words));
    let asset = item["assetID"].as_str().unwrap_or_default().to_owned();
    match item["action"].as_str() {
        Some("start") => {
            open.started += 1;
            let sidecar = item["data"]["metadata"].clone();
            if !work.knows_file(&sidecar["id"]) {
                let words = format!("File ID not found for ID: {}", sidecar["id"]);
                return Err(json!({"code": "Error", "message": words, "details": {}}));
            }
            open.files.insert(asset, (sidecar, Vec::new()));
        }
        Some("stream") => {
            let Some((_, bytes)) = open.files.get_mut(&asset) else {
                return failed(format!(
                    "No asset \"{asset}\" for stream action; send start before stream/end"
                ));
            };
            bytes.extend(piece(item, shared.site().major()).unwrap_or_default());
        }
        _ => {
            let Some((sidecar, bytes)) = open.files.remove(&asset) else {
                return failed(format!(
                    "No asset \"{asset}\" for end action; send start before stream/end"
                ));
            };
            let content = Content::Bytes(Arc::new(bytes));
            let (expected, found) = (&item["checksum"]["value"], content.digest());
            if checksums && *expected != found {
                open.hangs = true;
                return failed(format!(
                    "Checksum mismatch for asset \"{asset}\" (expected {expected}, got {found})"
                ));
            }
            let name = file_name(&sidecar);
            work.put(&sidecar, &name);
            shared.site().files.insert(name, content);
            open.finished += 1;
        }
    }
    Ok(())
}

/// The bytes of a piece, in the form that this version takes.
fn piece(item: &Value, major: u32) -> Option<Vec<u8>> {
    if item["encoding"] == "base64" && major >= 5 {
        return STANDARD.decode(item["data"].as_str()?).ok();
    }
    let bytes = item["data"]["data"].as_array()?;
    bytes
        .iter()
        .map(|byte| byte.as_u64()?.try_into().ok())
        .collect()
}
