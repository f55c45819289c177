//! Where a project keeps its configuration files, and where they believe they are.
//!
//! In a TypeScript project Strapi runs what was compiled into `outDir`, so a source file sees itself there:
//! `__dirname` in `config/database.ts` is `dist/config`, two levels below the project.

use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use serde_json::Value;

use super::error::ConfigError;

const SCRIPTS: &[&str] = &["js", "cjs", "mjs"];
const TYPED: &[&str] = &["ts", "cts", "mts"];
const COMPILED: &[&str] = &["js", "json"];
const REQUIRED: &[&str] = &["js", "json", "ts", "cjs", "mjs", "cts", "mts"];

/// The folders of one project.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The project, as an absolute path.
    pub(super) project: PathBuf,
    /// The folder of compiled files, in a TypeScript project.
    out_dir: Option<PathBuf>,
    /// Whether JavaScript is compiled too.
    allow_js: bool,
}

impl Layout {
    /// Reads what `tsconfig.json` says about the project, if there is one.
    pub(super) fn discover(project: &Path) -> Result<Self, ConfigError> {
        let unreadable = |file: &Path, error: &std::io::Error| ConfigError::Unreadable {
            file: file.to_owned(),
            reason: error.to_string(),
        };
        let project = std::path::absolute(project).map_err(|error| unreadable(project, &error))?;
        let tsconfig = project.join("tsconfig.json");
        if !tsconfig.is_file() {
            return Ok(Self {
                project,
                out_dir: None,
                allow_js: false,
            });
        }
        let option = |name: &str| compiler_option(&tsconfig, name, 8);
        let out_dir =
            option("outDir").and_then(|(folder, value)| Some(folder.join(value.as_str()?)));
        let allow_js = option("allowJs")
            .and_then(|(_, value)| value.as_bool())
            .unwrap_or(false);
        let out_dir = normal(&out_dir.unwrap_or_else(|| project.join("dist")));
        Ok(Self {
            project,
            out_dir: Some(out_dir),
            allow_js,
        })
    }

    /// The folder in which compiled code is, also where nothing says so.
    pub(super) fn dist(&self) -> PathBuf {
        let dist = || self.project.join("dist");
        self.out_dir.clone().unwrap_or_else(dist)
    }

    /// The folder in which the configuration is looked for first.
    pub(super) fn config_dir(&self) -> PathBuf {
        self.project.join("config")
    }

    /// The files that may hold `name` below `config/` (`sub` is empty or `env/production`), best first.
    pub(super) fn candidates(&self, sub: &str, name: &str) -> Vec<PathBuf> {
        let source = self.project.join("config").join(sub);
        let mut places: Vec<(PathBuf, &[&str])> = Vec::new();
        match &self.out_dir {
            Some(out_dir) => {
                places.push((source.clone(), TYPED));
                if self.allow_js {
                    places.push((source.clone(), SCRIPTS));
                }
                places.push((out_dir.join("config").join(sub), COMPILED));
                places.push((source.clone(), SCRIPTS));
                places.push((source, &["json"]));
            }
            None => {
                let compiled = self.dist().join("config").join(sub);
                places.push((source.clone(), SCRIPTS));
                places.push((source.clone(), &["json"]));
                places.push((source, TYPED));
                places.push((compiled, COMPILED));
            }
        }
        let mut found = Vec::new();
        for (folder, extensions) in places {
            let files = extensions
                .iter()
                .map(|extension| folder.join(format!("{name}.{extension}")));
            found.extend(files.filter(|file| file.is_file()));
        }
        found.dedup();
        found
    }

    /// Where a file believes it is: in `outDir`, when it gets there by being compiled.
    pub(super) fn seen_as(&self, file: &Path) -> PathBuf {
        let typed = crate::strapi::script::is_typescript(file);
        match (&self.out_dir, file.strip_prefix(&self.project)) {
            (Some(out_dir), Ok(inner))
                if !file.starts_with(out_dir) && (typed || self.allow_js) =>
            {
                out_dir.join(inner).with_extension("js")
            }
            _ => file.to_owned(),
        }
    }

    /// The file that `require` of an absolute path means: the path itself, with an extension, the index of a folder,
    /// or the source of a compiled file that is not there.
    pub(super) fn locate(&self, path: &Path) -> Option<PathBuf> {
        let path = normal(path);
        probe(&path).or_else(|| {
            let inner = path.strip_prefix(self.out_dir.as_ref()?).ok()?;
            probe(&self.project.join(inner))
        })
    }

    /// A path for messages: relative to the project where it lies inside it.
    pub(super) fn shown(&self, file: &Path) -> PathBuf {
        file.strip_prefix(&self.project).unwrap_or(file).to_owned()
    }
}

fn probe(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_owned());
    }
    let mut files: Vec<PathBuf> = REQUIRED.iter().map(|it| with_suffix(path, it)).collect();
    if path.extension().is_some_and(|extension| extension == "js") {
        files.extend(TYPED.iter().map(|extension| path.with_extension(extension)));
    }
    files.extend(
        REQUIRED
            .iter()
            .map(|extension| path.join("index").with_extension(extension)),
    );
    files.into_iter().find(|file| file.is_file())
}

/// A path with an extension after the one it may have.
fn with_suffix(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

/// A path without `.` and `..`, worked out on the text alone.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// An option of a `tsconfig.json` or of the files it extends, with the folder its paths are relative to. A file that
/// cannot be read or understood has no options: the compiler's defaults are then as good a guess as any.
fn compiler_option(file: &Path, name: &str, depth: u8) -> Option<(PathBuf, Value)> {
    let text = crate::strapi::files::read_text(file).ok()?;
    let config = parse(&text)?;
    let folder = file.parent()?.to_owned();
    if let Some(value) = config
        .get("compilerOptions")
        .and_then(|options| options.get(name))
    {
        return Some((folder, value.clone()));
    }
    let parents = match config.get("extends")? {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let next_depth = depth.checked_sub(1)?;
    parents.iter().rev().find_map(|parent| {
        let parent = parent
            .as_str()
            .filter(|parent| parent.starts_with(['.', '/']))?;
        let path = normal(&folder.join(parent));
        let path = if path.is_file() {
            path
        } else {
            with_suffix(&path, "json")
        };
        compiler_option(&path, name, next_depth)
    })
}

/// What a `tsconfig.json` says, which may begin with a byte order mark and have comments and trailing commas.
fn parse(text: &str) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}');
    jsonc_parser::parse_to_serde_value(text, &ParseOptions::default()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tsconfig_may_have_comments_and_trailing_commas() {
        let text = "\u{feff}{ // outDir: no\r\n \"compilerOptions\": { /* ** */ \"outDir\": \"a//b\\\"c,}\", \
                    \"lib\": [\"es2022\",], },\n} // the end";
        let value = parse(text).expect("a value");
        assert_eq!(value["compilerOptions"]["outDir"], "a//b\"c,}");
        assert_eq!(value["compilerOptions"]["lib"][0], "es2022");
    }

    #[test]
    fn what_cannot_be_understood_has_no_options() {
        let deep = "[".repeat(1_000_000);
        for text in ["{\"compilerOptions\": {", "{} {}", "/*", &deep] {
            assert_eq!(parse(text), None);
        }
    }

    #[test]
    fn paths_lose_their_dots() {
        assert_eq!(normal(Path::new("/a/./b/../c")), Path::new("/a/c"));
    }
}
