//! A running server of Dgraph, one's own or one of Dgraph Cloud: where it is, how it knows who asks, and its requests.
//!
//! Servers answer with HTTP 200 also where they refuse something: what counts is whether `errors` stand in the answer.
//! Nothing in here says a secret, also where a server repeats one.

mod client;
mod cluster;
mod credentials;
mod endpoint;
mod exchange;
mod requests;
mod said;
mod zero;

pub use client::Server;
pub use cluster::Cluster;
pub(super) use cluster::text;
pub use credentials::{AuthHeader, Credentials, Login, Secret};
pub use endpoint::{Endpoint, Path};
pub use exchange::Answered;
pub(super) use said::{phrases, without_values};
pub use zero::{Lease, Zero};
