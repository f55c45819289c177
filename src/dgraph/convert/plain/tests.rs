//! Sets of real servers, and sets made by hand, as content of a Strapi.

use super::*;
use crate::dgraph::set::Key;
use crate::error::Kind;
use crate::model::{Asset, ConfigItem, Entity, Link};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};

const NOW: &str = "2026-11-22T15:28:46.121Z";

/// What a source sends.
#[derive(Default)]
struct Sent {
    rows: Vec<Value>,
    links: Vec<Value>,
    warnings: Vec<Warning>,
}

impl Sent {
    fn of(&self, uid: &str) -> Vec<&Value> {
        let rows = self.rows.iter().filter(|it| it["type"] == uid);
        rows.map(|it| &it["data"]).collect()
    }

    fn told(&self) -> Vec<String> {
        self.warnings.iter().map(ToString::to_string).collect()
    }

    fn is_incomplete(&self) -> bool {
        self.warnings.iter().any(|it| it.kind.is_incomplete())
    }

    /// Rows by their types.
    fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            *counts.entry(row["type"].as_str().unwrap()).or_default() += 1;
        }
        counts
    }

    /// Links, as the content types, attributes and rows of both ends.
    fn linked(&self) -> Vec<String> {
        let end = |it: &Value| {
            let kind = it["type"].as_str().unwrap().rsplit('.').next().unwrap();
            format!(
                "{kind} {} {}",
                it["ref"],
                it["field"].as_str().unwrap_or("-")
            )
        };
        let links = self.links.iter();
        let links = links.filter(|it| it["left"]["field"] != "localizations");
        links
            .map(|it| format!("{} > {}", end(&it["left"]), end(&it["right"])))
            .collect()
    }
}

impl Sink for Sent {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        Ok(())
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.rows
            .push(serde_json::from_str(entity.line).expect("JSON"));
        Ok(())
    }

    fn asset(&mut self, _asset: &Asset, _content: &mut dyn Read) -> Result<()> {
        Ok(())
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.links
            .push(serde_json::from_str(link.line).expect("JSON"));
        Ok(())
    }

    fn configuration(&mut self, _item: &ConfigItem<'_>) -> Result<()> {
        Ok(())
    }

    fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }
}

fn opened(set: &Path, spool: &Path) -> Result<PlainSource> {
    let key = Key::read(&set.join("enc.key"), &Interrupt::default()).ok();
    let interrupt = Interrupt::default();
    let set = ExportSet::open(set, key, &interrupt)?;
    PlainSource::open(&set, ("5.54.0", NOW), spool, &interrupt)
}

/// What becomes of a set: its rows, and the attributes of its content types.
fn sent(set: &Path) -> (Sent, BTreeMap<String, Value>) {
    let spool = tempfile::tempdir().expect("a folder");
    let mut source = opened(set, spool.path()).expect("a set");
    let mut sent = Sent::default();
    source.stream(&Filter::default(), &mut sent).expect("sent");
    let files = source.schema_files().map(|(path, text)| {
        let name = path.split('/').nth(1).expect("a name").to_owned();
        let file: Value = serde_json::from_str(&text).expect("JSON");
        (name, file["attributes"].clone())
    });
    (sent, files.collect())
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/dgraph")
        .join(name)
}

/// A set of these predicates and types, GraphQL schema and rows, in a folder.
fn made(schema: &str, sdl: &str, rows: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("schema", schema), ("gql_schema", sdl), ("rdf", rows)] {
        let file = File::create(folder.path().join(format!("g01.{name}.gz"))).expect("a file");
        let mut packed = GzEncoder::new(file, Compression::fast());
        packed.write_all(text.as_bytes()).expect("written");
        packed.finish().expect("written");
    }
    folder
}

#[test]
fn a_graphql_schema_of_a_real_server_becomes_content_types_and_its_nodes_rows() {
    for name in ["v20.11.3-graphql.r36", "v21.03.2-graphql.r8"] {
        let (sent, types) = sent(&fixture(name));
        assert_eq!(sent.told(), Vec::<String>::new(), "{name}");
        assert_eq!(
            sent.counts(),
            BTreeMap::from([
                ("api::article.article", 2),
                ("api::author.author", 1),
                ("api::image.image", 1),
                ("api::quote.quote", 1),
                ("api::seo.seo", 1),
            ])
        );
        let article = &types["article"];
        assert_eq!(article["title"], json!({"type": "text", "required": true}));
        assert_eq!(
            article["dgraphDocumentId"],
            json!({"type": "text", "unique": true, "required": true})
        );
        assert_eq!(article["big"], json!({"type": "biginteger"}));
        assert_eq!(
            article["dgraphStatus"],
            json!({"type": "enumeration", "enum": ["DRAFT", "PUBLISHED"]})
        );
        assert_eq!(
            article["author"],
            json!({"type": "relation", "relation": "manyToOne", "target": "api::author.author", "inversedBy": "articles"})
        );
        assert_eq!(article["blocksImage"]["target"], "api::image.image");
        assert_eq!(article["blocksQuote"]["relation"], "manyToMany");
        assert_eq!(article.get("createdAt"), None);
        let rows = sent.of("api::article.article");
        let row = rows
            .iter()
            .find(|it| it["title"] == "Hello")
            .expect("a row");
        for (name, value) in [
            ("views", json!(42)),
            ("big", json!("9007199254740993")),
            ("published", json!(true)),
            ("tags", json!(["b", "a"])),
            ("nums", json!([2, 1])),
            (
                "loc",
                json!({"type": "Point", "coordinates": [-3.25, 12.5]}),
            ),
            ("statuses", json!(["PUBLISHED", "DRAFT"])),
            ("createdAt", json!("2024-01-02T01:04:05.000Z")),
            ("updatedAt", json!("2024-01-02T01:04:05.000Z")),
        ] {
            let found = row.get(name).cloned().unwrap_or_default();
            let big = name == "big" && found.is_null();
            assert!(found == value || big, "{name}: {found}");
        }
        let mut linked = sent.linked();
        linked.sort();
        assert!(
            linked
                .iter()
                .any(|it| it.ends_with("author > author 1 articles")),
            "{linked:?}"
        );
        assert_eq!(linked.len(), 5, "{linked:?}");
    }
}

#[test]
fn a_set_of_dql_becomes_types_as_its_rows_have_them() {
    for name in ["v20.11.3-dql.r21", "v25.3.0-dql-facets-lang"] {
        let (sent, types) = sent(&fixture(name));
        let told = sent.told();
        assert!(sent.is_incomplete());
        let facets = told.iter().filter(|it| it.contains("(facets)")).count();
        assert_eq!(facets, 3, "{told:?}");
        assert!(
            told.iter()
                .any(|it| it.starts_with("2 nodes without a type: ")),
            "{told:?}"
        );
        assert_eq!(told.len(), 4, "{told:?}");
        assert_eq!(
            sent.counts(),
            BTreeMap::from([("api::person.person", 1), ("api::untyped.untyped", 2)])
        );
        let person = &types["person"];
        assert_eq!(person["spw"], json!({"type": "password"}));
        assert_eq!(
            person["friend"],
            json!({"type": "relation", "relation": "manyToMany", "target": "api::untyped.untyped", "inversedBy": "friendReverse"})
        );
        let alice = sent.of("api::person.person")[0];
        assert_eq!(
            alice["nameLanguages"],
            json!({"en": "Alice", "es": "Alicia"})
                .as_object()
                .map_or(Value::Null, |all| {
                    let known = all
                        .iter()
                        .filter(|(it, _)| name.starts_with("v25") || *it == "en");
                    Value::from(
                        known
                            .map(|(a, b)| (a.clone(), b.clone()))
                            .collect::<serde_json::Map<_, _>>(),
                    )
                })
        );
        assert_eq!(alice["name"], "plain");
        assert_eq!(alice["nick"], json!(["n1", "n2"]));
        assert!(
            alice["spw"]
                .as_str()
                .expect("a hash")
                .starts_with("$2a$10$")
        );
        if name.starts_with("v25") {
            assert_eq!(alice["bf"], "123456789.1");
            assert_eq!(alice["vec"], json!([1, 2.5, 3]));
        }
        assert_eq!(sent.linked().len(), 3);
    }
}

#[test]
fn infinity_has_no_place_and_nodes_without_types_have_one() {
    let (sent, _) = sent(&fixture("v25.3.0-scalars-inf"));
    let told = sent.told();
    assert!(
        told.iter().any(|it| it.contains("it is +Inf, -Inf or NaN")),
        "{told:?}"
    );
    assert!(
        told.iter()
            .any(|it| it.contains("the milliseconds that Strapi keeps")),
        "{told:?}"
    );
    assert_eq!((told.len(), sent.rows.len()), (3, 13), "{told:?}");
    let texts = sent.of("api::untyped.untyped");
    let texts: Vec<&str> = texts.iter().filter_map(|it| it["str"].as_str()).collect();
    assert!(
        texts.contains(&"[1, 2, 3]") && texts.contains(&"uid(x)"),
        "{texts:?}"
    );
}

#[test]
fn an_encrypted_set_is_read_with_its_key_and_several_namespaces_are_refused() {
    let (sent, _) = sent(&fixture("v25.3.0-encrypted"));
    assert!(!sent.rows.is_empty());
    let spool = tempfile::tempdir().expect("a folder");
    let error = opened(&fixture("v25.3.0-acl-two-namespaces"), spool.path());
    let error = error.err().expect("refused");
    assert_eq!(error.kind(), Kind::Failed);
    assert!(error.to_string().contains("0x0 and 0x1"), "{error}");
    // Where the set was saved from a server that is gone, there is another way.
    let advice = error.advice().expect("advice");
    assert!(advice.contains("--into-namespace 0"), "{advice}");
}

#[test]
fn rows_of_one_more_namespace_and_of_its_users_alone_are_told_apart() {
    let schema = "[0x0] <a>:string . \n[0x1] <dgraph.xid>:string . \n";
    let row = "<0x1> <a> \"x\" <0x0> .\n<0x2> <dgraph.xid> \"groot\" <0x1> .\n";
    let set = made(schema, "", row);
    let (sent, _) = sent(set.path());
    assert_eq!(sent.rows.len(), 1);
    let set = made(schema, "", &format!("{row}<0x3> <a> \"x\" <0x1> .\n"));
    let spool = tempfile::tempdir().expect("a folder");
    let error = opened(set.path(), spool.path()).err().expect("refused");
    assert!(error.to_string().contains("0x0 and 0x1"), "{error}");
}

#[test]
fn what_has_no_place_is_named_and_what_leads_nowhere_is_counted() {
    let schema = "<A.n>:int .\n<A.one>:string .\n<A.to>:[uid] .\n<A.t>:float .\ntype <A> {\nA.n\nA.one\nA.to\n}\ntype <B> {\nA.n\n}\n";
    let sdl = "enum C { RED } type A { n: Int one: C to: [A] }";
    let rows = r#"<0x1> <dgraph.type> "A" .
<0x1> <A.n> "9223372036854775807"^^<xs:int> .
<0x1> <A.one> "BLUE" .
<0x1> <A.to> <0x9> .
<0x1> <A.to> <0xa> .
<0x1> <A.t> <0x2> .
<0x1> <no> "x" .
<0x2> <dgraph.type> "A" .
<0x2> <dgraph.type> "B" .
<0x2> <A.n> "1"^^<xs:int> .
<0x2> <A.n> "2"^^<xs:int> .
<0x2> <A.to> "text" .
<0x2> <A.one> "RED"@en (since=2020-01-01T00:00:00Z) .
"#;
    let (sent, types) = sent(made(schema, sdl, rows).path());
    let mut told = sent.told();
    told.sort();
    let links =
        "`A.to` of A 0x2: 1 not kept: the schema says that it links a node, and it is a value";
    assert_eq!(
        told,
        [
            "`A.n` of A 0x1: 1 not kept: it is larger than the 32 bits that the GraphQL schema says",
            "`A.n` of A 0x2: 1 not kept: the schema says one value, and there are several",
            "`A.one` of A 0x1: 1 not kept: it is none of the values that the GraphQL schema says",
            "`A.one` of A 0x2: 1 not kept: what stands beside it (facets) has no place in Strapi",
            "`A.t` of A 0x1: 1 not kept: the schema says that it is a value, and it links a node",
            links,
            "`dgraph.type` of A 0x2: 1 not kept: a row has one type, and the node has several",
            "`no` of the node 0x1: 1 not kept: the schema has no such predicate",
            "links of `A.to` of A: 2 left out: there is no node at the other end (the first is of 0x1)",
        ]
    );
    assert_eq!(types["a"]["oneLanguages"], json!({"type": "json"}));
    assert_eq!(sent.of("api::a.a")[1]["oneLanguages"], json!({"en": "RED"}));
}

#[test]
fn a_value_in_a_language_is_in_the_attribute_of_its_own_wherever_that_stands() {
    let schema = "<nm>:string @lang .\n<p>:string .\ntype <A> {\nnm\n}\n";
    let rows = r#"<0x1> <dgraph.type> "A" .
<0x1> <nm> "E"@en .
<0x1> <nm> "F"@fr .
<0x1> <p> "x" .
"#;
    let name = r#"name: String @dgraph(pred: "nm")"#;
    let english = r#"nameEn: String @dgraph(pred: "nm@en")"#;
    for (one, other) in [(name, english), (english, name)] {
        // A second field for the same values gets no attribute.
        let sdl = format!(
            r#"type A {{ id: ID! {one} {other} en2: String @dgraph(pred: "nm@en") a: String @dgraph(pred: "p") b: String @dgraph(pred: "p") }}"#
        );
        let (sent, types) = sent(made(schema, &sdl, rows).path());
        assert_eq!(sent.told(), Vec::<String>::new());
        let row = sent.of("api::a.a")[0];
        assert_eq!(row["nameEn"], "E");
        assert_eq!(row["nameLanguages"], json!({"fr": "F"}));
        assert_eq!(row["a"], "x");
        assert_eq!((types["a"].get("en2"), types["a"].get("b")), (None, None));
    }
}

#[test]
fn names_are_ones_that_strapi_takes() {
    let schema = "<name>:string .\n<\u{438}\u{43c}\u{44f}>:string .\n<a-b c>:string .\n<status>:string .\n<__x>:int .\n<strapi>:int .\n<dgraphUid>:int .\n<Date.name>:string .\ntype <Date> {\n<Date.name>\n<name>\n<\u{438}\u{43c}\u{44f}>\n<a-b c>\n<status>\n<__x>\n<strapi>\n<dgraphUid>\n}\ntype <StrapiThing> {\n}\ntype <\u{438}> {\n}\ntype <admin> {\n}\ntype <Untyped> {\n}\n";
    let rows = "<0x1> <name> \"x\" .\n<_:b> <name> \"y\" .\n";
    let (sent, types) = sent(made(schema, "", rows).path());
    let names: Vec<&str> = types.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "admin2",
            "date2",
            "dgraph-strapi-thing",
            "type",
            "untyped",
            "untyped2"
        ]
    );
    let date: Vec<&String> = types["date2"]
        .as_object()
        .expect("attributes")
        .keys()
        .collect();
    assert_eq!(
        date,
        [
            "dgraphUid",
            "name",
            "name2",
            "field",
            "aBC",
            "dgraphStatus",
            "x",
            "dgraphStrapi",
            "dgraphDgraphUid"
        ]
    );
    assert_eq!(sent.rows.len(), 2);
}

#[test]
fn links_are_kept_in_step_as_the_schema_says_it() {
    let schema = "<A.bs>:[uid] .\n<B.a>:uid .\n<A.self>:[uid] .\n<A.next>:uid .\n<A.c>:uid @reverse .\ntype <A> {\n}\n";
    let sdl = "type A { bs: [B] @hasInverse(field: a) self: [A] @hasInverse(field: self) next: A c: C } type B { a: A }
        type C { from: [A] @dgraph(pred: \"~A.c\") }";
    let rows = r#"<0x1> <dgraph.type> "A" .
<0x2> <dgraph.type> "A" .
<0x3> <dgraph.type> "B" .
<0x4> <dgraph.type> "C" .
<0x1> <A.bs> <0x3> .
<0x3> <B.a> <0x1> .
<0x1> <A.self> <0x2> .
<0x2> <A.self> <0x1> .
<0x1> <A.next> <0x2> .
<0x1> <A.c> <0x4> .
"#;
    let (sent, types) = sent(made(schema, sdl, rows).path());
    assert_eq!(sent.told(), Vec::<String>::new());
    assert_eq!(types["a"]["c"]["inversedBy"], "from");
    assert_eq!(types["c"]["from"]["relation"], "oneToMany");
    assert_eq!(types["b"]["a"]["inversedBy"], "bs");
    assert_eq!(
        sent.linked(),
        [
            "a 1 self > a 2 -",
            "a 2 self > a 1 -",
            "a 1 next > a 2 -",
            "a 1 c > c 1 from",
            "b 1 a > a 1 bs",
        ]
    );
}

#[test]
fn of_links_that_contradict_each_other_the_one_that_both_ends_say_stays() {
    let schema = "<A.bs>:[uid] .\n<B.a>:uid .\n<A.twin>:uid .\ntype <A> {\n}\ntype <B> {\n}\n";
    let sdl =
        "type A { bs: [B] @hasInverse(field: a) twin: A @hasInverse(field: twin) } type B { a: A }";
    // One that is said first and by one end; one that the owner alone says; twins of whom one has another as well.
    let rows = r#"<0x1> <dgraph.type> "A" .
<0x2> <dgraph.type> "A" .
<0x3> <dgraph.type> "A" .
<0x5> <dgraph.type> "B" .
<0x6> <dgraph.type> "B" .
<0x1> <A.bs> <0x5> .
<0x2> <A.bs> <0x5> .
<0x5> <B.a> <0x2> .
<0x1> <A.bs> <0x6> .
<0x6> <B.a> <0x3> .
<0x1> <A.twin> <0x3> .
<0x2> <A.twin> <0x3> .
<0x3> <A.twin> <0x2> .
"#;
    let (sent, _) = sent(made(schema, sdl, rows).path());
    assert_eq!(
        sent.linked(),
        [
            "a 1 twin > a 3 -",
            "a 2 twin > a 3 -",
            "a 3 twin > a 2 -",
            "b 1 a > a 2 bs",
            "b 2 a > a 3 bs",
        ]
    );
    assert_eq!(sent.told().len(), 3, "{:?}", sent.told());
}

#[test]
fn a_set_that_is_not_whole_or_damaged_is_refused() {
    let set = made("<a>:string .\n", "", "<0x1> <a> \"x\" .\n<0x1> nothing\n");
    let spool = tempfile::tempdir().expect("a folder");
    let error = opened(set.path(), spool.path()).err().expect("damaged");
    assert_eq!(error.kind(), Kind::Archive);
    std::fs::remove_file(set.path().join("g01.schema.gz")).expect("removed");
    let error = opened(set.path(), spool.path()).err().expect("not whole");
    assert_eq!(error.kind(), Kind::Archive);
    assert!(
        error
            .advice()
            .expect("advice")
            .contains("backup dgraph verify")
    );
    let empty = made("", "", "");
    let error = opened(empty.path(), spool.path()).err().expect("empty");
    assert_eq!(error.kind(), Kind::Failed);
}

#[test]
fn a_node_with_more_than_a_line_may_be_is_a_row_without_the_rest() {
    let schema = "<l>:[string] .\n";
    let rows: String = (0..100)
        .map(|at| format!("<0x1> <l> \"{at:050}\" .\n"))
        .collect();
    let set = made(schema, "", &rows);
    let spool = tempfile::tempdir().expect("a folder");
    let mut source = opened(set.path(), spool.path()).expect("a set");
    source.longest = 4000;
    let mut sent = Sent::default();
    source.stream(&Filter::default(), &mut sent).expect("sent");
    assert!(sent.is_incomplete() && sent.told().last().expect("told").contains("longer than"));
    let kept = sent.rows[0]["data"]["l"].as_array().expect("a list").len();
    assert!((10..100).contains(&kept), "{kept}");
}
