//! Imports that go on where an earlier run stopped: where what is known of one lies, and how it is written down.
//!
//! It knows nothing of what is imported. It is there once, for [`prisma`](crate::prisma) and whoever comes beside it.

mod alone;
mod half_way;
mod journal;
mod places;

pub use half_way::HalfWay;
pub(crate) use journal::Journal;
pub use places::{Imports, Places};
#[cfg(test)]
pub(crate) use places::{hold, is_named, options};
pub(crate) use places::{kept, states};

/// What is said to do next, without that it is run again: an import that is half-way says how itself.
pub(crate) fn without_again(advice: &str) -> &str {
    advice.strip_suffix(", and run it again").unwrap_or(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_done_next_is_said_once() {
        let advice = "see what the server's log says, and run it again";
        assert_eq!(without_again(advice), "see what the server's log says");
        assert_eq!(without_again("run it again"), "run it again");
    }
}
