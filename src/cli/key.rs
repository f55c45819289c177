//! Where a key can come from: the command line, the environment, a prompt.

use super::environment::Environment;
use super::prompt::Prompt;
use crate::archive::Password;
use crate::error::{Error, Result};
use clap::Args;

/// The key of an archive that is read.
#[derive(Debug, Args)]
pub(super) struct KeyArguments {
    /// Key the archive was encrypted with
    #[arg(short, long, value_name = "KEY")]
    key: Option<String>,
    /// Refuse archives that do not prove to have been written by somebody who knew the key
    #[arg(long)]
    pub require_authentication: bool,
}

impl KeyArguments {
    /// The key of an archive, where it needs one: as given, else asked for.
    ///
    /// # Errors
    /// It is empty, or there is nobody to ask.
    pub fn password(
        &self,
        is_encrypted: bool,
        prompt: &Prompt,
        environment: &Environment,
    ) -> Result<Option<Password>> {
        let key = if is_encrypted {
            match given(self.key.as_deref(), environment)? {
                Some(key) => Some(key),
                None => Some(ask_existing(prompt)?),
            }
        } else {
            // A key in the environment is for the archives that need it; one that was typed is not.
            self.key.clone()
        };
        Ok(key.map(Password::new))
    }
}

impl KeyArguments {
    /// The key, where one is given; nobody is asked.
    ///
    /// # Errors
    /// It is empty.
    pub fn if_given(&self, environment: &Environment) -> Result<Option<Password>> {
        Ok(given(self.key.as_deref(), environment)?.map(Password::new))
    }
}

/// A key from `--key`, else from the environment.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): it is empty.
pub(super) fn given(option: Option<&str>, environment: &Environment) -> Result<Option<String>> {
    match option.or(environment.key()) {
        Some("") => Err(Error::usage("the key is empty").hint("give one that is not")),
        key => Ok(key.map(str::to_owned)),
    }
}

/// Asks for a new key, twice.
///
/// # Errors
/// There is no terminal, the answers differ, or are empty.
pub(super) fn ask_new(prompt: &Prompt) -> Result<String> {
    let key = ask(
        prompt,
        "Key to encrypt the archive with: ",
        "give it with --key or in the variable BACKUP_KEY, or export without encryption with \
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
        "give it with --key or in the variable BACKUP_KEY",
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
