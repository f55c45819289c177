//! What the modelled server does for a push.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Shared;
use super::faults::{Harm, Point};
use super::frames::{Gone, Socket, fresh_id};
use super::incoming::{Stage, take_file};
use super::names::{name, stage};
use super::work::{Linked, Work, metadata};

/// The order that the server enforces, forward only.
const ORDER: [&str; 8] = [
    "bootstrap",
    "init",
    "beforeTransfer",
    "schemas",
    "entities",
    "assets",
    "links",
    "configuration",
];

/// After so many skipped links Strapi says no more of each.
const TOLD: usize = 10;

/// Serves a push to its end, and does what the end of its socket does.
pub(super) fn serve(mut socket: Socket) {
    let mut push = Push::default();
    while let Ok(message) = socket.receive() {
        if push.take(&mut socket, &message).is_err() {
            break;
        }
    }
    push.left(&socket);
}

#[derive(Default)]
struct Push {
    id: Option<String>,
    options: Value,
    checksums: bool,
    work: Option<Work>,
    /// How far in [`ORDER`] it is.
    at: Option<usize>,
    open: Option<Stage>,
    /// The folder that holds the files that were there.
    backup: Option<String>,
    terminated: bool,
    /// The transaction was left open by an `end` without `close`.
    stuck: bool,
}

impl Push {
    fn take(&mut self, socket: &mut Socket, message: &Value) -> Result<(), Gone> {
        let Some(name) = name(message) else {
            return Ok(());
        };
        socket.greet(message)?;
        match socket.shared.harm_at(&Point::Asked(name)) {
            Some(Harm::Error(error)) => return socket.refuse(message, error),
            Some(Harm::Undone) => self.roll_back(socket.shared, socket.number),
            Some(harm) => socket.suffer(harm, &mut Value::Null)?,
            None => {}
        }
        if message["type"] == "command" {
            return self.command(socket, message, name);
        }
        if self.id.is_none() {
            return socket.fail_plainly(message, "Invalid Transfer Process");
        }
        if self.terminated {
            return socket.fail(message, "Transfer has been terminated");
        }
        match name {
            "getMetadata" => {
                let metadata = metadata(&socket.shared.site());
                socket.answer(message, metadata)
            }
            "getSchemas" => {
                let schemas = Value::Object(socket.shared.site().schemas.clone());
                socket.answer(message, schemas)
            }
            "rollback" => {
                self.roll_back(socket.shared, socket.number);
                socket.answer(message, Value::Null)
            }
            "bootstrap" | "beforeTransfer" | "close" => self.action(socket, message, name),
            _ if message["kind"] == "step" => self.step(socket, message),
            _ => {
                let action = message["action"].as_str().unwrap_or_default();
                socket.fail(message, &format!("Invalid action provided: \"{action}\""))
            }
        }
    }

    fn command(&mut self, socket: &mut Socket, message: &Value, name: &str) -> Result<(), Gone> {
        let major = socket.shared.site().major();
        let params = &message["params"];
        match name {
            "init" if self.id.is_some() => {
                socket.fail_plainly(message, "Transfer already in progress")
            }
            "init" => {
                let id = fresh_id();
                let mut data = json!({"transferID": id});
                if major >= 5 {
                    data["checksums"] = true.into();
                    self.checksums = params["checksums"] == true;
                    if params["assetEncoding"] == "base64" {
                        data["assetEncoding"] = "base64".into();
                    }
                }
                self.id = Some(id);
                self.options = params["options"].clone();
                socket.answer(message, data)
            }
            "end" if params["transferID"].as_str() == self.id.as_deref() => {
                // Nobody is left who could commit or roll back.
                self.stuck = self.work.take().is_some();
                self.id = None;
                socket.answer(message, json!({"ok": true}))
            }
            "end" => socket.fail(message, "Bad transfer ID provided"),
            "status" => {
                let active = self.id.is_some();
                socket.answer(message, json!({"active": active, "kind": "push"}))
            }
            _ => socket.fail_plainly(message, "Invalid transfer command"),
        }
    }

    fn action(&mut self, socket: &mut Socket, message: &Value, name: &str) -> Result<(), Gone> {
        let place = ORDER.iter().position(|step| *step == name);
        if place.is_some() && self.at >= place {
            let words = format!("Invalid action \"{name}\" found for the current flow ");
            return socket.fail(message, &words);
        }
        let shared = socket.shared;
        match name {
            "bootstrap" if self.options["strategy"] != "restore" => {
                let strategy = self.options["strategy"].as_str().unwrap_or_default();
                let words = format!("Invalid strategy {strategy}");
                return socket.fail(message, &words);
            }
            "bootstrap" => {
                let mut site = shared.site();
                // The second waits on what the first holds.
                while site.transaction_of.is_some() && !site.dead {
                    site = shared.changed.wait(site).unwrap();
                }
                site.transaction_of = Some(socket.number);
                site.hooks = false;
                self.work = Some(Work::on(&site));
            }
            "beforeTransfer" => {
                let restore = self.options["restore"].clone();
                if restore["assets"] == true {
                    let folder = self.put_files_aside(shared);
                    socket.diagnostic(
                        "info",
                        &format!("created assets backup directory /srv/site/public/{folder}"),
                    )?;
                }
                if let Some(work) = &mut self.work {
                    work.delete(&restore);
                }
            }
            _ => {
                if let Some(work) = self.work.take() {
                    let mut site = shared.site();
                    work.commit(&mut site);
                    site.transaction_of = None;
                }
                shared.changed.notify_all();
            }
        }
        self.at = place.or(self.at);
        socket.answer(message, Value::Null)
    }

    fn put_files_aside(&mut self, shared: &Shared) -> String {
        let mut site = shared.site();
        let files = std::mem::take(&mut site.files);
        let number = site.backups.len() + 1;
        let folder = format!("uploads_backup_{}", 1_795_258_603_554_u64 + number as u64);
        site.backups.insert(folder.clone(), files);
        self.backup = Some(folder.clone());
        folder
    }

    fn step(&mut self, socket: &mut Socket, message: &Value) -> Result<(), Gone> {
        let Some(stage) = stage(message) else {
            return socket.fail_plainly(
                message,
                "Invalid transfer step, impossible to create a stream",
            );
        };
        match message["action"].as_str() {
            Some("start") => self.start(socket, message, stage),
            Some("stream") => self.stream(socket, message, stage),
            Some("end") => self.end(socket, message, stage),
            _ => socket.answer(message, Value::Null),
        }
    }

    fn start(
        &mut self,
        socket: &mut Socket,
        message: &Value,
        stage: &'static str,
    ) -> Result<(), Gone> {
        if let Some(open) = &self.open {
            let words = format!(
                "It's not possible to start a new transfer stage ({stage}) while another one is in progress ({})",
                open.name
            );
            return socket.fail(message, &words);
        }
        let place = ORDER.iter().position(|step| *step == stage);
        if self.at >= place || self.work.is_none() {
            let words = format!("Invalid stage ({stage}) provided for the current flow");
            return socket.fail(message, &words);
        }
        if stage == "assets" && self.options["restore"]["assets"] != true {
            let words = "Attempting to transfer assets when `assets` is not set in restore options";
            return socket.fail(message, words);
        }
        self.at = place;
        self.open = Some(Stage {
            name: stage,
            started: 0,
            finished: 0,
            skipped: 0,
            files: BTreeMap::new(),
            hangs: false,
        });
        socket.answer(message, json!({"ok": true}))
    }

    fn stream(&mut self, socket: &mut Socket, message: &Value, stage: &str) -> Result<(), Gone> {
        if self.open.as_ref().is_none_or(|open| open.name != stage) {
            return socket.fail_plainly(message, "You need to init first");
        }
        for item in message["data"].as_array().into_iter().flatten() {
            if let Err(refusal) = self.item(socket, stage, item)? {
                if stage != "entities" && stage != "links" {
                    return socket.refuse(message, refusal);
                }
                if socket.shared.site().major() < 5 {
                    socket.refuse(message, refusal)?;
                    socket.shared.die();
                    return socket.cut();
                }
                self.terminated = true;
                self.roll_back(socket.shared, socket.number);
                return socket.refuse(message, refusal);
            }
        }
        socket.answer(message, Value::Null)
    }

    /// Takes an item; gives the error where it cannot.
    fn item(
        &mut self,
        socket: &mut Socket,
        stage: &str,
        item: &Value,
    ) -> Result<Result<(), Value>, Gone> {
        let open = self.open.as_mut().unwrap();
        let work = self.work.as_mut().unwrap();
        let failed = |words: String| Ok(Err(super::frames::transfer_error(&words)));
        match stage {
            "assets" => return Ok(take_file(open, work, self.checksums, socket.shared, item)),
            "entities" => {
                open.started += 1;
                if let Err(words) = work.insert(item) {
                    return failed(words);
                }
            }
            "links" => {
                open.started += 1;
                if let Linked::Skipped(words) = work.link(item) {
                    open.skipped += 1;
                    if open.skipped <= TOLD {
                        socket.diagnostic("warning", &words)?;
                    }
                }
            }
            _ => {
                open.started += 1;
                work.configure(item);
            }
        }
        open.finished += 1;
        Ok(Ok(()))
    }

    fn end(&mut self, socket: &mut Socket, message: &Value, stage: &str) -> Result<(), Gone> {
        let Some(open) = self.open.take_if(|open| open.name == stage) else {
            let words =
                format!("You need to initialize the transfer stage ({stage}) before ending it");
            return socket.fail(message, &words);
        };
        if open.hangs {
            return socket.drain();
        }
        let major = {
            let mut site = socket.shared.site();
            if stage == "assets"
                && let Some(folder) = self.backup.take()
            {
                site.backups.remove(&folder);
            }
            site.major()
        };
        if open.skipped > 0 && major >= 5 {
            let words = format!("Skipped {} links", open.skipped);
            socket.diagnostic("warning", &words)?;
        }
        let mut data = json!({"ok": true});
        if major >= 5 {
            data["stats"] = json!({"started": open.started, "finished": open.finished});
        }
        socket.answer(message, data)
    }

    fn roll_back(&mut self, shared: &Shared, number: usize) {
        self.work = None;
        let mut site = shared.site();
        if site.transaction_of == Some(number) {
            site.transaction_of = None;
        }
        shared.changed.notify_all();
    }

    /// The socket has gone.
    fn left(&mut self, socket: &Socket) {
        let half_a_file = self
            .open
            .as_ref()
            .is_some_and(|open| !open.files.is_empty());
        if half_a_file && socket.shared.site().major() < 5 {
            socket.shared.die();
        }
        if !self.stuck {
            self.roll_back(socket.shared, socket.number);
        }
        socket.shared.site().hooks = true;
    }
}
