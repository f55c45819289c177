//! Where a service is.

use crate::error::{Error, Result};
use std::fmt;
use url::Url;

/// What a part of the path is called that is not there.
const DEFAULT: &str = "default";

/// The URL of a service: `http://host:4466/service/stage`, with a workspace in front of the service at most.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
}

impl Endpoint {
    /// Reads one.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it is none.
    pub fn parse(text: &str) -> Result<Self> {
        let fail = || {
            Error::usage("the endpoint is no URL that begins with http:// or https://")
                .hint("give it as http://host:4466/service/stage")
        };
        let mut url = Url::parse(text.trim()).map_err(|_| fail())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(fail());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::usage("the endpoint has a user or a password in it")
                .hint("a service knows who asks by its secret; take them out of the URL"));
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self { url })
    }

    /// Whether it is reached without TLS.
    pub fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// The name of the service and of its stage, as tokens have them.
    pub fn service(&self) -> (String, String) {
        let parts: Vec<&str> = self.url.path().split('/').skip(1).collect();
        let at = usize::from(parts.len() > 2);
        let part = |at: usize| {
            let part = parts.get(at).filter(|it| !it.is_empty());
            (*part.unwrap_or(&DEFAULT)).to_owned()
        };
        (part(at), part(at + 1))
    }

    /// The URL of one of its requests.
    pub fn request(&self, name: &str) -> Url {
        let mut url = self.url.clone();
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{path}/{name}"));
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
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_requests_come_from_the_path_and_what_is_missing_is_default() {
        for (text, service, import) in [
            (
                "http://a:4466/svc/dev",
                ("svc", "dev"),
                "http://a:4466/svc/dev/import",
            ),
            (
                "http://a:4466/svc/dev/",
                ("svc", "dev"),
                "http://a:4466/svc/dev/import",
            ),
            (
                "http://a:4466",
                ("default", "default"),
                "http://a:4466/import",
            ),
            (
                "http://a:4466/svc",
                ("svc", "default"),
                "http://a:4466/svc/import",
            ),
            (
                "https://eu1.x/space/svc/prod",
                ("svc", "prod"),
                "https://eu1.x/space/svc/prod/import",
            ),
        ] {
            let endpoint = Endpoint::parse(text).expect(text);
            let (own, stage) = endpoint.service();
            assert_eq!((&*own, &*stage), service, "{text}");
            assert_eq!(endpoint.request("import").as_str(), import);
            assert_eq!(endpoint.to_string(), text.trim_end_matches('/'));
        }
        for text in ["a:4466/svc", "ftp://a/", "", "http://"] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
        let error = Endpoint::parse("http://u:hunter2@a/").expect_err("a password");
        assert!(!error.to_string().contains("hunter2"));
    }
}
