//! How the bytes of an answer are packed.

use super::about::text;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

/// What must be done with them before they are the file.
pub(super) enum Packing {
    /// Nothing.
    Plain,
    /// Some stores keep files so, and give them so to whoever asks, whatever was asked for.
    Gzip,
}

/// What the head of an answer says of that; `None` where it is not known here.
pub(super) fn packing(headers: &HeaderMap) -> Option<Packing> {
    packing_of(text(headers, CONTENT_ENCODING).unwrap_or_default())
}

/// The same of what stands in `Content-Encoding`.
pub(super) fn packing_of(names: &str) -> Option<Packing> {
    let mut packing = Packing::Plain;
    for name in names
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
    {
        match (&*name, &packing) {
            // The last is how Amazon's tools upload, and some stores keep the name.
            ("" | "identity" | "aws-chunked", _) => {}
            ("gzip" | "x-gzip", Packing::Plain) => packing = Packing::Gzip,
            _ => return None,
        }
    }
    Some(packing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_taken_for_the_file() {
        let told = |text: &'static str| {
            let value = reqwest::header::HeaderValue::from_static(text);
            packing(&HeaderMap::from_iter([(CONTENT_ENCODING, value)]))
        };
        for text in ["", "identity", "aws-chunked"] {
            assert!(matches!(told(text), Some(Packing::Plain)), "{text}");
        }
        for text in ["gzip", "X-GZIP", "aws-chunked, gzip"] {
            assert!(matches!(told(text), Some(Packing::Gzip)), "{text}");
        }
        for text in ["br", "gzip, gzip", "gzip,br"] {
            assert!(told(text).is_none(), "{text}");
        }
    }
}
