//! Summaries beside archives: what has the name of one is looked at before an archive comes, goes before it takes its
//! name, and is laid when it is there.

use super::place::Place;
use crate::archive::ArchiveName;
use crate::error::{Error, Kind, Result};
use crate::store::{
    Access, Ending, FileNames, Location, Receipt, Target, folder_of, open_plain, sync_folder,
    write_beside, write_small, write_small_beside,
};
use crate::transfer::summary::Summary;
use rustix::io::Errno;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

impl Place {
    /// Sees that a summary can be laid beside what comes here, and replaces nothing else without `overwrite`. For object
    /// stores that is seen to when they are talked to.
    ///
    /// # Errors
    /// Kind [`Usage`](Kind::Usage): something that is no summary of this archive has the name, or nothing can have it.
    /// Else what has it cannot be read.
    pub fn check_summary(&self, overwrite: bool) -> Result<()> {
        let archives = match self {
            Self::File(path) => vec![path.clone(), ArchiveName::incomplete(path)],
            Self::Folder(path) => vec![path.clone()],
            Self::Object(_) | Self::Stdout => return Ok(()),
        };
        for archive in archives {
            let path = summary_path(&archive);
            match Neighbour::of(&archive) {
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
        }
        Ok(())
    }

    /// Lays a summary beside the archive that was written here.
    ///
    /// # Errors
    /// It cannot be written, and the archive stays; or another run has replaced the archive meanwhile.
    pub fn summarise(&self, summary: &Summary, receipt: &Receipt, access: &Access) -> Result<()> {
        let Some(archive) = &summary.archive else {
            return Ok(());
        };
        let name = Summary::name_for(&archive.name);
        let location = match self {
            Self::File(path) | Self::Folder(path) => Location::Path(path.with_file_name(name)),
            Self::Object(object) => Location::Object(object.with_name(&name)),
            Self::Stdout => return Ok(()),
        };
        let text = (summary.to_json() + "\n").into_bytes();
        let wrote = match (self, &location, receipt.written()) {
            (Self::Object(name), Location::Object(beside), Some(written)) => {
                write_beside(beside, (name, &written), access, text)
            }
            (Self::File(path), Location::Path(beside), Some(written)) => {
                let path = path.with_file_name(&written.name);
                write_small_beside(beside, (&path, receipt), &text)
            }
            _ => write_small(&location, access, text).map(|()| true),
        };
        let ours = wrote.map_err(|error| {
            let why = match error.kind() {
                Kind::Interrupted => Error::failed(format!("{location}: interrupted")),
                _ => error,
            };
            let name = &archive.name;
            why.within(format!(
                "the archive {name} is there, but its summary is not"
            ))
            .also("then export again")
        })?;
        match ours {
            true => Ok(()),
            false => Err(Error::failed(format!(
                "another run has replaced or removed {} meanwhile: what this one exported is not there",
                receipt.written().map_or_else(|| archive.name.clone(), |it| it.location)
            ))
            .hint("let one export at a time write to a name, and run it again")),
        }
    }
}

/// Whether this text is a summary of the archive of this name.
pub(super) fn is_summary_of(text: &[u8], archive: &str) -> bool {
    Summary::parse(text, archive).is_ok_and(|summary| summary.names(archive))
}

/// Where the summary of an archive on this machine is.
fn summary_path(archive: &Path) -> PathBuf {
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
    use crate::archive::Packing;
    use crate::store::FileTarget;
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
    fn of_two_exports_that_replace_one_file_the_one_that_is_not_there_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        let place = Place::File(path.clone());
        let exported = |text: &[u8]| {
            let receipt = Receipt::with_digest();
            let names = FileNames::replacing(&path);
            let mut file = FileTarget::create(names, receipt.clone()).expect("begun");
            file.write_all(text).expect("written");
            Box::new(file).publish(Ending::Complete).expect("there");
            let mut summary = Summary::new("export", Timestamp::UNIX_EPOCH, 0);
            summary.archive = place.facts(&receipt, &Packing::default());
            (summary, receipt)
        };
        let lay = |(summary, receipt): &(Summary, Receipt)| {
            place.summarise(summary, receipt, &Access::default())
        };
        let (first, second) = (exported(b"one"), exported(b"two"));
        // Before the other one has laid its summary, and after that.
        for _ in 0..2 {
            let error = lay(&first).expect_err("it is not there");
            assert_eq!(error.kind(), Kind::Failed);
            assert!(error.to_string().contains("another run"), "{error}");
            lay(&second).expect("laid");
            let text = std::fs::read(summary_path(&path)).expect("read");
            assert_eq!(Summary::parse(&text, "site.tar").expect("one"), second.0);
        }
    }

    #[test]
    fn what_is_no_summary_of_an_archive_is_not_taken_for_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.tar");
        let place = Place::File(path.clone());
        place.check_summary(false).expect("nothing is there");
        let texts = [
            "mine".to_owned(),
            summary_of("other.tar"),
            summary_of("site.tar"),
        ];
        for text in texts {
            std::fs::write(summary_path(&path), &text).expect("written");
            let is_ours = text == summary_of("site.tar");
            assert_eq!(place.check_summary(false).is_ok(), is_ours, "{text}");
        }
    }
    #[test]
    fn a_name_that_is_too_long_for_a_summary_is_not_said_to_be_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x".repeat(240) + ".tar");
        for overwrite in [false, true] {
            let checked = Place::File(path.clone()).check_summary(overwrite);
            let error = checked.expect_err("the name is too long");
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.to_string().contains("longer than"), "{error}");
        }
        std::fs::create_dir(folder.path().join("site.tar.summary.json")).expect("made");
        let place = Place::File(folder.path().join("site.tar"));
        let error = place.check_summary(false).expect_err("it is taken");
        assert!(error.to_string().contains("is there already"), "{error}");
    }
}
