//! Summaries beside archives on this machine: what has the name of one is looked at before an archive comes, and goes
//! before that takes its own name.

use crate::error::{Error, Result};
use crate::store::{
    Access, Ending, FileNames, Location, Receipt, Target, folder_of, open_plain, sync_folder,
    write_small,
};
use crate::transfer::summary::Summary;
use rustix::io::Errno;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Sees that a summary can be laid beside an archive on this machine, and replaces nothing else without `overwrite`.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): something that is no summary of this archive has the name, or nothing can
/// have it. Else what has it cannot be read.
pub(super) fn check(archive: &Path, overwrite: bool) -> Result<()> {
    let path = summary_path(archive);
    match Neighbour::of(archive) {
        Neighbour::Nothing | Neighbour::Summary(_) => {}
        Neighbour::Unreadable(error)
            if error.raw_os_error() == Some(Errno::NAMETOOLONG.raw_os_error()) =>
        {
            return Err(Error::usage(format!(
                "the name of the summary of {}, {}, is longer than names can be",
                archive.display(),
                path.display()
            ))
            .hint("choose a shorter name with --file"));
        }
        _ if overwrite => {}
        Neighbour::Unreadable(error) => {
            return Err(Error::io("read the summary", &path, error));
        }
        Neighbour::Foreign(_) | Neighbour::Other => {
            return Err(Error::usage(format!(
                "{} is there already, and is no summary of {}",
                path.display(),
                archive.display()
            ))
            .hint("choose another name with --file, or replace it with --overwrite"));
        }
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
    Summary(Vec<u8>),
    /// Something else.
    Foreign(Vec<u8>),
    /// What is no file, or longer than any summary.
    Other,
    /// It cannot be known.
    Unreadable(io::Error),
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
            Ok(text) if is_summary_of(&text, &name) => Self::Summary(text),
            Ok(text) => Self::Foreign(text),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Nothing,
                // The system has nothing against it: it is a link, a folder, a pipe.
                _ if error.raw_os_error().is_none() => Self::Other,
                _ => Self::Unreadable(error),
            },
        }
    }
}

/// Takes the summary of an earlier archive of this name away, and what is none only with `overwrite`. Gives what stood in
/// it, where there was one.
///
/// # Errors
/// It cannot be removed.
pub(super) fn take_away(archive: &Path, overwrite: bool) -> Result<Option<Vec<u8>>> {
    let text = match Neighbour::of(archive) {
        Neighbour::Summary(text) => text,
        // It may be in a format of later versions.
        Neighbour::Foreign(text) if overwrite => text,
        _ => return Ok(None),
    };
    let path = summary_path(archive);
    std::fs::remove_file(&path)
        .map_err(|error| Error::io("remove the summary of an earlier archive,", &path, error))?;
    sync_folder(folder_of(&path))?;
    Ok(Some(text))
}

/// A file that takes the summary of an earlier archive away before it takes that one's name: it would vouch for this
/// one.
pub(super) struct Summarised {
    pub file: Box<dyn Target>,
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
        let Some(text) = take_away(&archive, self.names.overwrite)? else {
            return self.file.publish(ending);
        };
        let published = self.file.publish(ending);
        if published.is_err() && self.receipt.written().is_none() {
            // What it is of is there still.
            let location = Location::Path(summary_path(&archive));
            let _ = write_small(&location, &Access::default(), text);
        }
        published
    }
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
            compressed: false,
        });
        summary.to_json()
    }

    /// Sees at the end that nothing has the name of the summary any more, and fails where it is to.
    struct Ends {
        summary: PathBuf,
        fails: bool,
    }

    impl Write for Ends {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Target for Ends {
        fn name(&self) -> String {
            "site.tar".into()
        }

        fn spool_folder(&self) -> &Path {
            Path::new(".")
        }

        fn publish(self: Box<Self>, _ending: Ending) -> Result<()> {
            assert!(!self.summary.exists());
            match self.fails {
                true => Err(Error::failed("no room")),
                false => Ok(()),
            }
        }
    }

    #[test]
    fn an_old_summary_does_not_vouch_for_a_new_archive() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        let summary = summary_path(&path);
        for fails in [true, false] {
            std::fs::write(&summary, summary_of("site.tar")).expect("written");
            let target = Summarised {
                file: Box::new(Ends {
                    summary: summary.clone(),
                    fails,
                }),
                names: FileNames::replacing(&path),
                receipt: Receipt::default(),
            };
            let published = Box::new(target).publish(Ending::Complete);
            // Where the old archive stays, so does its summary.
            assert_eq!(published.is_err(), fails);
            assert_eq!(summary.exists(), fails);
        }
    }

    #[test]
    fn what_is_no_summary_of_an_archive_is_not_taken_for_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        check(&path, false).expect("nothing is there");
        let texts = [
            "mine".to_owned(),
            summary_of("other.tar"),
            summary_of("site.tar"),
        ];
        for text in texts {
            std::fs::write(summary_path(&path), &text).expect("written");
            let is_ours = text == summary_of("site.tar");
            assert_eq!(check(&path, false).is_ok(), is_ours, "{text}");
        }
    }
    #[test]
    fn a_name_that_is_too_long_for_a_summary_is_not_said_to_be_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x".repeat(240) + ".tar");
        for overwrite in [false, true] {
            let error = check(&path, overwrite).expect_err("the name is too long");
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.to_string().contains("longer than"), "{error}");
        }
        std::fs::create_dir(folder.path().join("site.tar.summary.json")).expect("made");
        let path = folder.path().join("site.tar");
        let error = check(&path, false).expect_err("it is taken");
        assert!(error.to_string().contains("is there already"), "{error}");
    }
}
