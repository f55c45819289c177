//! What a file goes through on its way into an archive and out of it: checksums, gzip, encryption.

use crate::lines::lines_of;
use crate::site::{KEY, run, transfer};
use criterion::{BenchmarkId, Criterion, Throughput};
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::io;
use std::path::Path;
use strapi_backup::archive::{
    Archive, ArchiveDestination, ArchiveName, ArchiveSource, DEFAULT_SHARD_SIZE, Demands,
    Encryption, Level, Packing, Password,
};
use strapi_backup::effort::Effort;
use strapi_backup::error::Result;
use strapi_backup::model::{Asset, Metadata, Schema, Stage};
use strapi_backup::store::Interrupt;
use strapi_backup::store::{FileNames, FileTarget, Receipt, StreamTarget, Target};
use strapi_backup::transfer::{Description, Filter, Nowhere, OnFault, Sink, Source};

/// Bytes of the file.
const SIZE: usize = 32 << 20;

/// A site that is one file. Without a schema an archive is none.
struct Content {
    schema: Schema,
    file: Vec<u8>,
}

impl Source for Content {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn describe(&mut self) -> Result<Description> {
        Ok(Description {
            metadata: Some(Metadata::new(
                "2026-03-01T12:30:00.000Z".to_owned(),
                "5.54.0",
            )),
            schemas: Some(std::iter::once(self.schema.clone()).collect()),
            ..Description::default()
        })
    }

    fn stream(&mut self, _filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        sink.stage(Stage::Schemas, None)?;
        sink.schema(&self.schema)?;
        sink.stage(Stage::Entities, None)?;
        sink.stage(Stage::Assets, None)?;
        let asset = Asset {
            filename: "file.bin".to_owned(),
            sidecar: "{\"id\":1,\"hash\":\"file\",\"ext\":\".bin\"}".to_owned(),
            size: self.file.len() as u64,
        };
        sink.asset(&asset, &mut &self.file[..])?;
        sink.stage(Stage::Links, None)?;
        sink.stage(Stage::Configuration, None)?;
        Ok(())
    }
}

/// Bytes that do not compress.
fn random() -> Vec<u8> {
    let mut state = 0x5eed_u64;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()
    };
    (0..SIZE / 8).flat_map(|_| next()).collect()
}

/// Bytes that compress as lines of rows do.
fn text(random: &[u8]) -> Vec<u8> {
    let words = [
        "the ",
        "content ",
        "\"title\":",
        "\"id\":",
        "article ",
        "published ",
        "null,",
        "editor ",
        "image ",
        "of ",
        "relation ",
        "2026-03-01T12:30:00.000Z",
        "backup ",
        "field ",
        "and ",
        "language ",
    ];
    let pieces = random.chunks(2).flat_map(|two| {
        let word = words[usize::from(two[0] & 15)].as_bytes();
        let digit = b'0' + two[1] % 10;
        word.iter().copied().chain([digit])
    });
    pieces.take(SIZE).collect()
}

fn pack(content: &mut Content, packing: &Packing, target: Box<dyn Target>) {
    let destination =
        ArchiveDestination::packed(target, packing, DEFAULT_SHARD_SIZE).expect("threads");
    run(transfer(content, destination));
}

/// Opens an archive that was packed so.
pub fn source(archive: &Path, packing: &Packing) -> ArchiveSource {
    let folder = archive.parent().expect("a folder");
    let archive = Archive::at(archive, folder).expect("an archive");
    archive
        .open(
            packing
                .encryption
                .as_ref()
                .and_then(Encryption::password)
                .cloned(),
            Demands::default(),
        )
        .expect("a key")
}

fn unpack(path: &Path, packing: &Packing) {
    let mut source = source(path, packing);
    let mut transfer = transfer(&mut source, Nowhere::default());
    // That a file has no row is a fault, and no matter.
    transfer.on_fault = OnFault::GoOn;
    transfer.plan().expect("a plan");
}

/// Every kind of bytes in every packing.
pub fn packing(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut group = criterion.benchmark_group("packing");
    group.sample_size(10);
    let lines = lines_of("schemas");
    let schema = Schema::parse(&lines[0]).expect("a schema");
    let random = random();
    let text = text(&random);
    let mixed = random
        .chunks(3 << 18)
        .zip(text.chunks(3 << 18))
        .flat_map(|(random, text)| [random, text].concat())
        .take(SIZE)
        .collect();
    group.throughput(Throughput::Bytes(SIZE as u64));
    group.bench_function("SHA-256", |bencher| {
        bencher.iter(|| black_box(Sha256::digest(&random)));
    });
    let gzip = |level| Packing {
        effort: Effort::default(),
        interrupt: Interrupt::default(),
        compression: Level::new(level),
        ..Packing::default()
    };
    let encrypted = |packing| Packing {
        encryption: Some(Encryption::Strapi(Password::new(KEY))),
        ..packing
    };
    let packings = [
        ("plain", Packing::default()),
        ("gzip 1", gzip(1)),
        ("gzip 5", gzip(5)),
        ("gzip 9", gzip(9)),
        ("encrypted", encrypted(Packing::default())),
        ("gzip 5, encrypted", encrypted(gzip(5))),
    ];
    // What deriving the keys takes is in all that is encrypted.
    let kinds = [
        ("nothing", Vec::new()),
        ("random", random),
        ("mixed", mixed),
        ("text", text),
    ];
    for (kind, content) in kinds {
        group.throughput(Throughput::Bytes(content.len().max(1) as u64));
        let mut content = Content {
            schema: schema.clone(),
            file: content,
        };
        for (name, packing) in &packings {
            let is_empty = content.file.is_empty();
            if is_empty && packing.encryption.is_none() {
                continue;
            }
            let what = format!("{kind}, {name}");
            group.bench_function(BenchmarkId::new("write", &what), |bencher| {
                bencher.iter(|| {
                    let target =
                        StreamTarget::new("nowhere", io::sink(), Receipt::default(), folder.path());
                    pack(&mut content, packing, Box::new(target));
                });
            });
            let path = ArchiveName::with_extensions(&folder.path().join("archive"), packing);
            let target = FileTarget::create(FileNames::replacing(&path), Receipt::default())
                .expect("an archive");
            pack(&mut content, packing, Box::new(target));
            group.bench_function(BenchmarkId::new("read", &what), |bencher| {
                bencher.iter(|| unpack(&path, packing));
            });
        }
    }
    group.finish();
}
