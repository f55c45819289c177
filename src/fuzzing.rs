//! What fuzzers feed: one function a target of `fuzz/`, which takes whatever bytes there are and may refuse them, but
//! neither panic nor take long nor much memory.
//!
//! Built for tests, which feed the corpora of `fuzz/corpus` to the same functions, and with the feature `fuzzing`. Nothing
//! in here is for users of the library.

pub use crate::archive::fuzzing::{archive, descriptions, packing};
pub use crate::dgraph::fuzzing::{rows, schemas};
pub use crate::remote::fuzzing::frames;
pub use crate::strapi::fuzzing::{configuration, environment, typescript};

use crate::model::{Fields, Line, Stage, json};
use crate::strapi::identifiers::Naming;
use std::path::Path;
use std::sync::LazyLock;
use tempfile::TempDir;

/// A folder for what must be in one.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: LazyLock<TempDir> =
        LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));
    FOLDER.path()
}

/// Lines of each stage, which the first byte chooses.
pub fn lines(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let stages = [
        Stage::Schemas,
        Stage::Entities,
        Stage::Links,
        Stage::Configuration,
    ];
    let stage = stages[usize::from(*first) % stages.len()];
    match Line::parse(stage, text) {
        Ok(Line::Entity(parsed)) => {
            let entity = parsed.entity();
            if let Ok(fields) = Fields::parse(entity.data) {
                let same = fields.with(&|_, _| None);
                assert!(json::is_valid(&same), "{same}");
            }
        }
        Ok(Line::Link(link)) => {
            let _ = format!("{} {}", link.left, link.right);
        }
        _ => {}
    }
    let mut once = String::new();
    if json::write_compact(&mut once, text) {
        let mut twice = String::new();
        assert!(json::write_compact(&mut twice, &once), "{once}");
        assert_eq!(once, twice);
    }
}

/// Names of tables and columns, made of names of types and attributes.
pub fn identifiers(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (table, attribute) = text.split_once('\n').unwrap_or((&text, "name"));
    for naming in [Naming::V4, Naming::V5] {
        let names = [
            naming.table(table),
            naming.column(attribute),
            naming.component_table(table),
            naming.link_table(table, attribute),
            naming.morph_table(table, attribute),
            naming.id_column(attribute),
            naming.inverse_id_column(attribute),
            naming.type_column(attribute),
            naming.order_column(attribute),
            naming.inverse_order_column(attribute),
        ];
        for name in names {
            assert!(
                naming == Naming::V4 || !name.is_ascii() || name.len() <= 55,
                "{name}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Feeds the corpus of a target to its function.
    fn replay(target: &str, feed: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        let files = fs::read_dir(corpus.join(target)).expect("a corpus");
        let mut fed = 0;
        for file in files {
            let path = file.expect("an entry").path();
            let bytes = fs::read(&path).expect("a file");
            let end = std::panic::catch_unwind(|| feed(&bytes));
            assert!(end.is_ok(), "{} hurts", path.display());
            fed += 1;
        }
        assert!(fed > 0, "the corpus of {target} is empty");
    }

    macro_rules! corpora {
        ($($target:ident),+) => {
            $(
                #[test]
                fn $target() {
                    replay(stringify!($target), super::$target);
                }
            )+
        };
    }

    corpora!(
        archive,
        configuration,
        descriptions,
        environment,
        frames,
        identifiers,
        lines,
        packing,
        rows,
        schemas,
        typescript
    );
}
