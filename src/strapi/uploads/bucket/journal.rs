//! What a swap of objects does, written down before it does it: so that whoever comes after a crash can finish it or
//! undo it, as often as need be.
//!
//! An object is written as a whole or not at all, and so is the journal. It names the files that come and those that
//! go; what is in both lists is overwritten. The files of the second list were there when the restore looked.
//!
//! | what happened last | token | what is done |
//! |---|---|---|
//! | something is staged, and no journal there | none | all that was staged is deleted |
//! | the journal is there; some of what is overwritten is set aside | none | nothing is in its place yet: nothing but forgetting |
//! | all of that is aside; some of what comes is in its place | none | what is aside is copied back; what came where nothing was is deleted |
//! | the same, undone in part | none | the same again |
//! | all that comes is in its place | its own | `done` is written, what only goes is deleted |
//! | `done` is there; some of what goes is deleted | any | the rest of it is deleted |
//! | the journal is gone, the rest is not | none | the rest is deleted |
//!
//! The last line is a digest of all others. What is read is believed where the store says twice that it is the journal:
//! whatever else answers for a moment must not have a restore undone.
//!
//! What only goes is deleted after the database has committed and `done` says so. Until then its objects are as they
//! were, so nothing has to be set aside for it.

mod seen;

use super::Layout;
use super::lease::Lease;
use super::many::each;
use super::place::{Place, is_id, takes};
use crate::error::{Error, Result};
use crate::store::media::{About, Body};
use crate::strapi::uploads::held::JOURNAL;
use crate::strapi::uploads::journal::{DONE, Line};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// The largest journal that is written or read: a million files with the longest paths that there are in practice.
const LARGEST: u64 = 256 << 20;
/// What it is.
const MEDIA_TYPE: &str = "application/x-ndjson";

/// A swap of objects.
pub(super) struct Swap {
    pub place: Place,
    /// What stands in the database if, and only if, it has committed; `None` where the journal is damaged.
    pub token: Option<String>,
    /// The database that this is; `None` where the journal is damaged.
    pub database: Option<String>,
    moves: Moves,
    pub is_done: bool,
    /// When the journal was written, where it was read.
    written: Option<SystemTime>,
}

/// What a swap does, by the paths of the files.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Files that come.
    pub incoming: Vec<String>,
    /// Files that go, or are overwritten.
    pub outgoing: Vec<String>,
}

impl Moves {
    /// Those that are overwritten.
    fn overwritten(&self) -> Vec<&str> {
        let coming: HashSet<&String> = self.incoming.iter().collect();
        let outgoing = self.outgoing.iter();
        let both = outgoing.filter(|path| coming.contains(path));
        both.map(String::as_str).collect()
    }

    /// Those that go and are not overwritten.
    fn leaving(&self) -> Vec<&str> {
        let coming: HashSet<&String> = self.incoming.iter().collect();
        let outgoing = self.outgoing.iter();
        let only = outgoing.filter(|path| !coming.contains(path));
        only.map(String::as_str).collect()
    }

    /// Takes what a journal says, and gives its token and database; `None` where it is damaged.
    fn parse(&mut self, layout: &Layout, text: &[u8]) -> Option<[String; 2]> {
        let (lines, last) = split_last(text)?;
        let Ok(Line::Digest(digest)) = serde_json::from_slice(last) else {
            return None;
        };
        if digest != hex(&Sha256::digest(lines)) {
            return None;
        }
        let (mut token, mut database) = (None, None);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            match serde_json::from_slice(line).ok()? {
                Line::Token(own) if is_id(&own) => token = Some(own),
                Line::Database(own) => database = Some(own),
                Line::Out(path) if takes(layout, &path) => self.outgoing.push(path),
                Line::In(path) if takes(layout, &path) => self.incoming.push(path),
                _ => return None,
            }
        }
        Some([token?, database?])
    }

    /// Those that come where nothing was.
    fn added(&self) -> Vec<&str> {
        let going: HashSet<&String> = self.outgoing.iter().collect();
        let incoming = self.incoming.iter();
        let only = incoming.filter(|path| !going.contains(path));
        only.map(String::as_str).collect()
    }
}

impl Swap {
    /// Writes down a swap that is about to begin.
    ///
    /// # Errors
    /// It cannot be written; nothing may be copied.
    pub fn begin(place: &Place, [token, database]: [&str; 2], moves: Moves) -> Result<Self> {
        let lines = [
            Line::Token(token.to_owned()),
            Line::Database(database.to_owned()),
        ];
        let lines = lines.into_iter();
        let lines = lines
            .chain(moves.outgoing.iter().cloned().map(Line::Out))
            .chain(moves.incoming.iter().cloned().map(Line::In));
        let mut text = Vec::new();
        let write = |line: &Line, text: &mut Vec<u8>| {
            serde_json::to_writer(&mut *text, line).expect("text serialises");
            text.push(b'\n');
        };
        for line in lines {
            write(&line, &mut text);
        }
        write(&Line::Digest(hex(&Sha256::digest(&text))), &mut text);
        if text.len() as u64 > LARGEST {
            return Err(Error::failed(
                "there are too many files for one restore: what it is about to do with them is more than it can write \
                 down",
            )
            .hint("restore everything else with --exclude files, and copy the files with the store's own tools"));
        }
        let how = place.own_attributes(Some(MEDIA_TYPE));
        place
            .objects
            .put(&place.own(JOURNAL), Body::Bytes(&text), &how)?;
        Ok(Self {
            place: place.clone(),
            token: Some(token.to_owned()),
            database: Some(database.to_owned()),
            moves,
            is_done: false,
            written: None,
        })
    }

    /// The swap that was written down at a place; `None` where nothing was begun.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(place: &Place) -> Result<Option<Self>> {
        let Some(seen) = seen::read(place)? else {
            return Ok(None);
        };
        let done = place.objects.look(&place.own(DONE))?;
        let is_done = done.is_some_and(|done| done.size.is_none_or(|size| size == 0));
        let mut swap = Self {
            place: place.clone(),
            token: None,
            database: None,
            moves: Moves::default(),
            is_done,
            written: seen.written,
        };
        if let Some([token, database]) = swap.moves.parse(&place.layout, &seen.bytes) {
            swap.token = Some(token);
            swap.database = Some(database);
            return Ok(Some(swap));
        }
        // Somebody damaged it, or it is none: a store keeps no halves. What is kept beside it tells enough.
        swap.moves = Moves {
            incoming: place.paths("new/")?,
            outgoing: place.paths("old/")?,
        };
        let is_something = !(swap.moves.incoming.is_empty() && swap.moves.outgoing.is_empty());
        Ok(is_something.then_some(swap))
    }

    /// Where the files are kept that are overwritten, for messages.
    pub fn kept(&self) -> String {
        self.place.objects.place(&self.place.own("old/"))
    }

    /// Sets aside what is overwritten, and puts what comes in its place. `media_type` knows that of each path.
    ///
    /// # Errors
    /// An object cannot be copied, or is gone; or the lease is lost.
    pub fn advance(
        &self,
        lease: &Lease,
        media_type: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> Result<()> {
        let Place { objects, pace, .. } = &self.place;
        each(&self.moves.overwritten(), pace.telling, |path| {
            lease.check()?;
            let there = self.place.there(path);
            let aside = self.place.aside(path);
            match objects.copy(&there, &aside, None)? {
                true => self.check_copy(&there, &aside),
                false => Err(gone(&objects.place(&there))),
            }
        })?;
        each(&self.moves.incoming, pace.telling, |path| {
            let waiting = self.place.waiting(path);
            match self.copy(lease, &waiting, path, media_type(path).as_deref())? {
                true => Ok(()),
                false => Err(gone(&objects.place(&waiting))),
            }
        })?;
        // Once more before the database commits: nothing is believed on the word of a copy alone.
        each(&self.moves.incoming, pace.telling, |path| {
            self.check_copy(&self.place.waiting(path), &self.place.there(path))
        })
    }

    /// Sees that an object is there that may be a copy of another one.
    fn check_copy(&self, from: &str, to: &str) -> Result<()> {
        let objects = &self.place.objects;
        let Some(original) = objects.look(from)? else {
            return Err(gone(&objects.place(from)));
        };
        match objects.look(to)? {
            Some(copy) if copy.may_be_copy_of(&original) => Ok(()),
            _ => Err(Error::failed(format!(
                "{} should be a copy of {} by now, and is none: the store did not do what it said, or somebody else \
                 changes the files meanwhile",
                objects.place(to),
                objects.place(from)
            ))
            .hint("see that nobody does, stop Strapi if it is that, and run it again")),
        }
    }

    /// Copies an object to the place of a file, with what files get there.
    fn copy(&self, lease: &Lease, from: &str, path: &str, media: Option<&str>) -> Result<bool> {
        lease.check()?;
        let how = self.place.attributes(media);
        let there = self.place.there(path);
        self.place.objects.copy(from, &there, Some(&how))
    }

    /// Writes down that the database has committed: from now on nothing is copied any more.
    ///
    /// # Errors
    /// It cannot be written, or the lease is lost.
    pub fn mark_done(&self, lease: &Lease) -> Result<()> {
        lease.check()?;
        let how = self.place.own_attributes(Some("text/plain"));
        let key = self.place.own(DONE);
        self.place.objects.put(&key, Body::Bytes(b""), &how)
    }

    /// Puts everything back, whatever stands there: the swap has just gone wrong. Can be repeated.
    ///
    /// # Errors
    /// An object cannot be copied or deleted, or the lease is lost.
    pub fn undo(&self, lease: &Lease) -> Result<()> {
        self.undo_all(lease, false)
    }

    /// The same some time later: what somebody has written since stays.
    ///
    /// # Errors
    /// As those of [`undo`](Self::undo).
    pub fn undo_later(&self, lease: &Lease) -> Result<()> {
        self.undo_all(lease, true)
    }

    fn undo_all(&self, lease: &Lease, heeds_others: bool) -> Result<()> {
        let pace = self.place.pace;
        let back = match self.token {
            Some(_) => self.moves.overwritten(),
            None => self.moves.outgoing.iter().map(String::as_str).collect(),
        };
        // Whatever fails, all others are put back.
        let first = Mutex::new(None);
        let keep_first = |outcome: Result<()>| {
            if let Err(error) = outcome {
                let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(error);
            }
            Ok(())
        };
        each(&back, pace.telling, |path| {
            keep_first(self.put_back(lease, path, heeds_others))
        })?;
        // A journal that was damaged does not say where nothing was.
        let added = match self.token {
            Some(_) => self.moves.added(),
            None => Vec::new(),
        };
        each(&added, pace.telling, |path| {
            keep_first(self.take_away(lease, path, heeds_others))
        })?;
        let first = first.into_inner();
        first
            .unwrap_or_else(PoisonError::into_inner)
            .map_or(Ok(()), Err)
    }

    /// Puts the object back that was overwritten, unless it was not yet.
    fn put_back(&self, lease: &Lease, path: &str, heeds_others: bool) -> Result<()> {
        let objects = &self.place.objects;
        let (aside, there) = (self.place.aside(path), self.place.there(path));
        // Without it, what stands there was not overwritten.
        let Some(old) = objects.look(&aside)? else {
            return Ok(());
        };
        let now = objects.look(&there)?;
        let is_back = now.is_some_and(|now| now.is_as(&old));
        if is_back || (heeds_others && self.is_of_somebody_else(path)?) {
            return Ok(());
        }
        lease.check()?;
        // It has all that it had, but not who may read it: that is copied nowhere.
        match objects.copy_as_it_is(&aside, &there, &self.place.attributes(None))? {
            true => self.check_copy(&aside, &there),
            false => Err(gone(&objects.place(&aside))),
        }
    }

    /// Deletes an object that came where nothing was.
    fn take_away(&self, lease: &Lease, path: &str, heeds_others: bool) -> Result<()> {
        if heeds_others && self.is_of_somebody_else(path)? {
            return Ok(());
        }
        lease.check()?;
        self.place.objects.remove(&self.place.there(path))
    }

    /// Whether what stands at a path is certainly not what the restore has put there.
    fn is_of_somebody_else(&self, path: &str) -> Result<bool> {
        let objects = &self.place.objects;
        let Some(now) = objects.look(&self.place.there(path))? else {
            return Ok(false);
        };
        let new = objects.look(&self.place.waiting(path))?;
        Ok(new.is_some_and(|new| !now.may_be_copy_of(&new)))
    }

    /// Completes what the database has committed, and writes that down. Can be repeated.
    ///
    /// # Errors
    /// An object is missing, or cannot be copied or deleted; or the lease is lost.
    pub fn finish(&self, lease: &Lease) -> Result<()> {
        let Place { objects, pace, .. } = &self.place;
        // After that the site may have changed its files.
        if !self.is_done {
            let missing = Mutex::new(Vec::new());
            each(&self.moves.incoming, pace.telling, |path| {
                let waiting = self.place.waiting(path);
                let there = objects.look(&self.place.there(path))?;
                match (objects.look(&waiting)?, there) {
                    (Some(new), there) if there.as_ref().is_none_or(|it| is_older(it, &new)) => {
                        match self.copy(lease, &waiting, path, new.media_type.as_deref())? {
                            true => self.check_copy(&waiting, &self.place.there(path))?,
                            false => return Err(gone(&objects.place(&waiting))),
                        }
                    }
                    (None, None) => {
                        let mut missing = missing.lock().unwrap_or_else(PoisonError::into_inner);
                        missing.push(objects.place(&self.place.there(path)));
                    }
                    _ => {}
                }
                Ok(())
            })?;
            let missing = missing.into_inner();
            let mut missing = missing.unwrap_or_else(PoisonError::into_inner);
            if !missing.is_empty() {
                missing.sort();
                return Err(Error::failed(format!(
                    "a restore has committed, and of its files these are neither in their places nor in {}:",
                    objects.place(&self.place.own("new/"))
                ))
                .listing(missing)
                .hint("put files with these names there, and run backup recover again"));
            }
            self.mark_done(lease)?;
        }
        self.delete_what_leaves(lease)
    }

    /// Deletes the files that go and are not overwritten. One that was written since then is another, and stays.
    ///
    /// # Errors
    /// An object cannot be deleted, or the lease is lost.
    pub fn delete_what_leaves(&self, lease: &Lease) -> Result<()> {
        let Place { objects, pace, .. } = &self.place;
        each(&self.moves.leaving(), pace.telling, |path| {
            let there = self.place.there(path);
            if let Some(journal) = self.written {
                let now = objects.look(&there)?;
                let written = now.and_then(|now| now.modified);
                if written.is_some_and(|written| written > journal) {
                    return Ok(());
                }
            }
            lease.check()?;
            objects.remove(&there)
        })
    }

    /// Deletes what is kept of it.
    ///
    /// # Errors
    /// Something cannot be deleted, or the lease is lost.
    pub fn forget(&self, lease: &Lease) -> Result<()> {
        forget(&self.place, lease)
    }
}

/// Deletes what is kept at a place. The journal goes first: whatever is left then, nobody copies any more.
///
/// # Errors
/// Something cannot be deleted, or the lease is lost.
pub(super) fn forget(place: &Place, lease: &Lease) -> Result<()> {
    lease.check()?;
    place.objects.remove(&place.own(JOURNAL))?;
    lease.clear().map(drop)
}

/// A text without its last line, and that line; both with their ends.
fn split_last(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (last, before) = text.split_last()?;
    let start = before.iter().rposition(|byte| *byte == b'\n')?;
    (*last == b'\n').then(|| text.split_at(start + 1))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether an object was there before another one.
fn is_older(own: &About, other: &About) -> bool {
    match (own.modified, other.modified) {
        (Some(own), Some(other)) => own < other,
        _ => false,
    }
}

fn gone(place: &str) -> Error {
    Error::failed(format!(
        "{place} is gone, which was there a moment ago: somebody else changes the files meanwhile"
    ))
    .hint("see that nobody does, stop Strapi if it is that, and run it again")
}
