//! Uploads in parts that were begun and never ended, because their run was killed. Their parts are paid for, and not
//! seen.

use super::request::{Ask, Fault};
use super::{Bucket, text_of};
use crate::error::Result;
use crate::store::media::Unfinished;
use http::Method;
use serde::Deserialize;

/// How many pages a list may have, of a thousand uploads each.
const PAGES: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_key_marker: Option<String>,
    #[serde(default)]
    next_upload_id_marker: Option<String>,
    #[serde(rename = "Upload", default)]
    uploads: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    key: String,
    upload_id: String,
}

impl Bucket {
    /// The uploads to keys that begin with this; `None` where the store does not say.
    pub(super) fn unfinished(&self, prefix: &str) -> Result<Option<Vec<Unfinished>>> {
        let mut uploads = Vec::new();
        let mut after: Option<(String, String)> = None;
        for _ in 0..PAGES {
            let mut ask = Ask::new(Method::GET, "");
            ask.query = vec![("prefix", prefix.to_owned()), ("uploads", String::new())];
            if let Some((key, id)) = &after {
                ask.query.push(("key-marker", key.clone()));
                ask.query.push(("upload-id-marker", id.clone()));
            }
            let Ok(answer) = self.ask(&ask)? else {
                return Ok(None);
            };
            let text = text_of(&answer.bytes);
            let Ok(page) = quick_xml::de::from_str::<Page>(&text) else {
                return Ok(None);
            };
            // Some stores do not look at the prefix.
            let items = page.uploads.into_iter();
            uploads.extend(
                items
                    .filter(|it| it.key.starts_with(prefix))
                    .map(|Item { key, upload_id: id }| Unfinished { key, id }),
            );
            let next = page.next_key_marker.zip(page.next_upload_id_marker);
            let next = next.filter(|(key, _)| page.is_truncated && !key.is_empty());
            if next.is_none() || next == after {
                break;
            }
            after = next;
        }
        Ok(Some(uploads))
    }

    /// Gives up an upload. That there is none is fine.
    pub(super) fn give_up(&self, upload: &Unfinished) -> Result<()> {
        let mut ask = Ask::new(Method::DELETE, &upload.key);
        ask.query = vec![("uploadId", upload.id.clone())];
        match self.ask(&ask)? {
            Err(Fault::Refused(why)) if why.is(&["NoSuchUpload"]) => Ok(()),
            Err(fault) => Err(self.error("remove", &upload.key, fault)),
            Ok(_) => Ok(()),
        }
    }
}
