//! Where the transfer token of a running Strapi comes from: options, the environment, a credential of systemd, a prompt.
//!
//! The first of these that is there counts, as for a key; no option takes the token itself. docs/REMOTE.md tells users.

use super::environment::Environment;
use super::prompt::Prompt;
use super::secret::{Sort, line_of_command, line_of_file, not_empty};
use crate::error::{Error, Result};
use crate::remote::{Address, Token};
use clap::Args;
use std::path::{Path, PathBuf};

/// Where the token comes from, for a verb that knows one site.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "A running Strapi")]
pub(super) struct TokenArguments {
    /// File that holds the transfer token of the site: one line
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Command that prints the transfer token: the first line counts. /bin/sh runs it
    #[arg(long, value_name = "COMMAND", conflicts_with = "token_file")]
    token_command: Option<String>,
}

impl TokenArguments {
    /// What these say, of the only site.
    pub fn source(&self) -> TokenSource {
        TokenSource {
            file: self.token_file.clone(),
            command: self.token_command.clone(),
            whose: Whose::Only,
        }
    }
}

/// Where the tokens of two sites come from.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "A running Strapi")]
pub(super) struct BothTokenArguments {
    /// File that holds the transfer token of the site that --from names
    #[arg(long, value_name = "FILE")]
    from_token_file: Option<PathBuf>,
    /// Command that prints it
    #[arg(long, value_name = "COMMAND", conflicts_with = "from_token_file")]
    from_token_command: Option<String>,
    /// File that holds the transfer token of the site that --to names
    #[arg(long, value_name = "FILE")]
    to_token_file: Option<PathBuf>,
    /// Command that prints it
    #[arg(long, value_name = "COMMAND", conflicts_with = "to_token_file")]
    to_token_command: Option<String>,
}

impl BothTokenArguments {
    /// What these say of the site that data comes from, and of the one that it goes to.
    pub fn sources(&self) -> [TokenSource; 2] {
        [
            TokenSource {
                file: self.from_token_file.clone(),
                command: self.from_token_command.clone(),
                whose: Whose::From,
            },
            TokenSource {
                file: self.to_token_file.clone(),
                command: self.to_token_command.clone(),
                whose: Whose::To,
            },
        ]
    }
}

/// Which site a token is of, as options and variables name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The only one.
    Only,
    /// That of `--from`, where there is one of `--to` as well.
    From,
    /// That of `--to`.
    To,
}

impl Whose {
    /// What options have before `token`, in small letters; variables in capitals.
    fn prefix(self) -> &'static str {
        match self {
            Self::Only => "",
            Self::From => "from-",
            Self::To => "to-",
        }
    }

    /// The variable whose name ends so.
    fn variable(self, end: &str) -> String {
        let prefix = self.prefix().to_uppercase().replace('-', "_");
        format!("BACKUP_{prefix}TOKEN{end}")
    }

    /// What the credential of systemd is called.
    fn credential(self) -> String {
        format!("backup-{}token", self.prefix())
    }
}

/// Where a token comes from.
#[derive(Debug, Clone)]
pub(super) struct TokenSource {
    file: Option<PathBuf>,
    command: Option<String>,
    whose: Whose,
}

impl TokenSource {
    /// The option that gives it, where one does.
    pub fn option(&self) -> Option<&'static str> {
        let [file, command] = match self.whose {
            Whose::Only => ["--token-file", "--token-command"],
            Whose::From => ["--from-token-file", "--from-token-command"],
            Whose::To => ["--to-token-file", "--to-token-command"],
        };
        match (&self.file, &self.command) {
            (Some(_), _) => Some(file),
            (None, Some(_)) => Some(command),
            (None, None) => None,
        }
    }

    /// The token for this site; else it is asked for.
    ///
    /// # Errors
    /// It cannot be had, is none, or there is nobody to ask.
    pub fn token(
        &self,
        address: &Address,
        environment: &Environment,
        prompt: &Prompt,
    ) -> Result<Token> {
        let token = match self.given(environment, prompt)? {
            Some(token) => token,
            None => self.ask(address, prompt)?,
        };
        Token::new(token)
    }

    fn given(&self, environment: &Environment, prompt: &Prompt) -> Result<Option<String>> {
        let interrupt = prompt.interrupt();
        let of_file = |path: &Path| line_of_file(path, Sort::Token, interrupt).map(Some);
        let of_command = |command: &str| line_of_command(command, Sort::Token, interrupt).map(Some);
        if let Some(path) = &self.file {
            return of_file(path);
        }
        if let Some(command) = &self.command {
            return of_command(command);
        }
        match self.place(environment) {
            Some(Place::Variable(name, token)) => {
                let token = token.trim_end_matches(['\r', '\n']).to_owned();
                not_empty(token, &format!("the variable {name}")).map(Some)
            }
            Some(Place::File(_, path)) => of_file(Path::new(path)),
            Some(Place::Command(_, command)) => of_command(command),
            Some(Place::Credential(path)) => of_file(&path),
            None => Ok(None),
        }
    }

    /// Where the environment has the token.
    fn place<'a>(&self, environment: &'a Environment) -> Option<Place<'a>> {
        let of = |end: &str| {
            let name = self.whose.variable(end);
            environment.get(&name).map(|value| (name, value))
        };
        if let Some((name, token)) = of("") {
            return Some(Place::Variable(name, token));
        }
        if let Some((name, path)) = of("_FILE") {
            return Some(Place::File(name, path));
        }
        if let Some((name, command)) = of("_COMMAND") {
            return Some(Place::Command(name, command));
        }
        let folder = environment.credentials();
        let credential = folder.map(|it| it.join(self.whose.credential()));
        credential
            .filter(|path| path.exists())
            .map(Place::Credential)
    }

    fn ask(&self, address: &Address, prompt: &Prompt) -> Result<String> {
        if !prompt.is_possible() {
            let what = format!(
                "a transfer token of {address} is needed, and there is no terminal to ask for it"
            );
            let (prefix, variable) = (self.whose.prefix(), self.whose.variable(""));
            return Err(Error::usage(what).hint(format!(
                "give it with --{prefix}token-file, --{prefix}token-command, or in the variable {variable}; \
                 docs/REMOTE.md says how to make one"
            )));
        }
        let token = prompt.secret(&format!("Transfer token of {address}: "))?;
        if token.is_empty() {
            return Err(Error::usage("no token was entered").hint("run it again"));
        }
        Ok(token)
    }
}

/// Where the environment has a token: a variable by its name and its value, or a file.
enum Place<'a> {
    Variable(String, &'a str),
    File(String, &'a str),
    Command(String, &'a str),
    Credential(PathBuf),
}

impl Place<'_> {
    fn in_words(&self) -> String {
        match self {
            Self::Variable(name, _) => format!("the variable {name}"),
            Self::File(name, path) if super::secret::holds_token(path) => {
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

impl TokenSource {
    /// Where the token comes from, in words; `None` where it is asked for.
    pub fn told(&self, environment: &Environment) -> Option<String> {
        match (self.option(), self.place(environment)) {
            (Some(option), _) => Some(option.to_owned()),
            (None, place) => place.map(|place| place.in_words()),
        }
    }
}

/// The variables that give tokens, and the option that each makes needless: what is weaker does not give it then.
pub(super) fn in_variables(environment: &Environment) -> impl Iterator<Item = String> {
    let all = [Whose::Only, Whose::From, Whose::To];
    all.into_iter().filter_map(|whose| {
        let mut ends = ["", "_FILE", "_COMMAND"].into_iter();
        let is_set = ends.any(|end| environment.get(&whose.variable(end)).is_some());
        is_set.then(|| format!("{}token-file", whose.prefix()))
    })
}
