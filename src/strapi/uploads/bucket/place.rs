//! What a restore keeps in a bucket: where it is, and how it is found and deleted.

use super::many::{Pace, each};
use super::{Ending, Ends, Layout};
use crate::error::{Kind, Result};
use crate::model::STAGING_PREFIX;
use crate::store::media::{Attributes, Objects};
use crate::strapi::uploads::paths::stays_inside;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The bytes that a key may have in all stores.
const LONGEST_KEY: usize = 1024;
/// The digits of the id of a restore, or of a token: 128 bits in hexadecimals.
const DIGITS: usize = 32;
/// How the headers begin that only files get.
const FOR_FILES: [&str; 4] = [
    "x-amz-acl",
    "x-amz-grant-",
    "x-amz-object-lock-",
    "x-amz-storage-class",
];
/// What can be done about a store that refuses to list.
const MAY_LIST: &str = "see that the project's key may list the bucket (s3:ListBucket): what an earlier restore left is \
                        found by that";

/// Whether that could be such digits.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == DIGITS
        && text
            .bytes()
            .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a file can lie at this path, and at its place among what a restore keeps.
pub(super) fn takes(layout: &Layout, path: &str) -> bool {
    let own = STAGING_PREFIX.len() + DIGITS + "/new/".len();
    // What XML cannot say is no part of a key that is listed.
    let is_unspeakable = |it: char| it.is_control() || matches!(it, '\u{fffe}' | '\u{ffff}');
    stays_inside(path)
        && layout.prefix.len() + own + path.len() <= LONGEST_KEY
        && !path.contains(is_unspeakable)
}

/// How the keys begin of all that restores keep.
pub(super) fn start(layout: &Layout) -> String {
    format!("{}{STAGING_PREFIX}", layout.prefix)
}

/// The place of a restore in a bucket.
#[derive(Clone)]
pub(super) struct Place {
    pub objects: Arc<dyn Objects>,
    pub layout: Arc<Layout>,
    pub id: String,
    pub pace: Pace,
    pub ending: Ending,
}

impl Place {
    /// The places of all restores that left something. What only looks like one is none.
    ///
    /// # Errors
    /// The store does not list them.
    pub fn find(ends: &Ends, layout: &Arc<Layout>, pace: Pace) -> Result<Vec<Self>> {
        let objects = &ends.willing;
        let start = start(layout);
        let mut ids = BTreeSet::new();
        list(objects.as_ref(), &start, &mut |rest| {
            if let Some((id, _)) = rest.split_once('/')
                && is_id(id)
                && !ids.contains(id)
            {
                ids.insert(id.to_owned());
            }
        })?;
        let place = |id| Self {
            objects: Arc::clone(objects),
            layout: Arc::clone(layout),
            id,
            pace,
            ending: ends.ending.clone(),
        };
        Ok(ids.into_iter().map(place).collect())
    }

    /// The same place, reached in another way.
    pub fn by(&self, objects: &Arc<dyn Objects>) -> Self {
        Self {
            objects: Arc::clone(objects),
            ..self.clone()
        }
    }

    /// The key of something that is kept here.
    pub fn own(&self, name: &str) -> String {
        format!("{}{STAGING_PREFIX}{}/{name}", self.layout.prefix, self.id)
    }

    /// Where a file waits that is going to lie at this path.
    pub fn waiting(&self, path: &str) -> String {
        self.own(&format!("new/{path}"))
    }

    /// Where the one is kept that lay at this path.
    pub fn aside(&self, path: &str) -> String {
        self.own(&format!("old/{path}"))
    }

    /// Where the file lies that has this path.
    pub fn there(&self, path: &str) -> String {
        format!("{}{path}", self.layout.prefix)
    }

    /// What it is called in messages.
    pub fn name(&self) -> String {
        self.objects.place(&self.own(""))
    }

    /// What a file of this media type gets.
    pub fn attributes(&self, media_type: Option<&str>) -> Attributes {
        Attributes {
            media_type: media_type.map(str::to_owned),
            ..self.layout.attributes.clone()
        }
    }

    /// What something gets that is kept here: what the bucket may ask of all its objects, but nothing that lets
    /// others read it or keeps it from being deleted, and not the classes that are paid for a month at least.
    pub fn own_attributes(&self, media_type: Option<&str>) -> Attributes {
        let mut attributes = self.attributes(media_type);
        attributes.acl = None;
        attributes.content_encoding = None;
        attributes.more.retain(|(name, _)| {
            let name = name.to_ascii_lowercase();
            !FOR_FILES.iter().any(|start| name.starts_with(start))
        });
        attributes
    }

    /// The paths of what is kept in one of its parts: `new/` or `old/`. Those that no restore makes are left out.
    ///
    /// # Errors
    /// The store does not list them.
    pub fn paths(&self, part: &str) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        list(self.objects.as_ref(), &self.own(part), &mut |path| {
            if takes(&self.layout, path) {
                paths.push(path.to_owned());
            }
        })?;
        Ok(paths)
    }

    /// Deletes all that is kept here but `kept`, and says how many objects that were.
    ///
    /// # Errors
    /// Something cannot be deleted; it can be repeated. Nothing more is, where `check` fails.
    pub fn clear_but(&self, kept: &str, check: &(dyn Fn() -> Result<()> + Sync)) -> Result<usize> {
        let mut names = Vec::new();
        list(self.objects.as_ref(), &self.own(""), &mut |name| {
            if name != kept {
                names.push(name.to_owned());
            }
        })?;
        each(&names, self.pace.telling, |name| {
            check()?;
            self.objects.remove(&self.own(name))
        })?;
        Ok(names.len())
    }
}

/// Goes through what comes after `start` in all keys that begin so.
fn list(objects: &dyn Objects, start: &str, each: &mut dyn FnMut(&str)) -> Result<()> {
    let outcome = objects.list(start, &mut |key, _| {
        key.strip_prefix(start).into_iter().for_each(&mut *each);
        Ok(())
    });
    outcome.map_err(|error| match error.kind() {
        Kind::Interrupted => error,
        _ => error.also(MAY_LIST),
    })
}
