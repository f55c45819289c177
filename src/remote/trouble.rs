//! What can go wrong between here and a running Strapi, and what is said of it: in this one place.

use super::address::{Direction, without_secrets};
use super::{Site, Token};
use crate::error::{Error, Kind};
use crate::store::{Distrust, Failure, Refusal};
use serde::Deserialize;

/// What is wrong, in half a sentence. Texts of servers in that of an error are as they came, but for the token, and of
/// bounded length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// The token is unknown there.
    #[error("it does not know the transfer token")]
    Refused,
    /// The token was good until some time ago.
    #[error("the transfer token has expired")]
    Expired,
    /// The token is for the other direction.
    #[error("the transfer token does not allow to {}", .0.as_str())]
    OtherKind(Direction),
    /// Transfers are switched off, or the admin panel is at another path.
    #[error("it offers no transfers at this address")]
    SwitchedOff,
    /// It has no salt for tokens, or failed otherwise.
    #[error("it fails to check the transfer token (status 500)")]
    NoSalt,
    /// It is something else.
    #[error("what answers there is no Strapi, or its admin panel is at another path (status {0})")]
    NotStrapi(u16),
    /// It does not answer at the moment, or whatever stands before it does in its place.
    #[error("it is not there at the moment (status {0})")]
    Busy(u16),
    /// A proxy wants a name and a password.
    #[error("the proxy before it asks for a name and a password")]
    Proxy,
    /// It sends elsewhere.
    #[error("it sends {}", .0.as_ref().map_or_else(|| "elsewhere, and does not say where".to_owned(), |to| format!("to {to}")))]
    Redirect(Option<String>),
    /// There is no connection.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// Something is wrong with its certificate.
    #[error("it cannot be trusted: {0}")]
    Untrusted(Distrust),
    /// It does not speak TLS.
    #[error("it does not speak TLS there")]
    NoTls,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Cut(String),
    /// Nothing comes any more.
    #[error("nothing comes from it any more")]
    Silent,
    /// A frame is larger than one may be.
    #[error("a message has more than 100 MiB, which is the most that Strapi takes")]
    TooLarge,
    /// What it sends is not as it should be.
    #[error("{0}")]
    Malformed(String),
    /// It says so itself.
    #[error("it says: {message}")]
    Server {
        /// Its words.
        message: String,
        /// What stands under `error.details.details.code`; only `ASSETS_DIRECTORY_ERR` is known.
        code: Option<String>,
    },
    /// A stage ended with an error, of which the server sends no word.
    #[error("it could not read all of the {0}, and its log says why")]
    Stage(crate::model::Stage),
}

impl Trouble {
    /// Something that came is not as it should be; `why` is half a sentence.
    pub(super) fn malformed(why: impl Into<String>) -> Self {
        Self::Malformed(why.into())
    }

    /// The trouble behind an error, where there is one.
    pub fn of(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }

    /// Whether it may be gone when all is begun again.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Refused
            | Self::Expired
            | Self::OtherKind(_)
            | Self::SwitchedOff
            | Self::NoSalt
            | Self::NotStrapi(_)
            | Self::Proxy
            | Self::Redirect(_)
            | Self::Untrusted(_)
            | Self::NoTls
            | Self::TooLarge => false,
            Self::Busy(_)
            | Self::Unreachable(_)
            | Self::Cut(_)
            | Self::Silent
            | Self::Malformed(_)
            | Self::Server { .. }
            | Self::Stage(_) => true,
        }
    }

    /// Whether the site is not there, as while it starts again.
    pub(super) fn is_away(&self) -> bool {
        matches!(
            self,
            Self::Busy(_) | Self::Unreachable(_) | Self::Cut(_) | Self::Silent
        )
    }

    /// The error of it, at this site and while this was done (such as "the start of the assets").
    pub(super) fn error(self, site: &Site, during: Option<&str>) -> Error {
        let place = match during {
            Some(what) => format!("{}: {what}", site.address()),
            None => site.address().to_string(),
        };
        let kind = match self {
            Self::Redirect(_) => Kind::Usage,
            _ => Kind::Failed,
        };
        let fit = self.fit(site.token());
        let error = Error::new(kind, format!("{place}: {fit}"));
        let error = match fit.hint() {
            Some(hint) => error.hint(hint),
            None => error,
        };
        let error = match fit {
            Self::Refused | Self::Expired | Self::OtherKind(_) => error.denied(),
            _ => error,
        };
        error.source(fit)
    }

    /// The same with texts of servers as they may be told.
    fn fit(self, token: &Token) -> Self {
        match self {
            Self::Redirect(to) => Self::Redirect(to.map(|to| token.fit(&to))),
            Self::Unreachable(why) => Self::Unreachable(token.fit(&why)),
            Self::Untrusted(Distrust::Other(why)) => {
                Self::Untrusted(Distrust::Other(token.fit(&why)))
            }
            Self::Cut(why) => Self::Cut(token.fit(&why)),
            Self::Malformed(why) => Self::Malformed(token.fit(&why)),
            Self::Server { message, code } => Self::Server {
                message: token.fit(&message),
                code: code.map(|code| token.fit(&code)),
            },
            Self::Refused
            | Self::Expired
            | Self::OtherKind(_)
            | Self::SwitchedOff
            | Self::NoSalt
            | Self::NotStrapi(_)
            | Self::Busy(_)
            | Self::Proxy
            | Self::Untrusted(_)
            | Self::NoTls
            | Self::Silent
            | Self::TooLarge
            | Self::Stage(_) => self,
        }
    }

    /// What to do next.
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Refused => "make a transfer token in its admin panel under Settings, Transfer tokens, and give all of it; tokens of an API do not open transfers".into(),
            Self::Expired => "make a new transfer token in its admin panel, or give this one a longer life".into(),
            Self::OtherKind(direction) => format!(
                "make a transfer token with access to {}, or full access",
                direction.as_str()
            ),
            Self::SwitchedOff => "set server.transfer.remote.enabled in its configuration (before Strapi 5: unset STRAPI_DISABLE_REMOTE_DATA_TRANSFER), and check that the URL is that of its admin panel".into(),
            Self::NoSalt => "set admin.transfer.token.salt (TRANSFER_TOKEN_SALT) in its configuration; its log says whether that is it".into(),
            Self::NotStrapi(_) => "check the URL: it is that of the admin panel, and whatever stands before it must let WebSockets through".into(),
            Self::Busy(_) | Self::Unreachable(_) | Self::Silent => "check that it runs and that no other transfer does, then run it again".into(),
            Self::Proxy => "write both into the URL of the proxy: HTTPS_PROXY=http://name:password@host:port".into(),
            Self::Redirect(Some(to)) => format!(
                "the token is not sent elsewhere: if that is the right place, give the URL of the admin panel as it begins there ({to})"
            ),
            Self::Redirect(None) => "give the URL of the admin panel to which a browser is led".into(),
            Self::Untrusted(distrust) => distrust.advice("--ca-file"),
            Self::NoTls => "write the URL with http:// if it is on this machine or in a network that you trust, or check the port".into(),
            Self::Cut(_) => "run it again; if it breaks there each time, look into the log of that Strapi and of the proxy before it".into(),
            Self::TooLarge => "make that row or file smaller".into(),
            Self::Malformed(_) => "check that it is a Strapi from 4.12 on, and look into its log".into(),
            Self::Server { .. } | Self::Stage(_) => "look into the log of that Strapi".into(),
        })
    }

    /// What an answer means that is no upgrade.
    pub(super) fn of_refusal(refusal: &Refusal, site: &Site, direction: Direction) -> Self {
        #[derive(Deserialize)]
        struct Body {
            error: Said,
        }
        #[derive(Deserialize)]
        struct Said {
            message: String,
        }
        let said = serde_json::from_slice::<Body>(&refusal.body).ok();
        let message = said.map(|body| body.error.message);
        match (refusal.status, &message) {
            (401, Some(message)) if message.contains("expired") => Self::Expired,
            (401, Some(_)) => Self::Refused,
            (403, Some(_)) => Self::OtherKind(direction),
            (404, Some(_)) => Self::SwitchedOff,
            (407, _) => Self::Proxy,
            (500 | 501, Some(_)) => Self::NoSalt,
            (300..=399, _) => {
                let to = refusal.location.as_deref();
                let to = to.and_then(|to| without_secrets(site.address(), to));
                let suffix = format!("/transfer/runner/{}", direction.as_str());
                Self::Redirect(to.map(|to| to.strip_suffix(&suffix).unwrap_or(&to).to_owned()))
            }
            (408 | 425 | 429 | 500 | 502..=504, _) => Self::Busy(refusal.status),
            (status, _) => Self::NotStrapi(status),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable(why) => Self::Unreachable(why),
            Failure::Untrusted(why) => Self::Untrusted(why),
            Failure::NoTls => Self::NoTls,
            Failure::Silent => Self::Silent,
            Failure::Broke(why) => Self::Cut(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::{Address, Token};
    use crate::store::Access;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn site() -> Site {
        let address = Address::parse("https://cms.example.com/admin").expect("an address");
        Site::new(
            address,
            Token::new(TOKEN).expect("a token"),
            Access::default(),
            0,
        )
    }

    fn refused(status: u16, location: Option<&str>, body: &str) -> Trouble {
        let refusal = Refusal {
            status,
            location: location.map(str::to_owned),
            body: body.as_bytes().to_vec(),
        };
        Trouble::of_refusal(&refusal, &site(), Direction::Pull)
    }

    #[test]
    fn each_answer_to_an_upgrade_is_told_apart() {
        let said = |status: u16, message: &str| {
            let body = format!(
                r#"{{"data":null,"error":{{"status":{status},"name":"X","message":"{message}","details":{{}}}}}}"#
            );
            refused(status, None, &body)
        };
        assert_eq!(
            said(401, "Missing or invalid credentials"),
            Trouble::Refused
        );
        assert_eq!(said(401, "Token expired"), Trouble::Expired);
        assert_eq!(said(403, "Forbidden"), Trouble::OtherKind(Direction::Pull));
        assert_eq!(said(404, "Not Found"), Trouble::SwitchedOff);
        assert_eq!(said(500, "Internal Server Error"), Trouble::NoSalt);
        assert_eq!(refused(404, None, "Not Found"), Trouble::NotStrapi(404));
        assert_eq!(refused(200, None, "<html>"), Trouble::NotStrapi(200));
        assert_eq!(refused(503, None, ""), Trouble::Busy(503));
        let to = "https://u:p@new.example.com/admin/transfer/runner/pull?secret=1";
        assert_eq!(
            refused(302, Some(to), ""),
            Trouble::Redirect(Some("https://new.example.com/admin".into()))
        );
    }

    #[test]
    fn an_error_says_what_to_do_and_keeps_its_trouble_but_not_the_token() {
        let trouble = Trouble::Server {
            message: format!("no {TOKEN}!"),
            code: None,
        };
        let error = trouble.clone().error(&site(), Some("the end of the links"));
        assert_eq!(
            error.to_string(),
            "https://cms.example.com/admin: the end of the links: it says: no <token>!"
        );
        assert!(error.advice().is_some());
        assert!(Trouble::of(&error).is_some_and(Trouble::is_passing));
        let to = format!("https://{TOKEN}.example.com/{TOKEN}");
        let error = Trouble::Redirect(Some(to)).error(&site(), None);
        let told = format!("{error} {:?} {error:?}", error.advice());
        assert!(!told.contains(TOKEN), "{told}");
        assert!(
            told.contains("https://<token>.example.com/<token>"),
            "{told}"
        );
        let error = Trouble::Refused.error(&site(), None);
        assert!(!Trouble::of(&error).is_some_and(Trouble::is_passing));
    }
}
