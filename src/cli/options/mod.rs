//! Options that nobody typed: from variables of the environment, and from profiles in a file.
//!
//! What is typed wins over a variable, and a variable over the profile; what is weaker also gives way where the two exclude
//! each other. The options found are put into the command line behind the verb, so that there is one parser and one set of
//! rules. docs/PROFILES.md tells users.

mod profile;

use super::environment::{Environment, PREFIX};
use super::given;
use super::key;
use super::token;
use crate::error::{Error, Result};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use profile::Profile;
pub(super) use profile::holds_password;
use std::ffi::OsString;

/// The options that choose a profile.
const PROFILE: &str = "profile";
const CONFIG: &str = "config";
/// Options with variables that are not looked at here: passwords and keys, which are taken only where they are needed.
const ELSEWHERE: [&str; 13] = [
    "key",
    "key-file",
    "key-command",
    "other-key-file",
    "other-key-command",
    "identity",
    "database-url",
    "token-file",
    "token-command",
    "from-token-file",
    "from-token-command",
    "to-token-file",
    "to-token-command",
];
/// The options that name the other end of a transfer.
const ENDS: [&str; 2] = ["from", "to"];
/// Options that make sense where such an end is a running Strapi.
const FOR_SITES: [&str; 11] = [
    "token-file",
    "token-command",
    "from-token-file",
    "from-token-command",
    "to-token-file",
    "to-token-command",
    "ca-file",
    "retries",
    "safety-copy",
    "keep-safety-copy",
    "no-safety-copy",
];
/// Options that make sense where a project is read or restored.
const FOR_PROJECTS: [&str; 10] = [
    "project",
    "database-url",
    "environment",
    "strapi-version",
    "lock-wait",
    "follow-links",
    "allow-private-hosts",
    "allow-reference-loss",
    "files-to",
    "rewrite-urls",
];
/// The option that says what a conversion makes, what that is where it makes no archive, and what makes sense only where it
/// makes one.
const AS: &str = "as";
const NO_ARCHIVE: &str = "ndf";
const FOR_ARCHIVES: [&str; 6] = [
    "datamodel",
    "no-notes",
    "schemas",
    "strapi-version",
    "overwrite",
    "no-encrypt",
];
/// The options with which an archive takes no key, and those that give one.
const RECIPIENTS: [&str; 2] = ["recipient", "recipients-file"];
const KEYS: [&str; 3] = ["key", "key-file", "key-command"];
/// The option that has an export remove old archives, and how those begin that say which stay.
const PRUNE: &str = "prune";
const RULES: &str = "keep-";
/// The variable of the last of [`ELSEWHERE`].
const DATABASE_URL: &str = "BACKUP_DATABASE_URL";

/// Verbs that take no such options: one prints what others run, the other is for shells.
const PLAIN: [&str; 2] = ["schedule", "completions"];

/// Who says that an option is given; what comes first is stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    /// Whoever types.
    Typed,
    /// A variable.
    Variable,
    /// The part of a profile that is for this verb alone.
    Verb,
    /// The part of a profile that is for all verbs of the system that this one is for.
    System,
    /// The part of a profile that is for all verbs.
    Shared,
}

/// An option that was found, and its values; a switch has none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    long: String,
    values: Vec<String>,
    /// Whether it is given. A switch that is off is not, and what is weaker does not give it either.
    on: bool,
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
    if PLAIN.contains(&verb) {
        return Ok(arguments);
    }
    // Verbs of other systems stand behind the name of the system.
    let (words, typed, of_verb) = match typed.subcommand() {
        Some((below, typed)) => match of_verb.find_subcommand(below) {
            Some(of_verb) => (vec![verb, below], typed, of_verb),
            None => return Ok(arguments),
        },
        None => (vec![verb], typed, of_verb),
    };
    let mut taken = Taken::new(of_verb, typed);
    let mut found = of_variables(&mut taken, environment, &words)?;
    let named = |name: &str| typed.get_one::<String>(name).cloned();
    let name = named(PROFILE).or_else(|| environment.get("BACKUP_PROFILE").map(str::to_owned));
    if name.is_none() && named(CONFIG).is_some() {
        return Err(Error::usage(format!(
            "--{CONFIG} names a file with profiles, and none of them is named"
        ))
        .hint(format!("name one with --{PROFILE}")));
    }
    let file = named(CONFIG).or_else(|| environment.get("BACKUP_CONFIG").map(str::to_owned));
    if let Some(name) = name {
        let profile = Profile::find(&name, file, command, environment)?;
        for (layer, option) in profile.options(&words, of_verb) {
            if taken.take(&option.long, layer, option.on) {
                found.push(option);
            }
        }
    }
    // Rules of what stays are for prune as well, and for an export that prunes.
    if with_long(of_verb, PRUNE).is_some() && !taken.has(PRUNE) {
        found.retain(|option| !option.long.starts_with(RULES));
    }
    // A key that nobody typed is for other archives than those to recipients.
    if RECIPIENTS.iter().any(|long| taken.has(long)) {
        found.retain(|option| !KEYS.contains(&option.long.as_str()));
    }
    // What is meant for the one sort of end does not hold for the other, unless it was typed.
    let ends = match words.len() {
        1 => ends(of_verb, typed, &found),
        // They have no such ends.
        _ => Ends::Both,
    };
    match ends {
        Ends::Projects => found.retain(|option| !FOR_SITES.contains(&option.long.as_str())),
        Ends::Sites => found.retain(|option| !FOR_PROJECTS.contains(&option.long.as_str())),
        Ends::Both => {}
    }
    if with_long(of_verb, AS).is_some() && given(AS, typed, &found).as_deref() == Some(NO_ARCHIVE) {
        found.retain(|option| !FOR_ARCHIVES.contains(&option.long.as_str()));
    }
    let Some(place) = place_of(&words, &arguments) else {
        return Ok(arguments);
    };
    let words = found.iter().filter(|option| option.on).flat_map(|option| {
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

/// What a command line is about, beside archives.
enum Ends {
    Projects,
    Sites,
    Both,
}

/// What `--from` and `--to` name, whoever gives them; without them it is a project.
fn ends(command: &Command, typed: &ArgMatches, found: &[Found]) -> Ends {
    let named: Vec<bool> = ENDS
        .iter()
        // What only is called so is no end: the archive that is converted, for one.
        .filter(|end| with_long(command, end).is_some())
        .filter_map(|end| given(end, typed, found))
        .map(|end| end.contains("://"))
        .collect();
    match (named.contains(&true), named.contains(&false)) {
        (true, true) => Ends::Both,
        (true, false) => Ends::Sites,
        (false, _) => Ends::Projects,
    }
}

/// The value of an option, whoever gives it.
fn given(long: &str, typed: &ArgMatches, found: &[Found]) -> Option<String> {
    let typed = typed.try_get_raw(long).ok().flatten();
    let typed = typed.and_then(|mut values| values.next_back());
    let found = || {
        let mut given = found.iter().filter(|option| option.on);
        given
            .find(|option| option.long == long)?
            .values
            .last()
            .cloned()
    };
    typed
        .map(|value| value.to_string_lossy().into_owned())
        .or_else(found)
}

/// Which options have a value, and what they exclude.
struct Taken<'a> {
    command: &'a Command,
    options: Vec<(&'a Arg, Layer, bool)>,
}

impl<'a> Taken<'a> {
    fn new(command: &'a Command, typed: &ArgMatches) -> Self {
        let is_typed = |arg: &&Arg| {
            let id = arg.get_id().as_str();
            typed.try_contains_id(id).is_ok()
                && typed.value_source(id) == Some(ValueSource::CommandLine)
        };
        let typed = command.get_arguments().filter(is_typed);
        Self {
            command,
            options: typed.map(|arg| (arg, Layer::Typed, true)).collect(),
        }
    }

    /// Whether an option is given.
    fn has(&self, long: &str) -> bool {
        let mut given = self.options.iter().filter(|(.., on)| *on);
        given.any(|(arg, ..)| arg.get_long() == Some(long))
    }

    /// Whether an option may be given now, or be off; from then on it is settled. Two of one layer that exclude each other
    /// are an error, which is the parser's.
    fn take(&mut self, long: &str, layer: Layer, on: bool) -> bool {
        let Some(arg) = with_long(self.command, long) else {
            return false;
        };
        let excludes = |one: &Arg, other: &Arg| {
            let excluded = self.command.get_arg_conflicts_with(one);
            excluded.iter().any(|arg| arg.get_id() == other.get_id())
        };
        let is_free = self.options.iter().all(|&(taken, stronger, is_on)| {
            let is_long =
                |arg: &Arg, longs: &[&str]| arg.get_long().is_some_and(|it| longs.contains(&it));
            let is_left_alone =
                stronger != Layer::Typed && is_long(taken, &KEYS) && is_long(arg, &RECIPIENTS);
            let counts = on && is_on && stronger < layer && !is_left_alone;
            let both_recipients = is_long(taken, &RECIPIENTS) && is_long(arg, &RECIPIENTS);
            // Whoever names recipients names all of them.
            let is_added = both_recipients && is_on && stronger < layer;
            taken.get_id() != arg.get_id()
                && !is_added
                && !(counts && (excludes(taken, arg) || excludes(arg, taken)))
        });
        if is_free {
            self.options.push((arg, layer, on));
        }
        is_free
    }
}

/// The option of a verb with this long name, or with this one as another.
fn with_long<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| {
        let others = arg.get_all_aliases().unwrap_or_default();
        arg.get_long() == Some(long) || others.contains(&long)
    })
}

/// Whether an option is a switch.
fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// The options that variables give: `BACKUP_` and the long name, in capitals.
fn of_variables(
    taken: &mut Taken<'_>,
    environment: &Environment,
    words: &[&str],
) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    // These are looked at where they are needed.
    let has_key = key::is_in_variable(environment) && taken.take("key", Layer::Variable, true);
    if environment.identity().is_some() {
        taken.take("identity", Layer::Variable, true);
    }
    if environment.has_other_key() {
        taken.take("other-key-file", Layer::Variable, true);
    }
    // Verbs of other systems have tokens of their own, in variables with the name of the system.
    if let [system, _] = words {
        for secret in ["token", "password"] {
            if given::is_in_variable(&format!("{system}-{secret}"), environment) {
                taken.take(&format!("{secret}-file"), Layer::Variable, true);
            }
        }
    } else {
        for option in token::in_variables(environment) {
            taken.take(&option, Layer::Variable, true);
        }
    }
    if environment.get(DATABASE_URL).is_some() {
        taken.take("database-url", Layer::Variable, true);
    }
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
        let (values, on) = match is_switch(arg) {
            false => (vec![value.to_owned()], true),
            true => {
                let on = profile::switch(value).map_err(|error| error.within(&variable))?;
                (Vec::new(), on)
            }
        };
        if has_key && on && long == "no-encrypt" {
            return Err(Error::usage(format!(
                "{variable} is set, and so is a variable with a key"
            ))
            .hint("take one of them out of the environment"));
        }
        if taken.take(long, Layer::Variable, on) {
            found.push(Found {
                long: long.to_owned(),
                values,
                on,
            });
        }
    }
    Ok(found)
}

/// The place behind the words of the verb.
fn place_of(words: &[&str], arguments: &[OsString]) -> Option<usize> {
    let mut place = 1;
    let mut words = words.iter().peekable();
    while place < arguments.len() {
        let word = arguments[place].to_str().unwrap_or_default();
        if words.next_if(|wanted| **wanted == word).is_some() && words.peek().is_none() {
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
