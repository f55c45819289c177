//! Requests to a bucket: made, signed, sent, and sent again where that helps.

use super::text_of;
use crate::store::media::backoff::Backoff;
use crate::store::object::explain::Refusal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{HeaderName, RANGE};
use http::{HeaderMap, HeaderValue, Method, Request};
use md5::{Digest, Md5};
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpErrorKind, HttpRequestBody, HttpResponseBody};
use object_store::{Error as StoreError, PutPayload};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the signatures want to be escaped in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same in a path.
const PATH: &AsciiSet = &QUERY.remove(b'/');
/// A body is sent in pieces of this size, so that it is seen whether it moves.
const PIECE: usize = 256 << 10;
/// How long the first pause is.
const PAUSE: Duration = Duration::from_millis(200);

/// What is asked of a bucket.
pub(super) struct Ask<'a> {
    pub method: Method,
    pub key: &'a str,
    pub query: Vec<(&'static str, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Whether what comes is the content of an object, which does not fit into memory.
    pub streams: bool,
}

impl<'a> Ask<'a> {
    /// About an object; about the bucket itself with an empty key.
    pub fn new(method: Method, key: &'a str) -> Self {
        Self {
            method,
            key,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            streams: false,
        }
    }

    /// With bytes, which the store is to compare with their digest.
    pub fn with_body(mut self, body: Bytes) -> Self {
        let digest = STANDARD.encode(Md5::digest(&body));
        if let Ok(digest) = HeaderValue::from_str(&digest) {
            let name = HeaderName::from_static("content-md5");
            self.headers.insert(name, digest);
        }
        self.body = body;
        self
    }
}

/// What a bucket gives.
pub(super) struct Answer {
    pub headers: HeaderMap,
    /// The whole answer, unless it streams.
    pub bytes: Bytes,
    pub stream: Option<HttpResponseBody>,
}

/// Why there is no answer that is of use.
#[derive(Debug)]
pub(super) enum Fault {
    /// The store says so, or does not answer.
    Refused(Refusal),
    /// There are no credentials.
    Credentials(StoreError),
    /// Half a sentence.
    Other(String),
}

/// Sends requests to a bucket.
pub(super) struct Asker {
    /// What stands before the keys.
    base: String,
    region: String,
    /// `None` where nobody asks by name.
    credentials: Option<AwsCredentialProvider>,
    client: HttpClient,
    /// Whether the store has said anything yet. Who named the wrong place wants to know soon.
    answered: AtomicBool,
}

impl Asker {
    pub fn new(
        base: String,
        region: String,
        credentials: Option<AwsCredentialProvider>,
        client: HttpClient,
    ) -> Self {
        Self {
            base,
            region,
            credentials,
            client,
            answered: AtomicBool::new(false),
        }
    }

    /// How often and how long a request is tried again.
    pub fn backoff(&self) -> Backoff {
        let (tries, seconds) = match self.answered.load(Ordering::Relaxed) {
            true => (10, 120),
            false => (3, 15),
        };
        Backoff::new(tries, PAUSE, Duration::from_secs(seconds))
    }

    /// Sends a request, until it is answered.
    pub async fn ask(&self, ask: &Ask<'_>) -> Result<Answer, Fault> {
        let url = self.url(ask)?;
        let digest = Sha256::digest(&ask.body);
        let mut backoff = self.backoff();
        loop {
            let (fault, again) = match self.once(ask, &url, &digest).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let pause = again.then(|| backoff.next(Duration::ZERO)).flatten();
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(fault),
            }
        }
    }

    /// The URL that is signed. What takes it apart later must not see another path in it.
    fn url(&self, ask: &Ask<'_>) -> Result<String, Fault> {
        let mut parts = ask.key.split('/');
        if parts.any(|part| matches!(part, "." | "..")) {
            let why = "its key has a part that is `.` or `..`, which no URL keeps";
            return Err(Fault::Other(why.to_owned()));
        }
        let key = utf8_percent_encode(ask.key, PATH);
        let mut url = format!("{}/{key}", self.base);
        if ask.key.is_empty() && url::Url::parse(&self.base).is_ok_and(|it| it.path() != "/") {
            url.pop();
        }
        for (number, (name, value)) in ask.query.iter().enumerate() {
            url.push(if number == 0 { '?' } else { '&' });
            url.push_str(&format!("{name}={}", utf8_percent_encode(value, QUERY)));
        }
        Ok(url)
    }

    /// Sends it once. An error comes with whether it may be another time.
    async fn once(&self, ask: &Ask<'_>, url: &str, digest: &[u8]) -> Result<Answer, (Fault, bool)> {
        let last = |why: String| (Fault::Other(why), false);
        let pieces = (0..ask.body.len()).step_by(PIECE);
        let pieces = pieces.map(|start| {
            let end = ask.body.len().min(start + PIECE);
            ask.body.slice(start..end)
        });
        let body = match ask.body.is_empty() {
            true => HttpRequestBody::empty(),
            false => pieces.collect::<PutPayload>().into(),
        };
        let request = Request::builder().method(ask.method.clone()).uri(url);
        let mut request = request
            .body(body)
            .map_err(|_| last("its key fits into no URL".into()))?;
        *request.headers_mut() = ask.headers.clone();
        if let Some(provider) = &self.credentials {
            let credentials = provider.get_credential().await;
            let credentials = credentials.map_err(|error| (Fault::Credentials(error), false))?;
            let authorizer = AwsAuthorizer::new(&credentials, "s3", &self.region);
            let signed = authorizer.try_authorize(&mut request, Some(digest));
            signed.map_err(|error| last(format!("it cannot be signed: {error}")))?;
        }
        let silent = |error: object_store::client::HttpError| {
            let again = error.kind() != HttpErrorKind::Unknown;
            (Fault::Refused(Refusal::silent(&error)), again)
        };
        let answer = self.client.execute(request).await.map_err(silent)?;
        let (parts, body) = answer.into_parts();
        let status = parts.status;
        // A page of whoever stands before the store is no file, and a part of a file is not the whole.
        let is_content = match ask.headers.contains_key(RANGE) {
            true => matches!(status.as_u16(), 200 | 206),
            false => status.as_u16() == 200,
        };
        if status.is_success() && ask.streams && !is_content {
            let status = status.as_u16();
            let why = format!("the store answers with status {status}, which is no file");
            return Err(last(why));
        }
        if status.is_success() && ask.streams {
            self.answered.store(true, Ordering::Relaxed);
            return Ok(Answer {
                headers: parts.headers,
                bytes: Bytes::new(),
                stream: Some(body),
            });
        }
        let bytes = body.bytes().await.map_err(silent)?;
        // What takes long is begun to be answered before it is known how it ends.
        let is_error = || ask.method != Method::GET && text_of(&bytes).contains("<Error>");
        if status.is_success() && !is_error() {
            self.answered.store(true, Ordering::Relaxed);
            return Ok(Answer {
                headers: parts.headers,
                bytes,
                stream: None,
            });
        }
        let refusal = Refusal::told(Some(status.as_u16()), &text_of(&bytes), String::new());
        let busy = [
            "SlowDown",
            "InternalError",
            "ServiceUnavailable",
            "RequestTimeout",
        ];
        let again = matches!(status.as_u16(), 408 | 425 | 429)
            || (status.is_server_error() && status.as_u16() != 501)
            || refusal.is(&busy);
        Err((Fault::Refused(refusal), again))
    }
}
