//! The bucket that a project's provider keeps files in: what is read there, and what is to be known of restores.

use super::Doubt;
use super::bucket::{Bucket, Ending, Layout};
use super::provider::{FileAt, Provider};
use super::remote::{Remote, from_object};
use crate::error::{Error, Kind, Result};
use crate::model::STAGING_PREFIX;
use crate::store::Access;
use crate::store::media::Objects;
use crate::threads::locked;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// How often in a row a bucket may keep somebody waiting for nothing before it is not asked any more.
const MOST_FAILURES: u32 = 3;
/// How long it takes to be kept waiting.
const SLOW: Duration = Duration::from_secs(5);

/// A bucket, and the rules of the provider that keeps files there.
pub(super) struct Cloud {
    pub provider: Provider,
    access: Access,
    /// To read from, until the user wants the run to stop; or why it cannot be reached, and what to do.
    objects: Mutex<Option<Result<Arc<dyn Objects>, Doubt>>>,
    /// To restore to.
    bucket: Mutex<Option<Arc<Bucket>>>,
    /// Set once it was seen that files can be restored there.
    takes_files: OnceLock<()>,
    /// Why the bucket cannot be listed.
    doubt: Mutex<Option<Doubt>>,
    /// How often in a row it kept somebody waiting for nothing.
    failures: AtomicU32,
}

impl Cloud {
    /// The bucket of this provider. Nothing is asked of it yet.
    pub fn new(provider: Provider, access: Access) -> Self {
        Self {
            provider,
            access,
            objects: Mutex::default(),
            bucket: Mutex::default(),
            takes_files: OnceLock::new(),
            doubt: Mutex::default(),
            failures: AtomicU32::default(),
        }
    }

    /// What it is called in messages.
    pub fn place(&self) -> String {
        match self.bucket() {
            Ok(bucket) => bucket.name().to_owned(),
            Err(_) => format!("the bucket of {}", self.provider.name),
        }
    }

    fn objects(&self) -> Result<Arc<dyn Objects>> {
        let mut objects = locked(&self.objects);
        // Whoever looks for credentials waits for that, once.
        let connected = objects.get_or_insert_with(|| {
            let connected = self.provider.connect(&self.access);
            connected.map_err(|error| Doubt::of(&error))
        });
        match connected {
            Ok(objects) => Ok(Arc::clone(objects)),
            // Nothing was asked of it yet: it is the credentials that are at fault.
            Err(doubt) => Err(doubt.error().denied()),
        }
    }

    /// The place that files are restored to.
    ///
    /// # Errors
    /// There are no credentials, or they cannot be used.
    pub fn bucket(&self) -> Result<Arc<Bucket>> {
        let mut bucket = locked(&self.bucket);
        if let Some(bucket) = &*bucket {
            return Ok(Arc::clone(bucket));
        }
        let objects = self.objects()?;
        let ending = Ending::new(self.access.interrupt().clone());
        let steady = self
            .provider
            .connect(&self.access.stopped_by(ending.interrupt()))?;
        let layout = Layout {
            prefix: self.provider.prefix.clone(),
            attributes: self.provider.attributes.clone(),
            name: objects.place(&self.provider.prefix),
        };
        Ok(Arc::clone(bucket.insert(Arc::new(Bucket::new(
            objects, steady, ending, layout,
        )))))
    }

    /// Whether a file is one that is looked for here.
    pub fn keeps(&self, file: &FileAt) -> bool {
        self.provider.name == file.provider || self.key_at(&file.url).is_some()
    }

    /// The key of the file at a url, where that is one of the media library's: rows must not have the project's
    /// credentials used for what else lies in its bucket.
    fn key_at(&self, url: &str) -> Option<String> {
        let path = self.provider.path_at(url)?;
        let is_ours = !path.split('/').any(|part| part.starts_with(STAGING_PREFIX));
        is_ours.then(|| format!("{}{path}", self.provider.prefix))
    }

    /// Opens a file by its key, as far as that is allowed. What is not in memory waits in `spool`.
    ///
    /// # Errors
    /// The run is to stop.
    pub fn open(&self, file: &FileAt, spool: &Path) -> Result<Remote> {
        let objects = match self.objects() {
            Ok(objects) => objects,
            Err(error) => return Ok(Remote::Unknown(error.to_string())),
        };
        if self.failures.load(Ordering::Relaxed) >= MOST_FAILURES {
            return Ok(Remote::Unknown(format!(
                "{} did not answer {MOST_FAILURES} times in a row, and is not asked any more",
                self.place()
            )));
        }
        let at_url = self.key_at(&file.url);
        let is_there = at_url.is_some();
        let key = at_url.unwrap_or_else(|| self.provider.key_of(file));
        let place = objects.place(&key);
        let began = Instant::now();
        let opened = objects.open(&key);
        if opened.is_ok() {
            self.failures.store(0, Ordering::Relaxed);
        } else if began.elapsed() > SLOW {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        Ok(match opened {
            Ok(Some(content)) => Remote::Found(from_object(content, file, place, spool)?),
            Ok(None) if is_there => Remote::Missing(format!("there is no {place}")),
            Ok(None) => Remote::Unknown(format!("there is no {place}")),
            Err(error) if error.kind() == Kind::Interrupted => return Err(error),
            Err(error) => Remote::Unknown(error.to_string()),
        })
    }

    /// The path of the file that this provider serves at a url, where it is one that a restore may put there.
    pub fn path(&self, provider: &str, url: &str) -> Option<String> {
        let path = self.provider.path_at(url)?;
        let bucket = self.bucket().ok()?;
        (self.provider.name == provider && bucket.takes(&path)).then_some(path)
    }

    /// What there is of restores, as far as it can be told; see [`doubt`](Self::doubt).
    ///
    /// # Errors
    /// Those that say that a restore goes on, or that the run is to stop.
    pub fn look<T>(&self, look: impl Fn(&Bucket) -> Result<Vec<T>>) -> Result<Vec<T>> {
        if locked(&self.doubt).is_some() {
            return Ok(Vec::new());
        }
        match self.bucket().and_then(|bucket| look(&bucket)) {
            Err(error) if matches!(error.kind(), Kind::Failed | Kind::Usage) => {
                let mut doubt = Doubt::of(&error);
                // What was listed is there: that the rest is refused does not make it none.
                let holds_any = || self.bucket().and_then(|bucket| bucket.holds_any());
                doubt.is_denied &= !holds_any().unwrap_or(false);
                *locked(&self.doubt) = Some(doubt);
                Ok(Vec::new())
            }
            looked => looked,
        }
    }

    /// Why it cannot be told whether earlier restores have ended, where that is so.
    pub fn doubt(&self) -> Option<Doubt> {
        locked(&self.doubt).clone()
    }

    /// Sees that files can be restored there. It is asked once.
    ///
    /// # Errors
    /// It cannot be reached or listed.
    pub fn check_takes_files(&self) -> Result<()> {
        if self.takes_files.get().is_some() {
            return Ok(());
        }
        self.look(Bucket::pending)?;
        match &*locked(&self.doubt) {
            None => {
                self.takes_files.get_or_init(|| ());
                Ok(())
            }
            Some(doubt) => Err(doubt.error().within("no files can be restored there")),
        }
    }
}

impl Doubt {
    fn of(error: &Error) -> Self {
        Self {
            why: error.to_string(),
            advice: error.advice().map(str::to_owned),
            is_denied: error.is_denied(),
        }
    }

    /// The same as an error.
    pub fn error(&self) -> Error {
        let advice = self.advice.as_deref();
        let error = Error::failed(&self.why);
        let error = error.hint(advice.unwrap_or("leave files out with --exclude files"));
        match self.is_denied {
            true => error.denied(),
            false => error,
        }
    }
}
