//! Connections that begin as HTTP and go on as something else: blocking, and given up when the user wants the run to
//! stop.

use super::caller::{NO_TLS_SEEN, through};
use super::distrust::Distrust;
use super::executor::{Executor, GLANCE};
use super::http::Connector;
use crate::error::{Error, Result};
use crate::store::{Access, Interrupt};
use http::HeaderMap;
use http::header::LOCATION;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use url::Url;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// How much is read of an answer that is no upgrade, in bytes.
const LONGEST: usize = 64 << 10;

/// What came of asking a server to go on as something else.
pub(crate) enum Asked {
    /// It does; these are the headers of its answer.
    Upgraded(Box<Upgraded>, HeaderMap),
    /// It answers with something else.
    Answered(Refusal),
    /// There is no answer.
    Failed(Failure),
}

/// An answer that is no upgrade.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Its status.
    pub status: u16,
    /// Where it sends whoever asked, as it says it.
    pub location: Option<String>,
    /// The beginning of its body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is no connection. Says why, as half a sentence.
    Unreachable(String),
    /// Nobody vouches for the server.
    Untrusted(Distrust),
    /// It does not speak TLS.
    NoTls,
    /// It says nothing within the time.
    Silent,
    /// The connection broke. Says why, as half a sentence.
    Broke(String),
}

impl Failure {
    /// The same, told of the variable that names a proxy: it may be that which cannot be reached.
    fn through(self, proxy: Option<&str>) -> Self {
        match (self, proxy) {
            (Self::Unreachable(why), Some(name)) => Self::Unreachable(through(&why, name)),
            (failure, _) => failure,
        }
    }
}

/// Asks the server of `url` to go on as these headers say. Proxies are gone through as the settings say, except to this
/// machine; redirections are not followed. The answer is waited for as long as `patience` says.
///
/// # Errors
/// A certificate or the URL of a proxy cannot be used, there are no threads, or the user wants the run to stop.
pub(crate) fn upgrade(
    url: &Url,
    headers: HeaderMap,
    access: &Access,
    direct: bool,
    patience: Duration,
) -> Result<Asked> {
    let connector = Connector::new(access)?;
    let plain = url.scheme() == "http";
    let builder = match direct {
        true => connector.direct(plain, CONNECT),
        false => connector.builder(plain, CONNECT),
    };
    let client = builder
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let client = client.map_err(|error| {
        Error::failed(format!("cannot reach any server: {}", error.without_url()))
    })?;
    let runtime = Executor::new()?;
    let asked = runtime.run(&access.interrupt, async {
        let request = client.get(url.clone()).headers(headers);
        let answer = match timeout(patience, request.send()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let proxy = connector.proxy_variable(url.scheme()).filter(|_| !direct);
                return Err(Asked::Failed(failed(error).through(proxy)));
            }
            Err(_) => return Err(Asked::Failed(Failure::Silent)),
        };
        if answer.status().as_u16() != 101 {
            return Err(Asked::Answered(refusal(answer, patience).await));
        }
        let headers = answer.headers().clone();
        match timeout(patience, answer.upgrade()).await {
            Ok(Ok(connection)) => Ok((connection, headers)),
            Ok(Err(error)) => Err(Asked::Failed(failed(error))),
            Err(_) => Err(Asked::Failed(Failure::Silent)),
        }
    })?;
    Ok(match asked {
        Ok((connection, headers)) => {
            let upgraded = Upgraded {
                connection: Some(connection),
                runtime,
                interrupt: access.interrupt.clone(),
                until: None,
                end: None,
                room: u64::MAX,
                heard: Instant::now(),
                patience,
            };
            Asked::Upgraded(Box::new(upgraded), headers)
        }
        Err(asked) => asked,
    })
}

async fn refusal(mut answer: reqwest::Response, patience: Duration) -> Refusal {
    let location = answer.headers().get(LOCATION);
    let location = location.and_then(|it| it.to_str().ok()).map(str::to_owned);
    let mut refusal = Refusal {
        status: answer.status().as_u16(),
        location,
        body: Vec::new(),
    };
    let reading = async {
        while let Ok(Some(piece)) = answer.chunk().await {
            let room = LONGEST - refusal.body.len();
            refusal.body.extend(piece.iter().take(room));
            if refusal.body.len() == LONGEST {
                break;
            }
        }
    };
    // What it says is of use, but its status is enough.
    let _ = timeout(patience, reading).await;
    refusal
}

/// Why there is no answer, without the URL.
fn failed(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        why = inner.to_string();
        if why.contains("peer certificate") {
            return Failure::Untrusted(Distrust::of(&why));
        }
        if why.contains(NO_TLS_SEEN) {
            return Failure::NoTls;
        }
        cause = inner.source();
    }
    let first = why.lines().next().unwrap_or_default().to_owned();
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => Failure::Unreachable("it does not answer".into()),
        (true, false) => Failure::Silent,
        (false, true) => Failure::Unreachable(first),
        (false, false) => Failure::Broke(first),
    }
}

/// A connection that was HTTP. Whatever blocks ends once the user wants the run to stop, with that error.
pub(crate) struct Upgraded {
    /// It is there until it is dropped.
    connection: Option<reqwest::Upgraded>,
    runtime: Executor,
    interrupt: Interrupt,
    until: Option<Instant>,
    /// After this nothing is read or written any more.
    end: Option<Instant>,
    /// How many bytes may still come.
    room: u64,
    heard: Instant,
    patience: Duration,
}

impl Upgraded {
    /// Has reading give up at that time with [`io::ErrorKind::WouldBlock`]; nothing that came is lost then.
    pub fn read_until(&mut self, until: Option<Instant>) {
        self.until = until;
    }

    /// Has reading fail with [`io::ErrorKind::FileTooLarge`] once so many bytes more have come.
    pub fn read_at_most(&mut self, bytes: u64) {
        self.room = bytes;
    }

    /// When something came for the last time.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// Has nothing stop it any more but the time, which is that long for all of it: for what is said at the end.
    pub fn last_for(&mut self, patience: Duration) {
        self.interrupt = Interrupt::default();
        self.end = Some(Instant::now() + patience);
    }

    /// Waits for one step of it, until that time.
    fn wait<T>(
        &mut self,
        until: Option<Instant>,
        late: io::ErrorKind,
        mut step: impl FnMut(Pin<&mut reqwest::Upgraded>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        let until = [until, self.end].into_iter().flatten().min();
        let interrupt = &self.interrupt;
        let connection = self.connection.as_mut();
        let connection = connection.ok_or(io::ErrorKind::NotConnected)?;
        self.runtime.handle().block_on(async {
            let mut work = pin!(poll_fn(|context| step(Pin::new(&mut *connection), context)));
            loop {
                // Before each step: the other side may see to it that none ever waits.
                interrupt.check()?;
                let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                if left.is_some_and(|left| left.is_zero()) {
                    return Err(late.into());
                }
                let pause = left.unwrap_or(GLANCE).min(GLANCE);
                if let Ok(done) = timeout(pause, work.as_mut()).await {
                    return done;
                }
            }
        })
    }
}

impl Read for Upgraded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let until = self.until;
        let read = self.wait(until, io::ErrorKind::WouldBlock, |connection, context| {
            let mut into = ReadBuf::new(buffer);
            let polled = connection.poll_read(context, &mut into);
            polled.map_ok(|()| into.filled().len())
        })?;
        self.heard = Instant::now();
        self.room = self.room.saturating_sub(read as u64);
        Ok(read)
    }
}

impl Write for Upgraded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let until = Instant::now() + self.patience;
        self.wait(
            Some(until),
            io::ErrorKind::TimedOut,
            |connection, context| connection.poll_write(context, bytes),
        )
    }

    fn flush(&mut self) -> io::Result<()> {
        let until = Instant::now() + self.patience;
        self.wait(
            Some(until),
            io::ErrorKind::TimedOut,
            |connection, context| connection.poll_flush(context),
        )
    }
}

impl Drop for Upgraded {
    fn drop(&mut self) {
        // Within the runtime: what closes it may want to be there.
        let _guard = self.runtime.handle().enter();
        self.connection = None;
    }
}
