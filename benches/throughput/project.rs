//! Whole exports, checks and restores; and what of an export is reading.

use crate::packing::source;
use crate::site::{ARTICLES, KEY, grow, open, run, testdata, transfer};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};
use strapi_backup::archive::{
    ArchiveDestination, ArchiveName, DEFAULT_SHARD_SIZE, Encryption, Level, Packing, Password,
};
use strapi_backup::effort::Effort;
use strapi_backup::error::Result;
use strapi_backup::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use strapi_backup::store::Interrupt;
use strapi_backup::store::{FileNames, FileTarget, Receipt};
use strapi_backup::strapi::{LockWait, ProjectDestination, ProjectSource};
use strapi_backup::transfer::{Filter, Nowhere, Sink, Source, Warning};

fn export(project: &Path, archive: &Path, packing: &Packing) {
    let mut source = ProjectSource::open(open(project), &LockWait::default()).expect("a project");
    let target = Box::new(
        FileTarget::create(FileNames::replacing(archive), Receipt::default()).expect("an archive"),
    );
    let destination =
        ArchiveDestination::packed(target, packing, DEFAULT_SHARD_SIZE).expect("threads");
    run(transfer(&mut source, destination));
}

fn verify(archive: &Path, packing: &Packing) {
    let mut source = source(archive, packing);
    let mut transfer = transfer(&mut source, Nowhere::default());
    transfer.plan().expect("a plan");
}

fn restore(archive: &Path, packing: &Packing, project: &Path) {
    let mut source = source(archive, packing);
    let destination =
        ProjectDestination::open(open(project), &LockWait::default(), &std::env::temp_dir())
            .expect("a project");
    run(transfer(&mut source, destination));
}

/// Takes everything, and looks at the clock when a stage begins.
#[derive(Default)]
struct Clock {
    stages: Vec<(Stage, Instant)>,
    nowhere: Nowhere,
}

impl Clock {
    /// How long a stage took.
    fn took(&self, wanted: Stage) -> Duration {
        let at = self.stages.iter().position(|(stage, _)| *stage == wanted);
        let at = at.expect("the stage was streamed");
        let end = self
            .stages
            .get(at + 1)
            .map_or_else(Instant::now, |next| next.1);
        end - self.stages[at].1
    }
}

impl Sink for Clock {
    fn stage(&mut self, stage: Stage, _items: Option<u64>) -> Result<()> {
        self.stages.push((stage, Instant::now()));
        Ok(())
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        self.nowhere.schema(schema)
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.nowhere.entity(entity)
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.nowhere.asset(asset, content)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.nowhere.link(link)
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.nowhere.configuration(item)
    }

    fn warn(&mut self, _warning: Warning) {}
}

/// Streams a project to nowhere; how long a stage took.
fn read(project: &Path, stage: Stage) -> Duration {
    let mut source = ProjectSource::open(open(project), &LockWait::default()).expect("a project");
    source.describe().expect("a description");
    let mut clock = Clock::default();
    source
        .stream(&Filter::default(), &mut clock)
        .expect("streamed");
    clock.took(stage)
}

/// All that is measured of a project.
pub fn project(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let (project, target) = (folder.path().join("project"), folder.path().join("target"));
    testdata(&project);
    testdata(&target);
    grow(&project);
    let mut group = criterion.benchmark_group("project");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(u64::from(ARTICLES)));
    for (name, stage) in [
        ("entities", Stage::Entities),
        ("links", Stage::Links),
        ("assets", Stage::Assets),
    ] {
        group.bench_function(BenchmarkId::new("read", name), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| read(&project, stage)).sum());
        });
    }
    let packings = [
        ("plain", Packing::default()),
        (
            "gzip and ecb",
            Packing {
                effort: Effort::default(),
                interrupt: Interrupt::default(),
                compression: Some(Level::default()),
                encryption: Some(Encryption::Strapi(Password::new(KEY))),
            },
        ),
    ];
    let base = folder.path().join("archive");
    for (name, packing) in &packings {
        let archive = ArchiveName::with_extensions(&base, packing);
        group.bench_function(BenchmarkId::new("export", name), |bencher| {
            bencher.iter(|| export(&project, &archive, packing));
        });
        group.bench_function(BenchmarkId::new("verify", name), |bencher| {
            bencher.iter(|| verify(&archive, packing));
        });
        group.bench_function(BenchmarkId::new("restore", name), |bencher| {
            bencher.iter(|| restore(&archive, packing, &target));
        });
    }
    group.finish();
}
