//! Whatever an archive holds: Prisma takes what becomes of it, and the way back gives the same lines.

mod archives;
mod edits;

use self::archives::archives;
pub use self::archives::schema;
use super::{layout, ndf_destination, noted_source};
use crate::error::Result;
use crate::model::{Asset, ConfigItem, Entity, Line, Link, Metadata, Schema, Schemas, Stage};
use crate::prisma::ndf::{DataSet, Form};
use crate::prisma::sdl::DataModel;
use crate::prisma::{Silent as Unwatched, verify::verify};
use crate::store::Interrupt;
use crate::transfer::{
    Description, Destination, Extent, Filter, Nowhere, OnFault, SchemaStrategy, Silent, Sink,
    Source, Transfer, VersionStrategy, Warning,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The lines of an archive, by stage, and its files.
#[derive(Debug, Clone, Default, PartialEq)]
struct Lines {
    lines: BTreeMap<Stage, Vec<String>>,
    files: Vec<(String, String, Vec<u8>)>,
    told: Vec<String>,
}

impl Lines {
    fn of(stages: impl IntoIterator<Item = (Stage, Vec<String>)>) -> Self {
        Self {
            lines: stages.into_iter().collect(),
            ..Self::default()
        }
    }

    fn push(&mut self, stage: Stage, line: &str) -> Result<()> {
        self.lines.entry(stage).or_default().push(line.to_owned());
        Ok(())
    }
}

impl Source for Lines {
    fn name(&self) -> String {
        "lines".into()
    }

    fn describe(&mut self) -> Result<Description> {
        let schemas = self.lines.get(&Stage::Schemas).into_iter().flatten();
        let schemas = schemas.map(|line| Schema::parse(line).expect("a schema"));
        Ok(Description {
            metadata: Some(Metadata::new("2026-11-20T15:28:46.121Z".into(), "5.54.0")),
            schemas: Some(schemas.collect::<Schemas>()),
            ..Description::default()
        })
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        for stage in Stage::ALL {
            sink.stage(stage, None)?;
            for line in self.lines.get(&stage).into_iter().flatten() {
                filter.send(&Line::parse(stage, line).expect("a line"), sink)?;
            }
            if stage == Stage::Assets {
                for (name, about, content) in &self.files {
                    let asset = Asset {
                        filename: name.clone(),
                        sidecar: about.clone(),
                        size: content.len() as u64,
                    };
                    sink.asset(&asset, &mut content.as_slice())?;
                }
            }
        }
        Ok(())
    }
}

impl Sink for Lines {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        Ok(())
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        self.push(Stage::Schemas, schema.to_line())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.push(Stage::Entities, entity.line)
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        let mut bytes = Vec::new();
        io::copy(content, &mut bytes).expect("read");
        let (name, about) = (asset.filename.clone(), asset.sidecar.clone());
        self.files.push((name, about, bytes));
        Ok(())
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.push(Stage::Links, link.line)
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.push(Stage::Configuration, item.line)
    }

    fn warn(&mut self, warning: Warning) {
        let incomplete = warning.kind.is_incomplete();
        self.told.push(format!("{incomplete}: {warning}"));
    }
}

fn transfer<'a>(
    source: &'a mut dyn Source,
    destination: Box<dyn Destination + 'a>,
) -> Transfer<'a> {
    Transfer {
        source,
        destination,
        filter: Filter::default(),
        extent: Extent::default(),
        versions: VersionStrategy::Ignore,
        schemas: SchemaStrategy::Ignore,
        on_fault: OnFault::GoOn,
        observer: &Silent,
    }
}

/// Converts an archive into this folder.
fn convert(archive: &Lines, into: &Path) {
    let mut source = archive.clone();
    let destination = ndf_destination(into, Form::Dir).expect("a folder");
    let mut transfer = transfer(&mut source, Box::new(destination));
    let plan = transfer.plan().expect("a plan");
    transfer.run(&plan).expect("converted");
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
    let mut lines = Lines::default();
    let streamed = source
        .expect("opened")
        .stream(&Filter::default(), &mut lines);
    streamed.expect("converted back");
    lines
}

proptest! {
    #[test]
    fn any_archive_becomes_what_prisma_takes_and_comes_back_line_by_line(mut archive in archives()) {
        let about = r#"{"id":1,"name":"n","hash":"h","ext":".x","mime":"m","size":1,"url":"u"}"#;
        archive.files.push(("h.x".into(), about.into(), b"bytes".to_vec()));
        let row = r#"{"type":"core-store", "value":{"key":"k","value":[null]}}"#;
        archive.lines.insert(Stage::Configuration, vec![row.to_owned()]);
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

/// A type with a title, a list of components and links to itself.
fn small() -> Lines {
    let attributes = json!({
        "title": {"type": "string"},
        "body": {"type": "string"},
        "boxes": {"type": "component", "component": "c.box", "repeatable": true},
        "next": {"type": "relation", "relation": "oneToMany", "target": "api::a.a"},
    });
    let row = |id: i64| {
        format!(
            r#"{{"type":"api::a.a","id":{id},"data":{{"title":"T{id}","boxes":[{{"id":{id}1,"n":1}},{{"id":{id}2,"n":2}}]}}}}"#
        )
    };
    let link = |from: i64, to: i64| {
        format!(
            r#"{{"kind":"relation.circular","relation":"oneToMany","left":{{"type":"api::a.a","field":"next","ref":{from},"pos":1}},"right":{{"type":"api::a.a","ref":{to}}}}}"#
        )
    };
    Lines::of([
        (
            Stage::Schemas,
            vec![
                schema("api::a.a", attributes),
                schema("c.box", json!({"n": {"type": "integer"}})),
            ],
        ),
        (Stage::Entities, vec![row(1), row(2), row(3)]),
        (Stage::Links, vec![link(1, 2), link(2, 3)]),
    ])
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
