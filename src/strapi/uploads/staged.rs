//! Stages the files of the media library beside the old ones, and swaps them in.
//!
//! The staging folder lies inside the upload folder: that is often a mounted volume, which cannot be
//! renamed itself, and a rename must not leave its file system.

use super::journal::{self, Journal};
use super::{PendingSwap, StagedUploads};
use crate::error::{Error, Result};
use crate::model::{STAGING_PREFIX, is_file_name};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Files that wait to be swapped in. Dropped before the swap is final, everything is as it was.
pub(super) struct StagedFiles {
    uploads: PathBuf,
    staging: Option<tempfile::TempDir>,
    /// Files that go even if none of their name comes.
    replaced: BTreeSet<String>,
    /// The swap, from when its first file moves until it is final.
    swap: Option<Journal>,
}

impl StagedFiles {
    /// Nothing staged yet. Files that are added stand beside the old ones.
    pub fn new(uploads: PathBuf) -> Self {
        Self {
            uploads,
            staging: None,
            replaced: BTreeSet::new(),
            swap: None,
        }
    }

    /// Files that are added replace those of these names as well.
    ///
    /// # Errors
    /// The upload folder cannot be written to.
    pub fn replace(&mut self, names: BTreeSet<String>) -> Result<()> {
        self.replaced = names;
        self.staging().map(drop)
    }

    fn staging(&mut self) -> Result<&Path> {
        if self.staging.is_none() {
            let uploads = &self.uploads;
            sweep(uploads)?;
            let create = || -> io::Result<tempfile::TempDir> {
                fs::create_dir_all(uploads)?;
                let folder = tempfile::Builder::new()
                    .prefix(STAGING_PREFIX)
                    .tempdir_in(uploads)?;
                fs::create_dir(folder.path().join("new"))?;
                fs::create_dir(folder.path().join("old"))?;
                Ok(folder)
            };
            let folder = create()
                .map_err(|error| Error::io("write into the upload folder", uploads, error))?;
            self.staging = Some(folder);
        }
        Ok(self.staging.as_ref().expect("it was just made").path())
    }
}

impl StagedUploads for StagedFiles {
    fn add(&mut self, filename: &str, content: &mut dyn Read) -> Result<()> {
        if !is_file_name(filename) {
            return Err(Error::archive(format!(
                "the archive holds a file named \"{filename}\", which is no file name"
            )));
        }
        let path = self.staging()?.join("new").join(filename);
        let mut write = || -> io::Result<()> {
            let mut file = File::create(&path)?;
            io::copy(content, &mut file)?;
            Ok(())
        };
        write().map_err(|error| {
            Error::from_io(error, |error| Error::io("write the file", &path, error))
        })
    }

    fn is_empty(&self) -> bool {
        self.staging.is_none()
    }

    fn swap_in(&mut self, token: &str) -> Result<()> {
        let Some(staging) = self.staging.as_ref().map(|folder| folder.path().to_owned()) else {
            return Ok(());
        };
        let incoming = names(&staging.join("new"))?;
        let outgoing: BTreeSet<&String> = self
            .replaced
            .iter()
            .chain(&incoming)
            .filter(|name| self.uploads.join(name).symlink_metadata().is_ok())
            .collect();
        let outgoing = outgoing.into_iter().cloned().collect();
        sync(&staging.join("new"))?;
        let journal = Journal::begin(&staging, &self.uploads, token, outgoing, incoming)?;
        self.swap.insert(journal).advance()
    }

    fn settle(&mut self) -> Result<()> {
        if let Some(swap) = &self.swap {
            swap.mark_done()?;
        }
        self.swap = None;
        Ok(())
    }

    fn leave(&mut self) {
        self.swap = None;
        if let Some(staging) = self.staging.take() {
            let _ = staging.keep();
        }
    }

    fn forget_old(&mut self) -> Option<String> {
        let staging = self.staging.take()?.keep();
        let error = journal::forget(&staging).err()?;
        Some(error.to_string())
    }
}

impl Drop for StagedFiles {
    fn drop(&mut self) {
        let Some(swap) = self.swap.take() else {
            return;
        };
        // Whoever drops it half-way has an error to report; the next run tries again.
        let is_undone = swap.undo().and_then(|()| swap.forget()).is_ok();
        if !is_undone {
            self.leave();
        }
    }
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
    let mut swept = 0;
    for staging in staging_folders(uploads)? {
        if Journal::read(&staging, uploads)?.is_none() {
            journal::forget(&staging)?;
            swept += 1;
        }
    }
    Ok(swept)
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
    for name in names(folder)? {
        File::open(folder.join(name))
            .and_then(|file| file.sync_all())
            .map_err(fail)?;
    }
    drop(open);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uploads(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("written");
        }
        folder
    }

    fn listing(folder: &Path) -> Vec<(String, String)> {
        let mut files: Vec<(String, String)> = names(folder)
            .expect("names")
            .into_iter()
            .map(|name| {
                let text = fs::read_to_string(folder.join(&name)).unwrap_or_default();
                (name, text)
            })
            .collect();
        files.sort();
        files
    }

    fn expect(folder: &Path, files: &[(&str, &str)]) {
        let files: Vec<(String, String)> = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        assert_eq!(listing(folder), files);
    }

    /// What rows of the media library name.
    fn known() -> BTreeSet<String> {
        ["a", "b", "gone"].map(str::to_owned).into()
    }

    #[test]
    fn a_swap_leaves_the_new_files_and_what_is_none_of_the_media_librarys() {
        let strangers = [(".gitkeep", ""), (".htaccess", "deny"), ("stranger", "s")];
        let folder = uploads(&[&strangers[..], &[("a", "old"), ("b", "old")]].concat());
        let mut staged = StagedFiles::new(folder.path().to_owned());
        staged.replace(known()).expect("a staging folder");
        staged.add("b", &mut &b"new"[..]).expect("added");
        staged.swap_in("token").expect("swapped");
        staged.settle().expect("settled");
        assert_eq!(staged.forget_old(), None);
        drop(staged);
        expect(
            folder.path(),
            &[
                (".gitkeep", ""),
                (".htaccess", "deny"),
                ("b", "new"),
                ("stranger", "s"),
            ],
        );
    }

    #[test]
    fn a_swap_that_is_not_made_final_is_undone() {
        let files = [(".gitkeep", ""), ("a", "old"), ("b", "old")];
        let folder = uploads(&files);
        let mut staged = StagedFiles::new(folder.path().to_owned());
        staged.replace(known()).expect("a staging folder");
        staged.add("b", &mut &b"new"[..]).expect("added");
        staged.swap_in("token").expect("swapped");
        drop(staged);
        expect(folder.path(), &files);
    }

    #[test]
    fn without_replacing_only_files_of_the_same_name_go() {
        let folder = uploads(&[("a", "old"), ("b", "old")]);
        let mut staged = StagedFiles::new(folder.path().to_owned());
        staged.add("b", &mut &b"new"[..]).expect("added");
        staged.swap_in("token").expect("swapped");
        staged.settle().expect("settled");
        assert_eq!(staged.forget_old(), None);
        drop(staged);
        expect(folder.path(), &[("a", "old"), ("b", "new")]);
    }

    #[test]
    fn what_a_killed_restore_left_is_swept_away_unless_it_moved_files() {
        let folder = uploads(&[("a", "old")]);
        let left = folder.path().join(".backup-restore-x");
        for part in ["new", "old"] {
            fs::create_dir_all(left.join(part)).expect("made");
        }
        let mut staged = StagedFiles::new(folder.path().to_owned());
        staged.replace(known()).expect("a staging folder");
        assert!(!left.exists());
        staged.swap_in("token").expect("swapped");
        staged.leave();
        assert!(!folder.path().join("a").exists());
        let mut other = StagedFiles::new(folder.path().to_owned());
        other.replace(known()).expect("a staging folder");
        let pending = pending(folder.path()).expect("journals");
        assert_eq!(pending.len(), 1);
        pending[0].undo().expect("undone");
        assert!(folder.path().join("a").exists());
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let folder = uploads(&[]);
        let mut staged = StagedFiles::new(folder.path().to_owned());
        for name in ["", "../x", "a/b", "a\\b"] {
            assert!(staged.add(name, &mut &b""[..]).is_err(), "{name}");
        }
    }
}
