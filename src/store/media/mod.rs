//! Files of a media library that do not lie on this machine: [`Objects`] of a bucket, which are read, written and
//! copied one by one, and files by URL.
//!
//! The requests are asynchronous inside; all that comes out of this room blocks, and ends soon after the user wants the
//! run to stop.

mod about;
mod backoff;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod emulators;
mod flow;
mod guard;
mod others;
mod packing;
mod s3;
mod web;

pub(crate) use guard::Guard;
pub(crate) use others::{AzureSettings, GoogleSettings, Store};
pub(crate) use s3::{S3, S3Settings};
pub(crate) use web::Web;

use crate::error::Result;
use std::fs::File;
use std::io::Read;
use std::time::SystemTime;

/// The objects of a bucket, or container. Keys are whole: they hold whatever prefix there is.
pub(crate) trait Objects: Send + Sync {
    /// Where an object is, for messages. Holds no credentials.
    fn place(&self, key: &str) -> String;

    /// What an object is, without its content; `None` where there is none.
    ///
    /// # Errors
    /// The store cannot be reached, or refuses it.
    fn look(&self, key: &str) -> Result<Option<About>>;

    /// Opens an object; `None` where there is none. A connection that breaks is made again from where it stopped, if
    /// the object is still the same.
    ///
    /// # Errors
    /// The store cannot be reached, or refuses it. Reading fails as well where it breaks too often.
    fn open(&self, key: &str) -> Result<Option<Content>>;

    /// Writes an object, in place of what has the key. It is there as a whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    fn put(&self, key: &str, body: Body<'_>, how: &Attributes) -> Result<()>;

    /// Copies an object within the store, with these attributes in place of its own, or else with its own as far as the
    /// store copies them; gives whether there was one. What had the key `to` is replaced.
    ///
    /// # Errors
    /// It cannot be copied.
    fn copy(&self, from: &str, to: &str, how: Option<&Attributes>) -> Result<bool>;

    /// Copies an object within the store with its own attributes, and with what these say of who may read it and of the
    /// way the store keeps it; gives whether there was one. What had the key `to` is replaced.
    ///
    /// # Errors
    /// It cannot be copied.
    fn copy_as_it_is(&self, from: &str, to: &str, how: &Attributes) -> Result<bool> {
        // Only S3 has such things to say.
        let _ = how;
        self.copy(from, to, None)
    }

    /// Removes an object. That there is none is fine.
    ///
    /// # Errors
    /// It cannot be removed.
    fn remove(&self, key: &str) -> Result<()>;

    /// Goes through all objects whose keys begin with this, in any order.
    ///
    /// # Errors
    /// They cannot be listed; or `each` fails.
    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, About) -> Result<()>) -> Result<()>;

    /// Uploads in parts to keys that begin with this and that nobody ended; `None` where the store does not say. Only
    /// S3 is asked.
    ///
    /// # Errors
    /// The user wants the run to stop.
    fn unfinished(&self, _prefix: &str) -> Result<Option<Vec<Unfinished>>> {
        Ok(None)
    }

    /// Gives one of them up.
    ///
    /// # Errors
    /// The store refuses it.
    fn give_up(&self, _upload: &Unfinished) -> Result<()> {
        Ok(())
    }
}

/// An upload in parts that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfinished {
    /// The key that it is for.
    pub key: String,
    /// What the store calls it.
    pub id: String,
}

/// What is known of a file without its content.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    /// How many bytes it has, where that is known.
    pub size: Option<u64>,
    /// What the store tells it from others of the same key by, as it gives it.
    pub etag: Option<String>,
    /// Its media type.
    pub media_type: Option<String>,
    /// Whether its tag may look like a digest of its content and be none, as where the store encrypts it with a key.
    pub opaque: bool,
    /// When it was written, by the clock of the store.
    pub modified: Option<SystemTime>,
    /// The store's own time as it answered.
    pub now: Option<SystemTime>,
}

impl About {
    /// The digest of its content, where the store says it.
    fn digest(&self) -> Option<String> {
        let tag = self.etag.as_deref().unwrap_or_default();
        let tag = tag.trim_matches('"').to_ascii_lowercase();
        let is_digest = tag.len() == 32 && tag.bytes().all(|it| it.is_ascii_hexdigit());
        (is_digest && !self.opaque).then_some(tag)
    }

    /// Whether an object may be a copy of another one, by all that is known of both.
    pub fn may_be_copy_of(&self, other: &Self) -> bool {
        let has_other_size = self
            .size
            .zip(other.size)
            .is_some_and(|(own, other)| own != other);
        let digests = self.digest().zip(other.digest());
        !has_other_size && digests.is_none_or(|(own, other)| own == other)
    }

    /// Whether an object certainly has the content of another one.
    pub fn is_as(&self, other: &Self) -> bool {
        let digests = self.digest().zip(other.digest());
        self.size == other.size && digests.is_some_and(|(own, other)| own == other)
    }
}

/// A file that is open.
pub(crate) struct Content {
    /// What is known of it.
    pub about: About,
    /// Its bytes.
    pub bytes: Box<dyn Read + Send>,
}

/// What an object is made of.
pub(crate) enum Body<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A file, read from its beginning, and how many bytes it has.
    File(&'a File, u64),
}

/// How an object is kept and given to whoever asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// Its media type.
    pub media_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// S3's canned list of who may read it (`public-read`, ...); `None` leaves that to the bucket.
    pub acl: Option<String>,
    /// More headers of S3's, by their names (`x-amz-storage-class`, ...). Other stores do not take them.
    pub more: Vec<(String, String)>,
}
