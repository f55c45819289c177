//! What the rows of a site say of its files.

use crate::model::{Fields, named_files};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The provider of files on the server's own disk.
const LOCAL: &str = "local";

/// What the rows of a site say of its files.
#[derive(Debug, Default)]
pub(super) struct Described {
    /// How many there are.
    pub rows: u64,
    /// The names of files, hashed.
    names: HashSet<u64>,
    /// Whether some lie elsewhere than on the server's own disk.
    pub is_elsewhere: bool,
}

impl Described {
    /// Takes a row of `plugin::upload.file`.
    pub fn row(&mut self, data: &str) {
        self.rows += 1;
        let Ok(fields) = Fields::parse_with_any_names(data) else {
            return;
        };
        let provider = fields.text("provider");
        self.is_elsewhere |= provider.is_some_and(|provider| provider != LOCAL);
        let names = &mut self.names;
        let text = |name: &str| fields.text(name);
        named_files(&text, fields.get("formats"), &mut |name, _| {
            names.insert(hash_of(&name));
        });
    }

    /// Whether a row names this file.
    pub fn knows(&self, filename: &str) -> bool {
        self.names.contains(&hash_of(filename))
    }
}

fn hash_of(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_tell_the_names_of_files_and_where_they_lie() {
        let mut described = Described::default();
        described.row(
            r#"{"hash":"a","ext":".png","provider":"local","formats":{"small":{"hash":"small_a","ext":".png"}}}"#,
        );
        assert!(described.knows("a.png") && described.knows("small_a.png"));
        assert!(!described.knows("b.png") && !described.is_elsewhere);
        described.row(r#"{"hash":"b","ext":".png","provider":"cloudinary"}"#);
        assert!(described.is_elsewhere);
    }
}
