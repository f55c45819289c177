//! Reads a data model.

use super::model::{DataModel, EnumType, Field, FieldType, Scalar, Type};
use super::print::quoted;
use crate::error::{Error, Result};
use crate::model::limits::MOST_TYPES;
use crate::nesting::is_deeper_than;
use graphql_parser::schema::{Definition, Directive, ObjectType, TypeDefinition, Value};
use std::collections::BTreeSet;
use std::fmt;

/// How deep lists and braces may stand in each other.
const DEEPEST: usize = 64;

impl DataModel {
    /// Reads the text of a data model; `place` names it in messages.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it is no schema definition language, or a name in it leads nowhere.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let fail = |why: &dyn fmt::Display| {
            Error::usage(format!("the data model {place} cannot be read: {why}"))
                .hint("name the file that the service was deployed with, such as datamodel.prisma")
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // The parser goes down as deep as the text does.
        if is_deeper_than(DEEPEST, format!("[{text}").as_bytes()) {
            return Err(fail(&"it is nested too deep"));
        }
        let document =
            graphql_parser::parse_schema::<String>(text).map_err(|error| fail(&error))?;
        let count = document.definitions.len();
        if count > MOST_TYPES {
            return Err(fail(&format!(
                "it has {count} types, and may have {MOST_TYPES}"
            )));
        }
        let (mut objects, mut enums) = (Vec::new(), Vec::new());
        let mut names = BTreeSet::new();
        for definition in &document.definitions {
            let Definition::TypeDefinition(definition) = definition else {
                continue;
            };
            let name = match definition {
                TypeDefinition::Object(object) => {
                    objects.push(object);
                    &object.name
                }
                TypeDefinition::Enum(own) => {
                    let values = own.values.iter().map(|value| value.name.clone());
                    enums.push(EnumType {
                        name: own.name.clone(),
                        values: values.collect(),
                    });
                    &own.name
                }
                _ => continue,
            };
            if !names.insert(name.clone()) {
                return Err(fail(&format!("there are two types called {name}")));
            }
        }
        let known: BTreeSet<&str> = objects.iter().map(|it| it.name.as_str()).collect();
        let of_enum: BTreeSet<&str> = enums.iter().map(|it| it.name.as_str()).collect();
        let kind = |name: &str| match Scalar::named(name) {
            _ if known.contains(name) => Some(FieldType::Relation(name.to_owned())),
            _ if of_enum.contains(name) => Some(FieldType::Enum(name.to_owned())),
            scalar => scalar.map(FieldType::Scalar),
        };
        let types: Result<Vec<Type>, String> =
            objects.iter().map(|object| of(object, kind)).collect();
        Ok(Self::new(types.map_err(|why| fail(&why))?, enums))
    }
}

fn of(
    object: &ObjectType<'_, String>,
    kind: impl Fn(&str) -> Option<FieldType>,
) -> Result<Type, String> {
    let mut fields: Vec<Field> = Vec::with_capacity(object.fields.len());
    let mut names = BTreeSet::new();
    for field in &object.fields {
        let (name, is_list, is_required) = shape(&field.field_type);
        let place = format!("{}.{}", object.name, field.name);
        let kind = kind(name).ok_or_else(|| format!("{place} is of {name}, and there is none"))?;
        if !names.insert(&field.name) {
            return Err(format!("there are two fields called {place}"));
        }
        fields.push(Field {
            name: field.name.clone(),
            kind,
            is_list,
            is_required,
            relation: field.directives.iter().find_map(name_of_relation),
            directives: field.directives.iter().map(text_of).collect(),
        });
    }
    Ok(Type {
        name: object.name.clone(),
        fields,
        directives: object.directives.iter().map(text_of).collect(),
    })
}

/// The name of a type, whether it is a list, and whether there must be one.
fn shape<'t>(of: &'t graphql_parser::schema::Type<'_, String>) -> (&'t str, bool, bool) {
    use graphql_parser::schema::Type::{ListType, NamedType, NonNullType};
    match of {
        NamedType(name) => (name, false, false),
        ListType(inner) => (shape(inner).0, true, false),
        NonNullType(inner) => {
            let (name, is_list, _) = shape(inner);
            (name, is_list, true)
        }
    }
}

fn name_of_relation(directive: &Directive<'_, String>) -> Option<String> {
    if directive.name != "relation" {
        return None;
    }
    let mut arguments = directive.arguments.iter();
    arguments.find_map(|(name, value)| match value {
        Value::String(text) if name == "name" => Some(text.clone()),
        _ => None,
    })
}

/// A directive as it is written.
fn text_of(directive: &Directive<'_, String>) -> String {
    let arguments: Vec<String> = directive
        .arguments
        .iter()
        .map(|(name, value)| format!("{name}: {}", text_of_value(value)))
        .collect();
    match arguments.is_empty() {
        true => format!("@{}", directive.name),
        false => format!("@{}({})", directive.name, arguments.join(", ")),
    }
}

fn text_of_value(value: &Value<'_, String>) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::List(values) => {
            let values: Vec<String> = values.iter().map(text_of_value).collect();
            format!("[{}]", values.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Side;
    use super::*;
    use crate::error::Kind;

    const MODEL: &str = include_str!("../../../testdata/ndf/types.graphql");

    #[test]
    fn the_sample_of_the_cli_is_read_with_its_relation_and_its_enum() {
        let model = DataModel::parse(MODEL, "x").expect("a data model");
        let names: Vec<&str> = model.types().iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["Post", "Comment"]);
        let post = model.of_name("Post").expect("Post");
        let field = |name: &str| post.field(name).expect("a field").clone();
        assert!(field("id").is_id() && field("id").has("isUnique"));
        assert!(field("tags").is_list && field("tags").kind == FieldType::Scalar(Scalar::String));
        assert_eq!(field("state").kind, FieldType::Enum("PostState".into()));
        assert!(!field("description").is_required);
        let comments = field("comments");
        assert_eq!(comments.relation.as_deref(), Some("PostComment"));
        let back = model.back_field("Post", &comments).expect("a back field");
        assert_eq!(back.name, "post");
        let edge = model.edge("Post", "comments").expect("an edge");
        assert_eq!(edge, {
            let mut other = model.edge("Comment", "post").expect("an edge");
            other.is_first = false;
            other
        });
        assert_eq!(
            (edge.first, edge.back, edge.is_first),
            (
                Side {
                    on: "Comment",
                    field: "post"
                },
                Some("comments"),
                false
            )
        );
    }

    #[test]
    fn a_data_model_that_is_printed_is_read_as_the_same() {
        let more = "type A @db(name: \"a\\\"b\") { id: ID! @id, at: DateTime! @createdAt, n: [Int!]! @scalarList(strategy: RELATION)
            one: A @relation(name: \"One\"), parent: A @relation(name: \"Tree\", link: TABLE), children: [A!]! @relation(name: \"Tree\")
            s: String @default(value: \"x\\n\\\\y\"), j: Json, u: UUID, f: Float @default(value: 1.5), b: Boolean @default(value: true) }
            enum E { B C }";
        for text in [MODEL, more] {
            let model = DataModel::parse(text, "x").expect("a data model");
            let printed = model.to_string();
            let read = DataModel::parse(&printed, "printed").expect("what was printed");
            assert_eq!(read, model, "{printed}");
        }
    }

    #[test]
    fn relations_of_a_type_with_itself_have_the_right_ends() {
        let text = "type A { id: ID! @id, one: A @relation(name: \"One\"), parent: A @relation(name: \"Tree\"),
            children: [A!]! @relation(name: \"Tree\"), bs: [B!]!, other: B @relation(name: \"Other\") } type B { id: ID! @id, a: A }";
        let model = DataModel::parse(text, "x").expect("a data model");
        let back = |on: &str, field: &str| model.edge(on, field).expect("an edge").back;
        assert_eq!(back("A", "one"), Some("one"));
        assert_eq!(back("A", "children"), Some("parent"));
        assert_eq!(back("A", "parent"), Some("parent"));
        assert_eq!(back("A", "other"), None);
        assert_eq!(back("B", "a"), Some("a"));
        assert_eq!(model.edge("A", "id"), None);
    }

    #[test]
    fn a_type_of_very_many_fields_does_not_take_a_look_at_each_for_each() {
        let fields = |to: &str| -> String {
            let fields =
                (0..60_000).map(|at| format!("f{at}: [{to}!]! @relation(name: \"R{at}\")\n"));
            fields.collect()
        };
        let text = format!(
            "type A {{ id: ID! @id\n{} }} type B {{ id: ID! @id\n{} }}",
            fields("B"),
            fields("A")
        );
        let model = DataModel::parse(&text, "x").expect("a data model");
        for at in 0..60_000 {
            let field = format!("f{at}");
            let edge = model.edge("A", &field).expect("an edge");
            assert_eq!(edge.back, Some(&*field));
        }
    }

    #[test]
    fn nothing_that_stands_in_comments_and_texts_hides_how_deep_a_data_model_is() {
        let deep = "[".repeat(100_000);
        for begin in ["# \"\n", "\"\"\" \" \"\"\"\n", "# \\\"\n"] {
            let text = format!("{begin}type A {{ b: {deep} }}");
            assert!(DataModel::parse(&text, "x").is_err(), "{begin}");
        }
    }

    #[test]
    fn what_is_no_data_model_is_refused_and_named() {
        for (text, why) in [
            ("type A {", "cannot be read"),
            ("type A { b: Nothing }", "A.b is of Nothing"),
            ("type A { b: Int } type A { b: Int }", "two types called A"),
            ("type A { b: Int b: Int }", "two fields called A.b"),
            (
                &format!("type A {{ b: {} }}", "[".repeat(100_000)),
                "nested too deep",
            ),
        ] {
            let error = DataModel::parse(text, "types.graphql").expect_err(why);
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.to_string().contains("types.graphql"), "{error}");
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
