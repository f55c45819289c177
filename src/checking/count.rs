//! How much there is.

/// How much there is of something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Elements.
    pub items: u64,
    /// Bytes of their text.
    pub bytes: u64,
}

impl Count {
    /// One more, of this text.
    pub(crate) fn add(&mut self, text: &str) {
        self.items += 1;
        self.bytes += text.len() as u64;
    }
}
