//! The predicates and types of what was converted, as servers make them of its GraphQL schema.

use super::super::row::{GALAXY, Scalar, TYPE};
use super::super::schema::{Directive, Field, Kind as Holds, Predicate, Schema, Type};
use super::{ID, predicate};
use crate::convert::fields::Kind;
use crate::convert::form::Form;
use crate::convert::mapping::Mapping;
use crate::convert::rows::POSITION;
use crate::error::{Error, Result};

/// What values of this form are in rows.
pub fn scalar(form: &Form) -> Scalar {
    match form {
        // JSON has no type of its own, and a float would not keep all digits.
        Form::Text | Form::Enum { .. } | Form::Decimal | Form::Json => Scalar::String,
        Form::Int => Scalar::Int,
        // Only at the end it is known whether all of them have 64 bits: without a type they are what the schema says.
        Form::BigInteger => Scalar::Default,
        Form::Float => Scalar::Float,
        Form::Boolean => Scalar::Bool,
        Form::DateTime => Scalar::DateTime,
    }
}

/// The schema of what was converted: predicates in the order in which servers write them, by length and name.
///
/// # Errors
/// Two fields would be one predicate.
pub fn schema(mapping: &Mapping) -> Result<Schema> {
    let mut predicates = vec![of(
        TYPE.into(),
        Holds::Scalar(Scalar::String),
        true,
        &[("index", "exact")],
    )];
    let mut types = Vec::new();
    for (number, own) in mapping.types.iter().enumerate() {
        let mut fields = Vec::new();
        let mut add = |field: &str, holds: Holds, is_list: bool, directives: &[(&str, &str)]| {
            let name = predicate(&own.name, field);
            fields.push(Field {
                name: name.clone(),
                is_reverse: false,
            });
            predicates.push(of(name, holds, is_list, directives));
        };
        let hash = ("index", "hash");
        add(
            ID,
            Holds::Scalar(Scalar::String),
            false,
            &[hash, ("upsert", "")],
        );
        if own.is_component {
            add(POSITION, Holds::Scalar(Scalar::Int), false, &[]);
        }
        for field in &own.attributes {
            if let Kind::Value(form) = &field.kind {
                let directives: &[_] = match form {
                    Form::Enum { .. } => &[hash],
                    _ => &[],
                };
                let holds = match form {
                    Form::BigInteger if field.is_wide => Scalar::String,
                    Form::BigInteger => Scalar::Int,
                    form => scalar(form),
                };
                add(&field.name, Holds::Scalar(holds), false, directives);
            }
        }
        for relation in &mapping.relations {
            let note = &relation.note;
            if note.owner == number {
                add(&note.field, Holds::Uid, relation.many, &[]);
            }
            if let Some(back) = note.back.as_deref().filter(|_| note.target == number) {
                add(back, Holds::Uid, relation.many_back, &[]);
            }
        }
        types.push(Type {
            namespace: GALAXY,
            name: own.name.clone(),
            fields,
        });
    }
    predicates
        .sort_by(|one, other| (one.name.len(), &one.name).cmp(&(other.name.len(), &other.name)));
    types.sort_by(|one, other| (one.name.len(), &one.name).cmp(&(other.name.len(), &other.name)));
    let mut schema = Schema::default();
    let twice = |why| Error::failed(format!("cannot make the schema: {why}"));
    for predicate in predicates {
        schema.add(predicate).map_err(twice)?;
    }
    for own in types {
        schema.add_type(own).map_err(twice)?;
    }
    Ok(schema)
}

fn of(name: String, kind: Holds, is_list: bool, directives: &[(&str, &str)]) -> Predicate {
    let directives = directives.iter().map(|(name, arguments)| Directive {
        name: (*name).to_owned(),
        arguments: (!arguments.is_empty()).then(|| (*arguments).to_owned()),
    });
    Predicate {
        namespace: GALAXY,
        name,
        kind,
        is_list,
        directives: directives.collect(),
    }
}
