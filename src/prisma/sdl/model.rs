//! The data model as values.

mod index;

use index::{Index, values};
use std::collections::{BTreeMap, BTreeSet};

/// A type of values that are no nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// `String`
    String,
    /// `Int`: 32 bits.
    Int,
    /// `Float`
    Float,
    /// `Boolean`
    Boolean,
    /// `DateTime`
    DateTime,
    /// `Json`: any JSON; Prisma's own command line takes objects and arrays alone.
    Json,
    /// `ID`: up to 25 characters.
    Id,
    /// `UUID`
    Uuid,
}

impl Scalar {
    const ALL: [(&'static str, Self); 8] = [
        ("String", Self::String),
        ("Int", Self::Int),
        ("Float", Self::Float),
        ("Boolean", Self::Boolean),
        ("DateTime", Self::DateTime),
        ("Json", Self::Json),
        ("ID", Self::Id),
        ("UUID", Self::Uuid),
    ];

    /// The one of this name in the language.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(own, _)| *own == name);
        found.map(|(_, scalar)| *scalar)
    }

    /// Its name in the language.
    pub fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, scalar)| *scalar == self);
        found.map_or("String", |(name, _)| name)
    }
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// Values.
    Scalar(Scalar),
    /// Values of the enum of this name.
    Enum(String),
    /// Links to nodes of the type of this name.
    Relation(String),
}

/// A field of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: FieldType,
    /// Whether it holds any number of these.
    pub is_list: bool,
    /// Whether it must hold one.
    pub is_required: bool,
    /// The name of its relation, where the data model gives it one.
    pub relation: Option<String>,
    /// All directives as text, such as `@relation(name: "A", link: TABLE)`; printed as they are.
    pub directives: Vec<String>,
}

impl Field {
    /// A field without directives.
    pub fn new(name: impl Into<String>, kind: FieldType) -> Self {
        Self {
            name: name.into(),
            kind,
            is_list: false,
            is_required: false,
            relation: None,
            directives: Vec::new(),
        }
    }

    /// Whether it has a directive of this name, which is given without its sign.
    pub fn has(&self, directive: &str) -> bool {
        self.directives.iter().any(|text| {
            let text = text.strip_prefix('@').unwrap_or(text);
            let name = text.split(|it: char| !(it.is_alphanumeric() || it == '_'));
            name.into_iter().next() == Some(directive)
        })
    }

    /// Whether it holds the id of its node.
    pub fn is_id(&self) -> bool {
        self.has("id")
            || (self.name == "id"
                && matches!(self.kind, FieldType::Scalar(Scalar::Id | Scalar::Uuid)))
    }

    /// The type whose nodes it links, if it does.
    pub fn target(&self) -> Option<&str> {
        match &self.kind {
            FieldType::Relation(target) => Some(target),
            _ => None,
        }
    }
}

/// A type of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    /// Its name.
    pub name: String,
    /// Its fields, in the order of the text.
    pub fields: Vec<Field>,
    /// All directives as text.
    pub directives: Vec<String>,
}

impl Type {
    /// The field of this name. Whoever looks for many asks [`DataModel::field`].
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether it has nodes: those have none that stand within others (`@embedded`), and those that say how relations
    /// are kept (`@linkTable`, `@relationTable`).
    pub fn has_nodes(&self) -> bool {
        let none = ["@embedded", "@linkTable", "@relationTable"];
        !self
            .directives
            .iter()
            .any(|text| none.contains(&text.as_str()))
    }
}

/// An enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumType {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
}

/// An end of a relation: a field of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side<'m> {
    /// The type.
    pub on: &'m str,
    /// The field.
    pub field: &'m str,
}

/// The relation that a field is an end of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge<'m> {
    /// The end that comes first in the order of the alphabet, or the only one.
    pub first: Side<'m>,
    /// The other end's type.
    pub other: &'m str,
    /// The other end's field, where it has one. The same as `first` where a type is linked with itself by one field.
    pub back: Option<&'m str>,
    /// Whether it was asked for the first end.
    pub is_first: bool,
}

/// The types of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataModel {
    types: Vec<Type>,
    enums: Vec<EnumType>,
    by_name: BTreeMap<String, usize>,
    enums_by_name: BTreeMap<String, usize>,
    /// Of each type.
    indexes: Vec<Index>,
    /// Of each enum.
    values: Vec<BTreeSet<String>>,
}

impl DataModel {
    /// One of these types and enums; of two with one name the first counts.
    pub fn new(types: Vec<Type>, enums: Vec<EnumType>) -> Self {
        let mut model = Self::default();
        for (number, own) in types.iter().enumerate() {
            let name = own.name.clone();
            model.by_name.entry(name).or_insert(number);
        }
        for (number, own) in enums.iter().enumerate() {
            let name = own.name.clone();
            model.enums_by_name.entry(name).or_insert(number);
        }
        model.indexes = types.iter().map(Index::new).collect();
        model.values = enums.iter().map(values).collect();
        (model.types, model.enums) = (types, enums);
        model
    }

    /// The types, in the order of the text.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    /// The enums, in the order of the text.
    pub fn enums(&self) -> &[EnumType] {
        &self.enums
    }

    /// The number of the type of this name among [`DataModel::types`].
    pub fn number(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The type of this name.
    pub fn of_name(&self, name: &str) -> Option<&Type> {
        self.number(name).map(|number| &self.types[number])
    }

    /// The enum of this name.
    pub fn enum_of_name(&self, name: &str) -> Option<&EnumType> {
        let number = self.enums_by_name.get(name)?;
        Some(&self.enums[*number])
    }

    /// Whether the enum of this name has this value.
    pub fn is_value(&self, of_enum: &str, value: &str) -> bool {
        let number = self.enums_by_name.get(of_enum);
        number.is_some_and(|number| self.values[*number].contains(value))
    }

    fn indexed(&self, on: &str) -> Option<(&Type, &Index)> {
        let number = self.number(on)?;
        Some((&self.types[number], &self.indexes[number]))
    }

    /// Whether the type of this name has nodes, as [`Type::has_nodes`] says.
    pub fn has_nodes(&self, on: &str) -> bool {
        self.indexed(on).is_some_and(|(_, index)| index.has_nodes)
    }

    /// The field of this name of a type, however many it has.
    pub fn field(&self, on: &str, name: &str) -> Option<&Field> {
        let (own, index) = self.indexed(on)?;
        index.field(own, name)
    }

    /// The values that each node of a type has to have, beside its id.
    pub fn required(&self, on: &str) -> impl Iterator<Item = &Field> {
        let indexed = self.indexed(on);
        indexed
            .into_iter()
            .flat_map(|(own, index)| index.required(own))
    }

    /// How many these are.
    pub fn count_required(&self, on: &str) -> usize {
        let indexed = self.indexed(on);
        indexed.map_or(0, |(own, index)| index.required(own).len())
    }

    /// The field of a type that holds its ids.
    pub fn id_field(&self, on: &str) -> Option<&Field> {
        let (own, index) = self.indexed(on)?;
        index.id(own)
    }

    /// The field of the target that is the other end of a relation: of the same name of relation where the field has one,
    /// else the only one that leads back. A type that is linked with itself by one field has that on both ends.
    pub fn back_field(&self, on: &str, field: &Field) -> Option<&Field> {
        let (target, index) = self.indexed(field.target()?)?;
        let own = |it: &&Field| target.name == on && it.name == field.name;
        let leading = index.leading(target, on, &field.relation);
        let mut others = leading.filter(|it| !own(it));
        match (others.next(), others.next()) {
            (Some(back), None) => Some(back),
            (None, _) if target.name == on => index.field(target, &field.name),
            _ => None,
        }
    }

    /// The relation that this field of a type is an end of; `None` where there is none.
    pub fn edge(&self, on: &str, field: &str) -> Option<Edge<'_>> {
        let (own, index) = self.indexed(on)?;
        let field = index.field(own, field)?;
        let target = self.of_name(field.target()?)?;
        let here = Side {
            on: &own.name,
            field: &field.name,
        };
        let Some(back) = self.back_field(on, field) else {
            return Some(Edge {
                first: here,
                other: &target.name,
                back: None,
                is_first: true,
            });
        };
        let there = Side {
            on: &target.name,
            field: &back.name,
        };
        let is_first = here <= there;
        let (first, second) = match is_first {
            true => (here, there),
            false => (there, here),
        };
        Some(Edge {
            first,
            other: second.on,
            back: Some(second.field),
            is_first,
        })
    }
}
