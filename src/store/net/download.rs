//! Files by URLs that nothing else says who asks for: one try each, in pieces, as [`Caller`] sends requests.

use super::body::IDLE;
use super::caller::{Caller, Unanswered, unanswered};
use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE,
    LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// What is left of a file.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    /// Where it begins.
    pub from: u64,
    /// What tells whether the file is still the same: see [`Head::validator`].
    pub validator: String,
}

/// What an answer says before its content.
#[derive(Debug)]
pub(crate) struct Head {
    /// Its status.
    pub status: u16,
    /// Where in the file its content begins.
    pub begins: u64,
    /// How long the whole file is, where it says so.
    pub length: Option<u64>,
    /// What tells later whether the file is still the same, byte for byte, where its server gives parts of files.
    pub validator: Option<String>,
    /// How long its server wants to be left alone, if it says so.
    pub retry_after: Option<Duration>,
}

/// A file that comes.
pub(crate) struct Download<'a> {
    /// What is known of it.
    pub head: Head,
    caller: &'a Caller,
    response: Response,
}

impl Caller {
    /// Asks for a file, or for the rest of one. Nothing says who asks but the URL, and no redirection is followed.
    pub fn get(&self, url: &Url, rest: Option<&Rest>) -> Result<Download<'_>, Unanswered> {
        let asked = self.runtime.run(&self.interrupt, async {
            let mut request = self.client.get(url.clone());
            request = request.header(ACCEPT_ENCODING, "identity");
            if let Some(rest) = rest {
                request = request
                    .header(RANGE, format!("bytes={}-", rest.from))
                    .header(IF_RANGE, &rest.validator);
            }
            match timeout(IDLE, request.send()).await {
                Ok(response) => response.map_err(|error| self.unanswered(error)),
                Err(_) => Err(Unanswered::Lost("it does not answer".into())),
            }
        });
        let response = asked.map_err(Unanswered::Stopped)??;
        Ok(Download {
            head: Head::of(&response),
            caller: self,
            response,
        })
    }
}

impl Download<'_> {
    /// Waits for more of it; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Bytes>, Unanswered> {
        let (caller, response) = (self.caller, &mut self.response);
        let next = caller.runtime.run(&caller.interrupt, async {
            match timeout(IDLE, response.chunk()).await {
                Ok(chunk) => chunk.map_err(unanswered),
                Err(_) => Err(Unanswered::Lost("it sends nothing any more".into())),
            }
        });
        next.map_err(Unanswered::Stopped)?
    }
}

impl Head {
    fn of(response: &Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers());
        let part = text(headers, CONTENT_RANGE).and_then(part);
        let (begins, length) = match part.filter(|_| status == 206) {
            Some((begins, length)) => (begins, Some(length)),
            None => (0, response.content_length()),
        };
        let retry_after = text(headers, RETRY_AFTER).and_then(|it| it.parse().ok());
        Self {
            status,
            begins,
            length,
            validator: validator(headers),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Where a part begins that goes on to the end of its file, and how long the file is.
fn part(range: &str) -> Option<(u64, u64)> {
    let (span, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (begin, end) = span.split_once('-')?;
    let (begin, end, total): (u64, u64, u64) =
        (begin.parse().ok()?, end.parse().ok()?, total.parse().ok()?);
    (end.checked_add(1)? == total).then_some((begin, total))
}

fn validator(headers: &HeaderMap) -> Option<String> {
    if text(headers, ACCEPT_RANGES).is_some_and(|it| it.eq_ignore_ascii_case("none")) {
        return None;
    }
    let strong = text(headers, ETAG).filter(|it| !it.starts_with("W/") && !it.is_empty());
    strong
        .or_else(|| text(headers, LAST_MODIFIED))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_goes_on_to_the_end_of_its_file() {
        assert_eq!(part("bytes 5-9/10"), Some((5, 10)));
        for text in [
            "bytes 5-8/10",
            "bytes 5-9/*",
            "bytes */10",
            "5-9/10",
            "bytes 0-18446744073709551615/1",
        ] {
            assert_eq!(part(text), None, "{text}");
        }
    }
}
