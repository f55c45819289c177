//! The way to other machines, for all that goes there: archives and media in object stores, files by URL, running
//! Strapis, and whoever is told that a run has ended.

mod body;
mod caller;
mod distrust;
mod download;
mod executor;
mod http;
mod upgrade;

pub(crate) use caller::Headers;
pub(crate) use caller::{Answer, Caller, Unanswered};
pub use distrust::Distrust;
pub(crate) use download::Rest;
pub(super) use executor::{Executor, GLANCE};
pub(super) use http::{Connector, GoogleAcl};
pub(crate) use upgrade::{Asked, Failure, Refusal, Upgraded, upgrade};

use url::{Host, Url};

/// Whether a URL leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|it| it.is_loopback())
        }
        None => false,
    }
}
