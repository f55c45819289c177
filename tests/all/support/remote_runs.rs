//! Runs of the program with a running Strapi as an end.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::archive::Archive;
use super::cli::{Outcome, PLAIN, backup, run};
use super::running_strapi::{RunningStrapi, Token};

/// A folder that runs are started in.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    /// An empty one.
    pub fn new() -> Desk {
        Desk {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names in it.
    pub fn listing(&self) -> Vec<String> {
        super::files::listing(self.folder.path())
    }

    /// `backup export --from`, into a plain archive `NAME.tar`.
    pub fn export(&self, url: &str, token: &str, name: &str) -> Command {
        let mut command = backup(["export", "--from", url, "-f", name, "--overwrite"]);
        command.args(PLAIN).env("BACKUP_TOKEN", token);
        command.current_dir(self.folder.path());
        command
    }

    /// `backup import --to`, without questions.
    pub fn import(&self, file: &Path, url: &str, token: &str, options: &[&str]) -> Command {
        let mut command = backup(["import", "--to", url, "--force", "-f"]);
        command.arg(file).args(options).env("BACKUP_TOKEN", token);
        command.env("BACKUP_SITE_TIMEOUT", "10");
        command.current_dir(self.folder.path());
        command
    }

    /// `backup transfer`, without questions.
    pub fn transfer(&self, from: (&str, &str), to: (&str, &str), options: &[&str]) -> Command {
        let mut command = backup(["transfer", "--force", "--from", from.0, "--to", to.0]);
        command.args(options).env("BACKUP_FROM_TOKEN", from.1);
        command.env("BACKUP_TO_TOKEN", to.1);
        command.current_dir(self.folder.path());
        command
    }

    /// What a pull of a site gives. Nothing may be missing.
    #[track_caller]
    pub fn pulled(&self, site: &RunningStrapi, name: &str) -> Archive {
        self.pulled_with(site, name).0
    }

    /// The same, and what was said.
    #[track_caller]
    pub fn pulled_with(&self, site: &RunningStrapi, name: &str) -> (Archive, Outcome) {
        let token = site.token(Token::Pull);
        let outcome = run(&mut self.export(&site.url, token, name)).ends_with(0);
        keeps_secret(&outcome, token);
        let archive = Archive::open(&self.path(&format!("{name}.tar")), None);
        (archive, outcome)
    }
}

/// Fails when a token was printed.
#[track_caller]
pub fn keeps_secret(outcome: &Outcome, token: &str) {
    let printed = outcome.stdout.contains(token) || outcome.stderr.contains(token);
    assert!(!printed, "the token was printed\n{}", outcome.all());
}
