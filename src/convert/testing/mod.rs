//! Archives as lines in memory, for tests of conversions: at random, and a small one.

mod archives;

pub use archives::{archives, schema};

use super::destination::FolderDestination;
use super::noted::NotedSource;
use crate::error::Result;
use crate::model::{Asset, ConfigItem, Entity, Line, Link, Metadata, Schema, Schemas, Stage};
use crate::transfer::{
    Description, Destination, Extent, Filter, OnFault, SchemaStrategy, Silent, Sink, Source,
    Transfer, VersionStrategy, Warning,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, Read};

/// The lines of an archive, by stage, and its files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lines {
    /// Its lines.
    pub lines: BTreeMap<Stage, Vec<String>>,
    /// Its files: name, what is known of it, content.
    pub files: Vec<(String, String, Vec<u8>)>,
    /// What was told.
    pub told: Vec<String>,
}

impl Lines {
    /// One of these.
    pub fn of(stages: impl IntoIterator<Item = (Stage, Vec<String>)>) -> Self {
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

/// A transfer into this destination.
pub fn transfer<'a>(
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

/// Converts an archive into this.
pub fn convert_to(archive: &Lines, destination: FolderDestination) {
    let mut source = archive.clone();
    let mut transfer = transfer(&mut source, Box::new(destination));
    let plan = transfer.plan().expect("a plan");
    transfer.run(&plan).expect("converted");
}

/// What a source gives.
pub fn lines_of(mut source: NotedSource) -> Lines {
    let mut lines = Lines::default();
    let streamed = source.stream(&Filter::default(), &mut lines);
    streamed.expect("converted back");
    lines
}

/// The same with a file and a row of the configuration.
pub fn with_more(mut archive: Lines) -> Lines {
    let about = r#"{"id":1,"name":"n","hash":"h","ext":".x","mime":"m","size":1,"url":"u"}"#;
    let file = ("h.x".into(), about.into(), b"bytes".to_vec());
    archive.files.push(file);
    let row = r#"{"type":"core-store", "value":{"key":"k","value":[null]}}"#;
    let rows = vec![row.to_owned()];
    archive.lines.insert(Stage::Configuration, rows);
    archive
}

/// A type with a title, a list of components and links to itself.
pub fn small() -> Lines {
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
