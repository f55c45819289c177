//! Where an export goes, as it is named on the command line.

use super::beside::{self, Summarised, is_summary_of, replaced, take_away};
use super::environment::Environment;
use super::length::{self, Form};
use super::terminal;
use super::terminal::Reports;
use crate::archive::{ArchiveDestination, ArchiveName, Encryption, Packing};
use crate::error::{Error, Kind, Result};
use crate::store::{
    Access, Beside, FileNames, FileTarget, Location, ObjectName, ObjectTarget, Receipt,
    StreamTarget, Target, check_folder, folder_of, write_beside, write_small, write_small_beside,
};
use crate::transfer::summary::{ArchiveFacts, Summary};
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Where an archive goes.
#[derive(Debug)]
pub(super) enum Place {
    /// Into a file, which has its extensions.
    File(PathBuf),
    /// Into a folder, unpacked.
    Folder(PathBuf),
    /// Into an object store, under a name that has its extensions.
    Object(ObjectName),
    /// To stdout.
    Stdout,
}

/// A destination, and what is said of it.
pub(super) struct Begun {
    pub destination: ArchiveDestination,
    /// Where the archive goes, for messages.
    pub shown: String,
    /// Where the table at the end goes.
    pub reports: Reports,
    /// Follows what is written.
    pub receipt: Receipt,
}

impl Place {
    /// What `--file` names; by default a name with the date in the current folder. Nothing is asked of it yet.
    ///
    /// # Errors
    /// Kind [`Usage`](Kind::Usage): it makes no sense, or not for an archive that is `unpacked`.
    pub fn parse(file: Option<&Path>, unpacked: bool) -> Result<Location> {
        let location = match file {
            Some(file) => Location::parse(file.as_os_str())?,
            None => Location::Path(default_name().into()),
        };
        let is_incomplete = |path: &Path| path.to_string_lossy().ends_with(ArchiveName::INCOMPLETE);
        if file.is_some_and(is_incomplete) {
            return Err(Error::usage(
                "names that end with .incomplete are for archives from which something is missing",
            )
            .hint("choose another name with --file"));
        }
        let elsewhere = match location {
            Location::Stream => Some("stdout"),
            Location::Object(_) => Some("an object store"),
            Location::Path(_) => None,
        };
        if let Some(elsewhere) = elsewhere.filter(|_| unpacked) {
            return Err(Error::usage(format!(
                "an unpacked export (--format dir) cannot go to {elsewhere}"
            ))
            .hint("name a folder with --file, or leave --format out"));
        }
        if location.is_stream() {
            check_stdout()?;
        }
        Ok(location)
    }

    /// Whether a path means a folder for archives with the default name.
    pub fn is_folder(path: &Path) -> bool {
        path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir()
    }

    /// Sees that an archive can get its name at a location, before anything is asked that its name does not hang on.
    ///
    /// # Errors
    /// Its folder is not there; or kind [`Usage`](Kind::Usage): its name is not UTF-8, or too long.
    pub fn check(location: &Location, form: Form) -> Result<()> {
        let path = match location {
            Location::Stream => return Ok(()),
            Location::Object(name) => return length::check_key(name, form),
            Location::Path(path) => path,
        };
        if !form.unpacked && Self::is_folder(path) {
            return check_folder(folder_of(&path.join(default_name())));
        }
        // It stands in summaries, which are text.
        if path.file_name().is_some_and(|name| name.to_str().is_none()) {
            return Err(Error::usage(format!(
                "{} cannot be the name of an archive: it is not UTF-8",
                path.display()
            ))
            .hint("choose another name with --file"));
        }
        check_folder(folder_of(path))?;
        length::check(path, form)
    }

    /// Where an archive goes that is packed so.
    pub fn at(location: Location, unpacked: bool, packing: &Packing) -> Self {
        match location {
            Location::Stream => Self::Stdout,
            Location::Path(path) if unpacked => Self::Folder(path),
            Location::Path(path) => {
                let base = match Self::is_folder(&path) {
                    true => path.join(default_name()),
                    false => path,
                };
                Self::File(ArchiveName::with_extensions(&base, packing))
            }
            Location::Object(name) => {
                let base = match name.is_prefix() {
                    true => default_name(),
                    false => name.name().to_owned(),
                };
                let named = ArchiveName::with_extensions(Path::new(&base), packing);
                Self::Object(name.with_name(&named.to_string_lossy()))
            }
        }
    }

    /// The file or folder, where it is on this machine.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Folder(path) => Some(path),
            Self::Object(_) | Self::Stdout => None,
        }
    }

    /// The place that it lies in beside others, where there is one.
    pub fn shelf(&self) -> Option<Location> {
        match self {
            Self::File(path) => Some(Location::Path(folder_of(path).to_owned())),
            Self::Object(name) => Some(Location::Object(name.with_name(""))),
            Self::Folder(_) | Self::Stdout => None,
        }
    }

    /// Whether a summary is always laid beside the archive: what is in an object store without one is not complete.
    pub fn has_summary(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Begins an archive there. What has its name is replaced with `overwrite` alone. With `digest` its digest is
    /// worked out.
    ///
    /// # Errors
    /// The place cannot be written to, or something is there already.
    pub fn begin(
        &self,
        packing: &Packing,
        shard_size: u64,
        (overwrite, digest): (bool, bool),
        environment: &Environment,
    ) -> Result<Begun> {
        let receipt = match digest {
            true => Receipt::with_digest(),
            false => Receipt::default(),
        };
        let mut reports = Reports::Stdout;
        let (shown, target): (String, Box<dyn Target>) = match self {
            Self::Folder(path) => {
                let destination = ArchiveDestination::folder(path, shard_size, &packing.effort)?;
                // Nothing is there that it could be of.
                drop(take_away(path, overwrite)?);
                return Ok(Begun {
                    destination,
                    shown: path.display().to_string(),
                    reports,
                    receipt,
                });
            }
            Self::File(path) => {
                let names = FileNames {
                    complete: path.clone(),
                    incomplete: ArchiveName::incomplete(path),
                    overwrite,
                };
                let target = Summarised {
                    names: names.clone(),
                    receipt: receipt.clone(),
                    file: FileTarget::create(names, receipt.clone())?,
                };
                (path.display().to_string(), Box::new(target))
            }
            Self::Object(name) => {
                let access = environment.access(packing.interrupt.clone());
                let target = ObjectTarget::create(
                    name,
                    &Beside {
                        name: Summary::name_for(name.name()),
                        vouches: is_summary_of,
                    },
                    overwrite,
                    &access,
                    receipt.clone(),
                    &environment.temporary,
                )?;
                (name.to_string(), Box::new(target))
            }
            Self::Stdout => {
                // The standard library says nothing of a stdout that cannot be written to.
                let stdout = io::stdout().as_fd().try_clone_to_owned();
                let stdout = stdout.map_err(|error| {
                    Error::failed(format!("cannot write the archive to stdout: {error}"))
                })?;
                let (out, spool) = (File::from(stdout), &environment.temporary);
                let target = StreamTarget::new("stdout", out, receipt.clone(), spool);
                reports = Reports::Stderr;
                ("stdout".into(), Box::new(target))
            }
        };
        Ok(Begun {
            destination: ArchiveDestination::packed(target, packing, shard_size)?,
            shown,
            reports,
            receipt,
        })
    }

    /// What a summary says of the archive that was written here.
    pub fn facts(&self, receipt: &Receipt, packing: &Packing) -> Option<ArchiveFacts> {
        let written = receipt.written();
        let name = match (&written, self) {
            (Some(written), _) => written.name.clone(),
            (None, Self::Folder(path)) => path.file_name()?.to_string_lossy().into_owned(),
            _ => return None,
        };
        let cipher = packing.encryption.as_ref().map(Encryption::cipher);
        Some(ArchiveFacts {
            name,
            size: written.as_ref().map(|written| written.size),
            sha256: written.as_ref().and_then(|written| written.sha256.clone()),
            id: written.and_then(|written| written.id),
            encrypted: packing.encryption.is_some(),
            cipher: cipher.map(|cipher| cipher.to_string()),
            recipients: packing.encryption.as_ref().and_then(Encryption::recipients),
            compressed: packing.compression.is_some() && !matches!(self, Self::Folder(_)),
        })
    }

    /// Sees that no old summary stays beside what comes here, and, where one `comes`, that it can be laid there and replaces
    /// nothing else without `overwrite`. For object stores that is seen to when they are talked to.
    ///
    /// # Errors
    /// Those of [`beside::check`].
    pub fn check_summary(&self, comes: bool, overwrite: bool) -> Result<()> {
        match self {
            Self::File(path) => {
                beside::check(path, comes, overwrite)?;
                beside::check(&ArchiveName::incomplete(path), comes, overwrite)
            }
            Self::Folder(path) => beside::check(path, comes, overwrite),
            Self::Object(_) | Self::Stdout => Ok(()),
        }
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
            false => {
                let written = receipt.written();
                Err(replaced(
                    &written.map_or_else(|| archive.name.clone(), |it| it.location),
                ))
            }
        }
    }
}

fn default_name() -> String {
    ArchiveName::default_base(&jiff::Zoned::now())
}

/// Sees that stdout can take an archive.
fn check_stdout() -> Result<()> {
    if io::stdout().is_terminal() {
        return Err(Error::usage("an archive is nothing for a terminal")
            .hint("send stdout to a file or another program, or name a file with --file"));
    }
    if terminal::stdout_was_closed() {
        return Err(
            Error::usage("stdout is closed, and cannot take the archive")
                .hint("send it to a file or another program"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::beside::summary_path;
    use crate::store::Ending;
    use jiff::Timestamp;
    use std::io::Write;

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
}
