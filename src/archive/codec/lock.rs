//! What archives are locked with, and what opens them.

use super::password::Password;
use super::recipients::{Identities, Recipient};
use std::fmt;

/// A cipher that archives are encrypted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    /// Strapi's own: what `strapi import` reads.
    Strapi,
    /// The age format, which proves each of its bytes.
    Age,
}

impl Cipher {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Strapi, Self::Age];

    /// Its name on the command line and in summaries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strapi => "strapi",
            Self::Age => "age",
        }
    }

    /// What names of archives end with that are encrypted with it.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Strapi => ".enc",
            Self::Age => ".age",
        }
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an archive is encrypted that is written.
#[derive(Debug, Clone)]
pub enum Encryption {
    /// With Strapi's cipher and this password.
    Strapi(Password),
    /// In the age format, with this password as the passphrase.
    Passphrase(Password),
    /// In the age format, to these, of which there is one at least.
    Recipients(Vec<Recipient>),
}

impl Encryption {
    /// The cipher.
    pub fn cipher(&self) -> Cipher {
        match self {
            Self::Strapi(_) => Cipher::Strapi,
            Self::Passphrase(_) | Self::Recipients(_) => Cipher::Age,
        }
    }

    /// The password of the archive; to recipients it has none.
    pub fn password(&self) -> Option<&Password> {
        match self {
            Self::Strapi(password) | Self::Passphrase(password) => Some(password),
            Self::Recipients(_) => None,
        }
    }

    /// How many recipients it has, where it is to such.
    pub fn recipients(&self) -> Option<usize> {
        match self {
            Self::Recipients(all) => Some(all.len()),
            Self::Strapi(_) | Self::Passphrase(_) => None,
        }
    }
}

/// What it takes to open an archive that is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// The key that it was encrypted with.
    Key(Cipher),
    /// An identity of one of its recipients.
    Identity,
}

impl Lock {
    /// The cipher.
    pub fn cipher(self) -> Cipher {
        match self {
            Self::Key(cipher) => cipher,
            Self::Identity => Cipher::Age,
        }
    }
}

/// What an archive is opened with.
#[derive(Debug, Clone)]
pub enum Unlock {
    /// With its password.
    Key(Password),
    /// With the one of these that is an identity of one of its recipients.
    Identities(Identities),
}

/// What opens archives of which it is not known how each is locked.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// The password of those that have one.
    pub password: Option<Password>,
    /// For those that are encrypted to recipients.
    pub identities: Identities,
}

impl Keys {
    /// What opens an archive with this lock, if anything does.
    pub fn fitting(&self, lock: Lock) -> Option<Unlock> {
        match lock {
            Lock::Key(_) => self.password.clone().map(Unlock::Key),
            Lock::Identity if self.identities.is_empty() => None,
            Lock::Identity => Some(Unlock::Identities(self.identities.clone())),
        }
    }
}
