//! How fast a project is exported and restored.
//!
//! The project is that of `testdata`, grown by articles with components, relations and media, and by
//! files that do not compress:
//!
//! ```sh
//! cargo bench
//! ```

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use strapi_backup::archive::{
    Archive, ArchiveDestination, ArchiveName, ArchiveSource, DEFAULT_SHARD_SIZE, Demands, Level,
    Packing, Password,
};
use strapi_backup::database::{Stop, Timeouts};
use strapi_backup::store::FileTarget;
use strapi_backup::strapi::{LockWait, Project, ProjectDestination, ProjectSource};
use strapi_backup::transfer::{
    Destination, Extent, Filter, Nowhere, OnFault, SchemaStrategy, Silent, Source, Transfer,
    VersionStrategy,
};

/// Articles to add. Each brings 5 components and 12 links.
const ARTICLES: u32 = 5000;
/// Files to add, of a megabyte each.
const FILES: u32 = 20;
/// The key archives are encrypted with.
const KEY: &str = "bench";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

fn grow(project: &Path) {
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {ARTICLES})"
    );
    let files = format!(
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {FILES})"
    );
    let insert = |table: &str, columns: &str, values: &str| {
        format!("INSERT INTO {table} ({columns}) {numbers} SELECT {values} FROM n;")
    };
    let sql = [
        insert(
            "articles",
            "id, document_id, title, slug, body, rating, views, meta, created_at, locale",
            "1000 + i, 'doc' || i, 'Title ' || i, 'slug-' || i, printf('%.*c', 500, 'x'), i / 7.0, i, \
             '{\"a\":[1,2]}', 1700000000000 + i, 'en'",
        ),
        insert("components_shared_seos", "id, meta_title", "1000 + i, 'seo ' || i"),
        insert("components_shared_kvs", "id, key, weight", "1000 + i, 'k', i / 3.0"),
        insert("components_shared_links", "id, label", "1000 + i, 'l'"),
        insert(
            "articles_cmps",
            "entity_id, cmp_id, component_type, field",
            "1000 + i, 1000 + i, 'shared.seo', 'seo'",
        ),
        insert(
            "articles_cmps",
            "entity_id, cmp_id, component_type, field, \"order\"",
            "1000 + i, 1000 + i, 'shared.link', 'links', 1",
        ),
        insert(
            "articles_cmps",
            "entity_id, cmp_id, component_type, field, \"order\"",
            "1000 + i, 1000 + i, 'shared.kv', 'zone', 1",
        ),
        insert(
            "articles_author_lnk",
            "article_id, author_id, article_ord",
            "1000 + i, 1 + i % 3, i",
        ),
        insert("articles_category_lnk", "article_id, category_id", "1000 + i, 1 + i % 4"),
        (1..=5)
            .map(|tag| {
                insert(
                    "articles_tags_lnk",
                    "article_id, tag_id, tag_ord, article_ord",
                    &format!("1000 + i, {tag}, {tag}, i"),
                )
            })
            .collect(),
        insert(
            "files_related_mph",
            "file_id, related_id, related_type, field, \"order\"",
            "1 + i % 5, 1000 + i, 'api::article.article', 'gallery', 1",
        ),
        format!(
            "INSERT INTO files (id, document_id, name, hash, ext, mime, size, url, provider, \
             folder_path) {files} SELECT 1000 + i, 'file' || i, i || '.bin', 'grown_' || i, '.bin', \
             'application/octet-stream', 1000, '/uploads/grown_' || i || '.bin', 'local', '/' FROM n;"
        ),
    ]
    .concat();
    rusqlite::Connection::open(project.join(".tmp/data.db"))
        .and_then(|database| database.execute_batch(&sql))
        .expect("grown");
    let mut state = 1_u64;
    for number in 1..=FILES {
        let content: Vec<u8> = (0..1_000_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        let path = project.join(format!("public/uploads/grown_{number}.bin"));
        fs::write(path, content).expect("written");
    }
}

fn open(project: &Path) -> Project {
    Project::open(
        project,
        &BTreeMap::new(),
        None,
        Timeouts::default(),
        Stop::default(),
    )
    .expect("a project")
}

fn transfer<'a>(source: &'a mut dyn Source, destination: impl Destination + 'a) -> Transfer<'a> {
    Transfer {
        source,
        destination: Box::new(destination),
        filter: Filter::default(),
        extent: Extent::default(),
        versions: VersionStrategy::Exact,
        schemas: SchemaStrategy::Exact,
        on_fault: OnFault::Stop,
        observer: &Silent,
    }
}

fn run(mut transfer: Transfer<'_>) {
    let plan = transfer.plan().expect("a plan");
    transfer.run(&plan).expect("done");
}

fn export(project: &Path, archive: &Path, packing: &Packing) {
    let mut source = ProjectSource::open(open(project), &LockWait::default()).expect("a project");
    let target = Box::new(FileTarget::create(archive).expect("an archive"));
    let destination = ArchiveDestination::packed(target, packing, DEFAULT_SHARD_SIZE);
    run(transfer(&mut source, destination));
}

fn source(archive: &Path) -> ArchiveSource {
    let folder = archive.parent().expect("a folder");
    let archive = Archive::at(archive, folder).expect("an archive");
    archive
        .open(Some(Password::new(KEY)), Demands::default())
        .expect("a key")
}

fn verify(archive: &Path) {
    let mut source = source(archive);
    let mut transfer = transfer(&mut source, Nowhere::default());
    transfer.plan().expect("a plan");
}

fn restore(archive: &Path, project: &Path) {
    let mut source = source(archive);
    let destination =
        ProjectDestination::open(open(project), &LockWait::default(), &std::env::temp_dir())
            .expect("a project");
    run(transfer(&mut source, destination));
}

fn throughput(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/strapi5-sqlite/project");
    let (project, target) = (folder.path().join("project"), folder.path().join("target"));
    copy(&testdata, &project);
    copy(&testdata, &target);
    grow(&project);
    let mut group = criterion.benchmark_group("project");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(u64::from(ARTICLES)));
    let packings = [
        ("plain", Packing::default()),
        (
            "gzip and ecb",
            Packing {
                compression: Some(Level::default()),
                password: Some(Password::new(KEY)),
            },
        ),
    ];
    let base = folder.path().join("archive");
    for (name, packing) in &packings {
        let archive = ArchiveName::with_extensions(&base, packing);
        group.bench_function(BenchmarkId::new("export", name), |bencher| {
            bencher.iter(|| export(&project, &archive, packing));
        });
    }
    let archive = ArchiveName::with_extensions(&base, &packings[1].1);
    group.bench_function("verify", |bencher| {
        bencher.iter(|| verify(&archive));
    });
    group.bench_function("restore", |bencher| {
        bencher.iter(|| restore(&archive, &target));
    });
    group.finish();
}

criterion_group!(benches, throughput);
criterion_main!(benches);
