//! Key pairs of the age format: recipients, which are public and encrypt, and identities, which are secret and open.

use crate::error::{Error, Result};
use ::age::x25519;
use std::fmt;

/// How secret keys begin.
const SECRET: &str = "AGE-SECRET-KEY-1";
/// What to do where a key is of a kind that is not taken.
const ADVICE: &str =
    "make a key pair with age-keygen, which is of the kind that is taken (age1...)";

/// A public key that archives are encrypted to.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(x25519::Recipient);

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.0)
    }
}

impl Recipient {
    /// Reads a recipient as `age-keygen` prints it: `age1...`.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it is none, or of a kind that is not taken.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        text.parse().map(Self).map_err(|_| not_a_recipient(text))
    }

    /// Reads a file of them, one a line; empty lines and those that begin with `#` count for nothing.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): a line is none, or there is none at all.
    pub fn parse_file(text: &str) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for (number, line) in lines(text) {
            let recipient = Self::parse(line);
            all.push(recipient.map_err(|error| error.within(format!("line {number}")))?);
        }
        if all.is_empty() {
            return Err(Error::usage("it holds no recipients")
                .hint("write one a line into it, as age-keygen prints them (age1...)"));
        }
        Ok(all)
    }

    /// The recipient, for whoever encrypts.
    pub(super) fn inner(&self) -> &x25519::Recipient {
        &self.0
    }
}

/// What is no recipient may be a secret, and is not shown.
fn not_a_recipient(text: &str) -> Error {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("age-secret-key-") || lower.starts_with("age-plugin-") {
        return Error::usage(
            "a recipient was to be given, and this is an identity, which is secret",
        )
        .hint("give the public key that belongs to it, which age-keygen -y FILE prints (age1...)");
    }
    if lower.starts_with("ssh-") || lower.starts_with("ecdsa-") || lower.starts_with("sk-") {
        return Error::usage("a key of SSH is no recipient here").hint(ADVICE);
    }
    // What stands between two of these is the name of a kind: the rest of a key has none of them.
    let kind = lower
        .strip_prefix("age1")
        .and_then(|rest| rest.rsplit_once('1'))
        .map(|(kind, _)| kind.to_owned());
    match kind.as_deref() {
        Some("pq" | "tagpq") => {
            Error::usage("recipients of post-quantum keys (age1pq1...) are not taken").hint(ADVICE)
        }
        Some(name) if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Error::usage(
            format!("recipients of plugins (age1{name}1...) are not taken"),
        )
        .hint(ADVICE),
        _ => Error::usage("this is no recipient")
            .hint("one begins with age1, and has 62 characters, as age-keygen prints it"),
    }
}

/// Secret keys that open what was encrypted to their recipients. `{:?}` shows none of them.
#[derive(Clone, Default)]
pub struct Identities(Vec<x25519::Identity>);

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities({})", self.0.len())
    }
}

impl Identities {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The public keys that belong to them.
    pub fn recipients(&self) -> Vec<Recipient> {
        let public = self.0.iter().map(x25519::Identity::to_public);
        public.map(Recipient).collect()
    }

    /// The identities, for whoever decrypts.
    pub(super) fn inner(&self) -> impl Iterator<Item = &dyn ::age::Identity> {
        self.0
            .iter()
            .map(|identity| identity as &dyn ::age::Identity)
    }

    /// Reads identities as `age-keygen` writes them, one a line; empty lines and those that begin with `#` count for
    /// nothing.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut all = Vec::new();
        for (number, line) in lines(text) {
            let identity = line.parse();
            let identity =
                identity.map_err(|_| not_an_identity(line).within(format!("line {number}")))?;
            all.push(identity);
        }
        if all.is_empty() {
            return Err(
                Error::usage("it holds no identity").hint("give the file that age-keygen wrote")
            );
        }
        Ok(Self(all))
    }
}

/// What is no identity is not shown.
fn not_an_identity(line: &str) -> Error {
    let lower = line.to_ascii_lowercase();
    let is = |start: &str| lower.starts_with(start);
    if is("age1") || is("ssh-") && line.contains(' ') {
        return Error::usage("this is a recipient, which opens nothing")
            .hint("give the file with the secret key that belongs to it");
    }
    if is("age-secret-key-pq-") {
        return Error::usage("post-quantum identities are not taken").hint(ADVICE);
    }
    if is("age-plugin-") {
        return Error::usage("identities of plugins are not taken").hint(ADVICE);
    }
    if is("-----begin ") || is("ssh-") {
        return Error::usage("keys of SSH are not taken as identities").hint(ADVICE);
    }
    Error::usage("this is no identity").hint(format!(
        "one begins with {SECRET}; give the file that age-keygen wrote"
    ))
}

/// The lines that say something, and their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate();
    numbered
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use ::age::secrecy::ExposeSecret;

    fn told(error: &Error) -> String {
        format!("{error}; {}", error.advice().unwrap_or_default())
    }

    #[test]
    fn what_is_no_recipient_is_named_and_a_secret_is_not_shown() {
        let pair = x25519::Identity::generate();
        let public = pair.to_public().to_string();
        let secret = pair.to_string().expose_secret().to_owned();
        assert!(Recipient::parse(&format!(" {public}\n")).is_ok());
        for (text, why) in [
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@here", "SSH"),
            ("age1pq1qqqqqq", "post-quantum"),
            ("age1yubikey1qwerty", "plugins (age1yubikey1...)"),
            ("age1tag1qwerty", "plugins (age1tag1...)"),
            (&secret, "secret"),
            ("", "no recipient"),
            (&public[..60], "no recipient"),
        ] {
            let error = Recipient::parse(text).expect_err(text);
            assert_eq!(error.kind(), Kind::Usage);
            assert!(told(&error).contains(why), "{text}: {error}");
            assert!(!told(&error).contains(&secret), "{error}");
        }
    }

    #[test]
    fn files_of_recipients_have_comments_and_at_least_one() {
        let public = x25519::Identity::generate().to_public().to_string();
        let text = format!("# ours\r\n{public}\r\n\n  # theirs\n{public}");
        assert_eq!(Recipient::parse_file(&text).expect("two").len(), 2);
        for text in ["", "# nobody\n", "\n\n"] {
            let error = Recipient::parse_file(text).expect_err(text);
            assert!(error.to_string().contains("no recipients"), "{error}");
        }
        let error = Recipient::parse_file(&format!("{public}\nnobody\n")).expect_err("one is none");
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
