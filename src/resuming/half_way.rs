//! Who hears while an import runs that its other side is half-way: from then on no end of the run leaves things as they were.

use std::fmt;
use std::sync::Arc;

/// Whoever hears it: `true` where something is about to be changed, `false` where nothing was, after all.
#[derive(Clone, Default)]
pub struct HalfWay {
    hears: Option<Arc<dyn Fn(bool) + Send + Sync>>,
    is_told: bool,
}

impl HalfWay {
    /// Tells this.
    pub fn new(hears: impl Fn(bool) + Send + Sync + 'static) -> Self {
        Self {
            hears: Some(Arc::new(hears)),
            is_told: false,
        }
    }

    /// Tells how it is, where it is not known already.
    pub(super) fn tell(&mut self, is_half_way: bool) {
        if self.is_told != is_half_way
            && let Some(hears) = &self.hears
        {
            hears(is_half_way);
        }
        self.is_told = is_half_way;
    }
}

impl fmt::Debug for HalfWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HalfWay").finish_non_exhaustive()
    }
}
