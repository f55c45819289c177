//! The lines of archives: taken apart and written.

use criterion::{BenchmarkId, Criterion, Throughput};
use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use strapi_backup::model::{Line, Stage, json};

/// The lines of a stage in the archive of `testdata`.
pub fn lines_of(folder: &str) -> Vec<String> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/strapi5-sqlite/strapi-export.tar");
    let mut archive = tar::Archive::new(File::open(path).expect("an archive"));
    let mut text = String::new();
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        if entry.path().expect("a name").starts_with(folder) {
            entry.read_to_string(&mut text).expect("text");
        }
    }
    text.lines().map(str::to_owned).collect()
}

/// Lines and values.
pub fn lines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lines");
    for (folder, stage) in [
        ("entities", Stage::Entities),
        ("links", Stage::Links),
        ("configuration", Stage::Configuration),
    ] {
        let lines = lines_of(folder);
        let bytes: usize = lines.iter().map(String::len).sum();
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("parse", folder), |bencher| {
            bencher.iter(|| {
                for line in &lines {
                    black_box(Line::parse(stage, line).is_ok());
                }
            });
        });
        group.bench_function(BenchmarkId::new("compact", folder), |bencher| {
            let mut out = String::new();
            bencher.iter(|| {
                out.clear();
                for line in &lines {
                    black_box(json::write_compact(&mut out, line));
                }
            });
        });
    }
    let text = "A sentence with Größe, 日本 and \"quotes\", as it stands in a field.\n".repeat(100);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("write a text", |bencher| {
        let mut out = String::new();
        bencher.iter(|| {
            out.clear();
            json::write_string(&mut out, black_box(&text));
        });
    });
    group.throughput(Throughput::Elements(3));
    group.bench_function("write numbers", |bencher| {
        let mut out = String::new();
        bencher.iter(|| {
            out.clear();
            json::write_f64(&mut out, black_box(1234.5678));
            json::write_i64(&mut out, black_box(-9_007_199_254_740_993));
            json::write_number(&mut out, black_box("12345.67890"));
        });
    });
    group.finish();
}
