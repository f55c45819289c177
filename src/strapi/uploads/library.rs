//! The media library of a project as a whole: its own folder, the bucket that its provider keeps files in, and what is
//! served by URL alone.

use super::aside::{self, AsideFiles};
use super::bucket::Bucket;
use super::cloud::Cloud;
use super::provider::{FileAt, Provider};
use super::remote::{Remote, by_url};
use super::{
    Doubt, Held, LOCAL_PROVIDER, Links, LocalUploads, Opened, PendingSwap, Staged, StagedUploads,
    Uploads, staged,
};
use crate::effort::Effort;
use crate::error::{Error, Result};
use crate::store::Access;
use crate::store::media::{Guard, Web};
use crate::strapi::config::{ConfigError, Upload};
use crate::threads::locked;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// How files are found that do not lie on this machine.
#[derive(Debug, Clone)]
pub struct MediaOptions {
    /// Whether hosts in private networks are asked for files as well.
    pub private_hosts: bool,
    /// The folder that files of a restore go to, in place of that of the project's provider.
    pub aside: Option<PathBuf>,
    /// The folder for a file whose length nobody says, until it is there as a whole.
    pub spool: PathBuf,
}

impl Default for MediaOptions {
    fn default() -> Self {
        Self {
            private_hosts: false,
            aside: None,
            spool: "/tmp".into(),
        }
    }
}

/// Where the project's provider keeps what is uploaded.
enum Home {
    /// In the upload folder.
    Local,
    /// In a bucket.
    Cloud(Box<Cloud>),
    /// Nowhere that this program writes to; why, and what to do about it.
    Elsewhere { why: String, advice: String },
}

/// The media library of a project.
pub(in crate::strapi) struct Library {
    local: LocalUploads,
    home: Home,
    access: Access,
    options: MediaOptions,
    web: Mutex<Option<Arc<Web>>>,
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
                Some(Ok(provider)) => Home::Cloud(Box::new(Cloud::new(provider, access.clone()))),
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
            is_checked: Mutex::default(),
        }
    }

    fn cloud(&self) -> Option<&Cloud> {
        match &self.home {
            Home::Cloud(cloud) => Some(cloud),
            Home::Local | Home::Elsewhere { .. } => None,
        }
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

    /// What there is of restores in the bucket, as far as it can be told.
    fn in_bucket<T>(&self, look: impl Fn(&Bucket) -> Result<Vec<T>>) -> Result<Vec<T>> {
        self.cloud()
            .map_or_else(|| Ok(Vec::new()), |cloud| cloud.look(look))
    }
}

impl Uploads for Library {
    fn place(&self) -> String {
        match self.cloud() {
            None => self.local.place(),
            Some(cloud) => cloud.place(),
        }
    }

    fn check(&self) -> Result<()> {
        self.local.check()
    }

    fn open(&self, file: &FileAt) -> Result<Result<Opened, String>> {
        if file.provider == LOCAL_PROVIDER {
            return self.local.open(file);
        }
        let why = match self.cloud().filter(|cloud| cloud.keeps(file)) {
            Some(cloud) => match cloud.open(file, &self.options.spool)? {
                Remote::Found(opened) => return Ok(opened),
                Remote::Missing(why) => return Ok(Err(why)),
                Remote::Unknown(why) => Some(why),
            },
            None => None,
        };
        let opened = by_url(self.web()?.as_ref(), file, &self.options.spool)?;
        Ok(opened.map_err(|other| match why {
            Some(why) => format!("{why}; and by its url: {other}"),
            None => other,
        }))
    }

    fn path(&self, provider: &str, url: &str) -> Option<String> {
        match &self.home {
            _ if self.keeps_urls() => None,
            Home::Local | Home::Elsewhere { .. } => self.local.path(provider, url),
            Home::Cloud(cloud) => cloud.path(provider, url),
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
            Home::Cloud(cloud) => cloud.check_takes_files(),
        }
    }

    fn keeps_urls(&self) -> bool {
        self.options.aside.is_some()
    }

    fn stage(&self, how: Staged, folder: &Path, effort: &Effort) -> Box<dyn StagedUploads> {
        if let Some(aside) = &self.options.aside {
            return Box::new(AsideFiles::new(aside, how, effort));
        }
        match self.cloud().map(Cloud::bucket) {
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

    fn doubt(&self) -> Option<Doubt> {
        self.cloud()?.doubt()
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
