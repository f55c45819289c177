//! What differs between Strapi 4 and Strapi 5. Decided once for a project, here and nowhere else.

use super::identifiers::Naming;
use crate::error::{Error, Result};
use semver::Version;
use std::collections::HashSet;

/// The table in which Strapi 5, and only Strapi 5, keeps its own migrations.
const V5_MIGRATIONS: &str = "strapi_migrations_internal";

/// Which Strapi's ways a project follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Strapi 4 before 4.5: tables that join keep neither ids nor places.
    EarlyV4,
    /// Strapi 4, from 4.5.
    V4,
    /// Strapi 5.
    V5,
}

impl Dialect {
    /// The dialect of a version of Strapi.
    ///
    /// # Errors
    /// The version is of another major, or of one whose tables are others.
    pub fn of_version(version: &str) -> Result<Self> {
        let parsed = Version::parse(version).map(|version| (version.major, version.minor));
        match parsed {
            Ok((4, 0..5)) => Ok(Self::EarlyV4),
            Ok((4, _)) => Ok(Self::V4),
            Ok((5, _)) => Ok(Self::V5),
            _ => Err(Error::failed(format!(
                "the project is on Strapi {version}; this tool works with Strapi 4 and 5"
            ))
            .hint(match parsed {
                Ok((0..=3, _)) => {
                    "bring the project to Strapi 4.26 with Strapi's own upgrade guide"
                }
                _ => "see whether there is a newer version of this program",
            })),
        }
    }

    /// Holds the dialect against the tables that are there: a project whose code was upgraded keeps
    /// the old tables until Strapi is started.
    ///
    /// # Errors
    /// The tables are of the other major.
    pub fn check(self, tables: &HashSet<String>, target: &str) -> Result<()> {
        let found = if tables.contains(V5_MIGRATIONS) { 5 } else { 4 };
        if found == self.major() {
            return Ok(());
        }
        Err(Error::failed(format!(
            "the project is on Strapi {}, but the tables in {target} are those of Strapi {}",
            self.major(),
            found
        ))
        .hint("start Strapi once, so that it migrates its database, or install the other version"))
    }

    pub fn major(self) -> u64 {
        match self {
            Self::EarlyV4 | Self::V4 => 4,
            Self::V5 => 5,
        }
    }

    /// How tables and columns are named.
    pub fn naming(self) -> Naming {
        match self {
            Self::EarlyV4 | Self::V4 => Naming::V4,
            Self::V5 => Naming::V5,
        }
    }

    /// Whether rows of content types have a `document_id`.
    pub fn has_document_ids(self) -> bool {
        self == Self::V5
    }

    /// Whether a JSON attribute that is a string is stored without quotes. Strapi 4 stores every
    /// value as JSON; Strapi 5 only objects and arrays, and what it finds in quotes it takes for
    /// JSON that was encoded twice.
    pub fn stores_bare_strings(self) -> bool {
        self == Self::V5
    }

    /// Whether the members that hold components stand in the order of their attributes. Strapi 5
    /// reads them side by side, and each is added when its queries are through.
    pub fn reads_components_in_turn(self) -> bool {
        self != Self::V5
    }

    /// Whether `__component` stands in front of a dynamic zone's component, or behind.
    pub fn names_component_first(self) -> bool {
        self != Self::V5
    }

    /// Whether tables that join rows may lack ids and the places of rows among others. Strapi 4.5 adds
    /// them when it starts.
    pub fn may_lack_places(self) -> bool {
        self == Self::EarlyV4
    }
}
