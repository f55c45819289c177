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
        let client = Connector::new(access)?
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
        })
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
                .map_err(unanswered)?;
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

pub(super) fn unanswered(error: reqwest::Error) -> Unanswered {
    let (is_connect, is_timeout) = (error.is_connect(), error.is_timeout());
    let error = error.without_url();
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        why = inner.to_string();
        cause = inner.source();
    }
    match (is_connect, is_timeout) {
        (true, true) => Unanswered::Unsent("it cannot be reached".into()),
        (true, false) => Unanswered::Unsent(why),
        (false, true) => Unanswered::Lost("it does not answer".into()),
        (false, false) => Unanswered::Lost(why),
    }
}
