//! What the lock files of npm, yarn and pnpm say that is installed.

use super::GROUPS;
use crate::strapi::files::read_text;
use semver::{Version, VersionReq};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Finds the version in the text of a lock file.
type Look<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The version of a package that a project asks for by a range, and the lock file that names it: beside the project, or
/// above it, where it is part of a workspace. Files that cannot be read say nothing.
pub(super) fn find(root: &Path, package: &str, range: &str) -> Option<(String, PathBuf)> {
    root.ancestors().find_map(|folder| {
        // The project, as those above call it.
        let inside = root.strip_prefix(folder).unwrap_or(Path::new(""));
        let npm = |text: &str| in_npm(&serde_json::from_str(text).ok()?, inside, package);
        let yarn = |text: &str| in_yarn(text, package, range);
        let pnpm = |text: &str| in_pnpm(text, inside, package);
        let kinds: [(&str, &Look<'_>); 4] = [
            ("package-lock.json", &npm),
            ("npm-shrinkwrap.json", &npm),
            ("yarn.lock", &yarn),
            ("pnpm-lock.yaml", &pnpm),
        ];
        kinds.into_iter().find_map(|(name, look)| {
            let file = folder.join(name);
            let version = look(&read_text(&file).ok()?).filter(|it| fits(it, range))?;
            Some((version, file))
        })
    })
}

/// Whether a version is one that the project asks for, where that can be told: an old lock file may lie about.
fn fits(version: &str, range: &str) -> bool {
    match (Version::parse(version), VersionReq::parse(range)) {
        (Ok(version), Ok(range)) => range.matches(&version),
        (version, _) => version.is_ok(),
    }
}

fn is_version(text: &str) -> bool {
    Version::parse(text).is_ok()
}

/// In npm's: since version 2 by the folder that it is installed in, before that by its name. One above the project has to
/// name it: it may be that of something else.
fn in_npm(lock: &Value, inside: &Path, package: &str) -> Option<String> {
    let version = |entry: &Value| Some(entry.get("version")?.as_str()?.to_owned());
    let is_above = inside != Path::new("");
    if is_above && lock.get("packages")?.get(inside.to_str()?).is_none() {
        return None;
    }
    let installed = inside.ancestors().find_map(|folder| {
        let place = folder.join("node_modules").join(package);
        version(lock.get("packages")?.get(place.to_str()?)?)
    });
    installed.or_else(|| version(lock.get("dependencies")?.get(package)?))
}

/// In yarn's: a line that names all ranges of a package, and below it, indented, its version. Yarn 2 and later put `npm:`
/// before ranges and a colon behind keys.
fn in_yarn(text: &str, package: &str, range: &str) -> Option<String> {
    let names = [
        format!("{package}@{range}"),
        format!("{package}@npm:{range}"),
    ];
    let mut is_it = false;
    for line in text.lines() {
        if !line.starts_with([' ', '\t']) {
            let mut ranges = line.trim_end_matches(':').split(',');
            is_it = ranges.any(|it| {
                let it = it.trim().trim_matches('"');
                names.iter().any(|name| name == it)
            });
        } else if is_it && let Some(rest) = line.trim_start().strip_prefix("version") {
            let version = rest.trim_start_matches(':').trim().trim_matches('"');
            return Some(version.to_owned());
        }
    }
    None
}

/// In pnpm's: below the project's own folder in `importers`, or at the top where there is but one project. What follows
/// the version tells its peers.
fn in_pnpm(text: &str, inside: &Path, package: &str) -> Option<String> {
    let importer = match inside.to_str()? {
        "" => ".",
        inside => inside,
    };
    // The keys that lead to a line, each with its indentation.
    let mut path: Vec<(usize, &str)> = Vec::new();
    for line in text.lines() {
        let entry = line.trim_start();
        let (indentation, entry) = (line.len() - entry.len(), entry.trim_end());
        let Some((key, value)) = key_and_value(entry) else {
            continue;
        };
        while path.last().is_some_and(|(outer, _)| *outer >= indentation) {
            path.pop();
        }
        path.push((indentation, key));
        let keys: Vec<&str> = path.iter().map(|(_, key)| *key).collect();
        let own = match keys.as_slice() {
            ["importers", folder, own @ ..] if *folder == importer => own,
            ["importers", ..] => continue,
            own => own,
        };
        let is_it = match own {
            [group, name] | [group, name, "version"] => GROUPS.contains(group) && *name == package,
            _ => false,
        };
        let version = value.split(['(', '_']).next().unwrap_or_default();
        if is_it && is_version(version) {
            return Some(version.to_owned());
        }
    }
    None
}

/// The two sides of a line of YAML, without quotes.
fn key_and_value(entry: &str) -> Option<(&str, &str)> {
    if entry.starts_with(['#', '-']) {
        return None;
    }
    let (key, value) = match entry.strip_suffix(':') {
        Some(key) => (key, ""),
        None => entry.split_once(": ")?,
    };
    Some((unquoted(key), unquoted(value)))
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['\'', '"'])
}
