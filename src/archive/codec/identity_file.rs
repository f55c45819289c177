//! Files with identities: as they are, or encrypted with a passphrase.

use super::age::{self, ARMOR, MAGIC};
use super::password::Password;
use super::recipients::Identities;
use crate::error::{Error, Kind, Result};
use std::fmt;

/// What a file with identities holds.
#[derive(Debug)]
pub enum IdentityFile {
    /// The identities themselves.
    Open(Identities),
    /// The same, encrypted with a passphrase.
    Locked(LockedIdentities),
}

/// Identities that are encrypted with a passphrase, as `age -p` does it.
pub struct LockedIdentities(Vec<u8>);

impl fmt::Debug for LockedIdentities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedIdentities(..)")
    }
}

impl IdentityFile {
    /// Reads the content of a file with identities.
    ///
    /// # Errors
    /// Kind [`Usage`](Kind::Usage): it holds something else, or identities of a kind that is not taken.
    pub fn read(content: Vec<u8>) -> Result<Self> {
        if content.starts_with(MAGIC) || content.starts_with(ARMOR) {
            return Ok(Self::Locked(LockedIdentities(content)));
        }
        let text = String::from_utf8(content).map_err(|_| {
            Error::usage("it is no text").hint("give the file that age-keygen wrote")
        })?;
        Identities::parse(&text).map(Self::Open)
    }
}

impl LockedIdentities {
    /// Sees that a passphrase opens them, before anybody is asked for it.
    ///
    /// # Errors
    /// They are locked with something else.
    pub fn check(&self) -> Result<()> {
        match age::Start::of(&self.0)? {
            age::Start::Passphrase => Ok(()),
            age::Start::Recipients => Err(Error::usage(
                "it is encrypted to recipients, and not with a passphrase",
            )
            .hint("decrypt it with age first")),
        }
    }

    /// The identities.
    ///
    /// # Errors
    /// The passphrase is another one (kind [`WrongKey`](Kind::WrongKey)), or they are none.
    pub fn open(&self, passphrase: &Password) -> Result<Identities> {
        let opened = age::open_small(&self.0, passphrase);
        let text = opened.map_err(|error| match error.kind() {
            Kind::WrongKey => Error::new(Kind::WrongKey, "the passphrase does not open it")
                .hint("give the passphrase that it was encrypted with"),
            _ => error,
        })?;
        match IdentityFile::read(text)? {
            IdentityFile::Open(identities) => Ok(identities),
            IdentityFile::Locked(_) => Err(Error::usage("it is encrypted twice")
                .hint("decrypt it with age, and give what comes out")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::age::secrecy::ExposeSecret;
    use ::age::x25519;

    fn told(error: &Error) -> String {
        format!("{error}; {}", error.advice().unwrap_or_default())
    }

    #[test]
    fn identities_are_read_as_age_keygen_writes_them_and_never_shown() {
        let pair = x25519::Identity::generate();
        let secret = pair.to_string().expose_secret().to_owned();
        let text = format!(
            "# created: 2026-11-22T11:30:47Z\n# public key: {}\n{secret}\n",
            pair.to_public()
        );
        let read = |text: &str| match IdentityFile::read(text.into()) {
            Ok(IdentityFile::Open(identities)) => Ok(identities),
            Ok(IdentityFile::Locked(_)) => panic!("it is not encrypted"),
            Err(error) => Err(error),
        };
        assert_eq!(read(&text).expect("one").inner().count(), 1);
        assert!(!format!("{:?}", read(&text)).contains(&secret));
        let public = pair.to_public().to_string();
        let broken = format!("{}Q", &secret[..secret.len() - 1]);
        for (text, why) in [
            (public.as_str(), "recipient"),
            ("AGE-SECRET-KEY-PQ-1QQ", "post-quantum"),
            ("AGE-PLUGIN-YUBIKEY-1QQ", "plugins"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n", "SSH"),
            (&broken, "no identity"),
            ("# nothing\n", "no identity"),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.kind(), Kind::Usage);
            assert!(told(&error).contains(why), "{text}: {error}");
            assert!(!told(&error).contains("QQ"), "{error}");
            assert!(!told(&error).contains(&secret[20..40]), "{error}");
        }
    }
}
