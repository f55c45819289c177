//! The media library of a project as a whole: its own folder, the bucket that its provider keeps files in, and what is
//! served by URL alone.

use super::paths::{LONGEST_NAME, stays_inside};
use super::provider::{FileAt, Provider};
use super::remote::{Remote, by_url, from_object};
use super::{
    Held, LOCAL_PROVIDER, Links, LocalUploads, Opened, PendingSwap, Staged, StagedUploads, Uploads,
    bucket,
};
use crate::effort::Effort;
use crate::error::{Error, Kind, Result};
use crate::store::Access;
use crate::store::media::{Guard, Objects, Web};
use crate::strapi::config::{ConfigError, Upload};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The bytes that a key may have in S3; others take more.
const LONGEST_KEY: usize = 1024;
/// How often in a row a host may keep somebody waiting for nothing before it is not asked any more.
const MOST_FAILURES: u32 = 3;
/// How long it takes to be kept waiting.
const SLOW: Duration = Duration::from_secs(5);

/// How files are found that do not lie on this machine.
#[derive(Debug, Clone, Default)]
pub struct MediaOptions {
    /// Whether hosts in private networks are asked for files as well.
    pub private_hosts: bool,
    /// Where files go that the project's provider takes from nobody but Strapi.
    pub aside: Option<PathBuf>,
}

/// Where the project's provider keeps what is uploaded.
enum Home {
    /// In the upload folder.
    Local,
    /// In a bucket.
    Bucket(Cloud),
    /// Nowhere that this program writes to; why, and what to do about it.
    Elsewhere { why: String, advice: String },
}

/// A bucket, and the rules of the provider that keeps files there.
struct Cloud {
    provider: Provider,
    objects: Mutex<Option<Arc<dyn Objects>>>,
}

/// The media library of a project.
pub(in crate::strapi) struct Library {
    local: LocalUploads,
    home: Home,
    access: Access,
    options: MediaOptions,
    web: Mutex<Option<Arc<Web>>>,
    /// How often in a row hosts kept somebody waiting for nothing.
    silent: Mutex<BTreeMap<String, u32>>,
}

impl Library {
    /// The files of a project below this public folder that is set up with this provider, on this major version of
    /// Strapi.
    pub fn new(
        public: &Path,
        upload: &Result<Upload, ConfigError>,
        major: u64,
        links: Links,
        access: Access,
        options: MediaOptions,
    ) -> Self {
        let elsewhere = |why: String| Home::Elsewhere {
            why,
            advice: "restore everything else with --exclude files, or put the files into a folder with \
                     --files-to"
                .into(),
        };
        let home = match upload {
            Ok(upload) if upload.provider == LOCAL_PROVIDER => Home::Local,
            Ok(upload) => match Provider::of(upload, major) {
                Some(Ok(provider)) => Home::Bucket(Cloud {
                    provider,
                    objects: Mutex::default(),
                }),
                Some(Err(error)) => elsewhere(error.to_string()),
                None => elsewhere(format!(
                    "the project keeps its uploads with the provider `{}`, which takes files from Strapi alone",
                    upload.provider
                )),
            },
            Err(error) => elsewhere(format!(
                "it cannot be told where the project keeps its uploads: {error}"
            )),
        };
        Self {
            local: LocalUploads::new(public, links),
            home,
            access,
            options,
            web: Mutex::default(),
            silent: Mutex::default(),
        }
    }

    fn cloud(&self) -> Option<&Cloud> {
        match &self.home {
            Home::Bucket(cloud) => Some(cloud),
            Home::Local | Home::Elsewhere { .. } => None,
        }
    }

    fn objects(&self, cloud: &Cloud) -> Result<Arc<dyn Objects>> {
        let mut objects = locked(&cloud.objects);
        if let Some(objects) = &*objects {
            return Ok(Arc::clone(objects));
        }
        Ok(Arc::clone(
            objects.insert(cloud.provider.connect(&self.access)?),
        ))
    }

    /// Files by URL; hosts that the project's own options name may be anywhere.
    fn web(&self) -> Result<Arc<Web>> {
        let mut web = locked(&self.web);
        if let Some(web) = &*web {
            return Ok(Arc::clone(web));
        }
        let guard = Guard {
            private_hosts: self.options.private_hosts,
            own: self
                .cloud()
                .map_or_else(Vec::new, |cloud| cloud.provider.hosts()),
        };
        Ok(Arc::clone(
            web.insert(Arc::new(Web::new(&self.access, guard)?)),
        ))
    }

    /// Opens a file of the bucket by its key, as far as that is allowed.
    fn from_bucket(&self, cloud: &Cloud, file: &FileAt) -> Result<Remote> {
        let objects = match self.objects(cloud) {
            Ok(objects) => objects,
            Err(error) => return Ok(Remote::Unknown(error.to_string())),
        };
        let at_url = cloud.provider.key_at(&file.url);
        let is_there = at_url.is_some();
        let key = at_url.unwrap_or_else(|| cloud.provider.key_of(file));
        let place = objects.place(&key);
        let host = || format!("{place:.0}{}", cloud.provider.name);
        if let Some(why) = self.silence(&host()) {
            return Ok(Remote::Unknown(why));
        }
        let began = Instant::now();
        let opened = objects.open(&key);
        self.heard(&host(), began, opened.is_ok());
        Ok(match opened {
            Ok(Some(content)) => Remote::Found(from_object(content, file, place)),
            Ok(None) if is_there => Remote::Missing(format!("there is no {place}")),
            Ok(None) => Remote::Unknown(format!("there is no {place}")),
            Err(error) if error.kind() == Kind::Interrupted => return Err(error),
            Err(error) => Remote::Unknown(error.to_string()),
        })
    }

    /// Opens a file by its url.
    fn from_web(&self, file: &FileAt) -> Result<Result<Opened, String>> {
        let host = url::Url::parse(&file.url).ok();
        let host = host.and_then(|url| Some(url.host_str()?.to_owned()));
        let host = host.unwrap_or_default();
        if let Some(why) = self.silence(&host) {
            return Ok(Err(why));
        }
        let began = Instant::now();
        let opened = by_url(self.web()?.as_ref(), file)?;
        self.heard(&host, began, opened.is_ok());
        Ok(opened)
    }

    /// Why a host is not asked any more.
    fn silence(&self, host: &str) -> Option<String> {
        let silent = locked(&self.silent);
        let is_silent = silent.get(host).is_some_and(|count| *count >= MOST_FAILURES);
        is_silent.then(|| {
            format!("{host} did not answer {MOST_FAILURES} times in a row, and is not asked any more")
        })
    }

    fn heard(&self, host: &str, began: Instant, is_well: bool) {
        let mut silent = locked(&self.silent);
        if is_well {
            silent.remove(host);
        } else if began.elapsed() > SLOW {
            *silent.entry(host.to_owned()).or_default() += 1;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
