//! What the head of an answer says of a file.

use super::About;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED,
};
use std::time::SystemTime;

const ENCRYPTION: HeaderName = HeaderName::from_static("x-amz-server-side-encryption");
const CUSTOMERS_KEY: HeaderName =
    HeaderName::from_static("x-amz-server-side-encryption-customer-algorithm");

impl About {
    /// What stands there. An answer to a request for a part of a file tells the size of that part.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self {
            size: text(headers, CONTENT_LENGTH).and_then(|size| size.parse().ok()),
            etag: text(headers, ETAG).map(str::to_owned),
            media_type: text(headers, CONTENT_TYPE).map(str::to_owned),
            opaque: text(headers, ENCRYPTION).is_some_and(|it| it != "AES256")
                || text(headers, CUSTOMERS_KEY).is_some(),
            modified: date(headers, LAST_MODIFIED),
            now: date(headers, DATE),
        }
    }
}

/// The text of a header; an empty one is none.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty()).then_some(text)
}

/// Whether an answer is of what was asked for: from there to the end of a file that is as long as before.
pub(super) fn goes_on(headers: &HeaderMap, from: u64, length: Option<u64>) -> bool {
    let parts = || {
        let range = text(headers, CONTENT_RANGE)?;
        let (span, total) = range.strip_prefix("bytes ")?.split_once('/')?;
        let (start, end) = span.split_once('-')?;
        let (start, end): (u64, u64) = (start.parse().ok()?, end.parse().ok()?);
        let total = total.parse().ok().or(length)?;
        Some(start == from && end.checked_add(1)? == total && length.is_none_or(|it| it == total))
    };
    parts().unwrap_or(false)
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let date = DateTimeParser::new().parse_timestamp(text(headers, name)?);
    date.ok().map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_copy_has_the_size_and_the_digest_of_what_it_is_of() {
        let about = |size, etag: &str, opaque| About {
            size,
            etag: Some(etag.to_owned()),
            opaque,
            ..About::default()
        };
        let [one, other] = ["a", "b"].map(|digit| format!("\"{}\"", digit.repeat(32)));
        let own = about(Some(5), &one, false);
        for (copy, is_one) in [
            (about(Some(5), &one, false), true),
            (about(Some(5), &one.to_uppercase(), false), true),
            (about(Some(5), &other, false), false),
            (about(Some(4), &one, false), false),
            (about(None, &one, false), true),
            // These tags are no digests.
            (about(Some(5), &other, true), true),
            (about(Some(5), "\"b-1\"", false), true),
        ] {
            assert_eq!(copy.may_be_copy_of(&own), is_one, "{copy:?}");
            assert_eq!(own.may_be_copy_of(&copy), is_one, "{copy:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(ENCRYPTION, "AES256".parse().expect("a value"));
        assert!(!About::of(&headers).opaque);
        headers.insert(ENCRYPTION, "aws:kms".parse().expect("a value"));
        assert!(About::of(&headers).opaque);
    }

    #[test]
    fn a_head_says_what_a_file_is() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (CONTENT_LENGTH, "12"),
            (ETAG, "\"abc\""),
            (CONTENT_TYPE, ""),
            (LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (DATE, "yesterday"),
        ] {
            headers.insert(name, value.parse().expect(value));
        }
        let about = About::of(&headers);
        assert_eq!(about.size, Some(12));
        assert_eq!(about.etag.as_deref(), Some("\"abc\""));
        assert_eq!((about.media_type, about.now), (None, None));
        let then = UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(about.modified, Some(then));
    }
}
