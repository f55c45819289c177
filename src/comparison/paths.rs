//! The names of what can differ in something, such as `blocks.2.title`, each kept once for both sides.

use std::collections::HashMap;
use std::sync::Arc;

/// How many bytes the names of all attributes may have. Beyond that they are told of by what holds them.
const MOST: usize = 4 << 20;
/// What a name costs beside its bytes.
const COST: usize = 96;

/// What a name is known by.
pub(super) type PathId = u32;

/// Names, by number.
#[derive(Default)]
pub(super) struct Paths {
    names: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, PathId>,
    size: usize,
}

impl Paths {
    /// The number of a name; `None` where there are too many.
    pub fn id(&mut self, name: &str) -> Option<PathId> {
        if let Some(id) = self.ids.get(name) {
            return Some(*id);
        }
        let size = self.size + name.len() + COST;
        if size > MOST {
            return None;
        }
        self.size = size;
        let id = self.names.len() as PathId;
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.ids.insert(name, id);
        Some(id)
    }

    /// The name of a number.
    pub fn name(&self, id: PathId) -> &str {
        self.names.get(id as usize).map_or("...", |name| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_number_are_not_kept() {
        let mut paths = Paths::default();
        let first = paths.id("a").expect("room");
        let kept = (0..1_000_000).filter(|number| paths.id(&number.to_string()).is_some());
        assert!((10_000..100_000).contains(&kept.count()));
        assert_eq!(paths.id("a"), Some(first));
        assert_eq!(paths.name(first), "a");
    }
}
