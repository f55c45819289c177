//! `backup convert` of export sets of any Dgraph, without notes, into archives of Strapi.

use crate::convert::{convert, folder};
use crate::convert_strapi::strapi_exports_what_was_converted;
use crate::dgraph_verify::pack;
use crate::limits::{MEMORY, measured};
use crate::support::archive::Archive;
use crate::support::cli::{backup, run};
use crate::support::files::{copy_folder, repository};
use crate::support::schema::described;
use crate::support::strapi::Version;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

const PLAIN: [&str; 3] = ["--as", "strapi", "--no-encrypt"];

/// A set of a real server, in a folder of its own.
fn server(name: &str, above: &Path) -> PathBuf {
    let set = above.join(name);
    copy_folder(&repository("testdata/dgraph").join(name), &set);
    set
}

/// A set of these predicates, GraphQL schema and rows.
fn set(above: &Path, [schema, sdl, rows]: [&str; 3]) -> PathBuf {
    let set = above.join("set");
    fs::create_dir_all(&set).expect("a folder");
    pack(&set.join("g01.schema.gz"), schema.as_bytes());
    pack(&set.join("g01.gql_schema.gz"), sdl.as_bytes());
    pack(&set.join("g01.rdf.gz"), rows.as_bytes());
    set
}

/// The rows of an archive, by their content types.
fn counts(archive: &Archive) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for row in archive.jsonl("entities") {
        let uid = row["type"].as_str().expect("a type");
        let name = uid.rsplit('.').next().expect("a name").to_owned();
        *counts.entry(name).or_default() += 1;
    }
    counts
}

#[test]
fn sets_of_real_servers_become_archives_with_as_many_rows_as_they_have_nodes() {
    for (name, code, untyped) in [
        ("v20.11.3-dql.r21", 3, 2),
        ("v20.11.3-graphql.r36", 0, 0),
        ("v21.03.2-graphql.r8", 0, 0),
        ("v25.3.0-dql-facets-lang", 3, 2),
        ("v25.3.0-encrypted", 0, 1),
        ("v25.3.0-scalars-inf", 3, 13),
    ] {
        let folder = folder();
        let set = server(name, folder.path());
        let key = set.join("enc.key").display().to_string();
        let key: &[&str] = match Path::new(&key).exists() {
            true => &["--encryption-key-file", &key],
            false => &[],
        };
        for version in ["5.54.0", "4.26.2"] {
            let to = folder.path().join(version);
            let options = [&PLAIN[..], &["--strapi-version", version], key].concat();
            convert(&set, &to, &options).ends_with(code);
            let packed = folder.path().join(match code {
                3 => format!("{version}.incomplete.tar.gz"),
                _ => format!("{version}.tar.gz"),
            });
            run(&mut backup(["verify".as_ref(), packed.as_os_str()])).ends_with(code);
            let mut found = counts(&Archive::open(&packed, None));
            assert_eq!(
                found.remove("untyped").unwrap_or_default(),
                untyped,
                "{name}"
            );
            let path = set.display().to_string();
            let verify = ["dgraph", "verify", &path, "--json"];
            let verified = run(&mut backup([&verify[..], key].concat()));
            let summary = verified.stdout.lines().map(described).next_back();
            let summary = summary.expect("a summary");
            let types = summary["stages"]["types"]["groups"].as_object();
            for (of, facts) in types.expect("types") {
                let count = found.remove(&of.to_lowercase()).unwrap_or_default();
                // Interfaces and what is the server's own are no types of rows.
                let is_type = !of.starts_with("dgraph.") && of != "Node_";
                let expected = if is_type {
                    facts["count"].as_u64()
                } else {
                    Some(0)
                };
                assert_eq!(Some(count), expected, "{name}: {of}");
            }
            assert!(found.is_empty(), "{name}: {found:?}");
        }
    }
}

#[test]
fn several_namespaces_and_sets_without_their_key_are_refused() {
    let folder = folder();
    let to = folder.path().join("site");
    let two = server("v25.3.0-acl-two-namespaces", folder.path());
    convert(&two, &to, &PLAIN)
        .ends_with(1)
        .says(["several namespaces", "--namespace N"]);
    let encrypted = server("v25.3.0-encrypted", folder.path());
    let outcome = convert(&encrypted, &to, &PLAIN);
    assert_ne!(outcome.code, Some(0), "{}", outcome.all());
    assert!(outcome.all().contains("key"), "{}", outcome.all());
    let options = [&PLAIN[..], &["--datamodel", "x"]].concat();
    convert(&two, &to, &options)
        .ends_with(2)
        .says(["--datamodel is for data sets of Prisma 1"]);
    for name in ["site.tar.gz", "site-schemas"] {
        assert!(!folder.path().join(name).exists(), "{name}");
    }
}

/// Types and predicates of a server, and what a user of DQL has beside them: names that Strapi has itself, of which it makes one,
/// or that it does not take; nodes without a type.
const SCHEMA: &str = "<Image.url>:string .
<Image.width>:int .
<Quote.text>:string .
<Article.big>:int .
<Article.loc>:geo .
<Article.bigs>:[int] .
<Article.title>:string @lang .
<Article.views>:int .
<Article.rating>:float .
<Article.blocks>:[uid] .
<Article.lead>:uid .
<Article.author>:uid .
<Article.related>:[uid] .
<Article.status>:string .
<Article.published>:bool .
<Article.publishedAt>:datetime .
<Author.articles>:[uid] .
<Author.friends>:[uid] .
<Author.pwd>:password .
<Node_.createdAt>:datetime .
<Node_.documentId>:string @index(hash) @upsert .
<fooBar>:string .
<foo_bar>:string .
<status>:string .
<_x>:default .
<\u{43a}\u{43b}\u{44e}\u{447}>:bigfloat .
<vec>:float32vector .
<knows>:[uid] @reverse .
<strapi_id>:int .
type <StrapiWebhook> {
	<fooBar>
	<foo_bar>
	<status>
}
type <Date> {
	<fooBar>
}
type <UpUser> {
	<knows>
	<vec>
}
type <ArticlesAuthorLink> {
	<fooBar>
}
type <\u{43a}\u{43b}\u{44e}\u{447}> {
	<fooBar>
}
";
const SDL: &str = r#"enum Status { DRAFT PUBLISHED }
interface Node_ { documentId: String! @id  createdAt: DateTime @search }
type Author implements Node_ @secret(field: "pwd") {
  id: ID!
  articles: [Article] @hasInverse(field: author)
  friends: [Author] @hasInverse(field: friends)
}
type Article implements Node_ {
  id: ID!
  title: String! @search(by: [hash])
  views: Int
  big: Int64
  bigs: [Int64]
  rating: Float
  published: Boolean
  publishedAt: DateTime
  status: Status
  loc: Point
  author: Author
  lead: Image
  blocks: [Block]
  related: [Article]
}
union Block = Quote | Image
type Quote { text: String! }
type Image { url: String! width: Int }
# Dgraph.Allow-Origin "https://example.com"
"#;
const ROWS: &str = r#"<0x1> <dgraph.type> "Author" .
<0x1> <dgraph.type> "Node_" .
<0x1> <Node_.documentId> "doc-1" .
<0x1> <Node_.createdAt> "2024-01-02T03:04:05.678+02:00"^^<xs:dateTime> .
<0x1> <Author.pwd> "$2a$10$E0qDAAwf2ZPpIE/D6hcB5.FMYeTJ8OcAozZPiSqrj16JDF50TCVkq"^^<xs:password> .
<0x1> <Author.articles> <0x3> .
<0x1> <Author.articles> <0x4> .
<0x1> <Author.friends> <0x2> .
<0x2> <Author.friends> <0x1> .
<0x2> <dgraph.type> "Author" .
<0x2> <Node_.documentId> "doc-2" .
<0x3> <dgraph.type> "Article" .
<0x3> <Node_.documentId> "doc-3" .
<0x3> <Article.title> "Hello" .
<0x3> <Article.title> "Hallo \u00e4 \"q\""@de .
<0x3> <Article.views> "-42"^^<xs:int> .
<0x3> <Article.big> "9007199254740991"^^<xs:int> .
<0x3> <Article.bigs> "9007199254740993"^^<xs:int> .
<0x3> <Article.bigs> "7"^^<xs:int> .
<0x3> <Article.rating> "4.5E-07"^^<xs:float> .
<0x3> <Article.published> "true"^^<xs:boolean> .
<0x3> <Article.publishedAt> "2024-05-06"^^<xs:dateTime> .
<0x3> <Article.status> "DRAFT" .
<0x3> <Article.loc> "{'type':'Point','coordinates':[-3.25,12.5]}"^^<geo:geojson> .
<0x3> <Article.author> <0x1> .
<0x3> <Article.lead> <0x6> .
<0x3> <Article.blocks> <0x5> .
<0x3> <Article.blocks> <0x6> .
<0x3> <Article.related> <0x3> .
<0x3> <Article.related> <0x4> .
<0x4> <dgraph.type> "Article" .
<0x4> <Node_.documentId> "doc-4" .
<0x4> <Article.title> "Second" .
<0x4> <Article.author> <0x1> .
<0x4> <Article.lead> <0x6> .
<0x5> <dgraph.type> "Quote" .
<0x5> <Quote.text> "q" .
<0x6> <dgraph.type> "Image" .
<0x6> <Image.url> "/u.png" .
<0x6> <Image.width> "3"^^<xs:int> .
<0x7> <dgraph.type> "StrapiWebhook" .
<0x7> <fooBar> "a" .
<0x7> <foo_bar> "b" .
<0x7> <status> "c" .
<0x8> <dgraph.type> "Date" .
<0x8> <fooBar> "d" .
<0x9> <dgraph.type> "UpUser" .
<0x9> <vec> "[1,2.5,3]"^^<xs:[]float32> .
<0x9> <knows> <0xa> .
<0x9> <knows> <0x9> .
<0xa> <_x> "no type" .
<0xa> <strapi_id> "1"^^<xs:int> .
<0xa> <\u043a\u043b\u044e\u0447> "123456789.123456789123456789"^^<xs:decimal> .
<0xb> <dgraph.type> "ArticlesAuthorLink" .
<0xc> <dgraph.type> "\u043a\u043b\u044e\u0447" .
"#;

/// On SQLite real Strapi keeps whole numbers as JavaScript has them: of larger ones it exports others.
fn strapi_exports_what_was_a_set(version: &'static Version, number: &str) {
    let folder = folder();
    let schema = SCHEMA.replace(
        "\\u{43a}\\u{43b}\\u{44e}\\u{447}",
        "\u{43a}\u{43b}\u{44e}\u{447}",
    );
    let rows = ROWS.replace(
        "<\\u043a\\u043b\\u044e\\u0447>",
        "<\u{43a}\u{43b}\u{44e}\u{447}>",
    );
    let set = set(folder.path(), [&schema, SDL, &rows]);
    strapi_exports_what_was_converted(version, number, &set, &[]);
}

#[test]
fn strapi_5_exports_what_was_a_set_of_dgraph() {
    strapi_exports_what_was_a_set(&crate::strapi5::STRAPI, "5.54.0");
}

#[test]
fn strapi_4_exports_what_was_a_set_of_dgraph() {
    strapi_exports_what_was_a_set(&crate::strapi4::STRAPI, "4.26.2");
}

#[test]
fn a_set_converts_to_nothing_where_it_is_damaged_or_its_names_would_lead_elsewhere() {
    let folder = folder();
    let schema = "<a>:string .\ntype <../../x> {\n\t<a>\n}\n";
    let row = "<0x1> <dgraph.type> \"../../x\" .\n<0x1> <a> \"\\u001b[31m\" .\n";
    let above = set(folder.path(), [schema, "", row]);
    let to = folder.path().join("site");
    convert(&above, &to, &PLAIN).ends_with(0);
    let shown = |name: &str| folder.path().join(name).exists();
    assert!(shown("site-schemas/api/x/content-types/x/schema.json"));
    let packed = Archive::open(&folder.path().join("site.tar.gz"), None);
    let rows = packed.jsonl("entities");
    assert_eq!(rows[0]["data"]["a"], json!("\u{1b}[31m"));
    let damaged = set(
        folder.path(),
        [schema, "", &format!("{row}<0x2> nothing\n")],
    );
    convert(&damaged, &folder.path().join("other"), &PLAIN)
        .ends_with(6)
        .says(["g01.rdf.gz, line 3"]);
    assert!(!shown("other.tar.gz") && !shown("other-schemas"));
}

/// A set of so many nodes with five rows each, of which every other one leads to the one before.
fn large(above: &Path, nodes: u64) -> PathBuf {
    let schema = "<P.n>:int .\n<P.text>:string .\n<P.tags>:[string] .\n<P.next>:uid .\ntype <P> {\n\t<P.n>\n}\n";
    let set = set(above, [schema, "", ""]);
    let file = File::create(set.join("g01.rdf.gz")).expect("a file");
    let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let mut text = String::new();
    // Rows of a node do not stand together: servers write one predicate after the other.
    for part in 0..5 {
        for node in 1..=nodes {
            let before = if node > 1 { node - 1 } else { nodes };
            let _ = match part {
                0 => writeln!(text, "<{node:#x}> <dgraph.type> \"P\" <0x0> ."),
                1 => writeln!(text, "<{node:#x}> <P.n> \"{node}\"^^<xs:int> <0x0> ."),
                2 => writeln!(text, "<{node:#x}> <P.text> \"the text of {node}\" <0x0> ."),
                3 => writeln!(text, "<{node:#x}> <P.tags> \"tag {}\" <0x0> .", node % 7),
                _ => writeln!(text, "<{node:#x}> <P.next> <{before:#x}> <0x0> ."),
            };
            if text.len() > 1 << 16 {
                out.write_all(text.as_bytes()).expect("written");
                text.clear();
            }
        }
    }
    out.write_all(text.as_bytes()).expect("written");
    out.finish().expect("written");
    set
}

fn goes_through(nodes: u64) {
    let folder = folder();
    let set = large(folder.path(), nodes).display().to_string();
    let to = folder.path().join("site").display().to_string();
    let arguments = [
        "convert",
        &set,
        &to,
        "--as",
        "strapi",
        "--no-encrypt",
        "--json",
    ];
    let Some((outcome, peak)) = measured(arguments) else {
        return;
    };
    assert_eq!(outcome.code, Some(0), "{}", outcome.all());
    assert!(peak <= MEMORY, "{} MB", peak >> 20);
    let summary: Value = outcome
        .stdout
        .lines()
        .map(described)
        .next_back()
        .expect("a summary");
    assert_eq!(summary["stages"]["entities"]["count"], nodes);
    // One more of each joins the languages of its document.
    assert_eq!(summary["stages"]["links"]["count"], 2 * nodes);
}

#[test]
fn many_rows_become_an_archive_in_flat_memory() {
    goes_through(20_000);
}

#[test]
#[ignore = "long: a million rows"]
fn a_million_rows_become_an_archive_in_flat_memory() {
    goes_through(200_000);
}
