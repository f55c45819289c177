//! The URL of a Strapi's administration, under which its transfers lie.

use crate::error::{Error, Result};
use crate::store::is_loopback;
use std::fmt;
use url::Url;

/// The path of the administration where nobody configured another.
const ADMIN: &str = "/admin";
/// How an address is written.
const HINT: &str = "write the URL of the admin panel, such as https://cms.example.com/admin";

/// Where the administration of a Strapi is. It holds no secrets: see [`Address::parse`].
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: Url,
    is_completed: bool,
}

/// Which way a transfer goes, seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Out of that Strapi.
    Pull,
    /// Into it.
    Push,
}

impl Direction {
    /// The name in the protocol, and of the permission of a token.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
        }
    }
}

impl Address {
    /// Reads the URL of an admin panel. Without a path it gets `/admin`.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it is no URL with `http:` or `https:`, or holds what may be a secret: a
    /// user, a password, a query, a fragment. Nothing of it is repeated.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |why: &str| Error::usage(format!("the address of a Strapi {why}")).hint(HINT);
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(refuse("does not begin with https:// or http://"));
        };
        if !["http", "https"]
            .iter()
            .any(|own| scheme.eq_ignore_ascii_case(own))
        {
            return Err(refuse("does not begin with https:// or http://"));
        }
        if text.chars().any(char::is_control) {
            return Err(refuse("has line breaks or control characters in it"));
        }
        // The parser takes the first word of the path for a host.
        if rest.starts_with(['/', '\\']) {
            return Err(refuse("names no host"));
        }
        let mut url = Url::parse(text).map_err(|_| refuse("is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(
                "has a user's name or a password in it, which transfers do not take",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse(
                "has something behind its path (? or #); a token is given on its own",
            ));
        }
        let is_completed = url.path() == "/";
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(if is_completed { ADMIN } else { &path });
        Ok(Self { url, is_completed })
    }

    /// Whether the path was not given, and `/admin` was taken.
    pub fn is_completed(&self) -> bool {
        self.is_completed
    }

    /// The host, without its port.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether what is sent there, the token as well, is not encrypted on its way.
    pub fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Whether both are surely the same Strapi. Two names of one server are not seen to be.
    pub fn is_same(&self, other: &Self) -> bool {
        self.normal() == other.normal()
    }

    /// Where it is, the same under its spellings as far as these can be seen to be of one Strapi: host, port, path.
    pub fn normal(&self) -> (String, u16, String) {
        let port = match (self.url.port_or_known_default(), self.is_plain()) {
            // One site answers on both as a rule, and sends from one to the other.
            (Some(80), true) => 443,
            (port, _) => port.unwrap_or_default(),
        };
        let host = match self.is_loopback() {
            true => "localhost".to_owned(),
            false => self.host().trim_end_matches('.').to_owned(),
        };
        (host, port, self.url.path().to_ascii_lowercase())
    }

    /// What its user should know of it before anything is sent there.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.is_completed {
            remarks.push(format!("the address has no path, so it is taken as {self}"));
        }
        if self.is_plain() && !self.is_loopback() {
            remarks.push(format!(
                "{self} is reached without TLS: whoever is on the way reads the token and all that is transferred"
            ));
        }
        remarks
    }

    /// Where transfers in this direction begin.
    pub(super) fn runner(&self, direction: Direction) -> Url {
        let mut url = self.url.clone();
        let path = url.path().trim_end_matches('/');
        let path = format!("{path}/transfer/runner/{}", direction.as_str());
        url.set_path(&path);
        url
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// A URL that a server names, without what may be secret in it.
pub(super) fn without_secrets(base: &Address, target: &str) -> Option<String> {
    let mut url = base.url.join(target).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn address(text: &str) -> Address {
        Address::parse(text).expect("an address")
    }

    #[test]
    fn a_path_is_kept_and_an_empty_one_completed() {
        for (text, shown, completed) in [
            (
                "https://cms.example.com",
                "https://cms.example.com/admin",
                true,
            ),
            (
                "https://cms.example.com/",
                "https://cms.example.com/admin",
                true,
            ),
            (
                "HTTPS://cms.example.com/admin/",
                "https://cms.example.com/admin",
                false,
            ),
            (
                "http://localhost:1337/a/b",
                "http://localhost:1337/a/b",
                false,
            ),
        ] {
            let address = address(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!(address.is_completed(), completed, "{text}");
        }
        let runner = address("https://x/a/panel/").runner(Direction::Pull);
        assert_eq!(runner.as_str(), "https://x/a/panel/transfer/runner/pull");
    }

    #[test]
    fn an_address_without_a_host_is_refused() {
        for text in ["http:///admin", "https:////admin", "http://"] {
            let error = Address::parse(text).expect_err(text);
            assert_eq!(error.kind(), Kind::Usage);
        }
    }

    #[test]
    fn an_address_with_a_secret_is_refused_and_not_repeated() {
        for text in [
            "https://s3cret@cms.example.com/admin",
            "https://a:s3cret@cms.example.com/admin",
            "https://cms.example.com/admin?token=s3cret",
            "https://cms.example.com/admin#s3cret",
            "s3cret",
            "cms.example.com/admin?s3cret",
            "ws://cms.example.com/s3cret",
            "https://[s3cret",
            "https://cms.example.com/s3\ncret",
        ] {
            let error = Address::parse(text).expect_err("a refusal");
            assert_eq!(error.kind(), Kind::Usage);
            let told = format!("{error} {:?} {error:?}", error.advice());
            assert!(!told.contains("s3"), "{told}");
        }
    }

    #[test]
    fn one_site_is_known_under_its_spellings() {
        let same = |a: &str, b: &str| address(a).is_same(&address(b));
        assert!(same(
            "https://Example.com",
            "https://example.com:443/admin/"
        ));
        assert!(same(
            "http://example.com/admin",
            "https://example.com/admin"
        ));
        // Strapi's router does not look at the case of a path.
        assert!(same(
            "https://example.com/Admin",
            "https://example.com/admin"
        ));
        assert!(same("http://127.0.0.1:1337", "http://localhost:1337/admin"));
        assert!(same("http://[::1]:1337", "http://localhost:1337/admin"));
        assert!(!same("http://localhost:1337", "http://localhost:1338"));
        assert!(!same("https://example.com/a", "https://example.com/b"));
        assert!(!same("https://a.example.com", "https://b.example.com"));
    }

    #[test]
    fn only_http_over_a_network_is_warned_of() {
        let warned = |text: &str| {
            let remarks = address(text).remarks();
            remarks.iter().any(|it| it.contains("without TLS"))
        };
        assert!(warned("http://cms.example.com/admin"));
        assert!(!warned("https://cms.example.com/admin"));
        assert!(!warned("http://localhost:1337/admin"));
    }

    #[test]
    fn where_a_server_sends_is_told_without_secrets() {
        let base = address("http://cms.example.com/admin");
        let told = without_secrets(&base, "https://u:p@other.example.com/x?token=1#y");
        assert_eq!(told.as_deref(), Some("https://other.example.com/x"));
        let told = without_secrets(&base, "/elsewhere?x");
        assert_eq!(told.as_deref(), Some("http://cms.example.com/elsewhere"));
        assert_eq!(without_secrets(&base, "javascript:1"), None);
    }
}
