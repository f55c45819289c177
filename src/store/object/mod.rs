//! Archives in object stores: Amazon's S3 and what speaks as it does, Google's Cloud Storage, Azure's Blob Storage.
//!
//! The crate for these stores is asynchronous. Its runtime is kept to this room: all that comes out of it blocks, and
//! ends soon after the user wants the run to stop.

mod beside;
pub(super) mod download;
pub(super) mod explain;
mod leftovers;
mod post;
pub(super) mod profile;
pub(super) mod settings;
mod shelf;
mod upload;

pub use beside::{Beside, write_beside};
pub(super) use download::ObjectOrigin;
pub use post::post;
pub(super) use shelf::ObjectShelf;
pub use upload::ObjectTarget;

use super::limit::too_long;
use super::net::{Connector, Executor};
use super::{Access, Interrupt, ObjectName};
use crate::error::{Error, Result};
use explain::{Refusal, Settings, explain_to};
use futures_util::StreamExt;
use object_store::aws::AmazonS3;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::{
    Error as Answer, GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore, PutMode, PutPayload,
};
use settings::{Opened, Patience};
use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How many pages a list may have, of a thousand objects each.
const PAGES: usize = 10_000;
/// How many objects may lie at one prefix.
const OBJECTS: usize = 1_000_000;

/// A bucket, or a container, that can be talked to.
pub(super) struct Bucket {
    pub store: Arc<dyn ObjectStore>,
    /// The same for first questions: whoever named the wrong place wants to know soon.
    first: Arc<dyn ObjectStore>,
    /// Both for lists.
    pub pages: Arc<dyn PaginatedListStore>,
    first_page: Arc<dyn PaginatedListStore>,
    s3: Option<AmazonS3>,
    connector: Connector,
    interrupt: Interrupt,
    pub runtime: Executor,
    /// Whose they are that lead there.
    settings: Settings,
}

impl Bucket {
    /// The one that holds `name`. Nothing is asked of the store yet.
    fn open(name: &ObjectName, access: &Access) -> Result<Self> {
        Self::with(Settings::Variables, access, |connector, patience| {
            settings::open(name, access, connector, patience)
        })
    }

    /// The one that is opened so. Nothing is asked of the store yet.
    pub fn with(
        settings: Settings,
        access: &Access,
        open: impl Fn(&Connector, Patience) -> Result<Opened>,
    ) -> Result<Self> {
        let connector = Connector::new(access)?;
        let runtime = Executor::new()?;
        // The crate starts what renews credentials.
        let entered = runtime.handle().enter();
        let first = open(&connector, Patience::First)?;
        let opened = open(&connector, Patience::Work)?;
        drop(entered);
        Ok(Self {
            store: opened.store,
            first: first.store,
            pages: opened.pages,
            first_page: first.pages,
            s3: opened.s3,
            connector,
            interrupt: access.interrupt.clone(),
            runtime,
            settings,
        })
    }

    /// What a store answers, in words: `doing` is a verb phrase such as "read".
    pub fn explain(&self, doing: &str, name: &ObjectName, answer: &Answer) -> Error {
        explain_to(self.settings, doing, name, answer)
    }

    /// Waits for something, until the user wants the run to stop.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        self.runtime.run(&self.interrupt, work)
    }

    /// Waits for something so long at the most, whatever the user wants; `None` where it takes longer.
    pub fn run_for<T>(&self, time: Duration, work: impl Future<Output = T>) -> Option<T> {
        let handle = self.runtime.handle();
        handle.block_on(async { tokio::time::timeout(time, work).await.ok() })
    }

    /// Fails once the user wants the run to stop.
    fn stop(&self) -> Result<()> {
        self.interrupt.stop()
    }

    /// What an object is, where there is one.
    pub fn look(&self, name: &ObjectName) -> Result<Option<GetResult>, Refused> {
        let path = path_of(name)?;
        let options = || GetOptions::new().with_head(true);
        let looked = self.run(self.first.get_opts(&path, options()))?;
        let Err(answer) = looked else {
            return Ok(looked.ok());
        };
        if Refusal::of(&answer).is_silence() {
            return Err(Refused::other(self.explain("read", name, &answer)));
        }
        // An answer without a body does not say why.
        let range = GetOptions::new().with_range(Some(GetRange::Bounded(0..1)));
        match self.run(self.first.get_opts(&path, range))? {
            // It came meanwhile; or is empty, of which nothing can be a range.
            Ok(found) => return Ok(Some(found)),
            Err(why) if is_about_ranges(&why) => {
                return Err(Refused::other(self.explain("read", name, &answer)));
            }
            Err(Answer::NotFound { path, source }) => {
                let why = Answer::NotFound { path, source };
                if Refusal::of(&why).lacks_bucket() {
                    return Err(Refused::other(self.explain("reach", name, &why)));
                }
            }
            Err(why) => {
                return Err(Refused {
                    forbidden: Refusal::of(&why).is_forbidden(),
                    error: self.explain("read", name, &why),
                });
            }
        }
        Ok(None)
    }

    /// An archive to be read.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    fn find(&self, name: &ObjectName) -> Result<ObjectMeta> {
        match self.look(name)? {
            Some(found) => Ok(found.meta),
            None => Err(absent(name)),
        }
    }

    /// The objects at a prefix, without those deeper down.
    fn list(&self, prefix: &ObjectName) -> Result<Vec<ObjectMeta>> {
        path_of(prefix)?;
        let at = (!prefix.key.is_empty()).then_some(&*prefix.key);
        let mut objects = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let options = PaginatedListOptions {
                delimiter: Some(Cow::Borrowed("/")),
                page_token: token.clone(),
                ..PaginatedListOptions::default()
            };
            let store = match token {
                Some(_) => &self.pages,
                None => &self.first_page,
            };
            let page = self.run(store.list_paginated(at, options))?;
            let page = page.map_err(|answer| self.explain("list", prefix, &answer))?;
            objects.extend(page.result.objects);
            let next = page.page_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(objects);
            }
            if next == token {
                return Err(Error::failed(format!(
                    "cannot list {prefix}: the store gives the same page again and again"
                ))
                .hint("see what is wrong with the store, or with what stands before it"));
            }
            if objects.len() > OBJECTS {
                break;
            }
            token = next;
        }
        Err(Error::failed(format!(
            "cannot list {prefix}: more than {OBJECTS} objects lie there, or the list has no end"
        ))
        .hint("let archives lie at a prefix of their own"))
    }

    /// A small object whole; `None` where there is none.
    fn read(&self, name: &ObjectName, most: u64) -> Result<Option<Vec<u8>>> {
        let path = path_of(name)?;
        let fail = |answer: Answer| self.explain("read", name, &answer);
        let got = match self.run(self.store.get_opts(&path, GetOptions::new()))? {
            Err(answer @ Answer::NotFound { .. }) => {
                return match Refusal::of(&answer).lacks_bucket() {
                    true => Err(fail(answer)),
                    false => Ok(None),
                };
            }
            got => got.map_err(fail)?,
        };
        let mut stream = got.into_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = self.run(stream.next())? {
            bytes.extend_from_slice(&chunk.map_err(fail)?);
            if bytes.len() as u64 > most {
                return Err(too_long(&name.to_string(), most));
            }
        }
        Ok(Some(bytes))
    }

    /// Writes a small object, in place of what has the name.
    fn write(&self, name: &ObjectName, bytes: Vec<u8>) -> Result<()> {
        let path = path_of(name)?;
        let put = self
            .store
            .put_opts(&path, PutPayload::from(bytes), PutMode::Overwrite.into());
        let put = self.run(put)?;
        put.map_err(|answer| self.explain("write", name, &answer))?;
        Ok(())
    }

    /// Removes an object. That there is none is fine.
    pub fn remove(&self, name: &ObjectName) -> Result<()> {
        let path = path_of(name)?;
        let one = futures_util::stream::once(std::future::ready(Ok(path))).boxed();
        let mut removed = self.store.delete_stream(one);
        match self.run(removed.next())? {
            Some(Err(answer @ Answer::NotFound { .. })) if Refusal::of(&answer).lacks_bucket() => {
                Err(self.explain("remove", name, &answer))
            }
            None | Some(Ok(_) | Err(Answer::NotFound { .. })) => Ok(()),
            Some(Err(answer)) => Err(self.explain("remove", name, &answer)),
        }
    }
}

/// Why an object could not be looked at.
pub(super) struct Refused {
    error: Error,
    /// Whether that is all that is not allowed, as far as it is known.
    forbidden: bool,
}

impl Refused {
    fn other(error: Error) -> Self {
        Self {
            error,
            forbidden: false,
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        refused.error
    }
}

fn is_about_ranges(answer: &Answer) -> bool {
    answer.to_string().contains("status code: 416")
}

/// The path of an object in its bucket, as the crate has it.
pub(super) fn path_of(name: &ObjectName) -> Result<Path> {
    // The crate takes a slash off in front.
    let parsed = Path::parse(&name.key).ok();
    parsed
        .filter(|_| !name.key.starts_with('/'))
        .ok_or_else(|| {
            Error::usage(format!(
                "{name} has an empty part, `.` or `..` between its slashes"
            ))
            .hint("choose another name")
        })
}

/// There is no archive of this name.
fn absent(name: &ObjectName) -> Error {
    Error::failed(format!("there is no archive at {name}")).hint("check the name that was given")
}

/// Writes a small object beside an archive.
///
/// # Errors
/// It cannot be written.
pub(super) fn write_small(name: &ObjectName, access: &Access, bytes: Vec<u8>) -> Result<()> {
    Bucket::open(name, access)?.write(name, bytes)
}
