//! Options that nobody typed: from variables of the environment, and from profiles in a file.
//!
//! What is typed wins over a variable, and a variable over the profile; what is weaker also gives way where the two exclude
//! each other. The options found are put into the command line behind the verb, so that there is one parser and one set of
//! rules. docs/PROFILES.md tells users.

mod profile;

use super::environment::{Environment, PREFIX};
use super::key;
use crate::error::Result;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use profile::Profile;
use std::ffi::OsString;

/// The options that choose a profile.
const PROFILE: &str = "profile";
const CONFIG: &str = "config";
/// Options with variables that are not looked at here: passwords and keys, which are taken only where they are needed.
const ELSEWHERE: [&str; 4] = ["key", "key-file", "key-command", "database-url"];
/// The variable of the last of these.
const DATABASE_URL: &str = "BACKUP_DATABASE_URL";

/// An option that was found, and its values; a switch has none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    long: String,
    values: Vec<String>,
}

/// The command line with the options that variables and the profile give.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): there is no such profile, or it or a variable makes no sense.
pub(super) fn complete(
    command: &Command,
    mut arguments: Vec<OsString>,
    environment: &Environment,
) -> Result<Vec<OsString>> {
    let lenient = command.clone().ignore_errors(true);
    // Help and the version are the parser's.
    let Ok(matches) = lenient.try_get_matches_from(&arguments) else {
        return Ok(arguments);
    };
    let Some((verb, typed)) = matches.subcommand() else {
        return Ok(arguments);
    };
    let Some(of_verb) = command.find_subcommand(verb) else {
        return Ok(arguments);
    };
    let mut taken = Taken::new(of_verb, typed);
    let mut found = of_variables(&mut taken, environment)?;
    let given = |name: &str, variable: &str| {
        let typed = typed.get_one::<String>(name).cloned();
        typed.or_else(|| environment.get(variable).map(str::to_owned))
    };
    let (name, file) = (
        given(PROFILE, "BACKUP_PROFILE"),
        given(CONFIG, "BACKUP_CONFIG"),
    );
    if let Some(profile) = Profile::find(name, file, command, environment)? {
        for option in profile.options(verb) {
            let by_variable = match option.long.as_str() {
                long if key::OPTIONS.contains(&long) => key::is_in_variable(environment),
                "database-url" => environment.get(DATABASE_URL).is_some(),
                _ => false,
            };
            if !by_variable && taken.take(&option.long) {
                found.push(option);
            }
        }
    }
    let Some(place) = place_of(verb, &arguments) else {
        return Ok(arguments);
    };
    let words = found.iter().flat_map(|option| {
        let long = &option.long;
        match option.values.is_empty() {
            true => vec![format!("--{long}").into()],
            false => option
                .values
                .iter()
                .map(|value| format!("--{long}={value}").into())
                .collect::<Vec<OsString>>(),
        }
    });
    let words: Vec<OsString> = words.collect();
    arguments.splice(place..place, words);
    Ok(arguments)
}

/// Which options have a value, and what they exclude.
struct Taken<'a> {
    command: &'a Command,
    ids: Vec<&'a Arg>,
}

impl<'a> Taken<'a> {
    fn new(command: &'a Command, typed: &ArgMatches) -> Self {
        let is_typed = |arg: &&Arg| {
            let id = arg.get_id().as_str();
            typed.try_contains_id(id).is_ok()
                && typed.value_source(id) == Some(ValueSource::CommandLine)
        };
        Self {
            command,
            ids: command.get_arguments().filter(is_typed).collect(),
        }
    }

    /// Whether an option may be given now; from then on it has a value.
    fn take(&mut self, long: &str) -> bool {
        let Some(arg) = with_long(self.command, long) else {
            return false;
        };
        let excludes = |one: &Arg, other: &Arg| {
            let excluded = self.command.get_arg_conflicts_with(one);
            excluded.iter().any(|arg| arg.get_id() == other.get_id())
        };
        let is_free = self.ids.iter().all(|&taken| {
            taken.get_id() != arg.get_id() && !excludes(taken, arg) && !excludes(arg, taken)
        });
        if is_free {
            self.ids.push(arg);
        }
        is_free
    }
}

/// The option of a verb with this long name.
fn with_long<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(long))
}

/// Whether an option is a switch.
fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// The options that variables give: `BACKUP_` and the long name, in capitals.
fn of_variables(taken: &mut Taken<'_>, environment: &Environment) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for arg in taken.command.get_arguments() {
        let Some(long) = arg.get_long().filter(|long| {
            !ELSEWHERE.contains(long) && ![PROFILE, CONFIG, "help", "version"].contains(long)
        }) else {
            continue;
        };
        let variable = format!("{PREFIX}{}", long.to_uppercase().replace('-', "_"));
        let Some(value) = environment.get(&variable) else {
            continue;
        };
        let values = match is_switch(arg) {
            false => vec![value.to_owned()],
            true => match profile::switch(value).map_err(|error| error.within(&variable))? {
                true => Vec::new(),
                false => continue,
            },
        };
        if taken.take(long) {
            found.push(Found {
                long: long.to_owned(),
                values,
            });
        }
    }
    Ok(found)
}

/// The place behind the verb.
fn place_of(verb: &str, arguments: &[OsString]) -> Option<usize> {
    let mut place = 1;
    while place < arguments.len() {
        let word = arguments[place].to_str().unwrap_or_default();
        if word == verb {
            return Some(place + 1);
        }
        let has_value = [PROFILE, CONFIG]
            .iter()
            .any(|name| word.strip_prefix("--") == Some(name));
        place += if has_value { 2 } else { 1 };
    }
    None
}

#[cfg(test)]
mod tests;
