//! Files by URL: whatever a provider gives to everybody who knows the address.
//!
//! The URL comes out of a row, so it is not trusted: see [`Guard`]. Whatever is asked for goes without cookies and
//! credentials. Through a proxy, a name is resolved and checked here first all the same; where nobody here knows it,
//! the proxy decides.

mod reader;
mod silent;

use super::Content;
use super::about::text;
use super::backoff::Backoff;
use super::flow::Floor;
use super::guard::{self, Checked, Guard, Refused};
use crate::error::{Error, Result};
use crate::store::net::Connector;
use crate::store::net::Distrust;
use crate::store::net::Executor;
use crate::store::{Access, Interrupt};
use reader::Reader;
use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, LOCATION, RANGE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use silent::Silent;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use url::{Host, Url};

/// How often an answer may send elsewhere.
const REDIRECTIONS: usize = 5;

/// Gives files by URL.
pub(crate) struct Web(Arc<Shared>);

/// How long, and how often.
#[derive(Debug, Clone)]
struct Limits {
    /// Waiting for a connection.
    connect: Duration,
    /// Nothing moves.
    idle: Duration,
    /// What comes more slowly is given up.
    floor: Floor,
    /// How often one file is asked for again, and for how long.
    tries: u32,
    patience: Duration,
    /// The pause before the first time; each is twice as long as the one before it.
    pause: Duration,
    /// How long a server is left alone that answered none of the last files.
    rest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            floor: Floor::default(),
            tries: 5,
            patience: Duration::from_secs(120),
            pause: Duration::from_millis(500),
            rest: Duration::from_secs(30),
        }
    }
}

impl Limits {
    fn backoff(&self) -> Backoff {
        Backoff::new(self.tries, self.pause, self.patience)
    }
}

struct Shared {
    /// Reaches what the guard lets through.
    guarded: Client,
    /// Reaches all that it is asked for.
    own: Client,
    guard: Arc<Guard>,
    has_proxies: bool,
    limits: Limits,
    silent: Silent,
    interrupt: Interrupt,
    runtime: Executor,
}

/// Why there is no answer that is of use.
#[derive(Debug)]
struct Failure {
    /// Half a sentence.
    why: String,
    /// Whether it may be another time.
    again: bool,
    /// When the server wants to be asked again.
    after: Option<Duration>,
}

impl Failure {
    fn last(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            again: false,
            after: None,
        }
    }

    fn again(why: impl Into<String>) -> Self {
        Self {
            again: true,
            ..Self::last(why)
        }
    }

    /// How long to wait before it is tried again, if it is.
    fn pause(&self, backoff: &mut Backoff) -> Option<Duration> {
        let after = self.after.unwrap_or_default();
        self.again.then(|| backoff.next(after)).flatten()
    }
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self::last(why)
    }
}

impl Web {
    /// What reaches the network as these settings say, within what the guard allows.
    ///
    /// # Errors
    /// A certificate or the URL of a proxy cannot be used, or there are no threads.
    pub fn new(access: &Access, guard: Guard) -> Result<Self> {
        Self::with_limits(access, guard, Limits::default())
    }

    fn with_limits(access: &Access, guard: Guard, limits: Limits) -> Result<Self> {
        let connector = Connector::new(access)?;
        let guard = Arc::new(guard);
        let proxies = guard::hosts(connector.proxies());
        let has_proxies = !proxies.is_empty();
        let checked = Checked {
            guard: Arc::clone(&guard),
            proxies,
        };
        let builder = || {
            let builder = connector.builder(true, limits.connect);
            builder.redirect(Policy::none())
        };
        let fail = |error| Error::failed(format!("cannot reach any server: {error}"));
        Ok(Self(Arc::new(Shared {
            guarded: builder().dns_resolver(checked).build().map_err(fail)?,
            own: builder().build().map_err(fail)?,
            guard,
            has_proxies,
            limits,
            silent: Silent::default(),
            interrupt: access.interrupt.clone(),
            runtime: Executor::new()?,
        })))
    }

    /// Opens a file of `most` bytes or less. The inner error says as half a sentence why it cannot be had, and holds
    /// nothing of the URL but its host. A longer one fails while it is read, if its server does not say how long it is.
    ///
    /// # Errors
    /// Nothing can be had any more: the user wants the run to stop.
    pub fn open(&self, url: &str, most: u64) -> Result<Result<Content, String>> {
        let Ok(url) = Url::parse(url) else {
            return Ok(Err("what should be its URL is none".into()));
        };
        let host = url.host_str().unwrap_or_default();
        let Some(mut backoff) = self.0.silent.backoff(host, &self.0.limits) else {
            return Ok(Err("its server has not answered for a while".into()));
        };
        let failure = loop {
            self.0.interrupt.stop()?;
            match self.0.run(self.0.ask(&url, None))? {
                Ok(answer) => match Reader::open(&self.0, &url, answer, most) {
                    Ok(content) => {
                        self.0.silent.gave(host, false);
                        return Ok(Ok(content));
                    }
                    Err(failure) => break failure,
                },
                Err(failure) => match failure.pause(&mut backoff) {
                    // Made within the runtime, which has the clock.
                    Some(pause) => self.0.run(async { sleep(pause).await })?,
                    None => break failure,
                },
            }
        };
        self.0.silent.gave(host, failure.again);
        Ok(Err(failure.why))
    }
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web").finish_non_exhaustive()
    }
}

/// What is left of a file, as it is asked for.
struct Rest {
    from: u64,
    /// What tells whether the file is still the same.
    validator: String,
}

impl Shared {
    /// Waits for something, until the user wants the run to stop.
    fn run<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        self.runtime.run(&self.interrupt, work)
    }

    /// Asks for a file, wherever it is sent.
    async fn ask(&self, url: &Url, rest: Option<&Rest>) -> Result<Response, Failure> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTIONS {
            self.check(&url).await?;
            let client = match self.guard.is_own(&url) {
                true => &self.own,
                false => &self.guarded,
            };
            let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
            if let Some(rest) = rest {
                request = request
                    .header(RANGE, format!("bytes={}-", rest.from))
                    .header(IF_RANGE, &rest.validator);
            }
            let answer = timeout(self.limits.idle, request.send()).await;
            let answer = answer.map_err(|_| Failure::again("its server does not answer"))?;
            let answer = answer.map_err(|error| failed(&error.without_url()))?;
            match redirection(&url, &answer)? {
                Some(next) => url = next,
                None => return judged(answer, rest.is_some()),
            }
        }
        let why = format!("its URL leads on more than {REDIRECTIONS} times");
        Err(Failure::last(why))
    }

    /// Sees that a URL may be asked for, as far as that is known before its server is connected to.
    async fn check(&self, url: &Url) -> Result<(), Failure> {
        if !matches!(url.scheme(), "http" | "https") {
            let why = format!("its URL begins with {}:, not with https:", url.scheme());
            return Err(Failure::last(why));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::last("its URL has a user's name or password in it"));
        }
        if self.guard.is_own(url) {
            return Ok(());
        }
        self.guard.check_literal(url)?;
        // What is connected to then is the proxy.
        if self.has_proxies
            && let Some(Host::Domain(name)) = url.host()
        {
            let asked = name.to_owned();
            let found = tokio::task::spawn_blocking(move || guard::look_up(&asked)).await;
            if let Ok(Ok(found)) = found {
                self.guard.check_all(name, &found)?;
            }
        }
        Ok(())
    }
}

/// Where an answer sends whoever asked.
fn redirection(url: &Url, answer: &Response) -> Result<Option<Url>, Failure> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let next = text(answer.headers(), LOCATION).and_then(|next| url.join(next).ok());
    let Some(next) = next else {
        return Err(Failure::last("its server sends elsewhere, and not where"));
    };
    if url.scheme() == "https" && next.scheme() == "http" {
        let why = "its URL leads on from https: to http:";
        return Err(Failure::last(why));
    }
    Ok(Some(next))
}

/// An answer with a file, or with the part of it that was asked for.
fn judged(answer: Response, is_part: bool) -> Result<Response, Failure> {
    let status = answer.status();
    // The whole of it instead of a part is told by whoever goes on with it.
    let is_fine = status == StatusCode::OK || (is_part && status == StatusCode::PARTIAL_CONTENT);
    if is_fine {
        return Ok(answer);
    }
    let after = text(answer.headers(), RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
    Err(Failure {
        why: format!("its server answers with status {status}"),
        again: matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504),
        after: after.map(Duration::from_secs),
    })
}

/// Why there is no answer.
fn failed(error: &reqwest::Error) -> Failure {
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(Refused(why)) = inner.downcast_ref() {
            return Failure::last(why);
        }
        why = inner.to_string();
        if why.contains("peer certificate") {
            // It does not get better by asking again.
            return Failure::last(format!(
                "its server cannot be trusted: {}",
                Distrust::of(&why)
            ));
        }
        cause = inner.source();
    }
    let first = why.lines().next().unwrap_or_default();
    let why = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "its server does not answer".to_owned(),
        (_, true) => format!("its server cannot be reached: {first}"),
        _ => format!("the connection to its server broke: {first}"),
    };
    match error.is_builder() {
        true => Failure::last(why),
        false => Failure::again(why),
    }
}

#[cfg(test)]
mod tests;
