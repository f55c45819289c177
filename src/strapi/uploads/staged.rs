//! Stages the files of the media library beside the old ones, and swaps them in.
//!
//! The staging folder lies inside the upload folder: that is often a mounted volume, which cannot be
//! renamed itself, and a rename must not leave its file system.

use super::StagedUploads;
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How the name of a staging folder begins.
const STAGING_PREFIX: &str = ".backup-restore-";

/// Files that wait to be swapped in. Dropped before the swap is final, everything is as it was.
pub(super) struct StagedFiles {
    uploads: PathBuf,
    staging: Option<tempfile::TempDir>,
    /// Files that go even if none of their name comes.
    replaced: BTreeSet<String>,
    /// Moved out of the upload folder.
    moved_out: Vec<OsString>,
    /// Moved into the upload folder.
    moved_in: Vec<OsString>,
}

impl StagedFiles {
    /// Nothing staged yet. Files that are added stand beside the old ones.
    pub fn new(uploads: PathBuf) -> Self {
        Self {
            uploads,
            staging: None,
            replaced: BTreeSet::new(),
            moved_out: Vec::new(),
            moved_in: Vec::new(),
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
            clean_up(uploads)?;
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
        if filename.is_empty() || filename.contains(['/', '\\', '\0']) || filename.starts_with("..")
        {
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

    fn swap_in(&mut self) -> Result<()> {
        let Some(staging) = self.staging.as_ref().map(|folder| folder.path().to_owned()) else {
            return Ok(());
        };
        let (new, old) = (staging.join("new"), staging.join("old"));
        let incoming = names(&new)?;
        let replaced = self.replaced.iter().map(OsString::from);
        let outgoing: BTreeSet<OsString> = replaced
            .chain(incoming.iter().cloned())
            .filter(|name| self.uploads.join(name).symlink_metadata().is_ok())
            .collect();
        sync(&new)?;
        for name in outgoing {
            rename(&self.uploads.join(&name), &old.join(&name))?;
            self.moved_out.push(name);
        }
        for name in incoming {
            rename(&new.join(&name), &self.uploads.join(&name))?;
            self.moved_in.push(name);
        }
        sync(&self.uploads)
    }

    fn forget_old(&mut self) -> Option<String> {
        self.moved_in.clear();
        self.moved_out.clear();
        let staging = self.staging.take()?;
        let path = staging.path().to_owned();
        let error = staging.close().err()?;
        Some(format!("{}: {error}", path.display()))
    }
}

impl Drop for StagedFiles {
    fn drop(&mut self) {
        let Some(staging) = self.staging.as_ref().map(|folder| folder.path().to_owned()) else {
            return;
        };
        let mut all_back = true;
        for name in self.moved_in.drain(..) {
            all_back &=
                fs::rename(self.uploads.join(&name), staging.join("new").join(&name)).is_ok();
        }
        for name in self.moved_out.drain(..) {
            all_back &=
                fs::rename(staging.join("old").join(&name), self.uploads.join(&name)).is_ok();
        }
        if !all_back && let Some(folder) = self.staging.take() {
            // Better a folder too many than a file lost.
            let _ = folder.keep();
        }
    }
}

/// Deletes what a restore left behind that was killed before it moved any file.
fn clean_up(uploads: &Path) -> Result<()> {
    if !uploads.is_dir() {
        return Ok(());
    }
    for name in names(uploads)? {
        if !name
            .as_encoded_bytes()
            .starts_with(STAGING_PREFIX.as_bytes())
        {
            continue;
        }
        let left = uploads.join(name);
        let old = left.join("old");
        if old.is_dir() && !names(&old)?.is_empty() {
            return Err(Error::failed(format!(
                "a restore was killed while it moved files: {} holds some that were in {}",
                old.display(),
                uploads.display()
            ))
            .hint(format!(
                "move them back where they are missing, then delete {}",
                left.display()
            )));
        }
        fs::remove_dir_all(&left).map_err(|error| Error::io("delete the folder", &left, error))?;
    }
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<OsString>> {
    let read = || -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    };
    read().map_err(|error| Error::io("read the folder", folder, error))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| Error::io("move the file", from, error))
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
                (name.to_string_lossy().into_owned(), text)
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
        staged.swap_in().expect("swapped");
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
        staged.swap_in().expect("swapped");
        drop(staged);
        expect(folder.path(), &files);
    }

    #[test]
    fn without_replacing_only_files_of_the_same_name_go() {
        let folder = uploads(&[("a", "old"), ("b", "old")]);
        let mut staged = StagedFiles::new(folder.path().to_owned());
        staged.add("b", &mut &b"new"[..]).expect("added");
        staged.swap_in().expect("swapped");
        assert_eq!(staged.forget_old(), None);
        drop(staged);
        expect(folder.path(), &[("a", "old"), ("b", "new")]);
    }

    #[test]
    fn what_a_killed_restore_left_is_cleaned_up_unless_it_holds_old_files() {
        let folder = uploads(&[("a", "old")]);
        let left = folder.path().join(".backup-restore-x");
        fs::create_dir_all(left.join("new")).expect("made");
        fs::create_dir_all(left.join("old")).expect("made");
        let mut staged = StagedFiles::new(folder.path().to_owned());
        staged.replace(known()).expect("a staging folder");
        assert!(!left.exists());
        drop(staged);
        fs::create_dir_all(left.join("old")).expect("made");
        fs::write(left.join("old/a"), "old").expect("written");
        let error = StagedFiles::new(folder.path().to_owned())
            .replace(known())
            .expect_err("old files");
        assert!(error.to_string().contains("was killed"), "{error}");
        assert!(left.join("old/a").exists());
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
