//! The way to other machines, for all that goes there: archives and media in object stores, files by URL, running
//! Strapis, and whoever is told that a run has ended.

mod body;
mod caller;
mod distrust;
mod executor;
mod http;
mod upgrade;

pub(crate) use caller::{Answer, Caller, Unanswered};
pub use distrust::Distrust;
pub(super) use executor::{Executor, GLANCE};
pub(super) use http::{Connector, GoogleAcl};
pub(crate) use upgrade::{Asked, Failure, Refusal, Upgraded, upgrade};
