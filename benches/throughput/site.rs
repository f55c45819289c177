//! The project that is measured: that of `testdata`, grown by articles with components, relations and media, and by files
//! that do not compress.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use strapi_backup::database::{Stop, Timeouts};
use strapi_backup::strapi::{Choices, Project};
use strapi_backup::transfer::{
    Destination, Extent, Filter, OnFault, SchemaStrategy, Silent, Source, Transfer, VersionStrategy,
};

/// Articles to add. Each brings 5 components and 12 links.
pub const ARTICLES: u32 = 5000;
/// Files to add, of a megabyte each.
const FILES: u32 = 20;
/// The key archives are encrypted with.
pub const KEY: &str = "bench";

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
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

/// Adds articles and files.
pub fn grow(project: &Path) {
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

/// Opens a project.
pub fn open(project: &Path) -> Project {
    Project::open(
        project,
        &BTreeMap::new(),
        &Choices::default(),
        Timeouts::default(),
        Stop::default(),
    )
    .expect("a project")
}

/// From a source to a destination, whatever they are.
pub fn transfer<'a>(
    source: &'a mut dyn Source,
    destination: impl Destination + 'a,
) -> Transfer<'a> {
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

/// Checks and runs.
pub fn run(mut transfer: Transfer<'_>) {
    let plan = transfer.plan().expect("a plan");
    transfer.run(&plan).expect("done");
}

/// The project of `testdata` in a folder.
pub fn testdata(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/strapi5-sqlite/project");
    copy(&from, to);
}
