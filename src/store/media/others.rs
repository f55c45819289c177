//! Objects in Azure's Blob Storage and in Google's Cloud Storage.

mod settings;

pub(crate) use settings::{AzureSettings, GoogleSettings};

use super::packing::{Packing, packing_of};
use super::{About, Attributes, Body, Content, Objects};
use crate::error::{Error, Result};
use crate::store::net::GoogleAcl;
use crate::store::object::download::Reader;
use crate::store::object::explain::Refusal;
use crate::store::object::{Bucket, path_of};
use crate::store::{ObjectName, StoreKind};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::{Extensions, HeaderValue};
use object_store::list::PaginatedListOptions;
use object_store::{
    Attribute, AttributeValue, Attributes as Kept, CopyOptions, Error as Answer, GetResult,
    ObjectMeta, PutMode, PutMultipartOptions, PutOptions, PutPayload,
};
use std::fmt;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The size of a part; what is not larger goes in one piece.
const PART: u64 = 16 << 20;
/// How many parts a store takes.
const PARTS: u64 = 10_000;
/// How many parts are on their way at once.
const IN_FLIGHT: usize = 3;
/// A part is sent in pieces of this size, so that it is seen whether it moves.
const PIECE: usize = 256 << 10;
/// How long giving an upload up may take: whoever pressed Ctrl-C waits for it.
const GIVING_UP: Duration = Duration::from_millis(1200);
/// How many pages a list may have.
const PAGES: usize = 100_000;

/// A container of Azure's, or a bucket of Google's.
///
/// Of [`Attributes`], they take those that both have: media type, `Cache-Control`, `Content-Disposition` and
/// `Content-Encoding`; Google's also takes `acl`, by Google's names for it. Neither copies an object with other
/// attributes than its own, but for `acl`: for that it is read, and written again. Keys with empty parts are refused, also those that
/// begin with a slash.
pub(crate) struct Store {
    bucket: Arc<Bucket>,
    kind: StoreKind,
    holder: String,
    /// Held while an object is read to be written again: several parts of it are in memory.
    rewriting: Mutex<()>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("kind", &self.kind)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

impl Store {
    fn name(&self, key: &str) -> ObjectName {
        ObjectName {
            store: self.kind,
            bucket: self.holder.clone(),
            key: key.to_owned(),
        }
    }

    fn found(&self, key: &str) -> Result<Option<GetResult>> {
        self.bucket.look(&self.name(key)).map_err(Error::from)
    }

    /// The part of what a request takes that the crate has no words for.
    fn extensions(&self, key: &str, how: &Attributes) -> Result<Extensions> {
        let mut extensions = Extensions::new();
        if let Some(acl) = self.acl(key, how)? {
            extensions.insert(acl);
        }
        Ok(extensions)
    }

    /// Who may read an object, where that is said and the store has such lists.
    fn acl(&self, key: &str, how: &Attributes) -> Result<Option<GoogleAcl>> {
        let (StoreKind::Google, Some(acl)) = (self.kind, &how.acl) else {
            return Ok(None);
        };
        let acl = HeaderValue::from_str(acl).map_err(|_| {
            let name = self.name(key);
            Error::failed(format!(
                "cannot write {name}: its list of readers has no such name"
            ))
            .hint("see what config/plugins says of the upload provider")
        })?;
        Ok(Some(GoogleAcl(acl)))
    }

    /// Writes what `read` gives: a part of `size` bytes, from somewhere on.
    fn write(
        &self,
        key: &str,
        size: u64,
        how: &Attributes,
        read: &mut dyn FnMut(u64, u64) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let name = self.name(key);
        let path = path_of(&name)?;
        let fail = |answer: &Answer| self.bucket.explain("write", &name, answer);
        let (attributes, extensions) = (kept(how), self.extensions(key, how)?);
        let store = &self.bucket.store;
        if size <= PART {
            let options = PutOptions {
                mode: PutMode::Overwrite,
                attributes,
                extensions,
                ..PutOptions::default()
            };
            let put = store.put_opts(&path, payload(read(0, size)?), options);
            return match self.bucket.run(put)? {
                Ok(_) => Ok(()),
                Err(answer) => Err(fail(&answer)),
            };
        }
        let options = PutMultipartOptions {
            attributes,
            extensions,
            ..PutMultipartOptions::default()
        };
        let begun = self.bucket.run(store.put_multipart_opts(&path, options))?;
        let mut upload = begun.map_err(|answer| fail(&answer))?;
        let part = PART.max(size.div_ceil(PARTS));
        let mut send = || -> Result<()> {
            let mut on_their_way = FuturesUnordered::new();
            let mut start = 0;
            loop {
                while start < size && on_their_way.len() < IN_FLIGHT {
                    let length = part.min(size - start);
                    on_their_way.push(upload.put_part(payload(read(start, length)?)));
                    start += length;
                }
                match self.bucket.run(on_their_way.next())? {
                    Some(sent) => sent.map_err(|answer| fail(&answer))?,
                    None => break,
                }
            }
            let completed = self.bucket.run(upload.complete())?;
            completed.map_err(|answer| fail(&answer)).map(drop)
        };
        let sent = send();
        if sent.is_err() {
            // What cannot be cleared away now is left to the rules of the bucket.
            let _ = self.bucket.run_for(GIVING_UP, upload.abort());
        }
        sent
    }
}

impl Objects for Store {
    fn place(&self, key: &str) -> String {
        self.name(key).to_string()
    }

    fn look(&self, key: &str) -> Result<Option<About>> {
        Ok(self
            .found(key)?
            .map(|found| about(&found.meta, &found.attributes)))
    }

    fn open(&self, key: &str) -> Result<Option<Content>> {
        let Some(found) = self.found(key)? else {
            return Ok(None);
        };
        let mut about = about(&found.meta, &found.attributes);
        let encoding = found.attributes.get(&Attribute::ContentEncoding);
        let name = self.name(key);
        let reader = Reader::new(&self.bucket, &name, found.meta.clone())?;
        let bytes: Box<dyn Read + Send> = match packing_of(encoding.map_or("", |it| it)) {
            Some(Packing::Plain) => Box::new(reader),
            Some(Packing::Gzip) => {
                about.size = None;
                Box::new(MultiGzDecoder::new(reader))
            }
            None => {
                let what = format!(
                    "cannot read {name}: it is kept compressed in a way that is not known here"
                );
                return Err(Error::failed(what).hint("see what the store is, and run it again"));
            }
        };
        Ok(Some(Content { about, bytes }))
    }

    fn put(&self, key: &str, body: Body<'_>, how: &Attributes) -> Result<()> {
        let size = match &body {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File(_, size) => *size,
        };
        self.write(key, size, how, &mut |start, length| {
            let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            match &body {
                Body::Bytes(bytes) => {
                    let range = index(start)..index(start.saturating_add(length));
                    Ok(bytes.get(range).unwrap_or_default().to_vec())
                }
                Body::File(file, _) => {
                    let mut bytes = vec![0; index(length)];
                    let read = file.read_exact_at(&mut bytes, start);
                    read.map(|()| bytes)
                        .map_err(|error| self.not_read(key, &error))
                }
            }
        })
    }

    fn copy(&self, from: &str, to: &str, how: Option<&Attributes>) -> Result<bool> {
        let name = self.name(from);
        if let Some(how) = how {
            let Some(found) = self.found(from)? else {
                return Ok(false);
            };
            if is_kept_so(&found.attributes, how) {
                return self.copy_within(from, to, self.acl(to, how)?);
            }
            let _alone = self
                .rewriting
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let size = found.meta.size;
            // As it lies there: how it is kept goes with it.
            let mut reader = Reader::new(&self.bucket, &name, found.meta)?;
            let written = self.write(to, size, how, &mut |_, length| {
                let mut bytes = Vec::new();
                let read = reader.by_ref().take(length).read_to_end(&mut bytes);
                match read {
                    Ok(_) => Ok(bytes),
                    Err(error) => Err(Error::from_io(error, |error| self.not_read(from, &error))),
                }
            });
            return written.map(|()| true);
        }
        self.copy_within(from, to, None)
    }

    fn remove(&self, key: &str) -> Result<()> {
        self.bucket.remove(&self.name(key))
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, About) -> Result<()>) -> Result<()> {
        let name = self.name(prefix);
        let at = (!prefix.is_empty()).then_some(prefix);
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let options = PaginatedListOptions {
                page_token: token.clone(),
                ..PaginatedListOptions::default()
            };
            let page = self
                .bucket
                .run(self.bucket.pages.list_paginated(at, options))?;
            let page = page.map_err(|answer| self.bucket.explain("list", &name, &answer))?;
            for object in page.result.objects {
                let key = object.location.to_string();
                each(&key, about(&object, &Kept::new()))?;
            }
            let next = page.page_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(());
            }
            if next == token {
                break;
            }
            token = next;
        }
        Err(
            Error::failed(format!("cannot list {name}: the list has no end"))
                .hint("see what is wrong with the store, or with what stands before it"),
        )
    }
}

impl Store {
    /// Copies an object with its own attributes, and for these readers.
    fn copy_within(&self, from: &str, to: &str, acl: Option<GoogleAcl>) -> Result<bool> {
        let name = self.name(from);
        let (path, target) = (path_of(&name)?, path_of(&self.name(to))?);
        let store = &self.bucket.store;
        let copy = store.copy_opts(&path, &target, CopyOptions::default());
        let copied = match acl {
            Some(acl) => self.bucket.run(acl.of_copies(copy))?,
            None => self.bucket.run(copy)?,
        };
        match copied {
            Ok(()) => Ok(true),
            Err(answer @ Answer::NotFound { .. }) if !Refusal::of(&answer).lacks_bucket() => {
                Ok(false)
            }
            Err(answer) => Err(self.bucket.explain("copy", &name, &answer)),
        }
    }

    fn not_read(&self, key: &str, error: &std::io::Error) -> Error {
        let name = self.name(key);
        Error::failed(format!(
            "cannot write {name}: what it is read from: {error}"
        ))
        .hint("run it again")
    }
}

/// What the stores know of attributes.
fn kept(how: &Attributes) -> Kept {
    let known = [
        (Attribute::ContentType, &how.media_type),
        (Attribute::CacheControl, &how.cache_control),
        (Attribute::ContentDisposition, &how.content_disposition),
        (Attribute::ContentEncoding, &how.content_encoding),
    ];
    let known = known
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)));
    known
        .map(|(name, value)| (name, AttributeValue::from(value)))
        .collect()
}

/// Whether an object is kept so already, so that a copy is.
fn is_kept_so(own: &Kept, how: &Attributes) -> bool {
    let wanted = [
        (Attribute::CacheControl, &how.cache_control),
        (Attribute::ContentDisposition, &how.content_disposition),
        (Attribute::ContentEncoding, &how.content_encoding),
    ];
    let is = |name: &Attribute, value: &Option<String>| {
        let own = own.get(name).map(|it| &**it).unwrap_or_default();
        own == value.as_deref().unwrap_or_default()
    };
    let is_of_type = how.media_type.is_none() || is(&Attribute::ContentType, &how.media_type);
    is_of_type && wanted.iter().all(|(name, value)| is(name, value))
}

fn about(meta: &ObjectMeta, attributes: &Kept) -> About {
    About {
        size: Some(meta.size),
        etag: meta.e_tag.clone(),
        media_type: attributes
            .get(&Attribute::ContentType)
            .map(|it| it.to_string()),
        opaque: true,
        modified: Some(SystemTime::from(meta.last_modified)),
        now: None,
    }
}

/// Bytes in pieces.
fn payload(bytes: Vec<u8>) -> PutPayload {
    let bytes = Bytes::from(bytes);
    let pieces = (0..bytes.len()).step_by(PIECE);
    let pieces = pieces.map(|start| bytes.slice(start..bytes.len().min(start + PIECE)));
    pieces.collect()
}

#[cfg(test)]
mod tests;
