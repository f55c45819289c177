//! A store in memory, which can fail or die at any request.

use crate::error::{Error, Kind, Result};
use crate::store::media::{About, Attributes, Body, Content, Objects, Unfinished};
use md5::{Digest, Md5};
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

/// When in a request something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Before it has any effect.
    Before,
    /// Its effect is there, and its answer is lost.
    After,
}

/// What happens at a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// This one fails.
    Fails,
    /// This one fails, and all that come after it.
    Dies,
}

#[derive(Debug, Clone)]
pub(super) struct Object {
    pub bytes: Vec<u8>,
    pub how: Attributes,
    modified: SystemTime,
    etag: Option<String>,
}

#[derive(Debug, Clone)]
struct State {
    objects: BTreeMap<String, Object>,
    now: SystemTime,
    requests: usize,
    trouble: Option<(usize, When, Trouble)>,
    is_dead: bool,
    /// Uploads that nobody ended.
    uploads: Vec<Unfinished>,
    /// Why no object is listed, where that is refused.
    lists_nothing: bool,
    /// What it refuses: the kind of request, and whether that is only so where everybody is to read the object.
    refused: Option<(&'static str, bool)>,
    /// Whether its answers do not say when they were given.
    hides_time: bool,
    /// The end of the key to which copies are told to be made, and are not.
    lies_of: Option<&'static str>,
    /// What comes in place of objects with these ends of keys, and how many times.
    answers: Option<(&'static str, usize)>,
    /// What was done with which key.
    log: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Fake(Mutex<State>);

impl Clone for Fake {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.state().clone()))
    }
}

impl Fake {
    /// One with these objects, by their keys.
    pub fn new(objects: &[(&str, &str)]) -> Self {
        let own = Self(Mutex::new(State {
            objects: BTreeMap::new(),
            now: SystemTime::UNIX_EPOCH,
            requests: 0,
            trouble: None,
            is_dead: false,
            uploads: Vec::new(),
            lists_nothing: false,
            refused: None,
            hides_time: false,
            lies_of: None,
            answers: None,
            log: Vec::new(),
        }));
        for (key, text) in objects {
            own.set(key, text.as_bytes());
        }
        own
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics with it")
    }

    /// Puts an object there, as somebody else does.
    pub fn set(&self, key: &str, bytes: &[u8]) {
        self.state()
            .write(key, bytes.to_vec(), Attributes::default());
    }

    pub fn set_attributes(&self, key: &str, how: Attributes) {
        let mut state = self.state();
        state.objects.get_mut(key).expect("an object").how = how;
    }

    pub fn set_etag(&self, key: &str, etag: &str) {
        let mut state = self.state();
        state.objects.get_mut(key).expect("an object").etag = Some(etag.to_owned());
    }

    pub fn get(&self, key: &str) -> Option<Object> {
        self.state().objects.get(key).cloned()
    }

    /// Begins an upload that nobody ends.
    pub fn begin(&self, key: &str) {
        let (key, id) = (key.to_owned(), key.to_owned());
        self.state().uploads.push(Unfinished { key, id });
    }

    /// The keys of those.
    pub fn begun(&self) -> Vec<String> {
        let state = self.state();
        state.uploads.iter().map(|it| it.key.clone()).collect()
    }

    pub fn delete(&self, key: &str) {
        self.state().objects.remove(key);
    }

    /// All objects, as text.
    pub fn texts(&self) -> BTreeMap<String, String> {
        let state = self.state();
        let texts = state.objects.iter().map(|(key, object)| {
            (
                key.clone(),
                String::from_utf8_lossy(&object.bytes).into_owned(),
            )
        });
        texts.collect()
    }

    pub fn keys(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    pub fn refuse_lists(&self) {
        self.state().lists_nothing = true;
    }

    /// Refuses requests of a kind, or those alone that let everybody read the object.
    pub fn refuse(&self, what: &'static str, only_public: bool) {
        self.state().refused = Some((what, only_public));
    }

    fn check(&self, what: &str, key: &str, how: Option<&Attributes>) -> Result<()> {
        let is_public = how.is_some_and(|how| how.acl.is_some());
        match self.state().refused {
            Some((refused, only_public)) if refused == what && (is_public || !only_public) => {
                Err(Error::failed(format!("may not {what} {key}")).denied())
            }
            _ => Ok(()),
        }
    }

    pub fn hide_time(&self) {
        self.state().hides_time = true;
    }

    /// Tells of copies to keys with this end, and makes none.
    pub fn lie_of(&self, end: Option<&'static str>) {
        self.state().lies_of = end;
    }

    /// Gives a page in place of what is read from a key with this end, so many times.
    pub fn answer_with_a_page(&self, end: &'static str, times: usize) {
        self.state().answers = Some((end, times));
    }

    /// From the n-th request from now on there is trouble.
    pub fn trouble(&self, after: usize, when: When, what: Trouble) {
        let mut state = self.state();
        let at = state.requests + after;
        state.trouble = Some((at, when, what));
    }

    /// Answers again, some time later. Says whether it did not before.
    pub fn revive(&self, later: Duration) -> bool {
        let mut state = self.state();
        state.now += later;
        state.trouble = None;
        std::mem::take(&mut state.is_dead)
    }

    fn request<T>(&self, what: &str, key: &str, act: impl FnOnce(&mut State) -> T) -> Result<T> {
        let mut state = self.state();
        let lost = || Error::failed(format!("no answer to {what} {key}"));
        if state.is_dead {
            return Err(lost());
        }
        let number = state.requests;
        state.requests += 1;
        state.now += Duration::from_millis(1);
        let trouble = state.trouble.filter(|(at, _, _)| *at == number);
        let Some((_, when, trouble)) = trouble else {
            state.log.push(format!("{what} {key}"));
            return Ok(act(&mut state));
        };
        if when == When::After {
            act(&mut state);
        }
        state.is_dead = trouble == Trouble::Dies;
        Err(lost())
    }
}

impl State {
    fn write(&mut self, key: &str, bytes: Vec<u8>, how: Attributes) {
        let digest = Md5::digest(&bytes);
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let object = Object {
            bytes,
            how,
            modified: self.now,
            etag: Some(format!("\"{digits}\"")),
        };
        self.objects.insert(key.to_owned(), object);
    }

    fn about(&self, key: &str) -> Option<About> {
        let object = self.objects.get(key)?;
        Some(About {
            size: Some(object.bytes.len() as u64),
            etag: object.etag.clone(),
            media_type: object.how.media_type.clone(),
            opaque: false,
            modified: Some(object.modified),
            now: (!self.hides_time).then_some(self.now),
        })
    }
}

impl Objects for Fake {
    fn place(&self, key: &str) -> String {
        format!("fake://bucket/{key}")
    }

    fn look(&self, key: &str) -> Result<Option<About>> {
        self.request("look", key, |state| state.about(key))
    }

    fn open(&self, key: &str) -> Result<Option<Content>> {
        self.request("open", key, |state| {
            let mut bytes = state.objects.get(key)?.bytes.clone();
            let mut about = state.about(key)?;
            if let Some((end, times)) = &mut state.answers
                && key.ends_with(*end)
                && *times > 0
            {
                *times -= 1;
                bytes = b"<html>log in</html>".to_vec();
                about = About {
                    size: Some(bytes.len() as u64),
                    ..About::default()
                };
            }
            Some(Content {
                about,
                bytes: Box::new(Cursor::new(bytes)),
            })
        })
    }

    fn put(&self, key: &str, body: Body<'_>, how: &Attributes) -> Result<()> {
        let bytes = match body {
            Body::Bytes(bytes) => bytes.to_vec(),
            Body::File(mut file, size) => {
                let mut bytes = Vec::new();
                file.rewind().expect("a file");
                file.take(size).read_to_end(&mut bytes).expect("a file");
                bytes
            }
        };
        self.check("put", key, Some(how))?;
        self.request("put", key, |state| state.write(key, bytes, how.clone()))
    }

    fn copy(&self, from: &str, to: &str, how: Option<&Attributes>) -> Result<bool> {
        self.check("copy", to, how)?;
        self.request("copy", to, |state| {
            let Some(object) = state.objects.get(from).cloned() else {
                return false;
            };
            if state.lies_of.is_some_and(|end| to.ends_with(end)) {
                return true;
            }
            // As in S3: the list of who may read it is never copied.
            let own = Attributes {
                acl: None,
                ..object.how
            };
            state.write(to, object.bytes, how.cloned().unwrap_or(own));
            true
        })
    }

    fn copy_as_it_is(&self, from: &str, to: &str, how: &Attributes) -> Result<bool> {
        let own = self.get(from).map_or_else(Attributes::default, |it| it.how);
        let how = Attributes {
            acl: how.acl.clone(),
            more: how.more.clone(),
            ..own
        };
        self.copy(from, to, Some(&how))
    }

    fn remove(&self, key: &str) -> Result<()> {
        self.check("remove", key, None)?;
        self.request("remove", key, |state| {
            state.objects.remove(key);
        })
    }

    fn unfinished(&self, prefix: &str) -> Result<Option<Vec<Unfinished>>> {
        self.request("unfinished", prefix, |state| {
            let uploads = state.uploads.iter().cloned();
            Some(uploads.filter(|it| it.key.starts_with(prefix)).collect())
        })
    }

    fn give_up(&self, upload: &Unfinished) -> Result<()> {
        self.request("give up", &upload.key, |state| {
            state.uploads.retain(|it| it != upload);
        })
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, About) -> Result<()>) -> Result<()> {
        let found = self.request("list", prefix, |state| {
            if state.lists_nothing {
                return Err(Error::new(
                    Kind::Failed,
                    "cannot list fake://bucket: refused",
                ));
            }
            let keys = state.objects.keys().filter(|key| key.starts_with(prefix));
            Ok(keys
                .filter_map(|key| Some((key.clone(), state.about(key)?)))
                .collect::<Vec<_>>())
        })??;
        found
            .into_iter()
            .try_for_each(|(key, about)| each(&key, about))
    }
}
