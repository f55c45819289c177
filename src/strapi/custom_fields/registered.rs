//! Which types the code of a project and of its plugins registers for custom fields, and in which folders that code is.

use super::code::{self, Plugin, Registration};
use crate::database::Stop;
use crate::error::{Error, Result};
use crate::strapi::config::limit::{Clock, Lost, guard};
use crate::strapi::files::read_text;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// How many files of one plugin are looked at.
const FILES: usize = 5_000;
/// Folders without code of the server.
const ELSEWHERE: [&str; 3] = ["node_modules", "admin", "tests"];

/// What the code of a project registers; each folder is read when it is asked for.
pub(super) struct Registered {
    root: PathBuf,
    /// Where its own code is.
    code: PathBuf,
    stop: Stop,
    read: HashMap<PathBuf, BTreeSet<Registration>>,
    /// The folders of the plugins, by name.
    plugins: Option<Vec<(String, PathBuf)>>,
}

impl Registered {
    /// What the project in this folder registers, whose own code is in `code`. It is not waited for once `stop` is requested.
    pub fn new(root: &Path, code: &Path, stop: &Stop) -> Self {
        Self {
            root: root.to_owned(),
            code: code.to_owned(),
            stop: stop.clone(),
            read: HashMap::new(),
            plugins: None,
        }
    }

    /// The type of a custom field, where one is registered, and no other.
    ///
    /// # Errors
    /// Kind [`Interrupted`](crate::error::Kind::Interrupted): that was asked for.
    pub fn kind(&mut self, field: &str) -> Result<Option<String>> {
        let own = self.code.clone();
        if let Some(name) = field.strip_prefix("global::") {
            let mut folders = vec![own];
            folders.extend(self.plugins()?.iter().map(|(_, folder)| folder.clone()));
            let fits = |it: &Registration, _: &Path| it.name == name && it.plugin == Plugin::None;
            return self.only(&folders, fits);
        }
        let named = field.strip_prefix("plugin::");
        let Some((plugin, name)) = named.and_then(|it| it.split_once('.')) else {
            return Ok(None);
        };
        let mut folders = Vec::new();
        for (own, folder) in self.plugins()? {
            if own == plugin {
                folders.push(folder.clone());
            }
        }
        folders.push(own.clone());
        self.only(&folders, |it, folder| {
            let of_plugin = match &it.plugin {
                Plugin::Named(named) => named == plugin,
                // Within its own code it is itself.
                Plugin::Unknown => folder != own,
                Plugin::None => false,
            };
            it.name == name && of_plugin
        })
    }

    /// The type that the first folder with such registrations gives all of them.
    fn only(
        &mut self,
        folders: &[PathBuf],
        fits: impl Fn(&Registration, &Path) -> bool,
    ) -> Result<Option<String>> {
        for folder in folders {
            if !self.read.contains_key(folder) {
                let own = folder.clone();
                let all = self.guarded(move |clock| registrations(&own, &clock))?;
                self.read.insert(folder.clone(), all);
            }
            let kinds: BTreeSet<&str> = self.read[folder]
                .iter()
                .filter(|it| fits(it, folder))
                .map(|it| it.kind.as_str())
                .collect();
            match kinds.len() {
                0 => {}
                1 => return Ok(kinds.first().map(|kind| (*kind).to_owned())),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The folders of the plugins, by name.
    fn plugins(&mut self) -> Result<&[(String, PathBuf)]> {
        let plugins = match self.plugins.take() {
            Some(plugins) => plugins,
            None => {
                let (root, code) = (self.root.clone(), self.code.clone());
                self.guarded(move |_| plugins(&root, &code))?
            }
        };
        Ok(self.plugins.insert(plugins))
    }

    /// What `work` finds, and nothing where it takes too long.
    fn guarded<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(Clock) -> T + Send + 'static,
    ) -> Result<T> {
        match guard(&self.stop, work) {
            Ok(found) => Ok(found),
            Err(Lost::Interrupted) => Err(Error::interrupted()),
            Err(Lost::Overdue(_) | Lost::Broken(_)) => Ok(T::default()),
        }
    }
}

/// The plugins in `plugins` of a project's own code, and those that its package.json depends on.
fn plugins(root: &Path, code: &Path) -> Vec<(String, PathBuf)> {
    let mut plugins = Vec::new();
    let local = fs::read_dir(code.join("plugins"));
    for folder in local.into_iter().flatten().flatten() {
        let path = folder.path();
        let name = plugin_name(&path);
        plugins.extend(name.map(|name| (name, path.clone())));
        // Its name is that under which config/plugins has it, most often the folder's.
        plugins.push((folder.file_name().to_string_lossy().into_owned(), path));
    }
    let manifest = json(&root.join("package.json")).unwrap_or_default();
    let dependencies = manifest.get("dependencies").and_then(Value::as_object);
    for package in dependencies.into_iter().flat_map(|it| it.keys()) {
        // As Node does: workspaces keep node_modules further up.
        let mut places = root
            .ancestors()
            .map(|it| it.join("node_modules").join(package));
        if let Some(folder) = places.find(|it| it.join("package.json").is_file())
            && let Some(name) = plugin_name(&folder)
        {
            plugins.push((name, folder));
        }
    }
    plugins
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_str(&read_text(path).ok()?).ok()
}

/// The name of the plugin in a folder, where its package says that it is one.
fn plugin_name(folder: &Path) -> Option<String> {
    let manifest = json(&folder.join("package.json"))?;
    let strapi = manifest.get("strapi")?;
    let is_plugin = strapi.get("kind").and_then(Value::as_str) == Some("plugin");
    let name = strapi.get("name").and_then(Value::as_str);
    name.filter(|_| is_plugin).map(str::to_owned)
}

/// What the code in a folder registers.
fn registrations(folder: &Path, clock: &Clock) -> BTreeSet<Registration> {
    // Packages of workspaces are links.
    let Ok(folder) = folder.canonicalize() else {
        return BTreeSet::new();
    };
    let is_own = folder.file_name().is_some_and(|name| name == "src");
    let has_code = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        let skipped = ELSEWHERE.contains(&&*name)
            || name.starts_with('.')
            || (is_own && entry.depth() == 1 && name == "plugins");
        entry.depth() == 0 || !(entry.file_type().is_dir() && skipped)
    };
    let mut found = BTreeSet::new();
    let files = WalkDir::new(&folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(has_code)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && is_code(entry.path()));
    for file in files.take(FILES) {
        clock.start(file.path());
        if let Ok(text) = read_text(file.path())
            && text.contains("customFields")
        {
            found.extend(code::registrations(file.path(), &text));
        }
        clock.stop();
    }
    found
}

fn is_code(path: &Path) -> bool {
    let extension = path.extension().and_then(|it| it.to_str());
    let of_code = ["js", "cjs", "mjs", "ts", "cts", "mts"];
    extension.is_some_and(|it| of_code.contains(&it)) && !path.to_string_lossy().ends_with(".d.ts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        folder
    }

    fn kind(files: &[(&str, &str)], field: &str) -> Option<String> {
        let folder = project(files);
        let mut registered =
            Registered::new(folder.path(), &folder.path().join("src"), &Stop::default());
        registered.kind(field).expect("no interruption")
    }

    #[test]
    fn registrations_are_read_from_code_in_many_forms() {
        for code in [
            "module.exports = ({ strapi }) => { strapi.customFields.register({ name: 'map', plugin: 'places', type: 'json' }); };",
            "const PLUGIN_ID = \"places\"; const name = `map`;
             const register = ({ strapi: s }) => { s.customFields.register({ name, plugin: PLUGIN_ID, type: \"json\" }); };",
            "import id from './pluginId'; export default ({ strapi }: { strapi: Strapi }) => {
                 strapi.customFields.register([{ name: 'pin', plugin: id, type: 'string' },
                     { name: 'map', plugin: id, type: 'json' } as const]);
             };",
            "const field: Options = { name: 'map', plugin: 'places', type: 'json' };
             export const register = ({ strapi }) => strapi?.customFields?.register(field);",
            // The admin panel's type may be another.
            "strapi.customFields.register({ name: 'map', plugin: 'places', type: 'json' });
             app.customFields.register({ name: 'map', pluginId: 'places', type: 'string', intlLabel: {} });",
        ] {
            let package = r#"{"strapi": {"kind": "plugin", "name": "places"}}"#;
            let files = [
                ("package.json", r#"{"dependencies": {"@who/places": "1.0.0"}}"#),
                ("node_modules/@who/places/package.json", package),
                ("node_modules/@who/places/dist/server/index.ts", code),
            ];
            assert_eq!(
                kind(&files, "plugin::places.map").as_deref(),
                Some("json"),
                "{code}"
            );
            assert_eq!(kind(&files, "plugin::other.map"), None, "{code}");
        }
    }

    #[test]
    fn the_projects_own_code_registers_global_fields_and_those_of_its_plugins() {
        let files = [
            (
                "src/index.ts",
                "export default { register({ strapi }) {
                    strapi.customFields.register({ name: 'colour', type: 'string' });
                    strapi.customFields.register({ name: 'tree', plugin: 'rules', type: 'json' });
                } };",
            ),
            (
                "src/plugins/notes/strapi-server.js",
                "module.exports = { register({ strapi }) {
                    strapi.customFields.register({ name: 'note', plugin: 'notes', type: 'richtext' });
                } };",
            ),
        ];
        assert_eq!(kind(&files, "global::colour").as_deref(), Some("string"));
        assert_eq!(kind(&files, "plugin::rules.tree").as_deref(), Some("json"));
        assert_eq!(
            kind(&files, "plugin::notes.note").as_deref(),
            Some("richtext")
        );
        assert_eq!(kind(&files, "global::note"), None);
    }

    #[test]
    fn code_that_says_two_things_or_nothing_for_sure_is_not_believed() {
        for code in [
            "s.customFields.register({ name: 'a', type: 'string' }); s.customFields.register({ name: 'a', type: 'text' });",
            "s.customFields.register({ name: 'a', type: process.env.TYPE });",
            "let t = 'text'; { let t = 'string'; } s.customFields.register({ name: 'a', type: t });",
            "s.customFields.register(...all);",
            "// s.customFields.register({ name: 'a', type: 'string' });",
            "s.customFields.register({ name: 'a', type: 'string' }",
            "s.customFields.register({ name: 'a', type: 'string' }); s.customFields.register({ name: 'a', type: T });",
            "s.customFields.register({ name: 'a', type: 'no-type' });",
        ] {
            assert_eq!(kind(&[("src/index.js", code)], "global::a"), None, "{code}");
        }
    }

    #[test]
    fn code_that_is_nested_deep_makes_the_parser_guess_or_is_too_long_says_nothing() {
        let nested = |open: &str, close: &str, times: usize| {
            format!(
                "// customFields\n{}{}",
                open.repeat(times),
                close.repeat(times)
            )
        };
        for (name, text) in [
            ("strapi-server.js", nested("(", ")", 200_000)),
            ("strapi-server.ts", nested("'c <(t= (-+-+-- ", "", 40)),
            ("strapi-server.ts", nested("x = 1<", "", 4_000)),
            ("strapi-server.js", nested("// \n", "", 3 << 20)),
        ] {
            let registers = "s.customFields.register({ name: 'a', plugin: 'x', type: 'json' });";
            let path = format!("src/plugins/x/{name}");
            let files = [(path.as_str(), format!("{registers}{text}"))];
            let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
            assert_eq!(kind(&files, "plugin::x.a"), None, "{name}");
            // What other files say holds.
            let files = [files[0], ("src/plugins/x/other.js", registers)];
            assert_eq!(kind(&files, "plugin::x.a").as_deref(), Some("json"));
        }
    }

    #[test]
    fn code_that_is_nested_deep_is_read() {
        let (open, close) = ("[".repeat(20_000), "]".repeat(20_000));
        let code = format!("{open}s.customFields.register({{ name: 'a', type: 'json' }}){close}");
        let found = kind(&[("src/index.js", &code)], "global::a");
        assert_eq!(found.as_deref(), Some("json"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_or_too_large_is_not_read() {
        let registers = "s.customFields.register({ name: 'a', plugin: 'x', type: 'json' });";
        let folder = project(&[("src/plugins/y/strapi-server.js", registers)]);
        let plugins = folder.path().join("src/plugins");
        let pipe = |name: &str| {
            let path = plugins.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            let made = Command::new("mkfifo").arg(&path).status();
            assert!(made.expect("mkfifo").success());
        };
        pipe("y/package.json");
        pipe("y/a.js");
        let package = r#"{"strapi": {"kind": "plugin", "name": "x"}}"#;
        let large = format!("{package}{}", " ".repeat(9 << 20));
        let mut registered =
            Registered::new(folder.path(), &folder.path().join("src"), &Stop::default());
        let kind = |registered: &mut Registered| registered.kind("plugin::x.a").expect("an answer");
        assert_eq!(kind(&mut registered), None);
        for (text, expected) in [(large.as_str(), None), (package, Some("json"))] {
            fs::remove_file(plugins.join("y/package.json")).expect("removed");
            fs::write(plugins.join("y/package.json"), text).expect("written");
            let mut registered =
                Registered::new(folder.path(), &folder.path().join("src"), &Stop::default());
            assert_eq!(kind(&mut registered).as_deref(), expected);
        }
    }

    #[test]
    fn reading_code_ends_when_that_is_asked_for() {
        let stop = Stop::new(Arc::new(AtomicBool::new(true)));
        let guarded = Registered::new(Path::new("."), Path::new("src"), &stop).guarded(|_| {
            // Nobody waits for it.
            std::thread::park();
        });
        let error = guarded.expect_err("an interruption");
        assert_eq!(error.kind(), Kind::Interrupted);
    }
}
