//! Whether the schemas of source and destination go together (`--schema-strategy`).

use crate::error::{Error, Kind, Result};
use crate::model::{Fields, ModelType, Schema, Schemas, column_kind, elements};
use std::borrow::Cow;

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

/// A difference between two schemas, in the JSON of both.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference<'a> {
    /// The content type or component.
    pub uid: &'a str,
    /// The way to it; empty where it is about the whole type.
    pub path: Vec<Cow<'a, str>>,
    /// What the source says.
    pub source: Option<&'a str>,
    /// What the destination says.
    pub destination: Option<&'a str>,
}

/// The differences that count: a hostile schema may have millions.
struct Differences<'s> {
    strategy: SchemaStrategy,
    source: &'s Schemas,
    destination: &'s Schemas,
    count: u64,
    /// Whether `strict` accepts all of them.
    all_harmless: bool,
    /// The first ones, as text.
    listed: Vec<String>,
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
        if self == Self::Ignore {
            return Ok(());
        }
        let mut found = Differences {
            strategy: self,
            source,
            destination,
            count: 0,
            all_harmless: true,
            listed: Vec::new(),
        };
        found.find();
        if found.count == 0 {
            return Ok(());
        }
        let message = format!(
            "the schemas of archive and project differ in {} place{} (--schema-strategy {}):",
            found.count,
            if found.count == 1 { "" } else { "s" },
            self.as_str()
        );
        let mut list = found.listed;
        if found.count > LISTED as u64 {
            list.push(format!("and {} more", found.count - LISTED as u64));
        }
        let hint = if self == Self::Exact && found.all_harmless {
            "none of these changes the data: use --schema-strategy strict"
        } else {
            "bring the project to the code the archive was made with and start Strapi once, or use \
             --schema-strategy ignore to load what fits"
        };
        Err(Error::new(Kind::Schema, message).listing(list).hint(hint))
    }
}

/// Hands over each difference of two sets of schemas. What a custom field may have been guessed to be does not count.
pub fn each_schema_difference(
    one: &Schemas,
    other: &Schemas,
    each: &mut dyn FnMut(&Difference<'_>),
) {
    find(one, other, &mut |difference| {
        if !difference.is_of_custom_field(one) && !difference.is_of_custom_field(other) {
            each(difference);
        }
    });
}

fn find(source: &Schemas, destination: &Schemas, add: &mut dyn FnMut(&Difference<'_>)) {
    for schema in source.iter() {
        let to = destination.get(&schema.uid).map(Schema::to_line);
        let from = Some(schema.to_line());
        compare(&schema.uid, &mut Vec::new(), from, to, add);
    }
    for schema in destination.iter() {
        if source.get(&schema.uid).is_none() {
            let to = Some(schema.to_line());
            compare(&schema.uid, &mut Vec::new(), None, to, add);
        }
    }
}

/// Compares two values, which are as JavaScript writes them but for the order of members.
fn compare<'a>(
    uid: &'a str,
    path: &mut Vec<Cow<'a, str>>,
    source: Option<&'a str>,
    destination: Option<&'a str>,
    add: &mut dyn FnMut(&Difference<'_>),
) {
    if source == destination {
        return;
    }
    if let (Some(from), Some(to)) = (source, destination) {
        if let (Ok(from), Ok(to)) = (Fields::parse(from), Fields::parse(to)) {
            let added = to.0.iter().filter(|(name, _)| from.get(name).is_none());
            for (name, from) in &from.0 {
                path.push(name.clone());
                compare(uid, path, Some(from), to.get(name), add);
                path.pop();
            }
            for (name, to) in added {
                path.push(name.clone());
                compare(uid, path, None, Some(to), add);
                path.pop();
            }
            return;
        }
        if let (Ok(mut from), Ok(mut to)) = (elements(from), elements(to)) {
            for index in 0_usize.. {
                let (from, to) = (from.next(), to.next());
                if from.is_none() && to.is_none() {
                    return;
                }
                path.push(index.to_string().into());
                compare(uid, path, from, to, add);
                path.pop();
            }
        }
    }
    add(&Difference {
        uid,
        path: path.clone(),
        source,
        destination,
    });
}

impl Differences<'_> {
    fn find(&mut self) {
        find(self.source, self.destination, &mut |difference| {
            self.add(difference)
        });
    }

    fn add(&mut self, difference: &Difference<'_>) {
        let is_harmless = difference.is_harmless(self.source, self.destination);
        if is_harmless && self.strategy == SchemaStrategy::Strict
            || difference.is_of_custom_field(self.destination)
        {
            return;
        }
        self.count += 1;
        self.all_harmless &= is_harmless;
        if self.listed.len() < LISTED {
            self.listed.push(difference.describe());
        }
    }
}

impl Difference<'_> {
    /// Whether `strict` accepts it.
    fn is_harmless(&self, source: &Schemas, destination: &Schemas) -> bool {
        let is_optional = |schema: Option<&Schema>| {
            schema.is_some_and(|schema| {
                schema.model_type == ModelType::ContentType
                    && OPTIONAL_TYPES.contains(&schema.singular_name.as_str())
            })
        };
        match self.path.as_slice() {
            [] => is_optional(source.get(self.uid).or_else(|| destination.get(self.uid))),
            [attributes, _, property] => {
                attributes == "attributes" && HARMLESS.contains(&property.as_ref())
            }
            _ => false,
        }
    }

    /// Whether it is the type of an attribute that is a custom field in the destination, and both types
    /// have the same kind of column: what it is there may have been guessed.
    fn is_of_custom_field(&self, destination: &Schemas) -> bool {
        let ([attributes, attribute, property], Some(from), Some(to)) =
            (self.path.as_slice(), self.source, self.destination)
        else {
            return false;
        };
        let kind = |text| serde_json::from_str::<String>(text).ok();
        let (true, true, Some(from), Some(to)) = (
            attributes == "attributes",
            property == "type",
            kind(from),
            kind(to),
        ) else {
            return false;
        };
        let member = |text, name: &str| Fields::parse(text).ok()?.get(name);
        let custom = destination.get(self.uid).and_then(|schema| {
            let attributes = member(schema.to_line(), "attributes")?;
            member(member(attributes, attribute)?, "customField")
        });
        column_kind(&from) == column_kind(&to) && custom.is_some()
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
        let short = |value: Option<&str>| match value {
            None => "nothing".to_owned(),
            Some(text) => match text.char_indices().nth(60) {
                Some((end, _)) => format!("{}...", &text[..end]),
                None => text.to_owned(),
            },
        };
        format!(
            "{uid}: {place} is {} in the archive, {} in the project",
            short(self.source),
            short(self.destination)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

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
