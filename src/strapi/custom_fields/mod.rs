//! The types of custom fields.
//!
//! Strapi gives each attribute that is a custom field the type that its plugin registered, once all
//! plugins have run. Content types are written down after that; components are not, and stand in files
//! where the type is `customField`. What it is then is learned from a content type that uses the same
//! custom field, else from the code that registers it, which is read and not run, else from what is known
//! of common plugins, else from the column.

mod registered;

use super::identifiers::Naming;
use crate::model::column_kind;
use crate::transfer::{Subject, Warning, WarningKind};
use registered::Registered;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What stands in files instead of a type.
const CUSTOM_FIELD: &str = "customField";

/// Custom fields of common plugins, with the types that they register.
const KNOWN: [(&str, &str); 11] = [
    ("plugin::ckeditor.CKEditor", "richtext"),
    ("plugin::ckeditor5.CKEditor", "richtext"),
    ("plugin::color-picker.color", "string"),
    ("plugin::country-select.country", "string"),
    ("plugin::geodata.geojson", "json"),
    ("plugin::jodit-editor.jodit", "richtext"),
    ("plugin::magic-editor-x.richtext", "text"),
    ("plugin::multi-select.multi-select", "json"),
    ("plugin::strapi-advanced-uuid.uuid", "uid"),
    ("plugin::tiptap.TipTap", "richtext"),
    ("plugin::tiptap-editor.RichText", "text"),
];

/// How a type that nothing says for sure was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guess {
    Known,
    Column,
}

/// Finds the types of custom fields.
pub(super) struct CustomFields {
    /// Those that content types use; `None` where they do not agree.
    used: HashMap<String, Option<String>>,
    registered: Registered,
    guesses: BTreeMap<(String, String), (Guess, u64)>,
}

impl CustomFields {
    /// Those of the project in the folder `root` with these content types.
    pub fn new(root: &Path, content_types: &[Map<String, Value>]) -> Self {
        let mut used: HashMap<String, Option<String>> = HashMap::new();
        let attributes = content_types
            .iter()
            .filter_map(|json| json.get("attributes")?.as_object());
        for attribute in attributes.flat_map(Map::values) {
            let text = |name: &str| attribute.get(name).and_then(Value::as_str);
            if let (Some(field), Some(kind)) = (text(CUSTOM_FIELD), text("type"))
                && kind != CUSTOM_FIELD
            {
                let known = used.entry(field.to_owned());
                let known = known.or_insert_with(|| Some(kind.to_owned()));
                if known.as_deref() != Some(kind) {
                    *known = None;
                }
            }
        }
        Self {
            used,
            registered: Registered::new(root),
            guesses: BTreeMap::new(),
        }
    }

    /// Gives the custom fields of a content type or component their types. `column` says what type a
    /// column was made for.
    pub fn resolve(
        &mut self,
        json: &mut Map<String, Value>,
        naming: Naming,
        column: impl Fn(&str, &str) -> Option<&'static str>,
    ) {
        let collection = json.get("collectionName").and_then(Value::as_str);
        let table = collection
            .map(|collection| naming.table(collection))
            .unwrap_or_default();
        let Some(Value::Object(attributes)) = json.get_mut("attributes") else {
            return;
        };
        for (name, attribute) in attributes {
            if attribute.get("type").and_then(Value::as_str) != Some(CUSTOM_FIELD) {
                continue;
            }
            let field = attribute.get(CUSTOM_FIELD).and_then(Value::as_str);
            let made = column(&table, &naming.column(name));
            if let Some(kind) = self.kind(field.unwrap_or_default(), made) {
                attribute["type"] = kind.into();
            }
        }
    }

    /// The type of the custom field `field`, one of whose columns was made for the type `made`.
    fn kind(&mut self, field: &str, made: Option<&'static str>) -> Option<String> {
        if let Some(Some(kind)) = self.used.get(field) {
            return Some(kind.clone());
        }
        if let Some(kind) = self.registered.kind(field) {
            return Some(kind);
        }
        let fits = |kind: &str| made.is_none_or(|made| column_kind(made) == column_kind(kind));
        let known = KNOWN.iter().find(|(own, kind)| *own == field && fits(kind));
        let (kind, guess) = match known {
            Some((_, kind)) => (*kind, Guess::Known),
            None => (made?, Guess::Column),
        };
        let count = self.guesses.entry((field.to_owned(), kind.to_owned()));
        count.or_insert((guess, 0)).1 += 1;
        Some(kind.to_owned())
    }

    /// What was taken for true although nothing in the project says it.
    pub fn guesses(self) -> Vec<Warning> {
        let warning = |((field, kind), (guess, count)): ((String, String), (Guess, u64))| {
            let why = match guess {
                Guess::Known => "which its plugin is known for",
                Guess::Column => "which its column was made for",
            };
            let reason = format!(
                "no code in the project says which type it has; its components are exported with \
                 `{kind}`, {why}"
            );
            Warning::new(WarningKind::Notice, Subject::CustomField(field), reason).times(count)
        };
        self.guesses.into_iter().map(warning).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    /// The types that fields get in a project with these files, and what was guessed.
    fn types(
        files: &[(&str, &str)],
        fields: &[(&str, &'static str)],
    ) -> (Vec<String>, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        let page = json!({"attributes": {
            "body": {"type": "text", "customField": "plugin::seen.body"},
            "one": {"type": "text", "customField": "plugin::seen.torn"},
            "other": {"type": "string", "customField": "plugin::seen.torn"},
        }});
        let mut custom = CustomFields::new(folder.path(), &[object(page)]);
        let kind = |(field, made): &(&str, &'static str)| {
            let mut component = object(json!({
                "collectionName": "components_a_bs",
                "attributes": {"it": {"type": "customField", "customField": field}},
            }));
            custom.resolve(&mut component, Naming::V5, |_, _| Some(*made));
            let kind = component["attributes"]["it"]["type"].as_str();
            kind.expect("a text").to_owned()
        };
        let kinds = fields.iter().map(kind).collect();
        let guesses = custom.guesses();
        (kinds, guesses.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_custom_field_has_the_type_that_content_types_give_it() {
        let files = [(
            "src/index.js",
            "module.exports = {register({strapi}) {
                strapi.customFields.register({name: 'torn', plugin: 'seen', type: 'email'});
                strapi.customFields.register({name: 'body', plugin: 'seen', type: 'richtext'});
            }};",
        )];
        let fields = [
            ("plugin::seen.body", "text"),
            ("plugin::seen.torn", "string"),
        ];
        let (kinds, guesses) = types(&files, &fields);
        assert_eq!(kinds, ["text", "email"]);
        assert_eq!(guesses, [""; 0]);
    }

    #[test]
    fn what_is_only_known_or_guessed_is_said() {
        let fields = [
            ("plugin::ckeditor5.CKEditor", "text"),
            ("plugin::ckeditor5.CKEditor", "text"),
            // Another plugin of this name.
            ("plugin::multi-select.multi-select", "string"),
            ("plugin::nobody.knows", "boolean"),
        ];
        let (kinds, guesses) = types(&[], &fields);
        assert_eq!(kinds, ["richtext", "richtext", "string", "boolean"]);
        let starts = [
            "the custom field plugin::ckeditor5.CKEditor: no code in the project says",
            "the custom field plugin::multi-select.multi-select: no code",
            "the custom field plugin::nobody.knows: no code",
        ];
        assert_eq!(guesses.len(), starts.len(), "{guesses:#?}");
        for (guess, start) in guesses.iter().zip(starts) {
            assert!(guess.starts_with(start), "{guess}");
        }
        assert!(guesses[0].ends_with("with `richtext`, which its plugin is known for"));
        assert!(guesses[1].ends_with("with `string`, which its column was made for"));
    }
}
