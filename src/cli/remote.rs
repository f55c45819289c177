//! A running Strapi as one end of a transfer: what `--from` and `--to` name, and what it takes to reach it.

use super::environment::Environment;
use super::prompt::Prompt;
use super::secret::holds_token;
use super::terminal;
use super::token::TokenSource;
use crate::error::{Error, Result};
use crate::remote::{Address, Patience, Site, Token};
use crate::store::Access;
use clap::Args;
use std::path::{Path, PathBuf};

/// What is between the scheme of a URL and the rest.
const MARK: &str = "://";
/// How often a pull that breaks is begun again where nothing else is said.
const RETRIES: u32 = 3;

/// How a running Strapi is reached.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "A running Strapi")]
pub(super) struct RemoteArguments {
    /// File with certificates of authorities (PEM) that are trusted beside those of the system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// How often a pull that breaks is begun again [default: 3]
    ///
    /// Nothing that writes to a site is ever sent twice.
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
}

impl RemoteArguments {
    /// The options that were given.
    pub fn given(&self) -> Vec<&'static str> {
        named([
            ("--ca-file", self.ca_file.is_some()),
            ("--retries", self.retries.is_some()),
        ])
    }

    /// What reaches sites.
    ///
    /// # Errors
    /// The file of authorities cannot be read, or holds none.
    pub fn access(&self, environment: &Environment, prompt: &Prompt) -> Result<Access> {
        let access = environment.access(prompt.interrupt().clone());
        match &self.ca_file {
            Some(file) => access.trusting(file),
            None => Ok(access),
        }
    }

    /// The site at this address, with the token that is given or asked for.
    ///
    /// # Errors
    /// The token cannot be had, or the file of authorities not be read.
    pub fn site(
        &self,
        address: Address,
        token: &TokenSource,
        environment: &Environment,
        prompt: &Prompt,
    ) -> Result<Site> {
        let access = self.access(environment, prompt)?;
        let token = token.token(&address, environment, prompt)?;
        self.reached(address, token, access, environment)
    }

    /// The site at this address, with a token and an access that are there.
    ///
    /// # Errors
    /// The variable that says how long to wait for a site holds no number.
    pub fn reached(
        &self,
        address: Address,
        token: Token,
        access: Access,
        environment: &Environment,
    ) -> Result<Site> {
        let retries = self.retries.unwrap_or(RETRIES);
        let mut patience = Patience::default();
        if let Some(back) = environment.site_timeout()? {
            patience.back = back;
        }
        Ok(Site::new(address, token, access, retries).with_patience(patience))
    }
}

/// One end of a transfer that is no archive.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// A running Strapi.
    Site(Address),
    /// The folder of a project.
    Folder(PathBuf),
}

impl End {
    /// What `option` names.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it is the URL of something else, or no folder is there. What may hold a
    /// secret is not repeated.
    pub fn parse(option: &str, given: &Path) -> Result<Self> {
        let text = given.to_string_lossy();
        if text.contains(MARK) {
            let address = Address::parse(&text).map_err(|error| error.within(option))?;
            return Ok(Self::Site(address));
        }
        if given.is_dir() {
            return Ok(Self::Folder(given.to_owned()));
        }
        // A password or a token may stand in a URL whose scheme was left out.
        let is_showable = !text.contains(['@', '?', '#']) && !holds_token(&text);
        let shown = match is_showable {
            true => format!(" {text}"),
            false => String::new(),
        };
        Err(Error::usage(format!(
            "{option}{shown} names neither the URL of a running Strapi nor a folder that is there"
        ))
        .hint("a URL begins with https://, such as https://cms.example.com/admin; a project is named by its folder"))
    }

    /// The site, where it is one.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Site(address) => Some(address),
            Self::Folder(_) => None,
        }
    }
}

/// The names of those options that were given.
pub(super) fn named<const N: usize>(options: [(&'static str, bool); N]) -> Vec<&'static str> {
    let given = options.into_iter().filter(|(_, given)| *given);
    given.map(|(option, _)| option).collect()
}

/// Refuses options that are for a running Strapi, where the option `end` names none.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): some were given.
pub(super) fn refuse_without_site(given: &[&str], end: &str) -> Result<()> {
    refuse(
        given,
        &format!("for a running Strapi, and {end} names none"),
        &format!("name one with {end} https://HOST/admin, or leave them out"),
    )
}

/// Refuses options that are for a project, where the option `end` names a running Strapi in its place.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): some were given.
pub(super) fn refuse_with_site(given: &[&str], end: &str) -> Result<()> {
    refuse(
        given,
        &format!("for the folder of a project, and {end} names a running Strapi"),
        "leave them out",
    )
}

/// Refuses options for the reason that is given.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): there are some.
pub(super) fn refuse(given: &[&str], why: &str, hint: &str) -> Result<()> {
    let are = match given {
        [] => return Ok(()),
        [_] => "is",
        _ => "are",
    };
    Err(Error::usage(format!("{} {are} {why}", given.join(", "))).hint(hint))
}

/// Says what is to be known of an address before anything is sent there. That is nothing of which a run is incomplete,
/// however strict it is.
pub(super) fn tell_of(address: &Address) {
    if address.is_completed() {
        terminal::tell(&format!(
            "note: {address} is taken, because the URL has no path"
        ));
    }
    if address.is_plain() && !address.is_loopback() {
        terminal::alert(&format!(
            "note: {address}: http:// is not encrypted: whoever is on the way can read the token and all content; use \
             https://"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<End> {
        End::parse("--from", Path::new(text))
    }

    #[test]
    fn what_has_a_scheme_is_a_site_and_what_is_there_is_a_folder() {
        assert!(parsed("https://cms.example.com/admin").is_ok_and(|it| it.address().is_some()));
        assert!(parsed(env!("CARGO_MANIFEST_DIR")).is_ok_and(|it| it.address().is_none()));
        for text in ["ftp://cms.example.com/admin", "cms.example.com/admin", ""] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_in_what_should_be_a_url_are_not_repeated() {
        let token = "0123456789abcdef".repeat(16);
        for text in [
            format!("cms.example.com/admin?token={token}"),
            "cms.example.com/admin?token=short-secret".to_owned(),
            "admin:short-secret@cms.example.com".to_owned(),
            format!("cms.example.com/{token}"),
            format!("https://cms.example.com/admin?token={token}"),
            "https://admin:short-secret@cms.example.com/admin".to_owned(),
            "https://cms.example.com/admin#short-secret".to_owned(),
            format!("s3://{token}@bucket/x"),
        ] {
            let error = parsed(&text).expect_err(&text);
            let told = format!("{error} {}", error.advice().unwrap_or_default());
            assert!(!told.contains(&token), "{told}");
            assert!(!told.contains("short-secret"), "{told}");
        }
    }
}
