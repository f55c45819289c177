//! The password of an archive, and what is derived from it.

use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use std::fmt;

/// scrypt's cost of every key: 2^14 rounds over blocks of 8, which takes 16 MB and some 50 ms.
const LOG_N: u8 = 14;

/// Bytes of the salt that the authentication's key is derived with.
pub const SALT: usize = 16;

/// The password of an archive. Neither `{}` nor `{:?}` shows it.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Wraps a password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    /// The password itself, for whoever derives a key from it in another way.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Derives `key` with this salt: scrypt with N = 16384, r = 8, p = 1.
    pub(super) fn derive(&self, salt: &[u8], key: &mut [u8]) {
        let parameters = scrypt::Params::new(LOG_N, 8, 1).expect("the parameters are in range");
        scrypt::scrypt(self.0.as_bytes(), salt, &parameters, key).expect("the length is in range");
    }

    /// Starts an HMAC-SHA-256 with a key derived with this salt. It says nothing of the cipher's key,
    /// which is derived without salt.
    pub(in crate::archive) fn authenticator(&self, salt: &[u8]) -> Hmac<Sha256> {
        let mut key = [0; 32];
        self.derive(salt, &mut key);
        Hmac::new_from_slice(&key).expect("HMAC takes keys of any length")
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::Mac;

    #[test]
    fn nothing_shows_a_password() {
        assert_eq!(format!("{:?}", Password::new("hunter2")), "Password(..)");
    }

    #[test]
    fn the_authentication_is_that_of_node() {
        // const key = crypto.scryptSync('kitchen-sink', Buffer.alloc(16, 7), 32);
        // crypto.createHmac('sha256', key).update('abc').digest('hex')
        let mut mac = Password::new("kitchen-sink").authenticator(&[7; SALT]);
        mac.update(b"abc");
        let hex: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "283885c1b510caeaf2e6f05d42870a1573f710b13eb4c8c4e26d1dba02af9852"
        );
    }
}
