//! Holds JSON against a JSON schema, as far as docs/output.schema.json uses the language; what is beyond that fails.

use super::files::repository;
use serde_json::Value;
use std::fs;

/// A line of JSON that `--json` printed, which docs/output.schema.json has to describe.
#[track_caller]
pub fn described(line: &str) -> Value {
    let schema = fs::read(repository("docs/output.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let object = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert_eq!(misfit(&schema, &schema, &object), None, "{line}");
    object
}

/// Why a value does not fit a schema; `None` where it does. `root` is the document that references point into.
fn misfit(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let rules = schema.as_object().expect("a schema is an object");
    rules.iter().find_map(|(rule, wanted)| match rule.as_str() {
        "$schema" | "title" | "description" | "$defs" => None,
        "$ref" => {
            let pointer = wanted.as_str().unwrap().trim_start_matches('#');
            misfit(root, root.pointer(pointer).expect(pointer), value)
        }
        "const" => (value != wanted).then(|| format!("{value} is not {wanted}")),
        "enum" => {
            let is_one = wanted.as_array().unwrap().contains(value);
            (!is_one).then(|| format!("{value} is none of {wanted}"))
        }
        "type" => {
            let names: Vec<&str> = match wanted {
                Value::Array(names) => names.iter().map(|name| name.as_str().unwrap()).collect(),
                name => vec![name.as_str().unwrap()],
            };
            let is_one = names.iter().any(|name| is_a(name, value));
            (!is_one).then(|| format!("{value} is no {wanted}"))
        }
        // What is no object lacks nothing.
        "required" if !value.is_object() => None,
        "required" => wanted.as_array().unwrap().iter().find_map(|name| {
            let there = value.get(name.as_str().unwrap());
            there
                .is_none()
                .then(|| format!("{name} is missing in {value}"))
        }),
        "properties" => wanted
            .as_object()
            .unwrap()
            .iter()
            .find_map(|(name, schema)| {
                let why = misfit(root, schema, value.get(name)?)?;
                Some(format!("{name}: {why}"))
            }),
        "additionalProperties" => {
            let known = rules.get("properties").and_then(Value::as_object);
            let others = value.as_object().into_iter().flatten();
            let mut others =
                others.filter(|(name, _)| known.is_none_or(|it| !it.contains_key(*name)));
            match wanted {
                Value::Bool(false) => others
                    .next()
                    .map(|(name, _)| format!("{name} is not known")),
                schema => others.find_map(|(name, value)| {
                    Some(format!("{name}: {}", misfit(root, schema, value)?))
                }),
            }
        }
        "items" => value
            .as_array()
            .into_iter()
            .flatten()
            .find_map(|item| misfit(root, wanted, item)),
        "oneOf" => {
            let schemas = wanted.as_array().unwrap().iter();
            let why: Vec<Option<String>> =
                schemas.map(|schema| misfit(root, schema, value)).collect();
            (why.iter().filter(|why| why.is_none()).count() != 1)
                .then(|| format!("{value}: {why:?}"))
        }
        other => panic!("the rule {other} is not known"),
    })
}

fn is_a(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        other => panic!("the type {other} is not known"),
    }
}
