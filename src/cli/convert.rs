//! `backup convert`: content of a Strapi in the form of another system, and back.

mod beside;
mod from;
mod schemas;
mod strapi;

use super::environment::Environment;
use super::key::KeyArguments;
use super::progress::Progress;
use super::run::RunArguments;
use super::terminal::{Reports, safe};
use super::{Cancellation, STREAM, archive_facts, effort, open_archive, report, terminal};
use crate::convert::destination::FolderDestination;
use crate::dgraph::Dialect;
use crate::dgraph::convert::set_destination;
use crate::effort::Effort;
use crate::error::{Error, Result};
use crate::prisma::convert::ndf_destination;
use crate::prisma::ndf;
use crate::store::Location;
use crate::transfer::summary::{Remembering, Summary};
use crate::transfer::{
    Destination, Extent, Filter, OnFault, Report, SchemaStrategy, Source, Transfer, VersionStrategy,
};
use clap::{Args, ValueEnum};
use from::refuse_data_set;
use std::path::{Path, PathBuf};
use strapi::in_own_words;

/// Bring content of a Strapi into the form of another system, or back
///
/// With --as ndf, FROM is an archive of a Strapi, and TO becomes a folder with what Prisma 1 takes: data.zip in its
/// Normalized Data Format, datamodel.prisma, the files of the media library in files/, and strapi.json with what
/// that format cannot hold. With --as dgraph, TO becomes a folder with what Dgraph takes: an export set with a GraphQL
/// schema in data/, and files/ and strapi.json beside it. With --as strapi, FROM is such a folder, and TO becomes an
/// archive; or FROM is any data set of Prisma 1 with its data model, or any export set of Dgraph, and the content types
/// that it needs come as schema.json files. docs/PRISMA.md and docs/DGRAPH.md say what becomes of what.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup convert site.tar.gz.enc site-prisma --as ndf --key-file /etc/backup/key
  backup convert s3://bucket/backups/site-2026-11-20 site-prisma --as ndf --dry-run
  backup convert site-prisma site --as strapi --key-file /etc/backup/key
  backup convert export-2026-11-20.zip site --as strapi --datamodel datamodel.prisma --no-encrypt
  backup convert site.tar.gz.enc site-dgraph --as dgraph --key-file /etc/backup/key
  backup convert site.tar.gz.enc site-dgraph --as dgraph --dialect before-21.03
  backup convert site-dgraph site --as strapi --key-file /etc/backup/key
  backup convert dgraph.r91.u1120.1541 site --as strapi --no-encrypt

What Prisma and Dgraph take is not encrypted, and holds what the archive does, hashes of passwords among it.

Exit codes: 0 done, 1 failed, 2 usage, 3 done, but some values have no place in the result (with --as ndf and
--as dgraph they are in strapi.json alone), or files are missing, 6 FROM is damaged, 12 wrong key.")]
pub(super) struct Arguments {
    /// What is converted. With --as ndf and --as dgraph an archive: a file, a folder that holds an unpacked one, s3://,
    /// gs:// or az://, or - for stdin. With --as strapi a folder that these made, a data set of Prisma 1 (a zip or a
    /// folder), or an export set of Dgraph
    #[arg(value_name = "FROM")]
    from: PathBuf,
    /// Where it goes. With --as ndf and --as dgraph a folder that does not exist or is empty; with --as strapi the name of
    /// an archive, without extension, as in `backup export --file`
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// What it is brought into
    #[arg(long, value_enum)]
    r#as: As,
    /// One file, or the same in a folder (with --as strapi that needs --no-encrypt)
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// The servers that a set of Dgraph is for: those before 21.03 read no other's sets, and no other reads theirs
    /// [default: since-21.03]
    #[arg(long, value_enum)]
    dialect: Option<For>,
    /// File with the key that the server encrypts its sets with: 16, 24 or 32 bytes
    #[arg(long, value_name = "FILE")]
    encryption_key_file: Option<PathBuf>,
    /// The data model of FROM. May be given several times, for one in several files [default: datamodel.prisma beside it]
    #[arg(long, value_name = "FILE")]
    datamodel: Vec<PathBuf>,
    /// Take no strapi.json beside FROM, and make new content types of the data model
    #[arg(long)]
    no_notes: bool,
    /// The Strapi that the archive is for, where no strapi.json says it [default: 5.54.0]
    #[arg(long, value_name = "VERSION")]
    strapi_version: Option<String>,
    /// Where the schema.json files go: a folder that does not exist or is empty [default: TO-schemas]
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
    /// Replace what has the name of the archive, and the schema.json files that an earlier run made
    #[arg(long)]
    overwrite: bool,
    /// Do everything but to write the result
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    key: KeyArguments,
    /// Do not encrypt the archive
    #[arg(long)]
    no_encrypt: bool,
    /// Say more, and where the time went
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    alone: RunArguments,
}

/// What content is brought into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum As {
    /// What Prisma 1 takes
    Ndf,
    /// What Dgraph takes
    Dgraph,
    /// An archive of a Strapi
    Strapi,
}

/// The servers that a set of Dgraph is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum For {
    /// Servers from 21.03 on
    #[value(name = "since-21.03")]
    Since2103,
    /// Servers before that
    #[value(name = "before-21.03")]
    Before2103,
}

/// In which form it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One zip, of what Prisma 1 takes
    Zip,
    /// One archive of a Strapi
    Tar,
    /// A folder
    Dir,
}

/// Where a conversion takes place.
struct Room<'a> {
    environment: &'a Environment,
    cancellation: &'a Cancellation,
    effort: Effort,
    verbose: bool,
}

impl Arguments {
    /// Runs the conversion; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let alone = self.alone.clone();
        let reports = match self.to.as_os_str() == STREAM {
            true => Reports::Stderr,
            false => Reports::Stdout,
        };
        alone.run("convert", reports, environment, |cancellation, summary| {
            let room = Room {
                environment,
                cancellation,
                effort: self.verbose.then(Effort::measured).unwrap_or_default(),
                verbose: self.verbose,
            };
            let converted = match self.r#as {
                As::Ndf => self.to_ndf(&room, summary),
                As::Dgraph => self.to_dgraph(&room, summary),
                As::Strapi => self.to_strapi(&room, summary),
            };
            converted.map_err(|error| in_own_words(error.interrupted_with("nothing was written")))
        })
    }

    fn to_ndf(&self, room: &Room<'_>, summary: &mut Summary) -> Result<u8> {
        let format = match self.format {
            None | Some(Format::Zip) => ndf::Form::Zip,
            Some(Format::Dir) => ndf::Form::Dir,
            Some(Format::Tar) => {
                return Err(Error::usage("Prisma 1 takes a zip or a folder, and no tar")
                    .hint("leave --format out"));
            }
        };
        if self.dialect.is_some() {
            return Err(Error::usage("--dialect is for --as dgraph").hint("leave it out"));
        }
        let to = self.folder_of("what Prisma 1 takes")?;
        let destination = ndf_destination(&to, format)?;
        self.to_folder(room, summary, destination, "What Prisma 1 takes")
    }

    fn to_dgraph(&self, room: &Room<'_>, summary: &mut Summary) -> Result<u8> {
        if self.format.is_some_and(|it| it != Format::Dir) {
            return Err(
                Error::usage("an export set of Dgraph is a folder").hint("leave --format out")
            );
        }
        let dialect = match self.dialect {
            Some(For::Before2103) => Dialect::Before2103,
            Some(For::Since2103) | None => Dialect::Since2103,
        };
        let to = self.folder_of("what Dgraph takes")?;
        let destination = set_destination(&to, dialect)?;
        self.to_folder(room, summary, destination, "What Dgraph takes")
    }

    /// The folder that the result goes to, which is `what` another system takes.
    fn folder_of(&self, what: &str) -> Result<PathBuf> {
        let needless = [
            (!self.datamodel.is_empty(), "--datamodel"),
            (self.no_notes, "--no-notes"),
            (self.schemas.is_some(), "--schemas"),
            (self.strapi_version.is_some(), "--strapi-version"),
            (self.overwrite, "--overwrite"),
            (self.no_encrypt, "--no-encrypt"),
            (self.encryption_key_file.is_some(), "--encryption-key-file"),
        ];
        if let Some((_, name)) = needless.into_iter().find(|(is_given, _)| *is_given) {
            return Err(Error::usage(format!("{name} is for --as strapi")).hint("leave it out"));
        }
        let Location::Path(to) = Location::parse(self.to.as_os_str())? else {
            let what = format!("{what} goes into a folder on this machine, and nowhere else");
            return Err(Error::usage(what).hint("name a folder that does not exist or is empty"));
        };
        if let Location::Path(from) = Location::parse(self.from.as_os_str())? {
            refuse_data_set(&from)?;
        }
        Ok(to)
    }

    /// Converts an archive into what another system takes, which is called so.
    fn to_folder(
        &self,
        room: &Room<'_>,
        summary: &mut Summary,
        destination: FolderDestination,
        what: &str,
    ) -> Result<u8> {
        let destination = destination
            .kept_hidden(self.dry_run)
            .stopped_by(room.cancellation.interrupt());
        let mut archive = open_archive(
            &self.from,
            &self.key,
            OnFault::Stop,
            room.cancellation,
            &room.effort,
            room.environment,
        )?;
        summary.archive = Some(archive_facts(&archive));
        let report = room.transfer(&mut archive, Box::new(destination), summary)?;
        Ok(self.conclude(room, &report, Reports::Stdout, what, &self.to))
    }

    /// Says what came of it; gives the exit code.
    fn conclude(
        &self,
        room: &Room<'_>,
        report: &Report,
        reports: Reports,
        what: &str,
        to: &Path,
    ) -> u8 {
        effort::tell(&room.effort, &[]);
        report::print(reports, report);
        if let Some(shortfall) = report::shortfall(report) {
            terminal::alert(&shortfall);
        }
        let to = safe(&to.display().to_string());
        reports.conclude(&match self.dry_run {
            true => format!("All of it was converted, and {to} was not written (--dry-run)"),
            false => format!("{what} is in {to}"),
        });
        report::exit_code(report, false)
    }
}

impl Room<'_> {
    fn transfer(
        &self,
        source: &mut dyn Source,
        destination: Box<dyn Destination + '_>,
        summary: &mut Summary,
    ) -> Result<Report> {
        let progress = Progress::new(self.cancellation, self.verbose);
        let watch = Remembering::new(&progress);
        let mut transfer = Transfer {
            source,
            destination,
            filter: Filter::default(),
            extent: Extent::default(),
            versions: VersionStrategy::Ignore,
            schemas: SchemaStrategy::Ignore,
            on_fault: OnFault::Stop,
            observer: &watch,
        };
        let transferred = transfer.plan().and_then(|plan| {
            summary.source(&plan.source);
            terminal::tell(&report::origin(&plan.source));
            // What goes nowhere was looked at by now.
            match plan.announced.stages.is_empty() {
                true => transfer.run_checked(&plan),
                false => plan.check_links().map(|()| plan.announced),
            }
        });
        summary.warn(watch.warnings());
        let report = transferred?;
        summary.report(&report);
        Ok(report)
    }
}
