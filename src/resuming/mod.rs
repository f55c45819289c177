//! Imports that go on where an earlier run stopped: where what is known of one lies, and how it is written down.
//!
//! It knows nothing of what is imported. It is there once, for [`prisma`](crate::prisma) and whoever comes beside it.

mod alone;
mod journal;
mod places;

pub(crate) use journal::Journal;
pub(crate) use places::states;
pub use places::{Imports, Places};
#[cfg(test)]
pub(crate) use places::{hold, is_named, options};
