//! Pulls out of a running Strapi, as a program that uses the library makes them: what they give, and what they make of a
//! server or a network that does not do what it should.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use strapi_backup::archive::ArchiveDestination;
use strapi_backup::effort::Effort;
use strapi_backup::error::{Error, Kind, Result};
use strapi_backup::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use strapi_backup::remote::wire::{Action, Request, Restore};
use strapi_backup::remote::{self, Address, Direction, Patience, RemoteSource, Token, Trouble};
use strapi_backup::store::{Access, Interrupt};
use strapi_backup::transfer::{
    Event, Extent, Filter, FilterOptions, Group, Observer, OnFault, Report, SchemaStrategy, Sink,
    Source, Transfer, VersionStrategy, Warning, WarningKind,
};
use tempfile::TempDir;

use crate::support::archive::Archive;
use crate::support::fake_strapi::{
    Content, EXPIRED, FULL, FakeStrapi, Fault, Harm, PULL, PUSH, Point, Site,
};
use crate::support::files::repository;

const STRAPI5: &str = "testdata/strapi5-sqlite/strapi-export.tar";
const STRAPI4: &str = "testdata/strapi4-sqlite/strapi-export.tar";
/// All stages that rows come in.
const ROWS: [&str; 3] = ["entities", "links", "configuration"];

fn original(file: &str) -> Archive {
    Archive::open(&repository(file), None)
}

fn site() -> Site {
    Site::of_file(&repository(STRAPI5))
}

fn patience() -> Patience {
    Patience {
        pause: Duration::ZERO,
        ..Patience::default()
    }
}

/// The modelled server as the program knows it.
fn known(fake: &FakeStrapi, token: &str, retries: u32) -> remote::Site {
    let address = Address::parse(&fake.url()).unwrap();
    let token = Token::new(token).unwrap();
    remote::Site::new(address, token, Access::default(), retries).with_patience(patience())
}

/// Keeps what is warned of.
struct Watching<'a>(&'a Mutex<Vec<Warning>>);

impl Observer for Watching<'_> {
    fn on(&self, event: Event<'_>) {
        if let Event::Warned(warning) = event {
            self.0.lock().unwrap().push(warning.clone());
        }
    }
}

/// What a pull gave.
struct Pulled {
    _folder: TempDir,
    archive: Archive,
    warnings: Vec<Warning>,
    report: Report,
}

impl Pulled {
    fn is_incomplete(&self) -> bool {
        self.warnings.iter().any(|it| it.kind.is_incomplete())
    }

    fn told(&self) -> String {
        let lines: Vec<String> = self.warnings.iter().map(Warning::to_string).collect();
        lines.join("\n")
    }

    #[track_caller]
    fn is(&self, original: &Archive) {
        assert_eq!(self.archive.differences(original), [""; 0]);
    }
}

fn pull_with(site: remote::Site, options: &FilterOptions) -> Result<Pulled> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site");
    let warnings = Mutex::default();
    let mut source = RemoteSource::new(site, folder.path());
    let destination = ArchiveDestination::folder(&path, 256 << 20, &Effort::default()).unwrap();
    let watching = Watching(&warnings);
    let mut transfer = Transfer {
        source: &mut source,
        destination: Box::new(destination),
        filter: Filter::new(options).unwrap(),
        extent: Extent::Said,
        versions: VersionStrategy::default(),
        schemas: SchemaStrategy::default(),
        on_fault: OnFault::Stop,
        observer: &watching,
    };
    let plan = transfer.plan()?;
    let report = transfer.run(&plan)?;
    Ok(Pulled {
        archive: Archive::open(&path, None),
        _folder: folder,
        warnings: warnings.into_inner().unwrap(),
        report,
    })
}

fn pull(fake: &FakeStrapi, retries: u32) -> Result<Pulled> {
    pull_with(known(fake, PULL, retries), &FilterOptions::default())
}

#[track_caller]
fn error(result: Result<Pulled>) -> Error {
    match result {
        Ok(pulled) => panic!("it worked\n{}", pulled.told()),
        Err(error) => error,
    }
}

#[test]
fn a_pull_is_the_export_of_that_strapi_line_by_line_and_file_by_file() {
    for file in [STRAPI5, STRAPI4] {
        let fake = FakeStrapi::start(Site::of_file(&repository(file)));
        let pulled = pull(&fake, 0).unwrap();
        pulled.is(&original(file));
        assert_eq!(pulled.told(), "");
        let manifest = pulled.archive.json("manifest.json");
        assert_eq!(manifest["consistent"], false);
        assert_eq!(manifest["database"], Value::Null);
        fake.record().is_clean();
        let requests = &fake.record().requests()[0];
        assert!(requests.ends_with(&["close", "end"]), "{requests:?}");
    }
}

#[test]
fn nothing_of_administrators_is_sent_on() {
    struct Looking;
    impl Sink for Looking {
        fn stage(&mut self, _: Stage, _: Option<u64>) -> Result<()> {
            Ok(())
        }
        fn schema(&mut self, _: &Schema) -> Result<()> {
            Ok(())
        }
        fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
            assert!(!entity.content_type.starts_with("admin::"));
            assert!(!entity.content_type.contains("content-releases"));
            assert!(!entity.line.contains("a-hash-of"));
            Ok(())
        }
        fn asset(&mut self, _: &Asset, _: &mut dyn Read) -> Result<()> {
            Ok(())
        }
        fn link(&mut self, link: &Link<'_>) -> Result<()> {
            assert!(!link.line.contains("admin::"));
            Ok(())
        }
        fn configuration(&mut self, _: &ConfigItem<'_>) -> Result<()> {
            Ok(())
        }
        fn warn(&mut self, warning: Warning) {
            panic!("{warning}");
        }
    }
    let fake = FakeStrapi::start(site());
    let folder = tempfile::tempdir().unwrap();
    let mut source = RemoteSource::new(known(&fake, FULL, 0), folder.path());
    source.stream(&Filter::default(), &mut Looking).unwrap();
}

#[test]
fn only_the_stages_that_take_part_are_asked_for() {
    let fake = FakeStrapi::start(site());
    let options = FilterOptions {
        only: vec![Group::Config],
        ..FilterOptions::default()
    };
    let pulled = pull_with(known(&fake, PULL, 0), &options).unwrap();
    assert_eq!(fake.record().count("start configuration"), 1);
    for stage in ["start entities", "start links", "start assets"] {
        assert_eq!(fake.record().count(stage), 0, "{stage}");
    }
    let expected = original(STRAPI5).lines("configuration");
    assert_eq!(pulled.archive.lines("configuration"), expected);
}

#[test]
fn rows_that_break_are_begun_again_all_together() {
    for stage in ROWS {
        for at in [Point::Frame(stage), Point::Last(stage)] {
            for harm in [Harm::Cut, Harm::CutInFrame, Harm::Close(1011)] {
                let fake = FakeStrapi::with_faults(site(), [Fault::new(at.clone(), harm)]);
                let pulled = pull(&fake, 1).unwrap();
                pulled.is(&original(STRAPI5));
                for stage in ["start entities", "start links", "start configuration"] {
                    let again = &fake.record().requests()[1];
                    assert!(again.contains(&stage), "{at:?} {again:?}");
                }
                fake.record().nothing_came_twice();
            }
        }
    }
}

#[test]
fn rows_of_a_go_that_broke_are_in_no_archive() {
    let stray = Harm::changed(|data| {
        let rows = data.as_array_mut().unwrap();
        let mut row = rows.last().unwrap().clone();
        row["id"] = 4711.into();
        rows.push(row);
    });
    let fake = FakeStrapi::with_faults(
        site(),
        [
            Fault::new(Point::Frame("entities"), stray),
            Fault::new(Point::Last("entities"), Harm::Cut),
        ],
    );
    pull(&fake, 1).unwrap().is(&original(STRAPI5));
}

#[test]
fn files_that_break_are_begun_again_and_each_is_there_once() {
    for harm in [Harm::Cut, Harm::CutInFrame, Harm::without_end()] {
        let fault = Fault::new(Point::Frame("assets"), harm).after(4);
        let fake = FakeStrapi::with_faults(site(), [fault]);
        let pulled = pull(&fake, 1).unwrap();
        pulled.is(&original(STRAPI5));
        assert_eq!(pulled.told(), "");
        assert_eq!(fake.record().count("start assets"), 2);
        assert_eq!(fake.record().count("start entities"), 1);
    }
}

#[test]
fn a_file_that_changed_between_two_goes_is_listed() {
    let fake = FakeStrapi::with_faults(
        site(),
        [Fault::new(Point::Frame("assets"), Harm::Cut).after(1)],
    );
    let change = Harm::items(|items| {
        items[1] = json!({
            "action": "stream", "assetID": items[0]["assetID"], "encoding": "base64", "data": "eA=="
        });
        let digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        items[2]["checksum"]["value"] = digest.into();
    });
    fake.add(Fault::new(Point::Frame("assets"), change).after(1));
    let pulled = pull(&fake, 1).unwrap();
    pulled.is(&original(STRAPI5));
    assert_eq!(pulled.warnings.len(), 1, "{}", pulled.told());
    assert_eq!(pulled.warnings[0].kind, WarningKind::ChangedAsset);
}

#[test]
fn a_pull_that_breaks_too_often_ends_with_what_broke_it() {
    for stage in ["entities", "links", "configuration", "assets"] {
        let fault = Fault::new(Point::Last(stage), Harm::Cut).always();
        let fake = FakeStrapi::with_faults(site(), [fault]);
        let error = error(pull(&fake, 2));
        assert!(
            matches!(Trouble::of(&error), Some(Trouble::Cut(_))),
            "{error}"
        );
        assert!(error.to_string().contains(&fake.url()), "{error}");
        assert!(error.advice().unwrap().contains("begun again 2 times"));
        assert_eq!(fake.record().count("init"), 3);
    }
}

#[test]
fn each_refusal_is_told_apart_and_not_tried_again() {
    let refused = |token: &str, change: fn(&mut Site)| {
        let mut site = site();
        change(&mut site);
        let fake = FakeStrapi::start(site);
        let error = error(pull_with(known(&fake, token, 5), &FilterOptions::default()));
        assert!(error.advice().is_some());
        assert!(!format!("{error} {error:?}").contains(token), "{error}");
        assert_eq!(fake.record().requests().len(), 1);
        Trouble::of(&error).unwrap().clone()
    };
    assert_eq!(refused("0000000000000000", |_| {}), Trouble::Refused);
    assert_eq!(refused(EXPIRED, |_| {}), Trouble::Expired);
    assert_eq!(refused(PUSH, |_| {}), Trouble::OtherKind(Direction::Pull));
    assert_eq!(
        refused(PULL, |site| site.enabled = false),
        Trouble::SwitchedOff
    );
    assert_eq!(refused(PULL, |site| site.salt = false), Trouble::NoSalt);
}

#[test]
fn what_is_no_strapi_is_told_apart() {
    let told = |harm: Harm| {
        let fake = FakeStrapi::with_faults(site(), [Fault::new(Point::Upgrade, harm)]);
        let error = error(pull(&fake, 0));
        (Trouble::of(&error).unwrap().clone(), error)
    };
    assert_eq!(told(Harm::Page).0, Trouble::NotStrapi(200));
    assert_eq!(told(Harm::Status(503, json!("busy"))).0, Trouble::Busy(503));
    let to = "https://user:secret@new.example.com/panel/transfer/runner/pull?key=secret";
    let (trouble, error) = told(Harm::Redirect(to.into()));
    let shown = "https://new.example.com/panel".to_owned();
    assert_eq!(trouble, Trouble::Redirect(Some(shown)));
    assert_eq!(error.kind(), Kind::Usage);
    assert!(!format!("{error:?}").contains("secret"));
}

#[test]
fn a_server_that_is_not_there_cannot_be_reached() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/admin", listener.local_addr().unwrap());
    drop(listener);
    let address = Address::parse(&address).unwrap();
    let site = remote::Site::new(address, Token::new(PULL).unwrap(), Access::default(), 0);
    let error = site.pull().unwrap_err();
    let trouble = Trouble::of(&error);
    assert!(matches!(trouble, Some(Trouble::Unreachable(_))), "{error}");
}

#[test]
fn no_proxy_is_asked_for_the_way_to_this_machine() {
    let fake = FakeStrapi::start(site());
    let proxy = "http://127.0.0.1:9".to_owned();
    let names = ["http_proxy", "https_proxy", "all_proxy"];
    let proxies = names.map(|name| (name.to_owned(), proxy.clone())).into();
    let access = Access::new(proxies, Interrupt::default());
    let address = Address::parse(&fake.url()).unwrap();
    let site = remote::Site::new(address, Token::new(PULL).unwrap(), access, 0);
    site.pull().unwrap().leave();
}

#[test]
fn errors_of_the_server_are_told_in_its_words_without_the_token() {
    for request in [
        "init",
        "bootstrap",
        "getMetadata",
        "getSchemas",
        "start links",
        "end links",
    ] {
        let words = format!("no way {PULL}");
        let fault = Fault::new(Point::Asked(request), Harm::error(&words));
        let error = error(pull(&FakeStrapi::with_faults(site(), [fault]), 0));
        let told = format!("{error} {error:?}");
        assert!(error.to_string().contains("no way <token>"), "{told}");
    }
    let expired = json!({"code": "UnauthorizedError", "message": "Token expired"});
    let fault = Fault::new(Point::Asked("start assets"), Harm::Error(expired));
    let error = error(pull(&FakeStrapi::with_faults(site(), [fault]), 3));
    assert_eq!(Trouble::of(&error), Some(&Trouble::Expired));
}

#[test]
fn no_part_of_the_token_is_told_where_a_server_repeats_it() {
    let part = &FULL[..16];
    let padded = |length: usize| "y".repeat(length) + FULL;
    // Where texts are cut.
    for length in [0, 1000, 1020] {
        let words = Harm::Diagnostics(1, "warning", padded(length));
        let fault = Fault::new(Point::Frame("entities"), words);
        let fake = FakeStrapi::with_faults(site(), [fault]);
        let pulled = pull_with(known(&fake, FULL, 0), &FilterOptions::default()).unwrap();
        assert!(!pulled.told().contains(part), "{}", pulled.told());
        let fault = Fault::new(Point::Asked("getSchemas"), Harm::error(&padded(length)));
        let fake = FakeStrapi::with_faults(site(), [fault]);
        let failed = error(pull_with(known(&fake, FULL, 0), &FilterOptions::default()));
        assert!(!format!("{failed} {failed:?}").contains(part), "{failed:?}");
    }
    let to = format!("https://{part}.example.com/{FULL}/admin");
    let fault = Fault::new(Point::Upgrade, Harm::Redirect(to));
    let fake = FakeStrapi::with_faults(site(), [fault]);
    let failed = error(pull_with(known(&fake, FULL, 0), &FilterOptions::default()));
    let told = format!("{failed} {:?} {failed:?}", failed.advice());
    assert!(told.contains("<token>") && !told.contains(part), "{told}");
    let version = Harm::changed(|data| data["strapi"]["version"] = format!("5.54.0-{FULL}").into());
    let fault = Fault::new(Point::Done("getMetadata"), version);
    let fake = FakeStrapi::with_faults(site(), [fault]);
    let failed = error(pull_with(known(&fake, FULL, 0), &FilterOptions::default()));
    assert!(failed.to_string().contains("its version"), "{failed}");
    let folder = format!("created assets backup directory {FULL}");
    let fault = Fault::new(
        Point::Asked("bootstrap"),
        Harm::Diagnostics(1, "info", folder),
    );
    let fake = FakeStrapi::with_faults(site(), [fault]);
    let mut session = known(&fake, FULL, 0).push(&Restore::default()).unwrap();
    session.ask(Request::Action(Action::Bootstrap)).unwrap();
    assert_eq!(session.backup(), Some("<token>"));
}

/// Text that no server of transfers sends.
fn nonsense() -> Vec<Harm> {
    let frame = |data: &str| {
        format!(
            r#"{{"uuid":"x","data":{{"type":"transfer","id":"unknown","data":{data},"ended":false,"error":null}}}}"#
        )
    };
    vec![
        Harm::Text("nonsense".into()),
        Harm::Text("[]".into()),
        Harm::Text("{\"uuid\":7}".into()),
        Harm::Text(frame("[]")),
        Harm::Binary(vec![0xff, 0xfe]),
        Harm::Huge(102 << 20),
        Harm::changed(|data| *data = json!({"a": 1})),
        Harm::changed(|data| *data = json!([1])),
        Harm::changed(|data| *data = json!([{"type": "api::none.none", "id": 1, "data": {}}])),
        Harm::changed(|data| {
            let rows = data.as_array_mut().unwrap();
            rows.extend_from_within(..);
        }),
    ]
}

#[test]
fn what_makes_no_sense_ends_a_pull_in_words_of_this_program() {
    for (number, harm) in nonsense().into_iter().enumerate() {
        let fault = Fault::new(Point::Frame("entities"), harm);
        let error = error(pull(&FakeStrapi::with_faults(site(), [fault]), 0));
        let told = error.to_string();
        assert!(
            matches!(Trouble::of(&error), Some(Trouble::Malformed(_))),
            "{number}: {told}"
        );
        for words in ["expected", "column", "line 1", "invalid type"] {
            assert!(!told.contains(words), "{number}: {told}");
        }
    }
}

#[test]
fn files_that_are_not_whole_end_a_pull() {
    let checksum = |algorithm: &str| Harm::checksum(json!({"algorithm": algorithm, "value": "00"}));
    for (harm, words) in [
        (Harm::without_end(), "within"),
        (Harm::twice(), "twice"),
        (Harm::twice_with_another_id(), "twice"),
        (checksum("sha256"), "damaged on its way"),
        (checksum("sha1"), "of a kind"),
        (Harm::checksum(Value::Null), "without its checksum"),
    ] {
        let fault = Fault::new(Point::Frame("assets"), harm);
        let error = error(pull(&FakeStrapi::with_faults(site(), [fault]), 0));
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
    let more = Harm::changed(|data| data["totals"]["totalCount"] = 11.into());
    let fault = Fault::new(Point::Done("start assets"), more);
    let error = error(pull(&FakeStrapi::with_faults(site(), [fault]), 0));
    assert!(error.to_string().contains("10 files of the 11"), "{error}");
}

#[test]
fn what_a_server_says_of_lengths_is_not_believed() {
    let fake = FakeStrapi::with_faults(
        site(),
        [
            Fault::new(Point::Frame("assets"), Harm::size(u64::MAX)),
            Fault::new(Point::Frame("assets"), Harm::size(0)).after(1),
        ],
    );
    pull(&fake, 0).unwrap().is(&original(STRAPI5));
}

#[test]
fn a_frame_that_comes_before_the_answer_to_its_start_is_taken() {
    let faults = ["entities", "links", "configuration", "assets"].map(|stage| {
        let start = match stage {
            "entities" => "start entities",
            "links" => "start links",
            "configuration" => "start configuration",
            _ => "start assets",
        };
        Fault::new(Point::Asked(start), Harm::FrameFirst)
    });
    let fake = FakeStrapi::with_faults(site(), faults);
    pull(&fake, 0).unwrap().is(&original(STRAPI5));
}

#[test]
fn a_file_that_strapi_5_has_lost_is_listed() {
    let mut site = site();
    site.files.remove("small_2a9128b856.png").unwrap();
    let pulled = pull(&FakeStrapi::start(site), 0).unwrap();
    assert!(pulled.is_incomplete());
    assert!(
        pulled.told().contains("small_2a9128b856.png"),
        "{}",
        pulled.told()
    );
    let missing = &pulled.report.warnings[&WarningKind::MissingAsset];
    assert_eq!(*missing, 1);
}

#[test]
fn a_file_that_strapi_4_has_lost_is_named_by_the_error() {
    let site = Site::of_file(&repository(STRAPI4));
    let rows = site.entities.iter();
    let mut rows = rows.filter(|row| row["type"] == "plugin::upload.file");
    let formats = rows.next().unwrap()["data"]["formats"].as_object().unwrap();
    let format = formats.values().next().unwrap();
    let text = |name: &str| format[name].as_str().unwrap().to_owned();
    let name = text("hash") + &text("ext");
    // Strapi 4 ends the stage there, and its error has no members.
    let fault = Fault::new(Point::Frame("assets"), Harm::Error(json!({}))).after(1);
    let error = error(pull(&FakeStrapi::with_faults(site, [fault]), 0));
    assert_eq!(Trouble::of(&error), Some(&Trouble::Stage(Stage::Assets)));
    let advice = error.advice().unwrap();
    assert!(
        advice.contains(&name) && advice.contains("--exclude files"),
        "{advice}"
    );
}

#[test]
fn a_file_that_did_not_come_is_known_whatever_the_order_of_the_members_of_its_row() {
    let mut site = site();
    site.files.remove("small_2a9128b856.png").unwrap();
    for row in &mut site.entities {
        *row = json!({"id": row["id"], "data": row["data"], "type": row["type"]});
    }
    let pulled = pull(&FakeStrapi::start(site), 0).unwrap();
    assert!(pulled.is_incomplete());
    let told = pulled.told();
    assert!(told.contains("small_2a9128b856.png"), "{told}");
    assert_eq!(pulled.report.warnings[&WarningKind::MissingAsset], 1);
}

#[test]
fn links_that_lead_nowhere_are_a_note() {
    let mut site = site();
    let mut link = site.links.last().unwrap().clone();
    link["right"]["ref"] = 4711.into();
    site.links.push(link);
    let fake = FakeStrapi::start(site);
    let pulled = pull(&fake, 0).unwrap();
    pulled.is(&original(STRAPI5));
    assert!(!pulled.is_incomplete());
    assert_eq!(pulled.warnings.len(), 1, "{}", pulled.told());
    assert_eq!(pulled.warnings[0].kind, WarningKind::OrphanLink);
    assert_eq!(fake.record().count("start entities"), 2);
}

#[test]
fn links_to_rows_that_came_too_late_are_listed() {
    let late = Harm::changed(|data| {
        let rows = data.as_array_mut().unwrap();
        rows.retain(|row| row["type"] != "api::tag.tag" || row["id"] != 1);
    });
    let mut site = site();
    let of_tag = |end: &Value| end["type"] == "api::tag.tag" && end["ref"] == 1;
    let links = site.links.iter();
    let lost = links.filter(|link| of_tag(&link["left"]) || of_tag(&link["right"]));
    let lost = lost.count() as u64;
    assert!(lost > 0);
    site.one_connection = false;
    let fault = Fault::new(Point::Frame("entities"), late);
    let pulled = pull(&FakeStrapi::with_faults(site, [fault]), 0).unwrap();
    assert!(pulled.is_incomplete());
    assert_eq!(pulled.report.warnings[&WarningKind::Unreadable], lost);
    assert!(pulled.told().contains("was added while the site was read"));
}

#[test]
fn files_without_their_rows_are_listed() {
    let late = Harm::changed(|data| {
        let rows = data.as_array_mut().unwrap();
        rows.retain(|row| row["type"] != "plugin::upload.file" || row["id"] != 3);
    });
    let fault = Fault::new(Point::Frame("entities"), late);
    let pulled = pull(&FakeStrapi::with_faults(site(), [fault]), 0).unwrap();
    assert!(pulled.is_incomplete());
    assert!(
        pulled.told().contains("its row did not come"),
        "{}",
        pulled.told()
    );
    assert!(!pulled.archive.assets().contains_key("small_2a9128b856.png"));
}

#[test]
fn what_the_server_says_it_skipped_is_listed_and_floods_are_bounded() {
    let flood = Harm::Diagnostics(3_000, "warning", "could not read api::tag.tag 7".into());
    let fault = Fault::new(Point::Frame("entities"), flood);
    let pulled = pull(&FakeStrapi::with_faults(site(), [fault]), 0).unwrap();
    assert!(pulled.is_incomplete());
    assert!(pulled.told().contains("could not read api::tag.tag 7"));
    assert_eq!(pulled.report.warnings[&WarningKind::Unreadable], 3_000);
}

#[test]
fn a_file_that_is_long_comes_whole() {
    let mut site = site();
    site.add_file("long_0000000000", ".bin", Content::Made((9 << 20) + 7));
    let pulled = pull(&FakeStrapi::start(site), 0).unwrap();
    let file = &pulled.archive.assets()["long_0000000000.bin"];
    let block = Content::block();
    assert_eq!(file.bytes.len(), (9 << 20) + 7);
    assert!(
        file.bytes
            .chunks(block.len())
            .all(|part| *part == block[..part.len()])
    );
}

#[test]
fn a_site_that_changes_its_schemas_meanwhile_is_not_mixed() {
    let fake = FakeStrapi::with_faults(site(), [Fault::new(Point::Last("links"), Harm::Cut)]);
    let change = Harm::changed(|data| {
        let uid = "api::tag.tag";
        data[uid]["attributes"]["new"] = json!({"type": "string"});
    });
    fake.add(Fault::new(Point::Done("getSchemas"), change).after(1));
    let error = error(pull(&fake, 3));
    assert!(error.to_string().contains("its schemas changed"), "{error}");
}

#[test]
fn a_server_that_says_nothing_more_is_given_up() {
    let fault = Fault::new(Point::Asked("getMetadata"), Harm::Silence);
    let fake = FakeStrapi::with_faults(site(), [fault]);
    let site = known(&fake, PULL, 0).with_patience(Patience {
        answer: Duration::from_millis(300),
        ping: Duration::from_millis(20),
        ..patience()
    });
    let error = site_error(site);
    assert_eq!(Trouble::of(&error), Some(&Trouble::Silent));
}

#[test]
fn a_finished_pull_does_not_wait_for_answers_to_its_end() {
    for request in ["close", "end"] {
        let fault = Fault::new(Point::Asked(request), Harm::Silence);
        let fake = FakeStrapi::with_faults(site(), [fault]);
        let site = known(&fake, PULL, 0).with_patience(Patience {
            farewell: Duration::from_millis(50),
            ..patience()
        });
        let pulled = pull_with(site, &FilterOptions::default()).unwrap();
        pulled.is(&original(STRAPI5));
        assert_eq!(pulled.told(), "");
        fake.wait_until_left();
    }
}

fn site_error(site: remote::Site) -> Error {
    error(pull_with(site, &FilterOptions::default()))
}

#[test]
fn a_pull_that_waits_ends_when_its_user_wants_that() {
    let fault = Fault::new(Point::Frame("links"), Harm::Silence);
    let fake = Arc::new(FakeStrapi::with_faults(site(), [fault]));
    let wanted = Arc::new(AtomicBool::new(false));
    let access = Access::new(BTreeMap::new(), Interrupt::new(Arc::clone(&wanted)));
    let address = Address::parse(&fake.url()).unwrap();
    let site = remote::Site::new(address, Token::new(PULL).unwrap(), access, 5);
    let waits = Arc::clone(&fake);
    let user = thread::spawn(move || {
        waits.record().wait_for("start links");
        wanted.store(true, Ordering::Relaxed);
    });
    let error = site_error(site);
    user.join().unwrap();
    assert_eq!(error.kind(), Kind::Interrupted);
    fake.wait_until_left();
}

/// What never ends, and is no answer.
fn floods() -> [Harm; 2] {
    [Harm::endless_parts(), Harm::endless_diagnostics()]
}

#[test]
fn a_server_that_sends_and_never_answers_is_given_up() {
    for flood in floods() {
        let fault = Fault::new(Point::Asked("getMetadata"), flood);
        let fake = FakeStrapi::with_faults(site(), [fault]);
        let site = known(&fake, PULL, 0).with_patience(Patience {
            answer: Duration::from_millis(300),
            ..patience()
        });
        let error = site_error(site);
        assert_eq!(Trouble::of(&error), Some(&Trouble::Silent));
        fake.wait_until_left();
    }
}

#[test]
fn a_pull_that_is_flooded_ends_when_its_user_wants_that() {
    for flood in floods() {
        let fault = Fault::new(Point::Asked("getMetadata"), flood);
        let fake = Arc::new(FakeStrapi::with_faults(site(), [fault]));
        let wanted = Arc::new(AtomicBool::new(false));
        let access = Access::new(BTreeMap::new(), Interrupt::new(Arc::clone(&wanted)));
        let address = Address::parse(&fake.url()).unwrap();
        let site = remote::Site::new(address, Token::new(PULL).unwrap(), access, 5);
        let waits = Arc::clone(&fake);
        let user = thread::spawn(move || {
            waits.record().wait_for("getMetadata");
            wanted.store(true, Ordering::Relaxed);
        });
        let error = site_error(site);
        user.join().unwrap();
        assert_eq!(error.kind(), Kind::Interrupted);
        fake.wait_until_left();
    }
}

#[test]
fn the_connection_is_kept_while_a_slow_destination_takes_a_file() {
    struct Slow<'a>(&'a FakeStrapi);
    impl Sink for Slow<'_> {
        fn stage(&mut self, _: Stage, _: Option<u64>) -> Result<()> {
            Ok(())
        }
        fn schema(&mut self, _: &Schema) -> Result<()> {
            Ok(())
        }
        fn entity(&mut self, _: &Entity<'_>) -> Result<()> {
            Ok(())
        }
        fn asset(&mut self, _: &Asset, content: &mut dyn Read) -> Result<()> {
            let before = self.0.record().pings();
            while self.0.record().pings() == before {
                assert_eq!(content.read(&mut []).unwrap(), 0);
            }
            Ok(())
        }
        fn link(&mut self, _: &Link<'_>) -> Result<()> {
            Ok(())
        }
        fn configuration(&mut self, _: &ConfigItem<'_>) -> Result<()> {
            Ok(())
        }
        fn warn(&mut self, warning: Warning) {
            panic!("{warning}");
        }
    }
    let fake = FakeStrapi::start(site());
    let known = known(&fake, PULL, 0).with_patience(Patience {
        ping: Duration::from_millis(20),
        ..patience()
    });
    let folder = tempfile::tempdir().unwrap();
    let mut source = RemoteSource::new(known, folder.path());
    source.stream(&Filter::default(), &mut Slow(&fake)).unwrap();
}

#[test]
fn a_disk_that_fails_here_is_not_taken_for_the_server() {
    let fake = FakeStrapi::start(site());
    let mut source = RemoteSource::new(known(&fake, PULL, 5), Path::new("/does/not/exist"));
    let error = source
        .stream(
            &Filter::default(),
            &mut strapi_backup::transfer::Nowhere::default(),
        )
        .unwrap_err();
    assert!(Trouble::of(&error).is_none(), "{error}");
    assert_eq!(fake.record().count("init"), 1);
}
