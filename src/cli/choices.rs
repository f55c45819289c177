//! The library's enums as clap reads them: their names and help texts on the command line.

use crate::transfer::{Extent, Group, SchemaStrategy, VersionStrategy};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

/// How much an archive and a project may differ.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct StrategyArguments {
    /// How much the Strapi versions of archive and project may differ [default: exact]
    #[arg(long = "version-strategy", alias = "versionStrategy", value_enum)]
    versions: Option<VersionStrategy>,
    /// How much the schemas of archive and project may differ [default: exact]
    #[arg(long = "schema-strategy", alias = "schemaStrategy", value_enum)]
    schemas: Option<SchemaStrategy>,
}

impl StrategyArguments {
    /// How much the versions may differ.
    pub fn versions(self) -> VersionStrategy {
        self.versions.unwrap_or_default()
    }

    /// How much the schemas may differ.
    pub fn schemas(self) -> SchemaStrategy {
        self.schemas.unwrap_or_default()
    }

    /// Whether one of the two was given.
    pub fn is_given(self) -> bool {
        self.versions.is_some() || self.schemas.is_some()
    }
}

impl ValueEnum for VersionStrategy {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Exact,
            Self::Patch,
            Self::Minor,
            Self::Major,
            Self::Ignore,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Exact => "The same Strapi, and the same plugins where both sides name theirs",
            Self::Patch => "The same major.minor.patch",
            Self::Minor => "The same major.minor",
            Self::Major => "The same major",
            Self::Ignore => "Anything",
        };
        Some(PossibleValue::new(self.as_str()).help(help))
    }
}

impl ValueEnum for SchemaStrategy {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Exact, Self::Strict, Self::Ignore]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Exact => "Not at all",
            Self::Strict => "In private, required, configurable and default of attributes",
            Self::Ignore => "Anything: what fits is loaded, the rest is listed as lost",
        };
        Some(PossibleValue::new(self.as_str()).help(help))
    }
}

impl ValueEnum for Extent {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::All, Self::Held]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Said => return None,
            Self::All => (
                "all",
                "Everything: what the archive holds nothing of is emptied",
            ),
            Self::Held => (
                "archive",
                "The stages and content types that the archive holds something of",
            ),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

impl ValueEnum for Group {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Content, Self::Files, Self::Config, Self::MediaLibrary]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Content => "Entities and links, also those that describe the media library",
            Self::Files => {
                "The files of the media library, but not the entities that describe them"
            }
            Self::Config => "The core store and webhooks",
            Self::MediaLibrary => {
                "The files of the media library and the entities that describe them (--exclude only)"
            }
        };
        Some(PossibleValue::new(self.as_str()).help(help))
    }
}
