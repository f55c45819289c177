//! Where a server is.

use crate::error::{Error, Result};
use crate::store::is_loopback;
use std::fmt;
use url::Url;

/// What the paths of requests end with. Consoles show URLs with one of them.
const KNOWN: [&str; 8] = [
    "/admin/slash",
    "/admin/schema",
    "/admin",
    "/graphql",
    "/alter",
    "/mutate",
    "/query",
    "/health",
];
/// How an endpoint is written.
const HINT: &str = "give the URL of the server's HTTP port, such as http://localhost:8080 or https://HOST.cloud.dgraph.io";

/// The base URL of a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
}

/// What a request is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// `/admin`: GraphQL for administrators.
    Admin,
    /// `/admin/slash`: the same of Dgraph Cloud.
    Slash,
    /// `/alter`: changes of the schema.
    Alter,
    /// `/mutate`: changes of data.
    Mutate,
    /// `/query`: what is there.
    Query,
    /// `/admin/schema`: the GraphQL schema.
    GraphQl,
    /// `/assign` of Zero, which leases numbers.
    Assign,
}

impl Path {
    /// It, with a slash in front.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "/admin",
            Self::Slash => "/admin/slash",
            Self::Alter => "/alter",
            Self::Mutate => "/mutate",
            Self::Query => "/query",
            Self::GraphQl => "/admin/schema",
            Self::Assign => "/assign",
        }
    }
}

impl Endpoint {
    /// Reads one. The path of a request, such as `/graphql`, is taken off.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it is no URL with `http:` or `https:`, or holds what may be a secret: a
    /// user, a password, a query, a fragment. Nothing of it is repeated.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |why: &str| Error::usage(format!("the endpoint {why}")).hint(HINT);
        let mut url = Url::parse(text.trim())
            .map_err(|_| refuse("is no URL that begins with http:// or https://"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refuse("is no URL that begins with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let what = "has a user or a password in it, and servers take these with --user";
            return Err(refuse(what));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse(
                "has something behind its path (? or #); a token is given with --token-file",
            ));
        }
        let path = url.path().trim_end_matches('/');
        let base = KNOWN.iter().find_map(|known| path.strip_suffix(known));
        let path = base.unwrap_or(path).to_owned();
        url.set_path(&path);
        Ok(Self { url })
    }

    /// Whether it is reached without TLS.
    pub fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// The URL of a request.
    pub fn at(&self, path: Path) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{}", path.as_str()));
        url
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_request_is_no_part_of_an_endpoint() {
        for (text, shown, slash) in [
            (
                "http://localhost:8080",
                "http://localhost:8080",
                "http://localhost:8080/admin/slash",
            ),
            (
                "https://x.cloud.dgraph.io/graphql",
                "https://x.cloud.dgraph.io",
                "https://x.cloud.dgraph.io/admin/slash",
            ),
            (
                "https://x/db/admin/slash/",
                "https://x/db",
                "https://x/db/admin/slash",
            ),
        ] {
            let endpoint = Endpoint::parse(text).expect(text);
            assert_eq!(endpoint.to_string(), shown);
            assert_eq!(endpoint.at(Path::Slash).as_str(), slash);
        }
    }

    #[test]
    fn nothing_of_what_is_no_endpoint_is_repeated() {
        for text in [
            "hunter2",
            "localhost:8080/hunter2",
            "http://",
            "ftp://x/hunter2",
            "http://u:hunter2@x",
            "http://hunter2@x",
            "http://x?token=hunter2",
            "http://x#hunter2",
        ] {
            let error = Endpoint::parse(text).expect_err(text);
            let told = format!("{error} {}", error.advice().unwrap_or_default());
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
