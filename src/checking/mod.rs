//! What checks of data of other systems share: who watches them, what they find, and where it stands.
//!
//! It knows none of those systems. It is there once, for [`prisma`](crate::prisma) and whoever comes beside it.

mod count;
mod findings;
mod seen;
mod watch;

pub use count::Count;
pub use findings::Findings;
pub(crate) use seen::{Place, begin, bytes_of, hash, place};
pub use watch::{Event, Silent, Watch};
