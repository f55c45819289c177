//! Where the key of an archive would come from.

use super::super::environment::Environment;
use super::super::options;
use super::super::secret::is_identity;
use crate::error::Result;
use crate::strapi::Finding;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::Path;

/// What a finding is about.
const SUBJECT: &str = "key";

/// What gives an export its key, or takes the need for one away, beside the options that are typed.
enum Given {
    File(String),
    Command,
    /// The archive is encrypted to recipients.
    Recipients,
    /// It is not encrypted.
    Nothing,
}

/// Where the key of an archive would come from. `profile` holds the words that choose a profile.
pub(super) fn key(environment: &Environment, profile: &[OsString]) -> Finding {
    let given = match given(environment, profile) {
        Ok(given) => given,
        Err(error) => return Finding::problem(SUBJECT, &error),
    };
    let of_profile = match given {
        Some(Given::Recipients) => {
            let variables = ["BACKUP_RECIPIENT", "BACKUP_RECIPIENTS_FILE"];
            let variable = variables.iter().find(|it| environment.get(it).is_some());
            let who = variable.unwrap_or(&"the profile");
            let text = format!("exports take none: {who} says whom they are encrypted to");
            return Finding::ok(SUBJECT, text);
        }
        Some(Given::Nothing) => {
            return Finding::ok(
                SUBJECT,
                "exports take none: they are not encrypted (no-encrypt)",
            );
        }
        Some(Given::File(file)) if is_identity(Path::new(&file)) => Some(
            "key-file of the profile, which names no file, but is an identity itself".to_owned(),
        ),
        Some(Given::File(file)) => Some(format!("the file {file} (key-file of the profile)")),
        Some(Given::Command) => Some("what key-command of the profile prints".to_owned()),
        None => None,
    };
    if let Some(place) = of_profile.or_else(|| super::super::key::told(environment)) {
        return Finding::ok(SUBJECT, format!("{place}, unless an option names another"));
    }
    if io::stdin().is_terminal() {
        return Finding::ok(
            SUBJECT,
            "asked for, unless an option or a variable gives it",
        );
    }
    Finding::note(
        SUBJECT,
        "nothing gives one, and nobody can be asked here: give --key-file or --no-encrypt, or set BACKUP_KEY",
    )
}

/// What variables and the profile give to an export that nobody types anything for. Variables with keys are not among it.
///
/// # Errors
/// What they say makes no sense for an export.
fn given(environment: &Environment, profile: &[OsString]) -> Result<Option<Given>> {
    let line: Vec<OsString> = ["backup", "export"].iter().map(OsString::from).collect();
    let begins = line.len();
    let line = [line, profile.to_vec()].concat();
    let line = options::complete(&super::super::command(), line, environment)?;
    let given = line[begins..].iter().find_map(|word| {
        let word = word.to_string_lossy();
        match word.split_once('=') {
            Some(("--key-file", file)) => Some(Given::File(file.to_owned())),
            Some(("--key-command", _)) => Some(Given::Command),
            Some(("--recipient" | "--recipients-file", _)) => Some(Given::Recipients),
            _ => (word == "--no-encrypt").then_some(Given::Nothing),
        }
    });
    Ok(given)
}

/// Where the identity would come from that opens archives to recipients, where the environment has one.
pub(super) fn identity(environment: &Environment) -> Option<Finding> {
    let place = super::super::identity::told(environment)?;
    let text = format!("{place}, unless an option names another");
    Some(Finding::ok("identity", text))
}
