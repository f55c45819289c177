//! `backup export`: a project, or a running Strapi, into an archive.

mod request;

use super::environment::Environment;
use super::filter::FilterArguments;
use super::identity::CipherArguments;
use super::keep::RetentionArguments;
use super::key::KeySource;
use super::length::Form;
use super::media::MediaArguments;
use super::origin::{Origin, links};
use super::place::Place;
use super::project::ProjectArguments;
use super::prompt::Prompt;
use super::remote::{self, End, RemoteArguments, named};
use super::run::RunArguments;
use super::terminal::Reports;
use super::token::TokenArguments;
use super::waiting::WaitArguments;
use super::{Cancellation, STREAM, key, terminal};
use crate::archive::{Cipher, DEFAULT_SHARD_SIZE, Encryption, Level, Packing, Password};
use crate::effort::Effort;
use crate::error::{Error, Result};
use crate::retention::Policy;
use crate::store::Location;
use crate::transfer::Warning;
use crate::transfer::summary::Summary;
use clap::{Args, ValueEnum};
use request::Request;
use std::path::{Path, PathBuf};

/// Bytes in the megabyte of `--max-size-jsonl`.
const MEGABYTE: u64 = 1_000_000;

/// Export a project into one compressed, encrypted file
///
/// Writes content, relations, media, schemas and configuration as they are at one moment; Strapi may
/// run meanwhile. The file appears under its name when it is complete.
///
/// With --from URL they come out of a running Strapi, by its own transfer feature, which knows no such
/// moment: what is edited meanwhile may come in halves, which are listed (docs/REMOTE.md).
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup export
  backup export --project /srv/strapi --file /backups/site --key-file /etc/backup/key
  backup export --no-encrypt --no-compress --file site
  backup export --exclude files --key-file /etc/backup/key
  backup export --only-content-types api::article.article,api::author.author
  backup export --file s3://bucket/backups/site-2026-11-20
  backup export --file /backups/ --summary
  backup export --file /backups/ --summary --prune --keep-daily 7 --keep-weekly 5
  backup export --key-file /etc/backup/key --file - | ssh backups@host 'cat > site.tar.gz.enc'
  backup export --recipients-file /etc/backup/recipients --file /backups/
  backup export --profile nightly
  backup export --from https://cms.example.com/admin --token-file /etc/backup/token --file /backups/

Without an option for the key BACKUP_KEY and its like are looked for (docs/SCRIPTING.md), and else it is asked for; \
the same goes for the token of --from and BACKUP_TOKEN.")]
pub(super) struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    waiting: WaitArguments,
    /// What is exported in place of --project: the URL of a running Strapi's admin panel, or a project's folder
    #[arg(long, value_name = "URL|DIR", conflicts_with = "project")]
    from: Option<PathBuf>,
    /// Name of the archive, without extension [default: export_YYYYMMDDHHMMSS]
    ///
    /// A path; a URL with s3://, gs:// or az:// for object stores, whose credentials come from the
    /// environment; or - for stdout. With a slash at its end, or where it is a folder, the archive
    /// gets the default name there. An archive from which something is missing (exit code 3) is
    /// called NAME.incomplete, except in object stores.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Replace what has the name of the archive
    #[arg(long)]
    overwrite: bool,
    /// Lay a summary beside the archive: NAME.summary.json. Object stores always get one
    #[arg(long)]
    summary: bool,
    /// When the archive is there and complete, remove older ones of the same name but for the date,
    /// as backup prune does. Needs a --keep option
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    retention: RetentionArguments,
    #[command(flatten)]
    key: KeySource,
    /// Do not encrypt
    #[arg(long, conflicts_with_all = ["key", "key_file", "key_command"])]
    no_encrypt: bool,
    #[command(flatten)]
    cipher: CipherArguments,
    /// Do not compress
    #[arg(long)]
    no_compress: bool,
    /// How hard to compress: 0 not at all, 1 fast, 9 smallest
    #[arg(long, value_name = "LEVEL", value_parser = level, default_value_t, conflicts_with = "no_compress")]
    compression_level: Level,
    /// One file, or the same tree unpacked in a folder (needs --no-encrypt)
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Largest size of a shard of JSON lines, in MB (1,000,000 bytes)
    #[arg(long, value_name = "MB", default_value_t = DEFAULT_SHARD_SIZE / MEGABYTE)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000), alias = "maxSizeJsonl")]
    max_size_jsonl: u64,
    /// Take also what links in the upload folder lead to outside of it
    ///
    /// Without it a file behind such a link is listed, and the exit code is 3. The folder itself may be
    /// a link.
    #[arg(long)]
    follow_links: bool,
    #[command(flatten)]
    media: MediaArguments,
    /// Take every note as a sign of an incomplete archive (exit code 3)
    #[arg(long)]
    strict: bool,
    /// Say more, and where the time went
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    filter: FilterArguments,
    #[command(flatten)]
    token: TokenArguments,
    #[command(flatten)]
    remote: RemoteArguments,
    #[command(flatten)]
    alone: RunArguments,
}

/// A level of compression, as it stands on the command line.
fn level(text: &str) -> std::result::Result<Level, String> {
    let level = text.parse().ok().and_then(Level::new);
    level.ok_or_else(|| format!("it goes from 0 to {}", Level::MAX))
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
    /// Runs the export; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let (reports, nothing) = match self.file.as_deref() == Some(Path::new(STREAM)) {
            true => (
                Reports::Stderr,
                "what went to stdout is no complete archive; what was read is as it was",
            ),
            false => (Reports::Stdout, "no archive was written"),
        };
        let alone = self.alone.clone();
        alone.run("export", reports, environment, |cancellation, summary| {
            let request = self.request(environment, cancellation, summary);
            let exported = request.and_then(|it| it.run(environment, summary));
            exported.map_err(|error| error.interrupted_with(nothing))
        })
    }

    /// Whether the options fit together, as far as that can be told without looking at anything.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): they do not.
    pub fn check(self) -> Result<()> {
        let (location, is_unpacked) = self.location()?;
        self.pruning(&location, is_unpacked)?;
        self.cipher.check()?;
        self.check_extension(&location)?;
        self.end()?;
        self.filter.filter().map(|_| ())
    }

    /// What `--from` names, with all options that go with it.
    fn end(&self) -> Result<Option<End>> {
        let end = self.from.as_deref();
        let end = end.map(|from| End::parse("--from", from)).transpose()?;
        if end.as_ref().is_some_and(|end| end.address().is_some()) {
            let mut given = self.project.given();
            given.extend(self.waiting.given());
            given.extend(named([("--follow-links", self.follow_links)]));
            given.extend(self.media.given());
            remote::refuse_with_site(&given, "--from")?;
        } else {
            let mut given: Vec<&str> = self.token.source().option().into_iter().collect();
            given.extend(self.remote.given());
            remote::refuse_without_site(&given, "--from")?;
        }
        Ok(end)
    }

    /// Where the data comes from, and what is to be known of that.
    fn origin(
        &self,
        effort: &Effort,
        environment: &Environment,
        cancellation: &Cancellation,
    ) -> Result<(Origin, Vec<Warning>)> {
        let folder = match self.end()? {
            Some(End::Site(address)) => {
                remote::tell_of(&address);
                let prompt = Prompt::new(cancellation.interrupt());
                let token = self.token.source();
                let site = self.remote.site(address, &token, environment, &prompt)?;
                return Ok((Origin::Site(Box::new(site)), Vec::new()));
            }
            Some(End::Folder(folder)) => Some(folder),
            None => None,
        };
        let project =
            self.project
                .open_at(folder.as_deref(), environment, cancellation, self.strict)?;
        let project = project
            .measured(effort)
            .with_media(self.media.options(environment));
        let origin = Origin::Project {
            project: Box::new(project),
            wait: self.waiting.wait(cancellation.interrupt()),
            links: links(self.follow_links),
        };
        Ok((origin, Vec::new()))
    }

    /// Where the archive goes, and whether it is unpacked.
    fn location(&self) -> Result<(Location, bool)> {
        let is_unpacked = self.format == Format::Dir;
        if is_unpacked && !self.no_encrypt {
            return Err(
                Error::usage("an unpacked export (--format dir) cannot be encrypted")
                    .hint("add --no-encrypt, or leave --format out"),
            );
        }
        Ok((
            Place::parse(self.file.as_deref(), is_unpacked)?,
            is_unpacked,
        ))
    }

    /// Refuses a name that says another cipher than the one that is used: somebody would count on it.
    fn check_extension(&self, location: &Location) -> Result<()> {
        let name = match location {
            Location::Path(path) => path.file_name().unwrap_or_default().to_string_lossy(),
            Location::Object(name) => name.name().into(),
            Location::Stream => return Ok(()),
        };
        let is_folder = matches!(location, Location::Path(path) if Place::is_folder(path));
        if self.no_encrypt || is_folder {
            return Ok(());
        }
        let cipher = self.cipher.cipher()?;
        let other = match cipher {
            Cipher::Strapi => Cipher::Age,
            Cipher::Age => Cipher::Strapi,
        };
        let extension = other.extension();
        if !name.ends_with(extension) {
            return Ok(());
        }
        let what = format!(
            "{} ends with {extension}, and the archive would be encrypted with the cipher {cipher}",
            terminal::safe(&name)
        );
        Err(Error::usage(what).hint(match other {
            Cipher::Age => "add --cipher age, or recipients; or leave the extension out, which is added by itself",
            Cipher::Strapi => "leave the extension out, which is added by itself; or leave --cipher and recipients out",
        }))
    }

    fn request(
        self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<Request> {
        let (location, is_unpacked) = self.location()?;
        if self.summary && location.is_stream() {
            return Err(Error::usage("no summary can be laid beside stdout")
                .hint("name a file with --file, or leave --summary out"));
        }
        let prune = self.pruning(&location, is_unpacked)?;
        let cipher = self.cipher.cipher()?;
        self.check_extension(&location)?;
        let filter = self.filter.filter()?;
        let recipients = self.cipher.recipients()?;
        let effort = self.verbose.then(Effort::measured).unwrap_or_default();
        let (origin, notes) = self.origin(&effort, environment, cancellation)?;
        origin.note_in(summary, self.from.is_some());
        let form = Form {
            unpacked: is_unpacked,
            compressed: !self.no_compress,
            cipher: (!self.no_encrypt).then_some(cipher),
            summary: self.summary || self.prune,
        };
        Place::check(&location, form)?;
        let encryption = if self.no_encrypt {
            None
        } else if !recipients.is_empty() {
            Some(Encryption::Recipients(recipients))
        } else {
            let key = match self.key.given(environment, &cancellation.interrupt())? {
                Some(key) => key,
                None => key::ask_new(&Prompt::new(cancellation.interrupt()))?,
            };
            let password = Password::new(key);
            Some(match cipher {
                Cipher::Strapi => Encryption::Strapi(password),
                Cipher::Age => Encryption::Passphrase(password),
            })
        };
        let packing = Packing {
            compression: (!self.no_compress).then_some(self.compression_level),
            encryption,
            effort,
            interrupt: cancellation.interrupt(),
        };
        let place = Place::at(location, is_unpacked, &packing);
        // Without one nobody can tell whose an archive is that was given no name of its own.
        let summary = self.summary || self.prune || place.has_summary();
        Ok(Request {
            origin,
            notes,
            summary,
            digest: summary || self.alone.wants_summary(),
            overwrite: self.overwrite,
            prune,
            strict: self.strict,
            place,
            packing,
            shard_size: self.max_size_jsonl * MEGABYTE,
            filter,
            verbose: self.verbose,
            cancellation: cancellation.clone(),
        })
    }

    /// The rules by which older archives are removed afterwards, where they are to be.
    fn pruning(&self, location: &Location, unpacked: bool) -> Result<Option<Policy>> {
        if !self.prune {
            return match self.retention.is_given() {
                true => Err(Error::usage(
                    "--keep options say what --prune keeps, and that is not given",
                )
                .hint("add --prune, or leave them out")),
                false => Ok(None),
            };
        }
        if location.is_stream() || unpacked {
            return Err(Error::usage(
                "--prune removes archives beside the new one, and there are none beside stdout or a folder",
            )
            .hint("name a file with --file, or leave --prune out"));
        }
        self.retention.policy().map(Some)
    }
}
