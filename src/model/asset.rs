//! Files of the media library.

use super::Fields;
use super::limits::LONGEST_FILE_NAME;
use serde::Deserialize;

/// A file of the media library: the upload itself or one of its formats (thumbnail, small, ...).
#[derive(Debug, Clone)]
pub struct Asset {
    /// Hash and extension; the name in the archive and in the upload folder.
    pub filename: String,
    /// The sidecar: the whole row of `plugin::upload.file` for an upload, or the object under
    /// `formats` plus `type`, `id` and `mainHash` for a format. JSON.
    pub sidecar: String,
    /// Length of the file in bytes.
    pub size: u64,
}

/// How the names of this program's own folders begin that stand beside the files of a media library.
pub const STAGING_PREFIX: &str = ".backup-restore-";

/// Media types by extension; any other is [`ANY`].
const MEDIA_TYPES: [(&str, &str); 14] = [
    ("avif", "image/avif"),
    ("csv", "text/csv"),
    ("gif", "image/gif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("webp", "image/webp"),
    ("zip", "application/zip"),
];
/// The media type of bytes.
const ANY: &str = "application/octet-stream";

/// The media type of a file of this name, where nothing else says it.
pub fn media_type(filename: &str) -> &'static str {
    let extension = filename
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    let known = MEDIA_TYPES
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(extension));
    known.map_or(ANY, |(_, media_type)| media_type)
}

/// Whether a file of a media library may have this name: it names a file in a folder and none
/// elsewhere, and nothing of this program's own.
pub fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
        && !name.contains(['/', '\\', '\0'])
        && !name.starts_with(STAGING_PREFIX)
        && name.len() <= LONGEST_FILE_NAME
}

/// Goes through the files that a row of `plugin::upload.file` names: its own and those of its formats.
/// `own` gives the texts of its attributes, `formats` is JSON. `each` gets the name that a file has in an
/// archive, `<hash><ext>`, and its url; files without a hash are none.
pub fn named_files(
    own: &dyn Fn(&str) -> Option<String>,
    formats: Option<&str>,
    each: &mut dyn FnMut(String, Option<String>),
) {
    let mut file = |text: &dyn Fn(&str) -> Option<String>| {
        if let Some(hash) = text("hash").filter(|hash| !hash.is_empty()) {
            each(hash + &text("ext").unwrap_or_default(), text("url"));
        }
    };
    file(own);
    let formats = formats.and_then(|text| Fields::parse_with_any_names(text).ok());
    for (_, format) in formats.iter().flat_map(|formats| &formats.0) {
        if let Ok(format) = Fields::parse_with_any_names(format) {
            file(&|name| format.text(name));
        }
    }
}

impl Asset {
    /// The extension with its dot, or `None` where there is none.
    pub fn extension(&self) -> Option<&str> {
        std::path::Path::new(&self.filename)
            .extension()
            .and_then(|extension| {
                let extension = extension.to_str()?;
                self.filename
                    .get(self.filename.len() - extension.len() - 1..)
            })
    }
}

/// What Strapi 5.54 requires of a sidecar before it takes an import, but that ids may be 0 and below.
#[derive(Debug, Clone, Deserialize)]
pub struct AssetMetadata {
    /// The row of `plugin::upload.file` this file belongs to.
    pub id: i64,
    /// Size in kilobytes (1000 bytes), as Strapi counts it.
    pub size: f64,
    /// The name the user gave the file.
    pub name: String,
    /// The file's name on disk, without extension.
    pub hash: String,
    /// The extension with its dot.
    #[serde(default)]
    pub ext: Option<String>,
    /// The media type.
    pub mime: String,
    /// Where the file is served.
    pub url: String,
}

impl AssetMetadata {
    /// Reads a sidecar and holds it against the rules of Strapi 5.54: integer `id`, finite `size`
    /// >= 0, `name`, `hash`, `mime` and `url` not empty, `filename` = hash + ext.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(sidecar: &str, filename: &str) -> Result<Self, String> {
        let metadata: Self = serde_json::from_str(sidecar).map_err(|error| error.to_string())?;
        if !(metadata.size.is_finite() && metadata.size >= 0.0) {
            return Err("`size` is not a number of at least 0".into());
        }
        for (field, value) in [
            ("name", &metadata.name),
            ("hash", &metadata.hash),
            ("mime", &metadata.mime),
            ("url", &metadata.url),
        ] {
            if value.is_empty() {
                return Err(format!("`{field}` is empty"));
            }
        }
        let expected = format!("{}{}", metadata.hash, metadata.ext.as_deref().unwrap_or(""));
        // Early versions of Strapi 4 wrote "null" for a missing extension.
        if filename != expected && filename != format!("{}null", metadata.hash) {
            return Err(format!("it belongs to a file named \"{expected}\""));
        }
        Ok(metadata)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere_else() {
        for name in ["a.png", "..x", "...", ".hidden", "a b", ".backup-x"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "a\0b",
            "../x",
            ".backup-restore-x",
        ] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
