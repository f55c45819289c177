//! What the process environment says, read once. A flag wins over a variable.

use crate::error::{Error, Result};
use crate::store::{Access, Interrupt};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The variable that holds the key for runs without a terminal.
const KEY: &str = "BACKUP_KEY";
/// The variable that names the file which holds it.
const KEY_FILE: &str = "BACKUP_KEY_FILE";
/// The variable with the command that prints it.
const KEY_COMMAND: &str = "BACKUP_KEY_COMMAND";
/// The variable that names the file with identities.
const IDENTITY: &str = "BACKUP_IDENTITY";
/// The variables that say the key of the second of two archives, and those that they stand for.
const OTHER_KEY: [(&str, &str); 3] = [
    ("BACKUP_OTHER_KEY", KEY),
    ("BACKUP_OTHER_KEY_FILE", KEY_FILE),
    ("BACKUP_OTHER_KEY_COMMAND", KEY_COMMAND),
];
/// Where systemd puts the credentials of a service.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// How the variables begin that are this program's own.
pub(super) const PREFIX: &str = "BACKUP_";
/// The variable that says how long to wait for a lock in the database, in seconds.
const DATABASE_TIMEOUT: &str = "BACKUP_DATABASE_TIMEOUT";

/// The variable that says how long to wait for a site that has to start again, in seconds.
const SITE_TIMEOUT: &str = "BACKUP_SITE_TIMEOUT";

/// The process environment.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    variables: BTreeMap<String, String>,
    /// The folder for what must be spooled and has no better place.
    pub temporary: PathBuf,
}

impl Environment {
    /// That of this process. What is no text is replaced as Node does it, for the project's configuration.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): a variable of this program is no text.
    pub fn of_process() -> Result<Self> {
        let mut variables = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let is_ours = name.starts_with(PREFIX);
            let value = match value.into_string() {
                Ok(value) => value,
                Err(_) if is_ours => {
                    return Err(Error::usage(format!("the variable {name} is not UTF-8"))
                        .hint("set it to text, or take it out of the environment"));
                }
                Err(value) => value.to_string_lossy().into_owned(),
            };
            variables.insert(name, value);
        }
        Ok(Self {
            variables,
            temporary: std::env::temp_dir(),
        })
    }

    /// The user's own folder for what programs keep.
    pub fn own_folder(&self) -> Option<PathBuf> {
        let given = self.get("XDG_STATE_HOME").map(PathBuf::from);
        let base = given.filter(|path| path.is_absolute()).or_else(|| {
            let home = self.get("HOME");
            home.map(|home| PathBuf::from(home).join(".local/state"))
        })?;
        Some(base.join("backup"))
    }

    /// The folder for locks that all users and units of this machine share: no variable moves it.
    pub fn locks() -> PathBuf {
        use rustix::fs::{Access, access};
        let shared = ["/run/lock", "/tmp"].map(PathBuf::from);
        let is_open = |folder: &PathBuf| {
            let mode = folder.metadata().map(|it| it.permissions().mode());
            mode.is_ok_and(|mode| mode & 0o002 != 0) && access(folder, Access::WRITE_OK).is_ok()
        };
        let found = shared.into_iter().find(is_open);
        found.unwrap_or_else(std::env::temp_dir)
    }

    /// One with these variables.
    #[cfg(test)]
    pub fn of(variables: BTreeMap<String, String>) -> Self {
        Self {
            variables,
            ..Self::default()
        }
    }

    /// Only what tells where the user's own files are: what others will run later must not hang on this shell.
    pub fn of_user(&self) -> Self {
        let mut variables = self.variables.clone();
        variables.retain(|name, _| ["HOME", "XDG_CONFIG_HOME"].contains(&name.as_str()));
        Self {
            variables,
            temporary: self.temporary.clone(),
        }
    }

    /// All variables, for the project's own configuration.
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// What opens object stores, until the user wants the run to stop.
    pub fn access(&self, interrupt: Interrupt) -> Access {
        Access::new(self.variables.clone(), interrupt)
    }

    /// The value of a variable; an empty one is none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The key of archives.
    pub fn key(&self) -> Option<&str> {
        self.get(KEY)
    }

    /// The file that holds the key.
    pub fn key_file(&self) -> Option<&str> {
        self.get(KEY_FILE)
    }

    /// The command that prints the key.
    pub fn key_command(&self) -> Option<&str> {
        self.get(KEY_COMMAND)
    }

    /// The file with identities.
    pub fn identity(&self) -> Option<&str> {
        self.get(IDENTITY)
    }

    /// Whether variables say the key of the second of two archives.
    pub fn has_other_key(&self) -> bool {
        OTHER_KEY.iter().any(|(other, _)| self.get(other).is_some())
    }

    /// The same for the second of two archives: with its key, where variables say one of its own.
    pub fn with_other_key(&self) -> Self {
        let mut own = self.clone();
        if self.has_other_key() {
            for (other, name) in OTHER_KEY {
                let value = self.get(other).unwrap_or_default().to_owned();
                own.variables.insert(name.to_owned(), value);
            }
        }
        own
    }

    /// Where systemd put the credentials of this service.
    pub fn credentials(&self) -> Option<&Path> {
        self.get(CREDENTIALS).map(Path::new)
    }

    /// How long to wait for a lock in the database, where that is said.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it is not a number of seconds.
    pub fn database_timeout(&self) -> Result<Option<Duration>> {
        self.seconds(DATABASE_TIMEOUT, "a lock in the database")
    }

    /// How long to wait for a site that has to start again, where that is said.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it is not a number of seconds.
    pub fn site_timeout(&self) -> Result<Option<Duration>> {
        self.seconds(SITE_TIMEOUT, "a site that has to start again")
    }

    fn seconds(&self, name: &str, what: &str) -> Result<Option<Duration>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let seconds = value.trim().parse().ok();
        let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        duration.map(Some).ok_or_else(|| {
            Error::usage(format!(
                "{name} is `{value}`, which is not a number of seconds"
            ))
            .hint(format!(
                "give how long to wait for {what}, such as 0, 2.5 or 60"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_timeout_is_a_number_of_seconds() {
        let lock = |text: &str| {
            let variables = [(DATABASE_TIMEOUT.to_owned(), text.to_owned())].into();
            let environment = Environment {
                variables,
                ..Environment::default()
            };
            environment.database_timeout()
        };
        for (text, milliseconds) in [
            ("0", 0),
            ("2.5", 2500),
            (" 60 ", 60_000),
            ("1e3", 1_000_000),
        ] {
            let wait = Duration::from_millis(milliseconds);
            assert_eq!(lock(text).expect(text), Some(wait));
        }
        assert_eq!(lock("").expect("empty"), None);
        for text in ["-1", "soon", "5s", "NaN", "inf", "1e99", "1,5", " "] {
            let error = lock(text).expect_err(text);
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.to_string().contains(DATABASE_TIMEOUT), "{error}");
        }
    }
}
