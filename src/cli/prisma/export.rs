//! `backup prisma export`: everything that a running service holds, as a data set.

use super::super::Cancellation;
use super::super::environment::Environment;
use super::super::findings::print_findings;
use super::super::frame::Frame;
use super::super::report::INCOMPLETE;
use super::super::terminal::{self, Reports, safe};
use super::service::{Meant, ServiceArguments};
use super::{no_stream, progress, verdict};
use crate::archive::ArchiveName;
use crate::error::{Error, Result};
use crate::hashing::{hexadecimal, read_through};
use crate::prisma::export::{self, Pages};
use crate::prisma::ndf::{Form, ValueType};
use crate::store::folder_of;
use crate::transfer::WarningKind;
use crate::transfer::summary::{ArchiveFacts, Summary, WarningFacts};
use clap::Args;
use indicatif::HumanCount;
use jiff::Timestamp;
use sha2::Digest;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What the name of a zip ends with.
const ZIP: &str = ".zip";

/// Export everything that a running service holds
///
/// Nodes, lists and relations are fetched page by page, and become a data set as Prisma's own command line writes it: a zip
/// or a folder, complete or not at all. A page that fails is asked for again, and an export that was interrupted goes on
/// when the same command is run again. What came is checked: real servers export wrong ids in some cases, and do not tell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup prisma export
  backup prisma export --project /srv/prisma --file blog.zip
  backup prisma export --endpoint http://localhost:4466/blog/dev --datamodel datamodel.prisma --secret-file secret --file blog --format dir

A service that is written to meanwhile is not exported from one moment. What was interrupted goes on for twelve hours after it
began, with a warning; after that it begins anew.

Where something in it is wrong, a zip is called NAME.incomplete.zip, and replaces none that is whole.

Exit codes: 0 done, 1 failed, 2 usage, 3 done, but something in it is wrong, and listed, 11 another run exports to the same
name, 130 interrupted: run it again to go on.")]
pub(super) struct Arguments {
    #[command(flatten)]
    service: ServiceArguments,
    /// What the data set is called, or a folder for it [default: export-TIME.zip]
    #[arg(short, long, value_name = "NAME")]
    file: Option<PathBuf>,
    /// What is written
    #[arg(long, value_enum, default_value = "zip")]
    format: Form,
    /// Replace a file of this name
    #[arg(long)]
    overwrite: bool,
    /// Forget what an interrupted export fetched, and begin anew
    #[arg(long)]
    restart: bool,
    #[command(flatten)]
    frame: Frame,
}

impl Arguments {
    /// Runs the export; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        self.frame
            .run("prisma export", environment, |cancellation, summary| {
                self.export(environment, cancellation, summary)
            })
    }

    fn export(
        &self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<u8> {
        self.file.as_deref().map_or(Ok(()), no_stream)?;
        let interrupt = cancellation.interrupt();
        let Meant { service, model } = self.service.open(environment, &interrupt)?;
        summary.project = Some(service.endpoint().to_string());
        let mut path = self.path()?;
        self.check(&path)?;
        let place = match self.is_named() {
            true => Pages::place(&path),
            false => Pages::unnamed(folder_of(&path), service.endpoint()),
        };
        let mut pages = Pages::open(place, service.endpoint(), self.restart, &interrupt)?;
        let place = pages.folder().to_owned();
        if let Some(began) = pages.outdated() {
            terminal::tell(&format!(
                "an export that began at {} was not completed, and is too old to go on with: this one begins anew",
                safe(began)
            ));
        }
        if let Some(began) = pages.continued() {
            // It gets the name of this run, and nobody would see it in what is there then.
            let reason = format!(
                "going on with the export that began at {}: {} elements are from then, and the others are as they are now",
                safe(began),
                HumanCount(pages.elements())
            );
            terminal::alert(&format!("warning: {reason}"));
            summary.warnings.push(WarningFacts {
                kind: WarningKind::Notice.as_str().to_owned(),
                subject: service.endpoint().to_string(),
                reason,
                times: 1,
                incomplete: false,
            });
        }
        let progress = progress(&self.frame, cancellation);
        let kept = |error: Error| {
            let folder = place.display();
            let how =
                format!("what was fetched is in {folder}; the same command goes on behind it");
            error
                .interrupted_with("nothing was written under its name")
                .also(&how)
        };
        if let Err(error) = export::fetch(&service, &mut pages, &progress) {
            if pages.elements() > 0 {
                return Err(kept(error));
            }
            // There is nothing to go on with.
            let _ = pages.forget();
            return Err(error.interrupted_with("nothing was written"));
        }
        terminal::tell("checking what came");
        let scratch = &environment.temporary;
        let found = export::check(&pages, &model, scratch, &interrupt, &progress).map_err(kept)?;
        for (kind, count) in ValueType::ALL.into_iter().zip(&found.counts) {
            pages.expect(kind, count.items, found.findings.list().first())?;
        }
        verdict::note(summary, &found);
        let mut overwrite = self.overwrite;
        if found.findings.count() > 0 && self.format == Form::Zip {
            // It replaces none that is complete.
            path = incomplete(&path);
            overwrite = true;
        }
        export::publish(pages, &path, self.format, overwrite, &interrupt).map_err(kept)?;
        summary.archive = Some(self.facts(&path));
        verdict::print(Reports::Stdout, &found);
        print_findings(&found.findings);
        let name = safe(&path.display().to_string());
        match found.findings.count() {
            0 => {
                Reports::Stdout.conclude(&format!("Exported to {name}"));
                Ok(0)
            }
            count => {
                let count = HumanCount(count);
                Reports::Stdout.conclude(&format!(
                    "Exported to {name}, and {count} things in it are wrong (listed above)"
                ));
                Ok(INCOMPLETE)
            }
        }
    }

    /// What is known of the data set that is there now.
    fn facts(&self, path: &Path) -> ArchiveFacts {
        let name = path.file_name().unwrap_or_default();
        let read = match self.format {
            Form::Zip => File::open(path).and_then(|mut file| read_through(&mut file)),
            Form::Dir => Err(io::ErrorKind::IsADirectory.into()),
        };
        let (size, digest) = read.ok().unzip();
        ArchiveFacts {
            name: name.to_string_lossy().into_owned(),
            size,
            sha256: digest.map(|it| hexadecimal(&it.finalize())),
            id: None,
            encrypted: false,
            cipher: None,
            recipients: None,
            compressed: self.format == Form::Zip,
        }
    }

    /// Whether its name is said, and does not hold the time.
    fn is_named(&self) -> bool {
        let is_within = |path: &PathBuf| self.format == Form::Zip && is_folder(path);
        self.file.as_ref().is_some_and(|path| !is_within(path))
    }

    /// Where the data set goes.
    fn path(&self) -> Result<PathBuf> {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ");
        let own = match self.format {
            Form::Zip => format!("export-{now}{ZIP}"),
            Form::Dir => format!("export-{now}"),
        };
        let path = match &self.file {
            None => return Ok(PathBuf::from(own)),
            Some(path) if !self.is_named() => return Ok(path.join(own)),
            Some(path) if self.format == Form::Dir => return Ok(path.clone()),
            Some(path) => path,
        };
        let stem = stem(path);
        if stem.ends_with(ArchiveName::INCOMPLETE.as_bytes()) {
            return Err(Error::usage(
                "names that end with .incomplete are for data sets in which something is wrong",
            )
            .hint("choose another name with --file"));
        }
        let has_extension = path
            .extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("zip"));
        match has_extension {
            true => Ok(path.clone()),
            false => Ok(with_ending(path, stem, ZIP)),
        }
    }

    /// Sees at once that the name is free, and one that a file or folder can have.
    fn check(&self, path: &Path) -> Result<()> {
        let named = self.file.as_deref().unwrap_or(path);
        if let Ok(about) = named.metadata()
            && !about.is_file()
            && !about.is_dir()
        {
            let what = format!("{} is neither a file nor a folder", named.display());
            return Err(
                Error::usage(what).hint("a data set is no stream; choose another name with --file")
            );
        }
        let is_taken = match self.format {
            Form::Zip => !self.overwrite && path.symlink_metadata().is_ok(),
            Form::Dir => path.is_dir() && path.read_dir().is_ok_and(|mut it| it.next().is_some()),
        };
        match is_taken {
            false => Ok(()),
            true => Err(Error::usage(format!("{} is there already", path.display()))
                .hint("choose another name with --file; a zip is replaced with --overwrite")),
        }
    }
}

/// The name without the extension of a zip.
fn stem(path: &Path) -> &[u8] {
    let name = path.file_name().unwrap_or_default().as_bytes();
    match path.extension() {
        Some(it) if it.eq_ignore_ascii_case("zip") => &name[..name.len() - ZIP.len()],
        _ => name,
    }
}

fn with_ending(path: &Path, stem: &[u8], ending: &str) -> PathBuf {
    let name = [stem, ending.as_bytes()].concat();
    path.with_file_name(OsStr::from_bytes(&name))
}

/// The name of a data set in which something is wrong and which was to have this name.
fn incomplete(path: &Path) -> PathBuf {
    let ending = format!("{}{ZIP}", ArchiveName::INCOMPLETE);
    with_ending(path, stem(path), &ending)
}

fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/")
}
