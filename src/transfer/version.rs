//! Whether the versions of source and destination go together (`--version-strategy`).

use crate::error::{Error, Kind, Result};
use crate::model::{Metadata, Plugin};
use semver::Version;

/// How much two Strapi versions may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VersionStrategy {
    /// Not at all; plugins included, where both sides name theirs.
    #[default]
    Exact,
    /// Not in major, minor, patch or pre-release; build metadata and plugins may differ.
    Patch,
    /// The same major and minor version.
    Minor,
    /// The same major version.
    Major,
    /// Anything goes.
    Ignore,
}

impl VersionStrategy {
    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Ignore => "ignore",
        }
    }

    /// Holds the source's versions against the destination's.
    ///
    /// # Errors
    /// Kind [`Version`](Kind::Version): they do not go together.
    pub fn check(self, source: &Metadata, destination: &Metadata) -> Result<()> {
        let (from, to) = (&source.strapi.version, &destination.strapi.version);
        if !self.accepts(from, to) {
            return Err(self.refusal(from, to));
        }
        if self == Self::Exact
            && let (Some(theirs), Some(ours)) =
                (&source.strapi.plugins, &destination.strapi.plugins)
        {
            let differing = differing_plugins(theirs, ours);
            if !differing.is_empty() {
                return Err(Error::new(
                    Kind::Version,
                    format!("plugin versions do not match: {}", differing.join("; ")),
                )
                .hint("install the same versions, or use --version-strategy patch"));
            }
        }
        Ok(())
    }

    /// Whether a source of version `from` may go into a destination of version `to`.
    pub fn accepts(self, from: &str, to: &str) -> bool {
        if self == Self::Ignore || from == to {
            return true;
        }
        let (Ok(from), Ok(to)) = (Version::parse(from), Version::parse(to)) else {
            return false;
        };
        match self {
            Self::Exact | Self::Ignore => false,
            Self::Patch => {
                (from.major, from.minor, from.patch, &from.pre)
                    == (to.major, to.minor, to.patch, &to.pre)
            }
            Self::Minor => (from.major, from.minor) == (to.major, to.minor),
            Self::Major => from.major == to.major,
        }
    }

    fn refusal(self, from: &str, to: &str) -> Error {
        let major = |version: &str| version.split('.').next()?.parse::<u64>().ok();
        let error = Error::new(
            Kind::Version,
            format!(
                "the archive is of Strapi {from}, the destination is on Strapi {to}, which \
                 --version-strategy {} does not accept",
                self.as_str()
            ),
        );
        if let (Some(from), Some(to)) = (major(from), major(to))
            && from != to
        {
            let then = if from < to {
                ", then upgrade that project with Strapi's own upgrade tool"
            } else {
                ": Strapi has no way back to an older major"
            };
            return error.hint(format!(
                "restore into a project on Strapi {from}{then}; the two majors store data differently"
            ));
        }
        let wide_enough = [Self::Patch, Self::Minor, Self::Major]
            .into_iter()
            .find(|strategy| strategy.accepts(from, to))
            .unwrap_or(Self::Ignore);
        error.hint(format!(
            "use a project on the same version, or --version-strategy {} if you know that the \
             schemas did not change in between",
            wide_enough.as_str()
        ))
    }
}

fn differing_plugins(source: &[Plugin], destination: &[Plugin]) -> Vec<String> {
    let version = |plugin: &Plugin| plugin.version.clone().unwrap_or_else(|| "unknown".into());
    let find = |list: &[Plugin], name: &str| list.iter().find(|p| p.name == name).map(version);
    let mut names: Vec<&str> = source
        .iter()
        .chain(destination)
        .map(|plugin| plugin.name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| {
            let (from, to) = (find(source, name), find(destination, name));
            (from != to).then(|| {
                let or_none = |v: Option<String>| v.unwrap_or_else(|| "not installed".into());
                format!("{name} is {} there, {} here", or_none(from), or_none(to))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::VersionStrategy::{Exact, Ignore, Major, Minor, Patch};
    use super::*;

    #[test]
    fn each_strategy_accepts_what_its_table_says() {
        for (strategy, from, to, accepted) in [
            (Exact, "5.54.0", "5.54.0", true),
            (Exact, "5.54.0", "5.54.0+build", false),
            (Patch, "5.54.0", "5.54.0+build", true),
            (Patch, "5.54.0", "5.54.1", false),
            (Patch, "4.1.1", "4.1.1-beta", false),
            (Minor, "5.54.0", "5.54.9", true),
            (Minor, "5.54.0", "5.55.0", false),
            (Major, "5.0.0", "5.54.0", true),
            (Major, "4.26.2", "5.54.0", false),
            (Ignore, "4.26.2", "5.54.0", true),
            (Ignore, "what", "ever", true),
            (Major, "what", "ever", false),
        ] {
            assert_eq!(
                strategy.accepts(from, to),
                accepted,
                "{} {from} {to}",
                strategy.as_str()
            );
        }
    }

    #[test]
    fn a_refusal_between_majors_says_to_upgrade_strapi() {
        let metadata = |version: &str| Metadata::new(String::new(), version);
        let error = Exact
            .check(&metadata("4.26.2"), &metadata("5.54.0"))
            .expect_err("a mismatch");
        assert_eq!(error.kind(), Kind::Version);
        assert!(error.advice().is_some_and(|hint| hint.contains("Strapi 4")));
    }

    #[test]
    fn exact_compares_plugins_where_both_sides_name_them() {
        let with = |version: &str| {
            let mut metadata = Metadata::new(String::new(), "4.6.0");
            metadata.strapi.plugins = Some(vec![Plugin {
                name: "i18n".into(),
                version: Some(version.into()),
            }]);
            metadata
        };
        assert!(Exact.check(&with("4.6.0"), &with("4.6.0")).is_ok());
        assert!(Exact.check(&with("4.6.0"), &with("4.6.1")).is_err());
        assert!(Patch.check(&with("4.6.0"), &with("4.6.1")).is_ok());
        assert!(
            Exact
                .check(&with("4.6.0"), &Metadata::new(String::new(), "4.6.0"))
                .is_ok()
        );
    }
}
