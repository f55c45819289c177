//! Which types the code of a project and of its plugins registers for custom fields:
//! `strapi.customFields.register({ name, plugin, type })`. The code is read, and not run.

use oxc_allocator::Allocator;
use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_span::SourceType;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use walkdir::{DirEntry, WalkDir};

/// The largest file that is read; bundles of servers are much smaller.
const LARGEST: u64 = 4 << 20;
/// How many files of one plugin are looked at.
const FILES: usize = 5_000;
/// Folders without code of the server.
const ELSEWHERE: [&str; 3] = ["node_modules", "admin", "tests"];
/// The stack that code is read with: bundles may be nested deeply.
const STACK: usize = 64 << 20;
/// What only registrations in the admin panel have; the types there may be others.
const OF_ADMIN: [&str; 4] = ["pluginId", "intlLabel", "components", "icon"];

/// A custom field that code registers. What the code does not say in so many words is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Registration {
    name: String,
    plugin: Plugin,
    kind: String,
}

/// Which plugin a registration names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Plugin {
    None,
    Named(String),
    Unknown,
}

/// What the code of a project registers; each folder is read when it is asked for.
pub(super) struct Registered {
    root: PathBuf,
    read: HashMap<PathBuf, BTreeSet<Registration>>,
    /// The folders of the plugins, by name.
    plugins: Option<Vec<(String, PathBuf)>>,
}

impl Registered {
    /// What the project in this folder registers.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            read: HashMap::new(),
            plugins: None,
        }
    }

    /// The type of a custom field, where one is registered, and no other.
    pub fn kind(&mut self, field: &str) -> Option<String> {
        let own = self.root.join("src");
        if let Some(name) = field.strip_prefix("global::") {
            let mut folders = vec![own];
            folders.extend(self.plugins().iter().map(|(_, folder)| folder.clone()));
            let fits = |it: &Registration, _: &Path| it.name == name && it.plugin == Plugin::None;
            return self.only(&folders, fits);
        }
        let (plugin, name) = field.strip_prefix("plugin::")?.split_once('.')?;
        let mut folders = Vec::new();
        for (own, folder) in self.plugins() {
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
    ) -> Option<String> {
        for folder in folders {
            let read = self.read.entry(folder.clone());
            let all = read.or_insert_with(|| {
                let folder = folder.clone();
                let reader = thread::Builder::new().stack_size(STACK);
                let reader = reader.spawn(move || registrations(&folder));
                reader
                    .ok()
                    .and_then(|it| it.join().ok())
                    .unwrap_or_default()
            });
            let kinds: BTreeSet<&str> = all
                .iter()
                .filter(|it| fits(it, folder))
                .map(|it| it.kind.as_str())
                .collect();
            match kinds.len() {
                0 => {}
                1 => return kinds.first().map(|kind| (*kind).to_owned()),
                _ => return None,
            }
        }
        None
    }

    /// The plugins in `src/plugins`, and those that package.json depends on.
    fn plugins(&mut self) -> &[(String, PathBuf)] {
        let root = &self.root;
        self.plugins.get_or_insert_with(|| {
            let mut plugins = Vec::new();
            let local = fs::read_dir(root.join("src/plugins"));
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
        })
    }
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
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
fn registrations(folder: &Path) -> BTreeSet<Registration> {
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
        if file.metadata().is_ok_and(|it| it.len() <= LARGEST)
            && let Ok(text) = fs::read_to_string(file.path())
            && text.contains("customFields")
        {
            found.extend(in_code(file.path(), &text));
        }
    }
    found
}

fn is_code(path: &Path) -> bool {
    let extension = path.extension().and_then(|it| it.to_str());
    let of_code = ["js", "cjs", "mjs", "ts", "cts", "mts"];
    extension.is_some_and(|it| of_code.contains(&it)) && !path.to_string_lossy().ends_with(".d.ts")
}

/// What a file registers. One that cannot be read as code registers nothing.
fn in_code(path: &Path, text: &str) -> Vec<Registration> {
    let kind = match path.extension().and_then(|it| it.to_str()) {
        Some("ts" | "cts" | "mts") => SourceType::ts(),
        Some("mjs") => SourceType::mjs(),
        Some("cjs") => SourceType::cjs(),
        _ => SourceType::unambiguous(),
    };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, kind).parse();
    let mut reader = Reader::default();
    reader.visit_program(&parsed.program);
    reader.registrations()
}

/// A value as the code has it.
#[derive(Debug, Clone)]
enum Word {
    Text(String),
    /// A variable.
    Name(String),
    Other,
}

/// An object as the code has it: its properties by name.
type Object = HashMap<String, Word>;

/// What is registered in one place.
enum Registers {
    Object(Object),
    Name(String),
}

/// Collects registrations, and the variables that they may name.
#[derive(Default)]
struct Reader {
    /// `None` where several variables of this name have different values.
    texts: HashMap<String, Option<String>>,
    objects: HashMap<String, Object>,
    found: Vec<Registers>,
}

impl Reader {
    fn registrations(self) -> Vec<Registration> {
        let Self {
            texts,
            objects,
            found,
        } = self;
        let text = |word: Option<&Word>| match word? {
            Word::Text(text) => Some(text.clone()),
            Word::Name(name) => texts.get(name)?.clone(),
            Word::Other => None,
        };
        let registration = |registers: Registers| {
            let object = match registers {
                Registers::Object(object) => object,
                Registers::Name(name) => objects.get(&name)?.clone(),
            };
            if OF_ADMIN.iter().any(|name| object.contains_key(*name)) {
                return None;
            }
            let plugin = match object.get("plugin") {
                None => Plugin::None,
                word => text(word).map_or(Plugin::Unknown, Plugin::Named),
            };
            Some(Registration {
                name: text(object.get("name"))?,
                plugin,
                kind: text(object.get("type"))?,
            })
        };
        found.into_iter().filter_map(registration).collect()
    }

    fn registers(&mut self, expression: &Expression<'_>) {
        match expression.get_inner_expression() {
            Expression::ObjectExpression(it) => self.found.push(Registers::Object(object(it))),
            Expression::Identifier(it) => self.found.push(Registers::Name(it.name.to_string())),
            Expression::ArrayExpression(it) => {
                for element in &it.elements {
                    if let Some(element) = element.as_expression() {
                        self.registers(element);
                    }
                }
            }
            _ => {}
        }
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let (BindingPattern::BindingIdentifier(name), Some(value)) = (&it.id, &it.init) {
            let name = name.name.to_string();
            match value.get_inner_expression() {
                Expression::ObjectExpression(it) => {
                    self.objects.insert(name, object(it));
                }
                value => {
                    if let Word::Text(text) = word(value) {
                        let known = self.texts.entry(name);
                        let known = known.or_insert_with(|| Some(text.clone()));
                        if known.as_ref() != Some(&text) {
                            *known = None;
                        }
                    }
                }
            }
        }
        walk::walk_variable_declarator(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        if let Some((object, "register")) = member(&it.callee)
            && let Some((_, "customFields")) = member(object)
            && let Some(given) = it.arguments.first().and_then(Argument::as_expression)
        {
            self.registers(given);
        }
        walk::walk_call_expression(self, it);
    }
}

/// The object and the property of `object.property`.
fn member<'e, 'a>(it: &'e Expression<'a>) -> Option<(&'e Expression<'a>, &'e str)> {
    let member = it.get_inner_expression().as_member_expression()?;
    Some((member.object(), member.static_property_name()?))
}

fn object(it: &ObjectExpression<'_>) -> Object {
    let mut object = Object::new();
    for property in &it.properties {
        if let ObjectPropertyKind::ObjectProperty(property) = property
            && let Some(name) = property.key.static_name()
        {
            object.insert(name.into_owned(), word(&property.value));
        }
    }
    object
}

fn word(it: &Expression<'_>) -> Word {
    match it.get_inner_expression() {
        Expression::StringLiteral(it) => Word::Text(it.value.to_string()),
        Expression::TemplateLiteral(it) => it
            .single_quasi()
            .map_or(Word::Other, |text| Word::Text(text.to_string())),
        Expression::Identifier(it) => Word::Name(it.name.to_string()),
        _ => Word::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        Registered::new(project(files).path()).kind(field)
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
        ] {
            assert_eq!(kind(&[("src/index.js", code)], "global::a"), None, "{code}");
        }
    }
}
