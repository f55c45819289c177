//! What ends a pull, and whether it is begun again after that.

use super::super::session::Session;
use super::super::socket::Stopped;
use super::super::{Site, Trouble};
use crate::error::{Error, Result};
use std::thread::sleep;
use std::time::Duration;

/// How often it is looked whether the user wants the run to stop, while a pause lasts.
const GLANCE: Duration = Duration::from_millis(100);
/// No pause is longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What ended a pull, or a part of one.
#[derive(Debug)]
pub(super) struct Fault {
    pub error: Error,
    /// Whether it may be gone when that part is begun again. What failed here, such as a full disk, is not.
    pub again: bool,
}

impl Fault {
    /// What happened there, or on the way.
    pub fn there(error: Error) -> Self {
        let again = Trouble::of(&error).is_some_and(Trouble::is_passing);
        Self { error, again }
    }

    /// What happened here, whatever it is.
    pub fn here(error: Error) -> Self {
        Self {
            error,
            again: false,
        }
    }

    /// Either of them, in a session, while this was done.
    pub fn of(stopped: Stopped, session: &Session, during: &str) -> Self {
        match stopped {
            Stopped::Here(error) => Self::here(error),
            Stopped::There(trouble) => Self::there(session.error(trouble, Some(during))),
        }
    }
}

/// How often a pull is still begun again, and after which pause.
pub(super) struct Retries {
    left: u32,
    first: Duration,
    pause: Duration,
}

impl Retries {
    pub fn new(site: &Site) -> Self {
        let first = site.patience().pause;
        Self {
            left: site.retries(),
            first,
            pause: first,
        }
    }

    /// Something went well: the next pause is a short one.
    pub fn went_well(&mut self) {
        self.pause = self.first;
    }

    /// Waits after a fault, if it is begun again; each pause is twice as long as the one before it.
    ///
    /// # Errors
    /// The fault, where it is not; or the user wants the run to stop.
    pub fn after(&mut self, fault: Fault, site: &Site) -> Result<()> {
        if !fault.again || self.left == 0 {
            return Err(match fault.again && site.retries() > 0 {
                true => {
                    let times = site.retries();
                    fault
                        .error
                        .also(&format!("it was begun again {times} times"))
                }
                false => fault.error,
            });
        }
        self.left -= 1;
        let mut left = self.pause;
        self.pause = LONGEST_PAUSE.min(self.pause * 2);
        loop {
            site.access().interrupt().stop()?;
            if left.is_zero() {
                return Ok(());
            }
            let piece = left.min(GLANCE);
            sleep(piece);
            left -= piece;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::{Address, Patience, Token};
    use crate::store::Access;

    fn site(retries: u32) -> Site {
        let address = Address::parse("https://cms.example.com/admin").expect("an address");
        let token = Token::new("0123456789").expect("a token");
        let patience = Patience {
            pause: Duration::ZERO,
            ..Patience::default()
        };
        Site::new(address, token, Access::default(), retries).with_patience(patience)
    }

    #[test]
    fn what_passes_is_borne_so_often_and_nothing_else_is() {
        let site = site(2);
        let mut retries = Retries::new(&site);
        let passing = || Fault::there(Trouble::Silent.error(&site, None));
        retries.after(passing(), &site).expect("once");
        retries.after(passing(), &site).expect("twice");
        retries
            .after(passing(), &site)
            .expect_err("not three times");
        let mut retries = Retries::new(&site);
        let lasting = Fault::there(Trouble::Refused.error(&site, None));
        retries.after(lasting, &site).expect_err("a refusal lasts");
        let here = Fault::here(Trouble::Silent.error(&site, None));
        retries.after(here, &site).expect_err("the other end");
    }

    #[test]
    fn pauses_get_longer_until_something_goes_well() {
        let site = site(9);
        let second = Duration::from_secs(1);
        let mut retries = Retries {
            left: 9,
            first: second,
            pause: Duration::ZERO,
        };
        retries.pause = Duration::ZERO;
        let passing = Fault::there(Trouble::Silent.error(&site, None));
        retries.after(passing, &site).expect("again");
        retries.pause = 16 * second;
        retries.went_well();
        assert_eq!(retries.pause, second);
    }
}
