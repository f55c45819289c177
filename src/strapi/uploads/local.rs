//! The `local` upload provider: files below the public folder.

use super::beneath::{NotOpened, open_beneath};
use super::paths::{can_be, leads_elsewhere, stays_inside};
use super::staged::{self, StagedFiles};
use super::{
    FileAt, Held, LOCAL_PROVIDER, Links, Opened, PendingSwap, Staged, StagedUploads, Uploads,
};
use crate::effort::Effort;
use crate::error::{Error, Result};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

/// Where a file that is served at `url` lies below the public folder; `None` where the url leaves
/// that folder.
fn path_of(public: &Path, url: &str) -> Option<PathBuf> {
    let relative = Path::new(url.trim_start_matches('/'));
    let inside = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    (inside && !url.is_empty()).then(|| public.join(relative))
}

/// Whether no file can be opened, because the process or the system has too many open.
fn has_no_descriptors(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE]
        .map(|errno| Some(errno.raw_os_error()))
        .contains(&error.raw_os_error())
}

/// The upload folder of a project.
pub(in crate::strapi) struct LocalUploads {
    public: PathBuf,
    links: Links,
}

impl LocalUploads {
    /// The upload folder below the public folder of a project.
    pub fn new(public: &Path, links: Links) -> Self {
        Self {
            public: public.to_owned(),
            links,
        }
    }

    fn folder(&self) -> PathBuf {
        self.public.join("uploads")
    }

    /// Opens a file below the public folder. Most lie in the upload folder, which may be a link; what is
    /// served beside it stays below the public folder.
    fn open_path(&self, path: &Path) -> Result<File, NotOpened> {
        if self.links == Links::Followed {
            // Before it is opened: opening a pipe waits for whoever writes into it.
            let is_file = fs::metadata(path).map_err(NotOpened::Failed)?.is_file();
            if !is_file {
                return Err(NotOpened::Failed(io::ErrorKind::NotFound.into()));
            }
            return File::open(path).map_err(NotOpened::Failed);
        }
        let uploads = self.folder();
        let (root, inside) = match path.strip_prefix(&uploads) {
            Ok(inside) => (&uploads, inside),
            Err(_) => (
                &self.public,
                path.strip_prefix(&self.public).unwrap_or(path),
            ),
        };
        open_beneath(root, inside)
    }
}

impl Uploads for LocalUploads {
    fn place(&self) -> String {
        self.folder().display().to_string()
    }

    fn check(&self) -> Result<()> {
        let folder = self.folder();
        match fs::read_dir(&folder) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::io("read the upload folder", &folder, error)),
        }
    }

    fn open(&self, FileAt { url, .. }: &FileAt) -> Result<Result<Opened, String>> {
        if url.is_empty() {
            return Ok(Err("it has no url".into()));
        }
        let Some(path) = path_of(&self.public, url) else {
            return Ok(Err("its url leads out of the public folder".into()));
        };
        let open = || -> Result<Opened, NotOpened> {
            let file = self.open_path(&path)?;
            Ok(Opened {
                size: file.metadata().map_err(NotOpened::Failed)?.len(),
                content: Box::new(file),
                place: path.display().to_string(),
                odd: None,
            })
        };
        let opened = match open() {
            // It is not the file that is at fault.
            Err(NotOpened::Failed(error)) if has_no_descriptors(&error) => {
                return Err(Error::io("read the file", &path, error)
                    .hint("let this user have more files open (ulimit -n), and run it again"));
            }
            opened => opened,
        };
        Ok(opened.map_err(|error| match error {
            NotOpened::LeadsOut => format!(
                "{} leads out of the folder by a link; --follow-links takes what it leads to",
                path.display()
            ),
            NotOpened::Failed(error) if error.kind() == io::ErrorKind::NotFound => {
                let what = match fs::symlink_metadata(&path) {
                    Ok(about) if about.is_symlink() => "a link that leads nowhere",
                    Ok(_) => "no file",
                    Err(_) => return format!("there is no {}", path.display()),
                };
                format!("{} is {what}", path.display())
            }
            NotOpened::Failed(error) => Error::io("read the file", &path, error).to_string(),
        }))
    }

    fn path(&self, provider: &str, url: &str) -> Option<String> {
        let path = path_of(&self.public, url).filter(|_| provider == LOCAL_PROVIDER)?;
        let folder = self.folder();
        let inside = path.strip_prefix(&folder).ok()?.to_str()?;
        let is_here =
            can_be(&folder, inside) && stays_inside(inside) && !leads_elsewhere(&folder, inside);
        is_here.then(|| inside.to_owned())
    }

    fn served(&self, path: &str) -> (String, String) {
        (LOCAL_PROVIDER.to_owned(), format!("/uploads/{path}"))
    }

    fn count(&self, paths: &BTreeSet<String>) -> u64 {
        let folder = self.folder();
        let there = |path: &&String| folder.join(path).is_file();
        paths.iter().filter(there).count() as u64
    }

    fn check_takes_files(&self) -> Result<()> {
        Ok(())
    }

    fn stage(&self, how: Staged, _folder: &Path, effort: &Effort) -> Box<dyn StagedUploads> {
        Box::new(StagedFiles::new(self.folder(), how, effort))
    }

    fn hold(&self) -> Result<Vec<Held>> {
        staged::hold(&self.folder())
    }

    fn pending(&self) -> Result<Vec<Box<dyn PendingSwap>>> {
        let journals = staged::pending(&self.folder())?.into_iter();
        Ok(journals.map(|journal| Box::new(journal) as _).collect())
    }

    fn left(&self) -> Result<Vec<String>> {
        let left = staged::left(&self.folder())?;
        let folders = left.into_iter().map(|(folder, _)| folder);
        Ok(folders.map(|folder| folder.display().to_string()).collect())
    }

    fn sweep(&self) -> Result<usize> {
        staged::sweep(&self.folder())
    }
}
