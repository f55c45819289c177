//! Pushes into a modelled Strapi: what arrives, what a push that breaks leaves, and what sets it right.

use crate::support::fake_strapi::{FULL, FakeStrapi, Fault, Harm, Hold, PUSH, Point, Site as Fake};
use crate::support::files::repository;
use crate::support::tarball::{CONFIGURATION, ENTITIES, LINKS, Tarball};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;
use strapi_backup::archive::{Archive, ArchiveDestination, Demands};
use strapi_backup::effort::Effort;
use strapi_backup::error::{Error, Kind, Result};
use strapi_backup::model::Stage;
use strapi_backup::remote::{
    Address, Patience, PushOptions, RemoteDestination, SafetyCopy, Site, Token,
};
use strapi_backup::store::{Access, Interrupt};
use strapi_backup::transfer::{
    Event, Extent, Filter, FilterOptions, Group, Observer, OnFault, Plan, Report, SchemaStrategy,
    Silent, Source, Transfer, VersionStrategy, WarningKind,
};

const FIVE: &str = "testdata/strapi5-sqlite/strapi-export.tar";
const FOUR: &str = "testdata/strapi4-sqlite/strapi-export.tar";

/// A safety copy in a folder.
struct Copy {
    path: PathBuf,
    folder: PathBuf,
    spent: Arc<AtomicBool>,
}

impl SafetyCopy for Copy {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn make(&self, site: &mut dyn Source) -> Result<()> {
        let destination = ArchiveDestination::folder(&self.path, 1 << 20, &Effort::default())?;
        let mut transfer = Transfer {
            source: site,
            destination: Box::new(destination),
            filter: Filter::default(),
            extent: Extent::Said,
            versions: VersionStrategy::Ignore,
            schemas: SchemaStrategy::Ignore,
            on_fault: OnFault::Stop,
            observer: &Silent,
        };
        let plan = transfer.plan()?;
        transfer.run(&plan).map(drop)
    }

    fn spent(&self) {
        self.spent.store(true, Ordering::Relaxed);
    }

    fn open(&self, interrupt: Interrupt) -> Result<Box<dyn Source>> {
        let demands = Demands {
            interrupt,
            ..Demands::default()
        };
        Ok(Box::new(
            Archive::at(&self.path, &self.folder)?.open(None, demands)?,
        ))
    }
}

/// What a push told.
#[derive(Default)]
struct Told {
    warnings: Mutex<Vec<String>>,
    /// Items and bytes of each time that files were sent, and whether that ended.
    files: Mutex<Vec<(u64, u64, bool)>>,
    /// A warning at which the user wants the run to stop.
    stop_at: Option<(&'static str, Arc<AtomicBool>)>,
}

impl Observer for Told {
    fn on(&self, event: Event<'_>) {
        let mut files = self.files.lock().unwrap();
        match event {
            Event::Warned(warning) => {
                let words = warning.to_string();
                if let Some((part, stop)) = &self.stop_at {
                    stop.fetch_or(words.contains(part), Ordering::Relaxed);
                }
                self.warnings.lock().unwrap().push(words);
            }
            Event::StageStarted {
                stage: Stage::Assets,
                ..
            } => {
                files.push((0, 0, false));
            }
            Event::Advanced {
                stage: Stage::Assets,
                items,
                bytes,
            } => {
                let of = files.last_mut().unwrap();
                (of.0, of.1) = (of.0 + items, of.1 + bytes);
            }
            Event::StageFinished {
                stage: Stage::Assets,
            } => {
                files.last_mut().unwrap().2 = true;
            }
            _ => {}
        }
    }
}

/// A push that is going to be done.
struct Push {
    folder: tempfile::TempDir,
    archive: PathBuf,
    token: &'static str,
    safety: bool,
    lock_folder: Option<PathBuf>,
    options: FilterOptions,
    schemas: SchemaStrategy,
    stop: Arc<AtomicBool>,
    /// Whether the safety copy is of no use any more.
    spent: Arc<AtomicBool>,
    /// How long a site is waited for that has to start again.
    back: Duration,
    told: Told,
    /// What was said of whether the site is half-way.
    half_way: Arc<Mutex<Vec<bool>>>,
}

impl Push {
    fn of(archive: &str) -> Push {
        Push {
            folder: tempfile::tempdir().unwrap(),
            archive: repository(archive),
            token: FULL,
            safety: true,
            lock_folder: None,
            options: FilterOptions::default(),
            schemas: SchemaStrategy::Exact,
            stop: Arc::default(),
            spent: Arc::default(),
            back: Duration::ZERO,
            told: Told::default(),
            half_way: Arc::default(),
        }
    }

    fn only(mut self, groups: &[Group]) -> Push {
        self.options.only = groups.to_vec();
        self
    }

    fn types(mut self, uids: &[&str]) -> Push {
        self.options.only_content_types = uids.iter().map(|uid| (*uid).to_owned()).collect();
        self
    }

    fn unsafely(self) -> Push {
        Push {
            safety: false,
            ..self
        }
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("safety")
    }

    fn with<T>(
        &self,
        fake: &FakeStrapi,
        then: impl FnOnce(Transfer<'_>) -> Result<T>,
    ) -> Result<T> {
        let folder = self.folder.path();
        let interrupt = Interrupt::new(Arc::clone(&self.stop));
        let address = Address::parse(&fake.url()).unwrap();
        let access = Access::new(BTreeMap::new(), interrupt);
        let token = Token::new(self.token).unwrap();
        let patience = Patience {
            back: self.back,
            pause: Duration::from_millis(10),
            ..Patience::default()
        };
        let site = Site::new(address, token, access, 0).with_patience(patience);
        let copy = self.safety.then(|| {
            Arc::new(Copy {
                path: self.copy(),
                folder: folder.to_owned(),
                spent: Arc::clone(&self.spent),
            }) as Arc<dyn SafetyCopy>
        });
        let options = PushOptions {
            safety: copy,
            lock_folder: self
                .lock_folder
                .clone()
                .unwrap_or_else(|| folder.to_owned()),
            tell: None,
            half_way: Some(Arc::new({
                let heard = Arc::clone(&self.half_way);
                move |is_half_way| heard.lock().unwrap().push(is_half_way)
            })),
        };
        let mut source = Archive::at(&self.archive, folder)?.open(None, Demands::default())?;
        then(Transfer {
            source: &mut source,
            destination: Box::new(RemoteDestination::new(site, folder, options)),
            filter: Filter::new(&self.options)?,
            extent: Extent::Said,
            versions: VersionStrategy::Exact,
            schemas: self.schemas,
            on_fault: OnFault::Stop,
            observer: &self.told,
        })
    }

    fn plan(&self, fake: &FakeStrapi) -> Result<Plan> {
        self.with(fake, |mut transfer| transfer.plan())
    }

    fn run(&self, fake: &FakeStrapi) -> Result<Report> {
        self.with(fake, |mut transfer| {
            let plan = transfer.plan()?;
            transfer.run(&plan)
        })
    }

    fn told(&self) -> Vec<String> {
        self.told.warnings.lock().unwrap().clone()
    }

    #[track_caller]
    fn has_told(&self, part: &str) {
        let told = self.told();
        assert!(told.iter().any(|line| line.contains(part)), "{told:#?}");
    }
}

fn site(archive: &str) -> Fake {
    Fake::of_file(&repository(archive))
}

/// Another site of the same schemas: what it holds is told from what an archive brings.
fn other(archive: &str) -> Fake {
    let mut site = site(archive);
    let ours = |of: &Value| !of.as_str().unwrap().starts_with("admin::");
    for row in &mut site.entities {
        if ours(&row["type"]) && row["type"] != "plugin::upload.file" {
            row["data"]["createdAt"] = json!("2020-01-01T00:00:00.000Z");
        }
    }
    site.add_file("only_here", ".bin", b"only here".as_slice().into());
    site
}

/// The rows that travel, without their ids and those of their components.
fn rows(site: &Fake) -> BTreeSet<String> {
    fn without_ids(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.remove("id");
                members.values_mut().for_each(without_ids);
            }
            Value::Array(list) => list.iter_mut().for_each(without_ids),
            _ => {}
        }
    }
    let rows = site.entities.iter();
    let ours = |row: &&Value| {
        let uid = row["type"].as_str().unwrap();
        !uid.starts_with("admin::") && !uid.starts_with("plugin::content-releases")
    };
    rows.filter(ours)
        .map(|row| {
            let mut row = row.clone();
            without_ids(&mut row);
            row.to_string()
        })
        .collect()
}

fn administrators(site: &Fake) -> Vec<Value> {
    let rows = site.entities.iter();
    let theirs = |row: &&Value| row["type"].as_str().unwrap().starts_with("admin::");
    rows.filter(theirs).cloned().collect()
}

fn names(site: &Fake) -> Vec<String> {
    site.files.keys().cloned().collect()
}

/// Fails where a site is not what it was.
#[track_caller]
fn is_as_before(fake: &FakeStrapi, before: &Fake) {
    fake.wait_until_left();
    let site = fake.site();
    assert_eq!(site.entities, before.entities);
    assert_eq!(site.links, before.links);
    assert_eq!(site.configuration, before.configuration);
    assert_eq!(names(&site), names(before));
    for (name, content) in &site.files {
        assert_eq!(content.digest(), before.files[name].digest(), "{name}");
    }
    assert!(site.hooks && site.transaction_of.is_none());
}

#[track_caller]
fn failed<T>(result: Result<T>) -> Error {
    match result {
        Ok(_) => panic!("it should have failed"),
        Err(error) => error,
    }
}

/// How often this is asked of a site before a push deletes anything.
fn pulled(name: &str) -> usize {
    static PULLED: OnceLock<BTreeMap<&'static str, usize>> = OnceLock::new();
    let pulled = PULLED.get_or_init(|| {
        let fake = FakeStrapi::start(other(FIVE));
        Push::of(FIVE).run(&fake).unwrap();
        let requests = fake.record().requests();
        let before = requests
            .iter()
            .take_while(|it| !it.contains(&"beforeTransfer"));
        let mut counts = BTreeMap::new();
        for name in before.flatten() {
            *counts.entry(*name).or_default() += 1;
        }
        counts
    });
    pulled.get(name).copied().unwrap_or_default()
}

/// Something that goes wrong in the push itself, and not in what is pulled before it.
fn in_push(at: Point, harm: Harm) -> Fault {
    let (Point::Asked(name) | Point::Done(name)) = &at else {
        panic!("no request: {at:?}");
    };
    let passes = pulled(name);
    Fault::new(at, harm).after(passes)
}

/// Something that goes wrong when the files are sent back.
fn in_sending_back(at: Point, harm: Harm) -> Fault {
    let (Point::Asked(name) | Point::Done(name)) = &at else {
        panic!("no request: {at:?}");
    };
    let passes = pulled(name) + 1;
    Fault::new(at, harm).after(passes)
}

/// All that an error says.
fn words(error: &Error) -> String {
    format!("{error}\n{}", error.advice().unwrap_or_default())
}

#[test]
fn a_whole_push_makes_the_site_what_the_archive_holds_under_new_ids() {
    for archive in [FIVE, FOUR] {
        let before = other(archive);
        let fake = FakeStrapi::start(before.clone());
        let push = Push::of(archive);
        let report = push.run(&fake).unwrap();
        fake.wait_until_left();
        fake.record().is_clean();
        let (now, cargo) = (fake.site().clone(), site(archive));
        assert_eq!(rows(&now), rows(&cargo), "{archive}");
        assert_eq!(now.links.len(), cargo.links.len(), "{archive}");
        assert_eq!(now.configuration.len(), cargo.configuration.len());
        assert_eq!(names(&now), names(&cargo));
        assert_eq!(administrators(&now), administrators(&before));
        assert!(now.backups.is_empty());
        assert_eq!(report.stages[&Stage::Assets].total.items, 10);
        assert!(!report.is_incomplete(), "{:#?}", push.told());
        assert!(push.spent.load(Ordering::Relaxed));
    }
}

#[test]
fn a_push_goes_through_its_stages_in_order_and_nothing_comes_twice() {
    let fake = FakeStrapi::start(other(FIVE));
    Push::of(FIVE).run(&fake).unwrap();
    fake.wait_until_left();
    let mut requests: Vec<Vec<&str>> = fake.record().requests();
    requests.retain(|socket| socket.contains(&"beforeTransfer"));
    let [mut push] = <[_; 1]>::try_from(requests).unwrap();
    push.dedup();
    assert_eq!(
        push,
        [
            "init",
            "bootstrap",
            "getMetadata",
            "getSchemas",
            "beforeTransfer",
            "start entities",
            "stream entities",
            "end entities",
            "start assets",
            "stream assets",
            "end assets",
            "start links",
            "stream links",
            "end links",
            "start configuration",
            "stream configuration",
            "end configuration",
            "close",
            "end",
        ]
    );
}

#[test]
fn the_plan_counts_what_goes_and_changes_nothing() {
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    let push = Push::of(FIVE);
    let plan = push.plan(&fake).unwrap();
    is_as_before(&fake, &before);
    assert_eq!(fake.record().count("beforeTransfer"), 0);
    let count = |what: &str| {
        let found = plan.deletions.iter().find(|it| it.what == what);
        found.and_then(|it| it.count)
    };
    assert_eq!(count("files of the media library"), Some(11));
    let articles = before.entities.iter();
    let articles = articles.filter(|row| row["type"] == "api::article.article");
    assert_eq!(count("api::article.article"), Some(articles.count() as u64));
    assert_eq!(count("admin::user"), None);
    assert_eq!(count("webhook"), Some(1));
    push.has_told("cannot take that back");
    push.has_told("history of versions");
}

#[test]
fn a_plan_lists_what_goes_and_cannot_be_counted() {
    let listed = |fake: &FakeStrapi, push: &Push| {
        let plan = push.plan(fake).unwrap().deletions.into_iter();
        let uncounted = plan.filter(|it| it.count.is_none()).map(|it| it.what);
        uncounted.collect::<BTreeSet<String>>()
    };
    let push = Push {
        token: PUSH,
        ..Push::of(FIVE).unsafely()
    };
    let gone = listed(&FakeStrapi::start(other(FIVE)), &push);
    for what in [
        "api::article.article",
        "files of the media library",
        "core-store",
        "webhook",
    ] {
        assert!(gone.contains(what), "{what}: {gone:?}");
    }
    assert!(!gone.contains("admin::user"), "{gone:?}");
    let gone = listed(&FakeStrapi::start(other(FOUR)), &Push::of(FOUR));
    assert_eq!(gone, ["files of the media library".to_owned()].into());
}

#[test]
fn a_plan_counts_the_configuration_that_goes() {
    let fake = FakeStrapi::start(other(FIVE));
    let plan = Push::of(FIVE).only(&[Group::Config]).plan(&fake).unwrap();
    let items = fake.site().configuration.len() as u64;
    let counts = plan.deletions.iter().map(|it| it.count.unwrap());
    assert_eq!(counts.sum::<u64>(), items);
}

#[track_caller]
fn a_cut_is_undone(places: &[Point]) {
    for at in places {
        let before = other(FIVE);
        let fake = FakeStrapi::start(before.clone());
        fake.add(in_push(at.clone(), Harm::Cut));
        let push = Push::of(FIVE);
        let error = failed(push.run(&fake));
        is_as_before(&fake, &before);
        assert_eq!(error.kind(), Kind::Failed, "{at:?}: {error}");
        let said = words(&error);
        assert!(said.contains("nothing was changed"), "{at:?}: {said}");
        assert!(push.copy().exists(), "{at:?}");
        fake.record().nothing_came_twice();
        fake.record().nothing_ended_before_it_closed();
    }
}

#[test]
fn a_cut_before_the_files_are_sent_is_undone() {
    a_cut_is_undone(&[
        Point::Asked("bootstrap"),
        Point::Asked("getMetadata"),
        Point::Done("getSchemas"),
        Point::Asked("beforeTransfer"),
        Point::Done("beforeTransfer"),
        Point::Asked("start entities"),
        Point::Asked("stream entities"),
        Point::Done("stream entities"),
        Point::Asked("end entities"),
    ]);
}

#[test]
fn a_cut_while_files_are_sent_is_undone_and_they_are_sent_back() {
    a_cut_is_undone(&[
        Point::Asked("start assets"),
        Point::Asked("stream assets"),
        Point::Done("stream assets"),
        Point::Asked("end assets"),
        Point::Done("end assets"),
    ]);
}

#[test]
fn a_cut_after_the_files_were_sent_is_undone_and_they_are_sent_back() {
    a_cut_is_undone(&[
        Point::Asked("stream links"),
        Point::Done("end links"),
        Point::Asked("stream configuration"),
        Point::Done("end configuration"),
    ]);
}

#[test]
fn a_cut_before_anything_was_deleted_leaves_the_files_alone() {
    for archive in [FIVE, FOUR] {
        for is_safe in [true, false] {
            let before = other(archive);
            let fake = FakeStrapi::start(before.clone());
            fake.add(in_push(Point::Asked("beforeTransfer"), Harm::Cut));
            let mut push = Push::of(archive);
            push.safety = is_safe;
            let error = failed(push.run(&fake));
            is_as_before(&fake, &before);
            let said = words(&error);
            assert_eq!(error.kind(), Kind::Failed, "{archive}: {said}");
            assert!(said.contains("still has its files"), "{archive}: {said}");
            assert_eq!(fake.record().count("beforeTransfer"), 1, "{archive}");
        }
    }
}

#[test]
fn a_cut_while_files_are_sent_back_is_told_with_what_is_there_then() {
    let first = "the folder /srv/site/public/uploads_backup_1795258603555 to";
    for (cut, folder) in [("start links", None), ("stream assets", Some(first))] {
        let fake = FakeStrapi::start(other(FIVE));
        fake.add(in_push(Point::Done(cut), Harm::Cut));
        fake.add(in_sending_back(Point::Asked("end entities"), Harm::Cut).always());
        let push = Push::of(FIVE);
        let error = failed(push.run(&fake));
        fake.wait_until_left();
        let said = words(&error);
        assert_eq!(error.kind(), Kind::HalfWay, "{said}");
        assert!(fake.site().files.is_empty());
        assert!(said.contains("its media library is empty;"), "{said}");
        assert_eq!(said.contains("uploads_backup"), folder.is_some(), "{said}");
        assert!(folder.is_none_or(|folder| said.contains(folder)), "{said}");
    }
}

#[test]
fn whoever_waits_for_a_site_to_send_its_files_back_can_stop_that() {
    let fake = FakeStrapi::start(other(FIVE));
    fake.add(in_push(Point::Asked("start links"), Harm::Die));
    let mut push = Push::of(FIVE);
    push.back = Duration::from_secs(100_000);
    push.told.stop_at = Some(("are sent back from", Arc::clone(&push.stop)));
    let error = failed(push.run(&fake));
    assert_eq!(error.kind(), Kind::HalfWay);
    let said = words(&error);
    assert!(said.contains("did not work: interrupted"), "{said}");
    assert!(said.contains("--only files"), "{said}");
}

#[test]
fn files_that_are_sent_back_show_how_far_they_are() {
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    fake.add(in_push(Point::Done("end assets"), Harm::Cut));
    let push = Push::of(FIVE);
    failed(push.run(&fake));
    is_as_before(&fake, &before);
    let files = push.told.files.lock().unwrap();
    let bytes = before.files.values().map(|content| content.len());
    let expected = (before.files.len() as u64, bytes.sum(), true);
    assert_eq!(files.last(), Some(&expected), "{files:?}");
}

#[test]
fn files_that_go_after_a_push_of_files_alone_into_an_empty_library_are_told() {
    let mut before = other(FIVE);
    before.files.clear();
    let fake = FakeStrapi::start(before);
    let hold = Hold::default();
    let last = Fault::new(Point::Done("stream assets"), Harm::Hold(hold.clone()));
    fake.add(last);
    let push = Push::of(FIVE).only(&[Group::Files]).unsafely();
    let report = thread::scope(|scope| {
        let run = scope.spawn(|| push.run(&fake).unwrap());
        hold.wait();
        fake.site().files.clear();
        hold.release();
        run.join().unwrap()
    });
    assert!(report.is_incomplete());
    push.has_told("files were sent, and 0 are there");
}

#[test]
fn without_a_safety_copy_a_cut_says_what_is_where_and_which_folder_to_rename() {
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    fake.add(Fault::new(Point::Done("stream assets"), Harm::Cut));
    let push = Push::of(FIVE).unsafely();
    let error = failed(push.run(&fake));
    fake.wait_until_left();
    assert_eq!(error.kind(), Kind::HalfWay);
    let folder = "/srv/site/public/uploads_backup_1795258603555";
    assert!(words(&error).contains(folder), "{}", words(&error));
    assert_eq!(fake.record().count("beforeTransfer"), 1);
    // What the message says.
    {
        let mut site = fake.site();
        site.files = site.backups.remove("uploads_backup_1795258603555").unwrap();
    }
    is_as_before(&fake, &before);
}

#[test]
fn a_server_that_goes_down_is_told_with_what_sets_it_right() {
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    fake.add(in_push(Point::Asked("start links"), Harm::Die));
    let push = Push::of(FIVE);
    let error = failed(push.run(&fake));
    assert_eq!(error.kind(), Kind::HalfWay);
    let command = format!(
        "backup import -f {} --to {} --only files",
        push.copy().display(),
        fake.url()
    );
    assert!(words(&error).contains(&command), "{}", words(&error));
    fake.restart();
    let mut again = Push::of(FIVE).unsafely().only(&[Group::Files]);
    again.archive = push.copy();
    again.run(&fake).unwrap();
    is_as_before(&fake, &before);
}

#[test]
fn strapi_4_has_its_files_again_too() {
    let before = other(FOUR);
    let fake = FakeStrapi::start(before.clone());
    // Nobody asks Strapi 4 to count its files.
    fake.add(Fault::new(Point::Done("end assets"), Harm::Cut).after(1));
    let push = Push::of(FOUR);
    let error = failed(push.run(&fake));
    assert_eq!(error.kind(), Kind::Failed, "{}", words(&error));
    is_as_before(&fake, &before);
}

#[test]
fn an_interruption_in_any_stage_leaves_the_site_what_it_was() {
    for at in [
        Point::Asked("beforeTransfer"),
        Point::Asked("stream entities"),
        Point::Asked("stream assets"),
        Point::Done("end assets"),
        Point::Asked("stream links"),
        Point::Asked("stream configuration"),
    ] {
        let before = other(FIVE);
        let hold = Hold::default();
        let fake = FakeStrapi::start(before.clone());
        fake.add(in_push(at.clone(), Harm::Hold(hold.clone())));
        let push = Push::of(FIVE);
        let error = thread::scope(|scope| {
            let run = scope.spawn(|| failed(push.run(&fake)));
            hold.wait();
            push.stop.store(true, Ordering::Relaxed);
            hold.release();
            run.join().unwrap()
        });
        assert_eq!(error.kind(), Kind::Interrupted, "{at:?}: {}", words(&error));
        assert!(
            words(&error).contains("the site is as before"),
            "{at:?}: {}",
            words(&error)
        );
        is_as_before(&fake, &before);
    }
}

#[test]
fn a_commit_whose_answer_is_lost_is_looked_for() {
    let fake = FakeStrapi::start(other(FIVE));
    fake.add(in_push(Point::Done("close"), Harm::Cut));
    let push = Push::of(FIVE);
    push.run(&fake).unwrap();
    fake.wait_until_left();
    assert_eq!(rows(&fake.site()), rows(&site(FIVE)));
    push.has_told("it has committed");
}

#[test]
fn a_lost_answer_that_nothing_can_tell_more_of_is_half_way() {
    let fake = FakeStrapi::start(other(FIVE));
    fake.add(in_push(Point::Done("close"), Harm::Die));
    let push = Push::of(FIVE);
    let error = failed(push.run(&fake));
    assert_eq!(error.kind(), Kind::HalfWay);
    assert!(
        words(&error).contains("not known whether the site has committed"),
        "{}",
        words(&error)
    );
}

#[test]
fn a_commit_that_is_undone_after_its_answer_is_no_success() {
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    fake.add(in_push(Point::Asked("close"), Harm::Undone));
    let push = Push::of(FIVE);
    let error = failed(push.run(&fake));
    assert_eq!(error.kind(), Kind::HalfWay, "{}", words(&error));
    let said = words(&error);
    assert!(said.contains("still holds rows"), "{said}");
    assert!(said.contains("--only files"), "{said}");
    assert_eq!(fake.site().entities, before.entities);
    assert!(push.copy().exists());
}

#[test]
fn a_commit_that_may_come_later_is_not_taken_for_none_and_no_files_are_sent_back() {
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    fake.add(in_push(Point::Asked("close"), Harm::Cut));
    let push = Push::of(FIVE);
    let error = failed(push.run(&fake));
    fake.wait_until_left();
    let said = words(&error);
    assert_eq!(error.kind(), Kind::HalfWay, "{said}");
    assert!(
        said.contains("not known whether the site has committed"),
        "{said}"
    );
    assert!(said.contains("--only files"), "{said}");
    assert!(!said.contains("nothing was changed"), "{said}");
    assert!(push.copy().exists());
    assert_eq!(names(&fake.site()), names(&site(FIVE)));
}

#[test]
fn a_finished_push_does_not_wait_for_an_answer_that_it_does_not_need() {
    let fake = FakeStrapi::start(other(FIVE));
    fake.add(in_push(Point::Asked("end"), Harm::Silence));
    let push = Push::of(FIVE);
    push.run(&fake).unwrap();
    fake.wait_until_left();
    assert_eq!(rows(&fake.site()), rows(&site(FIVE)));
}

#[test]
fn a_safety_copy_that_lacks_files_or_rows_stops_the_push_before_anything_is_deleted() {
    let missing = Harm::changed(|data| {
        data["totals"]["totalCount"] = json!(data["totals"]["totalCount"].as_u64().unwrap() + 1);
    });
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    fake.add(Fault::new(Point::Done("start assets"), missing));
    let error = failed(Push::of(FIVE).run(&fake));
    let said = words(&error);
    assert_eq!(error.kind(), Kind::Failed, "{said}");
    for part in ["nothing was changed", "11 of 12 files", "--no-safety-copy"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    is_as_before(&fake, &before);
    let fake = FakeStrapi::start(before);
    let push = Push::of(FIVE);
    let error = push.with(&fake, |mut transfer| {
        let plan = transfer.plan()?;
        fake.site()
            .entities
            .retain(|row| row["type"] != "api::article.article");
        transfer.run(&plan)
    });
    let said = words(&failed(error));
    assert!(said.contains("rows of api::article.article"), "{said}");
    assert!(
        !fake
            .record()
            .requests()
            .iter()
            .flatten()
            .any(|it| *it == "beforeTransfer")
    );
}

#[test]
fn numbers_that_a_server_owes_and_does_not_tell_end_the_push() {
    for wrong in [
        json!({"ok": true}),
        json!({"ok": true, "stats": {"started": "2"}}),
    ] {
        let before = other(FIVE);
        let fake = FakeStrapi::start(before.clone());
        let wrong = Harm::changed(move |data| *data = wrong.clone());
        fake.add(in_push(Point::Done("end entities"), wrong));
        let error = failed(Push::of(FIVE).run(&fake));
        assert!(
            words(&error).contains("the end of a stage"),
            "{}",
            words(&error)
        );
        is_as_before(&fake, &before);
    }
}

#[test]
fn a_second_signal_is_told_to_leave_the_site_half_way_while_files_are_gone() {
    for (at, expected) in [
        (Point::Asked("stream links"), vec![true, false]),
        (Point::Asked("getMetadata"), vec![]),
    ] {
        let fake = FakeStrapi::start(other(FIVE));
        fake.add(in_push(at, Harm::Cut));
        let push = Push::of(FIVE);
        failed(push.run(&fake));
        fake.wait_until_left();
        assert_eq!(*push.half_way.lock().unwrap(), expected);
        if !expected.is_empty() {
            push.has_told("do the first of these that is possible");
            push.has_told("--only files");
        }
    }
}

#[test]
fn a_stage_of_which_the_server_took_less_ends_the_push() {
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    let less = Harm::changed(|data| data["stats"]["finished"] = json!(1));
    fake.add(in_push(Point::Done("end entities"), less));
    let push = Push::of(FIVE);
    let error = failed(push.run(&fake));
    assert!(words(&error).contains("finished 1"), "{}", words(&error));
    is_as_before(&fake, &before);
}

#[test]
fn a_token_for_pushes_alone_is_enough_without_a_safety_copy() {
    let fake = FakeStrapi::start(other(FIVE));
    let mut push = Push::of(FIVE);
    push.token = PUSH;
    let error = failed(push.plan(&fake));
    assert!(
        words(&error).contains("--no-safety-copy"),
        "{}",
        words(&error)
    );
    let push = Push {
        token: PUSH,
        ..Push::of(FIVE).unsafely()
    };
    push.run(&fake).unwrap();
    fake.wait_until_left();
    assert_eq!(rows(&fake.site()), rows(&site(FIVE)));
    push.has_told("cannot be counted");
}

#[test]
fn files_alone_replace_files_and_leave_every_row() {
    for archive in [FIVE, FOUR] {
        let before = other(archive);
        let fake = FakeStrapi::start(before.clone());
        let push = Push::of(archive).only(&[Group::Files]);
        let plan = push.plan(&fake).unwrap();
        assert_eq!(plan.deletions.len(), 1, "{:?}", plan.deletions);
        push.run(&fake).unwrap();
        fake.wait_until_left();
        let now = fake.site().clone();
        assert_eq!(now.entities, before.entities);
        assert_eq!(now.links, before.links);
        assert_eq!(now.configuration, before.configuration);
        assert_eq!(names(&now), names(&site(archive)));
        assert_eq!(
            fake.record()
                .requests()
                .concat()
                .iter()
                .filter(|it| **it == "end")
                .count(),
            fake.record().count("end")
        );
        fake.record().nothing_came_twice();
    }
}

#[test]
fn a_part_replaces_its_types_and_nothing_else() {
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    let push = Push::of(FIVE)
        .only(&[Group::Content])
        .types(&["api::article.article"]);
    let plan = push.plan(&fake).unwrap();
    let types: Vec<&str> = plan.deletions.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(types, ["api::article.article"]);
    assert!(
        !plan.links.is_empty(),
        "links of rows that stay go with those that do not"
    );
    push.run(&fake).unwrap();
    fake.wait_until_left();
    let now = fake.site().clone();
    let of = |site: &Fake, uid: &str| -> Vec<Value> {
        let rows = site.entities.iter();
        rows.filter(|row| row["type"] == uid).cloned().collect()
    };
    for uid in before.schemas.keys() {
        match uid.as_str() {
            "api::article.article" => assert_ne!(of(&now, uid), of(&before, uid)),
            _ => assert_eq!(of(&now, uid), of(&before, uid), "{uid}"),
        }
    }
    assert_eq!(now.configuration, before.configuration);
    assert_eq!(names(&now), names(&before));
}

#[test]
fn configuration_alone_leaves_rows_and_files() {
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    Push::of(FIVE).only(&[Group::Config]).run(&fake).unwrap();
    fake.wait_until_left();
    let now = fake.site().clone();
    assert_eq!(now.entities, before.entities);
    assert_eq!(names(&now), names(&before));
    assert_eq!(now.configuration.len(), site(FIVE).configuration.len());
}

#[test]
fn files_with_configuration_and_without_rows_are_refused_before_anything_is_asked() {
    let fake = FakeStrapi::start(other(FIVE));
    let push = Push::of(FIVE).only(&[Group::Files, Group::Config]);
    let error = failed(push.plan(&fake));
    assert_eq!(error.kind(), Kind::Usage, "{}", words(&error));
}

#[test]
fn what_the_site_does_not_know_is_told_and_not_sent() {
    let mut known = other(FIVE);
    let article = &mut known.schemas["api::article.article"]["attributes"];
    article.as_object_mut().unwrap().remove("title");
    let zones = article.as_object_mut().unwrap().iter_mut();
    for (_, attribute) in zones {
        if attribute["type"] == "dynamiczone" {
            attribute["components"] = json!(["blocks.quote"]);
        }
    }
    let fake = FakeStrapi::start(known);
    let mut push = Push::of(FIVE);
    push.schemas = SchemaStrategy::Ignore;
    let report = push.run(&fake).unwrap();
    assert!(report.is_incomplete());
    assert!(report.warnings[&WarningKind::Lost] > 0);
    push.has_told("the site has no place for attribute `title` of api::article.article");
    push.has_told("the site has no place for a component in attribute");
    fake.wait_until_left();
    let sent = fake.site().clone();
    let articles = sent.entities.iter();
    for row in articles.filter(|row| row["type"] == "api::article.article") {
        assert_eq!(row["data"].get("title"), None);
        assert!(!row.to_string().contains("blocks.hero"), "{row}");
    }
}

#[test]
fn a_site_that_changed_since_the_plan_is_left_alone() {
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    let changed = Harm::changed(|data| data["strapi"]["version"] = json!("5.55.0"));
    fake.add(in_push(Point::Done("getMetadata"), changed));
    let error = failed(Push::of(FIVE).run(&fake));
    assert!(
        words(&error).contains("another version"),
        "{}",
        words(&error)
    );
    is_as_before(&fake, &before);
}

#[test]
fn rows_that_another_transfer_took_are_told_after_the_commit() {
    let fake = FakeStrapi::start(other(FIVE));
    let hold = Hold::default();
    fake.add(in_push(Point::Done("close"), Harm::Hold(hold.clone())));
    let push = Push::of(FIVE);
    let report = thread::scope(|scope| {
        let run = scope.spawn(|| push.run(&fake).unwrap());
        hold.wait();
        fake.site()
            .entities
            .retain(|row| row["type"] != "api::article.article");
        hold.release();
        run.join().unwrap()
    });
    assert!(report.is_incomplete());
    push.has_told("rows were sent, and 0 are there");
    assert!(!push.spent.load(Ordering::Relaxed));
}

#[test]
fn a_safety_copy_is_of_use_where_the_site_went_away_before_it_was_counted() {
    let fake = FakeStrapi::start(other(FIVE));
    fake.add(in_push(Point::Asked("end"), Harm::Die));
    let push = Push::of(FIVE);
    let report = push.run(&fake).unwrap();
    assert!(report.is_incomplete());
    push.has_told("what it holds now could not be counted");
    assert!(!push.spent.load(Ordering::Relaxed));
}

#[test]
fn a_safety_copy_is_of_use_where_files_are_missing_at_the_site() {
    let fake = FakeStrapi::start(other(FIVE));
    let hold = Hold::default();
    fake.add(in_push(Point::Asked("close"), Harm::Hold(hold.clone())));
    let push = Push::of(FIVE);
    let report = thread::scope(|scope| {
        let run = scope.spawn(|| push.run(&fake).unwrap());
        hold.wait();
        let mut files = std::mem::take(&mut fake.site().files).into_iter();
        fake.site().files = files.by_ref().take(2).collect();
        hold.release();
        run.join().unwrap()
    });
    assert!(report.is_incomplete());
    push.has_told("10 files were sent, and 2 are there");
    assert!(!push.spent.load(Ordering::Relaxed));
}

#[test]
fn a_safety_copy_is_of_use_where_counting_was_interrupted() {
    let fake = FakeStrapi::start(other(FIVE));
    let hold = Hold::default();
    fake.add(in_push(Point::Asked("end"), Harm::Hold(hold.clone())));
    let push = Push::of(FIVE);
    let report = thread::scope(|scope| {
        let run = scope.spawn(|| push.run(&fake).unwrap());
        hold.wait();
        push.stop.store(true, Ordering::Relaxed);
        hold.release();
        run.join().unwrap()
    });
    assert!(report.is_incomplete());
    push.has_told("what it holds now could not be counted");
    assert!(!push.spent.load(Ordering::Relaxed));
}

#[test]
fn a_site_that_has_to_start_again_is_waited_for_before_its_files_are_sent_back() {
    let before = other(FIVE);
    let fake = FakeStrapi::start(before.clone());
    fake.add(in_push(Point::Asked("start links"), Harm::Die));
    let mut push = Push::of(FIVE);
    push.back = Duration::from_secs(60);
    let error = thread::scope(|scope| {
        let run = scope.spawn(|| failed(push.run(&fake)));
        fake.wait_until_dead();
        fake.restart();
        run.join().unwrap()
    });
    assert_eq!(error.kind(), Kind::Failed, "{}", words(&error));
    is_as_before(&fake, &before);
}

#[test]
fn two_pushes_of_one_machine_into_one_site_keep_apart() {
    let fake = FakeStrapi::start(other(FIVE));
    let hold = Hold::default();
    fake.add(in_push(Point::Asked("bootstrap"), Harm::Hold(hold.clone())));
    let first = Push::of(FIVE);
    let mut second = Push::of(FIVE);
    second.lock_folder = Some(first.folder.path().to_owned());
    thread::scope(|scope| {
        let run = scope.spawn(|| first.run(&fake).unwrap());
        hold.wait();
        let error = failed(second.run(&fake));
        assert_eq!(error.kind(), Kind::Locked, "{}", words(&error));
        hold.release();
        run.join().unwrap();
    });
}

/// Strapi's own archive with other text in an entry of it.
fn edited(push: &mut Push, entry: &str, from: &str, to: &str) {
    let path = push.folder.path().join("edited.tar");
    let archive = Tarball::read(&push.archive).replace(entry, from, to);
    push.archive = archive.write(path);
}

#[test]
fn an_archive_that_would_have_the_site_delete_files_elsewhere_is_refused_before_anything_is_sent() {
    for (from, to) in [
        ("\"hash\":\"naive_", "\"hash\":\"../../naive_"),
        ("\"hash\":\"thumbnail_naive_", "\"hash\":\"folder/naive_"),
        (
            "\"url\":\"/uploads/naive_",
            "\"url\":\"/uploads/../../naive_",
        ),
    ] {
        let fake = FakeStrapi::start(other(FIVE));
        let mut push = Push::of(FIVE);
        edited(&mut push, ENTITIES, from, to);
        let error = failed(push.run(&fake));
        assert_eq!(error.kind(), Kind::Archive, "{to}: {}", words(&error));
        assert!(
            words(&error).contains("plugin::upload.file"),
            "{}",
            words(&error)
        );
        assert_eq!(fake.record().count("beforeTransfer"), 0, "{to}");
    }
}

#[test]
fn members_that_lines_of_an_archive_do_not_have_do_not_reach_the_site() {
    let fake = FakeStrapi::start(other(FIVE));
    let mut push = Push::of(FIVE);
    for entry in [ENTITIES, LINKS, CONFIGURATION] {
        let more = "{\"__proto__\":{\"type\":\"admin::user\"},\"x\":1,\"type\":";
        let (from, to) = match entry {
            LINKS => ("{\"kind\":", "{\"x\":1,\"kind\":"),
            _ => ("{\"type\":", more),
        };
        // Of each line the first member alone.
        let path = push.folder.path().join("edited.tar");
        let archive = Tarball::read(&push.archive).edit_lines(entry, |lines| {
            for line in lines {
                *line = line.replacen(from, to, 1);
            }
        });
        push.archive = archive.write(path);
    }
    push.run(&fake).unwrap();
    fake.wait_until_left();
    let mut seen = 0;
    for message in fake.record().messages() {
        let step = message["step"].as_str().unwrap_or_default();
        if message["action"] != "stream" || step == "assets" {
            continue;
        }
        for item in message["data"].as_array().unwrap() {
            seen += 1;
            let members = item.as_object().unwrap();
            assert!(
                !members.contains_key("x") && !members.contains_key("__proto__"),
                "{item}"
            );
        }
    }
    assert!(seen > 100, "{seen}");
    assert_eq!(rows(&fake.site()), rows(&site(FIVE)));
}
