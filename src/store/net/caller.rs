//! Requests to servers that answer with a document: one try each, which tells what is known of it when it fails.
//!
//! Whoever asks decides what may be tried again: an answer that is lost says nothing of what became of the request.

use super::{Connector, Executor};
use crate::error::{Error, Result};
use crate::store::{Access, Interrupt};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Body, Client, StatusCode};
use std::time::Duration;
use url::Url;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Sends requests, also from several threads at once.
pub(crate) struct Caller {
    pub(super) client: Client,
    pub(super) runtime: Executor,
    pub(super) interrupt: Interrupt,
    headers: HeaderMap,
    /// The variable that names a proxy, which may be what cannot be reached.
    proxy: Option<&'static str>,
}

/// Further headers of a request, which may say who asks.
#[derive(Clone, Default)]
pub(crate) struct Headers(HeaderMap);

impl Headers {
    /// Adds those of another, in place of its own that have their names.
    pub fn take(&mut self, other: &Self) {
        for (name, value) in &other.0 {
            self.0.insert(name.clone(), value.clone());
        }
    }

    /// Adds one that everybody may see. The name is in small letters.
    pub fn plain(mut self, name: &'static str, value: &'static str) -> Self {
        let name = reqwest::header::HeaderName::from_static(name);
        self.0.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Adds one whose value is secret. The name is in small letters.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): the value has characters that no header holds. It is not repeated.
    pub fn secret(&mut self, name: &'static str, value: &str) -> Result<()> {
        let value = HeaderValue::from_str(value);
        let mut value =
            value.map_err(|_| Error::usage("the token has characters that no header holds"))?;
        value.set_sensitive(true);
        self.0
            .insert(reqwest::header::HeaderName::from_static(name), value);
        Ok(())
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub status: u16,
    /// How long its server wants to be left alone, if it says so.
    pub retry_after: Option<Duration>,
    /// Where it sends whoever asks instead, if it does.
    pub location: Option<String>,
    /// What it says.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The request was not sent: nothing has come of it.
    Unsent(String),
    /// Something may have come of it.
    Lost(String),
    /// The user wants the run to stop; something may have come of it.
    Stopped(Error),
}

impl Caller {
    /// What sends JSON. `bearer` is what says who asks; `plain` is for servers without TLS.
    ///
    /// # Errors
    /// Certificates or proxies cannot be used, or `bearer` is nothing for a header.
    pub fn new(access: &Access, plain: bool, bearer: Option<&str>) -> Result<Self> {
        let connector = Connector::new(access)?;
        let client = connector
            .client(plain, CONNECT)
            .map_err(|error| Error::failed(format!("HTTP: {error}")))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(bearer) = bearer {
            let value = HeaderValue::from_str(&format!("Bearer {bearer}"));
            let mut value =
                value.map_err(|_| Error::usage("the token has characters that no header holds"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self {
            client,
            runtime: Executor::new()?,
            interrupt: access.interrupt().clone(),
            headers,
            proxy: connector.proxy_variable(if plain { "http" } else { "https" }),
        })
    }

    /// Why there is no answer, where a proxy may be why.
    pub(super) fn unanswered(&self, error: reqwest::Error) -> Unanswered {
        let is_connect = error.is_connect();
        match (unanswered(error), self.proxy) {
            (Unanswered::Unsent(why), Some(name)) if is_connect && why != NO_TLS => {
                Unanswered::Unsent(through(&why, name))
            }
            (unanswered, _) => unanswered,
        }
    }

    /// Sends a document, and waits at most so long for the whole answer, which may have so many bytes.
    pub fn post(
        &self,
        url: &Url,
        body: Vec<u8>,
        patience: Duration,
        longest: usize,
    ) -> Result<Answer, Unanswered> {
        self.post_with(&Headers::default(), url, body, patience, longest)
    }

    /// The same with further headers, in place of its own that have their names.
    pub fn post_with(
        &self,
        headers: &Headers,
        url: &Url,
        body: Vec<u8>,
        patience: Duration,
        longest: usize,
    ) -> Result<Answer, Unanswered> {
        let mut all = self.headers.clone();
        for (name, value) in &headers.0 {
            all.insert(name.clone(), value.clone());
        }
        let asked = self.runtime.run(&self.interrupt, async {
            let request = self.client.post(url.clone());
            let request = request.headers(all).timeout(patience);
            let mut response = request
                .body(Body::from(body))
                .send()
                .await
                .map_err(|error| self.unanswered(error))?;
            let status = response.status();
            let retry_after = response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.trim().parse().ok())
                .map(Duration::from_secs);
            let location = response.headers().get(LOCATION);
            let location =
                location.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            let mut body = Vec::new();
            while let Some(bytes) = response.chunk().await.map_err(unanswered)? {
                if body.len() + bytes.len() > longest {
                    let what = format!("the answer is longer than {longest} bytes");
                    return Err(Unanswered::Lost(what));
                }
                body.extend_from_slice(&bytes);
            }
            Ok(Answer {
                location,
                status: StatusCode::as_u16(&status),
                retry_after,
                body,
            })
        });
        match asked {
            Ok(answer) => answer,
            Err(error) => Err(Unanswered::Stopped(error)),
        }
    }

    /// Waits, until the user wants the run to stop.
    ///
    /// # Errors
    /// Kind [`Interrupted`](crate::error::Kind::Interrupted).
    pub fn pause(&self, pause: Duration) -> Result<()> {
        self.runtime
            .run(&self.interrupt, async { tokio::time::sleep(pause).await })
    }
}

/// What TLS says of an answer that is none of its own.
pub(super) const NO_TLS_SEEN: &str = "InvalidContentType";

/// Why something cannot be reached, told of the variable that names a proxy: it may be that which cannot.
pub(super) fn through(why: &str, variable: &str) -> String {
    format!("{why} (the variable {variable} names a proxy, which may be what does not answer)")
}

/// What is said where something answers `https://` that does not speak TLS.
const NO_TLS: &str =
    "what answers there speaks no TLS; if it is a port for HTTP, write the URL with http://";

pub(super) fn unanswered(error: reqwest::Error) -> Unanswered {
    let (is_connect, is_timeout) = (error.is_connect(), error.is_timeout());
    let error = error.without_url();
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        why = inner.to_string();
        if why.contains(NO_TLS_SEEN) {
            return Unanswered::Unsent(NO_TLS.into());
        }
        cause = inner.source();
    }
    match (is_connect, is_timeout) {
        (true, true) => Unanswered::Unsent("it cannot be reached".into()),
        (true, false) => Unanswered::Unsent(why),
        (false, true) => Unanswered::Lost("it does not answer".into()),
        (false, false) => Unanswered::Lost(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Why a request to this URL is not sent.
    fn unsent(url: &str, variables: &[(&str, String)]) -> String {
        let variables: BTreeMap<_, _> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let access = Access::new(variables, Interrupt::default());
        let url = Url::parse(url).expect("a URL");
        let caller = Caller::new(&access, url.scheme() == "http", None).expect("a caller");
        match caller.post(&url, Vec::new(), Duration::from_secs(60), 1 << 10) {
            Err(Unanswered::Unsent(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_proxy_that_is_down_is_named_as_what_may_not_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let proxy = format!("http://{}", listener.local_addr().expect("an address"));
        drop(listener);
        let why = unsent(
            "http://example.invalid:8080/query",
            &[("http_proxy", proxy.clone())],
        );
        assert!(
            why.contains("the variable http_proxy names a proxy"),
            "{why}"
        );
        // That one is not gone through.
        let why = unsent(&format!("{proxy}/query"), &[("https_proxy", proxy.clone())]);
        assert!(!why.contains("proxy"), "{why}");
    }

    #[test]
    fn a_port_for_http_that_is_asked_with_https_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let url = format!(
            "https://{}/query",
            listener.local_addr().expect("an address")
        );
        let answering = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().expect("somebody");
            let _ = client.read(&mut [0; 1 << 10]);
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        });
        let why = unsent(&url, &[]);
        answering.join().expect("answered");
        assert!(
            why.contains("speaks no TLS") && why.contains("http://"),
            "{why}"
        );
    }
}
