//! Content types and components.

use super::json;
use serde_json::{Map, Value};
use std::collections::HashMap;

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
    Relation(Relation),
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
        /// The uids of the components it takes.
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
    /// What travels: the exported properties, in the exported order.
    pub json: Map<String, Value>,
}

impl Schema {
    /// Reads a schema. Properties that do not travel (such as `__schema__`) are left behind.
    ///
    /// # Errors
    /// A sentence that names the property that is missing.
    pub fn from_json(source: &Map<String, Value>) -> Result<Self, String> {
        let text = |name: &str| {
            source
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| format!("the property `{name}` is missing"))
        };
        let uid = text("uid")?;
        let model_type = match source.get("modelType").and_then(Value::as_str) {
            Some("component") => ModelType::Component,
            Some("contentType") => ModelType::ContentType,
            _ => return Err("the property `modelType` is missing".into()),
        };
        let attributes = match source.get("attributes") {
            Some(Value::Object(attributes)) => attributes
                .iter()
                .map(|(name, attribute)| (name.clone(), Attribute::from_json(attribute)))
                .collect(),
            _ => Vec::new(),
        };
        let json = EXPORTED
            .iter()
            .filter_map(|&name| Some((name.to_owned(), source.get(name)?.clone())))
            .collect();
        Ok(Self {
            collection_name: text("collectionName")?,
            singular_name: text("modelName")?,
            uid,
            model_type,
            attributes,
            json,
        })
    }

    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find_map(|(own, attribute)| (own == name).then_some(attribute))
    }

    /// The line of `schemas/*.jsonl`.
    pub fn to_line(&self) -> String {
        let text = serde_json::to_string(&self.json).expect("a JSON value serialises");
        let mut line = Vec::with_capacity(text.len());
        json::write_compact(&mut line, &text);
        String::from_utf8(line).expect("it was made from text")
    }
}

impl Attribute {
    fn from_json(json: &Value) -> Self {
        let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
        let flag = |name: &str| json.get(name).and_then(Value::as_bool).unwrap_or(false);
        let name = text("type").unwrap_or_default();
        match name.as_str() {
            "media" => Self::Media,
            "component" => Self::Component {
                component: text("component").unwrap_or_default(),
                repeatable: flag("repeatable"),
            },
            "dynamiczone" => Self::DynamicZone {
                components: json
                    .get("components")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(|uid| uid.as_str().map(str::to_owned))
                    .collect(),
            },
            "relation" => match text("relation")
                .as_deref()
                .and_then(RelationKind::from_name)
            {
                Some(kind) => Self::Relation(Relation {
                    kind,
                    target: text("target"),
                    inversed_by: text("inversedBy"),
                    mapped_by: text("mappedBy"),
                    morph_by: text("morphBy"),
                    use_join_table: json.get("useJoinTable").and_then(Value::as_bool)
                        != Some(false),
                    join_column: json.get("joinColumn").and_then(|column| {
                        let part = |name: &str| {
                            column.get(name).and_then(Value::as_str).map(str::to_owned)
                        };
                        Some((
                            part("name")?,
                            part("referencedColumn").unwrap_or("id".into()),
                        ))
                    }),
                    is_virtual: flag("unstable_virtual"),
                }),
                None => Self::Unknown(name),
            },
            other => Scalar::from_type(other).map_or(Self::Unknown(name), Self::Scalar),
        }
    }
}

/// All content types and components of a project or an archive, in their order.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    list: Vec<Schema>,
    by_uid: HashMap<String, usize>,
}

impl Schemas {
    /// Adds a schema; a second one of the same uid replaces the first.
    pub fn push(&mut self, schema: Schema) {
        match self.by_uid.get(&schema.uid) {
            Some(&index) => self.list[index] = schema,
            None => {
                self.by_uid.insert(schema.uid.clone(), self.list.len());
                self.list.push(schema);
            }
        }
    }

    /// The schema of this uid.
    pub fn get(&self, uid: &str) -> Option<&Schema> {
        self.by_uid.get(uid).map(|&index| &self.list[index])
    }

    /// All schemas, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Schema> {
        self.list.iter()
    }

    /// The content types, in order.
    pub fn content_types(&self) -> impl Iterator<Item = &Schema> {
        self.iter()
            .filter(|schema| schema.model_type == ModelType::ContentType)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl FromIterator<Schema> for Schemas {
    fn from_iter<I: IntoIterator<Item = Schema>>(schemas: I) -> Self {
        let mut all = Self::default();
        schemas.into_iter().for_each(|schema| all.push(schema));
        all
    }
}
