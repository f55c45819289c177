//! Uploads to S3 that were begun and never ended, because their run was killed. Their parts are paid for, and not seen.

use super::Bucket;
use crate::store::ObjectName;
use crate::store::net::GLANCE;
use futures_util::StreamExt;
use object_store::aws::AmazonS3;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use serde::Deserialize;
use std::time::Duration;

/// How long the questions that this takes may be answered.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an address that is signed for such a question is good.
const SIGNED: Duration = Duration::from_secs(60);
/// How long an answer may be.
const LONGEST: usize = 4 << 20;

#[derive(Deserialize)]
struct Listing {
    #[serde(rename = "Upload", default)]
    uploads: Vec<Upload>,
}

#[derive(Deserialize)]
struct Upload {
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "UploadId")]
    id: String,
}

impl Bucket {
    /// Gives up what earlier runs began to upload under this name. Whoever may not ask for that, or asks a store that
    /// does not know it, leaves it to the store's own rules.
    pub(super) fn give_up_leftovers(&self, name: &ObjectName, path: &Path) {
        let Some(s3) = &self.s3 else { return };
        let work = async {
            for id in self.unfinished(s3, name).await.unwrap_or_default() {
                let _ = s3.abort_multipart(path, &id).await;
            }
        };
        let start = std::time::Instant::now();
        let mut work = std::pin::pin!(work);
        while start.elapsed() < PATIENCE && self.stop().is_ok() {
            if self.run_for(GLANCE, work.as_mut()).is_some() {
                return;
            }
        }
    }

    /// The uploads to exactly this name.
    async fn unfinished(&self, s3: &AmazonS3, name: &ObjectName) -> Option<Vec<String>> {
        let options =
            SignedUrlOptions::default().with_query([("prefix", &*name.key), ("uploads", "")]);
        let root = Path::default();
        let url = s3
            .signed_url_opts(http::Method::GET, &root, SIGNED, &options)
            .await
            .ok()?;
        let client = self
            .connector
            .client(url.scheme() == "http", PATIENCE)
            .ok()?;
        let response = client.get(url).send().await.ok()?.error_for_status().ok()?;
        let mut body = response.bytes_stream();
        let mut text = Vec::new();
        while let Some(chunk) = body.next().await {
            text.extend_from_slice(&chunk.ok()?);
            if text.len() > LONGEST {
                return None;
            }
        }
        let listing: Listing = quick_xml::de::from_reader(&*text).ok()?;
        let ours = listing.uploads.into_iter().filter(|it| it.key == name.key);
        Some(ours.map(|it| it.id).collect())
    }
}
