//! Stages the files of the media library beside the old ones, and swaps them in.
//!
//! The staging folder lies inside the upload folder: that is often a mounted volume, which cannot be
//! renamed itself, and a rename must not leave its file system.

use super::held::{self, Held};
use super::journal::{self, Journal, Moves};
use super::paths::{exists, files_below, make_folders, stays_inside};
use super::{PendingSwap, Staged, StagedUploads, wanted};
use crate::error::{Error, Result};
use crate::model::STAGING_PREFIX;
use crate::store::Owner;
use rustix::fs::{Access, access};
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The mode of a staging folder: what waits in it is nobody else's business yet.
const STAGING_MODE: u32 = 0o700;

/// The bytes that a name may have on the usual file systems.
const LONGEST_NAME: usize = 255;

/// Bytes of a file that are read and written at once.
const BLOCK: usize = 128 << 10;

/// Files that wait to be swapped in. Dropped before the swap is final, everything is as it was.
pub(super) struct StagedFiles {
    uploads: PathBuf,
    how: Staged,
    staging: Option<tempfile::TempDir>,
    /// Keeps others from the staging folder.
    held: Option<Held>,
    /// How many files could not get the owner, group and mode that they should have.
    others: u64,
    /// How many bytes came that were only counted.
    counted: u64,
    /// Files that go even if none comes to their paths.
    replaced: BTreeSet<String>,
    /// The swap, from when its first file moves until it is final.
    swap: Option<Journal>,
}

impl StagedFiles {
    /// Nothing staged yet.
    pub fn new(uploads: PathBuf, how: Staged) -> Self {
        Self {
            uploads,
            how,
            staging: None,
            held: None,
            others: 0,
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
    fn add(&mut self, paths: &[String], size: u64, content: &mut dyn Read) -> Result<()> {
        for path in paths {
            if !stays_inside(path) || path.split('/').any(|name| name.len() > LONGEST_NAME) {
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
        let name = waiting.display();
        let bytes = size.saturating_mul(paths.len() as u64);
        let bytes = bytes.saturating_add(self.counted);
        wanted(&self.uploads, bytes, "the files of the media library")?;
        let mut file = match self.how {
            Staged::Kept => Some(
                File::create(&waiting)
                    .map_err(|error| Error::io("write the file", &waiting, error))?,
            ),
            Staged::Counted => None,
        };
        let mut block = vec![0; BLOCK];
        loop {
            let length = match content.read(&mut block) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Error::from_io(error, |error| {
                        Error::archive(format!("cannot read what is to be {name}: {error}"))
                    }));
                }
            };
            match &mut file {
                Some(file) => file
                    .write_all(&block[..length])
                    .map_err(|error| Error::io("write the file", &waiting, error))?,
                None => self.counted += length as u64,
            }
        }
        for other in others {
            let other = self.waiting(other)?;
            if file.is_some() {
                fs::copy(&waiting, &other)
                    .map_err(|error| Error::io("write the file", &other, error))?;
            }
        }
        Ok(())
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
    let mut swept = 0;
    for staging in staging_folders(uploads)? {
        let _held = held::hold(&staging)?;
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
    for path in files_below(folder)? {
        File::open(folder.join(path))
            .and_then(|file| file.sync_all())
            .map_err(fail)?;
    }
    drop(open);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

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

    fn kept(folder: &Path) -> StagedFiles {
        StagedFiles::new(folder.to_owned(), Staged::Kept)
    }

    fn add(staged: &mut StagedFiles, path: &str, text: &str) -> Result<()> {
        staged.add(&[path.to_owned()], text.len() as u64, &mut text.as_bytes())
    }

    /// What rows of the media library name.
    fn known() -> BTreeSet<String> {
        ["a", "b", "gone"].map(str::to_owned).into()
    }

    #[test]
    fn a_swap_leaves_the_new_files_and_what_is_none_of_the_media_librarys() {
        let strangers = [(".gitkeep", ""), (".htaccess", "deny"), ("stranger", "s")];
        let folder = uploads(&[&strangers[..], &[("a", "old"), ("b", "old")]].concat());
        let mut staged = kept(folder.path());
        staged.replace(known()).expect("a staging folder");
        add(&mut staged, "b", "new").expect("added");
        staged.swap_in("token", "database").expect("swapped");
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
        let mut staged = kept(folder.path());
        staged.replace(known()).expect("a staging folder");
        add(&mut staged, "b", "new").expect("added");
        staged.swap_in("token", "database").expect("swapped");
        drop(staged);
        expect(folder.path(), &files);
    }

    #[test]
    fn without_replacing_only_files_of_the_same_name_go() {
        let folder = uploads(&[("a", "old"), ("b", "old")]);
        let mut staged = kept(folder.path());
        add(&mut staged, "b", "new").expect("added");
        staged.swap_in("token", "database").expect("swapped");
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
        let mut staged = kept(folder.path());
        staged.replace(known()).expect("a staging folder");
        assert!(!left.exists());
        staged.swap_in("token", "database").expect("swapped");
        staged.leave();
        assert!(!folder.path().join("a").exists());
        let mut other = kept(folder.path());
        other.replace(known()).expect("a staging folder");
        let pending = pending(folder.path()).expect("journals");
        assert_eq!(pending.len(), 1);
        pending[0].undo().expect("undone");
        assert!(folder.path().join("a").exists());
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let folder = uploads(&[]);
        let mut staged = kept(folder.path());
        for name in [
            "",
            "../x",
            "a/../../b",
            "a\\b",
            "/etc/x",
            ".backup-restore-x/new/a",
        ] {
            assert!(add(&mut staged, name, "").is_err(), "{name}");
        }
    }

    #[test]
    fn files_in_folders_come_and_go_and_an_undo_leaves_no_folder() {
        let folder = uploads(&[("a", "old")]);
        fs::create_dir(folder.path().join("2023")).expect("made");
        fs::write(folder.path().join("2023/b"), "old").expect("written");
        for commits in [false, true] {
            let mut staged = kept(folder.path());
            let replaced = BTreeSet::from(["a".to_owned(), "2023/b".to_owned()]);
            staged.replace(replaced).expect("a staging folder");
            let paths = ["2024/05/c".to_owned(), "a".to_owned()];
            staged.add(&paths, 3, &mut &b"new"[..]).expect("added");
            staged.swap_in("token", "database").expect("swapped");
            if commits {
                staged.settle().expect("settled");
                assert_eq!(staged.forget_old(), None);
            }
            drop(staged);
            let files = files_below(folder.path()).expect("files");
            let files: BTreeSet<&str> = files.iter().map(String::as_str).collect();
            let expected = match commits {
                false => ["2023/b", "a"],
                true => ["2024/05/c", "a"],
            };
            assert_eq!(files, expected.into());
            assert_eq!(folder.path().join("2024").exists(), commits);
        }
        let text = fs::read_to_string(folder.path().join("2024/05/c")).expect("text");
        assert_eq!(text, "new");
    }

    #[test]
    fn a_file_keeps_the_mode_of_what_it_replaces_else_that_of_the_folder() {
        let folder = uploads(&[("a", "old")]);
        let mode = |name: &str| {
            let metadata = fs::metadata(folder.path().join(name)).expect("metadata");
            metadata.permissions().mode() & 0o777
        };
        let set = |path: &Path, mode| {
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
        };
        set(&folder.path().join("a"), 0o640);
        set(folder.path(), 0o770);
        let mut staged = kept(folder.path());
        for name in ["a", "b"] {
            add(&mut staged, name, "new").expect("added");
        }
        let staging = staged.staging().expect("a staging folder");
        let hidden = fs::metadata(staging).expect("metadata").permissions();
        assert_eq!(hidden.mode() & 0o777, STAGING_MODE);
        staged.swap_in("token", "database").expect("swapped");
        staged.settle().expect("settled");
        assert_eq!((mode("a"), mode("b")), (0o640, 0o660));
    }

    /// The mode and, where the test may give files away, the owner of a file or folder.
    fn whose(path: &Path) -> (u32, u32) {
        let metadata = fs::metadata(path).expect("metadata");
        (metadata.mode() & 0o777, metadata.uid())
    }

    /// Gives a folder another mode, and to somebody else where the test may.
    fn give_away(folder: &Path, mode: u32) {
        let _ = std::os::unix::fs::chown(folder, Some(65534), None);
        fs::set_permissions(folder, Permissions::from_mode(mode)).expect("set");
    }

    #[test]
    fn a_new_file_in_a_folder_is_that_folders_and_not_that_of_all_uploads() {
        let folder = uploads(&[]);
        let sub = folder.path().join("2023");
        fs::create_dir(&sub).expect("made");
        give_away(&sub, 0o770);
        let mut staged = kept(folder.path());
        for path in ["2023/a", "2023/05/b", "c"] {
            add(&mut staged, path, "new").expect("added");
        }
        staged.swap_in("token", "database").expect("swapped");
        staged.settle().expect("settled");
        let owner = whose(&sub).1;
        for (path, mode) in [("2023/a", 0o660), ("2023/05", 0o770), ("2023/05/b", 0o660)] {
            assert_eq!(whose(&folder.path().join(path)), (mode, owner), "{path}");
        }
        let (mode, owner) = whose(folder.path());
        assert_eq!(whose(&folder.path().join("c")), (mode & 0o666, owner));
    }

    #[test]
    fn an_upload_folder_that_is_made_is_that_of_the_folder_it_lies_in() {
        let folder = uploads(&[]);
        give_away(folder.path(), 0o750);
        let expected = whose(folder.path());
        let made = folder.path().join("public/uploads");
        let mut staged = kept(&made);
        add(&mut staged, "a", "new").expect("added");
        staged.swap_in("token", "database").expect("swapped");
        staged.settle().expect("settled");
        for path in [&made, &folder.path().join("public")] {
            assert_eq!(whose(path), expected, "{}", path.display());
        }
        assert_eq!(whose(&made.join("a")), (0o640, expected.1));
    }

    #[test]
    fn what_stands_in_the_way_is_named_before_anything_is_staged() {
        let folder = uploads(&[("file", "own")]);
        fs::create_dir(folder.path().join("folder")).expect("made");
        for how in [Staged::Kept, Staged::Counted] {
            for name in ["folder", "file/new"] {
                let mut staged = StagedFiles::new(folder.path().to_owned(), how);
                let error = add(&mut staged, name, "new").expect_err("refused");
                assert!(error.to_string().contains("stands where"), "{error}");
            }
            let mut staged = StagedFiles::new(folder.path().to_owned(), how);
            add(&mut staged, &"x".repeat(256), "new").expect_err("too long");
        }
        expect(folder.path(), &[("file", "own"), ("folder", "")]);
    }

    #[test]
    fn files_that_are_only_counted_leave_nothing() {
        let folder = uploads(&[("a", "old")]);
        let mut staged = StagedFiles::new(folder.path().to_owned(), Staged::Counted);
        add(&mut staged, "b", "new").expect("counted");
        let error = staged
            .add(&["c".to_owned()], u64::MAX - 3, &mut &b""[..])
            .expect_err("no room");
        assert!(error.to_string().contains("no room"), "{error}");
        drop(staged);
        expect(folder.path(), &[("a", "old")]);
    }
}
