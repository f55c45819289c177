//! `backup transfer`: a project or a running Strapi into another one, without an archive in between.

use super::Cancellation;
use super::environment::Environment;
use super::key::KeySource;
use super::origin::{Origin, links};
use super::plan::Coming;
use super::project::ChoiceArguments;
use super::prompt::Prompt;
use super::remote::{self, End, RemoteArguments};
use super::restore::{Restore, RestoreArguments, Target, conclude};
use super::run::RunArguments;
use super::safety::{SafetyArguments, SafetyLock};
use super::terminal::{self, Reports};
use super::token::{BothTokenArguments, TokenSource};
use super::waiting::WaitArguments;
use crate::archive::Password;
use crate::error::{Error, Result};
use crate::strapi::Project;
use crate::transfer::summary::Summary;
use clap::Args;
use std::path::{Path, PathBuf};

/// The variable that has all projects use one database.
const DATABASE_URL: &str = "BACKUP_DATABASE_URL";

/// Replace what one project or running Strapi holds with what another one holds
///
/// Reads the one end to its end and checks it, then asks, then replaces what is in scope at the other:
/// content, media files and configuration. Administrators, their roles and tokens stay on both sides. A
/// project changes as a whole or not at all. A running Strapi does not get files back by itself that it
/// deleted: a safety copy is made first (docs/REMOTE.md).
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup transfer --from https://cms.example.com/admin --to /srv/strapi --from-token-file /etc/backup/token --dry-run
  backup transfer --from /srv/strapi --to https://staging.example.com/admin --to-token-file staging-token
  backup transfer --from https://cms.example.com/admin --to https://staging.example.com/admin --force
  backup transfer --from /srv/strapi --to /srv/staging --only content

Without an option for a token BACKUP_FROM_TOKEN, BACKUP_TO_TOKEN and their like are looked for (docs/SCRIPTING.md), and else \
it is asked for.")]
pub(super) struct Arguments {
    /// Where the data comes from: the URL of a running Strapi's admin panel, or the folder of a project
    #[arg(long, value_name = "URL|DIR")]
    from: PathBuf,
    /// Where it goes: the same
    #[arg(long, value_name = "URL|DIR")]
    to: PathBuf,
    #[command(flatten)]
    choices: ChoiceArguments,
    #[command(flatten)]
    waiting: WaitArguments,
    /// Take also what links in the upload folder lead to outside of it
    #[arg(long)]
    follow_links: bool,
    #[command(flatten)]
    how: RestoreArguments,
    #[command(flatten)]
    tokens: BothTokenArguments,
    #[command(flatten)]
    remote: RemoteArguments,
    #[command(flatten)]
    safety: SafetyArguments,
    #[command(flatten, next_help_heading = "The safety copy's encryption")]
    key: KeySource,
    #[command(flatten)]
    alone: RunArguments,
}

impl Arguments {
    /// Runs the transfer; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let strict = self.how.strict;
        let alone = self.alone.clone();
        alone.run(
            "transfer",
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
        let from = End::parse("--from", &self.from)?;
        let to = End::parse("--to", &self.to)?;
        self.check(&from, &to, environment)?;
        let prompt = Prompt::new(cancellation.interrupt());
        let asks = self.how.asks("a transfer", &prompt)?;
        let filter = self.how.filter()?;
        let effort = self.how.effort();
        [&from, &to]
            .into_iter()
            .filter_map(End::address)
            .for_each(remote::tell_of);
        let open = |folder: &Path| -> Result<Box<Project>> {
            let strict = self.how.strict;
            let project = self
                .choices
                .open(folder, environment, cancellation, strict)?;
            Ok(Box::new(project.measured(&effort)))
        };
        let site = |address, token: &TokenSource| {
            let site = self.remote.site(address, token, environment, &prompt);
            site.map(Box::new)
        };
        let [from_token, to_token] = self.tokens.sources();
        let mut own = None;
        let origin = match from {
            End::Site(address) => Origin::Site(site(address, &from_token)?),
            End::Folder(folder) => {
                let project = open(&folder)?;
                own = Some(project.clone());
                let media = self.how.media_options(environment);
                Origin::Project {
                    project: Box::new(project.with_media(media)),
                    wait: self.waiting.wait(cancellation.interrupt()),
                    links: links(self.follow_links),
                }
            }
        };
        summary.from = Some(origin.name());
        let target = match to {
            End::Site(address) => {
                summary.to = Some(address.to_string());
                let key = self.key.given(environment, prompt.interrupt())?;
                let lock = SafetyLock::of_key(key.map(Password::new));
                let safety =
                    self.safety
                        .plan(&address, None, lock, &filter, environment, cancellation)?;
                Target::Site(site(address, &to_token)?, safety)
            }
            End::Folder(folder) => {
                let project = open(&folder)?;
                if own.is_some_and(|own| own.shares_database_with(&project)) {
                    return Err(Error::usage(format!(
                        "the projects of --from and --to use the same database: {}",
                        terminal::safe(&project.to_string())
                    ))
                    .hint("see which database each is configured to use: variables of this environment win over both"));
                }
                summary.project = Some(project.root().display().to_string());
                summary.to.clone_from(&summary.project);
                let wait = self.waiting.wait(cancellation.interrupt());
                self.how.target(*project, wait, &filter, environment)?
            }
        };
        let coming = match &origin {
            Origin::Project { .. } => Coming::Project(origin.told()),
            Origin::Site(_) => Coming::Site(origin.told()),
        };
        Ok(Restore {
            source: origin.open(environment)?,
            coming,
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

    /// Whether the options fit the two ends, and these are two.
    fn check(&self, from: &End, to: &End, environment: &Environment) -> Result<()> {
        let is_same = match (from, to) {
            (End::Site(from), End::Site(to)) => from.is_same(to),
            (End::Folder(from), End::Folder(to)) => {
                let real = |folder: &PathBuf| folder.canonicalize().ok();
                real(from).is_some() && real(from) == real(to)
            }
            _ => false,
        };
        if is_same {
            return Err(Error::usage("--from and --to name the same")
                .hint("a transfer replaces what --to holds: name another one"));
        }
        let [from_token, to_token] = self.tokens.sources();
        if from.address().is_none() {
            let given: Vec<&str> = from_token.option().into_iter().collect();
            remote::refuse_without_site(&given, "--from")?;
        } else {
            let links = remote::named([("--follow-links", self.follow_links)]);
            remote::refuse_with_site(&links, "--from")?;
        }
        if to.address().is_none() {
            let mut given: Vec<&str> = to_token.option().into_iter().collect();
            given.extend(self.safety.given());
            given.extend(self.key.options());
            remote::refuse_without_site(&given, "--to")?;
        } else {
            remote::refuse_with_site(&self.how.for_targets(), "--to")?;
        }
        match (from.address().is_some(), to.address().is_some()) {
            (false, false) => {
                remote::refuse(
                    &self.remote.given(),
                    "for a running Strapi, and neither --from nor --to names one",
                    "leave them out",
                )?;
                let database = "--database-url";
                if self.choices.given().contains(&database)
                    || environment.get(DATABASE_URL).is_some()
                {
                    return Err(Error::usage(format!(
                        "{database} and {DATABASE_URL} would be for both projects"
                    ))
                    .hint("export the one, and import the archive into the other"));
                }
                Ok(())
            }
            (true, true) => {
                let mut given = self.choices.given();
                given.extend(self.waiting.given());
                given.extend(self.how.for_projects());
                remote::refuse(
                    &given,
                    "for the folder of a project, and both ends are running Strapis",
                    "leave them out",
                )
            }
            _ => Ok(()),
        }
    }
}
