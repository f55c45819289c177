//! Writes a data model.

use super::model::{DataModel, Field, FieldType};
use std::fmt::{self, Write};

/// A text as it stands in the language, between quotes.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

impl fmt::Display for DataModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for own in self.types() {
            write!(f, "{between}type {}", own.name)?;
            between = "\n";
            for directive in &own.directives {
                write!(f, " {directive}")?;
            }
            f.write_str(" {\n")?;
            own.fields.iter().try_for_each(|field| line(f, field))?;
            f.write_str("}\n")?;
        }
        for own in self.enums() {
            writeln!(f, "{between}enum {} {{", own.name)?;
            between = "\n";
            for value in &own.values {
                writeln!(f, "  {value}")?;
            }
            f.write_str("}\n")?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, field: &Field) -> fmt::Result {
    let kind = match &field.kind {
        FieldType::Scalar(scalar) => scalar.as_str(),
        FieldType::Enum(name) | FieldType::Relation(name) => name,
    };
    let must = if field.is_required { "!" } else { "" };
    match field.is_list {
        true => write!(f, "  {}: [{kind}!]{must}", field.name)?,
        false => write!(f, "  {}: {kind}{must}", field.name)?,
    }
    for directive in &field.directives {
        write!(f, " {directive}")?;
    }
    f.write_char('\n')
}
