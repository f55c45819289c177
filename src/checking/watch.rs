//! What the work here tells while it runs.

/// What happens. A bar, a line and a JSON object are ways to draw one of these.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A part begins: `what` is `nodes`, `lists` or `relations`, with how many elements it has, where that is known.
    Began {
        /// What is read, sent or fetched.
        what: &'static str,
        /// Elements.
        items: Option<u64>,
    },
    /// So many more elements and bytes of it are through.
    Advanced {
        /// Elements.
        items: u64,
        /// Bytes of their text.
        bytes: u64,
    },
    /// It is through.
    Ended,
    /// What should be known.
    Noted(&'a str),
}

/// Somebody who watches. Methods may be called from any thread, and should return quickly.
pub trait Watch: Sync {
    /// Hears of an event.
    fn on(&self, _event: Event<'_>) {}
}

/// Looks away.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Watch for Silent {}
