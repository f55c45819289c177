//! The types of custom fields.
//!
//! Strapi gives each attribute that is a custom field the type that its plugin registered, once all
//! plugins have run. Content types are written down after that; components are not, and stand in files
//! where the type is `customField`. What it is then is learned from a content type that uses the same
//! custom field, else from the code that registers it, which is read and not run, else from what is known
//! of common plugins, else from the column.

mod code;
mod registered;

use super::identifiers::Naming;
use crate::database::Stop;
use crate::error::Result;
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Guess {
    Known,
    Column,
    /// From the column as well, although content types or code say this one.
    NotAsSaid(SaidBy, String),
}

/// What says a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum SaidBy {
    ContentTypes,
    Code,
}

/// Finds the types of custom fields.
pub(super) struct CustomFields {
    /// Those that content types use; `None` where they do not agree.
    used: HashMap<String, Option<String>>,
    registered: Registered,
    guesses: BTreeMap<(String, String, Guess), u64>,
}

impl CustomFields {
    /// Those of the project in the folder `root`, whose own code is in `code`, with these content types. Its code is not waited for once
    /// `stop` is requested.
    pub fn new(
        root: &Path,
        code: &Path,
        content_types: &[Map<String, Value>],
        stop: &Stop,
    ) -> Self {
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
            registered: Registered::new(root, code, stop),
            guesses: BTreeMap::new(),
        }
    }

    /// Gives the custom fields of a content type or component their types. `column` says what type a
    /// column was made for.
    ///
    /// # Errors
    /// Kind [`Interrupted`](crate::error::Kind::Interrupted): that was asked for.
    pub fn resolve(
        &mut self,
        json: &mut Map<String, Value>,
        naming: Naming,
        column: impl Fn(&str, &str) -> Option<&'static str>,
    ) -> Result<()> {
        let collection = json.get("collectionName").and_then(Value::as_str);
        let table = collection
            .map(|collection| naming.table(collection))
            .unwrap_or_default();
        let Some(Value::Object(attributes)) = json.get_mut("attributes") else {
            return Ok(());
        };
        for (name, attribute) in attributes {
            if attribute.get("type").and_then(Value::as_str) != Some(CUSTOM_FIELD) {
                continue;
            }
            let field = attribute.get(CUSTOM_FIELD).and_then(Value::as_str);
            let made = column(&table, &naming.column(name));
            if let Some(kind) = self.kind(field.unwrap_or_default(), made)? {
                attribute["type"] = kind.into();
            }
        }
        Ok(())
    }

    /// The type of the custom field `field`, one of whose columns was made for the type `made`.
    fn kind(&mut self, field: &str, made: Option<&'static str>) -> Result<Option<String>> {
        let used = self.used.get(field).cloned().flatten();
        let said = match used {
            Some(kind) => Some((kind, SaidBy::ContentTypes)),
            None => {
                let kind = self.registered.kind(field)?;
                kind.map(|kind| (kind, SaidBy::Code))
            }
        };
        let fits = |kind: &str| made.is_none_or(|made| column_kind(made) == column_kind(kind));
        let known = KNOWN.iter().find(|(own, kind)| *own == field && fits(kind));
        let (kind, guess) = match (said, known, made) {
            (Some((kind, _)), _, _) if fits(&kind) => return Ok(Some(kind)),
            (Some((kind, by)), _, Some(made)) => (made, Guess::NotAsSaid(by, kind)),
            (_, Some((_, kind)), _) => (*kind, Guess::Known),
            (_, None, Some(made)) => (made, Guess::Column),
            (_, None, None) => return Ok(None),
        };
        let guess = (field.to_owned(), kind.to_owned(), guess);
        *self.guesses.entry(guess).or_default() += 1;
        Ok(Some(kind.to_owned()))
    }

    /// What was taken for true although nothing in the project says it.
    pub fn guesses(self) -> Vec<Warning> {
        let warning = |((field, kind, guess), count): ((String, String, Guess), u64)| {
            let nothing = "no code in the project says for certain which type it has".to_owned();
            let (said, why) = match guess {
                Guess::Known => (nothing, "which its plugin is known for"),
                Guess::Column => (nothing, "which its column was made for"),
                Guess::NotAsSaid(by, said) => {
                    let by = match by {
                        SaidBy::ContentTypes => "content types use it",
                        SaidBy::Code => "its code registers it",
                    };
                    let said =
                        format!("{by} with the type `{said}`, which does not fit its column");
                    (said, "which its column was made for")
                }
            };
            let reason = format!("{said}; its components are exported with `{kind}`, {why}");
            Warning::new(WarningKind::Notice, Subject::CustomField(field), reason).times(count)
        };
        self.guesses.into_iter().map(warning).collect()
    }
}

/// For [`crate::fuzzing`]: reads what a file of code registers.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn read_code(file: &Path, text: &str) {
    let _ = code::registrations(file, text);
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
        let mut custom = CustomFields::new(
            folder.path(),
            &folder.path().join("src"),
            &[object(page)],
            &Stop::default(),
        );
        let kind = |(field, made): &(&str, &'static str)| {
            let mut component = object(json!({
                "collectionName": "components_a_bs",
                "attributes": {"it": {"type": "customField", "customField": field}},
            }));
            let resolved = custom.resolve(&mut component, Naming::V5, |_, _| Some(*made));
            resolved.expect("no interruption");
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

    #[test]
    fn a_type_that_does_not_fit_the_column_is_not_taken_and_that_is_said() {
        let code = "s.customFields.register([{name: 'torn', plugin: 'seen', type: 'json'},
            {name: 'CKEditor', plugin: 'ckeditor', type: 'json'}]);";
        let files = [("src/index.js", code)];
        let fields = [
            ("plugin::seen.body", "string"),
            ("plugin::seen.body", "text"),
            ("plugin::seen.torn", "string"),
            ("plugin::seen.torn", "json"),
            ("plugin::ckeditor.CKEditor", "text"),
        ];
        let (kinds, guesses) = types(&files, &fields);
        assert_eq!(kinds, ["string", "text", "string", "json", "text"]);
        let expected = [
            "the custom field plugin::ckeditor.CKEditor: its code registers it with the type `json`, \
             which does not fit its column; its components are exported with `text`, which its \
             column was made for",
            "the custom field plugin::seen.body: content types use it with the type `text`, which \
             does not fit its column; its components are exported with `string`, which its column \
             was made for",
            "the custom field plugin::seen.torn: its code registers it with the type `json`, which \
             does not fit its column; its components are exported with `string`, which its column \
             was made for",
        ];
        assert_eq!(guesses, expected);
    }
}
