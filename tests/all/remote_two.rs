//! Two pushes into one real Strapi at the same time. Strapi sees to nothing: the second is told of the first where both run
//! on one machine, and else waits until the first is over.

use std::sync::mpsc::{self, Receiver};

use serde_json::Value;

use crate::strapi5;
use crate::support::archive::Archive;
use crate::support::canonical::assert_same;
use crate::support::cli::run;
use crate::support::relay::{Relay, Verdict, Way, at_text};
use crate::support::remote_runs::Desk;
use crate::support::running::Running;
use crate::support::running_strapi::{RunningStrapi, Token};
use crate::support::servers::Server;
use crate::support::world::World;

#[test]
fn the_second_of_two_pushes_into_sqlite_waits_for_the_first() {
    if let Some(world) = strapi5::STRAPI.world(None) {
        // It is not even let in.
        the_second_waits(world, None);
    }
}

#[test]
fn the_second_of_two_pushes_into_postgresql_waits_for_the_first() {
    if let Some(world) = strapi5::STRAPI.world(Some(Server::Postgres)) {
        the_second_waits(world, Some("received transfer action:beforeTransfer"));
    }
}

/// The first stays where it has deleted the rows, then dies; the second waits where `waits_at` says.
fn the_second_waits(world: &World, waits_at: Option<&'static str>) {
    let project = world.other.copy("pushed-into-twice");
    let site = RunningStrapi::start(&project);
    let desk = Desk::new();
    let options = ["--no-encrypt", "--no-compress"];
    let cargo = world.our_export("to-be-pushed", &options, ".tar");
    let token = site.token(Token::Full);
    let push = |port: u16| {
        desk.import(
            &cargo,
            &site.url_through(port),
            token,
            &["--no-safety-copy"],
        )
    };

    let (relay, is_muted) = stopping(&site, "creating entities stream");
    let mut first = Running::start(push(relay.port));
    is_muted.recv().unwrap();
    // The same address once more, while the first is there.
    run(&mut push(relay.port)).ends_with(11);

    let (relay, waits) = passing(&site, waits_at);
    let second = Running::start(push(relay.port));
    waits.recv().unwrap();
    first.kill();
    let outcome = second.end();
    // PostgreSQL shows rows whose files the first has put aside; then the second says so.
    assert!(matches!(outcome.code, Some(0 | 3)), "{}", outcome.all());
    drop(site);
    let exported = world.exported_by_strapi(&project);
    assert_same(
        &without_times_of_files(world.strapis()),
        &without_times_of_files(exported),
    );
}

/// The end of the first switches on what notes the time of changes, for the second as well, which still sends files.
fn without_times_of_files(mut archive: Archive) -> Archive {
    for (name, bytes) in &mut archive.entries {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let lines = text.lines().map(|line| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            let members = match name.split('/').next() {
                Some("entities") if value["type"] == "plugin::upload.file" => {
                    value["data"].as_object_mut()
                }
                _ => value.as_object_mut(),
            };
            members.unwrap().remove("updatedAt");
            value.to_string()
        });
        if name.starts_with("entities/") || name.starts_with("assets/metadata/") {
            *bytes = lines.collect::<Vec<_>>().join("\n").into_bytes();
        }
    }
    archive
}

/// A relay that passes nothing more back once Strapi says this.
fn stopping(site: &RunningStrapi, text: &str) -> (Relay, Receiver<()>) {
    let (says, said) = mpsc::channel();
    let mut judge = at_text(text, 1, Verdict::Mute, Verdict::Pass);
    let relay = Relay::new(site.port(), move |way, piece| {
        let verdict = judge(way, piece);
        if verdict == Verdict::Mute {
            says.send(()).unwrap();
        }
        verdict
    });
    (relay, said)
}

/// A relay that passes all, and tells when Strapi says this, or else when it is first asked.
fn passing(site: &RunningStrapi, text: Option<&'static str>) -> (Relay, Receiver<()>) {
    let (says, said) = mpsc::channel();
    let mut judge = text.map(|text| at_text(text, 1, Verdict::Cut, Verdict::Pass));
    let relay = Relay::new(site.port(), move |way, piece| {
        let is_there = match &mut judge {
            Some(judge) => judge(way, piece) == Verdict::Cut,
            None => way == Way::Request,
        };
        if is_there {
            let _ = says.send(());
        }
        Verdict::Pass
    });
    (relay, said)
}
