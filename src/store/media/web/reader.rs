//! The bytes of a file by URL. What is missing when a connection breaks is asked for again.

use super::{Failure, Rest, Shared, failed};
use crate::error::{Error, Result};
use crate::store::media::about::{goes_on, text};
use crate::store::media::backoff::Breaks;
use crate::store::media::flow::Flow;
use crate::store::media::packing::{Packing, packing};
use crate::store::media::{About, Content};
use bytes::{Buf, Bytes};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::header::{ACCEPT_RANGES, LAST_MODIFIED};
use reqwest::{Response, StatusCode};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};
use url::Url;

/// How much longer than what is in it a file may be as it is packed.
const OVERHEAD: u64 = 64 << 10;

/// Reads a file.
pub(super) struct Reader {
    shared: Arc<Shared>,
    url: Url,
    stream: Option<BoxStream<'static, reqwest::Result<Bytes>>>,
    /// What came and was not read yet.
    chunk: Bytes,
    /// Where what comes next begins.
    position: u64,
    /// What the head of the first answer said.
    length: Option<u64>,
    etag: Option<String>,
    validator: Option<String>,
    breaks: Breaks,
    flow: Flow,
}

impl Reader {
    /// A file as its first answer begins.
    pub fn open(
        shared: &Arc<Shared>,
        url: &Url,
        answer: Response,
        most: u64,
    ) -> Result<Content, Failure> {
        let packing = packing(answer.headers()).ok_or_else(|| {
            Failure::last("its server sends it compressed in a way that was not asked for")
        })?;
        let mut about = About::of(answer.headers());
        let mut reader = Self {
            shared: Arc::clone(shared),
            url: url.clone(),
            chunk: Bytes::new(),
            position: 0,
            length: about.size,
            etag: about.etag.clone(),
            validator: validator(&about, &answer),
            breaks: Breaks::new(shared.limits.backoff()),
            flow: Flow::new(shared.limits.floor.clone()),
            stream: None,
        };
        reader.stream = Some(answer.bytes_stream().boxed());
        let host = reader.host();
        let bounded = |bytes: Box<dyn Read + Send>, left| Bounded {
            bytes,
            left,
            most,
            host: host.clone(),
        };
        let bytes = match packing {
            Packing::Plain => {
                if let Some(size) = about.size.filter(|size| *size > most) {
                    let why = format!("it has {size} bytes, more than the {most} of it");
                    return Err(Failure::last(why));
                }
                bounded(Box::new(reader), most)
            }
            Packing::Gzip => {
                about.size = None;
                // Packed, nothing can be endless.
                let packed = most.saturating_add(most / 100).saturating_add(OVERHEAD);
                let packed = bounded(Box::new(reader), packed);
                bounded(Box::new(MultiGzDecoder::new(packed)), most)
            }
        };
        Ok(Content {
            about,
            bytes: Box::new(bytes),
        })
    }

    fn host(&self) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }

    fn error(&self, why: &str) -> Error {
        Error::failed(format!("cannot read the file from {}: {why}", self.host()))
            .hint("see that its server can be reached, and run it again")
    }

    /// Asks for what is left.
    fn ask(&mut self) -> Result<Result<(), Failure>> {
        let changed = || Failure::last("it was changed while it was read");
        let rest = match (self.position, &self.validator) {
            (0, _) => None,
            (from, Some(validator)) => Some(Rest {
                from,
                validator: validator.clone(),
            }),
            (_, None) => {
                let why = "the connection broke, and its server does not go on in the middle";
                return Ok(Err(Failure::last(why)));
            }
        };
        let answer = match self.shared.run(self.shared.ask(&self.url, rest.as_ref()))? {
            Ok(answer) => answer,
            Err(failure) => return Ok(Err(failure)),
        };
        let about = About::of(answer.headers());
        let is_same = about.etag == self.etag
            && match rest {
                None => about.size == self.length,
                Some(rest) => {
                    answer.status() == StatusCode::PARTIAL_CONTENT
                        && goes_on(answer.headers(), rest.from, self.length)
                }
            };
        if !is_same {
            return Ok(Err(changed()));
        }
        self.stream = Some(answer.bytes_stream().boxed());
        Ok(Ok(()))
    }

    /// Waits for the next bytes; `None` at the end.
    fn next(&mut self) -> Result<Result<Option<Bytes>, Failure>> {
        if self.stream.is_none()
            && let Err(failure) = self.ask()?
        {
            return Ok(Err(failure));
        }
        let Some(stream) = &mut self.stream else {
            return Ok(Ok(None));
        };
        let (idle, began) = (self.shared.limits.idle, Instant::now());
        let next = async { timeout(idle, stream.next()).await };
        let next = self.shared.run(next)?;
        let waited = began.elapsed();
        Ok(match next {
            Err(_) => Err(Failure::again("its server sends nothing any more")),
            Ok(Some(Ok(bytes))) => self.take(bytes, waited).map(Some),
            Ok(Some(Err(error))) => Err(failed(&error.without_url())),
            Ok(None) if self.length.is_some_and(|length| self.position < length) => {
                Err(Failure::again("the connection to its server ended early"))
            }
            Ok(None) => Ok(None),
        })
    }

    /// Counts what came, and sees that it does not take for ever.
    fn take(&mut self, bytes: Bytes, waited: Duration) -> Result<Bytes, Failure> {
        self.position += bytes.len() as u64;
        if self.length.is_some_and(|length| self.position > length) {
            return Err(Failure::last("its server sends more than it said"));
        }
        match self.flow.came(waited, bytes.len() as u64) {
            true => Ok(bytes),
            false => Err(Failure::last("its server sends it too slowly to ever end")),
        }
    }

    fn fill(&mut self) -> Result<()> {
        while self.chunk.is_empty() && self.length.is_none_or(|length| self.position < length) {
            match self.next()? {
                Ok(Some(chunk)) => self.chunk = chunk,
                Ok(None) => self.length = Some(self.position),
                Err(failure) => {
                    self.stream = None;
                    let backoff = self.breaks.at(self.position);
                    let Some(pause) = failure.pause(backoff) else {
                        return Err(self.error(&failure.why));
                    };
                    self.shared.run(async { sleep(pause).await })?;
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

/// What tells later whether a file is still the same, byte for byte, where its server gives parts of files.
fn validator(about: &About, answer: &Response) -> Option<String> {
    if text(answer.headers(), ACCEPT_RANGES).is_some_and(|it| it.eq_ignore_ascii_case("none")) {
        return None;
    }
    match &about.etag {
        Some(etag) if !etag.starts_with("W/") => Some(etag.clone()),
        // Within the second of its last change it may change again.
        _ => match (about.modified, about.now) {
            (Some(modified), Some(now)) if modified < now => {
                text(answer.headers(), LAST_MODIFIED).map(str::to_owned)
            }
            _ => None,
        },
    }
}

/// Gives so many bytes, and fails where there are more.
struct Bounded {
    bytes: Box<dyn Read + Send>,
    left: u64,
    most: u64,
    host: String,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.read(buffer)?;
        let Some(left) = self.left.checked_sub(length as u64) else {
            let (host, most) = (&self.host, self.most);
            let what = format!("cannot read the file from {host}: it has more than {most} bytes");
            let hint = "see what its URL leads to: the row says that it is smaller";
            return Err(Error::failed(what).hint(hint).into_io());
        };
        self.left = left;
        Ok(length)
    }
}
