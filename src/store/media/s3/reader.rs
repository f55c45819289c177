//! Reads an object. A connection that breaks is made again, from where it stopped.

use super::Bucket;
use super::request::{Ask, Fault};
use crate::error::{Error, Result};
use crate::store::media::about::goes_on;
use crate::store::media::backoff::Breaks;
use crate::store::media::flow::Flow;
use crate::store::media::packing::{Packing, packing};
use crate::store::media::{About, Content};
use crate::store::object::explain::Refusal;
use bytes::{Buf, Bytes};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::header::{IF_MATCH, RANGE};
use http::{HeaderMap, HeaderValue, Method};
use object_store::client::HttpError;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

type Stream = BoxStream<'static, Result<Bytes, HttpError>>;

/// Opens an object; `None` where there is none. What the store keeps compressed comes as it was before.
pub(super) fn open(bucket: &Arc<Bucket>, key: &str) -> Result<Option<Content>> {
    let mut ask = Ask::new(Method::GET, key);
    ask.streams = true;
    let answer = match bucket.ask(&ask)? {
        Ok(answer) => answer,
        Err(Fault::Refused(why)) if why.status() == Some(404) && !why.lacks_bucket() => {
            return Ok(None);
        }
        Err(fault) => return Err(bucket.error("read", key, fault)),
    };
    bucket.known.store(true, Ordering::Relaxed);
    let mut about = About::of(&answer.headers);
    let packing = packing(&answer.headers);
    let reader = Reader {
        bucket: Arc::clone(bucket),
        key: key.to_owned(),
        stream: answer.stream.map(|body| body.bytes_stream()),
        chunk: Bytes::new(),
        position: 0,
        breaks: Breaks::new(bucket.asker.backoff()),
        length: about.size,
        etag: about.etag.clone(),
        flow: Flow::new(bucket.floor.clone()),
    };
    let bytes: Box<dyn Read + Send> = match packing {
        Some(Packing::Plain) => Box::new(reader),
        Some(Packing::Gzip) => {
            about.size = None;
            Box::new(MultiGzDecoder::new(reader))
        }
        None => {
            let why = "it is kept compressed in a way that is not known here".to_owned();
            return Err(bucket.error("read", key, Fault::Other(why)));
        }
    };
    Ok(Some(Content { about, bytes }))
}

struct Reader {
    bucket: Arc<Bucket>,
    key: String,
    stream: Option<Stream>,
    /// What came and was not read yet.
    chunk: Bytes,
    /// Where what comes next begins.
    position: u64,
    breaks: Breaks,
    /// What the first answer said.
    length: Option<u64>,
    etag: Option<String>,
    flow: Flow,
}

impl Reader {
    fn error(&self, fault: Fault) -> Error {
        self.bucket.error("read", &self.key, fault)
    }

    fn changed(&self) -> Error {
        let place = self.bucket.name(&self.key);
        Error::failed(format!("{place} was changed or removed while it was read"))
            .hint("run it again")
    }

    /// Asks for what is left.
    fn ask(&mut self) -> Result<()> {
        let mut ask = Ask::new(Method::GET, &self.key);
        ask.streams = true;
        let etag = self
            .etag
            .as_deref()
            .and_then(|etag| HeaderValue::from_str(etag).ok());
        let range = HeaderValue::from_str(&format!("bytes={}-", self.position));
        match (etag, range) {
            (Some(etag), Ok(range)) => ask
                .headers
                .extend(HeaderMap::from_iter([(RANGE, range), (IF_MATCH, etag)])),
            // Nothing tells whether it is still the same.
            _ if self.position > 0 => {
                let why = "the connection broke, and nothing tells whether it is still the same";
                return Err(self.error(Fault::Other(why.to_owned())));
            }
            _ => {}
        }
        let answer = match self.bucket.ask(&ask)? {
            Ok(answer) => answer,
            Err(Fault::Refused(why)) if matches!(why.status(), Some(404 | 412 | 416)) => {
                return Err(self.changed());
            }
            Err(fault) => return Err(self.error(fault)),
        };
        let about = About::of(&answer.headers);
        let whole = self.position == 0 && about.size == self.length;
        if about.etag != self.etag
            || !(goes_on(&answer.headers, self.position, self.length) || whole)
        {
            return Err(self.changed());
        }
        self.stream = answer.stream.map(|body| body.bytes_stream());
        Ok(())
    }

    /// Waits for the next bytes; `None` at the end.
    fn next(&mut self) -> Result<Result<Option<Bytes>, Refusal>> {
        if self.stream.is_none() {
            self.ask()?;
        }
        let Some(stream) = &mut self.stream else {
            return Ok(Ok(None));
        };
        let began = Instant::now();
        let next = self.bucket.run(stream.next())?;
        let waited = began.elapsed();
        Ok(match next {
            Some(Ok(bytes)) if self.flow.came(waited, bytes.len() as u64) => Ok(Some(bytes)),
            Some(Ok(_)) => {
                let why = "the store sends it too slowly to ever end".to_owned();
                return Err(self.error(Fault::Other(why)));
            }
            Some(Err(error)) => Err(Refusal::silent(&error)),
            None if self.length.is_some_and(|length| self.position < length) => {
                let text = "the connection ended too early".to_owned();
                Err(Refusal::told(None, "", text))
            }
            None => Ok(None),
        })
    }

    fn fill(&mut self) -> Result<()> {
        while self.chunk.is_empty() && self.length.is_none_or(|length| self.position < length) {
            match self.next()? {
                Ok(Some(chunk)) => {
                    self.position += chunk.len() as u64;
                    if self.length.is_some_and(|length| self.position > length) {
                        return Err(self.changed());
                    }
                    self.chunk = chunk;
                }
                Ok(None) => self.length = Some(self.position),
                Err(refusal) => {
                    self.stream = None;
                    let backoff = self.breaks.at(self.position);
                    let Some(pause) = backoff.next(Duration::ZERO) else {
                        return Err(self.error(Fault::Refused(refusal)));
                    };
                    // Made within the runtime, which has the clock.
                    self.bucket.run(async { tokio::time::sleep(pause).await })?;
                }
            }
        }
        Ok(())
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill().map_err(Error::into_io)?;
        let length = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
