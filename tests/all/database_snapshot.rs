//! An export shows one moment of a database that others go on changing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use strapi_backup::database::{Connection, Stop, Timeouts};
use strapi_backup::error::Result;
use strapi_backup::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use strapi_backup::strapi::{Choices, LockWait, Project, ProjectSource};
use strapi_backup::transfer::{Filter, Sink, Source, Warning};

use crate::support::databases::{Database, Server, Site, on_each_server};

on_each_server!(
    what_is_written_while_an_export_reads_is_not_in_it,
    an_export_beside_a_busy_writer_has_no_loose_ends,
);

/// Adds and removes articles, as Strapi would, each with relations and components, in one transaction.
struct Writer {
    connection: Box<dyn Connection>,
    order: &'static str,
    next: i64,
}

impl Writer {
    fn new(database: &Database) -> Writer {
        Writer {
            connection: database.connect(),
            order: database.server.pick("\"order\"", "`order`"),
            next: 10_000,
        }
    }

    fn write(&mut self) -> Result<()> {
        let (id, order) = (self.next, self.order);
        self.next += 1;
        self.connection.begin_write()?;
        for sql in [
            format!(
                "INSERT INTO articles (id, document_id, title, locale) VALUES ({id}, 'new{id}', 'new', 'en')"
            ),
            format!("INSERT INTO components_shared_seos (id, meta_title) VALUES ({id}, 'new')"),
            format!(
                "INSERT INTO components_shared_kvs (id, {key}) VALUES ({id}, 'new')",
                key = self.connection.quote("key")
            ),
            format!(
                "INSERT INTO articles_cmps (entity_id, cmp_id, component_type, field, {order}) VALUES ({id}, {id}, 'shared.seo', 'seo', NULL)"
            ),
            format!(
                "INSERT INTO articles_cmps (entity_id, cmp_id, component_type, field, {order}) VALUES ({id}, {id}, 'shared.kv', 'zone', 1)"
            ),
            format!(
                "INSERT INTO articles_tags_lnk (article_id, tag_id, tag_ord, article_ord) VALUES ({id}, 1, 1, {id})"
            ),
            format!(
                "INSERT INTO articles_author_lnk (article_id, author_id, article_ord) VALUES ({id}, 1, {id})"
            ),
            format!(
                "INSERT INTO files_related_mph (file_id, related_id, related_type, field, {order}) VALUES (1, {id}, 'api::article.article', 'gallery', 1)"
            ),
        ] {
            self.connection.execute(&sql, &[])?;
        }
        // One that was added a moment ago goes, with everything that hangs on it.
        let gone = id - 3;
        for sql in [
            format!(
                "DELETE FROM files_related_mph WHERE related_id = {gone} AND related_type = 'api::article.article'"
            ),
            format!("DELETE FROM components_shared_seos WHERE id = {gone}"),
            format!("DELETE FROM components_shared_kvs WHERE id = {gone}"),
            format!("DELETE FROM articles WHERE id = {gone}"),
        ] {
            self.connection.execute(&sql, &[])?;
        }
        self.connection.commit()
    }
}

/// Takes what an export sends, and lets others write in between.
struct Collector<'a> {
    between: &'a mut dyn FnMut(),
    schemas: BTreeMap<String, Value>,
    entities: BTreeMap<String, BTreeMap<i64, Value>>,
    links: Vec<Value>,
    warnings: Vec<String>,
}

impl<'a> Collector<'a> {
    fn new(between: &'a mut dyn FnMut()) -> Self {
        Collector {
            between,
            schemas: BTreeMap::new(),
            entities: BTreeMap::new(),
            links: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn run(&mut self, source: &mut ProjectSource) {
        source.stream(&Filter::default(), self).unwrap();
    }

    /// Every link has its ends, and every component of a link its owner, in which the archive nests it.
    fn assert_sound(&self) {
        assert!(self.warnings.is_empty(), "{:?}", self.warnings);
        let mut components = BTreeSet::new();
        for (uid, rows) in &self.entities {
            for row in rows.values() {
                self.collect_components(uid, row, &mut components);
                if uid == "api::article.article" && row["title"] == "new" {
                    assert_eq!(row["seo"]["metaTitle"], "new", "{row}");
                    assert_eq!(row["zone"].as_array().map(Vec::len), Some(1), "{row}");
                }
            }
        }
        for link in &self.links {
            for end in [&link["left"], &link["right"]] {
                let uid = end["type"].as_str().unwrap();
                if let Some(id) = end["ref"].as_i64() {
                    let is_entity = self
                        .entities
                        .get(uid)
                        .is_some_and(|rows| rows.contains_key(&id));
                    assert!(
                        is_entity || components.contains(&(uid.to_owned(), id)),
                        "{link}"
                    );
                }
            }
        }
    }

    fn collect_components(&self, uid: &str, row: &Value, found: &mut BTreeSet<(String, i64)>) {
        let attributes = self.schemas[uid]["attributes"].as_object().unwrap();
        for (name, attribute) in attributes {
            let items = match &row[name] {
                Value::Array(list) => list.as_slice(),
                one => std::slice::from_ref(one),
            };
            for item in items.iter().filter(|item| !item.is_null()) {
                let component = match attribute["type"].as_str() {
                    Some("component") => &attribute["component"],
                    Some("dynamiczone") => &item["__component"],
                    _ => continue,
                };
                let component = component.as_str().unwrap();
                found.insert((component.to_owned(), item["id"].as_i64().unwrap()));
                self.collect_components(component, item, found);
            }
        }
    }
}

impl Sink for Collector<'_> {
    fn stage(&mut self, _: Stage, _: Option<u64>) -> Result<()> {
        (self.between)();
        Ok(())
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        let json = serde_json::from_str(schema.to_line()).unwrap();
        self.schemas.insert(schema.uid.clone(), json);
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        let data = serde_json::from_str(entity.data).unwrap();
        self.entities
            .entry(entity.content_type.to_owned())
            .or_default()
            .insert(entity.id, data);
        if entity.id == 1 {
            (self.between)();
        }
        Ok(())
    }

    fn asset(&mut self, _: &Asset, content: &mut dyn Read) -> Result<()> {
        std::io::copy(content, &mut std::io::sink()).unwrap();
        Ok(())
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.links.push(serde_json::from_str(link.line).unwrap());
        Ok(())
    }

    fn configuration(&mut self, _: &ConfigItem<'_>) -> Result<()> {
        Ok(())
    }

    fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning.to_string());
    }
}

fn source(site: &Site) -> ProjectSource {
    let choices = Choices {
        database_url: Some(site.url()),
        ..Choices::default()
    };
    let project = Project::open(
        &site.path(),
        &BTreeMap::new(),
        &choices,
        Timeouts::default(),
        Stop::default(),
    )
    .unwrap();
    ProjectSource::open(project, &LockWait::default()).unwrap()
}

fn what_is_written_while_an_export_reads_is_not_in_it(server: Server) {
    let site = Site::new(server);
    let mut before = || {};
    let mut expected = Collector::new(&mut before);
    expected.run(&mut source(&site));

    let mut writer = Writer::new(&site.database);
    let mut source = source(&site);
    writer.write().unwrap();
    let mut written = 1;
    let mut between = || {
        writer.write().unwrap();
        written += 1;
    };
    let mut collector = Collector::new(&mut between);
    collector.run(&mut source);
    collector.assert_sound();
    assert_eq!(collector.links.len(), 551);
    assert_eq!(collector.entities, expected.entities);
    assert_eq!(collector.links, expected.links);
    assert!(written > 10, "{written}");
}

fn an_export_beside_a_busy_writer_has_no_loose_ends(server: Server) {
    const MOST: usize = 2000;
    let site = Site::new(server);
    let stop = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut writer = Writer::new(&site.database);
            let mut written = 0;
            while written < MOST && !stop.load(Ordering::Relaxed) {
                writer.write().unwrap();
                written += 1;
            }
            written
        });
        for _ in 0..5 {
            let mut between = || {};
            let mut collector = Collector::new(&mut between);
            collector.run(&mut source(&site));
            collector.assert_sound();
            assert!(
                collector.links.len() >= 550,
                "{} links",
                collector.links.len()
            );
        }
        stop.store(true, Ordering::Relaxed);
        writing.join().unwrap()
    });
    assert!(written > 0);
}
