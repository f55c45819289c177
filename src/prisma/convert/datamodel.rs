//! The data model of what was converted.

use crate::convert::fields::{self, Kind};
use crate::convert::form::Form;
use crate::convert::mapping::{Mapping, Relation};
use crate::convert::rows::POSITION;
use crate::prisma::sdl::{DataModel, EnumType, Field, FieldType, Scalar, Type};

/// The data model of what was converted, in the form that Prisma 1.31 and newer take. A field is required where Strapi says
/// so and no row lacks it: drafts may.
pub fn datamodel(mapping: &Mapping) -> DataModel {
    let (mut types, mut enums) = (Vec::new(), Vec::new());
    for (number, own) in mapping.types.iter().enumerate() {
        let mut id = Field::new("id", FieldType::Scalar(Scalar::Id));
        id.is_required = true;
        id.directives.push("@id".into());
        let mut fields = vec![id];
        if own.is_component {
            fields.push(Field::new(POSITION, FieldType::Scalar(Scalar::Int)));
        }
        for field in &own.attributes {
            if let Kind::Value(form) = &field.kind {
                fields.push(value(own, field, form));
                if let Form::Enum { name, values } = form {
                    let (name, values) = (name.clone(), values.clone());
                    enums.push(EnumType { name, values });
                }
            }
        }
        for relation in &mapping.relations {
            fields.extend(links(mapping, relation, number));
        }
        types.push(Type {
            name: own.name.clone(),
            fields,
            directives: Vec::new(),
        });
    }
    DataModel::new(types, enums)
}

fn value(own: &fields::Type, of: &fields::Field, form: &Form) -> Field {
    let kind = match form {
        Form::Text | Form::BigInteger => FieldType::Scalar(Scalar::String),
        Form::Enum { name, .. } => FieldType::Enum(name.clone()),
        Form::Int => FieldType::Scalar(Scalar::Int),
        Form::Float | Form::Decimal => FieldType::Scalar(Scalar::Float),
        Form::Boolean => FieldType::Scalar(Scalar::Boolean),
        Form::DateTime => FieldType::Scalar(Scalar::DateTime),
        Form::Json => FieldType::Scalar(Scalar::Json),
    };
    let mut field = Field::new(&of.name, kind);
    let is_everywhere = own.nodes > 0 && of.present == own.nodes;
    if is_everywhere && matches!(of.name.as_str(), "createdAt" | "updatedAt") {
        field.is_required = true;
        field.directives.push(format!("@{}", of.name));
    }
    field.is_required |= is_everywhere && of.required;
    field
}

/// The fields of a relation on the type of this number.
fn links(mapping: &Mapping, relation: &Relation, number: usize) -> Vec<Field> {
    let note = &relation.note;
    let mut fields = Vec::new();
    let mut add = |name: &str, to: usize, is_list: bool, link: &str| {
        let kind = FieldType::Relation(mapping.types[to].name.clone());
        let mut field = Field::new(name, kind);
        field.is_list = is_list;
        field.relation = Some(relation.name.clone());
        // Servers export wrong ids of relations that are columns of a table.
        let directive = format!("@relation(name: \"{}\"{link})", relation.name);
        field.directives.push(directive);
        fields.push(field);
    };
    if note.owner == number {
        add(&note.field, note.target, relation.many, ", link: TABLE");
    }
    if let Some(back) = note.back.as_deref().filter(|_| note.target == number) {
        add(back, note.owner, relation.many_back, "");
    }
    fields
}
