//! A running Strapi, near or far, over its own transfer protocol.
//!
//! This room speaks that protocol ([`wire`]) over a WebSocket, knows what its servers do and do not do, and makes a
//! source and a destination of it. It knows nothing of archives, projects or databases, and reads no environment: a
//! [`Site`] is told what it needs.

mod address;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod pull;
mod push;
mod session;
mod socket;
mod token;
mod trouble;
pub mod wire;
mod words;

pub use address::{Address, Direction};
pub use pull::RemoteSource;
pub use push::{HalfWay, PushOptions, RemoteDestination, SafetyCopy};
pub use session::{Patience, Session};
pub use token::Token;
pub use trouble::Trouble;

use crate::error::Result;
use crate::store::{Access, Interrupt};
use std::fmt;

/// A running Strapi, and what it takes to be let in.
#[derive(Clone)]
pub struct Site {
    address: Address,
    token: Token,
    access: Access,
    retries: u32,
    patience: Patience,
}

impl Site {
    /// The Strapi at this address. `access` says which proxies and authorities there are, and what stops waiting;
    /// `retries`, how often a pull that broke is begun again.
    pub fn new(address: Address, token: Token, access: Access, retries: u32) -> Self {
        Self {
            address,
            token,
            access,
            retries,
            patience: Patience::default(),
        }
    }

    /// The same with another patience.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// The same, where something else says when waiting stops.
    #[must_use]
    pub fn stopped_by(&self, interrupt: Interrupt) -> Self {
        Self {
            access: self.access.stopped_by(interrupt),
            ..self.clone()
        }
    }

    /// A name for messages; nothing in it is secret.
    pub fn name(&self) -> String {
        self.address.to_string()
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How often a pull that broke is begun again.
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// How long is waited for it.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// What it takes to reach it, and what stops waiting.
    pub fn access(&self) -> &Access {
        &self.access
    }

    fn token(&self) -> &Token {
        &self.token
    }

    /// Connects, and starts a pull.
    ///
    /// # Errors
    /// It cannot be reached, or refuses it; or the user wants the run to stop.
    pub fn pull(&self) -> Result<Session> {
        Session::open(self, None)
    }

    /// Connects, and starts a push that replaces this. Nothing is deleted yet.
    ///
    /// # Errors
    /// As [`pull`](Self::pull).
    pub fn push(&self, restore: &wire::Restore) -> Result<Session> {
        Session::open(self, Some(restore))
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({})", self.address)
    }
}
