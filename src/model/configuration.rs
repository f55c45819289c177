//! Rows of the core store and webhooks.

use super::entity::require_object;
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;

/// What a [`ConfigItem`] is a row of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigKind {
    /// `strapi_core_store_settings`: settings of the content manager, plugins, roles.
    CoreStore,
    /// `strapi_webhooks`.
    Webhook,
}

impl ConfigKind {
    /// The name in the archive.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CoreStore => "core-store",
            Self::Webhook => "webhook",
        }
    }
}

/// A row of the core store or a webhook, as it stands in `configuration/*.jsonl`.
#[derive(Debug, Clone, Copy)]
pub struct ConfigItem<'a> {
    /// The table the row is of.
    pub kind: ConfigKind,
    /// The row as a JSON object; a core-store row's `value` is parsed JSON.
    pub value: &'a str,
    /// The line of the archive, without line break.
    pub line: &'a str,
}

impl<'a> ConfigItem<'a> {
    /// Takes a line of `configuration/*.jsonl` apart.
    ///
    /// # Errors
    /// The line is not JSON, or lacks a known `type` or an object `value`.
    pub fn parse(line: &'a str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(rename = "type")]
            kind: ConfigKind,
            #[serde(borrow)]
            value: &'a RawValue,
        }
        require_object(line)?;
        let parsed: Line<'a> = serde_json::from_str(line)?;
        let value = parsed.value.get();
        if !value.starts_with('{') {
            return Err(serde_json::Error::custom("`value` is not an object"));
        }
        Ok(Self {
            kind: parsed.kind,
            value,
            line,
        })
    }
}
