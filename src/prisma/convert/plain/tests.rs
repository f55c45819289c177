//! Types and nodes as wide as an archive takes them: what grew with the square of that took minutes here.

use super::*;

/// How many fields there are: an archive has room for some more.
const FIELDS: usize = 60_000;

fn model(text: &str) -> DataModel {
    DataModel::parse(text, "test").expect("a model")
}

#[test]
fn types_of_very_many_relations_are_made_one_after_the_other() {
    let fields = |of: &str| -> String {
        let field = |at: usize| format!("f{at}: [{of}!]! @relation(name: \"R{at}\")\n");
        (0..FIELDS / 2).map(field).collect()
    };
    let (one, other) = (fields("B"), fields("A"));
    let text = format!("type A {{ id: ID! @id\n{one} }}\ntype B {{ id: ID! @id\n{other} }}");
    let made = made_of(&model(&text), true);
    assert_eq!(made.links.len(), FIELDS / 2);
    for (type_name, is_owner) in [("A", true), ("B", false)] {
        let last = format!("f{}", FIELDS / 2 - 1);
        let (number, owns) = made.links_of(type_name, &last).expect("a relation");
        assert_eq!(
            (made.links[number].field.as_str(), owns),
            (&*last, is_owner)
        );
    }
}

#[test]
fn nodes_of_very_many_fields_become_lines_one_field_after_the_other() {
    let fields = |field: &dyn Fn(usize) -> String| -> String { (0..FIELDS).map(field).collect() };
    let text = format!(
        "type A {{ id: ID! @id\n{} }}",
        fields(&|at| format!("f{at}: Int\n"))
    );
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    for kind in ["nodes", "lists", "relations"] {
        std::fs::create_dir_all(data.join(kind)).expect("a folder");
        let text = format!(r#"{{"valueType":"{kind}","values":[]}}"#);
        std::fs::write(data.join(kind).join("000001.json"), text).expect("written");
    }
    let of = ("5.54.0", "2026-11-20T15:28:46.121Z");
    let interrupt = Interrupt::default();
    let source = PlainSource::open(&data, &model(&text), of, folder.path(), &interrupt);
    let source = source.expect("a data set");
    let values = fields(&|at| format!(r#","f{at}":{at}"#));
    let mut found = Gathered::default();
    found.node = Some(format!(r#"{{"_typeName":"A","id":"a"{values}}}"#));
    let mut lost = Placeless::default();
    let line = source.line(&source.made.types[0], (1, "document"), found, &mut lost);
    let last = format!(r#""f{0}":{0},"createdAt""#, FIELDS - 1);
    assert!(line.expect("a line").contains(&last));
    assert_eq!(lost.warnings().count(), 0);
}
