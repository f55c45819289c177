//! The modelled server beside what was seen of real ones.

use serde_json::{Value, json};

use super::super::files::repository;
use super::super::transfer_client::{Client, upgrade};
use super::frames::fresh_id;
use super::names::STAGES;
use super::{Content, EXPIRED, FULL, FakeStrapi, Fault, Harm, Hold, PULL, PUSH, Point, Site};

fn site() -> Site {
    Site::of_file(&repository("testdata/strapi5-sqlite/strapi-export.tar"))
}

fn site4() -> Site {
    Site::of_file(&repository("testdata/strapi4-sqlite/strapi-export.tar"))
}

fn pull(fake: &FakeStrapi) -> Client {
    let mut client = upgrade(fake.port, "pull", PULL).unwrap();
    client.init(json!({"transfer": "pull", "checksums": true}));
    client.act("bootstrap").unwrap();
    client
}

fn push(fake: &FakeStrapi) -> Client {
    let mut client = upgrade(fake.port, "push", FULL).unwrap();
    let restore = json!({"entities": {"exclude": []}, "assets": true});
    client.init(json!({
        "transfer": "push", "checksums": true, "assetEncoding": "base64",
        "options": {"strategy": "restore", "restore": restore},
    }));
    client.act("bootstrap").unwrap();
    client
}

/// Pushes rows of a site, and the files of those that are the media library, up to a request of this name.
fn push_up_to(client: &mut Client, site: &Site, last: &str) -> Result<(), String> {
    let none = || json!([]);
    let rows = site.entities.iter();
    let ours = |row: &&Value| row["type"].as_str().unwrap().starts_with("plugin::upload");
    let rows: Vec<&Value> = rows.filter(ours).collect();
    let steps: [(&str, &str, Value); 11] = [
        ("start", "entities", none()),
        ("stream", "entities", json!(rows)),
        ("end", "entities", none()),
        ("start", "assets", none()),
        ("stream", "assets", files(site, &rows)),
        ("end", "assets", none()),
        ("start", "links", none()),
        ("end", "links", none()),
        ("start", "configuration", none()),
        ("stream", "configuration", json!(site.configuration)),
        ("end", "configuration", none()),
    ];
    client.act("beforeTransfer")?;
    for (action, step, data) in steps {
        if format!("{action} {step}") == last {
            return Ok(());
        }
        client.step(action, step, data)?;
    }
    Ok(())
}

/// The main files of rows, as Strapi 5 takes them.
fn files(site: &Site, rows: &[&Value]) -> Value {
    let rows = rows
        .iter()
        .filter(|row| row["type"] == "plugin::upload.file");
    let items = rows.flat_map(|row| {
        let mut sidecar = row["data"].clone();
        sidecar["id"] = row["id"].clone();
        let content = &site.files[&super::pull::file_name(&sidecar)];
        let asset = fresh_id();
        let mut items = vec![json!({
            "action": "start", "assetID": asset, "data": {"metadata": sidecar},
        })];
        items.extend((0..content.pieces()).map(|number| {
            json!({
                "action": "stream", "assetID": asset, "encoding": "base64",
                "data": content.sent(number, true),
            })
        }));
        let value = content.digest();
        let checksum = json!({"algorithm": "sha256", "value": value});
        items.push(json!({"action": "end", "assetID": asset, "checksum": checksum}));
        items
    });
    items.collect()
}

#[test]
fn a_pull_gives_every_row_and_file_and_those_of_the_administrators() {
    let fake = FakeStrapi::start(site());
    let mut client = pull(&fake);
    assert_eq!(
        client.act("getMetadata").unwrap()["strapi"]["version"],
        "5.54.0"
    );
    assert_eq!(client.act("getSchemas").unwrap(), json!(site().schemas));
    let [rows, items, links, configuration] = STAGES.map(|stage| client.stage(stage).unwrap());
    let site = fake.site().clone();
    assert_eq!(rows, site.entities);
    assert!(rows.iter().any(|row| row["type"] == "admin::user"));
    assert_eq!(links, site.links);
    assert_eq!(configuration, site.configuration);
    let starts = items.iter().flat_map(|items| items.as_array().unwrap());
    let starts: Vec<&Value> = starts.filter(|item| item["action"] == "start").collect();
    assert_eq!(starts.len(), 10);
    let archive = super::super::archive::Archive::open(
        &repository("testdata/strapi5-sqlite/strapi-export.tar"),
        None,
    );
    for start in starts {
        let name = start["data"]["filename"].as_str().unwrap();
        assert_eq!(start["data"]["metadata"], archive.assets()[name].sidecar);
    }
}

#[test]
fn upgrades_are_refused_as_strapi_refuses_them() {
    let fake = FakeStrapi::start(site());
    let answer = |kind, token| upgrade(fake.port, kind, token).err();
    assert_eq!(answer("pull", "nobody"), Some(401));
    assert_eq!(answer("pull", EXPIRED), Some(401));
    assert_eq!(answer("pull", PUSH), Some(403));
    assert_eq!(answer("push", PULL), Some(403));
    assert_eq!(answer("neither", FULL), Some(404));
    assert_eq!(answer("pull", FULL), None);
    fake.site().enabled = false;
    assert_eq!(answer("pull", FULL), Some(404));
    assert_eq!(answer("pull", "nobody"), Some(401));
    fake.site().salt = false;
    assert_eq!(answer("pull", FULL), Some(500));
}

#[test]
fn a_push_that_is_closed_is_the_site_under_new_ids() {
    let (fake, cargo) = (FakeStrapi::start(site().emptied()), site());
    let mut client = push(&fake);
    push_up_to(&mut client, &cargo, "").unwrap();
    client.act("close").unwrap();
    let site = fake.site();
    assert_eq!(site.configuration.len(), cargo.configuration.len());
    let files = |site: &Site| {
        let rows = site.entities.iter();
        rows.filter(|row| row["type"] == "plugin::upload.file")
            .count()
    };
    assert_eq!(files(&site), files(&cargo));
    assert_eq!(site.files.len(), files(&cargo));
    assert!(site.backups.is_empty());
}

/// The table of what a broken push leaves, and what the media library is by then.
#[test]
fn a_push_that_is_cut_leaves_what_strapi_leaves() {
    let cargo = site();
    let (all, none) = (cargo.files.len(), 0);
    let sent = files_sent(&cargo);
    for (last, files, backups) in [
        ("start entities", none, 1),
        ("end entities", none, 1),
        ("stream assets", none, 1),
        ("end assets", sent, 1),
        ("start links", sent, 0),
        ("end configuration", sent, 0),
    ] {
        let fake = FakeStrapi::start(site());
        let mut client = push(&fake);
        push_up_to(&mut client, &cargo, last).unwrap();
        drop(client);
        fake.wait_until_left();
        let site = fake.site();
        assert_eq!(site.entities, cargo.entities, "{last}");
        assert_eq!(site.configuration, cargo.configuration, "{last}");
        assert_eq!(site.files.len(), files, "{last}");
        assert_eq!(site.backups.len(), backups, "{last}");
        assert!(site.backups.values().all(|backup| backup.len() == all));
        assert!(site.hooks && site.transaction_of.is_none());
    }
}

fn files_sent(site: &Site) -> usize {
    let rows = site.entities.iter();
    rows.filter(|row| row["type"] == "plugin::upload.file")
        .count()
}

#[test]
fn what_strapi_5_protects_is_refused_and_strapi_4_takes_it() {
    let row = json!([{"type": "admin::user", "id": 1, "data": {"email": "a@example.com"}}]);
    let fake = FakeStrapi::start(site());
    let mut client = push(&fake);
    push_up_to(&mut client, &site(), "stream entities").unwrap();
    let refused = client.step("stream", "entities", row.clone());
    assert!(
        refused
            .unwrap_err()
            .contains("protected type \"admin::user\"")
    );
    let later = client.act("getMetadata").unwrap_err();
    assert_eq!(later, "Transfer has been terminated");

    let fake = FakeStrapi::start(site4());
    let mut client = push(&fake);
    push_up_to(&mut client, &site4(), "stream entities").unwrap();
    client.step("stream", "entities", row).unwrap();
    let unknown = json!([{"type": "api::no.no", "id": 1, "data": {}}]);
    client.step("stream", "entities", unknown).unwrap_err();
    fake.wait_until_left();
    assert!(fake.site().dead);
}

#[test]
fn a_link_to_what_was_not_sent_is_skipped_with_a_warning() {
    let fake = FakeStrapi::start(site());
    let mut client = push(&fake);
    push_up_to(&mut client, &site(), "end links").unwrap();
    let link = site().links.into_iter().next_back().unwrap();
    client.step("stream", "links", json!([link])).unwrap();
    let end = client.step("end", "links", json!([])).unwrap();
    assert_eq!(end["stats"], json!({"started": 1, "finished": 1}));
    assert_eq!(client.warnings.len(), 2);
}

#[test]
fn an_end_without_close_leaves_the_site_locked() {
    let fake = FakeStrapi::start(site());
    let mut client = push(&fake);
    let params = json!({"transferID": client.transfer});
    let end = json!({"type": "command", "command": "end", "params": params});
    client.ask(end).unwrap();
    drop(client);
    fake.wait_until_left();
    assert!(fake.site().transaction_of.is_some());
    let seen = std::panic::catch_unwind(|| fake.record().is_clean());
    assert!(seen.is_err());
}

#[test]
fn a_wrong_checksum_leaves_the_end_of_the_stage_without_an_answer() {
    let fake = FakeStrapi::start(site());
    let mut client = push(&fake);
    push_up_to(&mut client, &site(), "stream assets").unwrap();
    let rows = site().entities;
    let rows: Vec<&Value> = rows.iter().collect();
    let mut items = files(&site(), &rows);
    items[2]["checksum"]["value"] = "00".into();
    let error = client.step("stream", "assets", items).unwrap_err();
    assert!(error.starts_with("Checksum mismatch"), "{error}");
    client.act("getMetadata").unwrap();
}

#[test]
fn faults_come_where_and_as_often_as_they_are_asked_for() {
    let hold = Hold::default();
    let fake = FakeStrapi::with_faults(
        site(),
        [
            Fault::new(Point::Upgrade, Harm::Status(500, json!({}))),
            Fault::new(Point::Asked("getMetadata"), Harm::error("no")).after(1),
            Fault::new(
                Point::Done("getSchemas"),
                Harm::changed(|data| *data = json!(7)),
            ),
            Fault::new(Point::Frame("links"), Harm::Cut),
            Fault::new(Point::Frame("assets"), Harm::without_end()),
            Fault::new(Point::Asked("close"), Harm::Hold(hold.clone())),
        ],
    );
    assert_eq!(upgrade(fake.port, "pull", FULL).err(), Some(500));
    let mut client = pull(&fake);
    assert!(client.act("getMetadata").is_ok());
    assert_eq!(client.act("getMetadata"), Err("no".to_owned()));
    assert_eq!(client.act("getSchemas"), Ok(json!(7)));
    let items = client.stage("assets").unwrap();
    let ends = items.iter().flat_map(|items| items.as_array().unwrap());
    assert_eq!(ends.filter(|item| item["action"] == "end").count(), 9);
    assert!(client.stage("links").is_err());
    let mut client = pull(&fake);
    client.stage("links").unwrap();
    let waits = std::thread::spawn(move || client.act("close"));
    hold.wait();
    hold.release();
    waits.join().unwrap().unwrap();
    fake.record().is_clean();
}

#[test]
fn a_long_file_comes_in_frames_and_costs_nothing() {
    let mut site = site().emptied();
    site.add_file("long", ".bin", Content::Made((2 << 20) + 5));
    let fake = FakeStrapi::start(site);
    let mut client = pull(&fake);
    let frames = client.stage("assets").unwrap();
    let lengths: Vec<usize> = frames
        .iter()
        .map(|frame| frame.as_array().unwrap().len())
        .collect();
    assert_eq!(lengths, [17, 16, 2]);
}
