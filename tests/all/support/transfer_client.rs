//! A client for transfers that says one thing at a time, and judges nothing.

use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

use super::fake_strapi::frames::fresh_id;

/// A client that says one thing at a time.
pub struct Client {
    ws: WebSocket<TcpStream>,
    /// The id of the transfer.
    pub transfer: Value,
    /// The frames of the last stage of a pull.
    pub frames: Vec<Value>,
    /// The warnings that came.
    pub warnings: Vec<Value>,
}

/// The socket, or the status of the answer.
pub fn upgrade(port: u16, kind: &str, token: &str) -> Result<Client, u16> {
    let url = format!("ws://127.0.0.1:{}/admin/transfer/runner/{kind}", port);
    let mut request = url.into_client_request().unwrap();
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert("Authorization", bearer);
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    match tungstenite::client(request, stream) {
        Ok((ws, _)) => Ok(Client {
            ws,
            transfer: Value::Null,
            frames: Vec::new(),
            warnings: Vec::new(),
        }),
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
            Err(answer.status().as_u16())
        }
        Err(other) => panic!("{other}"),
    }
}

impl Client {
    /// Starts a transfer.
    pub fn init(&mut self, params: Value) {
        let message = json!({"type": "command", "command": "init", "params": params});
        self.transfer = self.ask(message).unwrap()["transferID"].clone();
    }

    /// The data of the answer to a request, or the words of the error.
    pub fn ask(&mut self, mut message: Value) -> Result<Value, String> {
        let uuid = fresh_id();
        message["uuid"] = uuid.as_str().into();
        message["transferID"] = self.transfer.clone();
        self.say(&message)?;
        loop {
            let answer = self.hear()?;
            if answer["uuid"] == uuid.as_str() {
                return match answer["error"]["message"].as_str() {
                    None => Ok(answer["data"].clone()),
                    Some(words) => Err(words.to_owned()),
                };
            }
        }
    }

    fn say(&mut self, message: &Value) -> Result<(), String> {
        let message = Message::text(message.to_string());
        self.ws.send(message).map_err(|error| error.to_string())
    }

    /// The next frame; those of stages are kept and acknowledged.
    fn hear(&mut self) -> Result<Value, String> {
        let frame = self.ws.read().map_err(|error| error.to_string())?;
        let frame: Value = serde_json::from_slice(&frame.into_data()).unwrap();
        if frame["diagnostic"]["kind"] == "warning" {
            self.warnings.push(frame["diagnostic"].clone());
        }
        if frame["data"]["type"] == "transfer" {
            self.frames.push(frame["data"].clone());
            self.say(&json!({"uuid": frame["uuid"]}))?;
        }
        Ok(frame)
    }

    /// Asks for an action.
    pub fn act(&mut self, action: &str) -> Result<Value, String> {
        self.ask(json!({"type": "transfer", "kind": "action", "action": action}))
    }

    /// Asks for a step of a stage.
    pub fn step(&mut self, action: &str, step: &str, data: Value) -> Result<Value, String> {
        let of = json!({
            "type": "transfer", "kind": "step", "action": action, "step": step, "data": data,
        });
        self.ask(of)
    }

    /// The items of a stage of a pull.
    pub fn stage(&mut self, stage: &str) -> Result<Vec<Value>, String> {
        self.frames.clear();
        self.step("start", stage, Value::Null)?;
        while self
            .frames
            .last()
            .is_none_or(|frame| frame["ended"] == false)
        {
            self.hear()?;
        }
        self.step("end", stage, Value::Null)?;
        let frames = self.frames.iter();
        let items = frames.filter_map(|frame| frame["data"].as_array().cloned());
        Ok(items.flatten().collect())
    }
}
