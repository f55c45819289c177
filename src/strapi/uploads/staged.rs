//! Stages the files of the media library beside the old ones, and swaps them in.
//!
//! The staging folder lies inside the upload folder: that is often a mounted volume, which cannot be
//! renamed itself, and a rename must not leave its file system.

use super::held::{self, Held};
use super::journal::{self, Journal, Moves};
use super::paths::{can_be, exists, files_below, make_folders, stays_inside};
use super::writer::{BLOCK, FileWriters};
use super::{PendingSwap, Staged, StagedUploads};
use crate::effort::Effort;
use crate::error::{Error, Result};
use crate::model::{Asset, STAGING_PREFIX};
use crate::room::wanted;
use crate::store::Owner;
use rustix::fs::{Access, access};
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The mode of a staging folder: what waits in it is nobody else's business yet.
const STAGING_MODE: u32 = 0o700;

/// Files that wait to be swapped in. Dropped before the swap is final, everything is as it was.
pub(super) struct StagedFiles {
    uploads: PathBuf,
    how: Staged,
    staging: Option<tempfile::TempDir>,
    /// Keeps others from the staging folder.
    held: Option<Held>,
    /// How many files could not get the owner, group and mode that they should have.
    others: u64,
    /// Writes what comes.
    writers: FileWriters,
    /// How many bytes came that were only counted.
    counted: u64,
    /// Files that go even if none comes to their paths.
    replaced: BTreeSet<String>,
    /// The swap, from when its first file moves until it is final.
    swap: Option<Journal>,
}

impl StagedFiles {
    /// Nothing staged yet.
    pub fn new(uploads: PathBuf, how: Staged, effort: &Effort) -> Self {
        Self {
            uploads,
            how,
            staging: None,
            held: None,
            others: 0,
            writers: FileWriters::new(effort),
            counted: 0,
            replaced: BTreeSet::new(),
            swap: None,
        }
    }

    fn staging(&mut self) -> Result<&Path> {
        if self.staging.is_none() {
            let uploads = &self.uploads;
            if self.how == Staged::Kept {
                sweep(uploads)?;
            }
            let create = || -> io::Result<tempfile::TempDir> {
                make_folders(uploads)?;
                let folder = tempfile::Builder::new()
                    .prefix(STAGING_PREFIX)
                    .permissions(Permissions::from_mode(STAGING_MODE))
                    .tempdir_in(uploads)?;
                fs::create_dir(folder.path().join("new"))?;
                fs::create_dir(folder.path().join("old"))?;
                Ok(folder)
            };
            let folder = create()
                .map_err(|error| Error::io("write into the upload folder", uploads, error))?;
            self.held = Some(held::make(folder.path())?);
            self.staging = Some(folder);
        }
        Ok(self.staging.as_ref().expect("it was just made").path())
    }

    /// Where a file waits that is going to lie at this path.
    fn waiting(&mut self, path: &str) -> Result<PathBuf> {
        if self.how == Staged::Counted {
            self.check_writable()?;
            return Ok(self.uploads.join(path));
        }
        let new = self.staging()?.join("new");
        let waiting = new.join(path);
        match waiting.parent() {
            Some(folder) if folder != new => fs::create_dir_all(folder)
                .map_err(|error| Error::io("make the folder", folder, error))?,
            _ => {}
        }
        Ok(waiting)
    }

    /// What has to move so that the staged files are in their places.
    fn moves(&self, staging: &Path) -> Result<Moves> {
        let incoming = files_below(&staging.join("new"))?;
        let mut outgoing = BTreeSet::new();
        let mut made = BTreeSet::new();
        for path in &incoming {
            let there = self.uploads.join(path);
            if exists(&there) {
                self.check_may_come(path)?;
                outgoing.insert(path);
            }
            for folder in Path::new(path).ancestors().skip(1) {
                if !folder.as_os_str().is_empty() && !exists(&self.uploads.join(folder)) {
                    made.extend(folder.to_str().map(str::to_owned));
                }
            }
        }
        let is_file = |path: &&String| {
            let there = self.uploads.join(path).symlink_metadata();
            there.is_ok_and(|there| !there.is_dir())
        };
        outgoing.extend(self.replaced.iter().filter(is_file));
        Ok(Moves {
            made: made.into_iter().collect(),
            outgoing: outgoing.into_iter().cloned().collect(),
            incoming,
        })
    }

    /// Sees that the upload folder can be written to, or made, and makes nothing.
    fn check_writable(&self) -> Result<()> {
        let fail = |error| Error::io("write into the upload folder", &self.uploads, error);
        let there = self.uploads.ancestors().find(|folder| exists(folder));
        let there = there.unwrap_or(Path::new("."));
        if !there.is_dir() {
            return Err(fail(io::ErrorKind::AlreadyExists.into()));
        }
        access(there, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| fail(error.into()))
    }

    /// Sees that a file can come to a path: no folder stands there, nor a file where its folder has to be.
    fn check_may_come(&self, path: &str) -> Result<()> {
        let in_the_way = Path::new(path).ancestors().find(|part| {
            let there = self.uploads.join(part).symlink_metadata();
            let is_own = *part == Path::new(path);
            there.is_ok_and(|there| there.is_dir() == is_own)
        });
        let Some(part) = in_the_way.filter(|part| !part.as_os_str().is_empty()) else {
            return Ok(());
        };
        Err(Error::failed(format!(
            "{} stands where the file {path} of the archive has to be",
            self.uploads.join(part).display()
        ))
        .hint("move it away, or restore everything else with --exclude files"))
    }

    /// Gives the files that wait, and the folders for those that go, what they need before they move.
    fn prepare(&mut self, staging: &Path, moves: &Moves) -> Result<()> {
        for path in &moves.incoming {
            let there = self.uploads.join(path);
            let replaced = there.symlink_metadata().ok();
            // Folders that are made get theirs from the one they lie in.
            let folder = || {
                there
                    .ancestors()
                    .skip(1)
                    .find_map(|it| fs::metadata(it).ok())
            };
            let replaced = replaced.filter(fs::Metadata::is_file);
            let is_replaced = replaced.is_some();
            let owner = match replaced {
                Some(replaced) => Some(Owner::of_file(&replaced)),
                None => folder().map(|folder| Owner::in_folder(&folder)),
            };
            let waiting = staging.join("new").join(path);
            // That a new file is not the folder's group's is nothing to be told.
            if owner.is_some_and(|owner| !owner.give(&waiting)) && is_replaced {
                self.others += 1;
            }
        }
        for path in &moves.outgoing {
            let aside = staging.join("old").join(path);
            if let Some(parent) = aside.parent() {
                fs::create_dir_all(parent)
                    .map_err(|error| Error::io("make the folder", parent, error))?;
            }
        }
        Ok(())
    }
}

impl StagedUploads for StagedFiles {
    fn add(&mut self, paths: &[String], asset: &Asset, content: &mut dyn Read) -> Result<()> {
        let size = asset.size;
        for path in paths {
            if !(stays_inside(path) && can_be(&self.uploads, path)) {
                return Err(Error::archive(format!(
                    "the archive holds a file named \"{path}\", which is no file name"
                )));
            }
            self.check_may_come(path)?;
        }
        let Some((first, others)) = paths.split_first() else {
            return Ok(());
        };
        let waiting = self.waiting(first)?;
        let name = waiting.display().to_string();
        let bytes = size.saturating_mul(paths.len() as u64);
        let bytes = bytes.saturating_add(self.counted);
        wanted(&self.uploads, bytes, "the files of the media library")?;
        let others = others.iter().map(|path| self.waiting(path));
        let others = others.collect::<Result<Vec<_>>>()?;
        let mut writer = match self.how {
            Staged::Kept => Some(self.writers.next(paths)?),
            Staged::Counted => None,
        };
        if let Some(writer) = &mut writer {
            writer.create(waiting)?;
        }
        loop {
            let length = usize::try_from(size).map_or(BLOCK, |size| size.clamp(1, BLOCK));
            let mut block = Vec::with_capacity(length);
            let read = (&mut *content).take(BLOCK as u64).read_to_end(&mut block);
            read.map_err(|error| {
                Error::from_io(error, |error| {
                    Error::archive(format!("cannot read what is to be {name}: {error}"))
                })
            })?;
            let is_last = block.len() < BLOCK;
            match &mut writer {
                Some(writer) => writer.write(block)?,
                None => self.counted += block.len() as u64,
            }
            if is_last {
                break;
            }
        }
        match writer {
            Some(writer) => others.into_iter().try_for_each(|path| writer.copy(path)),
            None => Ok(()),
        }
    }

    fn written(&mut self) -> Result<()> {
        self.writers.finish()
    }

    fn replace(&mut self, paths: BTreeSet<String>) -> Result<()> {
        self.replaced = paths;
        self.staging().map(drop)
    }

    fn is_empty(&self) -> bool {
        self.staging.is_none()
    }

    fn of_other_owners(&self) -> u64 {
        self.others
    }

    fn swap_in(&mut self, token: &str, database: &str) -> Result<()> {
        let Some(staging) = self.staging.as_ref().map(|folder| folder.path().to_owned()) else {
            return Ok(());
        };
        self.writers.finish()?;
        let moves = self.moves(&staging)?;
        self.prepare(&staging, &moves)?;
        sync(&staging.join("new"))?;
        let journal = Journal::begin(&staging, &self.uploads, [token, database], moves)?;
        self.swap.insert(journal).advance()
    }

    fn settle(&mut self) -> Result<()> {
        if let Some(swap) = &self.swap {
            swap.mark_done()?;
        }
        self.swap = None;
        Ok(())
    }

    fn put_back(&mut self) -> Result<(), String> {
        let Some(swap) = self.swap.take() else {
            return Ok(());
        };
        swap.undo().and_then(|()| swap.forget()).map_err(|error| {
            self.leave();
            format!("{error}; those not in their places are in {}", swap.kept())
        })
    }

    fn leave(&mut self) -> Option<String> {
        if let Some(staging) = self.staging.take() {
            let _ = staging.keep();
        }
        self.held = None;
        self.swap.take().map(|swap| swap.kept())
    }

    fn forget_old(&mut self) -> Option<String> {
        let staging = self.staging.take()?.keep();
        let error = journal::forget(&staging).err()?;
        Some(error.to_string())
    }
}

impl Drop for StagedFiles {
    fn drop(&mut self) {
        let _ = self.writers.finish();
        // Whoever drops it half-way has an error to report; the next run tries again.
        let _ = self.put_back();
        // The journal may be written, also where its swap could not begin; it goes first, or all stays.
        if let Some(staging) = self.staging.take() {
            let _ = journal::forget(&staging.keep());
        }
    }
}

/// Holds all staging folders of an upload folder.
pub(super) fn hold(uploads: &Path) -> Result<Vec<Held>> {
    let folders = staging_folders(uploads)?.into_iter();
    folders
        .filter_map(|staging| held::hold(&staging).transpose())
        .collect()
}

/// Swaps that were begun in an upload folder and did not end.
pub(super) fn pending(uploads: &Path) -> Result<Vec<Journal>> {
    let mut journals = Vec::new();
    for staging in staging_folders(uploads)? {
        journals.extend(Journal::read(&staging, uploads)?);
    }
    Ok(journals)
}

/// Deletes what runs left that were killed before they moved any file, or when they deleted the old
/// ones; says how many there were.
pub(super) fn sweep(uploads: &Path) -> Result<usize> {
    let left = left(uploads)?;
    for (staging, _held) in &left {
        journal::forget(staging)?;
    }
    Ok(left.len())
}

/// What such runs left, and holds it.
///
/// # Errors
/// A run still works there; the folder cannot be read.
pub(super) fn left(uploads: &Path) -> Result<Vec<(PathBuf, Option<Held>)>> {
    let mut left = Vec::new();
    for staging in staging_folders(uploads)? {
        let held = held::hold(&staging)?;
        if Journal::read(&staging, uploads)?.is_none() {
            left.push((staging, held));
        }
    }
    Ok(left)
}

fn staging_folders(uploads: &Path) -> Result<Vec<PathBuf>> {
    if !uploads.is_dir() {
        return Ok(Vec::new());
    }
    let names = names(uploads)?.into_iter();
    let ours = names.filter(|name| name.starts_with(STAGING_PREFIX));
    let folders = ours.map(|name| uploads.join(name));
    let is_folder = |path: &PathBuf| path.symlink_metadata().is_ok_and(|entry| entry.is_dir());
    Ok(folders.filter(is_folder).collect())
}

/// The names in a folder, as far as they are text: ours are.
fn names(folder: &Path) -> Result<Vec<String>> {
    let read = || -> io::Result<Vec<String>> {
        let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        let names = entries.into_iter().map(|entry| entry.file_name());
        Ok(names.filter_map(|name| name.into_string().ok()).collect())
    };
    read().map_err(|error| Error::io("read the upload folder", folder, error))
}

/// Sees that what was written to a folder's file system is on disk.
fn sync(folder: &Path) -> Result<()> {
    let fail = |error: io::Error| Error::io("write to disk", folder, error);
    let open = File::open(folder).map_err(fail)?;
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(&open).map_err(|error| fail(error.into()))?;
    #[cfg(not(target_os = "linux"))]
    for path in files_below(folder)? {
        File::open(folder.join(path))
            .and_then(|file| file.sync_all())
            .map_err(fail)?;
    }
    drop(open);
    Ok(())
}

#[cfg(test)]
mod tests;
