//! A secret that options, the environment or a credential of systemd give. The first of these that is there counts.

use super::environment::Environment;
use super::secret::{Sort, holds_token, line_of_command, line_of_file, not_empty};
use crate::error::Result;
use crate::store::Interrupt;
use std::path::{Path, PathBuf};

/// Where a secret is looked for.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// The file that an option names.
    pub file: Option<PathBuf>,
    /// The command that an option gives.
    pub command: Option<String>,
    /// What variables are called after, in small letters and with `-`: `token` for `BACKUP_TOKEN`, `BACKUP_TOKEN_FILE` and
    /// `BACKUP_TOKEN_COMMAND`. The credential of systemd is `backup-` and this.
    pub name: String,
    /// What it is.
    pub sort: Sort,
}

/// What the names of variables have behind that of the secret.
const ENDS: [&str; 3] = ["", "_FILE", "_COMMAND"];

/// The variable for a secret of this name whose name ends so.
pub(super) fn variable(name: &str, end: &str) -> String {
    let name = name.to_uppercase().replace('-', "_");
    format!("BACKUP_{name}{end}")
}

/// Whether a variable gives a secret of this name.
pub(super) fn is_in_variable(name: &str, environment: &Environment) -> bool {
    let mut ends = ENDS.into_iter();
    ends.any(|end| environment.get(&variable(name, end)).is_some())
}

impl Given {
    /// The secret, where it is given.
    ///
    /// # Errors
    /// It cannot be had, or is empty.
    pub fn value(
        &self,
        environment: &Environment,
        interrupt: &Interrupt,
    ) -> Result<Option<String>> {
        let of_file = |path: &Path| line_of_file(path, self.sort, interrupt).map(Some);
        let of_command = |command: &str| line_of_command(command, self.sort, interrupt).map(Some);
        if let Some(path) = &self.file {
            return of_file(path);
        }
        if let Some(command) = &self.command {
            return of_command(command);
        }
        match self.place(environment) {
            Some(Place::Variable(name, secret)) => {
                let secret = secret.trim_end_matches(['\r', '\n']).to_owned();
                not_empty(secret, &format!("the variable {name}")).map(Some)
            }
            Some(Place::File(_, path)) => of_file(Path::new(path)),
            Some(Place::Command(_, command)) => of_command(command),
            Some(Place::Credential(path)) => of_file(&path),
            None => Ok(None),
        }
    }

    /// Where the environment has it.
    pub fn place<'a>(&self, environment: &'a Environment) -> Option<Place<'a>> {
        let of = |end: &str| {
            let name = variable(&self.name, end);
            environment.get(&name).map(|value| (name, value))
        };
        if let Some((name, secret)) = of("") {
            return Some(Place::Variable(name, secret));
        }
        if let Some((name, path)) = of("_FILE") {
            return Some(Place::File(name, path));
        }
        if let Some((name, command)) = of("_COMMAND") {
            return Some(Place::Command(name, command));
        }
        let folder = environment.credentials();
        let credential = folder.map(|it| it.join(format!("backup-{}", self.name)));
        credential
            .filter(|path| path.exists())
            .map(Place::Credential)
    }
}

/// Where the environment has a secret: a variable by its name and its value, or a file.
pub(super) enum Place<'a> {
    Variable(String, &'a str),
    File(String, &'a str),
    Command(String, &'a str),
    Credential(PathBuf),
}

impl Place<'_> {
    /// In words, without the secret.
    pub fn in_words(&self) -> String {
        match self {
            Self::Variable(name, _) => format!("the variable {name}"),
            Self::File(name, path) if holds_token(path) => {
                format!("{name}, which names no file, but is a token itself")
            }
            Self::File(name, path) => format!("the file {path} ({name})"),
            Self::Command(name, _) => format!("what the command of {name} prints"),
            Self::Credential(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                format!("the credential {name} of systemd")
            }
        }
    }
}
