//! Whatever an archive holds: Prisma takes what becomes of it, and the way back gives the same lines.

mod edits;

use super::{layout, ndf_destination, noted_source};
use crate::convert::testing::{Lines, archives, convert_to, lines_of, small, transfer, with_more};
use crate::model::Stage;
use crate::prisma::ndf::{DataSet, Form};
use crate::prisma::sdl::DataModel;
use crate::prisma::{Silent as Unwatched, verify::verify};
use crate::store::Interrupt;
use crate::transfer::{Filter, Nowhere, Source};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Converts an archive into this folder.
fn convert(archive: &Lines, into: &Path) {
    convert_to(archive, ndf_destination(into, Form::Dir).expect("a folder"));
}

/// Sees that Prisma takes what is in this folder.
fn assert_valid(folder: &Path) {
    let text = std::fs::read_to_string(folder.join(layout::DATAMODEL)).expect("a data model");
    let model = DataModel::parse(&text, "the data model").expect("a data model");
    let data = folder.join(layout::DATA);
    let mut set = DataSet::open(&data, &Interrupt::default()).expect("a data set");
    let verdict = verify(&mut set, Some(&model), folder, &Unwatched).expect("checked");
    let found: Vec<String> = verdict
        .findings
        .list()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(found.is_empty(), "{found:#?}\n{text}");
}

/// What the folder gives back.
fn back(folder: &Path) -> Lines {
    let data = folder.join(layout::DATA);
    let source = noted_source(&data, folder, folder, &Interrupt::default());
    lines_of(source.expect("opened"))
}

proptest! {
    #[test]
    fn any_archive_becomes_what_prisma_takes_and_comes_back_line_by_line(archive in archives()) {
        let archive = with_more(archive);
        let folder = tempfile::tempdir().expect("a folder");
        let into = folder.path().join("ndf");
        convert(&archive, &into);
        assert_valid(&into);
        prop_assert_eq!(back(&into), archive);
    }
}

#[test]
fn the_real_validator_of_prisma_takes_what_becomes_of_any_archive() {
    const SCRIPT: &str = "
        const { Validator } = require('prisma-cli-core/dist/commands/import/Validator');
        const fs = require('fs');
        for (const folder of process.argv.slice(1)) {
            const validator = new Validator(fs.readFileSync(`${folder}/datamodel.prisma`, 'utf8'));
            for (const kind of ['nodes', 'lists', 'relations'])
                for (const name of fs.readdirSync(`${folder}/data/${kind}`))
                    validator.validateImportData(JSON.parse(fs.readFileSync(`${folder}/data/${kind}/${name}`, 'utf8')));
        }
    ";
    let Some(installed) = std::env::var_os("BACKUP_TEST_PRISMA1") else {
        // What has to be there is asked for by the tests of the real command line.
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut runner = TestRunner::deterministic();
    let folders: Vec<PathBuf> = (0..60)
        .map(|number| {
            let archive = archives().new_tree(&mut runner).expect("an archive");
            let into = folder.path().join(number.to_string());
            convert(&archive.current(), &into);
            into
        })
        .collect();
    let mut node = Command::new("node");
    node.args(["-e", SCRIPT])
        .args(&folders)
        .current_dir(installed);
    let output = node.output().expect("node");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Changes the text of a file of the data.
fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(layout::DATA).join(file);
    let text = std::fs::read_to_string(&path).expect("read");
    assert!(text.contains(from), "{from}: {text}");
    std::fs::write(&path, text.replacen(from, to, 1)).expect("written");
}

#[test]
fn what_changed_in_the_data_is_changed_in_the_archive_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("ndf");
    convert(&small(), &into);
    let nodes = "nodes/000001.json";
    edit(&into, nodes, "\"T1\"", "\"new\"");
    edit(
        &into,
        nodes,
        r#"{"_typeName":"CBox","id":"cBox_12","position":2,"n":2},"#,
        "",
    );
    edit(&into, nodes, r#","title":"T2""#, "");
    edit(
        &into,
        nodes,
        r#"{"_typeName":"A","id":"a_3","title":"T3"},"#,
        "",
    );
    let pair = r#"[{"_typeName":"A","id":"a_2","fieldName":"next"},{"_typeName":"A","id":"a_3","fieldName":"nextOf"}]"#;
    edit(&into, "relations/000001.json", &format!(",{pair}"), "");
    let found = back(&into);
    assert_eq!(
        found.lines[&Stage::Entities],
        [
            r#"{"type":"api::a.a","id":1,"data":{"title":"new","boxes":[{"id":11,"n":1}]}}"#,
            r#"{"type":"api::a.a","id":2,"data":{"title":null,"boxes":[{"id":21,"n":1},{"id":22,"n":2}]}}"#,
        ]
    );
    assert_eq!(
        found.lines[&Stage::Links],
        small().lines[&Stage::Links][..1]
    );
}

#[test]
fn two_nodes_of_one_id_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("ndf");
    convert(&small(), &into);
    edit(&into, "nodes/000001.json", "\"a_2\"", "\"a_1\"");
    let source = noted_source(
        &into.join(layout::DATA),
        &into,
        folder.path(),
        &Interrupt::default(),
    );
    let streamed = source
        .expect("opened")
        .stream(&Filter::default(), &mut Lines::default());
    let error = streamed.expect_err("refused").to_string();
    assert!(
        error.contains("A a_1: there are two nodes of this id"),
        "{error}"
    );
}

#[test]
fn a_folder_that_holds_something_is_not_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mine"), "x").expect("written");
    let error = ndf_destination(folder.path(), Form::Zip).err();
    assert!(error.is_some_and(|it| it.advice().is_some()));
    assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 1);
}

#[test]
fn what_becomes_of_data_without_notes_is_an_archive_in_which_nothing_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("ndf");
    convert(&small(), &into);
    let text = std::fs::read_to_string(into.join(layout::DATAMODEL)).expect("a data model");
    let model = DataModel::parse(&text, "the data model").expect("a data model");
    for version in ["4.26.2", "5.54.0"] {
        let mut source = super::PlainSource::open(
            &into.join(layout::DATA),
            &model,
            (version, "2026-11-20T15:28:46.121Z"),
            folder.path(),
            &Interrupt::default(),
        )
        .expect("opened");
        let plan = transfer(&mut source, Box::<Nowhere>::default()).plan();
        let plan = plan.expect("a plan");
        assert!(
            plan.faults.is_empty(),
            "{:?}",
            plan.faults.iter().collect::<Vec<_>>()
        );
        assert!(
            plan.announced.warnings.is_empty(),
            "{:?}",
            plan.announced.warnings
        );
        assert_eq!(plan.announced.stages[&Stage::Entities].total.items, 9);
    }
}
