//! What Dgraph asks of a GraphQL schema (`graphql/schema/rules.go` of its source), and that predicates and fields are the same.

use super::{sdl, set};
use crate::dgraph::set::Content;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const SCALARS: [&str; 7] = [
    "String", "Int", "Int64", "Float", "Boolean", "DateTime", "ID",
];
/// What stands around the name of a type in those which are made of it.
const MADE: [(&str, &str); 12] = [
    ("", "Ref"),
    ("", "Patch"),
    ("", "Filter"),
    ("", "Order"),
    ("", "Orderable"),
    ("", "AggregateResult"),
    ("Add", "Input"),
    ("Add", "Payload"),
    ("Update", "Input"),
    ("Update", "Payload"),
    ("Delete", "Payload"),
    ("", "HasFilter"),
];

/// Of each type its fields: what they hold, and behind that their directives.
type Types = BTreeMap<String, BTreeMap<String, (String, String)>>;

fn parse(text: &str) -> (Types, BTreeSet<String>) {
    let (mut types, mut enums) = (Types::new(), BTreeSet::new());
    let mut own = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("enum ") {
            let name = name.trim_end_matches(" {").to_owned();
            assert!(enums.insert(name.clone()), "{name} is there twice");
        } else if let Some(name) = line.strip_prefix("type ") {
            let name = name.trim_end_matches(" {").to_owned();
            assert!(
                types.insert(name.clone(), BTreeMap::new()).is_none(),
                "{name}"
            );
            own = Some(name);
        } else if line == "}" {
            own = None;
        } else if let (Some(own), Some((field, rest))) = (&own, line.trim().split_once(": ")) {
            let (kind, directives) = rest.split_once(' ').unwrap_or((rest, ""));
            let value = (kind.to_owned(), directives.to_owned());
            let fields = types.get_mut(own).expect("a type");
            assert!(
                fields.insert(field.to_owned(), value).is_none(),
                "{own}.{field}"
            );
        }
    }
    (types, enums)
}

/// Sees that Dgraph takes the GraphQL schema in this folder.
pub fn check(folder: &Path) {
    let text = sdl(folder);
    let (types, enums) = parse(&text);
    let all: BTreeSet<&String> = types.keys().chain(&enums).collect();
    assert_eq!(all.len(), types.len() + enums.len(), "{text}");
    for name in &all {
        assert!(!SCALARS.contains(&name.as_str()), "{name}");
        assert!(
            !["Query", "Mutation", "Subscription", "Point", "Polygon"].contains(&name.as_str())
        );
        for of in types.keys() {
            let is_made = MADE
                .iter()
                .any(|(before, behind)| **name == format!("{before}{of}{behind}"));
            assert!(!is_made, "{name} of {of}: {text}");
        }
    }
    let mut predicates = BTreeSet::new();
    for (own, fields) in &types {
        let ids = fields
            .values()
            .filter(|(_, directives)| directives == "@id");
        assert_eq!(ids.count(), 1, "{own}");
        assert_eq!(fields["strapiId"].0, "String!");
        for (field, (kind, directives)) in fields {
            assert!(
                !field.ends_with("Aggregate") && !["uid", "as"].contains(&field.as_str()),
                "{field}"
            );
            let bare = kind.trim_matches(['[', ']', '!']);
            assert!(kind.len() - bare.len() <= 2, "{kind}");
            match kind.starts_with('[') {
                true => assert!(types.contains_key(bare), "{kind}"),
                false => assert!(
                    SCALARS.contains(&bare) || all.contains(&bare.to_owned()),
                    "{kind}"
                ),
            }
            if let Some(inverse) = directives.strip_prefix("@hasInverse(field: ") {
                let inverse = inverse.trim_end_matches(')');
                let (kind, directives) = &types[bare][inverse];
                assert_eq!(kind.trim_matches(['[', ']']), own, "{own}.{field}");
                assert_eq!(*directives, format!("@hasInverse(field: {field})"));
            }
            let form = match kind.starts_with('[') {
                true => "[uid]".to_owned(),
                false => match bare {
                    "Int64" | "Int" => "int".to_owned(),
                    "Boolean" => "bool".to_owned(),
                    _ if types.contains_key(bare) => "uid".to_owned(),
                    _ if enums.contains(bare) => "string hash".to_owned(),
                    _ if directives == "@id" => "string hash".to_owned(),
                    _ => bare.to_lowercase(),
                },
            };
            predicates.insert(format!("{own}.{field} {form}"));
        }
    }
    let set = set(folder);
    let file = set.files().iter().find(|it| it.content == Content::Schema);
    let schema = set.schema(file.expect("a schema")).expect("read");
    let own = schema
        .predicates()
        .iter()
        .filter(|it| it.name != "dgraph.type");
    let own = own.map(|it| {
        let (open, close) = if it.is_list { ("[", "]") } else { ("", "") };
        let index = it.directives.iter().find(|it| it.name == "index");
        let index = index
            .and_then(|it| it.arguments.as_deref())
            .unwrap_or_default();
        let form = format!("{} {open}{}{close} {index}", it.name, it.kind.as_str());
        form.trim_end().to_owned()
    });
    assert_eq!(own.collect::<BTreeSet<_>>(), predicates, "{text}");
}
