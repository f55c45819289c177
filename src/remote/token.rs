//! The secret that opens a running Strapi.

use crate::error::{Error, Result};
use http::HeaderValue;
use std::fmt;

/// How long a token may be, in bytes; Strapi's have 256.
const LONGEST: usize = 4 << 10;
/// What stands in a text in place of the token.
const HIDDEN: &str = "<token>";
/// Parts of a text that are shorter than this are not taken for a token.
const SHORTEST: usize = 8;

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

    /// A text of a server's without the token, if it is in it.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        match self.0.len() < SHORTEST {
            true => text.to_owned(),
            false => text.replace(&self.0, HIDDEN),
        }
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

    #[test]
    fn a_token_is_one_line_and_never_shown() {
        let token = Token::new("  0123456789abcdef\n").expect("a token");
        assert_eq!(format!("{token:?}"), "Token");
        assert_eq!(token.header().as_bytes(), b"Bearer 0123456789abcdef");
        assert!(!format!("{:?}", token.header()).contains("0123"));
        assert_eq!(token.hidden_in("x 0123456789abcdef y"), "x <token> y");
        for text in ["", " \n", "two words", "two\nlines", "ümlaut", "\0"] {
            let error = Token::new(text).expect_err("a refusal");
            let told = format!("{error} {error:?}");
            for part in ["two", "lines", "mlaut"] {
                assert!(!told.contains(part), "{told}");
            }
        }
    }
}
