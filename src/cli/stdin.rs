//! Standard input that can be waited for without being deaf to signals.

use crate::store::Interrupt;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read};

/// How long one wait for input is, in nanoseconds: a tenth of a second.
const WAIT: i64 = 100_000_000;

/// Standard input, until the user wants the run to stop.
pub(super) struct Stdin {
    interrupt: Interrupt,
}

impl Stdin {
    /// Standard input that stops so.
    pub fn new(interrupt: Interrupt) -> Self {
        Self { interrupt }
    }
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stdin = io::stdin();
        loop {
            self.interrupt.check()?;
            let wait = Timespec {
                tv_sec: 0,
                tv_nsec: WAIT,
            };
            let mut inputs = [PollFd::new(&stdin, PollFlags::IN)];
            match poll(&mut inputs, Some(&wait)) {
                // Past the buffer of the standard library, which a poll does not see.
                Ok(ready) if ready > 0 => {
                    return rustix::io::read(&stdin, buffer).map_err(Into::into);
                }
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
