//! Pushes into real Strapi that break: afterwards the site is what it was, its files included, or the message says how
//! it becomes that.
//!
//! A relay stands before Strapi. Strapi says what it begins in diagnostics, which the relay reads: that is where it cuts.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;

use crate::support::archive::Archive;
use crate::support::cli::{Outcome, backup, run};
use crate::support::exact::assert_equal;
use crate::support::relay::{Relay, Verdict, Way, at_text};
use crate::support::remote_runs::{Desk, keeps_secret};
use crate::support::running::Running;
use crate::support::running_strapi::{RunningStrapi, Token};
use crate::support::strapi::Project;
use crate::support::world::World;

/// Where a push breaks: what Strapi says there, the how manieth time, and whether the files that were there are then
/// deleted for good.
type Place = (&'static str, usize, bool);

const BEGINS: Place = ("validating options", 1, false);
const PUTS_FILES_ASIDE: Place = ("created assets backup directory", 1, false);
const TAKES_ROWS: Place = ("creating entities stream", 1, false);
const TAKES_FILES: Place = ("creating assets write stream", 1, false);
const DELETES_FILES: Place = ("removing assets backup", 1, true);
const TAKES_LINKS: Place = ("creating links write stream", 1, true);
const TAKES_CONFIGURATION: Place = ("creating configuration write stream", 1, true);

/// A site with content of its own, and what it was before anything was pushed.
struct Site {
    desk: Desk,
    strapi: RunningStrapi,
    project: Project<'static>,
    before: Archive,
    files: BTreeMap<String, Vec<u8>>,
    cargo: PathBuf,
}

impl Site {
    fn start(world: &World) -> Site {
        let project = world.other.copy("pushes-break");
        let strapi = RunningStrapi::start(&project);
        let desk = Desk::new();
        let before = desk.pulled(&strapi, "before");
        let options = ["--no-encrypt", "--no-compress"];
        Site {
            files: strapi.uploads(),
            before,
            cargo: world.our_export("to-be-pushed", &options, ".tar"),
            desk,
            strapi,
            project,
        }
    }

    /// A push through a relay.
    fn push(&self, relay: &Relay) -> std::process::Command {
        let url = self.strapi.url_through(relay.port);
        let token = self.strapi.token(Token::Full);
        let copy = self.desk.path("safety-copy");
        let options = [
            "--keep-safety-copy",
            "--safety-copy",
            copy.to_str().unwrap(),
        ];
        self.desk.import(&self.cargo, &url, token, &options)
    }

    fn broken_push(&self, place: Place, then: Verdict, rest: Verdict) -> Outcome {
        let (text, times, _) = place;
        let relay = Relay::new(self.strapi.port(), at_text(text, times, then, rest));
        let outcome = run(&mut self.push(&relay));
        keeps_secret(&outcome, self.strapi.token(Token::Full));
        outcome
    }

    /// Strapi again, after its process has ended.
    fn restart(&mut self) {
        self.strapi.kill();
        self.strapi = RunningStrapi::start(&self.project);
    }

    #[track_caller]
    fn is_as_before(&self, why: &str) {
        let now = self.desk.pulled(&self.strapi, "now");
        assert_equal(&self.before, &now, true);
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        let files = self.strapi.uploads();
        assert_eq!(names(&files), names(&self.files), "{why}");
        assert!(files == self.files, "a file has other bytes: {why}");
    }

    /// The safety copy of the last push, which goes with this.
    fn safety_copy(&self) -> PathBuf {
        let names = self.desk.listing();
        let name = names.iter().find(|name| name.starts_with("safety-"));
        self.desk.path(name.expect("a safety copy"))
    }

    fn forget_safety_copies(&self) {
        let names = self.desk.listing();
        for name in names.iter().filter(|name| name.starts_with("safety-")) {
            fs::remove_file(self.desk.path(name)).unwrap();
        }
    }
}

fn a_cut_push_is_undone(world: &World, places: &[Place]) {
    let site = Site::start(world);
    for place in places {
        let outcome = site.broken_push(*place, Verdict::Cut, Verdict::Pass);
        let said = outcome.all();
        outcome.ends_with(1);
        site.is_as_before(&format!("{place:?}\n{said}"));
        site.forget_safety_copies();
    }
}

/// The connection breaks, and nothing comes through any more: the run ends with 13, and what it says helps.
fn what_is_said_of_a_site_that_is_half_way_sets_it_right(world: &World, places: &[Place]) {
    let mut site = Site::start(world);
    for place in places {
        let outcome = site.broken_push(*place, Verdict::Cut, Verdict::Cut);
        let said = outcome.all();
        let outcome = outcome.ends_with(13);
        if site.strapi.has_ended() {
            site.restart();
        }
        let (.., deleted) = *place;
        if deleted {
            let copy = site.safety_copy();
            let name = copy.file_name().unwrap().to_string_lossy().into_owned();
            outcome.says([&name, "backup import", "--only files"]);
            let token = site.strapi.token(Token::Full);
            let mut back = backup(printed_command(&said, &site.strapi.url));
            run(back.env("BACKUP_TOKEN", token)).ends_with(0);
        } else {
            outcome.says(["uploads_backup_"]);
            let [folder] = &site.strapi.backups()[..] else {
                panic!("{:?}\n{said}", site.strapi.backups());
            };
            let uploads = site.strapi.dir.join("public/uploads");
            fs::remove_dir_all(&uploads).unwrap();
            fs::rename(folder, &uploads).unwrap();
        }
        site.is_as_before(&format!("{place:?}\n{said}"));
        site.forget_safety_copies();
    }
}

/// What a message says to type, at this address: the relay is gone by then.
#[track_caller]
fn printed_command(said: &str, url: &str) -> Vec<String> {
    // The note before files are sent back has it as well, among others.
    let command = said.rsplit_once("from here: backup ").map(|(_, rest)| rest);
    let command = command.and_then(|rest| rest.lines().next()).expect(said);
    let mut words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    let to = words.iter().position(|word| word == "--to").expect(said);
    words[to + 1] = url.to_owned();
    words.push("--force".to_owned());
    words
}

fn an_interrupted_push_is_undone(world: &World, places: &[Place]) {
    let site = Site::start(world);
    for (text, times, _) in places {
        let (reached, is_reached) = mpsc::channel();
        let mut judge = at_text(text, *times, Verdict::Mute, Verdict::Pass);
        let watched = move |way: Way, piece: &[u8]| {
            let verdict = judge(way, piece);
            if verdict == Verdict::Mute {
                reached.send(()).unwrap();
            }
            verdict
        };
        let relay = Relay::new(site.strapi.port(), watched);
        let mut push = Running::start(site.push(&relay));
        is_reached.recv().unwrap();
        push.signal("INT");
        let outcome = push.end();
        let said = outcome.all();
        outcome.ends_with(130);
        site.is_as_before(&format!("{text}\n{said}"));
        site.forget_safety_copies();
    }
}

/// Makes tests: a version of Strapi on SQLite, and where its pushes break.
macro_rules! tests {
    ($($name:ident: $strapi:expr, $proof:ident, $places:expr;)+) => {
        $(#[test]
        fn $name() {
            if let Some(world) = $strapi.world(None) {
                $proof(world, &$places);
            }
        })+
    };
}

tests! {
    strapi5_has_its_files_again_after_a_push_was_cut:
        crate::strapi5::STRAPI, a_cut_push_is_undone, [TAKES_ROWS, TAKES_LINKS];
    strapi4_has_its_files_again_after_a_push_was_cut:
        crate::strapi4::STRAPI, a_cut_push_is_undone, [TAKES_LINKS];
    strapi5_is_set_right_by_what_is_said_of_it:
        crate::strapi5::STRAPI, what_is_said_of_a_site_that_is_half_way_sets_it_right,
        [TAKES_FILES, TAKES_CONFIGURATION];
    strapi4_is_set_right_by_what_is_said_of_it:
        crate::strapi4::STRAPI, what_is_said_of_a_site_that_is_half_way_sets_it_right,
        [TAKES_FILES, TAKES_CONFIGURATION];
    strapi5_has_its_files_again_after_a_push_was_interrupted:
        crate::strapi5::STRAPI, an_interrupted_push_is_undone, [TAKES_ROWS, TAKES_LINKS];
}

#[test]
#[ignore = "long: a push for every place where one can break"]
fn strapis_have_their_files_again_wherever_a_push_was_cut() {
    for strapi in [&crate::strapi5::STRAPI, &crate::strapi4::STRAPI] {
        if let Some(world) = strapi.world(None) {
            a_cut_push_is_undone(world, &EVERYWHERE);
        }
    }
}

/// All places.
const EVERYWHERE: [Place; 7] = [
    BEGINS,
    PUTS_FILES_ASIDE,
    TAKES_ROWS,
    TAKES_FILES,
    DELETES_FILES,
    TAKES_LINKS,
    TAKES_CONFIGURATION,
];
