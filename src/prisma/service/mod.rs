//! A running service of Prisma 1: where it is, how it knows who asks, and its two requests, `/export` and `/import`.

mod client;
mod endpoint;
mod reading;
mod token;

pub use client::{Cursor, Exported, Outcome, Service};
pub use endpoint::Endpoint;
pub use reading::Reading;
