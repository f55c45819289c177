//! The stages of a transfer, in their order.

use std::fmt;

/// A stage: one kind of cargo. Stages run in the order of this list, which is Strapi's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Content types and components.
    Schemas,
    /// Rows of content types, with their components.
    Entities,
    /// Files of the media library.
    Assets,
    /// Relations.
    Links,
    /// Core store and webhooks.
    Configuration,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 5] = [
        Self::Schemas,
        Self::Entities,
        Self::Assets,
        Self::Links,
        Self::Configuration,
    ];

    /// The stage of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }

    /// The name, which is also the folder in the archive.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schemas => "schemas",
            Self::Entities => "entities",
            Self::Assets => "assets",
            Self::Links => "links",
            Self::Configuration => "configuration",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
