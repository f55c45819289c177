//! Where the transfer token of a running Strapi comes from: options, the environment, a credential of systemd, a prompt.
//!
//! The first of these that is there counts, as for a key; no option takes the token itself. docs/REMOTE.md tells users.

use super::environment::Environment;
use super::given::{Given, is_in_variable, variable};
use super::prompt::Prompt;
use super::secret::Sort;
use crate::error::{Error, Result};
use crate::remote::{Address, Token};
use clap::Args;
use std::path::PathBuf;

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

    /// What a token of it is called after: see [`Given::name`].
    fn name(self) -> String {
        format!("{}token", self.prefix())
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
        let given = self.given().value(environment, prompt.interrupt())?;
        let token = match given {
            Some(token) => token,
            None => self.ask(address, prompt)?,
        };
        Token::new(token)
    }

    fn given(&self) -> Given {
        Given {
            file: self.file.clone(),
            command: self.command.clone(),
            name: self.whose.name(),
            sort: Sort::Token,
        }
    }

    fn ask(&self, address: &Address, prompt: &Prompt) -> Result<String> {
        if !prompt.is_possible() {
            let what = format!(
                "a transfer token of {address} is needed, and there is no terminal to ask for it"
            );
            let (prefix, variable) = (self.whose.prefix(), variable(&self.whose.name(), ""));
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

impl TokenSource {
    /// Where the token comes from, in words; `None` where it is asked for.
    pub fn told(&self, environment: &Environment) -> Option<String> {
        match (self.option(), self.given().place(environment)) {
            (Some(option), _) => Some(option.to_owned()),
            (None, place) => place.map(|place| place.in_words()),
        }
    }
}

/// The variables that give tokens, and the option that each makes needless: what is weaker does not give it then.
pub(super) fn in_variables(environment: &Environment) -> impl Iterator<Item = String> {
    let all = [Whose::Only, Whose::From, Whose::To];
    all.into_iter().filter_map(|whose| {
        let is_set = is_in_variable(&whose.name(), environment);
        is_set.then(|| format!("{}-file", whose.name()))
    })
}
