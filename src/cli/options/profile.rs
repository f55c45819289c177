//! Profiles: sets of options with a name, in a file.

use super::super::environment::Environment;
use super::super::terminal::safe;
use super::{CONFIG, Found, Layer, PROFILE, is_switch, with_long};
use crate::error::{Error, Result};
use crate::store::folder_of;
use clap::Command;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use toml::{Table, Value};
use url::Url;

/// What the file is called.
const NAME: &str = "backup.toml";
/// Where it lies for the whole system.
const OF_SYSTEM: &str = "/etc/backup/backup.toml";
/// The table of the file that holds the profiles.
const PROFILES: &str = "profiles";
/// In a folder with this bit nobody replaces the files of others.
const STICKY: u32 = 0o1000;
/// How many bytes the file may have.
const LONGEST: u64 = 1 << 20;

/// A profile: its options, for every verb and for single ones.
#[derive(Debug)]
pub(super) struct Profile {
    /// The options, each with the words of the verb that it is for: none for all verbs, and the name of a system for all
    /// verbs of that.
    options: Vec<(Vec<String>, Found)>,
}

impl Profile {
    /// The profile of this name.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): there is none, or it holds what it must not.
    pub fn find(
        name: &str,
        file: Option<String>,
        command: &Command,
        environment: &Environment,
    ) -> Result<Self> {
        let (path, named) = match file {
            Some(file) => (PathBuf::from(file), true),
            None => (place(environment)?, false),
        };
        let text = read(&path, named)?;
        Self::parse(&text, name, command).map_err(|error| error.within(path.display()))
    }

    /// The profile of this name in a file.
    pub fn parse(text: &str, name: &str, command: &Command) -> Result<Self> {
        let refuse = |what: String, hint: &str| Error::usage(what).hint(hint.to_owned());
        let mut file: Table = text.parse().map_err(|error: toml::de::Error| {
            refuse(
                // The line itself may hold a secret.
                format!(
                    "line {}: {}",
                    line_of(text, error.span()),
                    safe(error.message())
                ),
                "docs/PROFILES.md shows what the file looks like",
            )
        })?;
        let profiles = match file.remove(PROFILES) {
            Some(Value::Table(profiles)) => profiles,
            _ => Table::new(),
        };
        if let Some(other) = file.keys().next() {
            return Err(refuse(
                format!("`{}` is not known here", safe(other)),
                "the file holds tables that are called [profiles.NAME]",
            ));
        }
        let Some(Value::Table(profile)) = profiles.get(name) else {
            let names: Vec<String> = profiles.keys().map(|name| safe(name)).collect();
            let there = match names.is_empty() {
                true => "there is none".to_owned(),
                false => format!("there are {}", names.join(", ")),
            };
            return Err(refuse(
                format!("there is no profile {name}"),
                &format!("{there}; a profile is a table [profiles.{name}]"),
            ));
        };
        let mut options = Vec::new();
        take(profile, command, &[], &mut options)
            .map_err(|error| error.within(format!("profile {name}")))?;
        for (index, (scope, found)) in options.iter().enumerate() {
            let is_same =
                |(of, other): &(Vec<String>, Found)| of == scope && other.long == found.long;
            if options[..index].iter().any(is_same) {
                return Err(refuse(
                    format!("profile {name}: `{}` is given twice", found.long),
                    "it has another name as well; leave one of the two out",
                ));
            }
        }
        Ok(Self { options })
    }

    /// The options for a verb, which has these words. Those that are for it alone come first.
    pub fn options(&self, words: &[&str], verb: &Command) -> Vec<(Layer, Found)> {
        let mut found: Vec<(Layer, Found)> = Vec::new();
        for (scope, option) in &self.options {
            let is_for = words.len() >= scope.len() && words.iter().zip(scope).all(|(a, b)| a == b);
            if !is_for {
                continue;
            }
            let layer = match scope.len() {
                0 => Layer::Shared,
                count if count < words.len() => Layer::System,
                _ => Layer::Verb,
            };
            let has = || {
                verb.get_arguments()
                    .any(|it| it.get_long() == Some(&option.long))
            };
            if layer == Layer::Verb || has() {
                found.push((layer, option.clone()));
            }
        }
        found.sort_by_key(|(layer, _)| *layer);
        found
    }
}

/// Takes the options of a table, and of the tables in it that are for verbs of this command. `scope` holds the words that
/// lead to it.
fn take(
    table: &Table,
    command: &Command,
    scope: &[String],
    options: &mut Vec<(Vec<String>, Found)>,
) -> Result<()> {
    for (key, value) in table {
        match (command.find_subcommand(key), value) {
            (Some(below), Value::Table(table)) => {
                let name = below.get_name();
                let scope = [scope, &[name.to_owned()]].concat();
                take(table, below, &scope, options).map_err(|error| error.within(name))?;
            }
            _ => options.push((scope.to_vec(), option(&verbs(command), key, value)?)),
        }
    }
    Ok(())
}

/// The verbs of a command: itself, where there are none below it.
fn verbs(command: &Command) -> Vec<&Command> {
    match command.has_subcommands() {
        true => command.get_subcommands().flat_map(verbs).collect(),
        false => vec![command],
    }
}

/// The number of the line in which something begins.
fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start));
    before.unwrap_or_default().matches('\n').count() + 1
}

/// An option of one of these verbs.
fn option(verbs: &[&Command], key: &str, value: &Value) -> Result<Found> {
    let refuse = |what: String, hint: &str| Err(Error::usage(what).hint(hint.to_owned()));
    let shown = safe(key);
    if key == "key" {
        return refuse(
            "a key does not belong in this file".into(),
            "name a file or a command with key-file or key-command",
        );
    }
    if ["token", "from-token", "to-token"].contains(&key) {
        return refuse(
            "a token does not belong in this file".into(),
            &format!("name a file or a command with {key}-file or {key}-command"),
        );
    }
    if key == "secret" {
        return refuse(
            "a secret does not belong in this file".into(),
            "name a file with secret-file, or set BACKUP_SECRET",
        );
    }
    let arg = verbs.iter().find_map(|verb| with_long(verb, key));
    let Some(arg) = arg.filter(|_| ![PROFILE, CONFIG, "help", "version"].contains(&key)) else {
        return refuse(
            format!("`{shown}` is no option here"),
            "options are written with their long names, without the dashes in front",
        );
    };
    let long = arg.get_long().unwrap_or(key).to_owned();
    let values = match value {
        Value::Boolean(on) if is_switch(arg) => {
            return Ok(Found {
                long,
                values: Vec::new(),
                on: *on,
            });
        }
        _ if is_switch(arg) => {
            return refuse(format!("`{shown}` is a switch"), "write true or false");
        }
        Value::Array(list) => list.iter().map(text).collect::<Option<Vec<_>>>(),
        one => text(one).map(|text| vec![text]),
    };
    let Some(values) = values else {
        return refuse(
            format!("the value of `{shown}` makes no sense"),
            "write a text, a number, or a list of these",
        );
    };
    if long == "database-url" && values.iter().any(|url| holds_password(url)) {
        return refuse(
            "a password does not belong in this file".into(),
            "give the database with the variable BACKUP_DATABASE_URL",
        );
    }
    Ok(Found {
        long,
        on: !values.is_empty(),
        values,
    })
}

/// Whether the URL of a database holds a password, or may.
pub(in super::super) fn holds_password(url: &str) -> bool {
    match Url::parse(url) {
        Ok(url) => {
            let mut parameters = url.query_pairs();
            url.password().is_some() || parameters.any(|(name, _)| name.contains("pass"))
        }
        Err(_) => true,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

/// Whether a switch is on that a variable gives.
pub(super) fn switch(value: &str) -> Result<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(Error::usage("it is neither true nor false").hint("write true or false")),
    }
}

/// Where the file lies that nobody named: the user's own, else that of the system.
fn place(environment: &Environment) -> Result<PathBuf> {
    let home = environment
        .get("HOME")
        .map(|home| Path::new(home).join(".config"));
    let own = environment
        .get("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        // The standard has relative ones ignored.
        .filter(|path| path.is_absolute())
        .or(home);
    let own = own.map(|folder| folder.join("backup").join(NAME));
    let places: Vec<PathBuf> = own.into_iter().chain([OF_SYSTEM.into()]).collect();
    if let Some(path) = places.iter().find(|path| path.exists()) {
        return Ok(path.clone());
    }
    let looked: Vec<String> = places
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Err(Error::usage(format!(
        "there is no file with profiles: looked for {}",
        looked.join(" and ")
    ))
    .hint(format!("make one of them, or name another with --{CONFIG}")))
}

/// Reads the file. It names commands that are run: nobody else may write to it.
fn read(path: &Path, named: bool) -> Result<String> {
    let fail = |error| Error::io("read the profiles in", path, error);
    let refuse = |path: &Path, why: &str| {
        Error::usage(format!("{}: {why}", path.display())).hint(
            "profiles name commands to run: see that the file and its folder belong to you or root, and take the right \
             to write from others (chmod go-w)",
        )
    };
    if !fs::metadata(path).map_err(fail)?.is_file() {
        return Err(Error::usage(format!("{} is no file", path.display()))
            .hint("name the file with the profiles"));
    }
    // What is looked at is what is read.
    let file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    if let Some(why) = untrusted(&metadata, named) {
        return Err(refuse(path, why));
    }
    let folder = folder_of(path);
    let mode = fs::metadata(folder).map_err(fail)?.mode();
    if mode & 0o002 != 0 && mode & STICKY == 0 {
        return Err(refuse(folder, "everybody may put another file there"));
    }
    let mut text = String::new();
    file.take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(fail)?;
    if text.len() as u64 > LONGEST {
        return Err(Error::usage(format!("{} is too long", path.display()))
            .hint("name the file with the profiles"));
    }
    Ok(text)
}

fn untrusted(metadata: &Metadata, named: bool) -> Option<&'static str> {
    let own = rustix::process::geteuid().as_raw();
    if metadata.mode() & 0o002 != 0 {
        return Some("everybody may write to it");
    }
    if !named && metadata.mode() & 0o020 != 0 && metadata.gid() != 0 {
        return Some("its group may write to it");
    }
    (!named && ![0, own].contains(&metadata.uid())).then_some("it belongs to another user")
}
