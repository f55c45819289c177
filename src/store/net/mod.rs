//! The way to other machines, for all that goes there: archives and media in object stores, files by URL, running
//! Strapis, and whoever is told that a run has ended.

mod body;
mod caller;
mod distrust;
#[cfg(feature = "dgraph")]
mod download;
mod executor;
mod http;
mod upgrade;

#[cfg(feature = "dgraph")]
pub(crate) use caller::Headers;
pub(crate) use caller::{Answer, Caller, Unanswered};
pub use distrust::Distrust;
#[cfg(feature = "dgraph")]
pub(crate) use download::Rest;
pub(super) use executor::{Executor, GLANCE};
pub(super) use http::{Connector, GoogleAcl};
pub(crate) use upgrade::{Asked, Failure, Refusal, Upgraded, upgrade};
