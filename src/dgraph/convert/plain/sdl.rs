//! What the GraphQL schema of a set says of types: which predicates their fields are kept under, and what these hold.
//!
//! Names of predicates are those that the server makes (`graphql/schema/schemagen.go` of Dgraph, as its source has it):
//! `Type.field`, `Interface.field` where an interface has the field, or what `@dgraph(pred:)` says; `@dgraph(type:)` says
//! how a type is called in the rows. Fields with `@custom` or `@lambda`, and types with `@remote`, have no rows.

use super::extent::extent;
use super::values::Form;
use crate::error::{Error, Result};
use crate::model::limits::MOST_TYPES;
use graphql_parser::schema::{Definition, Directive, Field, TypeDefinition, TypeExtension, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How deep lists and braces may stand in each other.
const DEEPEST: usize = 64;
/// Types that are not stored.
const ROOTS: [&str; 3] = ["Query", "Mutation", "Subscription"];
/// What the server keeps as a place or an area.
const GEO: [&str; 3] = ["Point", "Polygon", "MultiPolygon"];
/// What to do where the schema cannot be read.
const GO_WITHOUT: &str =
    "take away the file: content types are then made of the schema in g01.schema.gz beside it";

/// What fields hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// The uid of the node.
    Uid,
    /// Values.
    Values(Form),
    /// Links to nodes of these types, as rows call them.
    Links(Vec<String>),
}

/// A field of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphField {
    /// Its name.
    pub name: String,
    /// The predicate; for a link that is followed backwards with `~` before it.
    pub predicate: String,
    /// The language of its values, where it is of one.
    pub language: Option<String>,
    /// What it holds.
    pub holds: Holds,
    /// Whether it holds any number of these.
    pub is_list: bool,
    /// Whether it must hold one.
    pub is_required: bool,
    /// Whether no two nodes have the same.
    pub is_unique: bool,
    /// The field at the other end that is kept in step.
    pub inverse: Option<String>,
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphType {
    /// What rows call it.
    pub name: String,
    /// Its fields.
    pub fields: Vec<GraphField>,
}

/// All of a schema.
#[derive(Debug, Default)]
pub struct Graph {
    /// The types that nodes have.
    pub types: Vec<GraphType>,
    /// What rows call interfaces, which nodes have beside their types.
    pub interfaces: BTreeSet<String>,
}

/// A type or an interface, as it is written.
#[derive(Default)]
struct Written<'t> {
    fields: Vec<&'t Field<'t, String>>,
    directives: Vec<&'t Directive<'t, String>>,
    interfaces: Vec<&'t str>,
}

impl Written<'_> {
    fn called(&self, name: &str) -> String {
        let called = argument(&self.directives, "dgraph", "type");
        called.unwrap_or(name).to_owned()
    }

    fn is_stored(&self) -> bool {
        !has(&self.directives, "remote")
    }
}

/// Everything that a document defines, by name.
#[derive(Default)]
struct Known<'t> {
    objects: BTreeMap<&'t str, Written<'t>>,
    interfaces: BTreeMap<&'t str, Written<'t>>,
    unions: BTreeMap<&'t str, &'t [String]>,
    enums: BTreeMap<&'t str, Vec<String>>,
    /// The objects in the order of the text.
    order: Vec<&'t str>,
}

impl Graph {
    /// Reads the text of a schema; `place` names it in messages.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): it is none.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let fail = |why: &str| {
            Error::archive(format!("{place}: the GraphQL schema cannot be read: {why}"))
                .hint(GO_WITHOUT)
        };
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        // The parser goes down as deep as the text does.
        let (depth, count) = extent(text);
        if depth > DEEPEST {
            return Err(fail("it is nested too deep"));
        }
        // And what it makes takes many times the room of the text.
        if count > MOST_TYPES {
            return Err(fail(&format!("it has more than {MOST_TYPES} types")));
        }
        // Of nothing but comments the parser makes an error.
        let is_blank = |it: &str| it.trim().is_empty() || it.trim_start().starts_with('#');
        if text.lines().all(is_blank) {
            return Ok(Self::default());
        }
        let document = graphql_parser::parse_schema::<String>(text)
            .map_err(|error| fail(error.to_string().trim()))?;
        let mut known = Known::default();
        for definition in &document.definitions {
            known.take(definition);
        }
        let interfaces = known.interfaces.iter();
        Ok(Self {
            interfaces: interfaces.map(|(name, it)| it.called(name)).collect(),
            types: known.types(),
        })
    }
}

impl<'t> Known<'t> {
    fn take(&mut self, definition: &'t Definition<'t, String>) {
        let (name, fields, directives, interfaces) = match definition {
            Definition::TypeDefinition(TypeDefinition::Object(it)) => (
                &it.name,
                &it.fields,
                &it.directives,
                &it.implements_interfaces,
            ),
            Definition::TypeExtension(TypeExtension::Object(it)) => (
                &it.name,
                &it.fields,
                &it.directives,
                &it.implements_interfaces,
            ),
            Definition::TypeDefinition(TypeDefinition::Interface(it)) => {
                let own = self.interfaces.entry(&it.name).or_default();
                own.fields.extend(&it.fields);
                own.directives.extend(&it.directives);
                return;
            }
            Definition::TypeDefinition(TypeDefinition::Union(it)) => {
                self.unions.insert(&it.name, &it.types);
                return;
            }
            Definition::TypeDefinition(TypeDefinition::Enum(it)) => {
                let values = it.values.iter().map(|value| value.name.clone());
                self.enums.insert(&it.name, values.collect());
                return;
            }
            _ => return,
        };
        if ROOTS.contains(&name.as_str()) {
            return;
        }
        if !self.objects.contains_key(name.as_str()) {
            self.order.push(name);
        }
        let own = self.objects.entry(name).or_default();
        own.fields.extend(fields);
        own.directives.extend(directives);
        own.interfaces.extend(interfaces.iter().map(String::as_str));
    }

    fn types(&self) -> Vec<GraphType> {
        let mut types: Vec<GraphType> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for name in &self.order {
            let own = &self.objects[name];
            if !own.is_stored() {
                continue;
            }
            let called = own.called(name);
            // Two types may be kept as one.
            let place = *places.entry(called.clone()).or_insert_with(|| {
                types.push(GraphType {
                    name: called.clone(),
                    fields: Vec::new(),
                });
                types.len() - 1
            });
            let mut there: BTreeSet<String> = types[place]
                .fields
                .iter()
                .map(|it| it.name.clone())
                .collect();
            let inherited = own.interfaces.iter().filter_map(|it| {
                let interface = self.interfaces.get(it)?;
                Some((interface.called(it), interface))
            });
            let inherited: Vec<_> = inherited.collect();
            let sources = inherited.iter().map(|(of, it)| (of.as_str(), *it));
            for (of, written) in sources.chain([(called.as_str(), own)]) {
                for field in &written.fields {
                    if let Some(field) = self.field(field, of)
                        && there.insert(field.name.clone())
                    {
                        types[place].fields.push(field);
                    }
                }
                if let Some(field) = password(written, of)
                    && there.insert(field.name.clone())
                {
                    types[place].fields.push(field);
                }
            }
        }
        types
    }

    /// A field, as one of this type or interface; `None` where it has no rows.
    fn field(&self, field: &Field<'_, String>, of: &str) -> Option<GraphField> {
        let directives: Vec<&Directive<'_, String>> = field.directives.iter().collect();
        if has(&directives, "custom") || has(&directives, "lambda") {
            return None;
        }
        let (name, mut is_list, is_required) = shape(&field.field_type);
        let given = argument(&directives, "dgraph", "pred");
        let predicate = given.map_or_else(|| format!("{of}.{}", field.name), bare);
        let (predicate, language) = match predicate.split_once('@') {
            None => (predicate, None),
            // A list of languages is a question, and nothing that is kept.
            Some((_, tag)) if tag.contains([':', '.', '*']) || tag.is_empty() => return None,
            Some((name, tag)) => (name.to_owned(), Some(tag.to_owned())),
        };
        let form = match name {
            "ID" if !has(&directives, "external") => None,
            "ID" | "String" => Some(Form::Text),
            "Int" => Some(Form::Int),
            "Int64" => Some(Form::BigInt),
            "Float" if has(&directives, "embedding") => Some(Form::Vector),
            "Float" => Some(Form::Float),
            "Boolean" => Some(Form::Bool),
            "DateTime" => Some(Form::Time),
            name if GEO.contains(&name) => Some(Form::Geo),
            name => self.enums.get(name).cloned().map(Form::Enum),
        };
        is_list &= form != Some(Form::Vector);
        let holds = match form {
            Some(form) => Holds::Values(form),
            None if name == "ID" => Holds::Uid,
            None => Holds::Links(self.targets(name)),
        };
        Some(GraphField {
            name: field.name.clone(),
            predicate,
            language,
            holds,
            is_list,
            is_required,
            is_unique: has(&directives, "id"),
            inverse: argument(&directives, "hasInverse", "field").map(str::to_owned),
        })
    }

    /// The types that a field of this type leads to, as rows call them.
    fn targets(&self, name: &str) -> Vec<String> {
        let called = |name: &str| {
            let own = self.objects.get(name).filter(|it| it.is_stored())?;
            Some(own.called(name))
        };
        if let Some(members) = self.unions.get(name) {
            return members.iter().filter_map(|it| called(it)).collect();
        }
        if self.interfaces.contains_key(name) {
            let members = self.order.iter().filter(|it| {
                let own = self.objects.get(**it);
                own.is_some_and(|own| own.interfaces.contains(&name))
            });
            return members.filter_map(|it| called(it)).collect();
        }
        called(name).into_iter().collect()
    }
}

/// The field that `@secret` adds to a type.
fn password(written: &Written<'_>, of: &str) -> Option<GraphField> {
    let name = argument(&written.directives, "secret", "field")?;
    let given = argument(&written.directives, "secret", "pred");
    Some(GraphField {
        name: name.to_owned(),
        predicate: given.map_or_else(|| format!("{of}.{name}"), bare),
        language: None,
        holds: Holds::Values(Form::Password),
        is_list: false,
        is_required: false,
        is_unique: false,
        inverse: None,
    })
}

/// A predicate without the `<` and `>` that may stand around its name, also where it is followed backwards (`<~friend>`).
fn bare(given: &str) -> String {
    let parts = given.strip_prefix('<').and_then(|it| it.split_once('>'));
    match parts.filter(|(_, rest)| rest.is_empty() || rest.starts_with('@')) {
        Some((name, rest)) => format!("{name}{rest}"),
        None => given.to_owned(),
    }
}

fn has(directives: &[&Directive<'_, String>], name: &str) -> bool {
    directives.iter().any(|it| it.name == name)
}

/// An argument of a directive; names without quotes are taken as well, as old servers took them in `@hasInverse`.
fn argument<'d>(
    directives: &[&'d Directive<'_, String>],
    name: &str,
    argument: &str,
) -> Option<&'d str> {
    let own = directives.iter().find(|it| it.name == name)?;
    let (_, value) = own.arguments.iter().find(|(it, _)| it == argument)?;
    match value {
        Value::String(text) | Value::Enum(text) => Some(text),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Graph {
        Graph::parse(text, "g01.gql_schema.gz").expect("a schema")
    }

    #[test]
    fn predicates_are_called_as_the_server_calls_them() {
        let graph = parsed(
            r#"interface Node_ @dgraph(type: "N") { documentId: String! @id  nick: String @dgraph(pred: "nick@en") }
            type Author implements Node_ @dgraph(type: "author") @secret(field: "pwd") {
              id: ID! documentId: String! @id name: String @dgraph(pred: "name") any: String @dgraph(pred: "name@en:.")
              posts: [Post!] @dgraph(pred: "~Post.author") age: Int64 shown: String @custom(dql: "{}")
            }
            type Post { author: Author! @hasInverse(field: posts) any: [Any] loc: Point vec: [Float!] @embedding state: State }
            type Far @remote { x: Int } type Query { x: Int } enum State { A B } union Any = Author | Post | Far
            # Dgraph.Allow-Origin "https://example.com""#,
        );
        let names: Vec<&str> = graph.types.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["author", "Post"]);
        assert_eq!(graph.interfaces, BTreeSet::from(["N".to_owned()]));
        let author: Vec<_> = graph.types[0]
            .fields
            .iter()
            .map(|it| (&*it.name, &*it.predicate, it.language.as_deref()))
            .collect();
        assert_eq!(
            author,
            [
                ("documentId", "N.documentId", None),
                ("nick", "nick", Some("en")),
                ("id", "author.id", None),
                ("name", "name", None),
                ("posts", "~Post.author", None),
                ("age", "author.age", None),
                ("pwd", "author.pwd", None),
            ]
        );
        let post = &graph.types[1].fields;
        assert_eq!(post[0].holds, Holds::Links(vec!["author".into()]));
        assert_eq!(post[0].inverse.as_deref(), Some("posts"));
        assert!(post[0].is_required && !post[0].is_list);
        let any = Holds::Links(vec!["author".into(), "Post".into()]);
        assert_eq!((&post[1].holds, post[1].is_list), (&any, true));
        assert_eq!(post[2].holds, Holds::Values(Form::Geo));
        assert!(post[3].holds == Holds::Values(Form::Vector) && !post[3].is_list);
        let state = Form::Enum(vec!["A".into(), "B".into()]);
        assert_eq!(post[4].holds, Holds::Values(state));
    }

    #[test]
    fn brackets_in_comments_and_texts_are_no_nesting() {
        let comments = "# [ it opens \" quotes {\n".repeat(100);
        let texts = "\"\"\" { [ ( \\\"\"\" \" \"\"\" enum E { \"[{(\\\"\" A }\n".replace('\n', " ");
        let graph = parsed(&format!("{comments}{texts}type A {{ id: ID! s: String }}"));
        assert_eq!(graph.types.len(), 1);
        for deep in ["# \"\ntype B { f: ", "\"\"\" \" \"\"\" type B { f: "] {
            let deep = format!("{deep}{}Int{} }}", "[".repeat(100_000), "]".repeat(100_000));
            let error = Graph::parse(&deep, "g01.gql_schema.gz").expect_err("deep");
            assert!(error.to_string().contains("nested too deep"), "{error}");
        }
    }

    #[test]
    fn more_types_than_an_archive_has_are_refused_before_they_are_read() {
        // It is no schema, which the parser would say.
        let many = "type T { id: ID! }\n".repeat(MOST_TYPES + 1) + "type {";
        let error = Graph::parse(&many, "g01.gql_schema.gz").expect_err("many");
        assert!(
            error.to_string().contains("more than 10000 types"),
            "{error}"
        );
    }

    #[test]
    fn predicates_in_angle_brackets_are_those_without() {
        let graph = parsed(
            r#"type A @secret(field: "p", pred: "<pw>") { id: ID! job: String @dgraph(pred: "<職業>") fans: [A] @dgraph(pred: "<~friend>") en: String @dgraph(pred: "<nm>@en") }"#,
        );
        let fields = graph.types[0].fields.iter();
        let fields: Vec<_> = fields
            .map(|it| (&*it.predicate, it.language.as_deref()))
            .collect();
        let names = [
            ("A.id", None),
            ("職業", None),
            ("~friend", None),
            ("nm", Some("en")),
            ("pw", None),
        ];
        assert_eq!(fields, names);
    }

    #[test]
    fn what_is_no_schema_is_refused_and_nothing_is_one() {
        for text in ["", " \n", "# Dgraph.Allow-Origin \"https://e.com\"\n"] {
            assert!(parsed(text).types.is_empty(), "{text}");
        }
        let deep = format!("type A {{ b: {} }}", "[".repeat(100_000));
        for text in ["type A {", &deep] {
            let error = Graph::parse(text, "g01.gql_schema.gz").expect_err("none");
            assert!(
                error.to_string().starts_with("g01.gql_schema.gz"),
                "{error}"
            );
        }
    }
}
