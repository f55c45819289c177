//! Which Strapi a project is on.

mod locks;

use super::files::read_text;
use crate::error::{Error, Result};
use semver::Version;
use serde_json::Value;
use std::io;
use std::path::Path;

/// The packages that make a project a Strapi project, of all majors since 4.
const PACKAGES: [&str; 2] = ["@strapi/strapi", "@strapi/core"];

/// The groups of dependencies that Strapi may be in.
const GROUPS: [&str; 2] = ["dependencies", "devDependencies"];

/// What to do where nothing tells.
const SAY_IT: &str = "run npm install, or say it with --strapi-version";

/// The version of Strapi, and where that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrapiVersion {
    /// Such as `5.54.0`.
    pub version: String,
    /// The file that names it, relative to the project, or `--strapi-version`.
    pub from: String,
}

/// Finds the version of Strapi that the project in this folder is on: the one that was `chosen`, else the one that is
/// installed, else the exact version that `package.json` asks for, else what the lock file of npm, yarn or pnpm fixes.
///
/// # Errors
/// It is no Strapi project, or nothing tells which Strapi it is on. Kind [`Usage`](crate::error::Kind::Usage): the
/// version that was chosen is none.
pub(super) fn find(root: &Path, chosen: Option<&str>) -> Result<StrapiVersion> {
    let manifest = read_json(&root.join("package.json"))?
        .ok_or_else(|| not_a_project(root, "it has no package.json"))?;
    if let Some(version) = chosen {
        if Version::parse(version).is_err() {
            return Err(Error::usage(format!("`{version}` is no version of Strapi"))
                .hint("give all of it, such as 5.54.0"));
        }
        return Ok(found(version, "--strapi-version".into()));
    }
    let wanted = |package: &str| {
        GROUPS
            .iter()
            .find_map(|group| manifest.get(group)?.get(package)?.as_str())
    };
    let Some((package, range)) = PACKAGES
        .iter()
        .find_map(|package| Some((*package, wanted(package)?)))
    else {
        return Err(not_a_project(
            root,
            "its package.json does not depend on @strapi/strapi",
        ));
    };
    // As Node does: workspaces keep node_modules further up.
    for folder in root.ancestors() {
        let file = folder
            .join("node_modules")
            .join(package)
            .join("package.json");
        if let Some(version) = read_json(&file)?
            .as_ref()
            .and_then(|json| json.get("version"))
            .and_then(Value::as_str)
        {
            return Ok(found(version, shown(root, &file)));
        }
    }
    // As npm has it, one alone may be written so.
    let exact = range.trim().trim_start_matches(['=', 'v']).trim();
    if Version::parse(exact).is_ok() {
        return Ok(found(exact, "package.json".into()));
    }
    if let Some((version, file)) = locks::find(root, package, range) {
        return Ok(found(&version, shown(root, &file)));
    }
    Err(Error::failed(format!(
        "cannot tell which Strapi {} is on: there is no node_modules, package.json asks for {package} \"{range}\", and \
         no lock file of npm, yarn or pnpm says which that is",
        root.display()
    ))
    .hint(SAY_IT))
}

fn found(version: &str, from: String) -> StrapiVersion {
    let version = version.to_owned();
    StrapiVersion { version, from }
}

/// A file for messages: relative to the project, where it is in it.
fn shown(root: &Path, file: &Path) -> String {
    file.strip_prefix(root)
        .unwrap_or(file)
        .display()
        .to_string()
}

fn not_a_project(root: &Path, why: &str) -> Error {
    Error::failed(format!("{} is not a Strapi project: {why}", root.display())).hint(
        "run it in the folder that holds the project's package.json, or name that folder with \
         --project",
    )
}

fn read_json(path: &Path) -> Result<Option<Value>> {
    match read_text(path) {
        Ok(text) => serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map(Some)
            .map_err(|error| Error::failed(format!("{} is not JSON: {error}", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path, error)),
    }
}

#[cfg(test)]
mod tests;
