//! Whatever an archive holds: Dgraph takes what becomes of it, and the way back gives the same lines.

mod edits;
mod rules;

use super::{DATA, noted_source, set_destination};
use crate::checking::Silent;
use crate::convert::testing::{Lines, archives, convert_to, lines_of, small, with_more};
use crate::dgraph::Dialect;
use crate::dgraph::graphql::GraphQls;
use crate::dgraph::set::{Content, ExportSet};
use crate::dgraph::verify::verify;
use crate::store::Interrupt;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

/// Converts an archive into this folder.
fn convert(archive: &Lines, into: &Path) {
    let destination = set_destination(into, Dialect::Since2103);
    convert_to(archive, destination.expect("a folder"));
}

/// The set in this folder.
fn set(folder: &Path) -> ExportSet {
    ExportSet::open(folder, None, &Interrupt::default()).expect("a set")
}

/// What the folder gives back.
fn back(folder: &Path) -> Lines {
    let source = noted_source(set(folder), folder, folder, &Interrupt::default());
    lines_of(source.expect("opened"))
}

/// The GraphQL schema in this folder.
fn sdl(folder: &Path) -> String {
    let set = set(folder);
    let file = set.files().iter().find(|it| it.content == Content::GraphQl);
    let schemas: GraphQls = set.graphql(file.expect("a schema")).expect("read");
    schemas.schemas[0].schema.clone()
}

/// Sees that nothing is wrong with the set in this folder.
fn assert_valid(folder: &Path) {
    let verdict = verify(&set(folder), folder, &Silent).expect("checked");
    let found = verdict.findings.list().iter();
    let found: Vec<String> = found.map(ToString::to_string).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(verdict.notes, Vec::<String>::new());
}

/// Changes the text of the rows.
fn edit(folder: &Path, from: &str, to: &str) {
    let path = folder.join(DATA).join("g01.rdf.gz");
    let mut text = String::new();
    let read = GzDecoder::new(File::open(&path).expect("rows")).read_to_string(&mut text);
    read.expect("read");
    assert!(text.contains(from), "{from}: {text}");
    let mut out = GzEncoder::new(File::create(&path).expect("a file"), Compression::fast());
    let text = text.replacen(from, to, 1);
    out.write_all(text.as_bytes()).expect("written");
    out.finish().expect("written");
}

proptest! {
    #[test]
    fn any_archive_becomes_a_set_and_comes_back_line_by_line(archive in archives()) {
        let archive = with_more(archive);
        let folder = tempfile::tempdir().expect("a folder");
        let into = folder.path().join("set");
        convert(&archive, &into);
        assert_valid(&into);
        rules::check(&into);
        prop_assert_eq!(back(&into), archive);
    }
}

#[test]
fn a_set_for_servers_before_21_03_holds_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("set");
    convert_to(
        &small(),
        set_destination(&into, Dialect::Before2103).expect("a folder"),
    );
    let verdict = verify(&set(&into), folder.path(), &Silent).expect("checked");
    assert_eq!(
        (verdict.findings.count(), verdict.dialect),
        (0, Dialect::Before2103)
    );
    assert_eq!(back(&into), small());
}

#[test]
fn two_conversions_of_one_archive_are_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let both = ["one", "other"].map(|it| folder.path().join(it));
    let texts = both.map(|into| {
        convert(&small(), &into);
        fs::read(into.join(DATA).join("g01.rdf.gz")).expect("read")
    });
    assert!(texts[0] == texts[1]);
}

#[test]
fn the_parser_of_graphql_takes_the_schema_of_any_archive() {
    const SCRIPT: &str = "
        const { buildSchema } = require('graphql');
        const fs = require('fs');
        const known = 'directive @id on FIELD_DEFINITION\\n'
            + 'directive @hasInverse(field: Name!) on FIELD_DEFINITION\\n'
            + 'scalar Name scalar DateTime scalar Int64 type Query { none: Int }\\n';
        for (const file of process.argv.slice(1))
            buildSchema(known + fs.readFileSync(file, 'utf8'));
    ";
    let Some(installed) = std::env::var_os("BACKUP_TEST_PRISMA1") else {
        // What has to be there is asked for by the tests of the real command line.
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut runner = TestRunner::deterministic();
    let files = (0..60).map(|number| {
        let archive = archives().new_tree(&mut runner).expect("an archive");
        let into = folder.path().join(number.to_string());
        convert(&archive.current(), &into);
        let file = folder.path().join(format!("{number}.graphql"));
        fs::write(&file, sdl(&into)).expect("written");
        file
    });
    let files: Vec<_> = files.collect();
    let mut node = Command::new("node");
    node.args(["-e", SCRIPT]).args(files).current_dir(installed);
    let output = node.output().expect("node");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
