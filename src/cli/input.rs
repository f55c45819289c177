//! Reading what comes from a terminal or a pipe without being deaf to signals.

use crate::store::Interrupt;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{self, Read};
use std::os::fd::AsFd;

/// How long one wait for input is, in nanoseconds: a tenth of a second.
const WAIT: i64 = 100_000_000;

/// An input that is read until the user wants the run to stop.
pub(super) struct Input<F> {
    from: F,
    interrupt: Interrupt,
}

impl<F: AsFd> Input<F> {
    /// Reads from there. What a buffer of the standard library holds already is passed by.
    pub fn new(from: F, interrupt: Interrupt) -> Self {
        Self { from, interrupt }
    }
}

impl<F: AsFd> Read for Input<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.interrupt.check()?;
            let wait = Timespec {
                tv_sec: 0,
                tv_nsec: WAIT,
            };
            let mut inputs = [PollFd::new(&self.from, PollFlags::IN)];
            match poll(&mut inputs, Some(&wait)) {
                Ok(ready) if ready > 0 => {
                    return rustix::io::read(&self.from, buffer).map_err(Into::into);
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
