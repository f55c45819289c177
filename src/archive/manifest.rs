//! `manifest.json`: what an archive was made from, known before anything else of it is read.

use super::checksums::unhex;
use super::codec::SALT;
use super::layout::MANIFEST;
use crate::error::{Error, Kind, Result};
use crate::hashing::hexadecimal;
use crate::model::Stage;
use crate::transfer::{Description, FilterOptions, Group, Provenance, Scope};
use serde::{Deserialize, Serialize};

/// The number of the format that this program writes; it reads this one and those before it.
const FORMAT: u32 = 1;
/// The name of this program in manifests.
const PROGRAM: &str = "backup";

/// The content of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    format: u32,
    program: String,
    version: String,
    scope: ScopeJson,
    #[serde(default)]
    filters: FiltersJson,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    database: Option<String>,
    #[serde(default)]
    consistent: Option<bool>,
    #[serde(default)]
    authentication: Option<Authentication>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ScopeJson {
    stages: Vec<String>,
    types: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FiltersJson {
    only: Vec<String>,
    exclude: Vec<String>,
    only_content_types: Vec<String>,
    exclude_content_types: Vec<String>,
}

/// How the digests are authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Authentication {
    algorithm: String,
    /// In hexadecimal digits.
    salt: String,
}

/// Who wrote an archive, and what was asked for, as its manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maker {
    /// The program.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The number of the format.
    pub format: u32,
    /// Only these groups of stages were asked for; all where there are none.
    pub only: Vec<String>,
    /// Not these groups.
    pub exclude: Vec<String>,
    /// Only these content types; all where there are none.
    pub only_content_types: Vec<String>,
    /// Not these content types.
    pub exclude_content_types: Vec<String>,
}

/// The name of the only way to authenticate an archive in Strapi's encryption.
const ALGORITHM: &str = "HMAC-SHA-256, scrypt";

impl Manifest {
    /// The manifest of an archive of this source, filtered so; with a salt where it is going to be
    /// authenticated.
    pub fn new(
        source: &Description,
        scope: &Scope,
        filters: &FilterOptions,
        salt: Option<&[u8; SALT]>,
    ) -> Self {
        let names = |groups: &[Group]| groups.iter().map(|group| group.as_str().into()).collect();
        let provenance = source.provenance.as_ref();
        Self {
            format: FORMAT,
            program: PROGRAM.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            scope: ScopeJson {
                stages: scope.stages.iter().map(Stage::to_string).collect(),
                types: scope.types.iter().cloned().collect(),
            },
            filters: FiltersJson {
                only: names(&filters.only),
                exclude: names(&filters.exclude),
                only_content_types: filters.only_content_types.clone(),
                exclude_content_types: filters.exclude_content_types.clone(),
            },
            time_zone: provenance.and_then(|provenance| provenance.time_zone.clone()),
            database: provenance.and_then(|provenance| provenance.database.clone()),
            consistent: provenance.map(|provenance| provenance.is_consistent),
            authentication: salt.map(|salt| Authentication {
                algorithm: ALGORITHM.into(),
                salt: hexadecimal(salt),
            }),
        }
    }

    /// The content of `manifest.json`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings serialise")
    }

    /// Reads `manifest.json` of the archive called `archive`.
    ///
    /// # Errors
    /// Kind [`Version`](Kind::Version) where a newer program wrote it in a format this one does not
    /// know; kind [`Archive`](Kind::Archive) where it is damaged.
    pub fn parse(text: &str, archive: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |why: String| Error::archive(format!("{archive}: {MANIFEST}: {why}"));
        let Format { format } =
            serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        if format == 0 {
            return Err(damaged("there is no format 0".into()));
        }
        if format > FORMAT {
            return Err(Error::new(
                Kind::Version,
                format!("{archive} is in format {format}; this program knows up to {FORMAT}"),
            )
            .hint("use the version of backup that wrote it, or a newer one"));
        }
        let manifest: Self =
            serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        let unknown = manifest
            .scope
            .stages
            .iter()
            .find(|name| Stage::from_name(name).is_none());
        if let Some(name) = unknown {
            return Err(damaged(format!("there is no stage \"{name}\"")));
        }
        if let Some(authentication) = &manifest.authentication
            && (authentication.algorithm != ALGORITHM || manifest.salt().is_none())
        {
            return Err(damaged("the authentication is of an unknown kind".into()));
        }
        Ok(manifest)
    }

    /// What the archive was made from.
    pub fn scope(&self) -> Scope {
        Scope {
            stages: self
                .scope
                .stages
                .iter()
                .filter_map(|name| Stage::from_name(name))
                .collect(),
            types: self.scope.types.iter().cloned().collect(),
        }
    }

    /// How its data was read.
    pub fn provenance(&self) -> Option<Provenance> {
        Some(Provenance {
            time_zone: self.time_zone.clone(),
            database: self.database.clone(),
            is_consistent: self.consistent?,
        })
    }

    /// Who wrote the archive, and what was asked for.
    pub fn maker(&self) -> Maker {
        let filters = &self.filters;
        Maker {
            program: self.program.clone(),
            version: self.version.clone(),
            format: self.format,
            only: filters.only.clone(),
            exclude: filters.exclude.clone(),
            only_content_types: filters.only_content_types.clone(),
            exclude_content_types: filters.exclude_content_types.clone(),
        }
    }

    /// Whether the archive was authenticated when it was made.
    pub fn is_authenticated(&self) -> bool {
        self.authentication.is_some()
    }

    /// The salt of the authentication's key, where the archive is authenticated.
    pub fn salt(&self) -> Option<[u8; SALT]> {
        unhex(&self.authentication.as_ref()?.salt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let scope = Scope {
            stages: [Stage::Schemas, Stage::Entities].into(),
            types: ["api::a.a".to_owned()].into(),
        };
        let filters = FilterOptions {
            only: vec![Group::Content],
            ..FilterOptions::default()
        };
        let source = Description {
            provenance: Some(Provenance {
                time_zone: Some("Europe/Vienna".into()),
                database: Some("sqlite".into()),
                is_consistent: true,
            }),
            ..Description::default()
        };
        Manifest::new(&source, &scope, &filters, Some(&[0xab; SALT]))
    }

    #[test]
    fn a_manifest_comes_back_as_it_was_written() {
        let manifest = manifest();
        let read = Manifest::parse(&manifest.to_json(), "site.tar").expect("a manifest");
        assert_eq!(read, manifest);
        assert_eq!(read.salt(), Some([0xab; SALT]));
        assert!(read.scope().types.contains("api::a.a"));
    }

    #[test]
    fn a_newer_format_is_a_matter_of_versions() {
        let text = r#"{"format": 2, "and": "what else it may hold"}"#;
        let error = Manifest::parse(text, "site.tar").expect_err("too new");
        assert_eq!(error.kind(), Kind::Version);
        let error = Manifest::parse("{}", "site.tar").expect_err("no format");
        assert_eq!(error.kind(), Kind::Archive);
    }
}
