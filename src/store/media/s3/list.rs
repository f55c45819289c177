//! Lists the objects of a bucket.

use super::request::{Ask, Fault};
use super::{Bucket, text_of};
use crate::error::Result;
use crate::store::media::About;
use http::Method;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

/// How many pages a list may have, of a thousand objects each.
const PAGES: usize = 100_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    encoding_type: Option<String>,
    #[serde(default)]
    next_continuation_token: Option<String>,
    #[serde(default)]
    is_truncated: Option<String>,
    #[serde(default)]
    contents: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    key: String,
    size: u64,
    #[serde(rename = "ETag", default)]
    etag: Option<String>,
    #[serde(default)]
    last_modified: Option<String>,
}

impl Item {
    fn about(&self, now: Option<SystemTime>) -> About {
        let modified = self.last_modified.as_deref();
        let modified = modified.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        About {
            size: Some(self.size),
            etag: self.etag.clone(),
            media_type: None,
            opaque: false,
            modified: modified.map(SystemTime::from),
            now,
        }
    }
}

impl Bucket {
    /// Goes through all objects whose keys begin with this.
    pub(super) fn list(
        &self,
        prefix: &str,
        each: &mut dyn FnMut(&str, About) -> Result<()>,
    ) -> Result<()> {
        let mut token: Option<String> = None;
        let fail = |why: &str| Err(self.error("list", prefix, Fault::Other(why.to_owned())));
        for _ in 0..PAGES {
            let mut ask = Ask::new(Method::GET, "");
            // Without that, some keys do not fit into XML.
            ask.query = vec![("list-type", "2".into()), ("encoding-type", "url".into())];
            ask.query.push(("prefix", prefix.to_owned()));
            if let Some(token) = &token {
                ask.query.push(("continuation-token", token.clone()));
            }
            let answer = self.ask(&ask)?;
            let answer = answer.map_err(|fault| self.error("list", prefix, fault))?;
            self.known.store(true, Ordering::Relaxed);
            let now = About::of(&answer.headers).now;
            // Else the page of whoever stands before the store is a list of nothing.
            let text = text_of(&answer.bytes);
            let page = quick_xml::de::from_str::<Page>(&text).ok();
            let Some(page) = page.filter(|_| text.contains("<ListBucketResult")) else {
                return fail("what the store answers is no list");
            };
            let is_encoded = page.encoding_type.as_deref() == Some("url");
            for item in &page.contents {
                let key = match is_encoded {
                    true => decoded(&item.key),
                    false => item.key.clone(),
                };
                // Some stores know no prefixes with odd signs in them.
                if key.starts_with(prefix) {
                    each(&key, item.about(now))?;
                }
            }
            let next = page.next_continuation_token.filter(|it| !it.is_empty());
            let is_truncated = page.is_truncated.as_deref().map(str::trim);
            if next.is_none() {
                return match is_truncated {
                    Some("true") => {
                        fail("the store says that there is more, and not how to get it")
                    }
                    _ => Ok(()),
                };
            }
            if next == token {
                return fail("the store gives the same page again and again");
            }
            token = next;
        }
        fail("the list has no end")
    }
}

/// A key as lists write it: spaces as plus signs.
fn decoded(key: &str) -> String {
    let key = key.replace('+', " ");
    percent_decode_str(&key).decode_utf8_lossy().into_owned()
}
