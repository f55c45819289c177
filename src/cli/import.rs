//! `backup import`: an archive into a project, or into a running Strapi.

use super::environment::Environment;
use super::key::KeyArguments;
use super::plan::Coming;
use super::project::ProjectArguments;
use super::prompt::Prompt;
use super::remote::{self, End, RemoteArguments};
use super::restore::{Restore, RestoreArguments, Target, conclude};
use super::run::RunArguments;
use super::safety::{SafetyArguments, SafetyLock};
use super::terminal::Reports;
use super::token::TokenArguments;
use super::waiting::WaitArguments;
use super::{Cancellation, archive_facts, open_archive_and_key};
use crate::archive::Password;
use crate::error::Result;
use crate::store::Location;
use crate::transfer::OnFault;
use crate::transfer::summary::Summary;
use clap::Args;
use std::path::{Path, PathBuf};

/// Restore a project from an archive
///
/// Checks everything first, then replaces what is in scope: content, media files and configuration
/// of the project are deleted and those of the archive loaded. Administrators, their roles and
/// tokens stay. Either all of it happens, or nothing. Stop Strapi before, and start it after.
///
/// With --to URL the archive goes into a running Strapi, by its own transfer feature. There files that
/// are deleted do not come back by themselves: a safety copy is made first (docs/REMOTE.md).
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup import --file export_20261120154525.tar.gz.enc
  backup import --file site.tar.gz.enc --key-file /etc/backup/key --dry-run
  backup import --project /srv/strapi --file site.tar.gz.enc --key-file /etc/backup/key --force
  backup import --file site.tar --only content
  backup import --file site.tar.gz.enc --key-file /etc/backup/key --files-to /srv/files
  backup import --file s3://bucket/backups/site-2026-11-20 --key-file /etc/backup/key
  backup import --file site.tar.gz.age --identity identity.txt
  backup import --file site.tar.gz.enc --to https://cms.example.com/admin --token-file /etc/backup/token
  ssh backups@host cat site.tar.gz.enc | backup import --file - --key-file /etc/backup/key --force

Without an option for the key BACKUP_KEY and its like are looked for, and else it is asked for; the same goes for the \
token of --to and BACKUP_TOKEN.")]
pub(super) struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    waiting: WaitArguments,
    /// What is restored in place of --project: the URL of a running Strapi's admin panel, or a project's folder
    #[arg(long, value_name = "URL|DIR", conflicts_with = "project")]
    to: Option<PathBuf>,
    /// The archive: a file, a folder that holds an unpacked one, s3://, gs:// or az://, or - for stdin
    ///
    /// Its extensions may be left out.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    key: KeyArguments,
    #[command(flatten)]
    how: RestoreArguments,
    #[command(flatten)]
    token: TokenArguments,
    #[command(flatten)]
    remote: RemoteArguments,
    #[command(flatten)]
    safety: SafetyArguments,
    #[command(flatten)]
    alone: RunArguments,
}

impl Arguments {
    /// Runs the import; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let strict = self.how.strict;
        let alone = self.alone.clone();
        alone.run(
            "import",
            Reports::Stdout,
            environment,
            |cancellation, summary| {
                let restore = self.restore(environment, cancellation, summary);
                conclude(restore, strict, summary)
            },
        )
    }

    fn restore<'e>(
        self,
        environment: &'e Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<Restore<'e>> {
        let end = self.end()?;
        let prompt = Prompt::beside(&self.file, cancellation.interrupt());
        let asks = self.how.asks("an import", &prompt)?;
        let filter = self.how.filter()?;
        let effort = self.how.effort();
        let (archive, unlock) = open_archive_and_key(
            &self.file,
            &self.key,
            OnFault::Stop,
            cancellation,
            &effort,
            environment,
        )?;
        summary.archive = Some(archive_facts(&archive));
        let target = match end {
            Some(End::Site(address)) => {
                summary.to = Some(address.to_string());
                remote::tell_of(&address);
                let otherwise = match archive.is_encrypted() {
                    true => None,
                    false => self.key.of_environment(environment, prompt.interrupt())?,
                };
                let lock = SafetyLock::of_archive(
                    archive.lock(),
                    unlock.as_ref(),
                    otherwise.map(Password::new),
                );
                let beside = local_file(&self.file)?;
                let safety = self.safety.plan(
                    &address,
                    beside.as_deref(),
                    lock,
                    &filter,
                    environment,
                    cancellation,
                )?;
                let site = self
                    .remote
                    .site(address, &self.token.source(), environment, &prompt)?;
                Target::Site(Box::new(site), safety)
            }
            folder => {
                let folder = match &folder {
                    Some(End::Folder(folder)) => Some(folder.as_path()),
                    _ => None,
                };
                let project =
                    self.project
                        .open_at(folder, environment, cancellation, self.how.strict)?;
                summary.project = Some(project.root().display().to_string());
                if folder.is_some() {
                    summary.to.clone_from(&summary.project);
                }
                let wait = self.waiting.wait(cancellation.interrupt());
                let project = project.measured(&effort);
                self.how.target(project, wait, &filter, environment)?
            }
        };
        Ok(Restore {
            source: Box::new(archive),
            coming: Coming::Archive,
            target,
            filter,
            how: self.how,
            prompt: asks.then_some(prompt),
            effort,
            cancellation: cancellation.clone(),
            notes: Vec::new(),
            environment,
        })
    }

    /// What `--to` names, with all options that go with it.
    fn end(&self) -> Result<Option<End>> {
        let end = self.to.as_deref();
        let end = end.map(|to| End::parse("--to", to)).transpose()?;
        let is_site = end.as_ref().is_some_and(|end| end.address().is_some());
        if is_site {
            let mut given = self.project.given();
            given.extend(self.waiting.given());
            given.extend(self.how.for_projects());
            remote::refuse_with_site(&given, "--to")?;
        } else {
            let mut given: Vec<&str> = self.token.source().option().into_iter().collect();
            given.extend(self.remote.given());
            given.extend(self.safety.given());
            remote::refuse_without_site(&given, "--to")?;
        }
        Ok(end)
    }
}

/// The file or folder that an archive is, where it lies on this machine.
fn local_file(file: &Path) -> Result<Option<PathBuf>> {
    Ok(match Location::parse(file.as_os_str())? {
        Location::Path(path) => Some(path),
        Location::Object(_) | Location::Stream => None,
    })
}
