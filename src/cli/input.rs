//! Reading what comes from a terminal or a pipe without being deaf to signals.

use crate::store::{Interrupt, read_until};
use std::io::{self, Read};
use std::os::fd::AsFd;

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
        read_until(&self.from, &self.interrupt, buffer)
    }
}
