//! The media library of a project as a whole: its own folder, the bucket that its provider keeps files in, and what is
//! served by URL alone.

use super::aside::{self, AsideFiles};
use super::bucket::{Bucket, Layout};
use super::provider::{FileAt, Provider};
use super::remote::{Remote, by_url, from_object};
use super::{
    Held, LOCAL_PROVIDER, Links, LocalUploads, Opened, PendingSwap, Staged, StagedUploads, Uploads,
    staged,
};
use crate::effort::Effort;
use crate::error::{Error, Kind, Result};
use crate::store::Access;
use crate::store::media::{Guard, Objects, Web};
use crate::strapi::config::{ConfigError, Upload};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use url::Url;

/// How often in a row a host may keep somebody waiting for nothing before it is not asked any more.
const MOST_FAILURES: u32 = 3;
/// How long it takes to be kept waiting.
const SLOW: Duration = Duration::from_secs(5);

/// How files are found that do not lie on this machine.
#[derive(Debug, Clone, Default)]
pub struct MediaOptions {
    /// Whether hosts in private networks are asked for files as well.
    pub private_hosts: bool,
    /// The folder that files of a restore go to, in place of that of the project's provider.
    pub aside: Option<PathBuf>,
}

/// Where the project's provider keeps what is uploaded.
enum Home {
    /// In the upload folder.
    Local,
    /// In a bucket.
    Cloud(Cloud),
    /// Nowhere that this program writes to; why, and what to do about it.
    Elsewhere { why: String, advice: String },
}

/// A bucket, and the rules of the provider that keeps files there.
struct Cloud {
    provider: Provider,
    /// To read from, until the user wants the run to stop.
    objects: Mutex<Option<Arc<dyn Objects>>>,
    /// To restore to.
    bucket: Mutex<Option<Arc<Bucket>>>,
    /// Set once it was seen that files can be restored there.
    takes_files: OnceLock<()>,
    /// Why the bucket cannot be listed.
    doubt: Mutex<Option<(String, Option<String>)>>,
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
    /// Whether the folder that files go to was seen to take them.
    is_checked: Mutex<bool>,
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
            advice:
                "restore everything else with --exclude files, or put the files into a folder with \
                     --files-to"
                    .into(),
        };
        let home = match upload {
            Ok(upload) if upload.provider == LOCAL_PROVIDER => Home::Local,
            Ok(upload) => match Provider::of(upload, major) {
                Some(Ok(provider)) => Home::Cloud(Cloud {
                    provider,
                    objects: Mutex::default(),
                    bucket: Mutex::default(),
                    takes_files: OnceLock::new(),
                    doubt: Mutex::default(),
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
            is_checked: Mutex::default(),
        }
    }

    fn cloud(&self) -> Option<&Cloud> {
        match &self.home {
            Home::Cloud(cloud) => Some(cloud),
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
        let host = format!("the bucket of {}", cloud.provider.name);
        if let Some(why) = self.silence(&host) {
            return Ok(Remote::Unknown(why));
        }
        let began = Instant::now();
        let opened = objects.open(&key);
        self.heard(&host, began, opened.is_ok());
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
        let host = Url::parse(&file.url).ok();
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

    /// The bucket as a place to restore to.
    fn bucket(&self, cloud: &Cloud) -> Result<Arc<Bucket>> {
        let mut bucket = locked(&cloud.bucket);
        if let Some(bucket) = &*bucket {
            return Ok(Arc::clone(bucket));
        }
        let provider = &cloud.provider;
        let objects = self.objects(cloud)?;
        let steady = provider.connect(&self.access.without_interrupt())?;
        let layout = Layout {
            prefix: provider.prefix.clone(),
            attributes: provider.attributes.clone(),
            name: objects.place(&provider.prefix),
        };
        Ok(Arc::clone(
            bucket.insert(Arc::new(Bucket::new(objects, steady, layout))),
        ))
    }

    /// What there is of restores in the bucket, as far as it can be told.
    fn in_bucket<T>(&self, look: impl Fn(&Bucket) -> Result<Vec<T>>) -> Result<Vec<T>> {
        let Some(cloud) = self.cloud() else {
            return Ok(Vec::new());
        };
        if locked(&cloud.doubt).is_some() {
            return Ok(Vec::new());
        }
        match self.bucket(cloud).and_then(|bucket| look(&bucket)) {
            Err(error) if error.kind() == Kind::Failed || error.kind() == Kind::Usage => {
                let advice = error.advice().map(str::to_owned);
                *locked(&cloud.doubt) = Some((error.to_string(), advice));
                Ok(Vec::new())
            }
            looked => looked,
        }
    }

    /// Why a host is not asked any more.
    fn silence(&self, host: &str) -> Option<String> {
        let silent = locked(&self.silent);
        let is_silent = silent
            .get(host)
            .is_some_and(|count| *count >= MOST_FAILURES);
        is_silent.then(|| {
            format!(
                "{host} did not answer {MOST_FAILURES} times in a row, and is not asked any more"
            )
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

impl Uploads for Library {
    fn place(&self) -> String {
        match self.cloud() {
            None => self.local.place(),
            Some(cloud) => match self.bucket(cloud) {
                Ok(bucket) => bucket.name().to_owned(),
                Err(_) => format!("the bucket of {}", cloud.provider.name),
            },
        }
    }

    fn check(&self) -> Result<()> {
        self.local.check()
    }

    fn open(&self, file: &FileAt) -> Result<Result<Opened, String>> {
        if file.provider == LOCAL_PROVIDER {
            return self.local.open(file);
        }
        let why = match self.cloud() {
            Some(cloud)
                if cloud.provider.name == file.provider
                    || cloud.provider.key_at(&file.url).is_some() =>
            {
                match self.from_bucket(cloud, file)? {
                    Remote::Found(opened) => return Ok(opened),
                    Remote::Missing(why) => return Ok(Err(why)),
                    Remote::Unknown(why) => Some(why),
                }
            }
            _ => None,
        };
        let opened = self.from_web(file)?;
        Ok(opened.map_err(|other| match why {
            Some(why) => format!("{why}; and by its url: {other}"),
            None => other,
        }))
    }

    fn path(&self, provider: &str, url: &str) -> Option<String> {
        match &self.home {
            _ if self.keeps_urls() => None,
            Home::Local | Home::Elsewhere { .. } => self.local.path(provider, url),
            Home::Cloud(cloud) => {
                let path = cloud.provider.path_at(url)?;
                let bucket = self.bucket(cloud).ok()?;
                (cloud.provider.name == provider && bucket.takes(&path)).then_some(path)
            }
        }
    }

    fn served(&self, path: &str) -> (String, String) {
        match self.cloud() {
            Some(cloud) => (cloud.provider.name.clone(), cloud.provider.url(path)),
            None => self.local.served(path),
        }
    }

    fn path_for(&self, name: &str) -> String {
        match self.cloud() {
            Some(cloud) => cloud.provider.path_for(name),
            None => self.local.path_for(name),
        }
    }

    fn called(&self) -> String {
        match self.cloud() {
            Some(_) => self.place(),
            None => self.local.called(),
        }
    }

    fn count(&self, paths: &BTreeSet<String>) -> u64 {
        match self.cloud() {
            // All of them have to be asked for; that they are named is what is known.
            Some(_) => paths.len() as u64,
            None => self.local.count(paths),
        }
    }

    fn check_takes_files(&self) -> Result<()> {
        if let Some(folder) = &self.options.aside {
            // Once: from then on there are the files that come.
            let mut is_checked = locked(&self.is_checked);
            if !*is_checked {
                aside::check(folder)?;
                *is_checked = true;
            }
            return Ok(());
        }
        match &self.home {
            Home::Local => Ok(()),
            Home::Elsewhere { why, advice } => Err(Error::failed(why).hint(advice)),
            Home::Cloud(cloud) => {
                if cloud.takes_files.get().is_some() {
                    return Ok(());
                }
                self.in_bucket(Bucket::pending)?;
                match &*locked(&cloud.doubt) {
                    None => {
                        cloud.takes_files.get_or_init(|| ());
                        Ok(())
                    }
                    Some((why, advice)) => {
                        let error = Error::failed(format!("no files can be restored there: {why}"));
                        Err(match advice {
                            Some(advice) => error.hint(advice),
                            None => error.hint("restore everything else with --exclude files"),
                        })
                    }
                }
            }
        }
    }

    fn keeps_urls(&self) -> bool {
        self.options.aside.is_some()
    }

    fn stage(&self, how: Staged, folder: &Path, effort: &Effort) -> Box<dyn StagedUploads> {
        if let Some(aside) = &self.options.aside {
            return Box::new(AsideFiles::new(aside, how, effort));
        }
        match self.cloud().map(|cloud| self.bucket(cloud)) {
            Some(Ok(bucket)) => bucket.stage(how, folder, effort),
            // Without a bucket no file is added.
            Some(Err(_)) | None => self.local.stage(how, folder, effort),
        }
    }

    fn hold(&self) -> Result<Vec<Held>> {
        let mut held = self.local.hold()?;
        held.extend(self.in_bucket(Bucket::hold)?);
        if let Some(folder) = &self.options.aside {
            held.extend(staged::hold(folder)?);
        }
        Ok(held)
    }

    fn pending(&self) -> Result<Vec<Box<dyn PendingSwap>>> {
        let mut pending = self.local.pending()?;
        pending.extend(self.in_bucket(Bucket::pending)?);
        if let Some(folder) = &self.options.aside {
            let journals = staged::pending(folder)?.into_iter();
            pending.extend(journals.map(|journal| Box::new(journal) as Box<dyn PendingSwap>));
        }
        Ok(pending)
    }

    fn left(&self) -> Result<Vec<String>> {
        let mut left = self.local.left()?;
        left.extend(self.in_bucket(Bucket::left)?);
        Ok(left)
    }

    fn doubt(&self) -> Option<String> {
        let doubt = locked(&self.cloud()?.doubt);
        let (why, _) = doubt.as_ref()?;
        Some(format!(
            "it cannot be told whether an earlier restore left something in the bucket: {why}"
        ))
    }

    fn sweep(&self) -> Result<usize> {
        let swept = self.in_bucket(|bucket| Ok(vec![bucket.sweep()?]))?;
        let mut count = self.local.sweep()? + swept.iter().sum::<usize>();
        if let Some(folder) = &self.options.aside {
            count += staged::sweep(folder)?;
        }
        Ok(count)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
