//! The secret that opens a running Strapi.

use crate::error::{Error, Result};
use crate::hiding::{self, Hiding};
use http::HeaderValue;
use std::fmt;

/// How long a token may be, in bytes; Strapi's have 256.
const LONGEST: usize = 4 << 10;
/// What stands in a text in place of the token.
const HIDDEN: &str = "<token>";

/// A transfer token of Strapi's. It is never shown.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes a token; space and line breaks around it are dropped.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it is empty, or cannot stand in a header: it is one line of visible ASCII.
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref().trim();
        let refuse = |why: &str| {
            Error::usage(format!("the transfer token {why}")).hint(
                "make one in the admin panel under Settings, Transfer tokens, and give it as it is shown there",
            )
        };
        if text.is_empty() {
            return Err(refuse("is empty"));
        }
        if text.len() > LONGEST {
            return Err(refuse(&format!("has more than {LONGEST} bytes")));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refuse("is not one word of visible ASCII characters"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The value of the header that shows it to a server.
    pub(super) fn header(&self) -> HeaderValue {
        let value = HeaderValue::try_from(format!("Bearer {}", self.0));
        let mut value = value.expect("it is visible ASCII");
        value.set_sensitive(true);
        value
    }

    /// A text of a server's as it is kept and told: without the token and without parts of it, and of bounded length.
    /// What would be cut first could show a part.
    pub(super) fn fit(&self, text: &str) -> String {
        hiding::fit(text, [&*self.0], HIDDEN)
    }

    /// Whether a text of a server's holds nothing of it.
    pub(super) fn is_absent_in(&self, text: &str) -> bool {
        Hiding::new(&self.0, HIDDEN).hide(text) == text
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts that are so long are hidden, and texts that are longer than that are cut.
    const PART: usize = 16;
    const LONGEST_TEXT: usize = 1 << 10;

    #[test]
    fn a_token_is_one_line_and_never_shown() {
        let token = Token::new("  0123456789abcdef\n").expect("a token");
        assert_eq!(format!("{token:?}"), "Token");
        assert_eq!(token.header().as_bytes(), b"Bearer 0123456789abcdef");
        assert!(!format!("{:?}", token.header()).contains("0123"));
        assert_eq!(token.fit("x 0123456789abcdef y"), "x <token> y");
        for text in ["", " \n", "two words", "two\nlines", "ümlaut", "\0"] {
            let error = Token::new(text).expect_err("a refusal");
            let told = format!("{error} {error:?}");
            for part in ["two", "lines", "mlaut"] {
                assert!(!told.contains(part), "{told}");
            }
        }
    }

    #[test]
    fn no_part_of_a_token_is_left_where_a_text_is_cut_or_the_token_is() {
        let secret: String = (0..128_u32)
            .map(|n| format!("{:02x}", n * 37 % 251))
            .collect();
        let token = Token::new(&secret).expect("a token");
        let shown = |text: &str| {
            let text = text.to_ascii_lowercase();
            let mut parts = secret.as_bytes().windows(PART);
            parts.any(|part| text.contains(std::str::from_utf8(part).expect("ASCII")))
        };
        for before in 900..1200 {
            let text = format!("{}{secret}", "y".repeat(before));
            let fit = token.fit(&text);
            assert!(!shown(&fit) && fit.len() <= LONGEST_TEXT + 3, "{fit}");
        }
        let part = secret[3..60].to_uppercase();
        assert_eq!(
            token.fit(&format!("https://{part}.é.com/{secret}{secret}/")),
            "https://<token>.é.com/<token>/"
        );
        let flood = format!("é{}", secret.repeat(1000));
        assert!(!shown(&token.fit(&flood)));
        assert!(!token.is_absent_in(&part) && token.is_absent_in("5.54.0-beta.1"));
        let short = Token::new("0123456789").expect("a token");
        assert_eq!(short.fit("a0123456789b012345678"), "a<token>b012345678");
    }
}
