//! Content types and components.

use super::entity::{Fields, elements};
use super::json;
use super::limits::DEEPEST_SCHEMA;
use crate::nesting::is_deeper_than;
use serde_json::{Map, Value};

/// The properties of a schema that travel, in the order Strapi writes them
/// (`mapSchemasValues` of `@strapi/data-transfer`).
const EXPORTED: [&str; 11] = [
    "collectionName",
    "info",
    "options",
    "pluginOptions",
    "attributes",
    "kind",
    "modelType",
    "modelName",
    "uid",
    "plugin",
    "globalId",
];

/// Whether a schema is of a content type or of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelType {
    /// A collection type or a single type.
    ContentType,
    /// A component.
    Component,
}

/// What a scalar attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// `string`, `text`, `richtext`, `uid`, `email`, `password`, `enumeration`.
    Text,
    /// `json` and `blocks`.
    Json,
    /// `integer`.
    Integer,
    /// `biginteger`: leaves as a string.
    BigInteger,
    /// `float`.
    Float,
    /// `decimal`.
    Decimal,
    /// `boolean`.
    Boolean,
    /// `date`: `YYYY-MM-DD`.
    Date,
    /// `time`: `HH:mm:ss.SSS`.
    Time,
    /// `datetime`: leaves as ISO 8601 in UTC with milliseconds.
    DateTime,
    /// `timestamp`: leaves as milliseconds since 1970, in a string.
    Timestamp,
}

impl Scalar {
    /// The kind of value behind an attribute's `type`, or `None` where the type is not a scalar one.
    pub fn from_type(name: &str) -> Option<Self> {
        Some(match name {
            "string" | "text" | "richtext" | "uid" | "email" | "password" | "enumeration" => {
                Self::Text
            }
            "json" | "blocks" => Self::Json,
            "integer" => Self::Integer,
            "biginteger" => Self::BigInteger,
            "float" => Self::Float,
            "decimal" => Self::Decimal,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "time" => Self::Time,
            "datetime" => Self::DateTime,
            "timestamp" => Self::Timestamp,
            _ => return None,
        })
    }
}

/// The kind of column that an attribute of this type has in Strapi's tables. Types of one kind differ in
/// the admin panel and in validation alone.
pub fn column_kind(name: &str) -> &str {
    match name {
        "uid" | "email" | "password" | "enumeration" => "string",
        "richtext" => "text",
        "blocks" => "json",
        other => other,
    }
}

/// How many rows stand at each end of a relation, and whether the target's type is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// `oneToOne`
    OneToOne,
    /// `oneToMany`
    OneToMany,
    /// `manyToOne`
    ManyToOne,
    /// `manyToMany`
    ManyToMany,
    /// `morphToOne`: the target's type is stored beside its id, on the row.
    MorphToOne,
    /// `morphToMany`: the same in a join table.
    MorphToMany,
    /// `morphOne` and `morphMany`: the other side of the two above; never stores anything.
    MorphInverse,
}

impl RelationKind {
    /// Strapi's name of the relation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneToOne => "oneToOne",
            Self::OneToMany => "oneToMany",
            Self::ManyToOne => "manyToOne",
            Self::ManyToMany => "manyToMany",
            Self::MorphToOne => "morphToOne",
            Self::MorphToMany => "morphToMany",
            Self::MorphInverse => "morphMany",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "oneToOne" => Self::OneToOne,
            "oneToMany" => Self::OneToMany,
            "manyToOne" => Self::ManyToOne,
            "manyToMany" => Self::ManyToMany,
            "morphToOne" => Self::MorphToOne,
            "morphToMany" => Self::MorphToMany,
            "morphOne" | "morphMany" => Self::MorphInverse,
            _ => return None,
        })
    }

    /// Whether the owning row can have several targets, which makes their order worth a column.
    pub fn any_to_many(self) -> bool {
        matches!(self, Self::OneToMany | Self::ManyToMany)
    }

    /// Whether a target can have several owners.
    pub fn many_to_any(self) -> bool {
        matches!(self, Self::ManyToOne | Self::ManyToMany)
    }
}

/// A relation attribute.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Its kind.
    pub kind: RelationKind,
    /// The uid of the target; morph relations have none.
    pub target: Option<String>,
    /// The attribute of the target that shows the relation from the other side.
    pub inversed_by: Option<String>,
    /// Set on the side that does not own the relation.
    pub mapped_by: Option<String>,
    /// Set on the inverse side of a morph relation.
    pub morph_by: Option<String>,
    /// `useJoinTable: false`: a column on the owner instead of a join table.
    pub use_join_table: bool,
    /// A join column that the schema names itself: its name and the referenced column.
    pub join_column: Option<(String, String)>,
    /// The relation has no storage of its own (`unstable_virtual`), as `localizations` of Strapi 5.
    pub is_virtual: bool,
}

/// An attribute of a content type or component.
#[derive(Debug, Clone)]
pub enum Attribute {
    /// A value in a column.
    Scalar(Scalar),
    /// A relation.
    Relation(Box<Relation>),
    /// Files: the inverse side of `plugin::upload.file.related`.
    Media,
    /// One component, or a list of them.
    Component {
        /// The uid of the component.
        component: String,
        /// Whether it is a list.
        repeatable: bool,
    },
    /// A list of components of several types.
    DynamicZone {
        /// The uids of the components it takes, sorted.
        components: Vec<String>,
    },
    /// A type that neither Strapi's database layer nor this tool stores.
    Unknown(String),
}

/// A content type or a component.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Such as `api::article.article` or `shared.seo`.
    pub uid: String,
    /// Content type or component.
    pub model_type: ModelType,
    /// The name its table is made from.
    pub collection_name: String,
    /// `modelName`, which Strapi's database layer calls the singular name.
    pub singular_name: String,
    /// The attributes, in order.
    pub attributes: Vec<(String, Attribute)>,
    /// The places of the attributes, in the order of their names.
    by_name: Vec<u32>,
    /// The defaults, as JSON, of the attributes that have one, by place.
    defaults: Vec<(u32, Box<str>)>,
    /// What travels: the exported properties, in the exported order.
    line: String,
}

impl Schema {
    /// Reads a schema that was put together from what a project says.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn from_json(source: &Map<String, Value>) -> Result<Self, String> {
        Self::parse(&serde_json::to_string(source).expect("a JSON value serialises"))
    }

    /// Reads a schema. Properties that do not travel (such as `__schema__`) are left behind. No tree is
    /// built of it, which would take a hundred times the memory of the text.
    ///
    /// # Errors
    /// A sentence that says why it is none, or names the property that is missing.
    pub fn parse(source: &str) -> Result<Self, String> {
        if is_deeper_than(DEEPEST_SCHEMA, source.trim_start().as_bytes()) {
            return Err(format!("it is nested deeper than {DEEPEST_SCHEMA} levels"));
        }
        let why = |error: serde_json::Error| error.to_string();
        let fields = Fields::parse(source).map_err(why)?;
        let text = |name: &str| {
            fields
                .text(name)
                .ok_or_else(|| format!("the property `{name}` is missing"))
        };
        let uid = text("uid")?;
        let model_type = match fields.text("modelType").as_deref() {
            Some("component") => ModelType::Component,
            Some("contentType") => ModelType::ContentType,
            _ => return Err("the property `modelType` is missing".into()),
        };
        let (collection_name, singular_name) = (text("collectionName")?, text("modelName")?);
        let mut attributes = Vec::new();
        let mut defaults = Vec::new();
        if let Some(list) = fields.get("attributes").filter(|it| it.starts_with('{')) {
            let list = Fields::parse(list).map_err(|error| format!("`attributes`: {error}"))?;
            attributes.reserve_exact(list.0.len());
            for (place, (name, attribute)) in (0..).zip(list.0) {
                let properties = match attribute.starts_with('{') {
                    true => Fields::parse(attribute)
                        .map_err(|error| format!("attribute `{name}`: {error}"))?,
                    false => Fields(Vec::new()),
                };
                if let Some(default) = properties.get("default") {
                    defaults.push((place, default.into()));
                }
                attributes.push((name.into_owned(), Attribute::of(&properties)));
            }
        }
        let mut by_name: Vec<u32> = (0..).take(attributes.len()).collect();
        by_name.sort_unstable_by_key(|&place| attributes[place as usize].0.as_str());
        let mut line = String::from('{');
        for name in EXPORTED {
            if let Some(value) = fields.get(name) {
                if line.len() > 1 {
                    line.push(',');
                }
                json::write_string(&mut line, name);
                line.push(':');
                json::write_compact(&mut line, value);
            }
        }
        line.push('}');
        line.shrink_to_fit();
        Ok(Self {
            uid,
            model_type,
            collection_name,
            singular_name,
            attributes,
            by_name,
            defaults,
            line,
        })
    }

    /// The place of the attribute of this name.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        let own = |place: &u32| self.attributes[*place as usize].0.as_str();
        let found = self.by_name.binary_search_by(|place| own(place).cmp(name));
        found.ok().map(|index| self.by_name[index] as usize)
    }

    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.place(name).map(|place| &self.attributes[place].1)
    }

    /// Finds attributes one after the other.
    pub fn in_order(&self) -> InOrder<'_> {
        InOrder {
            schema: self,
            next: 0,
        }
    }

    /// The default of the attribute of this name, as JSON.
    pub fn default(&self, name: &str) -> Option<&str> {
        let place = self.place(name)?;
        let own = |(it, _): &(u32, Box<str>)| *it as usize;
        let found = self.defaults.binary_search_by_key(&place, own).ok()?;
        Some(&self.defaults[found].1)
    }

    /// How many things it names that are remembered one by one: itself, its attributes, and the
    /// components that its dynamic zones take.
    pub fn parts(&self) -> usize {
        let attributes = self.attributes.iter();
        1 + attributes
            .map(|(_, attribute)| match attribute {
                Attribute::DynamicZone { components } => 1 + components.len(),
                _ => 1,
            })
            .sum::<usize>()
    }

    /// The line of `schemas/*.jsonl`: the exported properties, in the exported order.
    pub fn to_line(&self) -> &str {
        &self.line
    }
}

impl Attribute {
    fn of(properties: &Fields<'_>) -> Self {
        let text = |name: &str| properties.text(name);
        let flag = |name: &str| properties.get(name) == Some("true");
        let name = text("type").unwrap_or_default();
        match name.as_str() {
            "media" => Self::Media,
            "component" => Self::Component {
                component: text("component").unwrap_or_default(),
                repeatable: flag("repeatable"),
            },
            "dynamiczone" => {
                let taken = properties.get("components").map(elements);
                let mut components: Vec<String> = taken
                    .and_then(Result::ok)
                    .into_iter()
                    .flatten()
                    .filter_map(|uid| serde_json::from_str(uid).ok())
                    .collect();
                components.sort_unstable();
                components.dedup();
                components.shrink_to_fit();
                Self::DynamicZone { components }
            }
            "relation" => match text("relation")
                .as_deref()
                .and_then(RelationKind::from_name)
            {
                Some(kind) => Self::Relation(Box::new(Relation {
                    kind,
                    target: text("target"),
                    inversed_by: text("inversedBy"),
                    mapped_by: text("mappedBy"),
                    morph_by: text("morphBy"),
                    use_join_table: properties.get("useJoinTable") != Some("false"),
                    join_column: properties.get("joinColumn").and_then(|column| {
                        let column = Fields::parse(column).ok()?;
                        Some((
                            column.text("name")?,
                            column.text("referencedColumn").unwrap_or("id".into()),
                        ))
                    }),
                    is_virtual: flag("unstable_virtual"),
                })),
                None => Self::Unknown(name),
            },
            other => Scalar::from_type(other).map_or(Self::Unknown(name), Self::Scalar),
        }
    }
}

/// How many attributes behind the last one are looked at before all are.
const NEAR: usize = 4;

/// Finds the attributes of a schema by their names. The members of a row mostly stand in the order of the
/// schema, where the next one is found at once.
#[derive(Debug)]
pub struct InOrder<'s> {
    schema: &'s Schema,
    next: usize,
}

impl<'s> InOrder<'s> {
    /// The attribute of this name, and its place.
    pub(super) fn find(&mut self, name: &str) -> Option<(usize, &'s Attribute)> {
        let rest = self.schema.attributes.iter().skip(self.next).take(NEAR);
        let near = rest.map(|(own, _)| own).position(|own| own == name);
        let place = match near {
            Some(steps) => self.next + steps,
            None => self.schema.place(name)?,
        };
        self.next = place + 1;
        Some((place, &self.schema.attributes[place].1))
    }

    /// The attribute of this name.
    pub fn attribute(&mut self, name: &str) -> Option<&'s Attribute> {
        self.find(name).map(|(_, attribute)| attribute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_by_name_and_keep_their_order_and_defaults() {
        let names: Vec<String> = (0..1000)
            .map(|number| format!("a{}", number * 7 % 1000))
            .collect();
        let attributes: Vec<String> = names
            .iter()
            .map(|name| format!(r#""{name}":{{"type":"string", "default" : "{name}"}}"#))
            .collect();
        let text = format!(
            r#"{{"uid":"a.b","modelType":"component","modelName":"b","collectionName":"bs","other":1,
                "attributes":{{{},"z":{{"type":"dynamiczone","components":["a.c","a.b"]}}}}}}"#,
            attributes.join(",")
        );
        let schema = Schema::parse(&text).expect("a schema");
        assert!(
            schema
                .attributes
                .iter()
                .map(|(name, _)| name)
                .eq(names.iter().chain([&"z".into()]))
        );
        for name in &names {
            assert!(matches!(
                schema.attribute(name),
                Some(Attribute::Scalar(Scalar::Text))
            ));
            assert_eq!(schema.default(name), Some(format!("\"{name}\"").as_str()));
        }
        assert!(schema.attribute("a1000").is_none() && schema.default("z").is_none());
        let mut attributes = schema.in_order();
        let places = [0, 1, 3, 9, 999, 5, 6, 6, 1000].map(|place: usize| {
            let (found, _) = attributes.find(&schema.attributes[place].0)?;
            let is_none = attributes.find("a1000").is_none();
            is_none.then_some(found)
        });
        let expected = [0, 1, 3, 9, 999, 5, 6, 6, 1000].map(Some);
        assert_eq!(places, expected, "in any order");
        assert_eq!(schema.parts(), 1 + 1000 + 3);
        let line = schema.to_line();
        assert!(line.starts_with(
            r#"{"collectionName":"bs","attributes":{"a0":{"type":"string","default":"a0"},"#
        ));
        assert!(
            line.ends_with(r#""modelType":"component","modelName":"b","uid":"a.b"}"#),
            "{line}"
        );
    }

    #[test]
    fn a_schema_that_is_nested_deep_is_none() {
        let text = format!(r#"{{"uid":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        let error = Schema::parse(&text).expect_err("too deep");
        assert!(error.contains("deeper than 127"), "{error}");
    }
}
