//! Sidecars whose file did not come yet: in an archive that was packed anew that may be all of them.

use crate::error::Result;
use crate::model::NameMap;
use crate::transfer::{Place, Texts};
use std::path::Path;

/// Sidecars that wait for their files.
pub(super) struct Sidecars {
    texts: Texts,
    /// Where the name and the text of each stand.
    places: NameMap<[Place; 2]>,
    waiting: u64,
}

impl Sidecars {
    /// None yet; what is too much for the memory goes to `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            texts: Texts::new(folder),
            places: NameMap::default(),
            waiting: 0,
        }
    }

    /// Keeps the sidecar of a file.
    ///
    /// # Errors
    /// It cannot be spooled.
    pub fn keep(&mut self, filename: &str, sidecar: &str) -> Result<()> {
        let places = [self.texts.keep(filename)?, self.texts.keep(sidecar)?];
        if self.places.insert(filename, places).is_none() {
            self.waiting += 1;
        }
        Ok(())
    }

    /// The sidecar of a file, which is kept no longer.
    ///
    /// # Errors
    /// It cannot be read back.
    pub fn take(&mut self, filename: &str) -> Result<Option<String>> {
        let Some([_, place]) = self.places.remove(filename) else {
            return Ok(None);
        };
        let text = self.texts.read(place)?;
        self.waiting -= 1;
        if self.waiting == 0 {
            self.texts.clear();
        }
        Ok(Some(text))
    }

    /// The names of the files whose sidecars are still kept, in their order.
    ///
    /// # Errors
    /// They cannot be read back.
    pub fn left(&mut self, each: &mut dyn FnMut(&str)) -> Result<()> {
        let mut places: Vec<_> = self.places.values().copied().collect();
        places.sort_unstable();
        for [name, _] in places {
            each(&self.texts.read(name)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sidecars_are_given_back_once_and_those_that_are_left_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sidecars = Sidecars::new(folder.path());
        for name in ["b", "a", "c", "b"] {
            sidecars.keep(name, &format!("of {name}")).expect("kept");
        }
        assert_eq!(sidecars.take("a").expect("read").as_deref(), Some("of a"));
        assert_eq!(sidecars.take("a").expect("read"), None);
        let mut left = Vec::new();
        let named = sidecars.left(&mut |name| left.push(name.to_owned()));
        named.expect("read");
        assert_eq!(left, ["c", "b"]);
        for name in left {
            let text = sidecars.take(&name).expect("read");
            assert_eq!(text, Some(format!("of {name}")));
        }
        sidecars.keep("d", "of d").expect("kept");
        assert_eq!(sidecars.take("d").expect("read").as_deref(), Some("of d"));
    }
}
