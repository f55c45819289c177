//! `backup export`: a project into an archive.

use super::filter::FilterArguments;
use super::progress::Progress;
use super::project::ProjectArguments;
use super::{Cancellation, key, report, terminal};
use crate::archive::codec::ecb::Key;
use crate::archive::{ArchiveDestination, ArchiveName, Packing};
use crate::error::{Error, Result};
use crate::strapi::ProjectSource;
use crate::transfer::{Report, SchemaStrategy, Transfer, VersionStrategy};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Bytes in the megabyte of `--max-size-jsonl`.
const MEGABYTE: u64 = 1_000_000;

/// Export a project into one compressed, encrypted file
///
/// Writes content, relations, media, schemas and configuration as they are at one moment; Strapi may
/// run meanwhile. The file appears under its name when it is complete.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup export --key \"$KEY\"
  backup export --project /srv/strapi --file /backups/site --key \"$KEY\"
  backup export --no-encrypt --no-compress --file site
  backup export --exclude files --key \"$KEY\"
  backup export --only-content-types api::article.article,api::author.author --key \"$KEY\"

Without --key the variable BACKUP_KEY is used, or the key is asked for.")]
pub(super) struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    /// Name of the archive, without extension [default: export_YYYYMMDDHHMMSS]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Key to encrypt the archive with
    #[arg(short, long, value_name = "KEY")]
    key: Option<String>,
    /// Do not encrypt
    #[arg(long, conflicts_with = "key")]
    no_encrypt: bool,
    /// Do not compress
    #[arg(long)]
    no_compress: bool,
    /// One file, or the same tree unpacked in a folder (needs --no-encrypt)
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Largest size of a shard of JSON lines, in MB (1,000,000 bytes)
    #[arg(long, value_name = "MB", default_value_t = 256)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000), alias = "maxSizeJsonl")]
    max_size_jsonl: u64,
    /// Say more
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    filter: FilterArguments,
}

/// What an archive is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One file
    #[default]
    Tar,
    /// A folder
    Dir,
}

impl Arguments {
    /// Runs the export.
    pub fn run(self) -> Result<Report> {
        let filter = self.filter.filter()?;
        if self.format == Format::Dir && !self.no_encrypt {
            return Err(
                Error::usage("an unpacked export (--format dir) cannot be encrypted")
                    .hint("add --no-encrypt, or leave --format out"),
            );
        }
        let project = self.project.open()?;
        let packing = Packing {
            compress: !self.no_compress,
            key: if self.no_encrypt {
                None
            } else {
                let key = match key::given(self.key.as_deref())? {
                    Some(key) => key,
                    None => key::ask_new()?,
                };
                Some(Key::derive(&key))
            },
        };
        // Last, so that the snapshot is not older than the answers.
        let mut source = ProjectSource::open(project.clone())?;
        let base = self
            .file
            .clone()
            .unwrap_or_else(|| ArchiveName::default_base(&jiff::Zoned::now()).into());
        let shard_size = self.max_size_jsonl * MEGABYTE;
        let (path, mut destination) = self.destination(&base, &packing, shard_size)?;
        let progress = Progress::new(&Cancellation::listen()?, self.verbose);
        if self.verbose {
            terminal::tell(&format!(
                "project {}, Strapi {}",
                project.root().display(),
                project.version()
            ));
        }
        let mut transfer = Transfer {
            source: &mut source,
            destination: &mut destination,
            filter,
            versions: VersionStrategy::Ignore,
            schemas: SchemaStrategy::Ignore,
            observer: &progress,
        };
        let plan = transfer.plan()?;
        if plan.filter.files_follow_types() {
            terminal::tell(
                "note: files are left out, because the content types that describe them are",
            );
        }
        let report = transfer.run(&plan)?;
        terminal::print(&report::table(&report))?;
        if let Some(shortfall) = report::shortfall(&report) {
            terminal::tell(&shortfall);
        }
        terminal::print(&format!(
            "The archive is in {}",
            terminal::safe(&path.display().to_string())
        ))?;
        Ok(report)
    }

    fn destination(
        &self,
        base: &Path,
        packing: &Packing,
        shard_size: u64,
    ) -> Result<(PathBuf, ArchiveDestination)> {
        match self.format {
            Format::Tar => {
                let path = ArchiveName::with_extensions(base, packing);
                let destination = ArchiveDestination::file(&path, packing, shard_size)?;
                Ok((path, destination))
            }
            Format::Dir => {
                let destination = ArchiveDestination::folder(base, shard_size)?;
                Ok((base.to_owned(), destination))
            }
        }
    }
}
