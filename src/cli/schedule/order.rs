//! The export that a schedule runs: read by the parser of `backup export` itself, and written down again with every path
//! absolute, because a service or a cron job starts in another folder.

use super::super::environment::Environment;
use super::super::export::Arguments;
use super::super::options::{self, holds_password};
use super::super::remote::{self, End};
use super::super::secret::{holds_token, is_identity};
use crate::error::{Error, Result};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, FromArgMatches};
use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use url::Url;

/// The verb that is scheduled.
const EXPORT: &str = "export";
/// The option that names what is exported in place of a project.
const FROM: &str = "from";
/// What a run that nobody watches gets, where `export` has it and nothing that was given speaks against it.
const ALONE: [&str; 3] = ["strict", "quiet", "no_progress"];
/// Options that give a key, or say that there is none.
const KEYS: [&str; 5] = [
    "no_encrypt",
    "key_file",
    "key_command",
    "recipient",
    "recipients_file",
];
/// Options that run programs of the user's.
const PROGRAMS: [&str; 4] = ["key_command", "token_command", "on_success", "on_failure"];
/// Options that give the token of a running Strapi.
const TOKENS: [&str; 2] = ["token_file", "token_command"];

/// An option as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    /// Its name in the definition of the command line.
    id: String,
    /// Its long name, without dashes.
    long: String,
    /// Its value; a switch has none.
    value: Option<String>,
    /// Whether an `=` has to stand between the two.
    glued: bool,
}

/// An export that is run again and again.
#[derive(Debug, Clone)]
pub(super) struct Order {
    given: Vec<Given>,
}

impl Order {
    /// Reads the words of an export. What its parser refuses ends the program, as it would there.
    ///
    /// # Errors
    /// It is no export, or none that can be run again and again by nobody; it has no key, and `has_key` says that none comes
    /// from elsewhere.
    pub fn read(words: &[OsString], has_key: bool, environment: &Environment) -> Result<Self> {
        if words.first().is_none_or(|verb| verb != EXPORT) {
            let what = "a schedule runs exports, and nothing else";
            return Err(Error::usage(what).hint(
                "give one behind two dashes: backup schedule -- export --project /srv/strapi --file /backups/",
            ));
        }
        // A service does not know this user's files: what stands in a profile is written out.
        let words = completed(words, environment)?;
        let words = words.as_slice();
        let matches = parsed(words).unwrap_or_else(|error| error.exit());
        let mut order = Self::of(&matches)?;
        order.take("profile");
        order.take("config");
        order.refuse_secrets()?;
        order.settle_file()?;
        order.settle_site()?;
        if !has_key && !KEYS.iter().any(|id| order.has(id)) {
            return Err(Error::usage("nothing gives the key, and nobody can be asked").hint(
                "put it into a file for root alone and add --key-file FILE to the export, or give --key-credential, \
                 --environment-file with BACKUP_KEY in it, or --no-encrypt",
            ));
        }
        if !has_key && order.site().is_some() && !TOKENS.iter().any(|id| order.has(id)) {
            return Err(Error::usage("nothing gives the transfer token, and nobody can be asked").hint(
                "put it into a file for root alone and add --token-file FILE to the export, or give --environment-file \
                 with BACKUP_TOKEN in it",
            ));
        }
        order.add_what_fits(words);
        let export = matches.subcommand_matches(EXPORT);
        let export = export.and_then(|it| Arguments::from_arg_matches(it).ok());
        export.expect("it was parsed").check()?;
        Ok(order)
    }

    fn of(matches: &ArgMatches) -> Result<Self> {
        let matches = matches.subcommand_matches(EXPORT);
        let matches = matches.expect("its name was looked at");
        let mut given = Vec::new();
        for argument in export().get_arguments() {
            let id = argument.get_id().as_str();
            let source = match matches.try_contains_id(id) {
                Ok(_) => matches.value_source(id),
                // Help and version.
                Err(_) => continue,
            };
            // The folder where it runs is another one.
            let has_end = matches.try_contains_id(FROM).unwrap_or_default();
            let is_needed = id == "project" && source.is_some() && !has_end;
            if is_needed || source == Some(ValueSource::CommandLine) {
                given.extend(of_argument(argument, matches)?);
            }
        }
        Ok(Self { given })
    }

    /// Whether an option was given.
    pub fn has(&self, id: &str) -> bool {
        self.value_or_switch(id).is_some()
    }

    fn value_or_switch(&self, id: &str) -> Option<&Given> {
        self.given.iter().find(|it| it.id == id)
    }

    /// The value of an option that was given.
    pub fn value(&self, id: &str) -> Option<&str> {
        self.value_or_switch(id)?.value.as_deref()
    }

    /// All values of an option that may be given several times.
    pub fn values(&self, id: &str) -> impl Iterator<Item = &str> {
        let given = self.given.iter().filter(move |it| it.id == id);
        given.filter_map(|it| it.value.as_deref())
    }

    /// Takes an option out, and gives its value.
    pub fn take(&mut self, id: &str) -> Option<String> {
        let at = self.given.iter().position(|it| it.id == id)?;
        self.given.remove(at).value
    }

    /// Whether it runs programs of the user's, which may need more than an export does.
    pub fn runs_programs(&self) -> bool {
        PROGRAMS.iter().any(|id| self.has(id))
    }

    /// The folder of the project; `None` where a running Strapi is exported.
    pub fn project(&self) -> Option<&Path> {
        let named = self.value(FROM).or_else(|| self.value("project"));
        let named = named.unwrap_or(".");
        (!is_url(named)).then_some(Path::new(named))
    }

    /// The URL of the running Strapi that is exported.
    pub fn site(&self) -> Option<&str> {
        self.value(FROM).filter(|from| is_url(from))
    }

    /// The folder that the archives go to, where that is one of this machine that is known.
    pub fn folder(&self) -> Option<PathBuf> {
        let file = self.value("file")?;
        let path = match Url::parse(file) {
            Ok(url) if url.scheme() == "file" => url.to_file_path().ok()?,
            Ok(_) if file.contains("://") => return None,
            _ => file.into(),
        };
        match file.ends_with('/') {
            true => Some(path),
            false => path.parent().map(Path::to_owned),
        }
    }

    /// The words behind `backup`: in groups that stand together, an option and its value.
    pub fn words(&self) -> Vec<Vec<String>> {
        let options = self.given.iter().map(|it| match &it.value {
            // As a word of its own it would be an option.
            Some(value) if it.glued || value.starts_with('-') => {
                vec![format!("--{}={value}", it.long)]
            }
            Some(value) => vec![format!("--{}", it.long), value.clone()],
            None => vec![format!("--{}", it.long)],
        });
        std::iter::once(vec![EXPORT.to_owned()])
            .chain(options)
            .collect()
    }

    /// Files of services and of cron can be read by others.
    fn refuse_secrets(&self) -> Result<()> {
        if self.has("key") {
            let what = "a key does not belong into a schedule, whose file others can read, and so can the list of processes";
            return Err(Error::usage(what).hint(
                "put it into a file for root alone and give --key-file FILE, or encrypt it with systemd-creds and give \
                 --key-credential FILE before the two dashes",
            ));
        }
        if self.values("token_file").any(holds_token) {
            let what = "a token itself does not belong into a schedule, whose file others can read";
            return Err(Error::usage(what).hint(
                "put it into a file for root alone and give --token-file FILE; and make another one, because this one \
                 showed in the list of processes",
            ));
        }
        let files = self
            .values("key_file")
            .chain(self.values("recipients_file"));
        if files.map(Path::new).any(is_identity) {
            let what =
                "an identity itself does not belong into a schedule, whose file others can read";
            return Err(Error::usage(what).hint(
                "give the public key that belongs to it with --recipient, and make another one, because this one showed \
                 in the list of processes",
            ));
        }
        if self.value("database_url").is_some_and(holds_password) {
            let what = "the password in --database-url does not belong into a schedule, whose file others can read";
            return Err(Error::usage(what).hint(
                "write BACKUP_DATABASE_URL=... into a file for root alone and give --environment-file FILE before the two dashes",
            ));
        }
        Ok(())
    }

    /// Sees that every run can write another archive.
    fn settle_file(&mut self) -> Result<()> {
        let replaces = self.has("overwrite");
        let unpacked = self.value("format") == Some("dir");
        let Some(file) = self.given.iter_mut().find(|it| it.id == "file") else {
            return Err(Error::usage("it is not said where the archives go")
                .hint("add --file FOLDER/ to the export, such as --file /backups/"));
        };
        let value = file.value.as_mut().expect("it takes one");
        if value == super::super::STREAM {
            return Err(
                Error::usage("nobody takes what a schedule writes to stdout")
                    .hint("name a folder, such as --file /backups/"),
            );
        }
        if !unpacked && !value.ends_with('/') && Path::new(value).is_dir() {
            value.push('/');
        }
        if replaces || (value.ends_with('/') && !unpacked) {
            return Ok(());
        }
        let what =
            format!("every run would write under the name {value}, and an archive is not replaced");
        let hint =
            "end it with a slash (--file /backups/): then each archive gets the time into its name";
        Err(Error::usage(what).hint(match long_of("overwrite") {
            Some(overwrite) => format!("{hint}; or add --{overwrite}"),
            None => hint.to_owned(),
        }))
    }

    /// Writes the address of a running Strapi as runs take it: with its path.
    fn settle_site(&mut self) -> Result<()> {
        let named = self.given.iter_mut().find(|it| it.id == FROM);
        let value = named.and_then(|it| it.value.as_mut());
        let Some(value) = value.filter(|value| is_url(value)) else {
            return Ok(());
        };
        let end = End::parse("--from", Path::new(value))?;
        if let Some(address) = end.address() {
            remote::tell_of(address);
            *value = address.to_string();
        }
        Ok(())
    }

    /// Adds what a run that nobody watches should have.
    fn add_what_fits(&mut self, words: &[OsString]) {
        let mut words = words.to_vec();
        for id in ALONE {
            let Some(long) = long_of(id) else { continue };
            let word = OsString::from(format!("--{long}"));
            // What excludes it may have been given.
            if self.has(id) || parsed(words.iter().chain([&word])).is_err() {
                continue;
            }
            words.push(word);
            self.add(id, &long, None);
        }
    }

    /// Adds an option.
    pub fn add(&mut self, id: &str, long: &str, value: Option<String>) {
        self.given.push(Given {
            id: id.to_owned(),
            long: long.to_owned(),
            value,
            glued: false,
        });
    }
}

/// Whether what names a project or a running Strapi is the URL of one.
fn is_url(end: &str) -> bool {
    end.contains("://")
}

/// The words with the options of the profile that they name.
fn completed(words: &[OsString], environment: &Environment) -> Result<Vec<OsString>> {
    let program = [OsString::from("backup")];
    let line = program.iter().chain(words).cloned().collect();
    let mut line = options::complete(&super::super::command(), line, &environment.of_user())?;
    Ok(line.split_off(1))
}

/// The definition of `backup export`.
fn export() -> clap::Command {
    let mut command = super::super::command();
    command.build();
    let export = command.find_subcommand(EXPORT);
    export.expect("it is one of the verbs").clone()
}

/// The long name of an option of `backup export`, where it has that.
pub(super) fn long_of(id: &str) -> Option<String> {
    let command = export();
    let mut arguments = command.get_arguments();
    let argument = arguments.find(|it| it.get_id() == id)?;
    argument.get_long().map(str::to_owned)
}

fn parsed<'a>(words: impl IntoIterator<Item = &'a OsString>) -> Result<ArgMatches, clap::Error> {
    let program = OsStr::new("backup");
    let words = words.into_iter().map(OsString::as_os_str);
    super::super::command().try_get_matches_from(std::iter::once(program).chain(words))
}

/// An argument as often as it was given.
fn of_argument(argument: &Arg, matches: &ArgMatches) -> Result<Vec<Given>> {
    let id = argument.get_id().as_str();
    let long = argument.get_long().unwrap_or(id).to_owned();
    let one = |value: Option<String>| Given {
        id: id.to_owned(),
        long: long.clone(),
        value,
        glued: argument.is_require_equals_set(),
    };
    Ok(match argument.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse => vec![one(None)],
        ArgAction::Count => vec![one(None); matches.get_count(id).into()],
        _ => {
            let separator = argument.get_value_delimiter().unwrap_or(',').to_string();
            let occurrences = matches.get_raw_occurrences(id).into_iter().flatten();
            let mut given = Vec::new();
            for values in occurrences {
                let values: Result<Vec<String>> =
                    values.map(|value| text(argument, &long, value)).collect();
                // Without any value it is a switch.
                let value = Some(values?).filter(|values| !values.is_empty());
                given.push(one(value.map(|values| values.join(&separator))));
            }
            given
        }
    })
}

/// A value as it stands in a file, paths absolute.
fn text(argument: &Arg, long: &str, value: &OsStr) -> Result<String> {
    let is_path = argument.get_value_parser().type_id() == TypeId::of::<PathBuf>();
    let may_be_path = is_path || argument.get_id() == "file";
    let is_place = value == super::super::STREAM || value.to_string_lossy().contains("://");
    let value = match may_be_path && !is_place {
        true => super::absolute(Path::new(value))?.into_os_string(),
        false => value.to_owned(),
    };
    value.into_string().map_err(|value| {
        let shown = value.to_string_lossy();
        Error::usage(format!("--{long} is not UTF-8: {shown}"))
            .hint("a schedule is a text; rename the file, or lead a link to it")
    })
}
