//! Sets of real servers: read, written again, converted between formats and dialects, and damaged.

mod random;

use super::graphql::GraphQls;
use super::row::{FacetKind, Row};
use super::schema::Schema;
use super::set::{Content, Context, ExportSet, Key, Rows, RowsWriter, Writer};
use super::verify::{Verdict, verify};
use super::{Dialect, Format};
use crate::checking::Silent;
use crate::error::{Error, Kind, Result};
use crate::store::Interrupt;
use std::fs;
use std::path::{Path, PathBuf};

const FORMATS: [Format; 2] = [Format::Rdf, Format::Json];
const DIALECTS: [Dialect; 2] = [Dialect::Before2103, Dialect::Since2103];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/dgraph")
}

/// The sets of real servers.
fn sets() -> Vec<(String, ExportSet)> {
    let entries = fs::read_dir(folder()).expect("testdata").flatten();
    let folders = entries.filter(|it| it.path().is_dir());
    let sets = folders.map(|it| {
        let key = Key::read(&it.path().join("enc.key"), &Interrupt::default()).ok();
        let set = ExportSet::open(&it.path(), key, &Interrupt::default()).expect("a set");
        (it.file_name().to_string_lossy().into_owned(), set)
    });
    let sets: Vec<_> = sets.collect();
    assert_eq!(sets.len(), 7);
    sets
}

/// What a set holds.
struct Whole {
    schema: Schema,
    graphql: GraphQls,
    dialect: Dialect,
    /// The texts of the files with rows, and the rows.
    files: Vec<(Format, String, Vec<Row>)>,
}

fn all(mut rows: Rows<'_, impl std::io::BufRead>) -> Result<Vec<Row>> {
    std::iter::from_fn(|| rows.next_row().transpose()).collect()
}

fn context(schema: &Schema, dialect: Dialect) -> Context<'_> {
    Context {
        schema: Some(schema),
        dialect,
        group: 1,
    }
}

fn whole(set: &ExportSet) -> Whole {
    let of = |wanted: Content| {
        let found = set.files().iter().find(|it| it.content == wanted);
        found.expect("a file")
    };
    let schema = set.schema(of(Content::Schema)).expect("a schema");
    let graphql = set.graphql(of(Content::GraphQl)).expect("schemas");
    let dialect = schema.dialect().expect("lines");
    let mut files = Vec::new();
    for file in set.files() {
        if let Content::Rows(format) = file.content {
            let mut text = String::new();
            let mut read = set.read(file).expect("opened");
            std::io::Read::read_to_string(&mut read, &mut text).expect("text");
            let rows = set.rows(file, context(&schema, dialect)).expect("opened");
            files.push((format, text, all(rows).expect("rows")));
        }
    }
    Whole {
        schema,
        graphql,
        dialect,
        files,
    }
}

fn written(rows: &[Row], format: Format, dialect: Dialect) -> Result<Vec<u8>> {
    let mut writer = RowsWriter::new(format, dialect, Vec::new())?;
    rows.iter().try_for_each(|row| writer.push(row))?;
    writer.finish()
}

fn read(text: &[u8], format: Format, schema: &Schema, dialect: Dialect) -> Result<Vec<Row>> {
    all(Rows::new(format, text, "g01", context(schema, dialect)))
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

#[test]
fn sets_of_real_servers_are_written_again_byte_by_byte() {
    for (name, set) in sets() {
        let whole = whole(&set);
        let text = |content: Content| {
            let file = set.files().iter().find(|it| it.content == content);
            let mut text = String::new();
            let mut read = set.read(file.expect("a file")).expect("opened");
            std::io::Read::read_to_string(&mut read, &mut text).expect("text");
            text
        };
        let schema = whole.schema.text(whole.dialect).expect("a schema");
        assert_eq!(schema, text(Content::Schema), "{name}");
        let graphql = whole.graphql.text(whole.dialect).expect("schemas");
        assert_eq!(graphql, text(Content::GraphQl), "{name}");
        for (format, text, rows) in whole.files {
            let lines = text
                .lines()
                .filter(|it| !it.is_empty() && *it != "[" && *it != "]");
            assert_eq!(rows.len(), lines.count(), "{name}");
            let again = written(&rows, format, whole.dialect).expect("written");
            // What is no JSON is put in quotes.
            let text = text.replace(":+Inf}", ":\"+Inf\"}");
            assert_eq!(String::from_utf8(again).unwrap(), text, "{name}");
        }
    }
}

#[test]
fn formats_and_dialects_are_converted_to_each_other_and_back() {
    for (name, set) in sets() {
        let whole = whole(&set);
        let namespaces = name.contains("two-namespaces");
        for (_, _, rows) in whole.files {
            let expected = sorted(rows);
            let mut through = expected.clone();
            for dialect in DIALECTS.into_iter().chain([whole.dialect]) {
                for format in FORMATS.into_iter().rev().chain(FORMATS) {
                    let text = written(&through, format, dialect);
                    if namespaces && dialect == Dialect::Before2103 {
                        let error = text.expect_err("one namespace");
                        assert!(error.to_string().contains("0x1"), "{error}");
                        continue;
                    }
                    let text = text.expect("written");
                    let schema = whole.schema.text(whole.dialect).expect("a schema");
                    let schema = Schema::parse(&schema, "x").expect("a schema");
                    through = read(&text, format, &schema, dialect).expect("rows");
                    assert_eq!(
                        sorted(through.clone()),
                        expected,
                        "{name} {format:?} {dialect}"
                    );
                }
            }
        }
        if !namespaces {
            let there = whole.schema.text(Dialect::Since2103).expect("a schema");
            let back = Schema::parse(&there, "x").expect("a schema");
            let [one, other] =
                [&back, &whole.schema].map(|it| it.text(Dialect::Before2103).unwrap());
            assert_eq!(one, other);
            let there = whole.graphql.text(Dialect::Before2103).expect("schemas");
            let back = GraphQls::parse(&there, "x").expect("schemas");
            assert_eq!(back.text(Dialect::Before2103).expect("schemas"), there);
        }
    }
}

#[test]
fn rows_that_a_server_wrote_in_both_formats_are_the_same() {
    let path = folder().join("v20.11.3-dql.r21");
    let set = ExportSet::open(&path, None, &Interrupt::default()).expect("a set");
    let mut files = whole(&set).files;
    let (second, _, json) = files.pop().expect("two files");
    let (first, _, mut rdf) = files.pop().expect("two files");
    assert_eq!([first, second], FORMATS);
    // The server makes a text of it in JSON.
    for facet in rdf.iter_mut().flat_map(|it| &mut it.facets) {
        if facet.kind == FacetKind::Bool {
            facet.kind = FacetKind::String;
        }
    }
    assert_eq!(sorted(rdf), sorted(json));
}

fn check(set: &ExportSet) -> Result<Verdict> {
    let scratch = tempfile::tempdir().expect("a folder");
    verify(set, scratch.path(), &Silent)
}

#[test]
fn nothing_is_wrong_with_sets_of_real_servers_but_the_infinity() {
    for (name, set) in sets() {
        let verdict = check(&set).expect("read");
        assert_eq!(
            verdict.findings.list().len(),
            0,
            "{name}: {:?}",
            verdict.findings
        );
        let losses = u64::from(name.contains("inf"));
        assert_eq!(verdict.losses.count(), losses, "{name}");
        assert!(verdict.rows.items > 0);
        let is_old = name.starts_with("v20");
        assert_eq!(verdict.dialect == Dialect::Before2103, is_old, "{name}");
    }
}

#[test]
fn a_set_is_written_and_read_encrypted_or_not() {
    let above = tempfile::tempdir().expect("a folder");
    for (number, (name, set)) in sets().into_iter().enumerate() {
        let whole = whole(&set);
        let (_, _, rows) = &whole.files[0];
        for format in FORMATS {
            let key = (number % 2 == 0).then(|| Key::new([number as u8; 24]).unwrap());
            let path = above.path().join(format!("{name}.{}", format.extension()));
            let mut writer =
                Writer::create(&path, format, Dialect::Since2103, key.clone()).unwrap();
            rows.iter().for_each(|row| writer.push(row).unwrap());
            assert!(!path.exists());
            writer.finish(&whole.schema, &whole.graphql).unwrap();
            let again = ExportSet::open(&path, key.clone(), &Interrupt::default()).unwrap();
            let found = self::whole(&again);
            assert_eq!(sorted(found.files[0].2.clone()), sorted(rows.clone()));
            let verdict = check(&again).unwrap();
            assert_eq!(
                verdict.findings.count() + verdict.losses.count(),
                0,
                "{name}"
            );
            let taken = Writer::create(&path, format, Dialect::Since2103, key);
            assert!(taken.is_err_and(|it| it.kind() == Kind::Usage));
        }
    }
    drop(
        Writer::create(
            &above.path().join("gone"),
            Format::Json,
            Dialect::Since2103,
            None,
        )
        .unwrap(),
    );
    assert_eq!(fs::read_dir(above.path()).unwrap().count(), 14);
}

// ------------------------------------------------------------------ damage

/// Reads all of it, whatever is wrong; gives how many rows and errors there were.
fn endure(text: &[u8], format: Format, schema: &Schema, dialect: Dialect) -> (usize, Vec<Error>) {
    let mut rows = Rows::new(format, text, "g01", context(schema, dialect));
    let (mut count, mut errors) = (0, Vec::new());
    loop {
        match rows.next_row() {
            Ok(Some(_)) => count += 1,
            Ok(None) => return (count, errors),
            Err(error) => errors.push(error),
        }
        assert!(count + errors.len() <= text.len() + 2, "it ends");
    }
}

#[test]
fn no_cut_and_no_changed_byte_of_rows_and_schemas_panics() {
    for (_, set) in sets() {
        let whole = whole(&set);
        for (format, text, rows) in &whole.files {
            let text = text.as_bytes();
            for length in 0..text.len() {
                let (count, errors) =
                    endure(&text[..length], *format, &whole.schema, whole.dialect);
                assert!(count <= rows.len());
                // JSON tells where it ends, but for its last line break; of RDF a line may be missing.
                let is_whole = *format == Format::Rdf || length + 1 == text.len();
                assert!(is_whole || !errors.is_empty(), "{length}");
                for error in errors {
                    assert!(error.to_string().starts_with("g01, line "), "{error}");
                }
            }
            let mut changed = text.to_vec();
            for at in 0..text.len() {
                changed[at] ^= [0x01, 0x20, 0x80][at % 3];
                endure(&changed, *format, &whole.schema, whole.dialect);
                changed[at] = text[at];
            }
        }
        let schema = whole.schema.text(whole.dialect).unwrap();
        let graphql = whole.graphql.text(whole.dialect).unwrap();
        for text in [schema, graphql] {
            for at in 0..text.len() {
                let flip = |with: u8| {
                    let mut changed = text.clone().into_bytes();
                    changed[at] ^= with;
                    String::from_utf8(changed).unwrap_or_default()
                };
                let cut = text.get(..at).unwrap_or_default().to_owned();
                for changed in [cut, flip(1), flip(0x10)] {
                    let _ = Schema::parse(&changed, "x");
                    let _ = GraphQls::parse(&changed, "x");
                }
            }
        }
    }
}

#[test]
fn a_cut_or_changed_file_is_found_and_a_wrong_key_is_said() {
    let scratch = tempfile::tempdir().expect("a folder");
    for name in ["v20.11.3-dql.r21", "v25.3.0-encrypted"] {
        let from = folder().join(name);
        let key = Key::read(&from.join("enc.key"), &Interrupt::default()).ok();
        for entry in fs::read_dir(&from).unwrap().flatten() {
            fs::copy(entry.path(), scratch.path().join(entry.file_name())).unwrap();
        }
        let set = ExportSet::open(scratch.path(), key.clone(), &Interrupt::default()).unwrap();
        for file in set.files() {
            let path = scratch.path().join(&file.name);
            let whole = fs::read(&path).unwrap();
            let read = || {
                let mut text = Vec::new();
                let read = set.read(file)?;
                let read = { read }.read_to_end(&mut text);
                read.map_err(|error| Error::from_io(error, |it| Error::failed(it.to_string())))
            };
            use std::io::Read as _;
            read().expect("whole");
            for length in 0..whole.len() {
                fs::write(&path, &whole[..length]).unwrap();
                assert_eq!(read().expect_err("cut").kind(), Kind::Archive);
            }
            for at in 0..whole.len() {
                let mut changed = whole.clone();
                changed[at] ^= 0x40;
                fs::write(&path, changed).unwrap();
                // A changed time stamp, name or system in the head of gzip changes nothing.
                if let Err(error) = read() {
                    let kinds = [Kind::Archive, Kind::WrongKey];
                    assert!(kinds.contains(&error.kind()), "{error}");
                }
            }
            fs::write(&path, whole).unwrap();
        }
        for entry in fs::read_dir(scratch.path()).unwrap().flatten() {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let path = folder().join("v25.3.0-encrypted");
    let open = |key: Option<Key>| {
        let set = ExportSet::open(&path, key, &Interrupt::default()).unwrap();
        check(&set)
    };
    let wrong = open(Some(Key::new([1; 32]).unwrap())).expect_err("the wrong key");
    assert_eq!(wrong.kind(), Kind::WrongKey);
    let without = open(None).unwrap().findings;
    assert!(
        without.list()[0]
            .advice()
            .unwrap()
            .contains("--encryption-key-file")
    );
}
