//! From schemas to tables: which table, columns and join tables hold a content type or component.
//!
//! The rules are those of `createMetadata` in `@strapi/database` and
//! `transformContentTypesToModels` in `@strapi/core`.

use super::dialect::Dialect;
use super::relations::{Order, Sharing, Storage, StoredRelation, storage};
use super::values::{self, Home, Kept};
use crate::database::{Connection, Value};
use crate::error::{Error, Result};
use crate::model::{Attribute, ModelType, RelationKind, Scalar, Schema, Schemas, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Tables of internal models that belong to the content and are emptied with it: they describe rows
/// that a restore replaces, and no archive carries them.
pub(super) const INTERNAL_TABLES: [&str; 3] = [
    "strapi_history_versions",
    "strapi_ai_metadata_jobs",
    "strapi_ai_localization_jobs",
];
/// The attribute that joins the versions of a document in Strapi 5.
pub(super) const DOCUMENT_ID: &str = "documentId";

/// The column of [`DOCUMENT_ID`].
const DOCUMENT_COLUMN: &str = "document_id";

/// An attribute in a column.
#[derive(Debug, Clone)]
pub(super) struct ColumnMapping {
    pub column: String,
    pub attribute: String,
    /// How the member of a JSON object begins that is this attribute.
    pub member: String,
    pub scalar: Scalar,
    home: Arc<Home>,
}

impl ColumnMapping {
    fn new(column: String, attribute: &str, scalar: Scalar, home: &Arc<Home>) -> Self {
        let mut member = String::new();
        json::write_string(&mut member, attribute);
        member.push(':');
        Self {
            column,
            attribute: attribute.to_owned(),
            member,
            scalar,
            home: Arc::clone(home),
        }
    }

    /// Appends a column's value as the JSON value of its attribute.
    pub fn write(&self, out: &mut String, value: &Value<'_>) -> Kept {
        values::write(out, &self.home, self.scalar, value)
    }

    /// The value to store for the JSON value `text` of the attribute.
    ///
    /// # Errors
    /// A sentence that says why the value does not fit the attribute's type.
    pub fn read<'a>(&self, text: &'a str) -> Result<Value<'a>, String> {
        values::read(&self.home, self.scalar, text)
    }
}

/// An attribute that holds components.
#[derive(Debug, Clone)]
pub(super) struct ComponentField {
    pub attribute: String,
    pub shape: ComponentShape,
}

/// What an attribute that holds components holds.
#[derive(Debug, Clone)]
pub(super) enum ComponentShape {
    /// One component.
    Single(String),
    /// A list of components of one type.
    Repeatable(String),
    /// A list of components of these types.
    Zone(Vec<String>),
}

/// The table that joins rows to their components. Its other columns are `entity_id`,
/// `component_type`, `field` and `order`.
#[derive(Debug, Clone)]
pub(super) struct ComponentTable {
    pub table: String,
    pub id_column: String,
}

/// A content type or component and where it is stored.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub uid: String,
    pub model_type: ModelType,
    pub table: String,
    /// In the order of the table, once its real names are known: Strapi writes attributes so.
    pub columns: Vec<ColumnMapping>,
    pub component_fields: Vec<ComponentField>,
    pub component_table: Option<ComponentTable>,
    pub relations: Vec<StoredRelation>,
}

impl Model {
    /// The relation that an attribute stores.
    pub fn relation(&self, attribute: &str) -> Option<&StoredRelation> {
        self.relations
            .iter()
            .find(|relation| relation.attribute == attribute)
    }

    /// Whether it is a component.
    pub fn is_component(&self) -> bool {
        self.model_type == ModelType::Component
    }

    /// The place of an attribute among the columns. It is looked for at `next` first, for members of a row
    /// mostly stand in the order of the columns.
    pub fn place_of(&self, attribute: &str, next: usize) -> Option<usize> {
        let is_it = |mapping: &ColumnMapping| mapping.attribute == attribute;
        match self.columns.get(next) {
            Some(mapping) if is_it(mapping) => Some(next),
            _ => self.columns.iter().position(is_it),
        }
    }

    /// The column of an attribute, if it has one.
    pub fn column_of(&self, attribute: &str) -> Option<&str> {
        let mut columns = self.columns.iter();
        let mapping = columns.find(|mapping| mapping.attribute == attribute)?;
        Some(&mapping.column)
    }

    pub fn new(
        schema: &Schema,
        schemas: &Schemas,
        dialect: Dialect,
        home: &Arc<Home>,
    ) -> Result<Self> {
        let naming = dialect.naming();
        let table = naming.table(&schema.collection_name);
        let mut columns = Vec::new();
        let mut component_fields = Vec::new();
        let mut relations = Vec::new();
        if dialect.has_document_ids() && schema.model_type == ModelType::ContentType {
            let column = DOCUMENT_COLUMN.into();
            columns.push(ColumnMapping::new(column, DOCUMENT_ID, Scalar::Text, home));
        }
        for (name, attribute) in &schema.attributes {
            match attribute {
                Attribute::Scalar(scalar) => {
                    let column = naming.column(name);
                    columns.push(ColumnMapping::new(column, name, *scalar, home));
                }
                Attribute::Component {
                    component,
                    repeatable,
                } => component_fields.push(ComponentField {
                    attribute: name.clone(),
                    shape: if *repeatable {
                        ComponentShape::Repeatable(component.clone())
                    } else {
                        ComponentShape::Single(component.clone())
                    },
                }),
                Attribute::DynamicZone { components } => component_fields.push(ComponentField {
                    attribute: name.clone(),
                    shape: ComponentShape::Zone(components.clone()),
                }),
                Attribute::Relation(relation) => {
                    let owns = relation.mapped_by.is_none()
                        && relation.morph_by.is_none()
                        && relation.kind != RelationKind::MorphInverse;
                    if owns
                        && let Some(storage) =
                            storage(name, relation, schema, &table, schemas, naming)?
                    {
                        relations.push(StoredRelation {
                            attribute: name.clone(),
                            kind: relation.kind,
                            target: relation.target.clone(),
                            inversed_by: relation.inversed_by.clone(),
                            storage,
                            sharing: Sharing::Alone,
                        });
                    }
                }
                Attribute::Media => {}
                Attribute::Unknown(kind) => {
                    return Err(Error::failed(format!(
                        "attribute `{name}` of {} has the type `{kind}`, which cannot be mapped",
                        schema.uid
                    ))
                    .hint("start Strapi once, with the plugin that brings this type installed"));
                }
            }
        }
        let component_table = (!component_fields.is_empty()).then(|| ComponentTable {
            table: naming.component_table(&schema.collection_name),
            id_column: naming.component_id_column(),
        });
        Ok(Self {
            uid: schema.uid.clone(),
            model_type: schema.model_type,
            table,
            columns,
            component_fields,
            component_table,
            relations,
        })
    }

    /// Every table with the columns that must be in it, the model's own first. Names can be changed.
    fn needs(&mut self) -> Vec<(&mut String, Vec<&mut String>)> {
        let mut own: Vec<&mut String> = self.columns.iter_mut().map(|c| &mut c.column).collect();
        let mut needs = Vec::new();
        for relation in &mut self.relations {
            match &mut relation.storage {
                Storage::JoinColumn { column, .. } => own.push(column),
                Storage::MorphColumns { id, type_ } => own.extend([id, type_]),
                Storage::JoinTable {
                    table,
                    left,
                    right,
                    left_order,
                    right_order,
                    has_id: _,
                } => {
                    let orders = [left_order, right_order];
                    let orders = orders.into_iter().filter_map(Order::column_mut);
                    needs.push((table, [left, right].into_iter().chain(orders).collect()));
                }
                Storage::MorphTable {
                    table,
                    left,
                    id,
                    type_,
                    has_id: _,
                } => needs.push((table, vec![left, id, type_])),
            }
        }
        if let Some(components) = &mut self.component_table {
            needs.push((&mut components.table, vec![&mut components.id_column]));
        }
        needs.insert(0, (&mut self.table, own));
        needs
    }

    /// Notes which tables that join lack ids and places, as those of Strapi before 4.5 do.
    pub fn note_lacks(
        &mut self,
        database: &mut dyn Connection,
        tables: &HashSet<String>,
    ) -> Result<()> {
        for relation in &mut self.relations {
            let (Storage::JoinTable { table, .. } | Storage::MorphTable { table, .. }) =
                &relation.storage
            else {
                continue;
            };
            let Some(table) = real_name(table, |name| tables.contains(name)) else {
                continue;
            };
            let present = database.columns(&table)?;
            let is_there = |name: &str| present.iter().any(|column| column.name == name);
            match &mut relation.storage {
                Storage::JoinTable {
                    left_order,
                    right_order,
                    has_id,
                    ..
                } => {
                    *has_id = is_there("id");
                    for order in [left_order, right_order] {
                        if order
                            .column()
                            .is_some_and(|column| real_name(column, is_there).is_none())
                        {
                            *order = Order::Absent;
                        }
                    }
                }
                Storage::MorphTable { has_id, .. } => *has_id = is_there("id"),
                Storage::JoinColumn { .. } | Storage::MorphColumns { .. } => {}
            }
        }
        Ok(())
    }

    /// Finds the real names of tables and columns: databases cut long ones.
    pub fn resolve(
        &mut self,
        database: &mut dyn Connection,
        tables: &HashSet<String>,
        unknown: &mut BTreeMap<String, Unknown>,
    ) -> Result<()> {
        let uid = self.uid.clone();
        let missing = |target: &str, what: String| {
            Error::failed(format!("{target} does not fit the schema of {uid}: {what}"))
                .hint(
                    "start Strapi once, so that it brings its database up to date; if it has run with this \
                     schema, see whether the user may read the table (GRANT SELECT), or report this with the \
                     name of the attribute: Strapi names it otherwise",
                )
        };
        let mut own = None;
        for (table, columns) in self.needs() {
            match real_name(table, |name| tables.contains(name)) {
                Some(real) => *table = real,
                None => {
                    let what = format!("there is no table {table}");
                    return Err(missing(database.target(), what));
                }
            }
            let present = database.columns(table)?;
            let mut known = Vec::with_capacity(columns.len());
            for column in columns {
                match real_name(column, |name| {
                    present.iter().any(|there| there.name == name)
                }) {
                    Some(real) => *column = real,
                    None => {
                        let what = format!("the table {table} has no column {column}");
                        return Err(missing(database.target(), what));
                    }
                }
                known.push(column.clone());
            }
            // Several models may share a table.
            let unknown = unknown.entry(table.clone()).or_insert_with(|| Unknown {
                uid: uid.clone(),
                columns: present
                    .iter()
                    .filter(|column| {
                        !(column.is_computed || is_strapis(&column.name, own.is_none()))
                    })
                    .map(|column| column.name.clone())
                    .collect(),
            });
            unknown.columns.retain(|name| !known.contains(name));
            // The model's own table is the first.
            own.get_or_insert(present);
        }
        let own = own.unwrap_or_default();
        self.columns.sort_by_cached_key(|mapping| {
            own.iter().position(|there| there.name == mapping.column)
        });
        Ok(())
    }
}

/// Columns of a table that no attribute is stored in.
#[derive(Debug)]
pub(super) struct Unknown {
    /// The type that the table belongs to.
    pub uid: String,
    pub columns: Vec<String>,
}

/// Whether Strapi makes a column of this name beside those of attributes, or did for a schema that it
/// has no more: in the table of a type's own rows (`own`) ids, who made a row and when, its version; in
/// one that joins rows, places and positions.
fn is_strapis(column: &str, own: bool) -> bool {
    const OF_ROWS: [&str; 8] = [
        "id",
        DOCUMENT_COLUMN,
        "created_at",
        "updated_at",
        "published_at",
        "created_by_id",
        "updated_by_id",
        "locale",
    ];
    const OF_JOINS: [&str; 5] = ["id", "entity_id", "component_type", "field", "order"];
    if own {
        return OF_ROWS.contains(&column);
    }
    OF_JOINS.contains(&column) || column.ends_with("_order") || column.ends_with("_ord")
}

/// The name under which the database has what Strapi calls `name`: MySQL cuts names to 64
/// characters, PostgreSQL to as many whole ones as fit into 63 bytes. Strapi 4 does not shorten its names
/// itself, and Strapi 5 counts characters, not bytes.
pub(super) fn real_name(name: &str, is_there: impl Fn(&str) -> bool) -> Option<String> {
    let characters = name.char_indices().nth(64).map_or(name.len(), |(at, _)| at);
    [name.len(), characters, name.floor_char_boundary(63)]
        .into_iter()
        .map(|length| &name[..length])
        .find(|name| is_there(name))
        .map(str::to_owned)
}
