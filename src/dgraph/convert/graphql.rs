//! The GraphQL schema of what was converted.
//!
//! Lists are there of links alone: Dgraph refuses lists of truth values, and keeps no order in any.

use super::ID;
use crate::convert::fields::{self, Kind};
use crate::convert::form::Form;
use crate::convert::mapping::{Mapping, Relation};
use crate::convert::rows::POSITION;
use std::fmt::Write as _;

/// The GraphQL schema, in its own language. A field is required where Strapi says so and no row lacks it: drafts may.
pub fn sdl(mapping: &Mapping) -> String {
    let mut out = String::new();
    for own in &mapping.types {
        for field in &own.attributes {
            if let Kind::Value(Form::Enum { name, values }) = &field.kind {
                // Writing to a text does not fail.
                let _ = writeln!(out, "enum {name} {{\n  {}\n}}\n", values.join("\n  "));
            }
        }
    }
    for (number, own) in mapping.types.iter().enumerate() {
        let _ = writeln!(out, "type {} {{\n  {ID}: String! @id", own.name);
        if own.is_component {
            let _ = writeln!(out, "  {POSITION}: Int");
        }
        for field in &own.attributes {
            if let Kind::Value(form) = &field.kind {
                let is_everywhere = own.nodes > 0 && field.present == own.nodes;
                let must = if field.required && is_everywhere {
                    "!"
                } else {
                    ""
                };
                let _ = writeln!(out, "  {}: {}{must}", field.name, scalar(field, form));
            }
        }
        for relation in &mapping.relations {
            links(mapping, relation, number, &mut out);
        }
        out.push_str("}\n\n");
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// The type of values of this form.
fn scalar<'a>(field: &fields::Field, form: &'a Form) -> &'a str {
    match form {
        Form::Enum { name, .. } => name,
        Form::Text | Form::Decimal | Form::Json => "String",
        // `Int` has 32 bits, and what has more is an error of every query.
        Form::Int if field.is_wide => "Int64",
        Form::Int => "Int",
        Form::BigInteger if field.is_wide => "String",
        Form::BigInteger => "Int64",
        Form::Float => "Float",
        Form::Boolean => "Boolean",
        Form::DateTime => "DateTime",
    }
}

/// The fields of a relation on the type of this number.
fn links(mapping: &Mapping, relation: &Relation, number: usize, out: &mut String) {
    let note = &relation.note;
    let mut add = |field: &str, to: usize, is_list: bool, inverse: Option<&str>| {
        let (open, close) = if is_list { ("[", "]") } else { ("", "") };
        let _ = write!(out, "  {field}: {open}{}{close}", mapping.types[to].name);
        if let Some(inverse) = inverse {
            let _ = write!(out, " @hasInverse(field: {inverse})");
        }
        out.push('\n');
    };
    let back = note.back.as_deref();
    if note.owner == number {
        add(&note.field, note.target, relation.many, back);
    }
    if let Some(back) = back.filter(|_| note.target == number) {
        add(back, note.owner, relation.many_back, Some(&note.field));
    }
}
