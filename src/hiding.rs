//! Secrets, and how they are hidden in texts that others wrote, such as what a server says of a request.

use std::collections::HashSet;
use std::fmt;

/// Secrets that are shorter than this are not looked for: they are found in too many innocent words. In bytes.
const SHORTEST: usize = 8;
/// Parts of a secret that are so long are hidden as the whole is, in bytes.
const PART: usize = 16;

/// How much of a text of a server is kept, in bytes.
const LONGEST: usize = 1 << 10;
/// How much of one is looked at.
const LONGEST_LOOK: usize = 64 << 10;

/// A key, a token, a password, or what a token is made from. It shows nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// One of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A text of a server's as it is kept and told: without these secrets and parts of them, and of bounded length. What
/// would be cut first could show a part.
pub(crate) fn fit<'a>(
    text: &str,
    secrets: impl IntoIterator<Item = &'a str>,
    instead: &'static str,
) -> String {
    let looked = &text[..text.floor_char_boundary(LONGEST_LOOK)];
    let secrets = secrets.into_iter();
    let hidden = secrets.fold(looked.to_owned(), |text, secret| {
        Hiding::new(secret, instead).hide(&text)
    });
    match hidden.len() <= LONGEST && looked.len() == text.len() {
        true => hidden,
        false => format!("{}…", &hidden[..hidden.floor_char_boundary(LONGEST)]),
    }
}

/// What hides a secret.
pub(crate) struct Hiding {
    /// All parts of it that are as long as `part`, in lower case.
    parts: HashSet<Box<[u8]>>,
    part: usize,
    instead: &'static str,
}

impl Hiding {
    /// What puts something else in the place of this secret.
    pub fn new(secret: &str, instead: &'static str) -> Self {
        let part = PART.min(secret.len());
        let lower = secret.to_ascii_lowercase();
        let parts = match part < SHORTEST {
            true => HashSet::new(),
            false => lower.as_bytes().windows(part).map(Into::into).collect(),
        };
        Self {
            parts,
            part,
            instead,
        }
    }

    /// A text without the secret, and without what is a part of it, in whatever case. What is cut of it has to be cut
    /// behind this, since the beginning of a part is not known.
    pub fn hide(&self, text: &str) -> String {
        if self.parts.is_empty() || text.len() < self.part {
            return text.to_owned();
        }
        let lower = text.to_ascii_lowercase();
        let mut out = String::new();
        let mut told = 0;
        for (start, window) in lower.as_bytes().windows(self.part).enumerate() {
            if !self.parts.contains(window) {
                continue;
            }
            // Parts of a secret may begin within a character.
            let begin = text.floor_char_boundary(start);
            if begin > told || out.is_empty() {
                out.push_str(&text[told..begin]);
                out.push_str(self.instead);
            }
            told = text.ceil_char_boundary(start + self.part);
        }
        out.push_str(&text[told..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_their_parts_are_hidden_whatever_characters_they_have() {
        for secret in [
            "eyJhbGciOiJI.payload-of-it.signature",
            "ключ-который-никому-не-виден",
        ] {
            let hiding = Hiding::new(secret, "<it>");
            let part: String = secret.chars().skip(3).take(20).collect();
            for text in [secret, &secret.to_ascii_uppercase(), &part] {
                let hidden = hiding.hide(&format!("a{text}é, {text}"));
                assert_eq!(hidden, "a<it>é, <it>", "{text}");
            }
            assert_eq!(hiding.hide("nothing of it"), "nothing of it");
        }
        assert_eq!(Hiding::new("prod", "<it>").hide("prod"), "prod");
    }
}
