//! How relations are stored: in a column, in a join table, or with the target's type.
//!
//! The rules are those of `createRelation` in `@strapi/database`.

use super::identifiers::Naming;
use crate::error::{Error, Result};
use crate::model::{Relation, RelationKind, Schema, Schemas};

/// How a relation is stored.
#[derive(Debug, Clone)]
pub(super) enum Storage {
    /// A column on the owner, which holds the target's `referenced` column.
    JoinColumn { column: String, referenced: String },
    /// A table between the two.
    JoinTable {
        table: String,
        left: String,
        right: String,
        left_order: Order,
        right_order: Order,
        has_id: bool,
    },
    /// A table that holds the target's type beside its id; also `field` and `order`.
    MorphTable {
        table: String,
        left: String,
        id: String,
        type_: String,
        has_id: bool,
    },
    /// Two columns on the owner.
    MorphColumns { id: String, type_: String },
}

/// Where a join table keeps the places of rows among those that are joined with the same row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Nowhere: there is one row only, or nobody asks for them from this side.
    None,
    /// In this column.
    Column(String),
    /// There would be a column, but the table is of Strapi before 4.5. In archives such places are `null`.
    Absent,
}

impl Order {
    fn new(is_kept: bool, column: String) -> Self {
        match is_kept {
            true => Self::Column(column),
            false => Self::None,
        }
    }

    /// The column that holds them.
    pub fn column(&self) -> Option<&String> {
        match self {
            Self::Column(column) => Some(column),
            Self::None | Self::Absent => None,
        }
    }

    /// The same, to find out what it is really called.
    pub fn column_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Column(column) => Some(column),
            Self::None | Self::Absent => None,
        }
    }

    /// Whether archives have a place at this end.
    pub fn is_told(&self) -> bool {
        *self != Self::None
    }
}

/// A relation, at the side that stores it.
#[derive(Debug, Clone)]
pub(super) struct StoredRelation {
    pub attribute: String,
    pub kind: RelationKind,
    pub target: Option<String>,
    pub inversed_by: Option<String>,
    pub storage: Storage,
    pub sharing: Sharing,
}

/// Whether another relation is stored in the same table, as where both sides say `inversedBy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// None is.
    Alone,
    /// One is, and this one reads the links of both.
    Read,
    /// One is, which reads them.
    Repeated,
}

impl Storage {
    /// The name of the join table.
    pub fn join_table(&self) -> Option<&str> {
        match self {
            Self::JoinTable { table, .. } => Some(table),
            _ => None,
        }
    }

    /// The same join table from the other side.
    pub fn turned(&self) -> Self {
        match self.clone() {
            Self::JoinTable {
                table,
                left,
                right,
                left_order,
                right_order,
                has_id,
            } => Self::JoinTable {
                table,
                left: right,
                right: left,
                left_order: right_order,
                right_order: left_order,
                has_id,
            },
            other => other,
        }
    }
}

impl StoredRelation {
    /// The `kind` of its links in an archive, for an owner of type `uid`.
    pub fn link_kind(&self, uid: &str) -> &'static str {
        match self.kind {
            RelationKind::MorphToOne | RelationKind::MorphToMany | RelationKind::MorphInverse => {
                "relation.morph"
            }
            _ if self.target.as_deref() == Some(uid) => "relation.circular",
            _ => "relation.basic",
        }
    }
}

/// How a relation is stored at the side that owns it; `None` where it is not.
pub(super) fn storage(
    name: &str,
    relation: &Relation,
    schema: &Schema,
    table: &str,
    schemas: &Schemas,
    naming: Naming,
) -> Result<Option<Storage>> {
    if let Some((column, referenced)) = &relation.join_column {
        return Ok(Some(Storage::JoinColumn {
            column: column.clone(),
            referenced: referenced.clone(),
        }));
    }
    if relation.is_virtual {
        return Ok(None);
    }
    match relation.kind {
        RelationKind::MorphToOne => {
            return Ok(Some(Storage::MorphColumns {
                id: naming.id_column("target"),
                type_: naming.type_column("target"),
            }));
        }
        RelationKind::MorphToMany => {
            return Ok(Some(Storage::MorphTable {
                table: naming.morph_table(table, name),
                left: naming.id_column(&schema.singular_name),
                id: naming.id_column(name),
                type_: naming.type_column(name),
                has_id: true,
            }));
        }
        RelationKind::MorphInverse => return Ok(None),
        _ => {}
    }
    if !relation.use_join_table {
        return Ok(Some(Storage::JoinColumn {
            column: naming.id_column(name),
            referenced: "id".into(),
        }));
    }
    let target = relation.target.as_deref().unwrap_or_default();
    let Some(target) = schemas.get(target) else {
        return Err(Error::failed(format!(
            "attribute `{name}` of {} points at {target}, which does not exist",
            schema.uid
        ))
        .hint("start Strapi once, so that it writes its content types down again"));
    };
    let left = naming.id_column(&schema.singular_name);
    let mut right = naming.id_column(&target.singular_name);
    if left == right {
        right = naming.inverse_id_column(&target.singular_name);
    }
    let order = naming.order_column(&target.singular_name);
    let mut inverse_order = naming.order_column(&schema.singular_name);
    if relation.kind == RelationKind::ManyToMany && order == inverse_order {
        inverse_order = naming.inverse_order_column(&schema.singular_name);
    }
    Ok(Some(Storage::JoinTable {
        table: naming.link_table(table, name),
        left,
        right,
        left_order: Order::new(relation.kind.any_to_many(), order),
        right_order: Order::new(
            relation.inversed_by.is_some() && relation.kind.many_to_any(),
            inverse_order,
        ),
        has_id: true,
    }))
}
