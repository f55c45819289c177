//! Writes a schema, as servers of either time do it.

use super::super::{Dialect, GALAXY, refuse};
use super::{Field, Predicate, Schema, Type};
use crate::error::Result;
use std::fmt::Write as _;

impl Schema {
    /// Its text in this dialect: all predicates, then all types, in the order in which they came.
    ///
    /// # Errors
    /// It has a namespace that the dialect has no form for.
    pub fn text(&self, dialect: Dialect) -> Result<String> {
        let mut out = String::new();
        for predicate in &self.predicates {
            prefix(predicate.namespace, dialect, &mut out)?;
            predicate.print(&mut out);
        }
        for of in &self.types {
            prefix(of.namespace, dialect, &mut out)?;
            of.print(&mut out);
        }
        Ok(out)
    }
}

fn prefix(namespace: u64, dialect: Dialect, out: &mut String) -> Result<()> {
    match dialect {
        Dialect::Before2103 => check_namespace(namespace)?,
        // Writing to a text does not fail.
        Dialect::Since2103 => _ = write!(out, "[{namespace:#x}] "),
    }
    Ok(())
}

/// Sees that a set before 21.03 can hold this.
pub(in crate::dgraph) fn check_namespace(namespace: u64) -> Result<()> {
    match namespace {
        GALAXY => Ok(()),
        _ => Err(refuse(format!(
            "servers before 21.03 have one namespace, and this is of namespace {namespace:#x}"
        ))
        .hint("choose one namespace, or write the set for servers from 21.03 on")),
    }
}

impl Predicate {
    fn print(&self, out: &mut String) {
        let (open, close) = if self.is_list { ("[", "]") } else { ("", "") };
        let kind = self.kind.as_str();
        let _ = write!(out, "<{}>:{open}{kind}{close}", self.name);
        for directive in &self.directives {
            let _ = write!(out, " @{}", directive.name);
            if let Some(arguments) = &directive.arguments {
                let _ = write!(out, "({arguments})");
            }
        }
        out.push_str(" . \n");
    }
}

impl Type {
    fn print(&self, out: &mut String) {
        let _ = writeln!(out, "type <{}> {{", self.name);
        for Field { name, is_reverse } in &self.fields {
            let is_plain = |it: char| it.is_ascii_alphanumeric() || "_.".contains(it);
            let _ = match (is_reverse, name.chars().all(is_plain)) {
                (true, _) => writeln!(out, "\t<~{name}>"),
                (false, true) => writeln!(out, "\t{name}"),
                (false, false) => writeln!(out, "\t<{name}>"),
            };
        }
        out.push_str("}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_written_as_it_was_and_in_the_other_dialect() {
        let text = "[0x0] <name>:string @index(exact) @lang . \n[0x0] <friend>:[uid] @reverse @count . \n[0x0] type <Person> {\n\tname\n\t<~friend>\n}\n";
        let schema = Schema::parse(text, "x").expect("a schema");
        assert_eq!(schema.text(Dialect::Since2103).unwrap(), text);
        let old = text.replace("[0x0] ", "");
        assert_eq!(schema.text(Dialect::Before2103).unwrap(), old);
        let back = Schema::parse(&old, "x").expect("a schema");
        assert_eq!(back.text(Dialect::Since2103).unwrap(), text);
    }

    #[test]
    fn old_servers_have_no_place_for_other_namespaces() {
        let schema = Schema::parse("[0x1f] <a>:int .", "x").expect("a schema");
        let error = schema.text(Dialect::Before2103).expect_err("a namespace");
        assert!(error.to_string().contains("0x1f") && error.advice().is_some());
    }
}
