//! Where a key can come from: options, the environment, a credential of systemd, a prompt.
//!
//! The first of these that is there counts: `--key`, `--key-file`, `--key-command` (of which one alone may be given),
//! `BACKUP_KEY`, `BACKUP_KEY_FILE`, `BACKUP_KEY_COMMAND`, the credential `backup-key`, a question. docs/SCRIPTING.md tells
//! users. Identities, for archives that are encrypted to recipients, come from the room beside this one.

use super::environment::Environment;
use super::identity::IdentityArguments;
use super::prompt::Prompt;
use super::remote::named;
use super::secret::{Sort, is_identity, line_of_command, line_of_file, not_empty};
use super::terminal;
use crate::archive::{Archive, Identities, Keys, Lock, Password, Unlock};
use crate::error::{Error, Result};
use crate::store::Interrupt;
use clap::Args;
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What the credential of systemd is called that holds the key.
const CREDENTIAL: &str = "backup-key";

/// Where the key comes from.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct KeySource {
    /// The key itself. It shows in the list of processes: better in a file
    #[arg(short, long, value_name = "KEY")]
    key: Option<String>,
    /// File that holds the key: one line
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    key_file: Option<PathBuf>,
    /// Command that prints the key: the first line counts. /bin/sh runs it
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["key", "key_file"])]
    key_command: Option<String>,
}

/// The key of an archive that is read.
#[derive(Debug, Clone, Args)]
pub(super) struct KeyArguments {
    #[command(flatten)]
    source: KeySource,
    #[command(flatten)]
    identity: IdentityArguments,
    /// Refuse archives that do not prove to have been written by somebody who knew the key
    #[arg(long)]
    pub require_authentication: bool,
    /// Whether it is for several archives, of which some may need none.
    #[arg(skip)]
    pub is_for_several: bool,
    /// What was given, where it is for several: a pipe is read once.
    #[arg(skip)]
    kept_key: Kept<String>,
    #[arg(skip)]
    kept_identities: Kept<Identities>,
}

/// A secret that is had once, for however many archives, and whether one of them took it. `{:?}` does not show it.
struct Kept<T>(Arc<Mutex<(Option<T>, bool)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((None, false))))
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(...)")
    }
}

impl<T: Clone> Kept<T> {
    /// What is kept; else what `have` gives, which is kept from then on.
    fn or(&self, have: impl FnOnce() -> Result<Option<T>>) -> Result<Option<T>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1 = true;
        if kept.0.is_none() {
            kept.0 = have()?;
        }
        Ok(kept.0.clone())
    }

    fn is_taken(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

impl KeyArguments {
    /// The same for an archive whose key is in this file, or is printed by this command, or is said by the environment
    /// alone.
    pub fn with_source(&self, key_file: Option<PathBuf>, key_command: Option<String>) -> Self {
        Self {
            source: KeySource {
                key: None,
                key_file,
                key_command,
            },
            kept_key: Kept::default(),
            ..self.clone()
        }
    }

    /// Where a key comes from that a new archive is encrypted with.
    pub fn source(&self) -> &KeySource {
        &self.source
    }

    /// What an option names that no archive took, of those that were opened with this: `key` or `identity`.
    pub fn needless(&self) -> Option<&'static str> {
        if self.source.is_named() && !self.kept_key.is_taken() {
            return Some("key");
        }
        (self.identity.is_named() && !self.kept_identities.is_taken()).then_some("identity")
    }

    /// What opens an archive, where it needs something: as given, else asked for. Of what is given, what fits counts.
    ///
    /// # Errors
    /// It cannot be had, is empty, or there is nobody to ask; or what an option gives does not fit, and nothing else does.
    pub fn unlock(
        &self,
        archive: &Archive,
        prompt: &Prompt,
        environment: &Environment,
    ) -> Result<Option<Unlock>> {
        let interrupt = prompt.interrupt();
        let key = |key: String| Some(Unlock::Key(Password::new(key)));
        let unfit = || Some(Unlock::Identities(Identities::default()));
        match archive.lock()? {
            Some(Lock::Key(_)) => {
                let given = || self.source.given(environment, interrupt);
                match self.kept_key.or(given)? {
                    Some(given) => Ok(key(given)),
                    // The archive says then what it needs.
                    None if self.identity.is_named() && !self.is_for_several => Ok(unfit()),
                    None => Ok(key(ask_existing(prompt)?)),
                }
            }
            Some(Lock::Identity) => {
                let given = || self.identity.given(environment, prompt);
                match self.kept_identities.or(given)? {
                    Some(identities) => Ok(Some(Unlock::Identities(identities))),
                    None => Ok(self
                        .kept_key
                        .or(|| self.source.named(interrupt))?
                        .and_then(key)),
                }
            }
            None if self.is_for_several => Ok(None),
            // What is in the environment is for the archives that need it; what an option names is not.
            None => match self.source.named(interrupt)? {
                Some(named) => Ok(key(named)),
                None => Ok(self.identity.is_named().then(unfit).flatten()),
            },
        }
    }

    /// What opens an archive of which something can be told without: as given, else the key is asked for, where somebody
    /// can be asked. No answer is none.
    ///
    /// # Errors
    /// It cannot be had, or is empty where it was given; or what an option gives does not fit.
    pub fn if_answered(
        &self,
        archive: &Archive,
        prompt: &Prompt,
        environment: &Environment,
    ) -> Result<Option<Unlock>> {
        let interrupt = prompt.interrupt();
        let is_named = self.identity.is_named() || self.source.is_named();
        match archive.lock()? {
            Some(Lock::Key(_)) if !is_named => {
                let key = match self.source.given(environment, interrupt)? {
                    None if prompt.is_possible() => {
                        let question = "Key of the archive (none: what shows without it): ";
                        Some(prompt.secret(question)?).filter(|key| !key.is_empty())
                    }
                    given => given,
                };
                Ok(key.map(|key| Unlock::Key(Password::new(key))))
            }
            Some(Lock::Identity) if !is_named => {
                let given = self.identity.if_given(environment, interrupt)?;
                Ok(given.map(Unlock::Identities))
            }
            _ => self.unlock(archive, prompt, environment),
        }
    }

    /// The key that the environment gives, for what is written where an archive needs none.
    ///
    /// # Errors
    /// It cannot be had, or is empty.
    pub fn of_environment(
        &self,
        environment: &Environment,
        interrupt: &Interrupt,
    ) -> Result<Option<String>> {
        KeySource::default().given(environment, interrupt)
    }

    /// The files that options and the environment name, whether they are there or not.
    pub fn files(&self, environment: &Environment) -> Vec<PathBuf> {
        let mut files = self.identity.files(environment);
        files.extend(self.source.key_file.clone());
        files.extend(match place(environment) {
            Ok(Some(Place::File(path))) => Some(path.into()),
            Ok(Some(Place::Credential(path))) => Some(path),
            _ => None,
        });
        files
    }

    /// What options or the environment give. Nobody is asked, but for the passphrase of an identity that an option names.
    ///
    /// # Errors
    /// It cannot be had, or is empty.
    pub fn if_given(&self, environment: &Environment, interrupt: &Interrupt) -> Result<Keys> {
        let key = self.source.given(environment, interrupt)?;
        let identities = self.identity.if_given(environment, interrupt)?;
        Ok(Keys {
            password: key.map(Password::new),
            identities: identities.unwrap_or_default(),
        })
    }
}

impl KeySource {
    /// The key, where an option or the environment gives one.
    ///
    /// # Errors
    /// It cannot be had, or is empty.
    pub fn given(
        &self,
        environment: &Environment,
        interrupt: &Interrupt,
    ) -> Result<Option<String>> {
        if let Some(key) = self.named(interrupt)? {
            return Ok(Some(key));
        }
        let Some(place) = place(environment)? else {
            return Ok(None);
        };
        match place {
            // As of a file: whoever fills variables from files leaves its end.
            Place::Variable(key) => {
                let key = key.trim_end_matches(['\r', '\n']);
                not_empty(key.to_owned(), "the variable BACKUP_KEY")
            }
            Place::File(path) => line_of_file(Path::new(path), Sort::Key, interrupt),
            Place::Command(command) => line_of_command(command, Sort::Key, interrupt),
            Place::Credential(path) => line_of_file(&path, Sort::Key, interrupt),
        }
        .map(Some)
    }

    /// Whether an option names one.
    fn is_named(&self) -> bool {
        !self.options().is_empty()
    }

    /// The options that were given.
    pub fn options(&self) -> Vec<&'static str> {
        named([
            ("--key", self.key.is_some()),
            ("--key-file", self.key_file.is_some()),
            ("--key-command", self.key_command.is_some()),
        ])
    }

    /// The key that an option names.
    fn named(&self, interrupt: &Interrupt) -> Result<Option<String>> {
        if let Some(key) = &self.key {
            if !io::stderr().is_terminal() {
                terminal::tell(
                    "note: a key on the command line shows in the list of processes and in files with jobs; \
                     --key-file and the variable BACKUP_KEY do not show it",
                );
            }
            return not_empty(key.clone(), "the key").map(Some);
        }
        if let Some(path) = &self.key_file {
            return line_of_file(path, Sort::Key, interrupt).map(Some);
        }
        let command = self.key_command.as_deref();
        command
            .map(|command| line_of_command(command, Sort::Key, interrupt))
            .transpose()
    }
}

/// Where the environment has a key.
enum Place<'a> {
    Variable(&'a str),
    File(&'a str),
    Command(&'a str),
    Credential(PathBuf),
}

/// Where the environment has the key.
fn place(environment: &Environment) -> Result<Option<Place<'_>>> {
    if let Some(key) = environment.key() {
        return Ok(Some(Place::Variable(key)));
    }
    if let Some(path) = environment.key_file() {
        return Ok(Some(Place::File(path)));
    }
    if let Some(command) = environment.key_command() {
        return Ok(Some(Place::Command(command)));
    }
    let credential = environment.credentials().map(|it| it.join(CREDENTIAL));
    Ok(credential
        .filter(|path| path.exists())
        .map(Place::Credential))
}

/// Where the environment has the key, in words; `None` where it has none.
pub(super) fn told(environment: &Environment) -> Option<String> {
    Some(match place(environment).ok()?? {
        Place::Variable(_) => "the variable BACKUP_KEY".into(),
        Place::File(path) if is_identity(Path::new(path)) => {
            "BACKUP_KEY_FILE, which names no file, but is an identity itself".into()
        }
        Place::File(path) => format!("the file {path} (BACKUP_KEY_FILE)"),
        Place::Command(_) => "what the command of BACKUP_KEY_COMMAND prints".into(),
        Place::Credential(_) => format!("the credential {CREDENTIAL} of systemd"),
    })
}

/// Whether a variable has the key, or says where it is.
pub(super) fn is_in_variable(environment: &Environment) -> bool {
    let all = [
        environment.key(),
        environment.key_file(),
        environment.key_command(),
    ];
    all.iter().any(Option::is_some)
}

/// Asks for a new key, twice.
///
/// # Errors
/// There is no terminal, the answers differ, or are empty.
pub(super) fn ask_new(prompt: &Prompt) -> Result<String> {
    let key = ask(
        prompt,
        "Key to encrypt the archive with: ",
        "give it with --key-file, or in the variable BACKUP_KEY, or export without encryption with \
         --no-encrypt",
    )?;
    let again = ask(prompt, "The same key again: ", "")?;
    if again != key {
        return Err(Error::usage("the two keys differ").hint("run it again"));
    }
    Ok(key)
}

fn ask_existing(prompt: &Prompt) -> Result<String> {
    ask(
        prompt,
        "Key of the archive: ",
        "give it with --key-file or in the variable BACKUP_KEY",
    )
}

fn ask(prompt: &Prompt, question: &str, otherwise: &str) -> Result<String> {
    if !prompt.is_possible() {
        let missing = "a key is needed, and there is no terminal to ask for it";
        return Err(Error::usage(missing).hint(otherwise));
    }
    let key = prompt.secret(question)?;
    if key.is_empty() {
        return Err(Error::usage("no key was entered").hint("run it again"));
    }
    Ok(key)
}
