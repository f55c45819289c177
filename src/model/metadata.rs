//! What an archive says of itself.

use serde::{Deserialize, Serialize};

/// The content of `metadata.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// When the export was started: RFC 3339 in UTC with milliseconds.
    #[serde(default)]
    pub created_at: Option<String>,
    /// The Strapi the data comes from.
    pub strapi: StrapiMetadata,
}

/// The Strapi the data comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrapiMetadata {
    /// Version of `@strapi/strapi`.
    pub version: String,
    /// Plugins, which only the first versions of `strapi export` (4.6 to about 4.8) wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Vec<Plugin>>,
}

/// A plugin and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// The name of the package.
    pub name: String,
    /// The version of the package.
    #[serde(default)]
    pub version: Option<String>,
}

impl Metadata {
    /// Metadata of a Strapi of this version.
    pub fn new(created_at: String, version: impl Into<String>) -> Self {
        Self {
            created_at: Some(created_at),
            strapi: StrapiMetadata {
                version: version.into(),
                plugins: None,
            },
        }
    }

    /// Whether the Strapi is one that writes no sidecars: they came with 4.12.
    pub fn is_before_sidecars(&self) -> bool {
        let mut numbers = self.strapi.version.split('.').map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < (4, 12),
            _ => false,
        }
    }

    /// The content of `metadata.json`, indented with two spaces as Strapi does.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings serialise")
    }
}
