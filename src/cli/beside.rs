//! Summaries beside archives on this machine: what has the name of one is looked at before an archive comes, and goes
//! before that takes its own name.

use crate::error::{Error, Result};
use crate::store::{
    Aside, Ending, FileNames, FileTarget, Receipt, Target, folder_of, open_plain, sync_folder,
};
use crate::transfer::summary::Summary;
use rustix::io::Errno;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Sees that no summary of an earlier archive stays beside a new one on this machine, and, where one `comes`, that it can be
/// laid there and replaces nothing else without `overwrite`.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): something that is no summary of this archive has the name, or nothing can
/// have it, or a folder does. Else what has it cannot be read.
pub(super) fn check(archive: &Path, comes: bool, overwrite: bool) -> Result<()> {
    let path = summary_path(archive);
    match Neighbour::of(archive) {
        Neighbour::Nothing | Neighbour::Summary => {}
        Neighbour::Impossible if comes => {
            return Err(Error::usage(format!(
                "the name of the summary of {}, {}, is longer than names can be",
                archive.display(),
                path.display()
            ))
            .hint("choose a shorter name with --file"));
        }
        Neighbour::Folder if comes && overwrite => {
            return Err(Error::usage(format!(
                "{} is a folder, and the summary of {} would have that name",
                path.display(),
                archive.display()
            ))
            .hint("choose another name with --file"));
        }
        _ if overwrite => {}
        Neighbour::Unreadable(error) => {
            return Err(Error::io("read the summary", &path, error)
                .also("choose another name with --file, or replace it with --overwrite"));
        }
        Neighbour::Foreign | Neighbour::Folder | Neighbour::Other if comes => {
            return Err(Error::usage(format!(
                "{} is there already, and is no summary of {}",
                path.display(),
                archive.display()
            ))
            .hint("choose another name with --file, or replace it with --overwrite"));
        }
        _ => {}
    }
    Ok(())
}

/// Whether this text is a summary of the archive of this name.
pub(super) fn is_summary_of(text: &[u8], archive: &str) -> bool {
    Summary::parse(text, archive).is_ok_and(|summary| summary.names(archive))
}

/// Where the summary of an archive on this machine is.
pub(super) fn summary_path(archive: &Path) -> PathBuf {
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    archive.with_file_name(Summary::name_for(&name))
}

/// What has the name of the summary of an archive on this machine.
enum Neighbour {
    Nothing,
    /// A summary of an archive of this name.
    Summary,
    /// Something else.
    Foreign,
    Folder,
    /// What is no file, or longer than any summary. No list believes it.
    Other,
    /// It cannot be known.
    Unreadable(io::Error),
    /// The name is too long for anything.
    Impossible,
}

impl Neighbour {
    fn of(archive: &Path) -> Self {
        let path = summary_path(archive);
        let name = archive.file_name().unwrap_or_default().to_string_lossy();
        let read = || -> io::Result<Vec<u8>> {
            let mut text = Vec::new();
            let file = open_plain(OpenOptions::new().read(true), &path)?;
            file.take(Summary::LONGEST + 1).read_to_end(&mut text)?;
            Ok(text)
        };
        match read() {
            Ok(text) if text.len() as u64 > Summary::LONGEST => Self::Other,
            Ok(text) if is_summary_of(&text, &name) => Self::Summary,
            Ok(_) => Self::Foreign,
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Nothing,
                _ if error.raw_os_error() == Some(Errno::NAMETOOLONG.raw_os_error()) => {
                    Self::Impossible
                }
                _ if path.symlink_metadata().is_ok_and(|it| it.is_dir()) => Self::Folder,
                // The system has nothing against it: it is a link, a pipe.
                _ if error.raw_os_error().is_none() => Self::Other,
                _ => Self::Unreadable(error),
            },
        }
    }
}

/// Another run has replaced what this one has written.
pub(super) fn replaced(what: &str) -> Error {
    Error::failed(format!(
        "another run has replaced or removed {what} meanwhile: what this one exported is not there"
    ))
    .hint("let one export at a time write to a name, and run it again")
}

/// The summary of an earlier archive, put aside. It is gone when this is dropped.
pub(super) struct TakenAway {
    summary: Aside,
    archive: PathBuf,
    was: Option<Mark>,
}

/// What tells the file of a name from another one.
type Mark = (u64, u64, u64, i64, i64);

fn mark(path: &Path) -> Option<Mark> {
    let it = path.symlink_metadata().ok()?;
    Some((it.dev(), it.ino(), it.size(), it.mtime(), it.mtime_nsec()))
}

impl TakenAway {
    /// Puts it back where the archive is still the one that it was beside, and no other run has laid its own.
    fn give_back(self) {
        if mark(&self.archive) == self.was {
            self.summary.put_back();
        }
    }
}

/// Takes the summary of an earlier archive of this name away, and what is none, or may not be read, only with `overwrite`.
///
/// # Errors
/// It cannot be removed; or may not be read, and nobody can tell what it says.
pub(super) fn take_away(archive: &Path, overwrite: bool) -> Result<Option<TakenAway>> {
    let path = summary_path(archive);
    match Neighbour::of(archive) {
        Neighbour::Summary => {}
        // It may be in a format of later versions.
        Neighbour::Foreign | Neighbour::Unreadable(_) if overwrite => {}
        Neighbour::Unreadable(error) => {
            return Err(Error::io("read the summary", &path, error)
                .also("choose another name with --file, or replace it with --overwrite"));
        }
        _ => return Ok(None),
    }
    let was = mark(archive);
    let aside = Aside::take(&path)
        .map_err(|error| Error::io("remove the summary of an earlier archive,", &path, error))?;
    let away = aside.map(|summary| TakenAway {
        summary,
        archive: archive.to_owned(),
        was,
    });
    if let Err(error) = sync_folder(folder_of(&path)) {
        if let Some(away) = away {
            away.give_back();
        }
        return Err(error);
    }
    Ok(away)
}

/// A file that takes the summary of an earlier archive away right before it takes that one's name: it would vouch for
/// this one.
pub(super) struct Summarised {
    pub file: FileTarget,
    pub names: FileNames,
    pub receipt: Receipt,
}

impl Write for Summarised {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Target for Summarised {
    fn name(&self) -> String {
        self.file.name()
    }

    fn spool_folder(&self) -> &Path {
        self.file.spool_folder()
    }

    fn publish(self: Box<Self>, ending: Ending) -> Result<()> {
        let archive = match ending {
            Ending::Complete => self.names.complete,
            Ending::Incomplete => self.names.incomplete,
        };
        let overwrite = self.names.overwrite;
        let mut away = None;
        let published = self.file.publish_after(ending, || {
            away = take_away(&archive, overwrite)?;
            Ok(())
        });
        if published.is_err() && self.receipt.written().is_none() {
            // What it is of is there still.
            if let Some(away) = away {
                away.give_back();
            }
            return published;
        }
        drop(away);
        published?;
        settle(&archive, overwrite, &self.receipt)
    }
}

/// Sees that an archive that has its name now is there still, and that no run has laid a summary of another one beside it
/// meanwhile.
fn settle(archive: &Path, overwrite: bool, receipt: &Receipt) -> Result<()> {
    let is_there = || match receipt.is_at(archive)? {
        true => Ok(()),
        false => Err(replaced(&archive.display().to_string())),
    };
    is_there()?;
    // One that comes later is taken back by the run that lays it.
    let Some(other) = take_away(archive, overwrite)? else {
        return Ok(());
    };
    is_there().inspect_err(|_| {
        other.summary.put_back();
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::transfer::summary::ArchiveFacts;
    use jiff::Timestamp;

    /// The summary of an archive of this name.
    fn summary_of(name: &str) -> String {
        let mut summary = Summary::new("export", Timestamp::UNIX_EPOCH, 0);
        summary.archive = Some(ArchiveFacts {
            name: name.into(),
            size: Some(1),
            sha256: None,
            id: None,
            encrypted: false,
            cipher: None,
            recipients: None,
            compressed: false,
        });
        summary.to_json()
    }

    fn begun(path: &Path) -> Box<Summarised> {
        let (names, receipt) = (FileNames::replacing(path), Receipt::default());
        Box::new(Summarised {
            file: FileTarget::create(names.clone(), receipt.clone()).expect("begun"),
            names,
            receipt,
        })
    }

    #[test]
    fn an_old_summary_does_not_vouch_for_a_new_archive() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        let summary = summary_path(&path);
        for fails in [true, false] {
            std::fs::write(&summary, summary_of("site.tar")).expect("written");
            let target = begun(&path);
            if fails {
                std::fs::create_dir(&path).expect("made");
            }
            let published = target.publish(Ending::Complete);
            // Where the old archive stays, so does its summary.
            assert_eq!(published.is_err(), fails);
            assert_eq!(summary.exists(), fails);
            let names = std::fs::read_dir(folder.path()).expect("read").count();
            assert_eq!(names, if fails { 2 } else { 1 });
            let _ = std::fs::remove_dir(&path);
        }
    }

    #[test]
    fn a_run_that_fails_does_not_put_its_summary_over_that_of_another_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        let summary = summary_path(&path);
        let taken = || {
            std::fs::write(&path, "old").expect("written");
            std::fs::write(&summary, summary_of("site.tar")).expect("written");
            let taken = take_away(&path, true).expect("taken");
            taken.expect("it is there")
        };
        taken().give_back();
        assert!(summary.exists());
        // The other run has not laid its own yet.
        let away = taken();
        let new = folder.path().join("new");
        std::fs::write(&new, "new").expect("written");
        std::fs::rename(&new, &path).expect("renamed");
        away.give_back();
        assert!(!summary.exists());
        let away = taken();
        std::fs::write(&summary, "newer").expect("written");
        away.give_back();
        assert_eq!(std::fs::read(&summary).expect("read"), b"newer");
        assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 2);
    }

    #[test]
    fn a_summary_that_another_run_laid_too_late_does_not_vouch_for_this_archive() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        let summary = summary_path(&path);
        let target = begun(&path);
        let (names, receipt) = (target.names.clone(), target.receipt.clone());
        target.publish(Ending::Complete).expect("there");
        std::fs::write(&summary, summary_of("site.tar")).expect("written");
        settle(&names.complete, true, &receipt).expect("settled");
        assert!(!summary.exists());
        // What is there now is another run's, and so is what lies beside it.
        std::fs::write(folder.path().join("new"), "new").expect("written");
        std::fs::rename(folder.path().join("new"), &path).expect("renamed");
        std::fs::write(&summary, summary_of("site.tar")).expect("written");
        let error = settle(&names.complete, true, &receipt).expect_err("it is away");
        assert!(error.to_string().contains("another run"), "{error}");
        assert!(summary.exists());
    }

    #[test]
    fn what_is_no_summary_of_an_archive_is_not_taken_for_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        check(&path, true, false).expect("nothing is there");
        let texts = [
            "mine".to_owned(),
            summary_of("other.tar"),
            summary_of("site.tar"),
        ];
        for text in texts {
            std::fs::write(summary_path(&path), &text).expect("written");
            let is_ours = text == summary_of("site.tar");
            assert_eq!(check(&path, true, false).is_ok(), is_ours, "{text}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_for_a_summary_is_not_said_to_be_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x".repeat(240) + ".tar");
        for overwrite in [false, true] {
            let error = check(&path, true, overwrite).expect_err("the name is too long");
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.to_string().contains("longer than"), "{error}");
        }
        std::fs::create_dir(folder.path().join("site.tar.summary.json")).expect("made");
        let path = folder.path().join("site.tar");
        let error = check(&path, true, false).expect_err("it is taken");
        assert!(error.to_string().contains("is there already"), "{error}");
        // Nothing replaces a folder.
        let error = check(&path, true, true).expect_err("it is taken");
        assert_eq!(error.kind(), Kind::Usage);
        check(&path, false, true).expect("nothing comes");
    }
}
