//! Reads questions in GraphQL, and says what a server has not, in the words of its validator.

use graphql_parser::query::{
    Definition, Field, OperationDefinition, Selection, Value, parse_query,
};
use std::collections::BTreeMap;

/// The first field of a question.
#[derive(Debug)]
pub struct Question {
    pub is_mutation: bool,
    pub name: String,
    /// Its arguments; those in `input` stand here as `input.name`.
    pub arguments: BTreeMap<String, String>,
    /// The fields of its answer.
    pub fields: Vec<String>,
}

fn value(value: &Value<'_, String>, variables: &serde_json::Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Int(number) => number.as_i64().unwrap_or_default().to_string(),
        Value::Variable(name) => match &variables[name] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}

/// Adds an argument; the members of one stand for themselves.
fn insert(
    arguments: &mut BTreeMap<String, String>,
    name: String,
    given: &Value<'_, String>,
    variables: &serde_json::Value,
) {
    match given {
        Value::Object(members) => {
            for (member, given) in members {
                insert(arguments, format!("{name}.{member}"), given, variables);
            }
        }
        given => drop(arguments.insert(name, value(given, variables))),
    }
}

impl Question {
    /// The one in a body of JSON.
    pub fn read(body: &[u8]) -> Question {
        let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
        let text = body["query"].as_str().expect("a query");
        let document = parse_query::<String>(text).expect(text);
        let [Definition::Operation(operation)] = document.definitions.as_slice() else {
            panic!("several operations: {text}");
        };
        let (is_mutation, set) = match operation {
            OperationDefinition::Mutation(it) => (true, &it.selection_set),
            OperationDefinition::Query(it) => (false, &it.selection_set),
            OperationDefinition::SelectionSet(set) => (false, set),
            OperationDefinition::Subscription(_) => panic!("a subscription: {text}"),
        };
        let names = |set: &graphql_parser::query::SelectionSet<'_, String>| {
            let items = set.items.iter();
            let fields = items.filter_map(|it| match it {
                Selection::Field(field) => Some(field.name.clone()),
                _ => None,
            });
            fields.collect::<Vec<_>>()
        };
        let Some(Selection::Field(field)) = set.items.first() else {
            panic!("no field: {text}");
        };
        let field: &Field<'_, String> = field;
        let mut arguments = BTreeMap::new();
        for (name, given) in &field.arguments {
            insert(&mut arguments, name.clone(), given, &body["variables"]);
        }
        Question {
            is_mutation,
            name: field.name.clone(),
            arguments,
            fields: names(&field.selection_set),
        }
    }

    /// What a server says that has these arguments and fields only; nothing where it has all.
    pub fn lacks(&self, arguments: &[&str], fields: &[&str]) -> Vec<String> {
        let mut said = Vec::new();
        for name in self
            .arguments
            .keys()
            .filter(|it| !arguments.contains(&it.as_str()))
        {
            said.push(match name.strip_prefix("input.") {
                Some(member) => format!("Field \"{member}\" is not defined by type ExportInput."),
                None => format!(
                    "Unknown argument \"{name}\" on field \"{}\" of type \"Mutation\".",
                    self.name
                ),
            });
        }
        for name in self
            .fields
            .iter()
            .filter(|it| !fields.contains(&it.as_str()))
        {
            said.push(format!(
                "Cannot query field \"{name}\" on type \"ExportPayload\". Did you mean \"response\"?"
            ));
        }
        said
    }
}
