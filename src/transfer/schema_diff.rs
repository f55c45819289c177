//! Whether the schemas of source and destination go together (`--schema-strategy`).

use crate::error::{Error, Kind, Result};
use crate::model::{ModelType, Schema, Schemas, column_kind};
use serde_json::Value;

/// How much the schemas may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaStrategy {
    /// Not at all.
    #[default]
    Exact,
    /// In `private`, `required`, `configurable` and `default` of attributes, and in types that only
    /// some editions of Strapi have.
    Strict,
    /// Anything goes: what fits is loaded, the rest is listed as lost.
    Ignore,
}

/// Properties of an attribute that say nothing of its data.
const HARMLESS: [&str; 4] = ["private", "required", "configurable", "default"];

/// Content types that only some editions have, by singular name.
const OPTIONAL_TYPES: [&str; 1] = ["audit-log"];

/// How many differences a message lists.
const LISTED: usize = 50;

/// A difference between two schemas.
#[derive(Debug, Clone, PartialEq)]
struct Difference {
    uid: String,
    path: Vec<String>,
    source: Option<Value>,
    destination: Option<Value>,
}

impl SchemaStrategy {
    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Strict => "strict",
            Self::Ignore => "ignore",
        }
    }

    /// Holds the source's schemas against the destination's.
    ///
    /// # Errors
    /// Kind [`Schema`](Kind::Schema): lists what differs, by type and attribute.
    pub fn check(self, source: &Schemas, destination: &Schemas) -> Result<()> {
        let differences: Vec<Difference> = match self {
            Self::Ignore => return Ok(()),
            Self::Exact => differences(source, destination),
            Self::Strict => differences(source, destination)
                .into_iter()
                .filter(|difference| !difference.is_harmless(source, destination))
                .collect(),
        };
        if differences.is_empty() {
            return Ok(());
        }
        let mut message = format!(
            "the schemas of archive and project differ in {} place{} (--schema-strategy {}):",
            differences.len(),
            if differences.len() == 1 { "" } else { "s" },
            self.as_str()
        );
        for difference in differences.iter().take(LISTED) {
            message.push_str("\n  ");
            message.push_str(&difference.describe());
        }
        if differences.len() > LISTED {
            message.push_str(&format!("\n  and {} more", differences.len() - LISTED));
        }
        let hint = if self == Self::Exact
            && differences
                .iter()
                .all(|difference| difference.is_harmless(source, destination))
        {
            "none of these changes the data: use --schema-strategy strict"
        } else {
            "bring the project to the code the archive was made with and start Strapi once, or use \
             --schema-strategy ignore to load what fits"
        };
        Err(Error::new(Kind::Schema, message).hint(hint))
    }
}

fn differences(source: &Schemas, destination: &Schemas) -> Vec<Difference> {
    let mut found = Vec::new();
    for schema in source.iter() {
        let from = Value::Object(schema.json.clone());
        let to = destination
            .get(&schema.uid)
            .map(|schema| Value::Object(schema.json.clone()));
        compare(
            &schema.uid,
            &mut Vec::new(),
            Some(&from),
            to.as_ref(),
            &mut found,
        );
    }
    for schema in destination.iter() {
        if source.get(&schema.uid).is_none() {
            let to = Value::Object(schema.json.clone());
            compare(&schema.uid, &mut Vec::new(), None, Some(&to), &mut found);
        }
    }
    found.retain(|difference| !difference.is_of_custom_field(destination));
    found
}

fn compare(
    uid: &str,
    path: &mut Vec<String>,
    source: Option<&Value>,
    destination: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    match (source, destination) {
        (Some(Value::Object(from)), Some(Value::Object(to))) => {
            let added = to.keys().filter(|key| !from.contains_key(*key));
            for key in from.keys().chain(added) {
                path.push(key.clone());
                compare(uid, path, from.get(key), to.get(key), found);
                path.pop();
            }
        }
        (Some(Value::Array(from)), Some(Value::Array(to))) => {
            for index in 0..from.len().max(to.len()) {
                path.push(index.to_string());
                compare(uid, path, from.get(index), to.get(index), found);
                path.pop();
            }
        }
        (from, to) if from == to => {}
        (from, to) => found.push(Difference {
            uid: uid.to_owned(),
            path: path.clone(),
            source: from.cloned(),
            destination: to.cloned(),
        }),
    }
}

impl Difference {
    /// Whether `strict` accepts it.
    fn is_harmless(&self, source: &Schemas, destination: &Schemas) -> bool {
        let is_optional = |schema: Option<&Schema>| {
            schema.is_some_and(|schema| {
                schema.model_type == ModelType::ContentType
                    && OPTIONAL_TYPES.contains(&schema.singular_name.as_str())
            })
        };
        match self.path.as_slice() {
            [] => is_optional(source.get(&self.uid).or_else(|| destination.get(&self.uid))),
            [attributes, _, property] => {
                attributes == "attributes" && HARMLESS.contains(&property.as_str())
            }
            _ => false,
        }
    }

    /// Whether it is the type of an attribute that is a custom field in the destination, and both types
    /// have the same kind of column: what it is there may have been guessed.
    fn is_of_custom_field(&self, destination: &Schemas) -> bool {
        let ([attributes, attribute, property], Some(Value::String(from)), Some(Value::String(to))) =
            (self.path.as_slice(), &self.source, &self.destination)
        else {
            return false;
        };
        let schema = destination.get(&self.uid);
        let custom = schema.and_then(|it| {
            it.json
                .get("attributes")?
                .get(attribute)?
                .get("customField")
        });
        attributes == "attributes"
            && property == "type"
            && custom.is_some()
            && column_kind(from) == column_kind(to)
    }

    fn describe(&self) -> String {
        let uid = &self.uid;
        let place = match self.path.as_slice() {
            [] => {
                return match self.source {
                    Some(_) => format!("{uid}: the project does not have it"),
                    None => format!("{uid}: only the project has it"),
                };
            }
            [attributes, attribute] if attributes == "attributes" => {
                return match (&self.source, &self.destination) {
                    (Some(_), None) => {
                        format!("{uid}: the project has no attribute `{attribute}`")
                    }
                    _ => format!("{uid}: only the project has the attribute `{attribute}`"),
                };
            }
            [attributes, attribute, rest @ ..] if attributes == "attributes" => {
                format!("attribute `{attribute}`, {}", rest.join("."))
            }
            path => path.join("."),
        };
        let short = |value: &Option<Value>| match value {
            None => "nothing".to_owned(),
            Some(value) => {
                let text = value.to_string();
                match text.char_indices().nth(60) {
                    Some((end, _)) => format!("{}...", &text[..end]),
                    None => text,
                }
            }
        };
        format!(
            "{uid}: {place} is {} in the archive, {} in the project",
            short(&self.source),
            short(&self.destination)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schemas(attributes: Value) -> Schemas {
        let schema = json!({
            "uid": "api::a.a", "modelType": "contentType", "modelName": "a",
            "collectionName": "as", "attributes": attributes,
        });
        let schema = Schema::from_json(schema.as_object().expect("an object")).expect("a schema");
        Schemas::from_iter([schema])
    }

    #[test]
    fn equal_schemas_pass_every_strategy_whatever_the_order_of_their_keys() {
        let a = schemas(json!({"t": {"type": "string", "required": true}}));
        let b = schemas(json!({"t": {"required": true, "type": "string"}}));
        assert!(SchemaStrategy::Exact.check(&a, &b).is_ok());
    }

    #[test]
    fn a_custom_field_may_have_another_type_of_its_kind_of_column() {
        let field = |kind: &str| json!({"t": {"type": kind, "customField": "plugin::a.a"}});
        let check = |from: Value, to: Value| {
            SchemaStrategy::Exact
                .check(&schemas(from), &schemas(to))
                .is_ok()
        };
        assert!(check(field("richtext"), field("text")));
        assert!(check(field("string"), field("uid")));
        assert!(!check(field("string"), field("text")));
        assert!(!check(field("json"), field("text")));
        // Without the custom field it is a change of the schema.
        let plain = |kind: &str| json!({"t": {"type": kind}});
        assert!(!check(plain("richtext"), plain("text")));
        assert!(!check(field("richtext"), plain("text")));
    }

    #[test]
    fn strict_accepts_what_says_nothing_of_the_data() {
        let a = schemas(json!({"t": {"type": "string", "required": true, "default": "x"}}));
        let b = schemas(json!({"t": {"type": "string", "private": true}}));
        let error = SchemaStrategy::Exact
            .check(&a, &b)
            .expect_err("differences");
        assert_eq!(error.kind(), Kind::Schema);
        assert!(error.advice().is_some_and(|hint| hint.contains("strict")));
        assert!(SchemaStrategy::Strict.check(&a, &b).is_ok());
    }

    #[test]
    fn a_changed_type_is_named_with_both_values() {
        let a = schemas(json!({"t": {"type": "string"}}));
        let b = schemas(json!({"t": {"type": "integer"}}));
        let error = SchemaStrategy::Strict
            .check(&a, &b)
            .expect_err("a difference");
        let message = error.to_string();
        assert!(
            message.contains(r#"api::a.a: attribute `t`, type is "string" in the archive, "integer" in the project"#),
            "{message}"
        );
        assert!(SchemaStrategy::Ignore.check(&a, &b).is_ok());
    }

    #[test]
    fn attributes_and_types_of_one_side_are_named() {
        let a = schemas(json!({"t": {"type": "string"}}));
        let b = schemas(json!({}));
        let error = SchemaStrategy::Strict
            .check(&a, &b)
            .expect_err("a difference");
        assert!(
            error
                .to_string()
                .contains("the project has no attribute `t`")
        );
        let error = SchemaStrategy::Strict
            .check(&a, &Schemas::default())
            .expect_err("a difference");
        assert!(
            error
                .to_string()
                .contains("api::a.a: the project does not have it")
        );
    }
}
