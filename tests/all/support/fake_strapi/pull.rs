//! What the modelled server does for a pull.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::content::Content;
use super::faults::{Harm, Point};
use super::frames::{Gone, Socket, fresh_id};
use super::names::{name, stage};
use super::site::Site;

/// Strapi gathers rows until their JSON is so long.
const BATCH: usize = 1 << 20;

/// Strapi gathers so many pieces of a file.
const PIECES: u64 = 16;

/// Serves a pull to its end.
pub(super) fn serve(mut socket: Socket) {
    let mut pull = Pull::default();
    while let Ok(message) = socket.receive() {
        if pull.take(&mut socket, &message).is_err() {
            break;
        }
    }
}

#[derive(Default)]
struct Pull {
    id: Option<String>,
    checksums: bool,
    bootstrapped: bool,
    flows: Vec<Flow>,
}

/// A stage that is being sent.
struct Flow {
    stage: &'static str,
    id: String,
    rows: VecDeque<Value>,
    files: VecDeque<File>,
    /// The frame that is to be acknowledged.
    waits_for: Option<String>,
    over: bool,
}

/// A file that is being sent.
struct File {
    content: Content,
    start: Option<Value>,
    asset: String,
    sent: u64,
}

impl Pull {
    fn take(&mut self, socket: &mut Socket, message: &Value) -> Result<(), Gone> {
        let Some(name) = name(message) else {
            return self.acknowledged(socket, &message["uuid"]);
        };
        socket.greet(message)?;
        let mut frame_first = false;
        match socket.shared.harm_at(&Point::Asked(name)) {
            Some(Harm::Error(error)) => return socket.refuse(message, error),
            Some(Harm::FrameFirst) => frame_first = true,
            Some(harm) => socket.suffer(harm, &mut Value::Null)?,
            None => {}
        }
        let major = socket.shared.site().major();
        if message["type"] == "command" {
            return self.command(socket, message, name, major);
        }
        if self.id.is_none() {
            return socket.fail_plainly(message, "Invalid Transfer Process");
        }
        match name {
            "bootstrap" => {
                self.bootstrapped = true;
                socket.answer(message, Value::Null)
            }
            "close" => socket.answer(message, Value::Null),
            "getMetadata" | "getSchemas" if !self.bootstrapped => socket.fail(
                message,
                "Not able to get Schemas. Strapi instance not found.",
            ),
            "getMetadata" => {
                let metadata = super::work::metadata(&socket.shared.site());
                socket.answer(message, metadata)
            }
            "getSchemas" => {
                let schemas = Value::Object(socket.shared.site().schemas.clone());
                socket.answer(message, schemas)
            }
            _ if message["kind"] == "step" => self.step(socket, message, major, frame_first),
            _ => {
                let action = message["action"].as_str().unwrap_or_default();
                socket.fail(message, &format!("Invalid action provided: \"{action}\""))
            }
        }
    }

    fn command(
        &mut self,
        socket: &mut Socket,
        message: &Value,
        name: &str,
        major: u32,
    ) -> Result<(), Gone> {
        match name {
            "init" if self.id.is_some() => {
                socket.fail_plainly(message, "Transfer already in progress")
            }
            "init" => {
                let id = fresh_id();
                let mut data = json!({"transferID": id});
                if major >= 5 {
                    data["checksums"] = true.into();
                    self.checksums = message["params"]["checksums"] == true;
                }
                self.id = Some(id);
                socket.answer(message, data)
            }
            "status" => socket.answer(message, json!({"active": self.id.is_none()})),
            "end" if message["params"]["transferID"].as_str() == self.id.as_deref() => {
                self.id = None;
                socket.answer(message, json!({"ok": true}))
            }
            "end" => socket.fail(message, "Bad transfer ID provided"),
            _ => socket.fail_plainly(message, "Invalid transfer command"),
        }
    }

    fn step(
        &mut self,
        socket: &mut Socket,
        message: &Value,
        major: u32,
        frame_first: bool,
    ) -> Result<(), Gone> {
        const NO_STREAM: &str = "Invalid transfer step, impossible to create a stream";
        let Some(stage) = stage(message) else {
            return socket.fail_plainly(message, NO_STREAM);
        };
        if message["action"] == "end" {
            self.flows.retain(|flow| flow.stage != stage);
            return socket.answer(message, json!({"ok": true}));
        }
        if self.flows.iter().any(|flow| flow.stage == stage) {
            let words = "Stream already created, something went wrong";
            return socket.fail_plainly(message, words);
        }
        if !self.bootstrapped {
            let words = format!("Not able to stream {stage}. Strapi instance not found.");
            return socket.fail_plainly(message, &words);
        }
        let (mut flow, missing) = Flow::new(&socket.shared.site(), stage);
        for file in missing {
            socket.diagnostic("warning", &format!("File {file} not found, skipping it"))?;
        }
        let mut data = json!({"ok": true, "id": flow.id});
        if stage == "assets" && major >= 5 {
            let bytes: u64 = flow.files.iter().map(|file| file.content.len()).sum();
            data["totals"] = json!({"totalBytes": bytes, "totalCount": flow.files.len()});
        }
        if frame_first {
            flow.send(socket, major, self.checksums)?;
            socket.answer(message, data)?;
        } else {
            socket.answer(message, data)?;
            flow.send(socket, major, self.checksums)?;
        }
        self.flows.push(flow);
        Ok(())
    }

    fn acknowledged(&mut self, socket: &mut Socket, uuid: &Value) -> Result<(), Gone> {
        let major = socket.shared.site().major();
        let uuid = uuid.as_str();
        let flow = self
            .flows
            .iter_mut()
            .find(|flow| flow.waits_for.as_deref() == uuid);
        match flow {
            Some(flow) if flow.over => {
                flow.waits_for = None;
                Ok(())
            }
            Some(flow) => flow.send(socket, major, self.checksums),
            None => Ok(()),
        }
    }
}

impl Flow {
    /// The stage as it is now, and the files that are not there.
    fn new(site: &Site, stage: &'static str) -> (Flow, Vec<String>) {
        let rows = match stage {
            "entities" => &site.entities[..],
            "links" => &site.links,
            "configuration" => &site.configuration,
            _ => &[],
        };
        let mut flow = Flow {
            stage,
            id: fresh_id(),
            rows: rows.iter().cloned().collect(),
            files: VecDeque::new(),
            waits_for: None,
            over: false,
        };
        let mut missing = Vec::new();
        let rows = site.entities.iter();
        let rows = rows.filter(|row| stage == "assets" && row["type"] == "plugin::upload.file");
        for sidecar in rows.flat_map(sidecars) {
            let name = file_name(&sidecar);
            match site.files.get(&name) {
                Some(content) => flow.files.push_back(File::new(sidecar, &name, content)),
                None => missing.push(name),
            }
        }
        (flow, missing)
    }

    /// Sends the next frame.
    fn send(&mut self, socket: &mut Socket, major: u32, checksums: bool) -> Result<(), Gone> {
        let data = match self.stage {
            "assets" => self.items(major, checksums).map(|items| json!([items])),
            _ => self.batch(),
        };
        let point = match &data {
            Some(_) => Point::Frame(self.stage),
            None => Point::Last(self.stage),
        };
        self.over = data.is_none();
        let data = data.unwrap_or(Value::Null);
        self.waits_for = Some(socket.frame(&point, data, &self.id, self.over)?);
        Ok(())
    }

    fn batch(&mut self) -> Option<Value> {
        let mut length = 0;
        let mut batch = Vec::new();
        while length < BATCH
            && let Some(row) = self.rows.pop_front()
        {
            length += row.to_string().len();
            batch.push(row);
        }
        (!batch.is_empty()).then_some(Value::Array(batch))
    }

    fn items(&mut self, major: u32, checksums: bool) -> Option<Vec<Value>> {
        let file = self.files.front_mut()?;
        let mut items: Vec<Value> = file.start.take().into_iter().collect();
        let last = file.content.pieces().min(file.sent + PIECES);
        for number in file.sent..last {
            let data = file.content.sent(number, major >= 5);
            let mut item = json!({"action": "stream", "assetID": file.asset});
            if major >= 5 {
                item["encoding"] = "base64".into();
            }
            item["data"] = data;
            items.push(item);
        }
        file.sent = last;
        if last == file.content.pieces() {
            let mut end = json!({"action": "end", "assetID": file.asset});
            if checksums {
                let value = file.content.digest();
                end["checksum"] = json!({"algorithm": "sha256", "value": value});
            }
            items.push(end);
            self.files.pop_front();
        }
        Some(items)
    }
}

impl File {
    fn new(sidecar: Value, name: &str, content: &Content) -> File {
        let asset = fresh_id();
        let data = json!({
            "metadata": sidecar, "filepath": format!("/srv/site/public/uploads/{name}"),
            "filename": name, "stats": {"size": content.len()},
        });
        File {
            content: content.clone(),
            start: Some(json!({"action": "start", "assetID": asset, "data": data})),
            asset,
            sent: 0,
        }
    }
}

/// What Strapi says of a file and of each of its formats.
fn sidecars(row: &Value) -> Vec<Value> {
    let mut main = json!({"id": row["id"]});
    let members = row["data"].as_object().unwrap();
    for (name, value) in members {
        main[name] = value.clone();
    }
    let mut all = vec![main];
    for (kind, format) in members["formats"].as_object().into_iter().flatten() {
        let mut sidecar = format.clone();
        sidecar["type"] = kind.as_str().into();
        sidecar["id"] = row["id"].clone();
        sidecar["mainHash"] = members["hash"].clone();
        all.push(sidecar);
    }
    all
}

/// The name of a file in the upload folder.
pub(super) fn file_name(sidecar: &Value) -> String {
    let text = |field: &str| sidecar[field].as_str().unwrap_or_default();
    format!("{}{}", text("hash"), text("ext"))
}
