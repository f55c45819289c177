//! Files of a media library that are put into a folder of nobody's, because the provider of the project takes none from
//! this program, or because that was asked for.
//!
//! They are staged in a hidden folder inside it and moved right before the database commits, as those of an upload
//! folder are; what was moved goes away again where it does not commit. The project has no part in that: a run that
//! finds it half-way learns of the folder from the database, or from whoever names it again.

use super::staged::{self, StagedFiles};
use super::{PendingSwap, Staged, StagedUploads};
use crate::effort::Effort;
use crate::error::{Error, Result};
use crate::model::{Asset, STAGING_PREFIX};
use crate::room::wanted;
use crate::store::{Owner, folder_of, sync_folder};
use rustix::fs::{Access, access};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The mode of a folder that is made for files: what is in it was not for everybody where it was.
const MODE: u32 = 0o700;

/// Sees that files can be put into a folder: it is empty, or can be made.
///
/// # Errors
/// They cannot.
pub(super) fn check(folder: &Path) -> Result<()> {
    let fail = |error| Error::io("put files into the folder", folder, error);
    let may_write = |place: &Path| {
        access(place, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| fail(error.into()))
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = folder_of(folder);
            if !above.is_dir() {
                return Err(fail(error).hint(format!(
                    "make {} first, or name another folder",
                    above.display()
                )));
            }
            return may_write(above);
        }
        Err(error) => return Err(fail(error)),
    };
    for entry in entries {
        let name = entry.map_err(fail)?.file_name();
        // What a restore left there that was killed is seen to when files come.
        if !name.to_string_lossy().starts_with(STAGING_PREFIX) {
            return Err(Error::failed(format!(
                "files are to be put into {}, and that is not empty",
                folder.display()
            ))
            .hint("name a folder with --files-to that is empty or not there yet"));
        }
    }
    may_write(folder)
}

/// The swap of a restore with this token that did not end in a folder, if there is one.
///
/// # Errors
/// It cannot be read.
pub(in crate::strapi) fn pending_aside(
    folder: &Path,
    token: &str,
) -> Result<Vec<Box<dyn PendingSwap>>> {
    let swaps = staged::pending(folder)?.into_iter();
    let own = swaps.filter(|swap| swap.token() == Some(token));
    Ok(own.map(|swap| Box::new(swap) as _).collect())
}

/// Deletes what is left of restores in a folder, as far as nobody works there.
pub(in crate::strapi) fn sweep_aside(folder: &Path) {
    // The files are in their places; nobody has to know.
    let _ = staged::sweep(folder);
}

/// A folder that this run has made; it goes again if nothing comes into it.
struct Made(PathBuf);

impl Drop for Made {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// Files that wait to be put into a folder.
pub(super) struct AsideFiles {
    folder: PathBuf,
    how: Staged,
    count: u64,
    /// How many bytes they have.
    bytes: u64,
    files: StagedFiles,
    /// Goes after what is in it.
    made: Option<Made>,
}

impl AsideFiles {
    /// Nothing staged yet.
    pub fn new(folder: &Path, how: Staged, effort: &Effort) -> Self {
        Self {
            folder: folder.to_owned(),
            how,
            count: 0,
            bytes: 0,
            files: StagedFiles::new(folder.to_owned(), how, effort),
            made: None,
        }
    }

    /// Makes the folder if it is not there, for the owner of the one it lies in alone.
    fn make(&mut self) -> io::Result<()> {
        if self.how == Staged::Counted || self.made.is_some() || self.folder.is_dir() {
            return Ok(());
        }
        let above = folder_of(&self.folder);
        let owner = Owner::of_folder(&fs::metadata(above)?).with_mode(MODE);
        DirBuilder::new().mode(MODE).create(&self.folder)?;
        self.made = Some(Made(self.folder.clone()));
        owner.give(&self.folder);
        Ok(())
    }
}

impl StagedUploads for AsideFiles {
    fn add(&mut self, paths: &[String], asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.make()
            .map_err(|error| Error::io("make the folder", &self.folder, error))?;
        self.count += 1;
        self.bytes = self.bytes.saturating_add(asset.size);
        if !self.folder.is_dir() {
            // It is not made to be looked at.
            let above = folder_of(&self.folder);
            wanted(above, self.bytes, "the files of the media library")?;
        }
        self.files.add(paths, asset, content)
    }

    fn written(&mut self) -> Result<()> {
        self.files.written()
    }

    fn replace(&mut self, _paths: BTreeSet<String>) -> Result<()> {
        Ok(())
    }

    fn remark(&self) -> Option<String> {
        (self.count > 0).then(|| {
            format!(
                "{} come to {}, and to no other place: the rows keep the urls of the archive, so have the \
                 project's provider serve the files there",
                self.count,
                self.folder.display()
            )
        })
    }

    fn is_empty(&self) -> bool {
        // Nothing of the project's own is swapped.
        true
    }

    fn aside(&self) -> Option<&Path> {
        (self.count > 0).then_some(&self.folder)
    }

    fn of_other_owners(&self) -> u64 {
        self.files.of_other_owners()
    }

    fn swap_in(&mut self, token: &str, database: &str) -> Result<()> {
        self.files.swap_in(token, database)?;
        match self.made {
            Some(_) => sync_folder(folder_of(&self.folder)),
            None => Ok(()),
        }
    }

    fn settle(&mut self) -> Result<()> {
        self.files.settle()?;
        // While the database still names the folder.
        self.files.forget_old();
        Ok(())
    }

    fn put_back(&mut self) -> Result<(), String> {
        self.files.put_back()
    }

    fn leave(&mut self) -> Option<String> {
        // There are no old files to tell of.
        self.files.leave();
        None
    }

    fn forget_old(&mut self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn staged(folder: &Path, how: Staged) -> AsideFiles {
        let mut files = AsideFiles::new(folder, how, &Effort::default());
        for name in ["a.png", "b.png"] {
            let asset = Asset {
                filename: name.into(),
                sidecar: "{}".into(),
                size: 4,
            };
            let paths = [name.to_owned()];
            files
                .add(&paths, &asset, &mut &b"file"[..])
                .expect("staged");
        }
        files
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names.map(|it| it.into_string().expect("text")).collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_made_for_its_owner_alone_and_holds_the_files_when_they_are_in() {
        let above = tempfile::tempdir().expect("a folder");
        let folder = above.path().join("aside");
        check(&folder).expect("it can be made");
        let mut files = staged(&folder, Staged::Kept);
        let mode = fs::metadata(&folder).expect("made").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        files.swap_in("token", "database").expect("swapped");
        files.settle().expect("settled");
        assert_eq!(files.forget_old(), None);
        drop(files);
        assert_eq!(names(&folder), ["a.png", "b.png"]);
        let error = check(&folder).expect_err("not empty").to_string();
        assert!(error.contains("is not empty"), "{error}");
    }

    #[test]
    fn what_was_not_made_final_leaves_no_folder_and_a_look_makes_none() {
        let above = tempfile::tempdir().expect("a folder");
        let folder = above.path().join("aside");
        let files = staged(&folder, Staged::Counted);
        assert!(!folder.exists() && files.remark().is_some());
        let mut files = staged(&folder, Staged::Kept);
        files.swap_in("token", "database").expect("swapped");
        assert!(folder.join("a.png").exists());
        drop(files);
        assert_eq!(names(above.path()), [""; 0]);
        // One that was there stays.
        fs::create_dir(&folder).expect("made");
        drop(staged(&folder, Staged::Kept));
        assert_eq!(names(above.path()), ["aside"]);
    }

    #[test]
    fn room_is_looked_for_where_the_folder_is_going_to_be() {
        let above = tempfile::tempdir().expect("a folder");
        let folder = above.path().join("aside");
        let mut files = AsideFiles::new(&folder, Staged::Counted, &Effort::default());
        let asset = Asset {
            filename: "large".into(),
            sidecar: "{}".into(),
            size: u64::MAX,
        };
        let error = files.add(&["large".to_owned()], &asset, &mut io::empty());
        let error = error.expect_err("no room").to_string();
        assert!(error.contains("there is no room"), "{error}");
    }

    #[test]
    fn a_swap_that_was_left_is_found_by_its_token_alone() {
        let above = tempfile::tempdir().expect("a folder");
        let folder = above.path().join("aside");
        let mut files = staged(&folder, Staged::Kept);
        files.swap_in("token", "database").expect("swapped");
        assert_eq!(files.leave(), None);
        drop(files);
        check(&folder).expect_err("it holds the files");
        assert!(pending_aside(&folder, "other").expect("read").is_empty());
        let swaps = pending_aside(&folder, "token").expect("read");
        assert_eq!(swaps.len(), 1);
        swaps[0].undo().expect("undone");
        swaps[0].forget().expect("forgotten");
        check(&folder).expect("it is empty again");
    }

    #[test]
    fn a_folder_whose_own_is_not_there_is_refused() {
        let above = tempfile::tempdir().expect("a folder");
        let error = check(&above.path().join("a/b")).expect_err("no such folder");
        assert!(
            error
                .advice()
                .is_some_and(|advice| advice.contains("make "))
        );
        fs::write(above.path().join("file"), "").expect("written");
        check(&above.path().join("file")).expect_err("a file");
    }
}
