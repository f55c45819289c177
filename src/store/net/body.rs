//! The bodies of requests to object stores and of their answers: how far they are is seen, and what moves no more, or is
//! too long, is given up.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use object_store::client::{HttpError, HttpErrorKind, HttpRequestBody};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// How long nothing may move before a request is given up.
pub(super) const IDLE: Duration = Duration::from_secs(30);
/// How many times as long as nothing may move an answer that is held in memory may take as a whole.
const WHOLE: u32 = 4;

/// The body of a request, and how much of it was taken.
pub(super) struct Sent {
    body: HttpRequestBody,
    frames: Arc<AtomicU64>,
}

impl Sent {
    /// A body, and where its pieces are counted.
    pub fn new(body: HttpRequestBody, frames: Arc<AtomicU64>) -> Self {
        Self { body, frames }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.frames.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer, which fails when nothing comes any more, or more than may come.
pub(super) struct Received {
    body: reqwest::Body,
    waiting: Pin<Box<Sleep>>,
    /// `None` where it is the content of an object.
    bounds: Option<Bounds>,
}

/// What an answer is held to that is kept in memory.
struct Bounds {
    longest: u64,
    left: u64,
    end: Instant,
}

impl Bounds {
    /// Takes what came.
    fn take(&mut self, frame: &Frame<Bytes>) -> Result<(), HttpError> {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        let Some(left) = self.left.checked_sub(length) else {
            let most = self.longest >> 20;
            let why = format!("its answer is longer than {most} MiB, and no list or message is");
            let error = std::io::Error::new(std::io::ErrorKind::InvalidData, why);
            return Err(HttpError::new(HttpErrorKind::Unknown, error));
        };
        self.left = left;
        Ok(())
    }
}

impl Received {
    /// A body that may be so long, and take so many times as long as others; without a length it is the content of an
    /// object.
    pub fn new(body: reqwest::Body, longest: Option<u64>, patience: u32) -> Self {
        Self {
            body,
            waiting: Box::pin(sleep(IDLE)),
            bounds: longest.map(|longest| Bounds {
                longest,
                left: longest,
                end: Instant::now() + IDLE * WHOLE * patience,
            }),
        }
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => {
                let mut next = Instant::now() + IDLE;
                let mut frame = frame.map(|frame| frame.map_err(worded));
                if let Some(bounds) = &mut self.bounds {
                    next = next.min(bounds.end);
                    frame = frame.map(|frame| {
                        let frame = frame?;
                        bounds.take(&frame)?;
                        Ok(frame)
                    });
                }
                self.waiting.as_mut().reset(next);
                Poll::Ready(frame)
            }
            Poll::Pending => {
                std::task::ready!(self.waiting.as_mut().poll(context));
                Poll::Ready(Some(Err(no_answer())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Whoever collects it makes room for what it says.
        match &self.bounds {
            Some(_) => SizeHint::default(),
            None => self.body.size_hint(),
        }
    }
}

/// Nothing moves any more.
pub(super) fn no_answer() -> HttpError {
    let why = "it does not answer any more";
    let error = std::io::Error::new(std::io::ErrorKind::TimedOut, why);
    HttpError::new(HttpErrorKind::Timeout, error)
}

/// An error of the client, as the crate wants it: it decides whether the request is sent again.
pub(super) fn worded(error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    let mut kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else {
        HttpErrorKind::Interrupted
    };
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        // A certificate does not get better by asking again. The error of TLS is wrapped more than once.
        if inner.to_string().contains("peer certificate") {
            kind = HttpErrorKind::Unknown;
        }
        cause = inner.source();
    }
    HttpError::new(kind, error)
}
