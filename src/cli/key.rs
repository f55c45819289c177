//! Where a key can come from: the command line, the environment, a prompt.

use super::terminal;
use crate::error::{Error, Result};

/// The variable that holds the key for runs without a terminal.
pub(super) const VARIABLE: &str = "BACKUP_KEY";

/// A key from `--key`, else from the environment.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): it is empty.
pub(super) fn given(option: Option<&str>) -> Result<Option<String>> {
    let key = match option {
        Some(key) => Some(key.to_owned()),
        None => std::env::var(VARIABLE).ok().filter(|key| !key.is_empty()),
    };
    match key {
        Some(key) if key.is_empty() => Err(Error::usage("the key is empty")
            .hint("give a key, or export without encryption with --no-encrypt")),
        key => Ok(key),
    }
}

/// Asks for a new key, twice.
///
/// # Errors
/// There is no terminal, the answers differ, or are empty.
pub(super) fn ask_new() -> Result<String> {
    let key = ask("Key to encrypt the archive with: ")?;
    if ask("The same key again: ")? != key {
        return Err(Error::usage("the two keys differ").hint("run it again"));
    }
    Ok(key)
}

/// Asks for the key of an archive.
///
/// # Errors
/// There is no terminal, or the answer is empty.
pub(super) fn ask_existing() -> Result<String> {
    ask("Key of the archive: ")
}

fn ask(question: &str) -> Result<String> {
    if !terminal::is_interactive() {
        return Err(
            Error::usage("a key is needed, and there is no terminal to ask for it").hint(format!(
                "give it with --key or in the variable {VARIABLE}, or export without encryption \
                 with --no-encrypt"
            )),
        );
    }
    let key = rpassword::prompt_password(question)
        .map_err(|error| Error::failed(format!("cannot read the key: {error}")))?;
    if key.is_empty() {
        return Err(Error::usage("no key was entered").hint("run it again"));
    }
    Ok(key)
}
