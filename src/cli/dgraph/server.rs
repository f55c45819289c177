//! Which server is meant, and what says who asks.

use super::super::environment::Environment;
use super::super::given::{Given, variable};
use super::super::prompt::Prompt;
use super::super::secret::Sort;
use super::super::terminal;
use crate::dgraph::server::{AuthHeader, Credentials, Endpoint, Login, Secret, Server};
use crate::error::{Error, Result};
use crate::store::{Access, Interrupt};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;

/// What tokens and passwords are called after in variables.
const TOKEN: &str = "dgraph-token";
const PASSWORD: &str = "dgraph-password";

/// Which server is meant, and what says who asks.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(super) struct ServerArguments {
    /// Where the server is: the HTTP port of an alpha, such as http://localhost:8080, or a backend of Dgraph Cloud
    #[arg(long, value_name = "URL")]
    endpoint: String,
    /// File that holds the token or key of the server, in one line [default: $BACKUP_DGRAPH_TOKEN]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Command that prints it: the first line counts. /bin/sh runs it
    #[arg(long, value_name = "COMMAND", conflicts_with = "token_file")]
    token_command: Option<String>,
    /// The header that the token goes in [default: the first three; each server reads its own]
    #[arg(long, value_name = "HEADER", value_parser = headers(), ignore_case = true)]
    auth_header: Option<AuthHeader>,
    /// User to log in as, where access control is on, such as groot
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// File that holds the password of the user, in one line [default: $BACKUP_DGRAPH_PASSWORD, else it is asked for]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Command that prints it: the first line counts. /bin/sh runs it
    #[arg(long, value_name = "COMMAND", conflicts_with = "password_file")]
    password_command: Option<String>,
    /// Namespace of the user [default: 0]
    #[arg(long, value_name = "N", requires = "user")]
    login_namespace: Option<u64>,
    /// File with certificates of authorities (PEM) that are trusted beside those of the system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// Reads the name of a header.
fn headers() -> impl TypedValueParser<Value = AuthHeader> {
    let names = PossibleValuesParser::new(AuthHeader::ALL.map(AuthHeader::as_str));
    names.try_map(|name| {
        let mut all = AuthHeader::ALL.into_iter();
        all.find(|it| it.as_str().eq_ignore_ascii_case(&name))
            .ok_or("no such header")
    })
}

impl ServerArguments {
    /// Reaches the server, and does this with it. Where it does not let whoever asks in, and nothing says who that is,
    /// somebody at the terminal is asked for a token.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): something makes no sense, or must be asked and nobody is there; or what
    /// `greet` says.
    pub fn reach<T>(
        &self,
        environment: &Environment,
        prompt: &Prompt,
        mut greet: impl FnMut(&Server) -> Result<T>,
    ) -> Result<(Server, T)> {
        let endpoint = Endpoint::parse(&self.endpoint)?;
        if endpoint.is_plain() && !endpoint.is_loopback() {
            let endpoint = terminal::safe(&endpoint.to_string());
            terminal::alert(&format!(
                "note: {endpoint}: http:// is not encrypted: whoever is on the way can read the token and all content"
            ));
        }
        let access = self.access(environment, prompt.interrupt())?;
        let mut credentials = Credentials {
            token: self.token(environment, prompt)?,
            header: self.auth_header,
            login: self.login(environment, prompt)?,
        };
        let may_ask = credentials.is_empty() && prompt.is_possible();
        let server = Server::new(&endpoint, credentials.clone(), &access)?;
        match greet(&server) {
            Err(error) if error.is_denied() && may_ask => {
                terminal::tell_fault(&error);
                let question = format!("Token of {}: ", terminal::safe(&endpoint.to_string()));
                credentials.token = Some(secret(prompt.secret(&question)?, "token")?);
                let server = Server::new(&endpoint, credentials, &access)?;
                let greeted = greet(&server)?;
                Ok((server, greeted))
            }
            greeted => Ok((server, greeted?)),
        }
    }

    /// How servers are reached.
    ///
    /// # Errors
    /// The certificates cannot be read.
    pub fn access(&self, environment: &Environment, interrupt: &Interrupt) -> Result<Access> {
        let access = environment.access(interrupt.clone());
        match &self.ca_file {
            Some(file) => access.trusting(file),
            None => Ok(access),
        }
    }

    fn token(&self, environment: &Environment, prompt: &Prompt) -> Result<Option<Secret>> {
        let given = Given {
            file: self.token_file.clone(),
            command: self.token_command.clone(),
            name: TOKEN.to_owned(),
            sort: Sort::ServerToken,
        };
        let token = given.value(environment, prompt.interrupt())?;
        Ok(token.map(Secret::new))
    }

    fn login(&self, environment: &Environment, prompt: &Prompt) -> Result<Option<Login>> {
        let Some(user) = &self.user else {
            return Ok(None);
        };
        let given = Given {
            file: self.password_file.clone(),
            command: self.password_command.clone(),
            name: PASSWORD.to_owned(),
            sort: Sort::Password,
        };
        let password = match given.value(environment, prompt.interrupt())? {
            Some(password) => Secret::new(password),
            None if prompt.is_possible() => {
                let question = format!("Password of {}: ", terminal::safe(user));
                secret(prompt.secret(&question)?, "password")?
            }
            None => {
                let what = format!(
                    "the password of {user} is needed, and there is no terminal to ask for it"
                );
                return Err(Error::usage(what).hint(format!(
                    "give it with --password-file, --password-command, or in the variable {}",
                    variable(PASSWORD, "")
                )));
            }
        };
        Ok(Some(Login {
            user: user.clone(),
            password,
            namespace: self.login_namespace,
        }))
    }
}

/// What was entered, unless that is nothing.
fn secret(entered: String, what: &str) -> Result<Secret> {
    match entered.is_empty() {
        true => Err(Error::usage(format!("no {what} was entered")).hint("run it again")),
        false => Ok(Secret::new(entered)),
    }
}
