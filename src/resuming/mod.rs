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

use crate::error::Error;

/// What is said to do next, without that it is run again: an import that is half-way says how itself.
fn without_again(advice: &str) -> &str {
    advice.strip_suffix(", and run it again").unwrap_or(advice)
}

/// What is to be done next where an import is half-way into this, such as a server: to go on, unless it `is_stuck`.
pub(crate) fn going_on(error: &Error, is_stuck: bool, into: &str) -> String {
    let hint = format!(
        "run the same command again to go on; with --restart it begins anew, which is for a {into} that was emptied"
    );
    match error.advice() {
        Some(advice) if is_stuck => advice.to_owned(),
        Some(advice) => format!("{}; {hint}", without_again(advice)),
        None => hint,
    }
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
