//! The names of archive files.

use super::{Cipher, Encryption, Packing};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The names of archives.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveName;

impl ArchiveName {
    /// What names of archives end with, the longest first.
    pub const ENDINGS: [&str; 6] = [
        ".tar.gz.enc",
        ".tar.gz.age",
        ".tar.gz",
        ".tar.enc",
        ".tar.age",
        ".tar",
    ];

    /// What stands before that where something is missing from the archive.
    pub const INCOMPLETE: &str = ".incomplete";

    /// The name Strapi gives an export at this moment, without extension: local time.
    pub fn default_base(now: &jiff::Zoned) -> String {
        now.strftime("export_%Y%m%d%H%M%S").to_string()
    }

    /// Adds the extensions of a packing to a base name. Extensions of ours that it carries already
    /// are not doubled.
    pub fn with_extensions(base: &Path, packing: &Packing) -> PathBuf {
        let is_compressed = packing.compression.is_some();
        let cipher = packing.encryption.as_ref().map(Encryption::cipher);
        Self::of(base, is_compressed, cipher)
    }

    /// The same for an archive of which no more is known than this.
    pub fn of(base: &Path, compressed: bool, cipher: Option<Cipher>) -> PathBuf {
        let name = base.file_name().unwrap_or_default().to_string_lossy();
        let stem = Self::stem(&name).to_owned();
        base.with_file_name(stem + &Self::extensions(compressed, cipher))
    }

    /// A name without extensions of ours.
    pub fn stem(name: &str) -> &str {
        let mut stem = name;
        for extension in [".enc", ".age", ".gz", ".tar"] {
            let stripped = stem.strip_suffix(extension);
            stem = stripped.filter(|it| !it.is_empty()).unwrap_or(stem);
        }
        stem
    }

    /// The name of the incomplete archive that was to have this name.
    pub fn incomplete(path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().as_bytes();
        let stem = [&b".enc"[..], b".age", b".gz", b".tar"]
            .iter()
            .fold(name, |stem, end| stem.strip_suffix(*end).unwrap_or(stem));
        let extensions = &name[stem.len()..];
        let incomplete = [stem, Self::INCOMPLETE.as_bytes(), extensions].concat();
        path.with_file_name(OsStr::from_bytes(&incomplete))
    }

    fn extensions(compressed: bool, cipher: Option<Cipher>) -> String {
        let tar = if compressed { ".tar.gz" } else { ".tar" };
        format!("{tar}{}", cipher.map_or("", Cipher::extension))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Level, Password};

    #[test]
    fn what_is_incomplete_says_so_before_its_extensions() {
        for (name, incomplete) in [
            ("d/b.tar.gz.enc", "d/b.incomplete.tar.gz.enc"),
            ("d/b.tar.age", "d/b.incomplete.tar.age"),
            ("b.2026.tar", "b.2026.incomplete.tar"),
        ] {
            let named = ArchiveName::incomplete(Path::new(name));
            assert_eq!(named, Path::new(incomplete));
        }
    }

    #[test]
    fn extensions_follow_the_packing_and_are_not_doubled() {
        let key = || Some(Encryption::Strapi(Password::new("x")));
        let age = || Some(Encryption::Passphrase(Password::new("x")));
        for (base, compress, key, name) in [
            ("b", true, key(), "b.tar.gz.enc"),
            ("b", true, age(), "b.tar.gz.age"),
            ("b.tar.age", false, age(), "b.tar.age"),
            ("b.tar.gz.enc", true, age(), "b.tar.gz.age"),
            ("b", false, None, "b.tar"),
            ("b.tar.gz.enc", true, key(), "b.tar.gz.enc"),
            ("b.tar.gz", true, key(), "b.tar.gz.enc"),
            ("b.tar.gz.enc", true, None, "b.tar.gz"),
            ("d/b.2026", true, None, "d/b.2026.tar.gz"),
            (".tar", true, None, ".tar.tar.gz"),
        ] {
            let packing = Packing {
                compression: compress.then(Level::default),
                encryption: key,
                ..Packing::default()
            };
            assert_eq!(
                ArchiveName::with_extensions(Path::new(base), &packing),
                Path::new(name),
                "{base}"
            );
        }
    }
}
