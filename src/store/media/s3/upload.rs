//! Writes and copies objects: in one piece, or in several that become an object at once.

use super::request::{Answer, Ask, Fault};
use super::{Bucket, headers, text_of};
use crate::error::Result;
use crate::store::media::about::text;
use crate::store::media::{About, Attributes, Body};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG,
    EXPIRES, IF_MATCH, IF_NONE_MATCH,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::timeout;

/// The size of a part; what is not larger goes in one piece.
const PART: u64 = 16 << 20;
/// How many parts a store takes.
const PARTS: u64 = 10_000;
/// How many parts are on their way at once.
const IN_FLIGHT: usize = 3;
/// How long giving an upload up may take: whoever pressed Ctrl-C waits for it.
const GIVING_UP: Duration = Duration::from_millis(1200);

const COPY_SOURCE: HeaderName = HeaderName::from_static("x-amz-copy-source");
const COPY_SOURCE_IF_MATCH: HeaderName = HeaderName::from_static("x-amz-copy-source-if-match");
const COPY_SOURCE_RANGE: HeaderName = HeaderName::from_static("x-amz-copy-source-range");
const DIRECTIVE: HeaderName = HeaderName::from_static("x-amz-metadata-directive");

const NOTHING_SAID: &str =
    "what answers does not say that the store has got it, so it may be no store at all";

/// What the source of a copy is written with.
const SOURCE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

#[derive(Deserialize)]
struct Begun {
    #[serde(rename = "UploadId")]
    id: String,
}

#[derive(Serialize)]
#[serde(rename = "CompleteMultipartUpload")]
struct Parts {
    #[serde(rename = "Part")]
    parts: Vec<Part>,
}

#[derive(Serialize, Clone)]
struct Part {
    #[serde(rename = "PartNumber")]
    number: u64,
    #[serde(rename = "ETag")]
    etag: String,
}

#[derive(Deserialize)]
struct Done {
    #[serde(rename = "ETag", default)]
    etag: String,
}

/// What a copy has of what is said of its original.
#[derive(Clone, Copy)]
pub(super) enum Carried<'a> {
    /// All that the store copies.
    All,
    /// The same, but who may read it, and how the store keeps it, is said here.
    AllBut(&'a Attributes),
    /// Nothing: all of it is said here.
    Nothing(&'a Attributes),
}

impl Carried<'_> {
    /// What is said with the copy.
    fn headers(self) -> Result<HeaderMap, Fault> {
        match self {
            Self::All => Ok(HeaderMap::new()),
            Self::Nothing(how) => headers(how),
            Self::AllBut(how) => {
                let said = headers(how)?.into_iter();
                let said = said.filter_map(|(name, value)| Some((name?, value)));
                // The rest belongs to what is copied, and tags are copied with it.
                let is_stores = |name: &str| {
                    name.starts_with("x-amz-")
                        && !name.starts_with("x-amz-meta-")
                        && !name.starts_with("x-amz-tagging")
                };
                Ok(said.filter(|(name, _)| is_stores(name.as_str())).collect())
            }
        }
    }
}

/// An upload in parts that was begun.
struct Upload<'a> {
    /// What it is for, as a verb phrase such as "write", and what that is done to.
    doing: &'static str,
    of: &'a str,
    key: &'a str,
    /// Whether its parts are copied, and not sent.
    copies: bool,
    id: String,
    /// How many bytes it becomes, and how many are in a part.
    size: u64,
    part: u64,
    /// What must be so in the end.
    conditions: HeaderMap,
}

impl Upload<'_> {
    fn count(&self) -> u64 {
        self.size.div_ceil(self.part)
    }
}

impl Body<'_> {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, size) => *size,
        }
    }

    /// A part of it.
    fn part(&self, start: u64, length: u64) -> Result<Bytes, Fault> {
        let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        match self {
            Self::Bytes(bytes) => {
                let range = index(start)..index(start.saturating_add(length));
                Ok(Bytes::copy_from_slice(bytes.get(range).unwrap_or_default()))
            }
            Self::File(file, _) => {
                let mut bytes = vec![0; index(length)];
                let read = file.read_exact_at(&mut bytes, start);
                read.map_err(|error| Fault::Other(format!("what it is read from: {error}")))?;
                Ok(bytes.into())
            }
        }
    }
}

impl Bucket {
    /// Writes an object.
    pub(super) fn put(&self, key: &str, body: &Body<'_>, how: &Attributes) -> Result<()> {
        let fail = |fault| self.error("write", key, fault);
        let mut headers = headers(how).map_err(fail)?;
        let size = body.size();
        if size <= PART {
            let bytes = body.part(0, size).map_err(fail)?;
            let mut ask = Ask::new(Method::PUT, key).with_body(bytes);
            ask.headers.extend(headers);
            let answer = self.ask(&ask)?.map_err(fail)?;
            self.known.store(true, Ordering::Relaxed);
            // All stores say what they have got, or nearly all. Whatever else answers keeps nothing.
            if text(&answer.headers, ETAG).is_some() {
                return Ok(());
            }
            let there = self.head(key)?.and_then(|head| About::of(&head).size);
            return match there == Some(size) {
                true => Ok(()),
                false => Err(fail(Fault::Other(NOTHING_SAID.into()))),
            };
        }
        let mut conditions = HeaderMap::new();
        for name in [IF_MATCH, IF_NONE_MATCH] {
            conditions.extend(headers.remove(&name).map(|value| (name, value)));
        }
        let upload = Upload {
            doing: "write",
            of: key,
            key,
            copies: false,
            id: self.begin(key, headers)?.map_err(fail)?,
            size,
            part: PART.max(size.div_ceil(PARTS)),
            conditions,
        };
        self.in_parts(&upload, |start, length| {
            Ok(Ask::new(Method::PUT, key).with_body(body.part(start, length)?))
        })
    }

    /// Copies an object; gives whether there was one.
    pub(super) fn copy(&self, from: &str, to: &str, how: Carried<'_>) -> Result<bool> {
        let fail = |fault| self.error("copy", from, fault);
        let Some(found) = self.head(from)? else {
            return Ok(false);
        };
        let about = About::of(&found);
        let given = how.headers().map_err(fail)?;
        let source = utf8_percent_encode(from, SOURCE);
        let source = HeaderValue::from_str(&format!("/{}/{source}", self.bucket));
        let source =
            source.map_err(|_| fail(Fault::Other("its key fits into no header".into())))?;
        let size = about.size.unwrap_or_default();
        if size > self.largest_copy {
            let headers = match how {
                Carried::Nothing(_) => given,
                // In parts, nothing comes along by itself.
                Carried::All | Carried::AllBut(_) => {
                    let mut headers = kept(&found);
                    headers.extend(given);
                    headers
                }
            };
            let upload = Upload {
                doing: "copy",
                of: from,
                key: to,
                copies: true,
                id: self.begin(to, headers)?.map_err(fail)?,
                size,
                part: self.piece.max(size.div_ceil(PARTS)),
                conditions: HeaderMap::new(),
            };
            let etag = found.get(ETAG);
            self.in_parts(&upload, |start, length| {
                let mut ask = Ask::new(Method::PUT, to);
                let range = format!("bytes={start}-{}", start + length - 1);
                ask.headers
                    .extend(etag.map(|etag| (COPY_SOURCE_IF_MATCH, etag.clone())));
                let range = HeaderValue::from_str(&range).ok();
                ask.headers
                    .extend(range.map(|range| (COPY_SOURCE_RANGE, range)));
                ask.headers.insert(COPY_SOURCE, source.clone());
                Ok(ask)
            })?;
            return Ok(true);
        }
        let mut ask = Ask::new(Method::PUT, to);
        ask.headers.insert(COPY_SOURCE, source);
        ask.headers.extend(given);
        if matches!(how, Carried::Nothing(_)) {
            ask.headers
                .insert(DIRECTIVE, HeaderValue::from_static("REPLACE"));
        }
        match self.ask(&ask)? {
            Ok(answer) => tag_in(&answer, "CopyObjectResult")
                .map(|_| true)
                .map_err(fail),
            Err(Fault::Refused(why)) if why.status() == Some(404) && !why.lacks_bucket() => {
                Ok(false)
            }
            Err(fault) => Err(fail(fault)),
        }
    }

    /// Begins an upload in parts; gives its id.
    fn begin(&self, key: &str, headers: HeaderMap) -> Result<Result<String, Fault>> {
        let mut ask = Ask::new(Method::POST, key);
        ask.query = vec![("uploads", String::new())];
        ask.headers = headers;
        Ok(self.ask(&ask)?.and_then(|answer| {
            let begun = quick_xml::de::from_reader::<_, Begun>(&*answer.bytes);
            let begun = begun.map_err(|_| Fault::Other("the store begins no upload".into()));
            begun.map(|begun| begun.id)
        }))
    }

    /// Sends all parts and puts them together; or gives up what was begun.
    fn in_parts<'a>(
        &self,
        upload: &Upload<'_>,
        make: impl FnMut(u64, u64) -> Result<Ask<'a>, Fault>,
    ) -> Result<()> {
        let sent = self.send_parts(upload, make);
        let done = sent.and_then(|parts| self.complete(upload, parts));
        if done.is_err() {
            let mut ask = Ask::new(Method::DELETE, upload.key);
            ask.query = vec![("uploadId", upload.id.clone())];
            // What cannot be cleared away now is left to the rules of the bucket.
            let handle = self.runtime.handle();
            let _ = handle.block_on(async { timeout(GIVING_UP, self.asker.ask(&ask)).await });
        }
        done
    }

    fn send_parts<'a>(
        &self,
        upload: &Upload<'_>,
        mut make: impl FnMut(u64, u64) -> Result<Ask<'a>, Fault>,
    ) -> Result<Vec<Part>> {
        let fail = |fault| self.error(upload.doing, upload.of, fault);
        let mut on_their_way = FuturesUnordered::new();
        let mut parts = Vec::new();
        let mut next = 0;
        loop {
            while next < upload.count() && on_their_way.len() < IN_FLIGHT {
                let start = next * upload.part;
                next += 1;
                let number = next;
                let length = upload.part.min(upload.size - start);
                let mut ask = make(start, length).map_err(fail)?;
                let id = upload.id.clone();
                ask.query = vec![("partNumber", number.to_string()), ("uploadId", id)];
                let asker = &self.asker;
                on_their_way.push(async move { (number, asker.ask(&ask).await) });
            }
            let Some((number, answer)) = self.run(on_their_way.next())? else {
                break;
            };
            let etag = answer.and_then(|answer| match upload.copies {
                true => tag_in(&answer, "CopyPartResult"),
                false => text(&answer.headers, ETAG)
                    .map(str::to_owned)
                    .ok_or_else(|| Fault::Other(NOTHING_SAID.into())),
            });
            let etag = etag.map_err(fail)?;
            parts.push(Part { number, etag });
        }
        parts.sort_unstable_by_key(|part| part.number);
        Ok(parts)
    }

    /// Makes the object appear.
    fn complete(&self, upload: &Upload<'_>, parts: Vec<Part>) -> Result<()> {
        let fail = |fault| self.error(upload.doing, upload.of, fault);
        let text = quick_xml::se::to_string(&Parts { parts });
        let text = text.map_err(|error| fail(Fault::Other(error.to_string())))?;
        let mut ask = Ask::new(Method::POST, upload.key).with_body(text.into());
        ask.query = vec![("uploadId", upload.id.clone())];
        ask.headers.extend(upload.conditions.clone());
        let xml = HeaderValue::from_static("application/xml");
        ask.headers.insert(CONTENT_TYPE, xml);
        match self.ask(&ask)? {
            Ok(answer) => tag_in(&answer, "CompleteMultipartUploadResult")
                .map(drop)
                .map_err(fail),
            // The answer to the first time may have been lost.
            Err(Fault::Refused(why)) if why.is(&["NoSuchUpload"]) && self.is_there(upload)? => {
                Ok(())
            }
            Err(fault) => Err(fail(fault)),
        }
    }

    /// Whether an object is there that is like the one of an upload.
    fn is_there(&self, upload: &Upload<'_>) -> Result<bool> {
        let Some(found) = self.head(upload.key)? else {
            return Ok(false);
        };
        let about = About::of(&found);
        let ending = format!("-{}", upload.count());
        let etag = about.etag.unwrap_or_default();
        Ok(about.size == Some(upload.size) && etag.trim_matches('"').ends_with(&ending))
    }
}

/// The tag of what a store says that it has made, in an element of this name. An answer without it comes from somebody
/// who made nothing.
fn tag_in(answer: &Answer, element: &str) -> Result<String, Fault> {
    let body = text_of(&answer.bytes);
    let done = quick_xml::de::from_str::<Done>(&body).ok();
    let done = done.filter(|done| body.contains(&format!("<{element}")) && !done.etag.is_empty());
    done.map(|done| done.etag)
        .ok_or_else(|| Fault::Other(NOTHING_SAID.into()))
}

/// What an object says of how it is kept, to be kept so again.
fn kept(found: &HeaderMap) -> HeaderMap {
    let known = [
        CONTENT_TYPE,
        CACHE_CONTROL,
        CONTENT_DISPOSITION,
        CONTENT_ENCODING,
        CONTENT_LANGUAGE,
        EXPIRES,
    ];
    let kept = found
        .iter()
        .filter(|(name, _)| known.contains(name) || name.as_str().starts_with("x-amz-meta-"));
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
