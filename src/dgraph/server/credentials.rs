//! What says who asks.

use crate::error::Result;
use crate::store::Headers;

pub use crate::hiding::Secret;

/// The header that a token goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthHeader {
    /// Keys of Dgraph Cloud, in its first years.
    XAuthToken,
    /// Keys of Dgraph Cloud.
    DgAuth,
    /// The token that one's own server was started with.
    XDgraphAuthToken,
    /// What a login gives, where access control is on.
    XDgraphAccessToken,
}

impl AuthHeader {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::XAuthToken,
        Self::DgAuth,
        Self::XDgraphAuthToken,
        Self::XDgraphAccessToken,
    ];

    /// Those that a token goes in where nobody says which: each server reads its own.
    const USUAL: [Self; 3] = [Self::XAuthToken, Self::DgAuth, Self::XDgraphAuthToken];

    /// Its name, in small letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::XAuthToken => "x-auth-token",
            Self::DgAuth => "dg-auth",
            Self::XDgraphAuthToken => "x-dgraph-authtoken",
            Self::XDgraphAccessToken => "x-dgraph-accesstoken",
        }
    }
}

/// A user, where access control is on.
#[derive(Debug, Clone)]
pub struct Login {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// Its namespace; `None` for that of the server's choice. Servers before 21.03 have none.
    pub namespace: Option<u64>,
}

/// What says who asks.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// A token.
    pub token: Option<Secret>,
    /// The header for it; `None` for all those that tokens go in.
    pub header: Option<AuthHeader>,
    /// A user.
    pub login: Option<Login>,
}

impl Credentials {
    /// Whether nothing says who asks.
    pub fn is_empty(&self) -> bool {
        self.token.is_none() && self.login.is_none()
    }

    /// The headers that hold the token.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): no header can.
    pub(super) fn headers(&self) -> Result<Headers> {
        let mut headers = Headers::default();
        let Some(token) = &self.token else {
            return Ok(headers);
        };
        let own = self.header.map(|it| [it]);
        let names = own.as_ref().map_or(&AuthHeader::USUAL[..], |it| &it[..]);
        for name in names {
            headers.secret(name.as_str(), token.reveal())?;
        }
        Ok(headers)
    }

    /// What no message may hold.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let password = self.login.as_ref().map(|it| it.password.reveal());
        let token = self.token.as_ref().map(Secret::reveal);
        token.into_iter().chain(password)
    }
}
